#!/usr/bin/env python3
"""Writes crates/willet-core/tests/golden/*.txt: scores of reference implementations, which the tests compare with.

    python3 -m venv target/golden && target/golden/bin/pip install numpy scipy scikit-learn pyod
    target/golden/bin/python scripts/golden.py

A file has a line `kind`, a line `set NAME VALUE` for each setting that is not the default, `learn` lines with the rows in
order, and `score EXPECTED` lines with rows that are scored after them and not learned. The references see the last
`window_size` rows, which are the window of the detector.
"""
import pathlib
import warnings

import numpy
import pyod
import sklearn
from pyod.models.copod import COPOD
from pyod.models.ecod import ECOD
from pyod.models.hbos import HBOS
from pyod.models.knn import KNN
from sklearn.decomposition import PCA
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

warnings.filterwarnings("ignore")
PLACE = pathlib.Path(__file__).parent.parent / "crates/willet-core/tests/golden"
WINDOW = 60


def rows(seed, count, width):
    """Two clusters of different density, correlated and skewed, with a few far rows."""
    random = numpy.random.default_rng(seed)
    base = random.normal(size=(count, width))
    base[:, 0] = numpy.exp(base[:, 0])
    base[:, -1] += 0.7 * base[:, 0]
    dense = random.random(count) < 0.3
    base[dense] = base[dense] * 0.2 + 6
    base[::37] *= 4
    return base


def write(name, kind, settings, width, score, by, count=150):
    data = rows(len(name), count, width)
    window = data[-WINDOW:]
    probes = numpy.vstack([rows(99, 12, width), window[:2], window.max(axis=0) * 3, -10 * numpy.ones(width)])
    lines = [f"# {by}", f"kind {kind}", f"set window_size {WINDOW}"]
    lines += [f"set {name} {value}" for name, value in settings.items()]
    lines += ["learn " + " ".join(repr(float(x)) for x in row) for row in data]
    for probe in probes:
        expected = float(score(window, probe.reshape(1, -1)))
        lines.append(f"score {expected!r} " + " ".join(repr(float(x)) for x in probe))
    (PLACE / f"{name}.txt").write_text("\n".join(lines) + "\n")


def lof(neighbours):
    return lambda window, probe: -LocalOutlierFactor(n_neighbors=neighbours, novelty=True, algorithm="brute").fit(window).score_samples(probe)[0]


def of_pyod(make):
    return lambda window, probe: make().fit(window).decision_function(probe)[0]


PLACE.mkdir(exist_ok=True)
learn, pyod_is = f"scikit-learn {sklearn.__version__}", f"PyOD {pyod.version.__version__}"
for neighbours in [5, 20, 59]:
    settings = {"n_neighbors": neighbours, "scaling": "none"}
    write(f"lof_{neighbours}", "lof", settings, 3, lof(neighbours), f"{learn} LocalOutlierFactor(novelty=True)")
for method in ["largest", "mean", "median"]:
    settings = {"n_neighbors": 6, "method": method, "scaling": "none"}
    make = lambda method=method: KNN(n_neighbors=6, method=method)
    write(f"knn_{method}", "knn", settings, 3, of_pyod(make), f"{pyod_is} KNN")
# Directions are looked at after 32 rows and then every 5: the last time after 57.
for count in [1, 2, 4]:
    fit = lambda window, probe, count=count: -PCA(n_components=count, svd_solver="full").fit(window).score_samples(probe)[0]
    settings = {"n_components": count, "scaling": "none"}
    write(f"pca_{count}", "pca", settings, 4, fit, f"{learn} PCA.score_samples", 57)
write("copod", "copod", {}, 4, of_pyod(COPOD), f"{pyod_is} COPOD")
write("ecod", "ecod", {}, 4, of_pyod(ECOD), f"{pyod_is} ECOD")
for bins in [5, 10]:
    make = lambda bins=bins: HBOS(n_bins=bins)
    write(f"hbos_{bins}", "hbos", {"n_bins": bins, "outside": "thinnest"}, 4, of_pyod(make), f"{pyod_is} HBOS")
for nu, gamma in [(0.1, 0.2), (0.5, 0.05), (0.3, 2.0)]:
    machine = lambda window, nu=nu, gamma=gamma: OneClassSVM(nu=nu, gamma=gamma, tol=1e-12).fit(window)
    fit = lambda window, probe, nu=nu, machine=machine: -machine(window).decision_function(probe)[0] / (nu * len(window))
    settings = {"nu": nu, "gamma": gamma, "tol": 1e-10, "max_iter": 100_000, "scaling": "none"}
    write(f"ocsvm_{nu}", "ocsvm", settings, 3, fit, f"{learn} OneClassSVM.decision_function, the sign turned, over nu times the rows")
