#!/usr/bin/env python3
"""Writes crates/willet-core/tests/golden_network.txt: scores of scikit-learn's network taught row by row, from given weights.

    python3 -m venv target/golden && target/golden/bin/pip install numpy scikit-learn
    target/golden/bin/python scripts/golden_network.py

Lines `into`, `into_biases`, `out`, `out_biases` hold the first weights; then `row SCORE VALUES`, each scored before it is learned. Mean
and deviation are those of the detector: over all rows so far, of which 32 come before the first score (written as -1).
"""
import pathlib
import warnings

import numpy
import sklearn
from sklearn.neural_network import MLPRegressor

warnings.filterwarnings("ignore")
PLACE = pathlib.Path(__file__).parent.parent / "crates/willet-core/tests/golden_network.txt"
WIDTH, HIDDEN, ROWS = 3, 2, 250

random = numpy.random.default_rng(5)
rows = random.normal(size=(ROWS, 1)) * [1.0, -2.0, 0.5] + random.normal(size=(ROWS, WIDTH)) * 0.4 + [5, 0, -100]
rows[::41] *= 3
rows = rows.round(4)
model = MLPRegressor(hidden_layer_sizes=(HIDDEN,), activation="tanh", solver="adam", alpha=0.0, learning_rate_init=0.01, batch_size=1, shuffle=False)
model.partial_fit(rows[:1], rows[:1])
# Begun anew from weights that are written down.
for part in model.coefs_ + model.intercepts_:
    part[...] = random.normal(size=part.shape).round(3) * 0.5
del model._optimizer

text = lambda numbers: " ".join(repr(float(x)) for x in numpy.ravel(numbers))
lines = [
    f"# scikit-learn {sklearn.__version__} MLPRegressor.partial_fit",
    f"into {text(model.coefs_[0].T)}",
    f"into_biases {text(model.intercepts_[0])}",
    f"out {text(model.coefs_[1].T)}",
    f"out_biases {text(model.intercepts_[1])}",
]
mean, variance = numpy.zeros(WIDTH), numpy.zeros(WIDTH)
for count, row in enumerate(rows):
    score, learned = -1.0, row
    if count >= 32:
        deviation = numpy.sqrt(variance)
        z = (row - mean) / deviation
        seen = z.clip(-3, 3).reshape(1, -1)
        score = numpy.sqrt(((z - model.predict(seen).ravel()) ** 2).mean())
        model.partial_fit(seen, seen)
        learned = mean + z.clip(-10, 10) * deviation
    lines.append(f"row {text(score)} {text(row)}")
    share = 1 / (count + 1)
    delta = learned - mean
    mean = mean + share * delta
    variance = (1 - share) * (variance + share * delta * delta)
PLACE.write_text("\n".join(lines) + "\n")
