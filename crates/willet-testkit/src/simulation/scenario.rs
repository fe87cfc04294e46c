//! What one seed stands for.

use std::collections::BTreeMap;

use willet_core::decision::DecisionConfig;
use willet_core::features::{Back, FeaturesConfig, Impute, Scale};
use willet_core::random::Random;
use willet_core::settings::Value;
use willet_core::windows::{
    Aggregation, BucketConfig, Every, Unit, What, WindowConfig, WindowType,
};
use willet_engine::config::{Adaptation, DetectorConfig, DriftConfig, RetrainConfig, StreamConfig};
use willet_log::LogOptions;
use willet_node::worker::{MemoryBound, WorkerOptions};

use crate::streams::{self, Shape};

/// A stream with its configuration, its sizes and its share of misfortune.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The configuration it begins with.
    pub config: StreamConfig,
    /// Lines of the source.
    pub lines: Vec<Vec<u8>>,
    /// Keys they speak of.
    pub keys: usize,
    /// Values of an event.
    pub width: usize,
    /// Sizes of the log.
    pub log: LogOptions,
    /// Bytes of log that retention leaves.
    pub retention_bytes: u64,
    /// Seed of hashes, fixed for a data folder.
    pub hash_seed: u64,
    /// Largest batch.
    pub batch: usize,
    /// Whether bad lines reach the log, or are held back before it.
    pub logs_bad_lines: bool,
    /// Whether bits flip.
    pub flips: bool,
    /// Crashes planned, by the line after which the power is cut.
    pub crashes: Vec<usize>,
}

/// Bytes of series that a worker may always hold: the largest series of these configurations and some.
const LEAST_RESIDENT: usize = 24_000;

impl Scenario {
    /// The scenario of a seed.
    pub fn draw(random: &mut Random) -> Self {
        let shape = Shape {
            lines: 2_000 + random.below(1_500),
            keys: 1 + random.below(100),
            width: 1 + random.below(3),
            late: share(random, 0.1),
            with_id: share(random, 0.8),
            repeated: share(random, 0.3),
            bad: share(random, 0.02),
            spikes: share(random, 0.03),
        };
        let config = configuration(random);
        let crashes = 3 + random.below(5);
        Self {
            config,
            lines: streams::lines(random, &shape),
            keys: shape.keys,
            width: shape.width,
            log: LogOptions {
                segment_bytes: 2_000 << random.below(8),
                ..LogOptions::default()
            },
            retention_bytes: if random.below(2) == 0 {
                u64::MAX
            } else {
                10_000 << random.below(5)
            },
            hash_seed: random.bits(),
            batch: 8 << random.below(6),
            logs_bad_lines: random.below(2) == 0,
            flips: random.below(5) == 0,
            crashes: (0..crashes).map(|_| random.below(shape.lines)).collect(),
        }
    }

    /// How the worker runs in one life; nothing of it may change a verdict.
    pub fn options(&self, random: &mut Random) -> WorkerOptions {
        WorkerOptions {
            lanes: 1 + random.below(4),
            hash_seed: self.hash_seed,
            memory: MemoryBound::new(LEAST_RESIDENT + random.below(80_000)),
            slice_bytes: 200 << random.below(8),
            replay_checkpoint_records: 100 << random.below(6),
            replay_batch_bytes: 1_000 << random.below(10),
        }
    }
}

fn share(random: &mut Random, most: f64) -> f64 {
    random.unit() * most
}

/// A configuration drawn at random.
fn configuration(random: &mut Random) -> StreamConfig {
    let config = StreamConfig {
        name: "simulated".to_owned(),
        drift: drift(random),
        retrain: retrain(random),
        detector: detector(random),
        decision: decision(random),
        features: features(random),
        seed: random.below(3) as u64,
        allowed_lateness_ms: [0, 1_000, 10_000][random.below(3)],
        duplicate_window: [0, 1, 10, 100][random.below(4)],
        ..StreamConfig::default()
    };
    gathering(random, config)
}

fn drift(random: &mut Random) -> DriftConfig {
    let adaptation = match random.below(6) {
        0 | 1 => Adaptation::Retrain,
        2 => Adaptation::Incremental,
        _ => Adaptation::Report,
    };
    DriftConfig {
        detection: (adaptation != Adaptation::Report).then_some(true),
        // Alarms often, which is what is wanted here.
        test: ["monitor", "page_hinkley", "kswin"][random.below(3)].to_owned(),
        adaptation,
        performance: performance(random),
        ..DriftConfig::default()
    }
}

fn performance(random: &mut Random) -> Option<BTreeMap<String, Value>> {
    let metric = ["anomaly_rate", "accuracy", "recall"].get(random.below(9))?;
    let settings = [
        ("metric".to_owned(), Value::Text((*metric).to_owned())),
        number("window_size", 8),
        number("min_samples", 4),
    ];
    Some(settings.into_iter().collect())
}

