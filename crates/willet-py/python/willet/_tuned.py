"""What came out of a tuning of windows, as rows, frames and pictures."""

from __future__ import annotations

import html
from collections.abc import Iterator
from math import log
from pathlib import Path
from typing import Any, NamedTuple

from ._errors import InputError
from ._fields import explained
from ._figures import new_figure


class WindowResult(NamedTuple):
    """What came out for an algorithm under a window size."""

    algorithm: str
    window_size: int
    micros_a_row: float
    score_stability: float | None
    same_flags: float | None
    flagged: int
    warm_up: int
    memory_bytes: int
    average_precision: float | None
    best_of_algorithm: bool
    recommended: bool


explained(
    WindowResult,
    algorithm="The kind of detector.",
    window_size="Its window, in rows.",
    micros_a_row="Mean time to judge and learn a row, in microseconds.",
    score_stability="One less the mean distance of a row's anomaly_score from the one under the algorithm's largest window: 1 is the same. "
    "From the row on that the window has no room for; None for the largest itself.",
    same_flags="Of the rows that this window or the largest flags, the share that both flag.",
    flagged="Rows judged to be anomalies.",
    warm_up="Rows before scores mean anything.",
    memory_bytes="Of all series together, at the end.",
    average_precision="Where there are labels.",
    best_of_algorithm="Whether this size is the one to take of its algorithm.",
    recommended="Whether this is the one to take of all.",
)


class WindowTuning:
    """What :func:`tune_windows` found."""

    def __init__(self, rows: list[WindowResult], advice: str, library: str | None) -> None:
        #: A result for each algorithm and size.
        self.rows = rows
        #: Which to take and why, in a sentence.
        self.advice = advice
        self._library = library

    @property
    def best(self) -> WindowResult:
        """The one to take."""
        return next(row for row in self.rows if row.recommended)

    def to_frame(self) -> Any:
        """The rows as a frame of the library that the data came in; of pandas, polars or Arrow, whichever is there, for arrays."""
        columns = {name: [row[place] for row in self.rows] for place, name in enumerate(WindowResult._fields)}
        for library in (self._library,) if self._library else ("pandas", "polars", "pyarrow"):
            try:
                if library == "pandas":
                    import pandas as pd

                    frame = pd.DataFrame(columns)
                    # None in a column of numbers would make it one of objects.
                    measures = ["score_stability", "same_flags", "average_precision"]
                    return frame.astype(dict.fromkeys(measures, "float64"))
                if library == "polars":
                    import polars as pl

                    return pl.DataFrame(columns)
                import pyarrow as pa

                return pa.table(columns)
            except ImportError:
                continue
        raise InputError("no library of frames is installed, expected pandas, polars or pyarrow (`rows` has the same as tuples)")

    def plot(self, path: str | Path | None = None) -> Any:
        """Draw how average precision, time, stability and memory go with the size.

        A matplotlib figure where that is installed and no ``path`` is given; else a page of HTML is written (``willet.html`` by
        default), and its path is given.
        """
        if path is None:
            figure = self._figure()
            if figure is not None:
                return figure
            path = "willet.html"
        path = Path(path)
        path.write_text(self._page(), encoding="utf-8")
        return path

    def _measures(self) -> list[tuple[str, str, bool]]:
        """Titles, names, whether equal steps are equal factors; of what was measured."""
        all_of_them = [
            ("average precision", "average_precision", False),
            ("µs a row", "micros_a_row", True),
            ("stability", "score_stability", False),
            ("memory, bytes", "memory_bytes", True),
        ]
        return [it for it in all_of_them if any(getattr(row, it[1]) is not None for row in self.rows)]

    def _lines(self, name: str) -> Iterator[tuple[str, list[int], list[float]]]:
        for algorithm in dict.fromkeys(row.algorithm for row in self.rows):
            own = [row for row in self.rows if row.algorithm == algorithm and getattr(row, name) is not None]
            yield algorithm, [row.window_size for row in own], [float(getattr(row, name)) for row in own]

    def _figure(self) -> Any:
        measures = self._measures()
        figure = new_figure(figsize=(4.5 * len(measures), 4), layout="constrained")
        if figure is None:
            return None
        best = self.best
        for axes, (title, name, in_factors) in zip(figure.subplots(1, len(measures), squeeze=False)[0], measures, strict=True):
            for algorithm, sizes, values in self._lines(name):
                axes.plot(sizes, values, marker="o", markersize=3, linewidth=1.2, label=algorithm)
            if getattr(best, name) is not None:
                axes.scatter([best.window_size], [getattr(best, name)], s=110, facecolors="none", edgecolors="#c0392b", zorder=3)
            axes.set(title=title, xlabel="window_size", xscale="log", yscale="log" if in_factors else "linear")
            ticks = sorted({row.window_size for row in self.rows})
            axes.set_xticks(ticks, [f"{size:,}" for size in ticks], rotation=45)
            axes.minorticks_off()
        figure.axes[0].legend(fontsize="small")
        figure.suptitle(self.advice, fontsize="medium", wrap=True)
        return figure

    def _page(self) -> str:
        sizes = sorted({row.window_size for row in self.rows})
        names = list(dict.fromkeys(row.algorithm for row in self.rows))
        colours = {name: f"hsl({360 * place // len(names)} 62% 45%)" for place, name in enumerate(names)}
        key = "".join(f'<b style="color:{colours[name]}">{html.escape(name)}</b> ' for name in names)
        charts = "".join(
            _chart(title, list(self._lines(name)), sizes, colours, self.best, name, logs) for title, name, logs in self._measures()
        )
        head = "".join(f"<th>{name}</th>" for name in WindowResult._fields[:-2])
        body = "".join(
            f"<tr{' class=best' if row.recommended else ''}>{''.join(f'<td>{_short(value)}</td>' for value in row[:-2])}</tr>"
            for row in self.rows
        )
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>window sizes</title><style>body{font:14px system-ui;margin:2rem}'
            "svg{width:340px;margin-right:20px}polyline{fill:none;stroke-width:1.6}td,th{padding:2px 14px 2px 0;text-align:right}"
            ".best{background:#fdf0d5}text{font-size:12px}</style>"
            f"<h1>{html.escape(self.advice)}</h1><p>{key}</p>{charts}<table><tr>{head}</tr>{body}</table></html>\n"
        )

    def __str__(self) -> str:
        lines = [f"{'algorithm':18}{'window':>8}{'µs/row':>10}{'stability':>11}{'flagged':>9}{'memory':>12}{'avg prec':>10}"]
        for row in self.rows:
            mark = "  <==" if row.recommended else "  <" if row.best_of_algorithm else ""
            lines.append(
                f"{row.algorithm:18}{row.window_size:8,}{row.micros_a_row:10.2f}{_short(row.score_stability):>11}{row.flagged:9,}"
                f"{row.memory_bytes // 1024:8,} KiB{_short(row.average_precision):>10}{mark}"
            )
        return "\n".join([*lines, self.advice])

    def __repr__(self) -> str:
        return f"WindowTuning({len(self.rows)} rows, best={self.best.algorithm!r}, window_size={self.best.window_size})"


