//! One series: the state of one key and what an event does to it.

mod adapt;
mod beside;
mod closing;
mod gather;
mod model;
mod performance;
mod retrain;
mod state;
mod watch;

use std::sync::Arc;

use willet_core::features::Spacing;
use willet_core::random::series_seed;
use willet_core::rows::Expected;

use crate::config::Plan;
use crate::event::{Layout, Timestamp};
use crate::verdict::{Found, Misfit, Outcome, Verdict};
use adapt::Adapt;
pub use adapt::{Reason, Retrain, RetrainState};
pub(crate) use closing::Cause;
use gather::{Closing, Gather};
use model::Model;
use performance::Performance;
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
    /// Models of names that came later than those of `model`.
    beside: Vec<Model>,
    /// Looks for drift, where the plan wants that.
    watch: Option<Watch>,
    /// Puts events together, where the plan wants that.
    gather: Option<Box<Gather>>,
    /// What it was before it was trained anew the last time.
    before: Option<Box<Model>>,
    /// Trains it anew.
    adapt: Option<Box<Adapt>>,
    /// Watches how well it is judged, where the plan wants that.
    performance: Option<Box<Performance>>,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Events of the series so far; windows, where these are judged in their place.
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
    /// When it was trained anew, oldest first; the last ones.
    pub retrains: Vec<Retrain>,
    /// Whether there is something to go back to.
    pub has_before: bool,
}

/// An event as a series takes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) event: u32,
    pub(crate) offset: u64,
    pub(crate) key_hash: u64,
    pub(crate) time: Option<Timestamp>,
    /// When its record arrived, microseconds since the epoch; 0 where nobody knows.
    pub(crate) arrived: i64,
    /// What it was, where it says so itself.
    pub(crate) label: Option<bool>,
    pub(crate) layout: &'a Arc<Layout>,
    pub(crate) values: &'a [f64],
}

/// What a model judges: the values of an event, or what came out of a window.
#[derive(Clone, Copy, Debug)]
struct Sample<'a> {
    event: u32,
    /// Of the event, whose label may come later; what came out of a window has none.
    offset: Option<u64>,
    label: Option<bool>,
    time: Option<Timestamp>,
    /// As it came.
    layout: &'a Layout,
    came: &'a [f64],
    /// The same in the order of the model.
    values: &'a [f64],
    pace: Pace,
}

/// Where a row stands among those before it.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    /// How far apart rows come, in microseconds, where that is even.
    step: Option<i64>,
    /// Rows that should have come before it, or were left out by the clock on the wall.
    missing: usize,
    /// Rows that come again, since the clock was put back.
    again: usize,
}

impl Pace {
    /// That of a row `missing` rows behind the one before it.
    fn new(plan: &Plan, step: Option<i64>, times: Option<(i64, i64)>, missing: usize) -> Self {
        let turned = step
            .zip(times)
            .map_or(0, |(step, (from, to))| plan.turned(from, to, step));
        Self {
            step,
            missing: missing + turned.max(0) as usize,
            again: turned.min(0).unsigned_abs() as usize,
        }
    }
}

/// Space used again for each event.
#[derive(Debug, Default)]
pub(crate) struct Space {
    values: Vec<f64>,
    closing: Vec<Closing>,
    work: Work,
}

/// Space that judging and training use, and what they count.
#[derive(Debug, Default)]
struct Work {
    row: Vec<f64>,
    kept: Vec<f64>,
    beside: Vec<f64>,
    /// Trainings by [`Reason`].
    retrains: [u64; 4],
}

impl Space {
    /// Trainings begun so far, by [`Reason`].
    pub(crate) fn retrains(&self) -> [u64; 4] {
        self.work.retrains
    }
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
            beside: Vec::new(),
            watch: None,
            gather: None,
            before: None,
            adapt: None,
            performance: None,
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

