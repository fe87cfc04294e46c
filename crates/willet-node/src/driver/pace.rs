//! When the next checkpoint is due.

/// A checkpoint is due after so long at the latest, microseconds: replay of what was taken since the last one must not last longer ...
const LATEST: i64 = 10_000_000;
/// ... and where it is cheap it comes earlier, but takes at most this share of the time, and comes no sooner than this.
const SHARE: i64 = 10;
const SOONEST: i64 = 1_000_000;

/// Counts the time spent on records and on checkpoints.
#[derive(Debug)]
pub(super) struct Pace {
    /// Spent on records since the last checkpoint began.
    busy: i64,
    /// Spent on the present checkpoint, and on the last one.
    cost: i64,
    last_cost: i64,
    /// When the last one was over.
    since: i64,
    is_dirty: bool,
    /// Whether there are to be any.
    is_never: bool,
}

impl Pace {
    pub(super) fn new(now: i64, is_never: bool) -> Self {
        Self {
            busy: 0,
            cost: 0,
            last_cost: 0,
            since: now,
            // A recovery replayed something, perhaps.
            is_dirty: true,
            is_never,
        }
    }

    pub(super) fn worked(&mut self, micros: i64) {
        self.busy += micros.max(0);
        self.is_dirty = true;
    }

    pub(super) fn spent(&mut self, micros: i64) {
        self.cost += micros.max(0);
    }

    pub(super) fn is_due(&self, now: i64) -> bool {
        let pause = (self.last_cost * SHARE).clamp(SOONEST, LATEST);
        // Whoever is busy all the time is due by that; whoever is not waits longer, for there is little to replay.
        let idle_pause = pause.max(LATEST / 2);
        // A clock that was put back must not put off what is due.
        let passed = now.abs_diff(self.since) as i64;
        !self.is_never && self.is_dirty && (self.busy >= pause || passed >= idle_pause)
    }

    pub(super) fn began(&mut self) {
        self.busy = 0;
        self.cost = 0;
        self.is_dirty = false;
    }

    pub(super) fn finished(&mut self, now: i64) {
        self.last_cost = self.cost;
        self.since = now;
    }

    /// What was to be saved is still to be saved.
    pub(super) fn failed(&mut self, now: i64) {
        self.finished(now);
        self.is_dirty = true;
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.is_dirty
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn busy_shards_are_saved_often_and_a_costly_checkpoint_seldom() {
        let mut pace = Pace::new(0, false);
        pace.worked(2 * SECOND);
        assert!(pace.is_due(SECOND / 2), "as much was done in four lanes");
        pace.began();
        pace.spent(SECOND / 2);
        pace.finished(2 * SECOND);
        pace.worked(4 * SECOND);
        assert!(!pace.is_due(5 * SECOND), "at most a tenth of the time");
        pace.worked(SECOND);
        assert!(pace.is_due(6 * SECOND));
        pace.began();
        pace.spent(100 * SECOND);
        pace.finished(10 * SECOND);
        pace.worked(9 * SECOND);
        assert!(!pace.is_due(19 * SECOND));
        assert!(pace.is_due(20 * SECOND), "at the latest");
    }

    #[test]
    fn nothing_to_save_is_never_due() {
        let mut pace = Pace::new(0, false);
        pace.began();
        pace.finished(0);
        assert!(!pace.is_due(1_000 * SECOND));
        pace.worked(1);
        assert!(!pace.is_due(SECOND) && pace.is_due(5 * SECOND));
        pace.began();
        pace.failed(5 * SECOND);
        assert!(
            pace.is_due(10 * SECOND),
            "what could not be saved is due again"
        );
        pace.since = 0;
        assert!(pace.is_due(-5 * SECOND), "the clock was put back");
        assert!(!Pace::new(0, true).is_due(100 * SECOND));
    }
}
