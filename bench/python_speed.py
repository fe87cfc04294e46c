"""The Python package beside River, PySAD and the Rust core: one row at a time, and in batches of 1,000.

    pip install ./crates/willet-py -r bench/requirements-python.txt
    python bench/python_speed.py

One run, one thread, the same rows for all; each figure is the best of three, in microseconds a row (score, then learn). `core` is the
same detector in batches of the whole stream, which is the Rust core with nothing of Python between rows.

    python bench/python_speed.py --workers

measures only what `num_workers` does: batches of eight sources with one thread and with two, in turns, so that what else the machine
does meets both.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import willet
from willet import river as wr

WIDTH = 4
ROWS = 20_000
#: Peers are slow: they get the first so many.
PEER_ROWS = 2_000
BATCH = 1_000
WORKERS_ROWS = 16_000
WORKERS_TURNS = 7


def best(make: Callable[[], Any], run: Callable[[Any], None], rows: int) -> float:
    """Microseconds a row, the best of three."""
    times = []
    for _ in range(3):
        model = make()
        began = time.perf_counter()
        run(model)
        times.append(time.perf_counter() - began)
    return min(times) / rows * 1e6


def willet_speeds(kind: str, rows: Any, dicts: list[dict[str, float]], settings: dict[str, Any]) -> dict[str, float]:
    name = {"hst": "HalfSpaceTrees", "rcf": "RandomCutForest", "lof": "LocalOutlierFactor", "zscore": "Statistical"}[kind]

    def one(model: Any) -> None:
        for x in dicts:
            model.score_one(x)
            model.learn_one(x)

    def batches(model: Any) -> None:
        for at in range(0, len(rows), BATCH):
            model.score_learn(rows[at : at + BATCH])

    return {
        "one by one": best(lambda: getattr(wr, name)(**settings), one, len(dicts)),
        "batches": best(lambda: willet.Series(kind, WIDTH, settings), batches, len(rows)),
        "core": best(lambda: willet.Series(kind, WIDTH, settings), lambda model: model.score_learn(rows), len(rows)),
    }


def river_speed(make: Callable[[], Any], dicts: list[dict[str, float]]) -> float:
    def run(model: Any) -> None:
        for x in dicts:
            model.score_one(x)
            model.learn_one(x)

    return best(make, run, len(dicts))


def pysad_speed(make: Callable[[], Any], rows: Any) -> float:
    def run(model: Any) -> None:
        for row in rows:
            model.fit_score_partial(row)

    return best(make, run, len(rows))


def peers(rows: Any, dicts: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Microseconds a row of each peer that has the kind, at the same settings."""
    from river import anomaly

    found: dict[str, dict[str, float]] = {"hst": {}, "rcf": {}, "lof": {}, "zscore": {}}
    few = dicts[:PEER_ROWS]
    found["hst"]["River"] = river_speed(lambda: anomaly.HalfSpaceTrees(n_trees=25, height=8, window_size=250, seed=1), few)
    found["lof"]["River"] = river_speed(lambda: anomaly.LocalOutlierFactor(n_neighbors=20), few[:300])
    found["zscore"]["River"] = gaussian(few)
    try:
        from pysad import models
    except ImportError as error:
        print(f"PySAD is left out: {error}", file=sys.stderr)
        return found
    lowest, highest = rows.min(axis=0), rows.max(axis=0)
    made: list[tuple[str, Callable[[], Any], int]] = [
        ("hst", lambda: models.HalfSpaceTrees(lowest, highest, window_size=250, num_trees=25, max_depth=8), PEER_ROWS),
        ("rcf", lambda: models.RobustRandomCutForest(num_trees=50, tree_size=256), 300),
        ("lof", lambda: models.LocalOutlierProbability(), 300),
        ("zscore", lambda: models.StandardAbsoluteDeviation(), PEER_ROWS),
    ]
    for kind, make, count in made:
        one_value = kind == "zscore"
        try:
            found[kind]["PySAD"] = pysad_speed(make, rows[:count, :1] if one_value else rows[:count])
        except Exception as error:
            print(f"PySAD's {kind} is left out: {error!r}", file=sys.stderr)
    return found


def gaussian(dicts: list[dict[str, float]]) -> float:
    """River's z-score of one value: its scorer takes one number at a time, so there is one for each feature."""
    from river import anomaly

    def run(scorers: dict[str, Any]) -> None:
        for x in dicts:
            for name, value in x.items():
                scorers[name].score_one(None, value)
                scorers[name].learn_one(None, value)

    return best(lambda: {name: anomaly.GaussianScorer() for name in dicts[0]}, run, len(dicts))


def import_time() -> float:
    """Milliseconds of `import willet` in an interpreter of its own, the best of five."""
    code = "import time; began = time.perf_counter(); import willet; print((time.perf_counter() - began) * 1e3)"
    return min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5))


def workers() -> None:
    """Batches of eight sources with one thread and with two."""
    from willet import StreamingService

    rows = np.random.default_rng(0).normal(size=(WORKERS_ROWS, WIDTH))
    sources = [f"source-{i % 8}" for i in range(len(rows))]

    def spent(kind: str, threads: int) -> float:
        service = StreamingService(algorithm=kind, num_workers=threads)
        began = time.perf_counter()
        service.sync.process_batch(rows, sources=sources)
        return (time.perf_counter() - began) / len(rows) * 1e6

    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; microseconds a row, median and best of {WORKERS_TURNS}\n")
    print("| kind | 1 thread | 2 threads | faster | best with 1 | with 2 | faster |")
    print("|---|---|---|---|---|---|---|")
    for kind in ("iforest", "lof", "rcf", "hst"):
        turns = [(spent(kind, 1), spent(kind, 2)) for _ in range(WORKERS_TURNS)]
        (one, two), (least, least_two) = np.median(turns, axis=0), np.min(turns, axis=0)
        print(f"| {kind} | {one:.1f} | {two:.1f} | {one / two:.2f}x | {least:.1f} | {least_two:.1f} | {least / least_two:.2f}x |")


def main() -> None:
    warnings.simplefilter("ignore")
    if "--workers" in sys.argv[1:]:
        return workers()
    rows = np.random.default_rng(0).normal(size=(ROWS, WIDTH))
    dicts = [dict(zip("abcd", row, strict=True)) for row in rows.tolist()]
    settings: dict[str, dict[str, Any]] = {
        "hst": {"n_estimators": 25, "depth": 8, "window_size": 250},
        "rcf": {"n_estimators": 50, "max_samples": 256},
        "lof": {"n_neighbors": 20},
        "zscore": {},
    }
    others = peers(rows, dicts)
    print(f"{platform.machine()}, Python {platform.python_version()}, rows of {WIDTH}; microseconds a row, best of three\n")
    print("| kind | one by one | batches of 1,000 | core | batches / core | peer | its time | one by one faster | batches faster |")
    print("|---|---|---|---|---|---|---|---|---|")
    for kind, own in settings.items():
        count = 5_000 if kind in ("lof", "rcf") else ROWS
        ours = willet_speeds(kind, rows[:count], dicts[:count], own)
        start = f"| {kind} | {ours['one by one']:.2f} | {ours['batches']:.2f} | {ours['core']:.2f} | {ours['batches'] / ours['core']:.2f} |"
        for peer, spent in others[kind].items() or {"none": float("nan")}.items():
            print(f"{start} {peer} | {spent:.1f} | {spent / ours['one by one']:.1f}x | {spent / ours['batches']:.1f}x |")
    print(f"\n`import willet`: {import_time():.0f} ms")


if __name__ == "__main__":
    main()
