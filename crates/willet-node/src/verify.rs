//! Checks every byte of the checkpoint store.

use willet_engine::chunk::{ChunkError, ChunkId, ChunkIndex, entry_state};
use willet_engine::manifest::Manifest;
use willet_engine::ports::{ObjectError, Objects};

/// What a checkpoint store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckpointReport {
    /// Manifests.
    pub manifests: usize,
    /// Chunks.
    pub chunks: usize,
    /// Saved series in all chunks.
    pub entries: usize,
    /// What is wrong, a sentence each.
    pub damage: Vec<String>,
}

/// Reads all manifests and chunks and checks them.
pub fn verify_checkpoints(objects: &dyn Objects) -> Result<CheckpointReport, ObjectError> {
    let mut report = CheckpointReport::default();
    let names = objects.list("")?;
    for name in &names {
        let Some((partition, object)) = name.rsplit_once('/') else {
            continue;
        };
        if object.starts_with("manifest-") {
            report.manifests += 1;
            match Manifest::decode(&objects.get(name)?) {
                Err(error) => report.damage.push(format!("{name}: {error}")),
                Ok(manifest) => {
                    for chunk in &manifest.chunks {
                        let chunk = chunk.id.object_name(partition);
                        if !names.contains(&chunk) {
                            report
                                .damage
                                .push(format!("{name}: it names {chunk}, which is not there"));
                        }
                    }
                }
            }
        } else if let Some(id) = object.strip_prefix("chunk-") {
            report.chunks += 1;
            let bytes = objects.get(name)?;
            match id
                .parse()
                .map_err(|_| ChunkError::NotAChunk)
                .and_then(|id| ChunkIndex::of(ChunkId(id), &bytes))
            {
                Err(error) => report.damage.push(format!("{name}: {error}")),
                Ok(index) => {
                    for (key, at) in index.iter() {
                        report.entries += 1;
                        let range = at.range();
                        let entry = bytes
                            .get(range.start as usize..range.end as usize)
                            .unwrap_or_default();
                        if let Err(error) = entry_state(key, entry) {
                            report
                                .damage
                                .push(format!("{name}: state of key `{key}`: {error}"));
                        }
                    }
                }
            }
        }
    }
    Ok(report)
}
