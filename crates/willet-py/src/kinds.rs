//! The tables of detectors and drift tests.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use willet_core::detectors::KINDS;
use willet_core::settings::SettingSpec;
use willet_core::{drift, error};

use crate::values;

fn settings<'py, 'a>(
    py: Python<'py>,
    specs: impl Iterator<Item = &'a SettingSpec>,
) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    for spec in specs {
        let one = PyDict::new(py);
        one.set_item("default", values::show(py, &(spec.default)())?)?;
        one.set_item("allowed", (spec.allowed)())?;
        one.set_item("doc", spec.doc.trim())?;
        all.set_item(spec.name, one)?;
    }
    Ok(all)
}

/// Every detector: name, aliases, summary, paper, page, settings, and what is known of its kind.
#[pyfunction]
pub(crate) fn kinds(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for kind in KINDS {
        let one = PyDict::new(py);
        one.set_item("name", kind.name)?;
        let aliases: Vec<&str> = kind.aliases.iter().map(|alias| alias.name).collect();
        one.set_item("aliases", aliases)?;
        one.set_item("summary", kind.summary)?;
        one.set_item("paper", kind.paper)?;
        one.set_item("page", kind.page)?;
        one.set_item("settings", settings(py, kind.all_settings())?)?;
        one.set_item("takes_missing", kind.takes_missing)?;
        one.set_item("is_ordered", kind.is_ordered)?;
        one.set_item("categorical", kind.categorical)?;
        one.set_item("has_window", kind.has_window())?;
        list.append(one)?;
    }
    Ok(list)
}

/// Every drift test: name, aliases, summary, paper, settings.
#[pyfunction]
pub(crate) fn drift_tests(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for kind in drift::KINDS {
        let one = PyDict::new(py);
        one.set_item("name", kind.name)?;
        one.set_item("aliases", kind.aliases)?;
        one.set_item("summary", kind.summary)?;
        one.set_item("paper", kind.paper)?;
        one.set_item("takes_errors", kind.input == drift::Input::Errors)?;
        one.set_item("settings", settings(py, kind.settings.iter())?)?;
        list.append(one)?;
    }
    Ok(list)
}

/// The name of `known` that is near `name`, if one is.
#[pyfunction]
pub(crate) fn nearest(name: &str, known: Vec<String>) -> Option<String> {
    error::nearest(name, known.iter().map(String::as_str)).map(str::to_owned)
}
