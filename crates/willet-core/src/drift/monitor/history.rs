use libm::log;
use serde::{Deserialize, Serialize};

use super::movement::{Bound, Movement};

/// Values in a block: what the history counts in, and how often it is looked at.
pub(super) const BLOCK: usize = 8;
/// Buckets of one size before two are made one: a change is dated to about a third of its age.
const BUCKETS: usize = 3;
/// Sizes of buckets: what is older than about 60,000 values is forgotten.
const LEVELS: usize = 12;
/// Fewest blocks after a cut, and before it: what has been seen for less than 256 values may be one side of a rhythm.
const LEAST_AFTER: u64 = 2;
const LEAST_BEFORE: u64 = 32;
/// Squared deviations of a normal variable that one of four channels must reach at a cut. By simulation of values without drift, looked
/// at after every block over all cuts: about one false alarm in 500,000 independent values, one in 40,000 of autoregressions.
const BOUND: f64 = 18.0;
/// The bound for one channel over that for the sum of a feature's four, at the same chance.
const TOGETHER: f64 = 20.0 / 28.0;

/// The bound of a rate where the sides of a cut weigh n independent values is this less 2 ln n: each scale has the same share of the
/// false alarms, together about one in 100,000 values.
///
/// Without drift twice the log-likelihood ratio at one cut is a squared normal variable, which is over b in a share of about e^(−b/2) of
/// looks, and as the cut moves on it is drawn anew about every n values. So at one bound for all, 16 values are looked at sixty times as
/// often as 1,000, and nearly all false alarms come from the shortest; at b − 2 ln n the 1,000 may have as many as the 16, with a bound of 14
/// (and the 16 one of 22) instead of 18. A slow rise, whose evidence grows with the third power of its age, is seen that much sooner. (Dümbgen, Spokoiny, "Multiscale
/// Testing of Qualitative Hypotheses", Annals of Statistics 2001; for likelihood ratios in sequence Siegmund, Venkatraman, "Using the
/// Generalized Likelihood Ratio Statistic for Sequential Detection of a Change-Point", Annals of Statistics 1995.) Ranks keep one bound:
/// their false alarms come from series that wander, and those are at long scales.
const RATES: f64 = 27.5;

/// The means of some channels since the last drift at every scale: sums in buckets of 1, 2, 4, ... blocks, as in ADWIN.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct History {
    channels: u16,
    /// Values in the block that is not full, and their sums.
    filled: u8,
    block: Vec<f32>,
    /// Full blocks held in buckets.
    blocks: u64,
    /// Buckets of each size, and their sums: of one size `BUCKETS + 1` places of a sum for each channel, the oldest first.
    sizes: Vec<u8>,
    sums: Vec<f32>,
    movement: Movement,
}

/// How two means are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Of ranks: about normal.
    Ranks,
    /// Of 0 and 1: by the likelihood ratio of two rates.
    Rates,
}

/// The cut between old and new at which the channels differ most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// How near to its bound the strongest channel is: 1 is reached.
    pub(super) ratio: f64,
    /// Its squared deviations.
    pub(super) squares: f64,
    /// The difference of its means, and the one after the cut.
    pub(super) apart: f64,
    pub(super) new: f64,
    pub(super) channel: usize,
    /// Blocks after the cut.
    pub(super) after: u64,
}

/// Room for sums; nothing in it outlives a call.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) batch: Vec<f32>,
    bounds: Vec<Bound>,
    total: Vec<f64>,
    tail: Vec<f64>,
}

impl Workspace {
    pub(super) fn heap_bytes(&self) -> usize {
        self.batch.capacity() * size_of::<f32>()
            + self.bounds.capacity() * size_of::<Bound>()
            + (self.total.capacity() + self.tail.capacity()) * size_of::<f64>()
    }
}

/// What is looked at: the scale of the channels, how many of them are ranks of features (four each), and the largest value of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) scale: Scale,
    pub(super) ranks: usize,
    pub(super) extremes: &'a [f32],
}

impl History {
    pub(super) fn new(channels: usize) -> Self {
        Self {
            channels: channels as u16,
            filled: 0,
            block: vec![0.0; channels],
            blocks: 0,
            sizes: Vec::with_capacity(LEVELS),
            sums: Vec::new(),
            movement: Movement::new(channels),
        }
    }

