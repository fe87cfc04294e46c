//! Settings from Python.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use willet_core::detectors::Options;
use willet_core::error::ConfigError;
use willet_core::settings::Value;

use crate::errors;

/// Reads one value.
pub(crate) fn read(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Value::Text(text.to_str()?.to_owned()));
    }
    if value.cast::<PyList>().is_ok() || value.cast::<PyTuple>().is_ok() {
        let values: PyResult<Vec<Value>> =
            value.try_iter()?.map(|value| read(name, &value?)).collect();
        return Ok(Value::List(values?));
    }
    if let Ok(map) = value.cast::<PyDict>() {
        let entries = map.iter().map(|(key, value)| {
            let key: String = key.extract()?;
            let value = read(&key, &value)?;
            Ok((key, value))
        });
        return Ok(Value::Map(entries.collect::<PyResult<_>>()?));
    }
    let is_number = value.cast::<PyInt>().is_ok() || value.cast::<PyFloat>().is_ok();
    // NumPy's scalars are numbers too, and say so by `__float__`.
    if is_number || value.hasattr("__float__")? {
        return Ok(Value::Number(value.extract()?));
    }
    Err(errors::config(
        value.py(),
        &ConfigError::Value {
            name: name.to_owned(),
            found: value.repr()?.to_string(),
            expected: "a number, a text, a list or a dict".to_owned(),
        },
    ))
}

/// Reads settings; those that are `None` are left at their defaults.
pub(crate) fn options(settings: Option<&Bound<'_, PyDict>>) -> PyResult<Options> {
    let mut options = Options::new();
    for (name, value) in settings.into_iter().flatten() {
        if !value.is_none() {
            let name: String = name.extract()?;
            let value = read(&name, &value)?;
            options.push((name, value));
        }
    }
    Ok(options)
}

/// A value for Python.
pub(crate) fn show<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Value::Number(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
            (*value as i64).into_pyobject(py)?.into_any()
        }
        Value::Number(value) => PyFloat::new(py, *value).into_any(),
        Value::Text(value) => PyString::new(py, value).into_any(),
        Value::List(values) => {
            let values: PyResult<Vec<_>> = values.iter().map(|value| show(py, value)).collect();
            PyList::new(py, values?)?.into_any()
        }
        Value::Map(values) => {
            let map = PyDict::new(py);
            for (name, value) in values {
                map.set_item(name, show(py, value)?)?;
            }
            map.into_any()
        }
    })
}
