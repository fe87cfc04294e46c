#!/usr/bin/env python3
"""Writes crates/willet-core/tests/golden/sets: 12 generated labelled sets, and how well the reference implementations of
kinds that draw by chance find the anomalies in them.

    python3 -m venv target/golden && target/golden/bin/pip install numpy scipy scikit-learn pyod river
    target/golden/bin/python scripts/golden_sets.py

A set is a line `# ...` and lines `LABEL VALUE ...`, label 1 for an anomaly. `reference.txt` has lines `KIND SET AUC`: the area
under the ROC curve, mean over 10 seeds. `iforest` and `loda` are fitted to all rows and score the same rows. `hst` scores each row before it
learns it, with 25 trees of height 8 and windows of 100 rows, behind a scaler that learns smallest and largest values row by row, which
River asks for; rows of the first window do not count.
"""
import pathlib

import numpy
import pyod
import river
import sklearn
from pyod.models.loda import LODA
from river.anomaly import HalfSpaceTrees
from river.preprocessing import MinMaxScaler
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

PLACE = pathlib.Path(__file__).parent.parent / "crates/willet-core/tests/golden/sets"
ROWS, STRANGE, SEEDS, WINDOW = 400, 20, 10, 100


def normal(random, count, width):
    return random.normal(size=(count, width))


def clusters(random):
    """Three heaps, anomalies anywhere."""
    centers = numpy.array([[0, 0], [7, 1], [3, 8]])
    rows = centers[random.integers(0, 3, ROWS)] + normal(random, ROWS, 2) * 0.8
    return rows, random.uniform(-4, 12, (STRANGE, 2))


def correlated(random):
    """Four features that go together, anomalies that leave the line."""
    common = normal(random, ROWS, 1)
    rows = common @ numpy.array([[1, -1, 2, 0.5]]) + normal(random, ROWS, 4) * 0.4
    return rows, normal(random, STRANGE, 4) * [1.8, 1.8, 3, 1.3]


def skewed(random):
    """Lognormal features, anomalies in the long tail of one and the short tail of another."""
    rows = numpy.exp(normal(random, ROWS, 3) * 0.7)
    strange = numpy.exp(normal(random, STRANGE, 3) * 0.7)
    strange[:, 0] *= 6
    strange[:, 1] *= 0.2
    return rows, strange


def ring(random):
    """A ring, anomalies in it and around it."""
    angle = random.uniform(0, 2 * numpy.pi, (ROWS + STRANGE, 1))
    away = numpy.vstack([5 + normal(random, ROWS, 1) * 0.4, numpy.where(random.random((STRANGE, 1)) < 0.4, random.uniform(0, 2, (STRANGE, 1)), random.uniform(7, 9, (STRANGE, 1)))])
    rows = away * numpy.hstack([numpy.cos(angle), numpy.sin(angle)])
    return rows[:ROWS], rows[ROWS:]


def mixed_density(random):
    """A dense heap and a wide one, anomalies around the dense one."""
    dense = random.random((ROWS, 1)) < 0.5
    rows = numpy.where(dense, normal(random, ROWS, 3) * 0.3, 10 + normal(random, ROWS, 3) * 2.5)
    strange = normal(random, STRANGE, 3)
    return rows, 2.5 * strange / numpy.linalg.norm(strange, axis=1, keepdims=True)


def high_dimensional(random):
    """30 features, anomalies that are out in five of them."""
    strange = normal(random, STRANGE, 30)
    for row in strange:
        row[random.choice(30, 5, replace=False)] += random.choice([-3, 3], 5)
    return normal(random, 300, 30), strange[:15]


def spikes(random):
    """A slow wave seen by three sensors, anomalies that jump in one."""
    time = numpy.arange(ROWS + STRANGE)[:, None]
    rows = numpy.sin(time / 25 + numpy.array([0, 1, 2])) + normal(random, len(time), 3) * 0.2
    strange = random.choice(len(rows), STRANGE, replace=False)
    rows[strange, random.integers(0, 3, STRANGE)] += random.choice([-2.2, 2.2], STRANGE)
    labels = numpy.isin(numpy.arange(len(rows)), strange).astype(int)
    return rows, labels


