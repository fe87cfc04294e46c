//! Chunks: immutable files of saved series, and their index. The layout is `docs/state-format.md`.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Number of a chunk; rises, never used twice in one folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChunkId(pub u64);

impl ChunkId {
    /// Name of its object.
    pub fn object_name(self, partition: &str) -> String {
        format!("{partition}/chunk-{:020}", self.0)
    }
}

/// Where a saved series lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkRef {
    /// The chunk.
    pub chunk: ChunkId,
    /// First byte of the entry.
    pub start: u32,
    /// Bytes of the entry.
    pub len: u32,
    /// Offset behind the last record that the state has learned.
    pub learned_upto: u64,
}

impl ChunkRef {
    /// Bytes of the entry in its chunk.
    pub fn range(&self) -> Range<u64> {
        u64::from(self.start)..u64::from(self.start) + u64::from(self.len)
    }
}

/// What is wrong with bytes that should be a chunk, its index or an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// Not long enough or not beginning as a chunk does.
    #[error("it is not a chunk, or it is cut")]
    NotAChunk,
    /// Written by a newer Willet.
    #[error("it has format version {0}, this build reads version {VERSION} (use a newer willet)")]
    Version(u16),
    /// The checksum does not match.
    #[error("its checksum does not match: the bytes are damaged")]
    Checksum,
}

const MAGIC: [u8; 4] = *b"WLTC";
const VERSION: u16 = 1;
/// magic, version, two bytes of zero, id
const HEAD: usize = 16;
/// index length, index checksum, magic
const FOOT: usize = 4 + 4 + 4;

/// A chunk in the making.
#[derive(Debug)]
pub(crate) struct ChunkBuilder {
    id: ChunkId,
    bytes: Vec<u8>,
    index: Vec<u8>,
    upto: u64,
}

impl ChunkBuilder {
    pub(crate) fn new(id: ChunkId) -> Self {
        let mut bytes = Vec::with_capacity(1 << 16);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&id.0.to_le_bytes());
        Self {
            id,
            bytes,
            index: Vec::new(),
            upto: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() + self.index.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Adds a saved state.
    pub(crate) fn push(&mut self, key: &str, learned_upto: u64, state: &[u8]) -> ChunkRef {
        let start = self.bytes.len();
        let checksum = crc32c::crc32c_append(crc32c::crc32c(key.as_bytes()), state);
        self.bytes.extend_from_slice(&checksum.to_le_bytes());
        self.bytes.extend_from_slice(state);
        let at = ChunkRef {
            chunk: self.id,
            start: start as u32,
            len: (self.bytes.len() - start) as u32,
            learned_upto,
        };
        self.index.extend_from_slice(&at.start.to_le_bytes());
        self.index.extend_from_slice(&at.len.to_le_bytes());
        self.index.extend_from_slice(&learned_upto.to_le_bytes());
        self.index
            .extend_from_slice(&(key.len() as u16).to_le_bytes());
        self.index.extend_from_slice(key.as_bytes());
        self.upto = self.upto.max(learned_upto);
        at
    }

    /// Offset behind the last record that any entry has learned.
    pub(crate) fn upto(&self) -> u64 {
        self.upto
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(&self.index);
        self.bytes
            .extend_from_slice(&(self.index.len() as u32).to_le_bytes());
        self.bytes
            .extend_from_slice(&index_checksum(self.id, &self.index).to_le_bytes());
        self.bytes.extend_from_slice(&MAGIC);
        self.bytes
    }
}

/// The head and the index are under one checksum, so that a chunk cannot be taken for another.
fn index_checksum(id: ChunkId, index: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&id.0.to_le_bytes()), index)
}

/// The state in an entry's bytes, checked.
pub fn entry_state<'a>(key: &str, entry: &'a [u8]) -> Result<&'a [u8], ChunkError> {
    let (checksum, state) = entry
        .split_first_chunk::<4>()
        .ok_or(ChunkError::NotAChunk)?;
    let found = crc32c::crc32c_append(crc32c::crc32c(key.as_bytes()), state);
    if u32::from_le_bytes(*checksum) == found {
        Ok(state)
    } else {
        Err(ChunkError::Checksum)
    }
}

/// The index of a chunk: its keys and where their states lie.
#[derive(Debug)]
pub struct ChunkIndex {
    id: ChunkId,
    bytes: Vec<u8>,
}

impl ChunkIndex {
    /// Bytes at the end of a chunk that say where its index lies.
    pub const FOOT: u64 = FOOT as u64;

