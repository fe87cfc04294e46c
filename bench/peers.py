"""The peers a user would pick, on the same rows: `peers.py PART FILE ROWS`.

Prints lines of `name value unit`. Rows are read and decoded before the clock starts, except for `detect`.
"""

import csv
import sys
import time
from collections import defaultdict, deque


def read(path, rows):
    with open(path, newline="") as file:
        lines = csv.reader(file)
        next(lines)
        return [(row[0], [float(x) for x in row[1:]]) for _, row in zip(range(rows), lines)]


def print_rate(name, count, begun):
    wall, cpu = time.perf_counter() - begun[0], time.process_time() - begun[1]
    print(f"{name} {count / wall:.0f} rows/s")
    print(f"{name}_cpu {count / cpu:.0f} rows/cpu-s")


def start():
    return time.perf_counter(), time.process_time()


def zscore(path, rows):
    """River's GaussianScorer, one for each key."""
    from river import anomaly

    data = read(path, rows)
    scorers = defaultdict(anomaly.GaussianScorer)
    begun = start()
    for key, (value,) in data:
        scorer = scorers[key]
        scorer.score_one(None, value)
        scorer.learn_one(None, value)
    print_rate("river_gaussian_scorer", len(data), begun)


def hst(path, rows):
    """River's HalfSpaceTrees, one for each key, as many trees and as deep; its rows are dicts, scaled as it asks for."""
    from river import anomaly, compose, preprocessing

    def model():
        trees = anomaly.HalfSpaceTrees(n_trees=25, height=8, window_size=250, seed=7)
        return compose.Pipeline(preprocessing.MinMaxScaler(), trees)

    data = [(key, dict(enumerate(values))) for key, values in read(path, rows)]
    models = defaultdict(model)
    begun = start()
    for key, row in data:
        one = models[key]
        one.score_one(row)
        one.learn_one(row)
    print_rate("river_half_space_trees", len(data), begun)


def iforest(path, rows):
    """scikit-learn's IsolationForest a row at a time, fitted to the last 1,000 rows every 100 rows."""
    import numpy as np
    from sklearn.ensemble import IsolationForest

    data = [np.array(values) for _, values in read(path, rows + 1_000)]
    window = deque(data[:1_000], maxlen=1_000)
    begun = start()
    for at, row in enumerate(data[1_000:]):
        if at % 100 == 0:
            forest = IsolationForest(n_estimators=100, max_samples=256, random_state=7).fit(np.stack(window))
        forest.score_samples(row[None, :])
        window.append(row)
    print_rate("sklearn_isolation_forest", rows, begun)


def detect(path, rows):
    """A loop over a CSV file with River's GaussianScorer, rows written with their score."""
    from river import anomaly

    scorer = anomaly.GaussianScorer()
    begun = start()
    with open(path, newline="") as file, open("/dev/null", "w", newline="") as out:
        lines, write = csv.reader(file), csv.writer(out).writerow
        next(lines)
        for _, row in zip(range(rows), lines):
            value = float(row[0])
            write([row[0], scorer.score_one(None, value)])
            scorer.learn_one(None, value)
    print_rate("river_csv_loop", rows, begun)


if __name__ == "__main__":
    parts = {"zscore": zscore, "hst": hst, "iforest": iforest, "detect": detect}
    parts[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
