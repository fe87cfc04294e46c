//! From scores to yes or no: calibration to one scale, threshold, guard, confidence.

mod budget;
mod calendar;
mod calibration;
mod counterfactual;
mod course;
mod policy;
mod rate;
mod scale;
mod tally;

pub use calendar::{CalendarRule, Day};
pub use calibration::{Calibrator, HORIZON, WARM_UP, anomaly_score, depth_of};
pub use counterfactual::counterfactual;
pub use course::{AnomalyType, Course, Evidence};
pub use policy::{DataRange, DecisionConfig, Direction, Policy, Threshold};
pub use rate::Rate;
pub use scale::Scale;

use budget::Budget;
use serde::{Deserialize, Serialize};
use tally::{Tally, probability};

/// What one series remembers for its decisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    calibrator: Calibrator,
    /// Scores over the threshold in a row.
    consecutive: u32,
    /// Rows held back by the learning guard, less those that were normal since.
    held: u32,
    budget: Budget,
    tally: Tally,
}

/// A decision as it was saved before it kept rates and counted depths; frozen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecisionV1 {
    calibrator: Calibrator,
    consecutive: u32,
    held: u32,
    raised: f64,
}

impl From<DecisionV1> for Decision {
    fn from(state: DecisionV1) -> Self {
        Self {
            calibrator: state.calibrator,
            consecutive: state.consecutive,
            held: state.held,
            budget: Budget::raised(state.raised),
            tally: Tally::default(),
        }
    }
}

/// What else is known of a row when it is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    /// Event time in microseconds.
    pub time: Option<i64>,
    /// What speaks for an anomaly beside the score.
    pub beside: Beside,
}

/// What speaks for an anomaly beside the score.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Beside {
    /// Nothing.
    #[default]
    Nothing,
    /// As much as this depth would; see [`Evidence`].
    Depth(f64),
    /// A value that cannot be normal.
    OutOfRange,
}

/// The decision on one score.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Judgement {
    /// −log10 of the share of normal scores at least as strange.
    pub depth: f64,
    /// Depth from which on a score is an anomaly.
    pub threshold: f64,
    /// Whether the score is over the threshold often enough in a row; direction and ignore bands not yet applied
    /// ([`Decision::retract`]).
    pub is_over: bool,
    /// Whether this row should be learned: it is normal enough, or has lasted.
    pub learn: bool,
    /// Probability that the row is an anomaly.
    pub probability: f64,
}

impl Judgement {
    /// Probability that an answer is right.
    pub fn confidence(&self, is_anomaly: bool) -> f64 {
        if is_anomaly {
            self.probability
        } else {
            1.0 - self.probability
        }
    }
}

/// From this depth (1 in 10,000) a row is held back from learning ...
const GUARD_DEPTH: f64 = 4.0;
/// ... until this many were held back: what lasts longer is the new normal.
const GUARD_ROWS: u32 = 25;

impl Decision {
    /// Judges a score; `None` while the series warms up. Call [`Decision::learn`] after.
    pub fn judge(&mut self, score: f64, moment: Moment, policy: &Policy) -> Option<Judgement> {
        let gap = self.budget.pass(moment.time);
        let depth = self.depth(score, policy)?;
        let mut judgement = self.decide(depth, moment.beside, gap, policy);
        let is_possible = moment.beside != Beside::OutOfRange;
        judgement.learn = is_possible && self.guard(depth) && policy.learns();
        // A rate is one of all rows: what the guard holds back again and again must not stay endlessly rare.
        if is_possible && !judgement.learn && policy.learns() && policy.has_rate() {
            self.learn(score, policy);
        }
        Some(judgement)
    }

    /// Judges a row that has no score by what speaks for an anomaly beside; it is not to be learned.
    pub fn judge_scoreless(&mut self, moment: Moment, policy: &Policy) -> Judgement {
        let gap = self.budget.pass(moment.time);
        self.decide(0.0, moment.beside, gap, policy)
    }

    fn decide(&mut self, depth: f64, beside: Beside, gap: f64, policy: &Policy) -> Judgement {
        let threshold = self.budget.threshold(policy);
        self.consecutive = if depth >= threshold {
            self.consecutive.saturating_add(1)
        } else {
            0
        };
        let is_certain = beside == Beside::OutOfRange;
        // What speaks beside the score stands for several rows already.
        let (beside, depth) = match beside {
            Beside::Nothing => (false, depth),
            Beside::Depth(evidence) => (evidence >= threshold, depth.max(evidence)),
            Beside::OutOfRange => (true, depth.max(threshold)),
        };
        let has_lasted = self.consecutive > 0 && self.consecutive >= policy.consecutive();
        let is_over = (has_lasted || beside) && !policy.is_muted();
        // What is certain costs nothing: it does not come from the threshold, and could raise it without end.
        let flags = if is_over && !is_certain { 1.0 } else { 0.0 };
        self.budget.spend(policy, gap, flags);
        let admitted = self.tally.admitted(depth);
        self.tally.push(depth);
        Judgement {
            depth,
            threshold,
            is_over,
            learn: false,
            probability: if is_certain {
                1.0
            } else {
                probability(admitted, policy.share())
            },
        }
    }

