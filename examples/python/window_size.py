"""Which algorithm, which window: time, stability of scores and memory of each."""

from __future__ import annotations

import numpy as np
from willet import StreamingService


def compare(rows: np.ndarray, algorithms: list[str], sizes: list[int]) -> list[dict[str, float | int | str]]:
    """A line for each pair, the most stable first."""
    lines: list[dict[str, float | int | str]] = []
    for algorithm in algorithms:
        for size in sizes:
            service = StreamingService(algorithm=algorithm, window_size=size)
            results = [result for result in service.sync.process_batch(rows) if not result.warming_up]
            scores = np.array([result.anomaly_score for result in results])
            lines.append(
                {
                    "algorithm": algorithm,
                    "window_size": size,
                    "processing_time_us": 1e6 * float(np.mean([result.processing_time for result in results])),
                    "score_stability": 1.0 / (1.0 + float(scores.std())),
                    "memory_mb": service.get_memory_usage(),
                }
            )
    return sorted(lines, key=lambda line: -float(line["score_stability"]))


def main(rows: int = 3_000) -> list[dict[str, float | int | str]]:
    data = np.random.default_rng(0).normal(size=(rows, 4))
    lines = compare(data, ["iforest", "hbos", "copod"], [500, 1_000, 2_000, 5_000, 10_000])
    for line in lines:
        print("{algorithm:8} {window_size:6} {processing_time_us:8.1f} us {score_stability:6.3f} {memory_mb:6.2f} MB".format(**line))
    return lines


if __name__ == "__main__":
    main()
