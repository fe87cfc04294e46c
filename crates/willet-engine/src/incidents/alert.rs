//! What a person is told of an incident.

use willet_proto::{AlertState, Severity};

/// An alert as it is at one moment.
///
/// Times are microseconds since the epoch; those that anomalies make are in event time.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Id of its first verdict, with `~` for `/`.
    pub id: String,
    /// The stream.
    pub stream: String,
    /// The key.
    pub source: String,
    /// Where it stands.
    pub state: AlertState,
    /// Highest so far.
    pub severity: Severity,
    /// A line for people.
    pub title: String,
    /// Time of its first anomaly.
    pub opened_at: i64,
    /// Time of what changed it last.
    pub updated_at: i64,
    /// Time of its newest anomaly.
    pub last_anomaly_at: i64,
    /// When it was over: a gap after its last anomaly, or when somebody said so.
    pub resolved_at: Option<i64>,
    /// When somebody first acknowledged it.
    pub acknowledged_at: Option<i64>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// The last note that came with a command.
    pub note: Option<String>,
    /// Anomalies in it.
    pub anomalies: u64,
    /// Highest `anomaly_score`; none where all came from other systems without one.
    pub max_anomaly_score: Option<f64>,
    /// Whether a silence matched when it opened.
    pub silenced: bool,
    /// Id of its first verdict.
    pub first_verdict: String,
    /// The strangest verdict so far, as JSON.
    pub verdict: String,
}
