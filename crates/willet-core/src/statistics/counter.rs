use libm::fabs;
use serde::{Deserialize, Serialize};

/// Tells a counter: a value that does nothing but rise, and now and then begins again.
///
/// Most of its steps rise, none falls by a little. What it counts is in its steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counter {
    last: f64,
    rows: u32,
    rises: u32,
    /// Mean of the rises.
    rise: f64,
    has_fallen_a_little: bool,
    /// The last step.
    step: f64,
}

/// Rows before anything is taken for a counter.
const KNOWN: u32 = 64;
/// A fall of fewer mean rises is one of a value that is no counter.
const LITTLE: f64 = 8.0;

impl Counter {
    /// Takes in a value; whether it is known for a counter now.
    pub(crate) fn push(&mut self, x: f64) -> bool {
        self.push_step(x, self.change(x))
    }

    /// The same where its [change](Counter::change) is known.
    pub(crate) fn push_step(&mut self, x: f64, step: f64) -> bool {
        let change = x - self.last;
        self.step = step;
        if self.rows > 0 {
            if change > 0.0 {
                self.rises = self.rises.saturating_add(1);
                self.rise += (change - self.rise) / f64::from(self.rises.min(1_024));
            } else if change < 0.0 && (self.rises < 4 || -change < LITTLE * self.rise) {
                self.has_fallen_a_little = true;
            }
        }
        self.last = x;
        self.rows = self.rows.saturating_add(1);
        self.is_one()
    }

    pub(crate) fn is_one(&self) -> bool {
        self.rows >= KNOWN && !self.has_fallen_a_little && self.rises > self.rows / 2
    }

    /// What was counted up to `x`: all of it where it has begun again.
    pub(crate) fn step(&self, x: f64) -> f64 {
        let change = self.change(x);
        if change < 0.0 && fabs(x) < fabs(self.last) {
            x
        } else {
            change
        }
    }

    /// How far `x` is from the last value. As far as that was from the one before, where rounding of the numbers is all that parts the
    /// two: tenths are no whole number of halves.
    pub(crate) fn change(&self, x: f64) -> f64 {
        let change = x - self.last;
        let rounding = 4.0 * f64::EPSILON * fabs(x).max(fabs(self.last));
        if fabs(change - self.step) <= rounding {
            self.step
        } else {
            change
        }
    }

    /// The last value that came.
    pub(crate) fn before(&self) -> f64 {
        self.last
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.last.is_finite()
            && self.step.is_finite()
            && self.rise.is_finite()
            && self.rises <= self.rows
    }
}
