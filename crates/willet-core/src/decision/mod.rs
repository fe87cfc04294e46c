//! From scores to yes or no: calibration to one scale, threshold, guard, confidence.

mod body;
mod budget;
mod calendar;
mod calibration;
mod counterfactual;
mod course;
mod extent;
mod former;
mod gaps;
mod guard;
mod lacks;
mod mixture;
mod places;
mod policy;
mod rate;
mod reach;
mod scale;

pub use calendar::{CalendarRule, Day};
pub use calibration::{Calibrator, HORIZON, WARM_UP, anomaly_score, depth_of};
pub use counterfactual::counterfactual;
pub use course::{AnomalyType, Course, Evidence};
pub use former::{DecisionV1, DecisionV2};
use policy::ANOMALOUS;
pub use policy::{DataRange, DecisionConfig, Direction, Policy, Threshold};
pub use rate::Rate;
pub use reach::{Far, Reach};
pub use scale::Scale;
use scale::Stretch;

use body::Body;
use budget::Budget;
use extent::{Extent, Least};
use gaps::Gaps;
pub use guard::Learning;
use guard::{Guard, STRANGE};
use lacks::Lacks;
use mixture::Mixture;
use places::Places;
use reach::WILD;
use serde::{Deserialize, Serialize};

use crate::detectors::LONGER;
use crate::statistics::robust;

/// What one series remembers for its decisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Scores of normal rows, and the first of them.
    normal: Calibrator,
    young: Vec<f64>,
    reach: Reach,
    /// How far scores reach.
    scores: Extent,
    guard: Guard,
    places: Places,
    stretch: Stretch,
    /// The tail of normal scores as most rows foretell it.
    body: Option<Body>,
    /// Depths of all rows.
    all: Calibrator,
    mixture: Mixture,
    budget: Budget,
    /// Rows over the threshold on end.
    consecutive: u32,
    /// Which seasons the reach of each value is of; see [`Detector::epochs`](crate::detectors::Detector::epochs).
    epochs: Vec<u64>,
    gaps: Gaps,
    /// Of those whose seasons let a value come early or late.
    lacks: Option<Box<Lacks>>,
}

/// What else is known of a row when it is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment<'a> {
    /// Event time in microseconds.
    pub time: Option<i64>,
    /// What speaks for an anomaly beside the score.
    pub beside: Beside,
    /// How far its values are off where they belong; empty where size says nothing.
    pub row: &'a [f64],
}

/// What speaks for an anomaly beside the score.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Beside {
    /// Nothing.
    #[default]
    Nothing,
    /// As much as this depth would; see [`Evidence`].
    Depth(f64),
    /// The same of what has lasted, if it still is strange.
    Lasting(f64),
    /// A value that cannot be normal.
    OutOfRange,
}

/// The decision on one score.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Judgement {
    /// How rare the row is: −log10 of the share of normal rows at least as strange, and more where it lies beyond all of them.
    pub depth: f64,
    /// Depth from which on a row is an anomaly.
    pub threshold: f64,
    /// Whether the row is over the threshold often enough in a row; direction and ignore bands not yet applied
    /// ([`Decision::retract`]).
    pub is_over: bool,
    /// Whether this row is taken for normal, and why.
    pub learning: Learning,
    /// Probability that the row did not come from what the series has been.
    pub probability: f64,
    /// How far the row lies beyond all before, where it does.
    pub far: Option<Far>,
    /// Depth of its score by itself, where it has one: what [`Decision::take`] asks for again.
    pub(crate) counted: Option<f64>,
}

impl Judgement {
    /// Whether the detector is to learn the row.
    pub fn learns(&self) -> bool {
        self.learning != Learning::Not
    }

    /// Probability that an answer is right.
    pub fn confidence(&self, is_anomaly: bool) -> f64 {
        if is_anomaly {
            self.probability
        } else {
            1.0 - self.probability
        }
    }
}

