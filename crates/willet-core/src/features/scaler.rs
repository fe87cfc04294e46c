use serde::{Deserialize, Serialize};

use crate::statistics::SortedWindow;

/// Robust scaling of one feature by median and interquartile range of its last values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Scaler {
    window: SortedWindow,
}

/// Values the scale is taken from.
const WINDOW: usize = 256;
/// A normal variable's interquartile range in standard deviations.
const IQR_PER_DEVIATION: f64 = 1.348_979_500_392_163_5;

impl Default for Scaler {
    fn default() -> Self {
        Self {
            window: SortedWindow::new(WINDOW),
        }
    }
}

impl Scaler {
    /// The value less the median in units of spread; as it is before anything was learned.
    pub(super) fn scale(&self, value: f64) -> f64 {
        let at = |q| self.window.quantile(q);
        let (Some(low), Some(middle), Some(high)) = (at(0.25), at(0.5), at(0.75)) else {
            return value;
        };
        let spread = ((high - low) / IQR_PER_DEVIATION)
            .max(1e-9 * middle.abs())
            .max(1e-12);
        (value - middle) / spread
    }

    pub(super) fn learn(&mut self, value: f64) {
        if value.is_finite() {
            self.window.push(value);
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.window.heap_bytes()
    }

    pub(super) fn is_sound(&self) -> bool {
        self.window.is_sound(WINDOW)
    }
}
