#!/usr/bin/env python3
"""Detectors of other libraries over the labelled sets, by the protocol of `make accuracy`: score, then learn.

    bench/peers_accuracy.py DATA OUT [--peers NAME,...] [--families NAME,...]

Writes OUT/NAME.csv, `dataset,index,score`. Batch libraries are fitted to the last 1,000 rows: at 32, 64, 128, 256 and 500 rows, then every
500; a block is scored by the model fitted to the rows before it. A file that holds all sets asked for is kept.
"""
import argparse
import concurrent.futures
import csv
import gzip
import json
import os
import pathlib
import sys
import time
import warnings

# One thread a process: what a figure cost should not depend on the machine's cores.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

WINDOW = 1_000
REFIT = 500
FIRST_FITS = (32, 64, 128, 256)
SEED = 7
PROCESSES = 2


# ---------- batch libraries: a fitted model is a function from rows to scores ----------


def standardised(fit):
    def fitted(window):
        mean, deviation = window.mean(0), window.std(0)
        deviation[deviation == 0] = 1
        score = fit((window - mean) / deviation)
        return lambda rows: score((rows - mean) / deviation)

    return fitted


def sklearn_isolation_forest(window):
    from sklearn.ensemble import IsolationForest

    model = IsolationForest(random_state=SEED).fit(window)
    return lambda rows: -model.score_samples(rows)


@standardised
def sklearn_lof(window):
    from sklearn.neighbors import LocalOutlierFactor

    model = LocalOutlierFactor(novelty=True, n_neighbors=min(20, len(window) - 1)).fit(window)
    return lambda rows: -model.score_samples(rows)


@standardised
def sklearn_ocsvm(window):
    from sklearn.svm import OneClassSVM

    model = OneClassSVM().fit(window)
    return lambda rows: -model.decision_function(rows)


def pyod(name, **options):
    def fitted(window):
        import importlib

        module = importlib.import_module(f"pyod.models.{name.lower()}")
        model = getattr(module, name)(**options).fit(window)
        return model.decision_function

    return fitted


def blocks(rows):
    """Ends of the blocks: where a model is fitted to what came before."""
    return sorted({*FIRST_FITS, *range(REFIT, len(rows), REFIT), len(rows)} & set(range(len(rows) + 1)))


def batch(fit, rows):
    scores = np.full(len(rows), np.nan)
    model, begun = None, 0
    for end in blocks(rows):
        if model is not None:
            scores[begun:end] = model(rows[begun:end])
        begun = end
        if end < len(rows):
            try:
                model = fit(rows[max(0, end - WINDOW) : end])
            except (ValueError, np.linalg.LinAlgError):
                # A window of one value only, mostly: the model before it goes on.
                pass
    finite = scores[np.isfinite(scores)]
    return np.nan_to_num(scores, nan=finite.min() if len(finite) else 0.0, posinf=finite.max() if len(finite) else 0.0)


# ---------- River: a row at a time ----------


def river_half_space_trees(rows):
    from river import anomaly, compose, preprocessing

    model = compose.Pipeline(preprocessing.MinMaxScaler(), anomaly.HalfSpaceTrees(seed=SEED))
    scores = np.empty(len(rows))
    for index, row in enumerate(rows.tolist()):
        values = dict(enumerate(row))
        scores[index] = model.score_one(values) if index else 0.0
        model.learn_one(values)
    return scores


PEERS = {
    "sklearn_IsolationForest": lambda rows: batch(sklearn_isolation_forest, rows),
    "sklearn_LocalOutlierFactor": lambda rows: batch(sklearn_lof, rows),
    "sklearn_OneClassSVM": lambda rows: batch(sklearn_ocsvm, rows),
    "pyod_KNN": lambda rows: batch(standardised(pyod("KNN")), rows),
    "pyod_PCA": lambda rows: batch(standardised(pyod("PCA", random_state=SEED)), rows),
    "pyod_ECOD": lambda rows: batch(pyod("ECOD"), rows),
    "pyod_COPOD": lambda rows: batch(pyod("COPOD"), rows),
    "pyod_HBOS": lambda rows: batch(pyod("HBOS"), rows),
    "pyod_LODA": lambda rows: batch(pyod("LODA"), rows),
    "river_HalfSpaceTrees": river_half_space_trees,
}


def read(path):
    """The values of a set, without time and label; a missing one is the last of its column."""
    with gzip.open(path, "rt", newline="") as file:
        lines = csv.reader(file)
        head = next(lines)
        places = [place for place, name in enumerate(head) if name not in ("timestamp", "t", "label")]
        rows = np.array([[float(line[place] or "nan") for place in places] for line in lines])
    for column in rows.T:
        for row in np.flatnonzero(np.isnan(column)):
            column[row] = column[row - 1] if row else 0.0
    return rows


def scored(job):
    peer, path = job
    warnings.simplefilter("ignore")
    # LODA draws from the global generator.
    np.random.seed(SEED)
    begun = time.process_time()
    return PEERS[peer](read(path)), time.process_time() - begun


def is_complete(file, sets):
    if not file.exists():
        return False
    with file.open(newline="") as lines:
        rows = csv.reader(lines)
        next(rows)
        held = {row[0] for row in rows}
    return {one["name"] for one in sets} <= held


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("data", type=pathlib.Path)
    arguments.add_argument("out", type=pathlib.Path)
    arguments.add_argument("--peers", help=f"some of {', '.join(PEERS)}", default=",".join(PEERS))
    arguments.add_argument("--families", help="some of nab, nasa, synth_uni, synth_multi, tabular")
    given = arguments.parse_args()
    peers = given.peers.split(",")
    unknown = sorted(set(peers) - set(PEERS))
    if unknown:
        sys.exit(f"no peer {', '.join(unknown)}, expected some of {', '.join(PEERS)}")
    sets = [one for file in sorted(given.data.glob("manifest_*.json")) for one in json.loads(file.read_text())]
    sets = [one for one in sets if one["kind"] in ("stream", "tabular")]
    if given.families:
        families = set(given.families.split(","))
        if families - {one["family"] for one in sets}:
            sys.exit(f"no family {', '.join(sorted(families - {one['family'] for one in sets}))} in the data")
        sets = [one for one in sets if one["family"] in families]
    given.out.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ProcessPoolExecutor(PROCESSES) as pool:
        for peer in peers:
            file = given.out / f"{peer}.csv"
            if is_complete(file, sets):
                print(f"{peer}: all sets are there, kept", file=sys.stderr)
                continue
            found = pool.map(scored, [(peer, given.data / one["path"]) for one in sets])
            spent = 0.0
            unfinished = file.with_suffix(".part")
            with unfinished.open("w", newline="") as target:
                rows = csv.writer(target)
                rows.writerow(["dataset", "index", "score"])
                for one, (scores, seconds) in zip(sets, found):
                    spent += seconds
                    rows.writerows((one["name"], index, f"{score:.9g}") for index, score in enumerate(scores))
            unfinished.rename(file)
            print(f"{peer}: {len(sets)} sets, {spent:.0f} s of processor time", file=sys.stderr)


if __name__ == "__main__":
    main()
