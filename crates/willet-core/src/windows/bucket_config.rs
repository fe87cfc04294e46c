//! Buckets as they stand in configuration, and checked.

use std::fmt::{Display, Formatter};

use serde::{Deserialize, Serialize};

use super::MICROS;
use super::config::{micros, wrong};
use crate::detectors::MAX_WIDTH;
use crate::error::ConfigError;

/// Events put together by equal stretches of event time, as it stands in configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketConfig {
    /// Length of a bucket.
    pub every: Every,
    /// What is told of it.
    pub what: What,
    /// Feature that is told of; `count` and `rate` count all events where it is not given, else those that have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Seconds for which a closed bucket still takes late events.
    #[serde(default)]
    pub allowed_lateness: f64,
    /// Silent buckets in a row that are told of, at most [`MAX_SILENT`]; further ones are left out and counted.
    #[serde(default = "usual_silent")]
    pub max_silent: u64,
}

fn usual_silent() -> u64 {
    1_000
}

/// Most silent buckets in a row that can be told of.
pub const MAX_SILENT: u64 = 100_000;
/// Closed buckets that may be kept for late events.
const MAX_KEPT: i64 = 100_000;

/// What is told of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Number of events; 0 when silent.
    Count,
    /// Events a second; 0 when silent.
    Rate,
    /// Sum of the values; 0 when silent.
    Sum,
    /// Mean of the values; missing when silent.
    Mean,
    /// Smallest value; missing when silent.
    Min,
    /// Largest value; missing when silent.
    Max,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Rate => "rate",
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

/// Length of a bucket in seconds: a number, `second`, `minute`, `hour`, or a number with `s`, `m` or `h`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "f64")]
pub struct Every {
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Seconds(f64),
    Text(String),
}

impl Every {
    /// So many seconds.
    pub fn seconds(seconds: f64) -> Self {
        Self { seconds }
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let (number, unit) = match text {
            "second" => ("1", 1.0),
            "minute" => ("1", 60.0),
            "hour" => ("1", 3_600.0),
            _ => {
                let number = text.trim_end_matches(['s', 'm', 'h']);
                let unit = match &text[number.len()..] {
                    "" | "s" => 1.0,
                    "m" => 60.0,
                    "h" => 3_600.0,
                    _ => return None,
                };
                (number.trim_end(), unit)
            }
        };
        let seconds = number.parse::<f64>().ok()? * unit;
        (seconds.is_finite() && seconds > 0.0).then_some(Self { seconds })
    }
}

impl TryFrom<Written> for Every {
    type Error = ConfigError;

    fn try_from(written: Written) -> Result<Self, ConfigError> {
        match written {
            Written::Seconds(seconds) => Ok(Self { seconds }),
            Written::Text(text) => text.parse(),
        }
    }
}

impl std::str::FromStr for Every {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let expected =
            "second, minute, hour, a number of seconds, or a number with s, m or h (30s)";
        Self::read(text).ok_or_else(|| wrong("every", &format!("\"{text}\""), expected))
    }
}

impl From<Every> for f64 {
    fn from(every: Every) -> Self {
        every.seconds
    }
}

impl Display for Every {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}s", self.seconds)
    }
}

/// Buckets that can run.
#[derive(Clone, Debug, PartialEq)]
pub struct BucketPlan {
    pub(super) every: i64,
    pub(super) what: What,
    pub(super) of: Option<usize>,
    pub(super) allowed: i64,
    pub(super) max_silent: u64,
    width: usize,
    name: Box<str>,
}

impl BucketPlan {
    /// Buckets of events whose values are `names`; the error names the field that cannot be and what it could be.
    pub fn new(config: &BucketConfig, names: &[Box<str>]) -> Result<Self, ConfigError> {
        if names.is_empty() || names.len() > MAX_WIDTH {
            let expected = format!("1 to {MAX_WIDTH} values");
            return Err(wrong("width", &names.len(), &expected));
        }
        let every = micros("every", config.every.seconds, 0.001)?;
        let allowed = micros("allowed_lateness", config.allowed_lateness, 0.0)?;
        if allowed / every > MAX_KEPT {
            let most = every as f64 / MICROS as f64 * MAX_KEPT as f64;
            let expected = format!("at most {most} seconds, {MAX_KEPT} buckets that are kept");
            return Err(wrong(
                "allowed_lateness",
                &config.allowed_lateness,
                &expected,
            ));
        }
        if config.max_silent > MAX_SILENT {
            let expected = format!("0 to {MAX_SILENT} buckets");
            return Err(wrong("max_silent", &config.max_silent, &expected));
        }
        let what = config.what.name();
        let (of, name) = match &config.of {
            None if matches!(config.what, What::Count | What::Rate) => (None, what.to_owned()),
            None => {
                let expected =
                    format!("the value whose {what} it is (one of {})", names.join(", "));
                return Err(wrong("of", &"not given", &expected));
            }
            Some(of) => {
                let place = names.iter().position(|name| **name == **of);
                let unknown =
                    || ConfigError::unknown("value", of, names.iter().map(|name| &**name));
                (Some(place.ok_or_else(unknown)?), format!("{of}_{what}"))
            }
        };
        Ok(Self {
            every,
            what: config.what,
            of,
            allowed,
            max_silent: config.max_silent,
            width: names.len(),
            name: name.into_boxed_str(),
        })
    }

    /// Name of what comes out: `count`, `rate`, `temperature_mean`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Values an event must have.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Length of a bucket in microseconds.
    pub fn every(&self) -> i64 {
        self.every
    }

    /// How long a closed bucket still takes late events, in microseconds.
    pub fn allowed_lateness(&self) -> i64 {
        self.allowed
    }
}
