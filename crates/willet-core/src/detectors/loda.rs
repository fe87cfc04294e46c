use libm::log;
use serde::{Deserialize, Serialize};

use super::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::random::Random;
use crate::rows::{Expected, Explanation, Raw};
use crate::statistics::select_quantile;
use crate::windows::{CountWindow, Slide};

crate::settings! {
    /// Settings of [`Loda`].
    pub(super) struct LodaConfig {
        /// Random directions that rows are looked at from.
        n_random_cuts: usize = 100, 1..=1_000;
        /// Bins of a direction's histogram.
        n_bins: usize = 10, 2..=250;
        /// Rows of a window: what one window holds is normal while the next one fills.
        window_size: usize = 1_000, 32..=65_000;
    }
}

/// Scores by how thin the last full window lies around a row, seen from many random directions one by one.
///
/// A direction looks at about the square root of the features, so that missing the point in most of them does not matter: good for many
/// features, and it tells which of them was seen to be strange. The first windows are short (32, 64, ... rows), so that scores
/// come early. Features are brought to one scale by their middle 98 %, bins have equal width over what that range
/// projects to, with one bin for all beyond on either side (the paper's histograms span the data): scores saturate there.
///
/// Time `O(n_random_cuts · √width)` a row; memory about `4 · n_random_cuts · (√width + n_bins) + 8 · window_size · width` bytes.
///
/// # References
/// Pevný, "Loda: Lightweight On-line Detector of Anomalies", Machine Learning 2016.
#[derive(Debug)]
pub(super) struct Loda {
    config: LodaConfig,
    /// Features of each cut that it looks at, all cuts one behind the other, and with what weight.
    features: Vec<u16>,
    weights: Vec<f32>,
    /// Features of one cut.
    each: usize,
    learned: Option<Learned>,
    window: CountWindow,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Learned {
    /// What a feature is moved by and multiplied with.
    scales: Vec<(f64, f64)>,
    /// Where the bins of each cut begin, and bins for a step of 1.
    bins: Vec<(f32, f32)>,
    /// −ln of the share of rows in each bin, all cuts one behind the other.
    scores: Vec<f32>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    learned: Option<Learned>,
    window: CountWindow,
}

/// Rows of the first window.
const FIRST_WINDOW: usize = 32;
/// Quantiles that a feature's usual range lies between.
const USUAL: (f64, f64) = (0.01, 0.99);

impl Loda {
    /// Bins of a cut, with the two for what lies beyond.
    fn all_bins(&self) -> usize {
        self.config.n_bins + 2
    }

    fn scaled(scales: &[(f64, f64)], row: &[f64]) -> Vec<f32> {
        let scaled = row.iter().zip(scales);
        scaled
            .map(|(x, (middle, factor))| ((x - middle) * factor).clamp(-1e9, 1e9) as f32)
            .collect()
    }

    /// The row as each cut sees it.
    fn project<'a>(&'a self, scaled: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let cuts = self.features.chunks_exact(self.each);
        cuts.zip(self.weights.chunks_exact(self.each))
            .map(|(features, weights)| {
                let parts = features.iter().zip(weights);
                parts
                    .map(|(feature, weight)| weight * scaled[usize::from(*feature)])
                    .sum()
            })
    }

