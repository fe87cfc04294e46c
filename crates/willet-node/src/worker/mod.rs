//! One shard with its checkpoints and its output. No threads, no clock: whoever calls decides when.

mod checkpoints;
mod error;
mod memory;
mod poison;

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use willet_engine::checkpoint::Chunk;
use willet_engine::chunk::{ChunkRef, entry_state};
use willet_engine::codec::{Decoder, Rejection};
use willet_engine::config::Plan;
use willet_engine::event::{EventBatch, Timestamp};
use willet_engine::journal::Entry;
use willet_engine::manifest::Manifest;
use willet_engine::ports::{Objects, PartitionLog};
use willet_engine::records::{PartitionId, RecordKind, Records};
use willet_engine::recovery;
use willet_engine::shard::{Description, Shard};
use willet_engine::verdict::Verdicts;

use crate::mark::Mark;
use crate::output::{Answers, Output};
use crate::pipeline::run_on_threads;
use poison::poison_marks;

pub(crate) use checkpoints::is_missing;
use checkpoints::{Kept, find_checkpoint};
pub use error::{Trouble, WorkerError};
pub use memory::MemoryBound;
use memory::MemoryShare;

/// How a worker runs; nothing here changes a verdict.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Lanes that a batch is split into, each run by a thread of its own.
    pub lanes: usize,
    /// Seed of the hashes of keys.
    pub hash_seed: u64,
    /// Bytes of series that stay in memory, with all other shards under the same bound.
    pub memory: Arc<MemoryBound>,
    /// Bytes of one slice of a checkpoint, cut between two batches.
    pub slice_bytes: usize,
    /// Records replayed before a checkpoint is written: whoever is killed again and again still gets on.
    pub replay_checkpoint_records: usize,
    /// Bytes of records replayed at once.
    pub replay_batch_bytes: usize,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            lanes: 1,
            hash_seed: 0,
            memory: MemoryBound::new(4 << 30),
            slice_bytes: 256 << 10,
            replay_checkpoint_records: 200_000,
            replay_batch_bytes: 4 << 20,
        }
    }
}

/// Objects deleted between two batches.
const DELETED_AT_ONCE: usize = 2;
/// Slices of a checkpoint that are cut before they are written: all of them wait for one delivery of verdicts, which costs
/// much more than to hold them.
const HELD_SLICES: usize = 64;

/// Where a worker's records and its state lie.
#[derive(Clone, Debug)]
pub struct Home {
    /// Its part of the log.
    pub partition: PartitionId,
    /// Its checkpoints, beside those of others.
    pub objects: Arc<dyn Objects>,
}

/// Which records are being taken: whoever catches a panic reads here where it came from.
#[derive(Clone, Debug, Default)]
pub struct Taking(Arc<[AtomicU64; 2]>);

impl Taking {
    /// The offsets of the records that were last begun.
    pub fn range(&self) -> Range<u64> {
        self.0[0].load(Ordering::Relaxed)..self.0[1].load(Ordering::Relaxed)
    }

    fn begin(&self, range: Range<u64>) {
        self.0[0].store(range.start, Ordering::Relaxed);
        self.0[1].store(range.end, Ordering::Relaxed);
    }
}

/// How a recovery is to go about it.
#[derive(Clone, Debug, Default)]
pub struct Care {
    /// Records to be taken one by one, so that a panic names its record.
    pub one_by_one: Range<u64>,
    /// Told which records are being taken.
    pub taking: Taking,
}

/// A shard, how it is saved, and where its verdicts go.
#[derive(Debug)]
pub struct Worker {
    shard: Shard,
    decoder: Decoder,
    options: WorkerOptions,
    memory: MemoryShare,
    objects: Arc<dyn Objects>,
    /// First part of the names of its objects.
    prefix: String,
    output: Box<dyn Output>,
    /// Verdicts of records before this were delivered by a former run.
    emit_from: u64,
    /// Every verdict of records before this is durable.
    delivered: u64,
    /// The last cursor record and its offset.
    cursor: Option<(u64, Vec<u8>)>,
    /// What the newest manifest and the one before need: it may not be deleted.
    kept: [Kept; 2],
    /// Slices that were cut and not written yet, oldest first.
    held: VecDeque<Chunk>,
    /// Batches of fewer events are not worth a thread for each lane.
    fork_from: usize,
    /// Objects that nobody needs any more, to be deleted a few at a time.
    doomed: VecDeque<String>,
    troubles: Vec<Trouble>,
    /// Records of the log that could not be understood.
    rejected: u64,
    care: Care,
    space: Space,
}

