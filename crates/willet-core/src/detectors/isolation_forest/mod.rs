mod tree;

use libm::exp2;
use serde::{Deserialize, Serialize};

use super::ablation;
use super::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::random::Random;
use crate::rows::{Expected, Explanation, Raw};
use crate::windows::{CountWindow, Slide};
use tree::{Growth, Tree, average_path};

crate::settings! {
    /// Settings of [`IsolationForest`].
    pub(super) struct IsolationForestConfig {
        /// Number of trees.
        n_estimators: usize = 100, 1..=10_000;
        /// Rows each tree is grown from.
        max_samples: usize = 256, 2..=65_536;
        /// Rows of the window that trees are grown from.
        window_size: usize = 1_000, 32..=1_000_000;
        /// Rows in which all trees are renewed once, one after the other.
        update_frequency: usize = 100, 1..=1_000_000;
    }
}

/// Scores by how few random cuts separate a row from the last `window_size` rows.
///
/// Trees are renewed one at a time from the window, so that all are new after `update_frequency` rows and no row waits
/// for a whole forest. Good for scattered anomalies in several features and for mixed scales. The score is the paper's 2^(−E\[h\]/c): near 1 strange, about 0.5 and less normal; outside the rows
/// a tree was grown from the path is the expected one had the row been among them (the paper's would stop changing).
///
/// Time `O(n_estimators · log max_samples)` a row, and `n_estimators / update_frequency` trees grown a row; memory about
/// `16 · n_estimators · max_samples + 8 · window_size · width` bytes.
///
/// # References
/// Liu, Ting, Zhou, "Isolation Forest", ICDM 2008; on a sliding window: Ding, Fei, "An Anomaly Detection Approach Based on
/// Isolation Forest Algorithm for Streaming Data Using Sliding Window", IFAC 2013.
#[derive(Debug)]
pub(super) struct IsolationForest {
    config: IsolationForestConfig,
    window: CountWindow,
    trees: Vec<Tree>,
    /// Tree to be renewed next.
    next: usize,
    /// Rows' worth of renewal not yet spent, in trees times `update_frequency`.
    credit: usize,
    random: Random,
    growth: Growth,
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    window: CountWindow,
    trees: Vec<Tree>,
    next: usize,
    credit: usize,
    random: Random,
}

/// Rows before the first forest.
const FIRST_FOREST: usize = 32;

impl IsolationForest {
    fn renew(&mut self, tree: usize) {
        let samples = self.config.max_samples.min(self.window.len());
        self.growth.grow(
            &self.window,
            samples,
            &mut self.random,
            &mut self.trees[tree],
        );
    }

    fn score(&self, row: &[f64]) -> f64 {
        let paths: f64 = self.trees.iter().map(|tree| tree.path(row)).sum();
        let samples: f64 = self
            .trees
            .iter()
            .map(|tree| average_path(tree.samples()))
            .sum();
        exp2(-paths / samples)
    }
}

impl Algorithm for IsolationForest {
    const NAME: &'static str = "iforest";
    const ALIASES: &'static [Alias] = &[Alias {
        name: "isolation_forest",
        preset: &[],
    }];
    const SUMMARY: &'static str =
        "isolation forest on a sliding window, renewed a tree at a time; several features";
    const PAPER: &'static str = "Liu, Ting, Zhou, ICDM 2008; Ding, Fei, IFAC 2013";
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = false;
    const STATE_VERSION: u16 = 1;

    type Config = IsolationForestConfig;
    type State = State;

    fn new(config: &IsolationForestConfig, width: usize, seed: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            window: CountWindow::new(Slide::ByRow, config.window_size, width),
            trees: Vec::new(),
            next: 0,
            credit: 0,
            random: Random::new(seed),
            growth: Growth::default(),
            config: config.clone(),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        if self.trees.is_empty() {
            Raw::WarmingUp
        } else {
            Raw::Score(self.score(row))
        }
    }

    fn learn_row(&mut self, row: &[f64]) {
        self.window.push(row);
        if self.trees.is_empty() {
            if self.window.len() == FIRST_FOREST {
                self.trees = vec![Tree::default(); self.config.n_estimators];
                (0..self.trees.len()).for_each(|tree| self.renew(tree));
            }
            return;
        }
        self.credit += self.config.n_estimators;
        while self.credit >= self.config.update_frequency {
            self.credit -= self.config.update_frequency;
            self.renew(self.next);
            self.next = (self.next + 1) % self.trees.len();
        }
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        if self.trees.is_empty() {
            return Explanation::from_weights(vec![0.0; row.len()], Vec::new());
        }
        ablation::explain(row, self.window.expected(), |row| self.score(row))
    }

    fn expected(&self) -> Vec<Expected> {
        self.window.expected()
    }

    fn heap_bytes(&self) -> usize {
        self.window.heap_bytes()
            + self.trees.iter().map(Tree::memory_bytes).sum::<usize>()
            + self.growth.heap_bytes()
    }

    fn save(&self) -> State {
        State {
            window: self.window.clone(),
            trees: self.trees.clone(),
            next: self.next,
            credit: self.credit,
            random: self.random.clone(),
        }
    }

    fn restore(
        config: &IsolationForestConfig,
        width: usize,
        seed: u64,
        state: State,
    ) -> Result<Self, String> {
        let fits = state
            .window
            .is_sound(Slide::ByRow, config.window_size, width)
            && (state.trees.is_empty() || state.trees.len() == config.n_estimators)
            && state.trees.iter().all(|tree| tree.is_sound(width))
            && (state.next == 0 || state.next < state.trees.len())
            && state.credit < config.update_frequency;
        if !fits {
            return Err("its forest or its window have another size".to_owned());
        }
        let mut restored = Self::new(config, width, seed).map_err(|error| error.to_string())?;
        restored.window = state.window;
        restored.window.grow(config.window_size);
        restored.trees = state.trees;
        restored.next = state.next;
        restored.credit = state.credit;
        restored.random = state.random;
        Ok(restored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// s(x) = 2^(−E[h(x)] / c(ψ)), as in the paper and scikit-learn.
    #[test]
    fn a_score_is_that_of_the_mean_path() {
        let config = IsolationForestConfig::default();
        let mut forest = IsolationForest::new(&config, 2, 1).expect("valid");
        let mut random = Random::new(2);
        (0..1_200).for_each(|_| forest.learn_row(&[random.unit(), random.unit()]));
        for row in [[0.5, 0.5], [0.9, 0.1], [0.0, 3.0]] {
            let paths: Vec<f64> = forest.trees.iter().map(|tree| tree.path(&row)).collect();
            let mean = paths.iter().sum::<f64>() / 100.0;
            let expected = libm::pow(2.0, -mean / average_path(256));
            let found = forest.score_row(&row).score().expect("warm");
            assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
        }
    }
}
