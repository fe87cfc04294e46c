//! What changes a shard besides events: records of the same log, in the same order.

use serde::{Deserialize, Serialize};

use crate::config::StreamConfig;
use crate::event::Timestamp;

/// A journal record. Written as JSON: it is rare, is read by people, and outlives versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Entry {
    /// The stream's configuration from here on.
    Configure {
        /// All of it.
        config: Box<StreamConfig>,
    },
    /// Time has passed while no event came.
    Tick {
        /// The stream's clock stands at least here.
        at: Timestamp,
    },
    /// Forget what was learned.
    Reset {
        /// Of one key; of all where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// What an event was, said after it came.
    Label {
        /// Its key.
        key: String,
        /// Offset of its record.
        offset: u64,
        /// Whether it was an anomaly.
        is_anomaly: bool,
    },
    /// Train a key anew; the model before answers until the new one is warm.
    Retrain {
        /// The key.
        key: String,
    },
    /// Go back to what a key had learned before it was trained anew.
    BackToBefore {
        /// The key.
        key: String,
    },
    /// The events just before came with an idempotency key. Nothing for the shard; outputs keep it, so that the same request is
    /// answered again and not done again.
    Request {
        /// The key.
        key: String,
        /// Time of arrival, microseconds since the epoch.
        at: i64,
        /// What is needed to answer again.
        answer: String,
    },
    /// The record at this offset made processing panic twice and is skipped, always.
    Poison {
        /// Offset of the record.
        offset: u64,
    },
}

/// A journal record that this build does not understand.
#[derive(Debug, thiserror::Error)]
#[error(
    "journal record at offset {offset} is not understood: {source} (it may be of a newer willet)"
)]
pub struct JournalError {
    /// Where it stands.
    pub offset: u64,
    /// Why.
    pub source: serde_json::Error,
}

impl Entry {
    /// The key whose state must be in memory when it is taken.
    pub fn needs(&self) -> Option<&str> {
        match self {
            Self::Label { key, .. } | Self::Retrain { key } | Self::BackToBefore { key } => {
                Some(key)
            }
            _ => None,
        }
    }

    /// The record's payload.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain data always serialises into memory")
    }

    /// Reads a payload back.
    pub fn decode(offset: u64, payload: &[u8]) -> Result<Self, JournalError> {
        serde_json::from_slice(payload).map_err(|source| JournalError { offset, source })
    }
}
