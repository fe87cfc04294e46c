use serde::ser::{Serialize, SerializeMap, Serializer};

/// The answer for one event. Fields that do not apply are left out.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Verdict<'a> {
    /// `stream/partition/offset` of the record that caused it.
    pub id: &'a str,
    /// The stream.
    pub stream: &'a str,
    /// The key; left out where the stream has only one, without a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'a str>,
    /// Event time, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<&'a str>,
    /// The answer.
    pub is_anomaly: bool,
    /// Present while the series has not seen enough; there are no scores then.
    #[serde(skip_serializing_if = "is_false")]
    pub warming_up: bool,
    /// How rare: 1 in 10 is 0.50, 1 in 100 0.67, 1 in 1,000 0.75, 1 in 10,000 0.80; never 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anomaly_score: Option<f64>,
    /// On the detector's own scale, higher is stranger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// `anomaly_score` from which on an event was an anomaly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Probability that `is_anomaly` is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// How bad: `low`, `medium`, `high`, `critical`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<&'a str>,
    /// What the anomaly looks like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anomaly_type: Option<&'a str>,
    /// What did it, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// Lower end, middle and upper end of what was expected of each feature.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub expected: Named<'a, [f64; 3]>,
    /// Share of each feature in the score; sum 1.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub contributions: Named<'a, f64>,
    /// Values at which the event would have been normal, of the features that would have to move.
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    pub counterfactual: Pairs<'a>,
    /// The event's values.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub values: Named<'a, Option<f64>>,
    /// The event lay behind its series.
    #[serde(skip_serializing_if = "is_false")]
    pub late: bool,
    /// Nothing was scored, and why: `missing`, `duplicate`, `poisoned`, or a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<&'a str>,
    /// The window or bucket that it speaks of; left out of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Whether this event showed that what is normal has changed; left out where no test looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift_detected: Option<bool>,
    /// Size in 0..=1 of what the test sees of such a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift_magnitude: Option<f64>,
    /// The kind of detector.
    pub algorithm: &'a str,
    /// Rises whenever what series learn is changed.
    pub model_version: u32,
    /// Version of Willet.
    pub engine_version: &'a str,
    /// Events of the series so far.
    pub sample_count: u64,
}

/// A window or bucket of events.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Window {
    /// Its first instant, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begin: Option<String>,
    /// The first instant after it; of windows by samples the time of their last event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Events in it.
    pub events: u64,
    /// Silent buckets left out just before it.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// Events of it were left out, since there were too many.
    #[serde(skip_serializing_if = "is_false")]
    pub is_cut: bool,
    /// 0 when it closes; 1, 2, ... when late events corrected it. It stands in the id as `@1`.
    #[serde(skip_serializing_if = "is_zero")]
    pub revision: u32,
}

/// What is normal of a series has changed. Fields that do not apply are left out.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Drift<'a> {
    /// `stream/partition/offset` of the record that showed it.
    pub id: &'a str,
    /// The stream.
    pub stream: &'a str,
    /// The key; left out where the stream has only one, without a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'a str>,
    /// Event time of the event that showed it, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<&'a str>,
    /// Name of the test.
    pub test: &'a str,
    /// The test's own statistic.
    pub statistic: f64,
    /// Chance of such a statistic without drift, where the test knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// Size of the change in 0..=1.
    pub magnitude: f64,
    /// Rows since the change is believed to have begun, where the test knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_ago: Option<u64>,
    /// Size of the change of each feature that changed, the most changed first.
    pub features: Pairs<'a>,
    /// What is done about it.
    pub action: &'a str,
    /// Events of the series so far.
    pub sample_count: u64,
}

/// Some values with their names, written as an object in this order.
#[derive(Clone, Debug, Default)]
pub struct Pairs<'a>(pub Vec<(&'a str, f64)>);

impl Pairs<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Pairs<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// Values with names, written as an object in this order.
#[derive(Clone, Debug)]
pub struct Named<'a, T> {
    names: &'a [Box<str>],
    values: Vec<T>,
}

impl<T> Default for Named<'_, T> {
    fn default() -> Self {
        Self {
            names: &[],
            values: Vec::new(),
        }
    }
}

impl<'a, T> Named<'a, T> {
    /// Puts values beside their names; as many as there are of both.
    pub fn new(names: &'a [Box<str>], values: impl IntoIterator<Item = T>) -> Self {
        Self {
            names,
            values: values.into_iter().collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        for (name, value) in self.names.iter().zip(&self.values) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero<N: Default + PartialEq>(value: &N) -> bool {
    *value == N::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the protocol, to the letter but for what it leaves out.
    #[test]
    fn a_verdict_has_the_documented_shape() {
        let names: Vec<Box<str>> = vec!["temperature".into(), "vibration".into()];
        let verdict = Verdict {
            id: "sensor-data/3/18231",
            stream: "sensor-data",
            source: Some("pump-7"),
            timestamp: Some("2026-01-02T03:04:05.678Z"),
            is_anomaly: true,
            anomaly_score: Some(0.83),
            score: Some(7.41),
            threshold: Some(0.75),
            confidence: Some(0.93),
            severity: Some("high"),
            anomaly_type: Some("spike"),
            reason: Some("temperature 71.2 is 1.5 above the usual 64 to 69.7"),
            expected: Named::new(&names[..1], [[64.0, 66.8, 69.7]]),
            contributions: Named::new(&names, [0.88, 0.12]),
            counterfactual: Pairs(vec![("temperature", 69.5)]),
            algorithm: "iforest",
            model_version: 4,
            engine_version: "0.1.0",
            sample_count: 18_232,
            ..Default::default()
        };
        let text = serde_json::to_string(&verdict).expect("serialises");
        assert_eq!(
            text,
            r#"{"id":"sensor-data/3/18231","stream":"sensor-data","source":"pump-7","timestamp":"2026-01-02T03:04:05.678Z","is_anomaly":true,"anomaly_score":0.83,"score":7.41,"threshold":0.75,"confidence":0.93,"severity":"high","anomaly_type":"spike","reason":"temperature 71.2 is 1.5 above the usual 64 to 69.7","expected":{"temperature":[64.0,66.8,69.7]},"contributions":{"temperature":0.88,"vibration":0.12},"counterfactual":{"temperature":69.5},"algorithm":"iforest","model_version":4,"engine_version":"0.1.0","sample_count":18232}"#
        );
    }
}
