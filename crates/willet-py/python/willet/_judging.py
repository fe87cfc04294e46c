"""Samples of one source judged and learned, in runs that nothing interrupts."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from . import _adapting, _memory, _options, _times, _windows
from ._detector import as_seed
from ._errors import InputError
from ._history import History
from ._stream import Result, Stream, as_label, as_number
from ._willet import DriftTest, Series
from .drift import PerformanceDriftDetector

if TYPE_CHECKING:
    from .streaming import StreamingService

Floats = npt.NDArray[np.float64]
_SCORED = 2
#: Rows after which it is looked whether somebody has said stop.
_UNTIL_STOP = 256


class Batch(NamedTuple):
    """Rows of a source that nothing is wrong with."""

    source: str | None
    rows: Floats
    #: Microseconds.
    times: list[int] | None
    labels: list[bool | None] | None
    names: tuple[str, ...] | None

    def part(self, start: int, stop: int) -> Batch:
        """Some of the rows."""
        times, labels = self.times, self.labels
        return self._replace(
            rows=self.rows[start:stop],
            times=None if times is None else times[start:stop],
            labels=None if labels is None else labels[start:stop],
        )


def check(
    service: StreamingService,
    source: str | None,
    rows: Floats,
    times: Sequence[Any] | None,
    labels: Sequence[Any] | None,
    names: Sequence[Any] | None,
) -> Batch:
    """Refuse what cannot be judged, before anything has changed."""
    if source is not None and not isinstance(source, str):
        raise InputError(f"source is {source!r}, expected a text")
    # One that nobody has seen stands in for a source that is made with its first row.
    stream = service._streams.get(source) or Stream(source, None)
    known = stream.names if names is None else stream.names_after(names)
    rows = stream.in_order(rows, names, known)
    if len(rows):
        stream.check_width(rows.shape[1])
        needs_time = service._options["window_unit"] == "seconds" or service._needs_time
        if times is None and needs_time:
            why = "window_unit is seconds" if service._options["window_unit"] == "seconds" else "the decision keeps a rate in time"
            raise InputError(f"timestamp is missing, but {why} (give each sample its time)")
    stamps = None if times is None else [_times.micros(time) for time in times]
    truths = None if labels is None else [as_label(label) for label in labels]
    return Batch(source, rows, stamps, truths, known)


def take(service: StreamingService, batch: Batch, stop: threading.Event | None = None) -> list[Result]:
    """Judge and learn rows of a source, then tell the observers; no further once somebody says stop."""
    rows, stamps, labels = batch.rows, batch.times, batch.labels
    if not len(rows):
        return []
    options = service._options
    stream = service._stream(batch.source)
    results: list[Result] = []
    while len(results) < len(rows) and not (stop is not None and stop.is_set()):
        at = len(results)
        began = perf_counter()
        with stream.lock:
            stream.check_width(rows.shape[1])
            if batch.names is not None:
                stream.names = batch.names
            open_stream(service, stream, rows.shape[1])
            taken = min(len(rows) - at, until_event(service, stream))
            if stop is not None:
                taken = min(taken, _UNTIL_STOP)
            part = rows[at : at + taken]
            drift: tuple[int, float, int | None] = (0, 0.0, None)
            if stream.monitor is not None:
                # Up to the first drift: what comes after it may be judged by another model.
                taken, reading = stream.monitor.update_until(part)
                part = part[:taken]
                rows_seen = stream.monitor.rows()
                drift = (reading[0], reading[3], None if reading[4] is None else max(1, rows_seen - reading[4]))
            part_times = None if stamps is None else stamps[at : at + taken]
            part_labels = None if labels is None else labels[at : at + taken]
            results += judge(service, stream, part, part_times, part_labels, drift, began)
            is_over = _memory.is_over(service, stream)
            is_due = stream.samples - stream.cleaned >= options["memory_cleanup_interval"]
        # Without the lock: it asks for those of other sources.
        if is_over or is_due:
            stream.cleaned = stream.samples
            service.cleanup_memory()
    for result in results if service._observers else ():
        for observer in service._observers:
            observer(result)
    return results


def until_event(service: StreamingService, stream: Stream) -> int:
    """How many samples may be judged in one go."""
    options = service._options
    one_by_one = (
        options["window_unit"] == "seconds" or options["aggregation"] == "statistics" or isinstance(stream.drift, PerformanceDriftDetector)
    )
    if one_by_one:
        return 1
    if not stream.is_warm and options["learn_every"] > 1:
        return 1
    until = options["batch_rows"]
    if options["window_type"] == "tumbling":
        until = min(until, service.window_size - stream.window)
    if stream.drift is not None or options["auto_retrain"]:
        every = options["check_every"]
        until = min(until, every - stream.samples % every)
    if options["auto_retrain"] and options["retrain_threshold"] >= 1:
        until = min(until, int(options["retrain_threshold"]) - (stream.samples - stream.retrained))
    if stream.renew is not None:
        until = min(until, stream.renew - stream.samples)
    if options["max_memory_mb"] is not None:
        until = min(until, _memory.until_look(stream))
    until = min(until, options["memory_cleanup_interval"] - (stream.samples - stream.cleaned))
    return max(1, int(until))


def judge(
    service: StreamingService,
    stream: Stream,
    rows: Floats,
    times: list[int] | None,
    labels: list[bool | None] | None,
    drift: tuple[int, float, int | None],
    began: float,
) -> list[Result]:
    """Judge a run of rows within which nothing changes but what is learned of them."""
    options = service._options
    history, series = cast(History, stream.history), cast(Series, stream.series)
    count = len(rows)
    if options["aggregation"] == "statistics":
        verdicts = [_windows.judge_window(service, stream, rows[0], times)]
    else:
        if count == 1:
            verdicts = [series.judge_one(rows[0], None if times is None else times[0])]
        else:
            status, score, anomaly_score, threshold, is_anomaly, confidence, reasons = series.judge(rows, times)
            columns = (status, score, anomaly_score, threshold, is_anomaly, confidence)
            verdicts = [
                (*verdict, reasons.get(place)) for place, verdict in enumerate(zip(*(column.tolist() for column in columns), strict=True))
            ]
        arrived = times
        if times is not None and options["window_unit"] == "seconds":
            # A late sample is in the window it came into.
            arrived = [times[0] if stream.newest is None else max(times[0], stream.newest)]
        if not stream.is_warm:
            stream.is_warm = verdicts[-1][0] == _SCORED
            if options["learn_every"] > 1:
                # What is learned together later is learned at once until there is something to judge by.
                series.flush()
        history.extend(rows, [verdict[4] for verdict in verdicts], [verdict[2] for verdict in verdicts], arrived)
        _windows.slide(service, stream, count, times)
    stream.samples += count
    drifted, magnitude = _adapting.look_for_drift(service, stream, verdicts, labels, drift)
    if drifted:
        if verdicts[-1][6] is not None:
            # As the server says it of an anomaly that shows a drift.
            verdicts[-1][6]["anomaly_type"] = "drift"
        _adapting.adapt(service, stream, drift[2] or options["check_every"])
    elif stream.renew is not None and stream.samples >= stream.renew:
        _adapting.renew(service, stream)
    elif options["auto_retrain"]:
        _adapting.retrain_if_due(service, stream)
    spent = (perf_counter() - began) / count
    first = stream.samples - count + 1
    last = count - 1
    return [
        Result(
            is_anomaly,
            as_number(anomaly_score),
            as_number(confidence),
            drifted and place == last,
            magnitude if drifted and place == last else 0.0,
            spent,
            first + place,
            score if status == _SCORED else None,
            status != _SCORED,
            stream.key,
            reason,
        )
        for place, (status, score, anomaly_score, _, is_anomaly, confidence, reason) in enumerate(verdicts)
    ]


def open_stream(service: StreamingService, stream: Stream, width: int) -> None:
    """Make what a source needs when its first row says how wide rows are."""
    options = service._options
    if stream.series is None:
        seen = width * 4 if options["aggregation"] == "statistics" else width
        stream.series = service._make(stream, seen)
        capacity = _options.samples_kept(options, service._thrift)
        stream.history = History(
            width,
            capacity,
            is_compressed=options["sample_compression"],
            exact=min(_options.rows_read(options), capacity),
            in_file=options["lazy_loading"],
        )
        if options["drift_detection"] and stream.drift is None:
            # A smaller change it watches until it has grown so large.
            settings = {"least": options["drift_threshold"]}
            stream.monitor = DriftTest("monitor", width, settings, seed=as_seed(options["seed"]), key=stream.key or "")
    stream.check_width(width)
