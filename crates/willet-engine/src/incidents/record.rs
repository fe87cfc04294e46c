//! What stands in the incidents log.

use crate::ids::VerdictId;
use serde::{Deserialize, Serialize};

use super::{INCIDENTS_STREAM, IncidentConfig, Severity};

/// One record of the incidents log. Written as JSON: it is rare, is read by people, and outlives versions.
///
/// All times are microseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum IncidentRecord {
    /// The configuration from here on.
    Configure {
        /// All of it.
        config: IncidentConfig,
    },
    /// A verdict that said yes.
    Verdict(FlaggedVerdict),
    /// An anomaly that another system found.
    External {
        /// The stream it is told of.
        stream: String,
        /// The key.
        source: String,
        /// When it was.
        at: i64,
        /// When it was told.
        arrived: i64,
        /// On the scale of 0 to 1, if the other system has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        anomaly_score: Option<f64>,
        /// What it looks like.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        anomaly_type: Option<String>,
        /// The verdict as a JSON object without `id`: the id is of this record's offset, see [`external_verdict`].
        json: String,
    },
    /// Somebody has seen the alert.
    Acknowledge {
        /// The alert.
        alert_id: String,
        /// Who.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// What they say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// When.
        at: i64,
    },
    /// Somebody says that it is over.
    Resolve {
        /// The alert.
        alert_id: String,
        /// Who.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// What they say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// When.
        at: i64,
    },
    /// Alerts that match are not sent for a while. The id is of this record's offset.
    Silence {
        /// A key; or a beginning of keys followed by `*`; or `*`.
        source: String,
        /// Only in this stream.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stream: Option<String>,
        /// From this event time on.
        from: i64,
        /// Until before this.
        until: i64,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Who says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// When.
        at: i64,
    },
    /// A silence ends now.
    Unsilence {
        /// The silence.
        id: String,
        /// When.
        at: i64,
    },
    /// Time has passed.
    Tick {
        /// It is at least this late.
        at: i64,
    },
    /// A key or a whole stream was deleted: its alerts are resolved, what is known of it goes.
    Forget {
        /// The stream.
        stream: String,
        /// The key; all of the stream where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<String>,
        /// When.
        at: i64,
    },
}

/// A verdict that said yes, with what grouping needs beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlaggedVerdict {
    /// The stream.
    pub stream: String,
    /// Its partition.
    pub partition: u32,
    /// Offset of the record judged. Rises within a partition; one that does not is taken for a repetition.
    pub offset: u64,
    /// The key.
    pub source: String,
    /// Event time, or time of arrival where there is none.
    pub at: i64,
    /// Time of arrival.
    pub arrived: i64,
    /// Events of the series so far.
    pub sample_count: u64,
    /// On the scale of all kinds, in 0..1.
    pub anomaly_score: f64,
    /// How bad.
    pub severity: Severity,
    /// What it looks like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomaly_type: Option<String>,
    /// Whether the stream stood in the present: somebody may be woken.
    pub live: bool,
    /// The verdict as it stands at every door.
    pub json: String,
}

/// A record that this build does not understand.
#[derive(Debug, thiserror::Error)]
#[error(
    "incident record at offset {offset} is not understood: {source} (it may be of a newer willet)"
)]
pub struct IncidentRecordError {
    /// Where it stands.
    pub offset: u64,
    /// Why.
    pub source: serde_json::Error,
}

impl IncidentRecord {
    /// The record's payload.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain data always serialises into memory")
    }

    /// Reads a payload back.
    pub fn decode(offset: u64, payload: &[u8]) -> Result<Self, IncidentRecordError> {
        serde_json::from_slice(payload).map_err(|source| IncidentRecordError { offset, source })
    }
}

/// Id and JSON of the verdict of an [`IncidentRecord::External`] that stands at `offset`.
pub fn external_verdict(offset: u64, json: &str) -> (String, String) {
    let id = VerdictId::of_event(INCIDENTS_STREAM, offset).to_string();
    let text = match json.trim_start().strip_prefix('{').map(str::trim_start) {
        Some("}") => format!(r#"{{"id":"{id}"}}"#),
        Some(fields) => format!(r#"{{"id":"{id}",{fields}"#),
        None => json.to_owned(),
    };
    (id, text)
}

/// An anomaly, wherever it came from.
pub(super) struct Anomaly<'a> {
    pub(super) stream: &'a str,
    pub(super) source: &'a str,
    pub(super) verdict_id: String,
    pub(super) at: i64,
    pub(super) arrived: i64,
    /// None where it is enough by itself.
    pub(super) sample_count: Option<u64>,
    pub(super) score: Option<f64>,
    pub(super) severity: Severity,
    pub(super) type_name: Option<&'a str>,
    pub(super) is_live: bool,
    pub(super) json: String,
}

impl<'a> From<&'a FlaggedVerdict> for Anomaly<'a> {
    fn from(verdict: &'a FlaggedVerdict) -> Self {
        Self {
            stream: &verdict.stream,
            source: &verdict.source,
            verdict_id: VerdictId {
                partition: verdict.partition,
                ..VerdictId::of_event(&verdict.stream, verdict.offset)
            }
            .to_string(),
            at: verdict.at,
            arrived: verdict.arrived,
            sample_count: Some(verdict.sample_count),
            score: Some(verdict.anomaly_score),
            severity: verdict.severity,
            type_name: verdict.anomaly_type.as_deref(),
            is_live: verdict.live,
            json: verdict.json.clone(),
        }
    }
}

impl<'a> Anomaly<'a> {
    /// An [`IncidentRecord::External`]; none for any other.
    pub(super) fn external(offset: u64, record: &'a IncidentRecord) -> Option<Self> {
        let IncidentRecord::External {
            stream,
            source,
            at,
            arrived,
            anomaly_score,
            anomaly_type,
            json,
        } = record
        else {
            return None;
        };
        let (verdict_id, json) = external_verdict(offset, json);
        Some(Self {
            stream,
            source,
            verdict_id,
            at: *at,
            arrived: *arrived,
            sample_count: None,
            score: *anomaly_score,
            // Without a score it is worth a look and no more.
            severity: anomaly_score.map_or(Severity::Medium, Severity::of),
            type_name: anomaly_type.as_deref(),
            is_live: true,
            json,
        })
    }
}
