use std::collections::BTreeMap;

use libm::log10;
use serde::{Deserialize, Serialize};

use super::calendar::CalendarRule;
use super::mixture::PRIOR_SHARE;
use super::rate::Rate;
use crate::error::ConfigError;

/// How a stream decides, as it stands in configuration. At most one of `contamination`, `threshold` and `rate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionConfig {
    /// Share of rows expected to be anomalies, above 0 and below 0.5: the threshold stands at p = contamination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contamination: Option<f64>,
    /// Threshold on `anomaly_score`, above 0 and below 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// How many flags are kept to: `0.1 %`, `1 per 1000 rows`, or in event time `5 a week`, `2 per day`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// Which deviations count.
    pub direction: Direction,
    /// Deviations from the expected value up to this size are no anomaly.
    pub ignore_absolute: f64,
    /// Deviations up to this share of the expected value are no anomaly.
    pub ignore_relative: f64,
    /// How many rows in a row must be over the threshold.
    pub consecutive: u32,
    /// A value outside is an anomaly by itself and is never learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_range: Option<DataRange>,
    /// When it is decided otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calendars: Vec<CalendarRule>,
}

/// Lowest and highest ordinary value, either may be open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DataRange {
    /// Of every value.
    All([Option<f64>; 2]),
    /// Of the values with these names.
    Named(BTreeMap<String, [Option<f64>; 2]>),
}

impl DataRange {
    /// Whether the value of this name lies outside; a missing value does not.
    pub fn excludes(&self, name: &str, value: f64) -> bool {
        let range = match self {
            Self::All(range) => Some(range),
            Self::Named(ranges) => ranges.get(name),
        };
        range.is_some_and(|[low, high]| {
            low.is_some_and(|low| value < low) || high.is_some_and(|high| value > high)
        })
    }

    /// Whether any of these values lies outside.
    pub fn excludes_any(&self, names: &[impl AsRef<str>], values: &[f64]) -> bool {
        let mut named = names.iter().zip(values);
        named.any(|(name, value)| self.excludes(name.as_ref(), *value))
    }

    fn ranges(&self) -> Vec<&[Option<f64>; 2]> {
        match self {
            Self::All(range) => vec![range],
            Self::Named(ranges) => ranges.values().collect(),
        }
    }
}

impl Default for DecisionConfig {
    fn default() -> Self {
        Self {
            contamination: None,
            threshold: None,
            rate: None,
            direction: Direction::Both,
            ignore_absolute: 0.0,
            ignore_relative: 0.0,
            consecutive: 1,
            data_range: None,
            calendars: Vec::new(),
        }
    }
}

/// Which deviations count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Above the expected value.
    Up,
    /// Below the expected value.
    Down,
    /// Either.
    #[default]
    Both,
}

/// Where the threshold stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// Nobody chose: rows that lie clearly beyond all before, about one a day at most.
    Default,
    /// At p = the share.
    Contamination(f64),
    /// At an `anomaly_score`.
    AnomalyScore(f64),
    /// Where it keeps flags at this rate.
    Rate(Rate),
}

/// Depth from which on a row is an anomaly where nobody chose: nothing so strange in 30,000 normal rows.
pub(super) const ANOMALOUS: f64 = 4.5;
/// Share of rows flagged at most in the long run where nobody chose.
const DEFAULT_SHARE: f64 = 0.005;

/// A [`DecisionConfig`] that was checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    threshold: Threshold,
    depth: f64,
    direction: Direction,
    ignore_absolute: f64,
    ignore_relative: f64,
    consecutive: u32,
    is_muted: bool,
    learns: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            threshold: Threshold::Default,
            depth: ANOMALOUS,
            direction: Direction::Both,
            ignore_absolute: 0.0,
            ignore_relative: 0.0,
            consecutive: 1,
            is_muted: false,
            learns: true,
        }
    }
}

impl TryFrom<&DecisionConfig> for Policy {
    type Error = ConfigError;

