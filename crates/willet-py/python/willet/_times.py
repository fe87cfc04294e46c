"""What is taken for a time: as everywhere in willet, microseconds inside; what an epoch number counts is told by its size."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

from ._errors import InputError

#: Below this size a number is this many microseconds; between them it could be either and is refused.
_UNITS = ((1e10, 1_000_000.0, "seconds"), (1e13, 1_000.0, "milliseconds"), (1e16, 1.0, "microseconds"), (1e19, 1e-3, "nanoseconds"))
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def micros(time: Any) -> int:
    """A time in microseconds since 1970.

    Parameters
    ----------
    time
        Epoch seconds, milliseconds, microseconds or nanoseconds; a ``datetime`` (UTC where it names no zone); a ``date``; a NumPy or
        pandas time; or text in ISO 8601.

    Examples
    --------
    >>> micros(1767323045.678) == micros(1767323045678) == micros("2026-01-02T03:04:05.678Z")
    True
    """
    if isinstance(time, str):
        try:
            time = datetime.fromisoformat(time.strip().replace("Z", "+00:00").replace("z", "+00:00"))
        except ValueError:
            try:
                time = float(time)
            except ValueError:
                raise InputError(f"timestamp is {time!r}, expected a time in ISO 8601 or an epoch number") from None
    if hasattr(time, "to_pydatetime"):
        time = time.to_pydatetime()
    if isinstance(time, date) and not isinstance(time, datetime):
        # The day's first moment.
        time = datetime(time.year, time.month, time.day, tzinfo=timezone.utc)
    if isinstance(time, datetime):
        zoned = time if time.tzinfo is not None else time.replace(tzinfo=timezone.utc)
        since = zoned - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    if hasattr(time, "astype") and getattr(getattr(time, "dtype", None), "kind", "") == "M":
        return int(time.astype("datetime64[us]").astype("int64"))
    try:
        number = float(time)
    except (TypeError, ValueError):
        raise InputError(f"timestamp is {time!r}, expected an epoch number, a datetime or text in ISO 8601") from None
    size = abs(number)
    for at, (below, unit, name) in enumerate(_UNITS):
        if size < below:
            if at and size < _UNITS[at - 1][0] * 10.0:
                raise InputError(f"timestamp is {time!r}, which could count {_UNITS[at - 1][2]} or {name} (give it as a datetime)")
            if isinstance(time, int) and unit >= 1.0:
                return time * int(unit)
            return round(number * unit)
    raise InputError(f"timestamp is {time!r}, expected a time between 1653 and 2286")
