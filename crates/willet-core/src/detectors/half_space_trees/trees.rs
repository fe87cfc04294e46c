//! The trees themselves: which regions a row lies in, and how many rows each region holds.
//!
//! A tree halves the range of a random feature at every level, so the path of a row is made of the leading bits of its
//! features' places in the tree's space: no node holds a split. Four levels below a node are one block, which is one line of
//! the processor's cache; in it the nodes of a level halve the same feature, so that no step waits for the one before it.
#![expect(
    clippy::inline_always,
    reason = "what is looked up of one tree must not wait for that of the one before it"
)]

use super::regions::{self, Regions};
use crate::detectors::MAX_WIDTH;
use crate::random::{Random, mix};

/// Four levels below a node. Its nodes are numbered as in a heap: the children are 2 and 3, the lowest level 16 to 31.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Block {
    /// Rows in the regions of the lowest level.
    leaves: [u16; 16],
    /// A bit for each node whose region holds a row.
    occupied: u32,
    levels: Levels,
}

/// What a block asks of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Levels {
    /// The feature that each level halves.
    features: [u16; LEVELS],
    /// How far down the bit of its place lies that says which half.
    shifts: [u8; LEVELS],
}

/// Levels of a block.
pub(super) const LEVELS: usize = 4;
/// Blocks on the way down the deepest tree.
const MAX_BLOCKS: usize = 4;
/// Strides of places; the widest row fits into the last.
const STRIDES: [usize; 4] = [4, 16, 256, MAX_WIDTH];
/// Walks done together: each waits for memory, and so they wait at once.
const TOGETHER: usize = 32;
/// Bits of a place.
const BITS: u32 = 23;
/// Just below 1, with as many bits as a place has.
const HIGHEST: f32 = 1.0 - 1.0 / (1 << BITS) as f32;

#[derive(Debug)]
pub(super) struct Trees {
    depth: usize,
    width: usize,
    /// Features with room to spare: a power of two, so that no place must be looked for beyond the end.
    stride: usize,
    seeds: Vec<u32>,
    /// A row's place in the space of each tree is `slope · x + start`, from 0 to 1; all features of a tree, then the next tree.
    slopes: Vec<f32>,
    starts: Vec<f32>,
    /// All that shallow trees have; of deep ones nothing.
    regions: Option<Regions>,
    /// Of deep trees the blocks that hold a row.
    blocks: Vec<Block>,
    /// The blocks below each block; the number of trees is the empty one.
    children: Vec<[u32; 16]>,
}

/// The bits of a row's features in the space of one tree. `W` is a power of two.
pub(super) type Places<const W: usize> = [u32; W];

/// Which feature a level of the block below `node` halves.
fn feature_of(seed: u32, node: u32, level: usize, width: usize) -> u16 {
    let bits = mix(u64::from(seed) << 32 | u64::from(node * LEVELS as u32 + level as u32));
    ((u128::from(bits) * width as u128) >> 64) as u16
}

/// The bits of a place from 0 to 1. Between 1 and 2 they are those of the number itself; what is above them is never asked for.
fn bits_of(place: f32) -> u32 {
    (1.0 + place.clamp(0.0, HIGHEST)).to_bits()
}

fn padded<const W: usize>(row: &[f32]) -> [f32; W] {
    let mut padded = [0.0; W];
    padded[..row.len()].copy_from_slice(row);
    padded
}

/// The nodes that a row passes on its way to each of the lowest ones, as bits.
const PATHS: [u32; 16] = {
    let mut paths = [0; 16];
    let mut leaf = 0;
    while leaf < 16 {
        let within = 16 + leaf;
        paths[leaf] = 1 << within | 1 << (within >> 1) | 1 << (within >> 2) | 1 << (within >> 3);
        leaf += 1;
    }
    paths
};

