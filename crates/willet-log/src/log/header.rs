//! The head of a segment file (docs/log-format.md, "Segment header").

use std::io;
use std::ops::Range;

use willet_engine::records::PartitionId;

use super::bytes::{Fields, put_name, put_ranges, seal, unseal};
use crate::disk::{DiskFile, read_full};

const MAGIC: &[u8; 8] = b"WILLETSG";
/// The newest segment format this program reads, and the one it writes.
pub(super) const VERSION: u32 = 1;
/// A header of a million partitions has about 40 MB; more is damage.
const MAX_HEADER_BYTES: usize = 64 << 20;
/// Most headers are shorter, and come with the first read.
const FIRST_READ: usize = 4096;
/// How far the second copy is looked for when the first is damaged: a catalogue of 10,000 partitions.
const SEARCH_BYTES: usize = 1 << 20;
/// Stream names could hold the magic; no more than this many are tried.
const MAX_CANDIDATES: usize = 16;
/// Bytes from the magic to the header length.
const PREFIX: usize = 16;

/// The head of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) folder_id: u64,
    pub(super) segment: u64,
    pub(super) base: u64,
    pub(super) before: Option<Before>,
    pub(super) catalogue: Vec<Listed>,
}

/// What the segment before is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Before {
    pub(super) segment: u64,
    pub(super) end: u64,
    pub(super) voids: Vec<Range<u64>>,
}

/// A partition in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) id: PartitionId,
    pub(super) next: u64,
    pub(super) number: u32,
    pub(super) stream: String,
}

/// What stands at the beginning of a segment file.
#[derive(Debug)]
pub(super) enum Beginning {
    Header {
        header: Header,
        /// First byte behind both copies.
        start: u64,
        /// A copy that does not verify.
        damaged: Option<Range<u64>>,
    },
    /// A header of a version this program does not know.
    Newer(u32),
    Damaged,
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FIRST_READ);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&0_u32.to_le_bytes());
        let (before, end, voids): (u64, u64, &[_]) = match &self.before {
            Some(before) => (before.segment, before.end, &before.voids),
            None => (0, 0, &[]),
        };
        for field in [self.folder_id, self.segment, self.base, before, end] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        put_ranges(&mut out, voids);
        out.extend_from_slice(&(self.catalogue.len() as u32).to_le_bytes());
        for listed in &self.catalogue {
            out.extend_from_slice(&listed.id.0.to_le_bytes());
            out.extend_from_slice(&listed.next.to_le_bytes());
            out.extend_from_slice(&listed.number.to_le_bytes());
            put_name(&mut out, &listed.stream);
        }
        let bytes = (out.len() + 4) as u32;
        out[12..PREFIX].copy_from_slice(&bytes.to_le_bytes());
        seal(&mut out);
        out.extend_from_within(..);
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(unseal(bytes)?.get(PREFIX..)?);
        let (folder_id, segment, base) = (fields.u64()?, fields.u64()?, fields.u64()?);
        let (before, end, voids) = (fields.u64()?, fields.u64()?, fields.ranges()?);
        let count = fields.count(18)?;
        let catalogue = (0..count)
            .map(|_| {
                Some(Listed {
                    id: PartitionId(fields.u32()?),
                    next: fields.u64()?,
                    number: fields.u32()?,
                    stream: fields.name()?,
                })
            })
            .collect::<Option<_>>()?;
        let before = (before > 0).then_some(Before {
            segment: before,
            end,
            voids,
        });
        Some(Self {
            folder_id,
            segment,
            base,
            before,
            catalogue,
        })
    }
}

/// One copy of a header.
enum Copy {
    Whole(Header, usize),
    Newer(u32),
    Damaged,
}

/// Reads the beginning of a segment file: both copies of the header.
pub(super) fn read_beginning(file: &dyn DiskFile) -> io::Result<Beginning> {
    let length = file.len()?.min(2 * MAX_HEADER_BYTES as u64) as usize;
    let mut bytes = vec![0; length.min(FIRST_READ)];
    let read = read_full(file, &mut bytes, 0)?;
    bytes.truncate(read);
    let announced = announced_bytes(&bytes).map_or(0, |bytes| bytes.saturating_mul(2));
    let decided = match decode_copy(&bytes) {
        Copy::Whole(..) if announced <= bytes.len() => true,
        Copy::Newer(_) => true,
        _ => false,
    };
    if !decided && length > bytes.len() {
        // A large catalogue, or a damaged copy that does not say where the other begins.
        let wanted = if announced > 0 {
            announced
        } else {
            SEARCH_BYTES
        };
        bytes.resize(length.min(wanted.max(SEARCH_BYTES)), 0);
        let read = read_full(file, &mut bytes, 0)?;
        bytes.truncate(read);
    }
    let (header, size) = match decode_copy(&bytes) {
        Copy::Newer(version) => return Ok(Beginning::Newer(version)),
        Copy::Whole(header, size) => (header, size),
        Copy::Damaged => return Ok(second_copy(&bytes)),
    };
    let same = bytes
        .get(..size)
        .is_some_and(|first| bytes.get(size..2 * size) == Some(first));
    let (size, end) = (size as u64, 2 * size as u64);
    Ok(Beginning::Header {
        header,
        start: end,
        damaged: (!same).then_some(size..end),
    })
}

/// Looks for the second copy where the first is damaged.
fn second_copy(bytes: &[u8]) -> Beginning {
    let candidates = (1..bytes.len()).filter(|at| bytes[*at..].starts_with(MAGIC));
    for at in candidates.take(MAX_CANDIDATES) {
        match decode_copy(&bytes[at..]) {
            Copy::Whole(header, size) if size == at => {
                let start = 2 * size as u64;
                return Beginning::Header {
                    header,
                    start,
                    damaged: Some(0..size as u64),
                };
            }
            _ => {}
        }
    }
    Beginning::Damaged
}

fn announced_bytes(bytes: &[u8]) -> Option<usize> {
    let mut fields = Fields(bytes);
    let magic = fields.take(8)?;
    let (_, length) = (fields.u32()?, fields.u32()? as usize);
    (magic == MAGIC && (PREFIX..=MAX_HEADER_BYTES).contains(&length)).then_some(length)
}

fn decode_copy(bytes: &[u8]) -> Copy {
    let mut fields = Fields(bytes);
    let version = fields.take(8).and_then(|_| fields.u32());
    let (Some(version), Some(length)) = (version, announced_bytes(bytes)) else {
        return Copy::Damaged;
    };
    let Some(copy) = bytes.get(..length) else {
        return Copy::Damaged;
    };
    if version > VERSION {
        // Every version seals its header the same way, so that a flipped bit is not taken for a newer one.
        return if unseal(copy).is_some() {
            Copy::Newer(version)
        } else {
            Copy::Damaged
        };
    }
    match Header::decode(copy) {
        Some(header) if version == VERSION => Copy::Whole(header, length),
        _ => Copy::Damaged,
    }
}
