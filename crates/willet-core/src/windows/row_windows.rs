use serde::{Deserialize, Serialize};

use super::aggregates::Aggregates;
use super::by_time::TimeWindows;
use super::config::{Shape, WindowPlan};
use super::held_rows::{HeldRows, NO_TIME};
use super::sessions::Sessions;
use super::{LARGEST_TIME, read_state, usable, usable_time};
use super::{PushError, STATE_VERSION, Taken, check_width, is_usable, is_usable_time};
use crate::detectors::Snapshot;
use crate::error::RestoreError;

/// A closed window.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// Its number: by samples and by seconds it begins at `id` times the slide interval; sessions are counted as they begin.
    pub id: i64,
    /// 0 when it closes; 1, 2, ... when late rows corrected it.
    pub revision: u32,
    /// Begin and end in microseconds: by seconds those of the window, its end being the first instant after it; else the times
    /// of its first and last row, where rows have times.
    pub span: Option<(i64, i64)>,
    /// The session of which this one, which was reported before, turned out to be a part; it is no more and has no rows.
    pub merged_into: Option<i64>,
    /// Whether rows of it may have been left out since more than `max_rows` came.
    pub is_cut: bool,
    /// As [`WindowPlan::names`] names them: all of the first feature, then all of the second; empty with aggregation `features`.
    pub statistics: &'a [f64],
    rows: &'a HeldRows,
    from: u64,
    to: u64,
}

impl<'a> Window<'a> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        (self.to - self.from) as usize
    }

    /// Whether it has none: only a session that was merged has none.
    pub fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// Its rows with their times: by samples in order of arrival, else in order of time. Missing values are NaN.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (Option<i64>, &'a [f64])> + use<'a> {
        let (rows, from) = (self.rows, self.from);
        (0..self.len()).map(move |i| {
            let at = from + i as u64;
            let time = rows.time(at);
            ((time != NO_TIME).then_some(time), rows.row(at))
        })
    }
}

/// Where closed windows go.
pub(super) type Out<'a> = &'a mut dyn FnMut(Window<'_>);

/// Sliding, tumbling and session windows over rows: rows and ticks in, closed windows out.
///
/// A row costs `O(width)` and one join of summaries on average; a closed window `O(width · log rows)` and, for quantiles, distinct
/// values and entropy, what its rows differ by from the window before. A late row costs what lies behind it, and each correction
/// with those three statistics a look at all rows of its window. Memory is bounded by `max_rows`.
#[derive(Clone, Debug)]
pub struct RowWindows {
    plan: WindowPlan,
    held: Held,
    order: Order,
    row: Vec<f64>,
}

/// What moves the windows on.
#[derive(Clone, Debug)]
enum Order {
    Rows { size: u64, slide: u64 },
    Time(TimeWindows),
    Sessions(Sessions),
}

/// The rows and what is known of them.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) rows: HeldRows,
    aggregates: Aggregates,
    max_rows: usize,
    pub(super) left_out: LeftOut,
}

/// Rows that found no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct LeftOut {
    count: u64,
    /// Newest time of such a row.
    until: Option<i64>,
}

impl LeftOut {
    fn note(&mut self, time: i64) {
        self.count = self.count.saturating_add(1);
        self.until = self.until.max(Some(time));
    }

    pub(super) fn reaches(&self, time: i64) -> bool {
        self.until.is_some_and(|until| until >= time)
    }
}

impl Held {
    fn new(plan: &WindowPlan, start: u64) -> Self {
        Self {
            rows: HeldRows::new(plan.width(), start),
            aggregates: Aggregates::new(plan),
            max_rows: plan.max_rows,
            left_out: LeftOut::default(),
        }
    }

    /// Whether a row of this time would be the first to be left out.
    pub(super) fn has_no_room(&mut self, time: i64) -> bool {
        let is_oldest =
            self.rows.len() == self.max_rows && time < self.rows.time(self.rows.start());
        if is_oldest {
            self.left_out.note(time);
        }
        is_oldest
    }

    /// Puts in a row behind those of the same time; the oldest goes where there is no room.
    pub(super) fn insert(&mut self, time: i64, row: &[f64]) {
        if self.rows.len() == self.max_rows {
            let oldest = self.rows.start();
            self.left_out.note(self.rows.time(oldest));
            self.drop_before(oldest + 1);
        }
        let at = self.rows.first_after(time);
        self.insert_at(at, time, row);
    }

    fn insert_at(&mut self, at: u64, time: i64, row: &[f64]) {
        self.rows.insert(at, time, row);
        self.aggregates.inserted(&self.rows, at);
    }

    pub(super) fn drop_before(&mut self, at: u64) {
        if at > self.rows.start() {
            self.aggregates.leaving(&self.rows, at);
            self.rows.drop_before(at);
        }
    }

