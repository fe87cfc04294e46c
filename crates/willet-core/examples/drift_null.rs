//! False alarms of a drift test over streams without drift: in 10,000 values, of 40 seeds with 12,000 values each.
//!
//! ```text
//! drift_null [TEST]     monitor where no test is given
//! ```

use std::f64::consts::TAU;

use willet_core::drift::find;
use willet_core::random::Random;

const SEEDS: u64 = 40;
const ROWS: u32 = 12_000;

/// What a stream remembers from value to value.
#[derive(Default)]
struct Memory {
    level: f64,
    variance: f64,
}

/// Makes value `i` of a stream.
type Stream = fn(i: u32, random: &mut Random, memory: &mut Memory) -> f64;

const STREAMS: &[(&str, Stream)] = &[
    ("normal", |_, random, _| normal(random)),
    ("rounded normal", |_, random, _| {
        (2.0 * normal(random)).round()
    }),
    ("t of 3 degrees", |_, random, _| student(random)),
    ("lognormal", |_, random, _| libm::exp(normal(random))),
    ("mostly zeros", |_, random, _| {
        let size = libm::exp(normal(random));
        if random.unit() < 0.03 { size } else { 0.0 }
    }),
    ("constant", |_, _, _| 5.0),
    ("0/1 at 0.01", |_, random, _| rate(random, 0.01)),
    ("0/1 at 0.05", |_, random, _| rate(random, 0.05)),
    ("0/1 at 0.3", |_, random, _| rate(random, 0.3)),
    ("0/1 at 0.5", |_, random, _| rate(random, 0.5)),
    ("autoregression of 0.5", |_, random, memory| {
        step(random, memory, 0.5)
    }),
    ("autoregression of 0.9", |_, random, memory| {
        step(random, memory, 0.9)
    }),
    ("autoregression of 0.97", |_, random, memory| {
        step(random, memory, 0.97)
    }),
    ("autoregression of 0.99", |_, random, memory| {
        step(random, memory, 0.99)
    }),
    ("autoregression of 0.95 under noise", |_, random, memory| {
        step(random, memory, 0.95) + 3.0 * normal(random)
    }),
    ("GARCH", |_, random, memory| {
        memory.variance = 0.05 + 0.1 * memory.level * memory.level + 0.85 * memory.variance;
        memory.level = normal(random) * memory.variance.sqrt();
        memory.level
    }),
    ("sine of 24 under noise", |i, random, _| {
        sine(i, 24.0) + normal(random)
    }),
    ("sine of 96 under noise", |i, random, _| {
        sine(i, 96.0) + normal(random)
    }),
    ("sine of 288", |i, random, _| {
        sine(i, 288.0) + 0.1 * normal(random)
    }),
    ("sine of 288 under noise", |i, random, _| {
        sine(i, 288.0) + normal(random)
    }),
    ("days of 288 with a step", |i, random, _| {
        let noise = normal(random);
        if (87..216).contains(&(i % 288)) {
            2.0 + 0.5 * noise
        } else {
            0.3 * noise
        }
    }),
];

/// Standard normal by Box and Muller.
fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * libm::log(1.0 - random.unit())).sqrt();
    radius * libm::cos(TAU * random.unit())
}

fn student(random: &mut Random) -> f64 {
    let value = normal(random);
    let squares: f64 = (0..3).map(|_| normal(random)).map(|x| x * x).sum();
    value / (squares / 3.0).sqrt()
}

fn rate(random: &mut Random, rate: f64) -> f64 {
    f64::from(u8::from(random.unit() < rate))
}

fn step(random: &mut Random, memory: &mut Memory, likeness: f64) -> f64 {
    memory.level = likeness * memory.level + normal(random);
    memory.level
}

fn sine(i: u32, period: f64) -> f64 {
    libm::sin(TAU * f64::from(i) / period)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let test = std::env::args().nth(1).unwrap_or("monitor".to_owned());
    let kind = find(&test)?;
    for (name, value) in STREAMS {
        let mut alarms = 0_u32;
        for seed in 0..SEEDS {
            let mut random = Random::new(9_000 + seed);
            let mut memory = Memory::default();
            let mut detector = kind.build(&Vec::new(), 1, seed)?;
            for i in 0..ROWS {
                let drift = detector.update(&[value(i, &mut random, &mut memory)])?;
                alarms += u32::from(drift.is_drift());
            }
        }
        let values = SEEDS as f64 * f64::from(ROWS);
        println!("{name}: {:.2}", f64::from(alarms) * 1e4 / values);
    }
    Ok(())
}
