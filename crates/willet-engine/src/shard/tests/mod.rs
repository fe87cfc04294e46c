use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::checkpoint::Chunk;
use crate::chunk::entry_state;
use crate::config::DetectorConfig;
use crate::event::{EventHead, Layout};
use crate::verdict::{AnomalyType, Misfit};
use willet_core::decision::{DecisionConfig, Direction};
use willet_core::random::Random;

const HASH_SEED: u64 = 99;

/// A log in memory: what was taken, in order.
#[derive(Clone)]
enum Item {
    Event {
        key: String,
        time: Option<i64>,
        id: Option<u64>,
        values: Vec<f64>,
    },
    Journal(Entry),
}

fn event(key: &str, value: f64) -> Item {
    Item::Event {
        key: key.to_owned(),
        time: None,
        id: None,
        values: vec![value],
    }
}

fn timed(key: &str, time: i64, value: f64) -> Item {
    Item::Event {
        key: key.to_owned(),
        time: Some(time),
        id: None,
        values: vec![value],
    }
}

fn config(algorithm: &str) -> StreamConfig {
    let detector = DetectorConfig {
        algorithm: algorithm.to_owned(),
        ..Default::default()
    };
    StreamConfig {
        detector,
        duplicate_window: 50,
        ..Default::default()
    }
}

fn shard(config: &StreamConfig, lanes: usize) -> Shard {
    Shard::new(
        Plan::new(config.clone(), 1).expect("valid"),
        lanes,
        HASH_SEED,
    )
}

/// Events from many keys, now and then a spike.
fn stream(seed: u64, events: usize, keys: usize) -> Vec<Item> {
    let mut random = Random::new(seed);
    (0..events)
        .map(|_| {
            let key = format!("key-{}", random.below(keys));
            let spike = if random.below(200) == 0 { 40.0 } else { 0.0 };
            event(&key, 10.0 + random.unit() * 5.0 + spike)
        })
        .collect()
}

/// A driver as small as can be: a shard over a log in memory, chunks in a map.
struct Driver {
    shard: Shard,
    objects: BTreeMap<String, Vec<u8>>,
    said: BTreeMap<u64, Verdict>,
    /// Of windows that closed, by id, in the order in which they did.
    closed: Vec<(String, Said)>,
}

/// A window's key, begin in seconds, values, and whether it is an anomaly; `None` where it was not scored.
type Said = (String, Option<i64>, Vec<f64>, Option<bool>);

impl Driver {
    fn new(shard: Shard) -> Self {
        Self {
            shard,
            objects: BTreeMap::new(),
            said: BTreeMap::new(),
            closed: Vec::new(),
        }
    }

    fn load(&mut self, missing: Vec<(String, ChunkRef)>) {
        for (key, place) in missing {
            let chunk = &self.objects[&place.chunk.object_name("p")];
            let entry = &chunk[place.range().start as usize..place.range().end as usize];
            self.shard
                .load(&key, entry_state(&key, entry).ok())
                .expect("sound state");
        }
    }

    fn note_closed(&mut self, out: &Verdicts) {
        let Some(closed) = &out.closed else { return };
        for (index, verdict) in closed.verdicts.rows.iter().enumerate() {
            let event = verdict.event as usize;
            let window = &closed.verdicts.windows[index];
            let said = (
                closed.events.key(event).to_owned(),
                window.begin.map(|begin| begin.0 / 1_000_000),
                closed.events.values(event).to_vec(),
                matches!(verdict.outcome, Outcome::Scored(_)).then(|| verdict.is_anomaly()),
            );
            self.closed.push((window.id("s").to_string(), said));
        }
    }