    /// Hands out a window over the rows `from..to`.
    pub(super) fn report(&mut self, report: &Report, (from, to): (u64, u64), out: Out<'_>) {
        let statistics = self.aggregates.of(&self.rows, from, to);
        out(Window {
            id: report.id,
            revision: report.revision,
            span: report.span,
            merged_into: None,
            is_cut: report.is_cut,
            statistics,
            rows: &self.rows,
            from,
            to,
        });
    }

    /// Hands out that a session is no more.
    pub(super) fn withdraw(&mut self, report: &Report, into: i64, out: Out<'_>) {
        out(Window {
            id: report.id,
            revision: report.revision,
            span: report.span,
            merged_into: Some(into),
            is_cut: report.is_cut,
            statistics: &[],
            rows: &self.rows,
            from: 0,
            to: 0,
        });
    }
}

/// A window without its rows.
pub(super) struct Report {
    pub(super) id: i64,
    pub(super) revision: u32,
    pub(super) span: Option<(i64, i64)>,
    pub(super) is_cut: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    shape: Shape,
    allowed: i64,
    width: usize,
    start: u64,
    times: Vec<i64>,
    values: Vec<f64>,
    left_out: LeftOut,
    order: OrderState,
}

#[derive(Debug, Serialize, Deserialize)]
enum OrderState {
    Rows,
    Time(super::by_time::State),
    Sessions(super::sessions::State),
}

/// Name in saved states.
const KIND: &str = "windows";
/// More rows than ever come.
const MOST_ROWS: u64 = 1 << 60;

impl RowWindows {
    /// Windows that have seen nothing.
    pub fn new(plan: WindowPlan) -> Self {
        let order = match plan.shape {
            Shape::Rows { size, slide } => Order::Rows {
                size: size as u64,
                slide: slide as u64,
            },
            Shape::Time { size, slide } => Order::Time(TimeWindows::new(size, slide, plan.allowed)),
            Shape::Session { gap } => Order::Sessions(Sessions::new(gap, plan.allowed)),
        };
        Self {
            held: Held::new(&plan, 0),
            row: vec![f64::NAN; plan.width()],
            order,
            plan,
        }
    }