/// How much of what most rows foretell is believed: tails may be heavier than that.
const FORETOLD: f64 = 0.85;
/// Where the share of rows that are others is learned, what is foretold says so much more than what was counted: more would bear itself
/// out.
const FORESEEN: f64 = 0.5;
/// Rows after which it is looked again at what most of them foretell.
const LOOK_EVERY: u64 = 64;
/// Exponent with which two pieces of evidence for one thing are joined.
const JOINED: u8 = 8;
/// Depth that a score can have at most beyond that of the rarest of the rows it is compared with.
const BEYOND: f64 = 2.5;
/// Below this a score is that of one row in ten.
const COMMON: f64 = 1.0;
/// How far scores reach at least.
const OF_SCORES: Least = Least {
    of_slow: 0.25,
    step: 0.0,
};
/// A little less than log10 of 2.
const LESS_THAN_LOG_2: f64 = 0.301;
/// Margin from which on a row is clearly farther off than anything before, whatever the threshold is.
const CLEAR: f64 = 1.5;

impl Decision {
    /// Judges a score; `None` while the series warms up. Call [`Decision::take`] after.
    pub fn judge(&mut self, score: f64, moment: Moment<'_>, policy: &Policy) -> Option<Judgement> {
        let gap = self.budget.pass(moment.time);
        let counted = self.normal.depth(score)?;
        let rarity = self.rarity(counted, score, moment.row);
        let far = self.reach.far(moment.row);
        if self.all.seen().is_multiple_of(LOOK_EVERY) {
            self.body = Body::of(&self.normal, self.mixture.share(policy.share()));
        }
        let beyond = |body: Body| (body.depth(score) - rarity).max(0.0);
        let foretold = rarity + FORETOLD * self.body.map_or(0.0, beyond);
        let judgement = self.decide(rarity, foretold, far, moment, gap, policy);
        Some(Judgement {
            counted: Some(counted),
            ..judgement
        })
    }

    /// Judges a row that has no score by what speaks for an anomaly beside; it is not to be learned.
    pub fn judge_scoreless(&mut self, moment: Moment<'_>, policy: &Policy) -> Judgement {
        let gap = self.budget.pass(moment.time);
        let mut judgement = self.decide(0.0, 0.0, None, moment, gap, policy);
        judgement.learning = Learning::Not;
        judgement
    }

    /// Depth of a score among those of normal rows, `depth` by their count, with how far it lies beyond them. So many rows can say no more than that it is
    /// rarer than all of them, and a little beyond: the rest is a matter of values, and of more rows.
    fn rarity(&self, depth: f64, score: f64, row: &[f64]) -> f64 {
        // Where values are names rarity is all there is.
        if row.is_empty() {
            return depth;
        }
        let seen = self.normal.seen().min(u64::from(HORIZON));
        let margin = self.scores.margin_above(score, OF_SCORES);
        // The logarithm of what was seen is no less than that of the power of 2 below it; most scores are more frequent by far.
        let is_known = depth < LESS_THAN_LOG_2 * f64::from(seen.max(1).ilog2());
        let known = if is_known {
            depth
        } else {
            libm::log10(seen as f64)
        };
        let beyond = (depth - known).max(0.0) + reach::depth_of(margin);
        let within = depth.min(known);
        if beyond == 0.0 {
            return within + 0.0;
        }
        within + beyond / (1.0 + beyond / BEYOND)
    }

