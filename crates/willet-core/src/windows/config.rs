//! Windows as they stand in configuration, and checked.

use serde::{Deserialize, Serialize};

use super::MICROS;
use super::statistic::{Statistic, StatisticName};
use crate::detectors::MAX_WIDTH;
use crate::error::ConfigError;

/// Windows over the rows of a stream, as they stand in configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WindowConfig {
    /// How windows follow each other.
    pub window_type: WindowType,
    /// Length in `window_unit`s; not with sessions, which end by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_size: Option<f64>,
    /// What lengths are counted in.
    pub window_unit: Unit,
    /// How far a sliding window moves on, in `window_unit`s, at most `window_size`; 1 (or `window_size`, if less) where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slide_interval: Option<f64>,
    /// Silence in seconds that ends a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<f64>,
    /// Seconds for which a closed window still takes late rows. By samples no row is late.
    pub allowed_lateness: f64,
    /// What comes out of a window.
    pub aggregation: Aggregation,
    /// Statistics of each feature; mean, standard deviation, minimum and maximum where empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statistics: Vec<StatisticName>,
    /// Quantiles in 0..=1 that `quantiles` stands for.
    pub quantiles: Vec<f64>,
    /// Rows held at most, in all windows together; beyond it the oldest are left out.
    pub max_rows: usize,
}

impl Default for WindowConfig {
    fn default() -> Self {
        Self {
            window_type: WindowType::Sliding,
            window_size: None,
            window_unit: Unit::Samples,
            slide_interval: None,
            gap: None,
            allowed_lateness: 0.0,
            aggregation: Aggregation::Features,
            statistics: Vec::new(),
            quantiles: vec![0.05, 0.5, 0.95],
            max_rows: 100_000,
        }
    }
}

/// How windows follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowType {
    /// They overlap: each begins `slide_interval` after the one before.
    #[default]
    Sliding,
    /// Each begins where the one before ends.
    Tumbling,
    /// Each holds rows less than `gap` apart.
    Session,
}

/// What lengths of windows are counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Rows, in order of arrival.
    #[default]
    Samples,
    /// Seconds of event time.
    Seconds,
}

/// What comes out of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// Its rows.
    #[default]
    Features,
    /// Statistics of each feature.
    Statistics,
}

/// Windows that can run.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowPlan {
    pub(super) shape: Shape,
    pub(super) allowed: i64,
    pub(super) max_rows: usize,
    width: usize,
    statistics: Vec<Statistic>,
    names: Vec<Box<str>>,
}

/// Lengths in rows or microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Shape {
    Rows { size: i64, slide: i64 },
    Time { size: i64, slide: i64 },
    Session { gap: i64 },
}

/// Rows held at most.
pub const MAX_ROWS: usize = 10_000_000;
/// Longest window, gap or allowance in seconds: ten years.
const LONGEST: f64 = 315_360_000.0;
/// Shortest length in seconds.
const SHORTEST: f64 = 0.001;
/// Windows that a row may be in, and closed windows that may be kept for late rows.
const MAX_OVERLAP: i64 = 100_000;

pub(super) fn wrong(name: &str, found: &dyn ToString, expected: &str) -> ConfigError {
    ConfigError::Value {
        name: name.to_owned(),
        found: found.to_string(),
        expected: expected.to_string(),
    }
}

/// Seconds in microseconds.
pub(super) fn micros(name: &str, seconds: f64, least: f64) -> Result<i64, ConfigError> {
    if (least..=LONGEST).contains(&seconds) {
        return Ok((seconds * MICROS as f64).round() as i64);
    }
    let expected = format!("{least} to {LONGEST} seconds");
    Err(wrong(name, &seconds, &expected))
}

impl WindowPlan {
    /// Windows over rows whose features are `names`; the error names the field that cannot be and what it could be.
    pub fn new(config: &WindowConfig, names: &[Box<str>]) -> Result<Self, ConfigError> {
        if names.is_empty() || names.len() > MAX_WIDTH {
            let expected = format!("1 to {MAX_WIDTH} features");
            return Err(wrong("width", &names.len(), &expected));
        }
        if !(1..=MAX_ROWS).contains(&config.max_rows) {
            let expected = format!("1 to {MAX_ROWS} rows");
            return Err(wrong("max_rows", &config.max_rows, &expected));
        }
        let shape = config.shape()?;
        let allowed = micros("allowed_lateness", config.allowed_lateness, 0.0)?;
        match shape {
            Shape::Rows { .. } if allowed > 0 => {
                let expected =
                    "0 with window_unit samples (rows count in order of arrival, none is late)";
                return Err(wrong(
                    "allowed_lateness",
                    &config.allowed_lateness,
                    expected,
                ));
            }
            Shape::Time { slide, .. } if allowed / slide > MAX_OVERLAP => {
                let most = MAX_OVERLAP as f64 * slide as f64 / MICROS as f64;
                let expected =
                    format!("at most {most} seconds, {MAX_OVERLAP} windows that are kept");
                return Err(wrong(
                    "allowed_lateness",
                    &config.allowed_lateness,
                    &expected,
                ));
            }
            _ => {}
        }
        let statistics = config.wanted()?;
        let derived = names.iter().flat_map(|name| {
            let suffixes = statistics.iter().map(Statistic::suffix);
            suffixes.map(move |suffix| format!("{name}_{suffix}").into_boxed_str())
        });
        Ok(Self {
            shape,
            allowed,
            max_rows: config.max_rows,
            width: names.len(),
            names: if statistics.is_empty() {
                names.to_vec()
            } else {
                derived.collect()
            },
            statistics,
        })
    }

