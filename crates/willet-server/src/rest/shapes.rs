//! What goes in and out, for the interface's document. Answers are mostly written straight from rows and columns; a test
//! holds these shapes against them.
#![expect(dead_code, reason = "shapes are described, not built")]

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An error (RFC 9457).
#[derive(ToSchema)]
pub(crate) struct Problem {
    /// A URI that stands for the code.
    r#type: String,
    title: String,
    status: u16,
    /// What was tried, what came, what would be right.
    detail: String,
    /// One of a closed list.
    code: String,
    /// To be found again in the logs.
    request_id: String,
    /// What came of each event, where there were several.
    results: Option<Vec<EventResult>>,
}

/// An event. Any one form of the values will do: `values`, `features`, `metric` with `value`, or numeric fields. Unknown fields
/// are kept as payload.
#[derive(ToSchema)]
pub(crate) struct Event {
    /// The key: what normal is learned for.
    #[schema(example = "pump-7")]
    source: Option<String>,
    /// RFC 3339, or seconds, milliseconds, microseconds or nanoseconds since the epoch; time of arrival where there is none.
    #[schema(value_type = Option<serde_json::Value>, example = "2026-01-02T03:04:05.678Z")]
    timestamp: Option<String>,
    /// Values by name; null is missing.
    #[schema(example = json!({"temperature": 71.2, "vibration": 0.31}))]
    values: Option<BTreeMap<String, Option<f64>>>,
    /// Values by place.
    features: Option<Vec<f64>>,
    /// Name of a single value: the series is `source/metric`.
    metric: Option<String>,
    /// A single value.
    value: Option<f64>,
    /// An id: a second event with it is not counted.
    id: Option<String>,
    /// 0 or 1: what is known of it.
    #[schema(value_type = Option<serde_json::Value>)]
    label: Option<u8>,
}

/// One event, or an array of them.
#[derive(ToSchema)]
#[schema(value_type = serde_json::Value, example = json!({"source": "pump-7", "values": {"temperature": 71.2}}))]
pub(crate) struct Events(serde_json::Value);

/// What came of one event.
#[derive(ToSchema)]
pub(crate) struct EventResult {
    /// `stream/partition/offset`, where it was taken.
    id: Option<String>,
    /// Line or place in the body, from 1, where it was not.
    line: Option<u64>,
    error: Option<EventError>,
}

/// Why an event was not taken.
#[derive(ToSchema)]
pub(crate) struct EventError {
    code: String,
    detail: String,
    /// Byte of the event at which it was seen, from 0.
    byte: Option<u64>,
}

/// What came of events.
#[derive(ToSchema)]
pub(crate) struct EventsTaken {
    stream: String,
    accepted: u64,
    rejected: u64,
    /// One for each event, in order.
    results: Vec<EventResult>,
}

/// A window or bucket of events.
#[derive(ToSchema)]
pub(crate) struct Window {
    /// Its first instant.
    begin: Option<String>,
    /// The first instant after it; of windows by samples the time of their last event.
    end: Option<String>,
    events: u64,
    /// Silent buckets left out just before it.
    left_out: Option<u64>,
    /// Events of it were left out, since there were too many.
    is_cut: Option<bool>,
    /// 1, 2, ... when late events corrected it; it stands in the id as `@1`.
    revision: Option<u32>,
}

/// The answer for one event. Fields that do not apply are left out.
#[derive(ToSchema)]
pub(crate) struct Verdict {
    /// `stream/partition/offset`.
    id: Option<String>,
    stream: Option<String>,
    source: Option<String>,
    timestamp: Option<String>,
    is_anomaly: bool,
    warming_up: Option<bool>,
    /// 1 in 10 is 0.50, 1 in 100 0.67, 1 in 1,000 0.75, 1 in 10,000 0.80; never 1.
    anomaly_score: Option<f64>,
    /// On the detector's own scale.
    score: Option<f64>,
    /// `anomaly_score` from which on an event was an anomaly.
    threshold: Option<f64>,
    /// Probability that `is_anomaly` is right.
    confidence: Option<f64>,
    /// `low`, `medium`, `high`, `critical`.
    severity: Option<String>,
    anomaly_type: Option<String>,
    /// What did it, in a sentence.
    reason: Option<String>,
    /// Low, middle and high of what was expected, by feature.
    expected: Option<BTreeMap<String, Vec<f64>>>,
    /// Share of each feature in the score; sum 1.
    contributions: Option<BTreeMap<String, f64>>,
    /// Values at which the event would have been normal, of the features that would have to move.
    counterfactual: Option<BTreeMap<String, f64>>,
    values: Option<BTreeMap<String, Option<f64>>>,
    late: Option<bool>,
    /// The window or bucket that it speaks of; left out of events.
    window: Option<Window>,
    /// Whether this event showed that what is normal has changed.
    drift_detected: Option<bool>,
    /// Size in 0..=1 of what the test sees of such a change.
    drift_magnitude: Option<f64>,
    /// Nothing was scored, and why.
    skipped: Option<String>,
    algorithm: Option<String>,
    model_version: Option<u32>,
    engine_version: Option<String>,
    sample_count: Option<u64>,
}