/// Buffers used again for each batch.
#[derive(Debug, Default)]
struct Space {
    events: EventBatch,
    rejections: Vec<Rejection>,
    verdicts: Verdicts,
}

impl Worker {
    /// Brings a shard back to where it was: newest whole checkpoint, then replay of the log from its low water. Verdicts
    /// that were not delivered are written to `output`.
    ///
    /// `plan` is the stream's configuration if the log holds none yet.
    ///
    /// After an error `troubles` holds what was found wrong and got past: a later attempt may not meet it again. After success
    /// [`Worker::take_troubles`] gives it.
    pub fn recover(
        plan: Plan,
        options: WorkerOptions,
        log: &mut dyn PartitionLog,
        home: Home,
        mut output: Box<dyn Output>,
        care: Care,
        troubles: &mut Vec<Trouble>,
    ) -> Result<Self, WorkerError> {
        let Home { partition, objects } = home;
        let prefix = format!("partition-{}", partition.0);
        let read = Mark::read(&*objects, &prefix)?;
        let is_mark_damaged = read.is_err();
        let mut mark = read.unwrap_or_else(|error| {
            troubles.push(Trouble::Mark(error));
            Mark::default()
        });
        let extent = log.extent()?;
        let held = output.held()?;
        let delivered = output.delivered()?;
        if let Some(delivered) = delivered {
            mark.delivered = mark.delivered.max(delivered);
        }
        let is_mark_damaged = is_mark_damaged && delivered.is_none();
        // Without the mark nobody knows which verdicts are there: the log gives them all again, if it reaches back.
        let mut from_start = is_mark_damaged && extent.first == 0;
        if let Some(held) = held.filter(|held| *held < mark.output_bytes) {
            // Whoever began a new output wants all of it: possible while the log reaches back to the beginning.
            if extent.first > 0 {
                return Err(WorkerError::OutputLost {
                    held,
                    expected: mark.output_bytes,
                    first: extent.first,
                });
            }
            from_start = true;
            mark = Mark {
                cursor: mark.cursor,
                ..Mark::default()
            };
        }

        let (found, kept) = if from_start {
            Default::default()
        } else {
            find_checkpoint(&*objects, &prefix, &options, extent, troubles)?
        };
        if is_mark_damaged && !from_start {
            // What is written stays; some of its verdicts come a second time. What a saved series has learned was
            // delivered, so they begin behind that.
            mark.delivered = found
                .as_ref()
                .map_or(extent.first, |(manifest, _)| manifest.upto);
            mark.output_bytes = held.unwrap_or(0);
        }
        output.resume(mark.output_bytes)?;
        if found.is_none() {
            // The log stands in for them, and their names will be used again.
            for name in objects.list(&format!("{prefix}/manifest-"))? {
                objects.delete(&name)?;
            }
        }
        let recovery = recovery::plan(
            found.as_ref().map(|(manifest, _)| manifest),
            extent,
            mark.delivered,
        );
        troubles.extend(recovery.losses.iter().copied().map(Trouble::Loss));
        log.raise_floor(recovery.floor)?;
        let shard = found.map_or_else(
            || Shard::new(plan, options.lanes, options.hash_seed),
            |(_, shard)| shard,
        );
        let decoder = Decoder::new(&shard.plan().config().input, options.hash_seed)?;
        let mut worker = Self {
            shard,
            decoder,
            memory: options.memory.join(),
            options,
            objects,
            prefix,
            output,
            emit_from: recovery.emit_from,
            delivered: mark.delivered,
            cursor: mark.cursor,
            kept,
            held: VecDeque::new(),
            fork_from: 0,
            doomed: VecDeque::new(),
            troubles: std::mem::take(troubles),
            rejected: 0,
            care,
            space: Space::default(),
        };
        let is_sound = worker.troubles.is_empty();
        let swept = if is_sound { worker.sweep() } else { Ok(()) };
        match swept.and_then(|()| worker.replay(log, recovery.replay_from)) {
            Ok(()) => Ok(worker),
            Err(error) => {
                *troubles = worker.take_troubles();
                Err(error)
            }
        }
    }

