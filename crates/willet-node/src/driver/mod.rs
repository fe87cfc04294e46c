//! Drives a shard: no threads, no clock of its own, no I/O but through the ports.
//!
//! A driver is fed with what the log made durable and hands back what is to be done with the log; the rest goes through its ports
//! (objects, delivery of verdicts). `detect`, `detect --data-dir`, `replay` and `run` feed it, each with other ports:
//!
//! | command | log | objects | verdicts |
//! |---|---|---|---|
//! | `detect` | none: records are taken as they are read | memory | file, terminal |
//! | `detect --data-dir` | the folder's, for itself | the folder's | file that survives crashes |
//! | `replay` | the folder's, read only | memory | file, terminal |
//! | `run` | the folder's, shared with other streams | the folder's | store, topics |

mod configure;
mod folder;
mod no_log;
mod pace;
mod silence;

use std::sync::Arc;

use willet_engine::config::Plan;
use willet_engine::event::{EventBatch, Timestamp};
use willet_engine::journal::Entry;
use willet_engine::ports::{Clock, PartitionLog};
use willet_engine::records::{PartitionId, RecordKind, Records};
use willet_log::MemoryObjects;

pub use configure::{Asked, OpenError};
pub use folder::open_in_folder;
use no_log::NoLog;
use pace::Pace;
use silence::Silence;

use crate::clock::SystemClock;
use crate::output::{Discard, Output};
use crate::worker::{Care, Home, MemoryBound, Trouble, Worker, WorkerError, WorkerOptions};

/// What a driver is made of.
#[derive(Debug)]
pub struct Setup {
    /// How it runs.
    pub options: WorkerOptions,
    /// Where its state lies.
    pub home: Home,
    /// Where verdicts go.
    pub output: Box<dyn Output>,
    /// How careful the recovery is.
    pub care: Care,
    /// Tells the time: of checkpoints and of silence.
    pub clock: Arc<dyn Clock>,
    /// Whether its state is saved as it goes on.
    pub saves: bool,
    /// Whether time passes by the clock for series that fall silent.
    pub is_live: bool,
}

/// A shard with all that surrounds it.
#[derive(Debug)]
pub struct Driver {
    worker: Worker,
    pace: Pace,
    silence: Silence,
    clock: Arc<dyn Clock>,
}

/// What comes to a driver.
#[derive(Debug)]
pub enum Input<'a> {
    /// Durable records, in order, with the events that the first of them were decoded to, one a record.
    Decoded(&'a Records, &'a EventBatch),
    /// Durable records.
    Records(&'a Records),
    /// Nothing came for a while.
    Nothing,
}

/// What is to be done with the log now, and what became of the last step.
#[derive(Debug, Default)]
pub struct Effects {
    /// An entry to be appended; it comes back as a durable record like any other.
    pub append: Option<Entry>,
    /// The log before this offset is of no use any more.
    pub needless: Option<u64>,
    /// Whether a checkpoint was finished.
    pub has_checkpointed: bool,
    /// Space that was missing, for a checkpoint or for series that should leave memory. Nothing is lost by it, and it is tried again.
    pub missed_space: Option<WorkerError>,
    /// Whether the next step has something to do already.
    pub is_busy: bool,
}

/// Looks on between the verdicts and what becomes of them.
pub trait Observer {
    /// The worker has answered records; [`Worker::verdicts`] has the answers. `micros` is the time that it took.
    fn answered(&mut self, worker: &mut Worker, input: &Input<'_>, micros: i64);
}

/// Nobody looks.
impl Observer for () {
    fn answered(&mut self, _: &mut Worker, _: &Input<'_>, _: i64) {}
}

impl Driver {
    /// Brings a shard back to where it was: newest whole checkpoint, then replay of the log from its low water. Verdicts that were not
    /// delivered are written to the output. `plan` holds where the log has none yet.
    ///
    /// After an error `troubles` holds what was found wrong and got past; after success [`Worker::take_troubles`] gives it.
    pub fn recover(
        setup: Setup,
        plan: Plan,
        log: &mut dyn PartitionLog,
        troubles: &mut Vec<Trouble>,
    ) -> Result<Self, WorkerError> {
        let Setup {
            options,
            home,
            output,
            care,
            clock,
            saves,
            is_live,
        } = setup;
        let worker = Worker::recover(plan, options, log, home, output, care, troubles)?;
        let now = clock.now();
        Ok(Self {
            worker,
            pace: Pace::new(now.0, !saves),
            silence: Silence::new(is_live),
            clock,
        })
    }

    /// One that begins, and keeps nothing: records have their offsets from whoever feeds it, from 0 on, and verdicts are for an
    /// [`Observer`] to take.
    pub fn fresh(plan: Plan) -> Result<Self, WorkerError> {
        let options = WorkerOptions {
            memory: MemoryBound::new(usize::MAX),
            ..WorkerOptions::default()
        };
        let setup = Setup {
            options,
            home: Home {
                partition: PartitionId(0),
                objects: Arc::new(MemoryObjects::default()),
            },
            output: Box::new(Discard),
            care: Care::default(),
            clock: Arc::new(SystemClock),
            saves: false,
            is_live: false,
        };
        Self::recover(setup, plan, &mut NoLog, &mut Vec::new())
    }

