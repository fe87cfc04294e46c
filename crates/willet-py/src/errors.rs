//! The package's exceptions. They are written in Python (`willet/_errors.py`), for they have two bases each.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use willet_core::error::{ConfigError, RestoreError, WidthError};

fn make(py: Python<'_>, name: &str, cell: &PyOnceLock<Py<PyType>>, message: String) -> PyErr {
    match cell.import(py, "willet._errors", name) {
        Ok(class) => PyErr::from_type(class.clone(), message),
        Err(_) => PyValueError::new_err(message),
    }
}

/// A setting that cannot be.
pub(crate) fn config(py: Python<'_>, error: &ConfigError) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    make(py, "ConfigError", &CLASS, error.to_string())
}

/// Rows that cannot be read.
pub(crate) fn input(py: Python<'_>, message: String) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    make(py, "InputError", &CLASS, message)
}

/// Rows of another width.
pub(crate) fn width(py: Python<'_>, error: WidthError) -> PyErr {
    let WidthError { expected, found } = error;
    input(
        py,
        format!("rows have {found} features, expected {expected} as before"),
    )
}

/// Saved state that cannot be taken up.
pub(crate) fn state(py: Python<'_>, message: String) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    make(py, "StateError", &CLASS, message)
}

/// The same, from the core.
pub(crate) fn restore(py: Python<'_>, error: &RestoreError) -> PyErr {
    state(py, error.to_string())
}
