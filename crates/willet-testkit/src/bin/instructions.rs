//! The hot paths, each by itself on the same data, for a tool that counts instructions; see `scripts/instructions.sh`.
//!
//! A path is run twice in two processes: past its warm-up over a number of events, and over twice as many. All else is the same in
//! both, so the difference divided by [`EVENTS`](Path::events) is what an event costs. One thread, fixed seeds, no clock.
#![expect(clippy::print_stdout, reason = "a program for scripts")]

use std::error::Error;
use std::hint::black_box;
use std::path::Path as FilePath;
use std::process::ExitCode;
use std::sync::Arc;

use willet_core::detectors::find;
use willet_core::random::Random;
use willet_core::rows::{Raw, Rows};
use willet_engine::codec::{Column, Decoder, InputConfig, Role};
use willet_engine::config::{DetectorConfig, Plan, StreamConfig};
use willet_engine::event::{EventBatch, EventHead, Layout, Timestamp, key_hash};
use willet_engine::ports::{Clock, PartitionLog as _};
use willet_engine::records::{RecordKind, Records};
use willet_engine::shard::Shard;
use willet_engine::verdict::Verdicts;
use willet_log::disk::{Disk as _, OpenMode, RealDisk};
use willet_log::{DataFolder, LogOptions, Owner};
use willet_node::driver::{Asked, Input, Setup, open_in_folder};
use willet_node::output::{Answers, FileOutput, RowFormat};
use willet_node::worker::{Care, WorkerOptions};

const USAGE: &str = "usage: instructions --list
       instructions PATH once|twice DIR
  --list  each path with the events that `twice` has beyond `once`
  DIR     an empty folder, for what writes";

/// Events of a batch.
const BATCH: usize = 512;
const HASH_SEED: u64 = 5;
/// Time of the first event in seconds; a key speaks once a minute.
const FIRST: i64 = 1_767_225_600;
const STEP: i64 = 60;
/// Bytes of log that stay beside a checkpoint.
const RETENTION_BYTES: u64 = 256 << 20;

/// A hot path: what it does, on how many keys and values, and over how many rows of each key.
struct Path {
    name: &'static str,
    what: What,
    keys: usize,
    width: usize,
    /// Rows of a key before, and rows that count: a multiple of what happens every so many rows (32, 64).
    warm: usize,
    rows: usize,
}

