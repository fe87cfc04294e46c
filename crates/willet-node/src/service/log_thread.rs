//! The thread that owns the log: appends of all streams, one sync for all that came meanwhile (group commit).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use willet_engine::ports::{PartitionLog, PortError, RecordReader};
use willet_engine::records::{PartitionId, Records};
use willet_engine::recovery::LogExtent;
use willet_log::{Log, LogError, LogReader, Retention};

use super::counters::Counters;
use super::shard_task::{ShardMessage, Taken};
use crate::clock;
use crate::pipeline::{self, NoThread};

/// What the log is asked for.
#[derive(Debug)]
pub(crate) enum LogRequest {
    Append(Append),
    Partition(String, SyncSender<Result<PartitionId, LogError>>),
    Partitions(SyncSender<Vec<(PartitionId, String)>>),
    Extent(PartitionId, SyncSender<LogExtent>),
    RaiseFloor(PartitionId, u64, SyncSender<Result<(), LogError>>),
    Reader(PartitionId, u64, SyncSender<LogReader>),
    /// Records of the partition before this offset are of no use any more.
    Needless(PartitionId, u64),
    /// Ends the thread; the log is closed.
    Close,
}

/// Records to be made durable.
#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) partition: PartitionId,
    pub(crate) records: Records,
    pub(crate) then: Then,
}

/// Where records go once they are durable.
#[derive(Debug)]
pub(crate) enum Then {
    /// To their shard.
    Shard(mpsc::Sender<ShardMessage>, Box<Taken>),
    /// Back to whoever waits.
    Back(SyncSender<Result<Records, LogError>>),
}

/// A log that many threads write to: whatever came while a sync was under way shares the next one.
#[derive(Debug)]
pub struct SharedLog {
    handle: LogHandle,
    thread: JoinHandle<()>,
    counters: Arc<Counters>,
}

impl SharedLog {
    /// Starts the thread that owns the log.
    pub fn start(log: Log, keeping: Keeping) -> Result<Self, NoThread> {
        let counters = Arc::new(Counters::default());
        let counted = Arc::clone(&counters);
        let (handle, thread) = pipeline::spawn_log(move |requests| {
            run(log, requests, keeping, &counted);
        })?;
        Ok(Self {
            handle,
            thread,
            counters,
        })
    }

    /// The partition of a stream, begun if there is none.
    pub fn partition(&self, stream: &str) -> Result<SharedPartition, LogError> {
        let partition = self.handle.partition(stream)?;
        Ok(self.handle.port(partition))
    }

    /// Groups that were committed so far.
    pub fn commits(&self) -> u64 {
        self.counters.log_commits.load(Relaxed)
    }

    /// Commits what waits and closes the log; later appends are refused.
    pub fn close(self) {
        // A thread that has gone has closed it.
        let _ = self.handle.0.send(LogRequest::Close);
        if self.thread.join().is_err() {
            tracing::error!("the thread of the log had panicked");
        }
    }
}

/// The log as the other threads see it.
#[derive(Clone, Debug)]
pub(crate) struct LogHandle(pub(crate) SyncSender<LogRequest>);

impl LogHandle {
    fn ask<T>(&self, request: impl FnOnce(SyncSender<T>) -> LogRequest) -> Result<T, LogError> {
        let (reply, answer) = sync_channel(1);
        self.0.send(request(reply)).map_err(|_| LogError::Closed)?;
        answer.recv().map_err(|_| LogError::Closed)
    }

    pub(crate) fn partition(&self, stream: &str) -> Result<PartitionId, LogError> {
        self.ask(|reply| LogRequest::Partition(stream.to_owned(), reply))?
    }

    /// All partitions with their streams; none where the log is closed.
    pub(crate) fn partitions(&self) -> Vec<(PartitionId, String)> {
        self.ask(LogRequest::Partitions).unwrap_or_default()
    }

    /// One of its partitions.
    pub(crate) fn port(&self, partition: PartitionId) -> SharedPartition {
        SharedPartition {
            log: self.clone(),
            partition,
        }
    }

    pub(crate) fn needless(&self, partition: PartitionId, before: u64) {
        // A closed log keeps what it has.
        let _ = self.0.send(LogRequest::Needless(partition, before));
    }
}

/// One partition of it, as the port of a driver.
#[derive(Clone, Debug)]
pub struct SharedPartition {
    pub(crate) log: LogHandle,
    pub(crate) partition: PartitionId,
}

