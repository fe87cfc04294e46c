use super::super::hypothesis::chi2_survival;
use super::{Look, WindowTest, Windows};

crate::settings! {
    /// Settings of [`Chi2Test`].
    pub(in super::super) struct Chi2Config {
        /// Newest rows, which are compared with the reference.
        window_size: usize = 100, 8..=100_000;
        /// Rows of the reference: the first ones, and after a drift those it was seen in and what follows.
        reference_window: usize = 1_000, 8..=100_000;
        /// Chance of a false alarm while the window is renewed once.
        significance_level: f64 = 0.001, 1e-12..=0.5;
        /// Rows that the window must hold before it is tested.
        min_samples: usize = 30, 2..=100_000;
        /// Bins of about equal count in the reference; a feature with no more different values than this has a bin for each.
        bins: usize = 10, 2..=1_000;
    }
}

/// Counts of the reference and the window in the same bins, by Pearson's test. For categories, codes and counts; of numbers it sees
/// changes of shape that leave the middle where it was. `O(bins)` a row.
///
/// # References
/// Pearson, "On the criterion that a given system of deviations…", Philosophical Magazine 1900.
#[derive(Debug)]
pub(in super::super) struct Chi2Test {
    histogram: Histogram,
}

/// Counts of reference and window over the bins that the reference made.
#[derive(Debug)]
pub(super) struct Histogram {
    most: usize,
    /// Upper ends of all bins but the last, or the values that have a bin each.
    edges: Vec<f64>,
    is_of_values: bool,
    pub(super) reference: Vec<f64>,
    pub(super) window: Vec<f64>,
}

impl Histogram {
    pub(super) fn new(bins: usize) -> Self {
        Self {
            most: bins,
            edges: Vec::new(),
            is_of_values: false,
            reference: Vec::new(),
            window: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, sorted: &[f64]) {
        self.edges.clear();
        self.edges.extend_from_slice(sorted);
        self.edges.dedup();
        self.is_of_values = self.edges.len() <= self.most;
        if !self.is_of_values {
            let bins = self.most;
            self.edges.clear();
            let edges = (1..bins).map(|i| sorted[(i * sorted.len() / bins).max(1) - 1]);
            self.edges.extend(edges);
            self.edges.dedup();
        }
        // Of values one bin more, for those the reference never had.
        let bins = self.edges.len() + 1;
        self.reference.clear();
        self.reference.resize(bins, 0.0);
        for x in sorted {
            let bin = self.bin(*x);
            self.reference[bin] += 1.0;
        }
        self.window.clear();
        self.window.resize(bins, 0.0);
    }

    fn bin(&self, x: f64) -> usize {
        let at = self.edges.partition_point(|edge| *edge < x);
        if self.is_of_values && self.edges.get(at) != Some(&x) {
            self.edges.len()
        } else {
            at
        }
    }

    pub(super) fn slide(&mut self, x: f64, leaving: Option<f64>) {
        let bin = self.bin(x);
        self.window[bin] += 1.0;
        if let Some(leaving) = leaving {
            let bin = self.bin(leaving);
            self.window[bin] -= 1.0;
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let numbers = self.edges.capacity() + self.reference.capacity() + self.window.capacity();
        numbers * size_of::<f64>()
    }
}

impl WindowTest for Chi2Test {
    const NAME: &'static str = "chi2";
    const ALIASES: &'static [&'static str] = &["chi_squared"];
    const SUMMARY: &'static str = "counts in the same bins; categories, codes and counts";
    const PAPER: &'static str = "Pearson, Philosophical Magazine 1900";
    type Config = Chi2Config;

    fn windows(config: &Chi2Config) -> Windows {
        Windows {
            window_size: config.window_size,
            reference_window: config.reference_window,
            significance_level: config.significance_level,
            min_samples: config.min_samples,
        }
    }

    fn new(config: &Chi2Config) -> Self {
        Self {
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
        let bins = || self.histogram.window.iter().zip(&self.histogram.reference);
        let (n, m) = bins().fold((0.0, 0.0), |(n, m), (a, b)| (n + a, m + b));
        let share = n / (n + m);
        let mut statistic = 0.0;
        let mut filled = 0_usize;
        for (inside, reference) in bins() {
            let both = inside + reference;
            if both > 0.0 {
                // Window and reference are off by the same number in opposite directions.
                let apart = inside - both * share;
                statistic += apart * apart / (both * share * (1.0 - share));
                filled += 1;
            }
        }
        Look {
            statistic,
            // Cramér's V of a table of two rows.
            magnitude: (statistic / (n + m)).sqrt(),
            p_value: chi2_survival(statistic, filled.saturating_sub(1)),
        }
    }

    fn heap_bytes(&self) -> usize {
        self.histogram.heap_bytes()
    }
}
