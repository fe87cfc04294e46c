//! Finds the segments of a log, judges each, and mends what a crash left.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use willet_engine::records::PartitionId;

use super::catalogue::Catalogue;
use super::contents::Contents;
use super::error::LogError;
use super::examine::{Ending, Findings, examine};
use super::header::{Beginning, Header, Listed, VERSION, read_beginning};
use super::record::salt;
use super::report::{Damage, DamageKind, LostOffsets, OpenReport};
use super::scan::Bounds;
use super::segment::{Segment, index_path, read_index, segment_number, segment_path};
use crate::disk::{Disk, DiskFile, OpenMode, TEMPORARY};

/// A log as it was found.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) catalogue: Catalogue,
    pub(super) next: BTreeMap<PartitionId, u64>,
    pub(super) next_sequence: u64,
    pub(super) next_number: u64,
    pub(super) report: OpenReport,
}

/// A segment file and what its head says.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    pub(super) file: Arc<dyn DiskFile>,
    header: Option<Header>,
    start: u64,
    /// A copy of the header that does not verify while the other does.
    damaged: Option<Range<u64>>,
}

/// Segment files of a folder in order, without those that a later header passes over; the paths of those come second.
pub(super) fn survey(
    disk: &dyn Disk,
    folder: &Path,
    folder_id: u64,
    mode: OpenMode,
) -> Result<(Vec<Candidate>, Vec<PathBuf>), LogError> {
    let entries = disk
        .list(folder)
        .map_err(|error| LogError::io("list", folder, error))?;
    let mut numbers: Vec<u64> = entries
        .iter()
        .filter_map(|entry| segment_number(&entry.name))
        .collect();
    numbers.sort_unstable();
    let mut candidates = Vec::with_capacity(numbers.len());
    for number in numbers {
        candidates.push(Candidate::open(
            disk,
            segment_path(folder, number),
            number,
            folder_id,
            mode,
        )?);
    }
    let mut abandoned = Vec::new();
    let mut least_before = u64::MAX;
    for index in (0..candidates.len()).rev() {
        let number = candidates[index].number;
        if number > least_before {
            abandoned.push(candidates.remove(index).path);
        } else if let Some(header) = &candidates[index].header {
            // Without one before there was nothing that counted.
            least_before = header.before.as_ref().map_or(0, |before| before.segment);
        }
    }
    Ok((candidates, abandoned))
}

impl Candidate {
    fn open(
        disk: &dyn Disk,
        path: PathBuf,
        number: u64,
        folder_id: u64,
        mode: OpenMode,
    ) -> Result<Self, LogError> {
        let file = disk
            .open(&path, mode)
            .map_err(|error| LogError::io("open", &path, error))?;
        let beginning =
            read_beginning(file.as_ref()).map_err(|error| LogError::io("read", &path, error))?;
        let (header, start, damaged) = match beginning {
            Beginning::Newer(found) => {
                return Err(LogError::TooNew {
                    path,
                    found,
                    known: VERSION,
                });
            }
            Beginning::Header { header, .. } if header.folder_id != folder_id => {
                return Err(LogError::Foreign {
                    path,
                    found: header.folder_id,
                    expected: folder_id,
                });
            }
            Beginning::Header {
                header,
                start,
                damaged,
            } if header.segment == number => (Some(header), start, damaged),
            Beginning::Header { .. } | Beginning::Damaged => (None, 0, None),
        };
        Ok(Self {
            number,
            path,
            file,
            header,
            start,
            damaged,
        })
    }

    fn before(&self) -> Option<&super::header::Before> {
        self.header.as_ref()?.before.as_ref()
    }

    /// Writes the good copy of a header over the damaged one.
    fn mend_header(&self) -> io::Result<()> {
        let (Some(header), Some(damaged)) = (&self.header, &self.damaged) else {
            return Ok(());
        };
        let copies = header.encode();
        self.file
            .write_at(&copies[..copies.len() / 2], damaged.start)?;
        self.file.sync_data()
    }

    fn io<T>(&self, action: &'static str, result: io::Result<T>) -> Result<T, LogError> {
        result.map_err(|error| LogError::io(action, &self.path, error))
    }
}

/// State of a walk over all segments; opening and `verify` share it.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) next: BTreeMap<PartitionId, u64>,
    pub(super) catalogue: Catalogue,
    pub(super) damage: Vec<Damage>,
    pub(super) torn_bytes: u64,
    last_number: Option<u64>,
    /// Damage found before the segment that is judged now began.
    settled: usize,
}

/// What is known of a segment before its records are read.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) bounds: Bounds,
    pub(super) ending: Ending,
    pub(super) index: Option<Contents>,
}

