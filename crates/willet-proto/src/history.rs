use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A history in columns; places without events are left out, null is where nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
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

/// What one value did, in columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
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

/// What happened when, over all keys, and for those with the most anomalies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
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
