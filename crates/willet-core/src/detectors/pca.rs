use libm::log;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::Scaling;
use super::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::rows::{Expected, Explanation, Raw};
use crate::statistics::{Covariance, dot, eigen};

crate::settings! {
    /// Settings of [`Pca`].
    pub(super) struct PcaConfig {
        /// Directions that are kept; 0 keeps as many as hold `variance` of the whole.
        n_components: usize = 0, 0..=1_024;
        /// Share of the variance that the kept directions hold, where their number is not given.
        variance: f64 = 0.9, 0.01..=1.0;
        /// How many recent rows normal is learned from; older ones are forgotten at that pace.
        window_size: usize = 1_000, 32..=1_000_000;
        /// Whether features are brought to one scale: standard (each divided by its deviation) or none.
        scaling: Scaling = Scaling::Standard, ();
    }
}

#[doc = include_str!("pages/pca.md")]
#[derive(Debug)]
pub(super) struct Pca {
    config: PcaConfig,
    state: State,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    covariance: Covariance,
    /// Variance along each kept direction.
    kept: Vec<f64>,
    /// The kept directions, one behind the other.
    directions: Vec<f64>,
    /// Variance along each of the others.
    across: f64,
    /// Rows until the directions are looked at again.
    until_looked: u64,
}

/// Rows before densities mean anything.
const WARM_UP: u64 = 32;
/// The least variance of a direction, as a share of the largest: beyond it there is rounding.
const LEAST: f64 = 1e-9;

/// Those of narrow rows need no memory from the heap.
type Values = SmallVec<[f64; 32]>;

impl Pca {
    fn width(&self) -> usize {
        self.state.covariance.width()
    }

    fn every(&self) -> u64 {
        1 + (self.width() * self.width() / 4) as u64
    }

    fn unit(&self, feature: usize) -> f64 {
        match self.config.scaling {
            Scaling::Standard => self.state.covariance.deviation(feature),
            Scaling::None => 1.0,
        }
    }

    fn look(&mut self) {
        let (width, covariance) = (self.width(), &self.state.covariance);
        let units: Vec<f64> = (0..width).map(|feature| self.unit(feature)).collect();
        let seen = covariance.rows().min(self.config.window_size as u64) as f64;
        let unbiased = seen / (seen - 1.0);
        let pairs = (0..width).flat_map(|a| (0..width).map(move |b| (a, b)));
        let matrix = pairs.map(|(a, b)| unbiased * covariance.of(a, b) / (units[a] * units[b]));
        let (mut values, directions) = eigen(matrix.collect(), width);
        let least = (LEAST * values[0]).max(1e-12);
        values
            .iter_mut()
            .for_each(|value| *value = value.max(least));
        let count = match self.config.n_components {
            0 => {
                let wanted = self.config.variance * values.iter().sum::<f64>();
                let mut held = 0.0;
                let enough = values.iter().position(|value| {
                    held += value;
                    held >= wanted
                });
                enough.map_or(width, |last| last + 1)
            }
            count => count.min(width),
        };
        let others = &values[count..];
        self.state.across = others.iter().sum::<f64>() / others.len().max(1) as f64;
        self.state.kept = values[..count].to_vec();
        self.state.directions = directions[..count * width].to_vec();
    }

    /// The row in units of its features, and how far it lies along each kept direction.
    fn along(&self, row: &[f64]) -> (Values, Values) {
        let apart = row.iter().zip(self.state.covariance.mean()).enumerate();
        let apart: Values = apart
            .map(|(feature, (x, mean))| (x - mean) / self.unit(feature))
            .collect();
        let directions = self.state.directions.chunks_exact(row.len());
        let along = directions.map(|direction| dot(direction, &apart)).collect();
        (apart, along)
    }

