//! Many keys: their memory, and how soon they are back after a restart.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use willet_engine::codec::InputConfig;
use willet_engine::event::{EventBatch, EventHead, Layout, Timestamp, key_hash};
use willet_engine::ports::PartitionLog as _;
use willet_engine::records::{RecordKind, Records};
use willet_engine::shard::Shard;
use willet_engine::verdict::Verdicts;
use willet_log::disk::{Disk as _, OpenMode, RealDisk};
use willet_log::{DataFolder, LogOptions, OwnedLog, Owner};
use willet_node::clock::SystemClock;
use willet_node::driver::{Asked, Driver, Input, Setup, open_in_folder};
use willet_node::output::{Answers, FileOutput, RowFormat};
use willet_node::worker::{Care, WorkerOptions};

use crate::Result;
use crate::clock::{Clock, print_rate, resident_bytes};
use crate::data::{HASH_SEED, Noise, key_name};
use crate::engine::plan;

/// Events of a batch.
const BATCH: usize = 4_096;

/// Events of all keys in turn.
pub(crate) struct Rounds {
    names: Vec<(String, u64)>,
    layout: Arc<Layout>,
    noise: Noise,
    next: usize,
}

impl Rounds {
    pub(crate) fn new(keys: usize) -> Self {
        let named = |key| {
            let name = key_name(key);
            let hash = key_hash(HASH_SEED, &name);
            (name, hash)
        };
        Self {
            names: (0..keys).map(named).collect(),
            // As the codec calls the one value of `{"value": 1}`.
            layout: Arc::new(Layout::named(["value"])),
            noise: Noise::new(3),
            next: 0,
        }
    }

    /// Fills a batch, and its records where they are asked for.
    pub(crate) fn fill(
        &mut self,
        events: &mut EventBatch,
        mut records: Option<&mut Records>,
        count: usize,
    ) {
        use std::io::Write as _;
        events.clear();
        if let Some(records) = records.as_deref_mut() {
            records.clear();
        }
        let mut text = Vec::new();
        for index in 0..count {
            let (key, key_hash) = &self.names[self.next];
            self.next = (self.next + 1) % self.names.len();
            let value = self.noise.reading(0);
            let head = EventHead {
                offset: index as u64,
                key,
                key_hash: *key_hash,
                id_hash: None,
                time: Some(Timestamp(1_767_225_600_000_000)),
                label: None,
            };
            events.push(head, &self.layout, &[value]);
            if let Some(records) = records.as_deref_mut() {
                text.clear();
                let _ = write!(
                    text,
                    r#"{{"source":"{key}","timestamp":1767225600,"value":{value}}}"#
                );
                records.push(index as u64, RecordKind::Event, 0, &text);
            }
        }
    }
}

pub(crate) fn memory(keys: usize, events: usize) -> Result<()> {
    let mut rounds = Rounds::new(keys);
    let mut shard = Shard::new(plan("zscore", InputConfig::json())?, 1, HASH_SEED);
    let (mut batch, mut verdicts) = (EventBatch::new(), Verdicts::default());
    rounds.fill(&mut batch, None, BATCH);
    rounds.next = 0;
    verdicts.rows.reserve(BATCH);
    let before = resident_bytes();
    let (mut taken, mut next_offset) = (0, 0_u64);
    let clock = Clock::start();
    let mut longest = 0.0_f64;
    while taken < keys * events {
        rounds.fill(&mut batch, None, BATCH.min(keys * events - taken));
        batch.number_from(next_offset);
        next_offset += batch.len() as u64;
        let begun = Instant::now();
        shard.on_batch(&batch, next_offset, &mut verdicts);
        longest = longest.max(begun.elapsed().as_secs_f64());
        taken += batch.len();
    }
    let spent = clock.spent();
    let occupancy = shard.occupancy();
    let each = |bytes: f64| bytes / occupancy.keys as f64;
    println!("keys {} keys", occupancy.keys);
    println!("resident {:.0} bytes/key", each(resident_bytes() - before));
    println!(
        "occupancy_series {:.0} bytes/key",
        each(occupancy.resident_bytes as f64)
    );
    println!(
        "occupancy_index {:.0} bytes/key",
        each(occupancy.index_bytes as f64)
    );
    println!("longest_batch_of_{BATCH} {:.1} ms", longest * 1e3);
    print_rate("events_per_second_with_making", taken, spent, "events");
    Ok(())
}

/// Verdicts as short lines: what is measured is not the text.
#[derive(Debug)]
struct Lines;

impl RowFormat for Lines {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn rows(&mut self, answers: &Answers<'_>, out: &mut Vec<u8>) {
        use std::io::Write as _;
        for verdict in answers.rows() {
            let row = &answers.events.rows()[verdict.event as usize];
            let flag = u8::from(verdict.is_anomaly());
            let _ = writeln!(out, "{},{flag}", row.offset);
        }
    }
}

