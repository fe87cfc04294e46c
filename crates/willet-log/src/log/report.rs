//! What an opening, a reader or `verify` has to say about damage.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use willet_engine::records::PartitionId;

/// What kind of damage it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// The head of a segment; with it perhaps its first records.
    Header,
    /// Records that were durable.
    Records,
    /// Bytes of the newest commit of a segment that was not closed: a torn write, or damage. They are left out.
    Uncertain,
    /// An index; nothing is lost, it is made again from its segment.
    Index,
    /// A whole segment is not there.
    Missing,
}

/// A range of bytes that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// In which file.
    pub file: PathBuf,
    /// Which bytes.
    pub bytes: Range<u64>,
    /// What it means.
    pub kind: DamageKind,
    /// Offsets lost, as far as what surrounds them says.
    pub lost: Vec<LostOffsets>,
}

/// Offsets of one partition that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostOffsets {
    /// The partition.
    pub partition: PartitionId,
    /// Which of its offsets.
    pub offsets: Range<u64>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = &self.bytes;
        write!(f, "{} bytes {start}..{end}: ", self.file.display())?;
        f.write_str(match self.kind {
            DamageKind::Header => "damaged head of the segment",
            DamageKind::Records => "damaged records",
            DamageKind::Uncertain => "torn by a crash or damaged, in the last write before it",
            DamageKind::Index => "damaged index, nothing lost",
            DamageKind::Missing => "the segment is missing",
        })?;
        for lost in &self.lost {
            let Range { start, end } = &lost.offsets;
            write!(
                f,
                "; partition {} lost offsets {start}..{end}",
                lost.partition.0
            )?;
        }
        Ok(())
    }
}

/// What [`super::Log::open`] found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Segments that hold records.
    pub segments: usize,
    /// Whether the log was closed before, or is new.
    pub clean: bool,
    /// Bytes of an unfinished write that were cut off the end.
    pub torn_bytes: u64,
    /// Damage found. Sealed segments are not read whole at opening; `verify` does that.
    pub damage: Vec<Damage>,
    /// Indexes that were missing or damaged and were made again.
    pub rebuilt_indexes: Vec<PathBuf>,
    /// Segments of failed attempts, never acknowledged, that were removed.
    pub abandoned: Vec<PathBuf>,
}

/// What [`super::verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Segment files read.
    pub segments: usize,
    /// Records that verify.
    pub records: u64,
    /// Bytes behind the durable end of the newest segment: an unfinished write, or one going on now.
    pub torn_bytes: u64,
    /// Everything that is not what was written.
    pub damage: Vec<Damage>,
}

/// What [`super::Log::retain`] removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Segments removed, oldest first.
    pub removed: Vec<PathBuf>,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Bytes of the segments that stay.
    pub kept_bytes: u64,
}