    fn run(&mut self, log: &[Item], from: usize, to: usize, batch_size: usize) {
        let mut at = from;
        while at < to {
            if let Item::Journal(entry) = &log[at] {
                if let Entry::Tick { at: time } = entry {
                    let missing = self.shard.missing_at(*time, at as u64, usize::MAX);
                    let missing = missing.iter();
                    let missing = missing.map(|missing| (missing.key.to_owned(), missing.at));
                    let missing = missing.collect();
                    self.load(missing);
                }
                let mut out = Verdicts::default();
                self.shard
                    .on_journal(at as u64, entry.clone(), &mut out)
                    .expect("valid entry");
                self.note_closed(&out);
                at += 1;
                continue;
            }
            let mut batch = EventBatch::new();
            let end = (at + batch_size).min(to);
            while at < end {
                let Item::Event {
                    key,
                    time,
                    id,
                    values,
                } = &log[at]
                else {
                    break;
                };
                let head = EventHead {
                    offset: at as u64,
                    key,
                    key_hash: key_hash(HASH_SEED, key),
                    id_hash: *id,
                    time: time.map(Timestamp),
                    label: None,
                };
                batch.push(head, &Arc::new(Layout::positional(values.len())), values);
                at += 1;
            }
            let missing: Vec<(String, ChunkRef)> = self
                .shard
                .missing(&batch)
                .iter()
                .map(|missing| (missing.key.to_owned(), missing.at))
                .collect();
            self.load(missing);
            let mut out = Verdicts::default();
            self.shard.on_batch(&batch, at as u64, &mut out);
            self.note_closed(&out);
            for verdict in out.rows {
                if verdict.outcome != Outcome::AlreadyLearned {
                    // The index inside its batch depends on how the log was cut.
                    let offset = batch.rows()[verdict.event as usize].offset;
                    let mut verdict = Verdict {
                        event: 0,
                        ..verdict
                    };
                    if let Outcome::Scored(scored) = &mut verdict.outcome {
                        scored.detail = scored.detail.map(|_| 0);
                    }
                    self.said.insert(offset, verdict);
                }
            }
        }
    }

    fn write(&mut self, chunk: Chunk) {
        self.objects.insert(chunk.id.object_name("p"), chunk.bytes);
        self.shard.chunk_is_durable(chunk.id);
    }

    fn checkpoint(&mut self) -> Manifest {
        self.shard.begin_checkpoint();
        while let Some(chunk) = self.shard.cut(2_000) {
            self.write(chunk);
        }
        self.finish()
    }

    fn finish(&mut self) -> Manifest {
        let manifest = self
            .shard
            .finish_checkpoint()
            .expect("all is cut and written");
        let named: Vec<String> = manifest
            .chunks
            .iter()
            .map(|chunk| chunk.id.object_name("p"))
            .collect();
        self.objects.retain(|name, _| named.contains(name));
        Manifest::decode(&manifest.encode()).expect("sound")
    }

    fn restore(&self, manifest: &Manifest, lanes: usize) -> Self {
        let mut shard = Shard::restore(manifest, lanes, HASH_SEED).expect("sound");
        for chunk in &manifest.chunks {
            let bytes = &self.objects[&chunk.id.object_name("p")];
            shard.know(&ChunkIndex::of(chunk.id, bytes).expect("sound"));
        }
        Self {
            shard,
            objects: self.objects.clone(),
            said: BTreeMap::new(),
            closed: Vec::new(),
        }
    }
}

fn whole(config: &StreamConfig, log: &[Item]) -> BTreeMap<u64, Verdict> {
    let mut driver = Driver::new(shard(config, 1));
    driver.run(log, 0, log.len(), log.len());
    driver.said
}

#[test]
fn any_lanes_and_any_batches_give_the_same_bits() {
    let log = stream(1, 6_000, 40);
    for algorithm in ["zscore", "hst", "ensemble"] {
        let expected = whole(&config(algorithm), &log);
        assert!(
            expected.values().any(Verdict::is_anomaly),
            "{algorithm} flags nothing"
        );
        for (lanes, batch_size) in [(1, 1), (2, 100), (16, 777), (16, 6_000)] {
            let mut driver = Driver::new(shard(&config(algorithm), lanes));
            driver.run(&log, 0, log.len(), batch_size);
            assert!(
                driver.said == expected,
                "{algorithm}, {lanes} lanes, batches of {batch_size}"
            );
        }
    }
}

#[test]
fn details_stay_with_their_events_on_any_number_of_lanes() {
    let log = stream(2, 4_000, 20);
    let run = |lanes: usize| {
        let mut shard = shard(&config("zscore"), lanes);
        let mut batch = EventBatch::new();
        for (at, item) in log.iter().enumerate() {
            let Item::Event { key, values, .. } = item else {
                continue;
            };
            let hash = key_hash(HASH_SEED, key);
            let head = EventHead {
                offset: at as u64,
                key,
                key_hash: hash,
                id_hash: None,
                time: None,
                label: None,
            };
            batch.push(head, &Arc::new(Layout::positional(1)), values);
        }
        let mut out = Verdicts::default();
        shard.on_batch_forked(&batch, log.len() as u64, &mut out, |tasks| {
            std::thread::scope(|scope| {
                for task in tasks {
                    scope.spawn(move || task.run());
                }
            });
        });
        (out.rows, out.found)
    };
    let expected = run(1);
    assert!(!expected.1.details.is_empty());
    assert!(run(16) == expected);
}

