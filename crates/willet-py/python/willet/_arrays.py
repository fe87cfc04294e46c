"""What is taken for rows.

The rule: float64 arrays that lie row by row are read where they are. Other real numbers (other floats, integers, booleans), other
orders in memory, nested lists and frames are converted to float64, which is a copy. Text, dates, complex numbers and arrays of
objects are refused. ``None`` in a list and masked values are missing, as ``nan`` is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ._errors import InputError

Rows = npt.NDArray[np.float64]

_SHAPE = "expected rows of features, shaped (n_samples, n_features)"


def _numbers(values: Any, what: str) -> npt.NDArray[Any]:
    if hasattr(values, "toarray"):
        raise InputError(f"{what} are a sparse matrix, expected a dense array (rows.toarray() makes one)")
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(np.float64), np.nan)
    if isinstance(values, dict):
        values = list(values.values())
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(f"{what} have different widths, {_SHAPE}") from error
    if array.dtype == object and not isinstance(values, np.ndarray) and not hasattr(values, "dtype"):
        array = _with_missing(array, what)
    kind = array.dtype.kind
    if kind in "fiub":
        return array
    if kind == "O":
        raise InputError(f"{what} are an array of objects, expected numbers (rows.astype(float) converts them if they are)")
    raise InputError(f"{what} are of type {array.dtype}, expected real numbers")


def _with_missing(array: npt.NDArray[Any], what: str) -> npt.NDArray[Any]:
    """A list with ``None`` in it became objects: ``None`` is a missing value, all else must be a number."""
    flat = [np.nan if value is None else value for value in array.ravel()]
    for value in flat:
        if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
            raise InputError(f"{value!r} stands in {what}, expected a number (None or nan where it is missing)")
    return np.asarray(flat, dtype=np.float64).reshape(array.shape)


def as_rows(rows: Any, width: int | None = None, what: str = "rows") -> Rows:
    """Rows as a float64 table that lies row by row; itself where it is one.

    Parameters
    ----------
    rows
        An array, nested lists, or a frame of numbers. One-dimensional rows are one column where ``width`` is 1 and one row otherwise.
    width
        The number of features, where it is known.
    """
    array = _numbers(rows.to_numpy() if hasattr(rows, "to_numpy") and not isinstance(rows, np.ndarray) else rows, what)
    if array.ndim == 1:
        array = array.reshape(-1, 1) if width in (None, 1) else array.reshape(1, -1) if array.size else array.reshape(0, width or 1)
    if array.ndim != 2:
        raise InputError(f"{what} have {array.ndim} dimensions, {_SHAPE}")
    if array.shape[0] == 0 and width is not None:
        return np.empty((0, width))
    if array.shape[1] == 0:
        raise InputError(f"rows have no features, {_SHAPE}")
    return np.require(array, dtype=np.float64, requirements=["C", "A"])


def as_row(row: Any) -> npt.NDArray[np.float64]:
    """One row as float64."""
    if hasattr(row, "to_numpy") and not isinstance(row, np.ndarray):
        row = row.to_numpy()
    if isinstance(row, (int, float, np.number)):
        row = [row]
    array = _numbers(row, "values of the row")
    if array.ndim == 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 1:
        raise InputError(f"row has {array.ndim} dimensions, expected the values of one row")
    return np.ascontiguousarray(array, dtype=np.float64)


def as_table(rows: Any) -> tuple[list[Any] | None, Rows]:
    """Names, where rows have any, and rows as float64: of a frame, a list of dicts, or what has none."""
    if hasattr(rows, "columns"):
        from ._frame import Frame, library_of

        if library_of(rows) is not None:
            frame = Frame(rows)
            return list(frame.names), frame.numbers()
    if isinstance(rows, Sequence) and len(rows) and all(isinstance(row, Mapping) for row in rows):
        # As they come; what a row does not have is missing.
        names = list(dict.fromkeys(name for row in rows for name in row))
        return names, as_rows([[row.get(name) for name in names] for row in rows])
    return None, as_rows(rows)
