//! Streams: adding, changing, pausing, removing them.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use willet_engine::codec::Decoder;
use willet_engine::config::{Plan, StreamConfig};
use willet_engine::journal::Entry;
use willet_engine::manifest::Manifest;
use willet_engine::ports::PartitionLog as _;
use willet_engine::records::{PartitionId, RecordKind, Records};
use willet_engine::shard::Shard;

use super::counters::StreamCounters;
use super::gathered::Gathered;
use super::log_thread::{Append, LogRequest, Then};
use super::shard_task::{ShardMessage, ShardTask, Taken};
use super::{OutputMessage, Refusal, Service, ServiceError, StreamSetup, stopping};
use crate::clock;
use crate::mark::Mark;
use crate::pipeline;

/// How a stream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamState {
    /// Its state is being loaded.
    Starting,
    /// It takes events.
    Running,
    /// Its shard stopped, is being started again, and why.
    Failed(String),
}

/// A stream as the doors see it.
#[derive(Debug)]
pub struct StreamFace {
    /// Its name.
    pub name: Arc<str>,
    /// What was counted.
    pub counters: Arc<StreamCounters>,
    pub(super) partition: PartitionId,
    pub(super) shard: mpsc::Sender<ShardMessage>,
    /// Held for reading from the decoding of an event until it is on its way to the log, for writing while the change is:
    /// so no event is read by another configuration than the one that stands before it in the log.
    pub(super) plan: RwLock<Plan>,
    pub(super) decoders: Mutex<Vec<Decoder>>,
    pub(super) hash_seed: u64,
    state: Mutex<StreamState>,
    cursor: Mutex<Option<Vec<u8>>>,
    paused: AtomicBool,
    removed: AtomicBool,
}

impl StreamFace {
    /// How it is.
    pub fn state(&self) -> StreamState {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set_state(&self, state: StreamState) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Whether it refuses events because somebody said so.
    pub fn is_paused(&self) -> bool {
        self.paused.load(SeqCst)
    }

    pub(super) fn is_removed(&self) -> bool {
        self.removed.load(SeqCst)
    }

    /// The configuration in force.
    pub fn config(&self) -> StreamConfig {
        self.read_plan().config().clone()
    }

    pub(super) fn read_plan(&self) -> RwLockReadGuard<'_, Plan> {
        self.plan.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_plan(&self) -> RwLockWriteGuard<'_, Plan> {
        self.plan.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn cursor(&self) -> Option<Vec<u8>> {
        self.cursor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set_cursor(&self, cursor: Option<Vec<u8>>) {
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = cursor;
    }

    /// Asks the shard; refused at once where it is behind with its work.
    pub(super) fn ask(&self, message: ShardMessage) -> Result<(), Refusal> {
        self.shard.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => {
                Refusal::Unavailable(format!("stream `{}` is behind with its work", self.name))
            }
            TrySendError::Closed(_) => stopping(),
        })
    }

    pub(super) fn stop(&self, saves: bool, until: pipeline::Deadline) {
        pipeline::stop_shard(&self.shard, ShardMessage::Stop { saves }, until);
    }
}

