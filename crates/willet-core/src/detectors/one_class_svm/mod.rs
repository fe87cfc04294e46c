//! The one-class support vector machine on a sliding window.

mod kernel;
mod machine;

use serde::{Deserialize, Serialize};

use self::machine::{Machine, Solution};
use super::contract::{Algorithm, Alias};
use super::{LARGEST, Scaling};
use crate::error::ConfigError;
use crate::random::mix;
use crate::rows::{Expected, Explanation, Raw};
use crate::settings::{Setting, Value};
use crate::windows::{CountWindow, Slide};

crate::settings! {
    /// Settings of [`OneClassSvm`].
    pub(super) struct OneClassSvmConfig {
        /// Upper bound of the share of rows that may lie outside, lower bound of the share that the edge is made of.
        nu: f64 = 0.5, 0.001..=1.0;
        /// How fast likeness falls with distance: a number, or scale, which is 2 / (features · variance).
        gamma: Gamma = Gamma::Scale, 1e-9..=1e9;
        /// How many recent rows the edge is drawn around; of more than 1,000 only every n-th.
        window_size: usize = 500, 32..=1_000_000;
        /// Rows after which the edge is drawn anew.
        update_frequency: usize = 1, 1..=1_000_000;
        /// How far from the optimum the solution may stay.
        tol: f64 = 1e-2, 1e-12..=1.0;
        /// Steps towards the optimum that one row may cost; what is left is done with the next.
        max_iter: usize = 200, 1..=10_000_000;
        /// Whether features are brought to one scale: standard (each divided by its deviation in the window) or none.
        scaling: Scaling = Scaling::Standard, ();
    }
}

/// How fast likeness falls with distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Gamma {
    /// 2 / (features · variance).
    Scale,
    /// That fast.
    Fixed(f64),
}

impl Setting for Gamma {
    type Range = std::ops::RangeInclusive<f64>;

    fn read(value: &Value, range: &Self::Range) -> Option<Self> {
        match value {
            Value::Text(text) => (text.to_lowercase() == "scale").then_some(Self::Scale),
            value => f64::read(value, range).map(Self::Fixed),
        }
    }

    fn is_allowed(&self, range: &Self::Range) -> bool {
        match self {
            Self::Scale => true,
            Self::Fixed(gamma) => gamma.is_allowed(range),
        }
    }

    fn allowed(range: &Self::Range) -> String {
        format!("scale or {}", f64::allowed(range))
    }

    fn show(&self) -> Value {
        match self {
            Self::Scale => Value::Text("scale".to_owned()),
            Self::Fixed(gamma) => gamma.show(),
        }
    }
}

#[doc = include_str!("../pages/ocsvm.md")]
#[derive(Debug)]
pub(super) struct OneClassSvm {
    config: OneClassSvmConfig,
    window: CountWindow,
    /// What each feature is multiplied with.
    factors: Vec<f64>,
    machine: Machine,
    clock: Clock,
    seed: u64,
    space: Space,
}

/// Where the window is on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Clock {
    /// Rows that came, and those of them that were taken.
    came: u64,
    taken: u64,
    /// Rows taken when scale and gradients are looked at again.
    review: u64,
    /// Rows taken since the edge was drawn.
    waited: u64,
}

/// Places to compute in; hold nothing between rows.
#[derive(Clone, Debug, Default)]
struct Space {
    point: Vec<f64>,
    kernels: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    window: CountWindow,
    factors: Vec<f64>,
    solution: Solution,
    clock: Clock,
}

/// Rows before an edge is drawn.
const WARM_UP: u64 = 32;
/// Rows that an edge is drawn around at most: its memory grows with their square.
const MOST_ROWS: usize = 1_000;
/// A scale that grew or shrank by more than this share is set anew.
const MOVED: f64 = 0.25;
/// The smallest deviation: distances of the largest values that are learned stay finite.
const LEAST: f64 = 1e-12;
/// Narrower than scikit-learn's scale by so much: variance over several heaps is more than that of a heap. On three stretched heaps with
/// uniform outliers ROC AUC rises from 0.939 to 0.949, on one Gaussian heap of ten values it stays (0.9995 and 0.9991).
const NARROW: f64 = 2.0;

