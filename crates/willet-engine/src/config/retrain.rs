//! When series are trained anew, as written and as checked.

use serde::{Deserialize, Serialize};
use willet_core::error::ConfigError;

use super::Adaptation;

/// When a series is trained anew, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetrainConfig {
    /// Whether it is without a drift, when `retrain_threshold` is reached.
    pub auto_retrain: bool,
    /// So many rows since the last time; or, below 1, a share of anomalies among the last hundred rows or so.
    pub retrain_threshold: f64,
    /// Rows that must come before it is done again.
    pub cool_down: u64,
    /// Recent rows that are kept to learn from.
    pub rows: usize,
    /// Kept rows that are learned with each row that comes.
    pub slice: usize,
}

impl Default for RetrainConfig {
    fn default() -> Self {
        Self {
            auto_retrain: false,
            retrain_threshold: 1_000.0,
            cool_down: 500,
            rows: 1_000,
            slice: 8,
        }
    }
}

/// Rows that can be kept of a series.
const MAX_ROWS: usize = 100_000;
/// Rows that can be learned with one that comes.
const MAX_SLICE: usize = 1_000;

impl RetrainConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |name: &str, found: String, expected: String| {
            Err(ConfigError::Value {
                name: name.to_owned(),
                found,
                expected,
            })
        };
        let threshold = self.retrain_threshold;
        if !(threshold.is_finite() && threshold > 0.0) {
            let expected = "a number of rows, or a share of anomalies above 0 and below 1";
            return wrong(
                "retrain_threshold",
                threshold.to_string(),
                expected.to_owned(),
            );
        }
        if !(10..=MAX_ROWS).contains(&self.rows) {
            return wrong("rows", self.rows.to_string(), format!("10 to {MAX_ROWS}"));
        }
        // Two at least: with one the rows that come meanwhile would never be caught up with.
        if !(2..=MAX_SLICE).contains(&self.slice) {
            return wrong("slice", self.slice.to_string(), format!("2 to {MAX_SLICE}"));
        }
        Ok(())
    }

    /// Whether rows must be kept for it.
    pub(super) fn keeps_rows(&self, adaptation: Adaptation) -> bool {
        self.auto_retrain || matches!(adaptation, Adaptation::Retrain | Adaptation::Incremental)
    }
}
