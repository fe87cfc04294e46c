//! The shard: the state machine that owns one partition. It is fed batches and journal entries and hands back verdicts,
//! chunks to write and keys to load; it does no I/O and knows no time but that of events.

use std::collections::BTreeSet;
use std::sync::Arc;

use willet_core::rows::Expected;

use crate::checkpoint::Checkpoints;
use crate::chunk::{ChunkIndex, ChunkRef};
use crate::config::{Plan, PlanError, StreamConfig};
use crate::duplicates::Duplicates;
use crate::event::{EventBatch, Timestamp, key_hash};
use crate::journal::Entry;
use crate::lane::Lane;
use crate::manifest::{Manifest, ShardState};
use crate::series::Cause;
pub use crate::series::{Description, Reason, Retrain, RetrainState};
use crate::verdict::{Closed, ClosedRow, Detail, Found, Outcome, Verdict, Verdicts};

/// The state machine of one partition.
#[derive(Debug)]
pub struct Shard {
    hash_seed: u64,
    pub(crate) lanes: Vec<Lane>,
    plan: Arc<Plan>,
    tick: Option<Timestamp>,
    duplicates: Duplicates,
    poisoned: BTreeSet<u64>,
    /// What the tick that is being taken closed so far.
    ticked: Vec<ClosedRow>,
    /// Offset behind the last record taken.
    next_offset: u64,
    pub(crate) checkpoints: Checkpoints,
}

/// A key whose state must be loaded before the batch can be taken.
#[derive(Clone, Copy, Debug)]
pub struct Missing<'a> {
    /// The key.
    pub key: &'a str,
    /// Where its state lies.
    pub at: ChunkRef,
}

/// How much a shard holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Keys known.
    pub keys: usize,
    /// Bytes of the series in memory.
    pub resident_bytes: usize,
    /// Bytes of the tables.
    pub index_bytes: usize,
}

/// One lane's part of a batch, to be run on any thread.
#[derive(Debug)]
pub struct LaneTask<'a> {
    lane: &'a mut Lane,
    plan: &'a Plan,
    tick: Option<Timestamp>,
    batch: &'a EventBatch,
    events: Vec<u32>,
    rows: Vec<Verdict>,
    found: Found,
}

impl LaneTask<'_> {
    /// Does the work.
    pub fn run(&mut self) {
        self.rows.reserve(self.events.len());
        for event in &self.events {
            self.rows.push(self.lane.take(
                self.plan,
                self.tick,
                self.batch,
                *event as usize,
                &mut self.found,
            ));
        }
    }
}

impl Shard {
    /// A shard that has seen nothing. `lanes` and `hash_seed` change nothing about its verdicts.
    pub fn new(plan: Plan, lanes: usize, hash_seed: u64) -> Self {
        Self {
            hash_seed,
            lanes: (0..lanes.max(1)).map(|_| Lane::new()).collect(),
            duplicates: Duplicates::new(plan.config().duplicate_window),
            plan: Arc::new(plan),
            tick: None,
            poisoned: BTreeSet::new(),
            ticked: Vec::new(),
            next_offset: 0,
            checkpoints: Checkpoints::default(),
        }
    }

    /// The shard of a checkpoint, before its chunks are [known](Shard::know); replay begins at the manifest's low water.
    pub fn restore(
        manifest: &Manifest,
        lanes: usize,
        hash_seed: u64,
    ) -> Result<Self, RestoreShardError> {
        let state = &manifest.shard;
        let config: StreamConfig = serde_json::from_str(&state.config)?;
        let former: Result<Vec<_>, serde_json::Error> = state
            .former
            .iter()
            .map(|(version, config)| Ok((*version, serde_json::from_str(config)?)))
            .collect();
        let plan = Plan::with_former(config, state.model_version, former?)?;
        let mut shard = Self::new(plan, lanes, hash_seed);
        shard.tick = state.tick;
        shard.duplicates = Duplicates::restore(
            shard.plan.config().duplicate_window,
            state.duplicates.clone(),
        );
        shard.poisoned = state.poisoned.iter().copied().collect();
        shard.next_offset = manifest.low_water;
        shard.checkpoints = Checkpoints::restore(manifest);
        Ok(shard)
    }

    /// Learns which keys a chunk holds. Chunks are told in rising order.
    pub fn know(&mut self, index: &ChunkIndex) {
        for (key, at) in index.iter() {
            let hash = key_hash(self.hash_seed, key);
            let lane = lane_of(hash, self.lanes.len());
            let former = self.lanes[lane].know(hash, key, at);
            self.checkpoints.moved(former, at);
        }
        if self.plan.gather().is_some() {
            self.lanes.iter_mut().for_each(Lane::forget_cold_deadlines);
        }
    }