    fn score(&self, row: &[f64]) -> f64 {
        let (apart, along) = self.along(row);
        let others = (row.len() - along.len()) as f64;
        let (mut inside, mut squared, mut volume) = (0.0, 0.0, 0.0);
        for (along, variance) in along.iter().zip(&self.state.kept) {
            inside += along * along;
            squared += along * along / variance;
            volume += log(*variance);
        }
        if others > 0.0 {
            squared += (dot(&apart, &apart) - inside).max(0.0) / self.state.across;
            volume += others * log(self.state.across);
        }
        0.5 * (squared + volume + row.len() as f64 * log(std::f64::consts::TAU))
    }

    fn is_warm(&self) -> bool {
        self.state.covariance.rows() >= WARM_UP
    }
}

impl Algorithm for Pca {
    const NAME: &'static str = "pca";
    const ALIASES: &'static [Alias] = &[];
    const SUMMARY: &'static str =
        "what leaves the few directions that the features vary along; many features, few causes";
    const PAPER: &'static str = "Tipping, Bishop, JRSS B 1999; Shyu et al., ICDM 2003";
    const PAGE: &'static str = include_str!("pages/pca.md");
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = false;
    const STATE_VERSION: u16 = 1;

    type Config = PcaConfig;
    type State = State;

    fn new(config: &PcaConfig, width: usize, _seed: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            config: config.clone(),
            state: State {
                covariance: Covariance::new(width),
                kept: Vec::new(),
                directions: Vec::new(),
                across: 0.0,
                until_looked: WARM_UP,
            },
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        if self.is_warm() {
            Raw::Score(self.score(row))
        } else {
            Raw::WarmingUp
        }
    }

    fn learn_row(&mut self, row: &[f64]) {
        self.state.covariance.push(row, self.config.window_size);
        self.state.until_looked -= 1;
        if self.state.until_looked == 0 {
            self.look();
            self.state.until_looked = self.every();
        }
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        if !self.is_warm() {
            return Explanation::from_weights(vec![0.0; row.len()], Vec::new());
        }
        // The squared distance is a sum over the features: each one's deviation times its part of the row's weighted one.
        let (apart, along) = self.along(row);
        let across = if along.len() < row.len() {
            1.0 / self.state.across
        } else {
            0.0
        };
        let mut weighted: Vec<f64> = apart.iter().map(|x| x * across).collect();
        let directions = self.state.directions.chunks_exact(row.len());
        for ((along, variance), direction) in along.iter().zip(&self.state.kept).zip(directions) {
            let weight = along * (1.0 / variance - across);
            for (sum, x) in weighted.iter_mut().zip(direction) {
                *sum += weight * x;
            }
        }
        let weights = apart.iter().zip(&weighted).map(|(a, b)| a * b).collect();
        Explanation::from_weights(weights, self.expected())
    }

    fn expected(&self) -> Vec<Expected> {
        if !self.is_warm() {
            return Vec::new();
        }
        self.state.covariance.expected()
    }

    fn heap_bytes(&self) -> usize {
        let state = &self.state;
        state.covariance.heap_bytes()
            + (state.kept.capacity() + state.directions.capacity()) * size_of::<f64>()
    }

    fn save(&self) -> State {
        self.state.clone()
    }

    fn restore(config: &PcaConfig, width: usize, _seed: u64, state: State) -> Result<Self, String> {
        let restored = Self {
            config: config.clone(),
            state,
        };
        let state = &restored.state;
        let is_positive = |x: &f64| *x > 0.0 && x.is_finite();
        let is_sound = state.covariance.is_sound(width)
            && state.kept.len() <= width
            && state.directions.len() == state.kept.len() * width
            && state.kept.iter().all(is_positive)
            && state.directions.iter().all(|x| x.abs() <= 1.1)
            && (state.kept.len() == width || is_positive(&state.across) || !restored.is_warm())
            && (!restored.is_warm() || !state.kept.is_empty())
            && (1..=restored.every().max(WARM_UP)).contains(&state.until_looked);
        if is_sound {
            Ok(restored)
        } else {
            Err("its directions have another size or are not finite".to_owned())
        }
    }
}
