//! Categories that are seen seldom or never.

mod categories;

use libm::log2;
use serde::{Deserialize, Serialize};

use self::categories::{Categories, Tally};
use super::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::rows::{Expected, Explanation, Raw};

crate::settings! {
    /// Settings of [`Rare`].
    pub(super) struct RareConfig {
        /// How many recent rows speak of what is usual; older ones are forgotten at that pace.
        window_size: usize = 10_000, 32..=10_000_000;
        /// Values of a feature that are remembered; of more the rarest are forgotten.
        max_categories: usize = 1_000, 2..=1_000_000;
    }
}

#[doc = include_str!("../pages/rare.md")]
#[derive(Debug)]
pub(super) struct Rare {
    window_size: usize,
    rows: u64,
    features: Vec<Categories>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    rows: u64,
    features: Vec<Tally>,
}

/// Rows before frequencies mean anything.
const WARM_UP: u64 = 32;

impl Rare {
    /// Bits of surprise of each feature.
    fn surprises<'a>(&'a self, row: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        let features = self.features.iter().zip(row);
        features.map(|(categories, x)| {
            if x.is_nan() {
                0.0
            } else {
                // Of a probability that rounding took above 1.
                (-log2(categories.probability(*x))).max(0.0)
            }
        })
    }
}

impl Algorithm for Rare {
    const NAME: &'static str = "rare";
    const ALIASES: &'static [Alias] = &[];
    const SUMMARY: &'static str = "values seen seldom or never before; features that are codes";
    const PAPER: &'static str = "Good, Biometrika 1953; Krichevsky, Trofimov 1981";
    const PAGE: &'static str = include_str!("../pages/rare.md");
    const TAKES_MISSING: bool = true;
    const SATURATES: bool = true;
    const CATEGORICAL: bool = true;
    const STATE_VERSION: u16 = 1;

    type Config = RareConfig;
    type State = State;

    fn new(config: &RareConfig, width: usize, _seed: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            window_size: config.window_size,
            rows: 0,
            features: vec![Categories::new(config.max_categories); width],
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        if self.rows < WARM_UP {
            return Raw::WarmingUp;
        }
        Raw::Score(self.surprises(row).sum())
    }

    fn learn_row(&mut self, row: &[f64]) {
        self.rows = self.rows.saturating_add(1);
        for (categories, x) in self.features.iter_mut().zip(row) {
            if !x.is_nan() {
                categories.learn(*x, self.window_size);
            }
        }
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        Explanation::from_weights(self.surprises(row).collect(), self.expected())
    }

    /// The most frequent value of each feature: there is no band around a name.
    fn expected(&self) -> Vec<Expected> {
        let usual = |categories: &Categories| {
            let value = categories.usual()?;
            Some(Expected {
                low: value,
                middle: value,
                high: value,
            })
        };
        let all: Vec<Expected> = self.features.iter().filter_map(usual).collect();
        // One that never had a value would leave the others' in wrong places.
        if all.len() == self.features.len() {
            all
        } else {
            Vec::new()
        }
    }

    fn heap_bytes(&self) -> usize {
        let features = self.features.iter().map(Categories::heap_bytes);
        features.sum::<usize>() + self.features.capacity() * size_of::<Categories>()
    }

    fn save(&self) -> State {
        State {
            rows: self.rows,
            features: self.features.iter().map(Categories::save).collect(),
        }
    }

    fn restore(
        config: &RareConfig,
        width: usize,
        _seed: u64,
        state: State,
    ) -> Result<Self, String> {
        let restore = |tally| Categories::restore(config.max_categories, tally);
        let features: Option<Vec<Categories>> = state.features.into_iter().map(restore).collect();
        let features = features.filter(|features| features.len() == width);
        Ok(Self {
            window_size: config.window_size,
            rows: state.rows,
            features: features.ok_or("its counts do not belong together")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn learned(rows: impl Iterator<Item = f64>) -> Rare {
        let mut detector = Rare::new(&RareConfig::default(), 1, 0).expect("valid");
        rows.for_each(|x| detector.learn_row(&[x]));
        detector
    }

    fn score(detector: &Rare, x: f64) -> f64 {
        detector.score_row(&[x]).score().expect("warm")
    }

    #[test]
    fn a_score_is_the_bits_of_the_share_of_rows_as_rare() {
        // 90 times 1, 9 times 2, once 3; three values were new. Nearly nothing is forgotten.
        let all = [1.0; 90].into_iter().chain([2.0; 9]).chain([3.0]);
        let detector = learned(all);
        let new = 3.5 / 101.0;
        for (value, share) in [(1.0, 1.0), (2.0, 0.1), (3.0, 0.01), (4.0, 0.0)] {
            let expected = -log2(new + (1.0 - new) * share);
            let found = score(&detector, value);
            assert!(
                (found - expected).abs() < 0.02,
                "{value}: {found}, {expected}"
            );
        }
    }

    #[test]
    fn where_new_values_always_come_they_are_not_strange() {
        let detector = learned((0..5_000).map(f64::from));
        assert!(score(&detector, -1.0) < 0.01);
        let mut random = Random::new(2);
        let detector = learned((0..5_000).map(|_| random.below(200) as f64));
        assert!(score(&detector, -1.0) > 4.0);
        let usual = (0..200).map(|value| score(&detector, f64::from(value)));
        assert!(usual.sum::<f64>() / 200.0 < 2.5);
    }

    #[test]
    fn what_stopped_coming_becomes_rare() {
        let config = RareConfig {
            window_size: 100,
            ..RareConfig::default()
        };
        let mut detector = Rare::new(&config, 1, 0).expect("valid");
        (0..300).for_each(|n| detector.learn_row(&[f64::from(n % 2)]));
        assert!(score(&detector, 0.0) < 1.1);
        (0..700).for_each(|_| detector.learn_row(&[1.0]));
        assert!(score(&detector, 0.0) > 6.0);
        assert_eq!(detector.expected()[0].middle, 1.0);
    }

    #[test]
    fn a_missing_value_says_nothing_and_minus_zero_is_zero() {
        let mut detector = Rare::new(&RareConfig::default(), 2, 0).expect("valid");
        (0..100).for_each(|_| detector.learn_row(&[0.0, f64::NAN]));
        assert_eq!(detector.score_row(&[-0.0, f64::NAN]), Raw::Score(0.0));
        assert!(detector.expected().is_empty());
    }
}
