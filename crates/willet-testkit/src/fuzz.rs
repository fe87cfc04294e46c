//! Mutated bytes into every reader: none may panic, and none may pass off what it was not given.
//!
//! The mutations are seeded and know what is near: bits, bytes, cuts, doubled and swapped pieces, numbers at their edges.

use std::path::Path;
use std::sync::Arc;

use willet_core::detectors::{KINDS, Kind, find};
use willet_core::random::Random;
use willet_core::rows::{Raw, Rows};
use willet_engine::chunk::{ChunkId, ChunkIndex, entry_state};
use willet_engine::codec::{
    Column, Decoder, InferOptions, InputConfig, Role, TimestampUnit, infer, timestamp,
};
use willet_engine::event::EventBatch;
use willet_engine::journal::Entry;
use willet_engine::manifest::Manifest;
use willet_engine::records::{RecordKind, Records};
use willet_log::disk::{Disk, OpenMode};
use willet_log::{DataFolder, Log, LogOptions, Owner, SimDisk, verify};

/// One reader that takes bytes from outside.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Feeds it one case made from a seed.
    pub run: fn(&mut Random),
}

/// Every reader of bytes from outside.
pub const TARGETS: &[Target] = &[
    Target {
        name: "codec_json",
        run: codec_json,
    },
    Target {
        name: "codec_csv",
        run: codec_csv,
    },
    Target {
        name: "infer",
        run: infer_config,
    },
    Target {
        name: "timestamp",
        run: timestamps,
    },
    Target {
        name: "journal",
        run: journal,
    },
    Target {
        name: "chunk",
        run: chunk,
    },
    Target {
        name: "manifest",
        run: manifest,
    },
    Target {
        name: "detector_state",
        run: detector_state,
    },
    Target {
        name: "log",
        run: log,
    },
];

/// Runs one case of every target.
pub fn round(seed: u64) {
    for (index, target) in TARGETS.iter().enumerate() {
        (target.run)(&mut Random::new(
            seed.wrapping_mul(TARGETS.len() as u64) + index as u64,
        ));
    }
}

const JSON: [&[u8]; 6] = [
    br#"{"source": "pump-7", "timestamp": "2026-01-02T03:04:05.678Z", "values": {"temperature": 71.2, "vibration": 0.31}}"#,
    br#"{"source": "pump-7", "timestamp": 1767323045.678, "features": [71.2, 0.31]}"#,
    br#"{"source": "pump-7", "metric": "temperature", "value": 71.2, "timestamp": "2026-01-02T03:04:05Z"}"#,
    br#"{"site": "dock-3", "event_type": "location", "timestamp": "1767323045678", "lat": 1.1, "lon": -2.2e-3}"#,
    br#"{"key": "\u00e9\"", "id": 17, "label": true, "x": null, "nested": {"a": [1, {"b": []}]}}"#,
    br#"{"a": 1e308, "b": -0.0, "c": 5e-324, "d": 123456789012345678901234567890}"#,
];

const CSV: [&[u8]; 4] = [
    b"2026-01-02T03:04:05Z,pump-7,71.2,0",
    b"1767323045,\"two, \"\"three\"\"\",NA,1",
    b",,,",
    b"2014-02-14 14:30,x,-1e-7,true",
];

fn codec_json(random: &mut Random) {
    decode(random, &InputConfig::json(), &JSON);
}

fn codec_csv(random: &mut Random) {
    let roles = [
        ("t", Role::Timestamp),
        ("k", Role::Key),
        ("v", Role::Value),
        ("label", Role::Label),
    ];
    decode(
        random,
        &InputConfig::csv(roles.map(|(name, role)| Column::new(name, role))),
        &CSV,
    );
}

/// Every record becomes an event or a rejection, and each value is one that a detector can take.
fn decode(random: &mut Random, config: &InputConfig, samples: &[&[u8]]) {
    let mut records = Records::new();
    for offset in 0..8 {
        records.push(offset, RecordKind::Event, 0, &mutate_one(random, samples));
    }
    let mut decoder = Decoder::new(config, 1).expect("the configuration is valid");
    let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
    decoder.decode(&records, 0..records.len(), &mut events, &mut rejections);
    assert_eq!(
        events.len() + rejections.len(),
        records.len(),
        "a record got lost"
    );
    for event in events.indices() {
        assert!(
            events
                .values(event)
                .iter()
                .all(|value| value.is_nan() || value.abs() <= 1e100)
        );
        assert_eq!(events.values(event).len(), events.layout(event).width());
    }
    assert!(
        rejections
            .iter()
            .all(|rejection| !rejection.reason.to_string().is_empty())
    );
}

