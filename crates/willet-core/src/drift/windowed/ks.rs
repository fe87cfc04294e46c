use libm::exp;

use super::cells::Cells;
use super::{Look, WindowTest, Windows};

crate::settings! {
    /// Settings of [`KsTest`].
    pub(in super::super) struct KsConfig {
        /// Newest rows, which are compared with the reference.
        window_size: usize = 100, 8..=100_000;
        /// Rows of the reference: the first ones, and after a drift those it was seen in and what follows.
        reference_window: usize = 1_000, 8..=100_000;
        /// Chance of a false alarm while the window is renewed once.
        significance_level: f64 = 0.001, 1e-12..=0.5;
        /// Rows that the window must hold before it is tested.
        min_samples: usize = 30, 2..=100_000;
    }
}

/// The largest difference of the two distribution functions, at every row. Sees any change of one value's distribution, of its middle best.
///
/// The window's values are counted in the cells that the reference's values make of the line, and a tree over the cells holds the largest
/// difference: `O(log reference_window)` a row.
///
/// # References
/// dos Reis, Flach, Matwin, Batista, "Fast Unsupervised Online Drift Detection Using Incremental Kolmogorov-Smirnov Test", KDD 2016
/// (the idea; there a treap holds both windows).
#[derive(Debug)]
pub(in super::super) struct KsTest {
    window_size: usize,
    cells: Cells,
}

impl WindowTest for KsTest {
    const NAME: &'static str = "ks";
    const ALIASES: &'static [&'static str] = &["kolmogorov_smirnov"];
    const SUMMARY: &'static str =
        "largest difference of two distribution functions; any change of a value";
    const PAPER: &'static str = "Kolmogorov 1933, Smirnov 1939; dos Reis and others, KDD 2016";
    type Config = KsConfig;

    fn windows(config: &KsConfig) -> Windows {
        Windows {
            window_size: config.window_size,
            reference_window: config.reference_window,
            significance_level: config.significance_level,
            min_samples: config.min_samples,
        }
    }

    fn new(config: &KsConfig) -> Self {
        Self {
            window_size: config.window_size,
            cells: Cells::default(),
        }
    }

    fn begin(&mut self, reference: &[f64]) {
        self.cells = Cells::new(reference, self.window_size);
    }

    fn slide(&mut self, x: f64, leaving: Option<f64>) {
        self.cells.slide(x, leaving);
    }

    fn look(&mut self, _values: impl Iterator<Item = f64>, _chance: u64) -> Look {
        let (n, m) = (self.cells.inside() as f64, self.cells.reference() as f64);
        let statistic = self.cells.largest_difference() as f64 / (n * m);
        let root = (n * m / (n + m)).sqrt();
        Look {
            statistic,
            magnitude: statistic,
            p_value: kolmogorov_limit((root + 0.12 + 0.11 / root) * statistic),
        }
    }

    fn heap_bytes(&self) -> usize {
        self.cells.heap_bytes()
    }
}

/// Kolmogorov's limit distribution, upper tail. With Stephens' factor for the number of values it is close enough to decide by at every
/// row; [`super::super::hypothesis::ks_2samp`] has more digits.
///
/// # References
/// Stephens, "Use of the Kolmogorov-Smirnov, Cramér-von Mises and Related Statistics Without Extensive Tables", JRSS B 1970.
fn kolmogorov_limit(x: f64) -> f64 {
    if x < 0.3 {
        return 1.0;
    }
    let mut sum = 0.0;
    let mut sign = 1.0;
    for k in 1..=20 {
        let k = f64::from(k);
        let term = exp(-2.0 * k * k * x * x);
        sum += sign * term;
        sign = -sign;
        if term < 1e-12 {
            break;
        }
    }
    (2.0 * sum).clamp(0.0, 1.0)
}
