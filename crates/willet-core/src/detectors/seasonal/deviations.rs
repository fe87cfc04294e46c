use serde::{Deserialize, Serialize};

use crate::decision::Scale;
use crate::rows::Expected;
use crate::statistics::ExponentialMoments;

/// How far the latest deviations of one feature from its level and season are from usual: alone and as means of the last 4, 16, 64.
///
/// A spike stands out alone; a shift too small for that stands out in a mean, whose noise is smaller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Deviations {
    /// Mean of the values less their season, which follows slowly: the trend.
    level: f64,
    /// The last deviations from it.
    last: Vec<f64>,
    /// Where the next goes.
    next: u32,
    /// Deviations ever taken in.
    count: u64,
    means: Vec<Mean>,
}

/// What is usual of the mean of some deviations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Mean {
    moments: ExponentialMoments,
    scale: Scale,
}

/// Lengths of the means: far enough apart to see different things.
pub(super) const LENGTHS: [usize; 4] = [1, 4, 16, 64];
const LONGEST: usize = LENGTHS[LENGTHS.len() - 1];
/// Rows over which the level follows.
const LEVEL_ROWS: u64 = 500;
/// Rows over which the spread of the means is known.
const SPREAD_ROWS: u32 = 3_000;
/// A deviation moves level and spread by no more than one of this many standard deviations does.
const CLIP: f64 = 4.0;
/// A deviation is remembered as one of at most this many standard deviations.
const REMEMBERED: f64 = 1.5;
/// A value that is passed is remembered as the mean of so many before it.
const LIKE_ROWS: u64 = 64;
/// Weight of the means beside the value alone.
const TOGETHER: f64 = 0.85;
/// Deviations before their spread means anything.
const WARM_UP: u32 = 8;

/// A value seen against what is usual.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The value less level and season.
    pub(super) deviation: f64,
    means: [f64; LENGTHS.len()],
    depths: [Option<f64>; LENGTHS.len()],
}

impl Seen {
    /// Depth of the value alone, or together with those before it where that says more; `None` while the deviations alone have none. A
    /// value that stands alone must not lift those behind it above others that do.
    pub(super) fn depth(&self) -> Option<f64> {
        let alone = self.depths[0]?;
        let sum: f64 = self.depths[1..].iter().flatten().sum();
        Some(alone.max(TOGETHER * sum / (LENGTHS.len() - 1) as f64))
    }
}

impl Deviations {
    pub(super) fn new() -> Self {
        Self {
            level: 0.0,
            last: vec![0.0; LONGEST],
            next: 0,
            count: 0,
            means: vec![Mean::default(); LENGTHS.len()],
        }
    }

    /// Looks at a value less its season.
    pub(super) fn see(&self, value: f64) -> Seen {
        let level = if self.count == 0 { value } else { self.level };
        let deviation = value - level;
        let means = self.means_with(deviation);
        let mut depths = [None; LENGTHS.len()];
        for ((depth, mean), x) in depths.iter_mut().zip(&self.means).zip(means) {
            *depth = mean
                .distance(x)
                .and_then(|distance| mean.scale.depth(distance));
        }
        Seen {
            deviation,
            means,
            depths,
        }
    }

    /// Means of the last deviations, `newest` with them; of fewer where fewer are there.
    fn means_with(&self, newest: f64) -> [f64; LENGTHS.len()] {
        let mut means = [newest; LENGTHS.len()];
        let (mut sum, mut from) = (newest, 0);
        let held = self.count.min(LONGEST as u64 - 1) as usize;
        let last = self.newest_first();
        for (mean, length) in means.iter_mut().zip(LENGTHS).skip(1) {
            let to = (length - 1).min(held);
            sum += last[from..to].iter().sum::<f64>();
            from = to;
            *mean = sum / (to + 1) as f64;
        }
        means
    }

    /// The deviation `back` before the newest one held.
    pub(super) fn back(&self, back: usize) -> f64 {
        self.last[(self.next as usize + LONGEST - 1 - back) % LONGEST]
    }

