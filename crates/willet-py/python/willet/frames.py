"""Whole frames: pandas, polars and Arrow."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _options
from ._detector import KINDS, as_seed, as_settings
from ._errors import InputError
from ._figures import new_figure
from ._frame import Frame, find, pick, telling
from ._willet import Series

Floats = npt.NDArray[np.float64]

#: Rows judged in one go; only these are held a second time.
CHUNK = 50_000
#: Frames of fewer rows are done before a line could be read.
LONG = 500_000
RESULTS = ("score", "anomaly_score", "is_anomaly", "confidence")


def score_stream(
    df: Any,
    *,
    timestamp: str | None = None,
    key: str | Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    algorithm: str = "auto",
    settings: Mapping[str, Any] | None = None,
    decision: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: bool | Callable[[int, int], None] | None = None,
) -> Any:
    """Judge the rows of a frame in their order, each before it is learned.

    The verdicts are those that the rows would get one by one as they came. Rows must be in the order of time; those that are not are
    taken as late, which a warning says.

    Parameters
    ----------
    df
        A pandas or polars frame, or a table or batch of Arrow. It is read in place, some thousand rows at a time.
    timestamp
        Column, or part of a pandas index, with times; tells how far rows are apart and that some are missing. By default the index where
        it holds times.
    key
        Column, or columns, that say which series a row belongs to; each is learned for itself.
    features
        Columns that are looked at; all of numbers, decimals, or yes and no by default.
    algorithm, settings, decision, seed
        As for :class:`willet.StreamingService`; by default willet looks at the series and picks, and flags at most 0.5 % of rows.
    progress
        Whether to write progress to standard error (by default of long frames, at a terminal), or a function called with rows done and
        rows in all.

    Returns
    -------
    A frame of the same library: the columns of ``df`` and ``score``, ``anomaly_score`` (nan while warming up), ``is_anomaly`` and
    ``confidence``.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"load": [float(i % 10) for i in range(900)]})
    >>> df.loc[800, "load"] = 90.0
    >>> scored = score_stream(df, algorithm="zscore")
    >>> list(scored.columns), scored.index[scored.is_anomaly].tolist()
    (['load', 'score', 'anomaly_score', 'is_anomaly', 'confidence'], [800])
    """
    frame = Frame(df)
    for name in RESULTS:
        if name in frame.names:
            raise InputError(f"df has a column `{name}` already, which is where a result goes (rename it)")
    chosen, codes, keys, times = pick(frame, timestamp, key, features)
    kind = _options.kind_of(algorithm)["name"]
    _options.refuse_unknown(f"setting of {kind}", settings or {}, KINDS[kind]["settings"])
    series: dict[int, Series] = {}

    def series_of(code: int) -> Series:
        if code not in series:
            series[code] = Series(
                algorithm,
                len(chosen),
                as_settings(settings or {}),
                names=chosen,
                seed=as_seed(seed),
                key=keys[code],
                decision=dict(decision or {}),
            )
        return series[code]

    columns: dict[str, npt.NDArray[Any]] = {name: np.full(frame.rows, np.nan) for name in RESULTS}
    columns["is_anomaly"] = np.zeros(frame.rows, dtype=np.bool_)
    tell = telling(progress, frame.rows >= LONG)
    table = np.empty((min(CHUNK, frame.rows), len(chosen)))
    if not frame.rows:
        series_of(0) if codes is None else None
    for start in range(0, frame.rows, CHUNK):
        stop = min(start + CHUNK, frame.rows)
        part = table[: stop - start]
        for place, name in enumerate(chosen):
            part[:, place] = frame.part(name, start, stop)
        for code, at in _groups(None if codes is None else codes[start:stop], stop - start):
            rows = part if at is None else part[at]
            where: Any = slice(start, stop) if at is None else at + start
            stamps = None if times is None else times[where].tolist()
            _, score, anomaly_score, _, is_anomaly, confidence, _ = series_of(code).judge(rows, stamps)
            columns["score"][where] = score
            columns["anomaly_score"][where] = anomaly_score
            columns["is_anomaly"][where] = is_anomaly
            columns["confidence"][where] = confidence
        if tell is not None:
            tell(stop, frame.rows)
    return frame.with_columns(columns)


def _groups(codes: npt.NDArray[np.int64] | None, rows: int) -> Iterable[tuple[int, npt.NDArray[np.int64] | None]]:
    """Rows of each series, in order."""
    if codes is None:
        yield 0, None
        return
    order = np.argsort(codes, kind="stable")
    ends = np.flatnonzero(np.diff(codes[order])) + 1
    for at in np.split(order, ends):
        yield int(codes[at[0]]), at


#: Points of a picture: more cannot be told apart.
_POINTS = 4_000


def plot(scored: Any, column: str | None = None, *, timestamp: str | None = None, path: str | Path | None = None) -> Any:
    """Draw a column of a frame of :func:`score_stream` with its anomalies.

    Parameters
    ----------
    scored
        What :func:`score_stream` gave.
    column
        The column drawn; the first of numbers by default.
    timestamp
        Column of times along the bottom; the number of the row by default.
    path
        Where to write a page of HTML; without it a figure of matplotlib is given if that is installed, else ``willet.html`` is written.

    Returns
    -------
    A matplotlib figure, or the path of the page.
    """
    frame = Frame(scored)
    for name in ("anomaly_score", "is_anomaly"):
        find("result", name, frame)
    numbers = [name for name in frame.names if name not in (*RESULTS, timestamp) and frame.is_number(name)]
    if column is None and not numbers:
        raise InputError("the frame has no column of numbers to draw")
    drawn = numbers[0] if column is None else find("drawn", column, frame)
    values = frame.part(drawn, 0, frame.rows)
    flags = np.asarray(frame.column("is_anomaly").to_numpy()).astype(bool)
    across: Any = np.arange(frame.rows) if timestamp is None else frame.times(find("timestamp", timestamp, frame)).astype("datetime64[us]")
    if path is None:
        figure = new_figure(figsize=(12, 4), layout="constrained")
        if figure is not None:
            axes = figure.add_subplot()
            axes.plot(across, values, color="#4c6a92", linewidth=0.8, label=drawn)
            axes.scatter(across[flags], values[flags], color="#c0392b", s=18, zorder=3, label=f"{int(flags.sum())} anomalies")
            axes.legend(loc="upper right")
            return figure
        path = "willet.html"
    path = Path(path)
    path.write_text(_page(drawn, across, values, flags), encoding="utf-8")
    return path


def _page(name: str, across: Any, values: Floats, flags: npt.NDArray[np.bool_]) -> str:
    """One file, nothing loaded from elsewhere: a line of the lowest and highest value of each stretch, and a dot for each anomaly."""
    rows = len(values)
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    span = (high - low) or 1.0
    width, height = 1200.0, 320.0

    def x(row: int) -> float:
        return width * row / max(rows - 1, 1)

    def y(value: float) -> float:
        return height - height * (value - low) / span

    points: list[str] = []
    stretch = max(1, -(-rows // (_POINTS // 2)))
    for start in range(0, rows, stretch):
        part = values[start : start + stretch]
        if np.isfinite(part).any():
            ends = sorted({int(np.nanargmin(part)), int(np.nanargmax(part))})
            points += [f"{x(start + at):.1f},{y(float(part[at])):.1f}" for at in ends]
    dots = [
        f'<circle cx="{x(int(row)):.1f}" cy="{y(float(values[row])):.1f}" r="4"><title>{html.escape(str(across[row]))}: '
        f"{values[row]:g}</title></circle>"
        for row in np.flatnonzero(flags)
        if not isnan(values[row])
    ]
    first, last = (html.escape(str(across[at])) if rows else "" for at in (0, -1))
    title = html.escape(name)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        "<style>body{font:14px system-ui;margin:2rem}polyline{fill:none;stroke:#4c6a92;stroke-width:1}circle{fill:#c0392b}</style>"
        f"<h1>{title}</h1><p>{rows:,} rows, {int(flags.sum()):,} anomalies; {low:g} to {high:g}; {first} to {last}</p>"
        f'<svg viewBox="-8 -8 {width + 16:g} {height + 16:g}" width="100%" role="img" aria-label="{title}">'
        f'<polyline points="{" ".join(points)}"/>{"".join(dots)}</svg></html>\n'
    )
