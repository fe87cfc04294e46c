use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A port that could not do what it was asked. Cheap to clone: one failed commit is told to all its writers.
#[derive(Clone, Debug)]
pub struct PortError {
    cause: Arc<dyn Error + Send + Sync>,
    kind: PortErrorKind,
}

/// What can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortErrorKind {
    /// Space is missing: the same call may succeed once there is some.
    Full,
    /// The same call may succeed later.
    Unavailable,
    /// What was asked for cannot be: another call may succeed.
    Invalid,
    /// Something is broken.
    Broken,
}

impl PortError {
    /// An error that says by itself what was tried and what came.
    pub fn new(cause: impl Error + Send + Sync + 'static, kind: PortErrorKind) -> Self {
        Self {
            cause: Arc::new(cause),
            kind,
        }
    }

    /// Whether space is missing.
    pub fn is_full(&self) -> bool {
        self.kind == PortErrorKind::Full
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, PortErrorKind::Full | PortErrorKind::Unavailable)
    }

    /// Whether the caller asked for something that cannot be.
    pub fn is_user_error(&self) -> bool {
        self.kind == PortErrorKind::Invalid
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Error for PortError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}