def _short(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else html.escape(f"{value:,}" if isinstance(value, int) else str(value))


def _chart(
    title: str,
    lines: list[tuple[str, list[int], list[float]]],
    sizes: list[int],
    colours: dict[str, str],
    best: WindowResult,
    name: str,
    in_factors: bool,
) -> str:
    def scale(value: float) -> float:
        return log(max(value, 1e-3)) if in_factors else value

    known = [scale(value) for _, _, values in lines for value in values]
    low, span = min(known), (max(known) - min(known)) or 1.0

    def point(size: int, value: float) -> tuple[float, float]:
        return 20 + 300 * sizes.index(size) / max(len(sizes) - 1, 1), 180 - 140 * (scale(value) - low) / span

    drawn = [
        f'<text x="20" y="16">{title}: {min(min(v) for _, _, v in lines if v):.3g} to {max(max(v) for _, _, v in lines if v):.3g}</text>'
    ]
    for algorithm, own, values in lines:
        places = [point(size, value) for size, value in zip(own, values, strict=True)]
        drawn.append(f'<polyline stroke="{colours[algorithm]}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>')
    value = getattr(best, name)
    if value is not None:
        x, y = point(best.window_size, value)
        drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="none" stroke="{colours[best.algorithm]}"/>')
    drawn += [f'<text x="{point(size, 1.0)[0]:.0f}" y="204" text-anchor="middle">{size:,}</text>' for size in sizes]
    return f'<svg viewBox="-10 0 360 212" role="img" aria-label="{title}">{"".join(drawn)}</svg>'
