"""What drift and time lead to: models fitted anew, contamination set, another member."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from . import _options, _windows
from ._history import History
from ._stream import Stream
from ._willet import Series
from .drift import DriftDetector, PerformanceDriftDetector

if TYPE_CHECKING:
    from .streaming import StreamingService

Floats = npt.NDArray[np.float64]
log = logging.getLogger("willet")
_SCORED = 2
#: Samples after a drift that a new model is fitted on, where the window is not shorter.
_RENEW = 256


def look_for_drift(
    service: StreamingService, stream: Stream, verdicts: list[Any], labels: list[bool | None] | None, drift: tuple[int, float, int | None]
) -> tuple[bool, float]:
    """Count labels, ask the drift detector or the monitor; whether there is drift, and its magnitude."""
    detector = stream.drift
    first = stream.samples - len(verdicts) + 1
    for place, (verdict, label) in enumerate(zip(verdicts, labels or (), strict=False)):
        if label is not None:
            stream.count_label(first + place, verdict[4], label, cast(History, stream.history).capacity)
    if isinstance(detector, PerformanceDriftDetector):
        [verdict] = verdicts
        if verdict[0] == _SCORED:
            label = labels[0] if labels else None
            detector.update(verdict[4], label)
        else:
            # Counted all the same: labels name samples by their number.
            detector.update(False)
        return (True, detector.drift_magnitude or 0.0) if detector.detect_drift(None) else (False, 0.0)
    if detector is not None:
        return ask(service, stream, detector)
    # The monitor knows the threshold: a change that is smaller it watches on.
    level, magnitude, _ = drift
    return (level == 2, magnitude)


def ask(service: StreamingService, stream: Stream, detector: DriftDetector) -> tuple[bool, float]:
    """Show a detector of the user the current window, when it is time."""
    options, history = service._options, cast(History, stream.history)
    is_tumbling = options["window_type"] == "tumbling"
    size = service.window_size if options["window_unit"] == "samples" else stream.window
    is_full = stream.checked < 0 if is_tumbling else stream.window >= size and len(history) >= 2
    if is_tumbling:
        stream.checked = 0
    elif options["window_unit"] == "samples":
        is_full = is_full and stream.samples % options["check_every"] == 0
    if not is_full:
        return (False, 0.0)
    window = history.last(min(size, len(history)) or len(history))[0]
    try:
        if not stream.baseline:
            stream.baseline = True
            detector.update_reference(window)
            return (False, 0.0)
        if stream.settle is not None:
            # While the window holds samples from before the last drift that one would be seen again, and would be a part of the reference.
            if stream.samples - stream.settle < len(window):
                return (False, 0.0)
            stream.settle = None
            detector.update_reference(window)
            return (False, 0.0)
        if not detector.detect_drift(window):
            stream.is_told = False
            return (False, 0.0)
    except Exception as error:
        # The verdict stands; what a user's own code cannot do now it may do next time.
        stream.drift_errors += 1
        log.exception("drift detector %s raised", type(detector).__name__)
        if stream.drift_errors == 1:
            message = f"drift detector {type(detector).__name__} raised {error!r} (it is asked again next time; see the log of `willet`)"
            warnings.warn(message, RuntimeWarning, stacklevel=2)
        return (False, 0.0)
    magnitude = getattr(detector, "drift_magnitude", None)
    magnitude = 1.0 if magnitude is None else float(magnitude)
    if magnitude < options["drift_threshold"] or stream.is_told:
        return (False, magnitude)
    # Where nothing follows the reference stays, and with it the drift.
    stream.is_told = options["adaptation"] == "report"
    return (True, magnitude)


def adapt(service: StreamingService, stream: Stream, rows_since: int) -> None:
    """Do after a drift what ``adaptation`` says."""
    adaptation = service._options["adaptation"]
    if adaptation == "retrain":
        # What came before is not normal any more. Where that leaves too little, the old model answers until there is enough.
        stream.since = stream.samples - min(rows_since, stream.samples)
        enough = min(_RENEW, service.window_size)
        stream.renew = stream.since + enough
        if stream.samples >= stream.renew:
            renew(service, stream)
    elif adaptation == "incremental":
        cast(Series, stream.series).flush()
        rate = recent_rate(service, stream)
        if rate is not None:
            service.adjust_contamination(min(max(rate, 0.001), 0.499))
    if isinstance(stream.drift, PerformanceDriftDetector):
        stream.drift.update_reference(None)
    elif adaptation != "report" and stream.drift is not None:
        stream.settle = stream.samples


def renew(service: StreamingService, stream: Stream) -> None:
    """Fit anew on what came since the drift: it is the new normal, whatever the old model said of it."""
    stream.renew = None
    stream.retrained = stream.samples
    rows, _, _, times = cast(History, stream.history).last(min(stream.samples - stream.since, fit_rows(service, stream)))
    fit(service, stream, *as_seen(service, stream, rows, times))
    if service._retrained is not None:
        service._retrained("drift")


def recent_rate(service: StreamingService, stream: Stream) -> float | None:
    """Share of anomalies in the current window."""
    history = stream.history
    if history is None or not stream.window:
        return None
    return float(history.last(stream.window)[1].mean())


def retrain_if_due(service: StreamingService, stream: Stream) -> None:
    """Fit anew where enough samples came, or too many were anomalies."""
    options = service._options
    threshold = options["retrain_threshold"]
    since = stream.samples - stream.retrained
    if threshold >= 1:
        if since >= threshold:
            retrain(service, stream, "samples")
    elif since >= options["check_every"] and stream.samples % options["check_every"] == 0:
        rate = recent_rate(service, stream)
        if rate is not None and rate > threshold:
            retrain(service, stream, "anomaly_rate")


def retrain(service: StreamingService, stream: Stream, reason: str) -> None:
    """Fit anew on recent rows, none of them from before the last drift.

    The model keeps away from what is strange by itself. Rows that the one before flagged must not be taken out here: what is normal would
    be narrower with every model, and more flagged.
    """
    stream.retrained = stream.samples
    rows, _, _, times = cast(History, stream.history).last(min(stream.samples - stream.since, fit_rows(service, stream)))
    fit(service, stream, *as_seen(service, stream, rows, times))
    if service._retrained is not None:
        service._retrained(reason)


def as_seen(service: StreamingService, stream: Stream, rows: Floats, times: npt.NDArray[np.int64]) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Rows as the detector sees them: themselves, or the statistics of windows of them."""
    if service._options["aggregation"] != "statistics":
        return rows, times
    size = service.window_size if service._options["window_unit"] == "samples" else max(stream.window, 2)
    steps = range(size, len(rows) + 1, max(1, size // 10))
    windows = np.array([_windows.statistics(rows[end - size : end]) for end in steps]).reshape(-1, rows.shape[1] * 4)
    return windows, np.empty(0, dtype=np.int64)


def fit_rows(service: StreamingService, stream: Stream) -> int:
    """How many rows a model is fitted on at most."""
    if service._options["window_unit"] == "seconds":
        return max(stream.window, 1)
    return _options.rows_fitted(service._options)


def fit(service: StreamingService, stream: Stream, rows: Floats, times: npt.NDArray[np.int64]) -> None:
    """Give the stream a model of these rows, unless they are too few for one."""
    if not len(rows):
        return
    series = service._make(stream, rows.shape[1])
    is_warm = teach(service, series, np.ascontiguousarray(rows), known_times(rows, times))
    # One that is still warming up replaces nothing: the old model learns on and answers sooner.
    if is_warm:
        stream.series = series


def teach(service: StreamingService, series: Series, rows: Floats, times: list[int] | None) -> bool:
    """Have a new model learn rows as history; says whether it has a score for the last.

    Where it is to learn many rows together it learns the first ones one by one, until it is warm: before that there is nothing to judge by.
    """
    at, is_warm = 0, False
    if service._options["learn_every"] > 1:
        while at < len(rows) and not is_warm:
            is_warm = series.learn_history(rows[at : at + 1], None if times is None else times[at : at + 1])
            at += 1
    if at < len(rows):
        is_warm = series.learn_history(rows[at:], None if times is None else times[at:])
    return is_warm


def known_times(rows: Floats, times: npt.NDArray[np.int64]) -> list[int] | None:
    """Times as they are given to a series; none where some are unknown."""
    is_known = len(times) == len(rows) and bool((times != History.NO_TIME).all())
    return times.tolist() if is_known else None
