//! Checkpoints without stopping the shard: changed series are cut a slice at a time between batches.
//!
//! A checkpoint begins by noting what the shard knows beyond its keys; that place is low water. Then every series that
//! has changed since it was last cut is cut once more, each at whatever it has learned by then: a series carries its own
//! position, so the slices need not agree. When all chunks are on disk the manifest makes them the new truth.

use std::collections::BTreeMap;

use crate::chunk::{ChunkBuilder, ChunkId, ChunkRef};
use crate::lane::Cut;
use crate::manifest::{ChunkUse, Manifest, ShardState};
use crate::shard::{Missing, Shard};

/// Saved series on their way to disk. It may be written once every durable output has passed `upto`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its number.
    pub id: ChunkId,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Offset behind the last record that any of its series has learned.
    pub upto: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    sequence: u64,
    next_chunk: u64,
    /// Chunks on disk that hold the state of some key, or did when the last manifest was written.
    chunks: BTreeMap<ChunkId, Usage>,
    /// Cut and not yet said to be on disk.
    in_flight: BTreeMap<ChunkId, InFlight>,
    running: Option<Running>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    bytes: u64,
    live: u64,
    /// Offset behind the last record learned in it.
    upto: u64,
}

#[derive(Debug)]
struct InFlight {
    bytes: u64,
    upto: u64,
    cuts: Vec<(usize, Cut, ChunkRef)>,
}

#[derive(Debug)]
struct Running {
    low_water: u64,
    state: ShardState,
    /// Slots still to be cut, for each lane.
    pending: Vec<Vec<u32>>,
}

/// A chunk of which less than this share is in use is emptied into new ones.
const SPARSE: f64 = 0.5;
/// Fewer bytes than this on disk are not worth tidying.
const TIDY_FROM: u64 = 8 << 20;

impl Checkpoints {
    pub(crate) fn restore(manifest: &Manifest) -> Self {
        let usage = |chunk: &ChunkUse| {
            (
                chunk.id,
                Usage {
                    bytes: chunk.bytes,
                    live: 0,
                    upto: manifest.upto,
                },
            )
        };
        Self {
            sequence: manifest.sequence,
            next_chunk: manifest.shard.next_chunk,
            chunks: manifest.chunks.iter().map(usage).collect(),
            in_flight: BTreeMap::new(),
            running: None,
        }
    }

    /// Whether no state is on disk.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// A key's state moved from one place to another.
    pub(crate) fn moved(&mut self, former: Option<ChunkRef>, at: ChunkRef) {
        if let Some(usage) =
            former.and_then(|former| Some((former, self.chunks.get_mut(&former.chunk)?)))
        {
            usage.1.live = usage.1.live.saturating_sub(u64::from(usage.0.len));
        }
        self.chunks.entry(at.chunk).or_default().live += u64::from(at.len);
    }

    fn sparse(&self) -> Vec<ChunkId> {
        let (bytes, live) = self
            .chunks
            .values()
            .fold((0, 0), |(b, l), usage| (b + usage.bytes, l + usage.live));
        if bytes < TIDY_FROM || (live as f64) > SPARSE * bytes as f64 {
            return Vec::new();
        }
        let sparse = self
            .chunks
            .iter()
            .filter(|(_, usage)| (usage.live as f64) < SPARSE * usage.bytes as f64);
        sparse.map(|(id, _)| *id).collect()
    }
}

