"""What the wrappers share: a native series that is made when the width of the rows is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ._willet import Series, kinds

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Rows that a table is learned again up to, where it is shorter than a detector's warm-up.
_AGAIN = 4_096

KINDS: dict[str, dict[str, Any]] = {kind["name"]: kind for kind in kinds()}


def settings_of(kind: str) -> list[str]:
    """Names of a kind's settings."""
    return list(KINDS[kind]["settings"])


def as_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings for the native class: NumPy's scalars as Python's, so that they can be saved."""
    return {name: value.item() if hasattr(value, "item") else value for name, value in values.items()}


def make(kind: str, settings: Mapping[str, Any], seed: int, width: int, names: Iterable[str] | None = None) -> Series:
    """A series of this kind that has learned nothing."""
    return Series(kind, width, as_settings(settings), seed=as_seed(seed), names=None if names is None else list(names))


def fit(kind: str, settings: Mapping[str, Any], seed: int, rows: npt.NDArray[np.float64]) -> tuple[Series, float]:
    """A series that has learned the rows of a table, and the lowest of their scores (0 where none has any).

    A table has no order: its rows are learned shuffled, so that a window shorter than the table holds a sample of all of it.
    Kinds that read rows as steps in time learn them as they come. A table too short for a score is learned more than once.
    """
    import numpy as np

    series = make(kind, settings, seed, rows.shape[1])
    in_order = (KINDS[kind]["is_ordered"] and kind != "auto") or int(settings.get("shingle_size", 1)) > 1
    random = np.random.default_rng(as_seed(seed))
    learned = 0
    while True:
        series.learn(rows if in_order else rows[random.permutation(len(rows))])
        learned += len(rows)
        scores = series.score(rows[:_AGAIN])
        known = scores[np.isfinite(scores)]
        if len(known) or in_order or learned >= _AGAIN or not np.isfinite(rows).any():
            return series, float(known.min()) if len(known) else 0.0


def as_seed(seed: Any) -> int:
    """A seed as the core takes it: 0 to 2**64 - 1."""
    from ._errors import ConfigError

    try:
        number = int(seed)
    except (TypeError, ValueError):
        raise ConfigError(f"seed is {seed!r}, expected a whole number of 0 or more") from None
    if not 0 <= number < 2**64:
        raise ConfigError(f"seed is {number}, expected a whole number from 0 to 2**64 - 1")
    return number
