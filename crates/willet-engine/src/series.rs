//! One series: the state of one key and what an event does to it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use willet_core::decision::{
    AnomalyType, Beside, Course, Decision, DecisionV1, Evidence, Judgement, Moment, Policy,
    anomaly_score, counterfactual,
};
use willet_core::detectors::Detector;
use willet_core::features::{Features, Impute, Memory};
use willet_core::random::series_seed;
use willet_core::rows::{Expected, Explanation, Raw, Rows};

use crate::config::Plan;
use crate::event::{Layout, Timestamp};
use crate::verdict::{Detail, Misfit, Outcome, Scored, Verdict};

/// What was learned of one key. An event is learned once: `learned_upto` says which it has seen.
#[derive(Debug)]
pub(crate) struct Series {
    key: Box<str>,
    /// Offset behind the last record that changed this series.
    learned_upto: u64,
    newest: Option<Timestamp>,
    sample_count: u64,
    /// `None` until the first event after a start or a reset.
    model: Option<Model>,
    /// Learned under an earlier plan; answers until `model` is warm.
    former: Option<Box<Model>>,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Events of the series so far.
    pub sample_count: u64,
    /// Offset behind the last record that changed the series.
    pub learned_upto: u64,
    /// Newest event time.
    pub newest: Option<Timestamp>,
    /// Bytes held in memory.
    pub memory_bytes: usize,
    /// Whether there are no scores yet.
    pub is_warming_up: bool,
    /// Version of the model that answers; 0 where there is none yet.
    pub model_version: u32,
    /// Name of the kind that answers.
    pub algorithm: String,
    /// What the detector found out or chose, in words.
    pub about: Option<String>,
    /// Names of the features.
    pub names: Vec<Box<str>>,
    /// What is taken for normal of each; empty while nobody knows.
    pub expected: Vec<Expected>,
}

#[derive(Debug)]
struct Model {
    version: u32,
    /// Values of the first event: they are the features' input from then on.
    layout: Arc<Layout>,
    /// `None` where a row of values is a row of features as it stands.
    features: Option<Box<Features>>,
    detector: Box<dyn Detector>,
    decision: Decision,
    course: Course,
}

/// An event as a series takes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) event: u32,
    pub(crate) offset: u64,
    pub(crate) time: Option<Timestamp>,
    pub(crate) layout: &'a Arc<Layout>,
    pub(crate) values: &'a [f64],
}

/// Space used again for each event.
#[derive(Debug, Default)]
pub(crate) struct Space {
    values: Vec<f64>,
    row: Vec<f64>,
}

