//! What the node asks of a store: one transaction for everything that belongs together.

use std::fmt::Debug;

/// Rows that become durable together, or not at all.
#[derive(Debug, Default)]
pub struct Commit {
    /// Verdicts, in order. A verdict whose id is there already changes nothing.
    pub verdicts: Vec<VerdictRow>,
    /// Drifts, in order. One whose id is there already changes nothing.
    pub drifts: Vec<DriftRow>,
    /// Parts of histories, to be added to what is there.
    pub history: Vec<HistoryRow>,
    /// Alerts as they are now.
    pub alerts: Vec<AlertRow>,
    /// Notifications to send. One that is there already changes nothing.
    pub outbox: Vec<OutboxRow>,
    /// What the incidents shard remembers, by name; `None` removes.
    pub incident_state: Vec<(String, Option<Vec<u8>>)>,
    /// Requests that must not be done twice.
    pub requests: Vec<RequestRow>,
    /// Everything of records before these is durable with this transaction.
    pub positions: Vec<PositionRow>,
}

/// A verdict to keep.
#[derive(Clone, Debug)]
pub struct VerdictRow {
    /// `stream/partition/offset`.
    pub id: String,
    /// The stream.
    pub stream: String,
    /// The key.
    pub source: String,
    /// Event time where there is one, else time of arrival; microseconds since the epoch.
    pub at: i64,
    /// The answer.
    pub is_anomaly: bool,
    /// On the scale of all kinds; `None` where nothing was scored.
    pub anomaly_score: Option<f64>,
    /// `low`, `medium`, `high`, `critical`; `None` for a verdict that is no anomaly.
    pub severity: Option<&'static str>,
    /// `spike`, ...
    pub anomaly_type: Option<String>,
    /// The verdict as it stands at every door.
    pub json: String,
}

/// A drift to keep.
#[derive(Clone, Debug)]
pub struct DriftRow {
    /// `stream/partition/offset` of the record that showed it.
    pub id: String,
    /// The stream.
    pub stream: String,
    /// The key.
    pub source: String,
    /// Event time where there is one, else time of arrival; microseconds since the epoch.
    pub at: i64,
    /// Name of the test.
    pub test: &'static str,
    /// Size of the change in 0..=1.
    pub magnitude: f64,
    /// The drift as it stands at every door.
    pub json: String,
}

/// What a series did within one bucket of time, since it was last told.
#[derive(Clone, Debug)]
pub struct HistoryRow {
    /// The stream.
    pub stream: String,
    /// The key.
    pub source: String,
    /// Begin of the bucket of [`BUCKET_SECONDS`], in seconds since the epoch.
    pub bucket: i64,
    /// Names of the values, in order.
    pub names: std::sync::Arc<[Box<str>]>,
    /// Events.
    pub events: u64,
    /// Anomalies among them.
    pub anomalies: u64,
    /// Highest `anomaly_score`; `None` where nothing was scored.
    pub max_score: Option<f64>,
    /// Time of the newest event, microseconds since the epoch.
    pub newest: i64,
    /// One for each name.
    pub values: Vec<ValueHistory>,
}

/// Finest bucket of a history.
pub const BUCKET_SECONDS: i64 = 10;

/// What one value did within a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueHistory {
    /// How often it was there.
    pub count: u64,
    /// Sum of those.
    pub sum: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Last.
    pub last: f64,
    /// What the detector took for normal at the end: low, middle, high.
    pub expected: Option<[f64; 3]>,
}

/// An alert as it is now.
#[derive(Clone, Debug)]
pub struct AlertRow {
    /// Made of the position of its first verdict.
    pub id: String,
    /// The stream.
    pub stream: String,
    /// The key.
    pub source: String,
    /// `open`, `acknowledged`, `resolved`.
    pub state: &'static str,
    /// `low`, `medium`, `high`, `critical`.
    pub severity: &'static str,
    /// Microseconds since the epoch.
    pub opened_at: i64,
    /// The alert as it stands at every door.
    pub json: String,
}

/// A notification.
#[derive(Clone, Debug)]
pub struct OutboxRow {
    /// Derived from the alert and what happened to it: the same is never sent twice.
    pub id: String,
    /// The alert.
    pub alert_id: String,
    /// Name of the receiver in the configuration.
    pub receiver: String,
    /// What is sent.
    pub body: String,
    /// Microseconds since the epoch.
    pub created_at: i64,
}

/// A request with an idempotency key, and what it came to.
#[derive(Clone, Debug)]
pub struct RequestRow {
    /// The key.
    pub key: String,
    /// Microseconds since the epoch.
    pub at: i64,
    /// What is needed to answer again.
    pub answer: Vec<u8>,
}

/// How far an input of the store has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionRow {
    /// The stream, or a name that begins with `_`.
    pub stream: String,
    /// Its partition.
    pub partition: u32,
    /// Offset behind the last record.
    pub offset: u64,
}

/// The durable home of verdicts, alerts and all that is derived from them.
pub trait Store: Send + Debug {
    /// Writes all of it in one transaction. It survives the process; [`Store::sync`] makes it survive the machine.
    fn commit(&mut self, commit: &Commit) -> Result<Committed, StoreError>;
    /// Makes every transaction so far survive a power cut.
    fn sync(&mut self) -> Result<(), StoreError>;
    /// How far each input had come.
    fn positions(&mut self) -> Result<Vec<PositionRow>, StoreError>;
    /// All that the incidents shard remembered.
    fn incident_state(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError>;
    /// Requests not older than this, in microseconds since the epoch.
    fn requests(&mut self, since: i64) -> Result<Vec<RequestRow>, StoreError>;
    /// Removes histories and verdicts: of one key, or of the whole stream with its positions.
    fn forget(&mut self, stream: &str, source: Option<&str>) -> Result<(), StoreError>;
    /// Deletes what is older than it must be kept, a bounded piece; returns whether there may be more.
    fn retain(&mut self, now: i64) -> Result<bool, StoreError>;
}

/// What a commit found new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// For each verdict, whether it was new.
    pub is_new: Vec<bool>,
    /// For each drift, whether it was new.
    pub is_new_drift: Vec<bool>,
}

/// A store that cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
#[error("store: {message}")]
pub struct StoreError {
    /// What was tried and what came.
    pub message: String,
    /// Whether the same call may succeed later: locked, or the disk is full.
    pub is_retryable: bool,
    /// Whether space is missing.
    pub is_full: bool,
}
