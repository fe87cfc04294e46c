//! Plain noise around a level, on which most situations stand.

use super::case::{Case, Event};
use super::draw::Draw;

/// Values around a level.
#[derive(Clone, Debug)]
pub(super) struct Noise {
    pub(super) level: f64,
    pub(super) sigma: f64,
    pub(super) values: Vec<f64>,
}

/// A level and a deviation of any scale.
pub(super) fn level_and_deviation(draw: &mut Draw) -> (f64, f64) {
    let sigma = draw.scale(0.01..1e3);
    (sigma * draw.uniform(-50.0..50.0), sigma)
}

impl Noise {
    /// Normal noise of any level and scale.
    pub(super) fn white(draw: &mut Draw, n: usize) -> Self {
        let shape = draw.many(n, Draw::normal);
        Self::shaped(draw, &shape)
    }

    /// Noise of this shape at any level and scale.
    pub(super) fn shaped(draw: &mut Draw, shape: &[f64]) -> Self {
        let (level, sigma) = level_and_deviation(draw);
        Self {
            level,
            sigma,
            values: shape.iter().map(|x| level + sigma * x).collect(),
        }
    }

    /// Sets a row to so many deviations from the level.
    pub(super) fn put(&mut self, row: usize, size: f64) {
        self.values[row] = self.level + size * self.sigma;
    }

    /// Moves all rows from one on by so many deviations.
    pub(super) fn shift(&mut self, from: usize, size: f64) {
        let by = size * self.sigma;
        self.values[from..].iter_mut().for_each(|x| *x += by);
    }

    /// Makes the noise so many times as large from a row on.
    pub(super) fn stretch(&mut self, from: usize, times: f64) {
        let level = self.level;
        self.values[from..]
            .iter_mut()
            .for_each(|x| *x = level + (*x - level) * times);
    }

    pub(super) fn case(self) -> Case {
        let unit = self.sigma;
        Case::of(self.values, unit)
    }

    /// Sets a row to so many deviations from the level, to be found.
    pub(super) fn spiked(mut self, row: usize, size: f64) -> Case {
        self.put(row, size);
        self.case().find(Event::at(row))
    }
}