impl Service {
    /// Adds a stream and begins to load its state; [`StreamFace::state`] says when it is there.
    pub fn add_stream(
        self: &Arc<Self>,
        setup: StreamSetup,
    ) -> Result<Arc<StreamFace>, ServiceError> {
        let StreamSetup {
            config,
            feed,
            is_paused,
        } = setup;
        let name = config.name.clone();
        let plan = Plan::new(config.clone(), 1).map_err(|error| ServiceError::Plan {
            name: name.clone(),
            error,
        })?;
        let mut streams = self
            .shared
            .streams
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if self.shared.is_draining() {
            return Err(ServiceError::Stopping);
        }
        if streams.contains_key(&name) {
            return Err(ServiceError::Exists(name));
        }
        if streams.len() >= self.options.max_streams {
            return Err(ServiceError::TooMany(streams.len()));
        }
        let partition = self.log.partition(&name)?;
        let delivered = self
            .positions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .find(|row| row.stream == name)
            .map_or(0, |row| row.offset);
        let (shard, messages) = pipeline::shard_channel();
        let counters = Arc::new(StreamCounters::default());
        counters.delivered.store(delivered, Relaxed);
        let face = Arc::new(StreamFace {
            name: name.as_str().into(),
            counters: Arc::clone(&counters),
            partition,
            shard,
            plan: RwLock::new(plan),
            decoders: Mutex::default(),
            hash_seed: self.hash_seed,
            state: Mutex::new(StreamState::Starting),
            cursor: Mutex::default(),
            paused: AtomicBool::new(is_paused),
            removed: AtomicBool::new(false),
        });
        let gathered = Gathered::new(
            Arc::clone(&face.name),
            self.options.keep,
            Arc::clone(&self.format),
            Arc::clone(&self.shared.topics),
            counters,
            Arc::clone(&self.shared.requests),
        );
        let mut options = self.options.worker.clone();
        options.hash_seed = self.hash_seed;
        let task = ShardTask {
            shared: Arc::clone(&self.shared),
            stream: Arc::clone(&face),
            options,
            log: self.log.port(partition),
            objects: Arc::clone(&self.objects),
            gathered: Arc::new(Mutex::new(gathered)),
            outputs: self.outputs.clone(),
            format: Arc::clone(&self.format),
            witness: self.options.witness.clone(),
            delivered,
        };
        let mut threads = self.threads();
        let pool = threads.pool.as_ref().ok_or(ServiceError::Stopping)?;
        let shard = pool.spawn(task.run(messages));
        if let Some(feed) = feed {
            let handle = pipeline::spawn_feed(
                Arc::clone(&self.shared),
                Arc::clone(&face),
                self.log.0.clone(),
                feed,
            );
            match handle {
                Ok(handle) => threads.feeds.push(handle),
                Err(error) => {
                    // Nothing was sent to it yet: there is room for one word.
                    let _ = face.ask(ShardMessage::Stop { saves: false });
                    return Err(error.into());
                }
            }
        }
        threads.shards.push((name.clone(), shard));
        streams.insert(name, Arc::clone(&face));
        Ok(face)
    }

    /// Whether a stream can take another configuration; nothing is changed.
    pub fn check_change(&self, config: &StreamConfig) -> Result<(), ServiceError> {
        let face = self
            .stream(&config.name)
            .ok_or_else(|| ServiceError::NoStream(config.name.clone()))?;
        let changed = face.read_plan().changed(config.clone());
        changed.map(|_| ()).map_err(|error| ServiceError::Plan {
            name: config.name.clone(),
            error,
        })
    }

    /// Changes the configuration of a stream; it is durable and holds for every later event when this returns.
    pub async fn change_stream(&self, config: StreamConfig) -> Result<(), ServiceError> {
        let face = self
            .stream(&config.name)
            .ok_or_else(|| ServiceError::NoStream(config.name.clone()))?;
        let answer = {
            let mut plan = face.write_plan();
            let changed = plan
                .changed(config.clone())
                .map_err(|error| ServiceError::Plan {
                    name: config.name.clone(),
                    error,
                })?;
            if changed.config() == plan.config() {
                return Ok(());
            }
            let entry = Entry::Configure {
                config: Box::new(config),
            };
            let answer = self.journal(&face, &entry)?;
            face.decoders
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
            *plan = changed;
            answer
        };
        answer.await.map_err(|_| ServiceError::Stopping)??;
        Ok(())
    }

    /// Puts an entry into the journal of a stream.
    fn journal(
        &self,
        face: &StreamFace,
        entry: &Entry,
    ) -> Result<oneshot::Receiver<Result<std::ops::Range<u64>, willet_log::LogError>>, ServiceError>
    {
        let (stored, answer) = oneshot::channel();
        let mut records = Records::new();
        records.push(0, RecordKind::Journal, clock::now(), &entry.encode());
        let taken = Taken {
            stored: Some(stored),
            ..Taken::default()
        };
        let append = Append {
            partition: face.partition,
            records,
            then: Then::Shard(face.shard.clone(), Box::new(taken)),
        };
        self.log
            .0
            .send(LogRequest::Append(append))
            .map_err(|_| ServiceError::Stopping)?;
        Ok(answer)
    }

    /// Pauses a stream or lets it go on.
    pub fn pause_stream(&self, name: &str, pauses: bool) -> Result<Arc<StreamFace>, ServiceError> {
        let face = self
            .stream(name)
            .ok_or_else(|| ServiceError::NoStream(name.to_owned()))?;
        face.paused.store(pauses, SeqCst);
        Ok(face)
    }

