//! Rows from Python: float64 arrays that lie row by row are read where they are, everything else is converted first.

use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyFloat, PyList, PyTuple};

use crate::errors;

/// Rows as they came, or a converted copy.
pub(crate) struct Batch<'py>(PyReadonlyArray2<'py, f64>);

impl Batch<'_> {
    /// The values, row behind row.
    pub(crate) fn values(&self) -> &[f64] {
        self.0
            .as_slice()
            .expect("only arrays that lie row by row are taken")
    }

    pub(crate) fn len(&self) -> usize {
        self.0.shape()[0]
    }

    pub(crate) fn width(&self) -> usize {
        self.0.shape()[1]
    }
}

/// Reads a table of rows that are `width` wide.
pub(crate) fn rows<'py>(rows: &Bound<'py, PyAny>, width: usize) -> PyResult<Batch<'py>> {
    let py = rows.py();
    let table = if let Some(table) = readable(rows) {
        table
    } else {
        static CONVERT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let convert = CONVERT.import(py, "willet._arrays", "as_rows")?;
        let converted = convert.call1((rows, width))?;
        readable(&converted)
            .ok_or_else(|| errors::input(py, "rows could not be converted".to_owned()))?
    };
    let batch = Batch(table);
    if batch.width() != width {
        let found = batch.width();
        return Err(errors::width(
            py,
            willet_core::error::WidthError {
                expected: width,
                found,
            },
        ));
    }
    Ok(batch)
}

fn readable<'py>(rows: &Bound<'py, PyAny>) -> Option<PyReadonlyArray2<'py, f64>> {
    let table: PyReadonlyArray2<'py, f64> = rows.extract().ok()?;
    // `as_slice` would also take columns behind each other, and does not ask for alignment.
    let is_plain = table.is_c_contiguous() && table.data().is_aligned();
    is_plain.then_some(table)
}

/// Reads one row into `out`.
pub(crate) fn row(row: &Bound<'_, PyAny>, width: usize, out: &mut Vec<f64>) -> PyResult<()> {
    out.clear();
    if let Ok(list) = row.cast_exact::<PyList>() {
        for value in list.iter() {
            out.push(number(&value)?);
        }
    } else if let Ok(tuple) = row.cast_exact::<PyTuple>() {
        for value in tuple.iter_borrowed() {
            out.push(number(&value)?);
        }
    } else if let Ok(array) = row.extract::<PyReadonlyArray1<'_, f64>>()
        && array.data().is_aligned()
    {
        out.extend(array.as_array().iter());
    } else {
        static CONVERT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let convert = CONVERT.import(row.py(), "willet._arrays", "as_row")?;
        let converted = convert.call1((row,))?;
        let array = converted.cast::<PyArray1<f64>>()?;
        out.extend(array.readonly().as_array().iter());
    }
    if out.len() != width {
        let found = out.len();
        return Err(errors::width(
            row.py(),
            willet_core::error::WidthError {
                expected: width,
                found,
            },
        ));
    }
    Ok(())
}

fn number(value: &Bound<'_, PyAny>) -> PyResult<f64> {
    if let Ok(float) = value.cast_exact::<PyFloat>() {
        return Ok(float.value());
    }
    if value.is_none() {
        return Ok(f64::NAN);
    }
    value.extract().map_err(|_| {
        let shown = value
            .repr()
            .map_or_else(|_| "?".to_owned(), |x| x.to_string());
        errors::input(
            value.py(),
            format!("{shown} stands in a row, expected a number (None or nan where it is missing)"),
        )
    })
}