/// A verdict, or why an event was not taken.
#[derive(ToSchema)]
#[schema(value_type = serde_json::Value)]
pub(crate) struct VerdictOrError(serde_json::Value);

/// What came of events whose verdicts were waited for.
#[derive(ToSchema)]
pub(crate) struct Detected {
    stream: String,
    /// One for each event, in order: a verdict, or `line` and `error`.
    verdicts: Vec<VerdictOrError>,
    /// Verdicts of the windows and buckets that they closed; left out where there are none.
    windows: Option<Vec<Verdict>>,
}

/// An anomaly that another system found.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ExternalAlert {
    #[schema(example = "pump-7")]
    pub(crate) source: String,
    pub(crate) value: Option<f64>,
    pub(crate) metric: Option<String>,
    /// RFC 3339 or seconds since the epoch; now where there is none.
    #[schema(value_type = Option<serde_json::Value>)]
    pub(crate) timestamp: Option<serde_json::Value>,
    /// Nothing happens where it is false.
    pub(crate) is_anomaly: Option<bool>,
    /// 0 to 1.
    pub(crate) anomaly_score: Option<f64>,
    pub(crate) anomaly_type: Option<String>,
    /// Stream it belongs to; `default` where there is none.
    pub(crate) stream: Option<String>,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertTaken {
    /// Whether it is an anomaly here.
    pub(crate) is_anomaly: bool,
    /// Of the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// Of the alert that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) alert_id: Option<String>,
}

/// Verdicts, newest first.
#[derive(ToSchema)]
pub(crate) struct Anomalies {
    anomalies: Vec<Verdict>,
    count: u64,
}

/// A page of verdicts.
#[derive(ToSchema)]
pub(crate) struct AnomalyPage {
    items: Vec<Verdict>,
    next_cursor: Option<String>,
}

/// What is normal of a series has changed.
#[derive(ToSchema)]
pub(crate) struct Drift {
    /// `stream/partition/offset` of the record that showed it.
    id: String,
    stream: String,
    source: Option<String>,
    timestamp: Option<String>,
    /// Name of the test.
    test: String,
    /// The test's own statistic.
    statistic: f64,
    /// Chance of such a statistic without drift.
    p_value: Option<f64>,
    /// Size of the change in 0..=1.
    magnitude: f64,
    /// Rows since the change is believed to have begun.
    rows_ago: Option<u64>,
    /// Size of the change of each feature that changed.
    features: BTreeMap<String, f64>,
    /// What is done about it.
    action: String,
    sample_count: u64,
}

/// A page of drifts.
#[derive(ToSchema)]
pub(crate) struct DriftPage {
    items: Vec<Drift>,
    next_cursor: Option<String>,
}

/// What a person is told of anomalies that belong together.
#[derive(ToSchema)]
pub(crate) struct Alert {
    id: String,
    stream: String,
    source: String,
    /// `open`, `acknowledged`, `resolved`.
    state: String,
    severity: String,
    title: String,
    opened_at: String,
    updated_at: String,
    last_anomaly_at: String,
    resolved_at: Option<String>,
    acknowledged_at: Option<String>,
    acknowledged_by: Option<String>,
    note: Option<String>,
    anomalies: u64,
    max_anomaly_score: Option<f64>,
    silenced: bool,
    first_verdict: String,
    verdict: Verdict,
    receipts: Option<Vec<Receipt>>,
}