    /// Names of what comes out: of the features, or of [`Window::statistics`](super::Window::statistics) in their order.
    pub fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// Values a row must have.
    pub fn width(&self) -> usize {
        self.width
    }

    /// What lengths are counted in; sessions are by seconds.
    pub fn unit(&self) -> Unit {
        match self.shape {
            Shape::Rows { .. } => Unit::Samples,
            Shape::Time { .. } | Shape::Session { .. } => Unit::Seconds,
        }
    }

    /// How long a closed window still takes late rows, in microseconds.
    pub fn allowed_lateness(&self) -> i64 {
        self.allowed
    }

    pub(super) fn statistics(&self) -> &[Statistic] {
        &self.statistics
    }
}

impl WindowConfig {
    fn shape(&self) -> Result<Shape, ConfigError> {
        if self.window_type == WindowType::Session {
            return self.session();
        }
        if let Some(gap) = self.gap {
            return Err(wrong(
                "gap",
                &gap,
                "nothing (only session windows have one)",
            ));
        }
        let by_rows = self.window_unit == Unit::Samples;
        let Some(size) = self.window_size else {
            let unit = if by_rows { "rows" } else { "seconds" };
            return Err(wrong(
                "window_size",
                &"not given",
                &format!("a number of {unit}"),
            ));
        };
        let length = |name, length: f64| {
            if !by_rows {
                return micros(name, length, SHORTEST);
            }
            let most = self.max_rows as f64;
            if length.fract() == 0.0 && (1.0..=most).contains(&length) {
                return Ok(length as i64);
            }
            let expected = format!("a whole number of rows, 1 to {most} (max_rows)");
            Err(wrong(name, &length, &expected))
        };
        let size_length = length("window_size", size)?;
        let slide = match (self.window_type, self.slide_interval) {
            (WindowType::Tumbling, None) => size,
            (WindowType::Tumbling, Some(slide)) if slide != size => {
                let expected = format!("window_size {size} (tumbling windows do not overlap)");
                return Err(wrong("slide_interval", &slide, &expected));
            }
            (_, slide) => slide.unwrap_or(size.min(1.0)),
        };
        if slide > size {
            let expected = format!("at most window_size {size} (no row may fall between windows)");
            return Err(wrong("slide_interval", &slide, &expected));
        }
        let (size, slide_length) = (size_length, length("slide_interval", slide)?);
        if by_rows {
            return Ok(Shape::Rows {
                size,
                slide: slide_length,
            });
        }
        if size / slide_length > MAX_OVERLAP {
            let least = size as f64 / MICROS as f64 / MAX_OVERLAP as f64;
            let expected =
                format!("at least {least} seconds (a row may be in {MAX_OVERLAP} windows)");
            return Err(wrong("slide_interval", &slide, &expected));
        }
        Ok(Shape::Time {
            size,
            slide: slide_length,
        })
    }

    fn session(&self) -> Result<Shape, ConfigError> {
        let unwanted = [
            ("window_size", self.window_size),
            ("slide_interval", self.slide_interval),
        ];
        for (name, value) in unwanted {
            if let Some(value) = value {
                let expected = "nothing (a session ends when nothing comes for `gap`)";
                return Err(wrong(name, &value, expected));
            }
        }
        let Some(gap) = self.gap else {
            let expected = "seconds of silence that end a session";
            return Err(wrong("gap", &"not given", expected));
        };
        let gap = micros("gap", gap, SHORTEST)?;
        Ok(Shape::Session { gap })
    }

    fn wanted(&self) -> Result<Vec<Statistic>, ConfigError> {
        if self.aggregation == Aggregation::Features {
            if let Some(first) = self.statistics.first() {
                let expected = "none with aggregation features (aggregation: statistics)";
                return Err(wrong("statistics", &format!("{first:?}"), expected));
            }
            return Ok(Vec::new());
        }
        if let Some(q) = self.quantiles.iter().find(|q| !(0.0..=1.0).contains(*q)) {
            return Err(wrong("quantiles", &q, "0 to 1 (95 % is written 0.95)"));
        }
        let names = if self.statistics.is_empty() {
            use StatisticName::{Maximum, Mean, Minimum, StandardDeviation};
            &[Mean, StandardDeviation, Minimum, Maximum][..]
        } else {
            &self.statistics
        };
        let named = names.iter();
        let wanted: Vec<Statistic> = named
            .flat_map(|name| Statistic::of(*name, &self.quantiles))
            .collect();
        let mut seen: Vec<String> = Vec::new();
        for statistic in &wanted {
            let suffix = statistic.suffix();
            if seen.contains(&suffix) {
                let expected = "each one once, and quantiles that differ in their first six digits";
                return Err(wrong("statistics", &suffix, expected));
            }
            seen.push(suffix);
        }
        if wanted.is_empty() {
            return Err(wrong("quantiles", &"empty", "at least one in 0 to 1"));
        }
        Ok(wanted)
    }
}