    /// Takes back a flag that does not count: it was over the threshold, and its direction or an ignored band speaks
    /// against it.
    pub fn retract(&mut self, policy: &Policy) {
        self.budget.spend(policy, 0.0, -1.0);
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
        self.calibrator.is_sound() && self.budget.is_sound() && self.tally.is_sound()
    }
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
                let judgement = decision.judge(score, Moment::default(), policy);
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
        let spike = decision
            .judge(50.0, Moment::default(), &policy)
            .expect("warm");
        assert!(spike.is_over && !spike.learn);
        let mut learned = 0;
        for _ in 0..100 {
            let judgement = decision
                .judge(50.0, Moment::default(), &policy)
                .expect("warm");
            if judgement.learn {
                learned += 1;
                decision.learn(50.0, &policy);
            }
        }
        assert!((70..100).contains(&learned), "{learned}");
        assert!(
            decision
                .judge(50.0, Moment::default(), &policy)
                .expect("warm")
                .depth
                < GUARD_DEPTH
        );
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
            .map(|_| {
                decision
                    .judge(9.0, Moment::default(), &policy)
                    .expect("warm")
                    .is_over
            })
            .collect();
        assert_eq!(over, [false, false, true, true]);
    }

    #[test]
    fn a_rate_is_kept_whatever_the_scores_do() {
        let of = |rate: &str| {
            let config = DecisionConfig {
                rate: Some(rate.to_owned()),
                ..Default::default()
            };
            Policy::try_from(&config).expect("valid")
        };
        let flags = |policy: &Policy, scores: &mut dyn Iterator<Item = f64>, gap: i64| {
            let mut decision = Decision::default();
            let mut flags = 0;
            for (i, score) in scores.enumerate() {
                let moment = Moment {
                    time: Some(i as i64 * gap),
                    ..Default::default()
                };
                if let Some(judgement) = decision.judge(score, moment, policy) {
                    flags += u32::from(judgement.is_over);
                }
                decision.learn(score, policy);
            }
            assert!(decision.is_sound());
            flags
        };
        for seed in 0..10 {
            let still = &mut uniform(seed, 20_000);
            // 20,000 minutes are two weeks, less a little.
            for (rate, expected) in [("0.2 %", 40), ("20 a week", 40), ("1 per 100 rows", 200)] {
                let mut climbing = uniform(seed, 20_000)
                    .enumerate()
                    .map(|(i, u)| u + i as f64 / 500.0);
                let found = flags(&of(rate), &mut climbing, 60_000_000);
                assert!(found <= expected * 3 / 2, "{rate}: {found}");
                let found = flags(&of(rate), &mut uniform(seed, 20_000), 60_000_000);
                assert!(
                    (expected * 2 / 3..=expected * 3 / 2).contains(&found),
                    "{rate}: {found}"
                );
            }
            let found = flags(&of("0.2 %"), still, 0);
            assert!((27..=60).contains(&found), "without times: {found}");
        }
    }

    #[test]
    fn a_rate_is_kept_where_the_strangest_scores_tie() {
        let policy = |rate: &str, takes_depths| {
            let config = DecisionConfig {
                rate: Some(rate.to_owned()),
                ..Default::default()
            };
            let policy = Policy::try_from(&config).expect("valid");
            policy.of_depths(takes_depths)
        };
        for (rate, expected) in [("0.25 %", 50), ("1 %", 200)] {
            for share in [0.02, 0.08, 0.3] {
                // One value that comes often, far beyond all others; depths are bound to know no better.
                for (takes_depths, strange) in [(false, 50.0), (false, 0.7), (true, 40.0)] {
                    let mut scores =
                        uniform(7, 20_000).map(|u| if u < share { strange } else { u / 10.0 });
                    let policy = policy(rate, takes_depths);
                    let (_, judged) = run(&policy, &mut scores);
                    let flags = judged.iter().flatten().filter(|judged| judged.is_over);
                    let found = flags.count();
                    assert!(
                        found <= expected * 3 / 2,
                        "{rate}: {found} flags of {strange}, which is {share} of all"
                    );
                }
            }
        }
        // Depths that know no end: each is a thousand times rarer than any before.
        let policy = policy("0.25 %", true);
        let (_, judged) = run(&policy, (1..=20_000).map(|i| 3.0 * f64::from(i)));
        let at: Vec<usize> = (0..20_000)
            .filter(|i| judged[*i].is_some_and(|judged| judged.is_over))
            .collect();
        for (i, from) in at.iter().enumerate() {
            let asked = (at[at.len() - 1] - from) as f64 / 400.0;
            let found = at.len() - i;
            assert!(found as f64 <= asked + 14.0, "{found} flags from {from} on");
        }
    }

    #[test]
    fn a_short_burst_leaves_the_threshold_and_a_long_one_raises_it() {
        let policy = Policy::default();
        let (mut decision, _) = run(&policy, uniform(9, 3_000));
        let thresholds: Vec<f64> = (0..12)
            .map(|_| {
                decision
                    .judge(1e3, Moment::default(), &policy)
                    .expect("warm")
                    .threshold
            })
            .collect();
        assert!(
            thresholds[..4].iter().all(|at| *at == policy.depth()),
            "{thresholds:?}"
        );
        assert!(thresholds[11] > policy.depth() + 5.0, "{thresholds:?}");
    }

    #[test]
    fn what_is_certain_is_flagged_and_costs_nothing() {
        let policy = Policy::default();
        let (mut decision, _) = run(&policy, uniform(9, 3_000));
        let before = decision.budget.threshold(&policy);
        for _ in 0..100 {
            let moment = Moment {
                beside: Beside::OutOfRange,
                ..Default::default()
            };
            let judgement = decision.judge(0.5, moment, &policy).expect("warm");
            assert!(judgement.is_over && !judgement.learn && judgement.confidence(true) == 1.0);
        }
        assert_eq!(decision.budget.threshold(&policy), before);
    }
}
