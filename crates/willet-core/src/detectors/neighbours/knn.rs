use super::window::{Nearby, Nearest, Neighbour, State};
use crate::detectors::Scaling;
use crate::detectors::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::rows::{Expected, Explanation, Raw};
use crate::settings::Choice;

crate::settings! {
    /// Settings of [`NearestNeighbours`].
    pub(in crate::detectors) struct NearestNeighboursConfig {
        /// Neighbours that are looked at.
        n_neighbors: usize = 20, 1..=1_000;
        /// Which of their distances is the score: the largest, the mean or the median.
        method: Method = Method::Largest, ();
        /// Rows of the window that neighbours are sought in.
        window_size: usize = 1_000, 32..=1_000_000;
        /// Whether features are brought to one scale: standard (each divided by its deviation in the window) or none.
        scaling: Scaling = Scaling::Standard, ();
    }
}

/// What of the distances of the neighbours is the score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detectors) enum Method {
    /// The distance of the farthest.
    Largest,
    /// Their mean.
    Mean,
    /// Their median.
    Median,
}

impl Choice for Method {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("largest", Self::Largest),
        ("mean", Self::Mean),
        ("median", Self::Median),
    ];
}

#[doc = include_str!("../pages/knn.md")]
#[derive(Debug)]
pub(in crate::detectors) struct NearestNeighbours {
    config: NearestNeighboursConfig,
    nearby: Nearby,
}

impl NearestNeighbours {
    fn neighbours(&self, row: &[f64]) -> Nearest {
        let count = self.config.n_neighbors.min(self.nearby.len());
        self.nearby.nearest_to(row, count)
    }
}

impl Algorithm for NearestNeighbours {
    const NAME: &'static str = "knn";
    const ALIASES: &'static [Alias] = &[];
    const SUMMARY: &'static str =
        "distance to the nearest rows of a sliding window, exact; clusters of any shape";
    const PAPER: &'static str =
        "Ramaswamy, Rastogi, Shim, SIGMOD 2000; Angiulli, Pizzuti, PKDD 2002";
    const PAGE: &'static str = include_str!("../pages/knn.md");
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = false;
    const STATE_VERSION: u16 = 1;

    type Config = NearestNeighboursConfig;
    type State = State;

    fn new(
        config: &NearestNeighboursConfig,
        width: usize,
        _seed: u64,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            nearby: Nearby::new(config.window_size, width, config.scaling),
            config: config.clone(),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        if !self.nearby.is_warm() {
            return Raw::WarmingUp;
        }
        let neighbours = self.neighbours(row);
        let distance = |neighbour: &Neighbour| neighbour.squared.sqrt();
        let (count, last) = (neighbours.len(), neighbours.len() - 1);
        Raw::Score(match self.config.method {
            Method::Largest => distance(&neighbours[last]),
            Method::Mean => neighbours.iter().map(distance).sum::<f64>() / count as f64,
            Method::Median => {
                let middle = [last / 2, count / 2].map(|at| distance(&neighbours[at]));
                f64::midpoint(middle[0], middle[1])
            }
        })
    }

    fn learn_row(&mut self, row: &[f64]) {
        self.nearby.push(row);
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        self.nearby.explain(row, &self.neighbours(row))
    }

    fn expected(&self) -> Vec<Expected> {
        self.nearby.expected()
    }

    fn heap_bytes(&self) -> usize {
        self.nearby.heap_bytes()
    }

    fn save(&self) -> State {
        self.nearby.save()
    }

    fn restore(
        config: &NearestNeighboursConfig,
        width: usize,
        _seed: u64,
        state: State,
    ) -> Result<Self, String> {
        let nearby = Nearby::restore(config.window_size, width, config.scaling, state);
        let nearby = nearby.ok_or("its window has another size or scale")?;
        Ok(Self {
            nearby,
            config: config.clone(),
        })
    }
}
