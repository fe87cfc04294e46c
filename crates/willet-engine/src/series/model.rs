use std::sync::Arc;

use willet_core::decision::{
    AnomalyType, Beside, Course, Decision, Evidence, Judgement, Moment, Policy, anomaly_score,
    counterfactual,
};
use willet_core::detectors::Detector;
use willet_core::features::{Features, Impute};
use willet_core::random::series_seed;
use willet_core::rows::{Explanation, Raw, Rows};

use super::state::{Layouts, ModelStateV3};
use crate::config::Plan;
use crate::event::{Layout, Timestamp};
use crate::verdict::{Detail, Found, Misfit, Outcome, Scored};

/// What one version of a plan has learned of a key.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) version: u32,
    /// Values of the first event: they are the features' input from then on.
    pub(super) layout: Arc<Layout>,
    /// `None` where a row of values is a row of features as it stands.
    pub(super) features: Option<Box<Features>>,
    pub(super) detector: Box<dyn Detector>,
    pub(super) decision: Decision,
    pub(super) course: Course,
}

impl Model {
    pub(super) fn new(plan: &Plan, key: &str, layout: &Arc<Layout>) -> Result<Self, Misfit> {
        let features =
            Features::new(&plan.config().features, layout.names()).map_err(|_| Misfit::Features)?;
        let width = features.names().len();
        let seed = series_seed(plan.config().seed, key, plan.kind().name);
        let detector = plan
            .kind()
            .build(plan.options(), width, seed)
            .map_err(|_| Misfit::Features)?;
        Ok(Self {
            version: plan.model_version(),
            layout: Arc::clone(layout),
            features: (!features.is_identity()).then(|| Box::new(features)),
            detector,
            decision: Decision::default(),
            course: Course::default(),
        })
    }

    pub(super) fn restore(
        plan: &Plan,
        key: &str,
        state: ModelStateV3,
        layouts: &mut Layouts,
    ) -> Result<Self, String> {
        let layout = if state.is_positional {
            Layout::positional(state.names.len())
        } else {
            Layout::named(&state.names)
        };
        let layout = layouts.share(layout);
        let config = &plan.config().features;
        let fresh = Features::new(config, layout.names()).map_err(|error| error.to_string())?;
        let width = fresh.names().len();
        let features = match state.features {
            Some(memory) => {
                let restored = Features::restore(config, layout.names(), memory);
                Some(Box::new(
                    restored.ok_or("its features do not fit the configuration")?,
                ))
            }
            None if fresh.is_identity() => None,
            None => return Err("its features are missing".to_owned()),
        };
        if state.kind != plan.kind().name {
            return Err(format!(
                "it is of kind `{}`, expected `{}`",
                state.kind,
                plan.kind().name
            ));
        }
        if !state.decision.is_sound() || !state.course.is_sound() {
            return Err("what it remembers of its decisions does not belong together".to_owned());
        }
        let seed = series_seed(plan.config().seed, key, plan.kind().name);
        let detector = plan.kind().restore(
            plan.options(),
            width,
            seed,
            state.detector_version,
            &state.detector,
        );
        Ok(Self {
            version: state.version,
            layout,
            features,
            detector: detector.map_err(|error| error.to_string())?,
            decision: state.decision,
            course: state.course,
        })
    }

    pub(super) fn save(&self) -> ModelStateV3 {
        let snapshot = self.detector.snapshot();
        let names = self.layout.names().iter().map(ToString::to_string);
        ModelStateV3 {
            version: self.version,
            names: names.collect(),
            is_positional: self.layout.is_positional(),
            features: self
                .features
                .as_ref()
                .map(|features| features.memory().clone()),
            kind: snapshot.kind.to_owned(),
            detector_version: snapshot.version,
            detector: snapshot.bytes,
            decision: self.decision.clone(),
            course: self.course.clone(),
        }
    }

    /// Another one that has learned the same; `None` where its plan is not known any more.
    pub(super) fn copy(&self, plan: &Plan, key: &str) -> Option<Self> {
        let plan = plan.of_version(self.version)?;
        Self::restore(plan, key, self.save(), &mut Layouts::default()).ok()
    }

    /// The detector under the plan's settings with what it has learned, where that fits.
    pub(super) fn grown(&self, plan: &Plan, key: &str) -> Option<Box<dyn Detector>> {
        let seed = series_seed(plan.config().seed, key, plan.kind().name);
        let saved = self.detector.snapshot();
        plan.kind()
            .restore(
                plan.options(),
                self.detector.width(),
                seed,
                saved.version,
                &saved.bytes,
            )
            .ok()
    }

