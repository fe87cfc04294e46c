use libm::log2;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

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
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    window: CountWindow,
}

/// Rows before densities mean anything.
const WARM_UP: usize = 32;

impl Histogram {
    fn of(values: &[f64], bins: usize) -> Self {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // Of equal values a range of 1 around them, as `NumPy` has it; of huge ones 1 more is the same number.
        let half = if low < high {
            0.0
        } else {
            (1e-9 * low.abs()).max(0.5)
        };
        let (begin, end) = (low - half, high + half);
        let mut histogram = Self {
            low,
            high,
            begin,
            end,
            width: (end - begin) / bins as f64,
            per_width: bins as f64 / (end - begin),
            at_ends: [0; 2],
            counts: vec![0; bins],
        };
        for &value in values {
            let bin = histogram.bin(value);
            histogram.counts[bin] += 1;
            histogram.count_ends(value, 1);
        }
        histogram
    }

    fn count_ends(&mut self, value: f64, step: i32) {
        for (count, end) in self.at_ends.iter_mut().zip([self.low, self.high]) {
            if value == end {
                *count = count.saturating_add_signed(step);
            }
        }
    }

    /// The bin of a value between the ends.
    fn bin(&self, value: f64) -> usize {
        let bins = self.counts.len();
        // The last edge is the largest value itself.
        let edge = |bin: usize| {
            if bin == bins {
                self.end
            } else {
                self.begin + bin as f64 * self.width
            }
        };
        let guess = (((value - self.begin) * self.per_width) as usize).min(bins - 1);
        if value < edge(guess) {
            guess.saturating_sub(1)
        } else if guess + 1 < bins && value >= edge(guess + 1) {
            guess + 1
        } else {
            guess
        }
    }

    /// Takes a value in and lets another go; `false` where the ends change.
    fn slide(&mut self, value: f64, leaving: Option<f64>) -> bool {
        if value < self.low || value > self.high {
            return false;
        }
        self.count_ends(value, 1);
        if let Some(leaving) = leaving {
            self.count_ends(leaving, -1);
        }
        if self.at_ends.contains(&0) {
            return false;
        }
        for (value, step) in leaving
            .map(|leaving| (leaving, -1))
            .into_iter()
            .chain([(value, 1)])
        {
            let bin = self.bin(value);
            self.counts[bin] = self.counts[bin].saturating_add_signed(step);
        }
        true
    }

    /// −log2 of the density at a value.
    fn score(&self, value: f64, rows: usize, config: &HbosConfig) -> f64 {
        let outside = (self.begin - value).max(value - self.end);
        let count = if outside <= 0.0 {
            self.counts[self.bin(value)]
        } else if outside <= self.width * config.tol {
            let outermost = if value < self.begin {
                0
            } else {
                self.counts.len() - 1
            };
            self.counts[outermost]
        } else {
            match config.outside {
                Outside::Empty => 0,
                Outside::Thinnest => self.counts.iter().copied().min().unwrap_or(0),
            }
        };
        -log2(f64::from(count) / (rows as f64 * self.width) + config.alpha)
    }
}

impl Hbos {
    fn histogram(&self, feature: usize) -> Histogram {
        let values: Vec<f64> = self.window.rows().iter().map(|row| row[feature]).collect();
        Histogram::of(&values, self.config.n_bins)
    }

    fn scores<'a>(&'a self, row: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        let rows = self.window.len();
        let features = self.histograms.iter().zip(row);
        features.map(move |(histogram, x)| histogram.score(*x, rows, &self.config))
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
            config: config.clone(),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        if self.histograms.is_empty() {
            return Raw::WarmingUp;
        }
        Raw::Score(self.scores(row).sum())
    }

    fn learn_row(&mut self, row: &[f64]) {
        let leaving = self.window.leaving().map(SmallVec::<[f64; 32]>::from_slice);
        self.window.push(row);
        if self.histograms.is_empty() {
            if self.window.len() >= WARM_UP {
                self.histograms = (0..row.len())
                    .map(|feature| self.histogram(feature))
                    .collect();
            }
            return;
        }
        for (feature, x) in row.iter().enumerate() {
            let leaving = leaving.as_ref().map(|leaving| leaving[feature]);
            if !self.histograms[feature].slide(*x, leaving) {
                self.histograms[feature] = self.histogram(feature);
            }
        }
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
            .scores(row)
            .zip(normal)
            .map(|(score, normal)| score - normal);
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
            restored.histograms = (0..width)
                .map(|feature| restored.histogram(feature))
                .collect();
        }
        Ok(restored)
    }
}