impl OneClassSvm {
    fn capacity(config: &OneClassSvmConfig) -> usize {
        config.window_size.min(MOST_ROWS)
    }

    fn is_warm(&self) -> bool {
        self.clock.taken >= WARM_UP
    }

    /// Whether this row is one of those taken of a long window.
    fn is_taken(&self) -> bool {
        let every = self.config.window_size.div_ceil(self.window.capacity()) as u64;
        let fills = self.clock.came < self.window.capacity() as u64;
        fills || mix(self.seed ^ self.clock.came).is_multiple_of(every)
    }

    fn scale(&self, row: &[f64], point: &mut Vec<f64>) {
        point.clear();
        let scaled = row.iter().zip(&self.factors);
        point.extend(scaled.map(|(x, factor)| x * factor));
    }

    fn score(&self, row: &[f64], space: &mut Space) -> Raw {
        self.scale(row, &mut space.point);
        self.machine.look(&space.point, &mut space.kernels);
        if self.is_warm() {
            // Of a row: while the window fills scores would grow with it.
            let shares = self.config.nu * self.window.len() as f64;
            Raw::Score((self.machine.rho() - self.machine.sum(&space.kernels)) / shares)
        } else {
            Raw::WarmingUp
        }
    }

    /// Takes the row in that `space` was filled with.
    fn take(&mut self, row: &[f64], space: &Space) {
        let is_taken = self.is_taken();
        self.clock.came += 1;
        if !is_taken {
            return;
        }
        let place = (self.clock.taken % self.window.capacity() as u64) as usize;
        let slides = self.window.is_full();
        self.window.push(row);
        self.clock.taken += 1;
        self.clock.waited += 1;
        if self.is_warm() && self.clock.taken > WARM_UP {
            let left = self.machine.replace(place, &space.point, &space.kernels);
            self.machine
                .hand_out(if slides { left } else { self.config.nu });
        }
        let mut steps = self.config.max_iter;
        if self.clock.taken >= self.clock.review {
            self.clock.waited = self.clock.waited.max(self.config.update_frequency as u64);
            steps = self.review();
        }
        if self.is_warm() && self.clock.waited >= self.config.update_frequency as u64 {
            self.machine.solve(place, self.config.tol, steps);
            self.clock.waited = 0;
        } else {
            self.machine.unsettle();
        }
    }

    /// Looks at scale and gradients: often while the window fills, once a window after. Returns how many steps the solution may take.
    fn review(&mut self) -> usize {
        self.clock.review = self.clock.taken + self.clock.taken.min(self.window.capacity() as u64);
        let (factors, gamma) = self.scales();
        let moved =
            |new: f64, old: f64| !(1.0 / (1.0 + MOVED)..=1.0 + MOVED).contains(&(new / old));
        let is_first = self.machine.len() == 0;
        let factors_moved = factors
            .iter()
            .zip(&self.factors)
            .any(|(new, old)| moved(*new, *old));
        if !is_first && !factors_moved && !moved(gamma, self.machine.gamma()) {
            self.machine.refresh();
            return self.config.max_iter;
        }
        self.factors = factors;
        self.lay(gamma);
        if is_first {
            self.machine
                .hand_out(self.config.nu * self.window.len() as f64);
        }
        self.config.max_iter.max(10 * self.window.len())
    }

    fn lay(&mut self, gamma: f64) {
        let factors = &self.factors;
        let rows = self.window.rows();
        let rows = rows
            .iter()
            .map(|row| row.iter().zip(factors).map(|(x, factor)| x * factor));
        self.machine.lay(gamma, rows);
    }

    /// What features are multiplied with, and γ, as the window has them now.
    fn scales(&self) -> (Vec<f64>, f64) {
        let width = self.factors.len();
        let factors = match self.config.scaling {
            Scaling::None => vec![1.0; width],
            Scaling::Standard => (0..width)
                .map(|feature| {
                    let values = self.window.rows();
                    let (mean, variance) = moments(values.iter().map(|row| row[feature]));
                    1.0 / variance.sqrt().max(1e-9 * mean.abs()).max(LEAST)
                })
                .collect(),
        };
        let gamma = match (self.config.gamma, self.config.scaling) {
            (Gamma::Fixed(gamma), _) => gamma,
            (Gamma::Scale, Scaling::Standard) => NARROW / width as f64,
            (Gamma::Scale, Scaling::None) => {
                let (_, variance) = moments(self.window.rows().iter().flatten().copied());
                if variance > 0.0 {
                    NARROW / (width as f64 * variance)
                } else {
                    1.0
                }
            }
        };
        (factors, gamma)
    }
}

