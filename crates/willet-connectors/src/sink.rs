//! What every output can do.

use std::io;

/// An output of bytes, whole lines at a time.
pub trait Sink: Send + std::fmt::Debug {
    /// Writes all of `bytes`; they may be held back until `flush`.
    fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError>;

    /// Hands on what was held back.
    fn flush(&mut self) -> Result<(), SinkError>;

    /// Flushes and makes the output whole; nothing is written after it.
    fn finish(&mut self) -> Result<(), SinkError>;
}

/// Why an output cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// Whoever reads the output has gone (`| head`); nothing more is wanted.
    #[error("the reader of {output} has gone")]
    Closed {
        /// The path, or `stdout`.
        output: String,
    },
    /// The path leads nowhere.
    #[error("cannot write `{output}`, its folder does not exist")]
    NoFolder {
        /// The path.
        output: String,
    },
    /// The path is a folder.
    #[error("`{output}` is a folder, expected a file")]
    IsFolder {
        /// The path.
        output: String,
    },
    /// The file may not be written.
    #[error("no permission to write `{output}`")]
    NoPermission {
        /// The path.
        output: String,
    },
    /// The disk is full.
    #[error("no space left to write `{output}`")]
    Full {
        /// The path, or `stdout`.
        output: String,
    },
    /// The system refused.
    #[error("cannot write `{output}`")]
    Io {
        /// The path, or `stdout`.
        output: String,
        /// What it said.
        source: io::Error,
    },
}

impl SinkError {
    /// The error for `output` that `source` means.
    pub(crate) fn io(output: &str, source: io::Error) -> Self {
        let output = output.to_owned();
        match source.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed { output },
            io::ErrorKind::NotFound => Self::NoFolder { output },
            io::ErrorKind::IsADirectory => Self::IsFolder { output },
            io::ErrorKind::PermissionDenied => Self::NoPermission { output },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { output },
            _ => Self::Io { output, source },
        }
    }

    /// Whether the same call may succeed later without a change of configuration.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Io { .. })
    }

    /// Whether the user can put it right.
    pub fn is_user_error(&self) -> bool {
        !matches!(self, Self::Closed { .. } | Self::Io { .. })
    }
}
