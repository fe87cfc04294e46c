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
//!  doors (tasks)  ─┐                        a thread a stream            one thread
//!  budget, decode  ├─►[LOG_REQUESTS]─► log ─►[SHARD_MESSAGES]─► shard ─►[DELIVERIES]─► outputs ─► store, topics
//!  feeds (threads)─┘   one thread,      ▲                          │                      │
//!                      one sync a group └── journal, reads, floors ┴── incidents log ─────┘
//!                      ─► acknowledged
//! ```

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use willet_engine::config::Plan;
use willet_engine::event::{EventBatch, Timestamp};
use willet_engine::journal::Entry;
use willet_engine::records::RecordKind;
use willet_engine::shard::{LaneTask, Shard};
use willet_log::Log;

use crate::durable::Durable;
use crate::feed::{Batch, Fed, Feed, FeedError, OpenFeed};
use crate::output::{Answers, Output, OutputError};
use crate::service::{
    Keeping, LogHandle, LogRequest, MAX_REQUESTS, OutputMessage, Outputs, ShardMessage,
    ShardThread, Shared, StreamFace, run_feed, run_log,
};
use crate::worker::{Trouble, WorkerError};

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

/// Replay of what was taken since the last checkpoint must not last longer than this ...
const REPLAY: Duration = Duration::from_secs(10);
/// ... and where a checkpoint is cheap it comes earlier, but takes at most this share of the time.
const CHECKPOINT_SHARE: u32 = 10;
const SOONEST: Duration = Duration::from_secs(1);