    /// −ln of the share of rows in the bin of each cut.
    fn scores<'a>(
        &'a self,
        learned: &'a Learned,
        scaled: &'a [f32],
    ) -> impl Iterator<Item = f32> + 'a {
        let lines = learned.scores.chunks_exact(self.all_bins());
        let cuts = learned.bins.iter().zip(lines);
        self.project(scaled)
            .zip(cuts)
            .map(move |(seen, (bins, line))| line[self.bin(*bins, seen)])
    }

    fn bin(&self, (begin, steps): (f32, f32), seen: f32) -> usize {
        // Below the first whole bin is the one for all beyond; a number too large for the type is its largest.
        ((seen - begin) * steps + 1.0).clamp(0.0, self.config.n_bins as f32 + 1.0) as usize
    }

    /// Learns from the full window and starts the next.
    fn turn(&mut self) {
        let rows = self.window.len();
        let mut values = Vec::with_capacity(rows);
        let scale = |feature: usize| {
            values.clear();
            values.extend(self.window.rows().iter().map(|row| row[feature]));
            let mut at = |q| select_quantile(&mut values, q).unwrap_or(0.0);
            let (low, high) = (at(USUAL.0), at(USUAL.1));
            let middle = f64::midpoint(low, high);
            // A constant feature: any other value is far outside.
            (
                middle,
                2.0 / (high - low).max(1e-9 * middle.abs()).max(1e-12),
            )
        };
        let scales: Vec<(f64, f64)> = (0..self.window.row(0).len()).map(scale).collect();
        let cuts = self.config.n_random_cuts;
        let mut seen = vec![0.0_f32; rows * cuts];
        for (index, row) in self.window.rows().iter().enumerate() {
            let scaled = Self::scaled(&scales, row);
            for (cut, x) in self.project(&scaled).enumerate() {
                seen[cut * rows + index] = x;
            }
        }
        let mut learned = Learned {
            scales,
            bins: Vec::with_capacity(cuts),
            scores: Vec::with_capacity(cuts * self.all_bins()),
        };
        for seen in seen.chunks_exact(rows) {
            // A quarter of the rows says well enough where the usual ones lie.
            let some = if rows > 4 * FIRST_WINDOW { 4 } else { 1 };
            let mut sorted: Vec<f64> = seen.iter().step_by(some).map(|x| f64::from(*x)).collect();
            let mut at = |q| select_quantile(&mut sorted, q).unwrap_or(0.0);
            let (low, high) = (at(USUAL.0), at(USUAL.1));
            let width = (high - low).max(1e-6) / self.config.n_bins as f64;
            let bins = (low as f32, (1.0 / width) as f32);
            let mut counts = vec![0_u32; self.all_bins()];
            seen.iter().for_each(|x| counts[self.bin(bins, *x)] += 1);
            learned.bins.push(bins);
            // Half a row more than was seen, so that an empty bin has a score; further out than a bin beyond, none was.
            let all = rows as f64 + 0.5 * counts.len() as f64;
            let score = |count: u32| -log((f64::from(count) + 0.5) / all) as f32;
            learned.scores.extend(counts.into_iter().map(score));
        }
        self.learned = Some(learned);
        self.window.resize((2 * rows).min(self.config.window_size));
    }
}

impl Algorithm for Loda {
    const NAME: &'static str = "loda";
    const ALIASES: &'static [Alias] = &[];
    const SUMMARY: &'static str =
        "thin places seen from many random directions; many features, fast, says which";
    const PAPER: &'static str = "Pevný, Machine Learning 2016";
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = true;
    const STATE_VERSION: u16 = 1;

    type Config = LodaConfig;
    type State = State;

