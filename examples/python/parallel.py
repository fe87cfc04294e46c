"""Sources side by side: each is learned for itself, so threads need not wait for each other."""

from __future__ import annotations

import asyncio
import time

import numpy as np
from willet import Result, StreamingService


async def main(workers: int = 4) -> list[Result]:
    rows = np.random.default_rng(0).normal(size=(8_000, 6))
    sources = [f"machine-{i % 8}" for i in range(len(rows))]
    began = time.perf_counter()
    with StreamingService(algorithm="rcf", async_processing=True, num_workers=workers) as service:
        results = await service.process_batch(rows, sources=sources)
    print(f"{len(rows) / (time.perf_counter() - began):,.0f} samples/s with {workers} threads")
    return results


if __name__ == "__main__":
    asyncio.run(main())
