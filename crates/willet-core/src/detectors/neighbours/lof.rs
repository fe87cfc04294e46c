use smallvec::SmallVec;

use super::lists::Lists;
use super::window::{Distances, Nearby, Nearest, Neighbour, State};
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

/// Keeps the density of repeated rows finite (as scikit-learn does), where no other row says what is near.
const LEAST: f64 = 1e-10;

/// Distances that stand in for those of 0, each with a row of its place: equal rows share one.
type Plateaus = SmallVec<[(u64, f64); 8]>;

impl LocalOutlierFactor {
    /// One over the mean distance at which a row is reached from its neighbours.
    fn density(&self, neighbours: &[Neighbour], plateaus: &mut Plateaus) -> f64 {
        let reached = neighbours.iter().map(|neighbour| {
            let distance = neighbour.squared.sqrt();
            distance.max(self.reach(neighbour.row, plateaus))
        });
        1.0 / (reached.sum::<f64>() / neighbours.len() as f64 + LEAST)
    }

    /// The distance of a row's farthest neighbour; of one with as many equal rows as neighbours, what is usual from it to the nearest
    /// rows that differ.
    ///
    /// Breunig et al. take the k-th distinct row there. Where fewer than k differ, that would be the one outlier there is, and hide the
    /// next; the geometric mean of the k nearest, those that are not there at the least distance, is not moved by it.
    fn reach(&self, row: u64, plateaus: &mut Plateaus) -> f64 {
        let distance = self.lists.distance(&self.nearby, row);
        if distance > 0.0 {
            return distance;
        }
        let known = plateaus
            .iter()
            .find(|(other, _)| self.nearby.are_equal(row, *other));
        if let Some((_, distance)) = known {
            return *distance;
        }
        let count = self.lists.asked();
        let differing = self.nearby.nearest_differing(row, count);
        let absent = (count - differing.len()) as f64 * libm::log(LEAST);
        let sum: f64 = differing
            .iter()
            .map(|squared| 0.5 * libm::log(squared.max(LEAST * LEAST)))
            .sum();
        let distance = libm::exp((sum + absent) / count as f64);
        plateaus.push((row, distance));
        distance
    }

    /// The factor of a row whose nearest rows are these, or more than these.
    fn factor(&self, nearest: &[Neighbour]) -> f64 {
        let count = self.lists.count(&self.nearby).min(nearest.len());
        let neighbours = &nearest[..count];
        let mut plateaus = Plateaus::new();
        let around: f64 = neighbours
            .iter()
            .map(|neighbour| {
                let theirs = self.lists.neighbours(&self.nearby, neighbour.row);
                self.density(theirs, &mut plateaus)
            })
            .sum();
        around / count as f64 / self.density(neighbours, &mut plateaus)
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
        Raw::Score(self.factor(&self.nearby.nearest_to(row, count)))
    }

    fn learn_row(&mut self, row: &[f64]) {
        let mut distances = Distances::new();
        self.nearby.distances(row, &mut distances);
        let nearest = self.nearest(&distances);
        self.learn(row, &distances, nearest);
    }

    fn score_learn_row(&mut self, row: &[f64]) -> Raw {
        let mut distances = Distances::new();
        self.nearby.distances(row, &mut distances);
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
        let neighbours = self.nearby.nearest_to(row, count);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn learned(rows: impl Iterator<Item = Vec<f64>>, width: usize) -> LocalOutlierFactor {
        let config = LocalOutlierFactorConfig::default();
        let mut detector = LocalOutlierFactor::new(&config, width, 1).expect("valid");
        rows.for_each(|row| detector.learn_row(&row));
        detector
    }

    fn score(detector: &LocalOutlierFactor, row: &[f64]) -> f64 {
        detector.score_row(row).score().expect("warm")
    }

    #[test]
    fn rows_beside_a_plateau_are_less_strange_than_rows_far_away() {
        let mut random = Random::new(1);
        let rows = (0..1_000).map(|i| {
            vec![if i % 3 == 0 {
                0.1
            } else {
                0.1 + 0.1 * random.unit()
            }]
        });
        let detector = learned(rows, 1);
        let beside: f64 = [0.1, 0.100_02, 0.100_5, 0.11, 0.15]
            .map(|x| score(&detector, &[x]))
            .into_iter()
            .fold(0.0, f64::max);
        assert!(beside < 3.0, "{beside}");
        let far = [0.3, 1.0, 20.0, 80.0].map(|x| score(&detector, &[x]));
        assert!(far[0] > 10.0 * beside && far.is_sorted(), "{far:?}");
    }

    #[test]
    fn of_counts_rare_ones_are_stranger_than_usual_ones() {
        let mut random = Random::new(2);
        // Sums of coins: 0 to 10, mostly 3 to 7.
        let mut count = || (0..10).filter(|_| random.unit() < 0.5).count() as f64;
        let detector = learned((0..1_000).map(|_| vec![count(), count()]), 2);
        for x in 3..=7 {
            let usual = score(&detector, &[f64::from(x), 5.0]);
            assert!((0.5..=1.5).contains(&usual), "{x}: {usual}");
        }
        assert!(score(&detector, &[20.0, 5.0]) > score(&detector, &[14.0, 5.0]));
        assert!(score(&detector, &[14.0, 5.0]) > 2.0);
    }

    #[test]
    fn one_outlier_among_equal_rows_does_not_hide_the_next() {
        let rows = (0..900).map(|i| vec![if i == 600 { 1e6 } else { 4.0 }]);
        let detector = learned(rows, 1);
        assert!(score(&detector, &[44.0]) > 1e3 && score(&detector, &[4.0]) < 1.5);
    }
}
