//! The thread of a source: what it reads goes the way of everything that comes in.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tokio::sync::oneshot;
use willet_engine::records::RecordKind;

use super::log_thread::{Append, LogRequest, Then};
use super::shard_task::Taken;
use super::{Shared, StreamFace, StreamState};
use crate::clock;
use crate::feed::{Batch, Fed, Feed, FeedError, OpenFeed};

/// How long a source that failed waits before it is opened again, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long a source with nothing to say waits before it is asked again, and how often a waiting one looks whether it is wanted.
const IDLE: Duration = Duration::from_millis(50);

pub(crate) fn run(
    shared: &Shared,
    stream: &Arc<StreamFace>,
    log: &SyncSender<LogRequest>,
    mut open: OpenFeed,
) {
    let what = format!("source of {}", stream.name);
    let mut pause = Duration::from_millis(200);
    while wanted(shared, stream) {
        let ended = open(stream.cursor().as_deref(), stream.hash_seed)
            .and_then(|mut feed| read(shared, stream, log, &mut *feed));
        match ended {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(stream = %stream.name, %error, "the source failed");
                shared.set_trouble(&what, Some(error.to_string()));
                if !error.is_retryable() {
                    return;
                }
                std::thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Waits until the stream takes events; false when it never will again.
fn wanted(shared: &Shared, stream: &StreamFace) -> bool {
    loop {
        if shared.is_draining() || stream.is_removed() {
            return false;
        }
        match stream.state() {
            StreamState::Running if !stream.is_paused() => return true,
            _ => std::thread::sleep(IDLE),
        }
    }
}

fn read(
    shared: &Shared,
    stream: &Arc<StreamFace>,
    log: &SyncSender<LogRequest>,
    feed: &mut dyn Feed,
) -> Result<(), FeedError> {
    let what = format!("source of {}", stream.name);
    while wanted(shared, stream) {
        let mut batch = Batch::default();
        let fed = feed.fill(&mut batch);
        if !batch.records.is_empty() {
            append(shared, stream, log, batch)?;
            shared.set_trouble(&what, None);
        }
        match fed? {
            Fed::More => {}
            Fed::Idle => std::thread::sleep(IDLE),
            Fed::End => return Ok(()),
        }
    }
    Ok(())
}

/// Makes a batch durable, waiting as long as it takes.
fn append(
    shared: &Shared,
    stream: &Arc<StreamFace>,
    log: &SyncSender<LogRequest>,
    mut batch: Batch,
) -> Result<(), FeedError> {
    let stopping = || FeedError::new("the service is stopping", false, false);
    batch
        .records
        .push(u64::MAX, RecordKind::Cursor, 0, &batch.cursor);
    let arrived = clock::now();
    batch.records.stamp(arrived);
    batch.events.stamp(arrived);
    let reservation = loop {
        let bytes = batch.records.byte_len();
        if let Some(reservation) = shared.budget.reserve_blocking(bytes, IDLE) {
            break reservation;
        }
        if shared.is_abandoned() {
            return Err(stopping());
        }
    };
    let mut reservation = Some(reservation);
    loop {
        let (stored, answer) = oneshot::channel();
        let taken = Taken {
            events: batch.events.clone(),
            stored: Some(stored),
            judged: None,
            reservation: reservation.take(),
        };
        let append = Append {
            partition: stream.partition,
            records: batch.records.clone(),
            then: Then::Shard(stream.shard.clone(), Box::new(taken)),
        };
        log.send(LogRequest::Append(append))
            .map_err(|_| stopping())?;
        match answer.blocking_recv() {
            Ok(Ok(_)) => {
                stream.set_cursor(Some(batch.cursor));
                return Ok(());
            }
            Ok(Err(error)) if error.is_full() && !shared.is_abandoned() => {
                let what = format!("source of {}", stream.name);
                shared.set_trouble(&what, Some(error.to_string()));
                std::thread::sleep(IDLE * 4);
            }
            Ok(Err(error)) => {
                let is_user_error = error.is_user_error();
                return Err(FeedError::new(error, !shared.is_draining(), is_user_error));
            }
            Err(_) => return Err(stopping()),
        }
    }
}
