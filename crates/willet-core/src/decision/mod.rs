//! From scores to yes or no: calibration to one scale, threshold, guard, confidence.

mod calibration;
mod counterfactual;
mod policy;
mod scale;

pub use calibration::{Calibrator, HORIZON, WARM_UP, anomaly_score, depth_of};
pub use counterfactual::counterfactual;
pub use policy::{DecisionConfig, Direction, Policy, Threshold};
pub use scale::Scale;

use libm::exp;
use serde::{Deserialize, Serialize};

/// What one series remembers for its decisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    calibrator: Calibrator,
    /// Scores over the threshold in a row.
    consecutive: u32,
    /// Rows held back by the learning guard, less those that were normal since.
    held: u32,
    /// How much the default threshold is raised to keep flags within their share.
    raised: f64,
}

/// The decision on one score.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Judgement {
    /// −log10 of the share of normal scores at least as strange.
    pub depth: f64,
    /// Depth from which on a score is an anomaly.
    pub threshold: f64,
    /// Whether the score is over the threshold often enough in a row; direction and ignore bands not yet applied.
    pub is_over: bool,
    /// Whether this row should be learned: it is normal enough, or has lasted.
    pub learn: bool,
}

/// From this depth (1 in 10,000) a row is held back from learning ...
const GUARD_DEPTH: f64 = 4.0;
/// ... until this many were held back: what lasts longer is the new normal.
const GUARD_ROWS: u32 = 25;
/// The default threshold rises by this for a flag, and sinks back at a pace that keeps flags at their share in the
/// long run (adaptive conformal inference: Gibbs, Candès, `NeurIPS` 2021, with a floor).
const RAISE: f64 = 2.0;

impl Decision {
    /// Judges a score; `None` while the series warms up. Call [`Decision::learn`] after.
    pub fn judge(&mut self, score: f64, policy: &Policy) -> Option<Judgement> {
        let depth = self.depth(score, policy)?;
        let threshold = policy.depth() + self.raised;
        let is_beyond = depth >= threshold;
        self.consecutive = if is_beyond {
            self.consecutive.saturating_add(1)
        } else {
            0
        };
        let is_over = is_beyond && self.consecutive >= policy.consecutive();
        if policy.keeps_share() {
            let flagged = if is_over { 1.0 } else { 0.0 };
            self.raised = (self.raised + RAISE * (flagged - policy.share())).max(0.0);
        }
        let learn = self.guard(depth);
        Some(Judgement {
            depth,
            threshold,
            is_over,
            learn,
        })
    }

    /// The learning guard: a spike is not learned, a lasting change is, after a while.
    fn guard(&mut self, depth: f64) -> bool {
        if depth < GUARD_DEPTH {
            self.held = self.held.saturating_sub(1);
            return true;
        }
        if self.held < GUARD_ROWS {
            self.held += 1;
            return false;
        }
        true
    }

    /// Learns the score of a row that was learned by the detector.
    pub fn learn(&mut self, score: f64, policy: &Policy) {
        if !policy.takes_depths() {
            self.calibrator.learn(score);
        }
    }

    /// The depth of a score without judging it.
    pub fn depth(&self, score: f64, policy: &Policy) -> Option<f64> {
        if policy.takes_depths() {
            return Some(score);
        }
        self.calibrator.depth(score)
    }

    /// Starts the calibration anew, for a detector whose scores have another scale now.
    pub fn recalibrate(&mut self) {
        *self = Self::default();
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.calibrator.heap_bytes()
    }

    /// Whether the parts belong together; state that came from outside is checked with this.
    pub fn is_sound(&self) -> bool {
        self.calibrator.is_sound() && self.raised.is_finite() && self.raised >= 0.0
    }
}

