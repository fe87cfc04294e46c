use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use willet_core::windows::BucketConfig;
use willet_engine::codec::{Decoder, InputConfig};
use willet_engine::config::StreamConfig;
use willet_engine::event::EventBatch;
use willet_log::{DataFolder, LogOptions, OwnedLog, Owner, SimDisk};

use super::*;
use crate::output::{Answers, OutputError};

const HASH_SEED: u64 = 1;
const SECOND: i64 = 1_000_000;
/// When the tests begin.
const BEGIN: i64 = 1_767_225_600 * SECOND;

/// Shows the verdicts that came, and fails when it is told to.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Vec<String>>>, Arc<AtomicI64>);

impl Seen {
    fn ids(&self) -> Vec<String> {
        self.0.lock().expect("sound").clone()
    }

    fn fail(&self, times: i64) {
        self.1.store(times, Relaxed);
    }
}

impl Output for Seen {
    fn write(&mut self, answers: &Answers<'_>) {
        let ids = answers.indices().map(|index| answers.id(index));
        self.0.lock().expect("sound").extend(ids);
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        if self.1.fetch_sub(1, Relaxed) > 0 {
            let output = "the output".to_owned();
            let source = std::io::ErrorKind::StorageFull.into();
            return Err(OutputError { output, source });
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Relaxed))
    }
}

struct Bench {
    driver: Driver,
    log: OwnedLog,
    clock: Arc<Hand>,
    seen: Seen,
}

fn config() -> StreamConfig {
    StreamConfig {
        name: "pumps".to_owned(),
        ..StreamConfig::default()
    }
}

fn open(disk: &SimDisk, asked: Asked, is_live: bool) -> Result<Bench, OpenError> {
    let owner = Owner {
        pid: 1,
        since: 0,
        version: "test".to_owned(),
    };
    let folder = DataFolder::open(Arc::new(disk.clone()), Path::new("/data"), &owner);
    let folder = folder.expect("a data folder");
    let clock = Arc::new(Hand(AtomicI64::new(BEGIN)));
    let seen = Seen::default();
    let setup = |home| Setup {
        options: WorkerOptions {
            hash_seed: HASH_SEED,
            ..WorkerOptions::default()
        },
        home,
        output: Box::new(seen.clone()),
        care: Care::default(),
        clock: clock.clone(),
        saves: true,
        is_live,
    };
    let options = LogOptions::default();
    let (driver, log, _) = open_in_folder(&folder, options, 0, asked, setup, &mut Vec::new())?;
    Ok(Bench {
        driver,
        log,
        clock,
        seen,
    })
}

impl Bench {
    /// Durable records of a value of each key, with their events.
    fn records(&mut self, keys: &[&str]) -> (Records, EventBatch) {
        let now = self.clock.now().0;
        let mut records = Records::new();
        for (place, key) in keys.iter().enumerate() {
            let text = format!(
                r#"{{"source":"{key}","timestamp":{},"value":1.5}}"#,
                now / SECOND
            );
            records.push(place as u64, RecordKind::Event, now, text.as_bytes());
        }
        self.log.append(&mut records).expect("room");
        let mut decoder = Decoder::new(&InputConfig::json(), HASH_SEED).expect("valid");
        let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
        decoder.decode(&records, 0..records.len(), &mut events, &mut rejections);
        assert_eq!(rejections.len(), 0);
        (records, events)
    }

    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * SECOND, Relaxed);
    }

    fn step(&mut self, input: &Input<'_>) -> Effects {
        self.driver.step(input, &mut ()).expect("a sound disk")
    }
}

/// Counts how often it is called.
struct Calls(usize);

impl Observer for Calls {
    fn answered(&mut self, _: &mut Worker, _: &Input<'_>, _: i64) {
        self.0 += 1;
    }
}

#[test]
fn a_step_that_failed_is_made_again_and_takes_nothing_twice() {
    let mut bench = open(&SimDisk::new(1), Asked::Change(config()), false).expect("new");
    let (records, events) = bench.records(&["a", "b", "a"]);
    bench.seen.fail(3);
    let input = Input::Decoded(&records, &events);
    let mut calls = Calls(0);
    for _ in 0..3 {
        let error = bench.driver.step(&input, &mut calls).expect_err("no room");
        assert!(error.is_full(), "{error}");
    }
    bench
        .driver
        .step(&input, &mut calls)
        .expect("there is room");
    assert_eq!(calls.0, 1);
    // The first record is the configuration.
    assert_eq!(bench.seen.ids(), ["pumps/0/1", "pumps/0/2", "pumps/0/3"]);
    bench.step(&Input::Records(&records));
    assert_eq!(
        bench.seen.ids().len(),
        3,
        "nor as records that a recovery found"
    );
    assert_eq!(bench.driver.worker().shard().next_offset(), 4);
}