    /// As [`Driver::recover`], and then the configuration asked for holds, written to the log where it is another.
    pub fn open(
        setup: Setup,
        log: &mut dyn PartitionLog,
        asked: Asked,
        troubles: &mut Vec<Trouble>,
    ) -> Result<Self, OpenError> {
        let plan = Plan::new(asked.config().clone(), 1).map_err(WorkerError::from)?;
        let mut driver = Self::recover(setup, plan, log, troubles)?;
        if let Some(entry) = asked.entry(driver.worker.shard())? {
            driver.write(&entry, log)?;
        }
        Ok(driver)
    }

    /// Puts an entry into the log and takes it.
    fn write(&mut self, entry: &Entry, log: &mut dyn PartitionLog) -> Result<(), WorkerError> {
        let mut records = records_of(entry, self.clock.now());
        log.append(&mut records)?;
        self.worker.take(&records)
    }

    /// Takes what came, hands verdicts on, saves a slice of the state, and lets time pass.
    ///
    /// After an error the same call may be made again: what was taken is not taken twice. Whoever finds space missing waits and does so.
    pub fn step(
        &mut self,
        input: &Input<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Effects, WorkerError> {
        let mut effects = Effects::default();
        self.take(input, observer)?;
        self.worker.flush()?;
        self.tick(&mut effects);
        self.checkpoint(&mut effects)?;
        // Last: a checkpoint takes up keys that it moves, and others may want their share of what this one holds.
        if let Some(error) = full(self.worker.hold_memory())? {
            effects.missed_space = Some(error);
        }
        Ok(effects)
    }

    fn take(&mut self, input: &Input<'_>, observer: &mut dyn Observer) -> Result<(), WorkerError> {
        let (Input::Decoded(records, _) | Input::Records(records)) = *input else {
            return Ok(());
        };
        if self.knows(records) {
            return Ok(());
        }
        let begun = self.clock.now();
        match *input {
            Input::Decoded(records, events) => {
                self.silence.heard(events, begun);
                self.worker.take_decoded(records, events)?;
            }
            Input::Records(records) => self.worker.take(records)?,
            Input::Nothing => {}
        }
        let micros = self.clock.now().0 - begun.0;
        self.pace.worked(micros);
        observer.answered(&mut self.worker, input, micros);
        Ok(())
    }

    /// Whether records were taken already: the recovery found them in the log, or the step is made again.
    pub fn knows(&self, records: &Records) -> bool {
        let last = records.len().checked_sub(1);
        last.is_none_or(|last| records.head(last).offset < self.worker.shard().next_offset())
    }

    /// Lets time pass for series that fell silent, while the stream is live: what ended is judged. A tick is a record like any other, so
    /// that a replay lets time pass at the same place.
    fn tick(&mut self, effects: &mut Effects) {
        if let Some(at) = self.silence.look(self.clock.now()) {
            effects.append = self.tick_at(at);
        }
    }

    fn tick_at(&mut self, at: Timestamp) -> Option<Entry> {
        let due = self.worker.next_deadline()?;
        (due <= at).then_some(Entry::Tick { at })
    }

    /// The tick that lets time pass up to the newest event, where that closes anything: all that will ever come has come.
    pub fn last_tick(&mut self) -> Option<Entry> {
        let newest = self.silence.newest()?;
        self.tick_at(newest)
    }

    fn checkpoint(&mut self, effects: &mut Effects) -> Result<(), WorkerError> {
        let begun = self.clock.now().0;
        let outcome = if self.worker.shard().is_checkpointing() {
            self.worker.checkpoint_step()
        } else if self.pace.is_due(begun) {
            self.pace.began();
            self.worker.begin_checkpoint().map(|()| None)
        } else {
            return Ok(());
        };
        let ended = self.clock.now().0;
        self.pace.spent(ended - begun);
        match outcome {
            Ok(needless) => {
                effects.has_checkpointed = needless.is_some();
                effects.needless = needless;
                if needless.is_some() {
                    self.pace.finished(ended);
                }
            }
            Err(error) => {
                self.pace.failed(ended);
                effects.missed_space = full(Err(error))?;
            }
        }
        effects.is_busy = self.worker.shard().is_checkpointing();
        Ok(())
    }

    /// The shard, its state and its output.
    pub fn worker(&mut self) -> &mut Worker {
        &mut self.worker
    }

    /// Numbers records from 0 again; what was learned stays.
    pub fn renumber(&mut self) {
        self.worker.renumber();
        self.silence = Silence::new(false);
    }

    /// As [`Driver::save`], where anything came since the last checkpoint.
    pub fn save_changes(&mut self) -> Result<(), WorkerError> {
        if self.pace.is_dirty() || self.worker.shard().is_checkpointing() {
            self.save()?;
        }
        Ok(())
    }

    /// Hands all verdicts on and saves all state; the log before the offset returned is of no use any more.
    pub fn save(&mut self) -> Result<u64, WorkerError> {
        self.worker.flush()?;
        self.worker.checkpoint()
    }
}

/// A record of an entry, for a log.
pub fn records_of(entry: &Entry, now: Timestamp) -> Records {
    let mut records = Records::new();
    records.push(0, RecordKind::Journal, now.0, &entry.encode());
    records
}

/// Takes space that is missing for no failure.
fn full(result: Result<(), WorkerError>) -> Result<Option<WorkerError>, WorkerError> {
    match result {
        Err(error) if error.is_full() => Ok(Some(error)),
        other => other.map(|()| None),
    }
}

#[cfg(test)]
mod tests;
