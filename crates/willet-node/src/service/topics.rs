//! The live topics of this node: rings that sockets read from.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::watch;
use willet_engine::topic::{Passage, Ring};

/// A live channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Verdicts that said yes.
    Anomalies,
    /// Alerts, whenever one changes.
    Alerts,
    /// Numbers of the node, every second.
    Statistics,
    /// Changes of what is normal.
    Drift,
    /// Every verdict of sources that somebody asked for.
    Predictions,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Anomalies,
        Self::Alerts,
        Self::Statistics,
        Self::Drift,
        Self::Predictions,
    ];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anomalies => "anomalies",
            Self::Alerts => "alerts",
            Self::Statistics => "statistics",
            Self::Drift => "drift",
            Self::Predictions => "predictions",
        }
    }

    /// `type` of its messages.
    pub fn message_type(self) -> &'static str {
        match self {
            Self::Anomalies => "anomaly",
            Self::Alerts => "alert",
            Self::Statistics => "statistics",
            Self::Drift => "drift",
            Self::Predictions => "prediction",
        }
    }

    /// The topic of this name; `stats` is another word for `statistics`.
    pub fn find(name: &str) -> Option<Self> {
        let name = if name == "stats" { "statistics" } else { name };
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }
}

/// Messages a topic remembers.
const MESSAGES: usize = 8_192;
/// Bytes a topic remembers.
const BYTES: usize = 8 << 20;

/// All topics.
#[derive(Debug)]
pub struct Topics {
    rings: [Mutex<Ring>; Topic::ALL.len()],
    grown: [watch::Sender<u64>; Topic::ALL.len()],
    /// Sources whose every verdict somebody wants to see, with how many do.
    wanted: RwLock<BTreeMap<String, usize>>,
    wanted_count: AtomicUsize,
}

/// Somebody's wish to see every verdict of a source; it ends when dropped.
#[derive(Debug)]
pub struct Interest {
    topics: Arc<Topics>,
    source: String,
}

impl Topics {
    /// Empty topics of a new life; offsets of another life mean nothing in it.
    pub fn new(epoch: u64) -> Arc<Self> {
        Arc::new(Self {
            rings: std::array::from_fn(|_| Mutex::new(Ring::new(epoch, MESSAGES, BYTES))),
            grown: std::array::from_fn(|_| watch::channel(0).0),
            wanted: RwLock::default(),
            wanted_count: AtomicUsize::new(0),
        })
    }

    fn ring(&self, topic: Topic) -> MutexGuard<'_, Ring> {
        self.rings[topic as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message whose `data` is this JSON, and which speaks of this key; an empty one is none.
    pub fn publish(&self, topic: Topic, key: &str, data: &str) {
        let mut ring = self.ring(topic);
        let epoch = ring.epoch();
        let key = Some(key).filter(|key| !key.is_empty());
        ring.push(key, |offset| {
            format!(
                r#"{{"type":"{}","topic":"{}","epoch":"{epoch:x}","offset":{offset},"data":{data}}}"#,
                topic.message_type(),
                topic.name(),
            )
        });
        let next = ring.next();
        drop(ring);
        self.grown[topic as usize].send_replace(next);
    }

    /// Epoch and offset of the next message.
    pub fn end(&self, topic: Topic) -> (u64, u64) {
        let ring = self.ring(topic);
        (ring.epoch(), ring.next())
    }

    /// Up to `limit` messages from `place` on.
    pub fn read(&self, topic: Topic, place: u64, limit: usize) -> Passage {
        self.ring(topic).read(place, limit)
    }

    /// Tells when a topic has grown.
    pub fn watch(&self, topic: Topic) -> watch::Receiver<u64> {
        self.grown[topic as usize].subscribe()
    }

    /// Asks for every verdict of a source.
    pub fn want(self: &Arc<Self>, source: &str) -> Interest {
        let mut wanted = self.wanted.write().unwrap_or_else(PoisonError::into_inner);
        *wanted.entry(source.to_owned()).or_default() += 1;
        self.wanted_count.store(wanted.len(), Ordering::Relaxed);
        Interest {
            topics: Arc::clone(self),
            source: source.to_owned(),
        }
    }

    /// Whether somebody wants any source at all: cheap, asked for each batch.
    pub(crate) fn wants_any(&self) -> bool {
        self.wanted_count.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn wants(&self, source: &str) -> bool {
        let wanted = self.wanted.read().unwrap_or_else(PoisonError::into_inner);
        wanted.contains_key(source)
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        let mut wanted = self
            .topics
            .wanted
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = wanted.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                wanted.remove(&self.source);
            }
        }
        self.topics
            .wanted_count
            .store(wanted.len(), Ordering::Relaxed);
    }
}
