//! Trees of few levels, which have a place for each of their lowest regions: what a walk to one comes to is known before.
#![expect(
    clippy::inline_always,
    reason = "what is looked up of one tree must not wait for that of the one before it"
)]

use super::trees::{LEVELS, Levels, Places};

/// The deepest trees that are held so: a region's number fits into 8 bits.
pub(super) const DEEPEST: usize = 2 * LEVELS;

/// The lowest regions of each tree.
#[derive(Debug)]
pub(super) struct Regions {
    depth: usize,
    /// Of each tree those of its upper block, then those of the 16 below it.
    levels: Vec<Levels>,
    /// Rows in each lowest region, a tree after the other.
    rows: Vec<u16>,
    /// The level at which a walk to that region ends.
    ends: Vec<u8>,
}

/// Blocks of a tree of that depth.
fn blocks(depth: usize) -> usize {
    if depth > LEVELS { 1 + 16 } else { 1 }
}

impl Regions {
    pub(super) fn new(seeds: &[u32], depth: usize, width: usize) -> Self {
        let nodes = || std::iter::once(1).chain(16..).take(blocks(depth));
        let levels = |seed: &u32| {
            let seed = *seed;
            nodes().map(move |node| Levels::new(seed, node, width))
        };
        Self {
            depth,
            levels: seeds.iter().flat_map(levels).collect(),
            rows: vec![0; seeds.len() << depth],
            ends: vec![0; seeds.len() << depth],
        }
    }

    /// The lowest region of a tree that a row lies in.
    #[inline(always)]
    pub(super) fn region<const W: usize>(&self, tree: usize, places: &Places<W>) -> u8 {
        let levels = &self.levels[tree * blocks(self.depth)..][..blocks(self.depth)];
        let upper = levels[0].halves(places);
        if self.depth <= LEVELS {
            return (upper >> (LEVELS - self.depth)) as u8;
        }
        let lower = levels[1 + upper as usize].halves(places);
        ((upper << LEVELS | lower) >> (DEEPEST - self.depth)) as u8
    }

    /// Rows where a walk to that region ends, twice and one more, as if it had the size of the whole space.
    #[inline(always)]
    pub(super) fn mass(&self, tree: usize, region: u8, limit: u32) -> u64 {
        let at = (tree << self.depth) + usize::from(region);
        let level = usize::from(self.ends[at]);
        let rows = if limit == 0 {
            // Where a walk ends early there is no row.
            u64::from(self.rows[at])
        } else {
            let below = self.depth - level;
            let ended = &self.rows[at >> below << below..][..1 << below];
            ended.iter().map(|rows| u64::from(*rows)).sum()
        };
        (2 * rows + 1) << level
    }

    pub(super) fn clear(&mut self) {
        self.rows.fill(0);
    }

    #[inline(always)]
    pub(super) fn add(&mut self, tree: usize, region: u8) {
        self.rows[(tree << self.depth) + usize::from(region)] += 1;
    }

    /// Finds where walks end, once all rows are counted: in the first region of no more rows than `limit`.
    pub(super) fn close(&mut self, limit: u32) {
        let (leaves, depth) = (1 << self.depth, self.depth as u8);
        let trees = self.rows.chunks_exact(leaves);
        for (rows, ends) in trees.zip(self.ends.chunks_exact_mut(leaves)) {
            // Numbered as in a heap: the children of 1 are 2 and 3.
            let mut held = [0_u32; 2 << DEEPEST];
            for (held, rows) in held[leaves..].iter_mut().zip(rows) {
                *held = u32::from(*rows);
            }
            for level in (0..self.depth).rev() {
                let (above, below) = held.split_at_mut(2 << level);
                let (pairs, _) = below.as_chunks::<2>();
                for (held, pair) in above[1 << level..].iter_mut().zip(pairs) {
                    *held = pair[0] + pair[1];
                }
            }
            // Below a region of few rows all have few: how many on the way have says which was the first.
            let few = |held: u32| u8::from(held <= limit);
            let mut counts = [0_u8; 2 << DEEPEST];
            counts[1] = few(held[1]);
            for level in 0..self.depth {
                let (above, below) = counts.split_at_mut(2 << level);
                let (pairs, _) = below.as_chunks_mut::<2>();
                let (held, _) = held[2 << level..].as_chunks::<2>();
                for ((above, pair), held) in above[1 << level..].iter().zip(pairs).zip(held) {
                    *pair = [above + few(held[0]), above + few(held[1])];
                }
            }
            for (end, count) in ends.iter_mut().zip(&counts[leaves..]) {
                *end = depth.min(depth + 1 - count);
            }
        }
    }

    /// The rows of each block's lowest regions, 16 for each, a block after the other.
    pub(super) fn save(&self) -> Vec<u16> {
        let lower = self.depth.saturating_sub(LEVELS);
        let mut saved = Vec::new();
        for rows in self.rows.chunks_exact(1 << self.depth) {
            let upper = rows.chunks_exact(1 << lower).map(|rows| {
                // What does not add up was damaged, and is found out by the caller.
                rows.iter()
                    .fold(0, |sum: u16, rows| sum.wrapping_add(*rows))
            });
            padded(&mut saved, upper);
            if self.depth > LEVELS {
                for rows in rows.chunks_exact(1 << lower) {
                    padded(&mut saved, rows.iter().copied());
                }
            }
        }
        saved
    }

    /// Takes up what was saved; `None` where it does not fit.
    pub(super) fn load(&mut self, saved: &[u16]) -> Option<()> {
        let lower = self.depth.saturating_sub(LEVELS);
        let trees = self.rows.chunks_exact_mut(1 << self.depth);
        let each = 16 * blocks(self.depth);
        if saved.len() != each * trees.len() {
            return None;
        }
        for (rows, saved) in trees.zip(saved.chunks_exact(each)) {
            if self.depth <= LEVELS {
                rows.copy_from_slice(&saved[..rows.len()]);
            } else {
                let blocks = rows.chunks_exact_mut(1 << lower);
                for (rows, saved) in blocks.zip(saved[16..].chunks_exact(16)) {
                    rows.copy_from_slice(&saved[..rows.len()]);
                }
            }
        }
        // What was left out follows from what was taken.
        (self.save() == saved).then_some(())
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.levels.capacity() * size_of::<Levels>()
            + self.rows.capacity() * size_of::<u16>()
            + self.ends.capacity()
    }
}

/// Appends a block's rows, 0 where it has fewer than 16 regions.
fn padded(saved: &mut Vec<u16>, rows: impl Iterator<Item = u16>) {
    let end = saved.len() + 16;
    saved.extend(rows);
    saved.resize(end, 0);
}
