use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Numbers of the node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Statistics {
    /// Events of all time.
    pub total_events: u64,
    /// Anomalies among them.
    pub total_anomalies: u64,
    /// Their share.
    pub anomaly_rate: f64,
    /// Over the last ten seconds.
    pub events_per_second: f64,
    /// From arrival to verdict.
    pub latency_ms: Latency,
    /// Share of events that were not understood.
    pub error_rate: f64,
    /// Keys known.
    pub sources: u64,
    /// Since the start.
    pub uptime_seconds: f64,
    /// Alerts that are not resolved.
    pub open_alerts: u64,
    /// Events that were not understood.
    pub rejected_events: u64,
    /// Taken and not judged: no value, an id that came before, values that do not fit their series.
    pub skipped_events: u64,
    /// Requests that were turned away.
    pub refused_requests: u64,
}

/// From arrival to verdict, of the last half minute; null where there was none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Latency {
    /// Half of the events, in milliseconds.
    pub p50: Option<f64>,
    /// 19 of 20 events, in milliseconds.
    pub p95: Option<f64>,
}
