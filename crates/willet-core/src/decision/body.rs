//! How rare a score would be were all rows like most of them.

use libm::{log, log10, pow};
use serde::{Deserialize, Serialize};

use super::Calibrator;

/// The tail of normal scores, foretold from where most scores are.
///
/// Counting says how rare a score is among all rows, and anomalies are among them: the rarest hundredth of a series that has a
/// hundredth of anomalies is not rare by chance. So the tail is carried on from the half, the quarter and the last share that anomalies
/// do not reach, as L = L½ + (L¼ − L½) tᵏ with t in units of the distance from the half to the quarter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Body {
    half: f64,
    unit: f64,
    exponent: f64,
}

/// Shares of normal rows at least as strange as the first two points.
const SHARES: (f64, f64) = (0.5, 0.25);
/// −log10 of the first, and log10 of the first over the second.
const DEPTH_OF_HALF: f64 = std::f64::consts::LOG10_2;
const STEP: f64 = std::f64::consts::LOG10_2;
/// The third: as far out as anomalies leave the tail to the others.
const OUT: f64 = 0.03;
const TIMES_ANOMALIES: f64 = 2.5;
/// Between heavy tails and those of a normal distribution.
const EXPONENTS: (f64, f64) = (0.5, 2.0);

impl Body {
    /// The body of scores of which `anomalies` are a share.
    pub(super) fn of(scores: &Calibrator, anomalies: f64) -> Option<Self> {
        let out = OUT.max(TIMES_ANOMALIES * anomalies).min(0.2);
        // Anomalies lie above all of these points.
        let at = |share: f64| scores.score_at(-log10(share * (1.0 - anomalies) + anomalies));
        let (half, quarter, far) = (at(SHARES.0)?, at(SHARES.1)?, at(out)?);
        let unit = quarter - half;
        if unit <= 0.0 || far <= quarter {
            return None;
        }
        let exponent = log(log10(SHARES.0 / out) / STEP) / log((far - half) / unit);
        Some(Self {
            half,
            unit,
            exponent: exponent.clamp(EXPONENTS.0, EXPONENTS.1),
        })
    }

    /// −log10 of the share of normal rows at least as strange.
    pub(super) fn depth(&self, score: f64) -> f64 {
        let t = ((score - self.half) / self.unit).max(0.0);
        // Half of all rows lie below the half, and their power is known.
        let power = if t == 0.0 { 0.0 } else { pow(t, self.exponent) };
        DEPTH_OF_HALF + STEP * power
    }

    /// Whether it is of a rising tail; state that came from outside is checked with this.
    pub(super) fn is_sound(&self) -> bool {
        self.half.is_finite()
            && self.unit > 0.0
            && (EXPONENTS.0..=EXPONENTS.1).contains(&self.exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Scores of rows, a share of them anomalies far above.
    fn scores(share: f64, one: impl Fn(&mut Random) -> f64) -> Calibrator {
        let mut random = Random::new(5);
        let mut scores = Calibrator::default();
        for _ in 0..20_000 {
            let is_anomaly = random.unit() < share;
            let score = if is_anomaly {
                8.0 + random.unit()
            } else {
                one(&mut random)
            };
            scores.learn(score);
        }
        scores
    }

    fn exponential(random: &mut Random) -> f64 {
        -libm::log(1.0 - random.unit())
    }

    #[test]
    fn the_tail_is_that_of_the_normal_rows_also_with_anomalies_among_them() {
        for share in [0.0, 0.01, 0.03] {
            let body = Body::of(&scores(share, exponential), share).expect("it has a tail");
            assert!(body.is_sound());
            for score in [2.0, 4.0, 7.0] {
                let true_depth = score / std::f64::consts::LN_10;
                let found = body.depth(score);
                assert!(
                    (found / true_depth - 1.0).abs() < 0.2,
                    "{share}: {found}, {true_depth}"
                );
            }
            assert!(
                (body.depth(0.0) - log10(2.0)).abs() < 1e-9,
                "half of them are above"
            );
        }
        let normal = scores(0.0, |random| {
            let sum: f64 = (0..12).map(|_| random.unit()).sum();
            (sum - 6.0).abs()
        });
        // Of 3 and 4 standard deviations, either way.
        let body = Body::of(&normal, 0.0).expect("it has a tail");
        for (score, depth) in [(3.0, 2.57), (4.0, 4.2)] {
            assert!(
                (body.depth(score) / depth - 1.0).abs() < 0.15,
                "{}",
                body.depth(score)
            );
        }
    }

    #[test]
    fn constants_are_what_they_stand_for() {
        assert_eq!(DEPTH_OF_HALF.to_bits(), (-log10(SHARES.0)).to_bits());
        assert_eq!(STEP.to_bits(), log10(SHARES.0 / SHARES.1).to_bits());
        // What is left out of a power.
        for exponent in [EXPONENTS.0, 1.0, EXPONENTS.1] {
            assert_eq!(pow(0.0, exponent).to_bits(), 0.0_f64.to_bits());
        }
    }

    #[test]
    fn scores_that_are_all_one_foretell_nothing() {
        assert_eq!(Body::of(&scores(0.0, |_| 1.0), 0.0), None);
    }
}
