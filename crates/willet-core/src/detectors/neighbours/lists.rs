//! For each row of a window the rows next to it, kept as the window slides.

use super::window::{Nearby, Neighbour};

/// Neighbours of each row, nearest first, and some more than are asked for: most of what leaves or comes changes no list's
/// beginning, and only a list that has run short is made anew.
#[derive(Debug)]
pub(super) struct Lists {
    /// Neighbours that are asked for.
    count: usize,
    lists: Vec<List>,
}

#[derive(Clone, Debug, Default)]
struct List {
    /// All rows nearer than `reach` that were in the window when they were put here; those that left are taken out when seen.
    nearest: Vec<Neighbour>,
    /// Up to here the list is whole; `None` where it holds every row.
    reach: Option<Neighbour>,
    /// Distance of the last neighbour asked for.
    distance: f64,
    /// The oldest of the neighbours asked for: when it leaves, the list must be looked at.
    oldest: u64,
}

impl Lists {
    pub(super) fn new(count: usize) -> Self {
        Self {
            count,
            lists: Vec::new(),
        }
    }

    fn most(&self) -> usize {
        2 * self.count
    }

    /// Neighbours that each row has: all others, where they are fewer than asked for.
    pub(super) fn count(&self, nearby: &Nearby) -> usize {
        self.count.min(nearby.len().saturating_sub(1)).max(1)
    }

    /// Distance of the farthest neighbour of a row.
    pub(super) fn distance(&self, nearby: &Nearby, row: u64) -> f64 {
        self.lists[nearby.place(row)].distance
    }

    /// The neighbours of a row.
    pub(super) fn neighbours(&self, nearby: &Nearby, row: u64) -> &[Neighbour] {
        &self.lists[nearby.place(row)].nearest[..self.count(nearby)]
    }

    /// Makes all lists anew.
    pub(super) fn build(&mut self, nearby: &Nearby) {
        self.lists.clear();
        self.lists.resize(nearby.len(), List::default());
        for place in 0..nearby.len() {
            self.search(nearby, place);
        }
    }

    /// Takes note of the newest row of the window, `distances` away from the rows that were there before it.
    pub(super) fn push(&mut self, nearby: &Nearby, distances: &[f64]) {
        let row = nearby.next() - 1;
        let place = nearby.place(row);
        if self.lists.len() <= place {
            self.lists.push(List::default());
        }
        let (oldest, count, most) = (nearby.oldest(), self.count(nearby), self.most());
        for (other, (list, &squared)) in self.lists.iter_mut().zip(distances).enumerate() {
            if other == place {
                continue;
            }
            let found = Neighbour { squared, row };
            let mut is_changed = list.oldest < oldest;
            if list.reach.is_none_or(|reach| found.is_before(&reach)) {
                is_changed |= list.insert(found, oldest, most) < count;
            }
            // While the window fills, more neighbours are asked for with every row.
            if is_changed || list.nearest.len() <= count {
                list.note(oldest, count);
            }
        }
        let mut distances = distances.to_vec();
        distances.resize(distances.len().max(place + 1), f64::INFINITY);
        distances[place] = f64::INFINITY;
        self.lists[place].fill(nearby, &distances, most);
        self.lists[place].note(oldest, count);
        for place in 0..self.lists.len() {
            let list = &self.lists[place];
            if list.nearest.len() < count {
                self.search(nearby, place);
            }
        }
    }

    fn search(&mut self, nearby: &Nearby, place: usize) {
        let (count, most) = (self.count(nearby), self.most());
        let list = &mut self.lists[place];
        list.fill(nearby, &nearby.distances_at(place), most);
        list.note(nearby.oldest(), count);
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let held = |list: &List| list.nearest.capacity() * size_of::<Neighbour>();
        self.lists.capacity() * size_of::<List>() + self.lists.iter().map(held).sum::<usize>()
    }
}

impl List {
    fn fill(&mut self, nearby: &Nearby, distances: &[f64], most: usize) {
        self.nearest = nearby.nearest(distances, most);
        self.nearest.reserve_exact(most + 1 - self.nearest.len());
        let is_whole = nearby.len() <= self.nearest.len() + 1;
        self.reach = self.nearest.last().copied().filter(|_| !is_whole);
    }

    /// Puts a neighbour where it belongs and says where that is.
    fn insert(&mut self, found: Neighbour, oldest: u64, most: usize) -> usize {
        if self.nearest.len() == most {
            self.nearest.retain(|neighbour| neighbour.row >= oldest);
        }
        let at = self
            .nearest
            .partition_point(|other| other.is_before(&found));
        self.nearest.insert(at, found);
        if self.nearest.len() > most {
            self.nearest.pop();
            self.reach = self.nearest.last().copied();
        }
        at
    }

    /// Takes out who left, and notes what is asked for most.
    fn note(&mut self, oldest: u64, count: usize) {
        self.nearest.retain(|neighbour| neighbour.row >= oldest);
        let first = &self.nearest[..count.min(self.nearest.len())];
        self.distance = first.last().map_or(0.0, |last| last.squared.sqrt());
        self.oldest = first
            .iter()
            .map(|neighbour| neighbour.row)
            .min()
            .unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scaling;
    use super::*;
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
                let distances = nearby.distances(&row);
                nearby.push(&row);
                lists.push(&nearby, &distances);
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