    fn replay(&mut self, log: &dyn PartitionLog, from: u64) -> Result<(), WorkerError> {
        let batch = self.options.replay_batch_bytes;
        for offset in poison_marks(log, from, batch)? {
            self.shard.poison(offset);
        }
        let mut reader = log.reader(from)?;
        let mut replayed = 0;
        loop {
            let records = reader.next_batch(batch)?;
            if records.is_empty() {
                break;
            }
            self.take(&records)?;
            self.output.flush()?;
            self.hold_memory()?;
            replayed += records.len();
            if replayed >= self.options.replay_checkpoint_records {
                replayed = 0;
                self.checkpoint()?;
            }
        }
        let damage = reader.take_damage().into_iter().map(Trouble::Log);
        self.troubles.extend(damage);
        Ok(())
    }

    /// The shard.
    pub fn shard(&self) -> &Shard {
        &self.shard
    }

    pub(crate) fn renumber(&mut self) {
        self.shard.renumber();
    }

    /// When a tick would close a window of some key, by the clock of arrivals; `None` while none would.
    pub fn next_deadline(&mut self) -> Option<Timestamp> {
        self.shard.next_deadline()
    }

    /// Records of the log that could not be understood since the start.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// The last cursor record of the partition.
    pub fn cursor(&self) -> Option<&[u8]> {
        self.cursor.as_ref().map(|(_, cursor)| cursor.as_slice())
    }

    /// What was found wrong since this was last called.
    pub fn take_troubles(&mut self) -> Vec<Trouble> {
        std::mem::take(&mut self.troubles)
    }

    /// Takes records of the log, in order, and gathers their verdicts; [`Worker::flush`] hands them on.
    pub fn take(&mut self, records: &Records) -> Result<(), WorkerError> {
        let mut space = std::mem::take(&mut self.space);
        let result = self.take_runs(records, &mut space);
        self.space = space;
        result
    }

    fn take_runs(&mut self, records: &Records, space: &mut Space) -> Result<(), WorkerError> {
        let mut at = 0;
        while at < records.len() {
            let head = records.head(at);
            let mut end = records.run_end(at);
            let care = &self.care.one_by_one;
            if care.start < records.head(end - 1).offset + 1 && head.offset < care.end {
                end = at + 1;
            }
            match head.kind {
                RecordKind::Event => {
                    let next_offset = records.head(end - 1).offset + 1;
                    self.care.taking.begin(head.offset..next_offset);
                    space.events.clear();
                    space.rejections.clear();
                    self.decoder
                        .decode(records, at..end, &mut space.events, &mut space.rejections);
                    self.rejected += space.rejections.len() as u64;
                    self.take_events(records, &space.events, next_offset, &mut space.verdicts)?;
                }
                RecordKind::Journal => {
                    for index in at..end {
                        self.take_entry(records, index, &mut space.verdicts)?;
                    }
                }
                RecordKind::Cursor => {
                    let offset = records.head(end - 1).offset;
                    if self
                        .cursor
                        .as_ref()
                        .is_none_or(|(known, _)| *known < offset)
                    {
                        self.cursor = Some((offset, records.payload(end - 1).to_vec()));
                    }
                    self.shard.advance(offset + 1);
                }
            }
            at = end;
        }
        self.care.taking.begin(0..0);
        Ok(())
    }

    fn take_entry(
        &mut self,
        records: &Records,
        index: usize,
        verdicts: &mut Verdicts,
    ) -> Result<(), WorkerError> {
        let offset = records.head(index).offset;
        let entry = Entry::decode(offset, records.payload(index))?;
        if offset >= self.emit_from {
            self.output.journal(offset, &entry);
        }
        let is_change = matches!(entry, Entry::Configure { .. });
        if let Entry::Tick { at } = entry {
            self.load_due(at, offset)?;
        }
        if let Some(key) = entry.needs()
            && let Some(at) = self.shard.missing_key(key).map(|missing| missing.at)
            && at.learned_upto <= offset
        {
            self.load(key, at)?;
        }
        self.shard.on_journal(offset, entry, verdicts)?;
        self.write(records, &EventBatch::new(), verdicts);
        if is_change {
            let input = &self.shard.plan().config().input;
            self.decoder = Decoder::new(input, self.options.hash_seed)?;
        }
        Ok(())
    }

