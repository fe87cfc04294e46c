//! Drift tests, for Python.

use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use serde::{Deserialize, Serialize};
use willet_core::drift::hypothesis::{
    Continuity, KsMethod, chi2_contingency, ks_2samp, permutation_test,
};
use willet_core::drift::{Drift, DriftDetector, Level, find, holm};
use willet_core::error::ConfigError;
use willet_core::random::{Random, series_seed};
use willet_core::settings::Value;

use crate::fork::{Held, Slices};
use crate::series::{seal, unseal};
use crate::{arrays, errors, values};

/// One of the drift tests over rows of one width. Threads may share it; calls take turns.
#[pyclass(frozen, module = "willet._willet")]
#[derive(Debug)]
pub(crate) struct DriftTest {
    width: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    detector: Box<dyn DriftDetector>,
    row: Vec<f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Config {
    test: String,
    options: Vec<(String, Value)>,
    width: usize,
    seed: u64,
}

const MAGIC: [u8; 8] = *b"WLTDRF\x00\x01";

/// Level (0 none, 1 warning, 2 drift), statistic, p-value, magnitude, row at which it began.
pub(crate) type Reading = (u8, f64, Option<f64>, f64, Option<u64>);

pub(crate) fn reading(drift: Drift) -> Reading {
    let level = match drift.level {
        Level::None => 0,
        Level::Warning => 1,
        Level::Drift => 2,
    };
    (
        level,
        drift.statistic,
        drift.p_value,
        drift.magnitude,
        drift.began,
    )
}

impl DriftTest {
    fn lock(&self, py: Python<'_>) -> Held<'_, Inner> {
        Held::attached(&self.inner, py)
    }
}

#[pymethods]
impl DriftTest {
    #[new]
    #[pyo3(signature = (test, width, settings=None, *, seed=0, key=None))]
    fn new(
        py: Python<'_>,
        test: String,
        width: usize,
        settings: Option<&Bound<'_, PyDict>>,
        seed: u64,
        key: Option<&str>,
    ) -> PyResult<Self> {
        // Of a series its own seed, as the server's.
        let seed = key.map_or(seed, |key| series_seed(seed, key, "drift"));
        let options = values::options(settings)?;
        let made = find(&test).and_then(|kind| kind.build(&options, width, seed));
        let detector = made.map_err(|error| errors::config(py, &error))?;
        let config = Config {
            test,
            options,
            width,
            seed,
        };
        let row = Vec::new();
        Ok(Self {
            width,
            inner: Mutex::new(Inner {
                config,
                detector,
                row,
            }),
        })
    }

    /// Name or alias it was made with.
    #[getter]
    fn test(&self, py: Python<'_>) -> String {
        self.lock(py).config.test.clone()
    }

    /// Number of features.
    #[getter]
    fn width(&self) -> usize {
        self.width
    }

    /// Takes in a row: level (0 none, 1 warning, 2 drift), statistic, p-value, magnitude, row at which it began.
    fn update(&self, row: &Bound<'_, PyAny>) -> PyResult<Reading> {
        let mut inner = self.lock(row.py());
        let Inner {
            detector,
            row: space,
            ..
        } = &mut *inner;
        arrays::row(row, self.width, space)?;
        let drift = detector.update(space);
        Ok(reading(
            drift.map_err(|error| errors::width(row.py(), error))?,
        ))
    }

    /// Takes in rows up to and with the first that shows a drift: how many, and its reading (the last row's where there is none).
    fn update_until(&self, rows: &Bound<'_, PyAny>) -> PyResult<(usize, Reading)> {
        let py = rows.py();
        let batch = arrays::rows(rows, self.width)?;
        let (values, count) = (batch.values(), batch.len());
        let mut slices = Slices::new(count);
        let (mut taken, mut last) = (0, Drift::NONE);
        while let Some(slice) = slices.next() {
            let rows = &values[slice.start * self.width..slice.end * self.width];
            let found = py.detach(|| {
                let mut inner = Held::detached(&self.inner);
                for row in rows.chunks_exact(self.width) {
                    taken += 1;
                    last = inner.detector.update(row)?;
                    if last.is_drift() {
                        break;
                    }
                }
                Ok(())
            });
            found.map_err(|error| errors::width(py, error))?;
            if last.is_drift() {
                break;
            }
            py.check_signals()?;
        }
        Ok((taken, reading(last)))
    }

    /// Features of the last warning or drift, the most changed first: place, statistic, p-value, magnitude.
    fn features(&self, py: Python<'_>) -> Vec<(usize, f64, Option<f64>, f64)> {
        let inner = self.lock(py);
        let features = inner.detector.features().iter();
        features
            .map(|it| (it.feature, it.statistic, it.p_value, it.magnitude))
            .collect()
    }

    /// Rows taken in.
    fn rows(&self, py: Python<'_>) -> u64 {
        self.lock(py).detector.rows()
    }

    /// Forgets all it has seen.
    fn reset(&self, py: Python<'_>) {
        self.lock(py).detector.reset();
    }

    /// Bytes held.
    fn memory_bytes(&self, py: Python<'_>) -> usize {
        self.lock(py).detector.memory_bytes()
    }

    /// Everything: configuration and what was learned, checksummed.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let inner = self.lock(py);
        let config = serde_json::to_vec(&inner.config)
            .map_err(|error| errors::state(py, format!("settings cannot be saved: {error}")))?;
        let saved = inner.detector.snapshot();
        let bytes = postcard::to_allocvec(&(config, saved.version, saved.bytes))
            .map_err(|error| errors::state(py, format!("state cannot be saved: {error}")))?;
        Ok(PyBytes::new(py, &seal(MAGIC, &bytes)))
    }

