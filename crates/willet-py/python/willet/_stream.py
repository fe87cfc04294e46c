"""What a service says of a sample, and what it knows of a source."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ._errors import InputError
from ._history import History
from ._options import hint
from ._willet import DriftTest, Series
from .drift import DriftDetector

Floats = npt.NDArray[np.float64]


class Result(NamedTuple):
    """The verdict on one sample."""

    #: Whether it is an anomaly.
    is_anomaly: bool
    #: How strange it is on the scale that all algorithms share: 1 in 10 is 0.50, 1 in 100 0.67, 1 in 1,000 0.75; nan while warming up.
    anomaly_score: float
    #: Probability that ``is_anomaly`` is right; nan while warming up.
    confidence: float
    #: Whether what is normal has changed, as seen with this sample.
    drift_detected: bool
    #: Size of that change, 0 to 1.
    drift_magnitude: float
    #: Seconds it took.
    processing_time: float
    #: The how-manieth sample of its source it is.
    sample_count: int
    #: How strange it is on the detector's own scale; nan while warming up.
    score: float
    #: Whether too little was learned for a verdict.
    warming_up: bool
    #: Where it came from.
    source: str | None
    #: Why it is an anomaly (``anomaly_type``, ``contributions``, ``expected``, ``counterfactual``); ``None`` where it is none.
    reason: dict[str, Any] | None


class Stream:
    """What is known of one source."""

    __slots__ = (
        "baseline", "checked", "cleaned", "confusion", "drift", "drift_errors", "held", "history", "key", "last", "lock", "look",
        "monitor", "names", "newest", "renew", "retrained", "samples", "series", "since", "step", "window",
    )  # fmt: skip

    def __init__(self, key: str | None, drift: DriftDetector | None) -> None:
        self.key = key
        self.lock = threading.RLock()
        self.series: Series | None = None
        self.history: History | None = None
        #: What the features are called, once a sample has said so.
        self.names: tuple[str, ...] | None = None
        #: Rows of the history, the newest, that are in the window.
        self.window = 0
        self.samples = 0
        self.newest: int | None = None
        self.drift = drift
        self.monitor: DriftTest | None = None
        self.drift_errors = 0
        #: Bytes, when they were last counted.
        self.held = 0
        #: Sample with which they are counted next.
        self.look = 1
        #: Whether the drift detector has its reference.
        self.baseline = False
        #: Samples at the last look of each kind.
        self.checked = 0
        self.retrained = 0
        self.cleaned = 0
        #: Sample at which the last drift began, and the one at which there is enough after it for a new model.
        self.since = 0
        self.renew: int | None = None
        #: Time or sample at which the window moves next.
        self.step: int | None = None
        #: Verdict of the last step, for aggregated windows.
        self.last: tuple[float, float, float] | None = None
        #: Verdict and label: both, verdict only, label only, neither.
        self.confusion = [0, 0, 0, 0]

    def places(self, found: Sequence[Any]) -> list[int] | None:
        """Where in a sample with these names each feature is, -1 where it is missing; ``None`` where it is as it has always been."""
        names = tuple(map(str, found))
        with self.lock:
            is_first = self.history is None or (self.names is None and self.history.width == len(names))
            if is_first and len(set(names)) == len(names):
                self.names = names
            if self.names is None or names == self.names:
                return None
            known = self.names
        for name in names:
            if name not in known:
                raise InputError(f"sample has a feature `{name}` that those before had not{hint(name, known)}")
        return [names.index(name) if name in names else -1 for name in known]

    def row(self, sample: Mapping[Any, Any]) -> list[Any]:
        """The values of a sample in the order of the features."""
        values = list(sample.values())
        places = self.places(list(sample))
        return values if places is None else [values[at] if at >= 0 else None for at in places]

    def in_order(self, rows: Floats, names: Sequence[Any] | None) -> Floats:
        """Rows, of a frame with these columns, with their features where the source has them."""
        places = None if names is None else self.places(names)
        if places is None:
            return rows
        # The place of what is missing is the last one.
        with_missing = np.column_stack([rows, np.full(len(rows), np.nan)])
        return np.ascontiguousarray(with_missing[:, places])

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self.lock = threading.RLock()
