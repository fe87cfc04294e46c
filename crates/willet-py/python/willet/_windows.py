"""How windows of samples and of seconds move, and samples that are judged by the statistics of theirs."""

from __future__ import annotations

import warnings
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from . import _adapting
from ._history import History
from ._stream import Result, Stream, as_number
from ._willet import Series
from .drift import PerformanceDriftDetector

if TYPE_CHECKING:
    from .streaming import StreamingService

Floats = npt.NDArray[np.float64]
_SCORED = 2


def slide(service: StreamingService, stream: Stream, count: int, times: list[int] | None) -> None:
    """Count samples in, and let go of the window when it is full or past."""
    options = service._options
    series = cast(Series, stream.series)
    if options["window_unit"] == "seconds":
        now = cast("list[int]", times)[-1]
        stream.newest = now if stream.newest is None else max(now, stream.newest)
        slide_seconds(service, stream)
        return
    stream.window += count
    if options["window_type"] == "tumbling":
        if stream.window >= service.window_size:
            series.flush()
            full_window(service, stream)
            stream.window = 0
    else:
        stream.window = min(stream.window, service.window_size, cast(History, stream.history).capacity)


def slide_seconds(service: StreamingService, stream: Stream) -> None:
    """Move a window of time up to the newest sample, and learn what is in it when it has moved."""
    options, history = service._options, cast(History, stream.history)
    newest = cast(int, stream.newest)
    if stream.step is None:
        stream.step = newest + options["slide_micros"]
    is_tumbling = options["window_type"] == "tumbling"
    stream.window += 1
    if not is_tumbling:
        stream.window = min(stream.window, history.count_since(newest - options["window_micros"]))
    if newest < stream.step:
        return
    # The window has moved: what is in it is what is normal now.
    while stream.step <= newest:
        steps = (newest - stream.step) // options["slide_micros"] + 1
        stream.step += steps * options["slide_micros"]
    if options["aggregation"] == "features" and stream.window >= 2:
        rows, _, _, times = history.last(stream.window)
        _adapting.fit(service, stream, rows, times)
    if is_tumbling:
        full_window(service, stream)
        stream.window = 0


def judge_window(service: StreamingService, stream: Stream, row: Floats, times: list[int] | None) -> Any:
    """A sample whose window is what is judged."""
    options = service._options
    history, series = cast(History, stream.history), cast(Series, stream.series)
    time = None if times is None else times[0]
    arrived = None if time is None else [time if stream.newest is None else max(time, stream.newest)]
    history.extend(row.reshape(1, -1), [False], [np.nan], arrived)
    if options["window_unit"] == "seconds":
        before = stream.step
        stream.newest = time if stream.newest is None else max(cast(int, time), stream.newest)
        is_due = before is not None and stream.newest is not None and stream.newest >= before
        rows_in_window = stream.window + 1
        slide_seconds(service, stream)
    else:
        stream.window += 1
        rows_in_window = stream.window
        is_full = stream.window >= service.window_size
        if options["window_type"] == "tumbling":
            is_due = is_full
            stream.window = 0 if is_full else stream.window
        else:
            stream.window = min(stream.window, service.window_size)
            rows_in_window = stream.window
            is_due = is_full and stream.samples % (options["slide_interval"] or 1) == 0
    if not is_due:
        score, anomaly_score, confidence = stream.last or (np.nan, np.nan, np.nan)
        return (0 if stream.last is None else _SCORED, score, anomaly_score, np.nan, False, confidence, None)
    rows = history.last(min(rows_in_window, len(history)))[0]
    verdict = series.judge_one(statistics(rows), time)
    history.set_last(verdict[4], verdict[2])
    if verdict[0] == _SCORED:
        stream.last = (verdict[1], verdict[2], verdict[5])
    return verdict


def full_window(service: StreamingService, stream: Stream) -> None:
    """A tumbling window is about to be emptied: the drift detector sees it whole."""
    if stream.drift is not None and not isinstance(stream.drift, PerformanceDriftDetector):
        stream.checked = -1


def statistics(rows: Floats) -> Floats:
    """Mean, deviation, minimum and maximum of each feature; of a feature that is missing throughout they are missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.concatenate([np.nanmean(rows, 0), np.nanstd(rows, 0), np.nanmin(rows, 0), np.nanmax(rows, 0)])


def judge_again(service: StreamingService, source: str | None) -> list[Result]:
    """Learn what waits to be learned, and judge the samples of the current window by the model as it is now."""
    if not service._streams:
        return []
    stream = service._known(source if source is not None or None in service._streams else next(iter(service._streams)))
    began = perf_counter()
    with stream.lock:
        if stream.series is None or stream.history is None or not stream.window:
            return []
        stream.series.flush()
        rows, _, _, times = stream.history.last(stream.window)
        # A copy judges them: they have been learned before.
        judge = Series.from_state(stream.series.state())
        if service._options["aggregation"] == "statistics":
            rows, times = statistics(rows).reshape(1, -1), times[-1:]
        status, score, anomaly_score, _, is_anomaly, confidence, reasons = judge.judge(rows, _adapting.known_times(rows, times))
        spent = (perf_counter() - began) / len(rows)
        first = stream.samples - len(rows) + 1
        columns = (status, score, anomaly_score, is_anomaly, confidence)
        return [
            Result(
                flag,
                as_number(scaled),
                as_number(sure),
                False,
                0.0,
                spent,
                first + place,
                own if state == _SCORED else None,
                state != _SCORED,
                stream.key,
                reasons.get(place),
            )
            for place, (state, own, scaled, flag, sure) in enumerate(zip(*(column.tolist() for column in columns), strict=True))
        ]


def stats(service: StreamingService, source: str | None = None) -> dict[str, float]:
    """``size``, ``anomaly_rate`` and ``avg_score`` of the current window; of all sources, or the one named."""
    streams = list(service._streams.values()) if source is None else [service._known(source)]
    flags: list[npt.NDArray[np.bool_]] = []
    scores: list[Floats] = []
    for stream in streams:
        with stream.lock:
            if stream.history is not None and stream.window:
                _, window_flags, window_scores, _ = stream.history.last(stream.window)
                flags.append(window_flags)
                scores.append(window_scores)
    size = sum(len(window) for window in flags)
    known = np.concatenate(scores) if scores else np.empty(0)
    known = known[~np.isnan(known)]
    return {
        "size": size,
        "anomaly_rate": float(np.concatenate(flags).mean()) if size else 0.0,
        "avg_score": float(known.mean()) if len(known) else 0.0,
    }
