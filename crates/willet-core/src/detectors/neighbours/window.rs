//! The last rows, laid out so that the distances to all of them are quick to take.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::detectors::{LARGEST, Scaling};
use crate::rows::{Expected, Explanation};
use crate::windows::{CountWindow, Slide};

/// Rows that lie side by side, feature by feature: their distances are taken together.
const LANES: usize = 8;
/// Rows before distances mean anything.
pub(super) const WARM_UP: usize = 32;
/// A feature whose deviation grew or shrank by more than this share is brought to scale anew.
const MOVED: f64 = 0.25;

/// The smallest deviation: distances of the largest values that are learned stay finite.
const LEAST: f64 = 1e-12;

/// A window of rows with their distances.
#[derive(Debug)]
pub(super) struct Nearby {
    rows: CountWindow,
    scaling: Scaling,
    /// What each feature is multiplied with.
    factors: Vec<f64>,
    /// Scaled rows: blocks of [`LANES`] rows, in each the values of one feature side by side. Places without a row are infinite.
    tiles: Vec<f64>,
    /// Rows taken so far; the row with number n is at place n modulo the capacity.
    taken: u64,
    /// Number of the row at the first place, or of the one that will be there next.
    round: u64,
    /// When the scale is looked at again.
    review: u64,
}

/// What of a window is saved.
#[derive(Serialize, Deserialize)]
pub(in crate::detectors) struct State {
    rows: CountWindow,
    factors: Vec<f64>,
    taken: u64,
    review: u64,
}

/// A row of the window and how far away it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Neighbour {
    /// The distance, squared.
    pub(super) squared: f64,
    /// Number of the row.
    pub(super) row: u64,
}

impl Neighbour {
    /// Nearer ones first, of equally near ones the older: never two alike.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let by_distance = self.squared.total_cmp(&other.squared);
        by_distance.then(self.row.cmp(&other.row))
    }
}

/// Distances to a window of usual size need no memory from the heap.
pub(super) type Distances = SmallVec<[f64; 1024]>;
/// The nearest rows, as many as are usual.
pub(super) type Nearest = SmallVec<[Neighbour; 256]>;

