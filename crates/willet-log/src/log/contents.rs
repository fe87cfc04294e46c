//! What a segment holds: kept in memory for the active one, in the index file (docs/log-format.md, "Index") for sealed ones.

use std::collections::BTreeMap;
use std::ops::Range;

use willet_engine::records::PartitionId;

use super::bytes::{Fields, put_name, put_ranges, seal, unseal};
use super::catalogue::Catalogue;
use super::header::{Listed, VERSION};
use super::record::Head;

const MAGIC: &[u8; 8] = b"WILLETIX";
/// One mark for each partition in each block: a reader skips blocks without records of its own.
pub(super) const BLOCK_BYTES: u64 = 64 << 10;

/// First record of a partition in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) at: u32,
    pub(super) offset: u64,
}

impl Mark {
    fn block(self) -> u64 {
        u64::from(self.at) / BLOCK_BYTES
    }
}

/// What a segment holds of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) first: u64,
    pub(super) next: u64,
    pub(super) marks: Vec<Mark>,
}

/// Records of one append.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) partition: PartitionId,
    pub(super) first: u64,
    pub(super) next: u64,
    pub(super) newest_arrived: i64,
    pub(super) next_sequence: u64,
    pub(super) marks: Vec<Mark>,
}

/// What a segment holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) base: u64,
    pub(super) next_sequence: u64,
    /// The durable end; nothing behind it counts.
    pub(super) end: u64,
    pub(super) newest_arrived: i64,
    pub(super) records: u64,
    pub(super) voids: Vec<Range<u64>>,
    pub(super) partitions: BTreeMap<PartitionId, Extent>,
}

impl Contents {
    pub(super) fn empty(base: u64, end: u64) -> Self {
        Self {
            base,
            next_sequence: base,
            end,
            newest_arrived: i64::MIN,
            records: 0,
            voids: Vec::new(),
            partitions: BTreeMap::new(),
        }
    }

    pub(super) fn note(&mut self, head: &Head, at: u64) {
        self.note_run(Run {
            partition: head.partition,
            first: head.offset,
            next: head.offset + 1,
            newest_arrived: head.arrived,
            next_sequence: head.sequence + 1,
            marks: vec![Mark {
                at: at as u32,
                offset: head.offset,
            }],
        });
    }

    pub(super) fn note_run(&mut self, run: Run) {
        self.records += run.next - run.first;
        self.next_sequence = self.next_sequence.max(run.next_sequence);
        self.newest_arrived = self.newest_arrived.max(run.newest_arrived);
        let extent = self.partitions.entry(run.partition).or_insert(Extent {
            first: run.first,
            next: run.next,
            marks: Vec::new(),
        });
        extent.next = extent.next.max(run.next);
        for mark in run.marks {
            if extent
                .marks
                .last()
                .is_none_or(|last| last.block() < mark.block())
            {
                extent.marks.push(mark);
            }
        }
    }

    /// Forgets the marks, which the index file has.
    pub(super) fn forget_marks(&mut self) {
        for extent in self.partitions.values_mut() {
            extent.marks = Vec::new();
        }
    }

    pub(super) fn encode(&self, folder_id: u64, segment: u64, catalogue: &Catalogue) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        for field in [folder_id, segment, self.base, self.next_sequence, self.end] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.extend_from_slice(&self.newest_arrived.to_le_bytes());
        out.extend_from_slice(&self.records.to_le_bytes());
        put_ranges(&mut out, &self.voids);
        out.extend_from_slice(&(self.partitions.len() as u32).to_le_bytes());
        for (id, extent) in &self.partitions {
            let (stream, number) = catalogue.name(*id).unwrap_or(("", 0));
            out.extend_from_slice(&id.0.to_le_bytes());
            out.extend_from_slice(&number.to_le_bytes());
            out.extend_from_slice(&extent.first.to_le_bytes());
            out.extend_from_slice(&extent.next.to_le_bytes());
            put_name(&mut out, stream);
            out.extend_from_slice(&(extent.marks.len() as u32).to_le_bytes());
            for mark in &extent.marks {
                out.extend_from_slice(&mark.at.to_le_bytes());
                out.extend_from_slice(&mark.offset.to_le_bytes());
            }
        }
        seal(&mut out);
        out
    }

    /// What the index of this segment says, with the names it knows; `None` when it is damaged or another segment's.
    pub(super) fn decode(
        bytes: &[u8],
        folder_id: u64,
        segment: u64,
    ) -> Option<(Self, Vec<Listed>)> {
        let mut fields = Fields(unseal(bytes)?);
        let fits = fields.take(8)? == MAGIC
            && fields.u32()? == VERSION
            && fields.u64()? == folder_id
            && fields.u64()? == segment;
        if !fits {
            return None;
        }
        let mut contents = Self {
            base: fields.u64()?,
            next_sequence: fields.u64()?,
            end: fields.u64()?,
            newest_arrived: fields.i64()?,
            records: fields.u64()?,
            voids: fields.ranges()?,
            partitions: BTreeMap::new(),
        };
        let mut names = Vec::new();
        for _ in 0..fields.count(30)? {
            let (id, number) = (PartitionId(fields.u32()?), fields.u32()?);
            let (first, next, stream) = (fields.u64()?, fields.u64()?, fields.name()?);
            let marks = (0..fields.count(12)?)
                .map(|_| {
                    Some(Mark {
                        at: fields.u32()?,
                        offset: fields.u64()?,
                    })
                })
                .collect::<Option<_>>()?;
            contents
                .partitions
                .insert(id, Extent { first, next, marks });
            if !stream.is_empty() {
                names.push(Listed {
                    id,
                    next,
                    number,
                    stream,
                });
            }
        }
        Some((contents, names))
    }
}
