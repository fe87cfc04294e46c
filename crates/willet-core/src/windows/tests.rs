//! Windows and buckets against the slow, obvious way, and what damaged states do.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::random::Random;
use crate::statistics::quantile;

mod configuration;
mod naive;

use naive::{NaiveBuckets, NaiveSessions, NaiveTime};

/// What was told of a window.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    id: i64,
    revision: u32,
    span: Option<(i64, i64)>,
    merged_into: Option<i64>,
    rows: Vec<(i64, Vec<f64>)>,
}

fn told(window: &Window<'_>) -> Told {
    Told {
        id: window.id,
        revision: window.revision,
        span: window.span,
        merged_into: window.merged_into,
        // Missing values are compared as a number no test uses.
        rows: window
            .rows()
            .map(|(time, row)| {
                let row = row.iter().map(|x| if x.is_nan() { -1e9 } else { *x });
                (time.unwrap_or(0), row.collect())
            })
            .collect(),
    }
}

const ALL: [StatisticName; 9] = [
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

/// The statistics of `ALL` with the usual quantiles, by two passes over (place, value).
fn fresh(points: &[(f64, f64)]) -> Vec<f64> {
    let points: Vec<(f64, f64)> = points.iter().copied().filter(|p| !p.1.is_nan()).collect();
    let Some(&(t0, x0)) = points.first() else {
        let nan = f64::NAN;
        return vec![nan, nan, nan, nan, nan, nan, nan, nan, 0.0, 0.0, nan];
    };
    let n = points.len() as f64;
    let mean = |f: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / n;
    let (t, x) = (mean(&|p| p.0 - t0), mean(&|p| p.1 - x0));
    let squares = mean(&|p| (p.1 - x0 - x) * (p.1 - x0 - x));
    let places = mean(&|p| (p.0 - t0 - t) * (p.0 - t0 - t));
    let products = mean(&|p| (p.0 - t0 - t) * (p.1 - x0 - x));
    let mut sorted: Vec<f64> = points.iter().map(|p| p.1).collect();
    sorted.sort_by(f64::total_cmp);
    let groups: Vec<f64> = sorted
        .chunk_by(|a, b| a == b)
        .map(|g| g.len() as f64 / n)
        .collect();
    let q = |q| quantile(&sorted, q).expect("not empty");
    vec![
        x0 + x,
        squares.sqrt(),
        sorted[0],
        sorted[sorted.len() - 1],
        q(0.05),
        q(0.5),
        q(0.95),
        if places > 0.0 {
            products / places
        } else {
            f64::NAN
        },
        n,
        groups.len() as f64,
        groups.iter().map(|p| -p * libm::log2(*p)).sum(),
    ]
}

/// Moments within 1e-12 of their size, the rest to the bit.
fn check_statistics(found: &[f64], points: &[(f64, f64)]) {
    let expected = fresh(points);
    let size = expected[1].max(expected[0].abs());
    let reach = points.last().map_or(0.0, |p| p.0) - points.first().map_or(0.0, |p| p.0);
    for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let allowed = match place {
            0 => 1e-12 * size,
            1 => 1e-12 * expected,
            7 => 1e-12 * (expected.abs() + size / reach.max(1.0)),
            10 => 1e-12 * expected.max(1.0),
            _ => 0.0,
        };
        assert!(
            (found - expected).abs() <= allowed || (found.is_nan() && expected.is_nan()),
            "statistic {place}: {found:e}, expected {expected:e}"
        );
    }
}

fn names(width: usize) -> Vec<Box<str>> {
    (0..width).map(|i| format!("v{i}").into()).collect()
}

fn with_statistics(config: WindowConfig) -> RowWindows {
    let config = WindowConfig {
        aggregation: Aggregation::Statistics,
        statistics: ALL.to_vec(),
        ..config
    };
    RowWindows::new(WindowPlan::new(&config, &names(2)).expect("sound"))
}

fn restored(windows: &RowWindows) -> RowWindows {
    let saved = windows.snapshot();
    RowWindows::restore(windows.plan().clone(), saved.version, &saved.bytes).expect("its own")
}

/// A step: what (push, tick, save and restore), how far from the clock in tenths of a second, a value.
type Step = (u8, i64, i8);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let delta = prop_oneof![4 => 0i64..15, 2 => -40i64..0, 1 => 0i64..400];
    prop::collection::vec((0u8..12, delta, -6i8..6), 1..120)
}

const TENTH: i64 = 100_000;

fn row_of(value: i8) -> [f64; 2] {
    let second = if value % 3 == 0 {
        f64::NAN
    } else {
        1e6 + f64::from(value)
    };
    [f64::from(value) / 3.0 + 0.0, second]
}

