use libm::log2;
use serde::{Deserialize, Serialize};

use super::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::rows::{Expected, Explanation, Raw};
use crate::settings::Choice;
use crate::windows::{CountWindow, Slide};

crate::settings! {
    /// Settings of [`Hbos`].
    pub(super) struct HbosConfig {
        /// Bins of each feature's histogram, of equal width from the smallest to the largest value of the window.
        n_bins: usize = 10, 2..=1_000;
        /// Added to every density, so that an empty bin has a finite score.
        alpha: f64 = 0.1, 1e-9..=1.0;
        /// How far outside the histogram a value may lie and still count as of the outermost bin, in widths of a bin.
        tol: f64 = 0.5, 0.0..=1.0;
        /// What a value further outside counts as: of an empty bin, or of the thinnest one (as PyOD has it).
        outside: Outside = Outside::Empty, ();
        /// How many recent rows the histograms are made of.
        window_size: usize = 1_000, 32..=1_000_000;
    }
}

/// What lies outside of a histogram counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outside {
    /// As in an empty bin: where all bins are full the thinnest one would say nothing.
    Empty,
    /// As in the thinnest bin.
    Thinnest,
}

impl Choice for Outside {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("empty", Self::Empty), ("thinnest", Self::Thinnest)];
}

#[doc = include_str!("pages/hbos.md")]
#[derive(Debug)]
pub(super) struct Hbos {
    config: HbosConfig,
    window: CountWindow,
    histograms: Vec<Histogram>,
    /// A place for the values of a feature; holds nothing between.
    values: Vec<f64>,
}

#[derive(Clone, Debug, Default)]
struct Histogram {
    low: f64,
    high: f64,
    /// Where the bins begin, where they end, how wide each is: the ends, but for equal values.
    begin: f64,
    end: f64,
    width: f64,
    /// One over the width: a first guess at a bin, which the edges correct.
    per_width: f64,
    /// Values equal to either end: when the last one leaves the end moves.
    at_ends: [u32; 2],
    counts: Vec<u32>,
    /// Whether an end moved, so that all must be counted anew.
    is_stale: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    window: CountWindow,
}

/// Rows before densities mean anything.
const WARM_UP: usize = 32;

impl Histogram {
    /// Counts these values, and only these.
    fn recount(&mut self, values: &[f64], bins: usize) {
        let (low, high) = ends(values);
        // Of equal values a range of 1 around them, as `NumPy` has it; of huge ones 1 more is the same number.
        let half = if low < high {
            0.0
        } else {
            (1e-9 * low.abs()).max(0.5)
        };
        let (begin, end) = (low - half, high + half);
        let mut counts = std::mem::take(&mut self.counts);
        counts.clear();
        counts.resize(bins, 0);
        *self = Self {
            low,
            high,
            begin,
            end,
            width: (end - begin) / bins as f64,
            per_width: bins as f64 / (end - begin),
            at_ends: [0; 2],
            counts,
            is_stale: false,
        };
        for &value in values {
            let bin = self.bin(value);
            self.counts[bin] += 1;
            self.at_ends[0] += u32::from(value == low);
            self.at_ends[1] += u32::from(value == high);
        }
    }

    fn count_ends(&mut self, value: f64, step: i32) {
        for (count, end) in self.at_ends.iter_mut().zip([self.low, self.high]) {
            if value == end {
                *count = count.saturating_add_signed(step);
            }
        }
    }

    /// The bin of a value between the ends.
    #[inline]
    fn bin(&self, value: f64) -> usize {
        let last = self.counts.len() as i32 - 1;
        let edge = |bin: i32| self.begin + f64::from(bin) * self.width;
        let guess = (((value - self.begin) * self.per_width) as i32).min(last);
        // Without a branch: which side of an edge a value lies on cannot be guessed. The last edge is the largest value itself.
        let is_below = value < edge(guess);
        let is_above = guess < last && value >= edge(guess + 1);
        (guess + i32::from(is_above) - i32::from(is_below)).max(0) as usize
    }

    /// The bin of a value, if it lies between the ends.
    #[inline]
    fn bin_inside(&self, value: f64) -> Option<usize> {
        let is_inside = value >= self.begin && value <= self.end;
        is_inside.then(|| self.bin(value))
    }