    fn new(config: &LodaConfig, width: usize, seed: u64) -> Result<Self, ConfigError> {
        let mut random = Random::new(seed);
        let each = ((width as f64).sqrt().round() as usize).max(1);
        let (mut features, mut weights) = (Vec::new(), Vec::new());
        for _ in 0..config.n_random_cuts {
            // The first of a shuffled list: no feature twice.
            let mut all: Vec<u16> = (0..width as u16).collect();
            for place in 0..each {
                let other = place + random.below(width - place);
                all.swap(place, other);
                features.push(all[place]);
                weights.push(normal(&mut random) as f32);
            }
        }
        Ok(Self {
            features,
            weights,
            each,
            learned: None,
            window: CountWindow::new(Slide::Tumbling, FIRST_WINDOW.min(config.window_size), width),
            config: config.clone(),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        let Some(learned) = &self.learned else {
            return Raw::WarmingUp;
        };
        let scaled = Self::scaled(&learned.scales, row);
        let total: f32 = self.scores(learned, &scaled).sum();
        Raw::Score(f64::from(total) / self.config.n_random_cuts as f64)
    }

    fn learn_row(&mut self, row: &[f64]) {
        self.window.push(row);
        if self.window.is_full() {
            self.turn();
        }
    }

    /// Compares the cuts that look at a feature with those that do not (section 3.4 of the paper).
    fn explain_row(&self, row: &[f64]) -> Explanation {
        let Some(learned) = &self.learned else {
            return Explanation::from_weights(vec![0.0; row.len()], self.expected());
        };
        let scaled = Self::scaled(&learned.scales, row);
        let mut with = vec![Sample::default(); row.len()];
        let mut all = Sample::default();
        let cuts = self.features.chunks_exact(self.each);
        for (score, features) in self.scores(learned, &scaled).zip(cuts) {
            let score = f64::from(score);
            all.add(score);
            features
                .iter()
                .for_each(|feature| with[usize::from(*feature)].add(score));
        }
        let weights = with
            .iter()
            .map(|with| with.above(&all.without(with)))
            .collect();
        Explanation::from_weights(weights, self.expected())
    }

    fn expected(&self) -> Vec<Expected> {
        let learned = self.learned.iter().flat_map(|learned| &learned.scales);
        learned
            .map(|(middle, factor)| Expected {
                low: middle - 1.0 / factor,
                middle: *middle,
                high: middle + 1.0 / factor,
            })
            .collect()
    }

    fn heap_bytes(&self) -> usize {
        let learned = self.learned.as_ref().map_or(0, |learned| {
            learned.scales.capacity() * size_of::<(f64, f64)>()
                + learned.bins.capacity() * size_of::<(f32, f32)>()
                + learned.scores.capacity() * size_of::<f32>()
        });
        self.features.capacity() * size_of::<u16>()
            + self.weights.capacity() * size_of::<f32>()
            + self.window.heap_bytes()
            + learned
    }

    fn save(&self) -> State {
        State {
            learned: self.learned.clone(),
            window: self.window.clone(),
        }
    }

    fn restore(config: &LodaConfig, width: usize, seed: u64, state: State) -> Result<Self, String> {
        let mut restored = Self::new(config, width, seed).map_err(|error| error.to_string())?;
        let is_sound = |learned: &Learned| {
            learned.scales.len() == width
                && learned.bins.len() == config.n_random_cuts
                && learned.scores.len() == config.n_random_cuts * restored.all_bins()
                && learned.scales.iter().all(|(middle, factor)| {
                    middle.is_finite() && *factor > 0.0 && factor.is_finite()
                })
                && learned
                    .bins
                    .iter()
                    .all(|(begin, steps)| begin.is_finite() && steps.is_finite())
                && learned.scores.iter().all(|score| score.is_finite())
        };
        let fits = state.learned.as_ref().is_none_or(is_sound)
            && state
                .window
                .is_sound(Slide::Tumbling, config.window_size, width);
        if !fits {
            return Err("its histograms or its window have another size".to_owned());
        }
        restored.learned = state.learned;
        restored.window = state.window;
        Ok(restored)
    }
}

/// Standard normal by Box and Muller.
fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * log(1.0 - random.unit())).sqrt();
    radius * libm::cos(std::f64::consts::TAU * random.unit())
}

/// Count, sum and sum of squares.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Sample {
    fn add(&mut self, x: f64) {
        self.count += 1.0;
        self.sum += x;
        self.squares += x * x;
    }

    fn without(&self, other: &Self) -> Self {
        Self {
            count: self.count - other.count,
            sum: self.sum - other.sum,
            squares: self.squares - other.squares,
        }
    }

    fn mean(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }

    fn error(&self) -> f64 {
        let variance = (self.squares / self.count.max(1.0) - self.mean() * self.mean()).max(0.0);
        variance / self.count.max(1.0)
    }

    /// How far this mean is above the other one, in standard errors.
    fn above(&self, other: &Self) -> f64 {
        if self.count == 0.0 {
            return 0.0;
        }
        if other.count <= 0.0 {
            return 1.0;
        }
        (self.mean() - other.mean()) / (self.error() + other.error()).sqrt().max(1e-9)
    }
}
