//! The manifest of a checkpoint. The layout is `docs/state-format.md`.

use serde::{Deserialize, Serialize};

use crate::chunk::ChunkId;
use crate::event::Timestamp;

/// What a checkpoint consists of: what the shard knew where replay must begin, and the chunks with the series.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Rises with each checkpoint; the highest that is whole counts.
    pub sequence: u64,
    /// Replay begins with the record at this offset.
    pub low_water: u64,
    /// No saved series has learned a record at or behind this offset.
    pub upto: u64,
    pub(crate) shard: ShardState,
    /// Chunks in rising order; of two states of a key the one in the later chunk counts.
    pub chunks: Vec<ChunkUse>,
}

/// What a shard knows beyond its keys, as it stood at low water.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShardState {
    /// The stream's configuration, as JSON.
    pub(crate) config: String,
    pub(crate) model_version: u32,
    pub(crate) tick: Option<Timestamp>,
    pub(crate) duplicates: Vec<(u64, u64)>,
    pub(crate) poisoned: Vec<u64>,
    pub(crate) next_chunk: u64,
}

/// A chunk of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkUse {
    /// The chunk.
    pub id: ChunkId,
    /// Bytes of the whole chunk.
    pub bytes: u64,
}

/// What is wrong with bytes that should be a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not long enough or not beginning as a manifest does.
    #[error("it is not a manifest, or it is cut")]
    NotAManifest,
    /// Written by a newer Willet.
    #[error("it has format version {0}, this build reads version {VERSION} (use a newer willet)")]
    Version(u16),
    /// The checksum does not match.
    #[error("its checksum does not match: the bytes are damaged")]
    Checksum,
    /// The checksum matches and the content still does not hold.
    #[error("its content cannot be read: {0}")]
    Content(String),
}

const MAGIC: [u8; 4] = *b"WLTM";
const VERSION: u16 = 1;

/// Version 1 as it is written; frozen.
#[derive(Serialize, Deserialize)]
struct ManifestV1 {
    sequence: u64,
    low_water: u64,
    upto: u64,
    shard: ShardState,
    chunks: Vec<ChunkUse>,
}

impl Manifest {
    /// Name of its object.
    pub fn object_name(partition: &str, sequence: u64) -> String {
        format!("{partition}/manifest-{sequence:020}")
    }

    /// magic, version, two bytes of zero, checksum of what follows, content
    pub fn encode(&self) -> Vec<u8> {
        let content = ManifestV1 {
            sequence: self.sequence,
            low_water: self.low_water,
            upto: self.upto,
            shard: self.shard.clone(),
            chunks: self.chunks.clone(),
        };
        let content =
            postcard::to_allocvec(&content).expect("plain data always serialises into memory");
        let mut bytes = Vec::with_capacity(content.len() + 12);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&crc32c::crc32c(&content).to_le_bytes());
        bytes.extend_from_slice(&content);
        bytes
    }

    /// Reads a manifest back, checked.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        let (head, content) = bytes
            .split_first_chunk::<12>()
            .ok_or(ManifestError::NotAManifest)?;
        if head[..4] != MAGIC {
            return Err(ManifestError::NotAManifest);
        }
        let version = u16::from_le_bytes([head[4], head[5]]);
        if version != VERSION {
            return Err(ManifestError::Version(version));
        }
        if u32::from_le_bytes([head[8], head[9], head[10], head[11]]) != crc32c::crc32c(content)
            || head[6..8] != [0, 0]
        {
            return Err(ManifestError::Checksum);
        }
        let manifest: ManifestV1 = postcard::from_bytes(content)
            .map_err(|error| ManifestError::Content(error.to_string()))?;
        Ok(Self {
            sequence: manifest.sequence,
            low_water: manifest.low_water,
            upto: manifest.upto,
            shard: manifest.shard,
            chunks: manifest.chunks,
        })
    }
}
