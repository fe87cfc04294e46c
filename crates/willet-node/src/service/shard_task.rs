//! The task of a shard: takes what the log made durable, answers, saves, and comes back after a panic. Shards take turns on the threads
//! of a pool.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use willet_engine::event::EventBatch;
use willet_engine::ids::VerdictId;
use willet_engine::journal::Entry;
use willet_engine::ports::{Clock as _, Objects, PartitionLog as _};
use willet_engine::records::{RecordKind, Records};
use willet_engine::shard::Description;
use willet_engine::verdict::Verdicts;
use willet_log::LogError;

use super::budget::Reservation;
use super::gathered::{Gathered, StoreOutput, VerdictFormat, Witness, lock};
use super::log_thread::{Append, LogRequest, SharedPartition, Then};
use super::output_thread::OutputMessage;
use super::{Shared, StreamFace, StreamState};
use crate::clock::{self, SystemClock};
use crate::driver::{Asked, Driver, Effects, Input, Observer, OpenError, Setup, records_of};
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

/// What a shard's task needs.
#[derive(Debug)]
pub(crate) struct ShardTask {
    pub(crate) shared: Arc<Shared>,
    pub(crate) stream: Arc<StreamFace>,
    pub(crate) options: WorkerOptions,
    pub(crate) log: SharedPartition,
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) gathered: Arc<Mutex<Gathered>>,
    pub(crate) outputs: SyncSender<OutputMessage>,
    pub(crate) format: Arc<dyn VerdictFormat>,
    pub(crate) witness: Option<Arc<dyn Witness>>,
    /// What the store had at the start.
    pub(crate) delivered: u64,
}

/// How long a shard waits for something to do before it looks up: windows of silent keys end, checkpoints become due.
const IDLE: Duration = Duration::from_millis(250);
/// The same where nothing came for a while and nothing can end: ten thousand idle streams are no load.
const LONG_IDLE: Duration = Duration::from_secs(2);
/// Looks without anything to do until a shard counts as idle for long.
const IDLE_LOOKS: u32 = 40;
/// How long a shard that failed waits before it tries again, at first and at most.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Seconds of work that are worth a thread for each lane.
const FORK_WORTH: f64 = 2e-3;

enum Ended {
    Stopped,
    Failed(String),
    Panicked(String),
}

/// What a turn comes to.
enum Turn {
    Busy,
    Done,
    Stopped,
}

