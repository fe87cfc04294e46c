mod tree;

use libm::exp2;
use serde::{Deserialize, Serialize};

use super::ablation;
use super::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::random::Random;
use crate::rows::{Expected, Explanation, Raw, Rows};
use crate::windows::{CountWindow, Slide};
use tree::{Growth, Probe, Saved, Tree};

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

#[doc = include_str!("../pages/iforest.md")]
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
    /// What lies inside the rows that every tree was grown from.
    common: Vec<(f64, f64)>,
    /// Path lengths to be expected, of all trees.
    normal: f64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    window: CountWindow,
    trees: Vec<Saved>,
    next: usize,
    credit: usize,
    random: Random,
}

/// Rows before the first forest.
const FIRST_FOREST: usize = 32;
/// Rows that go through some trees before the next trees.
const TOGETHER: usize = 64;
/// Trees that are walked at once.
const ABREAST: usize = 8;

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

    /// Looks at what the trees have in common; after each change of them.
    fn compare(&mut self) {
        self.normal = self.trees.iter().map(Tree::normal).sum();
        self.common.clear();
        let first = self.trees.first().map_or(&[][..], Tree::bounds);
        self.common.extend_from_slice(first);
        for tree in &self.trees {
            for ((low, high), (other_low, other_high)) in self.common.iter_mut().zip(tree.bounds())
            {
                (*low, *high) = (low.max(*other_low), high.min(*other_high));
            }
        }
    }

    fn score(&self, row: &[f64]) -> f64 {
        let mut paths = [0.0];
        self.paths(Rows::one(row), &mut paths);
        self.score_of(paths[0])
    }

    fn score_of(&self, paths: f64) -> f64 {
        exp2(-paths / self.normal)
    }

    /// Scores rows by the trees as they are.
    fn score_all(&self, rows: Rows<'_>, out: &mut [Raw]) {
        for (at, out) in out.chunks_mut(TOGETHER).enumerate() {
            let first = at * TOGETHER;
            let mut paths = [0.0; TOGETHER];
            let paths = &mut paths[..out.len()];
            self.paths(rows.part(first..first + out.len()), paths);
            for (out, paths) in out.iter_mut().zip(paths) {
                *out = Raw::Score(self.score_of(*paths));
            }
        }
    }

    /// Adds the lengths of each row's paths, [`TOGETHER`] rows at most. All rows go through a few trees before the next few: these
    /// lie in the nearest cache meanwhile.
    fn paths(&self, rows: Rows<'_>, paths: &mut [f64]) {
        let Some(first) = rows.iter().next() else {
            return;
        };
        // Most rows are inside of all trees' rows, or outside of some in one feature: the others need not be asked tree by tree.
        let outside = |(x, (low, high)): (&f64, &(f64, f64))| x < low || x > high;
        let mut doubtful = [const { 0..0 }; TOGETHER];
        for (doubtful, row) in doubtful.iter_mut().zip(rows.iter()) {
            let mut bounds = row.iter().zip(&self.common);
            let first = bounds.clone().position(outside).unwrap_or(row.len());
            *doubtful = first..bounds.rposition(outside).map_or(first, |last| last + 1);
        }
        let mut probe = Probe::new(first);
        let (groups, rest) = self.trees.as_chunks::<ABREAST>();
        for group in groups {
            for ((row, doubtful), sum) in rows.iter().zip(&doubtful).zip(&mut *paths) {
                probe.set(row);
                for (tree, leaf) in group.iter().zip(probe.leaves(group)) {
                    *sum += tree.path(row, leaf, doubtful.clone());
                }
            }
        }
        for tree in rest {
            for ((row, doubtful), sum) in rows.iter().zip(&doubtful).zip(&mut *paths) {
                probe.set(row);
                let [leaf] = probe.leaves(std::array::from_ref(tree));
                *sum += tree.path(row, leaf, doubtful.clone());
            }
        }
    }

    /// How many rows come before a tree is renewed, the one that it is renewed after included.
    fn rows_until_due(&self) -> usize {
        let missing = self.config.update_frequency - self.credit;
        missing.div_ceil(self.config.n_estimators)
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
    const PAGE: &'static str = include_str!("../pages/iforest.md");
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
            common: Vec::new(),
            normal: 0.0,
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
                self.compare();
            }
            return;
        }
        self.credit += self.config.n_estimators;
        let is_due = self.credit >= self.config.update_frequency;
        while self.credit >= self.config.update_frequency {
            self.credit -= self.config.update_frequency;
            self.renew(self.next);
            self.next = (self.next + 1) % self.trees.len();
        }
        if is_due {
            self.compare();
        }
    }

    fn score_rows(&self, rows: Rows<'_>, out: &mut [Raw]) {
        if self.trees.is_empty() {
            out.fill(Raw::WarmingUp);
        } else {
            self.score_all(rows, out);
        }
    }

    fn score_learn_rows(&mut self, rows: Rows<'_>, out: &mut [Raw]) {
        let mut done = 0;
        while done < rows.len() {
            // As many as the same trees score.
            let count = if self.trees.is_empty() {
                1
            } else {
                self.rows_until_due().min(rows.len() - done)
            };
            let part = rows.part(done..done + count);
            self.score_rows(part, &mut out[done..done + count]);
            part.iter().for_each(|row| self.learn_row(row));
            done += count;
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
            + self.common.capacity() * size_of::<(f64, f64)>()
    }

    fn save(&self) -> State {
        State {
            window: self.window.clone(),
            trees: self.trees.iter().map(Tree::save).collect(),
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
            && (state.next == 0 || state.next < state.trees.len())
            && state.credit < config.update_frequency;
        let wrong = || "its forest or its window have another size".to_owned();
        if !fits {
            return Err(wrong());
        }
        let mut restored = Self::new(config, width, seed).map_err(|error| error.to_string())?;
        restored.window = state.window;
        restored.window.grow(config.window_size);
        let restore = |tree| Tree::restore(tree, width, config.max_samples);
        let trees = state.trees.into_iter().map(restore);
        restored.trees = trees.collect::<Option<_>>().ok_or_else(wrong)?;
        restored.next = state.next;
        restored.credit = state.credit;
        restored.random = state.random;
        restored.compare();
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
            let path = |tree: &Tree| {
                let [leaf] = Probe::new(&row).leaves(std::array::from_ref(tree));
                tree.path(&row, leaf, 0..2)
            };
            let mean = forest.trees.iter().map(path).sum::<f64>() / 100.0;
            let expected = libm::pow(2.0, -mean / tree::average_path(256));
            let found = forest.score_row(&row).score().expect("warm");
            assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
        }
    }
}
