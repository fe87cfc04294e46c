//! The sampled points of all trees, each held once, and the boxes around them.

use super::lanes::Four;

/// Coordinates beyond this are held as this: sums over all dimensions stay finite in 32 bits.
pub(super) const FAR: f32 = 1e30;

/// Points of equal dimension with the number of samples that hold each; one that no sample holds makes room for another.
#[derive(Clone, Debug)]
pub(super) struct Points {
    dimensions: usize,
    values: Vec<f32>,
    holders: Vec<u32>,
    /// Points that are held.
    live: usize,
    /// Where room was found last.
    cursor: usize,
}

impl Points {
    pub(super) fn new(dimensions: usize) -> Self {
        Self {
            dimensions,
            values: Vec::new(),
            holders: Vec::new(),
            live: 0,
            cursor: 0,
        }
    }

    /// Those points, held by nobody yet.
    pub(super) fn restore(dimensions: usize, values: &[f32]) -> Self {
        Self {
            values: [values, &[0.0; SLACK]].concat(),
            holders: vec![0; values.len() / dimensions],
            ..Self::new(dimensions)
        }
    }

    /// Takes a point in, held by nobody yet.
    pub(super) fn add(&mut self, point: &[f32]) -> u32 {
        debug_assert_eq!(point.len(), self.dimensions);
        if self.live == self.holders.len() {
            // By little: most of the memory of a forest is here.
            let more = 16 + self.live / 32;
            let all = (self.live + more) * self.dimensions + SLACK;
            self.values.reserve_exact(all - self.values.len());
            self.values.resize(all, 0.0);
            self.holders.reserve_exact(more);
            self.holders.resize(self.live + more, 0);
            self.cursor = self.live;
        }
        let (before, after) = self.holders.split_at(self.cursor);
        let is_free = |holders: &u32| *holders == 0;
        let place = match after.iter().position(is_free) {
            Some(at) => self.cursor + at,
            None => before.iter().position(is_free).unwrap_or(0),
        };
        let start = place * self.dimensions;
        self.values[start..start + self.dimensions].copy_from_slice(point);
        self.cursor = place;
        place as u32
    }

    pub(super) fn hold(&mut self, point: u32) {
        let holders = &mut self.holders[point as usize];
        self.live += usize::from(*holders == 0);
        *holders += 1;
    }

    pub(super) fn release(&mut self, point: u32) {
        let holders = &mut self.holders[point as usize];
        *holders -= 1;
        self.live -= usize::from(*holders == 0);
    }

    pub(super) fn get(&self, point: u32) -> &[f32] {
        &self.values[self.start(point)..][..self.dimensions]
    }

    #[inline(always)]
    fn start(&self, point: u32) -> usize {
        point as usize * self.dimensions
    }

    /// Number of places, held or not.
    pub(super) fn places(&self) -> usize {
        self.holders.len()
    }

    /// Changes each coordinate by what `change` says of its dimension.
    pub(super) fn change(&mut self, change: impl Fn(usize, f32) -> f32) {
        for point in self.values.chunks_exact_mut(self.dimensions) {
            for (dimension, x) in point.iter_mut().enumerate() {
                *x = change(dimension, *x);
            }
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<f32>() + self.holders.capacity() * size_of::<u32>()
    }
}

/// Numbers that may be read behind the last point: its last block is read whole.
const SLACK: usize = 3;

/// The blocks of four that start there: as many as are wanted, or `L` where that is not 0 (loops whose length the compiler knows
/// are several times as fast).
#[inline(always)]
fn blocks<const L: usize>(
    values: &[f32],
    start: usize,
    wanted: usize,
) -> impl Iterator<Item = Four> {
    let count = if L == 0 { wanted } else { L };
    let (blocks, _) = values[start..start + 4 * count].as_chunks::<4>();
    blocks.iter().map(|block| Four::of(*block))
}

/// How far a coordinate lies outside a range: one of the two is 0.
#[inline]
pub(super) fn gap(x: f32, low: f32, high: f32) -> f32 {
    let (above, below) = (x - high, low - x);
    let above = if above > 0.0 { above } else { 0.0 };
    let below = if below > 0.0 { below } else { 0.0 };
    above + below
}

/// A box that is being worked on. What its last block holds beyond the last dimension is anything finite.
#[derive(Debug)]
pub(super) struct Corners<'a> {
    pub(super) low: &'a mut [Four],
    pub(super) high: &'a mut [Four],
    pub(super) dimensions: usize,
    /// 1 where the last block holds a dimension, else 0.
    pub(super) real: Four,
}

impl<'a> Corners<'a> {
    /// The same box elsewhere, where `L` is not 0.
    #[inline(always)]
    pub(super) fn moved<const L: usize>(
        self,
        low: &'a mut [Four; L],
        high: &'a mut [Four; L],
    ) -> Self {
        if L == 0 {
            return self;
        }
        Self { low, high, ..self }
    }

    /// Makes it a point.
    #[inline(always)]
    pub(super) fn be<const L: usize>(&mut self, points: &Points, point: u32) {
        let from = blocks::<L>(&points.values, points.start(point), self.low.len());
        for ((low, high), from) in self.low.iter_mut().zip(&mut *self.high).zip(from) {
            (*low, *high) = (from, from);
        }
    }

    /// Makes it the box whose corners start there.
    #[inline(always)]
    fn read<const L: usize>(&mut self, values: &[f32], start: usize) {
        let count = self.low.len();
        let lows = blocks::<L>(values, start, count);
        let highs = blocks::<L>(values, start + self.dimensions, count);
        self.low
            .iter_mut()
            .zip(lows)
            .for_each(|(low, from)| *low = from);
        self.high
            .iter_mut()
            .zip(highs)
            .for_each(|(high, from)| *high = from);
    }