impl Levels {
    /// Those of the block below `node` of a tree.
    pub(super) fn new(seed: u32, node: u32, width: usize) -> Self {
        let features = |node| -> [u16; LEVELS] {
            std::array::from_fn(|level| feature_of(seed, node, level, width))
        };
        // Each time that a feature was halved before, the next bit says the half.
        let mut halved = [[u16::MAX; LEVELS]; MAX_BLOCKS];
        let (mut above, mut count) = (node >> LEVELS, 0);
        while above > 0 {
            halved[count] = features(above);
            above >>= LEVELS;
            count += 1;
        }
        let features = features(node);
        halved[count] = features;
        let shifts = std::array::from_fn(|level| {
            let before = halved.as_flattened()[..LEVELS * count + level].iter();
            let before = before.filter(|other| **other == features[level]).count();
            (BITS as usize - 1 - before) as u8
        });
        Self { features, shifts }
    }

    /// The halves that a row lies in, level by level, as bits.
    #[inline(always)]
    pub(super) fn halves<const W: usize>(&self, places: &Places<W>) -> u32 {
        let bit = |level: usize| {
            let feature = usize::from(self.features[level]);
            (places[feature & (W - 1)] >> (self.shifts[level] & 31)) & 1
        };
        8 * bit(0) + 4 * bit(1) + 2 * bit(2) + bit(3)
    }
}

impl Block {
    /// The block below `node` of a tree.
    fn new(seed: u32, node: u32, width: usize) -> Self {
        Self {
            leaves: [0; 16],
            occupied: 0,
            levels: Levels::new(seed, node, width),
        }
    }

    /// The number within the block of the node that a row comes to, `steps` levels down.
    #[inline]
    fn follow<const W: usize>(&self, places: &Places<W>, steps: usize) -> u32 {
        (16 + self.levels.halves(places)) >> (LEVELS - steps)
    }

    /// How many of the nodes on the way to `within`, `steps` levels down, hold a row.
    #[inline]
    fn depth_of_rows(&self, within: u32, steps: usize) -> u32 {
        if steps == LEVELS {
            // The lowest one that holds a row says it all: level l has the bits from 2^l on.
            let held = self.occupied & PATHS[within as usize & 15];
            let is_from = |bit: u32| u32::from(held >= 1 << bit);
            return is_from(2) + is_from(4) + is_from(8) + is_from(16);
        }
        let held = |up: usize| (self.occupied >> (within >> up)) & 1;
        (0..steps).map(held).sum()
    }

    #[inline]
    fn leaf(&self, within: u32, steps: usize) -> u32 {
        u32::from(self.leaves[(within - (1 << steps)) as usize & 15])
    }

    /// Rows in the region of the node `level` levels down on the way to `within`.
    fn mass_at(&self, within: u32, steps: usize, level: usize) -> u32 {
        let below = steps - level;
        let first = (((within >> below) << below) - (1 << steps)) as usize;
        let leaves = &self.leaves[first..first + (1 << below)];
        leaves.iter().map(|leaf| u32::from(*leaf)).sum()
    }

    /// Takes up saved leaves; `None` where there are more than so many levels have.
    fn fill(&mut self, leaves: &[u16], steps: usize) -> Option<()> {
        self.leaves = leaves.try_into().ok()?;
        self.occupied = 0;
        for leaf in (0..16_u32).filter(|leaf| leaves[*leaf as usize] > 0) {
            if leaf >= 1 << steps {
                return None;
            }
            (0..steps).for_each(|up| self.occupied |= 1 << ((leaf + (1 << steps)) >> up));
        }
        Some(())
    }

    #[inline]
    fn add(&mut self, within: u32, steps: usize) {
        self.leaves[(within - (1 << steps)) as usize & 15] += 1;
        if steps == LEVELS {
            self.occupied |= PATHS[within as usize & 15];
            return;
        }
        (0..steps).for_each(|up| self.occupied |= 1 << (within >> up));
    }
}

/// How a walk through a tree ended: rows in the last region, and its level.
#[derive(Clone, Copy)]
struct End {
    mass: u32,
    level: u32,
    is_over: bool,
}

