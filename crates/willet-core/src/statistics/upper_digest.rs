use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// A digest of recent values that is fine where it matters: in the upper tail.
///
/// A t-digest with one-sided scale: a centroid holds at most 15 % of the weight above it, so that the share
/// of values above any point is known to about that relative error, down to single values. Old weight fades, so that
/// the digest speaks of about the last `horizon` values.
///
/// Memory at most about 90 centroids of 8 bytes and a buffer of 32 values of 4 bytes.
///
/// # References
/// Dunning, Ertl, "Computing Extremely Accurate Quantiles Using t-Digests", 2019.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UpperDigest {
    /// Strangest first.
    centroids: Vec<Centroid>,
    buffer: Vec<f32>,
    seen: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Centroid {
    mean: f32,
    /// Weight of this and all stranger centroids.
    cumulated: f32,
}

/// Largest share of the weight above a centroid that the centroid itself may hold.
const RESOLUTION: f32 = 0.15;
/// Values gathered before a merge, once the digest is warm.
const BUFFER: usize = 32;
/// Centroids there are at most, in practice.
const CENTROIDS: usize = 128;

/// What is held of a value: finite values are bounded to what an f32 holds.
fn held(value: f64) -> f32 {
    value.clamp(-1e38, 1e38) as f32
}

/// As `f32::total_cmp` sorts, by whole numbers in the same order: these are compared without being made anew each time.
fn sort_descending(values: &mut [f32]) {
    // A negative number's other bits count the other way; its own inverse.
    let turned = |bits: i32| bits ^ (((bits >> 31).cast_unsigned() >> 1).cast_signed());
    let mut keys: SmallVec<[i32; BUFFER]> = values
        .iter()
        .map(|value| !turned(value.to_bits().cast_signed()))
        .collect();
    keys.sort_unstable();
    for (value, key) in values.iter_mut().zip(keys) {
        *value = f32::from_bits(turned(!key).cast_unsigned());
    }
}

impl UpperDigest {
    /// Takes in a value; returns whether the digest changed (it changes in batches once it is warm).
    pub fn push(&mut self, value: f64, horizon: u32) -> bool {
        self.buffer.push(held(value));
        self.seen += 1;
        if self.buffer.len() < (self.seen as usize / 4).clamp(1, BUFFER) {
            return false;
        }
        self.merge(horizon);
        true
    }

    fn merge(&mut self, horizon: u32) {
        let mut incoming = std::mem::take(&mut self.buffer);
        sort_descending(&mut incoming);
        let kept = 1.0 - incoming.len() as f32 / horizon as f32;
        let fade = if self.weight() as u32 + incoming.len() as u32 > horizon {
            kept
        } else {
            1.0
        };

        let old: SmallVec<[Centroid; CENTROIDS]> = SmallVec::from_slice(&self.centroids);
        let merged = &mut self.centroids;
        merged.clear();
        let (mut above, mut mean, mut weight) = (0.0_f32, 0.0_f32, 0.0_f32);
        // The most that a centroid may hold here.
        let mut most = 1.0_f32;
        let mut take = |next: f32, next_weight: f32| {
            let joined = weight + next_weight;
            if weight > 0.0 {
                if next == mean || joined <= most {
                    mean += (next - mean) * (next_weight / joined);
                    weight = joined;
                    return;
                }
                above += weight;
                most = (RESOLUTION * above).max(1.0);
                merged.push(Centroid {
                    mean,
                    cumulated: above,
                });
            }
            (mean, weight) = (next, next_weight);
        };
        // Behind the last one nothing is as large as a centroid.
        let new_at = |at: usize| incoming.get(at).copied().unwrap_or(f32::NEG_INFINITY);
        let (mut at, mut new, mut below) = (0, new_at(0), 0.0);
        for centroid in &old {
            while new >= centroid.mean {
                take(new, 1.0);
                at += 1;
                new = new_at(at);
            }
            take(centroid.mean, (centroid.cumulated - below) * fade);
            below = centroid.cumulated;
        }
        incoming[at..].iter().for_each(|value| take(*value, 1.0));
        above += weight;
        merged.push(Centroid {
            mean,
            cumulated: above,
        });
        incoming.clear();
        self.buffer = incoming;
    }

    /// Values ever taken in.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Weight of all merged values.
    pub fn weight(&self) -> f64 {
        self.centroids
            .last()
            .map_or(0.0, |last| f64::from(last.cumulated))
    }

    /// Share of the merged values at least as large as `value`, counted with the value itself: in 0..=1, never 0,
    /// falling strictly between the values of the digest; 1 at and below the smallest.
    pub fn share_above(&self, value: f64) -> f64 {
        let total = self.weight() + 1.0;
        // Between a value and what is held of it lies no mean. Where that is a mean the value is one of those in it.
        let rounded = held(value);
        let at = self
            .centroids
            .partition_point(|centroid| centroid.mean >= rounded);
        let is_of_it = at > 0 && self.centroids[at - 1].mean == rounded;
        let value = if is_of_it { f64::from(rounded) } else { value };
        let Some(below) = self.centroids.get(at) else {
            return 1.0;
        };
        let Some(index) = at.checked_sub(1) else {
            return 1.0 / total;
        };
        let above = self.centroids[index];
        let (x1, x0) = (f64::from(above.mean), f64::from(below.mean));
        let (c1, c0) = (f64::from(above.cumulated), f64::from(below.cumulated));
        let weight = c1 + Self::spread(c0 - c1, c1) * ((x1 - value) / (x1 - x0));
        (weight + 1.0) / total
    }

