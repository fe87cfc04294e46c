"""What the classes of :mod:`willet.river` share."""

from __future__ import annotations

from math import isnan
from operator import itemgetter
from typing import Any, ClassVar, TypeVar

try:
    from river import base
except ImportError as error:
    raise ImportError("willet.river needs River (pip install river)") from error

from . import _detector
from ._errors import NotFittedError, StateError
from ._willet import DriftTest, Series

D = TypeVar("D", bound="Detector")

#: What is said while scores mean nothing yet: less strange than anything.
_WARMING_UP = 0.0


def _between_0_and_1(score: float) -> float:
    """A score as River's filters and metrics take it: the order stays, 0 becomes 0.5."""
    return 0.5 + 0.5 * score / (1.0 + abs(score)) if abs(score) < 1e300 else float(score > 0.0)


class Detector(base.AnomalyDetector):
    """A detector of one kind, fed with dictionaries.

    The features of the first sample are those of the model, in the order of their names. Features that come later are left out, and
    features that stay away are missing values. Scores are high where a sample is strange. They lie between 0 and 1, as River's metrics
    and filters want them: a score s of :class:`willet.Series` is (1 + s / (1 + |s|)) / 2 here.
    """

    _kind: ClassVar[str]
    _names: tuple[Any, ...]
    _native: Series | None
    _pick: Any

    def _start(self) -> None:
        self._native = None
        self._names = ()
        self._pick = None
        # Settings that cannot be are refused here and not with the first sample.
        _detector.make(self._kind, self._settings(), self.seed, 1)

    seed: int

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _detector.settings_of(self._kind)}

    def _unit_test_skips(self) -> set[str]:
        # River's data are amounts of money; where values are names each of these is rare.
        return {"check_roc_auc"} if _detector.KINDS[self._kind]["categorical"] else set()

    def _row(self, x: dict[Any, Any]) -> Any:
        try:
            return self._pick(x) if len(self._names) > 1 else (x[self._names[0]],)
        except KeyError:
            return [x.get(name) for name in self._names]

    def _begin(self, x: dict[Any, Any]) -> Series:
        self._names = tuple(sorted(x, key=str))
        self._pick = itemgetter(*self._names) if self._names else None
        names = [str(name) for name in self._names]
        self._native = _detector.make(self._kind, self._settings(), self.seed, len(names), names)
        return self._native

    def learn_one(self, x: dict[Any, Any]) -> None:
        """Learn a sample."""
        native = self._native
        if native is None:
            if not x:
                return
            native = self._begin(x)
        native.learn_one(self._row(x))

    def score_one(self, x: dict[Any, Any]) -> float:
        """Score a sample without learning it: high is strange; 0 while warming up, as River's own detectors say."""
        native = self._native
        if native is None:
            return _WARMING_UP
        score = native.score_one(self._row(x))
        return _WARMING_UP if isnan(score) else _between_0_and_1(score)

    def score_learn_one(self, x: dict[Any, Any]) -> float:
        """Score a sample, then learn it: faster than one after the other."""
        native = self._native
        if native is None:
            if not x:
                return _WARMING_UP
            native = self._begin(x)
        score = native.score_learn_one(self._row(x))
        return _WARMING_UP if isnan(score) else _between_0_and_1(score)

    def _table(self, X: Any) -> Any:
        missing = [name for name in self._names if name not in X.columns]
        return X.assign(**dict.fromkeys(missing, float("nan")))[list(self._names)] if missing else X[list(self._names)]

    def learn_many(self, X: Any) -> None:
        """Learn the rows of a pandas frame."""
        native = self._native or self._begin(dict.fromkeys(X.columns))
        native.learn(self._table(X))

    def score_many(self, X: Any) -> Any:
        """Score the rows of a pandas frame without learning them; a series with its index."""
        import numpy as np
        import pandas as pd

        if self._native is None:
            scores = np.full(len(X), _WARMING_UP)
        else:
            scores = self._native.score(self._table(X))
            with np.errstate(over="ignore"):
                scores = 0.5 + 0.5 * np.clip(scores, -1e300, 1e300) / (1.0 + np.minimum(np.abs(scores), 1e300))
            scores[np.isnan(scores)] = _WARMING_UP
        return pd.Series(scores, index=X.index, name="score")

    def explain_one(self, x: dict[Any, Any]) -> dict[Any, float]:
        """Share of each feature in a sample's score."""
        if self._native is None:
            raise NotFittedError(f"{type(self).__name__} has learned nothing yet (call learn_one first)")
        return dict(zip(self._names, self._native.explain(self._row(x))["contributions"], strict=True))

    def about(self) -> str | None:
        """What the detector found out or chose, in words."""
        return self._native.about() if self._native else None

    def to_bytes(self) -> bytes:
        """All it has learned. Unlike a pickle these bytes may be loaded from anyone: nothing in them is run."""
        if self._native is None:
            raise NotFittedError(f"{type(self).__name__} has learned nothing yet (call learn_one first)")
        return self._native.state()

    def from_bytes(self: D, state: bytes) -> D:
        """Take up what :meth:`to_bytes` gave, of a detector of the same kind with features named by texts."""
        native = Series.from_state(state)
        kind = _detector.KINDS[self._kind]
        if native.algorithm != self._kind and native.algorithm not in kind["aliases"]:
            raise StateError(f"saved state is of kind `{native.algorithm}`, expected `{self._kind}`")
        self._native = native
        self._names = tuple(native.names)
        self._pick = itemgetter(*self._names)
        return self


class DriftDetector(base.DriftDetector):
    """A drift test of one kind, fed with numbers: ``update``, then ``drift_detected``."""

    _kind: ClassVar[str]
    seed: int

    def _start(self) -> None:
        super().__init__()
        self._warning_detected = False
        #: Size of the last change, 0 to 1.
        self.magnitude = 0.0
        #: Chance of the last change without drift, where the test knows it.
        self.p_value: float | None = None
        self._native = DriftTest(self._kind, 1, _detector.as_settings(self._settings()), seed=_detector.as_seed(self.seed))

    def _settings(self) -> dict[str, Any]:
        raise NotImplementedError

    @property
    def warning_detected(self) -> bool:
        """Whether a change may have begun with the last value."""
        return self._warning_detected

    def update(self, x: int | float | bool) -> None:
        """Take in a value."""
        level, _, p_value, magnitude, _ = self._native.update((float(x),))
        self._drift_detected = level == 2
        self._warning_detected = level == 1
        if level:
            self.magnitude, self.p_value = magnitude, p_value