    /// Lets a tick reach keys that are on disk only, some at a time.
    fn load_due(&mut self, at: Timestamp, offset: u64) -> Result<(), WorkerError> {
        const AT_ONCE: usize = 4_096;
        loop {
            let missing = self.shard.missing_at(at, offset, AT_ONCE);
            if missing.is_empty() {
                return Ok(());
            }
            let missing: Vec<(String, ChunkRef)> = missing
                .into_iter()
                .map(|missing| (missing.key.to_owned(), missing.at))
                .collect();
            for (key, at) in missing {
                self.load(&key, at)?;
            }
            self.shard.tick_resident(offset, at);
            match self.hold_memory() {
                // Without room on the disk they stay in memory: the record is in the log and must be taken.
                Err(error) if error.is_full() => {}
                other => other?,
            }
        }
    }

    /// As [`Worker::take`], for records that begin with events which were decoded already, one event a record; what is
    /// left are journal entries and a cursor.
    pub fn take_decoded(
        &mut self,
        records: &Records,
        events: &EventBatch,
    ) -> Result<(), WorkerError> {
        debug_assert!(events.len() <= records.len());
        // What an attempt before took is not taken twice.
        let known = self.shard.next_offset();
        let mut verdicts = std::mem::take(&mut self.space.verdicts);
        let taken = self.take_behind(known, records, events, &mut verdicts);
        self.space.verdicts = verdicts;
        if taken.is_ok() {
            self.care.taking.begin(0..0);
        }
        taken
    }

    /// Takes what lies at offset `known` or behind it.
    fn take_behind(
        &mut self,
        known: u64,
        records: &Records,
        events: &EventBatch,
        verdicts: &mut Verdicts,
    ) -> Result<(), WorkerError> {
        if let Some(last) = events.len().checked_sub(1)
            && records.head(last).offset >= known
        {
            let next_offset = records.head(last).offset + 1;
            self.care.taking.begin(records.head(0).offset..next_offset);
            self.take_events(records, events, next_offset, verdicts)?;
        }
        for index in events.len()..records.len() {
            let head = records.head(index);
            match head.kind {
                _ if head.offset < known => {}
                RecordKind::Journal => self.take_entry(records, index, verdicts)?,
                RecordKind::Cursor => {
                    self.cursor = Some((head.offset, records.payload(index).to_vec()));
                    self.shard.advance(head.offset + 1);
                }
                RecordKind::Event => debug_assert!(false, "every event was decoded"),
            }
        }
        Ok(())
    }

    /// Batches of at least so many events get a thread for each lane. At first all do.
    pub fn fork_from(&mut self, events: usize) {
        self.fork_from = events;
    }

    /// Verdicts of the events or of the entry that were taken last.
    pub fn verdicts(&self) -> &Verdicts {
        &self.space.verdicts
    }

    /// Takes them out, and leaves another space for the next.
    pub fn swap_verdicts(&mut self, other: &mut Verdicts) {
        std::mem::swap(&mut self.space.verdicts, other);
    }

    /// Says what is known of a key; `None` for one that never spoke.
    pub fn describe(&mut self, key: &str) -> Result<Option<Description>, WorkerError> {
        if let Some(at) = self.shard.missing_key(key).map(|missing| missing.at) {
            self.load(key, at)?;
        }
        Ok(self.shard.describe(key))
    }

    /// Answers as the next batch would and learns nothing.
    pub fn peek(&mut self, events: &EventBatch, out: &mut Verdicts) -> Result<(), WorkerError> {
        self.load_missing(events)?;
        self.shard.peek(events, out);
        Ok(())
    }

    fn take_events(
        &mut self,
        records: &Records,
        events: &EventBatch,
        next_offset: u64,
        verdicts: &mut Verdicts,
    ) -> Result<(), WorkerError> {
        self.load_missing(events)?;
        if self.options.lanes > 1 && events.len() >= self.fork_from {
            self.shard
                .on_batch_forked(events, next_offset, verdicts, run_on_threads);
        } else {
            self.shard.on_batch(events, next_offset, verdicts);
        }
        self.write(records, events, verdicts);
        Ok(())
    }

