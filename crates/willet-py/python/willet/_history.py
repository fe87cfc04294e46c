"""The recent samples of one source."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_FIRST = 256


class History:
    """A ring of rows with their verdicts and times: it grows until ``capacity``, then the oldest row leaves for each new one."""

    NO_TIME = np.iinfo(np.int64).min

    def __init__(self, width: int, capacity: int, *, dtype: Any = np.float64, in_file: bool = False) -> None:
        self.width = width
        self._capacity = capacity
        self._dtype = np.dtype(dtype)
        self._in_file = in_file
        self.clear()

    def clear(self) -> None:
        """Forget all rows."""
        self._next = self._count = 0
        self._allocate(min(_FIRST, self._capacity))

    def _allocate(self, size: int) -> None:
        self._size = size
        self._flags: npt.NDArray[np.bool_] = np.zeros(size, dtype=np.bool_)
        self._scores = np.full(size, np.nan, dtype=np.float32)
        self._times = np.full(size, self.NO_TIME, dtype=np.int64)
        self._rows: npt.NDArray[Any]
        if self._in_file:
            with tempfile.NamedTemporaryFile(prefix="willet-") as file:
                # The name is gone with the end of the block, the file with the array.
                self._rows = np.memmap(file, dtype=self._dtype, shape=(size, self.width), mode="w+")
        else:
            self._rows = np.empty((size, self.width), dtype=self._dtype)

    def __len__(self) -> int:
        return self._count

    def _move(self, size: int) -> None:
        """To another size, with as many of the newest rows as fit."""
        rows, flags, scores, times = self._last(min(self._count, size))
        self._allocate(size)
        self._count = len(rows)
        self._next = self._count % size
        self._rows[: self._count], self._flags[: self._count] = rows, flags
        self._scores[: self._count], self._times[: self._count] = scores, times

    def extend(self, rows: Floats, flags: Sequence[bool], scores: Sequence[float], times: Sequence[int] | None) -> None:
        """Take in rows, newest last."""
        count = len(rows)
        if count > self._capacity:
            skip = count - self._capacity
            rows, flags, scores, count = rows[skip:], flags[skip:], scores[skip:], self._capacity
            times = None if times is None else times[skip:]
        wanted = min(self._count + count, self._capacity)
        if wanted > self._size:
            self._move(min(max(wanted, 2 * self._size), self._capacity))
        if count == 1:
            at: Any = self._next
            self._rows[at], self._flags[at], self._scores[at] = rows[0], flags[0], scores[0]
            self._times[at] = self.NO_TIME if times is None else times[0]
        else:
            at = (self._next + np.arange(count)) % self._size
            self._rows[at], self._flags[at], self._scores[at] = rows, flags, scores
            self._times[at] = self.NO_TIME if times is None else times
        self._next = (self._next + count) % self._size
        self._count = min(self._count + count, self._size)

    def set_last(self, flag: bool, score: float) -> None:
        """Change the newest row's verdict."""
        self._flags[self._next - 1], self._scores[self._next - 1] = flag, score

    def _last(self, count: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        at = (self._next - count + np.arange(count)) % self._size
        return self._rows[at], self._flags[at], self._scores[at], self._times[at]

    def last(self, count: int) -> tuple[Floats, npt.NDArray[np.bool_], Floats, npt.NDArray[np.int64]]:
        """The newest rows, oldest first, with whether they were anomalies, their scores and their times."""
        rows, flags, scores, times = self._last(min(count, self._count))
        return np.array(rows, dtype=np.float64), flags, scores.astype(np.float64), times

    def count_since(self, time: int) -> int:
        """How many of the newest rows are later than this."""
        times = self._last(self._count)[3]
        earlier = np.flatnonzero(times <= time)
        return self._count - (int(earlier[-1]) + 1 if len(earlier) else 0)

    def keep(self, count: int) -> None:
        """Keep this many of the newest rows at most, and no more memory than they need."""
        kept = max(1, min(count, self._count))
        self._move(kept)

    def trim(self) -> None:
        """Give back memory that holds nothing."""
        if self._count < self._size // 2:
            self._move(max(1, self._count))

    def memory_bytes(self) -> int:
        """Bytes in memory; rows in a file are none."""
        rows = 0 if self._in_file else self._rows.nbytes
        return int(rows + self._flags.nbytes + self._scores.nbytes + self._times.nbytes)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state["_rows"] = np.array(self._rows)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        rows = state.pop("_rows")
        self.__dict__.update(state)
        flags, scores, times = self._flags, self._scores, self._times
        self._allocate(self._size)
        self._rows[:], self._flags[:], self._scores[:], self._times[:] = rows, flags, scores, times
