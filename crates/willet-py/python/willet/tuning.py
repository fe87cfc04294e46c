"""Which window size, which algorithm: each pair measured on rows of yours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _options
from ._arrays import as_rows
from ._detector import KINDS, as_seed
from ._errors import ConfigError, InputError
from ._frame import Frame, find, library_of, pick, telling
from ._tuned import WindowResult, WindowTuning
from ._willet import Series, agreement, average_precision, choose_window

__all__ = ["WindowResult", "WindowTuning", "tune_windows"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SIZES = (500, 1_000, 2_000, 5_000, 10_000)
#: Rows times pairs below which nobody waits long enough to be told how far it is.
LONG = 500_000


class _Judged(NamedTuple):
    """What an algorithm said of all rows, and what it cost."""

    scores: Floats
    flags: Bools
    warm_up: int
    seconds: float
    memory_bytes: int


class _Data(NamedTuple):
    rows: Floats
    #: Places of the rows of each series, by its key.
    series: list[tuple[str, npt.NDArray[np.int64]]]
    times: npt.NDArray[np.int64] | None
    labels: npt.NDArray[np.float64] | None
    library: str | None


def tune_windows(
    data: Any,
    labels: Any = None,
    *,
    algorithms: Sequence[str] | None = None,
    sizes: Sequence[int] = SIZES,
    timestamp: str | None = None,
    key: str | Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    tolerance: float = 0.05,
    probation: int | None = None,
    decision: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: bool | Callable[[int, int], None] | None = None,
) -> WindowTuning:
    """Measure algorithms under several window sizes on the same rows, and say which to take.

    Each row is judged, then learned. With labels the best average precision is recommended (within 0.005 of it the cheapest); without,
    the smallest window whose scores are within ``tolerance`` of those under the algorithm's largest (of several algorithms the
    cheapest). ``willet tune --windows`` does the same with a file.

    Parameters
    ----------
    data
        Rows in their order: an array, nested lists, or a frame of pandas, polars or Arrow.
    labels
        Whether each row truly is an anomaly (nan where nobody knows), or the name of a frame's column with it.
    algorithms
        Those to try; by default all whose window is a setting and what they learn from.
    sizes
        Window sizes; those that no series fills are left out.
    timestamp, key, features
        Columns of a frame, as for :func:`willet.score_stream`.
    tolerance
        Mean distance of scores at which a window still agrees with the largest.
    probation
        Rows at the beginning of each series that do not count for average precision; 15 %, at most 750, by default.
    decision, seed
        As for :class:`willet.StreamingService`; by default at most 0.5 % of rows are flagged.
    progress
        Whether to write progress to standard error (by default of long work, at a terminal), or a function called with pairs done and
        pairs in all.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(1500, 2))
    >>> odd = np.arange(1500) % 100 == 99
    >>> rows[odd] += [8.0, -8.0]
    >>> found = tune_windows(rows, odd, algorithms=["knn", "zscore"], sizes=[100, 500])
    >>> len(found.rows), found.best.average_precision > 0.9, found.advice.startswith(f"take {found.best.algorithm}")
    (4, True, True)
    """
    names = _algorithms(algorithms)
    wanted = _sizes(sizes)
    if not isinstance(tolerance, (int, float)) or not 0 <= tolerance < 1:
        raise ConfigError(f"tolerance is {tolerance!r}, expected a number of 0 or more and below 1 such as 0.05")
    known = _read(data, labels, timestamp, key, features)
    longest = max((len(places) for _, places in known.series), default=0)
    fitting = [size for size in wanted if size < longest]
    if not fitting:
        few = f"sizes={sorted({max(longest // 4, 1), max(longest // 2, 1)})}"
        raise InputError(
            f"data has {longest} rows in its longest series, which fill no window of {wanted}, expected sizes below that ({few})"
        )
    counted = np.concatenate(
        [at[min(len(at) * 15 // 100, 750) if probation is None else _options.whole("probation", probation, 0) :] for _, at in known.series]
    )
    counted = counted if known.labels is None else counted[~np.isnan(known.labels[counted])]
    truths = None if known.labels is None else known.labels[counted] > 0
    if truths is not None and (truths.all() or not truths.any()):
        raise InputError(f"{len(truths)} labels behind the probation are all alike, expected anomalies and normal rows (or no labels)")
    # Settings that an algorithm cannot have are refused before any work.
    for name in names:
        for size in fitting:
            _series(name, known.rows.shape[1], size, decision, seed, "")

    tell = telling(progress, len(known.rows) * len(names) * len(fitting) >= LONG, "pairs")
    rows: list[WindowResult] = []
    for name in names:
        largest: _Judged | None = None
        own: list[WindowResult] = []
        for size in reversed(fitting):
            judged = _judge(known, name, size, decision, seed)
            stability, same = (None, None) if largest is None else _compare(known, size, judged, largest)
            precision = None if truths is None else average_precision(np.ascontiguousarray(judged.scores[counted]), truths)
            micros = 1e6 * judged.seconds / len(known.rows)
            flagged = int(judged.flags.sum())
            own.append(
                WindowResult(name, size, micros, stability, same, flagged, judged.warm_up, judged.memory_bytes, precision, False, False)
            )
            largest = largest or judged
            if tell is not None:
                tell(len(rows) + len(own), len(names) * len(fitting))
        rows += reversed(own)
    return _chosen(rows, names, len(fitting), tolerance, known.library)


def _algorithms(algorithms: Sequence[str] | None) -> list[str]:
    if algorithms is None:
        return [name for name, kind in KINDS.items() if kind["has_window"]]
    if isinstance(algorithms, str) or not len(algorithms):
        raise ConfigError(f"algorithms is {algorithms!r}, expected a list of names")
    for name in algorithms:
        if "window_size" not in _options.kind_of(name)["settings"]:
            having = ", ".join(name for name, kind in KINDS.items() if "window_size" in kind["settings"])
            raise ConfigError(f"algorithm {name} has no window_size to tune, expected one of {having}")
    return list(dict.fromkeys(algorithms))


def _sizes(sizes: Sequence[int]) -> list[int]:
    if isinstance(sizes, (str, int)) or not len(sizes):
        raise ConfigError(f"sizes is {sizes!r}, expected a list of whole numbers such as [500, 1000]")
    return sorted({_options.whole("sizes", size, 1) for size in sizes})


def _read(data: Any, labels: Any, timestamp: str | None, key: str | Sequence[str] | None, features: Sequence[str] | None) -> _Data:
    if library_of(data) is None:
        for name, column in (("timestamp", timestamp), ("key", key), ("features", features), ("labels", labels)):
            if isinstance(column, str) or (name == "features" and column is not None):
                raise InputError(f"{name} is {column!r}, a column, but data is no frame (expected a frame of pandas, polars or Arrow)")
        rows = as_rows(data)
        return _Data(rows, [("", np.arange(len(rows)))], None, _labels(labels, len(rows)), None)
    frame = Frame(data)
    label = find("label", labels, frame) if isinstance(labels, str) else None
    if label is not None and not frame.is_number(label):
        raise InputError(f"label column `{label}` is not of numbers, expected True, False, 1, 0 or missing")
    picked = pick(frame, timestamp, key, features, label)
    rows = np.empty((frame.rows, len(picked.features)))
    for place, name in enumerate(picked.features):
        rows[:, place] = frame.part(name, 0, frame.rows)
    series = [("", np.arange(frame.rows))]
    if picked.codes is not None:
        series = [(name, np.flatnonzero(picked.codes == code)) for code, name in enumerate(picked.keys)]
    truths = frame.part(label, 0, frame.rows) if label is not None else labels
    return _Data(rows, series, picked.times, _labels(truths, frame.rows), frame.library)


def _labels(labels: Any, rows: int) -> Floats | None:
    if labels is None:
        return None
    column = as_rows(labels, what="labels")
    if column.shape != (rows, 1):
        raise InputError(f"{len(column)} labels came for {rows} rows, expected one for each")
    return np.asarray(column[:, 0])


def _series(name: str, width: int, size: int, decision: Mapping[str, Any] | None, seed: int, key: str) -> Series:
    return Series(name, width, {"window_size": size}, seed=as_seed(seed), key=key, decision=dict(decision or {}))


def _judge(data: _Data, name: str, size: int, decision: Mapping[str, Any] | None, seed: int) -> _Judged:
    scores, flags = np.full(len(data.rows), np.nan), np.zeros(len(data.rows), dtype=np.bool_)
    warm_up, seconds, memory = 0, 0.0, 0
    for key, at in data.series:
        series = _series(name, data.rows.shape[1], size, decision, seed, key)
        rows, times = data.rows[at], None if data.times is None else data.times[at].tolist()
        began = perf_counter()
        status, _, scores[at], _, flags[at], _, _ = series.judge(rows, times)
        seconds += perf_counter() - began
        warm_up += int((status == 0).sum())
        memory += series.memory_bytes()
    return _Judged(scores, flags, warm_up, seconds, memory)


def _compare(data: _Data, size: int, judged: _Judged, largest: _Judged) -> tuple[float | None, float | None]:
    # Before a window is full, a larger one holds the same rows.
    at = np.concatenate([places[size:] for _, places in data.series])
    return agreement((judged.scores[at], judged.flags[at]), (largest.scores[at], largest.flags[at]))


def _chosen(rows: list[WindowResult], names: list[str], sizes: int, tolerance: float, library: str | None) -> WindowTuning:
    cells = [
        (place // sizes, row.window_size, row.micros_a_row, row.average_precision, row.score_stability) for place, row in enumerate(rows)
    ]
    for start in range(0, len(rows), sizes):
        of_kind = choose_window(cells[start : start + sizes], names, tolerance)
        if of_kind is not None:
            rows[start + of_kind[0]] = rows[start + of_kind[0]]._replace(best_of_algorithm=True)
    choice = choose_window(cells, names, tolerance)
    assert choice is not None, "there is a size, and an algorithm beside it"
    rows[choice[0]] = rows[choice[0]]._replace(recommended=True)
    return WindowTuning(rows, choice[1], library)