    /// Takes in what an event was, said at `at` of the log; whether anybody wanted to know.
    pub(crate) fn label(
        &mut self,
        plan: &Plan,
        at: u64,
        (offset, is_anomaly): (u64, bool),
    ) -> bool {
        if self.learned_upto > at {
            return false;
        }
        let watch = plan.drift().performance();
        let performance = self
            .performance
            .as_mut()
            .filter(|performance| watch.is_some_and(|watch| performance.is_of(watch)));
        let Some(performance) = performance else {
            return false;
        };
        performance.late_label(offset, is_anomaly);
        self.learned_upto = at + 1;
        true
    }

    /// The next record may have any position.
    pub(crate) fn renumber(&mut self) {
        self.learned_upto = 0;
        if let Some(performance) = &mut self.performance {
            performance.forget_waiting();
        }
    }

    /// Judges an event, then learns it; or puts it to others, and judges what they come to. `tick` is the stream's clock where it
    /// stands beyond all events.
    pub(crate) fn take(
        &mut self,
        plan: &Plan,
        tick: Option<Timestamp>,
        arrival: Arrival<'_>,
        space: &mut Space,
        found: &mut Found,
    ) -> Verdict {
        if self.learned_upto > arrival.offset {
            return Verdict::of(arrival.event, Outcome::AlreadyLearned, plan.model_version());
        }
        self.learned_upto = arrival.offset + 1;
        if arrival.time.is_none() && plan.needs_time() {
            return self.refused(plan, arrival.event, Misfit::Time);
        }
        let taken = match plan.gather() {
            Some(gathers) if !gathers.judges_events() => {
                self.gather_event(plan, gathers, tick, arrival, space, found)
            }
            gathers => {
                let judged = self.judge_event(plan, tick, arrival, space, found);
                if let (Some(gathers), Ok(verdict)) = (gathers, &judged) {
                    self.gather_row(plan, gathers, arrival, verdict, space, found);
                }
                judged
            }
        };
        taken.unwrap_or_else(|misfit| self.refused(plan, arrival.event, misfit))
    }

    fn refused(&self, plan: &Plan, event: u32, misfit: Misfit) -> Verdict {
        Verdict {
            sample_count: self.sample_count,
            ..Verdict::of(event, Outcome::Rejected(misfit), plan.model_version())
        }
    }

    fn judge_event(
        &mut self,
        plan: &Plan,
        tick: Option<Timestamp>,
        arrival: Arrival<'_>,
        space: &mut Space,
        found: &mut Found,
    ) -> Result<Verdict, Misfit> {
        self.forget_unknown(plan);
        let has_number = |place: usize| !arrival.values[place].is_nan();
        let is_empty = || arrival.values.iter().all(|value| value.is_nan());
        if self.model.is_none() && !arrival.layout.is_positional() && is_empty() {
            // Nothing yet to make a model of.
            let is_late = self.count(plan, tick, arrival.time);
            return Ok(Verdict {
                is_late,
                sample_count: self.sample_count,
                ..Verdict::of(arrival.event, Outcome::Missing, plan.model_version())
            });
        }
        self.follow(plan, arrival.layout, has_number)?;
        self.join(plan, &arrival)?;
        let Some(model) = &self.model else {
            return Err(Misfit::Features);
        };
        let values = match model.arrange(arrival.layout, arrival.values, &mut space.values) {
            Err(Misfit::Names) if self.is_known_beside(arrival.layout) => None,
            arranged => Some(arranged?),
        };
        let is_late = self.count(plan, tick, arrival.time);
        let pace = self.pace(plan, arrival.time);
        let sample = Sample {
            event: arrival.event,
            offset: Some(arrival.offset),
            label: arrival.label,
            time: arrival.time,
            layout: arrival.layout,
            came: arrival.values,
            values: values.unwrap_or_default(),
            pace,
        };
        let mut verdict = match values {
            Some(_) => self.judge(plan, sample, &mut space.work, found),
            // Not a row of the first model at all.
            None => Verdict::of(arrival.event, Outcome::Missing, plan.model_version()),
        };
        if !self.beside.is_empty() {
            let outcome = verdict.outcome;
            verdict.outcome = self.judge_beside(plan, sample, outcome, &mut space.work, found);
        }
        Ok(Verdict {
            is_late,
            sample_count: self.sample_count,
            ..verdict
        })
    }

