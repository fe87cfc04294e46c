//! Where the rows of a visit are.

use serde::{Deserialize, Serialize};

use super::CLEAR;
use super::reach::Far;

/// Where each value has been since rows are strange: a level that came and stays is told once, and what then lies clearly elsewhere is told
/// again, however strange the level still is.
///
/// Empty while nothing is strange.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Places(Vec<Place>);

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Place {
    low: f64,
    high: f64,
    /// Rows here, and those on end that were elsewhere.
    rows: u32,
    away: u32,
}

/// Rows on end that make a place: a burst has none.
const SETTLED: u32 = 16;

impl Places {
    /// Nothing is strange any more.
    pub(super) fn leave(&mut self) {
        self.0.clear();
    }

    /// Takes note of a strange row; whether it is the first one clearly elsewhere, and clearly beyond what is normal. `unit` gives how far
    /// the normal values of a feature reach.
    pub(super) fn pass(
        &mut self,
        row: &[f64],
        far: Option<&Far>,
        unit: impl Fn(usize, f64) -> Option<f64>,
    ) -> bool {
        if self.0.len() != row.len() {
            self.0 = row.iter().map(|x| Place::at(*x)).collect();
            return false;
        }
        let mut is_elsewhere = false;
        for (feature, (place, x)) in self.0.iter_mut().zip(row).enumerate() {
            let margin = far.map_or(0.0, |far| far.margins[feature]);
            let unit = (margin > 0.0).then(|| unit(feature, margin)).flatten();
            is_elsewhere |= !x.is_nan() && place.pass(*x, unit, margin >= CLEAR);
        }
        is_elsewhere
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.0.capacity() * size_of::<Place>()
    }

    pub(super) fn is_sound(&self) -> bool {
        let is_sound = |place: &Place| !place.low.is_nan() && !place.high.is_nan();
        self.0.iter().all(is_sound)
    }
}

impl Place {
    fn at(x: f64) -> Self {
        let (low, high) = if x.is_nan() {
            (f64::INFINITY, f64::NEG_INFINITY)
        } else {
            (x, x)
        };
        Self {
            low,
            high,
            rows: 1,
            away: 0,
        }
    }

    fn take(&mut self, x: f64) {
        (self.low, self.high) = (self.low.min(x), self.high.max(x));
        self.away = 0;
    }

    fn pass(&mut self, x: f64, unit: Option<f64>, is_clear: bool) -> bool {
        let distance = (x - self.high).max(self.low - x);
        if distance <= 0.0 {
            self.rows = self.rows.saturating_add(1);
            self.away = 0;
            return false;
        }
        // What is normal again, or nearly, is no place of its own.
        let Some(unit) = unit else {
            self.away = 0;
            return false;
        };
        if distance <= CLEAR * unit {
            self.rows = self.rows.saturating_add(1);
            self.take(x);
            return false;
        }
        if !is_clear {
            self.away = 0;
            return false;
        }
        if self.rows < SETTLED {
            self.rows = 0;
            self.take(x);
            return false;
        }
        self.away += 1;
        if self.away >= SETTLED {
            *self = Self::at(x);
            return false;
        }
        self.away == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of these values are told, where 0 is normal and its unit is 1.
    fn told(values: impl IntoIterator<Item = f64>) -> Vec<usize> {
        let mut places = Places::default();
        let mut told = Vec::new();
        for (index, x) in values.into_iter().enumerate() {
            let margin = x.abs() - 1.0;
            let far = (margin > 0.0).then(|| Far {
                feature: 0,
                margin,
                margins: [margin].into_iter().collect(),
            });
            if places.pass(&[x], far.as_ref(), |_, _| Some(1.0)) {
                told.push(index);
            }
            assert!(places.is_sound());
        }
        told
    }

    #[test]
    fn what_lies_elsewhere_than_a_level_is_told_each_time_it_goes_there() {
        let mut values = vec![10.0; 100];
        values[30..35].fill(-5.0);
        values[60] = 20.0;
        values[62] = 20.0;
        values[80] = 11.0;
        assert_eq!(told(values), [30, 60, 62]);
    }

    #[test]
    fn a_burst_a_ramp_and_what_is_nearly_normal_again_are_not() {
        assert!(told((0..100).map(|row| 5.0 + 40.0 * f64::from(row * 7 % 5))).is_empty());
        assert!(told((0..100).map(|row| 5.0 + f64::from(row))).is_empty());
        let mut values = vec![10.0; 100];
        values[50] = 1.5;
        values[70] = 0.0;
        assert!(told(values).is_empty());
    }

    #[test]
    fn what_stays_elsewhere_is_the_place_from_then_on() {
        let mut values = vec![10.0; 100];
        values[40..].fill(30.0);
        values[90] = 10.0;
        assert_eq!(told(values), [40, 90]);
    }
}
