use willet_core::decision::{DecisionConfig, counterfactual};
use willet_core::detectors::{KINDS, Kind, find};
use willet_core::error::RestoreError;
use willet_core::random::Random;
use willet_core::rows::{Raw, Rows};
use willet_core::series::{Answer, Series, SeriesConfig};
use willet_core::settings::Value;

use crate::streams::{all_names, build, normal_rows, score, score_learn};

const WIDTH: usize = 3;

#[test]
fn the_same_seed_gives_the_same_scores_in_any_batches() {
    let values = normal_rows(1, 600, WIDTH);
    for name in all_names() {
        let whole = score_learn(&mut *build(name, WIDTH), &values);
        let mut detector = build(name, WIDTH);
        let parts: Vec<Raw> = values
            .chunks(WIDTH * 7)
            .flat_map(|part| score_learn(&mut *detector, part))
            .collect();
        assert_eq!(whole, parts, "{name}");
        let mut detector = build(name, WIDTH);
        let apart: Vec<Raw> = values
            .chunks(WIDTH)
            .map(|row| {
                let raw = score(&*detector, row);
                detector.learn(Rows::one(row)).expect("right width");
                raw
            })
            .collect();
        assert_eq!(whole, apart, "{name}: score and learn apart");
    }
}

#[test]
fn warm_up_is_said_and_ends() {
    let values = normal_rows(2, 400, WIDTH);
    for name in all_names() {
        let out = score_learn(&mut *build(name, WIDTH), &values);
        let first = out
            .iter()
            .position(|raw| raw.score().is_some())
            .unwrap_or_else(|| panic!("{name} never warms up"));
        assert!(first > 0 && first <= 64, "{name} warms up for {first} rows");
        assert!(
            out[first..]
                .iter()
                .all(|raw| raw.score().is_some_and(f64::is_finite)),
            "{name}"
        );
    }
}

#[test]
fn restored_state_goes_on_as_if_never_stopped() {
    let values = normal_rows(3, 700, WIDTH);
    for name in all_names() {
        for stop in [0, 1, 31, 33, 100, 255, 611] {
            let (before, after) = values.split_at(stop * WIDTH);
            let mut detector = build(name, WIDTH);
            score_learn(&mut *detector, before);
            let snapshot = detector.snapshot();
            let expected = score_learn(&mut *detector, after);
            let (kind, options) = find(name).expect("known");
            assert_eq!(snapshot.kind, kind.name);
            let mut restored = kind
                .restore(&options, WIDTH, 7, snapshot.version, &snapshot.bytes)
                .unwrap_or_else(|error| panic!("{name} after {stop}: {error}"));
            assert_eq!(restored.snapshot(), snapshot, "{name} after {stop}");
            assert_eq!(
                score_learn(&mut *restored, after),
                expected,
                "{name} after {stop}"
            );
        }
    }
}

#[test]
fn damaged_state_is_refused_and_never_panics() {
    let values = normal_rows(4, 300, WIDTH);
    let mut random = Random::new(4);
    for name in all_names() {
        let (kind, options) = find(name).expect("known");
        let options = &options;
        let mut detector = build(name, WIDTH);
        score_learn(&mut *detector, &values);
        let snapshot = detector.snapshot();
        let restore = |version, bytes: &[u8]| kind.restore(options, WIDTH, 7, version, bytes);
        assert!(
            matches!(
                restore(snapshot.version + 1, &snapshot.bytes),
                Err(RestoreError::Version { .. })
            ),
            "{name}"
        );
        assert!(
            restore(
                snapshot.version,
                &snapshot.bytes[..snapshot.bytes.len() / 2]
            )
            .is_err(),
            "{name}: cut"
        );
        assert!(
            kind.restore(options, WIDTH + 1, 7, snapshot.version, &snapshot.bytes)
                .is_err(),
            "{name}: width"
        );
        for _ in 0..200 {
            let mut bytes = snapshot.bytes.clone();
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
            // Checksums stand around this; a state that is taken all the same must still be safe to use.
            if let Ok(mut detector) = restore(snapshot.version, &bytes) {
                score_learn(&mut *detector, &values[..90 * WIDTH]);
                detector.explain(&values[..WIDTH]).expect("right width");
            }
        }
    }
}

