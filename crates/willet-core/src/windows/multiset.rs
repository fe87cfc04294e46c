//! Values in order with how often each comes: quantiles, distinct values and entropy, all from whole numbers.

/// Values of one feature in a window.
///
/// Sorted blocks of at most [`BLOCK`] different values: taking one in or out costs two binary searches and a move inside one
/// block; a rank is looked up block by block, at most `4 n / BLOCK` of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Multiset {
    blocks: Vec<Block>,
    /// Emptied blocks, so that a warm set takes no memory.
    spare: Vec<Vec<Entry>>,
    total: u64,
    distinct: usize,
    /// How many values come how often, rising; no more than `sqrt(2 n)` lines. Kept up only for entropy.
    repeats: Option<Vec<(u64, u64)>>,
}

#[derive(Clone, Debug)]
struct Block {
    last: f64,
    total: u64,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    value: f64,
    count: u64,
}

/// Different values in a block at most: 4 kB, which move in some tens of nanoseconds.
const BLOCK: usize = 256;

impl Multiset {
    pub(super) fn new(with_entropy: bool) -> Self {
        Self {
            repeats: with_entropy.then(Vec::new),
            ..Self::default()
        }
    }

    pub(super) fn clear(&mut self) {
        for mut block in self.blocks.drain(..) {
            block.entries.clear();
            self.spare.push(block.entries);
        }
        (self.total, self.distinct) = (0, 0);
        self.repeats.iter_mut().for_each(Vec::clear);
    }

    pub(super) fn add(&mut self, value: f64) {
        self.total += 1;
        if self.blocks.is_empty() {
            let entries = self.empty_block();
            self.blocks.push(Block {
                last: value,
                total: 0,
                entries,
            });
        }
        let after = self.blocks.partition_point(|block| block.last < value);
        let at = after.min(self.blocks.len() - 1);
        let block = &mut self.blocks[at];
        block.total += 1;
        let place = block.entries.partition_point(|entry| entry.value < value);
        let mut before = 0;
        match block.entries.get_mut(place) {
            Some(entry) if entry.value == value => {
                before = entry.count;
                entry.count += 1;
            }
            _ => {
                block.entries.insert(place, Entry { value, count: 1 });
                block.last = block.last.max(value);
                self.distinct += 1;
                if block.entries.len() == BLOCK {
                    self.split(at);
                }
            }
        }
        self.repeats_change(before, before + 1);
    }

    /// Takes out a value that is in.
    pub(super) fn remove(&mut self, value: f64) {
        let at = self.blocks.partition_point(|block| block.last < value);
        let block = &mut self.blocks[at];
        let place = block.entries.partition_point(|entry| entry.value < value);
        let entry = &mut block.entries[place];
        debug_assert!(entry.value == value);
        let before = entry.count;
        entry.count -= 1;
        block.total -= 1;
        self.total -= 1;
        if entry.count == 0 {
            block.entries.remove(place);
            self.distinct -= 1;
            self.tidy(at);
        }
        self.repeats_change(before, before - 1);
    }

    fn empty_block(&mut self) -> Vec<Entry> {
        let spare = self.spare.pop();
        spare.unwrap_or_else(|| Vec::with_capacity(BLOCK))
    }

    fn split(&mut self, at: usize) {
        let mut entries = self.empty_block();
        let lower = &mut self.blocks[at];
        entries.extend(lower.entries.drain(BLOCK / 2..));
        let total = entries.iter().map(|entry| entry.count).sum();
        let upper = Block {
            last: lower.last,
            total,
            entries,
        };
        lower.total -= total;
        lower.last = lower.entries[BLOCK / 2 - 1].value;
        self.blocks.insert(at + 1, upper);
    }

    /// Takes away an empty block and joins two small ones, so that there are never many small ones.
    fn tidy(&mut self, at: usize) {
        let block = &mut self.blocks[at];
        if let Some(last) = block.entries.last() {
            block.last = last.value;
        } else {
            let gone = self.blocks.remove(at);
            self.spare.push(gone.entries);
            return;
        }
        if self.blocks[at].entries.len() >= BLOCK / 4 {
            return;
        }
        let size = |at: usize| self.blocks[at].entries.len();
        let neighbours = [at, at.wrapping_sub(1)].into_iter();
        let lower = neighbours
            .filter(|lower| lower.wrapping_add(1) < self.blocks.len() && *lower < self.blocks.len())
            .find(|lower| size(*lower) + size(lower + 1) <= BLOCK / 2);
        if let Some(lower) = lower {
            let mut upper = self.blocks.remove(lower + 1);
            let lower = &mut self.blocks[lower];
            lower.entries.append(&mut upper.entries);
            lower.total += upper.total;
            lower.last = upper.last;
            self.spare.push(upper.entries);
        }
    }

