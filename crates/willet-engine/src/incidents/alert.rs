//! What a person is told of an incident.

use std::str::FromStr;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::codec::timestamp;
use crate::event::Timestamp;

/// How bad an anomaly is, by its `anomaly_score`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Below 0.86: as chance brings it now and then.
    Low,
    /// From 0.86 (L = 6.1): some 9 deviations off among 1,000 rows, or a change that has lasted.
    Medium,
    /// From 0.875 (L = 7): some 14.
    High,
    /// From 0.885 (L = 7.7): 20 and more, or a large change that has lasted.
    Critical,
}

impl Severity {
    /// All, in rising order.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Severity of an `anomaly_score`.
    pub fn of(anomaly_score: f64) -> Self {
        match anomaly_score {
            score if score >= 0.885 => Self::Critical,
            score if score >= 0.875 => Self::High,
            score if score >= 0.86 => Self::Medium,
            _ => Self::Low,
        }
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A word that is no severity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("severity is `{0}`, expected `low`, `medium`, `high` or `critical`")]
pub struct UnknownSeverity(pub String);

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(word: &str) -> Result<Self, UnknownSeverity> {
        let known = Self::ALL
            .into_iter()
            .find(|severity| severity.as_str() == word);
        known.ok_or_else(|| UnknownSeverity(word.to_owned()))
    }
}

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Nobody has seen it yet.
    Open,
    /// Somebody has.
    Acknowledged,
    /// It is over.
    Resolved,
}

impl AlertState {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// An alert as it is at one moment. It serialises as it stands at every door.
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

impl Alert {
    /// As it stands at every door.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain data always serialises into memory")
    }
}

impl Serialize for Alert {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut wire = serializer.serialize_struct("Alert", 18)?;
        wire.serialize_field("id", &self.id)?;
        wire.serialize_field("stream", &self.stream)?;
        wire.serialize_field("source", &self.source)?;
        wire.serialize_field("state", self.state.as_str())?;
        wire.serialize_field("severity", self.severity.as_str())?;
        wire.serialize_field("title", &self.title)?;
        wire.serialize_field("opened_at", &rfc3339(self.opened_at))?;
        wire.serialize_field("updated_at", &rfc3339(self.updated_at))?;
        wire.serialize_field("last_anomaly_at", &rfc3339(self.last_anomaly_at))?;
        if let Some(at) = self.resolved_at {
            wire.serialize_field("resolved_at", &rfc3339(at))?;
        }
        if let Some(at) = self.acknowledged_at {
            wire.serialize_field("acknowledged_at", &rfc3339(at))?;
        }
        if let Some(by) = &self.acknowledged_by {
            wire.serialize_field("acknowledged_by", by)?;
        }
        if let Some(note) = &self.note {
            wire.serialize_field("note", note)?;
        }
        wire.serialize_field("anomalies", &self.anomalies)?;
        if let Some(score) = self.max_anomaly_score {
            wire.serialize_field("max_anomaly_score", &score)?;
        }
        wire.serialize_field("silenced", &self.silenced)?;
        wire.serialize_field("first_verdict", &self.first_verdict)?;
        match serde_json::from_str::<&RawValue>(&self.verdict) {
            Ok(raw) => wire.serialize_field("verdict", raw)?,
            // Whoever wrote the record wrote no JSON: shown as it is rather than lost.
            Err(_) => wire.serialize_field("verdict", &self.verdict)?,
        }
        wire.end()
    }
}

/// A time as it stands in JSON.
pub(super) fn rfc3339(micros: i64) -> String {
    let mut text = Vec::with_capacity(27);
    timestamp::write_rfc3339(&mut text, Timestamp(micros));
    String::from_utf8(text).expect("digits and separators")
}
