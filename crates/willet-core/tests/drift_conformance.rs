//! What every drift test of the table must do.

use willet_core::drift::{Drift, DriftDetector, Input, KINDS, Kind, Level, find};
use willet_core::error::{ConfigError, RestoreError};
use willet_core::random::Random;
use willet_core::settings::Value;

use crate::streams::normal;

const WIDTH: usize = 3;
const ROWS: usize = 4_000;
/// Row at which streams with a drift have it.
const CHANGE: usize = 2_500;

fn build(kind: &Kind, width: usize) -> Box<dyn DriftDetector> {
    kind.build(&Vec::new(), width, 7)
        .expect("defaults are valid")
}

/// Rows of what the kind takes; from `change` on each feature is three deviations higher, or wrong six times as often.
fn stream(kind: &Kind, seed: u64, width: usize, rows: usize, change: usize) -> Vec<f64> {
    let mut random = Random::new(seed);
    let mut values = Vec::new();
    for i in 0..rows * width {
        let is_changed = i / width >= change;
        values.push(match kind.input {
            Input::Values => normal(&mut random) + if is_changed { 3.0 } else { 0.0 },
            Input::Errors => {
                f64::from(u8::from(random.unit() < if is_changed { 0.6 } else { 0.1 }))
            }
        });
    }
    values
}

fn update(detector: &mut dyn DriftDetector, values: &[f64]) -> Vec<Drift> {
    let width = detector.width();
    let rows = values.chunks_exact(width);
    rows.map(|row| detector.update(row).expect("the width"))
        .collect()
}

fn drifts(answers: &[Drift]) -> Vec<usize> {
    let rows = answers.iter().enumerate();
    rows.filter(|(_, drift)| drift.is_drift())
        .map(|(row, _)| row)
        .collect()
}

#[test]
fn a_large_shift_is_found_and_its_features_are_named() {
    for kind in KINDS {
        for width in [1, WIDTH] {
            let mut detector = build(kind, width);
            let mut random = Random::new(11);
            let mut values = stream(kind, 1, width, ROWS, CHANGE);
            // All features but the first stay as they were.
            let still = stream(kind, random.bits(), width, ROWS, ROWS);
            for (row, still) in values
                .chunks_exact_mut(width)
                .zip(still.chunks_exact(width))
            {
                row[1..].copy_from_slice(&still[1..]);
            }
            let mut found = None;
            for (i, row) in values.chunks_exact(width).enumerate() {
                let drift = detector.update(row).expect("the width");
                assert!(drift.statistic.is_finite(), "{}", kind.name);
                assert!(
                    (0.0..=1.0).contains(&drift.magnitude),
                    "{}: {drift:?}",
                    kind.name
                );
                assert!(drift.p_value.is_none_or(|p| (0.0..=1.0).contains(&p)));
                let named = detector.features();
                assert_eq!(
                    named.is_empty(),
                    drift.level == Level::None,
                    "{}",
                    kind.name
                );
                assert!(named.is_sorted_by(|a, b| a.magnitude >= b.magnitude));
                if drift.is_drift() && i >= CHANGE && found.is_none() {
                    assert!(drift.magnitude > 0.0, "{}: {drift:?}", kind.name);
                    assert!(
                        named.iter().any(|feature| feature.feature == 0),
                        "{}",
                        kind.name
                    );
                    assert!(drift.began.is_none_or(|row| row <= i as u64), "{drift:?}");
                    found = Some(i - CHANGE);
                }
            }
            let delay = found.unwrap_or_else(|| panic!("{} never finds it", kind.name));
            assert!(
                delay <= 300,
                "{} of width {width}: {delay} rows late",
                kind.name
            );
        }
    }
}

#[test]
fn without_drift_there_are_few_alarms_and_of_a_constant_none() {
    // How many of 40,000 rows may alarm. What tests at every row at a fixed level does so often, as its authors have it.
    let most = |name: &str| match name {
        "kswin" => 800,
        "ddm" | "eddm" => 400,
        "page_hinkley" => 40,
        _ => 5,
    };
    for kind in KINDS {
        let mut alarms = 0;
        for seed in 0..10 {
            let values = stream(kind, 50 + seed, 1, ROWS, ROWS);
            alarms += drifts(&update(&mut *build(kind, 1), &values)).len();
        }
        assert!(
            alarms <= most(kind.name),
            "{}: {alarms} in 40,000 rows",
            kind.name
        );
        for constant in [0.0, 1.0] {
            let values = vec![constant; ROWS * WIDTH];
            let answers = update(&mut *build(kind, WIDTH), &values);
            assert_eq!(
                drifts(&answers),
                [0_usize; 0],
                "{} of {constant}",
                kind.name
            );
        }
    }
}

