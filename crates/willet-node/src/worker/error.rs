use willet_engine::chunk::ChunkError;
use willet_engine::codec;
use willet_engine::config::PlanError;
use willet_engine::envelope::EnvelopeError;
use willet_engine::journal::JournalError;
use willet_engine::ports::{ObjectError, PortError};
use willet_engine::recovery;

use crate::output::OutputError;

/// What can go wrong between a shard and the world.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The log.
    #[error(transparent)]
    Log(#[from] PortError),
    /// The checkpoint store.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The output.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A journal record.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A configuration in the journal.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// How records are to be understood.
    #[error(transparent)]
    Codec(#[from] codec::ConfigError),
    /// The output was cut or replaced since the last run and the log no longer reaches back.
    #[error(
        "output holds {held} bytes, {expected} were written before, and the log begins at record {first} only (give back \
         the output of the last run, or begin a new data folder)"
    )]
    OutputLost {
        /// Bytes there are.
        held: u64,
        /// Bytes there should be.
        expected: u64,
        /// Oldest record of the log.
        first: u64,
    },
}

impl WorkerError {
    /// Whether space is missing: the same call may succeed later.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Log(error) => error.is_full(),
            Self::Objects(error) => error.is_full(),
            Self::Output(error) => error.is_full(),
            _ => false,
        }
    }
}

/// Something found wrong and lived with, for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// Records that should be there are not.
    #[error(transparent)]
    Loss(#[from] recovery::Loss),
    /// Damage in the log.
    #[error("the log is damaged: {0}")]
    Log(String),
    /// A manifest that cannot be used.
    #[error("checkpoint `{name}` cannot be used, an older one or the log stands in: {reason}")]
    Manifest {
        /// Its object.
        name: String,
        /// Why.
        reason: String,
    },
    /// A chunk that cannot be used and that nothing stands in for.
    #[error("checkpoint file `{name}` cannot be used, its keys start anew: {source}")]
    Chunk {
        /// Its object.
        name: String,
        /// Why.
        source: ChunkError,
    },
    /// A key whose state cannot be used.
    #[error("saved state of key `{key}` cannot be used, it starts anew: {reason}")]
    Key {
        /// The key.
        key: String,
        /// Why.
        reason: String,
    },
    /// The mark of what was delivered cannot be read.
    #[error(
        "the mark of delivered verdicts cannot be read, verdicts are written anew from the beginning of the log, or from the \
         newest checkpoint where the log no longer reaches back: {0}"
    )]
    Mark(EnvelopeError),
}
