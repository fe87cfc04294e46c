//! Rows a second of each kind at the settings it is compared with others at, score and learn, one core.
//!
//! ```text
//! speed [NAME]     only kinds whose line begins with NAME
//! ```
#![allow(
    clippy::disallowed_methods,
    reason = "a measurement is made with a clock"
)]

use std::time::Instant;

use willet_core::detectors::find;
use willet_core::random::Random;
use willet_core::rows::{Raw, Rows};
use willet_core::settings::Value;

/// Kind, width, settings.
type Case = (&'static str, usize, &'static [(&'static str, f64)]);

const CASES: &[Case] = &[
    ("zscore", 1, &[]),
    ("zscore", 10, &[]),
    ("hst", 10, &[("n_estimators", 25.0), ("depth", 15.0)]),
    ("hst", 10, &[("n_estimators", 25.0), ("depth", 8.0)]),
    (
        "iforest",
        10,
        &[
            ("n_estimators", 100.0),
            ("window_size", 1_000.0),
            ("update_frequency", 1_000.0),
        ],
    ),
    ("rcf", 10, &[]),
    ("rcf", 1, &[("shingle_size", 8.0)]),
    (
        "lof",
        10,
        &[("n_neighbors", 20.0), ("window_size", 1_000.0)],
    ),
    ("knn", 10, &[("window_size", 1_000.0)]),
    ("copod", 10, &[("window_size", 1_000.0)]),
    ("ecod", 10, &[("window_size", 1_000.0)]),
    ("hbos", 10, &[("window_size", 1_000.0)]),
    ("loda", 10, &[("window_size", 1_000.0)]),
    ("ocsvm", 10, &[("window_size", 1_000.0)]),
    ("mahalanobis", 10, &[]),
    ("auto", 1, &[]),
    ("auto", 10, &[]),
    ("seasonal", 1, &[]),
    ("pca", 10, &[]),
    ("autoencoder", 10, &[]),
    ("rare", 10, &[]),
];

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    for (name, width, settings) in CASES {
        let settings: Vec<_> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::Number(*value)))
            .collect();
        let shown: Vec<String> = settings
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let line = format!("{name} d={width} {}", shown.join(" "));
        if line.starts_with(&wanted) {
            let (wall, core, bytes) = measure(name, *width, settings);
            println!("{line}: {wall:.0} rows/s, {core:.0} rows/core-s, {bytes} bytes");
        }
    }
}

/// Rows a second by the clock and by the time on a core, and the bytes held at the end.
fn measure(name: &str, width: usize, settings: Vec<(String, Value)>) -> (f64, f64, usize) {
    const ROWS: usize = 10_000;
    let mut random = Random::new(1);
    let mut normal = || (0..4).map(|_| random.unit()).sum::<f64>() - 2.0;
    let values: Vec<f64> = (0..ROWS * width).map(|_| normal()).collect();
    let rows = Rows::new(&values, width).expect("whole rows");
    let (kind, mut options) = find(name).expect("a known name");
    options.extend(settings);
    let mut detector = kind.build(&options, width, 1).expect("sound settings");
    let mut out = vec![Raw::WarmingUp; ROWS];
    let mut pass = || {
        let (wall, core) = (Instant::now(), core_seconds());
        detector.score_learn(rows, &mut out).expect("the width");
        (wall.elapsed().as_secs_f64(), core_seconds() - core)
    };
    // Past warm-up, then as many passes as fit into a second or two.
    let first = pass().0;
    let passes = (1.5 / first).clamp(1.0, 2_000.0) as usize;
    let (mut wall, mut core) = (0.0, 0.0);
    for _ in 0..passes {
        let took = pass();
        wall += took.0;
        core += took.1;
    }
    let total = (passes * ROWS) as f64;
    (total / wall, total / core, detector.memory_bytes())
}

/// Seconds that this process had a core, as Linux counts them.
fn core_seconds() -> f64 {
    let counted = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = counted
        .split(' ')
        .next()
        .and_then(|n| n.parse::<f64>().ok());
    nanos.unwrap_or_default() / 1e9
}
