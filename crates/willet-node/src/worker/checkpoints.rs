//! Which checkpoint of the store counts, and what of it is whole.

use willet_engine::chunk::{ChunkError, ChunkId, ChunkIndex};
use willet_engine::manifest::Manifest;
use willet_engine::ports::{ObjectError, Objects};
use willet_engine::recovery::LogExtent;
use willet_engine::shard::Shard;

use super::{Trouble, WorkerError, WorkerOptions};

/// What a checkpoint needs.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) chunks: Vec<ChunkId>,
    /// The log from here on.
    pub(super) low_water: u64,
}

impl Kept {
    pub(super) fn of(manifest: &Manifest) -> Self {
        Self {
            chunks: manifest.chunks.iter().map(|chunk| chunk.id).collect(),
            low_water: manifest.low_water,
        }
    }
}

pub(super) type Found = (Option<(Manifest, Shard)>, [Kept; 2]);

/// The newest checkpoint that is whole, and the chunks of the two newest. Where none is whole and the log cannot stand in,
/// the newest that can be read, without its damaged chunks.
pub(super) fn find_checkpoint(
    objects: &dyn Objects,
    prefix: &str,
    options: &WorkerOptions,
    log: LogExtent,
    troubles: &mut Vec<Trouble>,
) -> Result<Found, WorkerError> {
    let mut partial: Option<(Manifest, Shard, Vec<Trouble>)> = None;
    let mut kept = Vec::new();
    let mut whole = None;
    for name in objects
        .list(&format!("{prefix}/manifest-"))?
        .into_iter()
        .rev()
    {
        let read = Manifest::decode(&objects.get(&name)?)
            .map_err(|error| error.to_string())
            .and_then(|manifest| {
                let shard = Shard::restore(&manifest, options.lanes, options.hash_seed)
                    .map_err(|error| error.to_string())?;
                Ok((manifest, shard))
            });
        let (manifest, mut shard) = match read {
            Ok(read) => read,
            Err(reason) => {
                troubles.push(Trouble::Manifest { name, reason });
                continue;
            }
        };
        kept.push(Kept::of(&manifest));
        if whole.is_some() {
            break;
        }
        let mut damaged = Vec::new();
        for chunk in &manifest.chunks {
            let name = chunk.id.object_name(prefix);
            match read_index(objects, &name, chunk.id, chunk.bytes) {
                Ok(index) => shard.know(&index),
                Err(IndexError::Damaged(source)) => damaged.push(Trouble::Chunk { name, source }),
                Err(IndexError::Objects(error)) => return Err(error.into()),
            }
        }
        if damaged.is_empty() {
            whole = Some((manifest, shard));
            continue;
        }
        let reason = damaged
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ");
        troubles.push(Trouble::Manifest { name, reason });
        if partial.is_none() {
            partial = Some((manifest, shard, damaged));
        }
    }
    let mut kept = kept.into_iter();
    let kept = [
        kept.next().unwrap_or_default(),
        kept.next().unwrap_or_default(),
    ];
    if whole.is_none()
        && log.first > 0
        && let Some((manifest, shard, damaged)) = partial
    {
        troubles.extend(damaged);
        whole = Some((manifest, shard));
    }
    Ok((whole, kept))
}

enum IndexError {
    Damaged(ChunkError),
    Objects(ObjectError),
}

fn read_index(
    objects: &dyn Objects,
    name: &str,
    id: ChunkId,
    bytes: u64,
) -> Result<ChunkIndex, IndexError> {
    let get = |range| match objects.get_range(name, range) {
        Ok(bytes) => Ok(bytes),
        Err(error) if is_missing(&error) => Err(IndexError::Damaged(ChunkError::NotAChunk)),
        Err(error) => Err(IndexError::Objects(error)),
    };
    let foot = get(bytes.saturating_sub(ChunkIndex::FOOT)..bytes)?;
    let range = ChunkIndex::locate(bytes, &foot).map_err(IndexError::Damaged)?;
    ChunkIndex::read(id, get(range)?, &foot).map_err(IndexError::Damaged)
}

/// Whether the object, or the part asked for, is not there.
pub(crate) fn is_missing(error: &ObjectError) -> bool {
    matches!(
        error,
        ObjectError::NotFound { .. } | ObjectError::Range { .. }
    )
}
