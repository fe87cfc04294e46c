use libm::exp;

use super::super::hypothesis::{chi2_survival, psi};
use super::chi2::Histogram;
use super::{Look, WindowTest, Windows};

crate::settings! {
    /// Settings of [`PsiTest`].
    pub(in super::super) struct PsiConfig {
        /// Newest rows, which are compared with the reference.
        window_size: usize = 200, 8..=100_000;
        /// Rows of the reference: the first ones, and after a drift those it was seen in and what follows.
        reference_window: usize = 1_000, 8..=100_000;
        /// Chance of a false alarm while the window is renewed once.
        significance_level: f64 = 0.001, 1e-12..=0.5;
        /// Rows that the window must hold before it is tested.
        min_samples: usize = 60, 2..=100_000;
        /// Bins of about equal count in the reference; a feature with no more different values than this has a bin for each.
        bins: usize = 10, 2..=1_000;
        /// A smaller index is no drift, however significant: 0.1 by custom is stable, 0.2 a change.
        threshold: f64 = 0.2, 0.0..=100.0;
    }
}

/// The population stability index of reference and window. It alarms where the index is large and chance does not explain it: a small
/// window has a large index by chance alone. `O(bins)` a row.
///
/// # References
/// Yurdakul, "Statistical Properties of Population Stability Index", 2018: without drift it is about χ² / n + χ² / m.
#[derive(Debug)]
pub(in super::super) struct PsiTest {
    threshold: f64,
    histogram: Histogram,
}

impl WindowTest for PsiTest {
    const NAME: &'static str = "psi";
    const ALIASES: &'static [&'static str] = &["population_stability_index"];
    const SUMMARY: &'static str = "population stability index, significant and above a threshold";
    const PAPER: &'static str = "Yurdakul, Western Michigan University 2018";
    type Config = PsiConfig;

    fn windows(config: &PsiConfig) -> Windows {
        Windows {
            window_size: config.window_size,
            reference_window: config.reference_window,
            significance_level: config.significance_level,
            min_samples: config.min_samples,
        }
    }

    fn new(config: &PsiConfig) -> Self {
        Self {
            threshold: config.threshold,
            histogram: Histogram::new(config.bins),
        }
    }

    fn begin(&mut self, reference: &[f64]) {
        self.histogram.begin(reference);
    }

    fn slide(&mut self, x: f64, leaving: Option<f64>) {
        self.histogram.slide(x, leaving);
    }

    fn look(&mut self, _values: impl Iterator<Item = f64>, _chance: u64) -> Look {
        let (reference, window) = (&self.histogram.reference, &self.histogram.window);
        let statistic = psi(reference, window).unwrap_or(0.0);
        let (m, n): (f64, f64) = (reference.iter().sum(), window.iter().sum());
        let bins = reference.iter().zip(window);
        let filled = bins.filter(|(a, b)| **a + **b > 0.0).count();
        let p_value = if statistic < self.threshold {
            1.0
        } else {
            chi2_survival(statistic / (1.0 / n + 1.0 / m), filled.saturating_sub(1))
        };
        Look {
            statistic,
            magnitude: 1.0 - exp(-statistic),
            p_value,
        }
    }

    fn heap_bytes(&self) -> usize {
        self.histogram.heap_bytes()
    }
}