#[test]
fn a_checkpoint_at_any_place_and_a_replay_give_the_run_that_never_stopped() {
    let mut log = stream(3, 3_000, 30);
    log.insert(
        700,
        Item::Journal(Entry::Reset {
            key: Some("key-3".to_owned()),
        }),
    );
    log.insert(1_500, Item::Journal(Entry::Reset { key: None }));
    let narrower = StreamConfig {
        decision: DecisionConfig {
            contamination: Some(0.01),
            ..Default::default()
        },
        ..config("zscore")
    };
    log.insert(
        2_200,
        Item::Journal(Entry::Configure {
            config: Box::new(narrower),
        }),
    );
    log.insert(
        2_500,
        Item::Journal(Entry::Configure {
            config: Box::new(config("hst")),
        }),
    );
    let expected = whole(&config("zscore"), &log);
    for (begin, end) in [
        (0, 400),
        (699, 702),
        (700, 1_800),
        (1_499, 1_502),
        (2_000, 2_600),
        (3_003, 3_004),
    ] {
        let mut driver = Driver::new(shard(&config("zscore"), 3));
        driver.run(&log, 0, begin, 64);
        driver.checkpoint();
        // A second checkpoint whose slices are cut while events go on.
        driver.run(&log, begin, usize::midpoint(begin, end), 64);
        driver.shard.begin_checkpoint();
        let mut at = usize::midpoint(begin, end);
        while let Some(chunk) = driver.shard.cut(500) {
            driver.write(chunk);
            let to = (at + 7).min(end);
            driver.run(&log, at, to, 3);
            at = to;
        }
        let manifest = driver.finish();
        driver.run(&log, at, end, 64);

        let mut restored = driver.restore(&manifest, 2);
        restored.run(&log, manifest.low_water as usize, log.len(), 50);
        for (offset, verdict) in &restored.said {
            assert_eq!(
                verdict, &expected[offset],
                "checkpoint {begin}..{end}, record {offset}"
            );
        }
        let delivered_before = |offset: &u64| driver.said.get(offset) == expected.get(offset);
        assert!(
            expected
                .keys()
                .all(|offset| restored.said.contains_key(offset) || delivered_before(offset))
        );
    }
}

#[test]
fn eviction_changes_nothing_but_memory() {
    let log = stream(4, 8_000, 200);
    let expected = whole(&config("zscore"), &log);
    let mut driver = Driver::new(shard(&config("zscore"), 2));
    let limit = 40_000;
    let mut largest = 0;
    for at in (0..log.len()).step_by(50) {
        driver.run(&log, at, at + 50, 50);
        while driver.shard.occupancy().resident_bytes > limit {
            let goal = driver.shard.occupancy().resident_bytes - limit;
            match driver.shard.evict(goal, 100_000) {
                Some(chunk) => driver.write(chunk),
                None if driver.shard.occupancy().resident_bytes > limit => {}
                None => break,
            }
        }
        largest = largest.max(driver.shard.occupancy().resident_bytes);
        if at % 1_000 == 0 {
            driver.checkpoint();
        }
    }
    assert!(driver.said == expected);
    assert_eq!(driver.shard.occupancy().keys, 200);
    assert!(largest <= limit, "{largest}");
    let manifest = driver.checkpoint();
    let restored = driver.restore(&manifest, 1);
    assert_eq!(restored.shard.occupancy().keys, 200);
    assert_eq!(restored.shard.occupancy().resident_bytes, 0);
}

#[test]
fn a_key_whose_saved_state_is_damaged_leaves_memory_like_any_other() {
    let log = stream(4, 500, 1);
    let mut driver = Driver::new(shard(&config("zscore"), 1));
    driver.run(&log, 0, 500, 50);
    let manifest = driver.checkpoint();
    let mut restored = driver.restore(&manifest, 1);
    // Nobody speaks of it: a checkpoint takes it up to move it.
    assert!(restored.shard.load("key-0", None).is_err());
    assert!(restored.shard.occupancy().resident_bytes > 0);
    for _ in 0..3 {
        if let Some(chunk) = restored.shard.evict(1, 100_000) {
            restored.write(chunk);
        }
    }
    assert_eq!(restored.shard.occupancy().resident_bytes, 0);
}

