//! The manifest of a checkpoint. The layout is `docs/state-format.md`.

use serde::{Deserialize, Serialize};

use crate::chunk::ChunkId;
use crate::envelope::{self, EnvelopeError};
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
    /// Former configurations that still answer while series warm up, with their model versions.
    pub(crate) former: Vec<(u32, String)>,
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

const MAGIC: [u8; 4] = *b"WLTM";
const VERSION: u16 = 2;

/// Version 2 as it is written; frozen.
#[derive(Serialize, Deserialize)]
struct ManifestV2 {
    sequence: u64,
    low_water: u64,
    upto: u64,
    shard: ShardState,
    chunks: Vec<ChunkUse>,
}

/// Version 1; frozen.
#[derive(Deserialize)]
struct ManifestV1 {
    sequence: u64,
    low_water: u64,
    upto: u64,
    shard: ShardStateV1,
    chunks: Vec<ChunkUse>,
}

#[derive(Deserialize)]
struct ShardStateV1 {
    config: String,
    model_version: u32,
    tick: Option<Timestamp>,
    duplicates: Vec<(u64, u64)>,
    poisoned: Vec<u64>,
    next_chunk: u64,
}

impl From<ManifestV1> for ManifestV2 {
    fn from(old: ManifestV1) -> Self {
        Self {
            sequence: old.sequence,
            low_water: old.low_water,
            upto: old.upto,
            shard: ShardState {
                config: old.shard.config,
                model_version: old.shard.model_version,
                former: Vec::new(),
                tick: old.shard.tick,
                duplicates: old.shard.duplicates,
                poisoned: old.shard.poisoned,
                next_chunk: old.shard.next_chunk,
            },
            chunks: old.chunks,
        }
    }
}

impl Manifest {
    /// Name of its object.
    pub fn object_name(partition: &str, sequence: u64) -> String {
        format!("{partition}/manifest-{sequence:020}")
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let content = ManifestV2 {
            sequence: self.sequence,
            low_water: self.low_water,
            upto: self.upto,
            shard: self.shard.clone(),
            chunks: self.chunks.clone(),
        };
        envelope::seal(MAGIC, VERSION, &content)
    }

    /// Reads a manifest back, checked.
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let manifest = match envelope::version(bytes) {
            Some(1) => envelope::open::<ManifestV1>(MAGIC, 1, bytes)?.into(),
            _ => envelope::open::<ManifestV2>(MAGIC, VERSION, bytes)?,
        };
        Ok(Self {
            sequence: manifest.sequence,
            low_water: manifest.low_water,
            upto: manifest.upto,
            shard: manifest.shard,
            chunks: manifest.chunks,
        })
    }
}
