//! The monitor on series of 0 and 1, as a model's errors are: false alarms without drift, and the delay on rising rates beside that of the best
//! test there could be.
//!
//! The best test knows the rate before, how high it will rise and how long that takes, and misses only when it begins: it takes the largest
//! likelihood ratio over all beginnings (CUSUM's principle, with a ramp in the place of a step), bounded so that it alarms once in 10,000 or
//! 100,000 values without drift.

use std::f64::consts::TAU;

use willet_core::drift::find;
use willet_core::random::Random;

const SEEDS: u64 = 120;
const ROWS: u32 = 20_000;
/// The best test looks after so many rows, as the monitor does.
const BLOCK: usize = 8;

/// Makes the rate at a value from its place, the value before and a hidden state.
type Rate = fn(i: u32, before: f64, hidden: f64) -> f64;

/// A name, how alike neighbours of the hidden state are, the rate.
const STREAMS: &[(&str, f64, Rate)] = &[
    ("0.01", 0.0, |_, _, _| 0.01),
    ("0.05", 0.0, |_, _, _| 0.05),
    ("0.1", 0.0, |_, _, _| 0.1),
    ("0.2", 0.0, |_, _, _| 0.2),
    ("0.35", 0.0, |_, _, _| 0.35),
    ("0.5", 0.0, |_, _, _| 0.5),
    ("0.1, runs of 0.3", 0.0, |_, before, _| 0.07 + 0.3 * before),
    ("0.1, runs of 0.7", 0.0, |_, before, _| 0.03 + 0.7 * before),
    ("0.3, runs of 0.9", 0.0, |_, before, _| 0.03 + 0.9 * before),
    ("log-odds wander by 0.9", 0.9, |_, _, hidden| odds(hidden)),
    ("log-odds wander by 0.97", 0.97, |_, _, hidden| {
        odds(0.5 * hidden)
    }),
    ("log-odds wander by 0.99", 0.99, |_, _, hidden| {
        odds(0.5 * hidden)
    }),
    ("days of 96, 0.1 to 0.3", 0.0, |i, _, _| {
        0.2 + 0.1 * libm::sin(TAU * f64::from(i) / 96.0)
    }),
    ("days of 288, 0.15 to 0.25", 0.0, |i, _, _| {
        0.2 + 0.05 * libm::sin(TAU * f64::from(i) / 288.0)
    }),
    ("days of 288, 0.05 to 0.35", 0.0, |i, _, _| {
        0.2 + 0.15 * libm::sin(TAU * f64::from(i) / 288.0)
    }),
];

fn odds(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(2.0 - x))
}

fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * libm::log(1.0 - random.unit())).sqrt();
    radius * libm::cos(TAU * random.unit())
}

fn draw(random: &mut Random, rate: f64) -> f64 {
    f64::from(u8::from(random.unit() < rate))
}

/// A rate that rises, or falls.
#[derive(Clone, Copy)]
struct Ramp {
    from: f64,
    to: f64,
    rows: u32,
}

impl Ramp {
    /// The rate so many rows after its beginning.
    fn rate(self, age: f64) -> f64 {
        self.from + (self.to - self.from) * (age / f64::from(self.rows)).clamp(0.0, 1.0)
    }
}

fn monitor_delays(ramp: Ramp) -> Result<Vec<u32>, Box<dyn std::error::Error>> {
    let mut delays = Vec::new();
    for seed in 0..SEEDS {
        let mut random = Random::new(5_000 + seed);
        let begin = 1_000 + (random.unit() * 4_000.0) as u32;
        let mut detector = find("monitor")?.build(&Vec::new(), 1, seed)?;
        let mut delay = u32::MAX;
        for i in 0..begin + ramp.rows + 4_000 {
            let rate = ramp.rate(f64::from(i) - f64::from(begin));
            let drift = detector.update(&[draw(&mut random, rate)])?;
            if drift.is_drift() && i >= begin {
                delay = i - begin;
                break;
            }
        }
        delays.push(delay);
    }
    Ok(delays)
}

/// The best test: log-likelihood ratios of every beginning, a block apart.
struct Best {
    /// What a 1 and a 0 add, by age.
    adds: Vec<[f64; 2]>,
    sums: Vec<f64>,
}

impl Best {
    fn new(ramp: Ramp) -> Self {
        let ages = 2 * ramp.rows as usize / BLOCK * BLOCK;
        let adds = (1..=ages).map(|age| {
            let rate = ramp.rate(age as f64);
            let of = |p: f64, q: f64| libm::log(p / q);
            [of(rate, ramp.from), of(1.0 - rate, 1.0 - ramp.from)]
        });
        Self {
            adds: adds.collect(),
            sums: vec![0.0; ages / BLOCK],
        }
    }

