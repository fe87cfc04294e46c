use libm::log10;
use serde::{Deserialize, Serialize};

use crate::statistics::{ParetoTail, UpperDigest};

/// Turns a detector's scores into the one scale of all kinds: how rare is a score this strange in this series?
///
/// The answer is a depth L = −log10 p, where p is the share of the series' recent normal scores at least as strange:
/// counted from a digest of them where there are enough, and from a generalised Pareto tail beyond. L rises strictly
/// with the score above the middle of the data.
///
/// Cost: two binary searches and one logarithm a score; a merge of some 100 numbers every 32 scores. Memory below 1 KiB.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibrator {
    digest: UpperDigest,
    tail: Option<ParetoTail>,
}

/// About how many scores "recent" means.
pub const HORIZON: u32 = 2_048;
/// Scores that must have been seen before p means anything.
pub const WARM_UP: u64 = 20;
/// The tail begins where this many recent scores lie above: fewer are too few to count.
const TAIL_WEIGHT: f64 = 10.0;
/// Share of the recent scores that the tail is fitted to.
const FITTED_SHARE: f64 = 0.1;

impl Calibrator {
    /// Depth L of `score`, 0 or more; `None` while too few scores have been seen.
    pub fn depth(&self, score: f64) -> Option<f64> {
        let tail = self.tail.filter(|_| self.digest.seen() >= WARM_UP)?;
        // A score that ties with the tail's first one is counted with it.
        if UpperDigest::is_beyond(score, tail.start()) {
            return Some(tail.depth_at(score));
        }
        Some(-log10(self.digest.share_above(score)) + 0.0)
    }

    /// Whether a score has a depth.
    pub fn is_warm(&self) -> bool {
        self.tail.is_some() && self.digest.seen() >= WARM_UP
    }

    /// The score from which on depths are at least `depth`; `None` while too few have been seen.
    pub fn score_at(&self, depth: f64) -> Option<f64> {
        let tail = self.tail.filter(|_| self.digest.seen() >= WARM_UP)?;
        let within = self.digest.value_with(libm::pow(10.0, -depth));
        Some(match within {
            Some(score) if score <= tail.start() => score,
            // What ties with the start is more than was asked for.
            _ => tail
                .value_at(depth)
                .max(f64::from((tail.start() as f32).next_up())),
        })
    }

    /// Takes in the score of a row that was taken for normal.
    pub fn learn(&mut self, score: f64) {
        if self.digest.push(score, HORIZON) {
            self.fit_tail();
        }
    }

    fn fit_tail(&mut self) {
        let weight = self.digest.weight();
        let tail_weight = TAIL_WEIGHT.min(weight * 0.15);
        let fitted = (weight * FITTED_SHARE).max(TAIL_WEIGHT);
        let Some((start, own, above)) = self
            .digest
            .iter()
            .find(|(_, own, above)| own + above >= tail_weight)
        else {
            return;
        };
        let depth = -log10((above + UpperDigest::spread(own, above) + 1.0) / (weight + 1.0));
        let beyond = self
            .digest
            .iter()
            .take_while(|(_, _, above)| *above < fitted);
        let level = beyond.clone().last().map_or(start, |(value, _, _)| value);
        let exceedances = beyond
            .map(|(value, own, _)| (value, own))
            .filter(|(value, _)| *value > level);
        self.tail = Some(ParetoTail::fit(level, exceedances, start, depth));
    }

    /// Scores taken in so far.
    pub fn seen(&self) -> u64 {
        self.digest.seen()
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.digest.heap_bytes()
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.digest.is_sound()
    }
}

/// `anomaly_score` of a depth: L / (1 + L), in 0..1.
pub fn anomaly_score(depth: f64) -> f64 {
    depth / (1.0 + depth)
}

/// Depth of an `anomaly_score`.
pub fn depth_of(anomaly_score: f64) -> f64 {
    anomaly_score / (1.0 - anomaly_score)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn normal(random: &mut Random) -> f64 {
        // Box and Muller 1958.
        (-2.0 * libm::log(1.0 - random.unit())).sqrt()
            * libm::cos(std::f64::consts::TAU * random.unit())
    }

    fn warm(n: usize, seed: u64) -> (Calibrator, Random) {
        let mut random = Random::new(seed);
        let mut calibrator = Calibrator::default();
        (0..n).for_each(|_| calibrator.learn(normal(&mut random).abs()));
        (calibrator, random)
    }

    #[test]
    fn flags_are_as_rare_as_they_say() {
        // Pooled over series: the share of fresh scores with p at most c is about c.
        for c in [0.1, 0.01, 0.005, 0.001] {
            let mut flagged = 0;
            let (series, each) = (40, 2_000);
            for seed in 0..series {
                let (calibrator, mut random) = warm(2_000, seed);
                flagged += (0..each)
                    .filter(|_| {
                        calibrator.depth(normal(&mut random).abs()).expect("warm") >= -log10(c)
                    })
                    .count();
            }
            let share = flagged as f64 / (series * each) as f64;
            assert!(
                (0.6..1.5).contains(&(share / c)),
                "asked {c}, flagged {share}"
            );
        }
    }

    #[test]
    fn a_short_history_does_not_claim_much() {
        let (calibrator, _) = warm(30, 3);
        let depth = calibrator.depth(4.0).expect("warm");
        assert!((1.3..4.0).contains(&depth), "{depth}");
    }

    #[test]
    fn depth_rises_strictly_beyond_the_middle() {
        for n in [20, 50, 333, 5_000] {
            let (calibrator, _) = warm(n, n as u64);
            let depths: Vec<f64> = (0..2_000)
                .map(|i| calibrator.depth(0.8 + f64::from(i) / 100.0).expect("warm"))
                .collect();
            assert!(depths.windows(2).all(|pair| pair[0] < pair[1]), "after {n}");
        }
    }

    #[test]
    fn the_ends_of_the_scale() {
        assert_eq!(Calibrator::default().depth(1.0), None);
        let (calibrator, _) = warm(500, 5);
        assert_eq!(calibrator.depth(-1.0), Some(0.0));
        let far = anomaly_score(calibrator.depth(1e100).expect("warm"));
        assert!(far < 1.0 && far > 0.9, "{far}");
        assert!((depth_of(anomaly_score(2.3)) - 2.3).abs() < 1e-12);
    }

    #[test]
    fn a_constant_series_stays_normal_and_a_change_of_it_is_rare() {
        // Of 0.7 the digest holds a little less, of 0.1 a little more.
        for score in [0.0, 0.1, 0.7] {
            let mut calibrator = Calibrator::default();
            (0..1_000).for_each(|_| calibrator.learn(score));
            assert_eq!(calibrator.depth(score), Some(0.0), "{score}");
            assert!(calibrator.depth(5.0).expect("warm") > 3.0);
        }
    }
}
