//! Group commit: the first writer that waits commits for all that came meanwhile.
//!
//! ```text
//! submit ─► queue (bounded by max_pending_bytes) ─► leader: append all, one write, one sync ─► each ticket's answer
//! ```
//!
//! There is no thread of its own: whoever waits and finds no leader leads.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use willet_engine::records::{PartitionId, Records};

use super::append::log_bytes;
use super::segment::View;
use super::{Log, LogError, LogOptions, LogReader, PhysicalReader, Retained, Retention, read};

/// A [`Log`] for many threads. Clones share it.
#[derive(Clone, Debug)]
pub struct SharedLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Locked by the leader only, and by what is rare.
    log: Mutex<Option<Log>>,
    queue: Mutex<Queue>,
    /// Writers of even and odd groups wait apart, so that the end of a group wakes it and one leader of the next.
    groups: [Condvar; 2],
    space: Condvar,
    view: Arc<View>,
    options: LogOptions,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Submitted>,
    bytes: usize,
    /// Number of the group that is being gathered.
    group: u64,
    led: bool,
}

type Answer = Arc<OnceLock<Result<Range<u64>, LogError>>>;

#[derive(Debug)]
struct Submitted {
    partition: PartitionId,
    records: Records,
    answer: Answer,
}

/// A place in the queue. The records are written when somebody waits: this ticket, a later one, or a writer that finds the
/// queue full.
#[must_use = "an append is durable only when `wait` has returned its offsets"]
#[derive(Debug)]
pub struct Ticket {
    shared: Arc<Shared>,
    answer: Answer,
    group: u64,
}

impl SharedLog {
    /// Shares a log.
    pub fn new(log: Log) -> Self {
        let (view, options) = (Arc::clone(&log.view), log.options.clone());
        Self(Arc::new(Shared {
            log: Mutex::new(Some(log)),
            queue: Mutex::new(Queue::default()),
            groups: [Condvar::new(), Condvar::new()],
            space: Condvar::new(),
            view,
            options,
        }))
    }

    /// Appends records and returns their offsets once they are durable.
    pub fn append(&self, partition: PartitionId, records: Records) -> Result<Range<u64>, LogError> {
        self.submit(partition, records).wait()
    }

    /// Queues records for the next commit; waits while the queue is full. Appends of one thread keep their order.
    pub fn submit(&self, partition: PartitionId, records: Records) -> Ticket {
        let bytes = log_bytes(&records);
        let answer = Answer::default();
        let mut queue = self.0.queue();
        while queue.bytes > 0 && queue.bytes + bytes > self.0.options.max_pending_bytes {
            queue = if queue.led {
                self.0
                    .space
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner)
            } else {
                self.0.lead(queue)
            };
        }
        queue.bytes += bytes;
        queue.waiting.push_back(Submitted {
            partition,
            records,
            answer: Arc::clone(&answer),
        });
        Ticket {
            shared: Arc::clone(&self.0),
            answer,
            group: queue.group,
        }
    }

    /// See [`Log::partition`]; the partition is durable on return.
    pub fn partition(&self, stream: &str, number: u32) -> Result<PartitionId, LogError> {
        self.0.with_log(|log| {
            let id = log.partition(stream, number)?;
            log.commit()?;
            Ok(id)
        })
    }

    /// See [`Log::partitions`].
    pub fn partitions(&self) -> Result<Vec<(PartitionId, String, u32)>, LogError> {
        self.0.with_log(|log| {
            Ok(log
                .partitions()
                .map(|(id, stream, number)| (id, stream.to_owned(), number))
                .collect())
        })
    }

    /// See [`Log::end`].
    pub fn end(&self, partition: PartitionId) -> Option<u64> {
        self.0.view.state().next.get(&partition).copied()
    }

    /// See [`Log::start`].
    pub fn start(&self, partition: PartitionId) -> Option<u64> {
        read::start(&self.0.view, partition)
    }

    /// How many groups were committed so far: appends divided by this is the mean size of a group.
    pub fn commits(&self) -> u64 {
        self.0.queue().group
    }

    /// See [`Log::raise_floor`].
    pub fn raise_floor(&self, partition: PartitionId, floor: u64) -> Result<(), LogError> {
        self.0.with_log(|log| log.raise_floor(partition, floor))
    }

    /// See [`Log::retain`].
    pub fn retain(&self, policy: &Retention) -> Result<Retained, LogError> {
        self.0.with_log(|log| log.retain(policy))
    }

    /// See [`Log::reader`].
    pub fn reader(&self, partition: PartitionId, from: u64) -> LogReader {
        LogReader::new(Arc::clone(&self.0.view), partition, from)
    }

    /// See [`Log::physical_reader`].
    pub fn physical_reader(&self) -> PhysicalReader {
        PhysicalReader::new(Arc::clone(&self.0.view))
    }

    /// Commits what waits and closes the log for all clones; later appends are refused.
    pub fn close(&self) -> Result<(), LogError> {
        let mut queue = self.0.queue();
        while queue.led || !queue.waiting.is_empty() {
            queue = if queue.led {
                self.0
                    .space
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner)
            } else {
                self.0.lead(queue)
            };
        }
        drop(queue);
        let log = self.0.log().take();
        log.map_or(Ok(()), Log::close)
    }
}

impl Ticket {
    /// Returns the offsets once the records are durable, or why they are refused.
    pub fn wait(self) -> Result<Range<u64>, LogError> {
        let mut queue = self.shared.queue();
        loop {
            if let Some(answer) = self.answer.get() {
                return answer.clone();
            }
            queue = if queue.led {
                let group = &self.shared.groups[(self.group % 2) as usize];
                group.wait(queue).unwrap_or_else(PoisonError::into_inner)
            } else {
                self.shared.lead(queue)
            };
        }
    }

    /// Whether `wait` would return at once.
    pub fn is_done(&self) -> bool {
        self.answer.get().is_some()
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, Option<Log>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_log<T>(
        &self,
        act: impl FnOnce(&mut Log) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        self.log().as_mut().map_or(Err(LogError::Closed), act)
    }

    /// Commits the group that is gathered now, and answers its tickets.
    fn lead<'a>(&'a self, mut queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        queue.led = true;
        let group = std::mem::take(&mut queue.waiting);
        queue.bytes = 0;
        let number = queue.group;
        queue.group += 1;
        drop(queue);
        self.space.notify_all();
        commit_group(&mut self.log(), group);
        let mut queue = self.queue();
        queue.led = false;
        self.groups[(number % 2) as usize].notify_all();
        self.groups[((number + 1) % 2) as usize].notify_one();
        self.space.notify_all();
        queue
    }
}

fn commit_group(log: &mut Option<Log>, group: VecDeque<Submitted>) {
    let Some(log) = log else {
        for submitted in group {
            answer(&submitted.answer, Err(LogError::Closed));
        }
        return;
    };
    let mut appended = Vec::with_capacity(group.len());
    for Submitted {
        partition,
        mut records,
        answer: to,
    } in group
    {
        match log.append(partition, &mut records) {
            Ok(offsets) => appended.push((to, offsets)),
            Err(error) => answer(&to, Err(error)),
        }
    }
    let committed = log.commit();
    for (to, offsets) in appended {
        answer(&to, committed.clone().map(|()| offsets));
    }
}

/// Only the leader of its group answers a ticket, once.
fn answer(to: &Answer, result: Result<Range<u64>, LogError>) {
    let _ = to.set(result);
}
