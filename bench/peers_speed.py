"""Detectors of Python libraries on the rows of `willet-core`'s example `speed`: `peers_speed.py ROWS_FILE`.

Prints one line each, `name rows-a-core-second`. What learns row by row scores a row and then learns it; what cannot is fitted to the
last 1,000 rows every 1,000 rows and scores the next 1,000 in one call, which is the best that it can do.
"""

import os

# One core, as ours: to be said before numpy is loaded.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import sys
import time
import warnings

import numpy as np

WINDOW = 1000
# Core seconds of measuring each, about.
SECONDS = 1.5


def print_rate(name, rows, begun):
    print(f"{name} {rows / (time.process_time() - begun):.0f}", flush=True)


def row_by_row(name, rows, score_learn):
    """Passes over the rows after the first window."""
    for row in rows[:WINDOW]:
        score_learn(row)
    begun, done = time.process_time(), 0
    while time.process_time() - begun < SECONDS:
        for row in rows[WINDOW : WINDOW + 500]:
            score_learn(row)
        done += 500
    print_rate(name, done, begun)


def refitted(name, rows, make, score):
    # What is compiled at the first call is not counted.
    score(make().fit(rows[:WINDOW]), rows[:WINDOW])
    begun, done = time.process_time(), 0
    while time.process_time() - begun < SECONDS:
        at = done % (len(rows) - 2 * WINDOW)
        model = make().fit(rows[at : at + WINDOW])
        score(model, rows[at + WINDOW : at + 2 * WINDOW])
        done += WINDOW
    print_rate(name, done, begun)


def river(rows):
    from river import anomaly

    dicts = [dict(enumerate(map(float, row))) for row in rows[:3000]]
    scorers = [anomaly.GaussianScorer() for _ in dicts[0]]

    def gaussian(row):
        for feature, scorer in enumerate(scorers):
            scorer.score_one(None, row[feature])
            scorer.learn_one(None, row[feature])

    row_by_row("river-gaussian-scorer", dicts, gaussian)
    for height in (15, 8):
        # Its features have to lie in 0 to 1, as these are told it.
        limits = {feature: (-2, 2) for feature in dicts[0]}
        trees = anomaly.HalfSpaceTrees(n_trees=25, height=height, window_size=250, limits=limits, seed=7)
        row_by_row(f"river-hst-25x{height}", dicts, lambda row, trees=trees: (trees.score_one(row), trees.learn_one(row)))
    factor = anomaly.LocalOutlierFactor(n_neighbors=20)
    # It keeps every row, so that each costs more than the one before: measured over rows 200 to 400.
    for row in dicts[:200]:
        factor.learn_one(row)
    begun = time.process_time()
    for row in dicts[200:400]:
        factor.score_one(row)
        factor.learn_one(row)
    print_rate("river-lof-first-400-rows", 200, begun)


def sklearn(rows):
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
    from sklearn.neural_network import MLPRegressor
    from sklearn.svm import OneClassSVM

    def score(model, rows):
        return model.score_samples(rows)

    refitted("sklearn-iforest", rows, lambda: IsolationForest(n_estimators=100, max_samples=256, random_state=1), score)
    forest = IsolationForest(n_estimators=100, max_samples=256, random_state=1).fit(rows[:WINDOW])
    begun, done = time.process_time(), 0
    while time.process_time() - begun < SECONDS:
        forest.score_samples(rows)
        done += len(rows)
    print_rate("sklearn-iforest-score", done, begun)
    refitted("sklearn-lof", rows, lambda: LocalOutlierFactor(n_neighbors=20, novelty=True), score)
    refitted("sklearn-knn", rows, lambda: NearestNeighbors(n_neighbors=5), lambda model, rows: model.kneighbors(rows))
    refitted("sklearn-ocsvm", rows, lambda: OneClassSVM(nu=0.1), score)

    class Rebuilt:
        """A network that learns to give back what it gets."""

        def fit(self, rows):
            self.network = MLPRegressor(hidden_layer_sizes=(8, 3, 8), max_iter=50, random_state=1).fit(rows, rows)
            return self

    refitted("sklearn-mlp", rows, Rebuilt, lambda model, rows: model.network.predict(rows))


def pyod(rows):
    from pyod.models.copod import COPOD
    from pyod.models.ecod import ECOD
    from pyod.models.hbos import HBOS
    from pyod.models.loda import LODA
    from pyod.models.pca import PCA

    class Fitted:
        def __init__(self, model):
            self.model = model

        def fit(self, rows):
            self.model.fit(rows)
            return self

    for name, kind in (("ecod", ECOD), ("copod", COPOD), ("hbos", HBOS), ("loda", LODA), ("pca", PCA)):
        refitted(f"pyod-{name}", rows, lambda kind=kind: Fitted(kind()), lambda fitted, rows: fitted.model.decision_function(rows))


def pysad(rows):
    from pysad.models import LODA, xStream

    for name, model in (("loda", LODA()), ("xstream", xStream())):
        row_by_row(f"pysad-{name}", rows[:3000], lambda row, model=model: (model.score_partial(row), model.fit_partial(row)))


def main():
    warnings.simplefilter("ignore")
    rows = np.loadtxt(sys.argv[1], delimiter=",")
    for part in (river, sklearn, pyod, pysad):
        try:
            part(rows)
        except ImportError as error:
            print(f"no {part.__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
