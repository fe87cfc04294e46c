//! What follows from an attempt: pure, so that every schedule can be tested in no time.

use super::sender::Outcome;

/// After so long a notification is given up, in seconds.
pub const DELIVERY_SECONDS: i64 = 24 * 3600;
/// Wait after the first attempt; it doubles with each.
const FIRST_WAIT: i64 = MICROS;
/// Longest wait for one notification.
const LONGEST_WAIT: i64 = 3600 * MICROS;
/// Longest that a receiver is left alone while anything is due for it: so soon its return is noticed.
const LONGEST_REST: i64 = 60 * MICROS;
const MICROS: i64 = 1_000_000;

/// What becomes of a notification. Times are microseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// It is done.
    Delivered,
    /// It is tried again.
    Retry {
        /// Not before this.
        at: i64,
        /// Why it was not taken.
        detail: String,
    },
    /// It is given up.
    Failed {
        /// Why.
        detail: String,
    },
}

/// What becomes of a notification made at `created_at` after its attempt number `attempts` (1 is the first) came to `outcome`
/// at `now`. The same arguments give the same time.
pub fn next_step(
    outcome: &Outcome,
    id: &str,
    attempts: u32,
    created_at: i64,
    now: i64,
) -> NextStep {
    let (after_seconds, detail) = match outcome {
        Outcome::Delivered => return NextStep::Delivered,
        Outcome::Refused { detail } => {
            return NextStep::Failed {
                detail: detail.clone(),
            };
        }
        Outcome::Retry {
            after_seconds,
            detail,
        } => (after_seconds.unwrap_or(0), detail),
    };
    let asked = i64::try_from(after_seconds)
        .unwrap_or(i64::MAX)
        .saturating_mul(MICROS);
    let at = now.saturating_add(wait(id, attempts).max(asked));
    if at > created_at.saturating_add(DELIVERY_SECONDS * MICROS) {
        return NextStep::Failed {
            detail: format!("given up after {attempts} attempts: {detail}"),
        };
    }
    NextStep::Retry {
        at,
        detail: detail.clone(),
    }
}

/// 1 s, 2 s, 4 s ... 1 h, each up to a quarter longer: by the id, so that what failed together does not come back together.
fn wait(id: &str, attempts: u32) -> i64 {
    let doublings = attempts.saturating_sub(1).min(12);
    let wait = (FIRST_WAIT << doublings).min(LONGEST_WAIT);
    wait + wait / 4 * i64::from(spread(id, attempts)) / 256
}

/// 0..256, FNV-1a of id and attempt: small, fixed for ever, and good enough to spread.
fn spread(id: &str, attempts: u32) -> u8 {
    let bytes = id.bytes().chain(attempts.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 32) as u8
}

/// A receiver, which is left alone for a while when it does not answer: with a thousand notifications due it is still asked
/// once in a while, and not a thousand times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receiver {
    failures: u32,
    rests_until: i64,
}

impl Receiver {
    /// Until when nothing is sent to it, whatever is due; microseconds since the epoch.
    pub fn rests_until(&self) -> i64 {
        self.rests_until
    }

    /// Takes what came of an attempt at `now`.
    pub fn after(&mut self, outcome: &Outcome, id: &str, now: i64) {
        let Outcome::Retry { after_seconds, .. } = outcome else {
            *self = Self::default();
            return;
        };
        self.failures = self.failures.saturating_add(1);
        let asked = after_seconds.unwrap_or(0).min(3600) as i64 * MICROS;
        let rest = wait(id, self.failures).min(LONGEST_REST).max(asked);
        self.rests_until = now.saturating_add(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence() -> Outcome {
        Outcome::Retry {
            after_seconds: None,
            detail: "no answer".to_owned(),
        }
    }

    #[test]
    fn waits_double_up_to_an_hour_and_end_after_a_day() {
        let mut now = 0;
        let mut waits = Vec::new();
        for attempts in 1.. {
            match next_step(&silence(), "a.1", attempts, 0, now) {
                NextStep::Retry { at, .. } => {
                    waits.push((at - now) / MICROS);
                    now = at;
                }
                NextStep::Failed { detail } => {
                    assert!(detail.contains(&format!("after {attempts} attempts: no answer")));
                    break;
                }
                NextStep::Delivered => panic!("nobody took it"),
            }
        }
        for (index, wait) in waits.iter().enumerate() {
            let least = (1 << index.min(12)).min(3600);
            assert!((least..=least + least / 4).contains(wait), "{waits:?}");
        }
        assert!((20 * 3600 * MICROS..=DELIVERY_SECONDS * MICROS).contains(&now));
        assert!(waits.len() > 25, "{waits:?}");
    }

    #[test]
    fn those_that_failed_together_do_not_come_back_together() {
        let at = |id: &str| match next_step(&silence(), id, 10, 0, 0) {
            NextStep::Retry { at, .. } => at,
            other => panic!("{other:?}"),
        };
        assert_eq!(at("a.1"), at("a.1"));
        assert_ne!(at("a.1"), at("a.2"));
    }

    #[test]
    fn what_the_receiver_asks_for_counts() {
        let later = |seconds| Outcome::Retry {
            after_seconds: Some(seconds),
            detail: "503".to_owned(),
        };
        let step = |seconds| next_step(&later(seconds), "a", 1, 0, 0);
        assert!(matches!(step(120), NextStep::Retry { at, .. } if at == 120 * MICROS));
        assert!(matches!(step(0), NextStep::Retry { at, .. } if at >= MICROS));
        assert!(matches!(step(u64::MAX), NextStep::Failed { .. }));
        let refused = Outcome::Refused {
            detail: "410 Gone".to_owned(),
        };
        assert!(matches!(
            next_step(&refused, "a", 1, 0, 0),
            NextStep::Failed { detail } if detail == "410 Gone"
        ));
    }

    #[test]
    fn a_receiver_that_is_away_rests_at_most_a_minute_at_a_time() {
        let mut receiver = Receiver::default();
        let mut now = 0;
        for _ in 0..20 {
            receiver.after(&silence(), "a", now);
            let rest = receiver.rests_until() - now;
            assert!((MICROS..=LONGEST_REST).contains(&rest), "{rest}");
            now = receiver.rests_until();
        }
        receiver.after(&Outcome::Delivered, "a", now);
        assert_eq!(receiver, Receiver::default());
        let refused = Outcome::Refused {
            detail: String::new(),
        };
        receiver.after(&refused, "a", now);
        assert_eq!(receiver.rests_until(), 0);
    }
}
