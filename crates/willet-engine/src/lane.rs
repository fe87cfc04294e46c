//! A lane: the series of some of a shard's keys, in memory or on disk, and their table.

use std::collections::BTreeSet;

use hashbrown::HashTable;

use crate::chunk::{ChunkId, ChunkRef};
use crate::config::Plan;
use crate::event::{EventBatch, Timestamp};
use crate::series::{Arrival, Cause, Layouts, Series, Space};
use crate::verdict::{Found, Outcome, Verdict};

/// Series of the keys that a hash puts here. One lane is worked on by one thread at a time.
#[derive(Debug)]
pub(crate) struct Lane {
    /// Slots by the hash of their key. Several tables, so that one that grows holds few: a batch waits for it.
    tables: Vec<HashTable<u32>>,
    slots: Vec<Slot>,
    /// Hash of each slot's key: a table of a million keys that grows must not look each of them up in memory.
    hashes: Vec<u64>,
    /// Bytes of the series in memory.
    resident_bytes: usize,
    /// Slots whose series changed since they were last cut, each once.
    changed: Vec<u32>,
    /// Where the search for a series to evict goes on.
    hand: usize,
    space: Space,
    layouts: Layouts,
    deadlines: Deadlines,
}

/// When ticks are to reach slots, by the clock of arrivals. A slot's may be too early here, never too late.
#[derive(Debug, Default)]
struct Deadlines {
    by_time: BTreeSet<(i64, u32)>,
    /// Of each slot that ever had one.
    of: Vec<Option<i64>>,
}

impl Deadlines {
    fn set(&mut self, slot: u32, deadline: Option<i64>) {
        let place = slot as usize;
        if self.of.len() <= place {
            if deadline.is_none() {
                return;
            }
            self.of.resize(place + 1, None);
        }
        if let Some(former) = std::mem::replace(&mut self.of[place], deadline) {
            self.by_time.remove(&(former, slot));
        }
        if let Some(deadline) = deadline {
            self.by_time.insert((deadline, slot));
        }
    }

    /// As [`Deadlines::set`], but a later one only counts when the earlier is looked at: each event moves it.
    fn note(&mut self, slot: u32, deadline: Option<i64>) {
        let known = self.of.get(slot as usize).copied().flatten();
        let is_earlier = match (deadline, known) {
            (Some(deadline), Some(known)) => deadline < known,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if is_earlier {
            self.set(slot, deadline);
        }
    }

    fn due(&self, at: i64) -> Vec<u32> {
        let due = self.by_time.range(..=(at, u32::MAX));
        due.map(|(_, slot)| *slot).collect()
    }
}

#[derive(Debug)]
enum Slot {
    Resident(Box<Resident>),
    /// On disk only.
    Cold {
        key: Box<str>,
        at: ChunkRef,
    },
}

#[derive(Debug)]
struct Resident {
    series: Series,
    bytes: u32,
    /// Listed in `changed`: what is on disk, if anything, is older.
    is_changed: bool,
    /// Spoke since the hand last passed.
    is_recent: bool,
    /// Newest saved state that is on disk for certain.
    durable: Option<ChunkRef>,
}

/// A saved state that was cut and is on its way to disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    slot: u32,
    pub(crate) learned_upto: u64,
}

const TABLE_BITS: u32 = 4;

/// The table of a hash. Lanes are chosen by the highest bits, places in a table by the lowest and the seven highest.
fn table_of(hash: u64) -> usize {
    (hash >> 32) as usize % (1 << TABLE_BITS)
}