    fn decide(
        &mut self,
        rarity: f64,
        foretold: f64,
        far: Option<Far>,
        moment: Moment<'_>,
        gap: f64,
        policy: &Policy,
    ) -> Judgement {
        let own = self.join(rarity, far.as_ref());
        // What speaks beside the score stands for several rows already, and is told once by itself.
        let (beside, depth) = match moment.beside {
            Beside::Nothing => (false, own),
            Beside::Lasting(_) if own < ANOMALOUS => (false, own),
            Beside::Depth(evidence) | Beside::Lasting(evidence) => (true, own.max(evidence)),
            Beside::OutOfRange => (true, own.max(ANOMALOUS)),
        };
        let is_certain = moment.beside == Beside::OutOfRange;
        let threshold = self.threshold(policy);
        let is_clear = far.as_ref().is_some_and(|far| far.margin >= CLEAR) && own >= ANOMALOUS;
        let passage = self.guard.pass(own, is_clear, self.budget.rare(policy));
        let is_elsewhere = if own < STRANGE {
            self.places.leave();
            false
        } else {
            let reach = &self.reach;
            self.places
                .pass(moment.row, far.as_ref(), |feature, margin| {
                    reach.unit(moment.row, feature, margin)
                })
        };
        let is_news = passage.is_news || is_elsewhere;
        let is_told = is_news || !policy.is_default();
        let is_over = match policy.threshold() {
            Threshold::Default => own >= threshold || is_clear,
            Threshold::Contamination(_) | Threshold::Rate(_) => {
                own >= threshold || is_clear && is_news && self.budget.has_room(policy)
            }
            Threshold::AnomalyScore(_) => own >= threshold,
        };
        self.consecutive = if is_over {
            self.consecutive.saturating_add(1)
        } else {
            0
        };
        let has_lasted = self.consecutive > 0 && self.consecutive >= policy.consecutive();
        let has_beside = beside && depth >= threshold;
        let is_flagged = (has_lasted && is_told || has_beside || is_certain) && !policy.is_muted();
        if has_lasted && is_told || has_beside {
            self.guard.tell(depth);
        }
        // What is certain costs nothing: it does not come from the threshold, and could raise it without end.
        let flags = if is_flagged && !is_certain { 1.0 } else { 0.0 };
        self.budget.spend(policy, gap, flags);
        let foretold = self.join(foretold, far.as_ref()).max(depth);
        let probability = if is_certain {
            1.0
        } else {
            let share = policy.share();
            let probability = self.mixture.probability(foretold, depth, share);
            let learned = foretold.min(depth + FORESEEN);
            let of_learned = if learned == foretold {
                probability
            } else {
                self.mixture.probability(learned, depth, share)
            };
            self.mixture.push(learned, of_learned);
            // The rows of the level that it is apart from say nothing of it.
            if is_elsewhere && is_clear {
                Mixture::default().probability(foretold, depth, share)
            } else {
                probability
            }
        };
        self.all.learn(own);
        if passage.learning == Learning::Usual {
            self.reach.note(far.as_ref().filter(|_| rarity < COMMON));
        }
        Judgement {
            depth: if is_certain {
                depth.max(threshold)
            } else {
                depth
            },
            threshold,
            is_over: is_flagged,
            learning: if is_certain || !policy.learns() {
                Learning::Not
            } else {
                passage.learning
            },
            probability,
            far,
            counted: None,
        }
    }

    /// Rarity among normal rows and reach beyond them, as one depth: within what has been it is the rarity alone, beyond it rises with
    /// the distance without end.
    fn join(&self, rarity: f64, far: Option<&Far>) -> f64 {
        let Some(far) = far else { return rarity };
        // Where one of the two is much larger it counts alone, and the sum rises strictly with both.
        let sum = power(rarity, JOINED) + power(self.reach.depth(far), JOINED);
        libm::pow(sum, 1.0 / f64::from(JOINED))
    }

    /// Depth from which on a row is an anomaly now.
    fn threshold(&self, policy: &Policy) -> f64 {
        match policy.threshold() {
            Threshold::Default => self.budget.threshold(policy),
            Threshold::AnomalyScore(_) => policy.depth(),
            Threshold::Contamination(_) | Threshold::Rate(_) => {
                let depth = self.budget.threshold(policy);
                self.all.score_at(depth).unwrap_or(depth)
            }
        }
    }

    /// Takes back a flag that does not count: it was over the threshold, and its direction or an ignored band speaks
    /// against it.
    pub fn retract(&mut self, policy: &Policy) {
        self.budget.spend(policy, 0.0, -1.0);
    }

    /// Takes note of what became of a row.
    pub fn take(&mut self, score: Option<f64>, row: &[f64], learning: Learning) {
        let score = score.map(|score| (score, self.normal.depth(score)));
        self.take_counted(score, row, row, learning);
    }

    /// The same of a score whose depth by itself is known from its [`Judgement`], and of a row that came as `came`.
    pub(crate) fn take_counted(
        &mut self,
        score: Option<(f64, Option<f64>)>,
        row: &[f64],
        came: &[f64],
        learning: Learning,
    ) {
        if !row.is_empty() {
            self.reach.see(came);
        }
        let reached = self.learning_of_unjudged(row).unwrap_or(learning);
        if let Some((score, counted)) = score.filter(|_| learning != Learning::Not) {
            let depth = counted.unwrap_or(0.0);
            if self.stretch.admits(depth, self.normal.seen()) {
                self.learn(score);
            }
        }
        let is_held = learning == Learning::Not;
        self.reach
            .take(row, if is_held { learning } else { reached });
    }

