use super::lists::Lists;
use super::window::{Nearby, Nearest, Neighbour, State};
use crate::detectors::Scaling;
use crate::detectors::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::rows::{Expected, Explanation, Raw};

crate::settings! {
    /// Settings of [`LocalOutlierFactor`].
    pub(in crate::detectors) struct LocalOutlierFactorConfig {
        /// Neighbours that a density is taken from.
        n_neighbors: usize = 20, 1..=1_000;
        /// Rows of the window that neighbours are sought in.
        window_size: usize = 1_000, 32..=100_000;
        /// Whether features are brought to one scale: standard (each divided by its deviation in the window) or none.
        scaling: Scaling = Scaling::Standard, ();
    }
}

#[doc = include_str!("../pages/lof.md")]
#[derive(Debug)]
pub(in crate::detectors) struct LocalOutlierFactor {
    nearby: Nearby,
    lists: Lists,
}

/// Keeps the density of repeated rows finite (as scikit-learn does).
const LEAST: f64 = 1e-10;

impl LocalOutlierFactor {
    /// One over the mean distance at which a row is reached from its neighbours.
    fn density(&self, neighbours: &[Neighbour]) -> f64 {
        let reached = neighbours.iter().map(|neighbour| {
            let distance = neighbour.squared.sqrt();
            distance.max(self.lists.distance(&self.nearby, neighbour.row))
        });
        1.0 / (reached.sum::<f64>() / neighbours.len() as f64 + LEAST)
    }

    /// The factor of a row whose nearest rows are these, or more than these.
    fn factor(&self, nearest: &[Neighbour]) -> f64 {
        let count = self.lists.count(&self.nearby).min(nearest.len());
        let neighbours = &nearest[..count];
        let around = neighbours.iter().map(|neighbour| {
            let theirs = self.lists.neighbours(&self.nearby, neighbour.row);
            self.density(theirs)
        });
        around.sum::<f64>() / count as f64 / self.density(neighbours)
    }

    fn nearest(&self, distances: &[f64]) -> Nearest {
        self.nearby.nearest(distances, self.lists.most())
    }

    fn learn(&mut self, row: &[f64], distances: &[f64], nearest: Nearest) {
        if self.nearby.push(row) {
            self.lists.build(&self.nearby);
        } else {
            self.lists.push(&self.nearby, distances, nearest);
        }
    }
}

impl Algorithm for LocalOutlierFactor {
    const NAME: &'static str = "lof";
    const ALIASES: &'static [Alias] = &[Alias {
        name: "local_outlier_factor",
        preset: &[],
    }];
    const SUMMARY: &'static str =
        "local outlier factor in a sliding window, exact; clusters of different density";
    const PAPER: &'static str =
        "Breunig, Kriegel, Ng, Sander, SIGMOD 2000; Pokrajac et al., CIDM 2007";
    const PAGE: &'static str = include_str!("../pages/lof.md");
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = false;
    const STATE_VERSION: u16 = 1;

    type Config = LocalOutlierFactorConfig;
    type State = State;

    fn new(
        config: &LocalOutlierFactorConfig,
        width: usize,
        _seed: u64,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            nearby: Nearby::new(config.window_size, width, config.scaling),
            lists: Lists::new(config.n_neighbors),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        if !self.nearby.is_warm() {
            return Raw::WarmingUp;
        }
        let count = self.lists.count(&self.nearby);
        let distances = self.nearby.distances(row);
        Raw::Score(self.factor(&self.nearby.nearest(&distances, count)))
    }

    fn learn_row(&mut self, row: &[f64]) {
        let distances = self.nearby.distances(row);
        let nearest = self.nearest(&distances);
        self.learn(row, &distances, nearest);
    }

    fn score_learn_row(&mut self, row: &[f64]) -> Raw {
        let distances = self.nearby.distances(row);
        let nearest = self.nearest(&distances);
        let raw = if self.nearby.is_warm() {
            Raw::Score(self.factor(&nearest))
        } else {
            Raw::WarmingUp
        };
        self.learn(row, &distances, nearest);
        raw
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        let count = self.lists.count(&self.nearby);
        let neighbours = self.nearby.nearest(&self.nearby.distances(row), count);
        self.nearby.explain(row, &neighbours)
    }

    fn expected(&self) -> Vec<Expected> {
        self.nearby.expected()
    }

    fn heap_bytes(&self) -> usize {
        self.nearby.heap_bytes() + self.lists.heap_bytes()
    }

    fn save(&self) -> State {
        self.nearby.save()
    }

    fn restore(
        config: &LocalOutlierFactorConfig,
        width: usize,
        _seed: u64,
        state: State,
    ) -> Result<Self, String> {
        let nearby = Nearby::restore(config.window_size, width, config.scaling, state);
        let nearby = nearby.ok_or("its window has another size or scale")?;
        let mut lists = Lists::new(config.n_neighbors);
        lists.build(&nearby);
        Ok(Self { nearby, lists })
    }
}
