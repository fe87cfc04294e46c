//! What all kinds share around their algorithm: widths, unusable values, row numbers, the envelope of saved state.

use serde::{Deserialize, Serialize};

use super::contract::{Algorithm, Drift, DriftDetector, FeatureDrift, Level};
use crate::detectors::{LARGEST, Options, Snapshot};
use crate::error::{ConfigError, RestoreError, WidthError};
use crate::settings::Settings;

#[derive(Debug)]
struct Guarded<A: Algorithm> {
    algorithm: A,
    width: usize,
    rows: u64,
    /// Of the last row only; not saved.
    guilty: Vec<FeatureDrift>,
}

#[derive(Serialize, Deserialize)]
struct State<S> {
    width: usize,
    rows: u64,
    algorithm: S,
}

pub(super) fn build<A: Algorithm>(
    options: &Options,
    width: usize,
    seed: u64,
) -> Result<Box<dyn DriftDetector>, ConfigError> {
    Ok(Box::new(Guarded {
        algorithm: A::new(&config::<A>(options)?, width, seed)?,
        width,
        rows: 0,
        guilty: Vec::new(),
    }))
}

pub(super) fn restore<A: Algorithm>(
    options: &Options,
    width: usize,
    seed: u64,
    version: u16,
    bytes: &[u8],
) -> Result<Box<dyn DriftDetector>, RestoreError> {
    let damaged = |error: &dyn ToString| RestoreError::damaged(A::NAME, error);
    if version > A::STATE_VERSION {
        return Err(RestoreError::Version {
            kind: A::NAME.to_owned(),
            found: version,
            newest: A::STATE_VERSION,
        });
    }
    if version < A::STATE_VERSION {
        return Err(damaged(&format!("version {version} was never written")));
    }
    let config = config::<A>(options).map_err(|error| damaged(&error))?;
    let (state, rest) =
        postcard::take_from_bytes::<State<A::State>>(bytes).map_err(|error| damaged(&error))?;
    if !rest.is_empty() || state.width != width {
        return Err(damaged(&"its width differs or bytes are left over"));
    }
    let algorithm = A::restore(&config, width, seed, state.algorithm);
    Ok(Box::new(Guarded {
        algorithm: algorithm.map_err(|reason| damaged(&reason))?,
        width,
        rows: state.rows,
        guilty: Vec::new(),
    }))
}

fn config<A: Algorithm>(options: &Options) -> Result<A::Config, ConfigError> {
    let config =
        A::Config::from_values(options.iter().map(|(name, value)| (name.as_str(), value)))?;
    config.check()?;
    Ok(config)
}

impl<A: Algorithm> DriftDetector for Guarded<A> {
    fn width(&self) -> usize {
        self.width
    }

    fn update(&mut self, row: &[f64]) -> Result<Drift, WidthError> {
        if row.len() != self.width {
            return Err(WidthError {
                expected: self.width,
                found: row.len(),
            });
        }
        if !self.guilty.is_empty() {
            self.guilty.clear();
        }
        if !row.iter().all(|x| x.abs() <= LARGEST) {
            return Ok(Drift::NONE);
        }
        self.rows = self.rows.saturating_add(1);
        let reading = self.algorithm.update_row(row, &mut self.guilty);
        if reading.level == Level::None {
            self.guilty.clear();
        } else {
            // Equal magnitudes in the order of the features: the answer has no other order.
            self.guilty.sort_by(|a, b| {
                let by_size = b.magnitude.total_cmp(&a.magnitude);
                by_size.then(a.feature.cmp(&b.feature))
            });
        }
        Ok(Drift {
            level: reading.level,
            statistic: reading.statistic,
            p_value: reading.p_value,
            magnitude: reading.magnitude.clamp(0.0, 1.0),
            began: reading.age.map(|age| self.rows.saturating_sub(age)),
        })
    }

    fn features(&self) -> &[FeatureDrift] {
        &self.guilty
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn reset(&mut self) {
        self.algorithm.reset();
        self.guilty.clear();
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.guilty.capacity() * size_of::<FeatureDrift>()
            + self.algorithm.heap_bytes()
    }

    fn snapshot(&self) -> Snapshot {
        let state = State {
            width: self.width,
            rows: self.rows,
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
