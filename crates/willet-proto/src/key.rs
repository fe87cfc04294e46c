use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::named::Named;

/// A key as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Key {
    /// The stream.
    pub stream: String,
    /// The key.
    pub source: String,
    /// Events of all time.
    pub events: u64,
    /// Anomalies among them.
    pub anomalies: u64,
    /// Time of its first event, to the bucket.
    pub first_seen: String,
    /// Time of its newest event.
    pub last_seen: String,
    /// Last value of each name.
    #[schema(value_type = BTreeMap<String, f64>)]
    pub values: Named<'static, f64>,
}

/// What is taken for normal of one feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Low, middle, high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expected: Option<[f64; 3]>,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeyDetail {
    /// The stream.
    pub stream: String,
    /// The key.
    pub source: String,
    /// The kind of detector.
    pub algorithm: String,
    /// What the detector found out or chose for this series, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub about: Option<String>,
    /// Of what it learned.
    pub model_version: u32,
    /// Events learned.
    pub sample_count: u64,
    /// Whether it has not seen enough.
    pub warming_up: bool,
    /// Time of the newest event learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub learned_until: Option<String>,
    /// `stream/partition/offset` of the newest record learned.
    pub learned_position: String,
    /// Bytes of its series.
    pub memory_bytes: u64,
    /// What is taken for normal.
    pub features: Vec<Feature>,
    /// When it was trained anew or further, oldest first; the last ones.
    pub retrains: Vec<Retrain>,
    /// Whether there is something to go back to.
    pub can_go_back: bool,
    /// Events of all time.
    pub events: u64,
    /// Anomalies among them.
    pub anomalies: u64,
    /// Time of its first event, to the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub first_seen: Option<String>,
    /// Time of its newest event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_seen: Option<String>,
}

/// Why a key was trained anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetrainReason {
    /// What is normal had changed.
    Drift,
    /// So many rows had come.
    Schedule,
    /// Too many rows were flagged.
    AnomalyRate,
    /// Somebody asked for it.
    Command,
}

/// What a training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetrainAction {
    /// A new detector learns kept rows.
    Retrain,
    /// The detector learns kept rows once more.
    Incremental,
    /// Another detector leads.
    Switch,
}

/// How a training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetrainState {
    /// Under way.
    Running,
    /// It answers.
    Done,
    /// The new detector was never ready.
    #[serde(rename = "given up")]
    GivenUp,
    /// It was taken back.
    Undone,
}

/// A training of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Retrain {
    /// Event time when it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub timestamp: Option<String>,
    /// Rows of the key when it began.
    pub sample_count: u64,
    /// Why.
    pub reason: RetrainReason,
    /// What it is.
    pub action: RetrainAction,
    /// Kept rows that were learned.
    pub rows: u64,
    /// How it is.
    pub state: RetrainState,
}

/// What an event was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    /// `stream/partition/offset` of the event.
    #[schema(example = "default/0/17")]
    pub id: String,
    /// Whether it was an anomaly.
    pub is_anomaly: bool,
    /// Its key; needed where its verdict is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}
