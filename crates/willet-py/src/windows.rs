//! Window sizes compared, for Python.

use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use willet_core::evaluation::{self, Agreement, WindowCell};

/// Scores (nan where there is none) and flags of the same rows under two windows: how alike the scores are, and the flags.
#[pyfunction]
pub(crate) fn agreement(
    first: (PyReadonlyArray1<'_, f64>, PyReadonlyArray1<'_, bool>),
    second: (PyReadonlyArray1<'_, f64>, PyReadonlyArray1<'_, bool>),
) -> PyResult<(Option<f64>, Option<f64>)> {
    let mut agreement = Agreement::default();
    agreement.take(
        (first.0.as_slice()?, first.1.as_slice()?),
        (second.0.as_slice()?, second.1.as_slice()?),
    );
    Ok((agreement.scores(), agreement.flags()))
}

/// Average precision of scores (nan counts as the lowest); `None` where all labels are equal.
#[pyfunction]
pub(crate) fn average_precision(
    scores: PyReadonlyArray1<'_, f64>,
    labels: PyReadonlyArray1<'_, bool>,
) -> PyResult<Option<f64>> {
    let lowest = |score: &f64| {
        if score.is_nan() {
            f64::NEG_INFINITY
        } else {
            *score
        }
    };
    let scores: Vec<f64> = scores.as_slice()?.iter().map(lowest).collect();
    let found = evaluation::evaluate(&scores, labels.as_slice()?);
    Ok(found.map(|found| found.average_precision))
}

/// Kind, window size, cost, average precision, stability.
type Cell = (usize, usize, f64, Option<f64>, Option<f64>);

/// The cell to take, and why; `names` are those of the kinds.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "as they come from Python")]
pub(crate) fn choose_window(
    cells: Vec<Cell>,
    names: Vec<String>,
    tolerance: f64,
) -> Option<(usize, String)> {
    let cells: Vec<WindowCell> = cells
        .iter()
        .map(|cell| WindowCell {
            kind: cell.0,
            size: cell.1,
            cost: cell.2,
            average_precision: cell.3,
            stability: cell.4,
        })
        .collect();
    let choice = evaluation::choose_window(&cells, tolerance)?;
    let name = |kind: usize| names.get(kind).map_or("", String::as_str);
    Some((choice.cell(), choice.advice(&cells, name, tolerance)))
}
