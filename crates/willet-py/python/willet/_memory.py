"""Memory told, and kept under its limit."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from . import _options
from ._errors import ConfigError
from ._stream import Stream

if TYPE_CHECKING:
    from .streaming import StreamingService


def model_bytes(service: StreamingService) -> int:
    streams = list(service._streams.values())
    series = sum(stream.series.memory_bytes() for stream in streams if stream.series is not None)
    return series + sum(stream.monitor.memory_bytes() for stream in streams if stream.monitor is not None)


def history_bytes(service: StreamingService) -> int:
    return sum(stream.history.memory_bytes() for stream in list(service._streams.values()) if stream.history is not None)


def shrink(service: StreamingService, stream: Stream, halvings: int) -> None:
    """Put a smaller model, fitted on recent normal rows, in the place of one."""
    if stream.series is None or stream.history is None:
        return
    try:
        smaller = service._make(stream.key, stream.series.width, halvings=halvings)
    except ConfigError:
        return
    rows, flags, _, _ = stream.history.last(len(stream.history))
    if len(rows) and rows.shape[1] == stream.series.width:
        smaller.learn_history(rows[~flags])
    stream.series = smaller
    stream.history.keep(max(1, len(stream.history) // 2))
    stream.window = min(stream.window, len(stream.history))


def cleanup(service: StreamingService) -> None:
    """Give back what is not needed, and come under ``max_memory_mb`` where one is set."""
    limit = service._options["max_memory_mb"]
    streams = list(service._streams.values())
    for stream in streams:
        with stream.lock:
            if stream.history is not None:
                stream.history.trim()
    if limit is None or service.get_memory_usage() <= limit:
        return
    # Recent samples beyond the windows, then models, then whole sources.
    for stream in streams:
        with stream.lock:
            if stream.history is not None:
                stream.history.keep(max(stream.window, 1))
    halvings = 0
    while service.get_memory_usage() > limit and halvings < _options.MOST_HALVINGS:
        halvings += 1
        for stream in streams:
            with stream.lock:
                shrink(service, stream, halvings)
    while service.get_memory_usage() > limit and len(service._streams) > 1:
        with service._lock:
            service._streams.pop(next(iter(service._streams)))
    if service.get_memory_usage() > limit:
        message = f"max_memory_mb is {limit}, but the smallest model takes {service.get_memory_usage():.3f} MB"
        warnings.warn(message, ResourceWarning, stacklevel=2)
