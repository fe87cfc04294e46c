use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::bucket_config::{BucketPlan, What};
use super::{LARGEST_TIME, MICROS, PushError, STATE_VERSION, Taken};
use super::{check_width, is_usable_time, read_state, usable, usable_time};
use crate::detectors::Snapshot;
use crate::error::RestoreError;

/// A closed bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Its number: it begins at `id` times the length of a bucket after 1970.
    pub id: i64,
    /// 0 when it closes; 1, 2, ... when late events corrected it. A silent bucket that was left out begins with 0.
    pub revision: u32,
    /// Its first instant, in microseconds since 1970.
    pub begin: i64,
    /// The first instant after it.
    pub end: i64,
    /// What is told of it; NaN is missing.
    pub value: f64,
    /// Events in it.
    pub events: u64,
    /// Silent buckets that were left out just before it, since more than `max_silent` of them followed each other.
    pub left_out: u64,
}

/// Events put together by equal stretches of event time: events and ticks in, closed buckets out, each once and in order, silent
/// ones too; corrected ones again.
///
/// The bucket in which the first event came is not told of unless the event came at its very beginning: what happened in it before
/// nobody knows, and half a bucket looks like a fall. Neither are those before it.
///
/// Time `O(1)` an event; memory 64 bytes for each bucket that late events may correct.
#[derive(Clone, Debug)]
pub struct Buckets {
    plan: BucketPlan,
    state: State,
    /// Id of the first of `state.cells`.
    oldest: i64,
    /// The first that is not closed.
    next: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    every: i64,
    allowed: i64,
    of: Option<usize>,
    width: usize,
    /// Newest time of an event or a tick; `None` before the first event.
    clock: Option<i64>,
    /// The first that is told of.
    first: i64,
    /// Those that take events: from the first that is kept to that of the clock.
    cells: VecDeque<Cell>,
    /// Silent buckets since the last that was not, those left out not counted.
    silent: u64,
    left_out: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Cell {
    events: u64,
    present: u64,
    /// The sum and what it lost by rounding: it must not depend on the order in which late events came.
    sum: f64,
    lost: f64,
    least: f64,
    most: f64,
    reports: u32,
}

impl Cell {
    const EMPTY: Self = Self {
        events: 0,
        present: 0,
        sum: 0.0,
        lost: 0.0,
        least: f64::INFINITY,
        most: f64::NEG_INFINITY,
        reports: 0,
    };

    fn push(&mut self, value: f64) {
        self.events = self.events.saturating_add(1);
        if value.is_nan() {
            return;
        }
        self.present = self.present.saturating_add(1);
        // Neumaier's compensated sum.
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() {
            (self.sum - sum) + value
        } else {
            (value - sum) + self.sum
        };
        self.sum = sum;
        self.least = self.least.min(value);
        self.most = self.most.max(value);
    }

    fn value(&self, plan: &BucketPlan) -> f64 {
        let count = if plan.of.is_some() {
            self.present
        } else {
            self.events
        };
        let some = |value: f64| if self.present > 0 { value } else { f64::NAN };
        match plan.what {
            What::Count => count as f64,
            What::Rate => count as f64 * MICROS as f64 / plan.every as f64,
            What::Sum => self.sum + self.lost,
            What::Mean => some((self.sum + self.lost) / self.present as f64),
            What::Min => some(self.least),
            What::Max => some(self.most),
        }
    }

    fn is_sound(&self) -> bool {
        let is_empty = Self {
            events: self.events,
            reports: self.reports,
            ..Self::EMPTY
        } == *self;
        self.present <= self.events
            && (is_empty
                || self.present > 0
                    && self.least <= self.most
                    && [self.sum, self.lost, self.least, self.most]
                        .iter()
                        .all(|x| x.is_finite()))
    }
}

/// Name in saved states.
const KIND: &str = "buckets";

impl Buckets {
    /// Buckets that have seen nothing.
    pub fn new(plan: BucketPlan) -> Self {
        Self {
            state: State {
                every: plan.every,
                allowed: plan.allowed,
                of: plan.of,
                width: plan.width(),
                clock: None,
                first: 0,
                cells: VecDeque::new(),
                silent: 0,
                left_out: 0,
            },
            oldest: 0,
            next: 0,
            plan,
        }
    }

    /// Takes in an event; buckets that close by it go to `out` in order, or the one that it corrects.
    ///
    /// `time` is in microseconds since 1970, `row` has the plan's width. Infinities and values beyond
    /// [`LARGEST`](crate::detectors::LARGEST) are missing. An error changes nothing.
    pub fn push(
        &mut self,
        time: i64,
        row: &[f64],
        mut out: impl FnMut(Bucket),
    ) -> Result<Taken, PushError> {
        check_width(self.plan.width(), row)?;
        let time = usable_time(Some(time))?;
        let value = self.plan.of.map_or(f64::NAN, |of| usable(row[of]));
        let id = time.div_euclid(self.plan.every);
        let is_late = self.state.clock.is_some_and(|clock| time < clock);
        if self.state.clock.is_none() {
            self.state.first = (time - 1).div_euclid(self.plan.every) + 1;
            (self.oldest, self.next) = (self.state.first, self.state.first);
        }
        if !is_late {
            self.advance(time, &mut out);
        }
        if id < self.state.first {
            return Ok(Taken::BeforeFirst);
        }
        let Ok(at) = usize::try_from(id - self.oldest) else {
            return Ok(Taken::TooLate);
        };
        self.state.cells[at].push(value);
        if id < self.next {
            out(self.bucket(id, 0));
        }
        Ok(if is_late { Taken::Late } else { Taken::InTime })
    }