    /// Widens it to hold a point.
    #[inline(always)]
    pub(super) fn widen<const L: usize>(&mut self, points: &Points, point: u32) {
        let from = blocks::<L>(&points.values, points.start(point), self.low.len());
        for ((low, high), from) in self.low.iter_mut().zip(&mut *self.high).zip(from) {
            (*low, *high) = (from.min(*low), from.max(*high));
        }
    }

    /// Widens it to hold the box whose corners start there.
    #[inline(always)]
    fn widen_both<const L: usize>(&mut self, values: &[f32], start: usize) {
        let count = self.low.len();
        let lows = blocks::<L>(values, start, count);
        let highs = blocks::<L>(values, start + self.dimensions, count);
        self.low
            .iter_mut()
            .zip(lows)
            .for_each(|(low, from)| *low = from.min(*low));
        self.high
            .iter_mut()
            .zip(highs)
            .for_each(|(high, from)| *high = from.max(*high));
    }

    /// How far a point lies outside and how wide the box is, both summed over the dimensions in one order.
    #[inline(always)]
    pub(super) fn outside<const L: usize>(&self, point: &[Four]) -> (f32, f32) {
        let zero = Four::all(0.0);
        let (mut gaps, mut widths) = (zero, zero);
        let last = if L == 0 { point.len() } else { L } - 1;
        for (at, x) in point.iter().enumerate().take(last + 1) {
            let (low, high) = (self.low[at], self.high[at]);
            let gap = x.sub(high).max(zero).add(low.sub(*x).max(zero));
            let width = high.sub(low);
            let (gap, width) = if at < last {
                (gap, width)
            } else {
                (gap.mul(self.real), width.mul(self.real))
            };
            gaps = gaps.add(gap);
            widths = widths.add(width);
        }
        (gaps.sum(), widths.sum())
    }

    /// Makes it hold nothing.
    #[inline(always)]
    pub(super) fn empty(&mut self) {
        self.low.fill(Four::all(f32::MAX));
        self.high.fill(Four::all(f32::MIN));
    }

    pub(super) fn low(&self) -> impl Iterator<Item = f32> {
        self.low
            .iter()
            .flat_map(|four| four.numbers())
            .take(self.dimensions)
    }

    pub(super) fn high(&self) -> impl Iterator<Item = f32> {
        self.high
            .iter()
            .flat_map(|four| four.numbers())
            .take(self.dimensions)
    }
}

/// Boxes of one tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Boxes {
    /// Of each box its lowest corner, then its highest.
    corners: Vec<f32>,
    free: Vec<u16>,
}

impl Boxes {
    pub(super) fn add(&mut self, corners: &Corners<'_>) -> u16 {
        let count = 2 * corners.dimensions;
        let place = self.free.pop().unwrap_or_else(|| {
            let kept = self.corners.len() / count;
            let all = (kept + 1) * count + SLACK;
            self.corners.reserve_exact(all - self.corners.len());
            self.corners.resize(all, 0.0);
            kept as u16
        });
        self.set(place, corners);
        place
    }

    pub(super) fn remove(&mut self, place: u16) {
        self.free.push(place);
    }

    /// Makes `corners` that box.
    #[inline(always)]
    pub(super) fn get<const L: usize>(&self, place: u16, corners: &mut Corners<'_>) {
        corners.read::<L>(&self.corners, usize::from(place) * 2 * corners.dimensions);
    }

    /// Widens `corners` to hold that box.
    #[inline(always)]
    pub(super) fn add_to<const L: usize>(&self, place: u16, corners: &mut Corners<'_>) {
        corners.widen_both::<L>(&self.corners, usize::from(place) * 2 * corners.dimensions);
    }

    pub(super) fn set(&mut self, place: u16, corners: &Corners<'_>) {
        let (low, high) = self.both(place, corners.dimensions);
        low.iter_mut()
            .zip(corners.low())
            .for_each(|(low, x)| *low = x);
        high.iter_mut()
            .zip(corners.high())
            .for_each(|(high, x)| *high = x);
    }

    /// Widens that box to hold a point.
    pub(super) fn widen(&mut self, place: u16, point: &[f32]) {
        let (low, high) = self.both(place, point.len());
        for ((low, high), x) in low.iter_mut().zip(high).zip(point) {
            *low = if x < low { *x } else { *low };
            *high = if *x > *high { *x } else { *high };
        }
    }

    /// Whether a point lies at the edge of that box in any dimension, or outside.
    pub(super) fn is_edge(&self, place: u16, point: &[f32]) -> bool {
        let start = usize::from(place) * 2 * point.len();
        let (low, high) = self.corners[start..start + 2 * point.len()].split_at(point.len());
        // Without a branch a dimension: most points are at no edge.
        let edges = point.iter().zip(low.iter().zip(high));
        let edges = edges.map(|(x, (low, high))| usize::from(x <= low) + usize::from(x >= high));
        edges.sum::<usize>() > 0
    }

    fn both(&mut self, place: u16, dimensions: usize) -> (&mut [f32], &mut [f32]) {
        let start = usize::from(place) * 2 * dimensions;
        self.corners[start..start + 2 * dimensions].split_at_mut(dimensions)
    }

    pub(super) fn clear(&mut self) {
        self.corners.clear();
        self.free.clear();
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.corners.capacity() * size_of::<f32>() + self.free.capacity() * size_of::<u16>()
    }
}
