use libm::expm1;
use serde::{Deserialize, Serialize};

use super::history::{BLOCK, Scale, Workspace};

/// Scales at which batches are compared: blocks of 8, 16, ... 1,024 values.
const SCALES: usize = 8;
/// Batches whose differences count: older ones fade.
const MEMORY: u32 = 256;
/// Blocks whose moments count: older ones fade.
const LONG_MEMORY: u32 = 1_024;
/// Differences and blocks that still count after a drift.
const KEPT: u32 = 32;
/// A squared difference counts as at most so many times what is usual: the change that is looked for must not hide itself.
const CLIP: f32 = 6.0;
/// A block's mean square counts as at most so many times the usual one: rare values are usual, a new constant is not.
const RARE: f32 = 20.0;
/// What is usual before anything was seen, for a single difference: a channel that never moved is not sure of it.
const FIRST_GUESS: f32 = 0.25;
/// Kendall's and the ranks' saturation make an autoregression less certain than its number of values says, by about this much.
const LESS_CERTAIN: f64 = 0.5;
/// How far an autoregression must stand out of its own noise to be believed, in standard deviations.
const AUTOREGRESSION_DOUBT: f64 = 0.7;

/// How much means of some channels move without drift: their long-run variances (the spectral density at frequency zero).
///
/// Two estimates, of which the larger is taken, each less its own noise. An autoregression of order 1 knows early, from neighbouring values.
/// Differences of neighbouring batches of 8, 16, ... values know whatever the likeness is like, from a dozen batches of that length on: the
/// variance rises with the scale until batches are longer than the likeness.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Movement {
    /// The value before, and sums over the block: of squares, and of squared steps from value to value.
    before: Vec<f32>,
    squares: Vec<f32>,
    steps: Vec<f32>,
    /// Sums of the block's first half.
    half: Vec<f32>,
    /// For each channel the mean, the mean square and the mean squared step, over `weight` blocks.
    moments: Vec<[f32; 3]>,
    weight: u32,
    /// Batches of each scale since the last drift, and for each channel the last one's sum.
    batches: [u32; SCALES],
    last: Vec<f32>,
    /// Differences seen at half a block, a block and each scale above, and for each channel what is usual there. A drift leaves
    /// them: how alike neighbours are seldom changes with it, and a series that often shifts shows here that it does.
    seen: [u32; SCALES + 1],
    usual: Vec<f32>,
}

/// What a channel's means may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    /// Variance of a mean of n values, times n.
    pub(super) long_run: f64,
    /// Variance of a value.
    pub(super) variance: f64,
    /// Squared deviations that are too many: wider where little was seen, as Student's t.
    pub(super) limit: f64,
}

/// An estimate of a long-run variance.
struct Estimate {
    /// The estimate less its doubt: the largest is taken.
    sure: f64,
    long_run: f64,
    limit: f64,
}

/// The bound of Student's t for the normal bound at so many degrees of freedom (Wallace 1959).
fn student(bound: f64, freedom: f64) -> f64 {
    freedom * expm1((bound / freedom).min(50.0))
}

impl Movement {
    pub(super) fn new(channels: usize) -> Self {
        Self {
            before: vec![0.0; channels],
            squares: vec![0.0; channels],
            steps: vec![0.0; channels],
            half: vec![0.0; channels],
            moments: vec![[0.0; 3]; channels],
            weight: 0,
            batches: [0; SCALES],
            last: Vec::new(),
            seen: [0; SCALES + 1],
            usual: vec![FIRST_GUESS; channels],
        }
    }

    fn width(&self) -> usize {
        self.before.len()
    }

    /// Forgets what came, but not how alike neighbours were.
    pub(super) fn begin_anew(&mut self) {
        self.before.fill(0.0);
        self.squares.fill(0.0);
        self.steps.fill(0.0);
        self.batches = [0; SCALES];
        self.last.clear();
        self.weight = self.weight.min(KEPT);
        self.seen
            .iter_mut()
            .for_each(|seen| *seen = (*seen).min(KEPT));
    }

