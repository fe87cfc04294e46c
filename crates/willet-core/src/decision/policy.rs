use libm::log10;
use serde::{Deserialize, Serialize};

use crate::error::ConfigError;

/// How a stream decides, as it stands in configuration. At most one of `contamination` and `threshold`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionConfig {
    /// Share of rows expected to be anomalies, above 0 and below 0.5: the threshold stands at p = contamination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contamination: Option<f64>,
    /// Threshold on `anomaly_score`, above 0 and below 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Which deviations count.
    pub direction: Direction,
    /// Deviations from the expected value up to this size are no anomaly.
    pub ignore_absolute: f64,
    /// Deviations up to this share of the expected value are no anomaly.
    pub ignore_relative: f64,
    /// How many rows in a row must be over the threshold.
    pub consecutive: u32,
}

impl Default for DecisionConfig {
    fn default() -> Self {
        Self {
            contamination: None,
            threshold: None,
            direction: Direction::Both,
            ignore_absolute: 0.0,
            ignore_relative: 0.0,
            consecutive: 1,
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
    /// Nobody chose: p = 0.005, raised where it must be so that no more is flagged.
    Default,
    /// At p = the share.
    Contamination(f64),
    /// At an `anomaly_score`.
    AnomalyScore(f64),
}

/// Share of rows flagged at most where nobody chose.
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
    takes_depths: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            threshold: Threshold::Default,
            depth: -log10(DEFAULT_SHARE),
            direction: Direction::Both,
            ignore_absolute: 0.0,
            ignore_relative: 0.0,
            consecutive: 1,
            takes_depths: false,
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
        let threshold = match (config.contamination, config.threshold) {
            (None, None) => Threshold::Default,
            (Some(c), None) if c > 0.0 && c < 0.5 => Threshold::Contamination(c),
            (Some(c), None) => {
                let expected = "a rate above 0 and below 0.5 (1 % is written 0.01)";
                return wrong("contamination", c.to_string(), expected);
            }
            (None, Some(t)) if t > 0.0 && t < 1.0 => Threshold::AnomalyScore(t),
            (None, Some(t)) => {
                let expected = "an anomaly_score above 0 and below 1 (1 in 1,000 is 0.75)";
                return wrong("threshold", t.to_string(), expected);
            }
            (Some(c), Some(t)) => {
                return wrong(
                    "contamination",
                    format!("{c} beside threshold {t}"),
                    "one of the two",
                );
            }
        };
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
                Threshold::Default => -log10(DEFAULT_SHARE),
                Threshold::Contamination(c) => -log10(c),
                Threshold::AnomalyScore(t) => super::depth_of(t),
            },
            direction: config.direction,
            ignore_absolute: config.ignore_absolute,
            ignore_relative: config.ignore_relative,
            consecutive: config.consecutive,
            takes_depths: false,
        })
    }
}

impl Policy {
    /// The same for a kind whose scores are depths already ([`crate::detectors::Kind::scores_depth`]).
    #[must_use]
    pub fn of_depths(mut self, takes_depths: bool) -> Self {
        self.takes_depths = takes_depths;
        self
    }

    /// Whether scores are depths already.
    pub fn takes_depths(&self) -> bool {
        self.takes_depths
    }

    /// Depth from which on a score is an anomaly.
    pub fn depth(&self) -> f64 {
        self.depth
    }

    /// Share of anomalies expected, the prior of confidence.
    pub fn share(&self) -> f64 {
        match self.threshold {
            Threshold::Contamination(c) => c,
            Threshold::Default | Threshold::AnomalyScore(_) => DEFAULT_SHARE,
        }
    }

    /// Whether the threshold is raised where flags would exceed their share.
    pub fn keeps_share(&self) -> bool {
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
            "contamination is 0.1 beside threshold 0.8, expected one of the two",
        );
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
}
