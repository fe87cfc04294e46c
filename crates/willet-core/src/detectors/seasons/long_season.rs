use serde::{Deserialize, Serialize};

use crate::statistics::quantile;

/// A season of several periods, as the week is of days: what the period leaves, by part of it, over the last three weeks of periods.
///
/// The deviations from the period's season are kept as means of a 24th of a period. Once a period is over, it is asked whether those
/// two to seven periods ago foretell the present ones; the number that does so best is the longer season.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct LongSeason {
    /// Rows of a period; 0 while there is none.
    period: u32,
    /// Place of the next row in its period.
    phase: u32,
    /// Sum and count of the deviations in the part that is not over yet.
    sum: f64,
    count: u32,
    /// Means of the parts that are over, whole periods one after the other: upper halves of single precision.
    parts: Vec<u16>,
    /// Where the next part goes.
    next: u32,
    /// Periods of the longer season; 0 while there is none.
    cycle: u32,
    /// Share of the deviations' size that it foretells.
    gain: f32,
    /// The cycle that was given, 0 of none; where nothing was it is looked for.
    given: Option<u32>,
}

/// Periods kept.
const PERIODS: usize = 21;
/// Parts of a period, at most.
const PARTS: usize = 24;
/// A longer season in periods: from two to a week of days.
const SHORTEST: usize = 2;
const LONGEST: usize = 7;
/// What is left after it must be at most this share of what was there before; it is given up beyond the second share.
const MOST_LEFT: f64 = 0.7;
const GIVEN_UP: f64 = 0.85;
/// Another cycle must leave so much less than the present one.
const BETTER: f64 = 0.05;

impl LongSeason {
    /// Forgets all; the next deviation is the first of a period of so many rows.
    pub(super) fn start(&mut self, period: usize) {
        *self = Self {
            period: period as u32,
            given: self.given,
            ..Self::default()
        };
    }

    /// One that has so many periods; 0 of none.
    pub(super) fn given(cycle: usize) -> Self {
        Self {
            given: Some(cycle as u32),
            ..Self::default()
        }
    }

    /// One that has learned nothing and goes by the same cycle if that was given.
    pub(super) fn anew(&self) -> Self {
        Self {
            given: self.given,
            ..Self::default()
        }
    }

    /// The clock was put back: the last rows come again.
    pub(super) fn turn_back(&mut self, rows: usize) {
        if self.period == 0 {
            return;
        }
        let parts = self.parts_a_period();
        let place = |row: usize| {
            row / self.period as usize * parts
                + row % self.period as usize * parts / self.period as usize
        };
        let ahead = rows.div_ceil(self.period as usize) * self.period as usize;
        let now = ahead + self.phase as usize;
        let again = (place(now) - place(now - rows)).min(self.parts.len());
        self.phase = ((now - rows) % self.period as usize) as u32;
        (self.sum, self.count) = (0.0, 0);
        let whole = PERIODS * parts;
        if self.parts.len() < whole {
            self.parts.truncate(self.parts.len() - again);
            self.next = self.parts.len() as u32;
        } else {
            self.next = ((self.next as usize + whole - again) % whole) as u32;
        }
    }

    /// How many periods it has and how much of the deviations it takes away.
    pub(super) fn found(&self) -> Option<(usize, f64)> {
        (self.cycle > 0).then_some((self.cycle as usize, f64::from(self.gain)))
    }

    /// Rows before and after the one `back` rows before the one to come that lie in the same part of the period.
    pub(super) fn part_around(&self, back: usize) -> (usize, usize) {
        let (period, parts) = (self.period as usize, self.parts_a_period());
        if period == 0 {
            return (0, 0);
        }
        let ago = back.div_ceil(period) * period;
        let row = (ago + self.phase as usize - back) % period;
        let part = row * parts / period;
        let first = |part: usize| (part * period).div_ceil(parts);
        (row - first(part), first(part + 1) - 1 - row)
    }

