"""What the classes of :mod:`willet.pyod` share."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from . import _detector
from ._arrays import as_rows
from ._errors import ConfigError, InputError, NotFittedError
from ._willet import Series, nearest

Floats = npt.NDArray[np.float64]
D = TypeVar("D", bound="Detector")


class Detector:
    """A detector of one kind with PyOD's methods.

    As everywhere in PyOD **high is strange**: ``decision_function`` gives willet's score, ``predict`` 1 for outliers and 0 for
    others. The threshold stands where ``contamination`` of the rows that were fitted lie above it.

    Attributes
    ----------
    decision_scores_
        Scores of the rows that were fitted.
    threshold_
        The score from which on a row is an outlier.
    labels_
        0 or 1 for each of the rows that were fitted.
    """

    _kind: ClassVar[str]
    contamination: float
    seed: int
    decision_scores_: Floats
    labels_: npt.NDArray[np.int64]
    threshold_: float

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _detector.settings_of(self._kind)}

    def _check(self) -> Series:
        native: Series | None = getattr(self, "_native", None)
        if native is None:
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet (call fit first)")
        return native

    def fit(self: D, X: Any, y: Any = None) -> D:
        """Forget what was learned and learn rows shaped (n_samples, n_features), whatever their order.

        Kinds that read rows as steps in time learn them in their order.
        """
        rows = as_rows(X)
        if not rows.shape[0]:
            raise InputError("fit got no rows, expected one or more")
        if not 0.0 < self.contamination <= 0.5:
            raise ConfigError(f"contamination is {self.contamination}, expected a share above 0 and at most 0.5 (1 % is written 0.01)")
        self._native, self._lowest = _detector.fit(self._kind, self._settings(), self.seed, rows)
        scores = self._native.score(rows)
        known = scores[~np.isnan(scores)]
        self.decision_scores_ = np.where(np.isnan(scores), self._lowest, scores)
        self.threshold_ = float(np.percentile(known, 100.0 * (1.0 - self.contamination))) if len(known) else 0.0
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(np.int64)
        return self

    def fit_predict(self, X: Any, y: Any = None) -> npt.NDArray[np.int64]:
        """Fit, then the labels of the same rows."""
        return self.fit(X).labels_

    def decision_function(self, X: Any) -> Floats:
        """Score rows without learning them: high is strange. A row of nothing but missing values is the least strange that was fitted."""
        native = self._check()
        scores = native.score(as_rows(X, native.width))
        scores[np.isnan(scores)] = self._lowest
        return scores

    def predict(self, X: Any) -> npt.NDArray[np.int64]:
        """1 for outliers, 0 for others."""
        return (self.decision_function(X) > self.threshold_).astype(np.int64)

    def predict_proba(self, X: Any) -> Floats:
        """Columns for normal and outlier: where a score lies between the lowest and the highest fitted one."""
        low, high = float(self.decision_scores_.min()), float(self.decision_scores_.max())
        share = np.clip((self.decision_function(X) - low) / max(high - low, np.finfo(float).tiny), 0.0, 1.0)
        return np.column_stack([1.0 - share, share])

    @classmethod
    def _parameters(cls) -> list[str]:
        return [name for name in inspect.signature(cls).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Settings by name."""
        return {name: getattr(self, name) for name in self._parameters()}

    def set_params(self: D, **params: Any) -> D:
        """Set settings by name; they count from the next ``fit`` on."""
        known = self._parameters()
        for name, value in params.items():
            if name not in known:
                near = nearest(name, known)
                hint = f"did you mean `{near}`?" if near else f"known are {', '.join(known)}"
                raise ConfigError(f"unknown setting `{name}` ({hint})")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({shown})"
