//! How often each value of one feature came lately, in bounded memory.

use serde::{Deserialize, Serialize};

use crate::random::mix;

/// Values with their weights, found by hashing.
///
/// A weight is the number of rows with the value, those `n` rows ago counting (1 − 1/window)^n. When there is no room the value
/// with the smallest weight is forgotten; it is new when it comes again, and is counted as such.
#[derive(Clone, Debug)]
pub(super) struct Categories {
    tally: Tally,
    /// Most values that are remembered.
    most: usize,
    /// Place of a value in the list, [`NOBODY`] where there is none; twice as many as values, a power of 2.
    index: Vec<u32>,
}

/// What of it is saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Bits of the values.
    values: Vec<u64>,
    /// In units of what a row of now adds.
    weights: Vec<f64>,
    /// What a row adds now: it grows where the weights of old would have to shrink.
    step: f64,
    /// Weight of the rows whose value was new when they came.
    new: f64,
    /// Weight of all rows.
    all: f64,
}

/// No value.
const NOBODY: u32 = u32::MAX;
/// Weights are divided by the step when it is this large.
const LARGEST_STEP: f64 = 1e6;
/// The smallest weight: what did not come for ages is still known.
const LEAST: f64 = 1e-12;
/// Half a row more of new values than came, so that the first one has a probability (Krichevsky, Trofimov 1981).
const UNSEEN: f64 = 0.5;

impl Categories {
    pub(super) fn new(most: usize) -> Self {
        Self {
            tally: Tally {
                values: Vec::new(),
                weights: Vec::new(),
                step: 1.0,
                new: 0.0,
                all: 0.0,
            },
            most,
            index: vec![NOBODY; (2 * most).next_power_of_two()],
        }
    }

    /// Probability that a row has a value as rare as this one or rarer, a new one included.
    ///
    /// That a value is new has the probability it lately had (Good 1953 takes the share of the values that came once for it);
    /// what is left is the known values' by their weights.
    pub(super) fn probability(&self, value: f64) -> f64 {
        let tally = &self.tally;
        let rows = tally.all / tally.step;
        let new = (tally.new / tally.step + UNSEEN) / (rows + 2.0 * UNSEEN);
        let Some(place) = self.find(key(value)) else {
            return new;
        };
        let weight = tally.weights[place];
        let (mut rarer, mut known) = ([0.0; 4], [0.0; 4]);
        let (fours, rest) = tally.weights.as_chunks::<4>();
        for four in fours {
            for (lane, other) in four.iter().enumerate() {
                known[lane] += other;
                rarer[lane] += if *other <= weight { *other } else { 0.0 };
            }
        }
        for other in rest {
            known[0] += other;
            rarer[0] += if *other <= weight { *other } else { 0.0 };
        }
        let sum = |[a, b, c, d]: [f64; 4]| (a + b) + (c + d);
        new + (1.0 - new) * (sum(rarer) / sum(known))
    }

    /// The most frequent value, the one known longest where two are alike.
    pub(super) fn usual(&self) -> Option<f64> {
        let weights = self.tally.weights.iter().enumerate();
        let (place, _) = weights.rev().max_by(|a, b| a.1.total_cmp(b.1))?;
        Some(f64::from_bits(self.tally.values[place]))
    }

    /// Counts a value; those before it weigh less by one part of `window`.
    pub(super) fn learn(&mut self, value: f64, window: usize) {
        let key = key(value);
        self.tally.step /= 1.0 - 1.0 / window as f64;
        if self.tally.step > LARGEST_STEP {
            self.rescale();
        }
        let step = self.tally.step;
        self.tally.all += step;
        if let Some(place) = self.find(key) {
            self.tally.weights[place] += step;
            return;
        }
        self.tally.new += step;
        let place = if self.tally.values.len() < self.most {
            self.tally.values.push(key);
            self.tally.weights.push(step);
            self.tally.values.len() - 1
        } else {
            let place = self.rarest();
            self.remove(self.tally.values[place]);
            self.tally.values[place] = key;
            self.tally.weights[place] = step;
            place
        };
        self.insert(key, place);
    }

    fn rescale(&mut self) {
        let tally = &mut self.tally;
        let by = 1.0 / tally.step;
        for weight in &mut tally.weights {
            *weight = (*weight * by).max(LEAST);
        }
        tally.new *= by;
        tally.all *= by;
        tally.step = 1.0;
    }

