//! A topic: a live channel as a ring of messages with epoch and offset.

use std::collections::VecDeque;
use std::sync::Arc;

/// A message, with the key that it speaks of beside its text: whoever filters reads no JSON.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// The key; what speaks of none is for everybody.
    pub key: Option<Box<str>>,
    /// As it is sent.
    pub text: Box<str>,
}

impl Message {
    /// Whether it is for whoever wants this key and those that begin with it and a `/`.
    pub fn is_for(&self, wanted: &str) -> bool {
        self.key.as_deref().is_none_or(|key| {
            let rest = key.strip_prefix(wanted);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn bytes(&self) -> usize {
        self.text.len() + self.key.as_ref().map_or(0, |key| key.len())
    }
}

/// The newest messages of a topic. Offsets rise by one; whoever reads keeps its own place and is told what it missed.
#[derive(Debug)]
pub struct Ring {
    epoch: u64,
    next: u64,
    messages: VecDeque<Arc<Message>>,
    bytes: usize,
    max_messages: usize,
    max_bytes: usize,
}

/// What a reader gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// Messages that are gone between the reader's place and the first one here.
    pub lost: u64,
    /// Messages, oldest first.
    pub messages: Vec<Arc<Message>>,
    /// The reader's place from now on.
    pub next: u64,
}

impl Ring {
    /// An empty ring. Offsets mean something only within their `epoch`.
    pub fn new(epoch: u64, max_messages: usize, max_bytes: usize) -> Self {
        Self {
            epoch,
            next: 0,
            messages: VecDeque::new(),
            bytes: 0,
            max_messages: max_messages.max(1),
            max_bytes,
        }
    }

    /// Which life of the topic this is.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Offset of the next message.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Offset of the oldest message that is still here.
    pub fn first(&self) -> u64 {
        self.next - self.messages.len() as u64
    }

    /// Adds the message that `write` makes of its offset; the oldest go when the ring is full.
    pub fn push(&mut self, key: Option<&str>, write: impl FnOnce(u64) -> String) {
        let message = Message {
            key: key.map(Into::into),
            text: write(self.next).into(),
        };
        self.bytes += message.bytes();
        self.messages.push_back(Arc::new(message));
        self.next += 1;
        // One message stays whatever its size: an empty ring would never show it to anybody.
        while self.messages.len() > self.max_messages
            || (self.bytes > self.max_bytes && self.messages.len() > 1)
        {
            if let Some(gone) = self.messages.pop_front() {
                self.bytes -= gone.bytes();
            }
        }
    }

    /// Up to `limit` messages from `place` on. A place beyond the end reads from the end.
    pub fn read(&self, place: u64, limit: usize) -> Passage {
        let place = place.min(self.next);
        let from = place.max(self.first());
        let skip = (from - self.first()) as usize;
        let messages: Vec<_> = self
            .messages
            .iter()
            .skip(skip)
            .take(limit)
            .cloned()
            .collect();
        Passage {
            lost: from - place,
            next: from + messages.len() as u64,
            messages,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(max_messages: usize, max_bytes: usize, pushed: u64) -> Ring {
        let mut ring = Ring::new(7, max_messages, max_bytes);
        (0..pushed).for_each(|_| ring.push(None, |offset| format!("message {offset}")));
        ring
    }

    fn check(ring: &Ring, place: u64, limit: usize, lost: u64, offsets: std::ops::Range<u64>) {
        let passage = ring.read(place, limit);
        let expected: Vec<String> = offsets
            .clone()
            .map(|offset| format!("message {offset}"))
            .collect();
        let texts: Vec<&str> = passage.messages.iter().map(|it| &*it.text).collect();
        assert_eq!(
            (passage.lost, texts),
            (lost, expected.iter().map(|it| &**it).collect())
        );
        assert_eq!(passage.next, offsets.end.max(place.min(ring.next())));
    }

    #[test]
    fn a_reader_gets_what_it_missed_or_is_told_how_much_is_gone() {
        let ring = ring(4, 1 << 20, 10);
        check(&ring, 10, 99, 0, 10..10);
        check(&ring, 8, 99, 0, 8..10);
        check(&ring, 8, 1, 0, 8..9);
        check(&ring, 2, 99, 4, 6..10);
        check(&ring, 99, 99, 0, 10..10);
    }

    #[test]
    fn bytes_are_bounded_too_and_the_newest_message_always_stays() {
        check(&ring(99, 20, 5), 0, 99, 3, 3..5);
        check(&ring(99, 1, 5), 0, 99, 4, 4..5);
    }

    #[test]
    fn a_message_is_for_whoever_wants_its_key_or_the_one_above() {
        let message = |key: Option<&str>| Message {
            key: key.map(Into::into),
            text: "".into(),
        };
        assert!(message(Some("pump")).is_for("pump"));
        assert!(message(Some("pump/temperature")).is_for("pump"));
        assert!(message(None).is_for("pump"));
        for other in ["pump-7", "pum", "", "temperature/pump"] {
            assert!(!message(Some(other)).is_for("pump"), "{other}");
        }
    }
}