impl End {
    /// Goes on through a block until a region holds no more rows than `limit`.
    #[inline]
    fn go_on(&mut self, block: &Block, within: u32, steps: usize, limit: u32) {
        if limit == 0 {
            // Below an empty region all are empty. Without a branch, for nobody could guess it.
            let held = block.depth_of_rows(within, steps);
            let further = (held + 1).min(steps as u32);
            self.level += if self.is_over { 0 } else { further };
            self.is_over |= held < steps as u32;
            self.mass = block.leaf(within, steps);
            return;
        }
        for level in 1..=steps {
            self.is_over |= self.mass <= limit;
            if self.is_over {
                return;
            }
            self.level += 1;
            self.mass = block.mass_at(within, steps, level);
        }
    }
}

impl Trees {
    pub(super) fn new(count: usize, depth: usize, width: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let stride = STRIDES.into_iter().find(|stride| *stride >= width);
        let stride = stride.expect("no row is wider");
        let mut trees = Self {
            depth,
            width,
            stride,
            seeds: Vec::with_capacity(count),
            slopes: Vec::with_capacity(count * stride),
            starts: Vec::with_capacity(count * stride),
            regions: None,
            blocks: Vec::new(),
            children: Vec::new(),
        };
        for _ in 0..count {
            trees.seeds.push((random.bits() >> 32) as u32);
            for _ in 0..width {
                // A range around a random point of 0..1 that covers 0..1 and leaves room outside it (section 3.1 of the paper).
                let center = random.unit();
                let reach = 2.0 * center.max(1.0 - center);
                trees.slopes.push((0.5 / reach) as f32);
                trees.starts.push((0.5 * (reach - center) / reach) as f32);
            }
            trees.slopes.resize(trees.seeds.len() * stride, 0.0);
            trees.starts.resize(trees.seeds.len() * stride, 0.0);
        }
        trees.begin();
        trees
    }

    fn count(&self) -> usize {
        self.seeds.len()
    }

    fn begin(&mut self) {
        let (width, trees) = (self.width, self.count());
        if self.depth <= regions::DEEPEST {
            self.regions = Some(Regions::new(&self.seeds, self.depth, width));
            return;
        }
        let roots = self.seeds.iter().map(|seed| Block::new(*seed, 1, width));
        self.blocks.extend(roots);
        // Behind the roots the empty block, which is its own child.
        self.blocks.push(Block::new(0, 1, width));
        self.children.resize(trees + 1, [trees as u32; 16]);
    }

    /// Every region empty.
    fn clear(&mut self) {
        if let Some(regions) = &mut self.regions {
            regions.clear();
            return;
        }
        let roots = self.count() + 1;
        self.blocks.truncate(roots);
        self.children.truncate(roots);
        self.children.fill([(roots - 1) as u32; 16]);
        for block in &mut self.blocks {
            block.leaves = [0; 16];
            block.occupied = 0;
        }
    }

    /// Sum over all trees of the rows in the region that the row ends in, twice and one more, as if that region had the size of
    /// the whole space. A region of no more rows than `limit` is not divided further. `counted` rows are in each tree.
    pub(super) fn mass(&self, row: &[f32], counted: u32, limit: u32) -> u64 {
        if self.regions.is_some() {
            return self.mass_and_regions(row, limit, |_| ());
        }
        match self.stride {
            4 => self.mass_in(&mut [[0; 4]; TOGETHER], row, counted, limit),
            16 => self.mass_in(&mut [[0; 16]; TOGETHER], row, counted, limit),
            256 => self.mass_in(&mut vec![[0; 256]; TOGETHER], row, counted, limit),
            _ => self.mass_in(&mut vec![[0; MAX_WIDTH]; TOGETHER], row, counted, limit),
        }
    }

    /// Regions of a row that are worth keeping until it is counted: of shallow trees one each.
    pub(super) fn regions_of_row(&self) -> usize {
        self.regions.as_ref().map_or(0, |_| self.count())
    }

    /// As [`Trees::mass`], of shallow trees; `keep` gets the region of each.
    pub(super) fn mass_and_regions(&self, row: &[f32], limit: u32, keep: impl FnMut(u8)) -> u64 {
        match self.stride {
            4 => self.mass_shallow::<4>(row, limit, keep),
            16 => self.mass_shallow::<16>(row, limit, keep),
            256 => self.mass_shallow::<256>(row, limit, keep),
            _ => self.mass_shallow::<MAX_WIDTH>(row, limit, keep),
        }
    }

