//! For each row of a window the rows next to it, kept as the window slides.

use smallvec::SmallVec;

use super::window::{Nearby, Nearest, Neighbour};

/// Neighbours of each row, nearest first, and some more than are asked for: most of what leaves or comes changes no list's
/// beginning, and only a list that has run short is made anew.
#[derive(Debug)]
pub(super) struct Lists {
    /// Neighbours that are asked for.
    count: usize,
    of_rows: Vec<List>,
    /// Squared distance up to which each list is whole: infinite where it holds every row.
    reaches: Vec<f64>,
    /// The oldest of the neighbours asked for of each row: when it leaves, the list must be looked at.
    oldest: Vec<u64>,
}

#[derive(Clone, Debug, Default)]
struct List {
    /// All rows nearer than the reach that were in the window when they were put here; those that left are taken out when seen.
    nearest: Vec<Neighbour>,
    /// Distance of the last neighbour asked for.
    distance: f64,
}

impl Lists {
    pub(super) fn new(count: usize) -> Self {
        Self {
            count,
            of_rows: Vec::new(),
            reaches: Vec::new(),
            oldest: Vec::new(),
        }
    }

    /// Neighbours that each list holds at most.
    pub(super) fn most(&self) -> usize {
        2 * self.count
    }

    /// Neighbours that are asked for.
    pub(super) fn asked(&self) -> usize {
        self.count
    }

    /// Neighbours that each row has: all others, where they are fewer than asked for.
    pub(super) fn count(&self, nearby: &Nearby) -> usize {
        self.count.min(nearby.len().saturating_sub(1)).max(1)
    }

    /// Distance of the farthest neighbour of a row.
    pub(super) fn distance(&self, nearby: &Nearby, row: u64) -> f64 {
        self.of_rows[nearby.place(row)].distance
    }

    /// The neighbours of a row.
    pub(super) fn neighbours(&self, nearby: &Nearby, row: u64) -> &[Neighbour] {
        &self.of_rows[nearby.place(row)].nearest[..self.count(nearby)]
    }

    /// Makes all lists anew.
    pub(super) fn build(&mut self, nearby: &Nearby) {
        self.of_rows.clear();
        self.resize(nearby.len());
        for place in 0..nearby.len() {
            self.search(nearby, place);
        }
    }

    fn resize(&mut self, rows: usize) {
        self.of_rows.resize(rows, List::default());
        self.reaches.resize(rows, f64::INFINITY);
        self.oldest.resize(rows, 0);
    }

    /// Takes note of the newest row of the window, `distances` away from the rows that were there before it, of which these are
    /// the [`Lists::most`] nearest.
    pub(super) fn push(&mut self, nearby: &Nearby, distances: &[f64], nearest: Nearest) {
        let row = nearby.next() - 1;
        let place = nearby.place(row);
        if self.of_rows.len() <= place {
            self.resize(place + 1);
        }
        let (oldest, count, most) = (nearby.oldest(), self.count(nearby), self.most());
        // While the window fills, more neighbours are asked for with every row.
        let counts_more = nearby.len() <= self.count + 1;
        let each = distances.iter().zip(&self.reaches).zip(&self.oldest);
        let touched: SmallVec<[usize; 256]> = each
            .enumerate()
            .filter(|(other, ((squared, reach), first))| {
                (*squared < *reach || **first < oldest || counts_more) && *other != place
            })
            .map(|(other, _)| other)
            .collect();
        for other in touched {
            let list = &mut self.of_rows[other];
            let squared = distances[other];
            if squared < self.reaches[other] {
                let found = Neighbour { squared, row };
                list.insert(found, oldest, most, &mut self.reaches[other]);
            }
            self.oldest[other] = list.note(oldest, count);
            if list.nearest.len() < count {
                self.search(nearby, other);
            }
        }
        // The row that left is nobody's neighbour any more.
        let mut nearest = nearest;
        nearest.retain(|neighbour| neighbour.row >= oldest);
        if nearest.len() < count {
            self.search(nearby, place);
        } else {
            self.fill(nearby, place, &nearest);
        }
    }

    fn search(&mut self, nearby: &Nearby, place: usize) {
        let nearest = nearby.nearest_at(place, self.most());
        self.fill(nearby, place, &nearest);
    }

    fn fill(&mut self, nearby: &Nearby, place: usize, nearest: &[Neighbour]) {
        let is_whole = nearby.len() <= nearest.len() + 1;
        let reach = nearest.last().filter(|_| !is_whole);
        self.reaches[place] = reach.map_or(f64::INFINITY, |last| last.squared);
        let (oldest, count, most) = (nearby.oldest(), self.count(nearby), self.most());
        let list = &mut self.of_rows[place];
        list.nearest.clear();
        list.nearest.reserve_exact(most + 1);
        list.nearest.extend_from_slice(nearest);
        self.oldest[place] = list.note(oldest, count);
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let held = |list: &List| list.nearest.capacity() * size_of::<Neighbour>();
        self.of_rows.capacity() * (size_of::<List>() + size_of::<f64>() + size_of::<u64>())
            + self.of_rows.iter().map(held).sum::<usize>()
    }
}

impl List {
    /// Puts a neighbour where it belongs; what does not fit any more shortens the reach.
    fn insert(&mut self, found: Neighbour, oldest: u64, most: usize, reach: &mut f64) {
        if self.nearest.len() == most {
            self.nearest.retain(|neighbour| neighbour.row >= oldest);
        }
        let at = self
            .nearest
            .partition_point(|other| other.order(&found).is_lt());
        self.nearest.insert(at, found);
        if self.nearest.len() > most {
            self.nearest.pop();
            *reach = self.nearest[most - 1].squared;
        }
    }

    /// Takes out who left, and says who is the oldest of those asked for.
    fn note(&mut self, oldest: u64, count: usize) -> u64 {
        self.nearest.retain(|neighbour| neighbour.row >= oldest);
        let first = &self.nearest[..count.min(self.nearest.len())];
        self.distance = first.last().map_or(0.0, |last| last.squared.sqrt());
        first
            .iter()
            .map(|neighbour| neighbour.row)
            .min()
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::window::Distances;
    use super::*;
    use crate::detectors::Scaling;
    use crate::random::Random;

    #[test]
    fn lists_that_slid_along_are_those_made_anew() {
        for (capacity, count, seed) in [(40, 5, 1), (30, 20, 2), (64, 3, 3), (33, 40, 4)] {
            let mut random = Random::new(seed);
            let mut nearby = Nearby::new(capacity, 2, Scaling::None);
            let mut lists = Lists::new(count);
            for step in 0..600 {
                // Clusters that come and go, and equal distances.
                let around = 10.0 * f64::from((step / 50) % 3);
                let row = [around + random.below(9) as f64, random.below(4) as f64];
                let mut distances = Distances::new();
                nearby.distances(&row, &mut distances);
                let nearest = nearby.nearest(&distances, lists.most());
                nearby.push(&row);
                lists.push(&nearby, &distances, nearest);
                let mut anew = Lists::new(count);
                anew.build(&nearby);
                if nearby.len() < 2 {
                    continue;
                }
                for row in nearby.oldest()..nearby.next() {
                    let expected = anew.neighbours(&nearby, row);
                    assert_eq!(lists.neighbours(&nearby, row), expected, "step {step}");
                    let distance = anew.distance(&nearby, row);
                    assert_eq!(lists.distance(&nearby, row).to_bits(), distance.to_bits());
                }
            }
        }
    }
}
