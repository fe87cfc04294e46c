"""What frames of pandas, polars and Arrow have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _options, _times
from ._errors import InputError


class Frame:
    """What the libraries have in common: columns by name, and a frame with columns more."""

    def __init__(self, frame: Any) -> None:
        self.frame = frame
        module = type(frame).__module__.split(".")[0]
        if type(frame).__name__ == "LazyFrame":
            raise InputError("df is a LazyFrame, expected its rows (df.collect() reads them)")
        if module not in ("pandas", "polars", "pyarrow") or not hasattr(frame, "columns"):
            raise InputError(f"df is a {type(frame).__name__}, expected a frame of pandas or polars or a table of pyarrow")
        self.library = module
        #: As the frame has them: pandas numbers columns that have no name.
        self._own = {str(name): name for name in (frame.column_names if module == "pyarrow" else frame.columns)}
        self.names = list(self._own)
        self.rows = int(frame.num_rows if module == "pyarrow" else len(frame))

    def column(self, name: str) -> Any:
        return self.frame.column(name) if self.library == "pyarrow" else self.frame[self._own[name]]

    def is_number(self, name: str) -> bool:
        if self.library == "pandas":
            kind = self.column(name).dtype
            return kind.kind in "fiub" if hasattr(kind, "kind") else False
        if self.library == "polars":
            return bool(self.column(name).dtype.is_numeric())
        import pyarrow as pa

        kind = self.frame.schema.field(name).type
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))

    def part(self, name: str, start: int, stop: int) -> npt.NDArray[Any]:
        """Some rows of a column as numbers."""
        column = self.column(name)
        if self.library == "pandas":
            return np.asarray(column.iloc[start:stop].to_numpy(dtype=np.float64, na_value=np.nan))
        if self.library == "polars":
            import polars as pl

            return np.asarray(column[start:stop].cast(pl.Float64).fill_null(float("nan")).to_numpy())
        import pyarrow as pa
        import pyarrow.compute as pc

        numbers = pc.fill_null(pc.cast(column.slice(start, stop - start), pa.float64()), float("nan"))
        return np.asarray(numbers.to_numpy())

    def texts(self, name: str) -> npt.NDArray[np.int64]:
        """Numbers that stand for the different values of a column, in the order they come, and the values."""
        column = self.column(name)
        if self.library == "pandas":
            import pandas as pd

            codes, values = pd.factorize(column)
        elif self.library == "polars":
            values = column.unique(maintain_order=True)
            places = {value: place for place, value in enumerate(values.to_list())}
            codes = np.fromiter((places[value] for value in column), dtype=np.int64, count=self.rows)
            values = values.to_list()
        else:
            encoded = column.combine_chunks().dictionary_encode()
            codes, values = encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist()
        if (np.asarray(codes) < 0).any() or any(value is None for value in values) or np.isnan(np.asarray(codes, dtype=float)).any():
            raise InputError(f"key column `{name}` has missing values, expected one for each row (fill them, or leave these rows out)")
        self.values = [str(value) for value in values]
        return np.asarray(codes, dtype=np.int64)

    def times(self, name: str) -> npt.NDArray[np.int64]:
        """A column as microseconds."""
        column = self.column(name)
        array = np.asarray(column.to_numpy())
        if array.dtype.kind == "M":
            micros = array.astype("datetime64[us]")
            if np.isnat(micros).any():
                raise InputError(f"timestamp column `{name}` has missing values, expected a time for each row")
            return micros.astype(np.int64)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"timestamp column `{name}` has missing values, expected a time for each row")
        return np.fromiter((_times.micros(time) for time in array.tolist()), dtype=np.int64, count=self.rows)

    def with_columns(self, columns: Mapping[str, npt.NDArray[Any]]) -> Any:
        if self.library == "pandas":
            import pandas as pd

            # The old columns are shared, not copied.
            frame = self.frame.copy(deep=False)
            for name, column in columns.items():
                # As a series it is taken as it is; an array would be copied.
                frame[name] = pd.Series(column, index=frame.index, copy=False)
            return frame
        if self.library == "polars":
            import polars as pl

            return self.frame.with_columns([pl.Series(name, column) for name, column in columns.items()])
        import pyarrow as pa

        table = self.frame
        for name, column in columns.items():
            table = table.append_column(name, pa.array(column))
        return table


def find(what: str, name: Any, frame: Frame) -> str:
    if str(name) in frame.names:
        return str(name)
    raise InputError(f"{what} column `{name}` is not in the frame{_options.hint(str(name), frame.names)}")


class Picked(NamedTuple):
    """What is looked at of a frame."""

    #: Names of the columns.
    features: list[str]
    #: Which series each row belongs to, as a place in ``keys``; ``None`` where there is only one.
    codes: npt.NDArray[np.int64] | None
    keys: list[str]
    #: Microseconds.
    times: npt.NDArray[np.int64] | None


def pick(frame: Frame, timestamp: str | None, key: str | None, features: Sequence[str] | None, label: str | None = None) -> Picked:
    """Find the columns by name: those of features are all numbers that nothing else is, where none is named."""
    stamp = None if timestamp is None else find("timestamp", timestamp, frame)
    group = None if key is None else find("key", key, frame)
    if features is None:
        chosen = [name for name in frame.names if name not in (stamp, group, label) and frame.is_number(name)]
        if not chosen:
            raise InputError(f"df has no column of numbers to look at (its columns are {', '.join(frame.names)})")
    else:
        if isinstance(features, str) or not features:
            raise InputError(f"features is {features!r}, expected a list of columns")
        chosen = [find("feature", name, frame) for name in features]
        wrong = [name for name in chosen if not frame.is_number(name)]
        if wrong:
            raise InputError(f"feature column `{wrong[0]}` is not of numbers, expected numbers (codes for names, with algorithm='rare')")
    codes = None if group is None else frame.texts(group)
    times = None if stamp is None else frame.times(stamp)
    return Picked(chosen, codes, [""] if codes is None else frame.values, times)


def telling(progress: bool | Callable[[int, int], None] | None, is_long: bool, of_what: str = "rows") -> Callable[[int, int], None] | None:
    """What progress is told to: a function given, or standard error."""
    if callable(progress):
        return progress
    if progress is None:
        progress = is_long and sys.stderr.isatty()
    if not progress:
        return None

    def tell(done: int, of: int) -> None:
        end = "\n" if done == of else ""
        print(f"\r{done:,} of {of:,} {of_what} ({100 * done // of} %)", end=end, file=sys.stderr, flush=True)

    return tell
