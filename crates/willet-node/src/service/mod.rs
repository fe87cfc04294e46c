//! The service: streams over one data folder, taken in at doors, answered live.
//!
//! [`Service`] is what doors talk to; the threads behind it are made in [`crate::pipeline`], where their picture is.
//! Reading order: `admission` (what comes in), `log_thread`, `shard_task`, `gathered` (what verdicts become), `output_thread`
//! (store, incidents), `topics` (who listens).

mod admission;
mod budget;
mod counters;
mod feed_thread;
mod gathered;
mod log_thread;
mod output_thread;
mod requests;
mod shard_task;
mod streams;
mod topics;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task;
use willet_engine::config::{PlanError, StreamConfig};
use willet_engine::incidents::{INCIDENTS_STREAM, IncidentConfig, IncidentRecord, Silence};
use willet_engine::ports::Objects;
use willet_engine::shard::Description;
use willet_log::{DataFolder, FolderObjects, Log, LogError, LogOptions, ObjectError};

pub use crate::clock::now;
pub use admission::{Accepted, Admitted, Intake};
pub use budget::{Budget, Reservation};
pub use counters::{BOUNDS, Counters, Histogram, StreamCounters};
pub use gathered::{Keep, MAX_HISTORY_SERIES, VerdictFormat, Witness};
pub use log_thread::{Keeping, SharedLog, SharedPartition};
pub use output_thread::{CommandAnswer, OutputsError};
pub use requests::Past;
pub use streams::{StreamFace, StreamState};
pub use topics::{Interest, Topic, Topics};

pub(crate) use budget::MAX_REQUESTS;
pub(crate) use feed_thread::run as run_feed;
pub(crate) use log_thread::{LogHandle, LogRequest};
pub(crate) use output_thread::{OutputMessage, Outputs};
pub(crate) use shard_task::ShardMessage;

use crate::feed::OpenFeed;
use crate::pipeline::{self, NoThread, ShardPool};
use crate::store::{PositionRow, Store, StoreError};
use crate::worker::WorkerOptions;

/// How the service runs.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    /// Of each shard. Its memory bound is that of all shards together.
    pub worker: WorkerOptions,
    /// Of the log.
    pub log: LogOptions,
    /// How long the log keeps what no state needs.
    pub keeping: Keeping,
    /// Bytes on their way between doors and shards.
    pub budget_bytes: usize,
    /// Which verdicts the store keeps.
    pub keep: Keep,
    /// How anomalies become alerts.
    pub incidents: IncidentConfig,
    /// Names of those who are told of alerts.
    pub receivers: Vec<String>,
    /// Streams at most.
    pub max_streams: usize,
    /// Who watches the shards, if anybody does.
    pub witness: Option<Arc<dyn Witness>>,
}

/// A stream to be run.
pub struct StreamSetup {
    /// Its configuration.
    pub config: StreamConfig,
    /// Where events come from besides the doors.
    pub feed: Option<OpenFeed>,
    /// Whether it begins paused.
    pub is_paused: bool,
}

impl std::fmt::Debug for StreamSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamSetup")
            .field("config", &self.config)
            .field("is_paused", &self.is_paused)
            .finish_non_exhaustive()
    }
}