    /// The deviations held, the newest first.
    fn newest_first(&self) -> [f64; LONGEST] {
        let mut all = [0.0; LONGEST];
        // Round the ring by its two halves: a place that goes round by itself is worked out for each value.
        let (newer, older) = self.last.split_at(self.next as usize);
        let (to_newer, to_older) = all.split_at_mut(newer.len());
        for (to, from) in to_newer.iter_mut().zip(newer.iter().rev()) {
            *to = *from;
        }
        for (to, from) in to_older.iter_mut().zip(older.iter().rev()) {
            *to = *from;
        }
        all
    }

    /// Takes in what was seen.
    pub(super) fn learn(&mut self, value: f64, seen: &Seen) {
        if self.count == 0 {
            self.level = value;
        }
        let rows = (self.count + 1).min(LEVEL_ROWS) as f64;
        let spread = &self.means[0].moments;
        let step = if spread.count() < WARM_UP {
            seen.deviation
        } else {
            let most = CLIP * spread.deviation();
            seen.deviation.clamp(-most, most)
        };
        self.level += step / rows;
        for ((mean, x), depth) in self.means.iter_mut().zip(seen.means).zip(seen.depths) {
            mean.learn(x, depth);
        }
        self.remember(self.bounded(seen.deviation));
    }

    /// Remembers that a value came as if it had been like those before it: what was told already must not fill the means of the rows
    /// behind it. On a trend all values are off the level by about as much, and it goes on.
    pub(super) fn pass(&mut self) {
        let held = self.count.min(LIKE_ROWS) as usize;
        let usual = self.newest_first()[..held].iter().sum::<f64>() / held.max(1) as f64;
        self.level += usual / (self.count + 1).min(LEVEL_ROWS) as f64;
        self.remember(usual);
    }

    fn remember(&mut self, deviation: f64) {
        self.last[self.next as usize] = deviation;
        self.next = (self.next + 1) % LONGEST as u32;
        self.count += 1;
    }

    /// A deviation as it is remembered: one absurd value must not fill all means for as long as it is in them.
    pub(super) fn bounded(&self, deviation: f64) -> f64 {
        let spread = &self.means[0].moments;
        if spread.count() < WARM_UP {
            return deviation;
        }
        let most = REMEMBERED * spread.deviation();
        deviation.clamp(-most, most)
    }

    /// What is usual of the value less its season; `None` while nothing is known.
    pub(super) fn expected(&self) -> Option<Expected> {
        let moments = &self.means[0].moments;
        (moments.count() >= WARM_UP)
            .then(|| Expected::around(self.level + moments.mean(), moments.deviation()))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let scales = self.means.iter().map(|mean| mean.scale.heap_bytes());
        self.last.capacity() * size_of::<f64>()
            + self.means.capacity() * size_of::<Mean>()
            + scales.sum::<usize>()
    }

    pub(super) fn is_sound(&self) -> bool {
        self.last.len() == LONGEST
            && (self.next as usize) < LONGEST
            && self.means.len() == LENGTHS.len()
            && self.level.is_finite()
            && self.last.iter().all(|x| x.is_finite())
            && self.means.iter().all(|mean| mean.scale.is_sound())
    }
}

impl Mean {
    /// Distance from the usual in standard deviations.
    fn distance(&self, x: f64) -> Option<f64> {
        let moments = &self.moments;
        (moments.count() >= WARM_UP).then(|| (x - moments.mean()).abs() / moments.deviation())
    }

    fn learn(&mut self, x: f64, depth: Option<f64>) {
        let Some(distance) = self.distance(x) else {
            self.moments.push(x, SPREAD_ROWS);
            return;
        };
        self.scale.learn(distance, depth);
        let most = CLIP * self.moments.deviation();
        let mean = self.moments.mean();
        self.moments
            .push(mean + (x - mean).clamp(-most, most), SPREAD_ROWS);
    }
}
