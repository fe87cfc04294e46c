//! Training a series anew, a slice with each row, while the model before answers.

use std::sync::Arc;

use super::adapt::{KeptRow, Reason, Retrain, RetrainState, Running, What};
use super::model::Model;
use super::{Sample, Series, Space, Work};
use crate::config::{Adaptation, Plan};
use crate::verdict::{Found, Outcome};

/// Smallest and largest share of anomalies that an incremental update sets.
const SHARES: [f64; 2] = [0.001, 0.4];

impl Series {
    /// Takes note of a judged row, and does what it makes due. Returns what is done about a change that the row showed.
    pub(super) fn adapt(
        &mut self,
        plan: &Plan,
        sample: Sample<'_>,
        outcome: Outcome,
        began: Option<u64>,
        work: &mut Work,
    ) -> Adaptation {
        if !plan.adapts() {
            // Nothing is kept for what nobody wants; but what was done on command may be undone.
            if let Some(adapt) = &mut self.adapt {
                adapt.forget_rows();
            }
            return Adaptation::Report;
        }
        let row = KeptRow {
            time: sample.time,
            missing: sample.pace.missing as u32,
            is_normal: !matches!(outcome, Outcome::Scored(scored) if scored.is_anomaly),
        };
        let adapt = self.adapt.get_or_insert_default();
        let due = adapt.due(plan, row, sample.values, began);
        due.map_or(Adaptation::Report, |(reason, action)| {
            self.act(plan, reason, action, began, &mut work.retrains)
        })
    }

    /// Does what is due; `count` counts it by reason.
    fn act(
        &mut self,
        plan: &Plan,
        reason: Reason,
        action: Adaptation,
        began: Option<u64>,
        count: &mut [u64; 4],
    ) -> Adaptation {
        let (Some(model), Some(adapt)) = (&mut self.model, &mut self.adapt) else {
            return Adaptation::Report;
        };
        let mut note = Retrain {
            sample_count: self.sample_count,
            at: self.newest,
            reason,
            action,
            rows: 0,
            state: RetrainState::Running,
        };
        match action {
            Adaptation::Report => return action,
            Adaptation::Retrain => {
                // Of the layout that the series has: a new name is taken up now.
                let layout = Arc::clone(&model.layout);
                let Ok(fresh) = Model::new(plan, &self.key, &layout) else {
                    return Adaptation::Report;
                };
                let before = std::mem::replace(model, fresh);
                // A model that was warming up gives way to the one that answers.
                self.former = self.former.take().or(Some(Box::new(before)));
                adapt.begin(What::Anew, began);
            }
            Adaptation::Incremental => {
                self.before = model.copy(plan, &self.key).map(Box::new);
                let [least, most] = SHARES;
                model.share = Some(adapt.rate().clamp(least, most));
                if !plan.kind().is_ordered {
                    adapt.begin(What::Further, Some(began.unwrap_or(0).max(1)));
                }
            }
            Adaptation::Switch => {
                self.before = model.copy(plan, &self.key).map(Box::new);
                model.detector.adapt();
                note.state = RetrainState::Done;
            }
        }
        adapt.note(note);
        if adapt.running.is_none() {
            adapt.ended(RetrainState::Done);
        }
        count[reason as usize] += 1;
        action
    }

    /// Trains on, a slice of the kept rows.
    pub(super) fn train(&mut self, plan: &Plan, work: &mut Work) {
        let (Some(adapt), Some(model)) = (&mut self.adapt, &mut self.model) else {
            return;
        };
        let Some(mut running) = adapt.running else {
            return;
        };
        let mut learned = 0;
        for _ in 0..plan.retrain().slice {
            if running.next >= adapt.kept.next() {
                break;
            }
            let number = running.next;
            running.next += 1;
            // One that went already, since there were too many, is one less to learn.
            let Some(row) = adapt.kept.row(number, &mut work.kept) else {
                continue;
            };
            let is_wanted = number >= running.all_from;
            learned += 1;
            match running.what {
                What::Anew if is_wanted || row.is_normal => {
                    model.pass_missing(row.missing as usize);
                    let mut nothing = Found::default();
                    let row = (row.time, &*work.kept);
                    let _ = model.judge(plan, row.0, row.1, &mut work.row, &mut nothing);
                }
                What::Anew => model.pass_missing(row.missing as usize + 1),
                What::Further if is_wanted && !row.is_normal => {
                    model.learn_only(&work.kept, &mut work.row);
                }
                What::Further => {}
            }
        }
        let is_behind = running.next < adapt.kept.next();
        adapt.running = is_behind.then_some(running);
        if let Some(last) = adapt.done.history.last_mut() {
            last.rows += learned;
        }
        if !is_behind && running.what == What::Further {
            adapt.ended(RetrainState::Done);
        }
    }

    /// Whether a new model is behind with the rows that were kept: then it does not take the row that comes, for its turn will come.
    pub(super) fn is_behind(&self) -> bool {
        self.adapt.as_ref().is_some_and(|adapt| {
            let is_behind = |running: Running| running.next < adapt.kept.next();
            let anew = adapt.running.filter(|running| running.what == What::Anew);
            anew.is_some_and(is_behind)
        })
    }

    /// The new model answers from now on; the one before is kept for who wants it back.
    pub(super) fn take_over(&mut self) {
        let former = self.former.take();
        if let Some(adapt) = self.adapt.as_mut().filter(|adapt| adapt.is_unfinished()) {
            adapt.ended(RetrainState::Done);
            self.before = former;
        }
    }

    /// Trains anew because somebody said so, at `offset` of the log; whether anything was done.
    pub(crate) fn retrain(&mut self, plan: &Plan, offset: u64, space: &mut Space) -> bool {
        if self.learned_upto > offset || !self.is_of(plan) {
            return false;
        }
        self.learned_upto = offset + 1;
        let adapt = self.adapt.get_or_insert_default();
        if adapt.is_unfinished() {
            return true;
        }
        let (reason, action) = (Reason::Command, Adaptation::Retrain);
        self.act(plan, reason, action, None, &mut space.work.retrains);
        true
    }

    /// Goes back to what was learned before the last training, at `offset` of the log; whether anything was done. What it leaves is
    /// kept in its place.
    pub(crate) fn go_back(&mut self, plan: &Plan, offset: u64) -> bool {
        if self.learned_upto > offset || !self.is_of(plan) {
            return false;
        }
        self.learned_upto = offset + 1;
        let Some(adapt) = &mut self.adapt else {
            return true;
        };
        let is_known = |model: &Model| model.version == plan.model_version();
        let before = if adapt.is_unfinished() && self.former.is_some() {
            self.former.take()
        } else {
            self.before.take()
        };
        let Some(before) = before.filter(|model| is_known(model)) else {
            return true;
        };
        // Back from before is what was trained.
        let state = match adapt.last_state() {
            Some(RetrainState::Undone) => RetrainState::Done,
            _ => RetrainState::Undone,
        };
        adapt.ended(state);
        self.before = self.model.replace(*before).map(Box::new);
        true
    }

    /// Whether it has learned under this plan: what it learned under another gives way at its next event, and may lie on disk
    /// already where nobody can use it any more.
    fn is_of(&self, plan: &Plan) -> bool {
        let model = self.model.as_ref();
        model.is_some_and(|model| model.version == plan.model_version())
    }

    /// Whether there is something to go back to.
    pub(super) fn has_before(&self) -> bool {
        let is_unfinished = self
            .adapt
            .as_ref()
            .is_some_and(|adapt| adapt.is_unfinished());
        self.before.is_some() || (is_unfinished && self.former.is_some())
    }
}