/// A service that cannot be started, or a stream that cannot be added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The folder of checkpoints.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The outputs.
    #[error(transparent)]
    Outputs(#[from] OutputsError),
    /// A stream's configuration.
    #[error("stream `{name}`: {error}")]
    Plan {
        /// Its name.
        name: String,
        /// What is wrong.
        error: PlanError,
    },
    /// There is one of that name.
    #[error("there is a stream `{0}` already (change it, or choose another name)")]
    Exists(String),
    /// There is none of that name.
    #[error("there is no stream `{0}`")]
    NoStream(String),
    /// There are too many.
    #[error(
        "there are {0} streams, no more are allowed (delete some, or raise `dashboard.max_streams`)"
    )]
    TooMany(usize),
    /// The service is stopping.
    #[error("the service is stopping")]
    Stopping,
    /// There is no thread for it.
    #[error(transparent)]
    Thread(#[from] NoThread),
    /// A stream of another life has state that cannot be put aside.
    #[error("state of stream `{name}` could not be removed: {reason}")]
    Removal {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
}

/// Why events were not taken.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No such stream.
    #[error("there is no stream `{0}` (create it, or leave the name out for `default`)")]
    NoStream(String),
    /// The stream is paused.
    #[error("stream `{0}` is paused (resume it first)")]
    Paused(String),
    /// Too much is on its way.
    #[error("more is coming in than can be taken: {used} of {limit} bytes are on their way")]
    Overloaded {
        /// Bytes on their way.
        used: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The disk is full.
    #[error("the log cannot be written, its disk is full (nothing was taken; free some space)")]
    StorageFull,
    /// Not now.
    #[error("{0}")]
    Unavailable(String),
    /// The same idempotency key is being worked on.
    #[error("a request with this idempotency key is being worked on")]
    InProgress,
}

/// What all threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) streams: RwLock<BTreeMap<String, Arc<StreamFace>>>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) topics: Arc<Topics>,
    pub(crate) counters: Counters,
    pub(crate) requests: Arc<requests::Requests>,
    pub(crate) open_alerts: AtomicU64,
    pub(crate) outbox_grown: tokio::sync::Notify,
    troubles: Mutex<BTreeMap<String, String>>,
    phase: AtomicU8,
}

const RUNNING: u8 = 0;
const DRAINING: u8 = 1;
const ABANDONED: u8 = 2;