    /// Closes what ends at `time` (microseconds since 1970) or before; what comes later with an earlier time is late. Before the
    /// first event it does nothing.
    pub fn tick(&mut self, time: i64, mut out: impl FnMut(Bucket)) {
        let time = time.clamp(-LARGEST_TIME, LARGEST_TIME);
        if self.state.clock.is_some_and(|clock| time > clock) {
            self.advance(time, &mut out);
        }
    }

    fn advance(&mut self, clock: i64, out: &mut impl FnMut(Bucket)) {
        let now = clock.div_euclid(self.plan.every);
        let kept = self.first_kept(clock);
        while self.next < now {
            let at = (self.next - self.oldest) as usize;
            let is_silent = self.state.cells.get(at).is_none_or(|it| it.events == 0);
            if is_silent && self.state.silent >= self.plan.max_silent {
                // All that have cells are looked at one by one; behind them all are silent.
                let skipped = if at < self.state.cells.len() {
                    1
                } else {
                    now - self.next
                };
                self.state.left_out = self.state.left_out.saturating_add(skipped as u64);
                self.next += skipped;
                continue;
            }
            if at == self.state.cells.len() {
                self.state.cells.push_back(Cell::EMPTY);
            }
            self.state.silent = if is_silent { self.state.silent + 1 } else { 0 };
            let left_out = std::mem::take(&mut self.state.left_out);
            out(self.bucket(self.next, left_out));
            self.next += 1;
            self.forget(kept.min(self.next));
        }
        self.forget(kept);
        if self.state.cells.is_empty() {
            self.oldest = self.oldest.max(kept);
        }
        while self.oldest + self.state.cells.len() as i64 <= now {
            self.state.cells.push_back(Cell::EMPTY);
        }
        self.state.clock = Some(clock);
    }

    /// The first bucket that takes events when the clock is at `clock`.
    fn first_kept(&self, clock: i64) -> i64 {
        let kept = (clock - self.plan.allowed).div_euclid(self.plan.every);
        kept.max(self.state.first)
    }

    fn forget(&mut self, before: i64) {
        while self.oldest < before && self.state.cells.pop_front().is_some() {
            self.oldest += 1;
        }
    }

    fn bucket(&mut self, id: i64, left_out: u64) -> Bucket {
        let cell = &mut self.state.cells[(id - self.oldest) as usize];
        let revision = cell.reports;
        cell.reports = cell.reports.saturating_add(1);
        Bucket {
            id,
            revision,
            begin: id * self.plan.every,
            end: (id + 1) * self.plan.every,
            value: cell.value(&self.plan),
            events: cell.events,
            left_out,
        }
    }

    /// Earliest time at which [`Buckets::tick`] tells of a bucket.
    pub fn next_deadline(&self) -> Option<i64> {
        self.state.clock?;
        let at = usize::try_from(self.next - self.oldest).unwrap_or(0);
        let is_silent = self.state.cells.get(at).is_none_or(|it| it.events == 0);
        let is_told = !is_silent || self.state.silent < self.plan.max_silent;
        is_told.then(|| (self.next + 1) * self.plan.every)
    }

    /// What it was made for.
    pub fn plan(&self) -> &BucketPlan {
        &self.plan
    }

    /// Bytes held, itself included.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.state.cells.capacity() * size_of::<Cell>()
    }

    /// The buckets that take events, versioned, to be taken up by [`Buckets::restore`].
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            kind: KIND,
            version: STATE_VERSION,
            bytes: postcard::to_allocvec(&self.state)
                .expect("plain data always serialises into memory"),
        }
    }

    /// Takes up a state saved under the same length, allowance, value and width; what is told of buckets and `max_silent` may be
    /// others.
    pub fn restore(plan: BucketPlan, version: u16, bytes: &[u8]) -> Result<Self, RestoreError> {
        let state: State = read_state(KIND, version, bytes)?;
        let mut buckets = Self::new(plan);
        let fresh = &buckets.state;
        if (state.every, state.allowed, state.of, state.width)
            != (fresh.every, fresh.allowed, fresh.of, fresh.width)
        {
            let reason = "length, allowance, value or width of its buckets differ";
            return Err(RestoreError::damaged(KIND, &reason));
        }
        buckets.state = state;
        if buckets.take_up() {
            return Ok(buckets);
        }
        let reason = "its buckets do not belong together";
        Err(RestoreError::damaged(KIND, &reason))
    }

    /// Sets what follows from the state; whether the state is sound.
    fn take_up(&mut self) -> bool {
        let state = &self.state;
        let Some(clock) = state.clock else {
            return state.cells.is_empty()
                && (state.first, state.silent, state.left_out) == (0, 0, 0);
        };
        let least = (-LARGEST_TIME).div_euclid(self.plan.every);
        if !is_usable_time(clock) {
            return false;
        }
        let now = clock.div_euclid(self.plan.every);
        if !(least..=now + 1).contains(&state.first) {
            return false;
        }
        self.oldest = self.first_kept(clock);
        self.next = now.max(self.state.first);
        let state = &self.state;
        state.cells.len() as i64 == now + 1 - self.oldest
            && state.cells.iter().all(Cell::is_sound)
            && state.silent <= super::MAX_SILENT
    }
}
