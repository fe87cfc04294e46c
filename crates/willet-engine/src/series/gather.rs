use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use willet_core::decision::{Decision, DecisionV2};
use willet_core::windows::{BucketPlan, WindowPlan};
use willet_core::windows::{Buckets, PushError, RowWindows, Taken, Window as RowWindow};

use super::Arrival;
use crate::config::{GatherPlan, Gathers, STRANGENESS};
use crate::event::{Layout, Timestamp};
use crate::verdict::Misfit;

/// The windows or buckets of a series.
#[derive(Debug)]
pub(super) struct Gather {
    /// Of the plan that it was made under.
    fingerprint: u64,
    /// What comes in.
    layout: Arc<Layout>,
    /// What comes out.
    made: Arc<Layout>,
    shape: Shape,
    told: Told,
}

#[derive(Debug)]
enum Shape {
    Buckets(Buckets),
    Statistics(RowWindows),
    /// With what is known of how strange whole windows are.
    Rows(RowWindows, Box<Decision>),
}

/// What was told of windows, and when time passes for the series.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Told {
    /// Windows that were judged.
    count: u64,
    /// The newest event, and what closed by it or by time that passed after it.
    record: u64,
    parts: u32,
    /// How far events lie behind their arrival at most, of late, in microseconds.
    lag: i64,
    /// Windows that late events may correct, with the verdicts that they got.
    open: VecDeque<ToldWindow>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct ToldWindow {
    id: i64,
    end: i64,
    offset: u64,
    part: u32,
}

/// As it is saved.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GatherState<D = Decision> {
    fingerprint: u64,
    names: Vec<String>,
    is_positional: bool,
    version: u16,
    shape: Vec<u8>,
    decision: Option<D>,
    told: Told,
}

impl GatherState<DecisionV2> {
    /// The same with decisions as they are now.
    pub(super) fn into_present(self) -> GatherState {
        GatherState {
            fingerprint: self.fingerprint,
            names: self.names,
            is_positional: self.is_positional,
            version: self.version,
            shape: self.shape,
            decision: self.decision.map(Decision::from),
            told: self.told,
        }
    }
}

/// A window that closed or was corrected.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) id: i64,
    pub(super) revision: u32,
    /// Begin and end, as far as they are known.
    pub(super) span: Option<(i64, i64)>,
    /// The time that its row bears: the begin of a bucket, as operators write it, the end of a window.
    pub(super) time: Option<Timestamp>,
    pub(super) events: u64,
    pub(super) left_out: u64,
    pub(super) is_cut: bool,
    /// It became a part of another one and is no more.
    pub(super) is_withdrawn: bool,
    pub(super) values: Vec<f64>,
    /// The strangest of its rows, where they were judged.
    pub(super) strangest: Option<Vec<f64>>,
}

/// A lag that is not reached again shrinks by this part with each event.
const LAG_FADES: i64 = 64;