/// Probability that `is_anomaly` is right, from the depth of the score and the share of anomalies expected.
///
/// The odds of an anomaly are the expected odds divided by the bound −e·p·ln p on the Bayes factor of a p-value.
///
/// # References
/// Sellke, Bayarri, Berger, "Calibration of p Values for Testing Precise Null Hypotheses", American Statistician 2001.
pub fn confidence(depth: f64, expected_share: f64, is_anomaly: bool) -> f64 {
    let nats = depth * std::f64::consts::LN_10;
    let bound = if nats > 1.0 {
        exp(1.0 - nats) * nats
    } else {
        1.0
    };
    let odds = expected_share / (1.0 - expected_share);
    let anomaly = odds / (odds + bound);
    if is_anomaly { anomaly } else { 1.0 - anomaly }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn run(
        policy: &Policy,
        scores: impl Iterator<Item = f64>,
    ) -> (Decision, Vec<Option<Judgement>>) {
        let mut decision = Decision::default();
        let judged = scores
            .map(|score| {
                let judgement = decision.judge(score, policy);
                if judgement.is_none_or(|judgement| judgement.learn) {
                    decision.learn(score, policy);
                }
                judgement
            })
            .collect();
        (decision, judged)
    }

    fn uniform(seed: u64, n: usize) -> impl Iterator<Item = f64> {
        let mut random = Random::new(seed);
        (0..n).map(move |_| random.unit())
    }

    #[test]
    fn the_default_keeps_flags_within_their_share_even_when_scores_grow() {
        let policy = Policy::default();
        // Scores whose level climbs without end: every one is rare against the past.
        let climbing = uniform(1, 20_000)
            .enumerate()
            .map(|(i, u)| u + i as f64 / 50.0);
        let (_, judged) = run(&policy, climbing);
        let flagged = judged
            .iter()
            .flatten()
            .filter(|judgement| judgement.is_over)
            .count();
        assert!(flagged <= 20_000 / 200 + 20, "{flagged}");
    }

    #[test]
    fn contamination_is_the_share_flagged() {
        for (c, range) in [(0.1, 0.08..0.12), (0.02, 0.014..0.027)] {
            let policy = Policy::try_from(&DecisionConfig {
                contamination: Some(c),
                ..Default::default()
            })
            .expect("valid");
            let (_, judged) = run(&policy, uniform(2, 20_000));
            let share = judged
                .iter()
                .flatten()
                .filter(|judgement| judgement.is_over)
                .count() as f64
                / 20_000.0;
            assert!(range.contains(&share), "asked {c}, flagged {share}");
        }
    }

    #[test]
    fn a_spike_is_not_learned_and_a_lasting_change_is() {
        let policy = Policy::default();
        let (mut decision, _) = run(&policy, uniform(3, 1_000));
        let spike = decision.judge(50.0, &policy).expect("warm");
        assert!(spike.is_over && !spike.learn);
        let mut learned = 0;
        for _ in 0..100 {
            let judgement = decision.judge(50.0, &policy).expect("warm");
            if judgement.learn {
                learned += 1;
                decision.learn(50.0, &policy);
            }
        }
        assert!((70..100).contains(&learned), "{learned}");
        assert!(decision.judge(50.0, &policy).expect("warm").depth < GUARD_DEPTH);
    }

    #[test]
    fn consecutive_scores_are_asked_for() {
        let config = DecisionConfig {
            consecutive: 3,
            contamination: Some(0.01),
            ..Default::default()
        };
        let policy = Policy::try_from(&config).expect("valid");
        let (mut decision, _) = run(&policy, uniform(4, 1_000));
        let over: Vec<bool> = (0..4)
            .map(|_| decision.judge(9.0, &policy).expect("warm").is_over)
            .collect();
        assert_eq!(over, [false, false, true, true]);
    }

    #[test]
    fn confidence_grows_with_depth() {
        let at = |depth, is_anomaly| confidence(depth, 0.005, is_anomaly);
        assert!(at(2.3, true) < 0.2 && at(8.0, true) > 0.99);
        assert!(at(0.1, false) > 0.99);
        assert!((at(3.0, true) + at(3.0, false) - 1.0).abs() < 1e-12);
    }
}