def heavy_tails(random):
    """Features of Student's t with 3 degrees of freedom, anomalies twice as wide and moved."""
    return random.standard_t(3, (ROWS, 4)), 2 * random.standard_t(3, (STRANGE, 4)) + random.choice([-4, 4], (STRANGE, 4))


def other_scales(random):
    """Features of scales 0.01, 1 and 100, anomalies in all of them."""
    scales = [0.01, 1, 100]
    return normal(random, ROWS, 3) * scales, (normal(random, STRANGE, 3) + random.choice([-3.5, 3.5], (STRANGE, 3))) * scales


def together(random):
    """One heap, anomalies in a small one of their own."""
    return normal(random, ROWS, 5), 2.2 + normal(random, STRANGE, 5) * 0.3


def gaps(random):
    """Features with two modes, anomalies between them in some."""
    sides = random.choice([-3, 3], (ROWS + STRANGE, 4))
    rows = sides + normal(random, len(sides), 4) * 0.6
    between = random.random((STRANGE, 4)) < 0.7
    rows[ROWS:][between] = normal(random, STRANGE, 4)[between] * 0.5
    return rows[:ROWS], rows[ROWS:]


def counts(random):
    """Whole numbers that repeat, anomalies with high counts."""
    return random.poisson([1, 4, 20], (ROWS, 3)).astype(float), random.poisson([6, 12, 40], (STRANGE, 3)).astype(float)


def made(make, seed):
    random = numpy.random.default_rng(seed)
    first, second = make(random)
    if second.ndim == 1:
        rows, labels = first, second
    else:
        order = random.permutation(len(first) + len(second))
        rows = numpy.vstack([first, second])[order]
        labels = (order >= len(first)).astype(int)
    return numpy.round(rows, 4 if rows.std(axis=0).min() < 0.1 else 3), labels


def iforest(rows, labels, seed):
    return roc_auc_score(labels, -IsolationForest(n_estimators=100, max_samples=256, random_state=seed).fit(rows).score_samples(rows))


def loda(rows, labels, seed):
    numpy.random.seed(seed)
    return roc_auc_score(labels, LODA(n_bins=10, n_random_cuts=100).fit(rows).decision_scores_)


def loda_paper(rows, labels, seed):
    """PyOD's projections and histograms; PyOD itself looks a value up one bin too high."""
    numpy.random.seed(seed)
    fitted = LODA(n_bins=10, n_random_cuts=100).fit(rows)
    scores = 0
    for direction, histogram, limits in zip(fitted.projections_, fitted.histograms_, fitted.limits_):
        bins = numpy.clip(numpy.searchsorted(limits, rows @ direction, side="right") - 1, 0, 9)
        scores = scores - numpy.log(histogram[bins])
    return roc_auc_score(labels, scores)


def hst(rows, labels, seed):
    detector = MinMaxScaler() | HalfSpaceTrees(n_trees=25, height=8, window_size=WINDOW, seed=seed)
    scores = []
    for row in rows:
        sample = dict(enumerate(row.tolist()))
        scores.append(detector.score_one(sample))
        detector.learn_one(sample)
    return roc_auc_score(labels[WINDOW:], scores[WINDOW:])


PLACE.mkdir(exist_ok=True)
MAKERS = [clusters, correlated, skewed, ring, mixed_density, high_dimensional, spikes, heavy_tails, other_scales, together, gaps, counts]
reference = [f"# scikit-learn {sklearn.__version__} IsolationForest, PyOD {pyod.version.__version__} LODA, River {river.__version__} HalfSpaceTrees"]
for number, make in enumerate(MAKERS):
    rows, labels = made(make, 1_000 + number)
    lines = [f"# {make.__doc__}"]
    lines += [" ".join([str(label)] + [f"{x:g}" for x in row]) for label, row in zip(labels, rows)]
    (PLACE / f"{make.__name__}.txt").write_text("\n".join(lines) + "\n")
    for kind in [iforest, loda, loda_paper, hst]:
        areas = [kind(rows, labels, seed) for seed in range(SEEDS)]
        reference.append(f"{kind.__name__} {make.__name__} {numpy.mean(areas):.4f}")
        print(reference[-1], f"{numpy.std(areas):.4f}", flush=True)
(PLACE / "reference.txt").write_text("\n".join(reference) + "\n")