#[test]
fn a_wrong_width_is_an_error_and_changes_nothing() {
    let values = normal_rows(5, 100, WIDTH);
    for name in all_names() {
        let mut detector = build(name, WIDTH);
        score_learn(&mut *detector, &values);
        let before = detector.snapshot();
        let mut out = [Raw::WarmingUp; 2];
        let narrow = Rows::new(&[1.0, 2.0, 3.0, 4.0], 2).expect("whole rows");
        let error = detector
            .score_learn(narrow, &mut out)
            .expect_err("narrow rows");
        assert_eq!((error.expected, error.found), (3, 2), "{name}");
        assert!(detector.explain(&[1.0]).is_err(), "{name}");
        assert_eq!(detector.snapshot(), before, "{name}");
    }
    let (kind, options) = find("hst").expect("known");
    for width in [0, 100_000] {
        assert!(kind.build(&options, width, 0).is_err(), "width {width}");
    }
}

#[test]
fn one_poisoned_row_changes_nothing_that_comes_after_it() {
    let values = normal_rows(6, 800, WIDTH);
    let (before, after) = values.split_at(400 * WIDTH);
    for name in all_names() {
        let mut clean = build(name, WIDTH);
        score_learn(&mut *clean, before);
        let is_ordered = find(name).expect("known").0.is_ordered;
        if is_ordered {
            // A row that cannot be used is a step in time all the same.
            clean
                .pass(Rows::one(&[f64::NAN; WIDTH]))
                .expect("right width");
        }
        let expected = score_learn(&mut *clean, after);
        if is_ordered {
            let mut without = build(name, WIDTH);
            score_learn(&mut *without, before);
            let apart = score_learn(&mut *without, after)
                .iter()
                .zip(&expected)
                .map(|(a, b)| (a.score().expect("warm") - b.score().expect("warm")).abs())
                .sum::<f64>();
            let each = apart / expected.len() as f64;
            assert!(each < 0.1, "{name}: a step moves scores by {each}");
        }
        for poison in [f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e308, f64::MAX] {
            let mut detector = build(name, WIDTH);
            score_learn(&mut *detector, before);
            let raw = score_learn(&mut *detector, &[10.0, poison, 30.0])[0];
            assert!(
                raw.score().is_some_and(f64::is_finite),
                "{name} of {poison}: {raw:?}"
            );
            assert_eq!(
                score_learn(&mut *detector, after),
                expected,
                "{name} after {poison}"
            );
        }
        let mut detector = build(name, WIDTH);
        score_learn(&mut *detector, before);
        assert_eq!(
            score_learn(&mut *detector, &[f64::NAN; WIDTH]),
            [Raw::Missing],
            "{name}"
        );
        assert_eq!(
            score_learn(&mut *detector, after),
            expected,
            "{name} after a row without values"
        );
    }
}

#[test]
fn missing_values_are_lived_with() {
    let mut values = normal_rows(7, 500, WIDTH);
    values.iter_mut().step_by(7).for_each(|x| *x = f64::NAN);
    for name in all_names() {
        let out = score_learn(&mut *build(name, WIDTH), &values);
        assert!(
            out[100..]
                .iter()
                .all(|raw| raw.score().is_some_and(f64::is_finite)),
            "{name}"
        );
    }
}

#[test]
fn constant_and_repeated_rows_stay_finite_and_a_change_of_them_is_the_strangest() {
    for name in all_names() {
        for width in [1, WIDTH] {
            let mut values = vec![5.0; 600 * width];
            values.extend(vec![6.0; width]);
            let out = score_learn(&mut *build(name, width), &values);
            let scores: Vec<f64> = out.iter().filter_map(|raw| raw.score()).collect();
            assert!(scores.iter().all(|score| score.is_finite()), "{name}");
            let (last, rest) = scores.split_last().expect("warm");
            assert!(rest.iter().all(|score| score < last), "{name}");
        }
    }
}

#[test]
fn explanations_sum_to_one_and_name_the_guilty_feature() {
    let values = normal_rows(8, 600, 5);
    // Of names there is no band: the metamorphic relations say what holds instead.
    for name in all_names().filter(|name| !find(name).expect("known").0.categorical) {
        let mut detector = build(name, 5);
        score_learn(&mut *detector, &values);
        for guilty in 0..5 {
            let mut row: Vec<f64> = (1..=5).map(|i| 10.0 * f64::from(i)).collect();
            row[guilty] += 10.0;
            let explanation = detector.explain(&row).expect("right width");
            let sum: f64 = explanation.contributions.iter().sum();
            assert!((sum - 1.0).abs() < 1e-9, "{name}: {explanation:?}");
            assert_eq!(
                explanation.main_feature(),
                Some(guilty),
                "{name}: {explanation:?}"
            );
            let expected = explanation.expected[guilty];
            assert!(
                expected.low < expected.middle
                    && expected.middle < expected.high
                    && expected.high < row[guilty],
                "{name}"
            );
        }
    }
}