impl Walk {
    /// Takes the head, the index and the successor's head of a segment into account.
    pub(super) fn enter(
        &mut self,
        disk: &dyn Disk,
        folder_id: u64,
        candidate: &Candidate,
        successor: Option<&Candidate>,
    ) -> Result<Known, LogError> {
        if let (Some(before), Some(last)) = (candidate.before(), self.last_number)
            && before.segment > last
        {
            self.damage.push(Damage {
                file: candidate
                    .path
                    .with_file_name(format!("{:012}.seg", before.segment)),
                bytes: 0..before.end,
                kind: DamageKind::Missing,
                lost: Vec::new(),
            });
        }
        self.last_number = Some(candidate.number);
        if let Some(header) = &candidate.header {
            self.claim(
                header
                    .catalogue
                    .iter()
                    .map(|listed| (listed.id, listed.next)),
            );
            self.catalogue.insert_listed(&header.catalogue);
        }
        if let Some(bytes) = &candidate.damaged {
            self.damage.push(Damage {
                file: candidate.path.clone(),
                bytes: bytes.clone(),
                kind: DamageKind::Header,
                lost: Vec::new(),
            });
        }
        self.settled = self.damage.len();

        let length = candidate.io("read the length of", candidate.file.len())?;
        let mut bounds = Bounds {
            salt: salt(folder_id, candidate.number),
            base: candidate.header.as_ref().map_or(0, |header| header.base),
            start: candidate.start,
            end: length,
            voids: Vec::new(),
        };
        let index = self.index(disk, folder_id, candidate)?;
        let before = successor
            .and_then(Candidate::before)
            .filter(|before| before.segment == candidate.number);
        let index = index.filter(|index| before.is_none_or(|before| before.end == index.end));
        let known = match (before, &index) {
            (Some(before), _) => Some((before.end, &before.voids)),
            (None, Some(index)) => Some((index.end, &index.voids)),
            (None, None) => None,
        };
        let ending = if known.is_some() {
            Ending::Known
        } else {
            Ending::Open
        };
        if let Some((end, voids)) = known {
            bounds.end = end;
            bounds.voids.clone_from(voids);
        }
        Ok(Known {
            bounds,
            ending,
            index,
        })
    }

