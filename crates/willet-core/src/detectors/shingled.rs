//! Any detector over the last few rows side by side (a shingle), so that it sees the course of a series.

use serde::{Deserialize, Serialize};

use super::contract::{Detector, MAX_WIDTH, Options, Snapshot};
use super::guarded::LARGEST;
use crate::error::{ConfigError, WidthError};
use crate::rows::{Expected, Explanation, Raw, Rows};
use crate::settings::{self, Setting as _, SettingSpec, Value};

/// A setting of every kind that has none of this name itself.
pub(super) const SHINGLE_SIZE: SettingSpec = SettingSpec {
    name: "shingle_size",
    doc: " How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the series.",
    default: || 1_usize.show(),
    allowed: || usize::allowed(&RANGE),
};
const RANGE: std::ops::RangeInclusive<usize> = 1..=128;

/// Takes the shingle's size out of the options of a kind that does not know it.
pub(super) fn split(options: &Options, width: usize) -> Result<(Options, usize), ConfigError> {
    let (own, rest): (Options, Options) = options
        .iter()
        .cloned()
        .partition(|(name, _)| name == SHINGLE_SIZE.name);
    let size = match own.last() {
        Some((name, value)) => settings::read(name, value, &RANGE)?,
        None => 1,
    };
    if size * width > MAX_WIDTH {
        return Err(ConfigError::Value {
            name: SHINGLE_SIZE.name.to_owned(),
            found: size.to_string(),
            expected: format!("at most {MAX_WIDTH} values in all rows together, here {width} each"),
        });
    }
    Ok((rest, size))
}

#[derive(Debug)]
pub(super) struct Shingled {
    inner: Box<dyn Detector>,
    width: usize,
    /// The rows before, the oldest first, without gaps.
    before: Vec<f64>,
    /// How many of them have come.
    filled: usize,
}

#[derive(Serialize, Deserialize)]
struct State {
    before: Vec<f64>,
    filled: usize,
    inner: Vec<u8>,
}

/// Widths up to which a shingle is put together on the stack.
const NARROW: usize = 128;

impl Shingled {
    pub(super) fn new(inner: Box<dyn Detector>, width: usize) -> Self {
        let before = vec![0.0; inner.width() - width];
        Self {
            inner,
            width,
            before,
            filled: 0,
        }
    }

    /// Splits a saved state into that of the shingle and the bytes of the detector in it.
    pub(super) fn restore(
        bytes: &[u8],
        width: usize,
        size: usize,
        inner: impl FnOnce(&[u8]) -> Result<Box<dyn Detector>, String>,
    ) -> Result<Self, String> {
        let state: State = postcard::from_bytes(bytes).map_err(|error| error.to_string())?;
        let is_sound = state.before.len() == (size - 1) * width
            && state.filled < size
            && state.before.iter().all(|x| x.abs() <= LARGEST);
        if !is_sound {
            return Err("its shingle has another size".to_owned());
        }
        Ok(Self {
            inner: inner(&state.inner)?,
            width,
            before: state.before,
            filled: state.filled,
        })
    }

    fn is_filled(&self) -> bool {
        self.filled * self.width == self.before.len()
    }

    /// The shingle that ends with a row, handed to `then`.
    fn with<T>(&self, row: &[f64], then: impl FnOnce(Rows<'_>) -> T) -> T {
        let (mut narrow, mut wide);
        let len = self.before.len() + row.len();
        let whole = if len <= NARROW {
            narrow = [0.0; NARROW];
            &mut narrow[..len]
        } else {
            wide = vec![0.0; len];
            &mut wide[..]
        };
        whole[..self.before.len()].copy_from_slice(&self.before);
        whole[self.before.len()..].copy_from_slice(row);
        then(Rows::one(whole))
    }

    /// Moves on by a row; what cannot be used is as what came before it.
    fn push(&mut self, row: &[f64]) {
        let (width, len) = (self.width, self.before.len());
        self.before.copy_within(width.., 0);
        for (feature, x) in row.iter().enumerate() {
            let at = len - width + feature;
            // After the move the row before still stands in this place.
            if x.abs() <= LARGEST {
                self.before[at] = *x;
            }
        }
        self.filled = (self.filled + 1).min(len / width);
    }

    fn check(&self, rows: Rows<'_>) -> Result<(), WidthError> {
        if rows.width() != self.width && !rows.is_empty() {
            return Err(WidthError {
                expected: self.width,
                found: rows.width(),
            });
        }
        Ok(())
    }

    fn score_one(&self, row: &[f64]) -> Result<Raw, WidthError> {
        if row.iter().all(|x| x.is_nan()) {
            return Ok(Raw::Missing);
        }
        if !self.is_filled() {
            return Ok(Raw::WarmingUp);
        }
        let mut out = [Raw::WarmingUp];
        self.with(row, |whole| self.inner.score(whole, &mut out))?;
        Ok(out[0])
    }

    fn learn_one(&mut self, row: &[f64]) -> Result<(), WidthError> {
        if self.is_filled() && row.iter().any(|x| !x.is_nan()) {
            // Taken out, so that the shingle can be borrowed while it learns.
            let before = std::mem::take(&mut self.before);
            let mut whole = before;
            whole.extend_from_slice(row);
            let learned = self.inner.learn(Rows::one(&whole));
            whole.truncate(whole.len() - row.len());
            self.before = whole;
            learned?;
        }
        self.push(row);
        Ok(())
    }

    /// Those of the newest row.
    fn newest(&self, expected: &[Expected]) -> Vec<Expected> {
        expected
            .get(self.before.len()..)
            .map(<[Expected]>::to_vec)
            .unwrap_or_default()
    }
}

impl Detector for Shingled {
    fn width(&self) -> usize {
        self.width
    }

