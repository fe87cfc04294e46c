//! All threads and channels.
//!
//! ```text
//!           full batches            scored batches
//!  feed ───────[BATCHES]──► shard ─────[BATCHES]──► output (the calling thread)
//!   ▲                                                 │
//!   └──────────────── empty batches [2 · BATCHES] ◄───┘
//! ```
//!
//! The durable run has the same feed and does log, shard and output on the calling thread, because each waits for the one
//! before: a record is durable before it is taken, and taken before its verdict is written.
//!
//! The service. Every door reserves a part of one budget of bytes (and of requests) before it reads, and the part comes
//! back when the shard has taken the records; so the channels between log and shards have room for everything that was
//! admitted, and the log never waits for a slow shard. A shard waits for the outputs, they wait for the store.
//!
//! ```text
//!  doors (tasks)  ─┐                        a task a stream, on a pool   one thread
//!  budget, decode  ├─►[LOG_REQUESTS]─► log ─►[SHARD_MESSAGES]─► shard ─►[DELIVERIES]─► outputs ─► store, topics
//!  feeds (threads)─┘   one thread,      ▲                          │                      │
//!                      one sync a group └── journal, reads, floors ┴── incidents log ─────┘
//!                      ─► acknowledged
//! ```

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::mpsc::{self as channel, Receiver, SyncSender, sync_channel};
use std::thread::{JoinHandle, ScopedJoinHandle};
use std::time::{Duration, Instant};

use tokio::runtime::{self, Runtime};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task;
use willet_engine::config::Plan;
use willet_engine::ports::PartitionLog;
use willet_engine::records::RecordKind;
use willet_engine::shard::LaneTask;
use willet_engine::verdict::Verdicts;

use crate::driver::{Driver, Input, Observer};
use crate::feed::{Batch, Fed, Feed, FeedError, OpenFeed};
use crate::output::{Answers, Output, OutputError};
use crate::service::{
    LogHandle, LogRequest, MAX_REQUESTS, OutputMessage, Outputs, ShardMessage, Shared, StreamFace,
    run_feed,
};
use crate::worker::{Trouble, Worker, WorkerError};

/// Batches that may wait before each stage: enough to bridge a stall, little enough to stay in cache.
const BATCHES: usize = 3;

/// Why a run ended early.
#[derive(Debug)]
pub enum RunError {
    /// The feed.
    Feed(FeedError),
    /// The output.
    Output(OutputError),
    /// The data folder.
    Worker(WorkerError),
}

/// How long a feed that has nothing waits before it is asked again, and a full disk before it is tried again.
const IDLE: Duration = Duration::from_millis(100);

/// Feeds a driver that keeps nothing and writes its verdicts, on three threads. What was read before an error is scored and written.
pub fn run(
    feed: &mut dyn Feed,
    driver: &mut Driver,
    output: &mut dyn Output,
) -> Result<(), RunError> {
    // Nothing changes it in a run without a journal.
    let plan = driver.worker().shard().plan().clone();
    let (full, to_score) = sync_channel::<Batch>(BATCHES);
    let (scored, to_write) = sync_channel::<Batch>(BATCHES);
    let (empty, to_fill) = sync_channel::<Batch>(2 * BATCHES);
    std::thread::scope(|scope| {
        let feeding = scope.spawn(move || feed_batches(feed, &to_fill, &full));
        let scoring = scope.spawn(move || score_batches(driver, to_score, &scored));
        let written = write_batches(output, &plan, to_write, &empty);
        drop(empty);
        let fed = join(feeding);
        let scored = join(scoring);
        written.map_err(RunError::Output)?;
        scored.map_err(RunError::Worker)?;
        fed.map_err(RunError::Feed)
    })
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    let joined = thread.join();
    joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn score_batches(
    driver: &mut Driver,
    to_score: Receiver<Batch>,
    scored: &SyncSender<Batch>,
) -> Result<(), WorkerError> {
    let score = |driver: &mut Driver, mut batch: Batch| -> Result<bool, WorkerError> {
        let Batch {
            records,
            events,
            verdicts,
            ..
        } = &mut batch;
        driver.step(&Input::Decoded(records, events), &mut TakeOut(verdicts))?;
        // Whoever writes may have gone, and says why.
        Ok(scored.send(batch).is_ok())
    };
    for batch in to_score {
        if !score(driver, batch)? {
            return Ok(());
        }
    }
    // All that will ever come is there: what ended while others spoke on has ended.
    if let Some(tick) = driver.last_tick() {
        let mut last = Batch::default();
        let offset = driver.worker().shard().next_offset();
        last.records
            .push(offset, RecordKind::Journal, 0, &tick.encode());
        score(driver, last)?;
    }
    Ok(())
}

/// Takes the verdicts out of the driver, for another thread to write them.
struct TakeOut<'a>(&'a mut Verdicts);

impl Observer for TakeOut<'_> {
    fn answered(&mut self, worker: &mut Worker, _: &Input<'_>, _: i64) {
        worker.swap_verdicts(self.0);
    }
}