    /// A test from what `state` gave. The bytes may come from anywhere: they are checked, and nothing in them is run.
    #[staticmethod]
    fn from_state(py: Python<'_>, state: &[u8]) -> PyResult<Self> {
        let damaged = |reason: String| {
            errors::state(
                py,
                format!("saved drift test is damaged: {reason} (take another copy)"),
            )
        };
        let body = unseal(MAGIC, state).map_err(&damaged)?;
        let ((config, version, bytes), rest): ((Vec<u8>, u16, Vec<u8>), _) =
            postcard::take_from_bytes(body).map_err(|error| damaged(error.to_string()))?;
        if !rest.is_empty() {
            return Err(damaged("bytes are left over".to_owned()));
        }
        let config: Config =
            serde_json::from_slice(&config).map_err(|error| damaged(error.to_string()))?;
        let kind = find(&config.test).map_err(|error| damaged(error.to_string()))?;
        let made = kind.restore(&config.options, config.width, config.seed, version, &bytes);
        let detector = made.map_err(|error| errors::restore(py, &error))?;
        let (width, row) = (config.width, Vec::new());
        Ok(Self {
            width,
            inner: Mutex::new(Inner {
                config,
                detector,
                row,
            }),
        })
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let make = py.get_type::<Self>().getattr("from_state")?;
        (make, (slf.get().state(py)?,)).into_pyobject(py)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("DriftTest({:?}, {})", self.test(py), self.width)
    }
}

const METHODS: [&str; 5] = [
    "ks",
    "kolmogorov_smirnov",
    "chi2",
    "chi_squared",
    "permutation",
];

/// Times that values are dealt anew.
const RESAMPLES: u64 = 2_000;
/// Bins of numbers, of about equal count in the reference.
const BINS: usize = 10;

/// Compares two tables feature by feature: statistic, p-value corrected for the number of features (Holm), magnitude in 0..=1.
/// Values that are not finite are left out.
#[pyfunction]
#[pyo3(signature = (method, reference, current, width, *, seed=0))]
pub(crate) fn compare(
    py: Python<'_>,
    method: &str,
    reference: &Bound<'_, PyAny>,
    current: &Bound<'_, PyAny>,
    width: usize,
    seed: u64,
) -> PyResult<Vec<(f64, f64, f64)>> {
    if !METHODS.contains(&method) {
        let error = ConfigError::unknown("method", method, METHODS);
        return Err(errors::config(py, &error));
    }
    let reference = arrays::rows(reference, width)?;
    let current = arrays::rows(current, width)?;
    let (reference, current) = (reference.values(), current.values());
    let mut random = Random::new(seed);
    let mut found: Vec<(f64, f64, f64)> = Vec::with_capacity(width);
    for feature in 0..width {
        let column = |values: &[f64]| -> Vec<f64> {
            let values = values.iter().skip(feature).step_by(width);
            values.copied().filter(|x| x.is_finite()).collect()
        };
        let of_feature = py
            .detach(|| compare_feature(method, &column(reference), &column(current), &mut random));
        found.push(of_feature.unwrap_or((0.0, 1.0, 0.0)));
        py.check_signals()?;
    }
    let mut p_values: Vec<f64> = found.iter().map(|it| it.1).collect();
    holm(&mut p_values);
    for (it, p) in found.iter_mut().zip(p_values) {
        it.1 = p;
    }
    Ok(found)
}

/// `None` where there are too few values to compare.
fn compare_feature(
    method: &str,
    reference: &[f64],
    current: &[f64],
    random: &mut Random,
) -> Option<(f64, f64, f64)> {
    if reference.len() < 2 || current.len() < 2 {
        return None;
    }
    match method {
        "chi2" | "chi_squared" => {
            let edges = edges(reference);
            let count = |values: &[f64]| {
                let mut counts = vec![0.0; edges.len() + 1];
                for x in values {
                    counts[edges.partition_point(|edge| edge < x)] += 1.0;
                }
                counts
            };
            let (a, b) = (count(reference), count(current));
            let filled: Vec<usize> = (0..a.len()).filter(|i| a[*i] + b[*i] > 0.0).collect();
            let pick = |counts: &[f64]| filled.iter().map(|i| counts[*i]).collect::<Vec<_>>();
            let table = [pick(&a), pick(&b)].concat();
            let test = chi2_contingency(&table, filled.len(), Continuity::None)?;
            let total = (reference.len() + current.len()) as f64;
            // Cramér's V of a table of two rows.
            Some((
                test.statistic,
                test.p_value,
                (test.statistic / total).sqrt().min(1.0),
            ))
        }
        "permutation" => {
            let p = permutation_test(reference, current, RESAMPLES, random)?;
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let (a, b) = (mean(reference), mean(current));
            let squares = |values: &[f64], mean: f64| -> f64 {
                values.iter().map(|x| (x - mean) * (x - mean)).sum()
            };
            let within = (squares(reference, a) + squares(current, b))
                / (reference.len() + current.len()) as f64;
            let apart = (a - b).abs();
            let magnitude = if apart > 0.0 {
                apart / (apart + within.sqrt())
            } else {
                0.0
            };
            Some((apart, p, magnitude))
        }
        _ => {
            let test = ks_2samp(reference, current, KsMethod::Asymptotic)?;
            Some((test.statistic, test.p_value, test.statistic))
        }
    }
}

/// Upper ends of all bins but the last; a feature of few different values has a bin for each.
fn edges(reference: &[f64]) -> Vec<f64> {
    let mut sorted = reference.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    if distinct.len() <= BINS {
        return distinct;
    }
    let edges = (1..BINS).map(|i| sorted[(i * sorted.len() / BINS).max(1) - 1]);
    let mut edges: Vec<f64> = edges.collect();
    edges.dedup();
    edges
}