fn infer_config(random: &mut Random) {
    let samples: [&[u8]; 3] = [
        b"time,value\n1,2.5\n2,2.6\n",
        b"a;b;c\n1;2;3\n4;5;6\n",
        b"{\"x\":1,\"t\":5}\n{\"x\":2,\"t\":6}\n",
    ];
    if let Ok(inferred) = infer(&mutate_one(random, &samples), &InferOptions::default()) {
        inferred
            .config
            .validate()
            .expect("what was inferred is valid");
    }
}

fn timestamps(random: &mut Random) {
    let samples: [&[u8]; 4] = [
        b"2026-01-02T03:04:05.678901Z",
        b"2014-02-14 14:30:00+05:30",
        b"1767323045678",
        b"2026-02-29",
    ];
    let bytes = mutate_one(random, &samples);
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return;
    };
    if let Ok(time) = timestamp::parse(text, TimestampUnit::Auto) {
        let mut written = Vec::new();
        timestamp::write_rfc3339(&mut written, time);
        let written = String::from_utf8(written).expect("ASCII");
        assert_eq!(
            timestamp::parse(&written, TimestampUnit::Auto),
            Ok(time),
            "{text} was written as {written}"
        );
    }
}

fn journal(random: &mut Random) {
    let samples: [&[u8]; 3] = [
        br#"{"type":"tick","at":1767323045678000}"#,
        br#"{"type":"reset","key":"pump-7"}"#,
        br#"{"type":"configure","config":{"name":"a","detector":{"algorithm":"hst","depth":4}}}"#,
    ];
    if let Ok(entry) = Entry::decode(0, &mutate_one(random, &samples)) {
        assert_eq!(
            Entry::decode(0, &entry.encode()).expect("what was written can be read"),
            entry
        );
    }
}

/// A shard with some series, saved.
fn saved() -> (Vec<u8>, Manifest) {
    let config = willet_engine::config::StreamConfig::default();
    let plan = willet_engine::config::Plan::new(config, 1).expect("the default is valid");
    let mut shard = willet_engine::shard::Shard::new(plan, 1, 1);
    let mut records = Records::new();
    for offset in 0..200 {
        let line = format!("{{\"source\":\"key-{}\",\"x\":{}}}", offset % 3, offset % 7);
        records.push(offset, RecordKind::Event, 0, line.as_bytes());
    }
    let mut decoder = Decoder::new(&InputConfig::json(), 1).expect("valid");
    let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
    decoder.decode(&records, 0..200, &mut events, &mut rejections);
    shard.on_batch(
        &events,
        200,
        &mut willet_engine::verdict::Verdicts::default(),
    );
    shard.begin_checkpoint();
    let chunk = shard.cut(usize::MAX).expect("something changed");
    shard.chunk_is_durable(chunk.id);
    (chunk.bytes, shard.finish_checkpoint().expect("all is cut"))
}

fn chunk(random: &mut Random) {
    let (bytes, _) = saved();
    let mutated = mutate(random, &bytes);
    let Ok(index) = ChunkIndex::of(ChunkId(0), &mutated) else {
        return;
    };
    for (key, at) in index.iter() {
        let range = at.range();
        let entry = mutated
            .get(range.start as usize..range.end as usize)
            .unwrap_or_default();
        if let Ok(state) = entry_state(key, entry) {
            let original = bytes
                .windows(state.len().max(1))
                .any(|window| window == state);
            assert!(original, "a state that was never written was taken for one");
        }
    }
}

fn manifest(random: &mut Random) {
    let (_, manifest) = saved();
    let bytes = manifest.encode();
    let mutated = mutate(random, &bytes);
    if let Ok(read) = Manifest::decode(&mutated) {
        assert!(
            mutated == bytes && read == manifest,
            "a manifest that was never written was taken for one"
        );
    }
}

