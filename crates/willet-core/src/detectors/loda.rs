use libm::log;
use serde::{Deserialize, Serialize};

use super::Scaling;
use super::contract::{Algorithm, Alias, MAX_WIDTH};
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
        /// Whether features are brought to one scale: standard (each divided by half the width of its middle 98 %) or none.
        scaling: Scaling = Scaling::Standard, ();
    }
}

#[doc = include_str!("pages/loda.md")]
#[derive(Debug)]
pub(super) struct Loda {
    config: LodaConfig,
    /// The features that the cuts look at: first one of each cut, then a second one of each, and so on.
    features: Vec<u16>,
    /// With what weight, in the same order.
    weights: Vec<f32>,
    learned: Option<Learned>,
    window: CountWindow,
    space: Space,
}

/// The logarithm of the density as each cut sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Learned {
    /// What a feature is moved by and multiplied with.
    scales: Vec<(f64, f64)>,
    /// Of each cut the place of its first knot,
    begins: Vec<f32>,
    /// knots for a step of 1,
    steps: Vec<f32>,
    /// and how much −ln of the density rises from a knot to where the next would be, below the first and above the last.
    below: Vec<f32>,
    above: Vec<f32>,
    /// −ln of the density at the knots, all cuts one behind the other.
    knots: Vec<f32>,
}

/// Places to compute in, used again for each row; hold nothing between them.
#[derive(Clone, Debug, Default)]
struct Space {
    scaled: Vec<f32>,
    seen: Vec<f32>,
    scores: Vec<f32>,
    knots: Vec<u32>,
    /// Scaled rows of the window, feature by feature.
    columns: Vec<f32>,
    values: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    learned: Option<Learned>,
    window: CountWindow,
}

/// Rows of the first window.
const FIRST_WINDOW: usize = 32;
/// Quantiles that a usual range lies between.
const USUAL: (f64, f64) = (0.01, 0.99);
/// Rows that say where the usual range of a cut lies.
const ASKED: usize = 125;
/// Scaled values further out count as this far out: sums of them stay exact enough and finite.
const FARTHEST: f64 = 1e9;
/// Added to each count, so that an empty bin has a density.
const EMPTY: f64 = 0.5;
/// More than knots of a cut, a power of 2.
const MAX_KNOTS: usize = 256;

/// A number so large that adding it to a small one leaves the nearest whole number in the lowest bits.
const ROUNDING: f32 = 8_388_608.0;

/// The whole number nearest to a small one of 0 or more; unlike a cast it is made for several at once.
fn nearest(x: f32) -> u32 {
    (x + ROUNDING).to_bits() - ROUNDING.to_bits()
}

/// The larger; of numbers only, so that it is one instruction for several at once.
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// Sums in four lanes, `none` being a value of which all parts are 0: in an order that does not depend on the machine, and no sum waits for the one before.
fn sums<const N: usize>(values: &[f32], none: f32, of: impl Fn(f32) -> [f32; N]) -> [f32; N] {
    let mut sums = [[0.0; 4]; N];
    let mut add = |values: [f32; 4]| {
        let parts = values.map(&of);
        for (n, sum) in sums.iter_mut().enumerate() {
            for (sum, part) in sum.iter_mut().zip(&parts) {
                *sum += part[n];
            }
        }
    };
    let (fours, rest) = values.as_chunks::<4>();
    fours.iter().for_each(|four| add(*four));
    let mut last = [none; 4];
    last[..rest.len()].copy_from_slice(rest);
    add(last);
    sums.map(|[a, b, c, d]| (a + b) + (c + d))
}

impl Learned {
    fn new(width: usize, cuts: usize, bins: usize) -> Self {
        Self {
            scales: vec![(0.0, 1.0); width],
            begins: vec![0.0; cuts],
            steps: vec![0.0; cuts],
            below: vec![0.0; cuts],
            above: vec![0.0; cuts],
            // One in the middle of each bin, and one in the middle of the next bin on either side.
            knots: vec![0.0; cuts * (bins + 2)],
        }
    }