impl PartitionLog for SharedPartition {
    fn append(&mut self, records: &mut Records) -> Result<Range<u64>, PortError> {
        let sent = records.clone();
        *records = self.log.ask(|reply| {
            LogRequest::Append(Append {
                partition: self.partition,
                records: sent,
                then: Then::Back(reply),
            })
        })??;
        let last = records.len().checked_sub(1).map(|last| records.head(last));
        Ok(last.map_or(0..0, |last| records.head(0).offset..last.offset + 1))
    }

    fn extent(&self) -> Result<LogExtent, PortError> {
        let asked = |reply| LogRequest::Extent(self.partition, reply);
        Ok(self.log.ask(asked)?)
    }

    fn raise_floor(&mut self, floor: u64) -> Result<(), PortError> {
        let asked = |reply| LogRequest::RaiseFloor(self.partition, floor, reply);
        Ok(self.log.ask(asked)??)
    }

    fn reader(&self, from: u64) -> Result<Box<dyn RecordReader>, PortError> {
        let asked = |reply| LogRequest::Reader(self.partition, from, reply);
        Ok(Box::new(self.log.ask(asked)?))
    }

    fn needless(&mut self, before: Option<u64>) -> Result<(), PortError> {
        if let Some(before) = before {
            self.log.needless(self.partition, before);
        }
        Ok(())
    }
}

/// How long the log keeps what no state needs.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// Bytes at most.
    pub max_bytes: u64,
    /// Microseconds at most.
    pub max_age_us: i64,
}

/// Payload bytes of one group: what a sync of some milliseconds should carry at most.
const GROUP_BYTES: usize = 8 << 20;

pub(crate) fn run(
    mut log: Log,
    requests: &Receiver<LogRequest>,
    keeping: Keeping,
    counters: &Counters,
) {
    let mut needless: BTreeMap<PartitionId, u64> = BTreeMap::new();
    let mut group: Vec<(Append, Range<u64>)> = Vec::new();
    while let Ok(first) = requests.recv() {
        let (mut bytes, mut retains) = (0, false);
        let mut next = Some(first);
        let mut is_closing = false;
        while let Some(request) = next.take() {
            match request {
                LogRequest::Append(mut append) => {
                    bytes += append.records.byte_len();
                    match log.append(append.partition, &mut append.records) {
                        Ok(offsets) => group.push((append, offsets)),
                        Err(error) => append.refuse(error, counters),
                    }
                }
                // A caller that has gone needs no answer.
                LogRequest::Partition(stream, reply) => {
                    let _ = reply.send(log.partition(&stream, 0));
                }
                LogRequest::Partitions(reply) => {
                    let all = log
                        .partitions()
                        .map(|(id, stream, _)| (id, stream.to_owned()));
                    let _ = reply.send(all.collect());
                }
                LogRequest::Extent(partition, reply) => {
                    let _ = reply.send(log.extent(partition));
                }
                LogRequest::RaiseFloor(partition, floor, reply) => {
                    let _ = reply.send(log.raise_floor(partition, floor));
                }
                LogRequest::Reader(partition, from, reply) => {
                    let _ = reply.send(log.reader(partition, from));
                }
                LogRequest::Needless(partition, before) => {
                    needless.insert(partition, before);
                    retains = true;
                }
                LogRequest::Close => is_closing = true,
            }
            if bytes < GROUP_BYTES && group.len() < super::budget::MAX_REQUESTS && !is_closing {
                next = requests.try_recv().ok();
            }
        }
        commit(&mut log, &mut group, counters);
        if retains {
            let retained = log.retain(&Retention {
                max_bytes: Some(keeping.max_bytes),
                max_age_us: Some(keeping.max_age_us),
                now: clock::now(),
                low_water: needless.iter().map(|(id, before)| (*id, *before)).collect(),
            });
            if let Err(error) = retained {
                tracing::warn!(%error, "old log could not be removed");
            }
        }
        counters.log_bytes.store(log.bytes(), Relaxed);
        if is_closing {
            break;
        }
    }
    if let Err(error) = log.close() {
        tracing::warn!(%error, "the log could not be closed");
    }
}

