use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::verdict::Verdict;

/// An event. Any one form of the values will do: `values`, `features`, `metric` with `value`, or numeric fields. Unknown fields
/// are kept as payload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// The key: what normal is learned for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "pump-7")]
    pub source: Option<String>,
    /// RFC 3339, or seconds, milliseconds, microseconds or nanoseconds since the epoch; time of arrival where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>, example = "2026-01-02T03:04:05.678Z")]
    pub timestamp: Option<serde_json::Value>,
    /// Values by name; null is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!({"temperature": 71.2, "vibration": 0.31}))]
    pub values: Option<BTreeMap<String, Option<f64>>>,
    /// Values by place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<f64>>,
    /// Name of a single value: the series is `source/metric`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// A single value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// An id: a second event with it is not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// 0 or 1: what is known of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub label: Option<serde_json::Value>,
}

/// One [`Event`], or an array of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = serde_json::Value, example = json!({"source": "pump-7", "values": {"temperature": 71.2}}))]
pub struct Events(pub serde_json::Value);

/// What came of one event: its id where it was taken, else its place and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventResult {
    /// `stream/partition/offset`, where it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// Line or place in the body, from 1, where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub line: Option<u64>,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<EventError>,
}

/// Why an event was not taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventError {
    /// One of a closed list.
    pub code: String,
    /// What came, what would be right.
    pub detail: String,
    /// Byte of the event at which it was seen, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub byte: Option<u32>,
}

/// What came of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventsTaken {
    /// The stream that took them.
    pub stream: String,
    /// How many it took.
    pub accepted: u64,
    /// How many it did not.
    pub rejected: u64,
    /// One for each event, in order.
    pub results: Vec<EventResult>,
}

/// An event that was not taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventFailed {
    /// Line or place in the body, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub error: EventError,
}

/// What came of events whose verdicts were waited for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Detected {
    /// The stream that judged them.
    pub stream: String,
    /// One for each event, in order: a verdict, or `line` and `error` (an [`EventFailed`]).
    #[schema(value_type = Vec<serde_json::Value>)]
    pub verdicts: Vec<Box<RawValue>>,
    /// Verdicts of the windows and buckets that they closed; left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Verdict<'static>>)]
    pub windows: Vec<Box<RawValue>>,
}