impl Shared {
    pub(crate) fn streams(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<StreamFace>>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn troubles(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what is wrong with a part, or that nothing is.
    pub(crate) fn set_trouble(&self, what: &str, trouble: Option<String>) {
        let mut troubles = self.troubles();
        match trouble {
            Some(trouble) => {
                troubles.insert(what.to_owned(), trouble);
            }
            // Asked for each batch: nothing is looked up where nothing is wrong.
            None if troubles.is_empty() => {}
            None => {
                troubles.remove(what);
            }
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.phase.load(SeqCst) != RUNNING
    }

    /// Whether nobody waits for full disks and locked stores any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.phase.load(SeqCst) == ABANDONED
    }
}

/// A running service.
#[derive(Debug)]
pub struct Service {
    shared: Arc<Shared>,
    options: ServiceOptions,
    format: Arc<dyn VerdictFormat>,
    folder: DataFolder,
    /// Opened once: that sweeps away what is being written.
    objects: Arc<dyn Objects>,
    log: LogHandle,
    outputs: SyncSender<OutputMessage>,
    positions: Mutex<Vec<PositionRow>>,
    threads: Mutex<Threads>,
    started_at: i64,
    hash_seed: u64,
    is_whole: AtomicBool,
}

#[derive(Debug, Default)]
struct Threads {
    log: Option<JoinHandle<()>>,
    outputs: Option<JoinHandle<()>>,
    feeds: Vec<JoinHandle<()>>,
    shards: Vec<(String, task::JoinHandle<()>)>,
    /// What shards run on, until the service stops.
    pool: Option<ShardPool>,
}

/// Verdicts that are on their way to the store for longer than this are late, in seconds.
const TARDY: f64 = 5.0;

/// What is wrong with a part of the service, in words.
pub type Trouble = (String, String);

impl Service {
    /// Opens the log and takes up what the store remembers. Streams are added after.
    pub fn start(
        folder: DataFolder,
        mut store: Box<dyn Store>,
        format: Arc<dyn VerdictFormat>,
        options: ServiceOptions,
    ) -> Result<Arc<Self>, ServiceError> {
        let (log, report) = Log::open(&folder, options.log.clone())?;
        for damage in &report.damage {
            tracing::warn!(%damage, "found in the log");
        }
        if report.torn_bytes > 0 {
            tracing::info!(
                bytes = report.torn_bytes,
                "cut off the end of the log: an unfinished write, or damage in the last one"
            );
        }
        let objects = FolderObjects::open(Arc::clone(folder.disk()), &folder.checkpoints_path())?;
        let started_at = now();
        let positions = store.positions()?;
        let requests = Arc::new(requests::Requests::default());
        for row in store.requests(started_at - requests::REMEMBERED)? {
            requests.note_kept(&row);
        }
        let shared = Arc::new(Shared {
            streams: RwLock::default(),
            budget: Budget::new(options.budget_bytes),
            topics: Topics::new(started_at as u64),
            counters: Counters::default(),
            requests,
            open_alerts: AtomicU64::new(0),
            outbox_grown: tokio::sync::Notify::new(),
            troubles: Mutex::default(),
            phase: AtomicU8::new(RUNNING),
        });
        let mut threads = Threads {
            pool: Some(ShardPool::start()?),
            ..Threads::default()
        };
        let (counted, keeping) = (Arc::clone(&shared), options.keeping);
        let (log, log_thread) = pipeline::spawn_log(move |requests| {
            log_thread::run(log, requests, keeping, &counted.counters);
        })?;
        threads.log = Some(log_thread);
        let outputs = Outputs::recover(
            Arc::clone(&shared),
            store,
            &log,
            &options.incidents,
            options.receivers.clone(),
        )?;
        let (outputs, outputs_thread) = pipeline::spawn_outputs(outputs)?;
        threads.outputs = Some(outputs_thread);
        Ok(Arc::new(Self {
            shared,
            format,
            log,
            outputs,
            positions: Mutex::new(positions),
            threads: Mutex::new(threads),
            started_at,
            is_whole: AtomicBool::new(false),
            // Tables of keys that strangers choose: nobody else can know it.
            hash_seed: folder.id() ^ (started_at as u64).rotate_left(17),
            folder,
            objects: Arc::new(objects),
            options,
        }))
    }

    fn threads(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The live topics.
    pub fn topics(&self) -> &Arc<Topics> {
        &self.shared.topics
    }

    /// What was counted.
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Bytes on their way.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.shared.budget
    }

    /// When it was started, microseconds since the epoch.
    pub fn started_at(&self) -> i64 {
        self.started_at
    }

    /// Where its data lie.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The streams, by name.
    pub fn streams(&self) -> Vec<Arc<StreamFace>> {
        self.shared.streams().values().cloned().collect()
    }

    /// The stream of this name.
    pub fn stream(&self, name: &str) -> Option<Arc<StreamFace>> {
        self.shared.streams().get(name).cloned()
    }

    /// Alerts that are not resolved.
    pub fn open_alerts(&self) -> u64 {
        self.shared.open_alerts.load(Relaxed)
    }

    /// What is wrong now, part by part.
    pub fn troubles(&self) -> Vec<Trouble> {
        let mut troubles: Vec<Trouble> = self.shared.troubles().clone().into_iter().collect();
        for stream in self.streams() {
            if let StreamState::Failed(reason) = stream.state() {
                troubles.push((format!("stream {}", stream.name), reason));
            }
        }
        let lag = self.output_lag();
        if lag > TARDY {
            let detail = format!("verdicts take {lag:.0} s to the store and to whoever listens");
            troubles.push(("outputs".to_owned(), detail));
        }
        troubles
    }

    /// How long the verdicts that are on their way to the store have been, in seconds.
    pub fn output_lag(&self) -> f64 {
        match self.shared.counters.outputs_since.load(Relaxed) {
            0 => 0.0,
            since => (now() - since).max(0) as f64 / 1e6,
        }
    }

    /// Says what is wrong with a part that somebody else watches, or that nothing is.
    pub fn set_trouble(&self, what: &str, trouble: Option<String>) {
        self.shared.set_trouble(what, trouble);
    }

    /// Whether every stream is up and events are taken.
    pub fn is_ready(&self) -> bool {
        let is_up = |stream: &Arc<StreamFace>| stream.state() == StreamState::Running;
        // Before all streams were added there is none that is not up.
        self.is_whole.load(SeqCst)
            && !self.shared.is_draining()
            && self.shared.streams().values().all(is_up)
    }

    /// Whether it is stopping.
    pub fn is_draining(&self) -> bool {
        self.shared.is_draining()
    }

    /// Told when there is something to send.
    pub async fn outbox_grown(&self) {
        self.shared.outbox_grown.notified().await;
    }

    /// What is known of a key; `None` for one that never spoke.
    pub async fn describe(&self, stream: &str, key: &str) -> Result<Option<Description>, Refusal> {
        let face = self.face(stream)?;
        let (reply, answer) = oneshot::channel();
        face.ask(ShardMessage::Describe(key.to_owned(), reply))?;
        answer
            .await
            .map_err(|_| Refusal::Unavailable("the stream is being started again".to_owned()))?
            .map_err(Refusal::Unavailable)
    }

    /// Gives a command to the incidents shard; it is durable when this returns.
    pub async fn command(&self, record: IncidentRecord) -> Result<CommandAnswer, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.to_outputs(OutputMessage::Command(record, reply))
            .await?;
        answer.await.map_err(|_| stopping())
    }

    /// The silences that hold.
    pub async fn silences(&self) -> Result<Vec<Silence>, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.to_outputs(OutputMessage::Silences(reply)).await?;
        answer.await.map_err(|_| stopping())
    }

