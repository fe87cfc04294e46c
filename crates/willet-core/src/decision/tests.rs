//! The laws of decisions, on scores and rows whose truth is known.

use super::*;
use crate::random::Random;

fn normal(random: &mut Random) -> f64 {
    // Box and Muller 1958.
    (-2.0 * libm::log(1.0 - random.unit())).sqrt()
        * libm::cos(std::f64::consts::TAU * random.unit())
}

fn noise(seed: u64, n: usize) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..n).map(|_| normal(&mut random)).collect()
}

fn policy(config: &DecisionConfig) -> Policy {
    Policy::try_from(config).expect("valid")
}

fn of_share(contamination: f64) -> Policy {
    policy(&DecisionConfig {
        contamination: Some(contamination),
        ..Default::default()
    })
}

fn of_rate(rate: &str) -> Policy {
    policy(&DecisionConfig {
        rate: Some(rate.to_owned()),
        ..Default::default()
    })
}

/// Judges values whose score is their size, `gap` microseconds apart.
fn judge(policy: &Policy, values: &[f64], gap: Option<i64>) -> Vec<Option<Judgement>> {
    let mut decision = Decision::default();
    let judged = values
        .iter()
        .enumerate()
        .map(|(i, value)| {
            let row = [*value];
            let moment = Moment {
                time: gap.map(|gap| i as i64 * gap),
                row: &row,
                ..Default::default()
            };
            let judged = decision.judge(value.abs(), moment, policy);
            let learning = judged
                .as_ref()
                .map_or(Learning::Usual, |judged| judged.learning);
            decision.take(Some(value.abs()), &row, learning);
            judged
        })
        .collect();
    assert!(decision.is_sound());
    judged
}

fn flagged(judged: &[Option<Judgement>]) -> Vec<usize> {
    let is_over = |judged: &Option<Judgement>| judged.as_ref().is_some_and(|judged| judged.is_over);
    (0..judged.len()).filter(|i| is_over(&judged[*i])).collect()
}

fn share(judged: &[Option<Judgement>], from: usize) -> f64 {
    let flags = flagged(judged).into_iter().filter(|i| *i >= from).count();
    flags as f64 / (judged.len() - from) as f64
}

#[test]
fn v1_size_is_never_lost() {
    for seed in 0..20 {
        let mut values = noise(seed, 4_000);
        // A lasting shift, a spike beyond it, and one soon behind that.
        values[1_000..].iter_mut().for_each(|x| *x += 20.0);
        values[2_000] += 180.0;
        values[2_050] += 400.0;
        let flags = flagged(&judge(&Policy::default(), &values, None));
        for row in [1_000, 2_000, 2_050] {
            assert!(flags.contains(&row), "seed {seed}: {row} in {flags:?}");
        }
    }
}

#[test]
fn v1_a_score_that_ends_does_not_stand_in_the_way() {
    let mut decision = Decision::default();
    let policy = Policy::default();
    for value in noise(1, 1_000) {
        let row = [value];
        decision.take(Some(value.abs().min(2.0)), &row, Learning::Usual);
    }
    let depths: Vec<f64> = (4..400)
        .map(|x| {
            let row = [f64::from(x)];
            let moment = Moment {
                row: &row,
                ..Default::default()
            };
            let judged = decision.clone().judge(2.0, moment, &policy);
            judged.expect("warm").depth
        })
        .collect();
    assert!(depths.windows(2).all(|pair| pair[0] < pair[1]));
}

/// A name, and rows of a seed.
type Shape<'a> = (&'a str, &'a dyn Fn(u64) -> Vec<f64>);

#[test]
fn v2_the_share_asked_for_is_flagged() {
    let clean = |seed| noise(seed, 20_000);
    let two_modes = |seed| {
        let mut random = Random::new(seed ^ 7);
        let moved = |x: f64| x + if random.unit() < 0.3 { 10.0 } else { 0.0 };
        noise(seed, 20_000).into_iter().map(moved).collect()
    };
    let outliers = |seed| {
        let mut random = Random::new(seed ^ 9);
        let moved = |x: f64| x + if random.unit() < 0.03 { 20.0 } else { 0.0 };
        noise(seed, 20_000).into_iter().map(moved).collect()
    };
    let shapes: [Shape<'_>; 3] = [
        ("clean", &clean),
        ("two modes", &two_modes),
        ("3 % far off", &outliers),
    ];
    for (name, values) in shapes {
        for c in [0.1, 0.03, 0.01, 0.001] {
            // Of 1 in 1,000 one series has too few to tell.
            let found = (0..4)
                .map(|seed| share(&judge(&of_share(c), &values(seed), None), 2_000))
                .sum::<f64>()
                / 4.0;
            assert!(
                (0.5 * c..1.5 * c).contains(&found),
                "{name}, asked {c}: {found}"
            );
        }
    }
}

