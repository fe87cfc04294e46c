use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::verdict::{Severity, Verdict};

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Resolved];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// What a person is told of anomalies that belong together.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
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
    /// Event time of its first anomaly.
    pub opened_at: String,
    /// Time of what changed it last.
    pub updated_at: String,
    /// Event time of its newest anomaly.
    pub last_anomaly_at: String,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub resolved_at: Option<String>,
    /// When somebody first acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub acknowledged_at: Option<String>,
    /// Who did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub acknowledged_by: Option<String>,
    /// The last note that came with a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub note: Option<String>,
    /// Anomalies in it.
    pub anomalies: u64,
    /// Highest so far; none where all came from other systems without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max_anomaly_score: Option<f64>,
    /// Whether a silence matched when it opened.
    pub silenced: bool,
    /// Id of its first verdict.
    pub first_verdict: String,
    /// The strangest verdict so far.
    #[schema(value_type = Verdict<'static>)]
    pub verdict: Box<RawValue>,
    /// What came of telling people; only of a single alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub receipts: Option<Vec<Receipt>>,
}

/// How telling somebody went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptStatus {
    /// It was taken.
    Delivered,
    /// It was given up.
    Failed,
    /// It is tried again.
    Pending,
}

/// What came of telling somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// Name of the receiver.
    pub webhook: String,
    /// When it was tried last.
    pub at: String,
    /// How it went.
    pub status: ReceiptStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// What was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationType {
    /// It began.
    #[serde(rename = "alert.opened")]
    Opened,
    /// Its severity rose.
    #[serde(rename = "alert.escalated")]
    Escalated,
    /// Somebody has seen it.
    #[serde(rename = "alert.acknowledged")]
    Acknowledged,
    /// It is over.
    #[serde(rename = "alert.resolved")]
    Resolved,
}

/// What a webhook gets.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    /// What happened.
    pub r#type: NotificationType,
    /// When it became known.
    pub timestamp: String,
    /// The alert as it was then.
    pub data: Alert,
}

/// Who does it, and what they say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What they say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An anomaly that another system found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExternalAlert {
    /// The key.
    #[schema(example = "pump-7")]
    pub source: String,
    /// A value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Its name; the series is `source/metric`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// RFC 3339 or seconds since the epoch; now where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub timestamp: Option<serde_json::Value>,
    /// Nothing happens where it is false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_anomaly: Option<bool>,
    /// 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomaly_score: Option<f64>,
    /// What the anomaly looks like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomaly_type: Option<String>,
    /// Stream that it belongs to; `default` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
}

/// What came of an anomaly that another system found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertTaken {
    /// Whether it is an anomaly here.
    pub is_anomaly: bool,
    /// Of the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// Of the alert that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub alert_id: Option<String>,
}