impl ShardTask {
    pub(crate) async fn run(mut self, mut messages: mpsc::Receiver<ShardMessage>) {
        let taking = Taking::default();
        let mut suspects = 0..0;
        let mut pause = SHORTEST_PAUSE;
        loop {
            let care = Care {
                one_by_one: suspects.clone(),
                taking: taking.clone(),
            };
            let begun = clock::now();
            let reason = match self.live(care, &mut messages).await {
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
                pause = SHORTEST_PAUSE;
            }
            if timeout(pause, refuse_until_stopped(&mut messages))
                .await
                .is_ok()
            {
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
            let entry = Entry::Poison { offset };
            let mut records = records_of(&entry, SystemClock.now());
            match self.log.append(&mut records) {
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

    async fn live(&mut self, care: Care, messages: &mut mpsc::Receiver<ShardMessage>) -> Ended {
        // A long replay keeps a thread from the others: they get another one.
        let recovered = tokio::task::block_in_place(|| caught(|| self.recover(care)));
        let mut driver = match recovered {
            Ok(driver) => driver,
            Err(ended) => return ended,
        };
        self.stream.set_state(StreamState::Running);
        let (mut is_busy, mut idle_looks) = (false, 0);
        loop {
            let message = if is_busy {
                messages.try_recv().ok()
            } else {
                let wait = patience(&mut driver, idle_looks);
                match timeout(wait, messages.recv()).await {
                    // All who could say anything have gone.
                    Ok(None) => return Ended::Stopped,
                    Ok(message) => message,
                    Err(_) => None,
                }
            };
            idle_looks = match message {
                None if !is_busy => idle_looks.saturating_add(1),
                _ => 0,
            };
            match caught(|| self.turn(&mut driver, message)) {
                Ok(Turn::Stopped) => return Ended::Stopped,
                Ok(turn) => is_busy = matches!(turn, Turn::Busy),
                Err(ended) => return ended,
            }
            // The others take their turn.
            tokio::task::yield_now().await;
        }
    }

    fn recover(&mut self, care: Care) -> Result<Driver, OpenError> {
        let delivered = self
            .delivered
            .max(self.stream.counters.delivered.load(Relaxed));
        lock(&self.gathered).forget(None);
        let output = StoreOutput {
            gathered: Arc::clone(&self.gathered),
            outputs: self.outputs.clone(),
            delivered,
        };
        let setup = Setup {
            options: self.options.clone(),
            home: Home {
                partition: self.log.partition,
                objects: Arc::clone(&self.objects),
            },
            output: Box::new(output),
            care,
            clock: Arc::new(SystemClock),
            saves: true,
            is_live: true,
        };
        let asked = Asked::Change(self.stream.config());
        let mut troubles = Vec::new();
        let opened = Driver::open(setup, &mut self.log, asked, &mut troubles);
        self.tell(&troubles);
        let mut driver = opened?;
        let worker = driver.worker();
        self.tell(&worker.take_troubles());
        lock(&self.gathered).begin_at(worker.shard().next_offset());
        self.stream.set_cursor(worker.cursor().map(<[u8]>::to_vec));
        self.note(worker);
        Ok(driver)
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

    /// Takes what came, or lets time pass where nothing did.
    fn turn(
        &mut self,
        driver: &mut Driver,
        message: Option<ShardMessage>,
    ) -> Result<Turn, WorkerError> {
        let effects = match message {
            Some(ShardMessage::Stop { saves }) => {
                if saves {
                    driver.save_changes()?;
                }
                return Ok(Turn::Stopped);
            }
            Some(ShardMessage::Records(records, taken)) => {
                self.take_records(driver, &records, *taken)?
            }
            Some(message) => {
                self.answer(driver.worker(), message);
                driver.step(&Input::Nothing, &mut ())?
            }
            None => {
                let effects = driver.step(&Input::Nothing, &mut ())?;
                self.note(driver.worker());
                effects
            }
        };
        let turn = if effects.is_busy {
            Turn::Busy
        } else {
            Turn::Done
        };
        self.follow(effects);
        Ok(turn)
    }

    /// Does with the log what the driver wants done.
    fn follow(&mut self, effects: Effects) {
        if let Some(entry) = effects.append {
            // It comes back to this task as a record, in the log's order. A log that is too busy gets the next one.
            let then = Then::Shard(self.stream.shard.clone(), Box::default());
            let _ = self.log.log.0.try_send(LogRequest::Append(Append {
                partition: self.log.partition,
                records: records_of(&entry, SystemClock.now()),
                then,
            }));
        }
        // The log is there until all shards have gone.
        let _ = self.log.needless(effects.needless);
        self.stream
            .counters
            .checkpoints
            .fetch_add(u64::from(effects.has_checkpointed), Relaxed);
        let missed = effects.missed_space.map(|error| error.to_string());
        let what = format!("checkpoints of {}", self.stream.name);
        self.shared.set_trouble(&what, missed);
    }

    fn answer(&self, worker: &mut Worker, message: ShardMessage) {
        match message {
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
            }
            ShardMessage::Describe(key, reply) => {
                let described = worker.describe(&key);
                let _ = reply.send(described.map_err(|error| error.to_string()));
            }
            ShardMessage::Forget(key) => lock(&self.gathered).forget(key.as_deref()),
            ShardMessage::Records(..) | ShardMessage::Stop { .. } => {}
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
        driver: &mut Driver,
        records: &Records,
        mut taken: Taken,
    ) -> Result<Effects, WorkerError> {
        if driver.knows(records) {
            // The recovery found them in the log.
            ShardMessage::Records(Records::new(), Box::new(taken))
                .refuse("the stream was started again while it took these events; they are stored");
            return driver.step(&Input::Nothing, &mut ());
        }
        let events = std::mem::take(&mut taken.events);
        let mut observer = Answering {
            shard: self,
            taken: Some(taken),
        };
        let effects = driver.step(&Input::Decoded(records, &events), &mut observer)?;
        let worker = driver.worker();
        let troubles = worker.take_troubles();
        if !troubles.is_empty() {
            self.tell(&troubles);
        }
        self.note(worker);
        Ok(effects)
    }
}

/// Answers whoever waits, and counts, before the verdicts go on their way to the store.
struct Answering<'a> {
    shard: &'a ShardTask,
    taken: Option<Taken>,
}

impl Observer for Answering<'_> {
    fn answered(&mut self, worker: &mut Worker, input: &Input<'_>, micros: i64) {
        let (Some(taken), Input::Decoded(records, events)) = (self.taken.take(), input) else {
            return;
        };
        let (shard, count) = (self.shard, events.len());
        if count > 0 {
            let now = clock::now();
            let counters = &shard.shared.counters;
            let seconds = micros.max(1) as f64 / 1e6;
            let took = seconds / count as f64;
            counters.processing_time.note(took, count as u64, now);
            worker.fork_from((FORK_WORTH / took) as usize);
            let arrived = records.head(0).arrived;
            let latency = (now - arrived).max(0) as f64 / 1e6;
            counters.latency.note(latency, count as u64, now);
            let last_event_at = &shard.stream.counters.last_event_at;
            last_event_at.store(arrived, Relaxed);
            if let Some(witness) = &shard.witness {
                let answers = answers_of(worker, records, events);
                witness.saw(&answers, now - micros, seconds);
                if let Some(closed) = answers.closed() {
                    witness.saw(&closed, now - micros, 0.0);
                }
            }
        }
        // What waits for room may come: the shard has taken these.
        drop(taken.reservation);
        lock(&shard.gathered).fill_bands(worker.shard());
        if let Some(judged) = taken.judged {
            let verdicts = shard.write_all(&answers_of(worker, records, events));
            let _ = judged.send(Ok(verdicts));
        }
    }
}

/// What the worker answered to the events it took last.
fn answers_of<'a>(worker: &'a Worker, records: &'a Records, events: &'a EventBatch) -> Answers<'a> {
    Answers::new(records, events, worker.verdicts(), worker.shard().plan())
}

/// How long a shard with nothing to do waits.
fn patience(driver: &mut Driver, idle_looks: u32) -> Duration {
    if idle_looks < IDLE_LOOKS || driver.worker().next_deadline().is_some() {
        IDLE
    } else {
        LONG_IDLE
    }
}

/// What comes while a shard is down is in the log and is found there. Ends when the end is asked for.
async fn refuse_until_stopped(messages: &mut mpsc::Receiver<ShardMessage>) {
    while let Some(message) = messages.recv().await {
        if matches!(message, ShardMessage::Stop { .. }) {
            return;
        }
        message.refuse("the stream is being started again");
    }
}

/// Runs a piece of a shard's work; a panic ends the shard and nothing else.
fn caught<T, E: std::fmt::Display>(work: impl FnOnce() -> Result<T, E>) -> Result<T, Ended> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| Ended::Failed(error.to_string())),
        Err(panic) => Err(Ended::Panicked(panic_text(&*panic))),
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

fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned())
}