    fn rarest(&self) -> usize {
        let weights = self.tally.weights.iter().enumerate();
        weights
            .min_by(|a, b| a.1.total_cmp(b.1))
            .map_or(0, |(place, _)| place)
    }

    fn home(&self, key: u64) -> usize {
        mix(key) as usize & (self.index.len() - 1)
    }

    fn after(&self, slot: usize) -> usize {
        (slot + 1) & (self.index.len() - 1)
    }

    /// Slot of a value, or the free one where it would be.
    fn slot(&self, key: u64) -> usize {
        let mut slot = self.home(key);
        while self.index[slot] != NOBODY && self.tally.values[self.index[slot] as usize] != key {
            slot = self.after(slot);
        }
        slot
    }

    fn find(&self, key: u64) -> Option<usize> {
        let place = self.index[self.slot(key)];
        (place != NOBODY).then_some(place as usize)
    }

    fn insert(&mut self, key: u64, place: usize) {
        let slot = self.slot(key);
        self.index[slot] = place as u32;
    }

    /// Frees the slot of a value, and moves those behind it up that would not be found any more (Knuth 6.4, algorithm R).
    fn remove(&mut self, key: u64) {
        let mut free = self.slot(key);
        let mut slot = self.after(free);
        while self.index[slot] != NOBODY {
            let home = self.home(self.tally.values[self.index[slot] as usize]);
            let mask = self.index.len() - 1;
            let (to_free, to_slot) = (
                free.wrapping_sub(home) & mask,
                slot.wrapping_sub(home) & mask,
            );
            if to_free < to_slot {
                self.index[free] = self.index[slot];
                free = slot;
            }
            slot = self.after(slot);
        }
        self.index[free] = NOBODY;
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.tally.values.capacity() * size_of::<u64>()
            + self.tally.weights.capacity() * size_of::<f64>()
            + self.index.capacity() * size_of::<u32>()
    }

    pub(super) fn save(&self) -> Tally {
        self.tally.clone()
    }

    /// Takes up what was saved, perhaps where fewer values were remembered; `None` where it does not fit.
    pub(super) fn restore(most: usize, tally: Tally) -> Option<Self> {
        let known: f64 = tally.weights.iter().sum();
        let is_sound = tally.values.len() <= most
            && tally.values.len() == tally.weights.len()
            && (1.0..=LARGEST_STEP).contains(&tally.step)
            && tally.weights.iter().all(|weight| *weight >= LEAST)
            && tally.all <= 1e15
            && known <= tally.all * (1.0 + 1e-5)
            && (0.0..=tally.all).contains(&tally.new)
            && tally.values.iter().all(|value| {
                let value = f64::from_bits(*value);
                value.is_finite() && key(value) == value.to_bits()
            });
        if !is_sound {
            return None;
        }
        let mut categories = Self::new(most);
        for (place, value) in tally.values.iter().enumerate() {
            categories.tally.values.push(*value);
            if categories.find(*value).is_some() {
                return None;
            }
            categories.insert(*value, place);
        }
        categories.tally = tally;
        Some(categories)
    }
}

/// The bits of a value; 0 and −0 are one.
fn key(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use std::collections::BTreeMap;

    #[test]
    fn weights_are_those_of_a_slow_count() {
        let mut random = Random::new(1);
        let (window, most) = (50, 40);
        let mut categories = Categories::new(most);
        let mut slow: BTreeMap<u64, f64> = BTreeMap::new();
        for _ in 0..3_000 {
            // Few often, many seldom: more than there is room for.
            let value = (random.unit() * random.unit() * 100.0).floor();
            let known = categories.find(key(value)).is_some();
            assert_eq!(known, slow.contains_key(&key(value)));
            categories.learn(value, window);
            slow.values_mut().for_each(|weight| *weight *= 0.98);
            if !known && slow.len() == most {
                let rarest = slow.iter().min_by(|a, b| a.1.total_cmp(b.1));
                let rarest = *rarest.expect("some").0;
                slow.remove(&rarest);
            }
            *slow.entry(key(value)).or_default() += 1.0;
            for (value, weight) in &slow {
                let place = categories.find(*value).expect("known");
                let found = categories.tally.weights[place] / categories.tally.step;
                assert!((found - weight).abs() < 1e-9);
            }
        }
    }
}