impl Gather {
    /// Brings the gathering of a series to its plan; what was gathered under another, or of rows that do not fit any more, is dropped.
    pub(super) fn follow<'a>(
        gather: &'a mut Option<Box<Self>>,
        plan: &GatherPlan,
        fits: impl FnOnce(&Layout) -> bool,
        layout: impl FnOnce() -> Arc<Layout>,
    ) -> Result<&'a mut Self, Misfit> {
        let is_usable = gather
            .as_ref()
            .is_some_and(|gather| gather.is_of(plan) && fits(&gather.layout));
        if !is_usable {
            *gather = Some(Box::new(Self::new(plan, &layout())?));
        }
        Ok(gather.as_mut().expect("made above"))
    }

    /// Takes up names that come while no window has closed yet: what was gathered until then, a few events, is dropped.
    pub(super) fn widen(&mut self, plan: &GatherPlan, new: &[Box<str>]) {
        let layout = Layout::named(self.layout.names().iter().chain(new));
        if let Ok(wider) = Self::new(plan, &Arc::new(layout)) {
            let told = std::mem::take(&mut self.told);
            *self = Self { told, ..wider };
        }
    }

    /// Whether nothing was told of it yet.
    pub(super) fn is_untold(&self) -> bool {
        self.told.count == 0
    }

    /// Whether it was made under this plan.
    pub(super) fn is_of(&self, plan: &GatherPlan) -> bool {
        self.fingerprint == plan.fingerprint()
    }

    fn new(plan: &GatherPlan, layout: &Arc<Layout>) -> Result<Self, Misfit> {
        let (shape, made) = match plan.gathers() {
            Gathers::Buckets(config) => {
                let plan = BucketPlan::new(config, layout.names()).map_err(|_| Misfit::Features)?;
                let made = Layout::named([plan.name()]);
                (Shape::Buckets(Buckets::new(plan)), made)
            }
            Gathers::Statistics(config) => {
                let plan = WindowPlan::new(config, layout.names()).map_err(|_| Misfit::Features)?;
                let made = Layout::named(plan.names());
                (Shape::Statistics(RowWindows::new(plan)), made)
            }
            Gathers::Rows(config) => {
                let plan = WindowPlan::new(config, layout.names()).map_err(|_| Misfit::Features)?;
                let made = Layout::named(layout.names());
                (Shape::Rows(RowWindows::new(plan), Box::default()), made)
            }
        };
        Ok(Self {
            fingerprint: plan.fingerprint(),
            layout: Arc::clone(layout),
            made: Arc::new(made),
            shape,
            told: Told::default(),
        })
    }

    /// The layout of a detector's rows with their strangeness.
    pub(super) fn layout_of_rows(names: &[Box<str>]) -> Layout {
        let names = names.iter().map(|name| &**name);
        Layout::named(names.chain([STRANGENESS]))
    }

    /// Whether a layout is that of a detector's rows with their strangeness.
    pub(super) fn holds_rows_of(layout: &Layout, names: &[Box<str>]) -> bool {
        layout
            .names()
            .split_last()
            .is_some_and(|(_, own)| own == names)
    }

    /// What comes in.
    pub(super) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// What comes out.
    pub(super) fn made(&self) -> &Arc<Layout> {
        &self.made
    }

    /// Windows judged so far, the next one counted.
    pub(super) fn count_one(&mut self) -> u64 {
        self.told.count += 1;
        self.told.count
    }

    pub(super) fn count(&self) -> u64 {
        self.told.count
    }

    /// What is known of how strange whole windows are, where their rows are judged.
    pub(super) fn decision(&mut self) -> Option<&mut Decision> {
        match &mut self.shape {
            Shape::Rows(_, decision) => Some(decision),
            _ => None,
        }
    }

    /// Takes in a row; what closes or is corrected goes to `out`, in order.
    pub(super) fn push(
        &mut self,
        arrival: &Arrival<'_>,
        row: &[f64],
        out: &mut Vec<Closing>,
    ) -> Result<Taken, Misfit> {
        (self.told.record, self.told.parts) = (arrival.offset, 0);
        let at = arrival.time.map(|time| time.0);
        if let Some(at) = at.filter(|_| arrival.arrived > 0) {
            let lag = arrival.arrived.saturating_sub(at).max(0);
            self.told.lag = lag.max(self.told.lag - self.told.lag / LAG_FADES);
        }
        let judges_rows = matches!(self.shape, Shape::Rows(..));
        let taken = match &mut self.shape {
            Shape::Buckets(buckets) => {
                let at = at.ok_or(Misfit::Time)?;
                buckets.push(at, row, |bucket| out.push(Closing::of_bucket(&bucket)))
            }
            Shape::Statistics(windows) | Shape::Rows(windows, _) => {
                windows.push(at, row, |window| {
                    out.push(Closing::of_window(&window, judges_rows));
                })
            }
        };
        taken.map_err(|error| match error {
            PushError::Width(error) => Misfit::Width {
                expected: error.expected as u32,
                found: error.found as u32,
            },
            _ => Misfit::Time,
        })
    }

    /// Lets time pass up to `at`, by the clock that events arrive by.
    pub(super) fn tick(&mut self, at: i64, out: &mut Vec<Closing>) {
        let at = at.saturating_sub(self.told.lag);
        match &mut self.shape {
            Shape::Buckets(buckets) => {
                buckets.tick(at, |bucket| out.push(Closing::of_bucket(&bucket)));
            }
            Shape::Statistics(windows) => {
                windows.tick(at, |window| out.push(Closing::of_window(&window, false)));
            }
            Shape::Rows(windows, _) => {
                windows.tick(at, |window| out.push(Closing::of_window(&window, true)));
            }
        }
    }

    /// When a tick would close something, by the clock that events arrive by.
    pub(super) fn next_deadline(&self) -> Option<i64> {
        let deadline = match &self.shape {
            Shape::Buckets(buckets) => buckets.next_deadline(),
            Shape::Statistics(windows) | Shape::Rows(windows, _) => windows.next_deadline(),
        };
        deadline.map(|deadline| deadline.saturating_add(self.told.lag))
    }

    /// The verdict that a window got when it closed first, or gets now: record and part.
    pub(super) fn verdict_of(&mut self, closing: &Closing) -> (u64, u32) {
        let known = |told: &&ToldWindow| told.id == closing.id && closing.revision > 0;
        if let Some(told) = self.told.open.iter().find(known) {
            return (told.offset, told.part);
        }
        self.told.parts += 1;
        let (offset, part) = (self.told.record, self.told.parts);
        let allowed = match &self.shape {
            Shape::Buckets(buckets) => buckets.plan().allowed_lateness(),
            Shape::Statistics(windows) | Shape::Rows(windows, _) => {
                windows.plan().allowed_lateness()
            }
        };
        if let Some((_, end)) = closing.span.filter(|_| allowed > 0) {
            // What can be corrected is known by the windows themselves: here it only must not grow for ever.
            let is_past = |told: &ToldWindow| told.end.saturating_add(2 * allowed) < end;
            while self.told.open.front().is_some_and(is_past) {
                self.told.open.pop_front();
            }
            self.told.open.push_back(ToldWindow {
                id: closing.id,
                end,
                offset,
                part,
            });
        }
        (offset, part)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let shape = match &self.shape {
            Shape::Buckets(buckets) => buckets.memory_bytes() - size_of::<Buckets>(),
            Shape::Statistics(windows) => windows.memory_bytes() - size_of::<RowWindows>(),
            Shape::Rows(windows, decision) => {
                windows.memory_bytes() - size_of::<RowWindows>()
                    + size_of::<Decision>()
                    + decision.heap_bytes()
            }
        };
        size_of::<Self>() + shape + self.told.open.capacity() * size_of::<ToldWindow>()
    }

    pub(super) fn save(&self) -> GatherState {
        let (snapshot, decision) = match &self.shape {
            Shape::Buckets(buckets) => (buckets.snapshot(), None),
            Shape::Statistics(windows) => (windows.snapshot(), None),
            Shape::Rows(windows, decision) => (windows.snapshot(), Some((**decision).clone())),
        };
        GatherState {
            fingerprint: self.fingerprint,
            names: self
                .layout
                .names()
                .iter()
                .map(ToString::to_string)
                .collect(),
            is_positional: self.layout.is_positional(),
            version: snapshot.version,
            shape: snapshot.bytes,
            decision,
            told: self.told.clone(),
        }
    }

    /// What was gathered under another plan is not taken up.
    pub(super) fn restore(
        state: GatherState,
        plan: Option<&GatherPlan>,
    ) -> Result<Option<Box<Self>>, String> {
        let Some(plan) = plan.filter(|plan| plan.fingerprint() == state.fingerprint) else {
            return Ok(None);
        };
        let layout = Arc::new(if state.is_positional {
            Layout::positional(state.names.len())
        } else {
            Layout::named(&state.names)
        });
        let fresh = Self::new(plan, &layout).map_err(|misfit| misfit.to_string())?;
        let unusable = |error: &dyn ToString| error.to_string();
        let windows = |windows: &RowWindows| {
            RowWindows::restore(windows.plan().clone(), state.version, &state.shape)
        };
        let shape = match (fresh.shape, state.decision) {
            (Shape::Buckets(fresh), None) => {
                let plan = fresh.plan().clone();
                let restored = Buckets::restore(plan, state.version, &state.shape);
                Shape::Buckets(restored.map_err(|error| unusable(&error))?)
            }
            (Shape::Statistics(fresh), None) => {
                Shape::Statistics(windows(&fresh).map_err(|error| unusable(&error))?)
            }
            (Shape::Rows(fresh, _), Some(decision)) if decision.is_sound() => Shape::Rows(
                windows(&fresh).map_err(|error| unusable(&error))?,
                Box::new(decision),
            ),
            _ => return Err("its windows do not belong to their decisions".to_owned()),
        };
        Ok(Some(Box::new(Self {
            shape,
            told: state.told,
            ..fresh
        })))
    }
}