    /// Takes a block of rows and gives the largest of the sums.
    fn push(&mut self, rows: [f64; BLOCK]) -> f64 {
        let last = self.sums.len() - 1;
        self.sums.copy_within(..last, 1);
        self.sums[0] = 0.0;
        let ages = self.adds.chunks_exact(BLOCK);
        for (sum, adds) in self.sums.iter_mut().zip(ages) {
            let each = rows.iter().zip(adds);
            *sum += each
                .map(|(x, add)| add[usize::from(*x == 0.0)])
                .sum::<f64>();
        }
        self.sums.iter().copied().fold(0.0, f64::max)
    }
}

/// Delays of the best test that alarms once in so many values without drift.
fn best_delays(ramp: Ramp, once_in: f64) -> Vec<u32> {
    let run = |seed: u64, rows: usize, begin: f64| {
        let mut random = Random::new(seed);
        let mut best = Best::new(ramp);
        let blocks = (0..rows / BLOCK).map(move |block| {
            best.push(std::array::from_fn(|i| {
                draw(
                    &mut random,
                    ramp.rate((block * BLOCK + i) as f64 - begin + 1.0),
                )
            }))
        });
        blocks.collect::<Vec<f64>>()
    };
    let still: Vec<Vec<f64>> = (0..SEEDS)
        .map(|seed| run(seed, ROWS as usize, f64::MAX))
        .collect();
    // Mean time to the first alarm; runs without one are cut short.
    let time = |bound: f64| {
        let firsts = still
            .iter()
            .map(|run| run.iter().position(|sum| *sum > bound));
        let alarms = firsts.clone().flatten().count().max(1);
        let blocks: usize = firsts.map(|at| at.unwrap_or(ROWS as usize / BLOCK)).sum();
        (blocks * BLOCK) as f64 / alarms as f64
    };
    let (mut low, mut high) = (0.0, 20.0);
    for _ in 0..30 {
        let bound = f64::midpoint(low, high);
        if time(bound) < once_in {
            low = bound;
        } else {
            high = bound;
        }
    }
    let begin = 4_000;
    let delays = (0..SEEDS).map(|seed| {
        let rows = begin + ramp.rows as usize + 4_000;
        let run = run(10_000 + seed, rows, begin as f64);
        let after = run[begin / BLOCK..].iter().position(|sum| *sum > high);
        after.map_or(u32::MAX, |block| (block * BLOCK + BLOCK - 1) as u32)
    });
    delays.collect()
}

fn median(mut delays: Vec<u32>) -> u32 {
    delays.sort_unstable();
    delays[delays.len() / 2]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("false alarms in 10,000 values");
    for (name, alike, rate) in STREAMS {
        let mut alarms = 0_u32;
        for seed in 0..SEEDS {
            let mut random = Random::new(77_000 + seed);
            let mut detector = find("monitor")?.build(&Vec::new(), 1, seed)?;
            let (mut before, mut hidden) = (0.0, 0.0);
            for i in 0..ROWS {
                if *alike > 0.0 {
                    hidden = alike * hidden + (1.0 - alike * alike).sqrt() * normal(&mut random);
                }
                before = draw(&mut random, rate(i, before, hidden));
                alarms += u32::from(detector.update(&[before])?.is_drift());
            }
        }
        let values = SEEDS as f64 * f64::from(ROWS);
        println!("  {name}: {:.2}", f64::from(alarms) * 1e4 / values);
    }
    println!("median delay: monitor; the best test at an alarm in 100,000 and in 10,000");
    for rows in [1, 500, 1_000, 1_500, 3_000] {
        for (from, to) in [
            (0.03, 0.08),
            (0.1, 0.235),
            (0.235, 0.37),
            (0.37, 0.51),
            (0.3, 0.2),
        ] {
            let ramp = Ramp { from, to, rows };
            let monitor = median(monitor_delays(ramp)?);
            // Of a step it would know the end as well as the beginning.
            if rows < 100 {
                println!("  {from} to {to} at once: {monitor}");
                continue;
            }
            let best = [1e5, 1e4].map(|once_in| median(best_delays(ramp, once_in)));
            println!(
                "  {from} to {to} in {rows}: {monitor}; {} and {}",
                best[0], best[1]
            );
        }
    }
    Ok(())
}
