//! Values a second of each drift test, one core.
//!
//! ```text
//! drift_speed [NAME]     only lines that begin with NAME
//! ```
#![expect(
    clippy::disallowed_methods,
    reason = "a measurement is made with a clock"
)]

use std::time::Instant;

use willet_core::drift::{Input, find};
use willet_core::random::Random;
use willet_core::settings::Value;

/// Test, width, settings.
type Case = (&'static str, usize, &'static [(&'static str, f64)]);

const CASES: &[Case] = &[
    ("monitor", 1, &[]),
    ("monitor", 5, &[]),
    ("monitor", 10, &[]),
    ("ks", 1, &[("reference_window", 1_000.0)]),
    (
        "ks",
        1,
        &[("reference_window", 1_000.0), ("window_size", 1_000.0)],
    ),
    ("chi2", 1, &[]),
    ("psi", 1, &[]),
    ("wasserstein", 1, &[]),
    ("permutation", 1, &[]),
    ("adwin", 1, &[]),
    ("page_hinkley", 1, &[]),
    ("kswin", 1, &[]),
    ("ddm", 1, &[]),
    ("eddm", 1, &[]),
    ("hddm", 1, &[]),
    ("hddm_w", 1, &[]),
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
            let (wall, core, bytes) = measure(name, *width, &settings);
            println!("{line}: {wall:.0} rows/s, {core:.0} rows/core-s, {bytes} bytes");
        }
    }
}

/// Rows a second by the clock and by the time on a core, and the bytes held at the end.
fn measure(name: &str, width: usize, settings: &Vec<(String, Value)>) -> (f64, f64, usize) {
    const ROWS: usize = 20_000;
    let mut random = Random::new(1);
    let kind = find(name).expect("a known name");
    let mut value = || match kind.input {
        Input::Values => (0..4).map(|_| random.unit()).sum::<f64>() - 2.0,
        Input::Errors => f64::from(u8::from(random.unit() < 0.2)),
    };
    let values: Vec<f64> = (0..ROWS * width).map(|_| value()).collect();
    let mut detector = kind.build(settings, width, 1).expect("sound settings");
    let mut drifts = 0_u64;
    let mut pass = || {
        let (wall, core) = (Instant::now(), core_seconds());
        for row in values.chunks_exact(width) {
            drifts += u64::from(detector.update(row).expect("the width").is_drift());
        }
        (wall.elapsed().as_secs_f64(), core_seconds() - core)
    };
    // Past warm-up, then as many passes as fit into a second or so.
    pass();
    let first = pass().0;
    let passes = (1.0 / first).clamp(1.0, 5_000.0) as usize;
    let (mut wall, mut core) = (0.0, 0.0);
    for _ in 0..passes {
        let took = pass();
        wall += took.0;
        core += took.1;
    }
    let total = (passes * ROWS) as f64;
    std::hint::black_box(drifts);
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