    /// Counts an event; whether it is late.
    fn count(&mut self, plan: &Plan, tick: Option<Timestamp>, time: Option<Timestamp>) -> bool {
        let clock = self.newest.max(tick);
        self.newest = self.newest.max(time);
        self.sample_count += 1;
        match (time, clock) {
            (Some(time), Some(clock)) => time.0 < clock.0.saturating_sub(plan.allowed_lateness()),
            _ => false,
        }
    }

    fn pace(&mut self, plan: &Plan, time: Option<Timestamp>) -> Pace {
        let Some(time) = time else {
            return Pace::default();
        };
        let before = self.spacing.newest().filter(|before| *before < time.0);
        let missing = self.spacing.push(time.0);
        let times = before.map(|before| (before, time.0));
        Pace::new(plan, self.spacing.even_step(), times, missing)
    }

    /// Judges a row, then learns it. While a new model is behind with older rows, the one before answers by itself.
    fn judge(
        &mut self,
        plan: &Plan,
        sample: Sample<'_>,
        work: &mut Work,
        found: &mut Found,
    ) -> Verdict {
        let is_behind = self.is_behind() && self.former.is_some();
        let Some(model) = &mut self.model else {
            return Verdict::of(sample.event, Outcome::WarmingUp, plan.model_version());
        };
        if let Some(former) = &mut self.former {
            former.keep_pace(sample.pace);
        }
        // The one before may be of an earlier plan, and have its values in another order.
        let mut arranged = Vec::new();
        let (model, values) = match &mut self.former {
            Some(former) if is_behind => {
                let values = former.arrange(sample.layout, sample.came, &mut arranged);
                (&mut **former, values.ok())
            }
            _ => {
                model.keep_pace(sample.pace);
                (model, Some(sample.values))
            }
        };
        let version = model.version;
        let outcome = values.map_or(Outcome::WarmingUp, |values| {
            model.judge(plan, sample.time, values, &mut work.row, found)
        });
        // Where none looks there is nothing to be seen, and nothing to be put away.
        let is_watched = plan.drift().kind().is_some() || self.watch.is_some();
        let drift = values.filter(|_| is_watched).and_then(|values| {
            let flag = match outcome {
                Outcome::Scored(scored) => f64::from(u8::from(scored.is_anomaly)),
                _ => f64::NAN,
            };
            let (row, names): (&[f64], &[Box<str>]) = if plan.drift().looks_at_flags() {
                (&[flag], &[])
            } else {
                (model.row(values, &work.row), model.names())
            };
            let seed = || series_seed(plan.config().seed, &self.key, "drift");
            Watch::follow(&mut self.watch, plan.drift(), seed, row.len());
            let watch = self.watch.as_mut();
            watch.and_then(|watch| watch.see(plan.drift(), sample.event, row, names))
        });
        let began = drift.as_ref().map(|drift| drift.rows_ago.unwrap_or(0));
        let drift = drift.map(|drift| {
            Model::mark_drift(outcome, found);
            found.drifts.push(drift);
            found.drifts.len() - 1
        });
        let (outcome, model_version) = if self.former.is_some() && !is_behind {
            self.ask_former(plan, outcome, sample, found)
        } else {
            (outcome, version)
        };
        Performance::follow(&mut self.performance, plan.drift().performance());
        let performed = self.performance.as_mut().and_then(|performance| {
            performance.see(sample.event, sample.offset, outcome, sample.label)
        });
        // One drift an event: how it is judged follows from what it is.
        let (drift, began) = match performed {
            Some(found_out) if drift.is_none() => {
                let began = Some(found_out.rows_ago.unwrap_or(0));
                found.drifts.push(found_out);
                (Some(found.drifts.len() - 1), began)
            }
            _ => (drift, began),
        };
        if plan.adapts() || self.adapt.is_some() {
            let action = self.adapt(plan, sample, outcome, began, work);
            if let Some(drift) = drift.and_then(|drift| found.drifts.get_mut(drift)) {
                drift.action = action;
            }
            self.train(plan, work);
        }
        Verdict {
            drift_magnitude: self.watch.as_ref().map(Watch::magnitude),
            is_drift: drift.is_some(),
            ..Verdict::of(sample.event, outcome, model_version)
        }
    }