impl Closing {
    fn of_bucket(bucket: &willet_core::windows::Bucket) -> Self {
        Self {
            id: bucket.id,
            revision: bucket.revision,
            span: Some((bucket.begin, bucket.end)),
            time: Some(Timestamp(bucket.begin)),
            events: bucket.events,
            left_out: bucket.left_out,
            is_cut: false,
            is_withdrawn: false,
            values: vec![bucket.value],
            strangest: None,
        }
    }

    fn of_window(window: &RowWindow<'_>, judges_rows: bool) -> Self {
        let strangeness = |row: &&[f64]| row.last().copied().unwrap_or(f64::NAN);
        let strangest = || {
            let rows = window.rows().map(|(_, row)| row);
            let judged = rows.filter(|row| !strangeness(row).is_nan());
            let strangest = judged.max_by(|a, b| strangeness(a).total_cmp(&strangeness(b)))?;
            let (_, row) = strangest.split_last()?;
            Some(row.to_vec())
        };
        Self {
            id: window.id,
            revision: window.revision,
            span: window.span,
            time: window.span.map(|(_, end)| Timestamp(end)),
            events: window.len() as u64,
            left_out: 0,
            is_cut: window.is_cut,
            is_withdrawn: window.merged_into.is_some(),
            values: window.statistics.to_vec(),
            strangest: judges_rows.then(strangest).flatten(),
        }
    }
}