fn feed_batches(
    feed: &mut dyn Feed,
    empty: &Receiver<Batch>,
    full: &SyncSender<Batch>,
) -> Result<(), FeedError> {
    loop {
        let mut batch = empty.try_recv().unwrap_or_default();
        batch.records.clear();
        batch.events.clear();
        let fed = feed.fill(&mut batch);
        let is_empty = batch.records.is_empty();
        // Nobody takes batches any more: whoever stopped says why.
        if !is_empty && full.send(batch).is_err() {
            return Ok(());
        }
        match fed? {
            Fed::More => {}
            Fed::Idle => std::thread::sleep(IDLE),
            Fed::End => return Ok(()),
        }
    }
}

fn write_batches(
    output: &mut dyn Output,
    plan: &Plan,
    scored: Receiver<Batch>,
    empty: &SyncSender<Batch>,
) -> Result<(), OutputError> {
    for batch in scored {
        let Batch {
            records,
            events,
            verdicts,
            ..
        } = &batch;
        Answers::new(records, events, verdicts, plan).write_to(output, 0);
        output.flush()?;
        // A full channel only means that there are batches enough.
        let _ = empty.try_send(batch);
    }
    output.flush()
}

/// What a durable run tells while it goes on.
#[derive(Debug)]
pub enum News<'a> {
    /// The disk is full; what was read waits, or a checkpoint is put off.
    Full(&'a WorkerError),
    /// There is space again.
    SpaceIsBack,
    /// Something was found wrong and is lived with. Told before the verdicts that it speaks of leave.
    Trouble(&'a Trouble),
}

/// Feeds a data folder and writes its verdicts, on two threads. `tell` is told what the operator should know.
pub fn run_durable(
    feed: &mut dyn Feed,
    driver: &mut Driver,
    log: &mut dyn PartitionLog,
    mut tell: impl FnMut(News<'_>),
) -> Result<(), RunError> {
    let (full, to_take) = sync_channel::<Batch>(BATCHES);
    let (empty, to_fill) = sync_channel::<Batch>(2 * BATCHES);
    std::thread::scope(|scope| {
        let feeding = scope.spawn(move || feed_batches(feed, &to_fill, &full));
        let mut taken = Ok(());
        for mut batch in to_take {
            let cursor = &batch.cursor;
            batch.records.push(u64::MAX, RecordKind::Cursor, 0, cursor);
            taken = take_batch(&mut batch, driver, log, &mut tell);
            if taken.is_err() {
                break;
            }
            let _ = empty.try_send(batch);
        }
        drop(empty);
        let fed = join(feeding);
        taken.map_err(RunError::Worker)?;
        fed.map_err(RunError::Feed)?;
        if let Some(tick) = driver.last_tick() {
            let mut last = Batch::default();
            let entry = &tick.encode();
            last.records.push(0, RecordKind::Journal, 0, entry);
            take_batch(&mut last, driver, log, &mut tell).map_err(RunError::Worker)?;
        }
        Ok(())
    })
}

fn take_batch(
    batch: &mut Batch,
    driver: &mut Driver,
    log: &mut dyn PartitionLog,
    tell: &mut impl FnMut(News<'_>),
) -> Result<(), WorkerError> {
    patiently(tell, |_| Ok(log.append(&mut batch.records)?))?;
    batch.events.number_from(batch.records.head(0).offset);
    let effects = patiently(tell, |tell| {
        let input = Input::Decoded(&batch.records, &batch.events);
        driver.step(&input, &mut Telling(tell))
    })?;
    if let Some(error) = &effects.missed_space {
        tell(News::Full(error));
    }
    // A checkpoint or a segment that cannot be removed for want of space can wait.
    match log.needless(effects.needless) {
        Err(error) if error.is_full() => tell(News::Full(&error.into())),
        other => other?,
    }
    Ok(())
}

/// Tells what was found wrong before the verdicts that it speaks of leave.
struct Telling<'a>(&'a mut dyn FnMut(News<'_>));

impl Observer for Telling<'_> {
    fn answered(&mut self, worker: &mut Worker, _: &Input<'_>, _: i64) {
        for trouble in worker.take_troubles() {
            (self.0)(News::Trouble(&trouble));
        }
    }
}

/// Tries again while the disk is full.
fn patiently<T>(
    tell: &mut dyn FnMut(News<'_>),
    mut action: impl FnMut(&mut dyn FnMut(News<'_>)) -> Result<T, WorkerError>,
) -> Result<T, WorkerError> {
    let mut has_waited = false;
    loop {
        match action(tell) {
            Err(error) if error.is_full() => {
                if !has_waited {
                    tell(News::Full(&error));
                }
                has_waited = true;
                std::thread::sleep(IDLE);
            }
            other => {
                if has_waited && other.is_ok() {
                    tell(News::SpaceIsBack);
                }
                return other;
            }
        }
    }
}

/// Runs lanes on a thread each.
pub(crate) fn run_on_threads(tasks: &mut [LaneTask<'_>]) {
    std::thread::scope(|scope| {
        let (here, others) = tasks.split_first_mut().expect("a shard has a lane");
        for task in others {
            scope.spawn(|| task.run());
        }
        here.run();
    });
}

/// Requests that may wait for the log: all that the budget admits, and some of the node's own.
const LOG_REQUESTS: usize = MAX_REQUESTS + 256;
/// Messages that may wait for a shard: as many, so that the log never waits for one.
const SHARD_MESSAGES: usize = MAX_REQUESTS + 256;
/// Deliveries and commands that may wait for the outputs.
const DELIVERIES: usize = 64;

/// When patience ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a shutdown may take is a matter of time"
    )]
    pub(crate) fn after(patience: Duration) -> Self {
        Self(Instant::now() + patience)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "how long a shutdown may take is a matter of time"
    )]
    pub(crate) fn has_passed(self) -> bool {
        Instant::now() >= self.0
    }
}

/// Starts a thread; fails where the system has none to give.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that makes threads"
)]
fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, NoThread> {
    // The kernel shows fifteen bytes.
    let short: String = name.chars().take(15).collect();
    let spawned = std::thread::Builder::new().name(short).spawn(body);
    spawned.map_err(|source| NoThread {
        name: name.to_owned(),
        source,
    })
}

/// The system gave no thread.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the thread `{name}` (raise the limit of threads of this process or user)")]
pub struct NoThread {
    name: String,
    source: std::io::Error,
}

pub(crate) fn spawn_log(
    run: impl FnOnce(&Receiver<LogRequest>) + Send + 'static,
) -> Result<(LogHandle, JoinHandle<()>), NoThread> {
    let (requests, incoming) = sync_channel(LOG_REQUESTS);
    let thread = spawn("log", move || run(&incoming))?;
    Ok((LogHandle(requests), thread))
}

pub(crate) fn spawn_outputs(
    outputs: Outputs,
) -> Result<(SyncSender<OutputMessage>, JoinHandle<()>), NoThread> {
    let (messages, incoming) = sync_channel(DELIVERIES);
    let thread = spawn("outputs", move || outputs.run(&incoming))?;
    Ok((messages, thread))
}

pub(crate) fn shard_channel() -> (mpsc::Sender<ShardMessage>, mpsc::Receiver<ShardMessage>) {
    mpsc::channel(SHARD_MESSAGES)
}

/// Threads that shards take turns on. A turn may wait for the disk or the store, so there are more than cores.
#[derive(Debug)]
pub(crate) struct ShardPool(Option<Runtime>);

impl ShardPool {
    pub(crate) fn start() -> Result<Self, NoThread> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = runtime::Builder::new_multi_thread()
            .worker_threads((2 * cores).max(4))
            // Those that recover, which take a thread from the others for as long as it takes.
            .max_blocking_threads(16)
            .thread_name("shards")
            .enable_time()
            .build();
        let pool = pool.map_err(|source| NoThread {
            name: "shards".to_owned(),
            source,
        })?;
        Ok(Self(Some(pool)))
    }

    pub(crate) fn spawn(
        &self,
        shard: impl Future<Output = ()> + Send + 'static,
    ) -> task::JoinHandle<()> {
        let pool = self.0.as_ref().expect("there until it is dropped");
        pool.spawn(shard)
    }
}

