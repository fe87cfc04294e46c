//! What a series does with its windows and buckets.

use std::sync::Arc;

use willet_core::decision::{Learning, Moment, anomaly_score, depth_of};
use willet_core::features::LONGEST_GAP;
use willet_core::windows::Taken;

use super::gather::{Closing, Gather};
use super::model::arrange;
use super::{Arrival, Pace, Sample, Series, Space};
use crate::config::{GatherPlan, Plan};
use crate::event::{Layout, Timestamp};
use crate::verdict::{
    ClosedRow, Detail, Found, Misfit, Outcome, Scored, Verdict, Window as WindowOf,
};

/// What closed windows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause {
    pub(crate) event: u32,
    pub(crate) offset: u64,
    pub(crate) arrived: i64,
    pub(crate) key_hash: u64,
}

impl Arrival<'_> {
    fn cause(&self) -> Cause {
        Cause {
            event: self.event,
            offset: self.offset,
            arrived: self.arrived,
            key_hash: self.key_hash,
        }
    }
}

impl Series {
    /// Puts an event into its bucket or window and judges what closes by it.
    pub(super) fn gather_event(
        &mut self,
        plan: &Plan,
        gathers: &GatherPlan,
        tick: Option<Timestamp>,
        arrival: Arrival<'_>,
        space: &mut Space,
        found: &mut Found,
    ) -> Result<Verdict, Misfit> {
        let layout = || Arc::clone(arrival.layout);
        self.join_windows(plan, gathers, &arrival);
        let gather = Gather::follow(&mut self.gather, gathers, |_| true, layout)?;
        let own = Arc::clone(gather.layout());
        let values = arrange(&own, arrival.layout, arrival.values, &mut space.values)?;
        let mut closing = std::mem::take(&mut space.closing);
        let taken = gather.push(&arrival, values, &mut closing)?;
        let is_late = self.count(plan, tick, arrival.time);
        self.judge_closed(plan, arrival.cause(), &mut closing, space, found);
        space.closing = closing;
        Ok(Verdict {
            is_late: is_late || !matches!(taken, Taken::InTime | Taken::BeforeFirst),
            sample_count: self.sample_count,
            ..Verdict::of(
                arrival.event,
                Outcome::Gathered(taken),
                plan.model_version(),
            )
        })
    }

    /// Puts a judged row into its windows, and judges those that close by it as a whole.
    pub(super) fn gather_row(
        &mut self,
        plan: &Plan,
        gathers: &GatherPlan,
        arrival: Arrival<'_>,
        verdict: &Verdict,
        space: &mut Space,
        found: &mut Found,
    ) {
        let Some(model) = &self.model else {
            return;
        };
        let names = model.names();
        let follows = Gather::follow(
            &mut self.gather,
            gathers,
            |layout| Gather::holds_rows_of(layout, names),
            || Arc::new(Gather::layout_of_rows(names)),
        );
        let Ok(gather) = follows else {
            return;
        };
        let strangeness = match verdict.outcome {
            Outcome::Scored(scored) => depth_of(scored.anomaly_score),
            _ => f64::NAN,
        };
        // The row that the model saw lies in `space.work.row` where there are features to be made, else it is the event's.
        let mut arranged = std::mem::take(&mut space.values);
        let row = match model.arrange(arrival.layout, arrival.values, &mut arranged) {
            Ok(values) => model.row(values, &space.work.row).to_vec(),
            Err(_) => return,
        };
        space.values = arranged;
        let row: Vec<f64> = row.into_iter().chain([strangeness]).collect();
        let mut closing = std::mem::take(&mut space.closing);
        // What cannot be put into a window was judged all the same.
        let _ = gather.push(&arrival, &row, &mut closing);
        self.judge_closed(plan, arrival.cause(), &mut closing, space, found);
        space.closing = closing;
    }

    /// Lets time pass where no event came; whether anything closed.
    pub(crate) fn tick(
        &mut self,
        plan: &Plan,
        at: Timestamp,
        cause: Cause,
        space: &mut Space,
        found: &mut Found,
    ) -> bool {
        if self.learned_upto > cause.offset {
            return false;
        }
        let is_of =
            |gather: &&mut Box<Gather>| plan.gather().is_some_and(|plan| gather.is_of(plan));
        let Some(gather) = self.gather.as_mut().filter(is_of) else {
            return false;
        };
        let mut closing = std::mem::take(&mut space.closing);
        gather.tick(at.0, &mut closing);
        let has_closed = !closing.is_empty();
        if has_closed {
            self.learned_upto = cause.offset + 1;
        }
        self.judge_closed(plan, cause, &mut closing, space, found);
        space.closing = closing;
        has_closed
    }

    /// When a tick would close something.
    pub(crate) fn next_deadline(&self) -> Option<i64> {
        self.gather.as_ref()?.next_deadline()
    }

