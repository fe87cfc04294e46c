"""What the classes of :mod:`willet.sklearn` share."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

try:
    from sklearn.base import BaseEstimator, OutlierMixin
    from sklearn.exceptions import NotFittedError as SklearnNotFittedError
    from sklearn.utils.validation import validate_data
except ImportError as error:
    raise ImportError("willet.sklearn needs scikit-learn 1.6 or newer (pip install scikit-learn)") from error

from . import _detector
from ._errors import ConfigError, NotFittedError
from ._willet import Series

Floats = npt.NDArray[np.float64]
D = TypeVar("D", bound="Detector")


class _NotFitted(NotFittedError, SklearnNotFittedError):  # type: ignore[misc]
    """Both packages' word for it."""


class Detector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """A detector of one kind, fed with tables.

    As everywhere in scikit-learn **low is strange**: ``score_samples`` is the negative of willet's score, ``decision_function`` is
    below 0 and ``predict`` gives -1 where a row is an outlier. The threshold stands where ``contamination`` of the rows that were
    fitted lie below it.
    """

    _kind: ClassVar[str]
    contamination: float
    seed: int

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _detector.settings_of(self._kind)}

    def _rows(self, X: Any, *, reset: bool) -> Floats:
        rows: Floats = validate_data(self, X, reset=reset, dtype=np.float64, order="C", ensure_all_finite="allow-nan")
        return rows

    def _check(self) -> Series:
        native: Series | None = getattr(self, "_native", None)
        if native is None:
            raise _NotFitted(f"this {type(self).__name__} is not fitted yet (call fit or partial_fit first)")
        return native

    def __sklearn_is_fitted__(self) -> bool:
        return getattr(self, "_native", None) is not None

    def fit(self: D, X: Any, y: Any = None) -> D:
        """Forget what was learned and learn rows, whatever their order; kinds that read rows as steps in time, in their order.

        Parameters
        ----------
        X
            Rows, shaped (n_samples, n_features); nan is a missing value.
        y
            Not used.
        """
        rows = self._rows(X, reset=True)
        self._check_contamination()
        self._native, self._lowest = _detector.fit(self._kind, self._settings(), self.seed, rows)
        if "max_iter" in _detector.settings_of(self._kind):
            # Steps at most; how many it took is not told.
            self.n_iter_ = int(self._settings()["max_iter"])
        self._set_threshold(rows)
        return self

    def partial_fit(self: D, X: Any, y: Any = None) -> D:
        """Learn more rows, in their order; the threshold is set by them."""
        if not self.__sklearn_is_fitted__():
            return self.fit(X)
        rows = self._rows(X, reset=False)
        self._native.learn(rows)
        self._set_threshold(rows)
        return self

    def _check_contamination(self) -> None:
        if not 0.0 < self.contamination <= 0.5:
            raise ConfigError(f"contamination is {self.contamination}, expected a share above 0 and at most 0.5 (1 % is written 0.01)")

    def _set_threshold(self, rows: Floats) -> None:
        scores = -self._native.score(rows)
        known = scores[~np.isnan(scores)]
        # What could not be scored says nothing of where the threshold is.
        self.offset_ = float(np.percentile(known, 100.0 * self.contamination)) if len(known) else 0.0

    def _score(self, rows: Floats) -> Floats:
        scores = -self._native.score(rows)
        scores[np.isnan(scores)] = -self._lowest
        return scores

    def score_samples(self, X: Any) -> Floats:
        """Score rows without learning them: low is strange. A row of nothing but missing values is the least strange that was fitted."""
        self._check()
        return self._score(self._rows(X, reset=False))

    def decision_function(self, X: Any) -> Floats:
        """Scores less the threshold: below 0 is an outlier."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> npt.NDArray[np.int64]:
        """-1 for outliers, 1 for others."""
        return np.where(self.decision_function(X) < 0.0, -1, 1).astype(np.int64)

    def about(self) -> str | None:
        """What the detector found out or chose, in words."""
        return self._check().about()
