use std::borrow::Cow;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::named::Named;
use crate::{is_false, is_zero};

/// How bad an anomaly is, by its `anomaly_score`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As chance brings it now and then.
    Low,
    /// Some 9 deviations off among 1,000 rows, or a change that has lasted.
    Medium,
    /// Some 14.
    High,
    /// 20 and more, or a large change that has lasted.
    Critical,
}

impl Severity {
    /// All, in rising order.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// `anomaly_score` from which on an anomaly is called so.
    pub fn from_score(self) -> f64 {
        match self {
            Self::Low => 0.0,
            Self::Medium => 0.86,
            Self::High => 0.875,
            Self::Critical => 0.885,
        }
    }

    /// Severity of an `anomaly_score`.
    pub fn of(anomaly_score: f64) -> Self {
        let mut falling = Self::ALL.into_iter().rev();
        let reached = falling.find(|severity| anomaly_score >= severity.from_score());
        reached.unwrap_or(Self::Low)
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

/// The answer for one event. Fields that do not apply are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Verdict<'a> {
    /// `stream/partition/offset` of the record that caused it; empty, and left out, until it has one.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(required = true)]
    pub id: Cow<'a, str>,
    /// The stream.
    pub stream: Cow<'a, str>,
    /// The key; left out where the stream has only one, without a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source: Option<Cow<'a, str>>,
    /// Event time, RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub timestamp: Option<Cow<'a, str>>,
    /// The answer.
    pub is_anomaly: bool,
    /// Present while the series has not seen enough; there are no scores then.
    #[serde(default, skip_serializing_if = "is_false")]
    pub warming_up: bool,
    /// How rare: 1 in 10 is 0.50, 1 in 100 0.67, 1 in 1,000 0.75, 1 in 10,000 0.80; never 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub anomaly_score: Option<f64>,
    /// On the detector's own scale, higher is stranger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub score: Option<f64>,
    /// `anomaly_score` from which on an event was an anomaly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub threshold: Option<f64>,
    /// Probability that `is_anomaly` is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub confidence: Option<f64>,
    /// How bad: `low`, `medium`, `high`, `critical`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub severity: Option<Severity>,
    /// What the anomaly looks like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub anomaly_type: Option<Cow<'a, str>>,
    /// What did it, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<Cow<'a, str>>,
    /// Lower end, middle and upper end of what was expected of each feature.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    #[schema(value_type = BTreeMap<String, [f64; 3]>)]
    pub expected: Named<'a, [f64; 3]>,
    /// Share of each feature in the score; sum 1.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    #[schema(value_type = BTreeMap<String, f64>)]
    pub contributions: Named<'a, f64>,
    /// Values at which the event would have been normal, of the features that would have to move.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    #[schema(value_type = BTreeMap<String, f64>)]
    pub counterfactual: Named<'a, f64>,
    /// The event's values.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    #[schema(value_type = BTreeMap<String, Option<f64>>)]
    pub values: Named<'a, Option<f64>>,
    /// The event lay behind its series.
    #[serde(default, skip_serializing_if = "is_false")]
    pub late: bool,
    /// Nothing was scored, and why: `missing`, `duplicate`, `poisoned`, or a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub skipped: Option<Cow<'a, str>>,
    /// The window or bucket that it speaks of; left out of events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub window: Option<Window>,
    /// Whether this event showed that what is normal has changed; left out where no test looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub drift_detected: Option<bool>,
    /// Size in 0..=1 of what the test sees of such a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub drift_magnitude: Option<f64>,
    /// The kind of detector.
    pub algorithm: Cow<'a, str>,
    /// Rises whenever what series learn is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub model_version: Option<u32>,
    /// Version of Willet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub engine_version: Option<Cow<'a, str>>,
    /// Events of the series so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sample_count: Option<u64>,
}

/// A window or bucket of events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Window {
    /// Its first instant, RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub begin: Option<String>,
    /// The first instant after it; of windows by samples the time of their last event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub end: Option<String>,
    /// Events in it.
    pub events: u64,
    /// Silent buckets left out just before it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// Events of it were left out, since there were too many.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_cut: bool,
    /// 0 when it closes; 1, 2, ... when late events corrected it. It stands in the id as `@1`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub revision: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the protocol, to the letter but for what it leaves out.
    #[test]
    fn a_verdict_has_the_documented_shape() {
        let names: Vec<Box<str>> = vec!["temperature".into(), "vibration".into()];
        let verdict = Verdict {
            id: "sensor-data/3/18231".into(),
            stream: "sensor-data".into(),
            source: Some("pump-7".into()),
            timestamp: Some("2026-01-02T03:04:05.678Z".into()),
            is_anomaly: true,
            anomaly_score: Some(0.83),
            score: Some(7.41),
            threshold: Some(0.75),
            confidence: Some(0.93),
            severity: Some(Severity::High),
            anomaly_type: Some("spike".into()),
            reason: Some("temperature 71.2 is 1.5 above the usual 64 to 69.7".into()),
            expected: Named::new(&names[..1], [[64.0, 66.8, 69.7]]),
            contributions: Named::new(&names, [0.88, 0.12]),
            counterfactual: Named::from_iter([("temperature", 69.5)]),
            algorithm: "iforest".into(),
            model_version: Some(4),
            engine_version: Some("0.1.0".into()),
            sample_count: Some(18_232),
            ..Default::default()
        };
        let text = serde_json::to_string(&verdict).expect("serialises");
        assert_eq!(
            text,
            r#"{"id":"sensor-data/3/18231","stream":"sensor-data","source":"pump-7","timestamp":"2026-01-02T03:04:05.678Z","is_anomaly":true,"anomaly_score":0.83,"score":7.41,"threshold":0.75,"confidence":0.93,"severity":"high","anomaly_type":"spike","reason":"temperature 71.2 is 1.5 above the usual 64 to 69.7","expected":{"temperature":[64.0,66.8,69.7]},"contributions":{"temperature":0.88,"vibration":0.12},"counterfactual":{"temperature":69.5},"algorithm":"iforest","model_version":4,"engine_version":"0.1.0","sample_count":18232}"#
        );
        let read: Verdict<'_> = serde_json::from_str(&text).expect("reads what it wrote");
        assert_eq!(read, verdict);
    }

    #[test]
    fn severity_rises_with_the_score() {
        let scores = [0.0, 0.86, 0.874_9, 0.875, 0.885, 1.0];
        let words = scores.map(|score| Severity::of(score).as_str());
        assert_eq!(
            words,
            ["low", "medium", "medium", "high", "critical", "critical"]
        );
    }
}
