"""Anomaly detection in streams, learned while they run.

>>> import willet
>>> service = willet.StreamingService(algorithm="hst", window_size=200, contamination=0.01)
>>> results = service.sync.process_batch([[float(i % 5), float(i % 3)] for i in range(400)])
>>> service.sync.process_sample([40.0, -3.0]).is_anomaly
True

Where to look: :class:`StreamingService` for verdicts, :mod:`willet.river`, :mod:`willet.sklearn` and :mod:`willet.pyod` for detectors
with the methods of these libraries, :class:`Series` for the same without any of them, :mod:`willet.drift` for drift tests,
:func:`score_stream` for whole frames, :func:`tune_windows` for which window and which algorithm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import ConfigError, InputError, NotFittedError, StateError, WilletError
from ._fork import register as _register
from ._willet import DriftTest, Series, __version__, drift_tests, kinds

if TYPE_CHECKING:
    from .drift import DriftDetector, PerformanceDriftDetector, StatisticalDriftDetector
    from .frames import plot, score_stream
    from .streaming import Result, StreamingConfig, StreamingService, create_streaming_service
    from .tuning import WindowResult, WindowTuning, tune_windows

__all__ = [
    "ConfigError",
    "DriftDetector",
    "DriftTest",
    "InputError",
    "NotFittedError",
    "PerformanceDriftDetector",
    "Result",
    "Series",
    "StateError",
    "StatisticalDriftDetector",
    "StreamingConfig",
    "StreamingService",
    "WilletError",
    "WindowResult",
    "WindowTuning",
    "__version__",
    "create_streaming_service",
    "drift_tests",
    "kinds",
    "plot",
    "score_stream",
    "tune_windows",
]

# NumPy comes in with the first use of these: `import willet` itself stays quick.
_LATER = {
    "DriftDetector": "drift",
    "PerformanceDriftDetector": "drift",
    "Result": "streaming",
    "StatisticalDriftDetector": "drift",
    "StreamingConfig": "streaming",
    "StreamingService": "streaming",
    "WindowResult": "tuning",
    "WindowTuning": "tuning",
    "create_streaming_service": "streaming",
    "plot": "frames",
    "score_stream": "frames",
    "tune_windows": "tuning",
}


_register()


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'willet' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_LATER[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