    fn try_from(config: &DecisionConfig) -> Result<Self, ConfigError> {
        let wrong = |name: &str, found: String, expected: &str| {
            Err(ConfigError::Value {
                name: name.to_owned(),
                found,
                expected: expected.to_owned(),
            })
        };
        let chosen = [
            config
                .contamination
                .map(|c| ("contamination", c.to_string())),
            config.threshold.map(|t| ("threshold", t.to_string())),
            config
                .rate
                .as_ref()
                .map(|rate| ("rate", format!("{rate:?}"))),
        ];
        let mut chosen = chosen.into_iter().flatten();
        if let (Some((name, value)), Some((other, beside))) = (chosen.next(), chosen.next()) {
            let found = format!("{value} beside {other} {beside}");
            return wrong(name, found, "one of contamination, threshold and rate");
        }
        let threshold = match (config.contamination, config.threshold, &config.rate) {
            (Some(c), ..) if c > 0.0 && c < 0.5 => Threshold::Contamination(c),
            (Some(c), ..) => {
                let expected = "a rate above 0 and below 0.5 (1 % is written 0.01)";
                return wrong("contamination", c.to_string(), expected);
            }
            (None, Some(t), _) if t > 0.0 && t < 1.0 => Threshold::AnomalyScore(t),
            (None, Some(t), _) => {
                let expected = "an anomaly_score above 0 and below 1 (1 in 1,000 is 0.75)";
                return wrong("threshold", t.to_string(), expected);
            }
            (None, None, Some(rate)) => Threshold::Rate(Rate::parse(rate)?),
            (None, None, None) => Threshold::Default,
        };
        for range in config.data_range.iter().flat_map(DataRange::ranges) {
            let is_sound = match range {
                [Some(low), Some(high)] => low < high,
                [None, None] => false,
                [Some(end), None] | [None, Some(end)] => !end.is_nan(),
            };
            if !is_sound {
                let expected =
                    "the lowest and a higher highest value ([0, 100]; null leaves one end open)";
                let word = |end: Option<f64>| end.map_or("null".to_owned(), |end| end.to_string());
                let found = format!("[{}, {}]", word(range[0]), word(range[1]));
                return wrong("data_range", found, expected);
            }
        }
        for (name, band) in [
            ("ignore_absolute", config.ignore_absolute),
            ("ignore_relative", config.ignore_relative),
        ] {
            if !(band >= 0.0 && band.is_finite()) {
                return wrong(name, band.to_string(), "a finite number of 0 or more");
            }
        }
        if config.consecutive == 0 {
            return wrong("consecutive", "0".to_owned(), "a whole number of 1 or more");
        }
        Ok(Self {
            threshold,
            depth: match threshold {
                Threshold::Default | Threshold::Rate(_) => ANOMALOUS,
                Threshold::Contamination(c) => -log10(c),
                Threshold::AnomalyScore(t) => super::depth_of(t),
            },
            direction: config.direction,
            ignore_absolute: config.ignore_absolute,
            ignore_relative: config.ignore_relative,
            consecutive: config.consecutive,
            ..Self::default()
        })
    }
}

impl Policy {
    /// The same with another share of anomalies expected, where nobody asked for a score or a rate.
    #[must_use]
    pub fn with_share(mut self, share: f64) -> Self {
        let by_share = matches!(
            self.threshold,
            Threshold::Default | Threshold::Contamination(_)
        );
        if by_share && share > 0.0 && share < 0.5 {
            self.threshold = Threshold::Contamination(share);
            self.depth = -log10(share);
        }
        self
    }

    /// The same for a time at which nothing is flagged.
    #[must_use]
    pub fn muted(mut self) -> Self {
        self.is_muted = true;
        self
    }

    /// The same for a time at which nothing is learned.
    #[must_use]
    pub fn without_learning(mut self) -> Self {
        self.learns = false;
        self
    }

    /// Whether nothing is flagged.
    pub fn is_muted(&self) -> bool {
        self.is_muted
    }

    /// Whether rows may be learned.
    pub fn learns(&self) -> bool {
        self.learns
    }

    /// Whether it counts over event time, so that rows without a time cannot be judged.
    pub fn needs_time(&self) -> bool {
        matches!(self.threshold, Threshold::Rate(rate) if rate.is_in_time())
    }

    /// Whether flags are kept to a rate.
    pub fn has_rate(&self) -> bool {
        matches!(self.threshold, Threshold::Rate(_))
    }

    /// Where the threshold stands.
    pub fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// Depth from which on a score is an anomaly, as far as it was asked for by a share or a score.
    pub fn depth(&self) -> f64 {
        self.depth
    }

