//! A record as it lies in a segment (docs/log-format.md, "Record").

use willet_engine::records::{PartitionId, RecordKind};

use super::bytes::Fields;

/// Bytes before the payload.
pub(super) const HEAD_BYTES: usize = 44;
/// The first record of its append.
pub(super) const FIRST: u8 = 1;
/// The last record of its append.
pub(super) const LAST: u8 = 2;
/// Kind of a catalogue entry, which no reader sees.
const CATALOGUE_KIND: u8 = 240;
/// Where the bytes that the two check bytes cover begin and end.
const CHECKED: std::ops::Range<usize> = 4..42;

/// What a record is for, the log's own entries included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Record(RecordKind),
    Catalogue,
}

impl Kind {
    fn number(self) -> u8 {
        match self {
            Self::Record(kind) => kind as u8,
            Self::Catalogue => CATALOGUE_KIND,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        match number {
            CATALOGUE_KIND => Some(Self::Catalogue),
            _ => RecordKind::from_u8(number).map(Self::Record),
        }
    }
}

/// The fields before the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) payload_bytes: u32,
    pub(super) sequence: u64,
    pub(super) offset: u64,
    pub(super) arrived: i64,
    pub(super) partition: PartitionId,
    pub(super) commit: u32,
    pub(super) kind: Kind,
    pub(super) flags: u8,
}

impl Head {
    /// Bytes of the whole record.
    pub(super) fn bytes(&self) -> u64 {
        HEAD_BYTES as u64 + u64::from(self.payload_bytes)
    }
}

/// Start value of the checksums of a segment: what lies elsewhere, or imitates a record, does not verify.
pub(super) fn salt(folder_id: u64, segment: u64) -> u32 {
    crc32c::crc32c_append(
        crc32c::crc32c(&folder_id.to_le_bytes()),
        &segment.to_le_bytes(),
    )
}

/// Appends a record to `out`.
pub(super) fn encode(head: &Head, payload: &[u8], salt: u32, out: &mut Vec<u8>) {
    debug_assert_eq!(head.payload_bytes as usize, payload.len());
    let mut bytes = [0; HEAD_BYTES];
    bytes[4..8].copy_from_slice(&head.payload_bytes.to_le_bytes());
    bytes[8..16].copy_from_slice(&head.sequence.to_le_bytes());
    bytes[16..24].copy_from_slice(&head.offset.to_le_bytes());
    bytes[24..32].copy_from_slice(&head.arrived.to_le_bytes());
    bytes[32..36].copy_from_slice(&head.partition.0.to_le_bytes());
    bytes[36..40].copy_from_slice(&head.commit.to_le_bytes());
    bytes[40] = head.kind.number();
    bytes[41] = head.flags;
    let sum = crc32c::crc32c_append(salt, &bytes[CHECKED]);
    bytes[CHECKED.end..].copy_from_slice(&(sum as u16).to_le_bytes());
    let sum = crc32c::crc32c_append(sum, &bytes[CHECKED.end..]);
    let sum = crc32c::crc32c_append(sum, payload);
    bytes[..4].copy_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(&bytes);
    out.extend_from_slice(payload);
}

/// The head, if the check bytes hold; the payload is still to be verified.
pub(super) fn decode_head(bytes: &[u8], salt: u32) -> Option<Head> {
    let mut fields = Fields(bytes.get(4..HEAD_BYTES)?);
    let head = Head {
        payload_bytes: fields.u32()?,
        sequence: fields.u64()?,
        offset: fields.u64()?,
        arrived: fields.i64()?,
        partition: PartitionId(fields.u32()?),
        commit: fields.u32()?,
        kind: Kind::from_number(fields.u8()?)?,
        flags: fields.u8().filter(|flags| *flags <= FIRST | LAST)?,
    };
    let sum = crc32c::crc32c_append(salt, bytes.get(CHECKED)?);
    (fields.u16()? == sum as u16).then_some(head)
}

/// Whether the checksum of a whole record holds.
pub(super) fn verifies(record: &[u8], salt: u32) -> bool {
    record.split_first_chunk().is_some_and(|(sum, covered)| {
        crc32c::crc32c_append(salt, covered) == u32::from_le_bytes(*sum)
    })
}
