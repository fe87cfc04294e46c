//! How well a rate is kept: flags on series in which nothing is wrong, asked for `0.1 %`, `5 a week` and `1 %` with a row each 5 minutes.
//!
//! ```text
//! rates [SEEDS [NAME]]     SEEDS series of each sort (3), only this kind
//! ```
//!
//! A line for each kind, sort and rate, between tabs: flags for each one asked for behind the first week, as a mean over the series, and the most in
//! any four weeks on end of any of them; then for each kind and rate the share of series with at most 1.5 times and with at least 1/1.5 times
//! what was asked for.

use std::f64::consts::TAU;

use willet_core::decision::DecisionConfig;
use willet_core::detectors::{KINDS, Kind};
use willet_core::random::Random;
use willet_core::series::{Answer, Series, SeriesConfig};

const ROWS: usize = 20_000;
const MINUTES: i64 = 5;
const DAY: usize = 24 * 12;
const WEEK: usize = 7 * DAY;
/// A rate and the rows that bring a flag under it.
const RATES: [(&str, f64); 3] = [
    ("0.1 %", 1_000.0),
    ("5 a week", WEEK as f64 / 5.0),
    ("1 %", 100.0),
];

/// Makes a value from a source of chance, its place and the value before.
type Value = fn(&mut Random, usize, f64) -> f64;

const SORTS: &[(&str, Value)] = &[
    ("white noise", |random, _, _| normal(random)),
    ("AR(1), 0.5", |random, _, before| {
        0.5 * before + normal(random)
    }),
    ("AR(1), 0.9", |random, _, before| {
        0.9 * before + normal(random)
    }),
    ("daily season", |random, i, _| {
        10.0 * daily(i) + normal(random)
    }),
    ("counts", |random, i, _| {
        poisson(random, 4.0 + 3.0 * daily(i))
    }),
    ("rare counts", |random, _, _| poisson(random, 0.1)),
    ("counts nearly always 0", |random, _, _| {
        poisson(random, 0.005)
    }),
    ("0 but for a value at times", |random, _, _| {
        if random.unit() < 0.02 {
            normal(random)
        } else {
            0.0
        }
    }),
    ("0 or 1", |random, _, _| {
        f64::from(u8::from(random.unit() < 0.02))
    }),
    ("Student t, 3", |random, _, _| student(random, 3)),
    ("Student t, 2", |random, _, _| student(random, 2)),
    ("lognormal", |random, _, _| libm::exp(normal(random))),
    ("drifting level", |random, i, _| {
        normal(random) + i as f64 / 2_000.0
    }),
    ("random walk", |random, _, before| before + normal(random)),
    ("ramp", |_, i, _| i as f64),
    ("constant", |_, _, _| 1.0),
];

fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * libm::log(1.0 - random.unit())).sqrt();
    radius * libm::cos(TAU * random.unit())
}

fn daily(i: usize) -> f64 {
    libm::sin(TAU * (i % DAY) as f64 / DAY as f64)
}

fn poisson(random: &mut Random, mean: f64) -> f64 {
    let (limit, mut count, mut product) = (libm::exp(-mean), 0.0, random.unit());
    while product > limit {
        count += 1.0;
        product *= random.unit();
    }
    count
}

fn student(random: &mut Random, degrees: u32) -> f64 {
    let squares: f64 = (0..degrees)
        .map(|_| {
            let x = normal(random);
            x * x
        })
        .sum();
    normal(random) / (squares / f64::from(degrees)).sqrt()
}

/// Rows at which a series is flagged.
fn flags(kind: &'static Kind, value: Value, rate: &str, seed: u64) -> Vec<usize> {
    let decision = DecisionConfig {
        rate: Some(rate.to_owned()),
        ..DecisionConfig::default()
    };
    let config = SeriesConfig {
        kind,
        options: &Vec::new(),
        names: vec!["value".to_owned()],
        seed,
        key: "rates",
        decision: &decision,
        learn_every: 1,
    };
    let mut series = Series::new(&config).expect("defaults are sound");
    let mut random = Random::new(seed);
    let mut before = 0.0;
    let mut flagged = |i: &usize| {
        before = value(&mut random, *i, before);
        let time = *i as i64 * MINUTES * 60_000_000;
        let answer = series.take(&[before], Some(time)).expect("the width");
        matches!(answer, Answer::Scored(scored) if scored.reason.is_some())
    };
    (0..ROWS).filter(|i| flagged(i)).collect()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seeds = arguments.next().map_or(3, |count| {
        count.parse().expect("a number of series of each sort")
    });
    let wanted = arguments.next();
    let kinds = KINDS.iter().filter(|kind| {
        let is_wanted = |wanted: &String| kind.names().any(|name| name == wanted);
        wanted.as_ref().is_none_or(is_wanted)
    });
    for kind in kinds {
        for (rate, rows) in RATES {
            let (mut series, mut above, mut below) = (0, 0, 0);
            for (sort, value) in SORTS {
                let (mut total, mut worst) = (0.0, 0.0_f64);
                for seed in 0..seeds {
                    let mut flags = flags(kind, *value, rate, seed);
                    flags.retain(|row| *row >= WEEK);
                    let kept = flags.len() as f64 / ((ROWS - WEEK) as f64 / rows);
                    total += kept;
                    series += 1;
                    above += u32::from(kept > 1.5);
                    below += u32::from(kept < 1.0 / 1.5);
                    let of_stretch = |from: &usize| {
                        flags
                            .iter()
                            .filter(|at| (*from..from + 4 * WEEK).contains(at))
                            .count()
                    };
                    let most = flags.iter().map(of_stretch).max().unwrap_or(0);
                    worst = worst.max(most as f64 / (4 * WEEK) as f64 * rows);
                }
                println!(
                    "{}\t{rate}\t{sort}\t{:.2}\t{worst:.2}",
                    kind.name,
                    total / seeds as f64
                );
            }
            let share = |count: u32| 100.0 * (1.0 - f64::from(count) / f64::from(series));
            println!(
                "{}\t{rate}\tseries with at most 1.5 times {:.0} %, with at least 1/1.5 times {:.0} %",
                kind.name,
                share(above),
                share(below)
            );
        }
    }
}