    fn judge_closed(
        &mut self,
        plan: &Plan,
        cause: Cause,
        closing: &mut Vec<Closing>,
        space: &mut Space,
        found: &mut Found,
    ) {
        for mut closing in closing.drain(..) {
            let Some(gather) = &mut self.gather else {
                return;
            };
            // A session that is no more has no values.
            closing.values.resize(gather.made().width(), f64::NAN);
            let (offset, part) = gather.verdict_of(&closing);
            let layout = Arc::clone(gather.made());
            // Apart from what is found in events: a row of its own batch.
            let mut apart = Found::default();
            let verdict = self.judge_window(plan, &closing, space, &mut apart);
            let time = |at: i64| Some(Timestamp(at));
            found.closed.push(ClosedRow {
                cause: cause.event,
                offset: cause.offset,
                arrived: cause.arrived,
                key: self.key.clone(),
                key_hash: cause.key_hash,
                time: closing.time,
                layout,
                window: WindowOf {
                    offset,
                    part,
                    revision: closing.revision,
                    begin: closing.span.and_then(|(begin, _)| time(begin)),
                    end: closing.span.and_then(|(_, end)| time(end)),
                    events: closing.events,
                    left_out: closing.left_out,
                    is_cut: closing.is_cut,
                },
                values: closing.values,
                verdict,
                detail: apart.details.pop(),
                drift: apart.drifts.pop(),
            });
        }
    }

    fn judge_window(
        &mut self,
        plan: &Plan,
        closing: &Closing,
        space: &mut Space,
        found: &mut Found,
    ) -> Verdict {
        let Some(gather) = &mut self.gather else {
            return Verdict::of(0, Outcome::Missing, plan.model_version());
        };
        let is_new = closing.revision == 0;
        let count = if is_new {
            gather.count_one()
        } else {
            gather.count()
        };
        let layout = Arc::clone(gather.made());
        let with = |outcome| Verdict::of(0, outcome, plan.model_version());
        let verdict = if closing.is_withdrawn {
            with(Outcome::Withdrawn)
        } else if gather.decision().is_some() {
            with(self.judge_whole(plan, closing, found))
        } else {
            self.judge_values(plan, closing, &layout, space, found)
                .unwrap_or_else(|misfit| with(Outcome::Rejected(misfit)))
        };
        Verdict {
            sample_count: count,
            ..verdict
        }
    }

    /// Judges what came out of a window as an event would be; a correction is looked at, and changes nothing.
    fn judge_values(
        &mut self,
        plan: &Plan,
        closing: &Closing,
        layout: &Arc<Layout>,
        space: &mut Space,
        found: &mut Found,
    ) -> Result<Verdict, Misfit> {
        self.follow(plan, layout, |_| true)?;
        let Some(model) = &mut self.model else {
            return Err(Misfit::Features);
        };
        let values = model.arrange(layout, &closing.values, &mut space.values)?;
        if closing.revision > 0 {
            let outcome = model.look(plan, closing.time, values, &mut space.work.row, found);
            return Ok(Verdict::of(0, outcome, model.version));
        }
        // Buckets follow each other; windows may overlap.
        let span = closing.span.filter(|_| plan.config().bucket.is_some());
        let missing = closing.left_out.min(LONGEST_GAP as u64) as usize;
        let step = span.map(|(begin, end)| end - begin);
        let steps = i64::try_from(closing.left_out).map_or(i64::MAX, |rows| rows.saturating_add(1));
        let times = span.map(|(begin, end)| {
            (
                begin.saturating_sub((end - begin).saturating_mul(steps)),
                begin,
            )
        });
        let pace = Pace::new(plan, step, times, missing);
        let sample = Sample {
            event: 0,
            offset: None,
            label: None,
            time: closing.time,
            layout,
            came: &closing.values,
            values,
            pace,
        };
        Ok(self.judge(plan, sample, &mut space.work, found))
    }

    /// Judges a window by how strange its rows were on average.
    fn judge_whole(&mut self, plan: &Plan, closing: &Closing, found: &mut Found) -> Outcome {
        let (Some(gather), Some(model)) = (&mut self.gather, &self.model) else {
            return Outcome::Missing;
        };
        let Some(decision) = gather.decision() else {
            return Outcome::Missing;
        };
        let score = closing.values.last().copied().unwrap_or(f64::NAN);
        if score.is_nan() {
            return Outcome::WarmingUp;
        }
        let policy = plan.policy_at(closing.time);
        let moment = Moment {
            time: closing.time.map(|time| time.0),
            ..Moment::default()
        };
        // A correction is looked at, and changes nothing.
        let mut copy = (closing.revision > 0).then(|| decision.clone());
        let decision = copy.as_mut().unwrap_or(decision);
        let judged = decision.judge(score, moment, &policy);
        let learning = match &judged {
            Some(judgement) => judgement.learning,
            None if policy.learns() => Learning::Usual,
            None => Learning::Not,
        };
        decision.take(Some(score), &[], learning);
        let Some(judgement) = judged else {
            return Outcome::WarmingUp;
        };
        let detail = judgement.is_over.then(|| {
            let explained = closing.strangest.as_deref();
            let explained = explained.and_then(|row| model.detector.explain(row).ok());
            let explained = explained.unwrap_or_default();
            found.details.push(Detail {
                names: model.names().to_vec(),
                contributions: explained.contributions,
                expected: explained.expected,
                counterfactual: Vec::new(),
                anomaly_type: None,
                reason: "the rows of this window are stranger than those of usual ones".to_owned(),
            });
            found.details.len() as u32 - 1
        });
        Outcome::Scored(Scored {
            score,
            anomaly_score: anomaly_score(judgement.depth),
            threshold: anomaly_score(judgement.threshold),
            confidence: judgement.confidence(judgement.is_over),
            is_anomaly: judgement.is_over,
            detail,
        })
    }
}