    /// Whether a row that came before anything was judged is taken for usual by its size; `None` where it was judged, or is not clearly far.
    fn learning_of_unjudged(&mut self, row: &[f64]) -> Option<Learning> {
        if self.is_warm() {
            return None;
        }
        let far = self.reach.far(row).filter(|far| far.margin >= CLEAR)?;
        let passage = self.guard.pass(self.reach.depth(&far), true, 0.0);
        Some(passage.learning)
    }

    /// Learns the score of a normal row. The first ones wait for each other, so that a wild one among them can be told.
    fn learn(&mut self, score: f64) {
        if self.normal.seen() > 0 {
            self.normal.learn(score);
            self.scores.learn(score, OF_SCORES);
            return;
        }
        self.young.push(score);
        if self.young.len() as u64 >= WARM_UP {
            let young = std::mem::take(&mut self.young);
            let (middle, unit) = robust(&young);
            let tame = middle + WILD * unit;
            for score in young {
                self.normal.learn(score.min(tame));
                self.scores.learn(score.min(tame), OF_SCORES);
            }
        }
    }

    /// Takes note of which values are missing; evidence where one is for longer than ever.
    pub fn miss(&mut self, row: &[f64]) -> Option<Evidence> {
        self.gaps.step(row)
    }

    /// Takes note of what each value lacks of what came in the last periods; evidence where it is more than ever.
    pub fn lack(&mut self, lacks: &[f64]) -> Option<Evidence> {
        if self.lacks.is_none() && lacks.iter().all(|lack| *lack == 0.0) {
            return None;
        }
        self.lacks.get_or_insert_default().step(lacks, &self.reach)
    }

    /// What is usual of a value of a row: lowest, middle, highest; `None` while too little is known.
    pub fn usual(&self, row: &[f64], feature: usize) -> Option<[f64; 3]> {
        self.reach.usual(row, feature)
    }

    /// The depth of a score and a row without judging them.
    pub fn depth(&self, score: f64, row: &[f64]) -> Option<f64> {
        let rarity = self.rarity(self.normal.depth(score)?, score, row);
        Some(self.join(rarity, self.reach.far(row).as_ref()))
    }

    /// Whether scores are seen as rare or not yet.
    pub fn is_warm(&self) -> bool {
        self.normal.is_warm()
    }

    /// Sees values whose seasons are others now in that way from now on; `history` gives what the last values of one were off.
    pub fn see_anew(&mut self, epochs: &[u64], history: impl Fn(usize) -> Vec<f64>) {
        if self.epochs == epochs {
            return;
        }
        for (feature, epoch) in epochs.iter().enumerate() {
            let before = self.epochs.get(feature).copied().unwrap_or(0);
            if before != *epoch {
                self.reach.restart(feature, &history(feature));
                self.lacks = None;
            }
            // What came back while a longer season was not known belongs to that: weekends, say.
            if before != *epoch && before >> LONGER == epoch >> LONGER {
                self.guard = Guard::default();
                self.places.leave();
            }
        }
        self.epochs.clear();
        self.epochs.extend_from_slice(epochs);
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.normal.heap_bytes()
            + self.young.capacity() * size_of::<f64>()
            + self.all.heap_bytes()
            + self.reach.heap_bytes()
            + self.scores.heap_bytes()
            + self.epochs.capacity() * size_of::<u64>()
            + self.gaps.heap_bytes()
            + self.places.heap_bytes()
            + self
                .lacks
                .as_ref()
                .map_or(0, |lacks| size_of::<Lacks>() + lacks.heap_bytes())
    }

    /// Whether the parts belong together; state that came from outside is checked with this.
    pub fn is_sound(&self) -> bool {
        self.normal.is_sound()
            && self.all.is_sound()
            && self.reach.is_sound()
            && self.scores.is_sound()
            && self.guard.is_sound()
            && self.places.is_sound()
            && self.body.is_none_or(|body| body.is_sound())
            && self.mixture.is_sound()
            && self.budget.is_sound()
            && self.lacks.as_ref().is_none_or(|lacks| lacks.is_sound())
    }
}

fn power(x: f64, by: u8) -> f64 {
    (0..by).fold(1.0, |product, _| product * x)
}

#[cfg(test)]
mod tests;