/// What came of telling somebody.
#[derive(ToSchema)]
pub(crate) struct Receipt {
    webhook: String,
    at: String,
    /// `delivered`, `failed`, `pending`.
    status: String,
    attempts: u32,
    detail: Option<String>,
}

/// A page of alerts.
#[derive(ToSchema)]
pub(crate) struct AlertPage {
    items: Vec<Alert>,
    next_cursor: Option<String>,
}

/// Who does it, and what they say.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signed {
    pub(crate) by: Option<String>,
    pub(crate) note: Option<String>,
}

/// A silence to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSilence {
    /// A key; a beginning of keys and `*`; or `*`.
    #[schema(example = "pump-*")]
    pub(crate) source: String,
    pub(crate) stream: Option<String>,
    /// RFC 3339; now where there is none.
    pub(crate) from: Option<String>,
    /// RFC 3339.
    #[schema(example = "2030-01-02T03:04:05Z")]
    pub(crate) until: String,
    pub(crate) reason: Option<String>,
    pub(crate) by: Option<String>,
}

/// Alerts that match are kept and not sent.
#[derive(ToSchema)]
pub(crate) struct Silence {
    id: String,
    source: String,
    stream: Option<String>,
    from: String,
    until: String,
    reason: Option<String>,
    by: Option<String>,
    created_at: String,
}

/// The silences that hold.
#[derive(ToSchema)]
pub(crate) struct SilencePage {
    items: Vec<Silence>,
    next_cursor: Option<String>,
}

/// A stream as it is written in the configuration file.
#[derive(ToSchema)]
#[schema(value_type = Object, example = json!({"name": "pumps", "detector": {"algorithm": "zscore"}}))]
pub(crate) struct StreamConfig(serde_json::Value);

/// A stream and how it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stream {
    pub(crate) name: String,
    /// `api`, `file`, `demo`.
    pub(crate) managed_by: &'static str,
    pub(crate) created_at: String,
    #[schema(value_type = Object)]
    pub(crate) config: serde_json::Value,
    pub(crate) status: StreamStatus,
}

/// How a stream is.
#[derive(Serialize, ToSchema)]
pub(crate) struct StreamStatus {
    /// `running`, `paused`, `degraded`, `failed`.
    pub(crate) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    pub(crate) events: u64,
    pub(crate) anomalies: u64,
    pub(crate) rejected: u64,
    /// Events that were taken and not judged, by reason: `missing`, `duplicate`, `width`, `form`, `names`, `time`, `features`,
    /// `poisoned`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Option<BTreeMap<String, u64>>)]
    pub(crate) skipped: BTreeMap<&'static str, u64>,
    pub(crate) keys: u64,
    pub(crate) model_version: u64,
    pub(crate) events_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_event_at: Option<String>,
}

/// The streams.
#[derive(Serialize, ToSchema)]
pub(crate) struct StreamPage {
    pub(crate) items: Vec<Stream>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

/// A key as lists show it.
#[derive(ToSchema)]
pub(crate) struct Key {
    stream: String,
    source: String,
    events: u64,
    anomalies: u64,
    first_seen: String,
    last_seen: String,
    values: BTreeMap<String, f64>,
}

/// A page of keys.
#[derive(ToSchema)]
pub(crate) struct KeyPage {
    items: Vec<Key>,
    next_cursor: Option<String>,
}

/// What is taken for normal of one feature.
#[derive(Serialize, ToSchema)]
pub(crate) struct Feature {
    pub(crate) name: String,
    /// Low, middle, high.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected: Option<[f64; 3]>,
}

/// What is known of a key.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyDetail {
    pub(crate) stream: String,
    pub(crate) source: String,
    pub(crate) algorithm: String,
    /// What the detector found out or chose for this series, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<String>,
    pub(crate) model_version: u32,
    pub(crate) sample_count: u64,
    pub(crate) warming_up: bool,
    /// Time of the newest event learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) learned_until: Option<String>,
    /// Offset of the newest record learned.
    pub(crate) learned_position: String,
    pub(crate) memory_bytes: u64,
    pub(crate) features: Vec<Feature>,
    /// When it was trained anew or further, oldest first; the last ones.
    pub(crate) retrains: Vec<Retrain>,
    /// Whether there is something to go back to.
    pub(crate) can_go_back: bool,
    pub(crate) events: u64,
    pub(crate) anomalies: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_seen: Option<String>,
}

