//! What all doors share.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;
use willet_node::service::{Budget, Service, StreamFace, now};
use willet_proto::Code;
use willet_store::Queries;

use crate::catalogue::Catalogue;
use crate::problem::{Answer, Fault};

/// Limits of the doors.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one body of events.
    pub body_bytes: usize,
    /// Events of one body.
    pub body_events: usize,
    /// Connections at once.
    pub connections: usize,
    /// Bytes of bodies that are being read, over all connections.
    pub reading_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16 << 20,
            body_events: 100_000,
            connections: 10_000,
            reading_bytes: 128 << 20,
        }
    }
}

/// How whoever asks is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// Not at all.
    None,
    /// By a token that the store knows.
    Token,
}

/// How the doors are set up.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Limits.
    pub limits: Limits,
    /// How whoever asks is known.
    pub auth: AuthMode,
    /// Address listened on.
    pub address: IpAddr,
    /// Host names that requests may name, besides addresses and `localhost`.
    pub allowed_hosts: Vec<String>,
    /// Whether live sockets are served.
    pub sockets: bool,
}

/// The doors' state; clones share it.
#[derive(Clone, Debug)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: ServerOptions,
    running: OnceLock<Running>,
    reading: Arc<Budget>,
    numbers: Numbers,
    started_at: i64,
    rates: Mutex<Rates>,
    stopping: CancellationToken,
}

#[derive(Debug)]
struct Running {
    catalogue: Catalogue,
    /// Events and anomalies of former lives.
    before: (u64, u64),
}

/// What the doors count.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) requests: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) sockets: AtomicU64,
    pub(crate) socket_messages: AtomicU64,
    pub(crate) socket_lost: AtomicU64,
    next_request: AtomicU64,
}

/// Counts of some moments ago, for rates.
#[derive(Debug, Default)]
struct Rates {
    marks: Vec<(i64, BTreeMap<String, u64>)>,
}

impl App {
    /// Doors that say that the service is being started.
    pub fn new(options: ServerOptions) -> Self {
        Self(Arc::new(Inner {
            reading: Budget::new(options.limits.reading_bytes),
            options,
            running: OnceLock::new(),
            numbers: Numbers::default(),
            started_at: now(),
            rates: Mutex::default(),
            stopping: CancellationToken::new(),
        }))
    }

    /// Opens the doors to streams that were restored. `before` is how many events and anomalies there were in former lives.
    pub fn run(&self, catalogue: Catalogue, before: (u64, u64)) {
        let running = Running { catalogue, before };
        // Set once by whoever starts the process.
        let _ = self.0.running.set(running);
    }

    /// Cancelled when the doors close.
    pub fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    fn running(&self) -> Answer<&Running> {
        self.0
            .running
            .get()
            .ok_or_else(|| Fault::new(Code::Unavailable, "the service is being started"))
    }

    pub(crate) fn catalogue(&self) -> Answer<&Catalogue> {
        self.running().map(|running| &running.catalogue)
    }

    pub(crate) fn service(&self) -> Answer<&Arc<Service>> {
        self.catalogue().map(Catalogue::service)
    }

    pub(crate) fn queries(&self) -> Answer<&Queries> {
        self.catalogue().map(Catalogue::queries)
    }

    /// Events and anomalies of all time.
    pub(crate) fn totals(&self) -> Answer<(u64, u64)> {
        let running = self.running()?;
        let (mut events, mut anomalies) = running.before;
        for stream in running.catalogue.service().streams() {
            events += stream.counters.events.load(Relaxed);
            anomalies += stream.counters.anomalies.load(Relaxed);
        }
        Ok((events, anomalies))
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.options.limits
    }

    pub(crate) fn options(&self) -> &ServerOptions {
        &self.0.options
    }

    pub(crate) fn reading(&self) -> &Arc<Budget> {
        &self.0.reading
    }

    pub(crate) fn numbers(&self) -> &Numbers {
        &self.0.numbers
    }

    pub(crate) fn started_at(&self) -> i64 {
        self.0.started_at
    }

    /// An id for a request that brought none: this life and a number.
    pub(crate) fn next_request_id(&self) -> String {
        let number = self.0.numbers.next_request.fetch_add(1, Relaxed);
        format!("{:x}-{number:x}", self.0.started_at as u64)
    }

    /// Events a second of all streams over the last ten seconds or so.
    pub(crate) fn rate(&self) -> f64 {
        self.service()
            .map_or(0.0, |service| self.rate_of(&service.streams()))
    }

    /// The same of some streams.
    pub(crate) fn rate_of(&self, streams: &[Arc<StreamFace>]) -> f64 {
        let rates = self.0.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((then, counts)) = rates.marks.first() else {
            return 0.0;
        };
        let seconds = (now() - then) as f64 / 1e6;
        let grown = |face: &Arc<StreamFace>| {
            let events = face.counters.events.load(Relaxed);
            events.saturating_sub(counts.get(&*face.name).copied().unwrap_or(0))
        };
        let grown: u64 = streams.iter().map(grown).sum();
        if seconds > 0.0 {
            grown as f64 / seconds
        } else {
            0.0
        }
    }

    /// Notes where the counts stand; called every second.
    pub(crate) fn mark_rates(&self) {
        /// Marks kept: rates look this many seconds back.
        const MARKS: usize = 10;
        let Ok(service) = self.service() else { return };
        let counts = service
            .streams()
            .iter()
            .map(|face| (face.name.to_string(), face.counters.events.load(Relaxed)))
            .collect();
        let mut rates = self.0.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.marks.push((now(), counts));
        let excess = rates.marks.len().saturating_sub(MARKS);
        rates.marks.drain(..excess);
    }
}
