//! The log as the port of a driver.

use std::ops::Range;

use willet_engine::ports::{PartitionLog, PortError, PortErrorKind, RecordReader};
use willet_engine::records::{PartitionId, Records};
use willet_engine::recovery::LogExtent;

use super::{Log, LogError, LogReader, Retention};

/// A log that one writer has for itself, with one partition of it.
#[derive(Debug)]
pub struct OwnedLog {
    log: Log,
    partition: PartitionId,
    /// Bytes that the log may have beside what is needed.
    retention_bytes: u64,
    /// Records before this may go, and some of them may still be there.
    needless_before: Option<u64>,
}

impl OwnedLog {
    /// Takes the log of a stream's only partition, which is begun if it is not there. It keeps `retention_bytes` of what is needless.
    pub fn new(mut log: Log, stream: &str, retention_bytes: u64) -> Result<Self, LogError> {
        let partition = log.partition(stream, 0)?;
        Ok(Self {
            log,
            partition,
            retention_bytes,
            needless_before: None,
        })
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Its partition.
    pub fn partition(&self) -> PartitionId {
        self.partition
    }

    /// Lets all go that may go, and closes the log.
    pub fn close(mut self) -> Result<(), LogError> {
        while self.retain_step()? {}
        self.log.close()
    }

    /// Lets go of the oldest segment, if it may go; whether it did. One, and no more: a batch waits for it.
    fn retain_step(&mut self) -> Result<bool, LogError> {
        let Some(low_water) = self.needless_before else {
            return Ok(false);
        };
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
}

impl PartitionLog for OwnedLog {
    fn append(&mut self, records: &mut Records) -> Result<Range<u64>, PortError> {
        let offsets = self.log.append(self.partition, records)?;
        self.log.commit()?;
        Ok(offsets)
    }

    fn extent(&self) -> Result<LogExtent, PortError> {
        Ok(self.log.extent(self.partition))
    }

    fn raise_floor(&mut self, floor: u64) -> Result<(), PortError> {
        Ok(self.log.raise_floor(self.partition, floor)?)
    }

    fn reader(&self, from: u64) -> Result<Box<dyn RecordReader>, PortError> {
        Ok(Box::new(self.log.reader(self.partition, from)))
    }

    fn needless(&mut self, before: Option<u64>) -> Result<(), PortError> {
        self.needless_before = before.or(self.needless_before);
        self.retain_step()?;
        Ok(())
    }
}

impl Log {
    /// How far a partition reaches.
    pub fn extent(&self, partition: PartitionId) -> LogExtent {
        LogExtent {
            first: self.start(partition).unwrap_or(0),
            next: self.end(partition).unwrap_or(0),
        }
    }
}

impl RecordReader for LogReader {
    fn next_batch(&mut self, max_bytes: usize) -> Result<Records, PortError> {
        Ok(Self::next_batch(self, max_bytes)?)
    }

    fn take_damage(&mut self) -> Vec<String> {
        let damage = Self::take_damage(self).into_iter();
        damage.map(|damage| damage.to_string()).collect()
    }
}

impl From<LogError> for PortError {
    fn from(error: LogError) -> Self {
        let kind = match &error {
            LogError::Full { .. } => PortErrorKind::Full,
            LogError::Closed => PortErrorKind::Unavailable,
            LogError::Io { .. } => PortErrorKind::Broken,
            _ => PortErrorKind::Invalid,
        };
        Self::new(error, kind)
    }
}