    /// One value more comes `to` times and one less `from` times.
    fn repeats_change(&mut self, from: u64, to: u64) {
        let Some(repeats) = &mut self.repeats else {
            return;
        };
        if from > 0
            && let Ok(at) = repeats.binary_search_by_key(&from, |(times, _)| *times)
        {
            repeats[at].1 -= 1;
            if repeats[at].1 == 0 {
                repeats.remove(at);
            }
        }
        if to > 0 {
            match repeats.binary_search_by_key(&to, |(times, _)| *times) {
                Ok(at) => repeats[at].1 += 1,
                Err(at) => repeats.insert(at, (to, 1)),
            }
        }
    }

    pub(super) fn distinct(&self) -> usize {
        self.distinct
    }

    /// Quantile `q` in 0..=1 by linear interpolation, as [`SortedWindow`](crate::statistics::SortedWindow) has it; NaN while empty.
    pub(super) fn quantile(&self, q: f64) -> f64 {
        let Some(last) = self.total.checked_sub(1) else {
            return f64::NAN;
        };
        let at = q * last as f64;
        let below = at.floor();
        let (lower, upper) = self.ranked(below as u64);
        lower + (at - below) * (upper - lower)
    }

    /// The value of a rank (from 0) and the one after it, or itself where it is the last.
    fn ranked(&self, rank: u64) -> (f64, f64) {
        let (mut at, mut before) = (0, 0);
        while before + self.blocks[at].total <= rank {
            before += self.blocks[at].total;
            at += 1;
        }
        let entries = &self.blocks[at].entries;
        let mut place = 0;
        while before + entries[place].count <= rank {
            before += entries[place].count;
            place += 1;
        }
        let own = entries[place];
        if rank + 1 < before + own.count {
            return (own.value, own.value);
        }
        let next = entries
            .get(place + 1)
            .or_else(|| self.blocks.get(at + 1).and_then(|b| b.entries.first()));
        (own.value, next.unwrap_or(&own).value)
    }

    /// Shannon's entropy of the values in bits: 0 where all are equal, log2 of their number where all differ; NaN while empty.
    pub(super) fn entropy(&self) -> f64 {
        let (Some(repeats), true) = (&self.repeats, self.total > 0) else {
            return f64::NAN;
        };
        let total = self.total as f64;
        // Every term is at least 0: nothing cancels.
        let terms = repeats.iter().map(|(times, values)| {
            let times = *times as f64;
            *values as f64 * (times / total) * libm::log2(total / times)
        });
        terms.sum()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let entries: usize = self
            .blocks
            .iter()
            .map(|block| block.entries.capacity())
            .sum();
        let spare: usize = self.spare.iter().map(Vec::capacity).sum();
        (entries + spare) * size_of::<Entry>()
            + self.blocks.capacity() * size_of::<Block>()
            + self.spare.capacity() * size_of::<Vec<Entry>>()
            + self.repeats.as_ref().map_or(0, Vec::capacity) * size_of::<(u64, u64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::statistics::quantile;

    #[test]
    fn equals_sorting_while_it_grows_over_many_blocks_and_shrinks_to_nothing() {
        let mut random = Random::new(3);
        for kinds in [5.0, 2_000.0, 1e12] {
            let mut set = Multiset::new(true);
            let mut held: Vec<f64> = Vec::new();
            for step in 0..6_000 {
                if step < 3_000 || (step < 4_000 && random.unit() < 0.5) {
                    let value = (random.unit() * kinds).floor();
                    set.add(value);
                    held.push(value);
                } else if !held.is_empty() {
                    let at = (random.unit() * held.len() as f64) as usize;
                    set.remove(held.swap_remove(at));
                }
                if step % 100 == 99 && !held.is_empty() {
                    check(&set, &held);
                }
            }
            held.drain(..).for_each(|value| set.remove(value));
            assert!(set.quantile(0.5).is_nan() && set.entropy().is_nan());
            assert!(set.blocks.is_empty() && set.distinct() == 0);
        }
    }

    fn check(set: &Multiset, held: &[f64]) {
        let mut sorted = held.to_vec();
        sorted.sort_by(f64::total_cmp);
        for q in [0.0, 0.05, 0.5, 0.77, 1.0] {
            assert_eq!(Some(set.quantile(q)), quantile(&sorted, q));
        }
        let groups: Vec<f64> = sorted
            .chunk_by(|a, b| a == b)
            .map(|group| group.len() as f64 / sorted.len() as f64)
            .collect();
        assert_eq!(set.distinct(), groups.len());
        let entropy: f64 = groups.iter().map(|p| -p * libm::log2(*p)).sum();
        assert!((set.entropy() - entropy).abs() < 1e-12 * entropy.max(1.0));
        assert!(set.blocks.len() <= 2 + 8 * set.distinct() / BLOCK);
    }
}