impl Series {
    pub(crate) fn new(key: &str) -> Self {
        Self {
            key: key.into(),
            learned_upto: 0,
            newest: None,
            sample_count: 0,
            model: None,
            former: None,
        }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn learned_upto(&self) -> u64 {
        self.learned_upto
    }

    /// Forgets all; events up to `offset` stay learned.
    pub(crate) fn reset(&mut self, offset: u64) {
        if self.learned_upto <= offset {
            *self = Self {
                key: std::mem::take(&mut self.key),
                ..Self::new("")
            };
            self.learned_upto = offset + 1;
        }
    }

    /// Judges an event, then learns it. `tick` is the stream's clock where it stands beyond all events.
    pub(crate) fn take(
        &mut self,
        plan: &Plan,
        tick: Option<Timestamp>,
        arrival: Arrival<'_>,
        space: &mut Space,
        details: &mut Vec<Detail>,
    ) -> Verdict {
        let verdict = |series: &Self, outcome, is_late| Verdict {
            event: arrival.event,
            outcome,
            is_late,
            sample_count: series.sample_count,
            model_version: plan.model_version(),
        };
        if self.learned_upto > arrival.offset {
            return verdict(self, Outcome::AlreadyLearned, false);
        }
        self.learned_upto = arrival.offset + 1;
        if arrival.time.is_none() && plan.needs_time() {
            return verdict(self, Outcome::Rejected(Misfit::Time), false);
        }
        if let Err(misfit) = self.follow(plan, arrival.layout) {
            return verdict(self, Outcome::Rejected(misfit), false);
        }
        let Some(model) = &mut self.model else {
            return verdict(self, Outcome::WarmingUp, false);
        };
        let values = match model.arrange(arrival.layout, arrival.values, &mut space.values) {
            Ok(values) => values,
            Err(misfit) => return verdict(self, Outcome::Rejected(misfit), false),
        };
        let clock = self.newest.max(tick);
        let is_late = match (arrival.time, clock) {
            (Some(time), Some(clock)) => time.0 < clock.0.saturating_sub(plan.allowed_lateness()),
            _ => false,
        };
        self.newest = self.newest.max(arrival.time);
        self.sample_count += 1;
        let outcome = model.judge(plan, arrival.time, values, &mut space.row, details);
        if self.former.is_some() {
            return self.ask_former(plan, outcome, is_late, arrival, space, details);
        }
        verdict(self, outcome, is_late)
    }

    /// Brings the model to the version of the plan. What was learned goes on where only windows became longer; else it
    /// answers until the new model is warm.
    fn follow(&mut self, plan: &Plan, layout: &Arc<Layout>) -> Result<(), Misfit> {
        let version = plan.model_version();
        // First of all, for a series that comes back from disk comes back without it.
        self.former = self
            .former
            .take()
            .filter(|former| plan.of_version(former.version).is_some());
        match &mut self.model {
            Some(model) if model.version == version => return Ok(()),
            Some(model) => {
                if let Some(older) = plan.of_version(model.version)
                    && plan.only_grows(older)
                    && let Some(detector) = model.grown(plan, &self.key)
                {
                    model.detector = detector;
                    model.version = version;
                    return Ok(());
                }
            }
            None => {}
        }
        let model = Model::new(plan, &self.key, layout)?;
        let replaced = self.model.replace(model).map(Box::new);
        let replaced = replaced.filter(|replaced| plan.of_version(replaced.version).is_some());
        // A model that was warming up itself gives way: the one before it still answers.
        self.former = self.former.take().or(replaced);
        Ok(())
    }

    /// The former model learns on and answers while the new one is warming up; then it goes.
    fn ask_former(
        &mut self,
        plan: &Plan,
        outcome: Outcome,
        is_late: bool,
        arrival: Arrival<'_>,
        space: &mut Space,
        details: &mut Vec<Detail>,
    ) -> Verdict {
        let mut verdict = Verdict {
            event: arrival.event,
            outcome,
            is_late,
            sample_count: self.sample_count,
            model_version: plan.model_version(),
        };
        if matches!(outcome, Outcome::Scored(_)) {
            self.former = None;
        }
        if let Some(former) = &mut self.former
            && outcome == Outcome::WarmingUp
            && let Ok(values) = former.arrange(arrival.layout, arrival.values, &mut space.values)
        {
            verdict.outcome = former.judge(plan, arrival.time, values, &mut space.row, details);
            verdict.model_version = former.version;
        }
        verdict
    }

    /// The answer that [`Series::take`] would give, from a copy of what it would change.
    pub(crate) fn peek(
        &self,
        plan: &Plan,
        tick: Option<Timestamp>,
        arrival: Arrival<'_>,
        details: &mut Vec<Detail>,
    ) -> Verdict {
        let mut copy = Self {
            key: self.key.clone(),
            learned_upto: 0,
            newest: self.newest,
            sample_count: self.sample_count,
            model: self
                .model
                .as_ref()
                .and_then(|model| model.copy(plan, &self.key)),
            former: self
                .former
                .as_ref()
                .and_then(|former| former.copy(plan, &self.key).map(Box::new)),
        };
        copy.take(plan, tick, arrival, &mut Space::default(), details)
    }

    pub(crate) fn describe(&self, plan: &Plan) -> Description {
        let is_warm = |model: &&Model| match plan.of_version(model.version) {
            // Its scores are depths: the decision has nothing to warm up.
            Some(plan) if plan.kind().scores_depth => !model.detector.expected().is_empty(),
            Some(plan) => model.decision.depth(0.0, &plan.policy_at(None)).is_some(),
            None => false,
        };
        let model = self.model.as_ref().filter(is_warm);
        let model = model.or(self.former.as_deref()).or(self.model.as_ref());
        let algorithm = model
            .and_then(|model| plan.of_version(model.version))
            .unwrap_or(plan);
        Description {
            sample_count: self.sample_count,
            learned_upto: self.learned_upto,
            newest: self.newest,
            memory_bytes: self.memory_bytes(),
            is_warming_up: model.as_ref().is_none_or(|model| !is_warm(model)),
            model_version: model.map_or(0, |model| model.version),
            algorithm: algorithm.config().detector.algorithm.clone(),
            about: model.and_then(|model| model.detector.about()),
            names: model.map_or(Vec::new(), |model| model.names().to_vec()),
            expected: model.map_or(Vec::new(), |model| model.detector.expected()),
        }
    }

    /// What is taken for normal of each feature now, with the names; `None` while nobody knows.
    pub(crate) fn normal(&self) -> Option<(&[Box<str>], Vec<Expected>)> {
        let model = self.former.as_deref().or(self.model.as_ref())?;
        let expected = model.detector.expected();
        (!expected.is_empty()).then(|| (model.names(), expected))
    }

    /// Bytes held, the series itself included.
    pub(crate) fn memory_bytes(&self) -> usize {
        let model = self.model.as_ref().map_or(0, Model::heap_bytes);
        let former = self.former.as_ref();
        let former = former.map_or(0, |former| size_of::<Model>() + former.heap_bytes());
        // What the allocator adds to some five blocks.
        size_of::<Self>() + self.key.len() + model + former + 5 * 16
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let state = SeriesState::V3(Box::new(SeriesStateV3 {
            learned_upto: self.learned_upto,
            newest: self.newest,
            sample_count: self.sample_count,
            model: self.model.as_ref().map(Model::save),
            former: self.former.as_deref().map(Model::save),
        }));
        postcard::to_allocvec(&state).expect("plain data always serialises into memory")
    }

    /// Takes up a saved state. A model of a version that the plan does not know any more is not built: it would be replaced.
    pub(crate) fn decode(
        plan: &Plan,
        key: &str,
        bytes: &[u8],
        layouts: &mut Layouts,
    ) -> Result<Self, String> {
        let (state, rest): (SeriesState, _) = postcard::take_from_bytes(bytes)
            .map_err(|error| format!("it cannot be read: {error}"))?;
        if !rest.is_empty() {
            return Err("bytes are left over".to_owned());
        }
        let state = match state {
            SeriesState::V1(state) => SeriesStateV3::from_v1(state, None),
            SeriesState::V2(state, former) => SeriesStateV3::from_v1(state, Some(*former)),
            SeriesState::V3(state) => *state,
        };
        let mut restore = |model: Option<ModelStateV3>| {
            let known = model.and_then(|model| Some((plan.of_version(model.version)?, model)));
            known
                .map(|(plan, model)| Model::restore(plan, key, model, layouts))
                .transpose()
        };
        let model = restore(state.model)?;
        let former = restore(state.former)?.map(Box::new);
        Ok(Self {
            key: key.into(),
            learned_upto: state.learned_upto,
            newest: state.newest,
            sample_count: state.sample_count,
            model,
            former,
        })
    }
}

/// Saved states by version; a variant is frozen once released.
#[derive(Serialize, Deserialize)]
enum SeriesState {
    V1(SeriesStateV1),
    /// With the former model, which answers until the other is warm.
    V2(SeriesStateV1, Box<ModelStateV1>),
    /// With decisions that keep a rate and count depths, and the course of the values.
    V3(Box<SeriesStateV3>),
}

#[derive(Serialize, Deserialize)]
struct SeriesStateV1 {
    learned_upto: u64,
    newest: Option<Timestamp>,
    sample_count: u64,
    model: Option<ModelStateV1>,
}

#[derive(Serialize, Deserialize)]
struct ModelStateV1 {
    version: u32,
    names: Vec<String>,
    is_positional: bool,
    features: Option<Memory>,
    kind: String,
    detector_version: u16,
    detector: Vec<u8>,
    decision: DecisionV1,
}

#[derive(Serialize, Deserialize)]
struct SeriesStateV3 {
    learned_upto: u64,
    newest: Option<Timestamp>,
    sample_count: u64,
    model: Option<ModelStateV3>,
    former: Option<ModelStateV3>,
}

#[derive(Serialize, Deserialize)]
struct ModelStateV3 {
    version: u32,
    names: Vec<String>,
    is_positional: bool,
    features: Option<Memory>,
    kind: String,
    detector_version: u16,
    detector: Vec<u8>,
    decision: Decision,
    course: Course,
}

impl SeriesStateV3 {
    fn from_v1(state: SeriesStateV1, former: Option<ModelStateV1>) -> Self {
        Self {
            learned_upto: state.learned_upto,
            newest: state.newest,
            sample_count: state.sample_count,
            model: state.model.map(ModelStateV3::from),
            former: former.map(ModelStateV3::from),
        }
    }
}

impl From<ModelStateV1> for ModelStateV3 {
    fn from(state: ModelStateV1) -> Self {
        Self {
            version: state.version,
            names: state.names,
            is_positional: state.is_positional,
            features: state.features,
            kind: state.kind,
            detector_version: state.detector_version,
            detector: state.detector,
            decision: state.decision.into(),
            course: Course::default(),
        }
    }
}

/// Layouts that series were restored with: equal ones share one.
#[derive(Debug, Default)]
pub(crate) struct Layouts {
    known: Vec<Arc<Layout>>,
}

impl Layouts {
    fn share(&mut self, layout: Layout) -> Arc<Layout> {
        /// Beyond this many layouts sharing is not worth the search.
        const KNOWN: usize = 64;
        if let Some(known) = self
            .known
            .iter()
            .find(|known| known.fingerprint() == layout.fingerprint())
        {
            return Arc::clone(known);
        }
        let layout = Arc::new(layout);
        if self.known.len() < KNOWN {
            self.known.push(Arc::clone(&layout));
        }
        layout
    }
}

impl Model {
    fn new(plan: &Plan, key: &str, layout: &Arc<Layout>) -> Result<Self, Misfit> {
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

    fn restore(
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

    fn save(&self) -> ModelStateV3 {
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
    fn copy(&self, plan: &Plan, key: &str) -> Option<Self> {
        let plan = plan.of_version(self.version)?;
        Self::restore(plan, key, self.save(), &mut Layouts::default()).ok()
    }

    /// The detector under the plan's settings with what it has learned, where that fits.
    fn grown(&self, plan: &Plan, key: &str) -> Option<Box<dyn Detector>> {
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
    fn names(&self) -> &[Box<str>] {
        self.features
            .as_ref()
            .map_or(self.layout.names(), |features| features.names())
    }

    fn heap_bytes(&self) -> usize {
        let features = self.features.as_ref();
        self.detector.memory_bytes()
            + self.decision.heap_bytes()
            + self.course.heap_bytes()
            + features.map_or(0, |features| size_of::<Features>() + features.heap_bytes())
    }

    /// The event's values in the order of the series.
    fn arrange<'a>(
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

    fn judge(
        &mut self,
        plan: &Plan,
        time: Option<Timestamp>,
        values: &[f64],
        space: &mut Vec<f64>,
        details: &mut Vec<Detail>,
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
            Raw::Missing => (self.miss(moment, &sight, &policy, details), false),
            Raw::WarmingUp => (Outcome::WarmingUp, policy.learns() && !sight.is_outside),
            Raw::Score(score) => match self.decision.judge(score, moment, &policy) {
                None => (Outcome::WarmingUp, policy.learns() && !sight.is_outside),
                Some(judgement) => {
                    let scored = self.say(score, &judgement, &sight, &policy, details);
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
        details: &mut Vec<Detail>,
    ) -> Outcome {
        if sight.evidence.is_none() {
            return Outcome::Missing;
        }
        let judgement = self.decision.judge_scoreless(moment, policy);
        if !judgement.is_over {
            return Outcome::Missing;
        }
        Outcome::Scored(self.say(judgement.depth, &judgement, sight, policy, details))
    }

    /// The numbers of a judged row; with its detail, if it is an anomaly.
    fn say(
        &mut self,
        score: f64,
        judgement: &Judgement,
        sight: &Sight<'_>,
        policy: &Policy,
        details: &mut Vec<Detail>,
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
                details.push(detail);
                details.len() as u32 - 1
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::StreamConfig;

    fn feed(series: &mut Series, plan: &Plan, range: std::ops::Range<u64>) -> Vec<Verdict> {
        let layout = Arc::new(Layout::positional(1));
        let mut details = Vec::new();
        range
            .map(|offset| {
                let value = [(offset * 7 % 31) as f64 + if offset == 700 { 500.0 } else { 0.0 }];
                let arrival = Arrival {
                    event: 0,
                    offset,
                    time: Some(Timestamp(offset as i64 * 1_000_000)),
                    layout: &layout,
                    values: &value,
                };
                series.take(plan, None, arrival, &mut Space::default(), &mut details)
            })
            .collect()
    }

    #[test]
    fn states_of_earlier_versions_are_read() {
        let config = StreamConfig {
            detector: crate::config::DetectorConfig {
                algorithm: "zscore".to_owned(),
                ..Default::default()
            },
            ..Default::default()
        };
        let plan = Plan::new(config, 1).expect("valid");
        let mut series = Series::new("k");
        let _ = feed(&mut series, &plan, 0..500);
        // The fields that version 1 has, as it lays them out.
        let former = || {
            let state = series.model.as_ref().expect("fed").save();
            let decision = postcard::to_allocvec(&state.decision).expect("plain data");
            let (decision, _): (DecisionV1, _) =
                postcard::take_from_bytes(&decision).expect("begins as version 1 does");
            ModelStateV1 {
                version: state.version,
                names: state.names,
                is_positional: state.is_positional,
                features: state.features,
                kind: state.kind,
                detector_version: state.detector_version,
                detector: state.detector,
                decision,
            }
        };
        let state = || SeriesStateV1 {
            learned_upto: series.learned_upto,
            newest: series.newest,
            sample_count: series.sample_count,
            model: Some(former()),
        };
        for old in [
            SeriesState::V1(state()),
            SeriesState::V2(state(), Box::new(former())),
        ] {
            let bytes = postcard::to_allocvec(&old).expect("plain data");
            let mut layouts = Layouts::default();
            let mut read = Series::decode(&plan, "k", &bytes, &mut layouts).expect("readable");
            assert_eq!(read.former.is_some(), matches!(old, SeriesState::V2(..)));
            let answers = feed(&mut read, &plan, 500..800);
            assert!(
                answers
                    .iter()
                    .all(|answer| matches!(answer.outcome, Outcome::Scored(_)))
            );
            assert!(answers[200].is_anomaly());
            // What is written from now on is the newest version, and goes on alike.
            let mut again =
                Series::decode(&plan, "k", &read.encode(), &mut layouts).expect("readable");
            assert_eq!(
                feed(&mut again, &plan, 800..900),
                feed(&mut read, &plan, 800..900)
            );
        }
    }
}
