use serde::{Deserialize, Serialize};

/// Mean and variance that forget: exact over the first `window` values, exponentially weighted after
/// (weight of the newest value 1 / window).
///
/// # References
/// Welford, "Note on a Method for Calculating Corrected Sums of Squares and Products", Technometrics 1962;
/// Finch, "Incremental Calculation of Weighted Mean and Variance", 2009.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExponentialMoments {
    mean: f64,
    variance: f64,
    count: u32,
}

impl ExponentialMoments {
    /// Takes in a finite value.
    pub fn push(&mut self, value: f64, window: u32) {
        self.count = (self.count + 1).min(window);
        let share = 1.0 / f64::from(self.count);
        let delta = value - self.mean;
        self.mean += share * delta;
        self.variance = (1.0 - share) * (self.variance + share * delta * delta);
    }

    /// Weighted mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Weighted population variance.
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// Weighted standard deviation, at least a billionth of the mean's size: a constant series has none, and a
    /// deviation from it is still finite.
    pub fn deviation(&self) -> f64 {
        self.variance.sqrt().max(1e-9 * self.mean.abs()).max(1e-12)
    }

    /// Values seen, counted up to the window.
    pub fn count(&self) -> u32 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_two_passes_while_the_window_holds_all(xs in prop::collection::vec(-1e6..1e6f64, 1..200)) {
            let mut running = ExponentialMoments::default();
            xs.iter().for_each(|&x| running.push(x, 1_000));
            let n = xs.len() as f64;
            let mean = xs.iter().sum::<f64>() / n;
            let variance = xs.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
            prop_assert!((running.mean() - mean).abs() <= 1e-6);
            prop_assert!((running.variance() - variance).abs() <= 1e-6 * variance.max(1.0));
        }
    }

    #[test]
    fn forgets_an_old_level() {
        let mut running = ExponentialMoments::default();
        (0..1_000).for_each(|_| running.push(100.0, 50));
        (0..500).for_each(|_| running.push(0.0, 50));
        assert!(running.mean().abs() < 0.01, "{}", running.mean());
    }
}
