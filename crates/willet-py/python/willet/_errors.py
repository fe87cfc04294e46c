"""What can go wrong."""

from __future__ import annotations


class WilletError(Exception):
    """Everything that willet raises by itself."""


class ConfigError(WilletError, ValueError):
    """A setting that cannot be; the message says what is allowed."""


class InputError(WilletError, ValueError):
    """Rows that cannot be read: a wrong shape, type or width."""


class StateError(WilletError, ValueError):
    """Saved state that cannot be taken up again."""


class NotFittedError(WilletError, ValueError, AttributeError):
    """Asked before anything was learned."""
