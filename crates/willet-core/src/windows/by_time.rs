//! Sliding and tumbling windows by event time: window `k` is from `k · slide` to `k · slide + size`, counted from 1970.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::held_rows::HeldRows;
use super::row_windows::{Held, Out, Report};
use super::{Taken, is_usable_time};

#[derive(Clone, Debug)]
pub(super) struct TimeWindows {
    size: i64,
    slide: i64,
    allowed: i64,
    /// Newest time of a row or a tick; `None` before the first row.
    clock: Option<i64>,
    /// The first window that began when the first row came or after.
    first: i64,
    /// The first that is not closed.
    next: i64,
    reported: VecDeque<Reported>,
}

/// A window that was reported and still takes late rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Reported {
    id: i64,
    revision: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    clock: Option<i64>,
    first: i64,
    reported: Vec<Reported>,
}

impl TimeWindows {
    pub(super) fn new(size: i64, slide: i64, allowed: i64) -> Self {
        Self {
            size,
            slide,
            allowed,
            clock: None,
            first: 0,
            next: 0,
            reported: VecDeque::new(),
        }
    }

    /// The first window that ends after `time`.
    fn first_ending_after(&self, time: i64) -> i64 {
        (time - self.size).div_euclid(self.slide) + 1
    }

    /// The last window that begins at `time` or before.
    fn last_beginning_by(&self, time: i64) -> i64 {
        time.div_euclid(self.slide)
    }

    fn begin(&self, id: i64) -> i64 {
        id * self.slide
    }

    pub(super) fn push(&mut self, held: &mut Held, time: i64, row: &[f64], out: Out<'_>) -> Taken {
        let Some(clock) = self.clock else {
            self.first = self.last_beginning_by(time - 1) + 1;
            self.next = self.first_ending_after(time).max(self.first);
            self.clock = Some(time);
            return self.put(held, time, row);
        };
        if time >= clock {
            self.advance(held, time, out);
            return self.put(held, time, row);
        }
        let kept = self.first_ending_after(clock - self.allowed);
        let last = self.last_beginning_by(time);
        let first = self.first_ending_after(time).max(kept);
        if last < self.first {
            return Taken::BeforeFirst;
        }
        if last < first {
            return Taken::TooLate;
        }
        if held.has_no_room(time) {
            return Taken::NoRoom;
        }
        held.insert(time, row);
        for id in first.max(self.first)..=last.min(self.next - 1) {
            self.report(held, id, out);
        }
        Taken::Late
    }

    /// A row that is not late.
    fn put(&mut self, held: &mut Held, time: i64, row: &[f64]) -> Taken {
        if self.last_beginning_by(time) < self.first {
            return Taken::BeforeFirst;
        }
        held.insert(time, row);
        Taken::InTime
    }

    pub(super) fn tick(&mut self, held: &mut Held, time: i64, out: Out<'_>) {
        if self.clock.is_some_and(|clock| time > clock) {
            self.advance(held, time, out);
        }
    }

    fn advance(&mut self, held: &mut Held, clock: i64, out: Out<'_>) {
        let open = self.first_ending_after(clock).max(self.first);
        while self.next < open {
            self.next = self.next_with_rows(&held.rows).min(open);
            if self.next < open {
                self.report(held, self.next, out);
                self.next += 1;
            }
        }
        self.clock = Some(clock);
        let kept = self.first_ending_after(clock - self.allowed);
        held.drop_before(held.rows.first_from(self.begin(kept)));
        while self.reported.front().is_some_and(|it| it.id < kept) {
            self.reported.pop_front();
        }
    }

    /// The first window that is not closed and has rows.
    fn next_with_rows(&self, rows: &HeldRows) -> i64 {
        let at = rows.first_from(self.begin(self.next));
        if at == rows.end() {
            return i64::MAX;
        }
        self.first_ending_after(rows.time(at)).max(self.next)
    }

    fn report(&mut self, held: &mut Held, id: i64, out: Out<'_>) {
        let at = self.reported.partition_point(|it| it.id < id);
        let revision = match self.reported.get_mut(at) {
            Some(it) if it.id == id => {
                it.revision = it.revision.saturating_add(1);
                it.revision
            }
            _ => {
                self.reported.insert(at, Reported { id, revision: 0 });
                0
            }
        };
        let (begin, end) = (self.begin(id), self.begin(id) + self.size);
        let report = Report {
            id,
            revision,
            span: Some((begin, end)),
            is_cut: held.left_out.reaches(begin),
        };
        let rows = (held.rows.first_from(begin), held.rows.first_from(end));
        held.report(&report, rows, out);
    }

    pub(super) fn next_deadline(&self, rows: &HeldRows) -> Option<i64> {
        let id = self.next_with_rows(rows);
        (id < i64::MAX).then(|| self.begin(id) + self.size)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.reported.capacity() * size_of::<Reported>()
    }

    pub(super) fn save(&self) -> State {
        State {
            clock: self.clock,
            first: self.first,
            reported: self.reported.iter().copied().collect(),
        }
    }

    /// Takes up a saved state if it fits; new windows otherwise stay as they are.
    pub(super) fn take_up(&mut self, rows: &HeldRows, state: State) -> bool {
        let Some(clock) = state.clock else {
            return rows.len() == 0 && state.first == 0 && state.reported.is_empty();
        };
        // The first window begins when the first row came, or less than a slide after it; no row is newer than the clock.
        let last_first = self.last_beginning_by(clock.min(super::LARGEST_TIME)) + 1;
        if !is_usable_time(clock)
            || !(self.last_beginning_by(-super::LARGEST_TIME)..=last_first).contains(&state.first)
        {
            return false;
        }
        let next = self.first_ending_after(clock).max(state.first);
        let kept = self.first_ending_after(clock - self.allowed);
        let oldest = self.begin(kept.max(state.first));
        let is_sound = (rows.start()..rows.end())
            .all(|at| (oldest..=clock).contains(&rows.time(at)))
            && state.reported.is_sorted_by(|a, b| a.id < b.id)
            && state
                .reported
                .iter()
                .all(|it| (kept.max(state.first)..next).contains(&it.id));
        if is_sound {
            self.clock = Some(clock);
            self.first = state.first;
            self.next = next;
            self.reported = state.reported.into();
        }
        is_sound
    }
}