#[derive(Clone, Copy)]
enum What {
    /// A detector by itself.
    Detector(&'static str),
    /// Decoded events through a shard.
    Engine(&'static str),
    /// Records of a form become events.
    Codec(Form),
    /// Records through the log, a shard with z-score and an output, as the driver does it.
    Driver,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Json,
}

#[rustfmt::skip]
const PATHS: &[Path] = &[
    Path { name: "detector-auto-1", what: What::Detector("auto"), keys: 1, width: 1, warm: 4_000, rows: 8_192 },
    Path { name: "detector-auto-10", what: What::Detector("auto"), keys: 1, width: 10, warm: 4_000, rows: 4_096 },
    Path { name: "engine-zscore-1", what: What::Engine("zscore"), keys: 64, width: 1, warm: 320, rows: 256 },
    Path { name: "engine-zscore-10", what: What::Engine("zscore"), keys: 16, width: 10, warm: 320, rows: 256 },
    Path { name: "engine-hst-10", what: What::Engine("hst"), keys: 4, width: 10, warm: 640, rows: 1_024 },
    Path { name: "engine-auto-1", what: What::Engine("auto"), keys: 2, width: 1, warm: 3_000, rows: 4_096 },
    Path { name: "engine-auto-10", what: What::Engine("auto"), keys: 1, width: 10, warm: 3_000, rows: 2_048 },
    Path { name: "codec-ndjson-1", what: What::Codec(Form::Json), keys: 64, width: 1, warm: 32, rows: 256 },
    Path { name: "codec-ndjson-10", what: What::Codec(Form::Json), keys: 64, width: 10, warm: 32, rows: 128 },
    Path { name: "codec-csv-1", what: What::Codec(Form::Csv), keys: 64, width: 1, warm: 32, rows: 256 },
    Path { name: "codec-csv-10", what: What::Codec(Form::Csv), keys: 64, width: 10, warm: 32, rows: 128 },
    Path { name: "driver-zscore-1", what: What::Driver, keys: 64, width: 1, warm: 320, rows: 256 },
];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = match arguments[..] {
        ["--list"] => {
            for path in PATHS {
                println!("{} {}", path.name, path.events());
            }
            Ok(())
        }
        [name, times @ ("once" | "twice"), folder] => {
            let times = if times == "once" { 1 } else { 2 };
            match PATHS.iter().find(|path| path.name == name) {
                Some(path) => path.run(times, FilePath::new(folder)),
                None => Err(format!("there is no path `{name}`\n{USAGE}").into()),
            }
        }
        _ => Err(USAGE.into()),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

impl Path {
    /// Events that count.
    fn events(&self) -> usize {
        self.rows * self.keys
    }

    /// Batches that `once` or `twice` as many events come in, warm-up included.
    fn batches(&self, times: usize) -> usize {
        (self.warm * self.keys + times * self.events()).div_ceil(BATCH)
    }

    fn run(&self, times: usize, folder: &FilePath) -> Result<()> {
        // All data is made either way, so that it counts nothing.
        let load = Load::new(self, self.batches(2) * BATCH);
        let batches = self.batches(times);
        match self.what {
            What::Detector(kind) => run_detector(kind, &load, batches),
            What::Engine(kind) => run_engine(kind, &load, batches),
            What::Codec(form) => run_codec(form, &load, batches),
            What::Driver => run_driver(&load, batches, folder),
        }
    }
}

/// Readings of keys in turn: normal noise around a level of its own for each value, in three decimals.
struct Load {
    names: Vec<(String, u64)>,
    width: usize,
    values: Vec<f64>,
}

impl Load {
    fn new(path: &Path, events: usize) -> Self {
        let mut random = Random::new(1);
        let mut reading = |value: usize| {
            // Twelve uniforms have variance 1.
            let sum: f64 = (0..12).map(|_| random.unit()).sum();
            let reading = 20.0 + 5.0 * value as f64 + 2.0 * (sum - 6.0);
            (reading * 1e3).round() / 1e3
        };
        let named = |key| {
            let name = format!("sensor-{key:07}");
            let hash = key_hash(HASH_SEED, &name);
            (name, hash)
        };
        Self {
            names: (0..path.keys).map(named).collect(),
            width: path.width,
            values: (0..events * path.width)
                .map(|index| reading(index % path.width))
                .collect(),
        }
    }

    fn row(&self, event: usize) -> &[f64] {
        &self.values[event * self.width..(event + 1) * self.width]
    }

    fn second(&self, event: usize) -> i64 {
        FIRST + (event / self.names.len()) as i64 * STEP
    }

    fn decoded(&self) -> Vec<EventBatch> {
        let layout = Arc::new(Layout::positional(self.width));
        let events = self.values.len() / self.width;
        let batch = |first: usize| {
            let mut batch = EventBatch::new();
            for event in first..first + BATCH {
                let (key, key_hash) = &self.names[event % self.names.len()];
                let head = EventHead {
                    offset: event as u64,
                    key,
                    key_hash: *key_hash,
                    id_hash: None,
                    time: Some(Timestamp(self.second(event) * 1_000_000)),
                    label: None,
                };
                batch.push(head, &layout, self.row(event));
            }
            batch
        };
        (0..events).step_by(BATCH).map(batch).collect()
    }

    fn records(&self, form: Form) -> Vec<Records> {
        let events = self.values.len() / self.width;
        let batch = |first: usize| {
            let mut records = Records::new();
            for event in first..first + BATCH {
                let (key, _) = &self.names[event % self.names.len()];
                let (second, row) = (self.second(event), self.row(event));
                let text = match form {
                    Form::Csv => {
                        let row: Vec<String> = row.iter().map(f64::to_string).collect();
                        format!("{second},{key},{}", row.join(","))
                    }
                    Form::Json => {
                        format!(
                            r#"{{"source": "{key}", "timestamp": {second}, "features": {row:?}}}"#
                        )
                    }
                };
                records.push(event as u64, RecordKind::Event, 0, text.as_bytes());
            }
            records
        };
        (0..events).step_by(BATCH).map(batch).collect()
    }

    fn input(&self, form: Form) -> InputConfig {
        if form == Form::Json {
            return InputConfig::json();
        }
        let fixed = [
            Column::new("timestamp", Role::Timestamp),
            Column::new("source", Role::Key),
        ];
        let values = (0..self.width).map(|index| Column::new(format!("v{index}"), Role::Value));
        InputConfig::csv(fixed.into_iter().chain(values))
    }
}

fn plan(kind: &str, input: InputConfig) -> Result<Plan> {
    let config = StreamConfig {
        input,
        detector: DetectorConfig {
            algorithm: kind.to_owned(),
            ..DetectorConfig::default()
        },
        ..StreamConfig::default()
    };
    Ok(Plan::new(config, 1)?)
}

fn run_detector(kind: &str, load: &Load, batches: usize) -> Result<()> {
    let (kind, options) = find(kind)?;
    let mut detector = kind.build(&options, load.width, 1)?;
    let mut out = [Raw::WarmingUp];
    for row in load.values.chunks_exact(load.width).take(batches * BATCH) {
        detector.score_learn(Rows::one(row), &mut out)?;
        black_box(&out);
    }
    Ok(())
}

fn run_engine(kind: &str, load: &Load, batches: usize) -> Result<()> {
    let mut shard = Shard::new(plan(kind, InputConfig::json())?, 1, HASH_SEED);
    let mut verdicts = Verdicts::default();
    for (index, batch) in load.decoded().iter().take(batches).enumerate() {
        shard.on_batch(batch, ((index + 1) * BATCH) as u64, &mut verdicts);
        black_box(&verdicts);
    }
    Ok(())
}

fn run_codec(form: Form, load: &Load, batches: usize) -> Result<()> {
    let mut decoder = Decoder::new(&load.input(form), HASH_SEED)?;
    let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
    for records in load.records(form).iter().take(batches) {
        events.clear();
        decoder.decode(records, 0..records.len(), &mut events, &mut rejections);
        black_box(&events);
    }
    match rejections.first() {
        Some(rejection) => Err(format!("{rejection:?}").into()),
        None => Ok(()),
    }
}

/// Verdicts as short lines: what is measured is not the text.
#[derive(Debug)]
struct Lines;

impl RowFormat for Lines {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn rows(&mut self, answers: &Answers<'_>, out: &mut Vec<u8>) {
        for verdict in answers.rows() {
            let row = &answers.events.rows()[verdict.event as usize];
            out.extend_from_slice(&row.offset.to_le_bytes());
            out.extend_from_slice(&[u8::from(verdict.is_anomaly()), b'\n']);
        }
    }
}

/// A clock that stands still: what it costs to look at one is the system's matter.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(FIRST * 1_000_000)
    }
}

fn run_driver(load: &Load, batches: usize, folder: &FilePath) -> Result<()> {
    let owner = Owner {
        pid: std::process::id(),
        since: 0,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let data = DataFolder::open(Arc::new(RealDisk), folder, &owner)?;
    let file = RealDisk.open(&folder.join("answers"), OpenMode::Create)?;
    let asked = Asked::Same {
        config: plan("zscore", load.input(Form::Json))?.config().clone(),
        takes_input_of_folder: false,
    };
    let options = WorkerOptions {
        hash_seed: HASH_SEED,
        ..WorkerOptions::default()
    };
    let (mut driver, mut log, _) = open_in_folder(
        &data,
        LogOptions::default(),
        RETENTION_BYTES,
        asked,
        |home| Setup {
            options,
            home,
            output: Box::new(FileOutput::new("answers", file, Box::new(Lines))),
            care: Care::default(),
            clock: Arc::new(Still),
            saves: false,
            is_live: false,
        },
        &mut Vec::new(),
    )?;
    let (mut events, mut records) = (load.decoded(), load.records(Form::Json));
    for (records, events) in records.iter_mut().zip(&mut events).take(batches) {
        let offsets = log.append(records)?;
        events.number_from(offsets.start);
        driver.step(&Input::Decoded(records, events), &mut ())?;
    }
    Ok(())
}
