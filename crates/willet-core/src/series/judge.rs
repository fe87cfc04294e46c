use std::borrow::Cow;

use smallvec::SmallVec;

use crate::decision::{
    AnomalyType, Beside, Course, Decision, Evidence, Judgement, Learning, Moment, Policy,
    anomaly_score, counterfactual,
};
use crate::detectors::{Detector, Epochs};
use crate::error::WidthError;
use crate::rows::{Band, Expected, Explanation, Raw, Swing};

/// Judges rows with all that was learned of their series.
///
/// It borrows the parts, for whoever holds a series arranges, saves and replaces them in their own way: [`Series`](super::Series) for
/// one by itself, the engine for a key of a stream. The verdicts are the same because they are made here.
#[derive(Debug)]
pub struct Judge<'a> {
    /// Explains rows and says what it expects; it is not taught.
    pub detector: &'a dyn Detector,
    /// Takes note of the row, and learns its score if it may.
    pub decision: &'a mut Decision,
    /// The same of its values.
    pub course: &'a mut Course,
    /// How it is decided at this time.
    pub policy: &'a Policy,
    /// Whether the values are names ([`Kind::categorical`](crate::detectors::Kind)).
    pub is_categorical: bool,
}

/// A row to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What the detector scored.
    pub row: &'a [f64],
    /// Its score.
    pub raw: Raw,
    /// Event time in microseconds.
    pub time: Option<i64>,
    /// Whether a value cannot be normal ([`DataRange::excludes_any`](crate::decision::DataRange::excludes_any)).
    pub is_outside: bool,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Ruling {
    /// The answer.
    pub answer: Answer,
    /// Whether the detector is to learn the row; else it is to pass it.
    pub learn: bool,
}

/// The answer to one row.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Answer {
    /// Too little was learned for a verdict.
    WarmingUp,
    /// No value of the row can be used.
    Missing,
    /// A verdict.
    Scored(Scored),
}

/// A verdict's numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// On the detector's own scale.
    pub score: f64,
    /// The same on the scale that all kinds share, 0 to 1.
    pub anomaly_score: f64,
    /// `anomaly_score` from which on a row is an anomaly.
    pub threshold: f64,
    /// Probability that `reason`'s presence is right.
    pub confidence: f64,
    /// Why it is an anomaly; `None` where it is none.
    pub reason: Option<Box<Reason>>,
}

/// Why a row is an anomaly.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// Shares of the features and what was expected of them.
    pub explanation: Explanation,
    /// Values at which the row would be normal, by feature.
    pub counterfactual: Vec<(usize, f64)>,
    /// What it looks like.
    pub anomaly_type: Option<AnomalyType>,
    /// What several rows showed, where that is what it was flagged for.
    pub evidence: Option<Evidence>,
}