impl Lane {
    pub(crate) fn new() -> Self {
        Self {
            tables: vec![HashTable::new(); 1 << TABLE_BITS],
            slots: Vec::new(),
            hashes: Vec::new(),
            resident_bytes: 0,
            changed: Vec::new(),
            hand: 0,
            space: Space::default(),
            layouts: Layouts::default(),
            deadlines: Deadlines::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn resident_bytes(&self) -> usize {
        self.resident_bytes
    }

    /// Bytes of the table and of what is known of cold keys.
    pub(crate) fn index_bytes(&self) -> usize {
        let tables: usize = self.tables.iter().map(HashTable::allocation_size).sum();
        tables
            + self.slots.capacity() * size_of::<Slot>()
            + self.hashes.capacity() * size_of::<u64>()
    }

    fn find(&self, hash: u64, key: &str) -> Option<u32> {
        self.tables[table_of(hash)]
            .find(hash, |slot| self.slots[*slot as usize].key() == key)
            .copied()
    }

    fn insert(&mut self, hash: u64, slot: Slot) -> u32 {
        let index = self.slots.len() as u32;
        self.slots.push(slot);
        self.hashes.push(hash);
        let hashes = &self.hashes;
        self.tables[table_of(hash)].insert_unique(hash, index, |slot| hashes[*slot as usize]);
        index
    }

    /// Where the saved state of a key lies, if the key must be loaded before its event is taken.
    pub(crate) fn cold(&self, hash: u64, key: &str) -> Option<ChunkRef> {
        match self.slots[self.find(hash, key)? as usize] {
            Slot::Cold { at, .. } => Some(at),
            Slot::Resident(_) => None,
        }
    }

    /// Says where the state of a key lies that was not heard of since the start.
    pub(crate) fn know(&mut self, hash: u64, key: &str, at: ChunkRef) -> Option<ChunkRef> {
        match self.find(hash, key) {
            None => {
                self.insert(
                    hash,
                    Slot::Cold {
                        key: key.into(),
                        at,
                    },
                );
                None
            }
            Some(slot) => match &mut self.slots[slot as usize] {
                Slot::Cold { at: place, .. } => Some(std::mem::replace(place, at)),
                Slot::Resident(resident) => resident.durable.replace(at),
            },
        }
    }

    /// Takes a cold key's saved state into memory. State that cannot be used is dropped and said: the key starts anew.
    pub(crate) fn load(
        &mut self,
        plan: &Plan,
        hash: u64,
        key: &str,
        state: Option<&[u8]>,
    ) -> Result<(), String> {
        let Some(slot) = self.find(hash, key) else {
            return Ok(());
        };
        let Slot::Cold { at, .. } = self.slots[slot as usize] else {
            return Ok(());
        };
        let decoded = match state {
            Some(state) => Series::decode(plan, key, state, &mut self.layouts),
            None => Err("its bytes are damaged or missing".to_owned()),
        };
        let (series, said) = match decoded {
            Ok(series) => (series, Ok(())),
            Err(reason) => (Series::new(key), Err(reason)),
        };
        let bytes = series.memory_bytes() as u32;
        self.resident_bytes += bytes as usize;
        self.deadlines.set(slot, series.next_deadline());
        // What starts anew is not what lies on disk: unless it is cut it could never leave memory.
        let is_changed = said.is_err();
        if is_changed {
            self.changed.push(slot);
        }
        let resident = Resident {
            series,
            bytes,
            is_changed,
            is_recent: true,
            durable: Some(at),
        };
        self.slots[slot as usize] = Slot::Resident(Box::new(resident));
        said
    }

    /// Takes one event of the batch.
    pub(crate) fn take(
        &mut self,
        plan: &Plan,
        tick: Option<Timestamp>,
        batch: &EventBatch,
        event: usize,
        found: &mut Found,
    ) -> Verdict {
        let row = batch.rows()[event];
        let key = batch.key(event);
        let slot = self.find(row.key_hash, key).unwrap_or_else(|| {
            let resident = Resident {
                series: Series::new(key),
                bytes: 0,
                is_changed: false,
                is_recent: true,
                durable: None,
            };
            self.insert(row.key_hash, Slot::Resident(Box::new(resident)))
        });
        let resident = match &mut self.slots[slot as usize] {
            Slot::Resident(resident) => resident,
            Slot::Cold { at, .. } if at.learned_upto > row.offset => {
                let version = plan.model_version();
                return Verdict::of(event as u32, Outcome::AlreadyLearned, version);
            }
            Slot::Cold { .. } => {
                unreachable!("cold keys of a batch are loaded before it is taken")
            }
        };
        let arrival = Arrival {
            event: event as u32,
            offset: row.offset,
            key_hash: row.key_hash,
            time: row.time,
            arrived: row.arrived,
            label: row.label,
            layout: batch.layout(event),
            values: batch.values(event),
        };
        let verdict = resident
            .series
            .take(plan, tick, arrival, &mut self.space, found);
        if verdict.outcome != Outcome::AlreadyLearned {
            if plan.gather().is_some() {
                self.deadlines.note(slot, resident.series.next_deadline());
            }
            resident.is_recent = true;
            if !resident.is_changed {
                resident.is_changed = true;
                self.changed.push(slot);
            }
            // A series grows for a while and then seldom: its size is taken at ever rarer counts.
            let count = verdict.sample_count;
            if count < 64 && count.is_power_of_two() || count.is_multiple_of(64) {
                let bytes = resident.series.memory_bytes() as u32;
                self.resident_bytes =
                    self.resident_bytes + bytes as usize - resident.bytes as usize;
                resident.bytes = bytes;
            }
        }
        verdict
    }

    /// When the next tick is due; cold keys of which nobody knows are due at once.
    pub(crate) fn next_deadline(&mut self) -> Option<i64> {
        loop {
            let (deadline, slot) = *self.deadlines.by_time.first()?;
            let Slot::Resident(resident) = &self.slots[slot as usize] else {
                return Some(deadline);
            };
            let real = resident.series.next_deadline();
            if real == Some(deadline) {
                return real;
            }
            self.deadlines.set(slot, real);
        }
    }

    /// Cold keys that a tick at `at`, the record at `offset`, may reach, up to `limit`.
    pub(crate) fn cold_due(&self, at: i64, offset: u64, limit: usize) -> Vec<(&str, ChunkRef)> {
        let due = self.deadlines.by_time.range(..=(at, u32::MAX));
        let cold = due.filter_map(|(_, slot)| match &self.slots[*slot as usize] {
            Slot::Cold { key, at } if at.learned_upto <= offset => Some((&**key, *at)),
            _ => None,
        });
        cold.take(limit).collect()
    }

    /// Nobody knows when keys on disk are due.
    pub(crate) fn forget_cold_deadlines(&mut self) {
        for (slot, entry) in self.slots.iter().enumerate() {
            if matches!(entry, Slot::Cold { .. }) {
                self.deadlines.set(slot as u32, Some(i64::MIN));
            }
        }
    }

    /// Lets time pass up to `at` for those of its series in memory that are due.
    pub(crate) fn tick(&mut self, plan: &Plan, at: Timestamp, cause: Cause, found: &mut Found) {
        for slot in self.deadlines.due(at.0) {
            let Slot::Resident(resident) = &mut self.slots[slot as usize] else {
                continue;
            };
            // Where it is later than was noted, not even its clock may move.
            let is_due = |series: &Series| series.next_deadline().is_some_and(|due| due <= at.0);
            if !is_due(&resident.series) {
                let next = resident.series.next_deadline();
                self.deadlines.set(slot, next);
                continue;
            }
            let cause = Cause {
                key_hash: self.hashes[slot as usize],
                ..cause
            };
            let has_closed = resident
                .series
                .tick(plan, at, cause, &mut self.space, found);
            if has_closed && !resident.is_changed {
                resident.is_changed = true;
                self.changed.push(slot);
            }
            // What time has passed for already is due no more, whatever it closed.
            let next = resident.series.next_deadline();
            self.deadlines.set(slot, next.filter(|next| *next > at.0));
        }
    }

    /// The series of a key, where it is in memory.
    pub(crate) fn series(&self, hash: u64, key: &str) -> Option<&Series> {
        match &self.slots[self.find(hash, key)? as usize] {
            Slot::Resident(resident) => Some(&resident.series),
            Slot::Cold { .. } => None,
        }
    }

    /// What was learned stays, positions begin at 0 again.
    pub(crate) fn renumber(&mut self) {
        for slot in &mut self.slots {
            if let Slot::Resident(resident) = slot {
                resident.series.renumber();
            }
        }
    }

    /// Answers for one event of the batch and changes nothing.
    pub(crate) fn peek(
        &self,
        plan: &Plan,
        tick: Option<Timestamp>,
        batch: &EventBatch,
        event: usize,
        found: &mut Found,
    ) -> Verdict {
        let row = batch.rows()[event];
        let arrival = Arrival {
            event: event as u32,
            offset: row.offset,
            key_hash: row.key_hash,
            time: row.time,
            arrived: row.arrived,
            label: row.label,
            layout: batch.layout(event),
            values: batch.values(event),
        };
        match self.series(row.key_hash, batch.key(event)) {
            Some(series) => series.peek(plan, tick, arrival, found),
            None => Series::new("").peek(plan, tick, arrival, found),
        }
    }

    /// Takes in what an event of a key in memory was; the entry that says so stands at `at`.
    pub(crate) fn label(&mut self, plan: &Plan, hash: u64, key: &str, at: u64, label: (u64, bool)) {
        self.change(hash, key, |series, _| series.label(plan, at, label));
    }

    /// Trains a key in memory anew.
    pub(crate) fn retrain(&mut self, plan: &Plan, hash: u64, key: &str, offset: u64) {
        self.change(hash, key, |series, space| {
            series.retrain(plan, offset, space)
        });
    }

    /// Brings a key in memory back to what it was before it was trained anew.
    pub(crate) fn go_back(&mut self, plan: &Plan, hash: u64, key: &str, offset: u64) {
        self.change(hash, key, |series, _| series.go_back(plan, offset));
    }

    fn change(
        &mut self,
        hash: u64,
        key: &str,
        change: impl FnOnce(&mut Series, &mut Space) -> bool,
    ) {
        let Some(slot) = self.find(hash, key) else {
            return;
        };
        if let Slot::Resident(resident) = &mut self.slots[slot as usize]
            && change(&mut resident.series, &mut self.space)
            && !resident.is_changed
        {
            resident.is_changed = true;
            self.changed.push(slot);
        }
    }

    /// Trainings begun since the start, by reason.
    pub(crate) fn retrains(&self) -> [u64; 4] {
        self.space.retrains()
    }

    /// Forgets what a key learned up to `offset`.
    pub(crate) fn reset(&mut self, hash: u64, key: &str, offset: u64) {
        let Some(slot) = self.find(hash, key) else {
            return;
        };
        match &mut self.slots[slot as usize] {
            Slot::Resident(resident) => {
                resident.series.reset(offset);
                if !resident.is_changed {
                    resident.is_changed = true;
                    self.changed.push(slot);
                }
            }
            // What lies on disk is of no use any more; it is replaced when the empty series is cut.
            Slot::Cold { at, .. } if at.learned_upto <= offset => {
                let durable = Some(*at);
                let mut series = Series::new(key);
                series.reset(offset);
                let bytes = series.memory_bytes() as u32;
                self.resident_bytes += bytes as usize;
                let resident = Resident {
                    series,
                    bytes,
                    is_changed: true,
                    is_recent: true,
                    durable,
                };
                self.slots[slot as usize] = Slot::Resident(Box::new(resident));
                self.changed.push(slot);
            }
            Slot::Cold { .. } => {}
        }
    }

    /// Slots changed since they were last cut; they count as unchanged from now on.
    pub(crate) fn take_changed(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.changed)
    }

    pub(crate) fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Saved state of a changed series, to be put into a chunk; `None` if it is unchanged or not in memory.
    pub(crate) fn cut(&mut self, slot: u32) -> Option<(&str, Vec<u8>, Cut)> {
        let Slot::Resident(resident) = &mut self.slots[slot as usize] else {
            return None;
        };
        if !std::mem::take(&mut resident.is_changed) {
            return None;
        }
        let cut = Cut {
            slot,
            learned_upto: resident.series.learned_upto(),
        };
        Some((resident.series.key(), resident.series.encode(), cut))
    }

    /// A cut is on disk. Returns where the key's state lay before.
    pub(crate) fn cut_is_durable(&mut self, cut: Cut, at: ChunkRef) -> Option<ChunkRef> {
        match &mut self.slots[cut.slot as usize] {
            Slot::Resident(resident) => resident.durable.replace(at),
            Slot::Cold { at: place, .. } => Some(std::mem::replace(place, at)),
        }
    }

    /// A cut could not be written: its series counts as changed again.
    pub(crate) fn cut_failed(&mut self, cut: Cut) {
        if let Slot::Resident(resident) = &mut self.slots[cut.slot as usize]
            && !resident.is_changed
        {
            resident.is_changed = true;
            self.changed.push(cut.slot);
        }
    }

    /// Lists a slot that was taken to be cut and was not.
    pub(crate) fn list_again(&mut self, slot: u32) {
        if matches!(&self.slots[slot as usize], Slot::Resident(resident) if resident.is_changed) {
            self.changed.push(slot);
        }
    }

    /// Chooses series that did not speak lately (second chance) until `goal` bytes are found: unchanged ones leave memory
    /// at once, changed ones are returned to be cut first.
    pub(crate) fn evict(&mut self, goal: usize) -> Vec<u32> {
        let mut found = 0;
        let mut to_cut = Vec::new();
        // Two rounds: the first may only take the second chances away.
        for _ in 0..2 * self.slots.len() {
            if found >= goal {
                break;
            }
            let slot = self.hand;
            self.hand = (self.hand + 1) % self.slots.len();
            let Slot::Resident(resident) = &mut self.slots[slot] else {
                continue;
            };
            if std::mem::take(&mut resident.is_recent) {
                continue;
            }
            found += resident.bytes as usize;
            match resident.durable {
                Some(at) if !resident.is_changed && resident.learned_is(at) => {
                    self.release(slot, at);
                }
                _ if resident.is_changed => to_cut.push(slot as u32),
                // Cut already and on its way to disk: its turn comes when it is there.
                _ => {}
            }
        }
        to_cut
    }

    fn release(&mut self, slot: usize, at: ChunkRef) {
        if let Slot::Resident(resident) = &self.slots[slot] {
            let key = resident.series.key().into();
            self.resident_bytes -= resident.bytes as usize;
            self.slots[slot] = Slot::Cold { key, at };
        }
    }

    /// Up to `limit` cold keys whose state lies in one of these chunks.
    pub(crate) fn cold_in(&self, chunks: &[ChunkId], limit: usize) -> Vec<(&str, ChunkRef)> {
        let cold = |entry| match entry {
            &Slot::Cold { ref key, at } if chunks.contains(&at.chunk) => Some((&**key, at)),
            _ => None,
        };
        self.slots.iter().filter_map(cold).take(limit).collect()
    }

    /// Unchanged series in memory whose state lies in one of these chunks: marked as changed, so that they are cut anew.
    pub(crate) fn touch_in(&mut self, chunks: &[ChunkId]) {
        for (slot, entry) in self.slots.iter_mut().enumerate() {
            let Slot::Resident(resident) = entry else {
                continue;
            };
            if resident
                .durable
                .is_some_and(|at| chunks.contains(&at.chunk))
                && !resident.is_changed
            {
                resident.is_changed = true;
                self.changed.push(slot as u32);
            }
        }
    }
}

impl Resident {
    fn learned_is(&self, at: ChunkRef) -> bool {
        self.series.learned_upto() == at.learned_upto
    }
}

impl Slot {
    fn key(&self) -> &str {
        match self {
            Self::Resident(resident) => resident.series.key(),
            Self::Cold { key, .. } => key,
        }
    }
}
