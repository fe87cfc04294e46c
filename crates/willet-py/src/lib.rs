//! The native part of the Python package `willet`, imported as `willet._willet`.
//!
//! Thin: `series::Series` is a detector with its decisions, `drift::DriftTest` one of the drift tests. What Python code sees
//! first lies in `python/willet`.

mod arrays;
mod drift;
mod errors;
mod fork;
mod kinds;
mod performance;
mod series;
mod values;
mod windows;

use pyo3::prelude::*;

/// Detectors and drift tests of Willet.
#[pymodule(gil_used = false)]
fn _willet(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<series::Series>()?;
    module.add_class::<drift::DriftTest>()?;
    module.add_class::<performance::PerformanceTest>()?;
    module.add_function(wrap_pyfunction!(fork::before_fork, module)?)?;
    module.add_function(wrap_pyfunction!(fork::after_fork, module)?)?;
    module.add_function(wrap_pyfunction!(kinds::kinds, module)?)?;
    module.add_function(wrap_pyfunction!(kinds::drift_tests, module)?)?;
    module.add_function(wrap_pyfunction!(kinds::nearest, module)?)?;
    module.add_function(wrap_pyfunction!(drift::compare, module)?)?;
    module.add_function(wrap_pyfunction!(windows::agreement, module)?)?;
    module.add_function(wrap_pyfunction!(windows::average_precision, module)?)?;
    module.add_function(wrap_pyfunction!(windows::choose_window, module)?)?;
    Ok(())
}
