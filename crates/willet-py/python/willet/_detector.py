"""What the wrappers share: a native series that is made when the width of the rows is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._willet import Series, kinds

#: What a wrapper says while scores mean nothing yet, and of rows that cannot be scored: lower than any score.
LOWEST = -1e6

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
