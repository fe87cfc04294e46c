"""Drift: has what is normal changed?

:class:`DriftDetector` is what a :class:`willet.StreamingService` asks; write a subclass to have it ask you. Tests that take one row
after the other are :class:`willet.DriftTest` (and, with River's methods, classes of :mod:`willet.river`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import as_rows
from ._errors import ConfigError, InputError
from ._willet import PerformanceTest, compare, nearest

Floats = npt.NDArray[np.float64]


class DriftDetector(ABC):
    """What a service asks whether what is normal has changed.

    ``update_reference`` is called with the first full window, and with the newest window after each adaptation; ``detect_drift``
    with the newest window from then on. A subclass may set :attr:`drift_magnitude` (0 to 1) when it sees a drift.

    Examples
    --------
    >>> class Mean(DriftDetector):
    ...     def update_reference(self, data):
    ...         self.reference = data.mean(axis=0)
    ...     def detect_drift(self, current_data):
    ...         return bool(abs(current_data.mean(axis=0) - self.reference).max() > 1.0)
    >>> detector = Mean()
    >>> detector.update_reference(np.zeros((100, 2)))
    >>> detector.detect_drift(np.full((100, 2), 3.0))
    True
    """

    #: Size of the last change, 0 to 1; ``None`` where nobody said.
    drift_magnitude: float | None = None

    @abstractmethod
    def update_reference(self, data: Floats) -> None:
        """Take rows for what is normal."""

    @abstractmethod
    def detect_drift(self, current_data: Floats) -> bool:
        """Say whether rows are drawn from something else than the reference."""


METHODS = ("kolmogorov_smirnov", "ks", "chi2", "permutation")
METRICS = ("anomaly_rate", "accuracy", "precision", "recall", "f1")


def _one_of(what: str, found: Any, known: tuple[str, ...]) -> str:
    if isinstance(found, str) and found in known:
        return found
    near = nearest(found, list(known)) if isinstance(found, str) else None
    hint = f" (did you mean `{near}`?)" if near else ""
    raise ConfigError(f"{what} is {found!r}, expected one of {', '.join(known)}{hint}")


def _whole(what: str, found: Any, least: int) -> int:
    if isinstance(found, (int, np.integer)) and not isinstance(found, bool) and found >= least:
        return int(found)
    raise ConfigError(f"{what} is {found!r}, expected a whole number of {least} or more")


class StatisticalDriftDetector(DriftDetector):
    """Compares the newest rows with a reference, feature by feature.

    p-values are corrected for the number of features (Holm), so that a drift is seen falsely with a chance of
    ``significance_level`` at a look. Where neighbours in time are alike, looks are not as independent as these tests take them to be: the
    default of a service (``drift_detection=True`` without a ``drift_detector``) knows that.

    Parameters
    ----------
    method
        ``kolmogorov_smirnov`` or ``ks`` (any change of a distribution), ``chi2`` (counts in bins, categories), ``permutation`` (means).
    window_size
        Newest rows that are compared; all that come where ``None``.
    reference_window
        Rows that are kept as reference, the newest of those given; all where ``None``.
    significance_level
        Chance of a false alarm at a look, above 0 and below 1.
    min_samples
        Rows that both must have before they are compared.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> detector = StatisticalDriftDetector(method="ks")
    >>> detector.update_reference(rng.normal(size=(500, 2)))
    >>> detector.detect_drift(rng.normal(size=(200, 2)))
    False
    >>> detector.detect_drift(rng.normal([0.0, 2.0], size=(200, 2)))
    True
    >>> detector.drifted_features[0]
    1
    """

    def __init__(
        self,
        method: str = "kolmogorov_smirnov",
        *,
        window_size: int | None = None,
        reference_window: int | None = None,
        significance_level: float = 0.01,
        min_samples: int = 30,
        seed: int = 0,
    ) -> None:
        self.method = _one_of("method", method, METHODS)
        self.window_size = None if window_size is None else _whole("window_size", window_size, 2)
        self.reference_window = None if reference_window is None else _whole("reference_window", reference_window, 2)
        self.min_samples = _whole("min_samples", min_samples, 2)
        self.seed = _whole("seed", seed, 0)
        if not (isinstance(significance_level, (int, float)) and 0.0 < significance_level < 1.0):
            raise ConfigError(f"significance_level is {significance_level!r}, expected a number above 0 and below 1")
        if self.window_size is not None and self.window_size < self.min_samples:
            raise ConfigError(f"window_size is {window_size}, expected min_samples ({self.min_samples}) or more")
        self.significance_level = float(significance_level)
        self.reference: Floats | None = None
        #: Of each feature, as of the last look.
        self.p_values: list[float] = []
        self.statistics: list[float] = []
        #: Places of the features that made the last look a drift, the most changed first.
        self.drifted_features: list[int] = []
        self.drift_magnitude = 0.0

    def update_reference(self, data: Any) -> None:
        """Take rows for what is normal."""
        rows = as_rows(data)
        self.reference = np.array(rows if self.reference_window is None else rows[-self.reference_window :])

    def detect_drift(self, current_data: Any) -> bool:
        """Say whether rows are drawn from something else than the reference; no without a reference or with too few rows."""
        self.p_values, self.statistics, self.drifted_features, self.drift_magnitude = [], [], [], 0.0
        if self.reference is None:
            return False
        rows = as_rows(current_data, self.reference.shape[1])
        rows = rows if self.window_size is None else rows[-self.window_size :]
        if rows.shape[1] != self.reference.shape[1]:
            raise InputError(f"rows have {rows.shape[1]} features, expected {self.reference.shape[1]} as the reference")
        if min(len(rows), len(self.reference)) < self.min_samples:
            return False
        found = compare(self.method, self.reference, rows, rows.shape[1], seed=self.seed)
        self.statistics = [statistic for statistic, _, _ in found]
        self.p_values = [p_value for _, p_value, _ in found]
        guilty = [feature for feature, p_value in enumerate(self.p_values) if p_value < self.significance_level]
        self.drifted_features = sorted(guilty, key=lambda feature: -found[feature][2])
        if guilty:
            self.drift_magnitude = found[self.drifted_features[0]][2]
        return bool(guilty)


class PerformanceDriftDetector(DriftDetector):
    """Watches the anomaly rate, or how well verdicts agree with labels, which may come late.

    The newest ``window_size`` samples are compared with the first ones since the last drift; there is a drift where the metric has
    changed by more than ``threshold`` and by more than chance does. A service feeds it by itself: with verdicts, and with labels from
    ``process_sample(..., label=...)`` and ``add_label``.

    Parameters
    ----------
    metric
        ``anomaly_rate`` (needs no labels), ``accuracy``, ``precision``, ``recall`` or ``f1``.

    Examples
    --------
    >>> detector = PerformanceDriftDetector(metric="anomaly_rate", window_size=200)
    >>> any(detector.update(False) for _ in range(400))
    False
    >>> any(detector.update(i % 2 == 0) for i in range(200))
    True
    """

    def __init__(self, metric: str = "anomaly_rate", *, window_size: int = 500, threshold: float = 0.1, min_samples: int = 100) -> None:
        self.metric = _one_of("metric", metric, METRICS)
        settings = {"metric": metric, "window_size": window_size, "threshold": threshold, "min_samples": min_samples}
        self._native = PerformanceTest(settings)
        self.window_size, self.threshold, self.min_samples = window_size, threshold, min_samples
        self._pending = False
        self.drift_magnitude = 0.0

    def _take(self, reading: tuple[int, float, float | None, float, int | None]) -> bool:
        if reading[0] == 2:
            self._pending = True
            self.drift_magnitude = reading[3]
        return reading[0] == 2

    def update(self, is_anomaly: bool, label: bool | None = None) -> bool:
        """Take in a verdict, with its label if it is known; say whether it shows a drift."""
        drifted = self._take(self._native.update(bool(is_anomaly)))
        if label is not None and self.metric != "anomaly_rate":
            drifted = self._take(self._native.add_label(self._native.samples() - 1, bool(label))) or drifted
        return drifted

    def add_label(self, sample: int, label: bool) -> bool:
        """Take in the label of an earlier sample, counted from 0; say whether it shows a drift."""
        if self.metric == "anomaly_rate":
            raise InputError("metric is anomaly_rate, which uses no labels (accuracy, precision, recall and f1 do)")
        return self._take(self._native.add_label(sample, bool(label)))

    @property
    def current(self) -> float | None:
        """The metric over the newest samples."""
        return self._native.current()

    @property
    def reference(self) -> float | None:
        """The metric over the samples these are compared with."""
        return self._native.reference()

    def update_reference(self, data: Any = None) -> None:
        """What is normal of a metric it has learned from verdicts; rows say nothing of it."""
        self._pending = False

    def detect_drift(self, current_data: Any = None) -> bool:
        """Whether a verdict or a label has shown a drift since the last time this was asked."""
        pending, self._pending = self._pending, False
        return pending