    /// Share of anomalies expected, the prior of confidence.
    pub fn share(&self) -> f64 {
        match self.threshold {
            Threshold::Contamination(c) => c,
            Threshold::Default | Threshold::AnomalyScore(_) | Threshold::Rate(_) => PRIOR_SHARE,
        }
    }

    /// Share of rows flagged at most in the long run where nobody chose.
    pub(super) fn budget() -> f64 {
        DEFAULT_SHARE
    }

    /// Whether nobody chose.
    pub fn is_default(&self) -> bool {
        self.threshold == Threshold::Default
    }

    /// How many rows in a row must be over the threshold.
    pub fn consecutive(&self) -> u32 {
        self.consecutive
    }

    /// Whether the value at fault must be compared with the expected one before a row is flagged.
    pub fn looks_at_value(&self) -> bool {
        self.direction != Direction::Both
            || self.ignore_absolute > 0.0
            || self.ignore_relative > 0.0
    }

    /// Whether a deviation of `value` from `expected` counts.
    pub fn counts(&self, value: f64, expected: f64) -> bool {
        let deviation = value - expected;
        let counts_side = match self.direction {
            Direction::Up => deviation > 0.0,
            Direction::Down => deviation < 0.0,
            Direction::Both => true,
        };
        counts_side
            && deviation.abs() > self.ignore_absolute
            && deviation.abs() > self.ignore_relative * expected.abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_settings_say_what_is_right() {
        let check = |config: DecisionConfig, expected: &str| {
            let error = Policy::try_from(&config)
                .expect_err("must be refused")
                .to_string();
            assert_eq!(error, expected);
        };
        let default = DecisionConfig::default;
        check(
            DecisionConfig {
                contamination: Some(5.0),
                ..default()
            },
            "contamination is 5, expected a rate above 0 and below 0.5 (1 % is written 0.01)",
        );
        check(
            DecisionConfig {
                threshold: Some(3.0),
                ..default()
            },
            "threshold is 3, expected an anomaly_score above 0 and below 1 (1 in 1,000 is 0.75)",
        );
        check(
            DecisionConfig {
                contamination: Some(0.1),
                threshold: Some(0.8),
                ..default()
            },
            "contamination is 0.1 beside threshold 0.8, expected one of contamination, threshold and rate",
        );
        check(
            DecisionConfig {
                threshold: Some(0.8),
                rate: Some("5 a week".to_owned()),
                ..default()
            },
            "threshold is 0.8 beside rate \"5 a week\", expected one of contamination, threshold and rate",
        );
        for (range, found) in [
            ([Some(5.0), Some(5.0)], "[5, 5]"),
            ([None, None], "[null, null]"),
            ([None, Some(f64::NAN)], "[null, NaN]"),
        ] {
            check(
                DecisionConfig {
                    data_range: Some(DataRange::All(range)),
                    ..default()
                },
                &format!(
                    "data_range is {found}, expected the lowest and a higher highest value \
                     ([0, 100]; null leaves one end open)"
                ),
            );
        }
        check(
            DecisionConfig {
                ignore_absolute: f64::NAN,
                ..default()
            },
            "ignore_absolute is NaN, expected a finite number of 0 or more",
        );
        check(
            DecisionConfig {
                consecutive: 0,
                ..default()
            },
            "consecutive is 0, expected a whole number of 1 or more",
        );
    }

    #[test]
    fn direction_and_bands() {
        let config = DecisionConfig {
            direction: Direction::Up,
            ignore_absolute: 2.0,
            ignore_relative: 0.1,
            ..Default::default()
        };
        let policy = Policy::try_from(&config).expect("valid");
        assert!(policy.counts(103.0, 10.0));
        assert!(!policy.counts(1.0, 10.0), "down");
        assert!(!policy.counts(11.5, 10.0), "within 2");
        assert!(!policy.counts(105.0, 100.0), "within a tenth");
    }

    #[test]
    fn ranges_exclude_what_lies_outside() {
        let range = DataRange::All([Some(0.0), Some(100.0)]);
        assert!(range.excludes("a", -1.0) && range.excludes("b", 101.0));
        assert!(!range.excludes("a", 0.0) && !range.excludes("a", f64::NAN));
        let named = DataRange::Named(BTreeMap::from([("a".to_owned(), [None, Some(1.0)])]));
        assert!(
            named.excludes("a", 2.0) && !named.excludes("a", -2.0) && !named.excludes("b", 2.0)
        );
    }
}
