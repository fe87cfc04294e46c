use std::fmt::Debug;
use std::ops::Range;

use super::PortError;
use crate::records::Records;
use crate::recovery::LogExtent;

/// One partition of a durable log, for one writer.
///
/// What it promises:
/// - Records of one append lie one behind the other, with the offsets that it returned, and are durable when it returns. After an error
///   none of them is there, and the same append may be made again. (After a crash in between all of them may be there, or a first part.)
/// - Offsets rise. None is given out twice, and none below a floor that was raised.
/// - A reader sees every durable record from its place on, in order, while others append; at the end it gives nothing, and goes on
///   when there is more.
/// - Records behind those that are said to be needless stay.
pub trait PartitionLog: Send + Debug {
    /// Makes records durable; they get their offsets.
    fn append(&mut self, records: &mut Records) -> Result<Range<u64>, PortError>;
    /// Offset of the oldest record that is there, and that behind the newest durable one.
    fn extent(&self) -> Result<LogExtent, PortError>;
    /// Makes sure that no later record gets an offset below `floor`.
    fn raise_floor(&mut self, floor: u64) -> Result<(), PortError>;
    /// Reads from `from` on.
    fn reader(&self, from: u64) -> Result<Box<dyn RecordReader>, PortError>;
    /// Records before this offset are of no use any more. A log that lets go of them a part at a time does so at each call, without an
    /// offset too.
    fn needless(&mut self, before: Option<u64>) -> Result<(), PortError>;
}

/// Reads a partition in order.
pub trait RecordReader: Debug {
    /// The next records, payloads up to `max_bytes` together, but at least one record; none at the end.
    fn next_batch(&mut self, max_bytes: usize) -> Result<Records, PortError>;
    /// What was found damaged since this was last called, a sentence each.
    fn take_damage(&mut self) -> Vec<String>;
}