    pub(super) fn channels(&self) -> usize {
        usize::from(self.channels)
    }

    /// Forgets the past, but not how alike neighbours were.
    pub(super) fn begin_anew(&mut self) {
        self.filled = 0;
        self.block.fill(0.0);
        self.blocks = 0;
        self.sizes.clear();
        self.sums.clear();
        self.movement.begin_anew();
    }

    /// Takes in a value of each channel; says whether a block is full now.
    pub(super) fn push(&mut self, values: &[f32], space: &mut Workspace) -> bool {
        for (sum, x) in self.block.iter_mut().zip(values) {
            *sum += x;
        }
        self.movement.push(values);
        self.filled += 1;
        match usize::from(self.filled) {
            BLOCK => {
                self.filled = 0;
                self.blocks += 1;
                self.movement.push_block(&self.block, space);
                self.store();
                self.block.fill(0.0);
                true
            }
            HALF => {
                self.movement.push_half(&self.block);
                false
            }
            _ => false,
        }
    }

    /// Puts the block's sums into the buckets.
    fn store(&mut self) {
        let width = self.channels();
        let places = BUCKETS + 1;
        for level in 0..LEVELS {
            if level == self.sizes.len() {
                self.sizes.push(0);
                // To the byte: a series of one value holds little else.
                self.sums.reserve_exact(places * width);
                self.sums.resize((level + 1) * places * width, 0.0);
            }
            let from = level * places * width;
            let size = usize::from(self.sizes[level]);
            self.sums[from + size * width..from + (size + 1) * width].copy_from_slice(&self.block);
            self.sizes[level] += 1;
            if size + 1 < places {
                return;
            }
            let used = if level + 1 == LEVELS {
                // The oldest of the largest buckets is forgotten.
                self.blocks -= 1 << level;
                1
            } else {
                for (channel, sum) in self.block.iter_mut().enumerate() {
                    *sum = self.sums[from + channel] + self.sums[from + width + channel];
                }
                2
            };
            let end = from + places * width;
            self.sums.copy_within(from + used * width..end, from);
            self.sizes[level] -= used as u8;
        }
    }

    /// Buckets from the newest to the oldest: blocks in each, and its sums.
    fn buckets(&self) -> impl Iterator<Item = (u64, &[f32])> {
        let width = self.channels();
        let held = self.sizes.iter().enumerate().map(move |(level, size)| {
            let from = level * (BUCKETS + 1) * width;
            (level, &self.sums[from..from + usize::from(*size) * width])
        });
        held.flat_map(move |(level, held)| {
            held.chunks_exact(width)
                .rev()
                .map(move |sums| (1 << level, sums))
        })
    }

    /// The strongest of all cuts; `None` while there is too little to cut.
    pub(super) fn strongest_cut(&self, view: View<'_>, space: &mut Workspace) -> Option<Cut> {
        if self.blocks < LEAST_AFTER + LEAST_BEFORE {
            return None;
        }
        self.prepare(view, space);
        let mut best: Option<Cut> = None;
        let mut after = 0;
        for (blocks, sums) in self.buckets() {
            add(&mut space.tail, sums);
            after += blocks;
            if after < LEAST_AFTER {
                continue;
            }
            if self.blocks - after < LEAST_BEFORE {
                break;
            }
            self.look(view, after, space, |cut| {
                if best.is_none_or(|best| cut.ratio > best.ratio) {
                    best = Some(cut);
                }
            });
        }
        best
    }

    /// The oldest cut that leaves at most so many blocks, and one where the newest bucket holds more.
    pub(super) fn cut_within(&self, most: u64) -> u64 {
        let mut after = 0;
        for (blocks, _) in self.buckets() {
            if after > 0 && after + blocks > most {
                break;
            }
            after += blocks;
        }
        after
    }

    /// What every channel shows at the cut that leaves `after` blocks.
    pub(super) fn at_cut(
        &self,
        view: View<'_>,
        after: u64,
        space: &mut Workspace,
        show: impl FnMut(Cut),
    ) {
        self.prepare(view, space);
        let mut added = 0;
        for (blocks, sums) in self.buckets() {
            if added == after {
                break;
            }
            add(&mut space.tail, sums);
            added += blocks;
        }
        self.look(view, after, space, show);
    }