    /// Drops models of plans that nobody knows any more, before anything is made of them: a series that comes back from disk comes
    /// back without.
    #[inline]
    fn forget_unknown(&mut self, plan: &Plan) {
        let version = plan.model_version();
        let is_of_another = |model: &Model| model.version != version;
        if self.model.as_ref().is_some_and(is_of_another)
            || self.former.as_deref().is_some_and(is_of_another)
        {
            self.drop_unknown(plan);
        }
    }

    #[cold]
    fn drop_unknown(&mut self, plan: &Plan) {
        let is_known = |model: &Model| plan.of_version(model.version).is_some();
        self.model = self.model.take().filter(is_known);
        self.former = self.former.take().filter(|former| is_known(former));
        self.before = self.before.take().filter(|before| is_known(before));
        self.beside.retain(is_known);
    }

    /// Brings the model to the version of the plan. What was learned goes on where only windows became longer; else it
    /// answers until the new model is warm.
    fn follow(
        &mut self,
        plan: &Plan,
        layout: &Arc<Layout>,
        has_number: impl Fn(usize) -> bool,
    ) -> Result<(), Misfit> {
        let version = plan.model_version();
        self.forget_unknown(plan);
        match &mut self.model {
            Some(model) if model.version == version => return Ok(()),
            Some(model) => {
                if let Some(older) = plan.of_version(model.version)
                    && plan.only_grows(older)
                    && let Some(detector) = model.grown(plan, &self.key)
                {
                    model.detector = detector;
                    model.version = version;
                    self.grow_beside(plan);
                    return Ok(());
                }
            }
            None => {}
        }
        let layout = self.first_layout(plan, layout, has_number);
        let model = Model::new(plan, &self.key, &layout)?;
        // What they know is among what the new one learns.
        self.beside.clear();
        let replaced = self.model.replace(model).map(Box::new);
        self.before = None;
        if let Some(adapt) = &mut self.adapt {
            // Rows of another layout, perhaps.
            adapt.forget();
        }
        // A model that was warming up itself gives way: the one before it still answers.
        self.former = self.former.take().or(replaced);
        Ok(())
    }

