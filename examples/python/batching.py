"""A queue of samples, judged when there are enough of them or when the first has waited long enough."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from willet import Result, StreamingService


class BatchQueue:
    """At most `capacity` samples wait; whoever brings more waits too."""

    def __init__(self, service: StreamingService, size: int = 1_000, capacity: int = 10_000, timeout: float = 0.1) -> None:
        self.service, self.size, self.timeout = service, size, timeout
        self.queue: asyncio.Queue[Any] = asyncio.Queue(capacity)

    async def batches(self, total: int) -> list[list[Result]]:
        """Judge until so many samples were judged."""
        done: list[list[Result]] = []
        while sum(map(len, done)) < total:
            batch = [await self.queue.get()]
            deadline = asyncio.get_running_loop().time() + self.timeout
            while len(batch) < self.size and (left := deadline - asyncio.get_running_loop().time()) > 0:
                try:
                    batch.append(await asyncio.wait_for(self.queue.get(), left))
                except asyncio.TimeoutError:
                    break
            done.append(await self.service.process_batch(np.array(batch)))
        return done


async def main() -> list[list[Result]]:
    queue = BatchQueue(StreamingService(algorithm="hst", batch_size=1_000))

    async def produce() -> None:
        for row in np.random.default_rng(0).normal(size=(2_500, 3)):
            await queue.queue.put(row)

    _, done = await asyncio.gather(produce(), queue.batches(2_500))
    print(f"batches of {[len(batch) for batch in done]}")
    return done


if __name__ == "__main__":
    asyncio.run(main())
