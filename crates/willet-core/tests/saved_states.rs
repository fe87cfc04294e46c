//! States that the first version saved are read by every later one and go on as if never stopped, or where decisions have come to know
//! more, go on from the first row. `WILLET_BLESS=1` makes the files of
//! `fixtures/` anew; after a release those of its versions never may be.

use std::fmt::Debug;
use std::path::PathBuf;

use willet_core::decision::{AnomalyType, DecisionConfig};
use willet_core::detectors::{Snapshot, find as find_detector};
use willet_core::drift::{Drift, DriftDetector, Input, KINDS, Kind, PerformanceDrift};
use willet_core::random::Random;
use willet_core::series::{Answer, Series, SeriesConfig};
use willet_core::settings::Value;
use willet_core::windows::{
    Aggregation, BucketConfig, BucketPlan, Buckets, Every, RowWindows, StatisticName, Unit, What,
    Window, WindowConfig, WindowPlan, WindowType,
};

use crate::streams::normal;

/// Compares the answers of what was saved by each version up to this one's with those of one that never stopped.
fn check(
    name: &str,
    saved: &Snapshot,
    expected: &[String],
    go_on: impl Fn(u16, &[u8]) -> Vec<String>,
) {
    for version in 1..=saved.version {
        let bytes = saved_by(name, saved, version);
        assert_eq!(go_on(version, &bytes), expected, "{name} of {version}");
    }
}

/// What a version saved.
fn saved_by(name: &str, saved: &Snapshot, version: u16) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let file = folder.join(format!("{name}-v{version}.bin"));
    if version == saved.version && std::env::var_os("WILLET_BLESS").is_some() {
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        std::fs::write(&file, &saved.bytes).expect("the file can be written");
    }
    std::fs::read(&file)
        .unwrap_or_else(|error| panic!("{}: {error} (a new state: WILLET_BLESS=1)", file.display()))
}

fn told(answers: impl IntoIterator<Item = impl Debug>) -> Vec<String> {
    let answers = answers.into_iter();
    answers.map(|answer| format!("{answer:?}")).collect()
}

/// Rows before a state is saved, and all.
const SAVED: usize = 700;
const ROWS: usize = 1_400;
/// Where streams change.
const CHANGE: usize = 900;
/// Where a saved series has a spike.
const SPIKE: usize = 800;

/// Two features that go together, the first three deviations higher after the change; or errors, more often wrong.
fn stream(input: Input, width: usize) -> Vec<f64> {
    let mut random = Random::new(17);
    let mut values = Vec::new();
    for i in 0..ROWS {
        let is_changed = i >= CHANGE;
        let common = normal(&mut random);
        for feature in 0..width {
            values.push(match input {
                Input::Values if is_changed && feature == 0 => common + 3.0,
                Input::Values => common + normal(&mut random),
                Input::Errors => {
                    f64::from(u8::from(random.unit() < if is_changed { 0.7 } else { 0.1 }))
                }
            });
        }
    }
    values
}

fn update(detector: &mut dyn DriftDetector, values: &[f64]) -> Vec<String> {
    let rows = values.chunks_exact(detector.width());
    let answers = rows.map(|row| {
        let drift = detector.update(row).expect("the width");
        format!("{drift:?} {:?}", detector.features())
    });
    answers.collect()
}

fn check_drift(name: &str, kind: &Kind, input: Input, width: usize) {
    let values = stream(input, width);
    let (before, after) = values.split_at(SAVED * width);
    let mut whole = kind.build(&Vec::new(), width, 7).expect("defaults");
    let _ = update(&mut *whole, before);
    let saved = whole.snapshot();
    let expected = update(&mut *whole, after);
    assert!(
        expected.iter().any(|drift| drift.contains("level: Drift")),
        "{name}"
    );
    check(name, &saved, &expected, |version, bytes| {
        let restored = kind.restore(&Vec::new(), width, 7, version, bytes);
        let mut restored = restored.unwrap_or_else(|error| panic!("{name}: {error}"));
        update(&mut *restored, after)
    });
}

#[test]
fn saved_drift_tests_go_on() {
    for kind in KINDS {
        check_drift(&format!("drift-{}", kind.name), kind, kind.input, 2);
    }
    // It keeps a rate in another way than ranks.
    let monitor = KINDS.iter().find(|kind| kind.name == "monitor");
    let monitor = monitor.expect("in the table");
    check_drift("drift-monitor_rate", monitor, Input::Errors, 1);
}