    /// Where the index lies in a chunk of `len` bytes that ends in `foot`.
    pub fn locate(len: u64, foot: &[u8]) -> Result<Range<u64>, ChunkError> {
        let foot: &[u8; FOOT] = foot.try_into().map_err(|_| ChunkError::NotAChunk)?;
        let index_len = u64::from(u32::from_le_bytes([foot[0], foot[1], foot[2], foot[3]]));
        if foot[8..] != MAGIC || index_len + (HEAD + FOOT) as u64 > len {
            return Err(ChunkError::NotAChunk);
        }
        let end = len - FOOT as u64;
        Ok(end - index_len..end)
    }

    /// Checks an index.
    pub fn read(id: ChunkId, bytes: Vec<u8>, foot: &[u8]) -> Result<Self, ChunkError> {
        let foot: &[u8; FOOT] = foot.try_into().map_err(|_| ChunkError::NotAChunk)?;
        if u32::from_le_bytes([foot[4], foot[5], foot[6], foot[7]]) != index_checksum(id, &bytes) {
            return Err(ChunkError::Checksum);
        }
        Ok(Self { id, bytes })
    }

    /// The index of a whole chunk in memory.
    pub fn of(id: ChunkId, chunk: &[u8]) -> Result<Self, ChunkError> {
        let (magic, rest) = chunk
            .split_first_chunk::<4>()
            .ok_or(ChunkError::NotAChunk)?;
        let version = rest.first_chunk::<2>().ok_or(ChunkError::NotAChunk)?;
        if *magic != MAGIC {
            return Err(ChunkError::NotAChunk);
        }
        if u16::from_le_bytes(*version) != VERSION {
            return Err(ChunkError::Version(u16::from_le_bytes(*version)));
        }
        let foot = chunk.last_chunk::<FOOT>().ok_or(ChunkError::NotAChunk)?;
        let range = Self::locate(chunk.len() as u64, foot)?;
        Self::read(
            id,
            chunk[range.start as usize..range.end as usize].to_vec(),
            foot,
        )
    }

    /// Keys with the places of their states.
    pub fn iter(&self) -> impl Iterator<Item = (&str, ChunkRef)> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || {
            let (head, tail) = rest.split_first_chunk::<18>()?;
            let u32_at = |at: usize| {
                u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
            };
            let learned_upto = u64::from(u32_at(8)) | u64::from(u32_at(12)) << 32;
            let key_len = usize::from(u16::from_le_bytes([head[16], head[17]]));
            let key = std::str::from_utf8(tail.get(..key_len)?).ok()?;
            rest = &tail[key_len..];
            Some((
                key,
                ChunkRef {
                    chunk: self.id,
                    start: u32_at(0),
                    len: u32_at(4),
                    learned_upto,
                },
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk() -> (Vec<u8>, Vec<ChunkRef>) {
        let mut builder = ChunkBuilder::new(ChunkId(7));
        let refs = vec![
            builder.push("pump-7", 10, b"state of pump"),
            builder.push("", 12, b""),
            builder.push("é", 11, &[0; 300]),
        ];
        assert_eq!(builder.upto(), 12);
        (builder.finish(), refs)
    }

    #[test]
    fn entries_are_found_by_the_index_and_checked() {
        let (bytes, refs) = chunk();
        let index = ChunkIndex::of(ChunkId(7), &bytes).expect("sound");
        let found: Vec<(String, ChunkRef)> =
            index.iter().map(|(key, at)| (key.to_owned(), at)).collect();
        assert_eq!(
            found,
            [
                ("pump-7".to_owned(), refs[0]),
                (String::new(), refs[1]),
                ("é".to_owned(), refs[2])
            ]
        );
        let entry = |at: &ChunkRef| &bytes[at.range().start as usize..at.range().end as usize];
        assert_eq!(
            entry_state("pump-7", entry(&refs[0])),
            Ok(&b"state of pump"[..])
        );
        assert_eq!(
            entry_state("pump-8", entry(&refs[0])),
            Err(ChunkError::Checksum)
        );
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let (bytes, refs) = chunk();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let index = ChunkIndex::of(ChunkId(7), &damaged);
            let in_head = bit / 8 >= 6 && bit / 8 < HEAD;
            let Ok(index) = index else { continue };
            let whole = index.iter().count() == 3
                && index.iter().zip(&refs).all(|((key, at), expected)| {
                    at == *expected
                        && entry_state(
                            key,
                            &damaged[at.range().start as usize..at.range().end as usize],
                        )
                        .is_ok()
                });
            // The id in the head is a comment for people: the object's name says it, and the index is bound to it.
            assert!(!whole || in_head, "bit {bit}");
        }
        assert!(
            ChunkIndex::of(ChunkId(8), &bytes).is_err(),
            "a chunk under another's name"
        );
        for len in 0..bytes.len() {
            assert!(
                ChunkIndex::of(ChunkId(7), &bytes[..len]).is_err(),
                "cut to {len}"
            );
        }
    }
}
