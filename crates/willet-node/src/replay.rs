//! A log run again from its first record, with nothing learned and nothing saved.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use willet_engine::config::{Plan, StreamConfig};
use willet_engine::journal::Entry;
use willet_engine::ports::{PartitionLog, PortError, PortErrorKind, RecordReader};
use willet_engine::records::{PartitionId, Records};
use willet_engine::recovery::LogExtent;
use willet_log::{Log, MemoryObjects};

use crate::clock::SystemClock;
use crate::driver::{Driver, Setup};
use crate::output::{Answers, Output, OutputError};
use crate::worker::{Care, Home, MemoryBound, Trouble, WorkerError, WorkerOptions};

/// Opens an output for verdicts of this plan.
pub type OpenOutput = Box<dyn FnOnce(&Plan) -> Box<dyn Output> + Send>;

/// Replays a partition; `open` makes the output once its configuration is known.
pub fn replay(
    log: &Log,
    partition: PartitionId,
    open: OpenOutput,
) -> Result<Vec<Trouble>, WorkerError> {
    let options = WorkerOptions {
        memory: MemoryBound::new(usize::MAX),
        // The log is there from the beginning: nothing is gained by a checkpoint.
        replay_checkpoint_records: usize::MAX,
        ..WorkerOptions::default()
    };
    let setup = Setup {
        options,
        home: Home {
            partition,
            objects: Arc::new(MemoryObjects::default()),
        },
        output: Box::new(OpenedLate {
            open: Some(open),
            output: None,
        }),
        care: Care::default(),
        clock: Arc::new(SystemClock),
        saves: false,
        is_live: false,
    };
    let mut log = ReadOnly { log, partition };
    // The log's first record says what the stream was begun with.
    let plan = Plan::new(StreamConfig::default(), 1)?;
    let mut driver = Driver::recover(setup, plan, &mut log, &mut Vec::new())?;
    driver.worker().flush()?;
    Ok(driver.worker().take_troubles())
}

/// A log that is only read.
#[derive(Debug)]
struct ReadOnly<'a> {
    log: &'a Log,
    partition: PartitionId,
}

#[derive(Debug, thiserror::Error)]
#[error("a replay writes nothing to the log")]
struct IsReadOnly;

impl PartitionLog for ReadOnly<'_> {
    fn append(&mut self, _: &mut Records) -> Result<Range<u64>, PortError> {
        Err(PortError::new(IsReadOnly, PortErrorKind::Invalid))
    }

    fn extent(&self) -> Result<LogExtent, PortError> {
        Ok(self.log.extent(self.partition))
    }

    fn raise_floor(&mut self, _: u64) -> Result<(), PortError> {
        Ok(())
    }

    fn reader(&self, from: u64) -> Result<Box<dyn RecordReader>, PortError> {
        Ok(Box::new(self.log.reader(self.partition, from)))
    }

    fn needless(&mut self, _: Option<u64>) -> Result<(), PortError> {
        Ok(())
    }
}

/// An output that is opened with the first verdicts.
struct OpenedLate {
    open: Option<OpenOutput>,
    output: Option<Box<dyn Output>>,
}

impl fmt::Debug for OpenedLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedLate").finish_non_exhaustive()
    }
}

impl Output for OpenedLate {
    fn write(&mut self, answers: &Answers<'_>) {
        if let Some(open) = self.open.take() {
            self.output = Some(open(answers.plan));
        }
        if let Some(output) = &mut self.output {
            output.write(answers);
        }
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        self.output.as_mut().map_or(Ok(()), |output| output.flush())
    }

    fn journal(&mut self, offset: u64, entry: &Entry) {
        if let Some(output) = &mut self.output {
            output.journal(offset, entry);
        }
    }
}