    /// Names of the features.
    pub(super) fn names(&self) -> &[Box<str>] {
        self.features
            .as_ref()
            .map_or(self.layout.names(), |features| features.names())
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let features = self.features.as_ref();
        self.detector.memory_bytes()
            + self.decision.heap_bytes()
            + self.course.heap_bytes()
            + features.map_or(0, |features| size_of::<Features>() + features.heap_bytes())
    }

    /// The event's values in the order of the series.
    pub(super) fn arrange<'a>(
        &self,
        layout: &Layout,
        values: &'a [f64],
        space: &'a mut Vec<f64>,
    ) -> Result<&'a [f64], Misfit> {
        if layout.fingerprint() == self.layout.fingerprint() {
            return Ok(values);
        }
        if layout.is_positional() != self.layout.is_positional() {
            return Err(Misfit::Form);
        }
        if layout.is_positional() {
            return Err(Misfit::Width {
                expected: self.layout.width() as u32,
                found: layout.width() as u32,
            });
        }
        space.clear();
        space.extend(self.layout.names().iter().map(|name| {
            let place = layout.names().iter().position(|other| other == name);
            place.map_or(f64::NAN, |place| values[place])
        }));
        let knows_any = layout
            .names()
            .iter()
            .any(|name| self.layout.names().contains(name));
        if knows_any {
            Ok(space)
        } else {
            Err(Misfit::Names)
        }
    }

    /// Rows that did not come, where the detector takes rows for steps in time.
    pub(super) fn pass_missing(&mut self, rows: usize) {
        if rows == 0 {
            return;
        }
        let none = vec![f64::NAN; self.detector.width()];
        for _ in 0..rows {
            self.detector
                .pass(Rows::one(&none))
                .expect("the model was built for this width");
        }
    }

    pub(super) fn judge(
        &mut self,
        plan: &Plan,
        time: Option<Timestamp>,
        values: &[f64],
        space: &mut Vec<f64>,
        found: &mut Found,
    ) -> Outcome {
        let row: &[f64] = match &self.features {
            Some(features) => {
                features.transform(values, space);
                if plan.config().features.impute == Impute::Seasonal {
                    self.fill(space);
                }
                space
            }
            None => values,
        };
        let rows = Rows::one(row);
        let mut raw = [Raw::WarmingUp];
        self.detector
            .score(rows, &mut raw)
            .expect("the model was built for this width");
        let kind = plan.of_version(self.version).unwrap_or(plan).kind();
        let policy = plan.policy_at(time).of_depths(kind.scores_depth);
        let sight = Sight {
            row,
            evidence: self.step(row, kind.categorical),
            is_outside: self.is_outside(plan, values),
            is_categorical: kind.categorical,
        };
        let moment = sight.moment(time);
        let (outcome, learn) = match raw[0] {
            Raw::Missing => (self.miss(moment, &sight, &policy, found), false),
            Raw::WarmingUp => (Outcome::WarmingUp, policy.learns() && !sight.is_outside),
            Raw::Score(score) => match self.decision.judge(score, moment, &policy) {
                None => (Outcome::WarmingUp, policy.learns() && !sight.is_outside),
                Some(judgement) => {
                    let scored = self.say(score, &judgement, &sight, &policy, found);
                    (Outcome::Scored(scored), judgement.learn)
                }
            },
        };
        if learn {
            if let Raw::Score(score) = raw[0] {
                self.decision.learn(score, &policy);
            }
            self.course.learn(row);
        }
        let taken = if learn {
            self.detector.learn(rows)
        } else {
            self.detector.pass(rows)
        };
        taken.expect("the model was built for this width");
        if let Some(features) = &mut self.features {
            features.observe(values);
        }
        outcome
    }

    /// The row of features that was judged last; of values where there are none to be made.
    pub(super) fn row<'a>(&self, values: &'a [f64], space: &'a [f64]) -> &'a [f64] {
        match &self.features {
            Some(_) => space,
            None => values,
        }
    }

    /// An anomaly that shows a drift is of that type.
    pub(super) fn mark_drift(outcome: Outcome, found: &mut Found) {
        if let Outcome::Scored(scored) = outcome
            && let Some(detail) = scored.detail
            && let Some(detail) = found.details.get_mut(detail as usize)
        {
            detail.anomaly_type = Some(AnomalyType::Drift);
        }
    }

    /// Puts what is expected in the place of what is missing; a row without any value stays one.
    fn fill(&self, row: &mut [f64]) {
        if row.iter().all(|x| x.is_nan()) || !row.iter().any(|x| x.is_nan()) {
            return;
        }
        for (x, expected) in row.iter_mut().zip(self.detector.expected()) {
            if x.is_nan() {
                *x = expected.middle;
            }
        }
    }

    /// Takes note of the course of the values. Where they are names nothing lasts, grows or stands still.
    fn step(&mut self, row: &[f64], is_categorical: bool) -> Option<Evidence> {
        let watched = self.course.watched();
        let expected = watched.and_then(|main| self.detector.expected().get(main).copied());
        let evidence = self.course.step(row, expected)?;
        let counts = !is_categorical || evidence.anomaly_type == AnomalyType::MissingData;
        counts.then_some(evidence)
    }

    fn is_outside(&self, plan: &Plan, values: &[f64]) -> bool {
        let range = plan.config().decision.data_range.as_ref();
        range.is_some_and(|range| {
            let mut named = self.layout.names().iter().zip(values);
            named.any(|(name, value)| range.excludes(name, *value))
        })
    }

    /// A row without any value: an anomaly where none was ever missing for so long.
    fn miss(
        &mut self,
        moment: Moment,
        sight: &Sight<'_>,
        policy: &Policy,
        found: &mut Found,
    ) -> Outcome {
        if sight.evidence.is_none() {
            return Outcome::Missing;
        }
        let judgement = self.decision.judge_scoreless(moment, policy);
        if !judgement.is_over {
            return Outcome::Missing;
        }
        Outcome::Scored(self.say(judgement.depth, &judgement, sight, policy, found))
    }

    /// The numbers of a judged row; with its detail, if it is an anomaly.
    fn say(
        &mut self,
        score: f64,
        judgement: &Judgement,
        sight: &Sight<'_>,
        policy: &Policy,
        found: &mut Found,
    ) -> Scored {
        let detail = judgement
            .is_over
            .then(|| self.detail(judgement, sight, policy))
            .flatten();
        if judgement.is_over && detail.is_none() {
            self.decision.retract(policy);
        }
        Scored {
            score,
            anomaly_score: anomaly_score(judgement.depth),
            threshold: anomaly_score(judgement.threshold),
            confidence: judgement.confidence(detail.is_some()),
            is_anomaly: detail.is_some(),
            detail: detail.map(|detail| {
                found.details.push(detail);
                found.details.len() as u32 - 1
            }),
        }
    }

    /// Why a row over the threshold is an anomaly; `None` where its direction or an ignored band speaks against it.
    fn detail(
        &mut self,
        judgement: &Judgement,
        sight: &Sight<'_>,
        policy: &Policy,
    ) -> Option<Detail> {
        let row = sight.row;
        let explanation = self
            .detector
            .explain(row)
            .expect("the model was built for this width");
        let known = sight.known_type(judgement);
        let looks_at_value = policy.looks_at_value() && !sight.is_outside;
        let has_value = !known.is_some_and(is_without_deviation);
        if looks_at_value && has_value && !counts(policy, &explanation, row) {
            return None;
        }
        let anomaly_type = known.or_else(|| {
            self.course.watch(row, &explanation, judgement.depth);
            self.course.look(row, &explanation)
        });
        let is_normal = |score| {
            let depth = self.decision.depth(score, policy);
            depth.is_some_and(|depth| depth < judgement.threshold)
        };
        let moved = if has_value && !sight.is_outside {
            counterfactual(&*self.detector, row, &explanation, is_normal)
                .expect("the model was built for this width")
        } else {
            Vec::new()
        };
        Some(Detail {
            names: self.names().to_vec(),
            contributions: explanation.contributions,
            expected: explanation.expected,
            counterfactual: moved,
            anomaly_type,
        })
    }
}

/// What a row looks like beside its score.
struct Sight<'a> {
    row: &'a [f64],
    evidence: Option<Evidence>,
    is_outside: bool,
    is_categorical: bool,
}

impl Sight<'_> {
    fn moment(&self, time: Option<Timestamp>) -> Moment {
        let depth = self.evidence.map(|evidence| Beside::Depth(evidence.depth));
        Moment {
            time: time.map(|time| time.0),
            beside: if self.is_outside {
                Beside::OutOfRange
            } else {
                depth.unwrap_or_default()
            },
        }
    }

    /// The type that is known without a look at the value.
    fn known_type(&self, judgement: &Judgement) -> Option<AnomalyType> {
        let counts = |evidence: &Evidence| evidence.depth >= judgement.threshold;
        let evident = self.evidence.filter(counts);
        evident
            .map(|evidence| evidence.anomaly_type)
            .or_else(|| self.is_categorical.then_some(AnomalyType::Rare))
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