    fn mass_shallow<const W: usize>(
        &self,
        row: &[f32],
        limit: u32,
        mut keep: impl FnMut(u8),
    ) -> u64 {
        let Some(regions) = &self.regions else {
            return 0;
        };
        let (row, mut places) = (&padded(row), [0; W]);
        let mass = |tree| {
            self.place(tree, row, &mut places);
            let region = regions.region(tree, &places);
            keep(region);
            regions.mass(tree, region, limit)
        };
        (0..self.count()).map(mass).sum()
    }

    fn mass_in<const W: usize>(
        &self,
        places: &mut [Places<W>],
        row: &[f32],
        counted: u32,
        limit: u32,
    ) -> u64 {
        let row = &padded(row);
        let mut total = 0;
        for first in (0..self.count()).step_by(TOGETHER) {
            let trees = first..(first + TOGETHER).min(self.count());
            for (tree, places) in trees.clone().zip(&mut *places) {
                self.place(tree, row, places);
            }
            total += self.walk(&places[..trees.len()], first, counted, limit);
        }
        total
    }

    /// The places of a row in the space of a tree.
    #[inline(always)]
    fn place<const W: usize>(&self, tree: usize, row: &[f32; W], places: &mut Places<W>) {
        let space = tree * W..(tree + 1) * W;
        let (slopes, starts) = (&self.slopes[space.clone()], &self.starts[space]);
        for at in 0..W {
            places[at] = bits_of(row[at] * slopes[at] + starts[at]);
        }
    }

    /// [`Trees::mass`] of the trees from `first` on, one for each row of places.
    fn walk<const W: usize>(
        &self,
        places: &[Places<W>],
        first: usize,
        counted: u32,
        limit: u32,
    ) -> u64 {
        let mut block: [usize; TOGETHER] = std::array::from_fn(|lane| first + lane);
        let begin = End {
            mass: counted,
            level: 0,
            is_over: false,
        };
        let mut ends = [begin; TOGETHER];
        let mut left = self.depth;
        while left > 0 {
            let steps = left.min(LEVELS);
            left -= steps;
            for ((block, end), places) in block.iter_mut().zip(&mut ends).zip(places) {
                let here = &self.blocks[*block];
                let within = here.follow(places, steps);
                end.go_on(here, within, steps, limit);
                if left > 0 {
                    *block = self.children[*block][within as usize & 15] as usize;
                }
            }
        }
        let ends = ends.iter().take(places.len());
        // Half a row more than was counted: of two empty regions the larger one is the stranger.
        ends.map(|end| (2 * u64::from(end.mass) + 1) << end.level)
            .sum()
    }

    /// Counts the rows of these regions, and only these; `false` where it keeps no regions.
    pub(super) fn recount_regions(&mut self, kept: &[u8], limit: u32) -> bool {
        let trees = self.count();
        let Some(regions) = &mut self.regions else {
            return false;
        };
        regions.clear();
        for row in kept.chunks_exact(trees) {
            for (tree, region) in row.iter().enumerate() {
                regions.add(tree, *region);
            }
        }
        regions.close(limit);
        true
    }

    /// Counts these rows, and only these; `limit` as for [`Trees::mass`].
    pub(super) fn recount(&mut self, rows: &[f32], limit: u32) {
        self.clear();
        match self.stride {
            4 => self.count_in::<4>(rows),
            16 => self.count_in::<16>(rows),
            256 => self.count_in::<256>(rows),
            _ => self.count_in::<MAX_WIDTH>(rows),
        }
        self.close(limit);
    }

    fn count_in<const W: usize>(&mut self, rows: &[f32]) {
        let mut places = [0; W];
        let rows: Vec<[f32; W]> = rows.chunks_exact(self.width).map(padded).collect();
        for tree in 0..self.count() {
            for row in &rows {
                self.place(tree, row, &mut places);
                self.add(tree, &places);
            }
        }
    }

