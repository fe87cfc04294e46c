//! The durable log: one sequence of segment files for each data folder, with logical partitions. docs/log-format.md has the
//! bytes and the rules.

mod append;
mod bytes;
mod catalogue;
mod contents;
mod error;
mod examine;
mod header;
mod open;
mod partition;
mod read;
mod record;
mod report;
mod retain;
mod scan;
mod segment;
mod verify;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use willet_engine::records::PartitionId;

use crate::folder::DataFolder;
use append::{Active, Pending};
use catalogue::Catalogue;
use segment::View;

pub use error::LogError;
pub use partition::OwnedLog;
pub use read::{LogReader, PhysicalReader};
pub use report::{Damage, DamageKind, LostOffsets, OpenReport, Retained, VerifyReport};
pub use retain::Retention;
pub use verify::{VerifyError, verify};

/// Longest stream name.
pub const MAX_STREAM_NAME_BYTES: usize = 1 << 10;
/// Positions in a segment have 32 bits; a commit may pass the roll size by what waits.
const MAX_SEGMENT_BYTES: usize = 1 << 30;

/// Limits and sizes of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// A new segment begins at the first commit past this size; at most 1 GiB.
    pub segment_bytes: usize,
    /// Largest payload.
    pub max_record_bytes: usize,
    /// Largest append, with 44 bytes for each record.
    pub max_append_bytes: usize,
    /// Most bytes that wait for a commit; at least `max_append_bytes`, at most 1 GiB.
    pub max_pending_bytes: usize,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            max_record_bytes: 16 << 20,
            max_append_bytes: 64 << 20,
            max_pending_bytes: 64 << 20,
        }
    }
}

impl LogOptions {
    fn check(&self) -> Result<(), LogError> {
        let wrong = |option, value, expected| {
            Err(LogError::Option {
                option,
                value,
                expected,
            })
        };
        if !(1..=MAX_SEGMENT_BYTES).contains(&self.segment_bytes) {
            return wrong("segment_bytes", self.segment_bytes, "1 to 1073741824");
        }
        if self.max_append_bytes > self.max_pending_bytes {
            return wrong(
                "max_append_bytes",
                self.max_append_bytes,
                "at most `max_pending_bytes`",
            );
        }
        if self.max_pending_bytes > MAX_SEGMENT_BYTES {
            return wrong(
                "max_pending_bytes",
                self.max_pending_bytes,
                "at most 1073741824",
            );
        }
        Ok(())
    }
}

/// The log of a data folder, for one writer. Many share the thread that owns it (`willet_node::service::SharedLog`).
///
/// A log that is dropped without [`Log::close`] is left as a crash leaves it.
#[derive(Debug)]
pub struct Log {
    folder: DataFolder,
    path: PathBuf,
    options: LogOptions,
    view: Arc<View>,
    catalogue: Catalogue,
    /// Next offsets with what waits for a commit; the view has the durable ones.
    next: BTreeMap<PartitionId, u64>,
    next_sequence: u64,
    next_number: u64,
    active: Option<Active>,
    pending: Pending,
    /// Whether a new segment must be begun so that its head can say what the old one cannot.
    head_is_stale: bool,
}

impl Log {
    /// Opens the log of a folder, creates it if there is none, and mends what a crash left.
    pub fn open(folder: &DataFolder, options: LogOptions) -> Result<(Self, OpenReport), LogError> {
        options.check()?;
        let path = folder.log_path();
        let disk = folder.disk();
        disk.create_folder(&path)
            .map_err(|error| LogError::io("create", &path, error))?;
        let found = open::recover(disk.as_ref(), &path, folder.id())?;
        let log = Self {
            folder: folder.clone(),
            path,
            options,
            view: Arc::new(View::new(
                Arc::clone(disk),
                found.segments,
                found.next.clone(),
            )),
            catalogue: found.catalogue,
            next: found.next,
            next_sequence: found.next_sequence,
            next_number: found.next_number,
            active: None,
            pending: Pending::default(),
            head_is_stale: false,
        };
        Ok((log, found.report))
    }

    /// The partition with this number of a stream; a new one is durable with the next commit.
    pub fn partition(&mut self, stream: &str, number: u32) -> Result<PartitionId, LogError> {
        if let Some(id) = self.catalogue.id(stream, number) {
            return Ok(id);
        }
        if !(1..=MAX_STREAM_NAME_BYTES).contains(&stream.len()) {
            return Err(LogError::StreamName {
                bytes: stream.len(),
                limit: MAX_STREAM_NAME_BYTES,
            });
        }
        // A partition whose name was lost to damage keeps its number: `next` knows it too.
        let id = PartitionId(self.next.last_key_value().map_or(0, |(last, _)| last.0 + 1));
        self.catalogue.insert(id, stream, number);
        self.next.insert(id, 0);
        self.view.state().next.insert(id, 0);
        self.list_partition(id, stream, number);
        Ok(id)
    }

    /// All partitions with stream name and number in the stream.
    pub fn partitions(&self) -> impl Iterator<Item = (PartitionId, &str, u32)> {
        self.catalogue.iter()
    }

    /// The offset that the next durable record of the partition will have, not counting what waits for a commit.
    pub fn end(&self, partition: PartitionId) -> Option<u64> {
        self.view.state().next.get(&partition).copied()
    }

    /// The oldest offset that is kept, or the end when none is.
    pub fn start(&self, partition: PartitionId) -> Option<u64> {
        read::start(&self.view, partition)
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.view
            .state()
            .segments
            .iter()
            .map(|segment| segment.contents().end)
            .sum()
    }

    /// Makes offsets below `floor` never be given again: a checkpoint has seen them, even if damage took them from the log.
    pub fn raise_floor(&mut self, partition: PartitionId, floor: u64) -> Result<(), LogError> {
        let next = self
            .next
            .get_mut(&partition)
            .ok_or(LogError::UnknownPartition { partition })?;
        if *next < floor {
            *next = floor;
            self.head_is_stale = true;
            if self.pending.is_empty() {
                self.view.state().next.insert(partition, floor);
            }
        }
        Ok(())
    }

    /// Reads one partition from an offset.
    pub fn reader(&self, partition: PartitionId, from: u64) -> LogReader {
        LogReader::new(Arc::clone(&self.view), partition, from)
    }

    /// Reads all partitions in the order in which the records were written.
    pub fn physical_reader(&self) -> PhysicalReader {
        PhysicalReader::new(Arc::clone(&self.view))
    }

    /// Commits, seals the segment, and marks the log as closed. After an error the records are safe all the same, only the mark
    /// may be missing.
    pub fn close(mut self) -> Result<(), LogError> {
        self.commit()?;
        self.seal_active()?;
        // Indexes that a full disk did not take before.
        for segment in &self.view.state().segments {
            segment.write_index(self.folder.disk().as_ref(), &self.catalogue)?;
        }
        self.folder
            .disk()
            .sync_folder(&self.path)
            .map_err(|error| LogError::io("sync", &self.path, error))
    }
}