    /// Takes in a value of each channel.
    pub(super) fn push(&mut self, values: &[f32]) {
        let sums = self.squares.iter_mut().zip(&mut self.steps);
        for ((x, before), (square, steps)) in values.iter().zip(&mut self.before).zip(sums) {
            let step = x - *before;
            *square += x * x;
            *steps += step * step;
            *before = *x;
        }
    }

    /// Takes in the sums of half a block.
    pub(super) fn push_half(&mut self, sums: &[f32]) {
        self.half.copy_from_slice(sums);
    }

    /// Takes in the sums of a full block.
    pub(super) fn push_block(&mut self, sums: &[f32], space: &mut Workspace) {
        let per_value = 1.0 / BLOCK as f32;
        let share = 1.0 / (self.weight + 1) as f32;
        for (channel, moments) in self.moments.iter_mut().enumerate() {
            let seen = [sums[channel], self.squares[channel], self.steps[channel]];
            // Once something is known a block that is far from it counts in part only.
            let most = RARE * (moments[1] + FIRST_GUESS * share) * BLOCK as f32;
            let part = if self.weight > 8 {
                most / seen[1].max(most)
            } else {
                1.0
            };
            for (mean, sum) in moments.iter_mut().zip(seen) {
                *mean += share * (part * sum * per_value - *mean);
            }
        }
        self.weight = (self.weight + 1).min(LONG_MEMORY);
        self.squares.fill(0.0);
        self.steps.fill(0.0);
        let share = 1.0 / (self.seen[0] + 1) as f32;
        for ((half, sum), usual) in self.half.iter().zip(sums).zip(&mut self.usual) {
            let apart = sum - 2.0 * half;
            *usual += share * (apart * apart * per_value - *usual);
        }
        self.seen[0] = (self.seen[0] + 1).min(MEMORY);
        space.batch.clear();
        space.batch.extend_from_slice(sums);
        self.compare(&mut space.batch);
    }

    /// Compares a batch with the one before it, at its scale and as half of one at the next.
    fn compare(&mut self, batch: &mut [f32]) {
        let width = self.width();
        for scale in 0..SCALES {
            let at = scale * width;
            if self.last.len() == at {
                self.last.reserve_exact(width);
                self.last.extend_from_slice(batch);
                self.batches[scale] = 1;
                if self.usual.len() == at + width {
                    // What is usual at the scale below is the first guess.
                    self.usual.reserve_exact(width);
                    self.usual.extend_from_within(at..);
                }
                return;
            }
            let is_pair = self.batches[scale] % 2 == 1;
            let seen = &mut self.seen[scale + 1];
            let per = 1.0 / (2.0 * (BLOCK << scale) as f32);
            let share = 1.0 / (*seen + 1) as f32;
            // The first differences say what is usual; later ones are measured by it.
            let clip = if scale > 0 || *seen > 16 {
                CLIP
            } else {
                f32::INFINITY
            };
            let usual = &mut self.usual[at + width..at + 2 * width];
            let last = &mut self.last[at..at + width];
            for ((sum, last), usual) in batch.iter_mut().zip(last).zip(usual) {
                let apart = *sum - *last;
                let square = apart * apart * per;
                let square = if clip.is_finite() {
                    square.min(clip * *usual)
                } else {
                    square
                };
                *usual += share * (square - *usual);
                let both = *sum + *last;
                *last = *sum;
                *sum = both;
            }
            *seen = (*seen + 1).min(MEMORY);
            self.batches[scale] = self.batches[scale].wrapping_add(1);
            if !is_pair {
                return;
            }
        }
    }