/// Mean and variance, in two passes.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let squares: f64 = values.map(|x| (x - mean) * (x - mean)).sum();
    (mean, squares / count)
}

impl Algorithm for OneClassSvm {
    const NAME: &'static str = "ocsvm";
    const ALIASES: &'static [Alias] = &[Alias {
        name: "one_class_svm",
        preset: &[],
    }];
    const SUMMARY: &'static str =
        "outside the edge that a one-class support vector machine draws around a sliding window";
    const PAPER: &'static str =
        "Schölkopf, Platt, Shawe-Taylor, Smola, Williamson, Neural Computation 2001";
    const PAGE: &'static str = include_str!("../pages/ocsvm.md");
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = true;
    const STATE_VERSION: u16 = 1;

    type Config = OneClassSvmConfig;
    type State = State;

    fn new(config: &OneClassSvmConfig, width: usize, seed: u64) -> Result<Self, ConfigError> {
        let capacity = Self::capacity(config);
        Ok(Self {
            window: CountWindow::new(Slide::ByRow, capacity, width),
            factors: vec![1.0; width],
            machine: Machine::new(width, capacity),
            clock: Clock {
                came: 0,
                taken: 0,
                review: WARM_UP,
                waited: 0,
            },
            seed,
            space: Space::default(),
            config: config.clone(),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        self.score(row, &mut Space::default())
    }

    fn learn_row(&mut self, row: &[f64]) {
        self.score_learn_row(row);
    }

    fn score_learn_row(&mut self, row: &[f64]) -> Raw {
        let mut space = std::mem::take(&mut self.space);
        let raw = self.score(row, &mut space);
        self.take(row, &space);
        self.space = space;
        raw
    }

    /// Weighs each feature by its part of the squared distance to the supporting rows, the nearest counting most: the logarithm of
    /// the likeness, which unlike the score is not flat far outside.
    fn explain_row(&self, row: &[f64]) -> Explanation {
        let mut weights = vec![0.0; row.len()];
        if !self.is_warm() {
            return Explanation::from_weights(weights, Vec::new());
        }
        let mut point = Vec::new();
        self.scale(row, &mut point);
        let parts = |place| {
            let values = self.machine.point(place).zip(&point);
            values.map(|(value, x)| (x - value) * (x - value))
        };
        let squared: Vec<(f64, f64, usize)> = self
            .machine
            .supporting()
            .map(|(alpha, place)| (alpha, parts(place).sum(), place))
            .collect();
        let nearest = squared
            .iter()
            .fold(f64::INFINITY, |least, (_, squared, _)| least.min(*squared));
        for (alpha, squared, place) in squared {
            let share = alpha * libm::exp(self.machine.gamma() * (nearest - squared));
            for (weight, part) in weights.iter_mut().zip(parts(place)) {
                *weight += share * part;
            }
        }
        Explanation::from_weights(weights, self.expected())
    }

    fn expected(&self) -> Vec<Expected> {
        self.window.expected()
    }

    fn heap_bytes(&self) -> usize {
        let floats = [&self.factors, &self.space.point, &self.space.kernels];
        self.window.heap_bytes()
            + self.machine.heap_bytes()
            + floats.map(Vec::capacity).iter().sum::<usize>() * size_of::<f64>()
    }

    fn save(&self) -> State {
        State {
            window: self.window.clone(),
            factors: self.factors.clone(),
            solution: self.machine.save(),
            clock: self.clock.clone(),
        }
    }

    fn restore(
        config: &OneClassSvmConfig,
        width: usize,
        seed: u64,
        state: State,
    ) -> Result<Self, String> {
        let mut restored = Self::new(config, width, seed).map_err(|error| error.to_string())?;
        let (window, clock) = (state.window, state.clock);
        let capacity = Self::capacity(config);
        let is_sound = window.is_sound(Slide::ByRow, capacity, width)
            && window.rows().iter().flatten().all(|x| x.abs() <= LARGEST)
            && state.factors.len() == width
            && state
                .factors
                .iter()
                .all(|factor| *factor > 0.0 && *factor <= 1.0 / LEAST)
            && (config.scaling == Scaling::Standard || state.factors.iter().all(|x| *x == 1.0))
            && clock.taken >= window.len() as u64
            && (clock.taken == window.len() as u64 || window.is_full())
            && clock.taken < 1 << 62
            && (clock.taken..1 << 62).contains(&clock.came)
            && clock.waited <= clock.taken
            && clock.review > clock.taken
            && clock.review <= (clock.taken + window.capacity() as u64).max(WARM_UP);
        if !is_sound {
            return Err("its window or its scale have another size".to_owned());
        }
        let grows = capacity > window.capacity();
        restored.factors = state.factors;
        restored.clock = clock;
        let total = state.solution.total();
        let is_of_this_nu = (total - config.nu * window.len() as f64).abs() <= 1e-6 * (1.0 + total);
        if restored.is_warm() && !grows {
            let factors = &restored.factors;
            let rows = (0..window.len()).map(|place| {
                let values = window.row(place).iter().zip(factors);
                values.map(|(x, factor)| x * factor)
            });
            let machine = Machine::restore(width, capacity, total, rows, state.solution)
                .ok_or("its solution is not one of its window")?;
            if is_of_this_nu {
                restored.machine = machine;
            }
        }
        restored.window = window;
        if grows || (restored.is_warm() && !is_of_this_nu) {
            // Rows are at other places, and there is room for more; or `nu` was another: the edge is drawn anew around them.
            if grows {
                restored.window.grow(capacity);
                restored.clock.taken = restored.window.len() as u64;
            }
            restored.clock.review = restored.clock.taken.max(WARM_UP);
            if restored.is_warm() {
                let steps = restored.review();
                restored.machine.solve(0, config.tol, steps);
            }
        }
        Ok(restored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::settings::Settings as _;

    /// Two heaps that wander.
    fn rows(seed: u64, count: u32) -> Vec<[f64; 3]> {
        let mut random = Random::new(seed);
        let row = |n: u32| {
            let heap = 4.0 * f64::from(n % 2) + 0.004 * f64::from(n);
            [(); 3].map(|()| heap + random.unit() + random.unit() + random.unit())
        };
        (0..count).map(row).collect()
    }

    fn learned(config: &OneClassSvmConfig, rows: &[[f64; 3]]) -> OneClassSvm {
        let mut detector = OneClassSvm::new(config, 3, 1).expect("valid");
        rows.iter().for_each(|row| detector.learn_row(row));
        detector
    }

    fn score(detector: &OneClassSvm, row: &[f64]) -> f64 {
        detector.score_row(row).score().expect("warm")
    }

    #[test]
    fn a_solution_that_slid_along_is_the_one_found_at_once() {
        let exact = OneClassSvmConfig {
            tol: 1e-10,
            max_iter: 1_000_000,
            window_size: 120,
            gamma: Gamma::Fixed(0.3),
            scaling: Scaling::None,
            ..OneClassSvmConfig::default()
        };
        let usual = OneClassSvmConfig {
            tol: OneClassSvmConfig::default().tol,
            max_iter: OneClassSvmConfig::default().max_iter,
            ..exact.clone()
        };
        let all = rows(1, 900);
        let (slid, at_once) = (learned(&exact, &all), learned(&exact, &all[780..]));
        let near = learned(&usual, &all);
        for probe in rows(2, 50) {
            let expected = score(&at_once, &probe);
            assert!((score(&slid, &probe) - expected).abs() < 1e-9);
            assert!((score(&near, &probe) - expected).abs() < 2.0 * usual.tol / 12.0);
        }
    }

    #[test]
    fn at_most_a_share_of_nu_lies_outside() {
        for nu in [0.05, 0.2, 0.7] {
            let config = OneClassSvmConfig {
                nu,
                ..OneClassSvmConfig::default()
            };
            let all = rows(3, 800);
            let detector = learned(&config, &all);
            let outside = all[300..]
                .iter()
                .filter(|row| score(&detector, *row) > config.tol / (nu * 500.0));
            let share = outside.count() as f64 / 500.0;
            assert!((0.8 * nu - 0.01..=nu).contains(&share), "{nu}: {share}");
        }
    }

    #[test]
    fn far_outside_the_score_is_flat_and_the_explanation_is_not() {
        let detector = learned(&OneClassSvmConfig::default(), &rows(4, 600));
        let (far, farther) = ([5.0, 5.0, 1e3], [5.0, 5.0, 1e6]);
        assert_eq!(score(&detector, &far), score(&detector, &farther));
        assert!(detector.explain_row(&farther).contributions[2] > 0.99);
    }

    #[test]
    fn of_a_long_window_a_share_of_the_rows_is_taken() {
        let config = OneClassSvmConfig {
            window_size: 5_000,
            ..OneClassSvmConfig::default()
        };
        let detector = learned(&config, &rows(5, 6_000));
        assert_eq!(detector.window.len(), MOST_ROWS);
        let taken = detector.clock.taken - MOST_ROWS as u64;
        assert!((850..1_150).contains(&taken), "{taken}");
    }

    #[test]
    fn a_longer_window_keeps_what_is_there() {
        let short = OneClassSvmConfig {
            nu: 0.1,
            window_size: 100,
            ..OneClassSvmConfig::default()
        };
        let all = rows(6, 350);
        let detector = learned(&short, &all);
        let long = OneClassSvmConfig {
            nu: 0.1,
            ..OneClassSvmConfig::default()
        };
        let mut longer = OneClassSvm::restore(&long, 3, 1, detector.save()).expect("it fits");
        for row in &all {
            assert!((score(&longer, row) - score(&detector, row)).abs() < 0.02);
        }
        rows(7, 700).iter().for_each(|row| longer.learn_row(row));
        assert_eq!(longer.window.len(), 500);
    }

    #[test]
    fn another_nu_draws_the_edge_anew_around_the_rows_that_were_saved() {
        let former = OneClassSvmConfig {
            nu: 0.1,
            ..OneClassSvmConfig::default()
        };
        let all = rows(8, 900);
        let saved = learned(&former, &all).save();
        let now = OneClassSvmConfig::default();
        let mut restored = OneClassSvm::restore(&now, 3, 1, saved).expect("it fits");
        let anew = learned(&now, &all);
        for row in &all[700..] {
            assert!((score(&restored, row) - score(&anew, row)).abs() < 0.02);
        }
        rows(9, 700).iter().for_each(|row| restored.learn_row(row));
    }

    #[test]
    fn the_middle_of_a_heap_lies_well_inside() {
        let stranger: usize = (0..10)
            .map(|seed| {
                let mut random = Random::new(seed);
                let mut normal = || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
                let all: Vec<[f64; 3]> = (0..500).map(|_| [normal(), normal(), 0.0]).collect();
                let detector = learned(&OneClassSvmConfig::default(), &all);
                let middle = score(&detector, &[0.0; 3]);
                let stranger = all.iter().filter(|row| score(&detector, *row) > middle);
                stranger.count()
            })
            .sum();
        // Inside all is much alike: half of the rows are outside, and the middle is before these.
        assert!(stranger > 2_000, "{stranger} of 5,000");
    }

    #[test]
    fn gamma_is_a_number_or_a_word() {
        let mut config = OneClassSvmConfig::default();
        config.set("gamma", &Value::Number(0.5)).expect("a number");
        assert_eq!(config.gamma, Gamma::Fixed(0.5));
        config
            .set("gamma", &Value::Text("Scale".into()))
            .expect("the word");
        assert_eq!(config.gamma, Gamma::Scale);
        let error = config.set("gamma", &Value::Text("wide".into()));
        assert_eq!(
            error.expect_err("no such word").to_string(),
            "gamma is \"wide\", expected scale or a number from 0.000000001 to 1000000000"
        );
    }
}
