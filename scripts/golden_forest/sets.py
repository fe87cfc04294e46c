#!/usr/bin/env python3
"""Writes crates/willet-core/tests/golden/streams/*.txt: labelled streams, and how well a reference tells their anomalies.

    python3 -m venv target/golden && target/golden/bin/pip install numpy scikit-learn
    target/golden/bin/python scripts/golden_forest/sets.py JAR

JAR is randomcutforest-core 4.3.0 (`mvn dependency:copy -Dartifact=software.amazon.randomcutforest:randomcutforest-core:4.3.0`);
`java` and `javac` must be there. A file has `row LABEL VALUES` lines in order, and a line `expect KIND AUC SETTINGS`:
the ROC AUC of the reference, mean over 100 seeds, of rows scored before they are learned, the first 100 left out.
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy
from sklearn.metrics import roc_auc_score

HERE = pathlib.Path(__file__).parent
PLACE = HERE.parent.parent / "crates/willet-core/tests/golden/streams"
ROWS, SKIPPED, SEEDS, SAMPLES = 600, 100, 100, 128


def mixed(random, normal, strange, share=0.05):
    """Normal rows with a share of strange ones at random places."""
    labels = random.random(ROWS) < share
    return numpy.where(labels[:, None], strange, normal), labels


def series(random, values, change, count=14, long=1):
    """A series with `count` short stretches changed."""
    labels = numpy.zeros(ROWS, bool)
    for start in random.choice(numpy.arange(SKIPPED + 5, ROWS - 20, 24), count, replace=False):
        part = slice(start, start + long)
        values[part] = change(values[part], start)
        labels[part] = True
    return values, labels


def sets():
    """Name, rows, labels, rows side by side."""
    random = numpy.random.default_rng(7)
    normal = lambda width, scale=1.0: random.normal(size=(ROWS, width)) * scale
    uniform = lambda width, far: random.uniform(-far, far, size=(ROWS, width))
    time = numpy.arange(ROWS)

    yield "blob", *mixed(random, normal(2), uniform(2, 5)), 1
    centers = numpy.array([[0, 0, 0], [6, 6, 0], [0, 6, 6]])[random.integers(0, 3, ROWS)]
    yield "clusters", *mixed(random, centers + normal(3, 0.7), uniform(3, 4) + 3), 1
    cause = random.normal(size=(ROWS, 1))
    yield "correlated", *mixed(random, cause * [1.0, -0.8, 0.6] + normal(3, 0.2), normal(3)), 1
    angle = random.uniform(0, 2 * numpy.pi, ROWS)
    circle = numpy.column_stack([numpy.cos(angle), numpy.sin(angle)])
    yield "ring", *mixed(random, 3 * circle + normal(2, 0.25), uniform(2, 5)), 1
    yield "heavy", *mixed(random, random.standard_t(4, size=(ROWS, 4)), uniform(4, 7)), 1
    yield "wide", *mixed(random, normal(8), normal(8) + [3, -3, 3, 0, 0, 0, 0, 0]), 1
    yield "skewed", *mixed(random, random.lognormal(0, 0.6, size=(ROWS, 3)), uniform(3, 3) + 3), 1
    bent = random.uniform(-2, 2, ROWS)
    curve = numpy.column_stack([bent, bent**2, numpy.sin(2 * bent), bent**3 / 2])
    yield "curve", *mixed(random, curve + normal(4, 0.2), uniform(4, 3)), 1
    sine = numpy.sin(time / 6) + random.normal(size=ROWS) * 0.1
    yield "spikes", *series(random, sine[:, None].copy(), lambda part, _: part + random.choice([-1.6, 1.6])), 4
    broken = lambda part, start: numpy.full_like(part, random.uniform(-0.9, 0.9))
    yield "breaks", *series(random, sine[:, None].copy(), broken, 10, 4), 8
    drift = numpy.cumsum(random.normal(size=(ROWS, 2)) * 0.05, axis=0) + normal(2, 0.5)
    yield "drift", *series(random, drift, lambda part, _: part + random.normal(size=2) * 2.5, 20), 1
    pair = numpy.column_stack([numpy.sin(time / 5), numpy.cos(time / 5)]) * 2 + normal(2, 0.2)
    yield "swapped", *series(random, pair, lambda part, _: -part[:, ::-1], 18), 2


def auc(labels, scores):
    return float(roc_auc_score(labels[SKIPPED:], scores[SKIPPED:]))


def forest(jar, rows, labels, shingle):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["javac", "-cp", jar, "-d", folder, str(HERE / "Forest.java")], check=True)
        data = "\n".join(" ".join(map(str, row)) for row in rows)
        settings = [str(x) for x in (SEEDS, SAMPLES, shingle)]
        run = subprocess.run(["java", "-cp", f"{jar}:{folder}", "Forest", *settings], input=data, capture_output=True, text=True, check=True)
    return numpy.mean([auc(labels, numpy.array(line.split(), float)) for line in run.stdout.splitlines()])


def main(jar):
    PLACE.mkdir(exist_ok=True)
    for name, rows, labels, shingle in sets():
        rows = rows.round(3) + 0.0
        lines = ["# seeded rows of sets.py; reference: AWS randomcutforest-core 4.3.0"]
        found = forest(jar, rows, labels, shingle)
        lines.append(f"expect rcf {found:.4f} max_samples={SAMPLES} shingle_size={shingle} scaling=none")
        print(name, f"{found:.4f}", flush=True)
        lines += [f"row {int(label)} " + " ".join(f"{x:g}" for x in row) for row, label in zip(rows, labels)]
        (PLACE / f"{name}.txt").write_text("\n".join(lines) + "\n")


main(sys.argv[1])