/// Feeds a shard and writes its verdicts, on three threads. What was read before an error is scored and written.
pub fn run(
    feed: &mut dyn Feed,
    shard: &mut Shard,
    output: &mut dyn Output,
) -> Result<(), RunError> {
    // Nothing changes it in a run without a journal.
    let plan = shard.plan().clone();
    let (full, to_score) = sync_channel::<Batch>(BATCHES);
    let (scored, to_write) = sync_channel::<Batch>(BATCHES);
    let (empty, to_fill) = sync_channel::<Batch>(2 * BATCHES);
    std::thread::scope(|scope| {
        let feeding = scope.spawn(move || feed_batches(feed, &to_fill, &full));
        scope.spawn(move || {
            let mut next_offset = 0;
            let mut newest = None;
            for mut batch in to_score {
                next_offset += batch.events.len() as u64;
                newest = newest.max(newest_of(&batch.events));
                shard.on_batch(&batch.events, next_offset, &mut batch.verdicts);
                if scored.send(batch).is_err() {
                    return;
                }
            }
            // All that will ever come is there: what ended while others spoke on has ended.
            if let Some(last) = newest.and_then(|newest| last_tick(shard, next_offset, newest)) {
                let _ = scored.send(last);
            }
        });
        let written = write_batches(output, &plan, to_write, &empty);
        drop(empty);
        let fed = feeding
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        written.map_err(RunError::Output)?;
        fed.map_err(RunError::Feed)
    })
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

fn newest_of(events: &EventBatch) -> Option<Timestamp> {
    events.rows().iter().filter_map(|row| row.time).max()
}

/// What time closes at the end of a file, up to its newest event.
fn last_tick(shard: &mut Shard, offset: u64, newest: Timestamp) -> Option<Batch> {
    let is_due = shard.next_deadline().is_some_and(|due| due <= newest);
    let mut batch = Batch::default();
    let tick = Entry::Tick { at: newest };
    is_due.then(|| {
        // A tick is refused by no plan.
        let _ = shard.on_journal(offset, tick, &mut batch.verdicts);
        batch
    })
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
#[expect(
    clippy::disallowed_methods,
    reason = "the rim decides when a checkpoint is due, and that is a matter of time"
)]
pub fn run_durable(
    feed: &mut dyn Feed,
    durable: &mut Durable,
    mut tell: impl FnMut(News<'_>),
) -> Result<(), RunError> {
    let (full, to_take) = sync_channel::<Batch>(BATCHES);
    let (empty, to_fill) = sync_channel::<Batch>(2 * BATCHES);
    std::thread::scope(|scope| {
        let feeding = scope.spawn(move || feed_batches(feed, &to_fill, &full));
        let mut taken = Ok(());
        let mut newest = None;
        // Time spent on records since the last checkpoint began, and on that checkpoint.
        let (mut busy, mut cost) = (Duration::ZERO, Duration::ZERO);
        for mut batch in to_take {
            let begun = Instant::now();
            newest = newest.max(newest_of(&batch.events));
            taken = take_batch(&mut batch, durable, &mut tell);
            if taken.is_err() {
                break;
            }
            busy += begun.elapsed();
            let begun = Instant::now();
            let is_running = durable.worker().shard().is_checkpointing();
            let checkpointed =
                if !is_running && busy >= (cost * CHECKPOINT_SHARE).clamp(SOONEST, REPLAY) {
                    (busy, cost) = (Duration::ZERO, Duration::ZERO);
                    durable.worker().begin_checkpoint()
                } else {
                    durable.checkpoint_step().map(drop)
                };
            cost += begun.elapsed();
            taken = tolerate_full(checkpointed, &mut tell);
            if taken.is_err() {
                break;
            }
            let _ = empty.try_send(batch);
        }
        drop(empty);
        let fed = feeding
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        taken.map_err(RunError::Worker)?;
        fed.map_err(RunError::Feed)?;
        if let Some(at) = newest
            && durable
                .worker()
                .next_deadline()
                .is_some_and(|due| due <= at)
        {
            let ticked = patiently(&mut tell, || durable.journal(&Entry::Tick { at }));
            ticked.map_err(RunError::Worker)?;
            let flushed = patiently(&mut tell, || durable.worker().flush());
            flushed.map_err(RunError::Worker)?;
        }
        Ok(())
    })
}

fn take_batch(
    batch: &mut Batch,
    durable: &mut Durable,
    tell: &mut impl FnMut(News<'_>),
) -> Result<(), WorkerError> {
    batch
        .records
        .push(u64::MAX, RecordKind::Cursor, 0, &batch.cursor);
    patiently(tell, || durable.append(&mut batch.records))?;
    patiently(tell, || {
        durable.take_decoded(&batch.records, &mut batch.events)
    })?;
    for trouble in durable.worker().take_troubles() {
        tell(News::Trouble(&trouble));
    }
    patiently(tell, || durable.worker().flush())?;
    let held = durable.worker().hold_memory();
    tolerate_full(held, tell)
}

/// Tries again while the disk is full.
fn patiently(
    tell: &mut impl FnMut(News<'_>),
    mut action: impl FnMut() -> Result<(), WorkerError>,
) -> Result<(), WorkerError> {
    let mut has_waited = false;
    loop {
        match action() {
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

/// A checkpoint that finds the disk full is given up and tried again later: nothing is lost by it but time at a restart.
fn tolerate_full(
    result: Result<(), WorkerError>,
    tell: &mut impl FnMut(News<'_>),
) -> Result<(), WorkerError> {
    match result {
        Err(error) if error.is_full() => {
            tell(News::Full(&error));
            Ok(())
        }
        other => other,
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
    log: Log,
    keeping: Keeping,
    shared: Arc<Shared>,
) -> Result<(LogHandle, JoinHandle<()>), NoThread> {
    let (requests, incoming) = sync_channel(LOG_REQUESTS);
    let thread = spawn("log", move || {
        run_log(log, &incoming, keeping, &shared.counters);
    })?;
    Ok((LogHandle(requests), thread))
}

pub(crate) fn spawn_outputs(
    outputs: Outputs,
) -> Result<(SyncSender<OutputMessage>, JoinHandle<()>), NoThread> {
    let (messages, incoming) = sync_channel(DELIVERIES);
    let thread = spawn("outputs", move || outputs.run(&incoming))?;
    Ok((messages, thread))
}

pub(crate) fn shard_channel() -> (SyncSender<ShardMessage>, Receiver<ShardMessage>) {
    sync_channel(SHARD_MESSAGES)
}

pub(crate) fn spawn_shard(
    thread: ShardThread,
    messages: Receiver<ShardMessage>,
) -> Result<JoinHandle<()>, NoThread> {
    let name = format!("shard {}", thread.stream.name);
    spawn(&name, move || thread.run(&messages))
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

/// Sends as soon as there is room; gives up when patience ends or nobody listens.
pub(crate) fn send_until<T>(channel: &SyncSender<T>, message: T, until: Deadline) {
    let mut message = message;
    while let Err(TrySendError::Full(back)) = channel.try_send(message) {
        if until.has_passed() {
            return;
        }
        message = back;
        std::thread::sleep(Duration::from_millis(2));
    }
}
