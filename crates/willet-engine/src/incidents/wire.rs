//! Alerts, silences and notifications as they stand at every door.

use serde_json::value::{RawValue, to_raw_value};
use willet_proto as wire;

use super::{Alert, Notification, Silence, What};
use crate::codec::timestamp;
use crate::event::Timestamp;

impl Alert {
    /// As it stands at every door.
    pub fn to_json(&self) -> String {
        json(&wire::Alert::from(self))
    }
}

impl Notification {
    /// As a receiver gets it.
    pub fn to_json(&self) -> String {
        json(&wire::Notification {
            r#type: match self.what {
                What::Opened => wire::NotificationType::Opened,
                What::Escalated => wire::NotificationType::Escalated,
                What::Acknowledged => wire::NotificationType::Acknowledged,
                What::Resolved => wire::NotificationType::Resolved,
            },
            timestamp: rfc3339(self.at),
            data: (&self.alert).into(),
        })
    }
}

impl From<&Alert> for wire::Alert {
    fn from(alert: &Alert) -> Self {
        let verdict = RawValue::from_string(alert.verdict.clone());
        // Whoever wrote the record wrote no JSON: shown as it is rather than lost.
        let verdict = verdict.or_else(|_| to_raw_value(&alert.verdict));
        Self {
            id: alert.id.clone(),
            stream: alert.stream.clone(),
            source: alert.source.clone(),
            state: alert.state,
            severity: alert.severity,
            title: alert.title.clone(),
            opened_at: rfc3339(alert.opened_at),
            updated_at: rfc3339(alert.updated_at),
            last_anomaly_at: rfc3339(alert.last_anomaly_at),
            resolved_at: alert.resolved_at.map(rfc3339),
            acknowledged_at: alert.acknowledged_at.map(rfc3339),
            acknowledged_by: alert.acknowledged_by.clone(),
            note: alert.note.clone(),
            anomalies: alert.anomalies,
            max_anomaly_score: alert.max_anomaly_score,
            silenced: alert.silenced,
            first_verdict: alert.first_verdict.clone(),
            verdict: verdict.expect("text always serialises"),
            receipts: None,
        }
    }
}

impl From<&Silence> for wire::Silence {
    fn from(silence: &Silence) -> Self {
        Self {
            id: silence.id.clone(),
            source: silence.source.clone(),
            stream: silence.stream.clone(),
            from: rfc3339(silence.from),
            until: rfc3339(silence.until),
            reason: silence.reason.clone(),
            by: silence.by.clone(),
            created_at: rfc3339(silence.created_at),
        }
    }
}

fn json(shape: &impl serde::Serialize) -> String {
    serde_json::to_string(shape).expect("plain data always serialises into memory")
}

fn rfc3339(micros: i64) -> String {
    timestamp::rfc3339(Timestamp(micros))
}
