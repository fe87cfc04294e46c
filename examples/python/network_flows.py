"""Network flows: the last hour is normal, renewed every five minutes; flows come in batches."""

from __future__ import annotations

import asyncio

import numpy as np
from willet import Result, StreamingService


async def main() -> list[Result]:
    service = StreamingService(
        algorithm="autoencoder", window_type="sliding", window_unit="seconds", window_size=3600, slide_interval=300, contamination=0.01
    )
    rng = np.random.default_rng(3)
    start = 1_767_225_600.0
    found = []
    for batch in range(40):
        # Bytes, packets, duration, ports: 100 flows in five minutes.
        flows = rng.normal([9.0, 3.0, 1.0, 2.0], [0.5, 0.3, 0.2, 0.4], size=(100, 4))
        if batch == 36:
            flows[50] = [15.0, 9.0, 0.1, 40.0]
        times = start + 300 * batch + np.linspace(0, 299, 100)
        results = await service.process_batch(flows, timestamps=times)
        found += [result for result in results if result.is_anomaly]
    print(f"{len(found)} of {service.samples_processed} flows stand out; {service.current_window_size} in the window")
    return found


if __name__ == "__main__":
    asyncio.run(main())