/// What an event was.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feedback {
    /// `stream/partition/offset` of the event.
    #[schema(example = "default/0/17")]
    pub(crate) id: String,
    /// Whether it was an anomaly.
    pub(crate) is_anomaly: bool,
    /// Its key; needed where its verdict is not kept.
    pub(crate) source: Option<String>,
}

/// A training of a key.
#[derive(Serialize, ToSchema)]
pub(crate) struct Retrain {
    /// Event time when it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp: Option<String>,
    /// Rows of the key when it began.
    pub(crate) sample_count: u64,
    /// `drift`, `schedule`, `anomaly_rate` or `command`.
    pub(crate) reason: &'static str,
    /// `retrain`, `incremental` or `switch`.
    pub(crate) action: &'static str,
    /// Kept rows that were learned.
    pub(crate) rows: u64,
    /// `running`, `done`, `given up` or `undone`.
    pub(crate) state: &'static str,
}

/// A history in columns; null where nothing is known.
#[derive(ToSchema)]
pub(crate) struct History {
    stream: String,
    source: String,
    bucket_seconds: i64,
    /// Seconds since the epoch.
    times: Vec<i64>,
    events: Vec<u64>,
    anomalies: Vec<u64>,
    max_score: Vec<Option<f64>>,
    features: Vec<FeatureColumns>,
}

/// What one value did.
#[derive(ToSchema)]
pub(crate) struct FeatureColumns {
    name: String,
    mean: Vec<Option<f64>>,
    min: Vec<Option<f64>>,
    max: Vec<Option<f64>>,
    low: Vec<Option<f64>>,
    middle: Vec<Option<f64>>,
    high: Vec<Option<f64>>,
}

/// What happened when.
#[derive(ToSchema)]
pub(crate) struct Activity {
    bin_seconds: i64,
    /// Seconds since the epoch.
    times: Vec<i64>,
    events: Vec<u64>,
    anomalies: Vec<u64>,
    sources: Vec<SourceActivity>,
}

/// Anomalies of one key.
#[derive(ToSchema)]
pub(crate) struct SourceActivity {
    stream: String,
    source: String,
    anomalies: Vec<u64>,
    max_score: Vec<Option<f64>>,
    total: u64,
}

/// Health, part by part.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `healthy` or `degraded`.
    pub(crate) status: &'static str,
    pub(crate) version: &'static str,
    pub(crate) uptime_seconds: f64,
    pub(crate) checks: Vec<Check>,
}

/// Health of one part.
#[derive(Serialize, ToSchema)]
pub(crate) struct Check {
    pub(crate) name: String,
    /// `ok`, `degraded`, `failed`.
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

/// Whether events are taken.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    pub(crate) ready: bool,
}

/// Whether the process answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Alive {
    pub(crate) alive: bool,
}

/// Numbers of the node.
#[derive(Serialize, ToSchema)]
pub(crate) struct Statistics {
    pub(crate) total_events: u64,
    pub(crate) total_anomalies: u64,
    pub(crate) anomaly_rate: f64,
    pub(crate) events_per_second: f64,
    pub(crate) latency_ms: Latency,
    pub(crate) error_rate: f64,
    pub(crate) sources: u64,
    pub(crate) uptime_seconds: f64,
    pub(crate) open_alerts: u64,
    pub(crate) rejected_events: u64,
    /// Taken and not judged: no value, an id that came before, values that do not fit their series.
    pub(crate) skipped_events: u64,
    pub(crate) refused_requests: u64,
}

/// From arrival to verdict, of the last half minute.
#[derive(Serialize, ToSchema)]
pub(crate) struct Latency {
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
}

/// Reads one of the objects above. A struct alone would be read from an array too, place by place.
pub(crate) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(serde::de::Error::custom("an array, expected an object"));
    }
    serde_json::from_slice(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_no_object() {
        assert!(object::<Signed>(br#"{"by": "ana"}"#).is_ok());
        let error = object::<Signed>(br#" ["ana", "seen"]"#).expect_err("an array");
        assert!(error.to_string().contains("expected an object"), "{error}");
    }
}
