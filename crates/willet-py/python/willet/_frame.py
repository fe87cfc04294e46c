"""What frames of pandas, polars and Arrow have in common."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from . import _options, _times
from ._errors import InputError

LIBRARIES = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "Table"}


def library_of(value: Any) -> str | None:
    """The library of a frame or of what was derived from one; ``None`` where it is none."""
    for base in type(value).__mro__:
        library = base.__module__.split(".")[0]
        if base.__name__ in (LIBRARIES.get(library), "RecordBatch" if library == "pyarrow" else None):
            return library
    return None


class Frame:
    """What the libraries have in common: columns by name, and a frame with columns more."""

    def __init__(self, frame: Any) -> None:
        if type(frame).__name__ == "LazyFrame":
            raise InputError("df is a LazyFrame, expected its rows (df.collect() reads them)")
        library = library_of(frame)
        if library is None:
            raise InputError(f"df is a {type(frame).__name__}, expected a frame of pandas or polars or a table of pyarrow")
        self.library = library
        #: A batch of records is read as the table it could be, and given back as what it was.
        self._is_batch = library == "pyarrow" and any(base.__name__ == "RecordBatch" for base in type(frame).__mro__)
        if self._is_batch:
            import pyarrow as pa

            frame = pa.Table.from_batches([frame])
        self.frame = frame
        found = [str(name) for name in (frame.column_names if library == "pyarrow" else frame.columns)]
        for name in found:
            if found.count(name) > 1:
                raise InputError(f"df has {found.count(name)} columns `{name}`, expected names that differ (rename or drop them)")
        #: As the frame has them: pandas numbers columns that have no name.
        self._own = dict(zip(found, frame.column_names if library == "pyarrow" else frame.columns, strict=True))
        self.names = found
        self.rows = int(frame.num_rows if library == "pyarrow" else len(frame))
        #: Columns of the index that have names, which only pandas has.
        self._index: dict[str, int] = {}
        if library == "pandas":
            self._index = {str(name): level for level, name in enumerate(frame.index.names) if name is not None and str(name) not in found}

    def column(self, name: str) -> Any:
        if name in self._index:
            return self.frame.index.get_level_values(self._index[name]).to_series()
        return self.frame.column(name) if self.library == "pyarrow" else self.frame[self._own[name]]

    def time_index(self) -> str | None:
        """The part of the index that holds times, where one does."""
        if self.library != "pandas":
            return None
        import pandas as pd

        index = self.frame.index
        for level in range(index.nlevels):
            if isinstance(index.get_level_values(level), pd.DatetimeIndex):
                name = index.names[level]
                name = "the index" if name is None else str(name)
                self._index.setdefault(name, level)
                return name
        return None

    @property
    def findable(self) -> list[str]:
        """Names that columns are found by."""
        return [*self.names, *self._index]

    def is_number(self, name: str) -> bool:
        """Whether a column holds numbers, or yes and no."""
        column = self.column(name)
        if self.library == "pandas":
            import pandas as pd

            kind = column.dtype
            if kind.kind == "O" or str(kind).startswith("decimal"):
                found = pd.api.types.infer_dtype(column, skipna=True)
                return found in ("decimal", "floating", "integer", "mixed-integer-float", "boolean")
            return kind.kind in "fiub" if hasattr(kind, "kind") else False
        if self.library == "polars":
            import polars as pl

            return bool(column.dtype.is_numeric() or column.dtype == pl.Boolean)
        import pyarrow as pa

        kind = column.type
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind))

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

    def numbers(self) -> npt.NDArray[np.float64]:
        """All columns as numbers, for whoever names none."""
        for name in self.names:
            if not self.is_number(name):
                raise InputError(f"column `{name}` is not of numbers, expected numbers (leave it out, or give it as timestamps or sources)")
        table = np.empty((self.rows, len(self.names)))
        for place, name in enumerate(self.names):
            table[:, place] = self.part(name, 0, self.rows)
        return table

    def texts(self, names: Sequence[str]) -> npt.NDArray[np.int64]:
        """Numbers that stand for the different values of columns, in the order they come, and the values."""
        codes, values = self._texts(names[0])
        for name in names[1:]:
            others, more = self._texts(name)
            pairs, codes = np.unique(codes * len(more) + others, return_inverse=True)
            values = [f"{values[pair // len(more)]}/{more[pair % len(more)]}" for pair in pairs]
        self.values = values
        return codes

    def _texts(self, name: str) -> tuple[npt.NDArray[np.int64], list[str]]:
        column = self.column(name)
        values: Any
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
        return np.asarray(codes, dtype=np.int64), [str(value) for value in values]

    def times(self, name: str) -> npt.NDArray[np.int64]:
        """A column as microseconds."""
        column = self.column(name)
        missing = InputError(f"timestamp column `{name}` has missing values, expected a time for each row")
        array = np.asarray(column.to_numpy())
        if array.dtype.kind == "M":
            micros = array.astype("datetime64[us]")
            if np.isnat(micros).any():
                raise missing
            return micros.astype(np.int64)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise missing
        found = array.tolist()
        if any(time is None or time != time for time in found):
            raise missing
        return np.fromiter((_times.micros(time) for time in found), dtype=np.int64, count=self.rows)

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
        if self._is_batch:
            [table] = table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
        return table


def find(what: str, name: Any, frame: Frame) -> str:
    if str(name) in frame.findable:
        return str(name)
    raise InputError(f"{what} column `{name}` is not in the frame{_options.hint(str(name), frame.findable)}")


class Picked(NamedTuple):
    """What is looked at of a frame."""

    #: Names of the columns.
    features: list[str]
    #: Which series each row belongs to, as a place in ``keys``; ``None`` where there is only one.
    codes: npt.NDArray[np.int64] | None
    keys: list[str]
    #: Microseconds.
    times: npt.NDArray[np.int64] | None


def pick(
    frame: Frame, timestamp: str | None, key: str | Sequence[str] | None, features: Sequence[str] | None, label: str | None = None
) -> Picked:
    """Find the columns by name: those of features are all numbers that nothing else is, where none is named."""
    stamp = frame.time_index() if timestamp is None else find("timestamp", timestamp, frame)
    groups = [find("key", name, frame) for name in ([] if key is None else [key] if isinstance(key, (str, int)) else key)]
    if features is None:
        chosen = [name for name in frame.names if name not in (stamp, label, *groups) and frame.is_number(name)]
        if not chosen:
            raise InputError(f"df has no column of numbers to look at (its columns are {', '.join(frame.names)})")
    else:
        if isinstance(features, str) or not features:
            raise InputError(f"features is {features!r}, expected a list of columns")
        chosen = [find("feature", name, frame) for name in features]
        wrong = [name for name in chosen if not frame.is_number(name)]
        if wrong:
            raise InputError(f"feature column `{wrong[0]}` is not of numbers, expected numbers (codes for names, with algorithm='rare')")
    codes = frame.texts(groups) if groups else None
    times = None if stamp is None else frame.times(stamp)
    if times is not None:
        _tell_of_disorder(cast(str, stamp), times, codes)
    return Picked(chosen, codes, [""] if codes is None else frame.values, times)


def _tell_of_disorder(name: str, times: npt.NDArray[np.int64], codes: npt.NDArray[np.int64] | None) -> None:
    """Warn where times go back within a series: such rows are taken as late, not sorted in."""
    if codes is not None:
        order = np.argsort(codes, kind="stable")
        times, codes = times[order], codes[order]
    goes_back = np.diff(times) < 0
    if codes is not None:
        goes_back &= np.diff(codes) == 0
    if goes_back.any():
        message = f"times in `{name}` go back {int(goes_back.sum())} times: these rows are taken as late (sort df by `{name}` first)"
        warnings.warn(message, UserWarning, stacklevel=4)


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