    fn index(
        &mut self,
        disk: &dyn Disk,
        folder_id: u64,
        candidate: &Candidate,
    ) -> Result<Option<Contents>, LogError> {
        let path = index_path(&candidate.path);
        match read_index(disk, &candidate.path, folder_id, candidate.number) {
            Ok(Some((contents, names))) => {
                self.catalogue.insert_listed(&names);
                return Ok(Some(contents));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() != io::ErrorKind::InvalidData => {
                return Err(LogError::io("read", &path, error));
            }
            Ok(None) | Err(_) => {}
        }
        self.damage.push(Damage {
            file: path,
            bytes: 0..0,
            kind: DamageKind::Index,
            lost: Vec::new(),
        });
        self.settled = self.damage.len();
        Ok(None)
    }

    /// Reads all records of a segment.
    pub(super) fn read(
        &mut self,
        candidate: &Candidate,
        known: &Known,
    ) -> Result<Contents, LogError> {
        let examined = examine(
            candidate.file.as_ref(),
            &candidate.path,
            &known.bounds,
            known.ending,
            &mut self.next,
        );
        let Findings {
            mut contents,
            names,
            damage,
            torn_bytes,
        } = candidate.io("read", examined)?;
        self.catalogue.insert_listed(&names);
        if contents.records == 0 {
            // A crash may have come while the header was written: nothing says that it was ever whole.
            let own = self
                .damage
                .iter_mut()
                .filter(|damage| damage.file == candidate.path);
            own.for_each(|damage| damage.kind = DamageKind::Uncertain);
        }
        self.damage.extend(damage);
        self.torn_bytes += torn_bytes;
        if let Some(index) = &known.index {
            self.skip(index);
            contents.next_sequence = contents.next_sequence.max(index.next_sequence);
        }
        Ok(contents)
    }

    /// Believes the index of a sealed segment.
    pub(super) fn skip(&mut self, index: &Contents) {
        self.claim(
            index
                .partitions
                .iter()
                .map(|(id, extent)| (*id, extent.next)),
        );
    }

    /// Raises next offsets; what is missing below them was lost in the damage found last, if any was.
    fn claim(&mut self, offsets: impl Iterator<Item = (PartitionId, u64)>) {
        for (partition, claimed) in offsets {
            let next = self.next.entry(partition).or_insert(0);
            if claimed > *next
                && self.damage.len() > self.settled
                && let Some(damage) = self.damage.last_mut()
            {
                damage.lost.push(LostOffsets {
                    partition,
                    offsets: *next..claimed,
                });
            }
            *next = (*next).max(claimed);
        }
    }
}

/// Opens what is in `folder`, seals the newest segment, and removes what failed attempts left.
pub(super) fn recover(
    disk: &dyn Disk,
    folder: &Path,
    folder_id: u64,
) -> Result<Recovered, LogError> {
    sweep(disk, folder)?;
    let (candidates, abandoned) = survey(disk, folder, folder_id, OpenMode::Edit)?;
    let next_number = next_number(disk, folder)?;
    let mut walk = Walk::default();
    let mut report = OpenReport {
        clean: true,
        ..OpenReport::default()
    };
    let mut segments = Vec::with_capacity(candidates.len());
    let mut next_sequence = 0;
    for (index, candidate) in candidates.iter().enumerate() {
        let successor = candidates.get(index + 1);
        let known = walk.enter(disk, folder_id, candidate, successor)?;
        let contents = match &known.index {
            Some(sealed) if successor.is_some() => {
                walk.skip(sealed);
                sealed.clone()
            }
            _ => walk.read(candidate, &known)?,
        };
        if successor.is_none() {
            report.clean = known.ending == Ending::Known;
            if candidate.header.is_none() && contents.records == 0 && !report.clean {
                // The crash came while the file was made; nothing in it was ever acknowledged.
                remove(disk, &candidate.path)?;
                report.abandoned.push(candidate.path.clone());
                continue;
            }
        }
        next_sequence = next_sequence.max(contents.next_sequence);
        let sealed = known.index.is_some();
        segments.push(adopt(
            disk,
            candidate,
            contents,
            folder_id,
            sealed,
            &walk.catalogue,
        )?);
        if !sealed && (successor.is_some() || report.clean) {
            report.rebuilt_indexes.push(index_path(&candidate.path));
        }
    }
    for path in abandoned {
        remove(disk, &path)?;
        report.abandoned.push(path);
    }
    disk.sync_folder(folder)
        .map_err(|error| LogError::io("sync", folder, error))?;
    report.segments = segments.len();
    report.torn_bytes = walk.torn_bytes;
    report.damage = walk.damage;
    let Walk {
        next, catalogue, ..
    } = walk;
    Ok(Recovered {
        segments,
        catalogue,
        next,
        next_sequence,
        next_number,
        report,
    })
}

/// Makes a judged segment a sealed one.
fn adopt(
    disk: &dyn Disk,
    candidate: &Candidate,
    contents: Contents,
    folder_id: u64,
    sealed: bool,
    catalogue: &Catalogue,
) -> Result<Arc<Segment>, LogError> {
    let cut = contents.end;
    let name = (candidate.number, candidate.path.clone());
    let file = Arc::clone(&candidate.file);
    let segment = Segment::new(name, file, folder_id, candidate.start, contents);
    // What lies behind the end was refused. It must not come back, even if all that says so is damaged one day.
    let length = candidate.io("read the length of", candidate.file.len())?;
    if length > cut {
        candidate.io("cut", candidate.file.set_len(cut))?;
    }
    // What a killed process wrote may be in memory only; from here on it counts.
    if length > cut || !sealed {
        candidate.io("sync", candidate.file.sync_data())?;
    }
    if sealed {
        segment.has_index();
        return Ok(Arc::new(segment));
    }
    let mended = candidate.mend_header();
    // On a full disk the log still opens; the index is made at closing or at a later opening.
    let _ = mended.map(|()| segment.write_index(disk, catalogue));
    Ok(Arc::new(segment))
}

/// Removes a segment and its index.
pub(super) fn remove(disk: &dyn Disk, segment: &Path) -> Result<(), LogError> {
    // The index first: one without its segment could be taken for that of a later segment.
    for path in [index_path(segment), segment.to_path_buf()] {
        match disk.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(LogError::io("remove", &path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A number that no file has, not even an index whose segment a crash took.
fn next_number(disk: &dyn Disk, folder: &Path) -> Result<u64, LogError> {
    let entries = disk
        .list(folder)
        .map_err(|error| LogError::io("list", folder, error))?;
    let numbers = entries.iter().filter_map(|entry| {
        let stem = entry
            .name
            .strip_suffix(".seg")
            .or(entry.name.strip_suffix(".idx"))?;
        segment_number(&format!("{stem}.seg"))
    });
    Ok(numbers.max().map_or(1, |newest| newest.saturating_add(1)))
}

/// Removes unfinished files.
fn sweep(disk: &dyn Disk, folder: &Path) -> Result<(), LogError> {
    let entries = disk
        .list(folder)
        .map_err(|error| LogError::io("list", folder, error))?;
    for entry in entries
        .iter()
        .filter(|entry| entry.name.ends_with(TEMPORARY))
    {
        let path = folder.join(&entry.name);
        disk.remove(&path)
            .map_err(|error| LogError::io("remove", &path, error))?;
    }
    Ok(())
}

/// The catalogue as a header lists it.
pub(super) fn list(catalogue: &Catalogue, next: &BTreeMap<PartitionId, u64>) -> Vec<Listed> {
    catalogue
        .iter()
        .map(|(id, stream, number)| Listed {
            id,
            next: next.get(&id).copied().unwrap_or(0),
            number,
            stream: stream.to_owned(),
        })
        .collect()
}
