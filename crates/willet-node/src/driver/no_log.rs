//! No log: there is nothing in it, and nothing is written to it.

use std::ops::Range;

use willet_engine::ports::{PartitionLog, PortError, PortErrorKind, RecordReader};
use willet_engine::records::Records;
use willet_engine::recovery::LogExtent;

/// Stands where there is no log.
#[derive(Debug)]
pub(super) struct NoLog;

#[derive(Debug, thiserror::Error)]
#[error("there is no log to write to")]
struct Nowhere;

impl PartitionLog for NoLog {
    fn append(&mut self, _: &mut Records) -> Result<Range<u64>, PortError> {
        Err(PortError::new(Nowhere, PortErrorKind::Invalid))
    }

    fn extent(&self) -> Result<LogExtent, PortError> {
        Ok(LogExtent { first: 0, next: 0 })
    }

    fn raise_floor(&mut self, _: u64) -> Result<(), PortError> {
        Ok(())
    }

    fn reader(&self, _: u64) -> Result<Box<dyn RecordReader>, PortError> {
        Ok(Box::new(Self))
    }

    fn needless(&mut self, _: Option<u64>) -> Result<(), PortError> {
        Ok(())
    }
}

impl RecordReader for NoLog {
    fn next_batch(&mut self, _: usize) -> Result<Records, PortError> {
        Ok(Records::new())
    }

    fn take_damage(&mut self) -> Vec<String> {
        Vec::new()
    }
}