    fn write(&mut self, records: &Records, events: &EventBatch, verdicts: &Verdicts) {
        Answers::new(records, events, verdicts, self.shard.plan())
            .write_to(&mut *self.output, self.emit_from);
    }

    fn load_missing(&mut self, events: &EventBatch) -> Result<(), WorkerError> {
        for missing in self.shard.missing(events) {
            self.load(missing.key, missing.at)?;
        }
        Ok(())
    }

    fn load(&mut self, key: &str, at: ChunkRef) -> Result<(), WorkerError> {
        let name = at.chunk.object_name(&self.prefix);
        let entry = match self.objects.get_range(&name, at.range()) {
            Ok(entry) => Some(entry),
            Err(error) if is_missing(&error) => None,
            Err(error) => return Err(error.into()),
        };
        let state = entry
            .as_deref()
            .and_then(|entry| entry_state(key, entry).ok());
        if let Err(reason) = self.shard.load(key, state) {
            self.troubles.push(Trouble::Key {
                key: key.to_owned(),
                reason,
            });
        }
        Ok(())
    }

    /// Hands the gathered verdicts on. After an error they are still there, and this is called again.
    pub fn flush(&mut self) -> Result<(), WorkerError> {
        Ok(self.output.flush()?)
    }

    /// Makes all verdicts so far durable and notes it.
    pub fn deliver(&mut self) -> Result<(), WorkerError> {
        let output_bytes = self.output.sync()?;
        let mark = Mark {
            // A replay passes what a former run delivered: the output holds all of that already.
            delivered: self.shard.next_offset().max(self.delivered),
            output_bytes,
            cursor: self.cursor.clone(),
        };
        mark.write(&*self.objects, &self.prefix)?;
        self.delivered = mark.delivered;
        Ok(())
    }

    /// Every verdict of records before this offset is durable.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Begins a checkpoint; [`Worker::checkpoint_step`] carries it on.
    pub fn begin_checkpoint(&mut self) -> Result<(), WorkerError> {
        // Cold keys moved out of chunks that are mostly out of use, a bounded number each time.
        const MOVED: usize = 10_000;
        let cold: Vec<(String, _)> = self
            .shard
            .sparse_cold(MOVED)
            .into_iter()
            .map(|missing| (missing.key.to_owned(), missing.at))
            .collect();
        for (key, at) in cold {
            let entry = self
                .objects
                .get_range(&at.chunk.object_name(&self.prefix), at.range())?;
            if let Err(reason) = self.shard.load(&key, entry_state(&key, &entry).ok()) {
                self.troubles.push(Trouble::Key { key, reason });
            }
        }
        self.shard.begin_checkpoint();
        Ok(())
    }

    /// Writes the next slice of a running checkpoint. When the checkpoint is finished with it, returns from which offset on
    /// the log is still needed: by the checkpoint before, which stands in should this one turn out to be damaged.
    pub fn checkpoint_step(&mut self) -> Result<Option<u64>, WorkerError> {
        self.tidy(DELETED_AT_ONCE)?;
        if !self.shard.is_checkpointing() {
            return Ok(None);
        }
        if self.is_cutting() {
            match self.shard.cut(self.options.slice_bytes) {
                Some(chunk) => {
                    self.held.push_back(chunk);
                    if self.held.len() < HELD_SLICES {
                        return Ok(None);
                    }
                }
                None if self.held.is_empty() => return self.finish_checkpoint(),
                None => {}
            }
            self.deliver_held()?;
            return Ok(None);
        }
        if let Some(chunk) = self.held.pop_front() {
            self.write_chunk(&chunk)?;
        }
        Ok(None)
    }

    /// Whether slices are being cut; else those that are held are being written.
    fn is_cutting(&self) -> bool {
        self.held
            .front()
            .is_none_or(|chunk| chunk.upto > self.delivered)
    }

    /// With this, all slices that are held may be written.
    fn deliver_held(&mut self) -> Result<(), WorkerError> {
        let delivered = self.deliver();
        if delivered.is_err() {
            self.give_up_held();
        }
        delivered
    }

    fn give_up_held(&mut self) {
        for chunk in self.held.drain(..) {
            self.shard.chunk_failed(chunk.id);
        }
    }

