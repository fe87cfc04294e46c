//! Requests with an idempotency key: a repetition is answered and not done again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::RequestRow;

/// How long a key is remembered, microseconds.
pub(crate) const REMEMBERED: i64 = 24 * 3_600 * 1_000_000;
/// Keys remembered at most; the oldest go first.
const MOST: usize = 100_000;

/// The keys of the last day.
#[derive(Debug, Default)]
pub(crate) struct Requests(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_key: BTreeMap<String, State>,
    in_order: VecDeque<(i64, String)>,
}

#[derive(Clone, Debug)]
enum State {
    Begun,
    Done(Past),
}

/// What a request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Offset of the first of its events.
    pub first: u64,
    /// As it was given with the events.
    pub answer: String,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    /// Nothing; it counts as begun from now on.
    New,
    /// It is being done.
    Begun,
    Done(Past),
}

impl Requests {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self, key: &str) -> Looked {
        let mut known = self.known();
        match known.by_key.get(key) {
            Some(State::Begun) => Looked::Begun,
            Some(State::Done(past)) => Looked::Done(past.clone()),
            None => {
                known.by_key.insert(key.to_owned(), State::Begun);
                Looked::New
            }
        }
    }

    /// It came to nothing: the key is free again.
    pub(crate) fn give_up(&self, key: &str) {
        let mut known = self.known();
        if matches!(known.by_key.get(key), Some(State::Begun)) {
            known.by_key.remove(key);
        }
    }

    pub(crate) fn done(&self, key: &str, past: Past, now: i64) {
        let mut known = self.known();
        let former = known.by_key.insert(key.to_owned(), State::Done(past));
        if !matches!(former, Some(State::Done(_))) {
            known.in_order.push_back((now, key.to_owned()));
        }
        while known.in_order.len() > MOST
            || known
                .in_order
                .front()
                .is_some_and(|(at, _)| *at < now - REMEMBERED)
        {
            if let Some((_, gone)) = known.in_order.pop_front() {
                known.by_key.remove(&gone);
            }
        }
    }

    /// The store has it: after a restart it comes from there.
    pub(crate) fn note_kept(&self, row: &RequestRow) {
        if let Some(past) = Past::read(&row.answer) {
            self.done(&row.key, past, row.at);
        }
    }
}

impl Past {
    /// What [`super::gathered::StoreOutput`] kept: the offset of the entry, which stands right behind its events, and the
    /// answer, which begins with how many there were.
    fn read(kept: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(kept).ok()?;
        let (offset, rest) = text.split_once(' ')?;
        let (events, answer) = rest.split_once(' ')?;
        let events: u64 = events.parse().ok()?;
        Some(Self {
            first: offset.parse::<u64>().ok()?.checked_sub(events)?,
            answer: answer.to_owned(),
        })
    }

    /// The answer as it is put into the journal.
    pub(crate) fn journalled(events: usize, answer: &str) -> String {
        format!("{events} {answer}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_begun_once_and_answered_from_then_on() {
        let requests = Requests::default();
        assert_eq!(requests.begin("k"), Looked::New);
        assert_eq!(requests.begin("k"), Looked::Begun);
        requests.give_up("k");
        assert_eq!(requests.begin("k"), Looked::New);
        let kept = format!("17 {}", Past::journalled(3, "what it was"));
        requests.note_kept(&RequestRow {
            key: "k".to_owned(),
            at: 5,
            answer: kept.into_bytes(),
        });
        let past = Past {
            first: 14,
            answer: "what it was".to_owned(),
        };
        assert_eq!(requests.begin("k"), Looked::Done(past.clone()));
        requests.done("later", past, 5 + REMEMBERED + 1);
        assert_eq!(requests.begin("k"), Looked::New, "a day has passed");
    }
}
