//! What all kinds share around their algorithm: widths, missing and unusable values, the envelope of saved state.

use serde::{Deserialize, Serialize};

use super::contract::{Algorithm, Detector, Epochs, Options, Snapshot};
use crate::error::{ConfigError, RestoreError, WidthError};
use crate::rows::{Band, Expected, Explanation, Raw, Rows, Swing};
use crate::settings::Settings;

/// Values beyond this size are scored as this size and not learned: their squares must stay finite.
pub const LARGEST: f64 = 1e100;

#[derive(Debug)]
struct Guarded<A: Algorithm> {
    algorithm: A,
    width: usize,
    /// The last usable value of each feature, NaN before the first; empty where the algorithm takes NaN itself.
    last: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
struct State<S> {
    last: Vec<f64>,
    algorithm: S,
}

pub(super) fn build<A: Algorithm>(
    options: &Options,
    width: usize,
    seed: u64,
) -> Result<Box<dyn Detector>, ConfigError> {
    let algorithm = A::new(&config::<A>(options)?, width, seed)?;
    let last = if A::TAKES_MISSING {
        Vec::new()
    } else {
        vec![f64::NAN; width]
    };
    Ok(Box::new(Guarded {
        algorithm,
        width,
        last,
    }))
}

pub(super) fn restore<A: Algorithm>(
    options: &Options,
    width: usize,
    seed: u64,
    version: u16,
    bytes: &[u8],
) -> Result<Box<dyn Detector>, RestoreError> {
    if version > A::STATE_VERSION {
        return Err(RestoreError::Version {
            kind: A::NAME.to_owned(),
            found: version,
            newest: A::STATE_VERSION,
        });
    }
    let config = config::<A>(options).map_err(|error| RestoreError::damaged(A::NAME, &error))?;
    let damaged = |error: &dyn ToString| RestoreError::damaged(A::NAME, error);
    let (state, rest) = if version == A::STATE_VERSION {
        postcard::take_from_bytes::<State<A::State>>(bytes).map_err(|error| damaged(&error))?
    } else {
        // What is around the algorithm's state has been the same from the first version on.
        let (last, rest) = postcard::take_from_bytes(bytes).map_err(|error| damaged(&error))?;
        let (algorithm, rest) = A::read_former(version, rest).map_err(|error| damaged(&error))?;
        (State { last, algorithm }, rest)
    };
    let expected = if A::TAKES_MISSING { 0 } else { width };
    if !rest.is_empty()
        || state.last.len() != expected
        || state.last.iter().any(|x| x.abs() > LARGEST)
    {
        return Err(RestoreError::damaged(
            A::NAME,
            &"its width differs or bytes are left over",
        ));
    }
    let algorithm = A::restore(&config, width, seed, state.algorithm)
        .map_err(|reason| RestoreError::damaged(A::NAME, &reason))?;
    Ok(Box::new(Guarded {
        algorithm,
        width,
        last: state.last,
    }))
}

fn config<A: Algorithm>(options: &Options) -> Result<A::Config, ConfigError> {
    let config =
        A::Config::from_values(options.iter().map(|(name, value)| (name.as_str(), value)))?;
    config.check()?;
    Ok(config)
}

/// What may be done with a row.
enum Usable<'a> {
    /// Score and learn it.
    Whole(&'a [f64]),
    /// Score it; a value was out of range.
    ScoreOnly(&'a [f64]),
    /// Neither: there is no value in it.
    Nothing,
}

/// Whether values can be used as they are.
fn are_sound(values: &[f64]) -> bool {
    values.iter().all(|x| x.abs() <= LARGEST)
}

/// How many rows from the first on have only values that can be used as they are.
fn sound_rows(rows: Rows<'_>) -> usize {
    let first = rows.iter().position(|row| !are_sound(row));
    first.unwrap_or(rows.len())
}

impl<A: Algorithm> Guarded<A> {
    /// The row as the algorithm may see it; `space` takes a mended copy where one is needed.
    fn usable<'a>(&self, row: &'a [f64], space: &'a mut Vec<f64>) -> Usable<'a> {
        if are_sound(row) {
            return Usable::Whole(row);
        }
        if row.iter().all(|x| x.is_nan()) {
            return Usable::Nothing;
        }
        let in_range = row.iter().all(|x| x.is_nan() || x.abs() <= LARGEST);
        space.clear();
        space.extend(row.iter().enumerate().map(|(i, x)| match x {
            x if !x.is_nan() => x.clamp(-LARGEST, LARGEST),
            _ if A::TAKES_MISSING => f64::NAN,
            _ => self.stand_in(i),
        }));
        if in_range {
            Usable::Whole(space)
        } else {
            Usable::ScoreOnly(space)
        }
    }

    /// What stands in for a missing value: what is expected where rows are steps in time, else the last one.
    fn stand_in(&self, feature: usize) -> f64 {
        let last = || Some(self.last[feature]).filter(|last| !last.is_nan());
        let expected = || self.algorithm.expected().get(feature).map(|x| x.middle);
        let expected = if A::IS_ORDERED { expected() } else { None };
        expected.or_else(last).unwrap_or(0.0)
    }

    /// A step in time whose row cannot be used.
    fn pass_unusable(&mut self) {
        if !A::IS_ORDERED {
            return;
        }
        if A::TAKES_MISSING {
            self.algorithm.pass_row(&vec![f64::NAN; self.width]);
        } else if self.last.iter().any(|last| !last.is_nan()) {
            let row: Vec<f64> = (0..self.width).map(|i| self.stand_in(i)).collect();
            self.algorithm.pass_row(&row);
        }
    }

    /// Scores a row that has a value missing or out of range, and learns what may be learned of it.
    fn score_learn_mended(&mut self, row: &[f64]) -> Raw {
        let mut space = Vec::new();
        let raw = match self.usable(row, &mut space) {
            Usable::Whole(row) => self.algorithm.score_learn_row(row),
            Usable::ScoreOnly(row) => {
                let raw = self.algorithm.score_row(row);
                self.pass_unusable();
                raw
            }
            Usable::Nothing => {
                self.pass_unusable();
                Raw::Missing
            }
        };
        Self::remember(&mut self.last, row);
        raw
    }

    fn remember(last: &mut [f64], row: &[f64]) {
        for (last, x) in last.iter_mut().zip(row) {
            if x.abs() <= LARGEST {
                *last = *x;
            }
        }
    }

    fn check(&self, rows: Rows<'_>, out: Option<usize>) -> Result<(), WidthError> {
        if rows.width() != self.width && !rows.is_empty() {
            return Err(WidthError {
                expected: self.width,
                found: rows.width(),
            });
        }
        debug_assert!(
            out.is_none_or(|out| out == rows.len()),
            "one place in `out` for each row"
        );
        Ok(())
    }
}

impl<A: Algorithm> Detector for Guarded<A> {
    fn width(&self) -> usize {
        self.width
    }

    fn score_learn(&mut self, rows: Rows<'_>, out: &mut [Raw]) -> Result<(), WidthError> {
        self.check(rows, Some(out.len()))?;
        let mut done = 0;
        while done < rows.len() {
            let run = sound_rows(rows.part(done..rows.len()));
            if run > 0 {
                let part = rows.part(done..done + run);
                self.algorithm
                    .score_learn_rows(part, &mut out[done..done + run]);
                done += run;
                // Each value of the last one is usable.
                part.iter()
                    .last()
                    .iter()
                    .for_each(|row| Self::remember(&mut self.last, row));
            } else {
                for row in rows.part(done..done + 1).iter() {
                    out[done] = self.score_learn_mended(row);
                }
                done += 1;
            }
        }
        Ok(())
    }

    fn score(&self, rows: Rows<'_>, out: &mut [Raw]) -> Result<(), WidthError> {
        self.check(rows, Some(out.len()))?;
        if !rows.is_empty() && are_sound(rows.values()) {
            self.algorithm.score_rows(rows, out);
            return Ok(());
        }
        let (mut space, mut done) = (Vec::new(), 0);
        while done < rows.len() {
            let run = sound_rows(rows.part(done..rows.len()));
            let part = rows.part(done..done + run.max(1));
            let out = &mut out[done..done + run.max(1)];
            done += run.max(1);
            if run > 0 {
                self.algorithm.score_rows(part, out);
                continue;
            }
            for (row, out) in part.iter().zip(out) {
                *out = match self.usable(row, &mut space) {
                    Usable::Whole(row) | Usable::ScoreOnly(row) => self.algorithm.score_row(row),
                    Usable::Nothing => Raw::Missing,
                };
            }
        }
        Ok(())
    }

    fn learn(&mut self, rows: Rows<'_>) -> Result<(), WidthError> {
        self.check(rows, None)?;
        if rows.len() == 1 && are_sound(rows.values()) {
            self.algorithm.learn_row(rows.values());
            Self::remember(&mut self.last, rows.values());
            return Ok(());
        }
        let mut space = Vec::new();
        for row in rows.iter() {
            match self.usable(row, &mut space) {
                Usable::Whole(row) => self.algorithm.learn_row(row),
                Usable::ScoreOnly(_) | Usable::Nothing => self.pass_unusable(),
            }
            Self::remember(&mut self.last, row);
        }
        Ok(())
    }

    fn pass(&mut self, rows: Rows<'_>) -> Result<(), WidthError> {
        self.check(rows, None)?;
        if !A::IS_ORDERED {
            return Ok(());
        }
        let mut space = Vec::new();
        for row in rows.iter() {
            match self.usable(row, &mut space) {
                Usable::Whole(row) => self.algorithm.pass_row(row),
                Usable::ScoreOnly(_) | Usable::Nothing => self.pass_unusable(),
            }
        }
        Ok(())
    }

    fn explain(&self, row: &[f64]) -> Result<Explanation, WidthError> {
        self.check(Rows::one(row), None)?;
        let mut space = Vec::new();
        Ok(match self.usable(row, &mut space) {
            Usable::Whole(row) | Usable::ScoreOnly(row) => self.algorithm.explain_row(row),
            Usable::Nothing => Explanation::from_weights(vec![0.0; self.width], Vec::new()),
        })
    }

    fn expected(&self) -> Vec<Expected> {
        self.algorithm.expected()
    }

    fn adapt(&mut self) {
        self.algorithm.adapt();
    }

    fn bands(&self, out: &mut Vec<Band>) {
        self.algorithm.bands(out);
    }

    fn swings(&self, row: &[f64], out: &mut Vec<Swing>) {
        self.algorithm.swings(row, out);
    }

    fn keep_pace(&mut self, step: i64) {
        self.algorithm.keep_pace(step);
    }

    fn turn_back(&mut self, rows: usize) {
        self.algorithm.turn_back(rows);
    }

    fn epochs(&self, out: &mut Epochs) {
        self.algorithm.epochs(out);
    }

    fn off_before(&self, feature: usize) -> Vec<f64> {
        self.algorithm.off_before(feature)
    }

    fn about(&self) -> Option<String> {
        self.algorithm.about()
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.last.capacity() * size_of::<f64>() + self.algorithm.heap_bytes()
    }

    fn snapshot(&self) -> Snapshot {
        let state = State {
            last: self.last.clone(),
            algorithm: self.algorithm.save(),
        };
        let bytes =
            postcard::to_allocvec(&state).expect("plain data always serialises into memory");
        Snapshot {
            kind: A::NAME,
            version: A::STATE_VERSION,
            bytes,
        }
    }
}