/// Checksums stand around states; one that is taken all the same must be safe to use.
fn detector_state(random: &mut Random) {
    let names: Vec<&str> = KINDS.iter().flat_map(Kind::names).collect();
    let (kind, mut options) = find(names[random_index(random, names.len())]).expect("known");
    if kind.name == "hst" || kind.name == "iforest" {
        options.push((
            "n_estimators".to_owned(),
            willet_core::settings::Value::Number(3.0),
        ));
    }
    let mut detector = kind.build(&options, 2, 5).expect("valid");
    let values: Vec<f64> = (0..140).map(|i| f64::from(i * 37 % 11)).collect();
    let rows = Rows::new(&values, 2).expect("whole rows");
    detector.learn(rows).expect("right width");
    let snapshot = detector.snapshot();
    if let Ok(mut restored) = kind.restore(
        &options,
        2,
        5,
        snapshot.version,
        &mutate(random, &snapshot.bytes),
    ) {
        let mut out = vec![Raw::WarmingUp; rows.len()];
        restored.score_learn(rows, &mut out).expect("right width");
        restored.explain(&values[..2]).expect("right width");
        restored.snapshot();
    }
}

/// A log whose file was mutated opens, reads and verifies without a record that was never appended.
fn log(random: &mut Random) {
    let disk = SimDisk::new(random.bits());
    let folder = Path::new("/data");
    let owner = Owner {
        pid: 1,
        since: 0,
        version: "fuzz".to_owned(),
    };
    let payload = |offset: u64| format!("record {offset} {}", "x".repeat(offset as usize % 40));
    {
        let opened =
            DataFolder::open(Arc::new(disk.clone()), folder, &owner).expect("a new folder");
        let (mut log, _) = Log::open(&opened, options()).expect("a new log");
        let partition = log.partition("s", 0).expect("a name");
        for append in 0..6 {
            let mut records = Records::new();
            (0..5).for_each(|index| {
                records.push(
                    index,
                    RecordKind::Event,
                    0,
                    payload(append * 5 + index).as_bytes(),
                );
            });
            log.append(partition, &mut records).expect("it fits");
            log.commit().expect("the disk works");
        }
        if random.below(2) == 0 {
            log.close().expect("the disk works");
        }
    }
    let log_folder = folder.join("log");
    let files = disk.list(&log_folder).expect("the log is there");
    let name = &files[random_index(random, files.len())].name;
    let file = disk
        .open(&log_folder.join(name), OpenMode::Edit)
        .expect("listed");
    let mut bytes = vec![0; file.len().expect("a file").min(1 << 14) as usize];
    let read = file.read_at(&mut bytes, 0).expect("readable");
    let mutated = mutate(random, &bytes[..read]);
    file.set_len(0).expect("writable");
    file.write_at(&mutated, 0).expect("writable");
    file.sync_data().expect("the disk works");
    drop(file);

    // Any answer but a panic; if it opens, what it gives was appended.
    let _ = verify(&disk, folder);
    let opened =
        DataFolder::open(Arc::new(disk), folder, &owner).expect("the folder itself is whole");
    let Ok((log, _)) = Log::open(&opened, options()) else {
        return;
    };
    let partitions: Vec<_> = log.partitions().map(|(id, ..)| id).collect();
    for partition in partitions {
        let mut reader = log.reader(partition, 0);
        while let Ok(records) = reader.next_batch(1 << 20) {
            if records.is_empty() {
                break;
            }
            for (head, found) in records.iter() {
                assert_eq!(
                    found,
                    payload(head.offset).as_bytes(),
                    "a record that was never appended"
                );
            }
        }
    }
}

fn mutate_one(random: &mut Random, samples: &[&[u8]]) -> Vec<u8> {
    let sample = samples[random.below(samples.len())];
    mutate(random, sample)
}

/// Small segments: preallocated space is zeros, and reading them teaches nothing.
fn options() -> LogOptions {
    LogOptions {
        segment_bytes: 4 << 10,
        ..LogOptions::default()
    }
}

fn random_index(random: &mut Random, count: usize) -> usize {
    random.below(count)
}

/// A few small changes.
fn mutate(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.below(4) {
        if bytes.is_empty() {
            bytes.push(random.bits() as u8);
        }
        let at = random.below(bytes.len());
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.bits() as u8,
            2 => bytes[at] = [0, 0x7f, 0x80, 0xff, b'"', b'{', b',', b'\n'][random.below(8)],
            3 => bytes.truncate(at),
            4 => bytes.insert(at, random.bits() as u8),
            5 => drop(bytes.remove(at)),
            6 => {
                let piece: Vec<u8> =
                    bytes[at..(at + 1 + random.below(24)).min(bytes.len())].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => {
                let other = random.below(bytes.len());
                bytes.swap(at, other);
            }
        }
    }
    bytes
}