impl Judge<'_> {
    /// Judges a row; decision and course learn it if it may be learned. Fails where the detector has another width.
    pub fn judge(&mut self, case: Case<'_>) -> Result<Ruling, WidthError> {
        let mut bands = Vec::new();
        self.see_bands(&mut bands);
        let off = if self.is_categorical {
            Cow::Borrowed(&[][..])
        } else {
            off(case.row, &bands)
        };
        let mut swings = Vec::new();
        let evidence = self.step(case.row, &mut swings);
        let sight = Sight {
            row: case.row,
            off: &off,
            bands: &bands,
            swings: &swings,
            evidence,
            is_outside: case.is_outside,
            is_categorical: self.is_categorical,
        };
        let moment = sight.moment(case.time);
        let learns_unjudged = self.policy.learns() && !case.is_outside;
        let unjudged = if learns_unjudged {
            Learning::Usual
        } else {
            Learning::Not
        };
        let mut counted = None;
        let (answer, learning) = match case.raw {
            Raw::Missing => (self.miss(moment, &sight)?, Learning::Not),
            Raw::WarmingUp => (Answer::WarmingUp, unjudged),
            Raw::Score(score) => match self.decision.judge(score, moment, self.policy) {
                None => (Answer::WarmingUp, unjudged),
                Some(judgement) => {
                    counted = judgement.counted;
                    let scored = self.say(score, &judgement, &sight)?;
                    (Answer::Scored(scored), judgement.learning)
                }
            },
        };
        // Only while it warms up a score has no depth.
        let score = case.raw.score().map(|score| (score, counted));
        self.decision.take_counted(score, &off, case.row, learning);
        let learn = learning != Learning::Not;
        if learn {
            self.course.learn(case.row);
        }
        Ok(Ruling { answer, learn })
    }

    /// Where each value belongs; nothing where values are names.
    fn see_bands(&mut self, bands: &mut Vec<Band>) {
        if self.is_categorical {
            return;
        }
        let mut epochs = Epochs::new();
        self.detector.epochs(&mut epochs);
        let detector = self.detector;
        self.decision
            .see_anew(&epochs, |feature| detector.off_before(feature));
        self.detector.bands(bands);
    }

    /// Takes note of the course of the values. Where they are names nothing lasts, grows or stands still.
    fn step(&mut self, row: &[f64], swings: &mut Vec<Swing>) -> Option<Evidence> {
        let watched = self.course.watched();
        let expected = watched.and_then(|main| self.detector.expected().get(main).copied());
        let gap = self.decision.miss(row);
        let lack = self.lack(row, swings);
        let evidence = self.course.step(row, expected).or(gap).or(lack)?;
        let counts = !self.is_categorical || evidence.anomaly_type == AnomalyType::MissingData;
        counts.then_some(evidence)
    }

    /// What is missing of what each season brought.
    fn lack(&mut self, row: &[f64], swings: &mut Vec<Swing>) -> Option<Evidence> {
        self.detector.swings(row, swings);
        if self.is_categorical || swings.iter().all(|swing| *swing == Swing::NONE) {
            return None;
        }
        let lacks: SmallVec<[f64; 8]> = swings.iter().map(Swing::lack).collect();
        self.decision.lack(&lacks)
    }

    /// A row without any value: an anomaly where none was ever missing for so long.
    fn miss(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<Answer, WidthError> {
        if sight.evidence.is_none() {
            return Ok(Answer::Missing);
        }
        let judgement = self.decision.judge_scoreless(moment, self.policy);
        if !judgement.is_over {
            return Ok(Answer::Missing);
        }
        self.say(judgement.depth, &judgement, sight)
            .map(Answer::Scored)
    }

    /// The numbers of a judged row; with the reason, if it is an anomaly.
    fn say(
        &mut self,
        score: f64,
        judgement: &Judgement,
        sight: &Sight<'_>,
    ) -> Result<Scored, WidthError> {
        let reason = if judgement.is_over {
            self.reason(judgement, sight)?
        } else {
            None
        };
        if judgement.is_over && reason.is_none() {
            self.decision.retract(self.policy);
        }
        Ok(Scored {
            score,
            anomaly_score: anomaly_score(judgement.depth),
            threshold: anomaly_score(judgement.threshold),
            confidence: judgement.confidence(reason.is_some()),
            reason: reason.map(Box::new),
        })
    }

    /// Why a row over the threshold is an anomaly; `None` where its direction or an ignored band speaks against it.
    fn reason(
        &mut self,
        judgement: &Judgement,
        sight: &Sight<'_>,
    ) -> Result<Option<Reason>, WidthError> {
        let (row, policy) = (sight.row, self.policy);
        let mut explanation = self.explain(judgement, sight)?;
        let known = sight.known_type(judgement);
        let has_value = !known.is_some_and(is_without_deviation);
        let looks_at_value = policy.looks_at_value() && !sight.is_outside;
        if looks_at_value && has_value && !counts(policy, &explanation, row) {
            return Ok(None);
        }
        let decision = &*self.decision;
        let is_normal = |row: &[f64], score| {
            let off = if self.is_categorical {
                Cow::Borrowed(&[][..])
            } else {
                off(row, sight.bands)
            };
            let depth = decision.depth(score, &off);
            depth.is_some_and(|depth| depth < judgement.threshold)
        };
        let counterfactual = if has_value && !sight.is_outside {
            counterfactual(self.detector, row, &explanation, is_normal)?
        } else {
            Vec::new()
        };
        judged_by(&mut explanation, row, &counterfactual);
        let anomaly_type = known.or_else(|| {
            self.course.watch(row, &explanation, judgement.depth);
            self.course.look(row, &explanation)
        });
        Ok(Some(Reason {
            explanation,
            counterfactual,
            anomaly_type,
            evidence: sight.counting(judgement),
        }))
    }

    /// What made the row strange: the values that lie beyond all before, else what the detector says.
    fn explain(&self, judgement: &Judgement, sight: &Sight<'_>) -> Result<Explanation, WidthError> {
        let mut explanation = self.detector.explain(sight.row)?;
        if let Some(feature) = sight.counting(judgement).and_then(|known| known.feature) {
            let weights = (0..sight.row.len()).map(|other| f64::from(u8::from(other == feature)));
            explanation = Explanation::from_weights(weights.collect(), explanation.expected);
            if let Some(due) = sight.due(judgement, feature)
                && let Some(expected) = explanation.expected.get_mut(feature)
            {
                *expected = Expected {
                    low: due.low,
                    middle: f64::midpoint(due.low, due.high),
                    high: due.high,
                };
            }
        }
        let Some(far) = &judgement.far else {
            return Ok(explanation);
        };
        let usual = |feature: usize| {
            let [low, middle, high] = self.decision.usual(sight.off, feature)?;
            let band = sight.bands.get(feature).copied().unwrap_or(Band::NONE);
            let expected = Expected {
                low: band.low + low,
                middle: f64::midpoint(band.low, band.high) + middle,
                high: band.high + high,
            };
            (expected.low.is_finite() && expected.high.is_finite()).then_some(expected)
        };
        let width = sight.row.len();
        if explanation.expected.len() != width {
            let all: Option<Vec<Expected>> = (0..width).map(usual).collect();
            explanation.expected = all.unwrap_or_default();
        }
        for (feature, margin) in far.margins.iter().enumerate() {
            if *margin > 0.0
                && let Some(expected) = explanation.expected.get_mut(feature)
                && let Some(usual) = usual(feature)
            {
                *expected = usual;
            }
        }
        if sight.counting(judgement).is_none() {
            let weights = far.margins.iter().map(|margin| margin * margin).collect();
            explanation = Explanation::from_weights(weights, explanation.expected);
        }
        Ok(explanation)
    }
}

