"""Models taught by hand, and the recent samples of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from . import _adapting, _judging, _options, _windows
from ._arrays import as_table
from ._errors import InputError
from ._willet import Series

if TYPE_CHECKING:
    from .streaming import StreamingService

Floats = npt.NDArray[np.float64]


def retrain_on(service: StreamingService, data: Any, source: str | None) -> None:
    """Put a model fitted on these rows in the place of the one that answers."""
    names, rows = as_table(data)
    if not len(rows):
        raise InputError("data has no rows, expected one or more")
    batch = _judging.check(service, source, rows, [], None, names)
    rows = batch.rows
    stream = service._stream(source)
    with stream.lock:
        stream.names = stream.names if batch.names is None else batch.names
        _judging.open_stream(service, stream, rows.shape[1])
        series = service._make(stream, rows.shape[1] * (4 if service._options["aggregation"] == "statistics" else 1))
        stream.is_warm = _adapting.teach(service, series, as_windows(service, rows), None)
        stream.series = series
        stream.retrained = stream.samples
        stream.settle = None
        if stream.drift is not None:
            stream.baseline = True
            stream.drift.update_reference(rows[-service.window_size :])


def as_windows(service: StreamingService, rows: Floats) -> Floats:
    """Rows as the detector sees them: themselves, or the statistics of each window of them."""
    if service._options["aggregation"] != "statistics":
        return rows
    size = min(service.window_size, len(rows))
    return np.array([_windows.statistics(rows[end - size : end]) for end in range(size, len(rows) + 1)])


def learn_more(service: StreamingService, data: Any, source: str | None) -> None:
    """Let the model that answers learn rows as history."""
    names, rows = as_table(data)
    if not len(rows):
        return
    batch = _judging.check(service, source, rows, [], None, names)
    rows = batch.rows
    stream = service._stream(source)
    with stream.lock:
        stream.names = stream.names if batch.names is None else batch.names
        _judging.open_stream(service, stream, rows.shape[1])
        is_warm = _adapting.teach(service, cast(Series, stream.series), as_windows(service, rows), None)
        stream.is_warm = stream.is_warm or is_warm


def recent(service: StreamingService, samples: int, anomaly_filter: bool, source: str | None) -> Floats:
    """The newest rows, oldest first."""
    count = _options.whole("samples", samples, 1)
    if source is None and None not in service._streams and len(service._streams) == 1:
        source = next(iter(service._streams))
    stream = service._streams.get(source)
    if stream is None or stream.history is None:
        return np.empty((0, 0))
    with stream.lock:
        if not anomaly_filter:
            return stream.history.last(min(count, len(stream.history)))[0]
        rows, flags, _, _ = stream.history.last(len(stream.history))
        return rows[~flags][-count:]