impl Nearby {
    pub(super) fn new(capacity: usize, width: usize, scaling: Scaling) -> Self {
        Self {
            rows: CountWindow::new(Slide::ByRow, capacity, width),
            scaling,
            factors: vec![1.0; width],
            tiles: Vec::new(),
            taken: 0,
            round: 0,
            review: WARM_UP as u64,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    fn capacity(&self) -> usize {
        self.rows.capacity()
    }

    pub(super) fn is_warm(&self) -> bool {
        self.len() >= WARM_UP.min(self.capacity())
    }

    /// Number of the next row.
    pub(super) fn next(&self) -> u64 {
        self.taken
    }

    /// Number of the oldest row in the window.
    pub(super) fn oldest(&self) -> u64 {
        self.taken - self.len() as u64
    }

    /// Where the row with this number lies.
    pub(super) fn place(&self, row: u64) -> usize {
        // Rows of the window are of this round or of the one before: no division.
        match row.checked_sub(self.round) {
            Some(place) => place as usize,
            None => (row + self.capacity() as u64 - self.round) as usize,
        }
    }

    /// Number of the row at a place.
    pub(super) fn row_at(&self, place: usize) -> u64 {
        let row = self.round + place as u64;
        if row < self.taken {
            row
        } else {
            row - self.capacity() as u64
        }
    }

    /// The scaled row at a place, value by value.
    fn scaled_at(&self, place: usize) -> impl Iterator<Item = f64> {
        let tile = place / LANES * LANES * self.factors.len();
        (0..self.factors.len())
            .map(move |feature| self.tiles[tile + feature * LANES + place % LANES])
    }

    fn scaled(&self, row: &[f64]) -> SmallVec<[f64; 32]> {
        row.iter()
            .zip(&self.factors)
            .map(|(x, factor)| x * factor)
            .collect()
    }

    /// Squared distances of a row to the places of the window, in order of the places; infinite where there is no row. They go into a
    /// place of the caller's: so many handed on would be copied.
    pub(super) fn distances(&self, row: &[f64], distances: &mut Distances) {
        self.distances_of(&self.scaled(row), distances);
    }

    /// Those of the row at a place, itself infinite.
    fn distances_at(&self, place: usize, distances: &mut Distances) {
        let row: SmallVec<[f64; 32]> = self.scaled_at(place).collect();
        self.distances_of(&row, distances);
        distances[place] = f64::INFINITY;
    }

    /// The `count` rows nearest to one, nearest first.
    pub(super) fn nearest_to(&self, row: &[f64], count: usize) -> Nearest {
        let mut distances = Distances::new();
        self.distances(row, &mut distances);
        self.nearest(&distances, count)
    }

    /// The same of the row at a place, itself left out.
    pub(super) fn nearest_at(&self, place: usize, count: usize) -> Nearest {
        let mut distances = Distances::new();
        self.distances_at(place, &mut distances);
        self.nearest(&distances, count)
    }

    fn distances_of(&self, scaled: &[f64], distances: &mut Distances) {
        distances.clear();
        distances.reserve(self.tiles.len() / scaled.len());
        for tile in self.tiles.chunks_exact(LANES * scaled.len()) {
            let mut sums = [0.0; LANES];
            for (values, x) in tile.chunks_exact(LANES).zip(scaled) {
                for (sum, value) in sums.iter_mut().zip(values) {
                    let difference = value - x;
                    *sum += difference * difference;
                }
            }
            distances.extend(sums);
        }
    }

    /// The `count` nearest of these distances, nearest first.
    pub(super) fn nearest(&self, distances: &[f64], count: usize) -> Nearest {
        // What is not among the nearest of some is not among the nearest of all: most rows are passed over with one look.
        // Of twice as many, half as many are left: a usual window's fit into what needs no heap.
        let some = &distances[..distances.len().min((8 * count).max(160))];
        // The bits of what is not below 0 rise with it, and whole numbers are compared at once.
        let mut sorted: SmallVec<[u64; 512]> = some.iter().map(|x| x.to_bits()).collect();
        let bound = if count < sorted.len() {
            f64::from_bits(*sorted.select_nth_unstable(count - 1).1)
        } else {
            f64::INFINITY
        };
        let mut nearest = Nearest::with_capacity(4 * count);
        for (place, &squared) in distances.iter().enumerate() {
            // Infinite ones are no rows.
            if squared <= bound && squared < f64::INFINITY {
                nearest.push(Neighbour {
                    squared,
                    row: self.row_at(place),
                });
            }
        }
        if count < nearest.len() {
            nearest.select_nth_unstable_by(count, Neighbour::order);
            nearest.truncate(count);
        }
        nearest.sort_unstable_by(Neighbour::order);
        nearest
    }

    /// Squared distances of a row of the window to the `count` nearest that differ from it; of fewer where there are not so many.
    pub(super) fn nearest_differing(&self, row: u64, count: usize) -> SmallVec<[f64; 32]> {
        let mut differing = Distances::new();
        self.distances_at(self.place(row), &mut differing);
        differing.retain(|squared| *squared > 0.0 && *squared < f64::INFINITY);
        if count < differing.len() {
            differing.select_nth_unstable_by(count, f64::total_cmp);
            differing.truncate(count);
        }
        differing.sort_unstable_by(f64::total_cmp);
        SmallVec::from_slice(&differing)
    }

    /// Whether two rows of the window lie at one place.
    pub(super) fn are_equal(&self, row: u64, other: u64) -> bool {
        row == other
            || self
                .scaled_at(self.place(row))
                .eq(self.scaled_at(self.place(other)))
    }

    /// Takes in a row; the oldest leaves a full window. Returns whether all distances changed, for the scale did.
    pub(super) fn push(&mut self, row: &[f64]) -> bool {
        if self.taken - self.round == self.capacity() as u64 {
            self.round = self.taken;
        }
        let place = self.place(self.taken);
        self.rows.push(row);
        self.taken += 1;
        if self.taken >= self.review && self.rescale() {
            return true;
        }
        self.lay(place, row);
        false
    }

    fn lay(&mut self, place: usize, row: &[f64]) {
        let width = self.factors.len();
        let tile = place / LANES * LANES * width;
        if tile >= self.tiles.len() {
            self.tiles.resize(tile + LANES * width, f64::INFINITY);
        }
        for (feature, (x, factor)) in row.iter().zip(&self.factors).enumerate() {
            self.tiles[tile + feature * LANES + place % LANES] = x * factor;
        }
    }

    /// Looks at the scale of the features: often while the window fills, once a window after.
    fn rescale(&mut self) -> bool {
        let wait = self.taken.min(self.capacity() as u64);
        self.review = self.taken + wait;
        if self.scaling == Scaling::None {
            return false;
        }
        let deviations: Vec<f64> = (0..self.factors.len())
            .map(|feature| deviation(self.rows.rows().iter().map(|row| row[feature])))
            .collect();
        let has_moved = deviations
            .iter()
            .zip(&self.factors)
            .any(|(deviation, factor)| {
                let ratio = deviation * factor;
                !(1.0 / (1.0 + MOVED)..=1.0 + MOVED).contains(&ratio)
            });
        if has_moved {
            self.factors = deviations.iter().map(|deviation| 1.0 / deviation).collect();
            self.lay_all();
        }
        has_moved
    }

    fn lay_all(&mut self) {
        self.tiles.clear();
        for place in 0..self.len() {
            let row = self.rows.row(place).to_vec();
            self.lay(place, &row);
        }
    }

    /// Weighs the features by what they add to the squared distances of these neighbours.
    pub(super) fn explain(&self, row: &[f64], neighbours: &[Neighbour]) -> Explanation {
        let scaled = self.scaled(row);
        let mut weights = vec![0.0; row.len()];
        for neighbour in neighbours {
            let values = self.scaled_at(self.place(neighbour.row));
            for ((weight, x), value) in weights.iter_mut().zip(&scaled).zip(values) {
                *weight += (x - value) * (x - value);
            }
        }
        Explanation::from_weights(weights, self.expected())
    }

    pub(super) fn expected(&self) -> Vec<Expected> {
        self.rows.expected()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.rows.heap_bytes()
            + (self.factors.capacity() + self.tiles.capacity()) * size_of::<f64>()
    }

    pub(super) fn save(&self) -> State {
        State {
            rows: self.rows.clone(),
            factors: self.factors.clone(),
            taken: self.taken,
            review: self.review,
        }
    }

    /// A window that was saved, perhaps under a smaller capacity; `None` where it does not fit.
    pub(super) fn restore(
        capacity: usize,
        width: usize,
        scaling: Scaling,
        state: State,
    ) -> Option<Self> {
        let mut rows = state.rows;
        let most = 1.0 / LEAST;
        let is_sound = rows.is_sound(Slide::ByRow, capacity, width)
            && rows.rows().iter().flatten().all(|x| x.abs() <= LARGEST)
            && state.factors.len() == width
            && state
                .factors
                .iter()
                .all(|factor| *factor > 0.0 && *factor <= most)
            && (scaling == Scaling::Standard || state.factors.iter().all(|factor| *factor == 1.0))
            && state.taken >= rows.len() as u64
            && (state.taken == rows.len() as u64 || rows.is_full())
            && state.taken < 1 << 62
            && (state.taken..=state.taken + capacity as u64)
                .contains(&state.review.max(state.taken));
        if !is_sound {
            return None;
        }
        let grows = capacity > rows.capacity();
        rows.grow(capacity);
        // Rows are numbered anew where their places changed.
        let taken = if grows {
            rows.len() as u64
        } else {
            state.taken
        };
        let mut nearby = Self {
            taken,
            round: taken.saturating_sub(1) / capacity as u64 * capacity as u64,
            review: state.review,
            rows,
            scaling,
            factors: state.factors,
            tiles: Vec::new(),
        };
        if grows {
            nearby.review = nearby.taken;
        }
        nearby.lay_all();
        Some(nearby)
    }
}

/// Standard deviation, never 0: of a constant feature any other value is far away.
fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let squares: f64 = values.map(|x| (x - mean) * (x - mean)).sum();
    (squares / count).sqrt().max(1e-9 * mean.abs()).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_nearest_are_those_that_sorting_finds() {
        let mut random = Random::new(3);
        for (capacity, width, pushed) in [(5, 1, 4), (40, 3, 40), (40, 3, 93), (17, 2, 200)] {
            let mut nearby = Nearby::new(capacity, width, Scaling::None);
            let mut all: Vec<Vec<f64>> = Vec::new();
            for _ in 0..pushed {
                // Whole numbers, so that there are equal distances.
                let row: Vec<f64> = (0..width).map(|_| random.below(6) as f64).collect();
                nearby.push(&row);
                all.push(row);
            }
            let probe = vec![2.0; width];
            let from = pushed - nearby.len();
            let mut expected: Vec<Neighbour> = (from..pushed)
                .map(|row| Neighbour {
                    squared: all[row].iter().map(|x| (x - 2.0) * (x - 2.0)).sum(),
                    row: row as u64,
                })
                .collect();
            expected.sort_by(|a, b| a.squared.total_cmp(&b.squared).then(a.row.cmp(&b.row)));
            expected.truncate(7);
            assert_eq!(nearby.nearest_to(&probe, 7).to_vec(), expected);
        }
    }
}
