//! The thread of a shard: takes what the log made durable, answers, saves, and comes back after a panic.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use willet_engine::config::{Plan, StreamConfig};
use willet_engine::event::{EventBatch, Timestamp};
use willet_engine::ids::VerdictId;
use willet_engine::journal::Entry;
use willet_engine::records::{PartitionId, RecordKind, Records};
use willet_engine::shard::Description;
use willet_engine::verdict::Verdicts;
use willet_log::{LogError, Objects};

use super::budget::Reservation;
use super::clock;
use super::gathered::{Gathered, StoreOutput, VerdictFormat, Witness, lock};
use super::log_thread::{Append, LogHandle, LogRequest, Then};
use super::output_thread::OutputMessage;
use super::{Shared, StreamFace, StreamState};
use crate::output::Answers;
use crate::worker::{Care, Home, Taking, Trouble, Worker, WorkerError, WorkerOptions};

/// What comes to a shard.
#[derive(Debug)]
pub(crate) enum ShardMessage {
    /// Durable records.
    Records(Records, Box<Taken>),
    /// Events to be judged and not learned.
    Peek(
        EventBatch,
        i64,
        oneshot::Sender<Result<Vec<String>, String>>,
    ),
    Describe(String, oneshot::Sender<Result<Option<Description>, String>>),
    /// Forget what was gathered of a key that was reset, or of all.
    Forget(Option<String>),
    /// End; with a last checkpoint where there is time for it.
    Stop {
        saves: bool,
    },
}

/// What comes with records on their way to the shard.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The events they were decoded to, one a record, from the first record on.
    pub(crate) events: EventBatch,
    /// Told their offsets when they are durable.
    pub(crate) stored: Option<oneshot::Sender<Result<Range<u64>, LogError>>>,
    /// Told the verdicts.
    pub(crate) judged: Option<oneshot::Sender<Result<Vec<String>, String>>>,
    /// Given back when the shard has taken them.
    pub(crate) reservation: Option<Reservation>,
}

/// What a shard's thread needs.
#[derive(Debug)]
pub(crate) struct ShardThread {
    pub(crate) shared: Arc<Shared>,
    pub(crate) stream: Arc<StreamFace>,
    /// The configuration that must be in force.
    pub(crate) config: StreamConfig,
    pub(crate) options: WorkerOptions,
    pub(crate) log: LogHandle,
    pub(crate) partition: PartitionId,
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) gathered: Arc<Mutex<Gathered>>,
    pub(crate) outputs: SyncSender<OutputMessage>,
    pub(crate) format: Arc<dyn VerdictFormat>,
    pub(crate) witness: Option<Arc<dyn Witness>>,
    /// What the store had at the start.
    pub(crate) delivered: u64,
    pub(crate) pulse: Pulse,
}

/// When time must pass for series that fell silent.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// Newest event time that came since the start.
    newest: i64,
    looked: i64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            newest: i64::MIN,
            looked: 0,
        }
    }
}

/// How often a shard looks whether a window of a silent series has ended, microseconds.
const TICK_EVERY: i64 = 250_000;
/// A stream without newer events than this is history, or its sources have gone: then no time passes for it.
const LIVE_FOR: i64 = 5 * 60 * 1_000_000;
/// How much longer than usual an event may be on its way before its window closes without it.
const GRACE: i64 = 1_000_000;

/// A checkpoint is due after so long at the latest ...
const CHECKPOINT_LATEST: Duration = Duration::from_secs(10);
/// ... and may take at most this share of the time, but comes no sooner than this.
const CHECKPOINT_SHARE: u32 = 10;
const CHECKPOINT_SOONEST: Duration = Duration::from_secs(5);
/// How long a shard that failed waits before it tries again, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Seconds of work that are worth a thread for each lane.
const FORK_WORTH: f64 = 2e-3;

enum Ended {
    Stopped,
    Failed(String),
    Panicked(String),
}

