//! Relations that must hold for any data: tried on many seeds within a time budget.

use std::time::{Duration, Instant};

use willet_core::detectors::find;
use willet_core::random::Random;

use crate::streams::{all_names, build, normal, score, score_learn};

/// Seconds to try seeds for; `WILLET_METAMORPHIC_SECONDS` sets another number.
const SECONDS: u64 = 2;

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the budget of this test is wall time"
)]
fn relations_hold_on_every_seed_tried() {
    let seconds = std::env::var("WILLET_METAMORPHIC_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(SECONDS));
    let first = std::env::var("WILLET_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let mut tried = 0;
    for seed in first.. {
        for name in all_names() {
            if find(name).expect("known").0.categorical {
                check_names(name, seed);
            } else {
                check(name, seed);
            }
        }
        tried += 1;
        if Instant::now() >= end {
            break;
        }
    }
    println!("metamorphic: {tried} seeds, each over all kinds");
}

fn check(name: &str, seed: u64) {
    let mut random = Random::new(seed);
    let width = 1 + random.below(4);
    let center: Vec<f64> = (0..width)
        .map(|_| (random.unit() - 0.5) * libm::pow(10.0, 6.0 * random.unit()))
        .collect();
    let deviation: Vec<f64> = (0..width)
        .map(|_| libm::pow(10.0, 6.0 * random.unit() - 3.0))
        .collect();
    let row = |random: &mut Random| -> Vec<f64> {
        (0..width)
            // Nothing beyond the place from which on scores must not fall: that is inside the data.
            .map(|i| center[i] + deviation[i] * normal(random).clamp(-3.9, 3.9))
            .collect()
    };
    let values: Vec<f64> = (0..1_500).flat_map(|_| row(&mut random)).collect();
    let mut detector = build(name, width);
    score_learn(&mut *detector, &values);

    let feature = random.below(width);
    let side = if random.unit() < 0.5 { -1.0 } else { 1.0 };
    let at = |sigmas: f64| {
        let mut row = center.clone();
        row[feature] += side * sigmas * deviation[feature];
        score(&*detector, &row).score().expect("warm")
    };

    // In every feature: a forest may look past one feature among several, but not past a row that is far in all.
    let far: Vec<f64> = (0..width)
        .map(|i| center[i] + side * 10.0 * deviation[i])
        .collect();
    let spike = score(&*detector, &far).score().expect("warm");

    let saturates = find(name).expect("known").0.saturates;
    // Against fresh normal rows under the same model: the top 0.1 %. A kind that saturates cannot tell a spike from the
    // far edge of its data, and the other edge may be emptier: the top 1 %.
    let allowed = if saturates { 20 } else { 2 };
    let stranger = (0..2_000)
        .filter(|_| score(&*detector, &row(&mut random)).score().expect("warm") > spike)
        .count();
    assert!(
        stranger <= allowed,
        "{name}, seed {seed}: {stranger} of 2,000 normal rows score above a spike of 10 sigma"
    );

    // Inside the data a tree's regions differ by chance; from their edge on there is no excuse.
    let path: Vec<f64> = (8..=20).map(|half| at(f64::from(half) / 2.0)).collect();
    // The factor compares a row with the rows next to it: it falls a little where others become the nearest.
    let given = if name == "lof" || name == "local_outlier_factor" {
        0.95
    } else {
        1.0
    };
    let falls = path.windows(2).any(|pair| pair[1] < given * pair[0]);
    let rises = path.windows(2).all(|pair| pair[1] > given * pair[0]);
    assert!(
        !falls && (saturates || rises),
        "{name}, seed {seed}: from 4 to 10 sigma {path:?}"
    );
}

/// Of a kind that takes values for names: what is rarer is stranger, what never came the strangest, and it is all one what the names are.
fn check_names(name: &str, seed: u64) {
    let mut random = Random::new(seed);
    let width = 1 + random.below(4);
    let names = 3 + random.below(30);
    // Each name half as often as the one before, or any share of that.
    let share = 0.5 + 0.45 * random.unit();
    let draw = |random: &mut Random| -> usize {
        let fell = libm::log(1.0 - random.unit()) / libm::log(share);
        (fell as usize).min(names - 1)
    };
    let drawn: Vec<usize> = (0..1_500 * width).map(|_| draw(&mut random)).collect();
    let mut called: Vec<f64> = (0..=names)
        .map(|name| name as f64 + 1e6 * (random.unit() - 0.5))
        .collect();
    let learn = |called: &[f64]| {
        let values: Vec<f64> = drawn.iter().map(|name| called[*name]).collect();
        let mut detector = build(name, width);
        let scores = score_learn(&mut *detector, &values);
        (detector, scores)
    };
    let (detector, scores) = learn(&called);
    let feature = random.below(width);
    // The feature's values by how often they came lately; the others have their usual one.
    let times = |wanted: usize| {
        let column = drawn.iter().skip(feature).step_by(width);
        column.filter(|name| **name == wanted).count()
    };
    let at = |called: &[f64], wanted: usize| {
        let mut row: Vec<f64> = detector.expected().iter().map(|band| band.middle).collect();
        row[feature] = called[wanted];
        let main = detector.explain(&row).expect("the width").main_feature();
        let score = score(&*detector, &row).score().expect("warm");
        (score, main)
    };
    let (never, guilty) = at(&called, names);
    assert_eq!(guilty, Some(feature), "{name}, seed {seed}");
    for one in (0..names).filter(|one| times(*one) > 0) {
        let (found, _) = at(&called, one);
        assert!(
            found < never,
            "{name}, seed {seed}: {one} as strange as what never came"
        );
        for other in 0..names {
            // Old rows weigh a little less: a few more may not count.
            if times(one) > 2 * times(other) + 5 {
                let (rarer, _) = at(&called, other);
                assert!(
                    found < rarer,
                    "{name}, seed {seed}: {one} came more often than {other}"
                );
            }
        }
    }
    called.reverse();
    assert_eq!(learn(&called).1, scores, "{name}, seed {seed}: other names");
}