    /// What the channels may do where `bound` squared deviations of a normal variable are too many.
    pub(super) fn bounds(&self, bound: f64, scale: Scale, out: &mut Vec<Bound>) {
        // A rate's variance is known without an estimate, so a scale must be surer of itself to be larger than it.
        let doubt = match scale {
            Scale::Ranks => 1.0,
            Scale::Rates => 2.0,
        };
        let mut believed = [(0.0, f64::INFINITY); SCALES];
        let scales = (self.usual.len() / self.width()).saturating_sub(1);
        for (seen, believed) in self.seen[1..].iter().zip(&mut believed) {
            // Neighbouring differences share a batch: three of them tell as much as two.
            let freedom = f64::from(*seen) * (2.0 / 3.0);
            if freedom >= 3.0 {
                let belief = (1.0 - doubt * (2.0 / freedom).sqrt()).max(0.0);
                *believed = (belief, student(bound, freedom));
            }
        }
        out.clear();
        for channel in 0..self.width() {
            let [mean, square, _] = self.moments[channel].map(f64::from);
            let first = self.autoregression(channel, bound);
            let batches = (0..scales)
                .zip(&believed)
                .filter(|(_, (_, limit))| limit.is_finite());
            let best = batches.fold(first, |best, (scale, (belief, limit))| {
                let at = scale * self.width() + channel;
                let below = f64::from(self.usual[at]);
                let usual = f64::from(self.usual[at + self.width()]);
                // While it rises with the scale it has about as far to go as it has come: so it is of an autoregression.
                let rise = if below > 0.0 { usual / below } else { 1.0 };
                let long_run = usual * (1.0 + (rise - 1.0) * belief).clamp(1.0, 4.0);
                let sure = long_run * belief;
                if sure > best.sure {
                    Estimate {
                        sure,
                        long_run,
                        limit: *limit,
                    }
                } else {
                    best
                }
            });
            out.push(Bound {
                long_run: best.long_run.max(1e-9),
                variance: (square - mean * mean).max(1e-3),
                limit: best.limit,
            });
        }
    }

    /// Of an autoregression of order 1 with the channel's moments.
    fn autoregression(&self, channel: usize, bound: f64) -> Estimate {
        let [mean, square, step] = self.moments[channel].map(f64::from);
        let values = (f64::from(self.weight) * BLOCK as f64).max(1.0);
        // As if a little without likeness had been seen beside: a channel that never moved is not sure of it.
        let guess = f64::from(FIRST_GUESS) / values;
        let variance = (square - mean * mean).max(0.0) + guess;
        let likeness = (1.0 - (0.5 * step + guess) / variance).clamp(0.0, 1.0);
        // It is found too small by about this much (Kendall 1954).
        let likeness = (likeness + (1.0 + 3.0 * likeness) / values).min(0.9995);
        let ratio = (1.0 + likeness) / (1.0 - likeness);
        let freedom = (2.0 * LESS_CERTAIN * values / ratio).max(0.5);
        let belief = (1.0 - AUTOREGRESSION_DOUBT * (2.0 / freedom).sqrt()).max(0.05);
        Estimate {
            sure: variance * ratio * belief,
            long_run: variance * ratio,
            limit: student(bound, freedom),
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let numbers = [
            &self.before,
            &self.squares,
            &self.steps,
            &self.half,
            &self.last,
            &self.usual,
        ];
        let numbers: usize = numbers.iter().map(|numbers| numbers.capacity()).sum();
        numbers * size_of::<f32>() + self.moments.capacity() * size_of::<[f32; 3]>()
    }

    pub(super) fn is_sound(&self, channels: usize) -> bool {
        let each = [&self.before, &self.squares, &self.steps, &self.half];
        let finite = |numbers: &Vec<f32>| numbers.iter().all(|x| x.is_finite());
        let scales = |numbers: &Vec<f32>, most: usize| {
            numbers.len().is_multiple_of(channels) && numbers.len() <= most * channels
        };
        each.iter()
            .all(|part| part.len() == channels && finite(part))
            && self.moments.len() == channels
            && self.moments.iter().flatten().all(|x| x.is_finite())
            && self.weight <= LONG_MEMORY
            && self.seen.iter().all(|seen| *seen <= MEMORY)
            && finite(&self.last)
            && finite(&self.usual)
            && scales(&self.last, SCALES)
            && scales(&self.usual, SCALES + 1)
            && self.usual.len() >= self.last.len() + channels
            && self.usual.iter().all(|usual| *usual >= 0.0)
    }
}