impl ShardThread {
    pub(crate) fn run(mut self, messages: &Receiver<ShardMessage>) {
        let taking = Taking::default();
        let mut suspects = 0..0;
        let mut pause = Duration::from_millis(100);
        loop {
            let care = Care {
                one_by_one: suspects.clone(),
                taking: taking.clone(),
            };
            let begun = clock::now();
            let ended = catch_unwind(AssertUnwindSafe(|| self.live(care, messages)))
                .unwrap_or_else(|panic| Ended::Panicked(panic_text(&*panic)));
            let reason = match ended {
                Ended::Stopped => return,
                Ended::Failed(reason) => reason,
                Ended::Panicked(reason) => {
                    self.stream.counters.restarts.fetch_add(1, Relaxed);
                    self.after_panic(&taking.range(), &mut suspects);
                    format!("it panicked and is started again: {reason}")
                }
            };
            tracing::error!(stream = %self.stream.name, reason, "the shard stopped");
            self.stream.set_state(StreamState::Failed(reason));
            if clock::now() - begun > 60_000_000 {
                pause = Duration::from_millis(100);
            }
            if wait(pause, messages) {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A record that was alone when processing panicked, and was among the suspects before, is poison.
    fn after_panic(&mut self, taking: &Range<u64>, suspects: &mut Range<u64>) {
        if taking.is_empty() {
            *suspects = 0..0;
            return;
        }
        if taking.end - taking.start == 1 && suspects.contains(&taking.start) {
            let offset = taking.start;
            let mut records = Records::new();
            let entry = Entry::Poison { offset };
            records.push(0, RecordKind::Journal, clock::now(), &entry.encode());
            match self.log.append(self.partition, records) {
                Ok(_) => {
                    self.stream.counters.poisoned.fetch_add(1, Relaxed);
                    let id = VerdictId::of_event(&*self.stream.name, offset).to_string();
                    tracing::error!(id, "a record made processing panic twice and is skipped");
                    self.shared.set_trouble(
                        &format!("poison in {}", self.stream.name),
                        Some(format!(
                            "record {id} was skipped: processing it panicked twice"
                        )),
                    );
                }
                Err(error) => tracing::error!(%error, "a poison mark could not be written"),
            }
        }
        *suspects = taking.clone();
    }

    fn live(&mut self, care: Care, messages: &Receiver<ShardMessage>) -> Ended {
        let mut worker = match self.recover(care) {
            Ok(worker) => worker,
            Err(error) => return Ended::Failed(error.to_string()),
        };
        self.stream.set_state(StreamState::Running);
        match self.serve(&mut worker, messages) {
            Ok(()) => Ended::Stopped,
            Err(error) => Ended::Failed(error.to_string()),
        }
    }

    fn recover(&mut self, care: Care) -> Result<Worker, WorkerError> {
        let delivered = self
            .delivered
            .max(self.stream.counters.delivered.load(Relaxed));
        lock(&self.gathered).forget(None);
        let output = StoreOutput {
            gathered: Arc::clone(&self.gathered),
            outputs: self.outputs.clone(),
            delivered,
        };
        let mut troubles = Vec::new();
        let recovered = Worker::recover(
            Plan::new(self.config.clone(), 1)?,
            self.options.clone(),
            &mut self.log.clone(),
            Home {
                partition: self.partition,
                objects: Arc::clone(&self.objects),
            },
            Box::new(output),
            care,
            &mut troubles,
        );
        self.tell(&troubles);
        let mut worker = recovered?;
        self.tell(&worker.take_troubles());
        let desired = self.stream.config();
        let is_new = worker.shard().next_offset() == 0;
        if is_new || *worker.shard().plan().config() != desired {
            worker.shard().plan().changed(desired.clone())?;
            let config = Box::new(desired);
            let mut records = Records::new();
            let entry = Entry::Configure { config };
            records.push(0, RecordKind::Journal, clock::now(), &entry.encode());
            let records = self.log.append(self.partition, records)?;
            worker.take(&records)?;
        }
        lock(&self.gathered).begin_at(worker.shard().next_offset());
        self.stream.set_cursor(worker.cursor().map(<[u8]>::to_vec));
        self.note(&worker);
        Ok(worker)
    }

    fn tell(&self, troubles: &[Trouble]) {
        for trouble in troubles {
            tracing::warn!(stream = %self.stream.name, %trouble, "found while recovering");
        }
        if let Some(trouble) = troubles.last() {
            let what = format!("recovery of {}", self.stream.name);
            self.shared.set_trouble(&what, Some(trouble.to_string()));
        }
    }

    fn note(&self, worker: &Worker) {
        let counters = &self.stream.counters;
        let shard = worker.shard();
        let occupancy = shard.occupancy();
        counters.keys.store(occupancy.keys as u64, Relaxed);
        counters.resident_bytes.store(
            (occupancy.resident_bytes + occupancy.index_bytes) as u64,
            Relaxed,
        );
        counters
            .model_version
            .store(u64::from(shard.plan().model_version()), Relaxed);
        counters.position.store(shard.next_offset(), Relaxed);
        for (counter, count) in counters.retrains.iter().zip(shard.retrains()) {
            // A shard that was started again counts from its replay on.
            counter.fetch_max(count, Relaxed);
        }
    }

    fn serve(
        &mut self,
        worker: &mut Worker,
        messages: &Receiver<ShardMessage>,
    ) -> Result<(), WorkerError> {
        let mut pace = Pace::new();
        loop {
            let wait = if worker.shard().is_checkpointing() {
                Duration::ZERO
            } else {
                Duration::from_millis(250)
            };
            let message = if wait.is_zero() {
                messages.try_recv().map_err(|_| RecvTimeoutError::Timeout)
            } else {
                messages.recv_timeout(wait)
            };
            match message {
                Ok(ShardMessage::Stop { saves }) => {
                    if saves {
                        worker.flush()?;
                        worker.checkpoint()?;
                    }
                    return Ok(());
                }
                Ok(message) => {
                    let begun = moment();
                    self.take(worker, message)?;
                    pace.worked(begun.elapsed());
                }
                Err(RecvTimeoutError::Timeout) => {
                    worker.flush()?;
                    // Others may want their share of what this one holds. A full disk is told with the next batch.
                    if let Err(error) = worker.hold_memory()
                        && !error.is_full()
                    {
                        return Err(error);
                    }
                    self.note(worker);
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            self.tick(worker);
            let begun = moment();
            let outcome = if worker.shard().is_checkpointing() {
                worker.checkpoint_step().map(|finished| {
                    if let Some(needless) = finished {
                        self.log.needless(self.partition, needless);
                        self.stream.counters.checkpoints.fetch_add(1, Relaxed);
                        pace.finished();
                    }
                })
            } else if pace.is_due() {
                pace.began();
                worker.begin_checkpoint()
            } else {
                continue;
            };
            pace.cost += begun.elapsed();
            let what = format!("checkpoints of {}", self.stream.name);
            match outcome {
                Err(error) if error.is_full() => {
                    self.shared.set_trouble(&what, Some(error.to_string()));
                    pace.finished();
                }
                Err(error) => return Err(error),
                Ok(()) => self.shared.set_trouble(&what, None),
            }
        }
    }

    /// Lets time pass for series that fell silent, while the stream is live: what ended is judged. A tick is a record like any other,
    /// so that a replay lets time pass at the same place.
    fn tick(&mut self, worker: &mut Worker) {
        let now = clock::now();
        let pulse = &mut self.pulse;
        if now - pulse.looked < TICK_EVERY || now.saturating_sub(pulse.newest) > LIVE_FOR {
            return;
        }
        pulse.looked = now;
        let at = Timestamp(now - GRACE);
        if worker.next_deadline().is_some_and(|due| due <= at) {
            let entry = Entry::Tick { at };
            let mut records = Records::new();
            records.push(0, RecordKind::Journal, now, &entry.encode());
            // It comes back to this thread as a record, in the log's order. A log that is too busy gets the next one.
            let then = Then::Shard(self.stream.shard.clone(), Box::default());
            let _ = self.log.0.try_send(LogRequest::Append(Append {
                partition: self.partition,
                records,
                then,
            }));
        }
    }

    fn take(&mut self, worker: &mut Worker, message: ShardMessage) -> Result<(), WorkerError> {
        match message {
            ShardMessage::Records(records, taken) => self.take_records(worker, &records, *taken),
            ShardMessage::Peek(events, arrived, reply) => {
                let mut verdicts = Verdicts::default();
                let peeked = worker.peek(&events, &mut verdicts);
                let mut records = Records::new();
                for row in events.rows() {
                    records.push(row.offset, RecordKind::Event, arrived, b"");
                }
                let plan = worker.shard().plan();
                let answers = Answers::new(&records, &events, &verdicts, plan);
                let written = peeked.map(|()| self.write_all(&answers));
                let _ = reply.send(written.map_err(|error| error.to_string()));
                worker.hold_memory()
            }
            ShardMessage::Describe(key, reply) => {
                let described = worker.describe(&key);
                let _ = reply.send(described.map_err(|error| error.to_string()));
                Ok(())
            }
            ShardMessage::Forget(key) => {
                lock(&self.gathered).forget(key.as_deref());
                Ok(())
            }
            ShardMessage::Stop { .. } => Ok(()),
        }
    }

    /// A verdict for each event, and behind them those of the windows that they closed.
    fn write_all(&self, answers: &Answers<'_>) -> Vec<String> {
        let mut json = Vec::new();
        let mut write = |answers: &Answers<'_>, index| {
            json.clear();
            self.format.write(answers, index, &mut json);
            String::from_utf8_lossy(&json).into_owned()
        };
        let mut all: Vec<String> = answers
            .indices()
            .map(|index| write(answers, index))
            .collect();
        if let Some(closed) = answers.closed() {
            all.extend(closed.indices().map(|index| write(&closed, index)));
        }
        all
    }

    fn take_records(
        &mut self,
        worker: &mut Worker,
        records: &Records,
        taken: Taken,
    ) -> Result<(), WorkerError> {
        if records.is_empty() || records.head(0).offset < worker.shard().next_offset() {
            // The recovery found them in the log.
            ShardMessage::Records(Records::new(), Box::new(taken))
                .refuse("the stream was started again while it took these events; they are stored");
            return Ok(());
        }
        let times = taken.events.rows().iter().filter_map(|row| row.time);
        // A time in the future would let time pass for ever.
        let newest = times.map(|time| time.0).max().unwrap_or(i64::MIN);
        self.pulse.newest = self.pulse.newest.max(newest.min(clock::now()));
        let begun = moment();
        worker.take_decoded(records, &taken.events)?;
        let count = taken.events.len();
        if count > 0 {
            let now = clock::now();
            let counters = &self.shared.counters;
            let took = begun.elapsed().as_secs_f64() / count as f64;
            counters.processing_time.note(took, count as u64, now);
            worker.fork_from((FORK_WORTH / took.max(1e-9)) as usize);
            let arrived = records.head(0).arrived;
            let latency = (now - arrived).max(0) as f64 / 1e6;
            counters.latency.note(latency, count as u64, now);
            self.stream.counters.last_event_at.store(arrived, Relaxed);
            if let Some(witness) = &self.witness {
                let seconds = took * count as f64;
                let began = now - (1e6 * seconds) as i64;
                let answers = answers_of(worker, records, &taken);
                witness.saw(&answers, began, seconds);
                if let Some(closed) = answers.closed() {
                    witness.saw(&closed, began, 0.0);
                }
            }
        }
        lock(&self.gathered).fill_bands(worker.shard());
        if taken.judged.is_some() {
            let verdicts = self.write_all(&answers_of(worker, records, &taken));
            if let Some(judged) = taken.judged {
                let _ = judged.send(Ok(verdicts));
            }
        }
        drop(taken.reservation);
        worker.flush()?;
        let troubles = worker.take_troubles();
        if !troubles.is_empty() {
            self.tell(&troubles);
        }
        self.note(worker);
        match worker.hold_memory() {
            Err(error) if error.is_full() => Ok(()),
            other => other,
        }
    }
}

/// What the worker answered to the events it took last.
fn answers_of<'a>(worker: &'a Worker, records: &'a Records, taken: &'a Taken) -> Answers<'a> {
    Answers::new(
        records,
        &taken.events,
        worker.verdicts(),
        worker.shard().plan(),
    )
}

/// Waits a while; what comes meanwhile is in the log and is found there. Returns whether the end was asked for.
fn wait(pause: Duration, messages: &Receiver<ShardMessage>) -> bool {
    let until = moment() + pause;
    loop {
        match messages.recv_timeout(until.saturating_duration_since(moment())) {
            Ok(ShardMessage::Stop { .. }) | Err(RecvTimeoutError::Disconnected) => return true,
            Ok(message) => message.refuse("the stream is being started again"),
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}

impl ShardMessage {
    /// Answers whoever waits that there is no verdict; records are in the log all the same.
    fn refuse(self, reason: &str) {
        match self {
            Self::Records(_, taken) => {
                if let Some(judged) = taken.judged {
                    let _ = judged.send(Err(reason.to_owned()));
                }
            }
            Self::Peek(_, _, reply) => {
                let _ = reply.send(Err(reason.to_owned()));
            }
            Self::Describe(_, reply) => {
                let _ = reply.send(Err(reason.to_owned()));
            }
            Self::Forget(_) | Self::Stop { .. } => {}
        }
    }
}

/// When the next checkpoint is due.
struct Pace {
    busy: Duration,
    cost: Duration,
    last_cost: Duration,
    since: Instant,
    is_dirty: bool,
}

impl Pace {
    fn new() -> Self {
        Self {
            busy: Duration::ZERO,
            cost: Duration::ZERO,
            last_cost: Duration::ZERO,
            since: moment(),
            // A recovery replayed something, perhaps.
            is_dirty: true,
        }
    }

    fn worked(&mut self, time: Duration) {
        self.busy += time;
        self.is_dirty = true;
    }

    fn is_due(&self) -> bool {
        let pause =
            (self.last_cost * CHECKPOINT_SHARE).clamp(CHECKPOINT_SOONEST, CHECKPOINT_LATEST);
        self.is_dirty && (self.since.elapsed() >= pause || self.busy >= CHECKPOINT_LATEST)
    }

    fn began(&mut self) {
        self.busy = Duration::ZERO;
        self.cost = Duration::ZERO;
        self.is_dirty = false;
    }

    fn finished(&mut self) {
        self.last_cost = self.cost;
        self.since = moment();
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the rim decides when a checkpoint is due and measures how long things take"
)]
fn moment() -> Instant {
    Instant::now()
}