    fn close(&mut self, limit: u32) {
        if let Some(regions) = &mut self.regions {
            regions.close(limit);
        }
    }

    /// Counts a row in a tree.
    #[inline]
    fn add<const W: usize>(&mut self, tree: usize, places: &Places<W>) {
        if let Some(regions) = &mut self.regions {
            let region = regions.region(tree, places);
            regions.add(tree, region);
            return;
        }
        let (mut block, mut node, mut left) = (tree, 1, self.depth);
        loop {
            let steps = left.min(LEVELS);
            left -= steps;
            let here = &mut self.blocks[block];
            let within = here.follow(places, steps);
            here.add(within, steps);
            if left == 0 {
                return;
            }
            let place = within as usize & 15;
            node = (node << LEVELS) + place as u32;
            block = self.below_or_new(block, place, self.seeds[tree], node);
        }
    }

    #[inline]
    fn below_or_new(&mut self, block: usize, place: usize, seed: u32, node: u32) -> usize {
        let below = self.children[block][place] as usize;
        if below != self.count() {
            return below;
        }
        let new = self.blocks.len();
        self.blocks.push(Block::new(seed, node, self.width));
        self.children.push([self.count() as u32; 16]);
        self.children[block][place] = new as u32;
        new
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.seeds.capacity() * size_of::<u32>()
            + (self.slopes.capacity() + self.starts.capacity()) * size_of::<f32>()
            + self.blocks.capacity() * size_of::<Block>()
            + self.children.capacity() * size_of::<[u32; 16]>()
            + self.regions.as_ref().map_or(0, Regions::heap_bytes)
    }

    /// The rows in the lowest regions of each block, a block after the other, and where the blocks hang.
    pub(super) fn save(&self) -> (Vec<u16>, Vec<u32>) {
        if let Some(regions) = &self.regions {
            return (regions.save(), Vec::new());
        }
        let leaves = self.blocks.iter().flat_map(|block| block.leaves);
        (leaves.collect(), self.children.concat())
    }

    /// Takes up what was saved, into trees that have counted nothing; `None` where it does not fit.
    pub(super) fn load(
        &mut self,
        leaves: &[u16],
        children: &[u32],
        (counted, limit): (usize, u32),
    ) -> Option<()> {
        let is_sound = leaves.len().is_multiple_of(16)
            && leaves.iter().all(|mass| usize::from(*mass) <= counted);
        if !is_sound {
            return None;
        }
        if let Some(regions) = &mut self.regions {
            regions.load(leaves).filter(|()| children.is_empty())?;
            regions.close(limit);
            return Some(());
        }
        let steps = self.hang(leaves.len() / 16, children)?;
        for (block, (leaves, steps)) in self
            .blocks
            .iter_mut()
            .zip(leaves.chunks_exact(16).zip(steps))
        {
            block.fill(leaves, steps)?;
        }
        Some(())
    }