/// Bytes of log that stay beside the checkpoint.
const RETENTION_BYTES: u64 = 256 << 20;

/// A driver and its log.
pub(crate) struct Process {
    pub(crate) driver: Driver,
    pub(crate) log: OwnedLog,
}

impl Process {
    /// Saves all and closes the log.
    pub(crate) fn close(mut self) -> Result<()> {
        let needless = self.driver.save()?;
        self.log.needless(Some(needless))?;
        Ok(self.log.close()?)
    }
}

pub(crate) fn open(path: &Path, slice_bytes: usize) -> Result<Process> {
    let owner = Owner {
        pid: std::process::id(),
        since: 0,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let folder = DataFolder::open(Arc::new(RealDisk), path, &owner)?;
    let answers = path.join("answers.csv");
    let mode = if answers.exists() {
        OpenMode::Edit
    } else {
        OpenMode::Create
    };
    let file = RealDisk.open(&answers, mode)?;
    let asked = Asked::Same {
        config: plan("zscore", InputConfig::json())?.config().clone(),
        takes_input_of_folder: false,
    };
    let options = WorkerOptions {
        hash_seed: HASH_SEED,
        slice_bytes,
        ..WorkerOptions::default()
    };
    let (driver, log, _) = open_in_folder(
        &folder,
        LogOptions::default(),
        RETENTION_BYTES,
        asked,
        |home| Setup {
            options,
            home,
            output: Box::new(FileOutput::new("answers", file, Box::new(Lines))),
            care: Care::default(),
            clock: Arc::new(SystemClock),
            // The bench says when.
            saves: false,
            is_live: false,
        },
        &mut Vec::new(),
    )?;
    Ok(Process { driver, log })
}

/// Appends, takes and hands on one batch, as the pipeline does.
pub(crate) fn take(
    process: &mut Process,
    records: &mut Records,
    events: &mut EventBatch,
) -> Result<()> {
    process.log.append(records)?;
    events.number_from(records.head(0).offset);
    process
        .driver
        .step(&Input::Decoded(records, events), &mut ())?;
    Ok(())
}

/// Gives every key so many events.
pub(crate) fn feed(process: &mut Process, rounds: &mut Rounds, count: usize) -> Result<()> {
    let (mut events, mut records) = (EventBatch::new(), Records::new());
    let mut taken = 0;
    let clock = Clock::start();
    while taken < count {
        rounds.fill(
            &mut events,
            Some(&mut records),
            (16 * BATCH).min(count - taken),
        );
        taken += events.len();
        take(process, &mut records, &mut events)?;
    }
    print_rate("fill_events_per_second", taken, clock.spent(), "events");
    Ok(())
}

pub(crate) fn fill(path: &Path, keys: usize, events: usize) -> Result<()> {
    std::fs::create_dir_all(path)?;
    let mut process = open(path, WorkerOptions::default().slice_bytes)?;
    let mut rounds = Rounds::new(keys);
    feed(&mut process, &mut rounds, keys * events)?;
    let clock = Clock::start();
    let keys = process.driver.worker().shard().occupancy().keys;
    process.close()?;
    let spent = clock.spent();
    println!("close {:.2} s", spent.wall);
    println!("keys {keys} keys");
    Ok(())
}

pub(crate) fn restart(path: &Path, started: Instant) -> Result<()> {
    let clock = Clock::start();
    let mut process = open(path, WorkerOptions::default().slice_bytes)?;
    let opened = clock.spent();
    let keys = process.driver.worker().shard().occupancy().keys;
    let known = process.driver.worker().shard().next_offset();
    let key = key_name(keys / 2);
    let mut records = Records::new();
    let text = format!(r#"{{"source":"{key}","timestamp":1767225601,"value":90.5}}"#);
    records.push(0, RecordKind::Event, 0, text.as_bytes());
    let mut rounds = Rounds::new(1);
    rounds.names[0] = (key.clone(), key_hash(HASH_SEED, &key));
    let mut events = EventBatch::new();
    rounds.fill(&mut events, None, 1);
    take(&mut process, &mut records, &mut events)?;
    let first = started.elapsed().as_secs_f64();
    println!("keys {keys} keys");
    println!("records_before {known} records");
    println!("open {:.3} s", opened.wall);
    println!("open_cpu {:.3} cpu-s", opened.cpu);
    println!("restart_to_first_verdict {first:.3} s");
    println!("resident {:.1} MiB", resident_bytes() / f64::from(1 << 20));
    // A key that began anew would have said so here.
    if let Some(trouble) = process.driver.worker().take_troubles().pop() {
        return Err(trouble.into());
    }
    Ok(())
}
