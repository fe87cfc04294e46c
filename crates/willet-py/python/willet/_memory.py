"""Memory told, and kept under its limit."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from . import _adapting, _options
from ._errors import ConfigError
from ._stream import Stream

if TYPE_CHECKING:
    from .streaming import StreamingService


#: Samples of a source after which what it holds is counted, and how near to the limit every sample is: a model that has just seen enough
#: to begin takes most of its memory within one.
_LOOK = 100
_NEAR = 8 * 2**20


def model_bytes(service: StreamingService) -> int:
    streams = list(service._streams.values())
    series = sum(stream.series.memory_bytes() for stream in streams if stream.series is not None)
    return series + sum(stream.monitor.memory_bytes() for stream in streams if stream.monitor is not None)


def history_bytes(service: StreamingService) -> int:
    return sum(stream.history.memory_bytes() for stream in list(service._streams.values()) if stream.history is not None)


def until_look(stream: Stream) -> int:
    """Samples of a source until its memory is looked at: the same ones whether they come one by one or together, for what is cut then
    decides what comes after."""
    return max(1, stream.look - stream.samples)


def is_over(service: StreamingService, stream: Stream) -> bool:
    """Whether it is time to look, and all sources together hold more than they may."""
    if service._options["max_memory_mb"] is None or stream.samples < stream.look:
        return False
    before, stream.held = stream.held, _bytes(stream)
    with service._lock:
        service._held += stream.held - before
        room = service._options["max_memory_mb"] * 2**20 - service._held
    stream.look = stream.samples + (1 if room < _NEAR else _LOOK)
    # What is as small as it can be is cut no more.
    return bool(room < 0) and not service._is_smallest


def _bytes(stream: Stream) -> int:
    parts = (stream.series, stream.history, stream.monitor)
    return sum(part.memory_bytes() for part in parts if part is not None)


def cleanup(service: StreamingService) -> None:
    """Give back what is not needed, and come under ``max_memory_mb`` where one is set."""
    options = service._options
    limit = options["max_memory_mb"]
    for stream in list(service._streams.values()):
        with stream.lock:
            if stream.history is not None:
                stream.history.trim()
    if limit is None:
        return
    # Recent samples beyond the windows, then models and windows by halves, then whole sources. What was made smaller stays so, and
    # sources that come later begin like it: growing again to be cut again would cost more than it holds.
    while service.get_memory_usage() > limit and service._thrift <= _options.MOST_HALVINGS:
        service._thrift += 1
        for stream in list(service._streams.values()):
            with stream.lock:
                _shrink(service, stream)
    while service.get_memory_usage() > limit and len(service._streams) > 1:
        with service._lock:
            service._streams.pop(next(iter(service._streams)))
    usage = service.get_memory_usage()
    with service._lock:
        for stream in service._streams.values():
            stream.held = _bytes(stream)
        service._held = sum(stream.held for stream in service._streams.values())
        service._is_smallest = usage > limit
    if usage > limit:
        message = f"max_memory_mb is {limit}, but the smallest model takes {usage:.3f} MB"
        warnings.warn(message, ResourceWarning, stacklevel=2)


def _shrink(service: StreamingService, stream: Stream) -> None:
    if stream.series is None or stream.history is None:
        return
    stream.history.bound(_options.samples_kept(service._options, service._thrift))
    stream.window = min(stream.window, len(stream.history))
    if service._thrift < 2:
        return
    try:
        smaller = service._make(stream, stream.series.width)
    except ConfigError:
        return
    rows, _, _, times = stream.history.last(len(stream.history))
    if len(rows) and rows.shape[1] == stream.series.width:
        _adapting.teach(service, smaller, rows, _adapting.known_times(rows, times))
    stream.series = smaller
