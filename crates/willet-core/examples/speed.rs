//! Speed of each kind at the settings it is compared with others at, on one core: rows a core second scored and then learned, in
//! batches of 1,000 and one by one, rows a core second only scored, microseconds of an explanation, bytes held at the end.
//!
//! ```text
//! speed [NAME]                 only kinds whose line begins with NAME
//! speed --rows COUNT [NAME]    microseconds a row and bytes after each tenth of so many rows
//! ```
//!
//! Between the columns are tabs.
use willet_core::detectors::{Detector, find};
use willet_core::random::Random;
use willet_core::rows::{Raw, Rows};
use willet_core::settings::Value;

/// Kind, width, settings.
type Case = (&'static str, usize, &'static [(&'static str, f64)]);

const CASES: &[Case] = &[
    ("zscore", 1, &[]),
    ("zscore", 10, &[]),
    ("robust_zscore", 10, &[]),
    ("ewma", 10, &[]),
    ("iqr", 10, &[]),
    ("mad", 10, &[]),
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

/// Rows of a pass, of which a detector sees the same again and again.
const ROWS: usize = 10_000;
/// Rows of a call.
const BATCH: usize = 1_000;
/// Core seconds of measuring each column.
const SECONDS: f64 = 0.5;
/// Rows that are explained in a pass.
const EXPLAINED: usize = 100;

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let rows = arguments
        .next_if(|argument| argument == "--rows")
        .map(|_| arguments.next().and_then(|count| count.parse().ok()));
    let rows = rows.map(|count| count.expect("a number of rows"));
    let wanted = arguments.next().unwrap_or_default();
    for (name, width, settings) in CASES {
        let settings: Vec<_> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::Number(*value)))
            .collect();
        let shown: String = settings
            .iter()
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        let line = format!("{name} d={width}{shown}");
        // Whole words: `auto d=1` is not `auto d=10`.
        let rest = line.strip_prefix(&wanted);
        let is_wanted =
            rest.is_some_and(|rest| wanted.is_empty() || rest.is_empty() || rest.starts_with(' '));
        if !is_wanted {
            continue;
        }
        let (kind, mut options) = find(name).expect("a known name");
        options.extend(settings);
        let detector = kind.build(&options, *width, 1).expect("sound settings");
        match rows {
            Some(rows) => go_far(&line, detector, rows),
            None => measure(&line, detector),
        }
    }
}

/// Independent values of a bell.
fn values(seed: u64, count: usize) -> Vec<f64> {
    let mut random = Random::new(seed);
    let mut normal = || (0..4).map(|_| random.unit()).sum::<f64>() - 2.0;
    (0..count).map(|_| normal()).collect()
}

fn measure(line: &str, mut detector: Box<dyn Detector>) {
    let width = detector.width();
    let values = values(1, ROWS * width);
    let mut out = vec![Raw::WarmingUp; BATCH];
    let mut learn = |detector: &mut dyn Detector, batch: usize| {
        for rows in values.chunks_exact(batch * width) {
            let rows = Rows::new(rows, width).expect("whole rows");
            let learned = detector.score_learn(rows, &mut out[..batch]);
            learned.expect("the width");
        }
    };
    // Past warm-up.
    learn(&mut *detector, BATCH);
    let batches = rate(ROWS, || learn(&mut *detector, BATCH));
    let single = rate(ROWS, || learn(&mut *detector, 1));
    let scored = rate(ROWS, || {
        for rows in values.chunks_exact(BATCH * width) {
            let rows = Rows::new(rows, width).expect("whole rows");
            detector.score(rows, &mut out).expect("the width");
        }
    });
    let explained = rate(EXPLAINED, || {
        for row in values.chunks_exact(width).take(EXPLAINED) {
            std::hint::black_box(detector.explain(row).expect("the width"));
        }
    });
    let (explained, bytes) = (1e6 / explained, detector.memory_bytes());
    println!("{line}\t{batches:.0}\t{single:.0}\t{scored:.0}\t{explained:.1}\t{bytes}");
}

/// What each tenth of so many rows costs; the same come again only after more than any window holds.
fn go_far(line: &str, mut detector: Box<dyn Detector>, rows: usize) {
    let width = detector.width();
    let values = values(1, 100 * BATCH * width);
    let mut batches = values.chunks_exact(BATCH * width).cycle();
    let mut out = vec![Raw::WarmingUp; BATCH];
    let each = rows / 10 / BATCH;
    for tenth in 1..=10 {
        let begun = core_seconds();
        for rows in batches.by_ref().take(each) {
            let rows = Rows::new(rows, width).expect("whole rows");
            detector.score_learn(rows, &mut out).expect("the width");
        }
        let micros = 1e6 * (core_seconds() - begun) / (each * BATCH) as f64;
        let (done, bytes) = (tenth * each * BATCH, detector.memory_bytes());
        println!("{line}\t{done}\t{micros:.3}\t{bytes}");
    }
}

/// How many a core second, `each` of them in a pass: as many passes as fit into [`SECONDS`].
fn rate(each: usize, mut pass: impl FnMut()) -> f64 {
    let begun = core_seconds();
    let mut passes = 0;
    loop {
        pass();
        passes += 1;
        let spent = core_seconds() - begun;
        if spent >= SECONDS {
            return (passes * each) as f64 / spent;
        }
    }
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