    /// Takes in a row; windows that close by it, or are corrected by it, go to `out` in order of their ends.
    ///
    /// `time` is in microseconds since 1970, `row` has the plan's width. Infinities and values beyond
    /// [`LARGEST`](crate::detectors::LARGEST) are missing. An error changes nothing.
    pub fn push(
        &mut self,
        time: Option<i64>,
        row: &[f64],
        mut out: impl FnMut(Window<'_>),
    ) -> Result<Taken, PushError> {
        check_width(self.plan.width(), row)?;
        let needs_time = !matches!(self.order, Order::Rows { .. });
        let time = if needs_time || time.is_some() {
            usable_time(time)?
        } else {
            NO_TIME
        };
        for (own, value) in self.row.iter_mut().zip(row) {
            *own = usable(*value);
        }
        let (held, row) = (&mut self.held, &self.row);
        Ok(match &mut self.order {
            Order::Rows { size, slide } => push_by_rows(held, *size, *slide, time, row, &mut out),
            Order::Time(windows) => windows.push(held, time, row, &mut out),
            Order::Sessions(sessions) => sessions.push(held, time, row, &mut out),
        })
    }

    /// Closes what ends at `time` (microseconds since 1970) or before; what comes later with an earlier time is late. Before the
    /// first row, and by samples, it does nothing.
    pub fn tick(&mut self, time: i64, mut out: impl FnMut(Window<'_>)) {
        let time = time.clamp(-LARGEST_TIME, LARGEST_TIME);
        match &mut self.order {
            Order::Rows { .. } => {}
            Order::Time(windows) => windows.tick(&mut self.held, time, &mut out),
            Order::Sessions(sessions) => sessions.tick(&mut self.held, time, &mut out),
        }
    }

    /// Earliest time at which [`RowWindows::tick`] closes a window.
    pub fn next_deadline(&self) -> Option<i64> {
        match &self.order {
            Order::Rows { .. } => None,
            Order::Time(windows) => windows.next_deadline(&self.held.rows),
            Order::Sessions(sessions) => sessions.next_deadline(),
        }
    }

    /// What it was made for.
    pub fn plan(&self) -> &WindowPlan {
        &self.plan
    }

    /// Rows that are held now.
    pub fn rows_held(&self) -> usize {
        self.held.rows.len()
    }

    /// Rows ever left out since `max_rows` were held.
    pub fn rows_left_out(&self) -> u64 {
        self.held.left_out.count
    }

    /// Bytes held, itself included.
    pub fn memory_bytes(&self) -> usize {
        let order = match &self.order {
            Order::Rows { .. } => 0,
            Order::Time(windows) => windows.heap_bytes(),
            Order::Sessions(sessions) => sessions.heap_bytes(),
        };
        let held = self.held.rows.heap_bytes() + self.held.aggregates.heap_bytes();
        size_of::<Self>() + held + order + self.row.capacity() * size_of::<f64>()
    }

    /// The rows held and how far the windows are, versioned, to be taken up by [`RowWindows::restore`]. What follows from the rows is
    /// not saved.
    pub fn snapshot(&self) -> Snapshot {
        let rows = &self.held.rows;
        let numbers = rows.start()..rows.end();
        let state = State {
            shape: self.plan.shape,
            allowed: self.plan.allowed,
            width: self.plan.width(),
            start: rows.start(),
            times: numbers.clone().map(|at| rows.time(at)).collect(),
            values: numbers.flat_map(|at| rows.row(at)).copied().collect(),
            left_out: self.held.left_out,
            order: match &self.order {
                Order::Rows { .. } => OrderState::Rows,
                Order::Time(windows) => OrderState::Time(windows.save()),
                Order::Sessions(sessions) => OrderState::Sessions(sessions.save()),
            },
        };
        Snapshot {
            kind: KIND,
            version: STATE_VERSION,
            bytes: postcard::to_allocvec(&state).expect("plain data always serialises into memory"),
        }
    }

    /// Takes up a state saved under the same type, lengths, allowance and width; statistics and `max_rows` may be others, the
    /// latter no less than the rows held.
    pub fn restore(plan: WindowPlan, version: u16, bytes: &[u8]) -> Result<Self, RestoreError> {
        let damaged = |reason: &str| RestoreError::damaged(KIND, &reason);
        let state: State = read_state(KIND, version, bytes)?;
        if (state.shape, state.allowed, state.width) != (plan.shape, plan.allowed, plan.width()) {
            return Err(damaged(
                "type, length, allowance or width of its windows differ",
            ));
        }
        let mut windows = Self::new(plan);
        if !windows.fits(&state) {
            return Err(damaged("its rows do not belong together"));
        }
        let held = &mut windows.held;
        held.rows = HeldRows::new(state.width, state.start);
        held.left_out = state.left_out;
        let rows = state.values.chunks_exact(state.width);
        for (time, row) in state.times.iter().zip(rows) {
            held.insert_at(held.rows.end(), *time, row);
        }
        let is_taken = match (&mut windows.order, state.order) {
            (Order::Rows { size, slide }, OrderState::Rows) => {
                held.rows.start() == next_by_rows(held.rows.end(), *size, *slide) * *slide
            }
            (Order::Time(windows), OrderState::Time(saved)) => windows.take_up(&held.rows, saved),
            (Order::Sessions(sessions), OrderState::Sessions(saved)) => {
                sessions.take_up(&held.rows, saved)
            }
            _ => false,
        };
        if is_taken {
            return Ok(windows);
        }
        Err(damaged("its windows do not fit its rows"))
    }

    fn fits(&self, state: &State) -> bool {
        let by_rows = matches!(self.order, Order::Rows { .. });
        let is_time = |time: i64| is_usable_time(time) || (by_rows && time == NO_TIME);
        state.start <= MOST_ROWS
            && state.times.len() <= self.held.max_rows
            && state.times.len().checked_mul(state.width) == Some(state.values.len())
            && state.times.iter().all(|time| is_time(*time))
            && (by_rows || state.times.is_sorted())
            && state.values.iter().all(|value| is_usable(*value))
            && state.left_out.until.is_none_or(is_usable_time)
            && state.left_out.until.is_some() == (state.left_out.count > 0)
    }
}

/// Number of the first window that is not closed when `seen` rows have come.
fn next_by_rows(seen: u64, size: u64, slide: u64) -> u64 {
    seen.checked_sub(size)
        .map_or(0, |beyond| beyond / slide + 1)
}

fn push_by_rows(
    held: &mut Held,
    size: u64,
    slide: u64,
    time: i64,
    row: &[f64],
    out: Out<'_>,
) -> Taken {
    let end = held.rows.end();
    held.insert_at(end, time, row);
    let next = next_by_rows(end, size, slide);
    if next_by_rows(end + 1, size, slide) > next {
        let (from, to) = (next * slide, next * slide + size);
        let span = (held.rows.time(from), held.rows.time(to - 1));
        let is_timed = span.0 != NO_TIME && span.1 != NO_TIME;
        let report = Report {
            id: next as i64,
            revision: 0,
            span: is_timed.then_some(span),
            is_cut: false,
        };
        held.report(&report, (from, to), out);
        held.drop_before(from + slide);
    }
    Taken::InTime
}