/// How far each value of a row is off its band; the value itself where there are none.
fn off<'a>(row: &'a [f64], bands: &[Band]) -> Cow<'a, [f64]> {
    if bands.is_empty() {
        return Cow::Borrowed(row);
    }
    row.iter()
        .zip(bands)
        .map(|(x, band)| band.off(*x))
        .collect()
}

/// What a row looks like beside its score.
struct Sight<'a> {
    row: &'a [f64],
    /// How far its values are off where they belong; empty where they are names.
    off: &'a [f64],
    /// Where they belong; empty where no seasons are known.
    bands: &'a [Band],
    /// How far they went up and down by now; empty where no seasons are known.
    swings: &'a [Swing],
    evidence: Option<Evidence>,
    is_outside: bool,
    is_categorical: bool,
}

impl<'a> Sight<'a> {
    fn moment(&self, time: Option<i64>) -> Moment<'a> {
        let depth = self.evidence.map(|evidence| match evidence.anomaly_type {
            AnomalyType::LevelShift | AnomalyType::Trend | AnomalyType::Variance => {
                Beside::Lasting(evidence.depth)
            }
            _ => Beside::Depth(evidence.depth),
        });
        Moment {
            time,
            beside: if self.is_outside {
                Beside::OutOfRange
            } else {
                depth.unwrap_or_default()
            },
            row: self.off,
        }
    }

    /// The evidence of several rows, where it is what the row is flagged for.
    fn counting(&self, judgement: &Judgement) -> Option<Evidence> {
        let counts = |evidence: &Evidence| judgement.depth >= evidence.depth;
        self.evidence.filter(counts)
    }

    /// Where a value should have gone by now, if that it did not is what the row is flagged for.
    fn due(&self, judgement: &Judgement, feature: usize) -> Option<Band> {
        let evidence = self.counting(judgement)?;
        let swing = self.swings.get(feature)?;
        (evidence.anomaly_type == AnomalyType::Contextual).then(|| swing.due())
    }

    /// The type that is known without a look at the value.
    fn known_type(&self, judgement: &Judgement) -> Option<AnomalyType> {
        self.counting(judgement)
            .map(|evidence| evidence.anomaly_type)
            .or_else(|| self.is_categorical.then_some(AnomalyType::Rare))
    }
}

/// Where a value within its band was flagged, as where a share of rows was asked for, the band ends at the value that would not have been.
fn judged_by(explanation: &mut Explanation, row: &[f64], counterfactual: &[(usize, f64)]) {
    // Where several values must be others none of them is at fault alone.
    let [(feature, normal)] = *counterfactual else {
        return;
    };
    let value = row[feature];
    let Some(band) = explanation.expected.get_mut(feature) else {
        return;
    };
    if (band.middle..value).contains(&normal) {
        band.high = band.high.min(normal);
    } else if value < normal && normal <= band.middle {
        band.low = band.low.max(normal);
    }
}

/// Whether the value says nothing of a direction or a size.
fn is_without_deviation(anomaly_type: AnomalyType) -> bool {
    matches!(
        anomaly_type,
        AnomalyType::FlatLine | AnomalyType::MissingData | AnomalyType::Variance
    )
}

/// Whether the guilty feature's deviation counts under direction and ignore bands; it does where nobody knows.
fn counts(policy: &Policy, explanation: &Explanation, row: &[f64]) -> bool {
    let expected = explanation
        .main_feature()
        .and_then(|main| Some((row[main], explanation.expected.get(main)?.middle)));
    expected.is_none_or(|(value, expected)| policy.counts(value, expected))
}
