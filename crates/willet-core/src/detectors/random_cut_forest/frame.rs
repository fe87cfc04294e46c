//! Where the points of a forest are measured from and in which unit, so that 32 bits hold them well.

use serde::{Deserialize, Serialize};

use super::points::FAR;
use crate::detectors::{LARGEST, Scaling};

/// Middle and unit of each feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Frame {
    middles: Vec<f64>,
    units: Vec<f64>,
}

/// The smallest unit: the largest values stay finite in it.
const LEAST: f64 = 1e-12;
/// A unit that would grow or shrink by more than this factor is taken anew.
const MOVED: f64 = 1.5;
/// So is a middle that would move by more than this many units: nearer, 32 bits tell a millionth of a unit apart.
const AWAY: f64 = 16.0;
/// One value of so many is left out at either end: a few strange rows do not set the unit.
const TRIMMED: usize = 50;

impl Frame {
    /// The frame of the values of each feature: their median, and the deviation of all but the outermost.
    pub(super) fn of(columns: impl Iterator<Item = Vec<f64>>, scaling: Scaling) -> Self {
        let (mut middles, mut units) = (Vec::new(), Vec::new());
        for mut column in columns {
            column.sort_unstable_by(f64::total_cmp);
            let middle = column[column.len() / 2];
            let trimmed = column.len().div_ceil(TRIMMED);
            let inner = column.get(trimmed..column.len() - trimmed);
            let mut unit = deviation(inner.unwrap_or(&[]), middle);
            if unit <= 0.0 {
                // Nearly always the same value: then the exceptions set the unit.
                unit = deviation(&column, middle);
            }
            middles.push(middle);
            units.push(unit.max(1e-9 * middle.abs()).max(LEAST));
        }
        if scaling == Scaling::None {
            // One unit for all leaves every score as it is.
            let common = units.iter().copied().fold(LEAST, f64::max);
            units.fill(common);
        }
        Self { middles, units }
    }

    /// Values as numbers near 0, with the features one after the other, over and over.
    #[inline]
    pub(super) fn place<'a>(
        &self,
        values: impl Iterator<Item = &'a f64>,
        space: impl Iterator<Item = &'a mut f32>,
    ) {
        let frame = self.middles.iter().zip(&self.units).cycle();
        for ((place, x), (middle, unit)) in space.zip(values).zip(frame) {
            *place = near((x - middle) / unit);
        }
    }

    /// The value that a coordinate stands for.
    pub(super) fn value(&self, feature: usize, coordinate: f32) -> f64 {
        self.middles[feature] + self.units[feature] * f64::from(coordinate)
    }

    /// The coordinate in the frame `to` of what has this one here.
    pub(super) fn moved(&self, to: &Self, feature: usize, coordinate: f32) -> f32 {
        near((self.value(feature, coordinate) - to.middles[feature]) / to.units[feature])
    }

    /// Whether another is so far from it that it should be taken.
    pub(super) fn is_far_from(&self, other: &Self) -> bool {
        let units = self.units.iter().zip(&other.units);
        let middles = self.middles.iter().zip(&other.middles);
        units
            .zip(middles)
            .any(|((unit, new), (middle, new_middle))| {
                *new > unit * MOVED
                    || unit > &(new * MOVED)
                    || (new_middle - middle).abs() > AWAY * unit
            })
    }

    pub(super) fn is_sound(&self, width: usize) -> bool {
        let bound = 1e3 * LARGEST;
        self.middles.len() == width
            && self.units.len() == width
            && self.middles.iter().all(|middle| middle.abs() <= bound)
            && self.units.iter().all(|unit| (LEAST..=bound).contains(unit))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        (self.middles.capacity() + self.units.capacity()) * size_of::<f64>()
    }
}

/// Root mean square of what lies between values and their middle; 0 of none.
fn deviation(values: &[f64], middle: f64) -> f64 {
    let squares = values.iter().map(|x| (x - middle) * (x - middle));
    (squares.sum::<f64>() / values.len().max(1) as f64).sqrt()
}

fn near(x: f64) -> f32 {
    (x as f32).clamp(-FAR, FAR)
}
