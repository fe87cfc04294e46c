//! A stream over a data folder: records go to the log first, and a worker takes them from there.

use std::sync::Arc;

use willet_engine::codec::{Format, InputConfig};
use willet_engine::config::Plan;
use willet_engine::event::EventBatch;
use willet_engine::journal::Entry;
use willet_engine::records::{PartitionId, RecordKind, Records};
use willet_log::{DataFolder, FolderObjects, Log, LogOptions, OpenReport, Retention};

use crate::output::Output;
use crate::worker::{Care, Home, Trouble, Worker, WorkerError, WorkerOptions};

/// The log and the worker of one stream with one partition.
#[derive(Debug)]
pub struct Durable {
    log: Log,
    partition: PartitionId,
    worker: Worker,
    retention_bytes: u64,
    /// An entry of the journal that is durable and that the worker could not take: a tick may have to read keys from disk.
    untaken: Option<Records>,
    /// The log before this offset is of no use any more, and some of it may still be there.
    needless_before: Option<u64>,
}

/// A data folder that cannot be used as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DurableError {
    /// The log, the checkpoints or the output.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The folder was begun with other settings.
    #[error(
        "data folder was begun with other settings of {what}: {found}, now {asked} (use the same settings, or begin a new \
         data folder)"
    )]
    OtherSettings {
        /// Which part.
        what: &'static str,
        /// As they are in the folder.
        found: String,
        /// As they are now.
        asked: String,
    },
}

/// Whether two descriptions may be of the same records, found out by different versions: of CSV, the same columns in the same order.
fn is_alike(one: &InputConfig, other: &InputConfig) -> bool {
    let names = |input: &InputConfig| -> Vec<String> {
        let columns = input.columns.iter();
        columns.map(|column| column.name.clone()).collect()
    };
    one.format == other.format && (one.format == Format::Json || names(one) == names(other))
}

impl Durable {
    /// Opens the stream of `plan` in a data folder: begins it, or takes it up where it was. After an error `troubles` holds
    /// what was found wrong on the way.
    pub fn open(
        folder: &DataFolder,
        log_options: LogOptions,
        plan: Plan,
        options: WorkerOptions,
        retention_bytes: u64,
        output: Box<dyn Output>,
        troubles: &mut Vec<Trouble>,
    ) -> Result<(Self, OpenReport), DurableError> {
        let (mut log, report) = Log::open(folder, log_options).map_err(WorkerError::from)?;
        let partition = log
            .partition(&plan.config().name, 0)
            .map_err(WorkerError::from)?;
        let objects = FolderObjects::open(Arc::clone(folder.disk()), &folder.checkpoints_path())
            .map_err(WorkerError::from)?;
        let asked = plan.config().clone();
        let takes_input_of_folder = options.takes_input_of_folder;
        let worker = Worker::recover(
            plan,
            options,
            &mut log,
            Home {
                partition,
                objects: Arc::new(objects),
            },
            output,
            Care::default(),
            troubles,
        )?;
        let mut durable = Self {
            log,
            partition,
            worker,
            retention_bytes,
            untaken: None,
            needless_before: None,
        };
        if durable.worker.shard().next_offset() == 0 {
            durable.configure(asked)?;
        } else {
            let found = durable.worker.shard().plan().config();
            let mut asked = asked;
            if takes_input_of_folder && is_alike(&found.input, &asked.input) {
                asked.input = found.input.clone();
            }
            let sections: [(&'static str, String, String); 5] = [
                ("the detector", show(&found.detector), show(&asked.detector)),
                ("the decision", show(&found.decision), show(&asked.decision)),
                ("the features", show(&found.features), show(&asked.features)),
                ("the input", show(&found.input), show(&asked.input)),
                ("the stream", show(&found), show(&asked)),
            ];
            for (what, found, asked) in sections {
                if found != asked {
                    return Err(DurableError::OtherSettings { what, found, asked });
                }
            }
        }
        Ok((durable, report))
    }

    /// Puts a configuration into the journal; it holds from there on.
    pub fn configure(
        &mut self,
        config: willet_engine::config::StreamConfig,
    ) -> Result<(), WorkerError> {
        // Refused before it is written: what stands in the log must be good for ever.
        self.worker.shard().plan().changed(config.clone())?;
        self.journal(&Entry::Configure {
            config: Box::new(config),
        })
    }

    /// Puts an entry into the journal and takes it. After an error the same call may be made again: an entry that is durable is
    /// not written a second time.
    pub fn journal(&mut self, entry: &Entry) -> Result<(), WorkerError> {
        let payload = entry.encode();
        let is_there = self
            .untaken
            .as_ref()
            .is_some_and(|records| records.payload(0) == payload);
        self.take_untaken()?;
        if is_there {
            return Ok(());
        }
        let mut records = Records::new();
        records.push(0, RecordKind::Journal, 0, &payload);
        self.append(&mut records)?;
        self.untaken = Some(records);
        self.take_untaken()
    }

    fn take_untaken(&mut self) -> Result<(), WorkerError> {
        if let Some(records) = &self.untaken {
            self.worker.take(records)?;
            self.untaken = None;
        }
        Ok(())
    }

    /// Makes records durable. After an error none of them is, and the same call may be made again.
    pub fn append(&mut self, records: &mut Records) -> Result<(), WorkerError> {
        self.log.append(self.partition, records)?;
        Ok(self.log.commit()?)
    }

    /// Takes records that [`Durable::append`] made durable, with the events that they were decoded to.
    pub fn take_decoded(
        &mut self,
        records: &Records,
        events: &mut EventBatch,
    ) -> Result<(), WorkerError> {
        self.take_untaken()?;
        if !records.is_empty() {
            events.number_from(records.head(0).offset);
        }
        self.worker.take_decoded(records, events)
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The worker.
    pub fn worker(&mut self) -> &mut Worker {
        &mut self.worker
    }

    /// Writes the next slice of a running checkpoint. When it is finished, the log that is of no use any more goes, a
    /// segment with each further call.
    pub fn checkpoint_step(&mut self) -> Result<bool, WorkerError> {
        self.retain_step()?;
        let finished = self.worker.checkpoint_step()?;
        self.needless_before = finished.or(self.needless_before);
        Ok(finished.is_some())
    }

    /// Lets go of the oldest segment of the log, if it may go; returns whether it did.
    fn retain_step(&mut self) -> Result<bool, WorkerError> {
        let Some(low_water) = self.needless_before else {
            return Ok(false);
        };
        // One segment less, and no more: a batch waits for it.
        let one_less = self.log.bytes().saturating_sub(1);
        let retained = self.log.retain(&Retention {
            max_bytes: Some(self.retention_bytes.max(one_less)),
            max_age_us: None,
            now: 0,
            low_water: vec![(self.partition, low_water)],
        })?;
        if retained.removed.is_empty() {
            self.needless_before = None;
        }
        Ok(!retained.removed.is_empty())
    }

    /// Writes a last checkpoint and closes the log.
    pub fn close(mut self) -> Result<Worker, WorkerError> {
        self.worker.begin_checkpoint()?;
        while !self.checkpoint_step()? {}
        while self.retain_step()? {}
        self.worker.tidy(usize::MAX)?;
        self.log.close()?;
        Ok(self.worker)
    }
}

fn show(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data always serialises into memory")
}
