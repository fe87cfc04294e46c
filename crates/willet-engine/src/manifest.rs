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

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let content = ManifestV1 {
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
        let manifest: ManifestV1 = envelope::open(MAGIC, VERSION, bytes)?;
        Ok(Self {
            sequence: manifest.sequence,
            low_water: manifest.low_water,
            upto: manifest.upto,
            shard: manifest.shard,
            chunks: manifest.chunks,
        })
    }
}