    /// Trains a key anew, or with [`Entry::BackToBefore`] goes back to what it had learned before; durable when this returns.
    pub async fn command_key(&self, stream: &str, entry: &Entry) -> Result<(), ServiceError> {
        let face = self
            .stream(stream)
            .ok_or_else(|| ServiceError::NoStream(stream.to_owned()))?;
        self.journal(&face, entry)?
            .await
            .map_err(|_| ServiceError::Stopping)??;
        Ok(())
    }

    /// Forgets a key: what was learned of it, its history, its verdicts. Raw events stay in the log until it lets go of them.
    pub async fn forget_key(&self, stream: &str, key: &str) -> Result<(), ServiceError> {
        let face = self
            .stream(stream)
            .ok_or_else(|| ServiceError::NoStream(stream.to_owned()))?;
        let entry = Entry::Reset {
            key: Some(key.to_owned()),
        };
        self.journal(&face, &entry)?
            .await
            .map_err(|_| ServiceError::Stopping)??;
        // Behind the entry in the shard's own order.
        let _ = face.ask(ShardMessage::Forget(Some(key.to_owned())));
        self.forget_rows(stream, Some(key)).await
    }

    async fn forget_rows(&self, stream: &str, key: Option<&str>) -> Result<(), ServiceError> {
        let (reply, answer) = oneshot::channel();
        let message = OutputMessage::Forget(stream.to_owned(), key.map(ToOwned::to_owned), reply);
        self.to_outputs(message)
            .await
            .map_err(|_| ServiceError::Stopping)?;
        answer.await.map_err(|_| ServiceError::Stopping)??;
        Ok(())
    }

    /// Removes a stream with all it has learned and said. Raw events stay in the log until it lets go of them.
    pub async fn remove_stream(self: &Arc<Self>, name: &str) -> Result<(), ServiceError> {
        let face = {
            let mut streams = self
                .shared
                .streams
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            streams
                .remove(name)
                .ok_or_else(|| ServiceError::NoStream(name.to_owned()))?
        };
        face.removed.store(true, SeqCst);
        let service = Arc::clone(self);
        let partition = face.partition;
        let named = name.to_owned();
        let removed = tokio::task::spawn_blocking(move || {
            let until = pipeline::Deadline::after(std::time::Duration::from_secs(10));
            face.stop(false, until);
            let handle = {
                let mut threads = service.threads();
                let place = threads.shards.iter().position(|(name, _)| *name == named);
                place.map(|place| threads.shards.swap_remove(place).1)
            };
            pipeline::join_shards(&mut handle.into_iter().collect(), until);
            service.remove_state(partition, &face)
        })
        .await;
        removed
            .map_err(|error| error.to_string())
            .and_then(|removed| removed)
            .map_err(|reason| ServiceError::Removal {
                name: name.to_owned(),
                reason,
            })?;
        self.positions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|row| row.stream != name);
        self.forget_rows(name, None).await
    }

    /// Removes the checkpoints of a partition and lets its log go. A checkpoint that holds nothing stays: a stream of the same
    /// name begins behind the records of this one.
    fn remove_state(&self, partition: PartitionId, face: &StreamFace) -> Result<(), String> {
        let objects = self.objects.as_ref();
        let prefix = format!("partition-{}/", partition.0);
        // Manifests first: a chunk without a manifest is nothing, a manifest without its chunks is damage.
        for part in ["manifest-", "chunk-", "delivered"] {
            let names = objects
                .list(&format!("{prefix}{part}"))
                .map_err(|error| error.to_string())?;
            for name in names {
                objects.delete(&name).map_err(|error| error.to_string())?;
            }
        }
        let extent = self.log.port(partition).extent();
        let end = extent.map_err(|error| error.to_string())?.next;
        let mark = Mark {
            delivered: end,
            ..Mark::default()
        };
        let mut shard = Shard::new(face.read_plan().clone(), 1, 0);
        shard.advance(end);
        shard.begin_checkpoint();
        let nothing = shard
            .finish_checkpoint()
            .ok_or("a shard without series needs no chunk")?;
        let partition_prefix = prefix.trim_end_matches('/');
        mark.write(objects, partition_prefix)
            .and_then(|()| {
                let name = Manifest::object_name(partition_prefix, nothing.sequence);
                objects.put(&name, &nothing.encode())
            })
            .map_err(|error| error.to_string())?;
        self.log.needless(partition, u64::MAX);
        Ok(())
    }
}