    fn score_learn(&mut self, rows: Rows<'_>, out: &mut [Raw]) -> Result<(), WidthError> {
        self.check(rows)?;
        for (row, out) in rows.iter().zip(out) {
            *out = self.score_one(row)?;
            self.learn_one(row)?;
        }
        Ok(())
    }

    fn score(&self, rows: Rows<'_>, out: &mut [Raw]) -> Result<(), WidthError> {
        self.check(rows)?;
        for (row, out) in rows.iter().zip(out) {
            *out = self.score_one(row)?;
        }
        Ok(())
    }

    fn learn(&mut self, rows: Rows<'_>) -> Result<(), WidthError> {
        self.check(rows)?;
        rows.iter().try_for_each(|row| self.learn_one(row))
    }

    fn pass(&mut self, rows: Rows<'_>) -> Result<(), WidthError> {
        self.check(rows)?;
        rows.iter().for_each(|row| self.push(row));
        Ok(())
    }

    /// The contributions of a feature's values in all rows together.
    fn explain(&self, row: &[f64]) -> Result<Explanation, WidthError> {
        self.check(Rows::one(row))?;
        let whole = self.with(row, |whole| {
            whole.iter().next().map(|row| self.inner.explain(row))
        });
        let whole = whole.expect("one row")?;
        let mut weights = vec![0.0; self.width];
        for (at, share) in whole.contributions.iter().enumerate() {
            weights[at % self.width] += share;
        }
        Ok(Explanation::from_weights(
            weights,
            self.newest(&whole.expected),
        ))
    }

    fn expected(&self) -> Vec<Expected> {
        self.newest(&self.inner.expected())
    }

    fn adapt(&mut self) {
        self.inner.adapt();
    }

    fn about(&self) -> Option<String> {
        self.inner.about()
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.before.capacity() * size_of::<f64>() + self.inner.memory_bytes()
    }

    fn snapshot(&self) -> Snapshot {
        let inner = self.inner.snapshot();
        let state = State {
            before: self.before.clone(),
            filled: self.filled,
            inner: inner.bytes,
        };
        let bytes =
            postcard::to_allocvec(&state).expect("plain data always serialises into memory");
        Snapshot { bytes, ..inner }
    }
}

/// The setting's default as a value, for those who put options together.
pub(super) fn option(size: usize) -> (String, Value) {
    (SHINGLE_SIZE.name.to_owned(), Value::Number(size as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detectors::find;
    use crate::random::Random;

    fn build(size: usize) -> Box<dyn Detector> {
        let (kind, mut options) = find("mahalanobis").expect("known");
        options.push(option(size));
        kind.build(&options, 1, 7).expect("sound")
    }

    fn wave(i: usize, random: &mut Random) -> f64 {
        libm::sin(i as f64 / 4.0) + 0.02 * random.unit()
    }

    #[test]
    fn an_odd_course_of_usual_values_is_seen() {
        let mut random = Random::new(1);
        let values: Vec<f64> = (0..1_000).map(|i| wave(i, &mut random)).collect();
        let score = |size: usize| {
            let mut detector = build(size);
            detector
                .learn(Rows::new(&values, 1).expect("rows"))
                .expect("width");
            let mut out = [Raw::WarmingUp; 2];
            let usual = wave(1_000, &mut random.clone());
            detector
                .score(Rows::new(&[usual, -usual], 1).expect("rows"), &mut out)
                .expect("width");
            let [usual, odd] = out.map(|raw| raw.score().expect("warm"));
            odd / usual
        };
        assert!(score(8) > 10.0 && score(1) < 3.0);
    }

    #[test]
    fn it_goes_on_after_a_restore_and_refuses_another_size() {
        let mut random = Random::new(2);
        let values: Vec<f64> = (0..300).map(|i| wave(i, &mut random)).collect();
        let (before, after) = values.split_at(150);
        let mut detector = build(5);
        let mut out = vec![Raw::WarmingUp; 150];
        detector
            .score_learn(Rows::new(before, 1).expect("rows"), &mut out)
            .expect("width");
        let saved = detector.snapshot();
        detector
            .score_learn(Rows::new(after, 1).expect("rows"), &mut out)
            .expect("width");
        let (kind, _) = find("mahalanobis").expect("known");
        let restore = |size| kind.restore(&vec![option(size)], 1, 7, saved.version, &saved.bytes);
        let mut restored = restore(5).expect("the same size");
        let mut again = vec![Raw::WarmingUp; 150];
        restored
            .score_learn(Rows::new(after, 1).expect("rows"), &mut again)
            .expect("width");
        assert_eq!(out, again);
        assert!(restore(6).is_err() && restore(1).is_err());
    }

    #[test]
    fn what_cannot_be_used_is_not_kept() {
        let mut random = Random::new(3);
        let mut detector = build(4);
        for i in 0..200 {
            let x = if i == 150 {
                f64::INFINITY
            } else {
                wave(i, &mut random)
            };
            detector.learn(Rows::one(&[x])).expect("width");
        }
        let mut out = [Raw::WarmingUp];
        detector
            .score(Rows::one(&[wave(200, &mut random)]), &mut out)
            .expect("width");
        assert!(out[0].score().expect("warm") < 10.0);
    }
}