    /// What it makes more of the value `back` rows before the one to come.
    pub(super) fn expected_before(&self, back: usize) -> f64 {
        if self.cycle == 0 {
            return 0.0;
        }
        let period = self.period as usize;
        let ago = back.div_ceil(period) * period;
        let place = |row: usize| {
            let part = (row % period) * self.parts_a_period() / period;
            row / period * self.parts_a_period() + part
        };
        let now = ago + self.phase as usize;
        let parts = place(now) - place(now - back);
        let index = self.parts.len().checked_sub(parts);
        index
            .and_then(|index| self.foretold(index, self.cycle as usize))
            .unwrap_or(0.0)
    }

    /// Takes in the deviation of a row from the period's season.
    pub(super) fn push(&mut self, deviation: f64) {
        if self.period == 0 {
            return;
        }
        self.sum += deviation;
        self.count += 1;
        let part = self.part();
        self.phase = (self.phase + 1) % self.period;
        if self.part() == part {
            return;
        }
        let mean = (self.sum / f64::from(self.count)) as f32;
        let kept = if mean.is_finite() {
            (mean.to_bits() >> 16) as u16
        } else {
            0
        };
        (self.sum, self.count) = (0.0, 0);
        let whole = PERIODS * self.parts_a_period();
        if self.parts.len() < whole {
            self.parts.push(kept);
        } else {
            self.parts[self.next as usize] = kept;
        }
        self.next = (self.next + 1) % whole as u32;
        if self.phase == 0 {
            self.look();
        }
    }

    fn parts_a_period(&self) -> usize {
        (self.period as usize).min(PARTS)
    }

    fn part(&self) -> usize {
        self.phase as usize * self.parts_a_period() / self.period as usize
    }

    /// Part `index` of those kept, the oldest first.
    fn at(&self, index: usize) -> f64 {
        let oldest = if self.parts.len() < PERIODS * self.parts_a_period() {
            0
        } else {
            self.next as usize
        };
        let kept = self.parts[(oldest + index) % self.parts.len()];
        f64::from(f32::from_bits(u32::from(kept) << 16))
    }

    /// Median of the parts one to three cycles before part `index`, as far as they are kept.
    fn foretold(&self, index: usize, cycle: usize) -> Option<f64> {
        let back = |cycles: usize| {
            let parts = cycles * cycle * self.parts_a_period();
            index.checked_sub(parts).map(|at| self.at(at))
        };
        let last = back(1)?;
        Some(match (back(2), back(3)) {
            (Some(b), Some(c)) => last.max(b).min(last.min(b).max(c)),
            (Some(b), None) => f64::midpoint(last, b),
            _ => last,
        })
    }

    /// Asks which number of periods foretells the parts best. A cycle must have been there twice.
    fn look(&mut self) {
        let len = self.parts.len();
        if let Some(given) = self.given {
            let has_come = len >= given as usize * self.parts_a_period();
            self.cycle = if has_come { given } else { 0 };
            return;
        }
        let most = (len / self.parts_a_period() / 2).min(LONGEST);
        if most < SHORTEST {
            return;
        }
        let mut sorted: Vec<f64> = (0..len).map(|index| self.at(index)).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        // Not the mean: what is nearly always the same would look foretold.
        let usual = sorted[len / 2];
        let mut sizes: Vec<f64> = sorted.iter().map(|x| (x - usual).abs()).collect();
        sizes.sort_unstable_by(f64::total_cmp);
        // A part that was out of order must not decide.
        let Some(large) = quantile(&sizes, 0.95) else {
            return;
        };
        let left = |cycle: usize| {
            let (mut with, mut without) = (0.0, 0.0);
            for index in cycle * self.parts_a_period()..len {
                let Some(foretold) = self.foretold(index, cycle) else {
                    continue;
                };
                with += (self.at(index) - foretold).abs().min(large);
                without += (self.at(index) - usual).abs().min(large);
            }
            if without > 0.0 { with / without } else { 1.0 }
        };
        let best = (SHORTEST..=most)
            .map(|cycle| (cycle, left(cycle)))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let present = self.cycle as usize;
        let kept = (SHORTEST..=most)
            .contains(&present)
            .then(|| (present, left(present)))
            .filter(|(_, rest)| *rest <= GIVEN_UP);
        let better = best.filter(|(_, rest)| {
            *rest <= MOST_LEFT && kept.is_none_or(|(_, before)| rest + BETTER < before)
        });
        let (cycle, rest) = better.or(kept).unwrap_or((0, 1.0));
        self.cycle = cycle as u32;
        self.gain = (1.0 - rest) as f32;
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.parts.capacity() * size_of::<u16>()
    }