#[test]
fn what_was_taken_is_saved_once_time_has_passed_and_the_log_may_go() {
    let disk = SimDisk::new(2);
    let mut bench = open(&disk, Asked::Change(config()), false).expect("new");
    let mut needless = Vec::new();
    for _ in 0..3 {
        let (records, events) = bench.records(&["a"]);
        bench.step(&Input::Decoded(&records, &events));
        bench.pass(6);
        let mut effects = bench.step(&Input::Nothing);
        assert!(effects.is_busy, "a checkpoint has begun");
        while effects.is_busy {
            effects = bench.step(&Input::Nothing);
        }
        assert!(effects.has_checkpointed);
        needless.extend(effects.needless);
        bench.pass(60);
        assert!(!bench.step(&Input::Nothing).is_busy, "nothing is new");
    }
    // The checkpoint before the last one stands in for it.
    assert_eq!(needless.len(), 3);
    assert!(
        needless.is_sorted() && needless[2] > needless[0],
        "{needless:?}"
    );
    drop(bench);
    let mut again = open(&disk, Asked::Change(config()), false).expect("there");
    assert_eq!(again.driver.worker().shard().occupancy().keys, 1);
    assert_eq!(
        again.seen.ids().len(),
        0,
        "all was delivered with the checkpoint"
    );
}

#[test]
fn time_passes_for_a_key_that_fell_silent_while_the_stream_is_live() {
    let bucket: BucketConfig =
        serde_json::from_str(r#"{"every":"10s","what":"count"}"#).expect("valid");
    let config = StreamConfig {
        bucket: Some(bucket),
        ..config()
    };
    for is_live in [true, false] {
        let mut bench =
            open(&SimDisk::new(3), Asked::Change(config.clone()), is_live).expect("new");
        for _ in 0..30 {
            let (records, events) = bench.records(&["a"]);
            bench.step(&Input::Decoded(&records, &events));
            bench.pass(1);
        }
        let mut ticks = 0;
        for _ in 0..60 {
            bench.pass(1);
            if let Some(entry) = bench.step(&Input::Nothing).append {
                assert!(matches!(entry, Entry::Tick { .. }));
                ticks += 1;
                let mut records = records_of(&entry, bench.clock.now());
                bench.log.append(&mut records).expect("room");
                bench.step(&Input::Decoded(&records, &EventBatch::new()));
            }
        }
        let expected = if is_live { 4..=8 } else { 0..=0 };
        assert!(expected.contains(&ticks), "{ticks} ticks in a minute");
        // A stream without newer events is history.
        bench.pass(600);
        assert!(bench.step(&Input::Nothing).append.is_none());
    }
}

#[test]
fn another_configuration_is_written_or_refused_as_asked() {
    let disk = SimDisk::new(4);
    let other = StreamConfig {
        input: InputConfig {
            skip_rows: 1,
            ..InputConfig::json()
        },
        ..config()
    };
    let same = |config| Asked::Same {
        config,
        takes_input_of_folder: false,
    };
    let offsets = |bench: &mut Bench| bench.driver.worker().shard().next_offset();
    let mut bench = open(&disk, same(config()), false).expect("new");
    assert_eq!(offsets(&mut bench), 1);
    drop(bench);
    let mut bench = open(&disk, same(config()), false).expect("the same");
    assert_eq!(offsets(&mut bench), 1, "nothing is written");
    drop(bench);
    let error = open(&disk, same(other.clone()), false)
        .err()
        .expect("another");
    assert!(
        error.to_string().contains("other settings of the input"),
        "{error}"
    );
    let mut bench = open(&disk, Asked::Change(other.clone()), false).expect("changed");
    assert_eq!(offsets(&mut bench), 2);
    assert_eq!(*bench.driver.worker().shard().plan().config(), other);
    drop(bench);
    let mut bench = open(&disk, Asked::Change(other), false).expect("the same");
    assert_eq!(offsets(&mut bench), 2);
}
