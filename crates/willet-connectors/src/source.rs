//! What every input can do.

use std::{fmt, io};

use serde::Serialize;
use serde::de::DeserializeOwned;
use willet_engine::records::Records;

use crate::framing::{Framing, Rejected};
use crate::places::Places;

/// An input that is pulled.
pub trait Source: Send + fmt::Debug {
    /// What it reads, as errors and dead letters name it.
    fn name(&self) -> &str;

    /// The first bytes, uncompressed and without taking them; before the first `read`. Waits for `max_bytes`, for `enough_lines` lines or
    /// for the end, whichever comes first. Empty where records are made and not cut from bytes.
    fn sample(&mut self, max_bytes: usize, enough_lines: usize) -> Result<&[u8], SourceError> {
        let _ = (max_bytes, enough_lines);
        Ok(&[])
    }

    /// Says how records are told apart, once a sample has shown it; before the first `read`. Nothing where records are made.
    fn set_framing(&mut self, framing: Framing) {
        let _ = framing;
    }

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

/// Where a source stands: bytes to keep and to give back, which only a source of that kind reads. Shown, they are a line for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

impl Cursor {
    /// One that was kept.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes to keep.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A place as its source knows it.
    pub(crate) fn of(place: &impl Serialize) -> Self {
        Self(serde_json::to_vec(place).expect("plain data always serialises into memory"))
    }

    /// The place as its source knows it; the start where nothing was kept.
    pub(crate) fn place<P: Default + DeserializeOwned>(
        &self,
        input: &str,
    ) -> Result<P, SourceError> {
        if self.0.is_empty() {
            return Ok(P::default());
        }
        serde_json::from_slice(&self.0).map_err(|source| SourceError::CursorUnknown {
            input: input.to_owned(),
            cursor: self.to_string(),
            source,
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
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
    /// A cursor of something else.
    #[error("cannot go on in `{input}` at {cursor}, which is no place of such a source")]
    CursorUnknown {
        /// The input.
        input: String,
        /// What was kept.
        cursor: String,
        /// What is wrong with it.
        source: serde_json::Error,
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
    /// Settings that are not understood.
    #[error("{path}{source}")]
    Settings {
        /// Where, with a colon; empty where nobody knows.
        path: String,
        /// What is wrong.
        source: serde_json::Error,
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
