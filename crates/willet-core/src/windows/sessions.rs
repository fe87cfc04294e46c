//! Sessions: rows less than a gap apart. A late row may lengthen one, open it again, join two, or be one of its own.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::held_rows::HeldRows;
use super::row_windows::{Held, Out, Report};
use super::{Taken, is_usable_time};

#[derive(Clone, Debug)]
pub(super) struct Sessions {
    gap: i64,
    allowed: i64,
    state: State,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// Newest time of a row or a tick; `None` before the first row.
    clock: Option<i64>,
    next_id: i64,
    /// In order of time, at least a gap apart. Only the last can be open: any other ended before a row that has come.
    sessions: VecDeque<Session>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Session {
    id: i64,
    /// Times of its first and last row.
    first: i64,
    last: i64,
    reports: u32,
}

impl Session {
    fn report(&mut self, held: &Held) -> Report {
        let revision = self.reports;
        self.reports = self.reports.saturating_add(1);
        Report {
            id: self.id,
            revision,
            span: Some((self.first, self.last)),
            is_cut: held.left_out.reaches(self.first),
        }
    }
}

impl Sessions {
    pub(super) fn new(gap: i64, allowed: i64) -> Self {
        Self {
            gap,
            allowed,
            state: State {
                clock: None,
                next_id: 0,
                sessions: VecDeque::new(),
            },
        }
    }

    pub(super) fn push(&mut self, held: &mut Held, time: i64, row: &[f64], out: Out<'_>) -> Taken {
        let is_late = self.state.clock.is_some_and(|clock| time < clock);
        if !is_late {
            self.advance(held, time, out);
        }
        let clock = self.state.clock.unwrap_or(time);
        let sessions = &self.state.sessions;
        let at = sessions.partition_point(|session| time - session.last >= self.gap);
        let touched = sessions.range(at..);
        let touched = touched
            .take_while(|session| session.first - time < self.gap)
            .count();
        if touched == 0 && time + self.gap + self.allowed <= clock {
            return Taken::TooLate;
        }
        if held.has_no_room(time) {
            return Taken::NoRoom;
        }
        self.join(held, time, at, touched, out);
        held.insert(time, row);
        if self.state.sessions[at].last + self.gap <= clock {
            self.close(held, at, out);
        }
        self.forget_empty(held);
        if is_late { Taken::Late } else { Taken::InTime }
    }

    /// Makes the session at `at`, and the one behind it if both are touched, hold a time.
    fn join(&mut self, held: &mut Held, time: i64, at: usize, touched: usize, out: Out<'_>) {
        if touched == 0 {
            let id = self.state.next_id;
            self.state.next_id += 1;
            let session = Session {
                id,
                first: time,
                last: time,
                reports: 0,
            };
            self.state.sessions.insert(at, session);
            return;
        }
        debug_assert!(touched <= 2, "sessions are a gap apart");
        if touched == 2
            && let Some(mut later) = self.state.sessions.remove(at + 1)
        {
            if later.reports > 0 {
                let report = later.report(held);
                held.withdraw(&report, self.state.sessions[at].id, out);
            }
            self.state.sessions[at].last = later.last;
        }
        let session = &mut self.state.sessions[at];
        session.first = session.first.min(time);
        session.last = session.last.max(time);
    }

    /// Reports the session at `at`.
    fn close(&mut self, held: &mut Held, at: usize, out: Out<'_>) {
        let session = &mut self.state.sessions[at];
        let report = session.report(held);
        let rows = (
            held.rows.first_from(session.first),
            held.rows.first_after(session.last),
        );
        held.report(&report, rows, out);
    }

    /// A session all of whose rows were left out is forgotten, so that sessions are no more than rows.
    fn forget_empty(&mut self, held: &Held) {
        let oldest = held.rows.time(held.rows.start());
        while let Some(session) = self.state.sessions.front()
            && session.last < oldest
        {
            self.state.sessions.pop_front();
        }
    }

    pub(super) fn tick(&mut self, held: &mut Held, time: i64, out: Out<'_>) {
        if self.state.clock.is_some_and(|clock| time > clock) {
            self.advance(held, time, out);
        }
    }

    fn advance(&mut self, held: &mut Held, clock: i64, out: Out<'_>) {
        let before = self.state.clock.replace(clock);
        if let Some(last) = self.state.sessions.back()
            && before.is_some_and(|before| last.last + self.gap > before)
            && last.last + self.gap <= clock
        {
            self.close(held, self.state.sessions.len() - 1, out);
        }
        while let Some(session) = self.state.sessions.front()
            && session.last + self.gap + self.allowed <= clock
        {
            held.drop_before(held.rows.first_after(session.last));
            self.state.sessions.pop_front();
        }
    }

    pub(super) fn next_deadline(&self) -> Option<i64> {
        let end = self.state.sessions.back()?.last + self.gap;
        self.state
            .clock
            .is_some_and(|clock| end > clock)
            .then_some(end)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.state.sessions.capacity() * size_of::<Session>()
    }

    pub(super) fn save(&self) -> State {
        self.state.clone()
    }

    /// Takes up a saved state if it fits.
    pub(super) fn take_up(&mut self, rows: &HeldRows, state: State) -> bool {
        let is_sound = match state.clock {
            None => rows.len() == 0 && state.next_id == 0 && state.sessions.is_empty(),
            Some(clock) => is_usable_time(clock) && self.fits(clock, rows, &state),
        };
        if is_sound {
            self.state = state;
        }
        is_sound
    }

    fn fits(&self, clock: i64, rows: &HeldRows, state: &State) -> bool {
        /// More sessions than ever begin.
        const MOST: i64 = 1 << 60;
        let is_session = |session: &Session| {
            is_usable_time(session.first)
                && session.first <= session.last
                && session.last <= clock
                && session.last + self.gap + self.allowed > clock
                && (0..state.next_id).contains(&session.id)
                && (session.reports > 0 || session.last + self.gap > clock)
        };
        if !(0..=MOST).contains(&state.next_id) || !state.sessions.iter().all(is_session) {
            return false;
        }
        let pairs = state.sessions.iter().zip(state.sessions.iter().skip(1));
        let mut sessions = state.sessions.iter().peekable();
        let mut held = 0;
        for at in rows.start()..rows.end() {
            let time = rows.time(at);
            while sessions.next_if(|session| session.last < time).is_some() {}
            let is_in = sessions.peek().is_some_and(|session| session.first <= time);
            held += u64::from(is_in);
        }
        // The last row of a session is held as long as the session is.
        let ends = state.sessions.iter();
        pairs.into_iter().all(|(a, b)| b.first - a.last >= self.gap)
            && held == rows.len() as u64
            && ends.into_iter().all(|session| {
                let at = rows.first_from(session.last);
                at < rows.end() && rows.time(at) == session.last
            })
    }
}
