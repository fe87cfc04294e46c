"""What a service says of a sample, and what it knows of a source."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ._errors import InputError
from ._fields import explained
from ._history import History
from ._options import hint
from ._willet import DriftTest, Series
from .drift import DriftDetector

Floats = npt.NDArray[np.float64]


class Result(NamedTuple):
    """The verdict on one sample."""

    is_anomaly: bool
    anomaly_score: float
    confidence: float
    drift_detected: bool
    drift_magnitude: float
    processing_time: float
    sample_count: int
    score: float | None
    warming_up: bool
    source: str | None
    reason: dict[str, Any] | None


explained(
    Result,
    is_anomaly="Whether it is an anomaly.",
    anomaly_score="How strange it is, 0 to 1, on the scale that all algorithms share: 1 in 10 is 0.50, 1 in 100 0.67, 1 in 1,000 0.75; "
    "0 where there is no score.",
    confidence="Probability that is_anomaly is right; 0 where there is no score.",
    drift_detected="Whether what is normal has changed, as seen with this sample; said once.",
    drift_magnitude="Size of that change, 0 to 1.",
    processing_time="Seconds it took.",
    sample_count="The how-manieth sample of its source it is, from 1; add_label takes this number.",
    score="How strange it is on the detector's own scale; None where there is no score.",
    warming_up="Whether there is no score: too little was learned, or no value of the sample can be used.",
    source="Where it came from.",
    reason="Why it is an anomaly (sentence, anomaly_type, contributions, expected, counterfactual); None where it is none.",
)


def as_number(value: float) -> float:
    """A number that is always one: 0 where there is none."""
    return value if value == value else 0.0


def as_label(label: Any) -> bool | None:
    """Whether a sample truly was an anomaly; ``None`` and nan where nobody knows."""
    if label is None or isinstance(label, bool):
        return label
    if isinstance(label, (np.bool_, int, float, np.number)):
        if label != label:
            return None
        if label in (0, 1):
            return bool(label)
    raise InputError(f"label is {label!r}, expected True, False, 1, 0 or None")


class Stream:
    """What is known of one source."""

    __slots__ = (
        "baseline", "checked", "cleaned", "confusion", "drift", "drift_errors", "held", "history", "is_told", "is_warm", "key", "labels",
        "last", "lock", "look", "monitor", "names", "newest", "renew", "retrained", "samples", "series", "settle", "since", "step",
        "window",
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
        #: Sample with which a drift was told: the window is shown again when it holds none of before.
        self.settle: int | None = None
        #: Whether the drift that is there has been told, where it leads to nothing.
        self.is_told = False
        #: Whether the model has given a score.
        self.is_warm = False
        #: Labels by sample: of those that are in the history.
        self.labels: dict[int, bool] = {}
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

    def names_after(self, found: Sequence[Any]) -> tuple[str, ...] | None:
        """What the features are called once a sample with these names was taken."""
        names = tuple(map(str, found))
        with self.lock:
            is_first = self.history is None or (self.names is None and self.history.width == len(names))
            return names if is_first and len(set(names)) == len(names) else self.names

    def places(self, found: Sequence[Any], known: tuple[str, ...] | None) -> list[int] | None:
        """Where in a sample with these names each feature is, -1 where it is missing; ``None`` where it is as it has always been."""
        names = tuple(map(str, found))
        if known is None or names == known:
            return None
        for name in names:
            if name not in known:
                raise InputError(f"sample has a feature `{name}` that those before had not{hint(name, known)}")
        return [names.index(name) if name in names else -1 for name in known]

    def in_order(self, rows: Floats, names: Sequence[Any] | None, known: tuple[str, ...] | None) -> Floats:
        """Rows, of a frame with these columns, with their features in the order of the known names."""
        places = None if names is None else self.places(names, known)
        if places is None:
            return rows
        # The place of what is missing is the last one.
        with_missing = np.column_stack([rows, np.full(len(rows), np.nan)])
        return np.ascontiguousarray(with_missing[:, places])

    def check_width(self, width: int) -> None:
        """Refuse rows of another width than before."""
        if self.history is not None and self.history.width != width:
            raise InputError(f"rows have {width} features, expected {self.history.width} as before")

    def count_label(self, sample: int, flag: bool, label: bool, kept: int) -> bool:
        """Count a sample's label once, its last one; says whether it had none."""
        former = self.labels.get(sample)
        if former is not None:
            self.confusion[_place(flag, former)] -= 1
        self.confusion[_place(flag, label)] += 1
        self.labels[sample] = label
        if len(self.labels) > 2 * kept + 1_000:
            self.labels = {known: it for known, it in self.labels.items() if known > self.samples - kept}
        return former is None

    def __getstate__(self) -> dict[str, Any]:
        # All of it as of one moment: threads may go on while it is written.
        with self.lock:
            state = {name: getattr(self, name) for name in self.__slots__ if name != "lock"}
            return copy.deepcopy(state)

    def __deepcopy__(self, memo: dict[int, Any]) -> Stream:
        made = Stream.__new__(Stream)
        made.__setstate__(self.__getstate__())
        return made

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self.lock = threading.RLock()


def _place(flag: bool, label: bool) -> int:
    return (0 if label else 1) if flag else (2 if label else 3)
