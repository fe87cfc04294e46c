//! One feature's distribution in a sliding window.

use libm::log;
use serde::{Deserialize, Serialize};

use super::Tails;
use crate::rows::Expected;
use crate::statistics::SortedWindow;

/// The last values of a feature, sorted, and which way they lean.
#[derive(Debug)]
pub(in crate::detectors) struct Feature {
    window: SortedWindow,
    sums: Sums,
    /// Values until the sums are taken anew: what was added and taken away again leaves its rounding behind.
    until_anew: usize,
}

/// Sums of powers of the distance from `center`, which lies among the values, so that little is cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sums {
    center: f64,
    first: f64,
    second: f64,
    third: f64,
}

#[derive(Serialize, Deserialize)]
pub(in crate::detectors) struct State {
    window: SortedWindow,
    sums: Sums,
    until_anew: usize,
}

impl Sums {
    fn add(&mut self, value: f64, sign: f64) {
        let distance = value - self.center;
        let square = distance * distance;
        self.first += sign * distance;
        self.second += sign * square;
        self.third += sign * square * distance;
    }

    fn of(values: &[f64]) -> Self {
        let mut sums = Self {
            center: values.iter().sum::<f64>() / values.len().max(1) as f64,
            ..Self::default()
        };
        values.iter().for_each(|x| sums.add(*x, 1.0));
        sums
    }

    /// Third central moment of `count` values, times `count`.
    fn lean(&self, count: f64) -> f64 {
        let mean = self.first / count;
        self.third - 3.0 * mean * self.second + 2.0 * count * mean * mean * mean
    }

    fn is_finite(&self) -> bool {
        [self.center, self.first, self.second, self.third]
            .iter()
            .all(|x| x.is_finite())
    }
}

/// A lean of less than this share of what it is made of is rounding.
const NOTHING: f64 = 1e-12;

impl Feature {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            window: SortedWindow::new(capacity),
            sums: Sums::default(),
            until_anew: 1,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.window.len()
    }

    pub(super) fn push(&mut self, value: f64) {
        let left = self.window.push(value);
        self.until_anew -= 1;
        if self.until_anew == 0 {
            self.sums = Sums::of(self.window.sorted());
            self.until_anew = self.window.len();
            return;
        }
        self.sums.add(value, 1.0);
        if let Some(left) = left {
            self.sums.add(left, -1.0);
        }
    }

    /// The tails of a value, as if it had been in the window.
    pub(super) fn tails(&self, value: f64) -> Tails {
        let sorted = self.window.sorted();
        let count = sorted.len() as f64 + 1.0;
        let below = sorted.partition_point(|x| *x < value);
        let not_above = below + sorted[below..].partition_point(|x| *x <= value);
        let whole = log(count);
        let left = whole - log(not_above as f64 + 1.0);
        let right = whole - log((sorted.len() - below) as f64 + 1.0);
        let skewed = match self.lean_with(value) {
            lean if lean < 0 => left,
            lean if lean > 0 => right,
            _ => left + right,
        };
        Tails {
            left,
            right,
            skewed,
        }
    }

    /// Sign of the skewness of the window and this value.
    fn lean_with(&self, value: f64) -> i8 {
        let mut sums = self.sums;
        sums.add(value, 1.0);
        let lean = sums.lean(self.window.len() as f64 + 1.0);
        let size = sums.third.abs() + (sums.first * sums.second).abs();
        if lean.abs() <= NOTHING * size {
            0
        } else if lean < 0.0 {
            -1
        } else {
            1
        }
    }

    pub(super) fn expected(&self) -> Option<Expected> {
        let at = |q| self.window.quantile(q);
        Some(Expected {
            low: at(0.01)?,
            middle: at(0.5)?,
            high: at(0.99)?,
        })
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.window.heap_bytes()
    }

    pub(super) fn save(&self) -> State {
        State {
            window: self.window.clone(),
            sums: self.sums,
            until_anew: self.until_anew,
        }
    }

    pub(super) fn restore(capacity: usize, state: State) -> Option<Self> {
        let mut window = state.window;
        let is_sound = window.is_sound(capacity)
            && state.sums.is_finite()
            && (1..=capacity).contains(&state.until_anew);
        if !is_sound {
            return None;
        }
        window.grow(capacity);
        Some(Self {
            window,
            sums: state.sums,
            until_anew: state.until_anew,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn tails_and_lean_are_those_of_the_window_with_the_value() {
        let mut random = Random::new(5);
        let mut feature = Feature::new(50);
        let mut all: Vec<f64> = Vec::new();
        for step in 0..400 {
            // Skewed to the right, then to the left, far from 0.
            let side = if step < 200 { 1.0 } else { -1.0 };
            let value = 1e6 + side * random.unit() * random.unit();
            if feature.len() >= 32 {
                let from = all.len() - feature.len();
                let mut with: Vec<f64> = all[from..].to_vec();
                with.push(value);
                let count = with.len() as f64;
                let share = |is_in: &dyn Fn(f64) -> bool| {
                    -log(with.iter().filter(|x| is_in(**x)).count() as f64 / count)
                };
                let (left, right) = (share(&|x| x <= value), share(&|x| x >= value));
                let mean = with.iter().sum::<f64>() / count;
                let lean: f64 = with
                    .iter()
                    .map(|x| (x - mean) * (x - mean) * (x - mean))
                    .sum();
                let tails = feature.tails(value);
                assert!((tails.left - left).abs() < 1e-9 && (tails.right - right).abs() < 1e-9);
                if lean.abs() > 1e-6 {
                    let expected = if lean < 0.0 { left } else { right };
                    assert!((tails.skewed - expected).abs() < 1e-9, "step {step}");
                }
            }
            feature.push(value);
            all.push(value);
        }
    }
}
