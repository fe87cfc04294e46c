"""Card payments: three algorithms together, and only what is sure is acted on."""

from __future__ import annotations

import numpy as np
from willet import Result, StreamingService


def payments(count: int = 3_000) -> tuple[np.ndarray, set[int]]:
    """Amount, hour, distance from the last payment, payments in the last hour; a few are not the owner's."""
    rng = np.random.default_rng(7)
    rows = np.column_stack(
        [rng.lognormal(3.0, 0.6, count), rng.normal(14, 3, count), rng.exponential(4.0, count), rng.poisson(1.0, count).astype(float)]
    )
    frauds = set(range(1_200, count, 450))
    for at in frauds:
        rows[at] = [4_000.0, 3.0, 800.0, 15.0]
    return rows, frauds


def main() -> list[Result]:
    service = StreamingService(algorithms=["iforest", "lof", "ocsvm"], window_size=10_000, contamination=0.001)
    rows, _ = payments()
    blocked = []
    for row in rows:
        result = service.sync.process_sample(row)
        if not result.is_anomaly:
            continue
        if result.confidence > 0.9:
            blocked.append(result)
            print(f"payment {result.sample_count} blocked (sure {result.confidence:.0%})")
        else:
            print(f"payment {result.sample_count} to be looked at (sure {result.confidence:.0%})")
    return blocked


if __name__ == "__main__":
    main()
