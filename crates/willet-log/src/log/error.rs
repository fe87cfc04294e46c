use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use willet_engine::records::PartitionId;

/// Why the log could not do what was asked. Cheap to clone: one failed commit is told to all its writers.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The disk is full. The log goes on by itself once there is space.
    #[error(
        "no space left to {action} {path} (free some, or lower the retention; the log goes on by itself)"
    )]
    Full {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: Arc<io::Error>,
    },
    /// The disk failed.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: Arc<io::Error>,
    },
    /// A record is larger than `max_record_bytes`.
    #[error(
        "record {index} of the append has {bytes} bytes, expected at most {limit} (`max_record_bytes`)"
    )]
    RecordTooLarge {
        /// Which record of the append.
        index: usize,
        /// Its payload.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// An append is larger than `max_append_bytes`.
    #[error(
        "the append has {bytes} bytes with its headers, expected at most {limit} (`max_append_bytes`; send less at once)"
    )]
    AppendTooLarge {
        /// Bytes of the append in the log.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Too much was appended without a commit.
    #[error(
        "{bytes} bytes wait for a commit, expected at most {limit} (`max_pending_bytes`; commit first)"
    )]
    PendingTooLarge {
        /// Bytes that would wait.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The catalogue does not know the partition.
    #[error("the log has no partition {}, expected one that `partition` returned", .partition.0)]
    UnknownPartition {
        /// The number asked for.
        partition: PartitionId,
    },
    /// The log was closed.
    #[error("the log is closed, expected no appends after `close` (open it again)")]
    Closed,
    /// A stream name does not fit the catalogue.
    #[error("stream name has {bytes} bytes, expected 1 to {limit}")]
    StreamName {
        /// Length of the name.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Options contradict themselves or the format.
    #[error("`{option}` is {value}, expected {expected}")]
    Option {
        /// Name of the option.
        option: &'static str,
        /// Its value.
        value: usize,
        /// What it must be.
        expected: &'static str,
    },
    /// A segment was written by a newer program.
    #[error(
        "segment {path} has format version {found}, expected at most {known} (install a newer version)"
    )]
    TooNew {
        /// The segment.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version this program reads.
        known: u32,
    },
    /// A segment belongs to another data folder.
    #[error(
        "segment {path} belongs to folder {found:016x}, expected {expected:016x} (move it back where it came from)"
    )]
    Foreign {
        /// The segment.
        path: PathBuf,
        /// Folder id in its header.
        found: u64,
        /// Id of this folder.
        expected: u64,
    },
}

impl LogError {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        let source = Arc::new(source);
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full {
                action,
                path,
                source,
            },
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }

    /// Whether the disk was full: the same append may succeed later.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }

    /// Whether the caller asked for something that cannot be.
    pub fn is_user_error(&self) -> bool {
        !matches!(self, Self::Full { .. } | Self::Io { .. })
    }
}