/// Plays steps on windows and on a model of them, which answer the same.
fn play(
    mut windows: RowWindows,
    steps: &[Step],
    mut model: impl FnMut(Option<[f64; 2]>, i64, &mut Vec<Told>) -> Option<Taken>,
) {
    let by_time = windows.plan().unit() == Unit::Seconds;
    let mut clock = 1_000 * MICROS + 7 * TENTH;
    for &(what, delta, value) in steps {
        if what == 11 {
            windows = restored(&windows);
            continue;
        }
        let time = clock + delta * TENTH;
        clock = clock.max(time);
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        let mut out = |window: Window<'_>| {
            found.push(told(&window));
            for feature in 0..2 {
                let points: Vec<(f64, f64)> = window
                    .rows()
                    .enumerate()
                    .map(|(i, (time, row))| {
                        // Tenths of a second are whole numbers: the slow way must not round its places.
                        let tenths = time.expect("times were given") / TENTH;
                        let place = if by_time { tenths } else { i as i64 } as f64;
                        (place, row[feature])
                    })
                    .collect();
                if !window.is_empty() {
                    let mut statistics = window.statistics[feature * 11..][..11].to_vec();
                    statistics[7] /= if by_time { 10.0 } else { 1.0 };
                    check_statistics(&statistics, &points);
                }
            }
        };
        if what < 9 {
            let taken = windows.push(Some(time), &row_of(value), &mut out);
            let wanted = model(Some(row_of(value)), time, &mut expected);
            assert_eq!(taken.ok(), wanted);
        } else {
            windows.tick(time, &mut out);
            model(None, time, &mut expected);
        }
        assert_eq!(found, expected);
        if let Some(deadline) = windows.next_deadline() {
            let mut ahead = windows.clone();
            ahead.tick(deadline - 1, |window| {
                panic!("{} before it is due", window.id)
            });
            let mut count = 0;
            ahead.tick(deadline, |_| count += 1);
            assert!(count > 0, "nothing closes at the deadline");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn windows_by_seconds_are_those_of_looking_at_all_rows(
        steps in steps(), size in 1i64..80, slide in 1i64..80, allowed in 0i64..100
    ) {
        let slide = slide.min(size);
        let windows = with_statistics(WindowConfig {
            window_unit: Unit::Seconds,
            window_size: Some(size as f64 / 10.0),
            slide_interval: Some(slide as f64 / 10.0),
            allowed_lateness: allowed as f64 / 10.0,
            ..WindowConfig::default()
        });
        let mut naive = NaiveTime::new(size * TENTH, slide * TENTH, allowed * TENTH);
        play(windows, &steps, |row, time, out| naive.step(row, time, out));
    }

    #[test]
    fn sessions_are_those_of_comparing_all_rows(steps in steps(), gap in 1i64..30, allowed in 0i64..100) {
        let windows = with_statistics(WindowConfig {
            window_type: WindowType::Session,
            gap: Some(gap as f64 / 10.0),
            allowed_lateness: allowed as f64 / 10.0,
            ..WindowConfig::default()
        });
        let mut naive = NaiveSessions::new(gap * TENTH, allowed * TENTH);
        play(windows, &steps, |row, time, out| naive.step(row, time, out));
    }

    #[test]
    fn windows_by_samples_are_the_last_rows_as_they_came(steps in steps(), size in 1usize..40, slide in 1usize..40) {
        let slide = slide.min(size);
        let windows = with_statistics(WindowConfig {
            window_size: Some(size as f64),
            slide_interval: Some(slide as f64),
            ..WindowConfig::default()
        });
        let mut all: Vec<(i64, Vec<f64>)> = Vec::new();
        play(windows, &steps, |row, time, out| {
            let row = row?;
            all.push((time, naive::shown(&row)));
            if all.len() >= size && (all.len() - size).is_multiple_of(slide) {
                let rows = all[all.len() - size..].to_vec();
                out.push(Told {
                    id: ((all.len() - size) / slide) as i64,
                    revision: 0,
                    span: Some((rows[0].0, time)),
                    merged_into: None,
                    rows,
                });
            }
            Some(Taken::InTime)
        });
    }

    #[test]
    fn buckets_are_those_of_looking_at_all_events(
        steps in steps(), every in 1i64..60, allowed in 0i64..100, max_silent in 0u64..12, what in 0usize..6
    ) {
        let what = [What::Count, What::Rate, What::Sum, What::Mean, What::Min, What::Max][what];
        let config = BucketConfig {
            every: Every::seconds(every as f64 / 10.0),
            what,
            of: (what != What::Count).then(|| "v1".to_owned()),
            allowed_lateness: allowed as f64 / 10.0,
            max_silent,
        };
        let plan = BucketPlan::new(&config, &names(2)).expect("sound");
        let mut buckets = Buckets::new(plan.clone());
        let mut naive = NaiveBuckets::new(every * TENTH, allowed * TENTH, max_silent, what);
        let mut clock = 1_000 * MICROS;
        for (kind, delta, value) in steps {
            if kind == 11 {
                let saved = buckets.snapshot();
                buckets = Buckets::restore(plan.clone(), 1, &saved.bytes).expect("its own");
                continue;
            }
            let time = clock + delta * TENTH;
            clock = clock.max(time);
            let (mut found, mut expected) = (Vec::new(), Vec::new());
            if kind < 9 {
                let taken = buckets.push(time, &row_of(value), |bucket| found.push(bucket));
                let wanted = naive.step(Some(row_of(value)[1]), time, &mut expected);
                prop_assert_eq!(taken.ok(), wanted);
            } else {
                buckets.tick(time, |bucket| found.push(bucket));
                naive.step(None, time, &mut expected);
            }
            prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        }
    }
}

#[test]
fn after_two_million_rows_statistics_are_those_of_the_window_alone() {
    const SIZE: usize = 1_000;
    const ROWS: u64 = 2_000_000;
    let config = WindowConfig {
        window_size: Some(SIZE as f64),
        aggregation: Aggregation::Statistics,
        statistics: ALL.to_vec(),
        ..WindowConfig::default()
    };
    let mut windows = RowWindows::new(WindowPlan::new(&config, &names(1)).expect("sound"));
    let mut random = Random::new(5);
    let mut checked = 0;
    for i in 0..ROWS {
        let noise = (random.unit() * 1e4).floor() / 64.0;
        let value = match i {
            _ if i % 97 == 0 => f64::NAN,
            _ if i % 5_000 == 17 => 1e12,
            600_000..1_200_000 => noise * 1e-6,
            _ => 1e9 + noise,
        };
        let taken = windows.push(None, &[value], |window| {
            // Just before a spike, just after it left, and now and then.
            if matches!(i % 5_000, 16 | 1_016 | 1_017) && i % 7 == 0 || i + 1 == ROWS {
                let rows = window.rows().enumerate();
                let points: Vec<(f64, f64)> =
                    rows.map(|(i, (_, row))| (i as f64, row[0])).collect();
                check_statistics(window.statistics, &points);
                checked += 1;
            }
        });
        assert_eq!(taken, Ok(Taken::InTime));
    }
    assert!(checked > 100, "{checked}");
    assert!(
        windows.memory_bytes() < 600_000,
        "{}",
        windows.memory_bytes()
    );
}

#[test]
fn no_row_takes_memory_once_windows_are_warm() {
    let mut random = Random::new(8);
    let mut windows = with_statistics(WindowConfig {
        window_size: Some(500.0),
        ..WindowConfig::default()
    });
    let mut taken = 0;
    for i in 0..4_000 {
        let row = [random.unit(), (random.unit() * 9.0).floor()];
        let measured = allocation_counter::measure(|| {
            let pushed = windows.push(Some(i), &row, |_| {});
            assert_eq!(pushed, Ok(Taken::InTime));
        });
        // Blocks of values may still be split now and then.
        taken += u32::from(i >= 2_000 && measured.count_total > 0);
    }
    assert!(taken <= 5, "{taken} of 2,000 rows");
}

#[test]
fn rows_beyond_the_bound_are_left_out_and_told() {
    for window_type in [WindowType::Tumbling, WindowType::Session] {
        let is_session = window_type == WindowType::Session;
        let mut windows = with_statistics(WindowConfig {
            window_type,
            window_unit: Unit::Seconds,
            window_size: (!is_session).then_some(10.0),
            gap: is_session.then_some(2.0),
            max_rows: 4,
            allowed_lateness: 5.0,
            ..WindowConfig::default()
        });
        let mut seen = Vec::new();
        let mut push = |windows: &mut RowWindows, tenths: i64| {
            windows.push(Some(tenths * TENTH), &[1.0, 2.0], |window| {
                seen.push((window.id, window.revision, window.len(), window.is_cut));
            })
        };
        for tenths in [0, 10, 20, 30, 40, 50] {
            assert_eq!(push(&mut windows, tenths), Ok(Taken::InTime));
        }
        assert_eq!(push(&mut windows, 15), Ok(Taken::NoRoom));
        assert_eq!(windows.rows_held(), 4);
        assert_eq!(windows.rows_left_out(), 3);
        for tenths in [100, 130] {
            assert_eq!(push(&mut windows, tenths), Ok(Taken::InTime));
            windows = restored(&windows);
        }
        windows.tick(400 * TENTH, |_| {});
        assert_eq!(seen[0], (0, 0, 4, true));
        assert_eq!(windows.rows_held(), 0);
    }
}

/// Every flipped bit and every cut of some bytes; what can be restored all the same must go on without a panic.
fn damage<S>(bytes: &[u8], restore: impl Fn(&[u8]) -> Option<S>, go_on: impl Fn(S)) {
    for at in 0..bytes.len() {
        assert!(restore(&bytes[..at]).is_none(), "cut at {at}");
        for bit in 0..8 {
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1 << bit;
            restore(&flipped).into_iter().for_each(&go_on);
        }
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert!(restore(&longer).is_none());
}

#[test]
fn damaged_states_are_refused_or_go_on() {
    let seconds = |size, slide| WindowConfig {
        window_unit: Unit::Seconds,
        window_size: Some(size),
        slide_interval: Some(slide),
        allowed_lateness: 3.0,
        ..WindowConfig::default()
    };
    let configs = [
        WindowConfig {
            window_size: Some(5.0),
            slide_interval: Some(2.0),
            ..WindowConfig::default()
        },
        seconds(2.0, 0.5),
        WindowConfig {
            window_type: WindowType::Session,
            gap: Some(0.3),
            allowed_lateness: 3.0,
            ..WindowConfig::default()
        },
    ];
    for config in configs {
        let mut windows = with_statistics(config);
        for i in [0, 3, 5, 9, 8, 4, 14, 20, 21, 17, 22] {
            _ = windows.push(Some(i * 2 * TENTH), &row_of(i as i8), |_| {});
        }
        let saved = windows.snapshot();
        let plan = windows.plan().clone();
        let restore = |bytes: &[u8]| RowWindows::restore(plan.clone(), 1, bytes).ok();
        damage(&saved.bytes, restore, |mut windows: RowWindows| {
            for i in [23, 24, 19, 0, 60] {
                _ = windows.push(Some(i * 2 * TENTH), &row_of(i as i8), |_| {});
            }
            windows.tick(i64::MAX, |_| {});
        });
        assert!(RowWindows::restore(plan.clone(), 2, &saved.bytes).is_err());
    }

    let config = BucketConfig {
        every: Every::seconds(0.5),
        what: What::Mean,
        of: Some("v1".to_owned()),
        allowed_lateness: 3.0,
        max_silent: 3,
    };
    let plan = BucketPlan::new(&config, &names(2)).expect("sound");
    let mut buckets = Buckets::new(plan.clone());
    for i in [0, 3, 5, 9, 8, 4, 14, 20, 21, 17, 22] {
        _ = buckets.push(i * 2 * TENTH, &row_of(i as i8), |_| {});
    }
    let saved = buckets.snapshot();
    let restore = |bytes: &[u8]| Buckets::restore(plan.clone(), 1, bytes).ok();
    damage(&saved.bytes, restore, |mut buckets: Buckets| {
        for i in [23, 24, 19, 0, 60] {
            _ = buckets.push(i * 2 * TENTH, &row_of(i as i8), |_| {});
        }
        buckets.tick(i64::MAX, |_| {});
    });
}

#[test]
fn a_state_of_other_windows_is_refused() {
    let windows = |size| {
        with_statistics(WindowConfig {
            window_size: Some(size),
            ..WindowConfig::default()
        })
    };
    let saved = windows(5.0).snapshot();
    let error = RowWindows::restore(windows(6.0).plan().clone(), 1, &saved.bytes);
    let error = error.expect_err("another size").to_string();
    assert!(error.contains("differ"), "{error}");
}

#[test]
fn rows_that_cannot_be_taken_change_nothing() {
    let mut windows = with_statistics(WindowConfig {
        window_unit: Unit::Seconds,
        window_size: Some(1.0),
        ..WindowConfig::default()
    });
    let before = windows.snapshot();
    for (time, row, expected) in [
        (None, &[1.0, 2.0][..], "row has no time"),
        (
            Some(i64::MAX),
            &[1.0, 2.0],
            "row has time 9223372036854775807",
        ),
        (Some(0), &[1.0], "row has 1 values"),
    ] {
        let error = windows.push(time, row, |_| {}).expect_err(expected);
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    assert_eq!(windows.snapshot(), before);
}