    /// Takes a value of that bin in and lets another go; stale where the ends change.
    #[inline]
    fn slide(&mut self, value: f64, bin: Option<usize>, leaving: Option<f64>) {
        let Some(bin) = bin.filter(|_| value >= self.low && value <= self.high) else {
            self.is_stale = true;
            return;
        };
        self.count_ends(value, 1);
        if let Some(leaving) = leaving {
            self.count_ends(leaving, -1);
            let bin = self.bin(leaving);
            self.counts[bin] = self.counts[bin].saturating_sub(1);
        }
        self.counts[bin] += 1;
        self.is_stale = self.at_ends.contains(&0);
    }

    /// The density at a value of that bin.
    #[inline]
    fn density(&self, value: f64, bin: Option<usize>, rows: usize, config: &HbosConfig) -> f64 {
        let count = match bin {
            Some(bin) => self.counts[bin],
            None => self.count_outside(value, config),
        };
        f64::from(count) / (rows as f64 * self.width) + config.alpha
    }

    #[cold]
    fn count_outside(&self, value: f64, config: &HbosConfig) -> u32 {
        let outside = (self.begin - value).max(value - self.end);
        if outside <= self.width * config.tol {
            let last = self.counts.len() - 1;
            return self.counts[if value < self.begin { 0 } else { last }];
        }
        match config.outside {
            Outside::Empty => 0,
            Outside::Thinnest => self.counts.iter().copied().min().unwrap_or(0),
        }
    }
}

/// The smallest and the largest of some values; in four lanes, so that none waits for the one before.
fn ends(values: &[f64]) -> (f64, f64) {
    let (mut lows, mut highs) = ([f64::INFINITY; 4], [f64::NEG_INFINITY; 4]);
    let (fours, rest) = values.as_chunks::<4>();
    for four in fours {
        for (lane, x) in four.iter().enumerate() {
            lows[lane] = if *x < lows[lane] { *x } else { lows[lane] };
            highs[lane] = if *x > highs[lane] { *x } else { highs[lane] };
        }
    }
    let low = lows.iter().chain(rest).copied();
    let high = highs.iter().chain(rest).copied();
    (
        low.fold(f64::INFINITY, f64::min),
        high.fold(f64::NEG_INFINITY, f64::max),
    )
}

/// A sum of logarithms to the base 2 that takes one logarithm for many: of the product, its exponent counted apart so that it
/// neither overflows nor vanishes.
struct LogSum {
    exponents: i64,
    product: f64,
    factors: u32,
}

impl LogSum {
    const ONE: u64 = 1.0_f64.to_bits();
    const MANTISSA: u64 = (1 << 52) - 1;
    /// Factors below 2 whose product is finite.
    const MOST: u32 = 512;

    fn new() -> Self {
        Self {
            exponents: 0,
            product: 1.0,
            factors: 0,
        }
    }

    /// Adds the logarithm of a positive number that is not subnormal.
    #[inline]
    fn add(&mut self, x: f64) {
        if self.factors == Self::MOST {
            let (exponent, mantissa) = Self::apart(self.product);
            self.exponents += exponent;
            self.product = mantissa;
            self.factors = 0;
        }
        let (exponent, mantissa) = Self::apart(x);
        self.exponents += exponent;
        self.product *= mantissa;
        self.factors += 1;
    }

    /// A number's exponent, and what it is from 1 to 2 without it.
    #[inline]
    fn apart(x: f64) -> (i64, f64) {
        let bits = x.to_bits();
        let mantissa = f64::from_bits(bits & Self::MANTISSA | Self::ONE);
        ((bits >> 52) as i64 - 1_023, mantissa)
    }

    fn total(&self) -> f64 {
        self.exponents as f64 + log2(self.product)
    }
}

impl Hbos {
    /// Counts a feature anew.
    fn recount(&mut self, feature: usize) {
        self.values.clear();
        let values = self.window.rows().iter().map(|row| row[feature]);
        self.values.extend(values);
        self.histograms[feature].recount(&self.values, self.config.n_bins);
    }

    fn recount_all(&mut self, width: usize) {
        self.histograms.resize(width, Histogram::default());
        (0..width).for_each(|feature| self.recount(feature));
    }

