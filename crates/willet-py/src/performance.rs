//! Drift of a detector's own performance, for Python.

use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use willet_core::drift::PerformanceDrift;
use willet_core::settings::Value;

use crate::drift::{Reading, reading};
use crate::fork::Held;
use crate::series::{seal, unseal};
use crate::{errors, values};

/// Watches the anomaly rate, or how well verdicts agree with labels that may come late.
#[pyclass(frozen, module = "willet._willet")]
#[derive(Debug)]
pub(crate) struct PerformanceTest {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: Vec<(String, Value)>,
    drift: PerformanceDrift,
}

const MAGIC: [u8; 8] = *b"WLTPRF\x00\x01";

impl PerformanceTest {
    fn lock(&self, py: Python<'_>) -> Held<'_, Inner> {
        Held::attached(&self.inner, py)
    }
}

#[pymethods]
impl PerformanceTest {
    #[new]
    #[pyo3(signature = (settings=None))]
    fn new(py: Python<'_>, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let options = values::options(settings)?;
        let made = PerformanceDrift::new(&options);
        let drift = made.map_err(|error| errors::config(py, &error))?;
        Ok(Self {
            inner: Mutex::new(Inner { options, drift }),
        })
    }

    /// Takes in a verdict: level (0 none, 1 warning, 2 drift), statistic, p-value, magnitude, row at which it began.
    fn update(&self, py: Python<'_>, is_anomaly: bool) -> Reading {
        reading(self.lock(py).drift.update(is_anomaly))
    }

    /// Takes in the label of a sample (counted from 0), now or later; the same reading.
    fn add_label(&self, py: Python<'_>, sample: u64, is_anomaly: bool) -> PyResult<Reading> {
        let labelled = self.lock(py).drift.add_label(sample, is_anomaly);
        labelled
            .map(reading)
            .map_err(|error| errors::input(py, error.to_string()))
    }

    /// Samples so far.
    fn samples(&self, py: Python<'_>) -> u64 {
        self.lock(py).drift.samples()
    }

    /// The metric over the newest samples.
    fn current(&self, py: Python<'_>) -> Option<f64> {
        self.lock(py).drift.current()
    }

    /// The metric over the samples it is compared with.
    fn reference(&self, py: Python<'_>) -> Option<f64> {
        self.lock(py).drift.reference()
    }

    /// Forgets all it has seen.
    fn reset(&self, py: Python<'_>) {
        self.lock(py).drift.reset();
    }

    /// Bytes held.
    fn memory_bytes(&self, py: Python<'_>) -> usize {
        self.lock(py).drift.memory_bytes()
    }

    /// Everything: configuration and what was learned, checksummed.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let inner = self.lock(py);
        let config = serde_json::to_vec(&inner.options)
            .map_err(|error| errors::state(py, format!("settings cannot be saved: {error}")))?;
        let saved = inner.drift.snapshot();
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
        let options: Vec<(String, Value)> =
            serde_json::from_slice(&config).map_err(|error| damaged(error.to_string()))?;
        let made = PerformanceDrift::restore(&options, version, &bytes);
        let drift = made.map_err(|error| errors::restore(py, &error))?;
        Ok(Self {
            inner: Mutex::new(Inner { options, drift }),
        })
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let make = py.get_type::<Self>().getattr("from_state")?;
        (make, (slf.get().state(py)?,)).into_pyobject(py)
    }
}
