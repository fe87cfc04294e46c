//! A time-decayed reservoir: which rows a tree holds.

use libm::{exp, log, log1p};

use crate::random::Random;

/// Keeps the samples of the least weights; the weight of a row is ln E − λt with E exponential, so that a newer row of the same E
/// has a smaller one.
///
/// # References
/// Efraimidis, Spirakis, "Weighted Random Sampling with a Reservoir", Information Processing Letters 2006; with decay: Cormode,
/// Shkapenyuk, Srivastava, Xu, "Forward Decay", ICDE 2009.
#[derive(Clone, Debug, Default)]
pub(super) struct Reservoir {
    weights: Vec<f32>,
    /// The largest weight of each [`GROUP`].
    largest: Vec<f32>,
    /// The sample to go next: the one of the largest weight, once there is no room.
    last: usize,
    /// e to that weight.
    limit: f64,
}

/// Samples whose largest weight is known.
const GROUP: usize = 16;

fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Time of a row, counted from where weights are counted from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// λt.
    decay: f64,
    /// Its exponential.
    growth: f64,
}

impl Moment {
    /// Decay after which weights are counted from a new time: they keep 20 bits after the point.
    const LONGEST: f64 = 16.0;

    pub(super) fn new(rows: u64, decay: f64) -> Self {
        let decay = rows as f64 * decay;
        Self {
            decay,
            growth: exp(decay),
        }
    }

    pub(super) fn is_long(self) -> bool {
        self.decay >= Self::LONGEST
    }
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Drawn {
    /// It is not taken.
    Passed,
    /// It is taken as a new sample.
    Added,
    /// It takes the place of this sample.
    Replaces(usize),
}

impl Reservoir {
    /// Draws whether a row is taken, and takes its weight in if it is.
    #[inline]
    pub(super) fn draw(&mut self, capacity: usize, now: Moment, random: &mut Random) -> Drawn {
        let unit = random.unit();
        let has_room = self.weights.len() < capacity;
        // E is -ln(1 - unit), which is more than `unit`: most rows need no logarithm.
        let limit = self.limit * now.growth;
        if !has_room && unit >= limit {
            return Drawn::Passed;
        }
        let exponential = -log1p(-unit);
        if !has_room && exponential >= limit {
            return Drawn::Passed;
        }
        let weight = (log(exponential.max(f64::MIN_POSITIVE)) - now.decay) as f32;
        if has_room {
            self.weights.reserve_exact(capacity - self.weights.len());
            self.weights.push(weight);
            if self.weights.len() == capacity {
                self.measure_all();
            }
            Drawn::Added
        } else {
            let replaced = self.last;
            self.weights[replaced] = weight;
            self.measure(replaced / GROUP);
            self.find_last();
            Drawn::Replaces(replaced)
        }
    }

    /// Counts weights from this moment on.
    pub(super) fn recount(&mut self, now: Moment) {
        for weight in &mut self.weights {
            *weight = (f64::from(*weight) + now.decay) as f32;
        }
        self.measure_all();
    }

    fn measure_all(&mut self) {
        let groups = self.weights.len().div_ceil(GROUP);
        self.largest.clear();
        self.largest.reserve_exact(groups);
        self.largest.resize(groups, f32::NEG_INFINITY);
        (0..groups).for_each(|group| self.measure(group));
        self.find_last();
    }

    fn measure(&mut self, group: usize) {
        let weights = self.weights[group * GROUP..].iter().take(GROUP);
        self.largest[group] = weights.copied().fold(f32::NEG_INFINITY, larger);
    }

    fn find_last(&mut self) {
        let largest = self.largest.iter().copied();
        let most = largest.fold(f32::NEG_INFINITY, larger);
        let is_most = |weight: &f32| *weight == most;
        let group = self.largest.iter().position(is_most).unwrap_or(0);
        let inside = self.weights[group * GROUP..].iter().position(is_most);
        self.last = group * GROUP + inside.unwrap_or(0);
        self.limit = exp(f64::from(most));
    }

    pub(super) fn weights(&self) -> &[f32] {
        &self.weights
    }

    pub(super) fn restore(weights: Vec<f32>) -> Self {
        let mut reservoir = Self {
            weights,
            ..Self::default()
        };
        reservoir.measure_all();
        reservoir
    }

    pub(super) fn heap_bytes(&self) -> usize {
        (self.weights.capacity() + self.largest.capacity()) * size_of::<f32>()
    }
}
