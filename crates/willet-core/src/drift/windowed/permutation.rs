use super::super::hypothesis::permutation_p;
use super::{Look, WindowTest, Windows};
use crate::random::Random;

crate::settings! {
    /// Settings of [`PermutationTest`].
    pub(in super::super) struct PermutationConfig {
        /// Newest rows, which are compared with the reference.
        window_size: usize = 100, 8..=100_000;
        /// Rows of the reference: the first ones, and after a drift those it was seen in and what follows.
        reference_window: usize = 500, 8..=100_000;
        /// Chance of a false alarm while the window is renewed once.
        significance_level: f64 = 0.01, 1e-6..=0.5;
        /// Rows that the window must hold before it is tested.
        min_samples: usize = 30, 2..=100_000;
        /// Times that the values are dealt to both windows anew. The smallest p-value is about two over this.
        resamples: usize = 20_000, 100..=10_000_000;
    }
}

/// The difference of means of reference and window against what dealing the values anew gives: sees a change of the mean, whatever the
/// distribution. Looks 8 times while the window is renewed, and deals only where the difference is not small.
///
/// # References
/// Fisher, "The Design of Experiments", 1935.
#[derive(Debug)]
pub(in super::super) struct PermutationTest {
    resamples: usize,
    reference: Vec<f64>,
    mean: f64,
    squares: f64,
    pool: Vec<f64>,
}

/// Standard errors below which the p-value is not worth dealing for: about one in 160 looks goes on.
const WORTH: f64 = 2.75;

impl WindowTest for PermutationTest {
    const NAME: &'static str = "permutation";
    const SUMMARY: &'static str =
        "difference of means against values dealt anew; no assumption, slow";
    const PAPER: &'static str = "Fisher, The Design of Experiments, 1935";
    const STRIDE: usize = 8;
    /// Eight looks at windows that overlap by seven eighths.
    const LOOKS: f64 = 6.0;
    type Config = PermutationConfig;

    fn windows(config: &PermutationConfig) -> Windows {
        Windows {
            window_size: config.window_size,
            reference_window: config.reference_window,
            significance_level: config.significance_level,
            min_samples: config.min_samples,
        }
    }

    fn smallest_p(config: &PermutationConfig) -> Option<(f64, &'static str, usize)> {
        let resamples = config.resamples;
        Some((2.0 / (resamples as f64 + 1.0), "resamples", resamples))
    }

    fn new(config: &PermutationConfig) -> Self {
        Self {
            resamples: config.resamples,
            reference: Vec::new(),
            mean: 0.0,
            squares: 0.0,
            pool: Vec::new(),
        }
    }

    fn begin(&mut self, reference: &[f64]) {
        self.reference.clear();
        self.reference.extend_from_slice(reference);
        let m = reference.len() as f64;
        self.mean = reference.iter().sum::<f64>() / m;
        self.squares = reference
            .iter()
            .map(|x| (x - self.mean) * (x - self.mean))
            .sum();
    }

    fn slide(&mut self, _x: f64, _leaving: Option<f64>) {}

    fn look(&mut self, values: impl Iterator<Item = f64> + Clone, chance: u64) -> Look {
        self.pool.clear();
        self.pool.extend(values);
        // In rising order, whatever the order of the window: a restored one has another.
        self.pool.sort_unstable_by(f64::total_cmp);
        let (n, m) = (self.pool.len() as f64, self.reference.len() as f64);
        let mean = self.pool.iter().sum::<f64>() / n;
        let apart = mean - self.mean;
        let own: f64 = self.pool.iter().map(|x| (x - mean) * (x - mean)).sum();
        let within = (self.squares + own) / (n + m);
        let all = within + n * m / ((n + m) * (n + m)) * apart * apart;
        let error = (all * (1.0 / n + 1.0 / m)).sqrt();
        let statistic = apart.abs();
        let magnitude = if statistic > 0.0 {
            statistic / (statistic + within.sqrt())
        } else {
            0.0
        };
        let mut p_value = 1.0;
        if statistic > WORTH * error {
            let first = self.pool.len();
            self.pool.extend_from_slice(&self.reference);
            let mut random = Random::new(chance);
            p_value = permutation_p(&mut self.pool, first, self.resamples as u64, &mut random);
        }
        Look {
            statistic,
            magnitude,
            p_value,
        }
    }

    fn heap_bytes(&self) -> usize {
        (self.reference.capacity() + self.pool.capacity()) * size_of::<f64>()
    }
}