    /// The outputs' channel is bounded: a task waits its turn.
    async fn to_outputs(&self, message: OutputMessage) -> Result<(), Refusal> {
        use std::sync::mpsc::TrySendError;
        let mut message = message;
        for _ in 0..1_000 {
            match self.outputs.try_send(message) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(back)) => message = back,
                Err(TrySendError::Disconnected(_)) => return Err(stopping()),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(Refusal::Unavailable(
            "the store takes nothing now".to_owned(),
        ))
    }

    fn face(&self, name: &str) -> Result<Arc<StreamFace>, Refusal> {
        self.stream(name)
            .ok_or_else(|| Refusal::NoStream(name.to_owned()))
    }

    /// Says that all streams were added: the service is ready when they are up, and the log lets go of streams that are not
    /// there any more.
    pub fn complete(&self) {
        self.is_whole.store(true, SeqCst);
        for (partition, stream) in self.log.partitions() {
            if stream != INCIDENTS_STREAM && self.stream(&stream).is_none() {
                self.log.needless(partition, u64::MAX);
            }
        }
    }

    /// Stops: what was acknowledged is kept, what is under way is finished as far as `patience` allows, the rest comes
    /// again from the log at the next start.
    pub fn drain(&self, patience: Duration) {
        if self.shared.phase.swap(DRAINING, SeqCst) != RUNNING {
            return;
        }
        let until = pipeline::Deadline::after(patience);
        let mut threads = std::mem::take(&mut *self.threads());
        pipeline::join_all(&mut threads.feeds, until);
        // Requests that were admitted are answered: their records reach the shards before the word to stop does.
        while self.shared.budget.used() > 0 && !until.has_passed() {
            std::thread::sleep(Duration::from_millis(5));
        }
        for stream in self.streams() {
            // A shard that is stuck is left behind: the process ends, the log has everything.
            stream.stop(true, until);
        }
        let mut shards = threads.shards.drain(..).map(|(_, it)| it).collect();
        pipeline::join_shards(&mut shards, until);
        pipeline::send_until(&self.outputs, OutputMessage::Stop, until);
        let mut outputs: Vec<JoinHandle<()>> = threads.outputs.take().into_iter().collect();
        pipeline::join_all(&mut outputs, until);
        if until.has_passed() {
            self.shared.phase.store(ABANDONED, SeqCst);
        }
        pipeline::send_until(&self.log.0, LogRequest::Close, until);
        let mut log: Vec<JoinHandle<()>> = threads.log.take().into_iter().collect();
        pipeline::join_all(&mut log, until);
    }
}

fn stopping() -> Refusal {
    Refusal::Unavailable("the service is stopping".to_owned())
}
