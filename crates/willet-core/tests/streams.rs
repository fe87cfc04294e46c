//! Small seeded streams for the checks.

use willet_core::detectors::{Detector, KINDS, Kind, find};
use willet_core::random::Random;
use willet_core::rows::{Raw, Rows};

/// Standard normal by Box and Muller.
pub(crate) fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * libm::log(1.0 - random.unit())).sqrt();
    radius * libm::cos(std::f64::consts::TAU * random.unit())
}

/// Rows of independent normal features around 10, 20, ... with deviation 1.
pub(crate) fn normal_rows(seed: u64, rows: usize, width: usize) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..rows * width)
        .map(|i| 10.0 * (1 + i % width) as f64 + normal(&mut random))
        .collect()
}

/// Every name of every kind, so that an alias with a method of its own is checked too.
pub(crate) fn all_names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().flat_map(Kind::names)
}

pub(crate) fn build(name: &str, width: usize) -> Box<dyn Detector> {
    let (kind, options) = find(name).expect("known");
    kind.build(&options, width, 7).expect("defaults are valid")
}

pub(crate) fn score_learn(detector: &mut dyn Detector, values: &[f64]) -> Vec<Raw> {
    let rows = Rows::new(values, detector.width()).expect("whole rows");
    let mut out = vec![Raw::WarmingUp; rows.len()];
    detector.score_learn(rows, &mut out).expect("right width");
    out
}

pub(crate) fn score(detector: &dyn Detector, row: &[f64]) -> Raw {
    let mut out = [Raw::WarmingUp];
    detector
        .score(Rows::one(row), &mut out)
        .expect("right width");
    out[0]
}