    /// −ln of the density of each cut; `space.scores` gets it.
    fn score(&self, space: &mut Space) {
        let cuts = self.begins.len();
        let each = self.knots.len() / cuts;
        let last = (each - 1) as f32;
        space.knots.resize(cuts, 0);
        space.scores.resize(cuts, 0.0);
        // First what is made for several cuts at once: which knots each lies between, how far, and how far outside.
        let (seen, begins, steps) = (
            &mut space.seen[..cuts],
            &self.begins[..cuts],
            &self.steps[..cuts],
        );
        let (below, above) = (&self.below[..cuts], &self.above[..cuts]);
        let (knots, scores) = (&mut space.knots[..cuts], &mut space.scores[..cuts]);
        for cut in 0..cuts {
            let place = (seen[cut] - begins[cut]) * steps[cut];
            let inside = smaller(larger(place, 0.0), last);
            let knot = nearest(smaller(larger(inside - 0.5, 0.0), last - 1.0));
            scores[cut] =
                larger(inside - place, 0.0) * below[cut] + larger(place - inside, 0.0) * above[cut];
            seen[cut] = inside - knot as i32 as f32;
            knots[cut] = knot;
        }
        let between = knots.iter().zip(seen.iter());
        let lines = self.knots.chunks_exact(each).zip(between);
        for (score, (line, (knot, share))) in scores.iter_mut().zip(lines) {
            let knot = *knot as usize;
            let (from, to) = (line[knot], line[knot + 1]);
            *score += from + share * (to - from);
        }
    }

    /// Learns what one cut saw of the rows of a window.
    fn learn(&mut self, cut: usize, space: &mut Space) {
        let each = self.knots.len() / self.begins.len();
        let seen = &mut space.seen;
        let rows = seen.len();
        let stride = (rows / ASKED).max(1);
        space.values.clear();
        // Not every n-th row: that could be one hour of each day.
        let asked = (0..rows / stride).map(|n| n * stride + n * 5 % stride);
        space.values.extend(asked.map(|row| f64::from(seen[row])));
        let mut at = |q| select_quantile(&mut space.values, q).unwrap_or(0.0);
        let (low, high) = (at(USUAL.0), at(USUAL.1));
        let width = ((high - low) / (each - 2) as f64).max(1e-7);
        let (begin, steps) = ((low - 0.5 * width) as f32, (1.0 / width) as f32);
        let last = (each - 1) as f32;
        seen.iter_mut().for_each(|x| *x = (*x - begin) * steps);
        // Rows beyond the outer knots, and how far beyond in all.
        let outside = |place: f32| {
            let (below, above) = (larger(-place, 0.0), larger(place - last, 0.0));
            let is = |excess| if excess > 0.0 { 1.0 } else { 0.0 };
            [is(below), below, is(above), above]
        };
        let [below, deficit, above, excess] = sums(seen, 0.0, outside);
        space.knots.clear();
        let bins = seen.iter().map(|x| nearest(smaller(larger(*x, 0.0), last)));
        space.knots.extend(bins);
        // Two tallies, so that a row in the bin of the one before does not wait for it.
        let mut tallies = [[0_u32; MAX_KNOTS]; 2];
        let [even, odd] = &mut tallies;
        let pairs = space.knots.chunks_exact(2);
        if let [knot] = pairs.remainder() {
            even[*knot as usize % MAX_KNOTS] += 1;
        }
        for pair in pairs {
            even[pair[0] as usize % MAX_KNOTS] += 1;
            odd[pair[1] as usize % MAX_KNOTS] += 1;
        }
        let knots = &mut self.knots[cut * each..(cut + 1) * each];
        let all = rows as f64 + EMPTY * each as f64;
        for (at, knot) in knots.iter_mut().enumerate() {
            let rows = f64::from(even[at] + odd[at]);
            // Of the outer bins only the nearer half: the other is in the tail.
            let rows = match at {
                0 => 2.0 * (rows - f64::from(below)),
                _ if at + 1 == each => 2.0 * (rows - f64::from(above)),
                _ => rows,
            };
            *knot = -log((rows + EMPTY) / all) as f32;
        }
        self.begins[cut] = begin;
        self.steps[cut] = steps;
        // As if one row had been seen one bin beyond.
        self.below[cut] = (below + 1.0) / (deficit + 1.0);
        self.above[cut] = (above + 1.0) / (excess + 1.0);
    }
}

impl Loda {
    fn cuts(&self) -> usize {
        self.config.n_random_cuts
    }

    fn scale(scales: &[(f64, f64)], row: &[f64], scaled: &mut Vec<f32>) {
        // As long as the widest row: no feature lies outside, which need not be checked for each.
        scaled.resize(MAX_WIDTH, 0.0);
        for ((scaled, x), (middle, factor)) in scaled.iter_mut().zip(row).zip(scales) {
            *scaled = ((x - middle) * factor).clamp(-FARTHEST, FARTHEST) as f32;
        }
    }

