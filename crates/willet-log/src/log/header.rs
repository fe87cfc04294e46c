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
    /// A header and its length.
    Header(Header, u64),
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

/// Reads the beginning of a segment file.
pub(super) fn read_beginning(file: &dyn DiskFile) -> io::Result<Beginning> {
    let mut bytes = vec![0; FIRST_READ];
    let read = read_full(file, &mut bytes, 0)?;
    bytes.truncate(read);
    let mut fields = Fields(&bytes);
    let prefix = (|| Some((fields.take(8)?, fields.u32()?, fields.u32()? as usize)))();
    let Some((magic, version, length)) = prefix else {
        return Ok(Beginning::Damaged);
    };
    if magic != MAGIC
        || !(PREFIX..=MAX_HEADER_BYTES).contains(&length)
        || length as u64 > file.len()?
    {
        return Ok(Beginning::Damaged);
    }
    if length > bytes.len() {
        bytes.resize(length, 0);
        read_full(file, &mut bytes, 0)?;
    }
    bytes.truncate(length);
    if version != VERSION {
        // Every version seals its header the same way, so that a flipped bit is not taken for a newer one.
        let newer = version > VERSION && unseal(&bytes).is_some();
        return Ok(if newer {
            Beginning::Newer(version)
        } else {
            Beginning::Damaged
        });
    }
    Ok(match Header::decode(&bytes) {
        Some(header) => Beginning::Header(header, length as u64),
        None => Beginning::Damaged,
    })
}
