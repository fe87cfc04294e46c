//! How far out in the tails of each feature's distribution a row lies: two kinds that combine the tails each in its way.

mod feature;

use std::fmt::Debug;
use std::marker::PhantomData;

use super::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::rows::{Expected, Explanation, Raw};
use feature::Feature;

crate::settings! {
    /// Settings of both kinds.
    pub(super) struct TailsConfig {
        /// How many recent values the distribution of a feature is made of.
        window_size: usize = 1_000, 32..=1_000_000;
    }
}

/// How strange a value is towards either end, and towards the one that its feature leans to: −ln of the share of values at least
/// as far out, itself included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tails {
    left: f64,
    right: f64,
    skewed: f64,
}

/// What the two kinds differ in.
pub(super) trait Combination: Debug + Send + 'static {
    const NAME: &'static str;
    const SUMMARY: &'static str;
    const PAPER: &'static str;
    const PAGE: &'static str;
    /// What a feature adds to the score.
    fn of(tails: Tails) -> f64;
}

/// Empirical-cumulative-distribution outlier detection.
#[derive(Debug)]
pub(super) struct Ecod;

impl Combination for Ecod {
    const NAME: &'static str = "ecod";
    const SUMMARY: &'static str =
        "how rare each feature's value is towards the nearest end; many features, no settings";
    const PAPER: &'static str = "Li, Zhao, Hu, Botta, Ionescu, Chen, TKDE 2022";
    const PAGE: &'static str = include_str!("../pages/ecod.md");
    fn of(tails: Tails) -> f64 {
        tails.skewed.max(tails.left).max(tails.right)
    }
}

/// Copula-based outlier detection.
#[derive(Debug)]
pub(super) struct Copod;

impl Combination for Copod {
    const NAME: &'static str = "copod";
    const SUMMARY: &'static str = "how rare each feature's value is towards both ends or the longer one; many features, no settings";
    const PAPER: &'static str = "Li, Zhao, Botta, Ionescu, Hu, ICDM 2020";
    const PAGE: &'static str = include_str!("../pages/copod.md");
    fn of(tails: Tails) -> f64 {
        tails.skewed.max(f64::midpoint(tails.left, tails.right))
    }
}

#[doc = include_str!("../pages/ecod.md")]
#[derive(Debug)]
pub(super) struct TailDetector<C> {
    features: Vec<Feature>,
    combination: PhantomData<C>,
}

/// Values of a feature before its score means anything.
const WARM_UP: usize = 32;

impl<C: Combination> TailDetector<C> {
    fn is_warm(&self) -> bool {
        self.features.iter().all(|feature| feature.len() >= WARM_UP)
    }
}

impl<C: Combination> Algorithm for TailDetector<C> {
    const NAME: &'static str = C::NAME;
    const ALIASES: &'static [Alias] = &[];
    const SUMMARY: &'static str = C::SUMMARY;
    const PAPER: &'static str = C::PAPER;
    const PAGE: &'static str = C::PAGE;
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = true;
    const STATE_VERSION: u16 = 1;

    type Config = TailsConfig;
    type State = Vec<feature::State>;

    fn new(config: &TailsConfig, width: usize, _seed: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            features: (0..width)
                .map(|_| Feature::new(config.window_size))
                .collect(),
            combination: PhantomData,
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        if !self.is_warm() {
            return Raw::WarmingUp;
        }
        let parts = self.features.iter().zip(row);
        Raw::Score(parts.map(|(feature, x)| C::of(feature.tails(*x))).sum())
    }

    fn learn_row(&mut self, row: &[f64]) {
        for (feature, x) in self.features.iter_mut().zip(row) {
            feature.push(*x);
        }
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        let parts = self.features.iter().zip(row);
        let weights = parts.map(|(feature, x)| C::of(feature.tails(*x))).collect();
        Explanation::from_weights(weights, self.expected())
    }

    fn expected(&self) -> Vec<Expected> {
        self.features.iter().map_while(Feature::expected).collect()
    }

    fn heap_bytes(&self) -> usize {
        self.features.capacity() * size_of::<Feature>()
            + self.features.iter().map(Feature::heap_bytes).sum::<usize>()
    }

    fn save(&self) -> Self::State {
        self.features.iter().map(Feature::save).collect()
    }

    fn restore(
        config: &TailsConfig,
        width: usize,
        _seed: u64,
        state: Self::State,
    ) -> Result<Self, String> {
        if state.len() != width {
            return Err(format!("it has {} features, expected {width}", state.len()));
        }
        let features = state
            .into_iter()
            .map(|state| Feature::restore(config.window_size, state));
        let features: Option<Vec<_>> = features.collect();
        Ok(Self {
            features: features.ok_or("its windows have another size")?,
            combination: PhantomData,
        })
    }
}
