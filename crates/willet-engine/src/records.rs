//! Raw records of one partition, as they lie in its log.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Number of a logical partition inside one log; the log's catalogue says which stream and partition it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartitionId(pub u32);

/// What a record is for. The numbers are part of the log format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum RecordKind {
    /// Bytes that arrived from a source; the codec of the stream understands them.
    Event = 1,
    /// A [`crate::journal::Entry`]: what changes the shard besides events.
    Journal = 2,
    /// How far a source has been read; opaque to the shard.
    Cursor = 3,
}

impl RecordKind {
    /// The kind with this number, if there is one.
    pub fn from_u8(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Event),
            2 => Some(Self::Journal),
            3 => Some(Self::Cursor),
            _ => None,
        }
    }
}

/// Head of a record inside [`Records`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHead {
    /// Offset in the partition. Rises; gaps are records lost to damage.
    pub offset: u64,
    /// Arrival time in microseconds since the epoch, 0 where the source gives none (files).
    pub arrived: i64,
    /// What the record is for.
    pub kind: RecordKind,
    end: u32,
}

/// Records that stand next to each other in one partition: one buffer of bytes and a head for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    bytes: Vec<u8>,
    heads: Vec<RecordHead>,
}

impl Records {
    /// Largest number of bytes one batch may hold, so that 32-bit ends suffice.
    pub const MAX_BYTES: usize = 1 << 31;

    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record at `offset`.
    pub fn push(&mut self, offset: u64, kind: RecordKind, arrived: i64, payload: &[u8]) {
        debug_assert!(self.bytes.len() + payload.len() <= Self::MAX_BYTES);
        debug_assert!(self.heads.last().is_none_or(|last| last.offset < offset));
        self.bytes.extend_from_slice(payload);
        self.heads.push(RecordHead {
            offset,
            arrived,
            kind,
            end: self.bytes.len() as u32,
        });
    }

    /// Gives the records consecutive offsets from `first`, as an append does.
    pub fn number_from(&mut self, first: u64) {
        for (index, head) in self.heads.iter_mut().enumerate() {
            head.offset = first + index as u64;
        }
    }

    /// Says when all of them arrived, microseconds since the epoch.
    pub fn stamp(&mut self, arrived: i64) {
        for head in &mut self.heads {
            head.arrived = arrived;
        }
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Payload bytes of all records together.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Removes all records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.heads.clear();
    }

    /// Head of record `index`.
    pub fn head(&self, index: usize) -> RecordHead {
        self.heads[index]
    }

    /// Payload of record `index`.
    pub fn payload(&self, index: usize) -> &[u8] {
        &self.bytes[self.span(index)]
    }

    /// Index behind the records of one kind that stand together from `index` on.
    pub fn run_end(&self, index: usize) -> usize {
        let kind = self.heads[index].kind;
        let same = self.heads[index..]
            .iter()
            .take_while(|head| head.kind == kind);
        index + same.count()
    }

    /// All heads with their payloads, in order.
    pub fn iter(&self) -> impl Iterator<Item = (RecordHead, &[u8])> {
        (0..self.len()).map(|index| (self.heads[index], self.payload(index)))
    }

    /// Where the payload of record `index` lies among the bytes of all.
    pub fn span(&self, index: usize) -> Range<usize> {
        let start = if index == 0 {
            0
        } else {
            self.heads[index - 1].end as usize
        };
        start..self.heads[index].end as usize
    }
}
