//! The log against the obvious: a vector of what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::disk::OpenMode;

const PARTITIONS: usize = 3;

#[derive(Clone, Debug)]
enum Act {
    Append {
        partition: usize,
        count: u64,
        bytes: usize,
    },
    Commit,
    /// The power goes between two commits.
    Crash(u64),
    /// The power goes while a commit is written (`true`) or synced.
    CrashInCommit(u64, bool),
    Reopen,
    FailWrite,
    FailSync,
    /// The disk has this much room for a while.
    Full(u64),
    Room,
    Flip {
        file: usize,
        at: u64,
        bit: u8,
    },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..PARTITIONS, 1..12_u64, 8..600_usize)
            .prop_map(|(partition, count, bytes)| Act::Append { partition, count, bytes }),
        5 => Just(Act::Commit),
        1 => any::<u64>().prop_map(Act::Crash),
        2 => (any::<u64>(), any::<bool>()).prop_map(|(seed, write)| Act::CrashInCommit(seed, write)),
        1 => Just(Act::Reopen),
        1 => Just(Act::FailWrite),
        1 => Just(Act::FailSync),
        1 => (0..4000_u64).prop_map(Act::Full),
        1 => Just(Act::Room),
    ]
}

fn act_or_flip() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => act(),
        1 => (any::<usize>(), any::<u64>(), 0..8_u8).prop_map(|(file, at, bit)| Act::Flip { file, at, bit }),
    ]
}

/// Payloads of one append by offset.
type Append = BTreeMap<u64, Vec<u8>>;

struct World {
    disk: SimDisk,
    log: Option<Log>,
    ids: Vec<PartitionId>,
    /// Acknowledged, by partition.
    kept: Vec<Vec<Append>>,
    /// Appended, not committed.
    waiting: Vec<(usize, Append)>,
    /// Refused: may be there whole after the next crash.
    refused: Vec<(usize, Append)>,
    /// Both copies of the only header were hit: the names are gone, and with them what the test could ask for.
    nameless: bool,
    flips: usize,
    reports: usize,
    tag: u64,
}

impl World {
    fn new() -> Self {
        let disk = SimDisk::new(9);
        let (mut log, _) = open(&disk);
        let ids = (0..PARTITIONS)
            .map(|n| log.partition("stream", n as u32).unwrap())
            .collect();
        log.commit().unwrap();
        Self {
            disk,
            log: Some(log),
            ids,
            kept: vec![Vec::new(); PARTITIONS],
            waiting: Vec::new(),
            refused: Vec::new(),
            nameless: false,
            flips: 0,
            reports: 0,
            tag: 0,
        }
    }

