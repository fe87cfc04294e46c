use std::sync::Arc;

use willet_core::decision::{AnomalyType, Course, Decision};
use willet_core::detectors::Detector;
use willet_core::features::{Back, Features, FeaturesConfig, Impute};
use willet_core::random::series_seed;
use willet_core::rows::{Raw, Rows};
use willet_core::series::{Answer, Case, Judge, Reason, Ruling};

use super::Pace;
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
    /// Share of anomalies expected, where an incremental update set it.
    pub(super) share: Option<f64>,
}

impl Model {
    pub(super) fn new(plan: &Plan, key: &str, layout: &Arc<Layout>) -> Result<Self, Misfit> {
        Self::with(plan, key, layout, &plan.config().features)
    }

    /// One for some names of a series only: lags and differences of others are none of its.
    pub(super) fn beside(plan: &Plan, key: &str, layout: &Arc<Layout>) -> Result<Self, Misfit> {
        Self::with(plan, key, layout, &features_of(plan, layout))
    }

    fn with(
        plan: &Plan,
        key: &str,
        layout: &Arc<Layout>,
        features: &FeaturesConfig,
    ) -> Result<Self, Misfit> {
        let features = Features::new(features, layout.names()).map_err(|_| Misfit::Features)?;
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
            share: None,
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
        let config = &features_of(plan, &layout);
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
            share: None,
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
        let copy = Self::restore(plan, key, self.save(), &mut Layouts::default()).ok()?;
        Some(Self {
            share: self.share,
            ..copy
        })
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

    /// Whether it judges already.
    pub(super) fn is_warm(&self, plan: &Plan) -> bool {
        plan.of_version(self.version).is_some() && self.decision.is_warm()
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
        arrange(&self.layout, layout, values, space)
    }

    /// Keeps seasons in step with the clock.
    pub(super) fn keep_pace(&mut self, pace: Pace) {
        if let Some(step) = pace.step {
            self.detector.keep_pace(step);
        }
        self.pass_missing(pace.missing);
        if pace.again > 0 {
            self.detector.turn_back(pace.again);
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

    /// Judges values in the order of the layout, then learns them.
    pub(super) fn judge(
        &mut self,
        plan: &Plan,
        time: Option<Timestamp>,
        values: &[f64],
        space: &mut Vec<f64>,
        found: &mut Found,
    ) -> Outcome {
        let ruling = self.rule(plan, time, values, space);
        let rows = Rows::one(self.row(values, space));
        let taken = if ruling.learn {
            self.detector.learn(rows)
        } else {
            self.detector.pass(rows)
        };
        taken.expect("the model was built for this width");
        if let Some(features) = &mut self.features {
            features.observe(values);
        }
        self.outcome(ruling.answer, self.row(values, space), found)
    }

    /// Learns values that it did not learn when it judged them.
    pub(super) fn learn_only(&mut self, values: &[f64], space: &mut Vec<f64>) {
        if let Some(features) = &self.features {
            features.transform(values, space);
        }
        let rows = match &self.features {
            Some(_) => Rows::one(space),
            None => Rows::one(values),
        };
        self.detector
            .learn(rows)
            .expect("the model was built for this width");
    }

    /// Judges as [`Model::judge`] does, and nothing changes.
    pub(super) fn look(
        &mut self,
        plan: &Plan,
        time: Option<Timestamp>,
        values: &[f64],
        space: &mut Vec<f64>,
        found: &mut Found,
    ) -> Outcome {
        let (decision, course) = (self.decision.clone(), self.course.clone());
        let ruling = self.rule(plan, time, values, space);
        (self.decision, self.course) = (decision, course);
        self.outcome(ruling.answer, self.row(values, space), found)
    }

    /// Judges values; decision and course learn them, features and detector do not.
    fn rule(
        &mut self,
        plan: &Plan,
        time: Option<Timestamp>,
        values: &[f64],
        space: &mut Vec<f64>,
    ) -> Ruling {
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
        let shared;
        let policy = match self.share {
            None => plan.policy_of(time),
            Some(share) => {
                shared = plan.policy_at(time).with_share(share);
                &shared
            }
        };
        let range = plan.config().decision.data_range.as_ref();
        let case = Case {
            row,
            raw: raw[0],
            time: time.map(|time| time.0),
            is_outside: range.is_some_and(|range| range.excludes_any(self.layout.names(), values)),
        };
        let mut judge = Judge {
            detector: &*self.detector,
            decision: &mut self.decision,
            course: &mut self.course,
            policy,
            is_categorical: kind.categorical,
        };
        judge
            .judge(case)
            .expect("the model was built for this width")
    }

    fn outcome(&self, answer: Answer, row: &[f64], found: &mut Found) -> Outcome {
        match answer {
            Answer::WarmingUp => Outcome::WarmingUp,
            Answer::Missing => Outcome::Missing,
            Answer::Scored(scored) => Outcome::Scored(Scored {
                score: scored.score,
                anomaly_score: scored.anomaly_score,
                threshold: scored.threshold,
                confidence: scored.confidence,
                is_anomaly: scored.reason.is_some(),
                detail: scored.reason.map(|reason| {
                    found.details.push(self.detail(*reason, row));
                    found.details.len() as u32 - 1
                }),
            }),
        }
    }

    fn detail(&self, reason: Reason, row: &[f64]) -> Detail {
        Detail {
            names: self.names().to_vec(),
            reason: reason.sentence(self.names(), row),
            contributions: reason.explanation.contributions,
            expected: reason.explanation.expected,
            counterfactual: reason.counterfactual,
            anomaly_type: reason.anomaly_type,
        }
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
}

/// The configured features, as far as they are made of these names.
fn features_of(plan: &Plan, layout: &Layout) -> FeaturesConfig {
    let mut config = plan.config().features.clone();
    let is_there = |back: &Back| layout.names().iter().any(|name| **name == *back.of);
    config.lag.retain(is_there);
    config.difference.retain(is_there);
    config
}

/// An event's values in the order of its series' own layout; NaN for those that it lacks.
pub(super) fn arrange<'a>(
    own: &Layout,
    layout: &Layout,
    values: &'a [f64],
    space: &'a mut Vec<f64>,
) -> Result<&'a [f64], Misfit> {
    if layout.fingerprint() == own.fingerprint() {
        return Ok(values);
    }
    if layout.is_positional() != own.is_positional() {
        return Err(Misfit::Form);
    }
    if layout.is_positional() {
        return Err(Misfit::Width {
            expected: own.width() as u32,
            found: layout.width() as u32,
        });
    }
    space.clear();
    let names = layout.names();
    let (mut next, mut knows_any) = (0, false);
    space.extend(own.names().iter().map(|name| {
        // Most come in the same order.
        let behind = names[next..].iter().position(|other| other == name);
        let place = behind
            .map(|place| place + next)
            .or_else(|| names[..next].iter().position(|other| other == name));
        let Some(place) = place else {
            return f64::NAN;
        };
        (next, knows_any) = (place + 1, true);
        values[place]
    }));
    if knows_any {
        Ok(space)
    } else {
        Err(Misfit::Names)
    }
}