    /// The former model learns on and answers while the new one is warming up; then it goes.
    fn ask_former(
        &mut self,
        plan: &Plan,
        outcome: Outcome,
        sample: Sample<'_>,
        found: &mut Found,
    ) -> (Outcome, u32) {
        if matches!(outcome, Outcome::Scored(_)) {
            self.take_over();
        }
        // Former models are rare, and so is the space they need.
        let (mut arranged, mut row) = (Vec::new(), Vec::new());
        if let Some(former) = &mut self.former
            && outcome == Outcome::WarmingUp
            && let Ok(values) = former.arrange(sample.layout, sample.came, &mut arranged)
        {
            let outcome = former.judge(plan, sample.time, values, &mut row, found);
            return (outcome, former.version);
        }
        (outcome, plan.model_version())
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
            beside: self
                .beside
                .iter()
                .filter_map(|model| model.copy(plan, &self.key))
                .collect(),
            watch: self.watch.as_ref().and_then(|watch| {
                let seed = series_seed(plan.config().seed, &self.key, "drift");
                Watch::restore(&watch.save(), plan.drift(), seed).ok()?
            }),
            gather: self
                .gather
                .as_ref()
                .and_then(|gather| Gather::restore(gather.save(), plan.gather()).ok()?),
            // What the answer to one event does not depend on: when it falls due, it answers later ones.
            before: None,
            adapt: None,
            performance: None,
        };
        copy.take(plan, tick, arrival, &mut Space::default(), found)
    }

    pub(crate) fn describe(&self, plan: &Plan) -> Description {
        let is_warm = |model: &&Model| model.is_warm(plan);
        let model = self.model.as_ref().filter(is_warm);
        let model = model.or(self.former.as_deref()).or(self.model.as_ref());
        let algorithm = model
            .and_then(|model| plan.of_version(model.version))
            .unwrap_or(plan);
        let gather = self.gather.as_ref().filter(|_| !plan.judges_events());
        Description {
            sample_count: gather.map_or(self.sample_count, |gather| gather.count()),
            learned_upto: self.learned_upto,
            newest: self.newest,
            memory_bytes: self.memory_bytes(),
            is_warming_up: model.as_ref().is_none_or(|model| !is_warm(model)),
            model_version: model.map_or(0, |model| model.version),
            algorithm: algorithm.config().detector.algorithm.clone(),
            about: model.and_then(|model| model.detector.about()).map(|about| {
                match self.spacing.even_step() {
                    Some(step) => format!("{about}; a row every {} s", step as f64 / 1e6),
                    // Windows come as they close.
                    None if self.newest.is_some() && gather.is_none() => {
                        format!("{about}; rows at no even pace")
                    }
                    None => about,
                }
            }),
            names: self.names_of(model),
            expected: self.expected_of(model),
            retrains: self
                .adapt
                .as_ref()
                .map_or(Vec::new(), |adapt| adapt.done.history.clone()),
            has_before: self.has_before(),
        }
    }

    /// What is taken for normal of each feature now, with the names; `None` while nobody knows.
    pub(crate) fn normal(&self) -> Option<(Vec<Box<str>>, Vec<Expected>)> {
        let model = self.former.as_deref().or(self.model.as_ref());
        let expected = self.expected_of(model);
        (!expected.is_empty()).then(|| (self.names_of(model), expected))
    }

    /// Names of the features of the model that answers, then of those beside it.
    fn names_of(&self, model: Option<&Model>) -> Vec<Box<str>> {
        let beside = self.beside.iter().flat_map(Model::names);
        let own = model.into_iter().flat_map(Model::names);
        own.chain(beside).cloned().collect()
    }

    /// What is expected of them, in the same order; nothing while the model that answers does not know.
    fn expected_of(&self, model: Option<&Model>) -> Vec<Expected> {
        let mut expected = model.map_or(Vec::new(), |model| model.detector.expected());
        if !expected.is_empty() {
            for model in &self.beside {
                let own = model.detector.expected();
                if own.is_empty() {
                    break;
                }
                expected.extend(own);
            }
        }
        expected
    }

    /// Bytes held, the series itself included.
    pub(crate) fn memory_bytes(&self) -> usize {
        let model = self.model.as_ref().map_or(0, Model::heap_bytes);
        let former = self.former.as_ref();
        let former = former.map_or(0, |former| size_of::<Model>() + former.heap_bytes());
        let watch = self.watch.as_ref().map_or(0, Watch::heap_bytes);
        let gather = self.gather.as_ref().map_or(0, |gather| gather.heap_bytes());
        let before = self.before.as_ref();
        let before = before.map_or(0, |before| size_of::<Model>() + before.heap_bytes());
        let adapt = self.adapt.as_ref().map_or(0, |adapt| adapt.heap_bytes());
        let performance = self.performance.as_ref();
        let performance = performance.map_or(0, |performance| performance.heap_bytes());
        let beside = self.beside.iter().map(Model::heap_bytes).sum::<usize>()
            + self.beside.capacity() * size_of::<Model>();
        // What the allocator adds to some five blocks.
        size_of::<Self>()
            + self.key.len()
            + model
            + former
            + beside
            + watch
            + gather
            + before
            + adapt
            + performance
            + 5 * 16
    }
}