#[test]
fn a_chunk_that_cannot_be_written_is_cut_again() {
    let log = stream(5, 1_000, 20);
    let mut driver = Driver::new(shard(&config("zscore"), 1));
    driver.run(&log, 0, 500, 100);
    driver.shard.begin_checkpoint();
    let chunk = driver.shard.cut(1_000).expect("something changed");
    driver.shard.chunk_failed(chunk.id);
    assert!(!driver.shard.is_checkpointing());
    assert!(driver.shard.finish_checkpoint().is_none());
    let manifest = driver.checkpoint();
    let mut restored = driver.restore(&manifest, 1);
    assert_eq!(restored.shard.occupancy().keys, 20);
    restored.run(&log, 500, 1_000, 100);
    let expected = whole(&config("zscore"), &log);
    assert!(
        restored
            .said
            .iter()
            .all(|(offset, verdict)| verdict == &expected[offset])
    );
}

#[test]
fn damaged_state_starts_the_key_anew_and_says_so() {
    let log = stream(6, 500, 3);
    let mut driver = Driver::new(shard(&config("zscore"), 1));
    driver.run(&log, 0, 500, 100);
    let manifest = driver.checkpoint();
    let mut restored = driver.restore(&manifest, 1);
    assert!(restored.shard.load("key-0", None).is_err());
    assert!(
        restored
            .shard
            .load("key-1", Some(b"\x00\x01nonsense"))
            .is_err()
    );
    restored.run(&[log, vec![event("key-0", 1.0)]].concat(), 500, 501, 1);
    assert_eq!(restored.said[&500].outcome, Outcome::WarmingUp);
    assert_eq!(restored.said[&500].sample_count, 1);
}

#[test]
fn late_and_repeated_events_are_marked() {
    let mut log = vec![
        timed("a", 1_000, 1.0),
        timed("a", 3_000, 1.0),
        timed("a", 2_000, 1.0),
        timed("b", 500, 1.0),
    ];
    log.push(Item::Journal(Entry::Tick {
        at: Timestamp(10_000),
    }));
    log.push(timed("b", 9_000, 1.0));
    for id in [7, 8, 7] {
        log.push(Item::Event {
            key: "c".to_owned(),
            time: None,
            id: Some(id),
            values: vec![1.0],
        });
    }
    let said = whole(&config("zscore"), &log);
    let late: Vec<u64> = said
        .iter()
        .filter(|(_, verdict)| verdict.is_late)
        .map(|(offset, _)| *offset)
        .collect();
    assert_eq!(late, [2, 5], "behind its own series, and behind the tick");
    assert_eq!(said[&8].outcome, Outcome::Duplicate);
    assert_eq!(said[&7].sample_count, 2);

    let patient = StreamConfig {
        allowed_lateness_ms: 2,
        ..config("zscore")
    };
    let said = whole(&patient, &log);
    assert!(said.values().all(|verdict| !verdict.is_late));
}

#[test]
fn poisoned_records_are_skipped_wherever_they_stand() {
    let mut log = stream(7, 300, 1);
    log[250] = event("key-0", 1e50);
    let mut driver = Driver::new(shard(&config("zscore"), 1));
    driver.shard.poison(250);
    driver.run(&log, 0, 300, 300);
    assert_eq!(driver.said[&250].outcome, Outcome::Poisoned);
    let manifest = driver.checkpoint();
    assert_eq!(manifest.shard.poisoned, [250]);
}

#[test]
fn values_that_do_not_fit_their_series_are_refused_and_the_rest_goes_on() {
    let mut shard = shard(&config("zscore"), 1);
    let mut batch = EventBatch::new();
    let layouts = [
        Layout::named(["a", "b"]),
        Layout::named(["b", "a", "new"]),
        Layout::positional(2),
        Layout::named(["c"]),
        Layout::named(["a"]),
    ];
    for (offset, layout) in layouts.into_iter().enumerate() {
        let values = vec![1.0; layout.width()];
        let head = EventHead {
            offset: offset as u64,
            key: "k",
            key_hash: key_hash(HASH_SEED, "k"),
            id_hash: None,
            time: None,
            label: None,
        };
        batch.push(head, &Arc::new(layout), &values);
    }
    let mut out = Verdicts::default();
    shard.on_batch(&batch, 5, &mut out);
    let refused: Vec<Option<Misfit>> = out.rows.iter().map(Verdict::rejection).collect();
    assert_eq!(
        refused,
        // A new name joins.
        [None, None, Some(Misfit::Form), None, None]
    );
    assert_eq!(out.rows[4].sample_count, 4);

    let mut shard = self::shard(&config("zscore"), 1);
    let log = [
        Item::Event {
            key: "k".into(),
            time: None,
            id: None,
            values: vec![1.0; 3],
        },
        event("k", 1.0),
    ];
    let mut driver = Driver::new(std::mem::replace(
        &mut shard,
        self::shard(&config("zscore"), 1),
    ));
    driver.run(&log, 0, 2, 2);
    assert_eq!(
        driver.said[&1].outcome,
        Outcome::Rejected(Misfit::Width {
            expected: 3,
            found: 1
        })
    );
}

