//! Segments as the writer and the readers share them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use willet_engine::records::PartitionId;

use super::catalogue::Catalogue;
use super::contents::{Contents, Mark};
use super::error::LogError;
use super::scan::Bounds;
use crate::disk::{Disk, DiskFile, read_file, replace_file};

/// Largest index file that is read: marks of 1 GiB of the smallest records.
const MAX_INDEX_BYTES: u64 = 1 << 30;

/// An open segment file. Readers keep it open, so retention may remove its name meanwhile.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) folder_id: u64,
    pub(super) salt: u32,
    /// First byte behind the header, 0 when that is damaged.
    pub(super) start: u64,
    contents: Mutex<Contents>,
    /// Whether the index file is there, which is to say: whether the segment is sealed for good.
    indexed: AtomicBool,
}

impl Segment {
    pub(super) fn new(
        (number, path): (u64, PathBuf),
        file: Arc<dyn DiskFile>,
        folder_id: u64,
        start: u64,
        contents: Contents,
    ) -> Self {
        Self {
            number,
            path,
            file,
            folder_id,
            salt: super::record::salt(folder_id, number),
            start,
            contents: Mutex::new(contents),
            indexed: AtomicBool::new(false),
        }
    }

    /// Writes the index file, if it is not there, and leaves the marks to it.
    pub(super) fn write_index(
        &self,
        disk: &dyn Disk,
        catalogue: &Catalogue,
    ) -> Result<(), LogError> {
        if self.is_indexed() {
            return Ok(());
        }
        let index = self
            .contents()
            .encode(self.folder_id, self.number, catalogue);
        let path = index_path(&self.path);
        replace_file(disk, &path, &index).map_err(|error| LogError::io("write", &path, error))?;
        self.has_index();
        Ok(())
    }

    /// Whether the index file is there.
    pub(super) fn is_indexed(&self) -> bool {
        self.indexed.load(Ordering::Relaxed)
    }

    /// Notes that the index file is there.
    pub(super) fn has_index(&self) {
        self.indexed.store(true, Ordering::Relaxed);
        self.contents().forget_marks();
    }

    pub(super) fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn bounds(&self) -> Bounds {
        let contents = self.contents();
        Bounds {
            salt: self.salt,
            base: contents.base,
            start: self.start,
            end: contents.end,
            voids: contents.voids.clone(),
        }
    }

    /// Whether there is nothing behind the header.
    pub(super) fn is_empty(&self) -> bool {
        self.contents().end <= self.start
    }

    /// Next offset of the partition behind this segment, if it has records of it.
    pub(super) fn next_of(&self, partition: PartitionId) -> Option<u64> {
        self.contents()
            .partitions
            .get(&partition)
            .map(|extent| extent.next)
    }

    /// Marks of a partition: of the active segment from memory, of a sealed one from its index. `None`: read it all.
    pub(super) fn marks_of(&self, disk: &dyn Disk, partition: PartitionId) -> Option<Vec<Mark>> {
        let marks = self
            .contents()
            .partitions
            .get(&partition)
            .map(|extent| extent.marks.clone());
        if let Some(marks) = marks.filter(|marks| !marks.is_empty()) {
            return Some(marks);
        }
        let (mut contents, _) =
            read_index(disk, &self.path, self.folder_id, self.number).ok()??;
        Some(contents.partitions.remove(&partition)?.marks)
    }
}

/// The index of a segment; `None` inside when it is damaged.
pub(super) fn read_index(
    disk: &dyn Disk,
    segment_path: &Path,
    folder_id: u64,
    number: u64,
) -> io::Result<Option<(Contents, Vec<super::header::Listed>)>> {
    let bytes = read_file(disk, &index_path(segment_path), MAX_INDEX_BYTES)?;
    Ok(Contents::decode(&bytes, folder_id, number))
}

pub(super) fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:012}.seg"))
}

pub(super) fn index_path(segment: &Path) -> PathBuf {
    segment.with_extension("idx")
}

/// Number of the segment with this file name.
pub(super) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    let number = digits.parse().ok().filter(|number| *number > 0)?;
    (format!("{number:012}") == digits).then_some(number)
}

/// What is durable: all that readers may see.
#[derive(Debug)]
pub(super) struct View {
    pub(super) disk: Arc<dyn Disk>,
    state: Mutex<ViewState>,
}

#[derive(Debug, Default)]
pub(super) struct ViewState {
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) next: BTreeMap<PartitionId, u64>,
}

impl View {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        segments: Vec<Arc<Segment>>,
        next: BTreeMap<PartitionId, u64>,
    ) -> Self {
        Self {
            disk,
            state: Mutex::new(ViewState { segments, next }),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ViewState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
