use std::f64::consts::{FRAC_2_PI, PI};

use super::super::hypothesis::wasserstein_sorted;
use super::{Look, WindowTest, Windows};
use crate::statistics::upper_gamma;

crate::settings! {
    /// Settings of [`WassersteinTest`].
    pub(in super::super) struct WassersteinConfig {
        /// Newest rows, which are compared with the reference.
        window_size: usize = 100, 8..=100_000;
        /// Rows of the reference: the first ones, and after a drift those it was seen in and what follows.
        reference_window: usize = 1_000, 8..=100_000;
        /// Chance of a false alarm while the window is renewed once.
        significance_level: f64 = 0.001, 1e-12..=0.5;
        /// Rows that the window must hold before it is tested.
        min_samples: usize = 30, 2..=100_000;
        /// A smaller distance is no drift, however significant; in standard deviations of the reference.
        threshold: f64 = 0.1, 0.0..=1e6;
    }
}

/// The area between the two distribution functions, in the unit of the values: sees how far values have moved, and weighs what happens
/// in the tails. Looks 32 times while the window is renewed, each `O(window_size + reference_window)`.
///
/// Without drift the area, times √(n m / (n + m)), is that under the absolute value of a Brownian bridge over the distribution function;
/// its mean and variance are integrals over the reference, and a gamma distribution with both gives the p-value.
///
/// # References
/// del Barrio, Giné, Matrán, "Central Limit Theorems for the Wasserstein Distance Between the Empirical and the True Distributions",
/// Annals of Probability 1999.
#[derive(Debug)]
pub(in super::super) struct WassersteinTest {
    threshold: f64,
    reference: Vec<f64>,
    deviation: f64,
    mean: f64,
    variance: f64,
    sorted: Vec<f64>,
}

/// Points at which the integrals are taken.
const GRID: usize = 48;

impl WindowTest for WassersteinTest {
    const NAME: &'static str = "wasserstein";
    const ALIASES: &'static [&'static str] = &["earth_mover"];
    const SUMMARY: &'static str = "area between two distribution functions; how far values moved";
    const PAPER: &'static str = "del Barrio, Giné, Matrán, Annals of Probability 1999";
    const STRIDE: usize = 32;
    type Config = WassersteinConfig;

    fn windows(config: &WassersteinConfig) -> Windows {
        Windows {
            window_size: config.window_size,
            reference_window: config.reference_window,
            significance_level: config.significance_level,
            min_samples: config.min_samples,
        }
    }

    fn new(config: &WassersteinConfig) -> Self {
        Self {
            threshold: config.threshold,
            reference: Vec::new(),
            deviation: 0.0,
            mean: 0.0,
            variance: 0.0,
            sorted: Vec::new(),
        }
    }

    fn begin(&mut self, reference: &[f64]) {
        self.reference.clear();
        self.reference.extend_from_slice(reference);
        self.sorted.clear();
        let m = reference.len() as f64;
        let mean = reference.iter().sum::<f64>() / m;
        let squares = reference.iter().map(|x| (x - mean) * (x - mean));
        self.deviation = (squares.sum::<f64>() / m).sqrt();
        (self.mean, self.variance) = bridge(reference);
    }

    fn slide(&mut self, x: f64, leaving: Option<f64>) {
        if let Some(leaving) = leaving {
            let out = self.sorted.partition_point(|y| *y < leaving);
            self.sorted.remove(out.min(self.sorted.len() - 1));
        }
        let into = self.sorted.partition_point(|y| *y < x);
        self.sorted.insert(into, x);
    }

    fn look(&mut self, _values: impl Iterator<Item = f64>, _chance: u64) -> Look {
        let statistic = wasserstein_sorted(&self.reference, &self.sorted);
        let (n, m) = (self.sorted.len() as f64, self.reference.len() as f64);
        let scaled = statistic * (n * m / (n + m)).sqrt();
        let p_value = if statistic <= self.threshold * self.deviation {
            1.0
        } else if self.variance > 0.0 {
            let scale = self.variance / self.mean;
            upper_gamma(self.mean / scale, scaled / scale)
        } else {
            // All of the reference are one value: another value is no chance.
            0.0
        };
        let magnitude = if statistic > 0.0 {
            statistic / (statistic + self.deviation)
        } else {
            0.0
        };
        Look {
            statistic,
            magnitude,
            p_value,
        }
    }

    fn heap_bytes(&self) -> usize {
        (self.reference.capacity() + self.sorted.capacity()) * size_of::<f64>()
    }
}

/// Mean and variance of the area under |B(F(x))|, B a Brownian bridge and F the distribution of sorted values.
fn bridge(sorted: &[f64]) -> (f64, f64) {
    let m = sorted.len();
    // F is taken as constant between quantiles that lie evenly.
    let at = |i: usize| sorted[(i * (m - 1)) / GRID];
    let steps: Vec<(f64, f64)> = (0..GRID)
        .map(|i| ((i as f64 + 0.5) / GRID as f64, at(i + 1) - at(i)))
        .collect();
    let deviation = |f: f64| (f * (1.0 - f)).sqrt();
    let mean = steps.iter().map(|(f, dx)| deviation(*f) * dx).sum::<f64>() * FRAC_2_PI.sqrt();
    let mut variance = 0.0;
    for (s, dx) in &steps {
        for (t, dy) in &steps {
            let (low, high) = (s.min(*t), s.max(*t));
            let size = deviation(low) * deviation(high);
            let r = (low * (1.0 - high) / size).min(1.0);
            // Covariance of the absolute values of two normal variables of correlation r.
            let shared = (1.0 - r * r).sqrt() + r * libm::asin(r) - 1.0;
            variance += 2.0 / PI * size * shared * dx * dy;
        }
    }
    (mean, variance)
}