#[test]
fn direction_and_ignore_bands_apply_to_the_guilty_value() {
    let flagged = |decision: DecisionConfig, spike: f64| {
        let mut log: Vec<Item> = (0..300)
            .map(|i| event("k", 100.0 + f64::from(i % 10) / 10.0))
            .collect();
        log.push(event("k", spike));
        let config = StreamConfig {
            decision,
            ..config("zscore")
        };
        let mut driver = Driver::new(shard(&config, 1));
        driver.run(&log, 0, 301, 301);
        driver.said[&300].is_anomaly()
    };
    let default = DecisionConfig::default;
    assert!(flagged(default(), 120.0) && flagged(default(), 80.0));
    assert!(flagged(
        DecisionConfig {
            direction: Direction::Up,
            ..default()
        },
        120.0
    ));
    assert!(!flagged(
        DecisionConfig {
            direction: Direction::Up,
            ..default()
        },
        80.0
    ));
    assert!(!flagged(
        DecisionConfig {
            ignore_absolute: 25.0,
            ..default()
        },
        120.0
    ));
    assert!(!flagged(
        DecisionConfig {
            ignore_relative: 0.3,
            ..default()
        },
        80.0
    ));
}

#[test]
fn an_anomaly_is_explained() {
    let mut shard = shard(&config("zscore"), 1);
    let mut random = Random::new(8);
    let mut batch = EventBatch::new();
    let layout = Arc::new(Layout::named(["temperature", "vibration"]));
    for offset in 0..400 {
        let values = if offset == 399 {
            [70.0, -9.0]
        } else {
            [70.0 + random.unit(), random.unit()]
        };
        let head = EventHead {
            offset,
            key: "pump-7",
            key_hash: key_hash(HASH_SEED, "pump-7"),
            id_hash: None,
            time: None,
            label: None,
        };
        batch.push(head, &layout, &values);
    }
    let mut out = Verdicts::default();
    shard.on_batch(&batch, 400, &mut out);
    let Outcome::Scored(scored) = out.rows[399].outcome else {
        panic!("{:?}", out.rows[399])
    };
    let detail = out.detail(&scored).expect("an anomaly has a detail");
    assert!(scored.is_anomaly && scored.anomaly_score > scored.threshold);
    assert_eq!(&*detail.names[1], "vibration");
    assert!(detail.contributions[1] > 0.9 && detail.anomaly_type == Some(AnomalyType::Dip));
    assert!((0.3..0.7).contains(&detail.expected[1].middle));
}

#[test]
fn a_series_saved_under_a_later_model_than_the_replay_begins_with_keeps_it() {
    let mut log = stream(8, 600, 2);
    log.insert(300, Item::Journal(Entry::Reset { key: None }));
    let expected = whole(&config("zscore"), &log);
    let mut driver = Driver::new(shard(&config("zscore"), 1));
    driver.run(&log, 0, 200, 50);
    // Low water lies before the reset, all that is cut after it.
    driver.shard.begin_checkpoint();
    driver.run(&log, 200, 400, 50);
    while let Some(chunk) = driver.shard.cut(1_000) {
        driver.write(chunk);
    }
    let manifest = driver.finish();
    let mut restored = driver.restore(&manifest, 1);
    restored.run(&log, 200, log.len(), 50);
    for offset in 400..log.len() as u64 {
        assert_eq!(restored.said[&offset], expected[&offset], "record {offset}");
    }
}

#[test]
fn a_replay_that_is_given_a_later_configuration_counts_model_versions_as_the_first_run() {
    let begin = |algorithm: &str| {
        Item::Journal(Entry::Configure {
            config: Box::new(config(algorithm)),
        })
    };
    let mut log = vec![begin("zscore")];
    log.extend(stream(9, 100, 2));
    log.push(begin("hst"));
    log.extend(stream(9, 100, 2));
    assert!(whole(&config("zscore"), &log) == whole(&config("hst"), &log));
}

mod changes;
mod decisions;
mod names;
mod retrain;
mod windows;