    fn finish_checkpoint(&mut self) -> Result<Option<u64>, WorkerError> {
        // The newest mark must not lie before the manifest's low water.
        self.deliver()?;
        let Some(manifest) = self.shard.finish_checkpoint() else {
            return Ok(None);
        };
        self.objects.put(
            &Manifest::object_name(&self.prefix, manifest.sequence),
            &manifest.encode(),
        )?;
        let [newest, _] = std::mem::take(&mut self.kept);
        self.kept = [Kept::of(&manifest), newest];
        self.sweep()?;
        Ok(Some(self.kept[1].low_water))
    }

    /// Runs a checkpoint from beginning to end; returns from which offset on the log is still needed.
    pub fn checkpoint(&mut self) -> Result<u64, WorkerError> {
        self.begin_checkpoint()?;
        loop {
            if let Some(low_water) = self.checkpoint_step()? {
                self.tidy(usize::MAX)?;
                return Ok(low_water);
            }
        }
    }

    /// Deletes some of what nobody needs any more; returns whether there is nothing left to delete.
    pub fn tidy(&mut self, objects: usize) -> Result<bool, WorkerError> {
        for _ in 0..objects {
            let Some(name) = self.doomed.front() else {
                return Ok(true);
            };
            self.objects.delete(name)?;
            self.doomed.pop_front();
        }
        Ok(self.doomed.is_empty())
    }

    /// Brings the series in memory under the bound.
    pub fn hold_memory(&mut self) -> Result<(), WorkerError> {
        let resident = |shard: &Shard| shard.occupancy().resident_bytes;
        self.memory.note(resident(&self.shard));
        let limit = self.memory.allowed();
        if resident(&self.shard) <= limit {
            return Ok(());
        }
        // What was cut before goes to disk before what is cut now: of two states of a key the later chunk counts.
        while let Some(chunk) = self.held.pop_front() {
            self.write_chunk(&chunk)?;
        }
        // A little below the bound, so that not every batch evicts.
        let goal = limit - limit / 16;
        // A round cuts, writes and releases; a round that releases nothing cannot help any more.
        loop {
            let before = resident(&self.shard);
            if let Some(chunk) = self
                .shard
                .evict(before.saturating_sub(goal), self.options.slice_bytes)
            {
                self.write_chunk(&chunk)?;
            } else if resident(&self.shard) == before {
                return Ok(());
            }
            self.memory.note(resident(&self.shard));
            if resident(&self.shard) <= goal {
                return Ok(());
            }
        }
    }

    fn write_chunk(&mut self, chunk: &Chunk) -> Result<(), WorkerError> {
        let name = chunk.id.object_name(&self.prefix);
        let delivered = if chunk.upto > self.delivered {
            self.deliver()
        } else {
            Ok(())
        };
        // After a restart chunks of an unfinished checkpoint are doomed, and their numbers come again.
        self.doomed.retain(|doomed| *doomed != name);
        match delivered.and_then(|()| Ok(self.objects.put(&name, &chunk.bytes)?)) {
            Ok(()) => self.shard.chunk_is_durable(chunk.id),
            Err(error) => {
                self.shard.chunk_failed(chunk.id);
                self.give_up_held();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Dooms what neither the newest manifest nor the one before it names. A checkpoint of a million keys has a thousand
    /// chunks, and a batch waits for each deletion, so [`Worker::tidy`] deletes them one after the other.
    fn sweep(&mut self) -> Result<(), WorkerError> {
        self.doomed.clear();
        let manifests = self.objects.list(&format!("{}/manifest-", self.prefix))?;
        if manifests.is_empty() && self.kept.iter().all(|kept| kept.chunks.is_empty()) {
            return Ok(());
        }
        let kept: BTreeSet<String> = self
            .kept
            .iter()
            .flat_map(|kept| &kept.chunks)
            .map(|id| id.object_name(&self.prefix))
            .collect();
        let chunks = self.objects.list(&format!("{}/chunk-", self.prefix))?;
        // Manifests go before the chunks that they name.
        self.doomed.extend(manifests.into_iter().rev().skip(2));
        self.doomed
            .extend(chunks.into_iter().filter(|name| !kept.contains(name)));
        Ok(())
    }
}
