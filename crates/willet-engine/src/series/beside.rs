//! Names of values that come later than the first ones of their series.
//!
//! A detector has one width for life. So names that come while nothing is judged yet make the model a wider one, which begins again
//! where it had hardly begun; names that come later get a model of their own beside it, and nothing of what was learned is lost. The
//! answer is the strongest of them. A reset, or another detector, puts all of them into one.

use std::sync::Arc;

use super::gather::Gather;
use super::model::{Model, arrange};
use super::{Arrival, Sample, Series, Work};
use crate::config::{GatherPlan, Plan};
use crate::event::Layout;
use crate::verdict::{Found, Misfit, Outcome, Scored};
use willet_core::detectors::MAX_WIDTH;

/// A series that has seen fewer events than this and judges nothing yet is made wider; an older one gets a model beside it.
const YOUNG_EVENTS: u64 = 64;
/// Models beside the first one; further names join the last of them, which begins again.
pub(super) const MOST_BESIDE: usize = 8;

/// Whether what names a series has is said by the configuration, so that none joins by itself.
fn is_chosen(plan: &Plan) -> bool {
    !plan.config().features.select.is_empty()
}

impl Series {
    /// What a new model is made of: names of the event that have a number, or were known before. A name that never had one would be
    /// learned as if it stood still.
    pub(super) fn first_layout(
        &self,
        plan: &Plan,
        layout: &Arc<Layout>,
        has_number: impl Fn(usize) -> bool,
    ) -> Arc<Layout> {
        let features = &plan.config().features;
        let is_named_elsewhere = !features.lag.is_empty() || !features.difference.is_empty();
        let whole = || Arc::clone(layout);
        if layout.is_positional() || is_chosen(plan) || is_named_elsewhere {
            return whole();
        }
        let models = || self.model.iter().chain(&self.beside);
        let is_known = |name: &str| {
            let mut names = models().flat_map(|model| model.layout.names());
            names.any(|known| **known == *name)
        };
        let names = layout.names().iter().enumerate();
        let taken: Vec<&Box<str>> = names
            .filter(|(place, name)| has_number(*place) || is_known(name))
            .map(|(_, name)| name)
            .collect();
        if taken.is_empty() || taken.len() == layout.width() {
            return whole();
        }
        Arc::new(Layout::named(taken))
    }

    /// Takes up the names of an event that nobody knows yet, once they have a number.
    pub(super) fn join(&mut self, plan: &Plan, arrival: &Arrival<'_>) -> Result<(), Misfit> {
        let Some(model) = &self.model else {
            return Ok(());
        };
        let own = &model.layout;
        let is_known_whole = arrival.layout.fingerprint() == own.fingerprint();
        if is_known_whole
            || arrival.layout.is_positional()
            || own.is_positional()
            || is_chosen(plan)
        {
            return Ok(());
        }
        let known = || std::iter::once(own).chain(self.beside.iter().map(|model| &model.layout));
        let came = arrival.layout.names().iter().zip(arrival.values);
        let new: Vec<Box<str>> = came
            .filter(|(name, value)| {
                !value.is_nan() && !known().any(|layout| layout.names().contains(name))
            })
            .map(|(name, _)| name.clone())
            .collect();
        let names: usize = known().map(|layout| layout.width()).sum();
        if new.is_empty() || names + new.len() > MAX_WIDTH {
            return Ok(());
        }
        let wider = |layout: &Layout| Arc::new(Layout::named(layout.names().iter().chain(&new)));
        let is_young = self.sample_count < YOUNG_EVENTS
            && self.former.is_none()
            && self.beside.is_empty()
            && !model.is_warm(plan);
        if is_young {
            self.model = Some(Model::new(plan, &self.key, &wider(own))?);
            self.before = None;
            if let Some(adapt) = &mut self.adapt {
                adapt.forget();
            }
            return Ok(());
        }
        let is_full = self.beside.len() == MOST_BESIDE;
        let last = self.beside.last();
        if let Some(last) = last.filter(|last| is_full || !last.is_warm(plan)) {
            let layout = wider(&last.layout);
            self.beside.pop();
            self.beside.push(Model::beside(plan, &self.key, &layout)?);
        } else {
            let layout = Arc::new(Layout::named(&new));
            self.beside.push(Model::beside(plan, &self.key, &layout)?);
        }
        Ok(())
    }

    /// Takes up the names of an event that come while its series has no window that closed yet.
    pub(super) fn join_windows(
        &mut self,
        plan: &Plan,
        gathers: &GatherPlan,
        arrival: &Arrival<'_>,
    ) {
        let is_young = self.sample_count < YOUNG_EVENTS;
        // What was gathered under another plan is dropped with this event, and a series that comes back from disk is without it already.
        let is_open = |gather: &&mut Box<Gather>| gather.is_of(gathers) && gather.is_untold();
        let Some(gather) = self.gather.as_mut().filter(is_open) else {
            return;
        };
        let own = gather.layout();
        let fits = arrival.layout.fingerprint() == own.fingerprint();
        if !is_young
            || fits
            || arrival.layout.is_positional()
            || own.is_positional()
            || is_chosen(plan)
        {
            return;
        }
        let came = arrival.layout.names().iter().zip(arrival.values);
        let new: Vec<Box<str>> = came
            .filter(|(name, value)| !value.is_nan() && !own.names().contains(name))
            .map(|(name, _)| name.clone())
            .collect();
        if !new.is_empty() && own.width() + new.len() <= MAX_WIDTH {
            gather.widen(gathers, &new);
        }
    }

    /// Whether a model beside the first one knows a name of the event.
    pub(super) fn is_known_beside(&self, layout: &Layout) -> bool {
        let knows = |model: &Model| {
            let names = model.layout.names();
            layout.names().iter().any(|name| names.contains(name))
        };
        !layout.is_positional() && self.beside.iter().any(knows)
    }

    /// The stronger of an answer and of those of the models beside; each learns what it knows the names of.
    pub(super) fn judge_beside(
        &mut self,
        plan: &Plan,
        sample: Sample<'_>,
        mut outcome: Outcome,
        work: &mut Work,
        found: &mut Found,
    ) -> Outcome {
        for model in &mut self.beside {
            let values = arrange(&model.layout, sample.layout, sample.came, &mut work.beside);
            let Ok(values) = values else {
                continue;
            };
            model.keep_pace(sample.pace);
            let details = found.details.len();
            let other = model.judge(plan, sample.time, values, &mut work.row, found);
            if strength(&other) > strength(&outcome) {
                outcome = other;
            } else {
                found.details.truncate(details);
            }
        }
        outcome
    }

    /// Brings the models beside to a plan under which what was learned goes on; those that cannot be are judged anew.
    pub(super) fn grow_beside(&mut self, plan: &Plan) {
        let version = plan.model_version();
        for mut model in std::mem::take(&mut self.beside) {
            if let Some(detector) = model.grown(plan, &self.key) {
                (model.detector, model.version) = (detector, version);
                self.beside.push(model);
            }
        }
    }
}

/// What answer counts where there are several: an anomaly before none, the higher score, any score before none.
fn strength(outcome: &Outcome) -> (u8, f64) {
    match outcome {
        Outcome::Scored(Scored {
            is_anomaly,
            anomaly_score,
            ..
        }) => (2 + u8::from(*is_anomaly), *anomaly_score),
        Outcome::WarmingUp => (1, 0.0),
        _ => (0, 0.0),
    }
}