    /// The row as each cut sees it.
    fn project(&self, scaled: &[f32], seen: &mut Vec<f32>) {
        let scaled: &[f32; MAX_WIDTH] = scaled.try_into().expect("it was made this long");
        let of = |feature: &u16| scaled[usize::from(*feature) % MAX_WIDTH];
        let features = self.features.chunks_exact(self.cuts());
        let mut lines = features.zip(self.weights.chunks_exact(self.cuts()));
        seen.clear();
        if let Some((features, weights)) = lines.next() {
            let parts = features.iter().zip(weights);
            seen.extend(parts.map(|(feature, weight)| weight * of(feature)));
        }
        for (features, weights) in lines {
            for ((seen, feature), weight) in seen.iter_mut().zip(features).zip(weights) {
                *seen += weight * of(feature);
            }
        }
    }

    /// −ln of the density of each cut; `space.scores` gets it.
    fn scores(&self, learned: &Learned, row: &[f64], space: &mut Space) {
        Self::scale(&learned.scales, row, &mut space.scaled);
        self.project(&space.scaled, &mut space.seen);
        learned.score(space);
    }

    fn score(&self, learned: &Learned, row: &[f64], space: &mut Space) -> f64 {
        self.scores(learned, row, space);
        let [total] = sums(&space.scores, 0.0, |score| [score]);
        f64::from(total) / self.cuts() as f64
    }

