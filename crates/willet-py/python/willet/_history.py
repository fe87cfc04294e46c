"""The recent samples of one source."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from math import copysign
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_FIRST = 256


class History:
    """A ring of rows with their verdicts and times: it grows until ``capacity``, then the oldest row leaves for each new one.

    ``exact`` rows, the newest, are given back to the bit where others are compressed.
    """

    NO_TIME = np.iinfo(np.int64).min

    def __init__(self, width: int, capacity: int, *, is_compressed: bool = False, exact: int = 0, in_file: bool = False) -> None:
        self.width = width
        self.capacity = capacity
        # Beside so many exact ones compressed rows would save nothing.
        self._is_compressed = is_compressed and 2 * exact <= capacity
        self._types = (np.uint32 if self._is_compressed else np.float64, np.float16 if is_compressed else np.float32)
        self._in_file = in_file
        self._exact = History(width, exact, in_file=in_file) if self._is_compressed and exact else None
        self.clear()

    def clear(self) -> None:
        """Forget all rows."""
        self._next = self._count = 0
        #: Made with the first time that comes: most streams have none, and it is as wide as a value.
        self._times: npt.NDArray[np.int64] | None = None
        self._allocate(min(_FIRST, self.capacity))
        if self._exact is not None:
            self._exact.clear()

    def _allocate(self, size: int) -> None:
        self._size = size
        of_rows, of_verdicts = self._types
        #: Scores, below zero where the row is an anomaly: scores themselves never are, and nan has a sign, too.
        self._verdicts: npt.NDArray[Any] = np.full(size, np.nan, dtype=of_verdicts)
        if self._times is not None:
            self._times = np.full(size, self.NO_TIME, dtype=np.int64)
        self._rows: npt.NDArray[Any]
        if self._in_file:
            with tempfile.NamedTemporaryFile(prefix="willet-") as file:
                # The name is gone with the end of the block, the file with the array.
                self._rows = np.memmap(file, dtype=of_rows, shape=(size, self.width), mode="w+")
        else:
            self._rows = np.empty((size, self.width), dtype=of_rows)

    def __len__(self) -> int:
        return self._count

    def _move(self, size: int) -> None:
        """To another size, with as many of the newest rows as fit."""
        at = self._at(min(self._count, size))
        rows, verdicts = self._rows[at], self._verdicts[at]
        times = None if self._times is None else self._times[at]
        self._allocate(size)
        self._count = len(rows)
        self._next = self._count % size
        self._rows[: self._count], self._verdicts[: self._count] = rows, verdicts
        if self._times is not None and times is not None:
            self._times[: self._count] = times

    def extend(self, rows: npt.NDArray[Any], flags: Sequence[bool], scores: Sequence[float], times: Sequence[int] | None) -> None:
        """Take in rows, newest last."""
        if self._exact is not None:
            self._exact.extend(rows, flags, scores, None)
        count = len(rows)
        if count > self.capacity:
            skip = count - self.capacity
            rows, flags, scores, count = rows[skip:], flags[skip:], scores[skip:], self.capacity
            times = None if times is None else times[skip:]
        wanted = min(self._count + count, self.capacity)
        if wanted > self._size:
            self._move(min(max(wanted, 2 * self._size), self.capacity))
        if times is not None and self._times is None:
            self._times = np.full(self._size, self.NO_TIME, dtype=np.int64)
        at: Any = self._next
        if self._is_compressed:
            rows = _shorten(rows)
        if count == 1:
            self._rows[at], self._verdicts[at] = rows[0], copysign(scores[0], -1.0 if flags[0] else 1.0)
        else:
            at = (self._next + np.arange(count)) % self._size
            self._rows[at], self._verdicts[at] = rows, np.copysign(scores, np.where(flags, -1.0, 1.0))
        if self._times is not None:
            self._times[at] = self.NO_TIME if times is None else times[0] if count == 1 else times
        self._next = (self._next + count) % self._size
        self._count = min(self._count + count, self._size)

    def set_last(self, flag: bool, score: float) -> None:
        """Change the newest row's verdict."""
        self._verdicts[self._next - 1] = copysign(score, -1.0 if flag else 1.0)

    def _at(self, count: int) -> npt.NDArray[np.int64]:
        """Places of the newest rows."""
        return (self._next - count + np.arange(count)) % self._size

    def last(self, count: int) -> tuple[Floats, npt.NDArray[np.bool_], Floats, npt.NDArray[np.int64]]:
        """The newest rows, oldest first, with whether they were anomalies, their scores and their times."""
        at = self._at(min(count, self._count))
        verdicts = self._verdicts[at].astype(np.float64)
        times = np.full(len(at), self.NO_TIME) if self._times is None else self._times[at]
        rows = _lengthen(self._rows[at]) if self._is_compressed else np.array(self._rows[at], dtype=np.float64)
        if self._exact is not None:
            exact = self._exact.last(len(at))[0]
            rows[len(rows) - len(exact) :] = exact
        return rows, np.signbit(verdicts), np.abs(verdicts), times

    def count_since(self, time: int) -> int:
        """How many of the newest rows are later than this."""
        if self._times is None:
            return 0
        earlier = np.flatnonzero(self._times[self._at(self._count)] <= time)
        return self._count - (int(earlier[-1]) + 1 if len(earlier) else 0)

    def bound(self, capacity: int) -> None:
        """Keep this many rows at most from now on."""
        self.capacity = min(self.capacity, max(1, capacity))
        if self._size > self.capacity:
            self._move(self.capacity)
        if self._exact is not None:
            self._exact.bound(capacity)

    def trim(self) -> None:
        """Give back memory that holds nothing."""
        if self._count < self._size // 2:
            self._move(max(1, self._count))
        if self._exact is not None:
            self._exact.trim()

    def memory_bytes(self) -> int:
        """Bytes in memory; rows in a file are none."""
        rows = 0 if self._in_file else self._rows.nbytes
        exact = 0 if self._exact is None else self._exact.memory_bytes()
        return int(rows + self._verdicts.nbytes + (0 if self._times is None else self._times.nbytes) + exact)

    def __getstate__(self) -> dict[str, Any]:
        # A mapped file is not part of a pickle; its rows are.
        copied = {"_rows": np.array(self._rows), "_verdicts": self._verdicts.copy()}
        if self._times is not None:
            copied["_times"] = self._times.copy()
        return dict(self.__dict__) | copied

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._in_file:
            rows, verdicts, times = self._rows, self._verdicts, self._times
            self._allocate(self._size)
            self._rows[:], self._verdicts, self._times = rows, verdicts, times


def _shorten(rows: Floats) -> npt.NDArray[np.uint32]:
    """The upper halves of 64-bit numbers, rounded: all their range, 6 digits."""
    bits = np.ascontiguousarray(rows, dtype=np.float64).view(np.uint64)
    # Beyond the largest number rounding would make an infinity, of a nan anything.
    can_round = np.abs(rows) < _NO_ROUNDING
    return np.asarray((bits + np.where(can_round, np.uint64(1 << 31), np.uint64(0))) >> np.uint64(32), dtype=np.uint32)


def _lengthen(rows: npt.NDArray[np.uint32]) -> Floats:
    return (rows.astype(np.uint64) << np.uint64(32)).view(np.float64)


_NO_ROUNDING = 1.797e308
