//! When time must pass for series that fell silent.

use willet_engine::event::{EventBatch, Timestamp};

/// Whether a stream is live and silent.
#[derive(Debug)]
pub(super) struct Silence {
    /// Newest event time that came since the start.
    newest: Option<Timestamp>,
    /// The same, of times that had come by then: one in the future would let time pass for ever.
    heard: i64,
    looked: i64,
    /// Whether time passes by the clock at all.
    is_live: bool,
}

/// How often it is looked whether a window of a silent series has ended, microseconds.
const LOOK_EVERY: i64 = 250_000;
/// A stream without newer events than this is history, or its sources have gone: then no time passes for it.
const LIVE_FOR: i64 = 5 * 60 * 1_000_000;
/// How much longer than usual an event may be on its way before its window closes without it.
const GRACE: i64 = 1_000_000;

impl Silence {
    pub(super) fn new(is_live: bool) -> Self {
        Self {
            newest: None,
            heard: i64::MIN,
            looked: 0,
            is_live,
        }
    }

    pub(super) fn heard(&mut self, events: &EventBatch, now: Timestamp) {
        let newest = events.rows().iter().filter_map(|row| row.time).max();
        self.newest = self.newest.max(newest);
        self.heard = self
            .heard
            .max(newest.map_or(i64::MIN, |newest| newest.0.min(now.0)));
    }

    /// Up to when time passes now, if it is to be looked whether anything is due.
    pub(super) fn look(&mut self, now: Timestamp) -> Option<Timestamp> {
        // A clock that was put back must not put off the next look.
        let is_early = now.0.abs_diff(self.looked) < LOOK_EVERY as u64;
        if !self.is_live || is_early || now.0.saturating_sub(self.heard) > LIVE_FOR {
            return None;
        }
        self.looked = now.0;
        Some(Timestamp(now.0 - GRACE))
    }

    /// Newest event time, where any came.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.newest
    }
}
