//! Rows of features, and what comes out of them.

use std::ops::Range;

use crate::error::WidthError;
use crate::statistics::{outer_quantiles, select_quantile};

/// Rows of equal width that lie one behind the other. NaN is a missing value.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    values: &'a [f64],
    width: usize,
}

impl<'a> Rows<'a> {
    /// Rows of `width` values each; the values must be whole rows.
    pub fn new(values: &'a [f64], width: usize) -> Result<Self, WidthError> {
        if width == 0 || !values.len().is_multiple_of(width) {
            return Err(WidthError {
                expected: width,
                found: values.len(),
            });
        }
        Ok(Self { values, width })
    }

    /// One row.
    pub fn one(row: &'a [f64]) -> Self {
        Self {
            values: row,
            width: row.len(),
        }
    }

    /// Values in each row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        // One row is what a live stream brings, and a division takes long.
        if self.values.len() == self.width {
            return usize::from(self.width > 0);
        }
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values of all rows, one behind the other.
    pub(crate) fn values(&self) -> &'a [f64] {
        self.values
    }

    /// Some of the rows.
    pub(crate) fn part(&self, rows: Range<usize>) -> Self {
        Self {
            values: &self.values[rows.start * self.width..rows.end * self.width],
            width: self.width,
        }
    }

    /// The rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [f64]> + Clone + use<'a> {
        self.values.chunks_exact(self.width.max(1))
    }
}

/// A detector's own answer for one row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Raw {
    /// Too little was learned for a score to mean anything.
    #[default]
    WarmingUp,
    /// The row holds no value that could be scored; nothing was learned from it.
    Missing,
    /// How strange the row is on the detector's own scale: finite, higher is stranger.
    Score(f64),
}

impl Raw {
    /// The score, if there is one.
    pub fn score(self) -> Option<f64> {
        match self {
            Self::Score(score) => Some(score),
            Self::WarmingUp | Self::Missing => None,
        }
    }
}

/// Why a row scored as it did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// Share of each feature in the score: 0 or more, sum 1.
    pub contributions: Vec<f64>,
    /// What the detector takes for normal of each feature; empty while it does not know.
    pub expected: Vec<Expected>,
}

/// Normal range of one feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// Lower end of the band.
    pub low: f64,
    /// Middle.
    pub middle: f64,
    /// Upper end of the band.
    pub high: f64,
}

impl Expected {
    /// A band of `deviations` standard deviations around a mean.
    pub fn around(middle: f64, deviation: f64) -> Self {
        Self {
            low: middle - BAND * deviation,
            middle,
            high: middle + BAND * deviation,
        }
    }
}

impl Expected {
    /// Median, 1 % and 99 % quantiles of some values, which it may reorder; `None` of none.
    pub(crate) fn of(values: &mut [f64]) -> Option<Self> {
        let (low, high) = outer_quantiles(values, 0.01)?;
        let middle = select_quantile(values, 0.5)?;
        Some(Self { low, middle, high })
    }

    /// The same band, `by` higher.
    pub(crate) fn shifted(self, by: f64) -> Self {
        Self {
            low: self.low + by,
            middle: self.middle + by,
            high: self.high + by,
        }
    }
}

/// Where a value belongs by its place in trend and seasons; values are compared by how far they are off it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Band {
    /// Of a value of which no season is known: it is compared as it is.
    pub const NONE: Self = Self {
        low: 0.0,
        high: 0.0,
    };

    /// How far a value is off; what rounding alone makes is nothing.
    pub fn off(&self, value: f64) -> f64 {
        let off = value - value.clamp(self.low, self.high);
        if *self != Self::NONE && off.abs() <= 1e-6 * self.low.abs().max(self.high.abs()) {
            return 0.0;
        }
        off
    }
}

/// How far up and down a value went in a stretch of rows, and in the same stretch of the last periods.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Swing {
    /// Of the last rows.
    pub now: Band,
    /// Of the lowest values of the periods before.
    pub lows: Band,
    /// Of their highest values.
    pub highs: Band,
}

impl Swing {
    /// Of a value of which too little is known.
    pub const NONE: Self = Self {
        now: Band::NONE,
        lows: Band::NONE,
        highs: Band::NONE,
    };

    /// How far it stayed below all highest values, as a negative number, or above all lowest; 0 where it went half of the way that it
    /// went in each period.
    pub fn lack(&self) -> f64 {
        let half = (self.highs.low - self.lows.high) / 2.0;
        let below = self.highs.low - self.now.high;
        let above = self.now.low - self.lows.high;
        match below.max(above) {
            most if half <= 0.0 || most <= half => 0.0,
            most if most == above => above,
            _ => -below,
        }
    }

    /// Where it should have gone.
    pub(crate) fn due(&self) -> Band {
        if self.lack() > 0.0 {
            self.lows
        } else {
            self.highs
        }
    }
}

impl From<(f64, f64)> for Band {
    fn from((low, high): (f64, f64)) -> Self {
        Self { low, high }
    }
}

/// Half width of an expected band in standard deviations.
pub(crate) const BAND: f64 = 3.0;

impl Explanation {
    /// Makes weights of 0 or more sum to 1; where all are 0 each feature has an equal share.
    pub fn from_weights(mut weights: Vec<f64>, expected: Vec<Expected>) -> Self {
        for weight in &mut weights {
            *weight = if weight.is_finite() {
                weight.max(0.0)
            } else {
                0.0
            };
        }
        // Divided by the largest first: a sum of huge weights must not overflow.
        let largest = weights.iter().copied().fold(0.0, f64::max);
        let total: f64 = weights.iter().map(|weight| weight / largest).sum();
        let even = 1.0 / weights.len().max(1) as f64;
        for weight in &mut weights {
            *weight = if largest > 0.0 {
                *weight / largest / total
            } else {
                even
            };
        }
        Self {
            contributions: weights,
            expected,
        }
    }

    /// The feature with the largest share.
    pub fn main_feature(&self) -> Option<usize> {
        (0..self.contributions.len())
            .rev()
            .max_by(|a, b| self.contributions[*a].total_cmp(&self.contributions[*b]))
    }
}