impl Drop for ShardPool {
    fn drop(&mut self) {
        // A shard that is stuck is left to the end of the process.
        if let Some(pool) = self.0.take() {
            pool.shutdown_background();
        }
    }
}

pub(crate) fn spawn_feed(
    shared: Arc<Shared>,
    stream: Arc<StreamFace>,
    log: SyncSender<LogRequest>,
    open: OpenFeed,
) -> Result<JoinHandle<()>, NoThread> {
    let name = format!("feed {}", stream.name);
    spawn(&name, move || run_feed(&shared, &stream, &log, open))
}

/// Waits for threads until patience ends; the others are left to the end of the process.
pub(crate) fn join_all(threads: &mut Vec<JoinHandle<()>>, until: Deadline) {
    for thread in threads.drain(..) {
        while !thread.is_finished() && !until.has_passed() {
            std::thread::sleep(Duration::from_millis(2));
        }
        if thread.is_finished() && thread.join().is_err() {
            tracing::error!("a thread of the service had panicked");
        }
    }
}

/// As [`join_all`], for the tasks of shards.
pub(crate) fn join_shards(shards: &mut Vec<task::JoinHandle<()>>, until: Deadline) {
    for shard in shards.drain(..) {
        while !shard.is_finished() && !until.has_passed() {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// As [`send_until`], to a shard.
pub(crate) fn stop_shard(shard: &mpsc::Sender<ShardMessage>, stop: ShardMessage, until: Deadline) {
    let mut message = stop;
    while let Err(TrySendError::Full(back)) = shard.try_send(message) {
        if until.has_passed() {
            return;
        }
        message = back;
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Sends as soon as there is room; gives up when patience ends or nobody listens.
pub(crate) fn send_until<T>(channel: &SyncSender<T>, message: T, until: Deadline) {
    let mut message = message;
    while let Err(channel::TrySendError::Full(back)) = channel.try_send(message) {
        if until.has_passed() {
            return;
        }
        message = back;
        std::thread::sleep(Duration::from_millis(2));
    }
}
