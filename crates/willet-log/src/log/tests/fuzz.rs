//! Random and mutated bytes: no panic, nothing invented. The number of cases is fixed, so that the tests stay short.

use std::collections::BTreeSet;

use super::*;
use crate::disk::{OpenMode, replace_file};

const CASES: u64 = 600;

/// `SplitMix64` of the simulated disk: the same cases everywhere.
struct Dice(SimDisk);

impl Dice {
    fn below(&self, bound: u64) -> u64 {
        self.0.random_u64().unwrap() % bound.max(1)
    }
}

/// A closed log of two segments; its files and what they hold.
fn original(disk: &SimDisk) -> (PartitionId, BTreeSet<(u64, Vec<u8>)>) {
    let (mut log, _) = open(disk);
    let p = log.partition("s", 0).unwrap();
    for tag in 0..24 {
        append(&mut log, p, batch(tag, 1 + tag % 4, 20 * tag as usize));
    }
    let all = read_all(&log, p, 1 << 20).0.into_iter().collect();
    log.close().unwrap();
    (p, all)
}

fn mutate(bytes: &mut Vec<u8>, dice: &Dice) {
    for _ in 0..=dice.below(4) {
        let length = bytes.len() as u64;
        let (at, other) = (dice.below(length) as usize, dice.below(length) as usize);
        let (low, high) = (at.min(other), at.max(other).min(at.min(other) + 300));
        match dice.below(6) {
            0 => bytes.truncate(at),
            1 => bytes[low..high].fill(0),
            2 => bytes[low..high].fill_with(|| dice.below(256) as u8),
            3 => drop(bytes.drain(low..high)),
            4 => {
                let copy = bytes[low..high].to_vec();
                let to = dice.below(bytes.len() as u64) as usize;
                bytes.splice(to..to, copy);
            }
            _ => bytes[at] = dice.below(256) as u8,
        }
        if bytes.is_empty() {
            return;
        }
    }
}

#[test]
fn mutated_files_cause_no_panic_and_invent_nothing() {
    for case in 0..CASES {
        let disk = SimDisk::new(case);
        let dice = Dice(SimDisk::new(case));
        let (p, known) = original(&disk);
        let mut names = file_names(&disk);
        names.retain(|_| dice.below(2) == 0);
        for name in &names {
            let path = Path::new(PATH).join("log").join(name);
            let mut bytes = crate::disk::read_file(&disk, &path, u64::MAX).unwrap();
            mutate(&mut bytes, &dice);
            replace_file(&disk, &path, &bytes).unwrap();
        }
        let verified = verify(&disk, Path::new(PATH)).unwrap();
        let (mut log, _) = open(&disk);
        let (read, damage) = read_all(&log, p, 400);
        for (offset, payload) in &read {
            assert!(
                known.contains(&(*offset, payload.clone())),
                "case {case}: invented {offset}"
            );
        }
        assert!(verified.records >= read.len() as u64, "case {case}");
        let silent = verified.damage.is_empty() && verified.torn_bytes == 0 && damage.is_empty();
        let lost_without_a_word =
            silent && read.len() < known.len() && log.end(p) == Some(known.len() as u64);
        assert!(!lost_without_a_word, "case {case}");
        let q = log.partition("after", 0).unwrap();
        append(&mut log, q, batch(1, 2, 30));
        assert_eq!(offsets(&log, q).len(), 2, "case {case}: the log must go on");
    }
}

#[test]
fn random_bytes_are_no_segment() {
    for case in 0..CASES / 4 {
        let disk = SimDisk::new(case);
        let dice = Dice(SimDisk::new(case));
        let (log, _) = open(&disk);
        let path = segment_file(1);
        let file = disk.open(&path, OpenMode::Create).unwrap();
        let bytes: Vec<u8> = (0..dice.below(5_000))
            .map(|_| dice.below(256) as u8)
            .collect();
        file.write_at(&bytes, 0).unwrap();
        drop(log);
        let (log, report) = open(&disk);
        assert_eq!((log.bytes(), report.segments), (0, 0), "case {case}");
        assert_eq!(report.abandoned, [path], "case {case}");
    }
}
