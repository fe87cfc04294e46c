//! One series: the state of one key and what an event does to it.

mod model;
mod state;
mod watch;

use std::sync::Arc;

use willet_core::features::Spacing;
use willet_core::random::series_seed;
use willet_core::rows::Expected;

use crate::config::Plan;
use crate::event::{Layout, Timestamp};
use crate::verdict::{Found, Misfit, Outcome, Verdict};
use model::Model;
pub(crate) use state::Layouts;
use watch::Watch;

/// What was learned of one key. An event is learned once: `learned_upto` says which it has seen.
#[derive(Debug)]
pub(crate) struct Series {
    key: Box<str>,
    /// Offset behind the last record that changed this series.
    learned_upto: u64,
    newest: Option<Timestamp>,
    spacing: Spacing,
    sample_count: u64,
    /// `None` until the first event after a start or a reset.
    model: Option<Model>,
    /// Learned under an earlier plan; answers until `model` is warm.
    former: Option<Box<Model>>,
    /// Looks for drift, where the plan wants that.
    watch: Option<Watch>,
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
            spacing: Spacing::default(),
            sample_count: 0,
            model: None,
            former: None,
            watch: None,
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

    /// The next record may have any position.
    pub(crate) fn renumber(&mut self) {
        self.learned_upto = 0;
    }

    /// Judges an event, then learns it. `tick` is the stream's clock where it stands beyond all events.
    pub(crate) fn take(
        &mut self,
        plan: &Plan,
        tick: Option<Timestamp>,
        arrival: Arrival<'_>,
        space: &mut Space,
        found: &mut Found,
    ) -> Verdict {
        let verdict = |series: &Self, outcome, is_late| Verdict {
            event: arrival.event,
            outcome,
            is_late,
            sample_count: series.sample_count,
            model_version: plan.model_version(),
            drift_magnitude: None,
            is_drift: false,
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
        let missing = arrival.time.map_or(0, |time| self.spacing.push(time.0));
        model.pass_missing(missing);
        if let Some(former) = &mut self.former {
            former.pass_missing(missing);
        }
        let outcome = model.judge(plan, arrival.time, values, &mut space.row, found);
        let flag = match outcome {
            Outcome::Scored(scored) => f64::from(u8::from(scored.is_anomaly)),
            _ => f64::NAN,
        };
        let (row, names): (&[f64], &[Box<str>]) = if plan.drift().looks_at_flags() {
            (&[flag], &[])
        } else {
            (model.row(values, &space.row), model.names())
        };
        let seed = || series_seed(plan.config().seed, &self.key, "drift");
        Watch::follow(&mut self.watch, plan.drift(), seed, row.len());
        let drift = self
            .watch
            .as_mut()
            .and_then(|watch| watch.see(plan.drift(), arrival.event, row, names));
        let is_drift = drift.is_some();
        if let Some(drift) = drift {
            Model::mark_drift(outcome, found);
            found.drifts.push(drift);
        }
        let answer = if self.former.is_some() {
            self.ask_former(plan, outcome, is_late, arrival, space, found)
        } else {
            verdict(self, outcome, is_late)
        };
        Verdict {
            drift_magnitude: self.watch.as_ref().map(Watch::magnitude),
            is_drift,
            ..answer
        }
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
        found: &mut Found,
    ) -> Verdict {
        let mut verdict = Verdict {
            event: arrival.event,
            outcome,
            is_late,
            sample_count: self.sample_count,
            model_version: plan.model_version(),
            drift_magnitude: None,
            is_drift: false,
        };
        if matches!(outcome, Outcome::Scored(_)) {
            self.former = None;
        }
        if let Some(former) = &mut self.former
            && outcome == Outcome::WarmingUp
            && let Ok(values) = former.arrange(arrival.layout, arrival.values, &mut space.values)
        {
            verdict.outcome = former.judge(plan, arrival.time, values, &mut space.row, found);
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
        found: &mut Found,
    ) -> Verdict {
        let mut copy = Self {
            key: self.key.clone(),
            learned_upto: 0,
            newest: self.newest,
            spacing: self.spacing,
            sample_count: self.sample_count,
            model: self
                .model
                .as_ref()
                .and_then(|model| model.copy(plan, &self.key)),
            former: self
                .former
                .as_ref()
                .and_then(|former| former.copy(plan, &self.key).map(Box::new)),
            watch: self.watch.as_ref().and_then(|watch| {
                let seed = series_seed(plan.config().seed, &self.key, "drift");
                Watch::restore(&watch.save(), plan.drift(), seed).ok()?
            }),
        };
        copy.take(plan, tick, arrival, &mut Space::default(), found)
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
            about: model.and_then(|model| model.detector.about()).map(|about| {
                match self.spacing.even_step() {
                    Some(step) => format!("{about}; a row every {} s", step as f64 / 1e6),
                    None if self.newest.is_some() => format!("{about}; rows at no even pace"),
                    None => about,
                }
            }),
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
        let watch = self.watch.as_ref().map_or(0, Watch::heap_bytes);
        // What the allocator adds to some five blocks.
        size_of::<Self>() + self.key.len() + model + former + watch + 5 * 16
    }
}
