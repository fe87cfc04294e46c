use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who made a stream, and may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ManagedBy {
    /// The interface.
    Api,
    /// The configuration file.
    File,
    /// `--demo`.
    Demo,
}

impl ManagedBy {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::File => "file",
            Self::Demo => "demo",
        }
    }
}

/// How a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamState {
    /// It takes events.
    Running,
    /// Somebody said so.
    Paused,
    /// Its state is being loaded.
    Degraded,
    /// It is being started again.
    Failed,
}

/// A stream as it is written in the configuration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = Object, example = json!({"name": "pumps", "detector": {"algorithm": "zscore"}}))]
pub struct StreamConfig(pub serde_json::Value);

/// A stream and how it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// Who made it.
    pub managed_by: ManagedBy,
    /// When.
    pub created_at: String,
    /// As it is written in the configuration file.
    #[schema(value_type = Object)]
    pub config: serde_json::Value,
    /// How it is.
    pub status: StreamStatus,
}

/// How a stream is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StreamStatus {
    /// In a word.
    pub state: StreamState,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
    /// Events taken since the start.
    pub events: u64,
    /// Anomalies among them.
    pub anomalies: u64,
    /// Events that were not understood.
    pub rejected: u64,
    /// Events that were taken and not judged, by reason: `missing`, `duplicate`, `width`, `form`, `names`, `time`, `features`,
    /// `poisoned`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<String, u64>,
    /// Keys known.
    pub keys: u64,
    /// Rises whenever what series learn is changed.
    pub model_version: u64,
    /// Over the last ten seconds.
    pub events_per_second: f64,
    /// Arrival of the newest event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_event_at: Option<String>,
}