    fn densities<'a>(&'a self, row: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        let rows = self.window.len();
        let features = self.histograms.iter().zip(row);
        features.map(move |(histogram, x)| {
            let bin = histogram.bin_inside(*x);
            histogram.density(*x, bin, rows, &self.config)
        })
    }

    /// Learns a row and gives its score by what was there before it.
    fn slide(&mut self, row: &[f64]) -> f64 {
        let (rows, leaving) = (self.window.len(), self.window.leaving());
        let (mut sum, mut is_stale) = (LogSum::new(), false);
        for (feature, (histogram, x)) in self.histograms.iter_mut().zip(row).enumerate() {
            let bin = histogram.bin_inside(*x);
            sum.add(histogram.density(*x, bin, rows, &self.config));
            histogram.slide(*x, bin, leaving.map(|leaving| leaving[feature]));
            is_stale |= histogram.is_stale;
        }
        self.window.push(row);
        if is_stale {
            for feature in 0..row.len() {
                if self.histograms[feature].is_stale {
                    self.recount(feature);
                }
            }
        }
        -sum.total()
    }
}

impl Algorithm for Hbos {
    const NAME: &'static str = "hbos";
    const ALIASES: &'static [Alias] = &[];
    const SUMMARY: &'static str =
        "how thin each feature's histogram is at its value; many features, very fast";
    const PAPER: &'static str = "Goldstein, Dengel, KI 2012";
    const PAGE: &'static str = include_str!("pages/hbos.md");
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = true;
    const STATE_VERSION: u16 = 1;

    type Config = HbosConfig;
    type State = State;

    fn new(config: &HbosConfig, width: usize, _seed: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            window: CountWindow::new(Slide::ByRow, config.window_size, width),
            histograms: Vec::new(),
            values: Vec::new(),
            config: config.clone(),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        if self.histograms.is_empty() {
            return Raw::WarmingUp;
        }
        let mut sum = LogSum::new();
        self.densities(row).for_each(|density| sum.add(density));
        Raw::Score(-sum.total())
    }

    fn learn_row(&mut self, row: &[f64]) {
        if !self.histograms.is_empty() {
            self.slide(row);
            return;
        }
        self.window.push(row);
        if self.window.len() >= WARM_UP {
            self.recount_all(row.len());
        }
    }

    fn score_learn_row(&mut self, row: &[f64]) -> Raw {
        if self.histograms.is_empty() {
            self.learn_row(row);
            return Raw::WarmingUp;
        }
        Raw::Score(self.slide(row))
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        if self.histograms.is_empty() {
            return Explanation::from_weights(vec![0.0; row.len()], self.window.expected());
        }
        // Above what the fullest bin has: that is as normal as it gets.
        let rows = self.window.len();
        let most_normal = |histogram: &Histogram| {
            let fullest = histogram.counts.iter().copied().max().unwrap_or(0);
            -log2(f64::from(fullest) / (rows as f64 * histogram.width) + self.config.alpha)
        };
        let normal = self.histograms.iter().map(most_normal);
        let weights = self
            .densities(row)
            .zip(normal)
            .map(|(density, normal)| -log2(density) - normal);
        Explanation::from_weights(weights.collect(), self.window.expected())
    }

    fn expected(&self) -> Vec<Expected> {
        self.window.expected()
    }

    fn heap_bytes(&self) -> usize {
        let counts = self
            .histograms
            .iter()
            .map(|histogram| histogram.counts.capacity());
        self.window.heap_bytes()
            + self.histograms.capacity() * size_of::<Histogram>()
            + counts.sum::<usize>() * size_of::<u32>()
            + self.values.capacity() * size_of::<f64>()
    }

    fn save(&self) -> State {
        State {
            window: self.window.clone(),
        }
    }

    fn restore(config: &HbosConfig, width: usize, seed: u64, state: State) -> Result<Self, String> {
        if !state
            .window
            .is_sound(Slide::ByRow, config.window_size, width)
        {
            return Err("its window has another size".to_owned());
        }
        let mut restored = Self::new(config, width, seed).map_err(|error| error.to_string())?;
        restored.window = state.window;
        restored.window.grow(config.window_size);
        if restored.window.len() >= WARM_UP {
            restored.recount_all(width);
        }
        Ok(restored)
    }
}