#[test]
fn one_planted_feature_of_ten_is_named_and_its_counterfactual_is_normal() {
    const TRIALS: usize = 100;
    let mut failed = String::new();
    let values = normal_rows(10, 700, 10);
    for name in all_names().filter(|name| !find(name).expect("known").0.categorical) {
        let mut detector = build(name, 10);
        let scores = score_learn(&mut *detector, &values);
        let mut scores: Vec<f64> = scores.iter().filter_map(|raw| raw.score()).collect();
        scores.sort_unstable_by(f64::total_cmp);
        // What one normal row in 100 exceeds.
        let threshold = scores[scores.len() * 99 / 100];
        let mut random = Random::new(10);
        let (mut named, mut asked, mut mended) = (0, 0, 0);
        for _ in 0..TRIALS {
            let mut row = normal_rows(random.bits(), 1, 10);
            let planted = random.below(10);
            let side = if random.unit() < 0.5 { -1.0 } else { 1.0 };
            row[planted] = 10.0 * (planted + 1) as f64 + side * 10.0;
            let explanation = detector.explain(&row).expect("right width");
            named += usize::from(explanation.main_feature() == Some(planted));
            if score(&*detector, &row).score().expect("warm") < threshold {
                continue;
            }
            asked += 1;
            let is_normal = |_: &[f64], score: f64| score < threshold;
            let moved = counterfactual(&*detector, &row, &explanation, is_normal).expect("width");
            for (feature, value) in &moved {
                row[*feature] = *value;
            }
            let is_mended = score(&*detector, &row).score().expect("warm") < threshold;
            mended += usize::from(is_mended && !moved.is_empty());
        }
        if named < 95 || mended * 100 < asked * 95 {
            failed +=
                &format!("{name}: {named} of {TRIALS} named, {mended} of {asked} made normal\n");
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn a_rate_is_kept_on_values_that_tie() {
    const ROWS: usize = 2_000;
    let mut failed = String::new();
    let decision = DecisionConfig {
        rate: Some("1 %".to_owned()),
        ..DecisionConfig::default()
    };
    for kind in KINDS {
        for share in [0.0, 0.03, 0.1] {
            let mut series = series(kind, 1, &decision);
            let mut random = Random::new(11);
            let is_flagged = |_: &usize| {
                let value = f64::from(u8::from(random.unit() < share));
                let answer = series.take(&[value], None).expect("the width");
                matches!(answer, Answer::Scored(scored) if scored.reason.is_some())
            };
            let found = (0..ROWS).filter(is_flagged).count();
            if found > ROWS / 100 * 3 / 2 {
                let name = kind.name;
                failed += &format!("{name}: {found} flags where {share} of the rows differ\n");
            }
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

/// A series of a kind with its defaults.
fn series(kind: &'static Kind, width: usize, decision: &DecisionConfig) -> Series {
    Series::new(&config(kind, width, decision)).expect("defaults are valid")
}

fn config<'a>(kind: &'static Kind, width: usize, decision: &'a DecisionConfig) -> SeriesConfig<'a> {
    SeriesConfig {
        kind,
        options: const { &Vec::new() },
        names: (0..width)
            .map(|feature| format!("value {feature}"))
            .collect(),
        seed: 7,
        key: "any",
        decision,
        learn_every: 1,
    }
}

#[test]
fn a_share_that_was_asked_for_is_flagged_whatever_the_rows_are() {
    const ROWS: usize = 6_000;
    let mut failed = String::new();
    for share in [0.01, 0.05] {
        let decision = DecisionConfig {
            contamination: Some(share),
            ..DecisionConfig::default()
        };
        // Of normal rows, and where twice as many as were asked for are wild.
        for wild in [0.0, 2.0 * share] {
            for kind in KINDS.iter().filter(|kind| !kind.categorical) {
                let mut series = series(kind, WIDTH, &decision);
                let mut random = Random::new(12);
                let mut values = normal_rows(12, ROWS, WIDTH);
                let mut flags = Vec::new();
                for row in values.chunks_exact_mut(WIDTH) {
                    if random.unit() < wild {
                        row[0] += 10.0 + 10.0 * random.unit();
                    }
                    let answer = series.take(row, None).expect("the width");
                    flags.push(matches!(answer, Answer::Scored(scored) if scored.reason.is_some()));
                }
                // Once there are rows enough to know what the share is.
                let known = &flags[ROWS / 2..];
                let found = known.iter().filter(|is_flagged| **is_flagged).count();
                let found = found as f64 / known.len() as f64;
                if !(share * 0.7..share * 1.3).contains(&found) {
                    let name = kind.name;
                    failed += &format!("{name}: {found} for {share} where {wild} are wild\n");
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn a_series_lives_with_any_number() {
    let poisons = [
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        -1e308,
        1e100,
        f64::MIN_POSITIVE,
    ];
    let decision = DecisionConfig::default();
    for kind in KINDS {
        for width in [1, WIDTH] {
            let mut series = series(kind, width, &decision);
            let values = normal_rows(13, 400, width);
            // While it warms up, and after.
            for (i, row) in values.chunks_exact(width).enumerate() {
                let mut row = row.to_vec();
                if i % 40 == 5 {
                    row[0] = poisons[i / 40 % poisons.len()];
                }
                if let Answer::Scored(scored) = series.take(&row, None).expect("the width") {
                    let numbers = [scored.anomaly_score, scored.threshold, scored.confidence];
                    assert!(
                        scored.score.is_finite() && numbers.iter().all(|x| (0.0..=1.0).contains(x)),
                        "{} of {row:?}: {scored:?}",
                        kind.name
                    );
                }
                if i % 100 == 17 {
                    let restored = Series::restore(&config(kind, width, &decision), &series.save());
                    series = restored.unwrap_or_else(|error| panic!("{}: {error}", kind.name));
                }
            }
        }
    }
}

#[test]
fn memory_is_reported_and_bounded() {
    let values = normal_rows(9, 6_000, WIDTH);
    for name in all_names() {
        let mut detector = build(name, WIDTH);
        score_learn(&mut *detector, &values[..3_000 * WIDTH]);
        let warm = detector.memory_bytes();
        score_learn(&mut *detector, &values[3_000 * WIDTH..]);
        assert!(
            detector.memory_bytes() <= warm + warm / 10,
            "{name}: {warm} then {}",
            detector.memory_bytes()
        );
        assert!(
            warm >= detector.snapshot().bytes.len() / 4,
            "{name}: {warm}"
        );
    }
}

#[test]
fn wrong_settings_name_what_is_right() {
    let check = |name: &str, option: (&str, Value), expected: &str| {
        let (kind, mut options) = find(name).expect("known");
        options.push((option.0.to_owned(), option.1));
        let error = kind
            .check(&options)
            .expect_err("must be refused")
            .to_string();
        assert_eq!(error, expected, "{name}");
    };
    check(
        "iforest",
        ("n_estimators", Value::Number(0.0)),
        "n_estimators is 0, expected a whole number from 1 to 10000",
    );
    check(
        "hst",
        ("window_size", Value::Number(1e9)),
        "window_size is 1000000000, expected a whole number from 32 to 65000",
    );
    check(
        "hst",
        ("n_estimator", Value::Number(5.0)),
        "unknown setting `n_estimator` (did you mean `n_estimators`?)",
    );
    check(
        "zscore",
        ("window_size", Value::Text("ten".into())),
        "window_size is \"ten\", expected a whole number from 4 to 1000000",
    );
    check(
        "statistical",
        ("method", Value::Text("zscor".into())),
        "method is \"zscor\", expected one of zscore, robust_zscore, ewma, iqr, mad",
    );
    check(
        "ensemble",
        ("members", Value::List(vec![Value::Text("ensemble".into())])),
        "members is ensemble, expected detectors that are not ensembles",
    );
    let error = find("iforst").expect_err("unknown").to_string();
    assert_eq!(
        error,
        "unknown algorithm `iforst` (did you mean `iforest`?)"
    );
}

#[test]
fn state_of_another_kind_is_refused() {
    let snapshot = build("hst", WIDTH).snapshot();
    let (kind, options) = find("iforest").expect("known");
    assert!(
        kind.restore(&options, WIDTH, 7, snapshot.version, &snapshot.bytes)
            .is_err()
    );
}