fn commit(log: &mut Log, group: &mut Vec<(Append, Range<u64>)>, counters: &Counters) {
    let begun = clock::now();
    let committed = log.commit();
    if group.is_empty() {
        return;
    }
    let ended = clock::now();
    let seconds = (ended - begun) as f64 / 1e6;
    counters.commit_time.note(seconds, 1, ended);
    counters.log_commits.fetch_add(1, Relaxed);
    for (append, offsets) in group.drain(..) {
        match &committed {
            Ok(()) => append.hand_on(offsets, counters),
            Err(error) => append.refuse(error.clone(), counters),
        }
    }
}

impl Append {
    fn hand_on(self, offsets: Range<u64>, counters: &Counters) {
        let records = self.records;
        counters
            .log_records
            .fetch_add(records.len() as u64, Relaxed);
        counters
            .log_payload_bytes
            .fetch_add(records.byte_len() as u64, Relaxed);
        match self.then {
            Then::Back(reply) => {
                let _ = reply.send(Ok(records));
            }
            Then::Shard(shard, mut taken) => {
                taken.events.number_from(offsets.start);
                let stored = taken.stored.take();
                // A shard that has gone finds its records in the log when it comes back.
                let _ = shard.blocking_send(ShardMessage::Records(records, taken));
                if let Some(stored) = stored {
                    let _ = stored.send(Ok(offsets));
                }
            }
        }
    }

    fn refuse(self, error: LogError, counters: &Counters) {
        counters.log_errors.fetch_add(1, Relaxed);
        match self.then {
            Then::Back(reply) => {
                let _ = reply.send(Err(error));
            }
            Then::Shard(_, mut taken) => {
                if let Some(stored) = taken.stored.take() {
                    let _ = stored.send(Err(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use willet_engine::ports::laws;
    use willet_engine::records::RecordKind;
    use willet_log::{DataFolder, LogOptions, Owner, SimDisk};

    use super::*;

    fn shared(disk: &SimDisk, options: LogOptions) -> SharedLog {
        let owner = Owner {
            pid: 1,
            since: 0,
            version: "test".to_owned(),
        };
        let disk = Arc::new(disk.clone());
        let folder = DataFolder::open(disk, Path::new("/data"), &owner).expect("a data folder");
        let (log, _) = Log::open(&folder, options).expect("a log");
        let keeping = Keeping {
            max_bytes: 0,
            max_age_us: 0,
        };
        SharedLog::start(log, keeping).expect("a thread")
    }

    fn record(payload: &[u8]) -> Records {
        let mut records = Records::new();
        records.push(0, RecordKind::Event, 0, payload);
        records
    }

    #[test]
    fn the_laws_of_the_port_hold_while_others_write() {
        let log = shared(&SimDisk::new(4), LogOptions::default());
        let mut port = log.partition("pumps").expect("begun");
        let given = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|_| {
                    let mut other = log.partition("others").expect("begun");
                    scope.spawn(move || {
                        let offsets = (0..200).map(|_| {
                            let given = other.append(&mut record(b"x")).expect("room");
                            let next = other.extent().expect("open").next;
                            assert!(next >= given.end, "durable on return");
                            given.start
                        });
                        offsets.collect::<Vec<u64>>()
                    })
                })
                .collect();
            laws::partition_log(&mut port).expect("they hold");
            let given = writers
                .into_iter()
                .flat_map(|writer| writer.join().expect("no panic"));
            given.collect::<Vec<u64>>()
        });
        let each_once: BTreeSet<u64> = given.iter().copied().collect();
        assert_eq!((given.len(), each_once), (800, (0..800).collect()));
        assert!(log.commits() > 0);
        log.close();
    }

    #[test]
    fn what_the_log_refuses_or_the_disk_fails_is_told_to_whoever_wrote_it() {
        let options = LogOptions {
            max_record_bytes: 100,
            ..LogOptions::default()
        };
        let disk = SimDisk::new(4);
        let log = shared(&disk, options);
        let mut port = log.partition("pumps").expect("begun");
        let mut other = port.clone();
        let refused = port.append(&mut record(&[0; 101])).expect_err("too long");
        assert!(refused.to_string().contains("100"), "{refused}");
        assert_eq!(other.append(&mut record(&[0; 100])).expect("room"), 0..1);
        disk.fail_sync(1);
        port.append(&mut record(b"x"))
            .expect_err("the sync that fails");
        assert_eq!(other.append(&mut record(b"x")).expect("room"), 1..2);
        log.close();
        other
            .append(&mut record(b"x"))
            .expect_err("a closed log takes nothing");
    }
}
