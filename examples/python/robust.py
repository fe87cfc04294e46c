"""What can fail is tried again, and a service that goes on failing is replaced.

A detector by itself is pure: it fails the same way again. What can be tried again with sense is input and output, and code of your own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from willet import InputError, Result, StreamingService

TRIES, FIRST_WAIT, MOST_ERRORS = 3, 0.1, 10


class RobustStream:
    """Fetches samples and judges them; recovers when too much went wrong."""

    def __init__(self, fetch: Callable[[], Awaitable[Sequence[float]]], recovery: str = "restart", **arguments: Any) -> None:
        self.fetch, self.recovery, self.arguments = fetch, recovery, {"window_size": 1000} | arguments
        self.service = StreamingService(**self.arguments)
        self.backup = StreamingService(algorithm="hbos", window_size=500)
        self.errors = self.recoveries = 0

    async def next(self) -> Result | None:
        """The next verdict; `None` where there is none to be had."""
        for attempt in range(TRIES):
            try:
                sample = await self.fetch()
                break
            except OSError as error:
                self.errors += 1
                print(f"try {attempt + 1} of {TRIES}: {error}")
                await asyncio.sleep(FIRST_WAIT * 2**attempt)
        else:
            self.recover_if_due()
            return None
        try:
            if self.service is not self.backup:
                # It learns along, so that it can take over.
                self.backup.sync.process_sample(sample)
            return await self.service.process_sample(sample)
        except InputError as error:
            # Trying again would end the same way.
            self.errors += 1
            print(f"left out {sample}: {error}")
            self.recover_if_due()
            return None

    def recover_if_due(self) -> None:
        """After ten errors something has to change; after the second time the backup takes over."""
        if self.errors < MOST_ERRORS:
            return
        self.errors, self.recoveries = 0, self.recoveries + 1
        if self.recoveries > 1:
            self.service = self.backup
            return
        if self.recovery == "switch_algorithm":
            self.arguments["algorithm"] = "hbos"
            self.arguments.pop("n_estimators", None)
        elif self.recovery == "reduce_complexity":
            self.arguments["window_size"] = max(500, self.arguments["window_size"] // 2)
            self.arguments["n_estimators"] = 50
        self.service = StreamingService(**self.arguments)


async def main(recovery: str = "reduce_complexity") -> RobustStream:
    samples = iter(range(10_000))

    async def fetch() -> Sequence[float]:
        number = next(samples)
        if number % 40 == 7:
            raise ConnectionError("the sensor did not answer")
        return [float(number % 5), 1.0] if number % 30 != 29 else [1.0, 2.0, 3.0]

    stream = RobustStream(fetch, recovery, algorithm="iforest")
    results = [await stream.next() for _ in range(250)]
    print(f"{sum(result is not None for result in results)} of {len(results)} judged, {stream.recoveries} recoveries, now {stream.service}")
    return stream


if __name__ == "__main__":
    asyncio.run(main())