    /// When a tick would close a window of some key, by the clock of arrivals; `None` while none would.
    pub fn next_deadline(&mut self) -> Option<Timestamp> {
        self.plan.gather()?;
        let deadlines = self.lanes.iter_mut().filter_map(Lane::next_deadline);
        deadlines.min().map(Timestamp)
    }

    /// Keys on disk that a tick at `at`, the record at `offset`, may reach: each must be [loaded](Shard::load) before.
    /// No more than `limit` of them at once.
    pub fn missing_at(&self, at: Timestamp, offset: u64, limit: usize) -> Vec<Missing<'_>> {
        let lanes = self.lanes.iter();
        let cold = lanes.flat_map(|lane| lane.cold_due(at.0, offset, limit));
        cold.take(limit)
            .map(|(key, at)| Missing { key, at })
            .collect()
    }

    /// The plan in force.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Offset behind the last record taken.
    pub fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// Seed that the hashes of keys are made with.
    pub fn hash_seed(&self) -> u64 {
        self.hash_seed
    }

    /// How much it holds.
    pub fn occupancy(&self) -> Occupancy {
        self.lanes
            .iter()
            .fold(Occupancy::default(), |sum, lane| Occupancy {
                keys: sum.keys + lane.len(),
                resident_bytes: sum.resident_bytes + lane.resident_bytes(),
                index_bytes: sum.index_bytes + lane.index_bytes(),
            })
    }

    /// Trainings begun since it was made, by [`Reason`]; those of a replay count too.
    pub fn retrains(&self) -> [u64; 4] {
        let lanes = self.lanes.iter().map(Lane::retrains);
        lanes.fold([0; 4], |mut sum, lane| {
            sum.iter_mut()
                .zip(lane)
                .for_each(|(sum, lane)| *sum += lane);
            sum
        })
    }

    /// Keys of the batch whose state is on disk only and is needed; each must be [loaded](Shard::load) before the batch is taken.
    pub fn missing<'a>(&self, batch: &'a EventBatch) -> Vec<Missing<'a>> {
        if self.checkpoints.is_empty() {
            return Vec::new();
        }
        let mut missing: Vec<Missing<'a>> = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for (event, row) in batch.rows().iter().enumerate() {
            let key = batch.key(event);
            let at = self.lanes[lane_of(row.key_hash, self.lanes.len())].cold(row.key_hash, key);
            // What the saved state has learned needs no state. It must not even be loaded then: in a replay the plan may
            // still be older than the model in it.
            if let Some(at) = at
                && at.learned_upto <= row.offset
                && seen.insert(key)
            {
                missing.push(Missing { key, at });
            }
        }
        missing
    }

    /// Takes a cold key's saved state (the bytes without their checksum; `None` where they are damaged) into memory.
    /// State that cannot be used is dropped and the reason returned: the key starts anew.
    pub fn load(&mut self, key: &str, state: Option<&[u8]>) -> Result<(), String> {
        let hash = key_hash(self.hash_seed, key);
        let lane = lane_of(hash, self.lanes.len());
        self.lanes[lane].load(&self.plan, hash, key, state)
    }

    /// Where the saved state of a key lies, if it must be [loaded](Shard::load) before the key can be described.
    pub fn missing_key<'a>(&self, key: &'a str) -> Option<Missing<'a>> {
        let hash = key_hash(self.hash_seed, key);
        let at = self.lanes[lane_of(hash, self.lanes.len())].cold(hash, key)?;
        Some(Missing { key, at })
    }

    /// What is known of a key; `None` for one that never spoke. A key that is [missing](Shard::missing_key) is not described.
    pub fn describe(&self, key: &str) -> Option<Description> {
        let hash = key_hash(self.hash_seed, key);
        let series = self.lanes[lane_of(hash, self.lanes.len())].series(hash, key)?;
        Some(series.describe(&self.plan))
    }

    /// What is taken for normal of each feature of a key now, with the names; `None` where nobody knows or the key is not in
    /// memory. `O(window)` for detectors that keep one.
    pub fn normal(&self, key_hash: u64, key: &str) -> Option<(Vec<Box<str>>, Vec<Expected>)> {
        self.lanes[lane_of(key_hash, self.lanes.len())]
            .series(key_hash, key)?
            .normal()
    }

    /// Answers as [`Shard::on_batch`] would, event by event, and learns and remembers nothing. Keys of the batch that are
    /// [missing](Shard::missing) count as unknown.
    pub fn peek(&self, batch: &EventBatch, out: &mut Verdicts) {
        out.clear();
        for (event, row) in batch.rows().iter().enumerate() {
            let lane = &self.lanes[lane_of(row.key_hash, self.lanes.len())];
            out.rows
                .push(lane.peek(&self.plan, self.tick, batch, event, &mut out.found));
        }
    }

    /// Takes a batch: one verdict for each event, in order. Its records end before `next_offset`.
    pub fn on_batch(&mut self, batch: &EventBatch, next_offset: u64, out: &mut Verdicts) {
        if self.lanes.len() > 1 {
            return self.on_batch_forked(batch, next_offset, out, |tasks| {
                tasks.iter_mut().for_each(LaneTask::run);
            });
        }
        out.clear();
        out.rows.reserve(batch.len());
        for event in batch.indices() {
            let verdict = match self.set_aside(batch, event) {
                Some(verdict) => verdict,
                None => self.lanes[0].take(&self.plan, self.tick, batch, event, &mut out.found),
            };
            out.rows.push(verdict);
        }
        out.closed = Closed::of(std::mem::take(&mut out.found.closed));
        self.advance(next_offset);
    }

    /// As [`Shard::on_batch`], the lanes' parts run by `fork` in any order and on any threads.
    pub fn on_batch_forked(
        &mut self,
        batch: &EventBatch,
        next_offset: u64,
        out: &mut Verdicts,
        fork: impl FnOnce(&mut [LaneTask<'_>]),
    ) {
        out.clear();
        let lanes = self.lanes.len();
        let mut events = vec![Vec::with_capacity(2 * batch.len() / lanes); lanes];
        for (event, row) in batch.rows().iter().enumerate() {
            match self.set_aside(batch, event) {
                Some(verdict) => out.rows.push(verdict),
                None => events[lane_of(row.key_hash, lanes)].push(event as u32),
            }
        }
        let plan = &*self.plan;
        let mut tasks: Vec<LaneTask<'_>> = self
            .lanes
            .iter_mut()
            .zip(events)
            .map(|(lane, events)| LaneTask {
                lane,
                plan,
                tick: self.tick,
                batch,
                events,
                rows: Vec::new(),
                found: Found::default(),
            })
            .collect();
        fork(&mut tasks);
        for mut task in tasks {
            let shift = out.found.details.len() as u32;
            out.found.details.append(&mut task.found.details);
            out.found.drifts.append(&mut task.found.drifts);
            out.found.closed.append(&mut task.found.closed);
            out.rows.extend(task.rows.into_iter().map(|mut verdict| {
                if let Outcome::Scored(scored) = &mut verdict.outcome {
                    scored.detail = scored.detail.map(|detail| detail + shift);
                }
                verdict
            }));
        }
        out.in_order(batch.len());
        let mut closed = std::mem::take(&mut out.found.closed);
        closed.sort_by_key(|closed| closed.cause);
        out.closed = Closed::of(closed);
        self.advance(next_offset);
    }

    /// What is decided about an event without its series: a poisoned record, a repeated id.
    fn set_aside(&mut self, batch: &EventBatch, event: usize) -> Option<Verdict> {
        let row = &batch.rows()[event];
        let outcome = if self.poisoned.contains(&row.offset) {
            Outcome::Poisoned
        } else if row
            .id_hash
            .is_some_and(|id| self.duplicates.is_duplicate(id, row.offset))
        {
            Outcome::Duplicate
        } else {
            return None;
        };
        let model_version = self.plan.model_version();
        Some(Verdict::of(event as u32, outcome, model_version))
    }

    /// Takes a journal entry at its place in the log; of a tick, `out` gets what it closed. Keys that are
    /// [missing](Shard::missing_at) for a tick do not notice it, nor does a key that an entry [needs](Entry::needs).
    pub fn on_journal(
        &mut self,
        offset: u64,
        entry: Entry,
        out: &mut Verdicts,
    ) -> Result<(), PlanError> {
        out.clear();
        self.advance(offset + 1);
        match entry {
            Entry::Configure { config } => {
                // The first record says what the stream began with, whatever the shard was made with: a replay that is
                // given a later configuration must count model versions as the first run did.
                let plan = if offset == 0 {
                    Plan::new(*config, self.plan.model_version())?
                } else {
                    self.plan.changed(*config)?
                };
                self.duplicates.resize(plan.config().duplicate_window);
                let begins = self.plan.gather().is_none() && plan.gather().is_some();
                self.plan = Arc::new(plan);
                if begins {
                    self.lanes.iter_mut().for_each(Lane::forget_cold_deadlines);
                }
            }
            Entry::Tick { at } => self.on_tick(offset, at, out),
            Entry::Reset { key: Some(key) } => {
                let hash = key_hash(self.hash_seed, &key);
                let lane = lane_of(hash, self.lanes.len());
                self.lanes[lane].reset(hash, &key, offset);
            }
            Entry::Reset { key: None } => self.plan = Arc::new((*self.plan).clone().reset()),
            Entry::Poison { offset } => {
                self.poisoned.insert(offset);
            }
            Entry::Label {
                key,
                offset: of,
                is_anomaly,
            } => {
                let hash = key_hash(self.hash_seed, &key);
                let lane = lane_of(hash, self.lanes.len());
                self.lanes[lane].label(&self.plan, hash, &key, offset, (of, is_anomaly));
            }
            Entry::Retrain { key } => {
                let hash = key_hash(self.hash_seed, &key);
                let lane = lane_of(hash, self.lanes.len());
                self.lanes[lane].retrain(&self.plan, hash, &key, offset);
            }
            Entry::BackToBefore { key } => {
                let hash = key_hash(self.hash_seed, &key);
                let lane = lane_of(hash, self.lanes.len());
                self.lanes[lane].go_back(&self.plan, hash, &key, offset);
            }
            Entry::Request { .. } => {}
        }
        Ok(())
    }

    fn on_tick(&mut self, offset: u64, at: Timestamp, out: &mut Verdicts) {
        self.tick_resident(offset, at);
        self.tick = self.tick.max(Some(at));
        // In an order that has nothing to do with lanes and memory.
        let mut closed = std::mem::take(&mut self.ticked);
        closed
            .sort_by(|a, b| (a.time, &a.key, a.window.part).cmp(&(b.time, &b.key, b.window.part)));
        out.closed = Closed::of(closed);
    }

    /// Lets time pass up to `at`, by the tick at `offset`, for keys in memory, ahead of the tick's place: for whoever cannot have all
    /// keys in memory that it will reach. What closes comes with the tick.
    pub fn tick_resident(&mut self, offset: u64, at: Timestamp) {
        if self.plan.gather().is_none() {
            return;
        }
        let cause = Cause {
            event: 0,
            offset,
            arrived: at.0,
            key_hash: 0,
        };
        let mut found = Found::default();
        for lane in &mut self.lanes {
            lane.tick(&self.plan, at, cause, &mut found);
        }
        self.ticked.append(&mut found.closed);
    }

    /// Marks a record as poison ahead of its place: whoever replays a log tells all of its poison marks first, for a mark
    /// stands behind the record that it speaks of.
    pub fn poison(&mut self, offset: u64) {
        self.poisoned.insert(offset);
    }

    /// Offsets marked as poison.
    pub fn poisoned(&self) -> Vec<u64> {
        self.poisoned.iter().copied().collect()
    }

    /// Says that records up to here were taken, whether or not there was an event among them.
    pub fn advance(&mut self, next_offset: u64) {
        self.next_offset = self.next_offset.max(next_offset);
    }

    /// Lets positions begin at 0 again and keeps what was learned: it came from records of another order, a history.
    pub fn renumber(&mut self) {
        self.next_offset = 0;
        self.duplicates = Duplicates::new(self.plan.config().duplicate_window);
        self.lanes.iter_mut().for_each(Lane::renumber);
    }

    pub(crate) fn state(&self, next_chunk: u64) -> ShardState {
        ShardState {
            config: saved(&self.plan),
            model_version: self.plan.model_version(),
            former: self
                .plan
                .former()
                .iter()
                .map(|plan| (plan.model_version(), saved(plan)))
                .collect(),
            tick: self.tick,
            duplicates: self.duplicates.save(),
            poisoned: self.poisoned.iter().copied().collect(),
            next_chunk,
        }
    }
}

fn saved(plan: &Plan) -> String {
    serde_json::to_string(plan.config()).expect("plain data always serialises into memory")
}

/// A manifest whose content this build cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreShardError {
    /// The configuration is not understood.
    #[error("the checkpoint's configuration is not understood: {0} (it may be of a newer willet)")]
    Json(#[from] serde_json::Error),
    /// The configuration is understood and not allowed.
    #[error("the checkpoint's configuration is refused: {0}")]
    Config(#[from] PlanError),
}

/// The lane of a key. The table inside a lane uses the low bits of the hash, so this uses the high ones.
fn lane_of(hash: u64, lanes: usize) -> usize {
    ((u128::from(hash) * lanes as u128) >> 64) as usize
}

impl Verdicts {
    /// Puts verdicts of several lanes into the order of their events, and the details with them.
    fn in_order(&mut self, events: usize) {
        debug_assert_eq!(self.rows.len(), events);
        // Each lane's are in order: a stable sort merges them.
        self.rows.sort_by_key(|verdict| verdict.event);
        self.found.drifts.sort_by_key(|drift| drift.event);
        let all = &mut self.found.details;
        let mut details: Vec<Option<Detail>> = all.drain(..).map(Some).collect();
        for verdict in &mut self.rows {
            if let Outcome::Scored(scored) = &mut verdict.outcome
                && let Some(detail) = scored
                    .detail
                    .and_then(|detail| details[detail as usize].take())
            {
                all.push(detail);
                scored.detail = Some(all.len() as u32 - 1);
            }
        }
    }
}

#[cfg(test)]
mod tests;
