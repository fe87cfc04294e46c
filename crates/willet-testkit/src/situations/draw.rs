//! Numbers drawn from a seed, in the shapes that measurements have.

use std::f64::consts::TAU;
use std::ops::Range;

use libm::{cos, exp, log, pow};
use willet_core::random::{Random, mix};

/// A generator of the numbers of one case.
#[derive(Clone, Debug)]
pub struct Draw(Random);

impl Draw {
    /// The generator of a name and a seed; other names have other numbers for the same seed.
    pub fn new(name: &str, seed: u64) -> Self {
        let hash = name
            .bytes()
            .fold(seed, |hash, byte| mix(hash ^ u64::from(byte)));
        Self(Random::new(hash))
    }

    /// Anywhere in the range.
    pub fn uniform(&mut self, range: Range<f64>) -> f64 {
        range.start + (range.end - range.start) * self.0.unit()
    }

    /// Anywhere in the range on a logarithmic scale: as often 1 to 10 as 10 to 100.
    pub fn scale(&mut self, range: Range<f64>) -> f64 {
        exp(self.uniform(log(range.start)..log(range.end)))
    }

    /// A whole number of the range.
    pub fn whole(&mut self, range: Range<usize>) -> usize {
        range.start + self.0.below(range.end - range.start)
    }

    /// Whether something of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.0.unit() < probability
    }

    /// 1 or -1.
    pub fn sign(&mut self) -> f64 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.0.below(of.len())]
    }

    /// One of 0, 1, 2, ... with these probabilities, which are 1 together.
    pub fn weighted(&mut self, probabilities: &[f64]) -> usize {
        let mut left = self.0.unit();
        let found = probabilities.iter().position(|probability| {
            left -= probability;
            left < 0.0
        });
        found.unwrap_or(probabilities.len() - 1)
    }

    /// Standard normal (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * log(1.0 - self.0.unit())).sqrt();
        radius * cos(TAU * self.0.unit())
    }

    /// Student's t (Bailey 1994: Box and Muller with another radius).
    pub fn student(&mut self, degrees: f64) -> f64 {
        let radius = degrees * (pow(1.0 - self.0.unit(), -2.0 / degrees) - 1.0);
        radius.sqrt() * cos(TAU * self.0.unit())
    }

    /// A count of events that come `rate` a row (Knuth: exponential gaps until one is over).
    pub fn poisson(&mut self, rate: f64) -> f64 {
        let (mut count, mut product) = (0.0, self.0.unit());
        let end = exp(-rate);
        while product > end {
            product *= self.0.unit();
            count += 1.0;
        }
        count
    }

    /// So many numbers of one kind.
    pub fn many(&mut self, n: usize, mut one: impl FnMut(&mut Self) -> f64) -> Vec<f64> {
        (0..n).map(|_| one(self)).collect()
    }

    /// A value that wanders around 0 with deviation 1; each keeps the share `keeps` of the one before (AR(1)).
    pub fn wandering(&mut self, n: usize, keeps: f64) -> Vec<f64> {
        let fresh = (1.0 - keeps * keeps).sqrt();
        let mut last = self.normal();
        self.many(n, |draw| {
            let now = last;
            last = keeps * last + fresh * draw.normal();
            now
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_the_moments_they_should() {
        let mut draw = Draw::new("moments", 1);
        let mut check = |name: &str, one: fn(&mut Draw) -> f64, mean: f64, variance: f64| {
            let values = draw.many(100_000, one);
            let found = values.iter().sum::<f64>() / 1e5;
            let spread = values
                .iter()
                .map(|x| (x - found) * (x - found))
                .sum::<f64>()
                / 1e5;
            assert!((found - mean).abs() < 0.05, "{name}: mean {found}");
            assert!(
                (spread / variance - 1.0).abs() < 0.1,
                "{name}: variance {spread}"
            );
        };
        check("normal", Draw::normal, 0.0, 1.0);
        check("student", |draw| draw.student(8.0), 0.0, 8.0 / 6.0);
        check("poisson", |draw| draw.poisson(4.0), 4.0, 4.0);
        check(
            "weighted",
            |draw| draw.weighted(&[0.5, 0.5]) as f64,
            0.5,
            0.25,
        );
    }
}
