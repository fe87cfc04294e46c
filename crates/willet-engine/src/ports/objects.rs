use std::fmt::Debug;
use std::io;
use std::ops::Range;

/// Why an object could not be stored or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// `put_if_absent` found one.
    #[error("object `{name}` exists already (another owner stored it)")]
    AlreadyExists {
        /// The object.
        name: String,
    },
    /// `replace` found other bytes than those expected.
    #[error("object `{name}` is not what it was (another owner stored it)")]
    Changed {
        /// The object.
        name: String,
    },
    /// There is none.
    #[error("no object `{name}`")]
    NotFound {
        /// The object.
        name: String,
    },
    /// The name cannot be a path.
    #[error(
        "`{name}` is not an object name, expected parts of letters, digits and `-_=.@` joined by `/`, none beginning with a dot or ending with `.tmp`"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A range reaches behind the end.
    #[error("object `{name}` has {bytes} bytes, expected at least {end} for the range asked for")]
    Range {
        /// The object.
        name: String,
        /// Its size.
        bytes: u64,
        /// End of the range.
        end: u64,
    },
    /// The disk failed.
    #[error("cannot {action} object `{name}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which object.
        name: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl ObjectError {
    /// Whether the disk was full: the same call may succeed later.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }
}

/// A store of named bytes, for checkpoints. It promises what S3-like stores do, so that one can stand behind it: an object is there whole
/// or not at all, and durable when a call returns.
pub trait Objects: Send + Sync + Debug {
    /// Stores an object, in place of one of the same name.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ObjectError>;
    /// Stores an object, or fails with [`ObjectError::AlreadyExists`]: of two who try, one wins.
    fn put_if_absent(&self, name: &str, bytes: &[u8]) -> Result<(), ObjectError>;
    /// Stores an object in place of one that still is `expected`, or fails with [`ObjectError::Changed`], or
    /// [`ObjectError::NotFound`]: of two who try, one wins.
    fn replace(&self, name: &str, expected: &[u8], bytes: &[u8]) -> Result<(), ObjectError>;
    /// All bytes of an object.
    fn get(&self, name: &str) -> Result<Vec<u8>, ObjectError>;
    /// Some bytes of an object.
    fn get_range(&self, name: &str, range: Range<u64>) -> Result<Vec<u8>, ObjectError>;
    /// Names that begin with `prefix`, sorted.
    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError>;
    /// Removes an object; no error when there is none.
    fn delete(&self, name: &str) -> Result<(), ObjectError>;
}