    /// Learns from the full window and starts the next.
    fn turn(&mut self) {
        let (rows, width) = (self.window.len(), self.window.row(0).len());
        let (cuts, bins) = (self.cuts(), self.config.n_bins);
        let mut learned = self
            .learned
            .take()
            .unwrap_or_else(|| Learned::new(width, cuts, bins));
        let mut space = std::mem::take(&mut self.space);
        space.columns.clear();
        for (feature, scale) in learned.scales.iter_mut().enumerate() {
            let values = self.window.rows().iter().map(|row| row[feature]);
            space.values.clear();
            space.values.extend(values.clone());
            let mut at = |q| select_quantile(&mut space.values, q).unwrap_or(0.0);
            let (low, high) = (at(USUAL.0), at(USUAL.1));
            let middle = f64::midpoint(low, high);
            let half = match self.config.scaling {
                // Of a constant feature any other value is far outside.
                Scaling::Standard => (0.5 * (high - low)).max(1e-9 * middle.abs()).max(1e-12),
                Scaling::None => 1.0,
            };
            *scale = (middle, 1.0 / half);
            let (middle, factor) = *scale;
            let scaled = values.map(|x| ((x - middle) * factor).clamp(-FARTHEST, FARTHEST) as f32);
            space.columns.extend(scaled);
        }
        for cut in 0..cuts {
            space.seen.clear();
            space.seen.resize(rows, 0.0);
            for at in (cut..self.features.len()).step_by(cuts) {
                let column = &space.columns[usize::from(self.features[at]) * rows..][..rows];
                let weight = self.weights[at];
                for (seen, x) in space.seen.iter_mut().zip(column) {
                    *seen += weight * x;
                }
            }
            learned.learn(cut, &mut space);
        }
        self.space = space;
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
    const PAGE: &'static str = include_str!("pages/loda.md");
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = false;
    const STATE_VERSION: u16 = 1;

    type Config = LodaConfig;
    type State = State;

    fn new(config: &LodaConfig, width: usize, seed: u64) -> Result<Self, ConfigError> {
        let mut random = Random::new(seed);
        let each = ((width as f64).sqrt().round() as usize).max(1);
        let cuts = config.n_random_cuts;
        let (mut features, mut weights) = (vec![0; each * cuts], vec![0.0; each * cuts]);
        let mut all: Vec<u16> = (0..width as u16).collect();
        for cut in 0..cuts {
            // The first of a shuffled list: no feature twice.
            for place in 0..each {
                let other = place + random.below(width - place);
                all.swap(place, other);
                features[place * cuts + cut] = all[place];
                weights[place * cuts + cut] = normal(&mut random) as f32;
            }
        }
        Ok(Self {
            features,
            weights,
            learned: None,
            window: CountWindow::new(Slide::Tumbling, FIRST_WINDOW.min(config.window_size), width),
            space: Space::default(),
            config: config.clone(),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        let Some(learned) = &self.learned else {
            return Raw::WarmingUp;
        };
        Raw::Score(self.score(learned, row, &mut Space::default()))
    }

    fn learn_row(&mut self, row: &[f64]) {
        self.window.push(row);
        if self.window.is_full() {
            self.turn();
        }
    }

    fn score_learn_row(&mut self, row: &[f64]) -> Raw {
        let mut space = std::mem::take(&mut self.space);
        let raw = match &self.learned {
            Some(learned) => Raw::Score(self.score(learned, row, &mut space)),
            None => Raw::WarmingUp,
        };
        self.space = space;
        self.learn_row(row);
        raw
    }

    /// Compares the cuts that look at a feature with those that do not (section 3.4 of the paper).
    fn explain_row(&self, row: &[f64]) -> Explanation {
        let Some(learned) = &self.learned else {
            return Explanation::from_weights(vec![0.0; row.len()], self.expected());
        };
        let mut space = Space::default();
        self.scores(learned, row, &mut space);
        let mut with = vec![Sample::default(); row.len()];
        let mut all = Sample::default();
        for (cut, score) in space.scores.iter().enumerate() {
            let score = f64::from(*score);
            all.add(score);
            for at in (cut..self.features.len()).step_by(self.cuts()) {
                with[usize::from(self.features[at])].add(score);
            }
        }
        let weights = with
            .iter()
            .map(|with| with.above(&all.without(with)))
            .collect();
        Explanation::from_weights(weights, self.expected())
    }

    fn expected(&self) -> Vec<Expected> {
        self.window.expected()
    }

    fn heap_bytes(&self) -> usize {
        let learned = self.learned.as_ref().map_or(0, |learned| {
            learned.scales.capacity() * size_of::<(f64, f64)>()
                + [
                    &learned.begins,
                    &learned.steps,
                    &learned.below,
                    &learned.above,
                ]
                .into_iter()
                .chain([&learned.knots])
                .map(|part| part.capacity() * size_of::<f32>())
                .sum::<usize>()
        });
        let space = &self.space;
        let floats = [&space.scaled, &space.seen, &space.scores, &space.columns];
        let floats: usize =
            floats.map(Vec::capacity).iter().sum::<usize>() + space.knots.capacity();
        self.features.capacity() * size_of::<u16>()
            + (self.weights.capacity() + floats) * size_of::<f32>()
            + space.values.capacity() * size_of::<f64>()
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
                && [
                    &learned.begins,
                    &learned.steps,
                    &learned.below,
                    &learned.above,
                ]
                .iter()
                .all(|part| part.len() == config.n_random_cuts)
                && learned.knots.len() == config.n_random_cuts * (config.n_bins + 2)
                && learned
                    .scales
                    .iter()
                    .all(|(middle, factor)| middle.is_finite() && *factor > 0.0 && *factor <= 1e12)
                && learned.begins.iter().all(|begin| begin.is_finite())
                && learned
                    .steps
                    .iter()
                    .all(|steps| (0.0..=1.1e7).contains(steps))
                && learned
                    .below
                    .iter()
                    .chain(&learned.above)
                    .all(|slope| (0.0..=1e6).contains(slope))
                && learned.knots.iter().all(|knot| knot.abs() < 100.0)
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

    /// Squared standard error of the mean.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(rows: impl Iterator<Item = f64>) -> Loda {
        let mut detector = Loda::new(&LodaConfig::default(), 1, 3).expect("valid");
        rows.for_each(|x| detector.learn_row(&[x]));
        detector
    }

    fn score(detector: &Loda, x: f64) -> f64 {
        detector.score_row(&[x]).score().expect("warm")
    }

    #[test]
    fn a_gap_between_two_heaps_is_thin_and_beyond_them_it_only_gets_thinner() {
        let mut random = Random::new(1);
        let detector = learned((0..4_000).map(|n| f64::from(n % 2) * 20.0 + normal(&mut random)));
        assert!(score(&detector, 10.0) > score(&detector, 0.0) + 2.0);
        assert!(score(&detector, 10.0) > score(&detector, 20.0) + 2.0);
        for side in [-1.0, 1.0] {
            let path: Vec<f64> = (0..60)
                .map(|step| score(&detector, 10.0 + side * (13.0 + f64::from(step))))
                .collect();
            assert!(path.windows(2).all(|pair| pair[1] > pair[0]), "{path:?}");
        }
    }

    #[test]
    fn the_line_is_the_logarithm_of_the_density() {
        let mut random = Random::new(2);
        let detector = learned((0..4_000).map(|_| normal(&mut random)));
        // Of the normal density it falls by x²/2.
        for x in [0.5, 1.0, 1.5, 2.0_f64] {
            let sides = f64::midpoint(score(&detector, x), score(&detector, -x));
            let deeper = sides - score(&detector, 0.0);
            assert!((deeper - x * x / 2.0).abs() < 0.25, "{x}: {deeper}");
        }
    }

    #[test]
    fn sums_in_lanes_hold_every_value_once() {
        for count in 0..20 {
            let values: Vec<f32> = (0..count).map(|n| n as f32).collect();
            let [sum, many] = sums(&values, 0.0, |x| [x, if x > 0.0 { 1.0 } else { 0.0 }]);
            let expected = values.iter().sum::<f32>();
            assert_eq!((sum, many), (expected, (values.len().max(1) - 1) as f32));
        }
    }
}