#[test]
fn the_monitor_knows_that_neighbours_are_alike_and_others_do_not() {
    let autoregression = |seed| {
        let mut random = Random::new(seed);
        let mut level = 0.0;
        let steps = (0..12_000).map(|_| {
            level = 0.9 * level + normal(&mut random);
            level
        });
        steps.collect::<Vec<f64>>()
    };
    let alarms = |name| {
        let kind = find(name).expect("known");
        let each =
            (0..10).map(|seed| drifts(&update(&mut *build(kind, 1), &autoregression(seed))).len());
        each.sum::<usize>()
    };
    assert!(
        alarms("monitor") <= 8,
        "{} in 120,000 rows",
        alarms("monitor")
    );
    assert!(alarms("ks") > 50, "{}", alarms("ks"));
}

#[test]
fn the_monitor_sees_spread_shape_rates_and_correlations() {
    let found = |width: usize, row: &mut dyn FnMut(bool, &mut Random) -> Vec<f64>| {
        let mut random = Random::new(21);
        let mut detector = build(find("monitor").expect("known"), width);
        let mut at = Vec::new();
        for i in 0..ROWS {
            let row = row(i >= CHANGE, &mut random);
            if detector.update(&row).expect("the width").is_drift() {
                at.push(i);
            }
        }
        at
    };
    let check = |what: &str, at: Vec<usize>| {
        let first = at.first().copied().unwrap_or(usize::MAX);
        assert!((CHANGE..CHANGE + 900).contains(&first), "{what}: {at:?}");
    };
    check(
        "spread",
        found(1, &mut |is_changed, random| {
            vec![normal(random) * if is_changed { 2.0 } else { 1.0 }]
        }),
    );
    check(
        "shape",
        found(1, &mut |is_changed, random| {
            let exponential = -libm::log(1.0 - random.unit()) - 1.0;
            vec![if is_changed {
                exponential
            } else {
                normal(random)
            }]
        }),
    );
    check(
        "rate",
        found(1, &mut |is_changed, random| {
            vec![f64::from(u8::from(
                random.unit() < if is_changed { 0.3 } else { 0.1 },
            ))]
        }),
    );
    check(
        "constant",
        found(1, &mut |is_changed, _| {
            vec![if is_changed { 6.0 } else { 5.0 }]
        }),
    );
    check(
        "correlation",
        found(2, &mut |is_changed, random| {
            let (a, b) = (normal(random), normal(random));
            vec![a, if is_changed { b } else { 0.8 * a + 0.6 * b }]
        }),
    );
}

#[test]
fn restored_state_goes_on_as_if_never_stopped() {
    for kind in KINDS {
        let values = stream(kind, 3, WIDTH, ROWS, CHANGE);
        for stop in [0, 1, 7, 260, 1_003, 2_517, 3_100] {
            let (before, after) = values.split_at(stop * WIDTH);
            let mut detector = build(kind, WIDTH);
            update(&mut *detector, before);
            let saved = detector.snapshot();
            let expected = update(&mut *detector, after);
            assert_eq!(saved.kind, kind.name);
            let mut restored = kind
                .restore(&Vec::new(), WIDTH, 7, saved.version, &saved.bytes)
                .unwrap_or_else(|error| panic!("{} after {stop}: {error}", kind.name));
            assert_eq!(restored.snapshot(), saved, "{} after {stop}", kind.name);
            assert_eq!(restored.rows(), stop as u64);
            assert_eq!(
                update(&mut *restored, after),
                expected,
                "{} after {stop}",
                kind.name
            );
        }
    }
}

#[test]
fn damaged_state_is_refused_and_never_panics() {
    let mut random = Random::new(4);
    for kind in KINDS {
        for rows in [100, 1_700] {
            let values = stream(kind, 4, WIDTH, rows, rows);
            let mut detector = build(kind, WIDTH);
            update(&mut *detector, &values);
            let saved = detector.snapshot();
            let restore =
                |width, version, bytes: &[u8]| kind.restore(&Vec::new(), width, 7, version, bytes);
            assert!(matches!(
                restore(WIDTH, saved.version + 1, &saved.bytes),
                Err(RestoreError::Version { .. })
            ));
            let half = &saved.bytes[..saved.bytes.len() / 2];
            assert!(
                restore(WIDTH, saved.version, half).is_err(),
                "{}: cut",
                kind.name
            );
            for width in [0, WIDTH + 1] {
                assert!(
                    restore(width, saved.version, &saved.bytes).is_err(),
                    "{}",
                    kind.name
                );
            }
            for _ in 0..200 {
                let mut bytes = saved.bytes.clone();
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
                // Checksums stand around this; a state that is taken all the same must still be safe to use.
                if let Ok(mut detector) = restore(WIDTH, saved.version, &bytes) {
                    update(&mut *detector, &values[..100 * WIDTH]);
                }
            }
        }
    }
}