#[test]
fn v2_ties_are_never_flagged_more_than_twice_as_often_as_asked() {
    let mut random = Random::new(5);
    let counts: Vec<f64> = (0..20_000)
        .map(|_| f64::from((random.unit() * random.unit() * 6.0) as u32))
        .collect();
    let idle: Vec<f64> = (0..20_000)
        .map(|i| {
            let is_active = i >= 100 && random.unit() < 0.3;
            if is_active {
                1.0 + 2.0 * random.unit()
            } else {
                0.0
            }
        })
        .collect();
    for (name, values) in [("counts", counts), ("idle, then active", idle)] {
        for c in [0.1, 0.01, 0.001] {
            let found = share(&judge(&of_share(c), &values, None), 2_000);
            assert!(found <= 2.0 * c, "{name}, asked {c}: {found}");
        }
    }
}

#[test]
fn v2_one_early_outlier_changes_nothing_later() {
    let mut values = noise(3, 6_000);
    for row in (600..6_000).step_by(97) {
        values[row] += 15.0;
    }
    let without = share(&judge(&of_share(0.01), &values, None), 600);
    values[15] = 40.0;
    let with = share(&judge(&of_share(0.01), &values, None), 600);
    assert!((with / without - 1.0).abs() < 0.3, "{with} {without}");
}

#[test]
fn v2_what_lasts_or_comes_back_becomes_normal() {
    let mut values = noise(4, 8_000);
    values[2_000..].iter_mut().for_each(|x| *x += 30.0);
    let flags = flagged(&judge(&Policy::default(), &values, None));
    assert!(flags.contains(&2_000), "{flags:?}");
    let behind = flags.iter().filter(|row| **row > 2_100).count();
    assert!(behind <= 4, "{flags:?}");
    // In blocks of twelve of forty rows.
    let mut values = noise(5, 8_000);
    for (row, value) in values.iter_mut().enumerate().skip(2_000) {
        *value += if row % 40 < 12 { 30.0 } else { 0.0 };
    }
    let flags = flagged(&judge(&Policy::default(), &values, None));
    assert!(
        flags.iter().filter(|row| **row > 2_400).count() <= 4,
        "{flags:?}"
    );
}

#[test]
fn v3_equal_spikes_are_each_found_and_no_row_behind_them() {
    for gap in [2, 20, 90, 150] {
        for seed in 0..10 {
            let mut values = noise(seed, 2_000);
            let rows = [1_000, 1_000 + gap, 1_000 + 2 * gap];
            rows.iter().for_each(|row| values[*row] = 25.0);
            let flags = flagged(&judge(&Policy::default(), &values, None));
            assert!(
                rows.iter().all(|row| flags.contains(row)),
                "{gap}: {flags:?}"
            );
            assert!(flags.len() <= 4, "{gap}: {flags:?}");
        }
    }
}

#[test]
fn v4_confidence_rises_and_is_high_far_off() {
    for c in [None, Some(0.001), Some(0.1)] {
        let policy = c.map_or_else(Policy::default, of_share);
        for n in [200, 2_000] {
            let mut decision = Decision::default();
            for value in noise(n as u64, n) {
                let row = [value];
                let moment = Moment {
                    row: &row,
                    ..Default::default()
                };
                let judged = decision.judge(value.abs(), moment, &policy);
                let learning = judged.map_or(Learning::Usual, |judged| judged.learning);
                decision.take(Some(value.abs()), &row, learning);
            }
            let at = |x: f64| {
                let row = [x];
                let moment = Moment {
                    row: &row,
                    ..Default::default()
                };
                let judged = decision.clone().judge(x, moment, &policy);
                judged.expect("warm").probability
            };
            let confidences: Vec<f64> = (0..2_000).map(|i| at(f64::from(i) / 10.0)).collect();
            let never_falls = confidences.windows(2).all(|pair| pair[0] <= pair[1] + 1e-9);
            assert!(never_falls, "{c:?}, {n} rows");
            let far = at(24.0);
            assert!(far >= 0.95, "{c:?}, {n} rows: {far}");
        }
    }
}

#[test]
fn v8_plain_noise_is_flagged_about_once_a_day_at_most() {
    let day = noise(11, 86_400);
    let flags = flagged(&judge(&Policy::default(), &day, Some(1_000_000)));
    assert!(flags.len() <= 2, "a row a second: {flags:?}");
    let without_times = share(&judge(&Policy::default(), &day, None), 0);
    assert!(without_times <= 0.001, "{without_times}");
}

#[test]
fn the_default_keeps_flags_within_their_share_even_when_scores_grow() {
    let climbing: Vec<f64> = noise(1, 20_000)
        .into_iter()
        .enumerate()
        .map(|(i, x)| x + i as f64 / 50.0)
        .collect();
    let found = flagged(&judge(&Policy::default(), &climbing, None)).len();
    assert!(found <= 20_000 / 200 + 20, "{found}");
}

#[test]
fn consecutive_scores_are_asked_for() {
    let policy = policy(&DecisionConfig {
        consecutive: 3,
        contamination: Some(0.01),
        ..Default::default()
    });
    let mut values = noise(4, 1_004);
    values[1_000..].fill(9.0);
    let flags = flagged(&judge(&policy, &values, None));
    assert_eq!(flags, [1_002, 1_003]);
}

