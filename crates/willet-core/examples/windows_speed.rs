//! Rows a second of windows and buckets, one core.
//!
//! ```text
//! windows_speed [NAME]     only lines that begin with NAME
//! ```
#![expect(
    clippy::disallowed_methods,
    reason = "a measurement is made with a clock"
)]

use std::time::Instant;

use willet_core::random::Random;
use willet_core::windows::{
    Aggregation, BucketConfig, BucketPlan, Buckets, Every, RowWindows, StatisticName, Unit, What,
    WindowConfig, WindowPlan,
};

const MOMENTS: &[StatisticName] = &[
    StatisticName::Mean,
    StatisticName::StandardDeviation,
    StatisticName::Minimum,
    StatisticName::Maximum,
];
const SLOPE: &[StatisticName] = &[StatisticName::Slope];
const ORDER: &[StatisticName] = &[
    StatisticName::Quantiles,
    StatisticName::Distinct,
    StatisticName::Entropy,
];
const ALL: &[StatisticName] = &[
    StatisticName::Mean,
    StatisticName::StandardDeviation,
    StatisticName::Minimum,
    StatisticName::Maximum,
    StatisticName::Quantiles,
    StatisticName::Slope,
    StatisticName::Count,
    StatisticName::Distinct,
    StatisticName::Entropy,
];

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    for width in [1, 10] {
        for (name, statistics) in [
            ("moments", MOMENTS),
            ("slope", SLOPE),
            ("order", ORDER),
            ("all", ALL),
        ] {
            let line = format!("{name}, last 1,000 rows, after each row, d={width}");
            if line.starts_with(&wanted) {
                print(&line, &measure_windows(statistics, width, Unit::Samples));
            }
        }
        let line = format!("all, last 1,000 s at a row a second, each second, d={width}");
        if line.starts_with(&wanted) {
            print(&line, &measure_windows(ALL, width, Unit::Seconds));
        }
    }
    for what in [What::Count, What::Mean] {
        let line = format!("buckets, {what:?}, 100 events in each");
        if line.starts_with(&wanted) {
            print(&line, &measure_buckets(what));
        }
    }
}

struct Figures {
    wall: f64,
    core: f64,
    bytes: usize,
}

fn print(line: &str, figures: &Figures) {
    let Figures { wall, core, bytes } = figures;
    println!("{line}: {wall:.0} rows/s, {core:.0} rows/core-s, {bytes} bytes");
}

fn names(width: usize) -> Vec<Box<str>> {
    (0..width).map(|i| format!("v{i}").into()).collect()
}

fn measure_windows(statistics: &[StatisticName], width: usize, unit: Unit) -> Figures {
    const ROWS: usize = 20_000;
    let config = WindowConfig {
        window_size: Some(1_000.0),
        window_unit: unit,
        aggregation: Aggregation::Statistics,
        statistics: statistics.to_vec(),
        ..WindowConfig::default()
    };
    let plan = WindowPlan::new(&config, &names(width)).expect("sound settings");
    let mut windows = RowWindows::new(plan);
    let mut random = Random::new(1);
    let values: Vec<f64> = (0..ROWS * width).map(|_| random.unit()).collect();
    let (mut time, mut sum) = (0, 0.0);
    let (wall, core) = repeat(ROWS, || {
        for row in values.chunks_exact(width) {
            time += 1_000_000;
            let taken = windows.push(Some(time), row, |window| sum += window.statistics[0]);
            assert!(taken.is_ok());
        }
    });
    std::hint::black_box(sum);
    Figures {
        wall,
        core,
        bytes: windows.memory_bytes(),
    }
}

fn measure_buckets(what: What) -> Figures {
    const EVENTS: usize = 1_000_000;
    let config = BucketConfig {
        every: Every::seconds(60.0),
        what,
        of: (what == What::Mean).then(|| "v0".to_owned()),
        allowed_lateness: 60.0,
        max_silent: 1_000,
    };
    let plan = BucketPlan::new(&config, &names(1)).expect("sound settings");
    let mut buckets = Buckets::new(plan);
    let (mut time, mut sum) = (0, 0.0);
    let (wall, core) = repeat(EVENTS, || {
        for i in 0..EVENTS {
            time += 600_000;
            let taken = buckets.push(time, &[i as f64], |bucket| sum += bucket.value);
            assert!(taken.is_ok());
        }
    });
    std::hint::black_box(sum);
    Figures {
        wall,
        core,
        bytes: buckets.memory_bytes(),
    }
}

/// Rows a second by the clock and by the time on a core, of a pass that is repeated for a second or so after the first two.
fn repeat(rows: usize, mut pass: impl FnMut()) -> (f64, f64) {
    pass();
    let start = Instant::now();
    pass();
    let passes = (1.0 / start.elapsed().as_secs_f64()).clamp(1.0, 5_000.0) as usize;
    let (wall, core) = (Instant::now(), core_seconds());
    (0..passes).for_each(|_| pass());
    let total = (passes * rows) as f64;
    (
        total / wall.elapsed().as_secs_f64(),
        total / (core_seconds() - core),
    )
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