    pub(super) fn is_sound(&self, period: usize) -> bool {
        let whole = PERIODS * self.parts_a_period();
        let unset = Self {
            given: self.given,
            ..Self::default()
        };
        if self.period == 0 {
            return *self == unset;
        }
        self.period as usize == period
            && self.phase < self.period
            && self.sum.is_finite()
            && self.parts.len() <= whole
            && if self.parts.len() < whole {
                self.next as usize == self.parts.len()
            } else {
                (self.next as usize) < whole
            }
            && (self.cycle == 0 || (SHORTEST..=LONGEST).contains(&(self.cycle as usize)))
            && self
                .parts
                .iter()
                .all(|part| f32::from_bits(u32::from(*part) << 16).is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// What a period of `period` rows leaves: more on two days of seven, noise, and a level that moves slowly.
    fn weeks(period: usize, days: usize, cycle: usize, noise: f64) -> Vec<f64> {
        let mut random = Random::new(7);
        (0..days * period)
            .map(|row| {
                let is_weekend = (row / period) % cycle >= cycle - 2;
                f64::from(u8::from(is_weekend)) * 10.0 + noise * (random.unit() - 0.5)
            })
            .collect()
    }

    fn pushed(period: usize, deviations: &[f64]) -> LongSeason {
        let mut season = LongSeason::default();
        season.start(period);
        deviations.iter().for_each(|x| season.push(*x));
        season
    }

    #[test]
    fn weeks_are_found_when_they_came_twice() {
        for period in [24, 48, 100, 288] {
            let two = pushed(period, &weeks(period, 14, 7, 4.0));
            assert_eq!(two.found().map(|(cycle, _)| cycle), Some(7), "{period}");
            assert!(
                two.expected_before(0).abs() < 2.0,
                "a Monday: {}",
                two.expected_before(0)
            );
            let saturday = pushed(period, &weeks(period, 40, 7, 4.0)[..period * 33]);
            assert!(
                (saturday.expected_before(0) - 10.0).abs() < 2.0,
                "{}",
                saturday.expected_before(0)
            );
            assert_eq!(pushed(period, &weeks(period, 13, 7, 4.0)).found(), None);
        }
    }

    #[test]
    fn noise_and_slow_levels_have_none() {
        let mut random = Random::new(3);
        let noise: Vec<f64> = (0..24 * 60).map(|_| random.unit()).collect();
        assert_eq!(pushed(24, &noise).found(), None);
        let mut level = 0.0;
        let slow: Vec<f64> = (0..24 * 60)
            .map(|_| {
                level = 0.98 * level + random.unit() - 0.5;
                level
            })
            .collect();
        assert_eq!(pushed(24, &slow).found(), None);
        assert_eq!(pushed(24, &[3.0; 24 * 60]).found(), None);
    }

    #[test]
    fn a_day_out_of_order_neither_hides_nor_makes_one() {
        let mut odd = weeks(24, 21, 7, 2.0);
        odd[24 * 17..24 * 18].iter_mut().for_each(|x| *x += 500.0);
        assert_eq!(pushed(24, &odd).found().map(|(cycle, _)| cycle), Some(7));
        let mut quiet = weeks(24, 21, 700, 2.0);
        quiet[24 * 10..24 * 11].iter_mut().for_each(|x| *x += 500.0);
        assert_eq!(pushed(24, &quiet).found(), None);
    }

    #[test]
    fn what_no_longer_repeats_is_given_up() {
        let mut deviations = weeks(24, 21, 7, 2.0);
        deviations.extend(weeks(24, 21, 700, 2.0));
        assert_eq!(pushed(24, &deviations).found(), None);
    }
}