#[test]
fn a_rate_is_kept_whatever_the_scores_do() {
    for seed in 0..6 {
        // 20,000 minutes are two weeks, less a little.
        for (rate, expected) in [("0.2 %", 40), ("20 a week", 40), ("1 per 100 rows", 200)] {
            let climbing: Vec<f64> = noise(seed, 20_000)
                .into_iter()
                .enumerate()
                .map(|(i, x)| x + i as f64 / 500.0)
                .collect();
            let found = flagged(&judge(&of_rate(rate), &climbing, Some(60_000_000))).len();
            assert!(found <= expected * 3 / 2, "{rate}: {found}");
            let still = noise(seed, 20_000);
            let found = flagged(&judge(&of_rate(rate), &still, Some(60_000_000))).len();
            assert!(
                (expected * 2 / 3..=expected * 3 / 2).contains(&found),
                "{rate}: {found}"
            );
        }
    }
}

#[test]
fn what_speaks_beside_the_score_is_flagged_and_what_is_impossible_is_certain() {
    let policy = Policy::default();
    let mut decision = Decision::default();
    for value in noise(2, 500) {
        decision.take(Some(value.abs()), &[value], Learning::Usual);
    }
    let judge = |beside, policy: &Policy| {
        let moment = Moment {
            beside,
            row: &[0.5],
            ..Default::default()
        };
        let judged = decision.clone().judge(0.5, moment, policy);
        judged.expect("warm")
    };
    assert!(!judge(Beside::Nothing, &policy).is_over);
    assert!(judge(Beside::Depth(6.0), &policy).is_over);
    assert!(!judge(Beside::Lasting(6.0), &policy).is_over);
    let certain = judge(Beside::OutOfRange, &policy);
    assert!(certain.is_over && !certain.learns() && certain.confidence(true) == 1.0);
    assert!(!judge(Beside::OutOfRange, &policy.muted()).is_over);
}

#[test]
fn nothing_is_learned_where_a_calendar_says_so() {
    let mut decision = Decision::default();
    for value in noise(2, 500) {
        decision.take(Some(value.abs()), &[value], Learning::Usual);
    }
    let moment = Moment {
        row: &[0.5],
        ..Default::default()
    };
    let judged = decision.judge(0.5, moment, &Policy::default().without_learning());
    assert!(!judged.expect("warm").learns());
}

/// A decision that has learned values whose score is their size.
fn learned(values: &[f64]) -> Decision {
    let mut decision = Decision::default();
    for value in values {
        decision.take(Some(value.abs()), &[*value], Learning::Usual);
    }
    decision
}

#[test]
fn a_row_has_the_depth_that_it_is_judged_by_and_its_answers_are_sure_together() {
    let decision = learned(&noise(3, 2_000));
    for value in [0.1, 1.0, 2.5, 4.0, 9.0] {
        let row = [value];
        let moment = Moment {
            row: &row,
            ..Default::default()
        };
        let judged = decision.clone().judge(value, moment, &Policy::default());
        let judged = judged.expect("warm");
        assert_eq!(decision.depth(value, &row), Some(judged.depth), "{value}");
        assert_eq!(judged.confidence(true) + judged.confidence(false), 1.0);
        assert_eq!(judged.learns(), value < 3.0, "{value}");
    }
}

#[test]
fn the_band_of_a_value_is_what_it_has_been() {
    for offset in [0.0, 1e4, -3e6] {
        let values: Vec<f64> = noise(4, 2_000).iter().map(|x| offset + x).collect();
        let decision = learned(&values);
        // The last ones are not taken in yet.
        let known = &values[32..1_990];
        let low = known.iter().copied().fold(f64::INFINITY, f64::min);
        let high = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for off in [-50.0, 50.0] {
            let [from, middle, to] = decision.usual(&[offset + off], 0).expect("known");
            let is_near = |a: f64, b: f64| (a - b).abs() < 0.6;
            assert!(
                is_near(from, low) && is_near(to, high),
                "{offset}: {from} to {to}"
            );
            assert!((middle - offset).abs() < 1.0, "{offset}: {middle}");
        }
    }
}

#[test]
fn what_is_taken_back_costs_nothing() {
    for policy in [Policy::default(), of_share(0.01)] {
        let mut decision = learned(&noise(5, 2_000));
        let mut thresholds = Vec::new();
        for i in 0..20 {
            let row = [50.0 * f64::from(i + 1)];
            let moment = Moment {
                row: &row,
                ..Default::default()
            };
            let judged = decision.judge(row[0], moment, &policy).expect("warm");
            thresholds.push(judged.threshold);
            if judged.is_over {
                decision.retract(&policy);
            }
        }
        let rise = thresholds[19] - thresholds[0];
        assert!(rise < 0.1, "{rise} after 20 that did not count");
    }
}
