//! The questions that are asked of a store, and their answers. Times are microseconds since the epoch unless a name says
//! otherwise; answers serialise as they stand at every door.

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use willet_engine::codec::timestamp::write_rfc3339;
use willet_engine::event::Timestamp;
use willet_engine::incidents::{AlertState, Severity};
use willet_node::store::{BUCKET_SECONDS, StoreError};

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

/// One page of a list.
#[derive(Clone, Debug, Serialize)]
pub struct Page<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// Where the next begins; none on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
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

impl Serialize for KeyRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut wire = serializer.serialize_struct("Key", 7)?;
        wire.serialize_field("stream", &self.stream)?;
        wire.serialize_field("source", &self.source)?;
        wire.serialize_field("events", &self.events)?;
        wire.serialize_field("anomalies", &self.anomalies)?;
        wire.serialize_field("first_seen", &rfc3339(self.first_seen))?;
        wire.serialize_field("last_seen", &rfc3339(self.last_seen))?;
        wire.serialize_field("values", &Object(&self.values))?;
        wire.end()
    }
}

/// Names and values as an object, in this order.
struct Object<'a>(&'a [(String, f64)]);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A time as it stands in JSON.
pub(crate) fn rfc3339(micros: i64) -> String {
    let mut text = Vec::with_capacity(27);
    write_rfc3339(&mut text, Timestamp(micros));
    String::from_utf8(text).expect("digits and separators")
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

/// A history, in columns. Places without events are left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct History {
    /// The stream.
    pub stream: String,
    /// The key.
    pub source: String,
    /// Seconds of a place.
    pub bucket_seconds: i64,
    /// Begins of the places, in seconds since the epoch.
    pub times: Vec<i64>,
    /// Events in each.
    pub events: Vec<u64>,
    /// Anomalies in each.
    pub anomalies: Vec<u64>,
    /// Highest `anomaly_score` in each.
    pub max_score: Vec<Option<f64>>,
    /// The values.
    pub features: Vec<FeatureColumns>,
}

impl History {
    /// That of a key of which no bucket is written yet.
    pub fn empty(stream: String, source: String) -> Self {
        Self {
            stream,
            source,
            bucket_seconds: BUCKET_SECONDS,
            times: Vec::new(),
            events: Vec::new(),
            anomalies: Vec::new(),
            max_score: Vec::new(),
            features: Vec::new(),
        }
    }
}

/// What one value did, in columns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureColumns {
    /// Its name.
    pub name: String,
    /// Mean over the events of a place.
    pub mean: Vec<Option<f64>>,
    /// Smallest.
    pub min: Vec<Option<f64>>,
    /// Largest.
    pub max: Vec<Option<f64>>,
    /// What was expected at the end of the place: lower end.
    pub low: Vec<Option<f64>>,
    /// Middle.
    pub middle: Vec<Option<f64>>,
    /// Upper end.
    pub high: Vec<Option<f64>>,
}

impl FeatureColumns {
    pub(crate) fn named(name: &str, places: usize) -> Self {
        let column = || Vec::with_capacity(places);
        Self {
            name: name.to_owned(),
            mean: column(),
            min: column(),
            max: column(),
            low: column(),
            middle: column(),
            high: column(),
        }
    }
}

/// What happened when, over all keys, and for those with the most anomalies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Activity {
    /// Seconds of a bin.
    pub bin_seconds: i64,
    /// Begins of the bins, in seconds since the epoch; all of them, also those without events.
    pub times: Vec<i64>,
    /// Events in each.
    pub events: Vec<u64>,
    /// Anomalies in each.
    pub anomalies: Vec<u64>,
    /// Keys with the most anomalies, most first.
    pub sources: Vec<SourceActivity>,
}

/// Anomalies of one key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceActivity {
    /// The stream.
    pub stream: String,
    /// The key.
    pub source: String,
    /// Anomalies in each bin.
    pub anomalies: Vec<u64>,
    /// Highest `anomaly_score` in each bin.
    pub max_score: Vec<Option<f64>>,
    /// Anomalies in all bins.
    pub total: u64,
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
