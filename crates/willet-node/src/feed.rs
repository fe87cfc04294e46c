//! What a shard is fed with: records and the events that they are.

use std::error::Error;
use std::fmt;

use willet_engine::event::EventBatch;
use willet_engine::records::Records;
use willet_engine::verdict::Verdicts;

/// Records with the events that they were decoded to, one event a record, offsets counted from 0 by the feed.
#[derive(Debug, Default)]
pub struct Batch {
    /// The records that were understood.
    pub records: Records,
    /// Their events.
    pub events: EventBatch,
    /// Where the source stands after them.
    pub cursor: Vec<u8>,
    pub(crate) verdicts: Verdicts,
}

/// What a feed came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// The batch holds something, or something was rejected: go on.
    More,
    /// Nothing now; ask again later.
    Idle,
    /// Nothing more, ever.
    End,
}

/// Where batches come from: a source with its codec.
pub trait Feed: Send {
    /// Fills an empty batch.
    fn fill(&mut self, batch: &mut Batch) -> Result<Fed, FeedError>;
}

/// Opens a feed, from the beginning or behind a cursor; the hashes of its keys are made with the seed given.
pub type OpenFeed = Box<dyn FnMut(Option<&[u8]>, u64) -> Result<Box<dyn Feed>, FeedError> + Send>;

/// Why a feed cannot go on: an error of the system that it reads, and what can be done about it.
#[derive(Debug)]
pub struct FeedError {
    cause: Box<dyn Error + Send + Sync>,
    is_retryable: bool,
    is_user_error: bool,
}

impl FeedError {
    /// An error that says by itself what was tried and what came.
    pub fn new(
        cause: impl Into<Box<dyn Error + Send + Sync>>,
        is_retryable: bool,
        is_user_error: bool,
    ) -> Self {
        Self {
            cause: cause.into(),
            is_retryable,
            is_user_error,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.is_retryable
    }

    /// Whether the user can put it right.
    pub fn is_user_error(&self) -> bool {
        self.is_user_error
    }
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Error for FeedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}