#[test]
fn rows_that_cannot_be_used_change_nothing() {
    for kind in KINDS {
        let values = stream(kind, 6, WIDTH, ROWS, CHANGE);
        let (before, after) = values.split_at(1_500 * WIDTH);
        let mut clean = build(kind, WIDTH);
        update(&mut *clean, before);
        let mut detector = build(kind, WIDTH);
        update(&mut *detector, before);
        for poison in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -f64::MAX] {
            let answer = detector.update(&[0.0, poison, 1.0]).expect("the width");
            assert_eq!(answer, Drift::NONE, "{} of {poison}", kind.name);
        }
        assert_eq!(detector.snapshot(), clean.snapshot(), "{}", kind.name);
        assert_eq!(
            update(&mut *detector, after),
            update(&mut *clean, after),
            "{}",
            kind.name
        );
        let error = detector.update(&[1.0]).expect_err("a narrow row");
        assert_eq!((error.expected, error.found), (WIDTH, 1));
    }
}

#[test]
fn huge_values_stay_finite() {
    for kind in KINDS {
        let mut random = Random::new(8);
        let mut detector = build(kind, 1);
        for i in 0..ROWS {
            let size = if i % 500 == 499 { 1e100 } else { 1.0 };
            let drift = detector
                .update(&[normal(&mut random) * size])
                .expect("the width");
            assert!(
                drift.statistic.is_finite() && drift.magnitude.is_finite(),
                "{}",
                kind.name
            );
        }
    }
}

#[test]
fn bad_settings_say_what_would_be_right() {
    for kind in KINDS {
        let specs = kind.settings;
        assert!(!specs.is_empty() && specs.iter().all(|spec| !spec.doc.is_empty()));
        let name = specs[0].name;
        let set = |name: &str, value| kind.check(&vec![(name.to_owned(), value)]);
        let typo = format!("{}q", &name[..name.len() - 1]);
        let error = set(&typo, Value::Number(1.0))
            .expect_err("a typo")
            .to_string();
        assert!(error.contains(&format!("`{name}`")), "{error}");
        let error = set(name, Value::Number(-1.0))
            .expect_err("out of range")
            .to_string();
        assert!(
            error.contains("expected a") && error.contains("-1"),
            "{error}"
        );
        for width in [0, 100_000] {
            assert!(matches!(
                kind.build(&Vec::new(), width, 0),
                Err(ConfigError::Value { .. })
            ));
        }
    }
    let permutation = find("permutation").expect("known");
    let error = permutation
        .build(&Vec::new(), 100, 0)
        .expect_err("too few")
        .to_string();
    assert!(
        error.contains("resamples is 20000, expected at least"),
        "{error}"
    );
    let error = find("page_hinkly").expect_err("a typo").to_string();
    assert!(error.contains("`page_hinkley`"), "{error}");
    assert_eq!(find("Kolmogorov-Smirnov").expect("an alias").name, "ks");
}

#[test]
fn reset_is_as_new_and_memory_is_bounded() {
    for kind in KINDS {
        let values = stream(kind, 9, WIDTH, ROWS, CHANGE);
        let mut detector = build(kind, WIDTH);
        let first = update(&mut *detector, &values);
        let early = detector.memory_bytes();
        detector.reset();
        let again = update(&mut *detector, &values);
        assert_eq!(drifts(&first), drifts(&again), "{}", kind.name);
        for _ in 0..3 {
            update(&mut *detector, &values);
        }
        let late = detector.memory_bytes();
        assert!(late <= early * 3 / 2, "{}: {early} then {late}", kind.name);
        assert!(late >= detector.snapshot().bytes.len() / 4, "{}", kind.name);
    }
    let mut monitor = build(find("monitor").expect("known"), 1);
    update(&mut *monitor, &stream(&KINDS[0], 10, 1, 100_000, 100_000));
    assert!(
        monitor.memory_bytes() <= 4_096,
        "{}",
        monitor.memory_bytes()
    );
}
