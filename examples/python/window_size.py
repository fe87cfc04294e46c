"""Which algorithm, which window: time, stability of scores and memory of each, and what to take."""

from __future__ import annotations

import numpy as np
import willet


def main(rows: int = 3_000) -> willet.WindowTuning:
    rng = np.random.default_rng(0)
    data = rng.normal(size=(rows, 4))
    # What is normal moves slowly: a window that is too long holds what is normal no more.
    data += np.sin(np.arange(rows) / 400.0)[:, None]
    faults = rng.random(rows) < 0.01
    data[faults] += rng.choice([-4.0, 4.0], size=(int(faults.sum()), 4))
    found = willet.tune_windows(data, faults, algorithms=["iforest", "hbos", "copod", "knn"], sizes=[100, 500, 1_000, 2_000])
    print(found)
    service = willet.StreamingService(algorithm=found.best.algorithm, window_size=found.best.window_size)
    print(service)
    return found


if __name__ == "__main__":
    main()