    /// The smallest value that no more than `share` of the merged values lie at or above, counted as
    /// [`UpperDigest::share_above`] does; `None` where that is beyond the largest of them.
    pub fn value_with(&self, share: f64) -> Option<f64> {
        let weight = share * (self.weight() + 1.0) - 1.0;
        let at = self
            .centroids
            .partition_point(|centroid| f64::from(centroid.cumulated) <= weight);
        let Some(below) = self.centroids.get(at) else {
            return self.centroids.last().map(|last| f64::from(last.mean));
        };
        let above = self.centroids[at.checked_sub(1)?];
        let (x1, x0) = (f64::from(above.mean), f64::from(below.mean));
        let (c1, c0) = (f64::from(above.cumulated), f64::from(below.cumulated));
        let part = (weight - c1) / Self::spread(c0 - c1, c1).max(1e-300);
        let value = x1 - part.clamp(0.0, 1.0) * (x1 - x0);
        Some(value.max(f64::from(below.mean.next_up())))
    }

    /// How much of a centroid's weight may lie above its mean: all of it, unless it is more than a merge would have
    /// gathered. Such a centroid is one value many times over, and what lies above it is rarer than it is.
    pub fn spread(own: f64, above: f64) -> f64 {
        own.min((f64::from(RESOLUTION) * above).max(1.0))
    }

    /// The centroids, strangest first, as (mean, own weight, weight of all stranger ones).
    pub fn iter(&self) -> impl Iterator<Item = (f64, f64, f64)> + Clone {
        let mut above = 0.0;
        self.centroids.iter().map(move |centroid| {
            let (before, cumulated) = (above, f64::from(centroid.cumulated));
            above = cumulated;
            (f64::from(centroid.mean), cumulated - before, before)
        })
    }

    /// Whether `value` is larger than `mean`, which a centroid has, by more than what is lost of a value that is taken in.
    pub fn is_beyond(value: f64, mean: f64) -> bool {
        f64::from(held(value)) > mean
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.centroids.capacity() * size_of::<Centroid>()
            + self.buffer.capacity() * size_of::<f32>()
    }

    /// Whether the parts belong together; state that came from outside is checked with this.
    pub(crate) fn is_sound(&self) -> bool {
        self.buffer.len() <= BUFFER
            && self.buffer.iter().all(|x| x.is_finite())
            && self
                .centroids
                .iter()
                .all(|c| c.mean.is_finite() && c.cumulated.is_finite() && c.cumulated > 0.0)
            && self
                .centroids
                .windows(2)
                .all(|pair| pair[0].mean > pair[1].mean && pair[0].cumulated <= pair[1].cumulated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn shares_are_right_within_a_fifth_down_to_one_in_a_hundred() {
        let mut random = Random::new(7);
        let mut digest = UpperDigest::default();
        let values: Vec<f64> = (0..3_200).map(|_| random.unit()).collect();
        values
            .iter()
            .for_each(|&value| _ = digest.push(value, 100_000));
        for share in [0.9, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01] {
            let point = 1.0 - share;
            let exact =
                values.iter().filter(|value| **value >= point).count() as f64 / values.len() as f64;
            let found = digest.share_above(point);
            assert!((found / exact - 1.0).abs() < 0.2, "{found} for {exact}");
        }
        assert!(digest.centroids.len() < 90, "{}", digest.centroids.len());
    }

    #[test]
    fn values_are_sorted_as_floats_are() {
        let mut random = Random::new(3);
        let special = [0.0, -0.0, 1e38, -1e38, f32::MIN_POSITIVE, -1e-45, 1e-45];
        for count in 0..40 {
            let mut values: Vec<f32> = (0..count)
                .map(|_| match random.below(20) {
                    at if at < special.len() => special[at],
                    _ => (random.unit() * 20.0 - 10.0) as f32,
                })
                .collect();
            let mut expected = values.clone();
            expected.sort_by(|a, b| b.total_cmp(a));
            sort_descending(&mut values);
            let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&values), bits(&expected));
        }
    }

    #[test]
    fn equal_values_are_one_centroid_and_stay_normal() {
        let mut digest = UpperDigest::default();
        (0..10_000).for_each(|_| _ = digest.push(3.0, 2_000));
        assert_eq!(digest.centroids.len(), 1);
        assert_eq!(digest.share_above(3.0), 1.0);
        assert!(digest.share_above(3.1) < 0.001);
        assert!(digest.weight() <= 2_001.0, "{}", digest.weight());
    }

    #[test]
    fn a_value_ties_with_what_is_held_of_it() {
        for value in [0.1_f64, 0.7, 1e300, -0.7, 1.0 / 3.0] {
            let mut digest = UpperDigest::default();
            (0..1_000).for_each(|i| _ = digest.push(f64::from(i % 10 - 20) * value.abs(), 2_000));
            (0..1_000).for_each(|_| _ = digest.push(value, 2_000));
            let share = digest.share_above(value);
            assert!((0.49..0.51).contains(&share), "{value}: {share}");
        }
    }

    #[test]
    fn old_values_fade() {
        let mut digest = UpperDigest::default();
        (0..2_000).for_each(|i| _ = digest.push(100.0 + f64::from(i % 10), 500));
        (0..5_000).for_each(|i| _ = digest.push(f64::from(i % 10), 500));
        assert!(
            digest.share_above(50.0) < 0.01,
            "{}",
            digest.share_above(50.0)
        );
        assert!(digest.is_sound());
    }

    #[test]
    fn a_larger_value_never_has_a_larger_share() {
        let mut random = Random::new(9);
        let mut digest = UpperDigest::default();
        (0..5_000).for_each(|_| _ = digest.push((random.unit() * 20.0).floor(), 1_000));
        let shares: Vec<f64> = (-10..300)
            .map(|i| digest.share_above(f64::from(i) / 10.0))
            .collect();
        assert!(shares.windows(2).all(|pair| pair[0] >= pair[1]));
    }
}
