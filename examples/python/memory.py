"""A bound on memory: recent samples small and in a file, models no larger than they may be."""

from __future__ import annotations

import numpy as np
from willet import StreamingService


def main() -> dict[str, float]:
    service = StreamingService(
        algorithm="iforest",
        window_size=1000,
        max_memory_samples=5000,
        memory_cleanup_interval=500,
        sample_compression=True,
        lazy_loading=True,
        max_memory_mb=2.0,
    )
    rng = np.random.default_rng(0)
    for _ in range(20):
        service.sync.process_batch(rng.normal(size=(500, 10)))
    service.cleanup_memory()
    stats = service.get_memory_stats()
    print(f"{stats['memory_mb']:.2f} MB, of which models {stats['model_size_mb']:.2f}; {stats['sample_count']:.0f} recent samples")
    return stats


if __name__ == "__main__":
    main()