    fn log(&mut self) -> &mut Log {
        self.log.as_mut().unwrap()
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Append {
                partition,
                count,
                bytes,
            } => self.append(partition, count, bytes),
            Act::Commit => self.commit(),
            Act::Crash(seed) => self.crash(seed),
            Act::CrashInCommit(seed, write) => {
                if write {
                    self.disk.fail_write(1);
                } else {
                    self.disk.fail_sync(1);
                }
                self.commit();
                self.crash(seed);
            }
            Act::Reopen => {
                self.commit();
                let closed = self.log.take().unwrap().close();
                self.reopen(closed.is_ok());
            }
            // Without anything to write the failure would hit something else, later.
            Act::FailWrite if !self.waiting.is_empty() => {
                self.disk.fail_write(1);
                self.commit();
            }
            Act::FailSync if !self.waiting.is_empty() => {
                self.disk.fail_sync(1);
                self.commit();
            }
            Act::FailWrite | Act::FailSync => {}
            Act::Full(room) => self.disk.set_capacity(self.disk.used() + room),
            Act::Room => self.disk.set_capacity(u64::MAX),
            Act::Flip { file, at, bit } => self.flip(file, at, bit),
        }
    }

    fn append(&mut self, partition: usize, count: u64, bytes: usize) {
        self.tag += 1;
        let mut records = batch(self.tag, count, bytes);
        let id = self.ids[partition];
        if let Ok(offsets) = self.log().append(id, &mut records) {
            let payloads = records.iter().map(|(_, payload)| payload.to_vec());
            self.waiting
                .push((partition, offsets.zip(payloads).collect()));
        }
    }

    fn commit(&mut self) {
        let committed = self.log().commit();
        self.disk.clear_failures();
        let waiting = std::mem::take(&mut self.waiting);
        if committed.is_ok() {
            for (partition, append) in waiting {
                self.kept[partition].push(append);
            }
        } else {
            self.refused.extend(waiting);
        }
    }

    fn crash(&mut self, seed: u64) {
        self.log = None;
        self.waiting.clear();
        self.disk.crash(seed);
        self.reopen(false);
    }

    fn reopen(&mut self, closed: bool) {
        self.waiting.clear();
        let (mut log, report) = open(&self.disk);
        self.reports += report.damage.len() + usize::from(report.torn_bytes > 0);
        if closed && self.flips == 0 {
            assert!(report.clean && report.torn_bytes == 0, "{report:?}");
        }
        if self.flips == 0 {
            let only_torn = report
                .damage
                .iter()
                .all(|damage| damage.kind == DamageKind::Uncertain);
            assert!(only_torn, "damage invented: {report:?}");
        }
        self.nameless = log.partitions().count() < PARTITIONS;
        if self.nameless {
            assert!(self.flips > 1, "one flip must not cost the catalogue");
            return;
        }
        for (partition, id) in self.ids.iter().enumerate() {
            let end = self.kept[partition]
                .iter()
                .filter_map(|append| append.keys().last())
                .max();
            log.raise_floor(*id, end.map_or(0, |last| last + 1))
                .unwrap();
        }
        self.log = Some(log);
        self.take_up_refused();
        self.check();
    }

    /// What was refused and is there after all must be there whole, and stays from now on.
    fn take_up_refused(&mut self) {
        for (partition, append) in std::mem::take(&mut self.refused) {
            let there: Append = self.read(partition).into_iter().collect();
            let whole = append
                .iter()
                .all(|(offset, payload)| there.get(offset) == Some(payload));
            let any = append
                .iter()
                .any(|(offset, payload)| there.get(offset) == Some(payload));
            assert!(
                whole || !any || self.flips > 0,
                "a part of an append is there"
            );
            if any {
                self.kept[partition].push(append);
            }
        }
    }

    fn read(&mut self, partition: usize) -> Vec<(u64, Vec<u8>)> {
        let id = self.ids[partition];
        let (all, damage) = read_all(self.log(), id, 700);
        assert!(
            self.flips > 0 || damage.is_empty(),
            "damage invented: {damage:?}"
        );
        self.reports += damage.len();
        all
    }

    fn check(&mut self) {
        let mut physical = BTreeSet::new();
        let mut reader = self.log().physical_reader();
        while let Some((id, records)) = reader.next_batch(900).unwrap() {
            physical.extend(records.iter().map(|(head, _)| (id, head.offset)));
        }
        let mut damaged_appends = 0;
        for partition in 0..PARTITIONS {
            let read = self.read(partition);
            assert!(read.is_sorted_by(|a, b| a.0 < b.0), "offsets must rise");
            let kept: Append = self.kept[partition]
                .iter()
                .flatten()
                .map(|(o, p)| (*o, p.clone()))
                .collect();
            for (offset, payload) in &read {
                assert_eq!(
                    kept.get(offset),
                    Some(payload),
                    "invented at {partition}/{offset}"
                );
            }
            let id = self.ids[partition];
            let seen: BTreeSet<u64> = read.into_iter().map(|(offset, _)| offset).collect();
            let in_order = physical
                .iter()
                .filter(|(other, _)| *other == id)
                .map(|(_, offset)| *offset);
            assert_eq!(
                in_order.collect::<BTreeSet<_>>(),
                seen,
                "both readers must see the same"
            );
            damaged_appends += self.kept[partition]
                .iter()
                .filter(|append| append.keys().any(|offset| !seen.contains(offset)))
                .count();
        }
        assert!(
            damaged_appends <= self.flips,
            "{damaged_appends} acknowledged appends lost, {} flips",
            self.flips
        );
        assert!(
            damaged_appends == 0 || self.reports > 0,
            "loss was not reported"
        );
    }

    fn flip(&mut self, file: usize, at: u64, bit: u8) {
        let names = file_names(&self.disk);
        if names.is_empty() {
            return;
        }
        let path = Path::new(PATH).join("log").join(&names[file % names.len()]);
        let length = self
            .disk
            .open(&path, OpenMode::Read)
            .unwrap()
            .len()
            .unwrap();
        if length > 0 && self.disk.flip_bit(&path, at % length, bit) {
            self.flips += 1;
        }
    }
}

fn run(acts: &[Act]) {
    let mut world = World::new();
    for act in acts {
        world.act(act);
        if world.nameless {
            return;
        }
    }
    world.disk.set_capacity(u64::MAX);
    world.commit();
    world.check();
    let before = world.kept[0].len();
    world.act(&Act::Append {
        partition: 0,
        count: 2,
        bytes: 10,
    });
    world.commit();
    assert_eq!(
        world.kept[0].len(),
        before + 1,
        "the log must go on after all that"
    );
    world.crash(1);
    world.act(&Act::Reopen);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_and_nothing_is_invented(acts in prop::collection::vec(act(), 1..40)) {
        run(&acts);
    }

    #[test]
    fn flipped_bits_cost_at_most_the_append_they_hit(acts in prop::collection::vec(act_or_flip(), 1..40)) {
        run(&acts);
    }
}
