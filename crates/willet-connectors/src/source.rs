//! What every input can do.

use std::io;

use serde::{Deserialize, Serialize};
use willet_engine::records::Records;

use crate::framing::Rejected;
use crate::places::Places;

/// An input that is pulled.
pub trait Source: Send + std::fmt::Debug {
    /// Appends records to `out`, about `max_bytes` of payload at most, but at least one record if there is one.
    /// Their offsets are the numbers of the records in this input, from 0.
    /// After an error the records read before it are in `out` or were handed out before.
    fn read(&mut self, out: &mut Records, max_bytes: usize) -> Result<Pull, SourceError>;

    /// Where reading stands: after the last record handed out.
    fn cursor(&self) -> Cursor;

    /// Goes on after `cursor`. After [`SourceError::CursorLost`] the source stands at the start of what is there now.
    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError>;

    /// How much has been read, where the size is known.
    fn progress(&self) -> Option<Progress>;

    /// Places of the records that the last `read` appended.
    fn places(&self) -> &Places;

    /// Takes what could not be a record since the last call.
    fn take_rejected(&mut self) -> Vec<Rejected>;
}

/// What a `read` came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pull {
    /// There are new records, or something was rejected.
    Records,
    /// Nothing now; ask again later.
    Idle,
    /// Nothing more, ever.
    End,
}

/// Bytes of the input as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Read so far.
    pub bytes_done: u64,
    /// Of these.
    pub bytes_total: u64,
}

/// Where a source stands. To others it is a value to keep and give back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub(crate) identity: Option<Identity>,
    /// Byte of the uncompressed input.
    pub(crate) byte: u64,
    /// Lines before that byte.
    pub(crate) lines: u64,
    /// Records handed out.
    pub(crate) records: u64,
}

/// Which file it is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// Bytes hashed, from the first; inode numbers are used again, beginnings seldom.
    pub(crate) head_bytes: u64,
    pub(crate) head_hash: u64,
}

/// Why an input cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// There is no such file.
    #[error("no file `{input}`, expected the path of a file to read (- reads stdin)")]
    NotFound {
        /// The path.
        input: String,
    },
    /// The path is a folder.
    #[error("`{input}` is a folder, expected a file")]
    IsFolder {
        /// The path.
        input: String,
    },
    /// The file may not be read.
    #[error("no permission to read `{input}`")]
    NoPermission {
        /// The path.
        input: String,
    },
    /// The file has no bytes.
    #[error("file `{input}` is empty, expected records")]
    Empty {
        /// The path.
        input: String,
    },
    /// The input is text of another encoding.
    #[error("`{input}` is UTF-16, expected UTF-8 (iconv -f UTF-16 -t UTF-8 makes it so)")]
    Utf16 {
        /// The path, or `stdin`.
        input: String,
    },
    /// Compressed data that cannot be unpacked.
    #[error("`{input}` is damaged gzip, {lines} whole lines were read before the damage")]
    DamagedGzip {
        /// The path, or `stdin`.
        input: String,
        /// Lines that came out.
        lines: u64,
        /// What the unpacking said.
        source: io::Error,
    },
    /// A compressed file does not grow line by line.
    #[error("`{input}` is gzip, which cannot be followed (read it without follow)")]
    FollowGzip {
        /// The path.
        input: String,
    },
    /// The place to go on at is gone.
    #[error(
        "`{input}` is not the file that was read before, what followed byte {byte} of that one is lost"
    )]
    CursorLost {
        /// The path.
        input: String,
        /// Where reading stood.
        byte: u64,
    },
    /// This input cannot go back.
    #[error("cannot go on in the middle of {input}, it can be read only once")]
    CannotSeek {
        /// The input.
        input: String,
    },
    /// Too much to be held in memory.
    #[error(
        "`{input}` has its newest rows first and more than {limit} MiB, too much to turn round here (tac turns a file round)"
    )]
    TooLarge {
        /// The path.
        input: String,
        /// Mebibytes that are held at most.
        limit: usize,
    },
    /// A setting that cannot be.
    #[error("{field} is {got}, expected {allowed}")]
    Config {
        /// Path of the setting.
        field: String,
        /// What it is.
        got: String,
        /// What it may be.
        allowed: String,
    },
    /// The system refused.
    #[error("cannot read `{input}`")]
    Io {
        /// The path, or `stdin`.
        input: String,
        /// What it said.
        source: io::Error,
    },
}

impl SourceError {
    /// The error for `input` that `source` means.
    pub(crate) fn io(input: &str, source: io::Error) -> Self {
        let input = input.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { input },
            io::ErrorKind::IsADirectory => Self::IsFolder { input },
            io::ErrorKind::PermissionDenied => Self::NoPermission { input },
            _ => Self::Io { input, source },
        }
    }

    /// Whether the same call may succeed later without anybody's doing.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::Interrupted
                    | io::ErrorKind::TimedOut
                    | io::ErrorKind::WouldBlock
                    | io::ErrorKind::ResourceBusy
                    | io::ErrorKind::StaleNetworkFileHandle
            ),
            _ => false,
        }
    }

    /// Whether the user can put it right.
    pub fn is_user_error(&self) -> bool {
        !matches!(self, Self::Io { .. })
    }
}
