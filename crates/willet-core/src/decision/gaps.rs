use libm::log10;
use serde::{Deserialize, Serialize};

use super::course::{KNOWN, LASTING, LONGER, MISSING_ROWS, runs_expected};
use super::{AnomalyType, Evidence};

/// How long each value of a series has been missing in rows that had others.
///
/// Rows without any value are the matter of [`Course`](super::Course). Memory 20 bytes a value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Gaps {
    values: Vec<Gap>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Gap {
    /// Rows in which it came.
    came: u32,
    /// Rows on end in which it did not, the most before, and all of those before.
    missing: u32,
    longest: u32,
    before: u32,
    is_told: bool,
}

/// Where values are lost now and then, one so long must come by chance in less than so many series.
const CHANCE: f64 = 1e-3;

impl Gaps {
    /// Takes note of a row; evidence at the one row at which a value has been missing for longer than ever.
    pub(super) fn step(&mut self, row: &[f64]) -> Option<Evidence> {
        if row.len() < 2 || row.iter().all(|x| x.is_nan()) {
            return None;
        }
        self.values.resize(row.len(), Gap::default());
        let mut news = None;
        for (feature, (gap, x)) in self.values.iter_mut().zip(row).enumerate() {
            if gap.step(x.is_nan()) && news.is_none() {
                news = Some(gap.evidence(feature));
            }
        }
        news
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<Gap>()
    }
}

impl Gap {
    /// Whether it is missing for longer than ever, said once.
    fn step(&mut self, is_missing: bool) -> bool {
        if !is_missing {
            self.longest = self.longest.max(self.missing);
            self.before = self.before.saturating_add(self.missing);
            (self.missing, self.is_told) = (0, false);
            self.came = self.came.saturating_add(1);
            return false;
        }
        self.missing = self.missing.saturating_add(1);
        let limit = self.longest.saturating_mul(LONGER).max(MISSING_ROWS);
        let is_news = self.came >= KNOWN && self.missing >= limit && !self.is_told;
        if !is_news || self.chance() > CHANCE {
            return false;
        }
        self.is_told = true;
        true
    }

    /// How many gaps as long as this one were to be expected by now, were each value lost by itself.
    fn chance(&self) -> f64 {
        let rows = self.came.saturating_add(self.before);
        runs_expected(rows, self.before, self.missing)
    }

    fn evidence(&self, feature: usize) -> Evidence {
        Evidence {
            depth: log10(f64::from(self.came) + 1.0) + LASTING,
            anomaly_type: AnomalyType::MissingData,
            feature: Some(feature),
            rows: self.missing,
            usual: self.longest,
        }
        .by_chance(self.chance())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows at which a value is said to be missing, and which.
    fn said(rows: impl IntoIterator<Item = [f64; 2]>) -> Vec<(usize, usize)> {
        let mut gaps = Gaps::default();
        let rows = rows.into_iter().enumerate();
        let of = |(row, values): (usize, [f64; 2])| Some((row, gaps.step(&values)?.feature?));
        rows.filter_map(of).collect()
    }

    #[test]
    fn a_value_that_stays_away_is_said_once_and_one_that_often_does_is_not() {
        const NONE: f64 = f64::NAN;
        let second = |row: usize| match row {
            150..200 | 300..310 => NONE,
            _ => 1.0,
        };
        assert_eq!(said((0..400).map(|row| [1.0, second(row)])), [(152, 1)]);
        // One in twenty is lost.
        let mut random = crate::random::Random::new(1);
        let lost: Vec<f64> = (0..5_000)
            .map(|_| if random.unit() < 0.05 { NONE } else { 1.0 })
            .collect();
        assert_eq!(said(lost.into_iter().map(|x| [1.0, x])), []);
        let now_and_then = |row: usize| if row.is_multiple_of(3) { 1.0 } else { NONE };
        assert_eq!(said((0..900).map(|row| [1.0, now_and_then(row)])), []);
        assert_eq!(said((0..900).map(|_| [1.0, NONE])), [], "it never came");
        let both = |row: usize| if row < 200 { 1.0 } else { NONE };
        assert_eq!(
            said((0..300).map(|row| [both(row); 2])),
            [],
            "no value at all"
        );
    }
}