impl Shard {
    /// Up to `limit` cold keys in chunks that are mostly out of use; loaded before a checkpoint begins, they are cut anew.
    pub fn sparse_cold(&self, limit: usize) -> Vec<Missing<'_>> {
        let sparse = self.checkpoints.sparse();
        if sparse.is_empty() {
            return Vec::new();
        }
        let cold = self
            .lanes
            .iter()
            .flat_map(|lane| lane.cold_in(&sparse, limit));
        cold.take(limit)
            .map(|(key, at)| Missing { key, at })
            .collect()
    }

    /// Begins a checkpoint; one that is running is given up (what it has cut stays of use).
    pub fn begin_checkpoint(&mut self) {
        let sparse = self.checkpoints.sparse();
        let mut pending = self.checkpoints.running.take().map_or_else(
            || vec![Vec::new(); self.lanes.len()],
            |running| running.pending,
        );
        for (lane, pending) in self.lanes.iter_mut().zip(&mut pending) {
            if !sparse.is_empty() {
                lane.touch_in(&sparse);
            }
            // A million slots change hands, not places.
            let mut changed = lane.take_changed();
            changed.append(pending);
            *pending = changed;
        }
        let state = self.state(self.checkpoints.next_chunk);
        self.checkpoints.running = Some(Running {
            low_water: self.next_offset(),
            state,
            pending,
        });
    }

    /// Whether a checkpoint is running.
    pub fn is_checkpointing(&self) -> bool {
        self.checkpoints.running.is_some()
    }

    /// Whether anything was learned since the last checkpoint began.
    pub fn has_changed(&self) -> bool {
        self.lanes.iter().any(crate::lane::Lane::has_changed)
    }

    /// Cuts the next slice of a running checkpoint, about `max_bytes`; `None` when all is cut.
    pub fn cut(&mut self, max_bytes: usize) -> Option<Chunk> {
        let mut running = self.checkpoints.running.take()?;
        let chunk = self.cut_slots(&mut running.pending, max_bytes);
        self.checkpoints.running = Some(running);
        chunk
    }

    /// Makes room for about `goal` bytes: unchanged series that did not speak lately leave memory at once, changed ones are
    /// cut, and leave when their chunk is durable and this is called again.
    pub fn evict(&mut self, goal: usize, max_bytes: usize) -> Option<Chunk> {
        let goal = goal.div_ceil(self.lanes.len());
        let mut pending: Vec<Vec<u32>> =
            self.lanes.iter_mut().map(|lane| lane.evict(goal)).collect();
        // What does not fit into the chunk is still listed as changed and will be found again.
        self.cut_slots(&mut pending, max_bytes)
    }

    fn cut_slots(&mut self, pending: &mut [Vec<u32>], max_bytes: usize) -> Option<Chunk> {
        let mut builder = ChunkBuilder::new(ChunkId(self.checkpoints.next_chunk));
        let mut cuts = Vec::new();
        for (index, (lane, pending)) in self.lanes.iter_mut().zip(pending).enumerate() {
            while builder.len() < max_bytes {
                let Some(slot) = pending.pop() else {
                    break;
                };
                if let Some((key, state, cut)) = lane.cut(slot) {
                    let at = builder.push(key, cut.learned_upto, &state);
                    cuts.push((index, cut, at));
                }
            }
        }
        if builder.is_empty() {
            return None;
        }
        let id = ChunkId(self.checkpoints.next_chunk);
        self.checkpoints.next_chunk += 1;
        let upto = builder.upto();
        let bytes = builder.finish();
        self.checkpoints.in_flight.insert(
            id,
            InFlight {
                bytes: bytes.len() as u64,
                upto,
                cuts,
            },
        );
        Some(Chunk { id, bytes, upto })
    }

    /// A chunk is on disk for certain.
    pub fn chunk_is_durable(&mut self, id: ChunkId) {
        let Some(written) = self.checkpoints.in_flight.remove(&id) else {
            return;
        };
        self.checkpoints.chunks.insert(
            id,
            Usage {
                bytes: written.bytes,
                live: 0,
                upto: written.upto,
            },
        );
        for (lane, cut, at) in written.cuts {
            let former = self.lanes[lane].cut_is_durable(cut, at);
            self.checkpoints.moved(former, at);
        }
    }

    /// A chunk could not be written: what it held counts as changed again, and a running checkpoint is given up.
    pub fn chunk_failed(&mut self, id: ChunkId) {
        let Some(lost) = self.checkpoints.in_flight.remove(&id) else {
            return;
        };
        for (lane, cut, _) in lost.cuts {
            self.lanes[lane].cut_failed(cut);
        }
        if let Some(running) = self.checkpoints.running.take() {
            for (lane, pending) in self.lanes.iter_mut().zip(running.pending) {
                for slot in pending {
                    lane.list_again(slot);
                }
            }
        }
    }

    /// The manifest of the running checkpoint, once all is cut and on disk. When it is written, chunks that it does not
    /// name are of no use any more.
    pub fn finish_checkpoint(&mut self) -> Option<Manifest> {
        let done = self.checkpoints.in_flight.is_empty()
            && self
                .checkpoints
                .running
                .as_ref()
                .is_some_and(|running| running.pending.iter().all(Vec::is_empty));
        if !done {
            return None;
        }
        let running = self.checkpoints.running.take()?;
        let checkpoints = &mut self.checkpoints;
        checkpoints.chunks.retain(|_, usage| usage.live > 0);
        checkpoints.sequence += 1;
        let state = ShardState {
            next_chunk: checkpoints.next_chunk,
            ..running.state
        };
        Some(Manifest {
            sequence: checkpoints.sequence,
            low_water: running.low_water,
            upto: checkpoints
                .chunks
                .values()
                .map(|usage| usage.upto)
                .max()
                .unwrap_or(0)
                .max(running.low_water),
            shard: state,
            chunks: checkpoints
                .chunks
                .iter()
                .map(|(id, usage)| ChunkUse {
                    id: *id,
                    bytes: usage.bytes,
                })
                .collect(),
        })
    }
}