    /// Hangs the blocks of deep trees as they were saved, and says how many levels each has.
    fn hang(&mut self, blocks: usize, children: &[u32]) -> Option<Vec<usize>> {
        let (least, empty) = (self.blocks.len(), self.count());
        if blocks < least || children.len() != 16 * blocks {
            return None;
        }
        let whole = |children: &[u32]| children.try_into().expect("16 of them");
        self.children = children.chunks_exact(16).map(whole).collect();
        let mut places = vec![None; blocks];
        for (tree, seed) in self.seeds.iter().enumerate() {
            places[tree] = Some((*seed, 1_u32, 0_usize));
        }
        let mut steps = vec![LEVELS; blocks];
        for block in (0..blocks).filter(|block| *block != empty) {
            let (seed, node, level) = places[block]?;
            if block >= least {
                self.blocks.push(Block::new(seed, node, self.width));
            }
            steps[block] = (self.depth - level * LEVELS).min(LEVELS);
            for (place, child) in self.children[block].iter().enumerate() {
                let child = *child as usize;
                if child == empty {
                    continue;
                }
                // One that comes later, below one alone, and not below the lowest.
                let below = places.get_mut(child)?;
                if below.is_some()
                    || child < least
                    || child <= block
                    || (level + 1) * LEVELS >= self.depth
                {
                    return None;
                }
                *below = Some((seed, (node << LEVELS) + place as u32, level + 1));
            }
        }
        (self.children[empty] == [empty as u32; 16]).then_some(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mass as the paper has it: nodes with ranges, walked one by one.
    fn slow_mass(trees: &Trees, rows: &[Vec<f32>], row: &[f32], limit: u32) -> u64 {
        let path = |tree: usize, row: &[f32]| -> Vec<bool> {
            let (slopes, starts) = (&trees.slopes, &trees.starts);
            let mut ranges = vec![(0.0_f64, 1.0_f64); trees.width];
            let (mut node, mut hangs_at, mut path) = (1, 1, Vec::new());
            for level in 0..trees.depth {
                if level % LEVELS == 0 {
                    hangs_at = node;
                }
                let seed = trees.seeds[tree];
                let feature = usize::from(feature_of(seed, hangs_at, level % LEVELS, trees.width));
                let at = tree * trees.stride + feature;
                let place = row[feature] * slopes[at] + starts[at];
                // What a number between 1 and 2 keeps of it.
                let place = f64::from(1.0 + place.clamp(0.0, HIGHEST)) - 1.0;
                let (low, high) = ranges[feature];
                let middle = f64::midpoint(low, high);
                let is_above = place >= middle;
                ranges[feature] = if is_above {
                    (middle, high)
                } else {
                    (low, middle)
                };
                node = 2 * node + u32::from(is_above);
                path.push(is_above);
            }
            path
        };
        let mass_in = |tree: usize| {
            let mine = path(tree, row);
            let paths: Vec<_> = rows.iter().map(|row| path(tree, row)).collect();
            let held = |level: usize| {
                let same = paths.iter().filter(|path| path[..level] == mine[..level]);
                same.count() as u32
            };
            let end = (0..trees.depth).find(|level| held(*level) <= limit);
            let end = end.unwrap_or(trees.depth);
            (2 * u64::from(held(end)) + 1) << end
        };
        (0..trees.count()).map(mass_in).sum()
    }

    #[test]
    fn masses_are_those_of_trees_with_ranges() {
        let mut random = Random::new(7);
        for (count, depth, width) in [(3, 1, 1), (5, 4, 3), (40, 8, 10), (4, 11, 2), (3, 15, 400)] {
            let mut trees = Trees::new(count, depth, width, 11);
            let row = |random: &mut Random| -> Vec<f32> {
                let place = |_| (3.0 * random.unit() - 1.0) as f32;
                (0..width).map(place).collect()
            };
            let mut rows: Vec<_> = (0..50).map(|_| row(&mut random)).collect();
            rows.push(rows[3].clone());
            for limit in [0, 5] {
                trees.recount(&rows.concat(), limit);
                let (leaves, children) = trees.save();
                let mut restored = Trees::new(count, depth, width, 11);
                restored
                    .load(&leaves, &children, (rows.len(), limit))
                    .expect("it fits");
                for probe in [
                    rows[3].clone(),
                    rows[40].clone(),
                    row(&mut random),
                    vec![1e30; width],
                ] {
                    let expected = slow_mass(&trees, &rows, &probe, limit);
                    let found = trees.mass(&probe, rows.len() as u32, limit);
                    assert_eq!(found, expected, "{count} {depth} {width} {limit}");
                    assert_eq!(restored.mass(&probe, rows.len() as u32, limit), expected);
                }
            }
        }
    }

    #[test]
    fn a_tree_halves_all_features_about_equally() {
        let mut counts = [0_u32; 10];
        for tree in 0..6_375 {
            let seed = mix(tree) as u32;
            (0..LEVELS).for_each(|level| counts[usize::from(feature_of(seed, 1, level, 10))] += 1);
        }
        assert!(
            counts.iter().all(|count| (2_300..2_800).contains(count)),
            "{counts:?}"
        );
    }
}