fn retrain(random: &mut Random) -> RetrainConfig {
    RetrainConfig {
        auto_retrain: random.below(5) == 0,
        retrain_threshold: [20.0, 60.0, 0.05][random.below(3)],
        cool_down: random.below(20) as u64,
        rows: 10 + random.below(40),
        slice: 2 + random.below(6),
    }
}

/// The same, or with buckets or windows before the detector.
fn gathering(random: &mut Random, config: StreamConfig) -> StreamConfig {
    let seconds = |random: &mut Random| 1.0 + random.below(30) as f64;
    let size = seconds(random);
    let windows = WindowConfig {
        max_rows: 60,
        ..WindowConfig::default()
    };
    let (mut bucket, mut chosen) = (None, None);
    match random.below(9) {
        0 | 1 => {
            bucket = Some(BucketConfig {
                every: Every::seconds(size),
                what: [What::Count, What::Rate, What::Mean][random.below(3)],
                of: Some("f0".to_owned()),
                allowed_lateness: [0.0, 20.0][random.below(2)],
                max_silent: random.below(8) as u64,
            });
        }
        2 => {
            chosen = Some(WindowConfig {
                window_type: WindowType::Session,
                gap: Some(size),
                aggregation: Aggregation::Statistics,
                ..windows
            });
        }
        3 => {
            let slide = 1.0 + random.below(10) as f64;
            chosen = Some(WindowConfig {
                window_unit: Unit::Seconds,
                window_size: Some(size.max(slide)),
                slide_interval: Some(slide),
                ..windows
            });
        }
        4 => {
            chosen = Some(WindowConfig {
                window_type: WindowType::Tumbling,
                window_size: Some(size),
                ..windows
            });
        }
        _ => {}
    }
    StreamConfig {
        bucket,
        windows: chosen,
        ..config
    }
}

/// The configuration with one part drawn anew.
pub(super) fn changed(random: &mut Random, config: &StreamConfig) -> StreamConfig {
    let mut config = config.clone();
    match random.below(9) {
        8 => (config.drift, config.retrain) = (drift(random), retrain(random)),
        0 | 1 => config.detector = detector(random),
        2 => config.decision = decision(random),
        3 => config.features = features(random),
        4 => config.duplicate_window = [0, 3, 30, 300][random.below(4)],
        5 => config.seed += 1,
        6 => config = gathering(random, config),
        _ => config.allowed_lateness_ms += 500,
    }
    config
}

fn decision(random: &mut Random) -> DecisionConfig {
    DecisionConfig {
        contamination: (random.below(2) == 0).then(|| 0.001 + random.unit() * 0.1),
        consecutive: 1 + random.below(2) as u32,
        ..DecisionConfig::default()
    }
}

fn features(random: &mut Random) -> FeaturesConfig {
    let first = |by| {
        vec![Back {
            of: "f0".to_owned(),
            by,
        }]
    };
    match random.below(6) {
        0 => FeaturesConfig {
            lag: first(1 + random.below(3)),
            impute: Impute::Last,
            ..FeaturesConfig::default()
        },
        1 => FeaturesConfig {
            difference: first(1),
            scale: Scale::Robust,
            impute: Impute::Mean,
            ..FeaturesConfig::default()
        },
        _ => FeaturesConfig::default(),
    }
}

fn number(name: &str, value: usize) -> (String, Value) {
    (name.to_owned(), Value::Number(value as f64))
}

fn detector(random: &mut Random) -> DetectorConfig {
    let trees = |random: &mut Random| {
        BTreeMap::from([
            number("n_estimators", 2 + random.below(4)),
            number("depth", 3 + random.below(3)),
            number("window_size", 32 + random.below(32)),
        ])
    };
    let forest = |random: &mut Random| {
        BTreeMap::from([
            number("n_estimators", 3 + random.below(4)),
            number("max_samples", 16),
            number("window_size", 32 + random.below(20)),
            number("update_frequency", 10 + random.below(60)),
        ])
    };
    let statistical =
        |random: &mut Random| BTreeMap::from([number("window_size", 8 + random.below(60))]);
    let (algorithm, settings) = match random.below(8) {
        0 | 1 => ("zscore", statistical(random)),
        2 => ("robust_zscore", statistical(random)),
        3 => ("ewma", statistical(random)),
        4 => ("mad", statistical(random)),
        5 => ("hst", trees(random)),
        6 => ("iforest", forest(random)),
        _ => {
            let members = BTreeMap::from([
                ("zscore".to_owned(), Value::Map(BTreeMap::new())),
                ("hst".to_owned(), Value::Map(trees(random))),
            ]);
            (
                "ensemble",
                BTreeMap::from([("members".to_owned(), Value::Map(members))]),
            )
        }
    };
    DetectorConfig {
        algorithm: algorithm.to_owned(),
        settings,
    }
}