#[test]
fn a_saved_performance_drift_goes_on() {
    let options = vec![
        ("metric".to_owned(), Value::Text("f1".to_owned())),
        ("window_size".to_owned(), Value::Number(200.0)),
    ];
    let feed = |drift: &mut PerformanceDrift, rows: std::ops::Range<u64>| -> Vec<Drift> {
        let verdict = |row: u64| row.is_multiple_of(5);
        let label = |row: u64| verdict(row) != (row > 900 && row.is_multiple_of(2));
        let mut answers = Vec::new();
        for row in rows {
            answers.push(drift.update(verdict(row)));
            if let Some(late) = row.checked_sub(10).filter(|late| late % 7 != 0) {
                answers.push(drift.add_label(late, label(late)).expect("waited for"));
            }
        }
        answers
    };
    let mut whole = PerformanceDrift::new(&options).expect("valid");
    let _ = feed(&mut whole, 0..700);
    let saved = whole.snapshot();
    let expected = feed(&mut whole, 700..1_400);
    assert!(expected.iter().any(Drift::is_drift));
    check("performance", &saved, &told(expected), |version, bytes| {
        let restored = PerformanceDrift::restore(&options, version, bytes);
        told(feed(&mut restored.expect("readable"), 700..1_400))
    });
}

fn names() -> Vec<Box<str>> {
    ["speed", "load"].map(Box::from).into()
}

/// Events with a time in microseconds: some late, some after a silence, values missing now and then.
fn events() -> Vec<(i64, [f64; 2])> {
    let mut random = Random::new(23);
    let mut time = 1_767_323_045_000_000;
    let events = (0..200).map(|i| {
        time += if i % 37 == 36 {
            400_000_000
        } else {
            11_000_000
        };
        let late = if i % 9 == 4 { 45_000_000 } else { 0 };
        let load = if i % 13 == 7 { f64::NAN } else { random.unit() };
        (time - late, [normal(&mut random), load])
    });
    events.collect()
}

/// Events before a state is saved.
const SAVED_EVENTS: usize = 120;

fn check_windows(name: &str, config: &WindowConfig) {
    let feed = |windows: &mut RowWindows, events: &[(i64, [f64; 2])]| {
        let mut closed = Vec::new();
        let mut show = |window: Window<'_>| {
            let rows: Vec<_> = window.rows().collect();
            let (id, revision, span) = (window.id, window.revision, window.span);
            let (merged, cut, statistics) = (window.merged_into, window.is_cut, window.statistics);
            closed.push(format!(
                "{id} {revision} {span:?} {merged:?} {cut} {statistics:?} {rows:?}"
            ));
        };
        let mut last = 0;
        for (time, row) in events {
            let _ = windows.push(Some(*time), row, &mut show).expect("usable");
            last = last.max(*time);
        }
        windows.tick(last + 3_600_000_000, show);
        closed
    };
    let plan = WindowPlan::new(config, &names()).expect("valid");
    let events = events();
    let (before, after) = events.split_at(SAVED_EVENTS);
    let mut whole = RowWindows::new(plan.clone());
    for (time, row) in before {
        let _ = whole.push(Some(*time), row, |_| ()).expect("usable");
    }
    let saved = whole.snapshot();
    let expected = feed(&mut whole, after);
    assert!(expected.len() > 2, "{name}: {expected:?}");
    check(
        &format!("windows-{name}"),
        &saved,
        &expected,
        |version, bytes| {
            let restored = RowWindows::restore(plan.clone(), version, bytes);
            feed(&mut restored.expect("readable"), after)
        },
    );
}

#[test]
fn saved_windows_go_on() {
    let statistics = WindowConfig {
        aggregation: Aggregation::Statistics,
        statistics: vec![
            StatisticName::Mean,
            StatisticName::StandardDeviation,
            StatisticName::Maximum,
            StatisticName::Quantiles,
        ],
        ..WindowConfig::default()
    };
    let by_time = WindowConfig {
        window_unit: Unit::Seconds,
        allowed_lateness: 60.0,
        ..statistics.clone()
    };
    check_windows(
        "sliding_samples",
        &WindowConfig {
            window_size: Some(20.0),
            slide_interval: Some(5.0),
            ..statistics
        },
    );
    check_windows(
        "sliding",
        &WindowConfig {
            window_size: Some(300.0),
            slide_interval: Some(60.0),
            ..by_time.clone()
        },
    );
    check_windows(
        "tumbling",
        &WindowConfig {
            window_type: WindowType::Tumbling,
            window_size: Some(300.0),
            ..by_time.clone()
        },
    );
    check_windows(
        "session",
        &WindowConfig {
            window_type: WindowType::Session,
            gap: Some(120.0),
            ..by_time
        },
    );
}

