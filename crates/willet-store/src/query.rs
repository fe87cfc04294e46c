//! The questions that are asked of a store, and their answers. Times are microseconds since the epoch unless a name says
//! otherwise.

use serde_json::value::RawValue;
use willet_engine::codec::timestamp::rfc3339;
use willet_engine::event::Timestamp;
use willet_engine::incidents::{AlertState, Severity};
use willet_node::store::StoreError;
use willet_proto::Key;

/// A question that has no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cursor is not one of this list.
    #[error("cursor is not one that this list gave (leave it out to begin anew)")]
    Cursor,
    /// Something with this name is there already.
    #[error("{what} `{name}` exists already")]
    Exists {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
}

/// Which page of a list.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// Most rows, 1 to [`PageRequest::MOST`]; more are cut to it.
    pub limit: usize,
    /// `next_cursor` of the page before; none for the first.
    pub cursor: Option<String>,
}

impl PageRequest {
    /// Most rows of a page.
    pub const MOST: usize = 1000;

    /// The first page.
    pub fn first(limit: usize) -> Self {
        Self {
            limit,
            cursor: None,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.limit.clamp(1, Self::MOST)
    }
}

/// Which anomalies. What is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct AnomalyFilter {
    /// Only of this stream.
    pub stream: Option<String>,
    /// Only of this key, and of all keys that begin with it and a `/`.
    pub source: Option<String>,
    /// From this time on.
    pub from: Option<i64>,
    /// Until before this time.
    pub to: Option<i64>,
    /// `anomaly_score` at least this.
    pub min_score: Option<f64>,
    /// Any of these; all where it is empty.
    pub severities: Vec<Severity>,
    /// Only of this type (`spike`, ...).
    pub anomaly_type: Option<String>,
}

/// Which drifts. What is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct DriftFilter {
    /// Only of this stream.
    pub stream: Option<String>,
    /// Only of this key, and of all keys that begin with it and a `/`.
    pub source: Option<String>,
    /// From this time on.
    pub from: Option<i64>,
    /// Until before this time.
    pub to: Option<i64>,
}

/// Which alerts. What is `None` or empty does not matter.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    /// Any of these.
    pub states: Vec<AlertState>,
    /// Only of this stream.
    pub stream: Option<String>,
    /// Only of this key, and of all keys that begin with it and a `/`.
    pub source: Option<String>,
    /// Any of these.
    pub severities: Vec<Severity>,
}

/// A key, as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyRow {
    /// The stream.
    pub stream: String,
    /// The key.
    pub source: String,
    /// Events of all time.
    pub events: u64,
    /// Anomalies among them.
    pub anomalies: u64,
    /// Begin of the bucket of its first event.
    pub first_seen: i64,
    /// Time of its newest event.
    pub last_seen: i64,
    /// Last value of each name.
    pub values: Vec<(String, f64)>,
    /// Whether a history is kept; there is a limit to how many are.
    pub has_history: bool,
}

impl From<&KeyRow> for Key {
    fn from(row: &KeyRow) -> Self {
        let values = row.values.iter();
        Self {
            stream: row.stream.clone(),
            source: row.source.clone(),
            events: row.events,
            anomalies: row.anomalies,
            first_seen: rfc3339(Timestamp(row.first_seen)),
            last_seen: rfc3339(Timestamp(row.last_seen)),
            values: values
                .map(|(name, value)| (name.as_str(), *value))
                .collect(),
        }
    }
}

/// Which key is meant.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyAnswer {
    /// This one.
    One(KeyRow),
    /// None has this name, and none begins with it and a `/`.
    Unknown,
    /// Any of these, by stream and key, at most 20: the same key in several streams, or several `KEY/metric`.
    Several(Vec<(String, String)>),
}

/// Which part of a history, and how fine.
#[derive(Clone, Debug)]
pub struct HistoryRequest {
    /// The stream.
    pub stream: String,
    /// The key, exactly.
    pub source: String,
    /// From this time on; from the first where there is none.
    pub from: Option<i64>,
    /// Until before this time; to the newest where there is none.
    pub to: Option<i64>,
    /// Most places, 1 to 2,000; more are cut to it.
    pub points: usize,
}

/// What a stream did, of all time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamTotals {
    /// The stream.
    pub stream: String,
    /// Events.
    pub events: u64,
    /// Anomalies among them.
    pub anomalies: u64,
    /// Keys.
    pub keys: u64,
    /// Keys without a history, because there were [too many](crate::StoreOptions::max_history_series).
    pub keys_without_history: u64,
    /// Time of the newest event.
    pub newest: i64,
}

/// A stream, as it was configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRow {
    /// Its name.
    pub name: String,
    /// `api`, `file` or `demo`.
    pub managed_by: String,
    /// Its configuration, YAML or JSON.
    pub config: String,
    /// Whether it takes no events.
    pub is_paused: bool,
    /// When it was made.
    pub created_at: i64,
    /// What is to be known of its model; free.
    pub model: Option<String>,
}

/// A token to keep. Only its SHA-256 is written.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The token itself, at least 128 bits that nobody can guess.
    pub token: String,
    /// A name for people.
    pub name: String,
    /// What it may do.
    pub role: String,
    /// When it was made.
    pub created_at: i64,
    /// From when on it is refused; never where there is none.
    pub expires_at: Option<i64>,
}

/// A token that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Its number.
    pub id: i64,
    /// A name for people.
    pub name: String,
    /// What it may do.
    pub role: String,
    /// When it was made.
    pub created_at: i64,
    /// From when on it is refused.
    pub expires_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

/// A notification that waits for its receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The same on every attempt.
    pub id: String,
    /// The receiver.
    pub receiver: String,
    /// The alert.
    pub alert_id: String,
    /// What is sent.
    pub body: String,
    /// When it was made.
    pub created_at: i64,
    /// Attempts so far.
    pub attempts: u32,
}

/// What came of an attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Of the notification.
    pub id: String,
    /// The receiver.
    pub receiver: String,
    /// The alert.
    pub alert_id: String,
    /// When.
    pub at: i64,
    /// Attempts with this one.
    pub attempts: u32,
    /// What came.
    pub outcome: AttemptOutcome,
}

/// What came of an attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// It was taken.
    Delivered,
    /// It is to be tried again.
    Retry {
        /// Not before this.
        next_attempt_at: i64,
        /// Why it was not taken.
        detail: String,
    },
    /// It is given up.
    Failed {
        /// Why.
        detail: String,
    },
}

/// JSON from the file, as it is.
pub(crate) fn raw(json: String) -> Result<Box<RawValue>, StoreError> {
    RawValue::from_string(json).map_err(|error| StoreError {
        message: format!("a row is not JSON: {error} (run `willet verify`)"),
        is_retryable: false,
        is_full: false,
    })
}