    /// Bounds and totals, and an empty tail.
    fn prepare(&self, view: View<'_>, space: &mut Workspace) {
        let width = self.channels();
        let bound = BOUND + 2.0 * log((width as f64 / 4.0).max(1.0));
        self.movement.bounds(bound, view.scale, &mut space.bounds);
        space.total.clear();
        space.total.resize(width, 0.0);
        space.tail.clear();
        space.tail.resize(width, 0.0);
        for (_, sums) in self.buckets() {
            add(&mut space.total, sums);
        }
    }

    fn look(&self, view: View<'_>, after: u64, space: &Workspace, mut show: impl FnMut(Cut)) {
        let n = (after * BLOCK as u64) as f64;
        let m = ((self.blocks - after) * BLOCK as u64) as f64;
        let (per_n, per_m, share) = (1.0 / n, 1.0 / m, n * m / (n + m));
        let mut together = 0.0;
        for (channel, bound) in space.bounds.iter().enumerate() {
            let (tail, total) = (space.tail[channel], space.total[channel]);
            let (new, old) = (tail * per_n, (total - tail) * per_m);
            let apart = new - old;
            let mut ratio;
            let squares;
            if view.scale == Scale::Rates && total == 0.0 {
                (squares, ratio) = (0.0, 0.0);
            } else if view.scale == Scale::Rates {
                let both = total / (n + m);
                let likelihood = n * divergence(new, both) + m * divergence(old, both);
                let alike = (bound.long_run / (both * (1.0 - both)).max(1e-9)).max(1.0);
                squares = 2.0 * likelihood / alike;
                let of_scale = (RATES - 2.0 * log(share / alike)) / BOUND;
                ratio = squares / (bound.limit * of_scale);
            } else {
                squares = apart * apart * share / bound.long_run;
                // Bernstein's term: the mean of a few values that are rarely large is not normal.
                let rare = f64::from(view.extremes[channel]) * apart.abs() / (3.0 * bound.variance);
                ratio = squares / (bound.limit * (1.0 + rare));
                if channel < view.ranks {
                    // A feature's four are independent of each other: what each shows a little their sum may show clearly.
                    together = if channel % 4 == 0 {
                        ratio
                    } else {
                        together + ratio
                    };
                    if channel % 4 == 3 {
                        ratio = ratio.max(together * TOGETHER);
                    }
                }
            }
            show(Cut {
                ratio,
                squares,
                apart,
                new,
                channel,
                after,
            });
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        (self.block.capacity() + self.sums.capacity()) * size_of::<f32>()
            + self.sizes.capacity()
            + self.movement.heap_bytes()
    }

    /// Whether the parts belong together; state that came from outside is checked with this.
    pub(super) fn is_sound(&self, channels: usize) -> bool {
        let held = self.sizes.iter().enumerate();
        let held: u64 = held.map(|(level, size)| u64::from(*size) << level).sum();
        self.channels() == channels
            && usize::from(self.filled) < BLOCK
            && self.block.len() == channels
            && self.sizes.len() <= LEVELS
            && self.sizes.iter().all(|size| usize::from(*size) <= BUCKETS)
            && self.sums.len() == self.sizes.len() * (BUCKETS + 1) * channels
            && self.block.iter().chain(&self.sums).all(|x| x.is_finite())
            && held == self.blocks
            && self.movement.is_sound(channels)
    }
}

/// The first half of a block.
const HALF: usize = BLOCK / 2;

fn add(to: &mut [f64], sums: &[f32]) {
    for (to, x) in to.iter_mut().zip(sums) {
        *to += f64::from(*x);
    }
}

/// Kullback and Leibler's divergence of two rates.
fn divergence(p: f64, q: f64) -> f64 {
    let part = |p: f64, q: f64| {
        if p > 0.0 {
            p * log(p / q.max(1e-300))
        } else {
            0.0
        }
    };
    part(p, q) + part(1.0 - p, 1.0 - q)
}