#[test]
fn saved_buckets_go_on() {
    let config = BucketConfig {
        every: Every::seconds(60.0),
        what: What::Mean,
        of: Some("load".to_owned()),
        allowed_lateness: 120.0,
        max_silent: 3,
    };
    let plan = BucketPlan::new(&config, &names()).expect("valid");
    let feed = |buckets: &mut Buckets, events: &[(i64, [f64; 2])]| {
        let mut closed = Vec::new();
        for (time, row) in events {
            let pushed = buckets.push(*time, row, |bucket| closed.push(bucket));
            let _ = pushed.expect("usable");
        }
        told(closed)
    };
    let events = events();
    let (before, after) = events.split_at(SAVED_EVENTS);
    let mut whole = Buckets::new(plan.clone());
    let _ = feed(&mut whole, before);
    let saved = whole.snapshot();
    let expected = feed(&mut whole, after);
    assert!(expected.len() > 10);
    check("buckets", &saved, &expected, |version, bytes| {
        let restored = Buckets::restore(plan.clone(), version, bytes);
        feed(&mut restored.expect("readable"), after)
    });
}

#[test]
fn a_saved_series_goes_on() {
    let (kind, options) = find_detector("zscore").expect("known");
    let decision = DecisionConfig::default();
    let config = SeriesConfig {
        kind,
        options: &options,
        names: vec!["speed".to_owned(), "load".to_owned()],
        seed: 7,
        key: "pump",
        decision: &decision,
        learn_every: 10,
    };
    let mut rows = stream(Input::Values, 2);
    rows[2 * SPIKE] += 20.0;
    let feed = |series: &mut Series, rows: &[f64], first: usize| -> Vec<Answer> {
        let rows = rows.chunks_exact(2).enumerate();
        let answers = rows.map(|(i, row)| {
            let time = (first + i) as i64 * 1_000_000;
            series.take(row, Some(time)).expect("the width")
        });
        answers.collect()
    };
    let (before, after) = rows.split_at(2 * (SAVED + 3));
    let mut whole = Series::new(&config).expect("valid");
    let _ = feed(&mut whole, before, 0);
    // Its version is within its bytes.
    let saved = Snapshot {
        kind: kind.name,
        version: 2,
        bytes: whole.save(),
    };
    let expected = feed(&mut whole, after, SAVED + 3);
    let spikes = |answers: &[Answer]| -> Vec<usize> {
        let is_spike = |answer: &Answer| {
            matches!(answer, Answer::Scored(scored) if scored.reason.as_ref().is_some_and(|reason| {
                reason.anomaly_type == Some(AnomalyType::Spike)
            }))
        };
        let places = answers.iter().zip(SAVED + 3..);
        let spikes = places.filter(|(answer, _)| is_spike(answer));
        spikes.map(|(_, place)| place).collect()
    };
    let before_change = |places: Vec<usize>| -> Vec<usize> {
        let places = places.into_iter();
        places.filter(|place| *place < CHANGE).collect()
    };
    assert_eq!(before_change(spikes(&expected)), [SPIKE]);
    let go_on = |version| {
        let bytes = saved_by("series", &saved, version);
        let mut restored = Series::restore(&config, &bytes).expect("readable");
        feed(&mut restored, after, SAVED + 3)
    };
    assert_eq!(go_on(saved.version), expected);
    // It knew no sizes: those are learned anew, what was learned of scores stays.
    let former = go_on(1);
    let is_scored = |answer: &Answer| matches!(answer, Answer::Scored(_));
    assert!(former.iter().all(is_scored));
    let scores = |answers: &[Answer]| -> Vec<f64> {
        let before = answers.iter().take(SPIKE - SAVED - 3);
        let scores = before.filter_map(|answer| match answer {
            Answer::Scored(scored) => Some(scored.score),
            _ => None,
        });
        scores.collect()
    };
    assert_eq!(scores(&former), scores(&expected));
    assert_eq!(before_change(spikes(&former)), [SPIKE]);
}
