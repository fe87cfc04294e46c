#!/usr/bin/env python3
"""Writes crates/willet-core/tests/golden/drift: p-values of SciPy and alarms of River, which the tests compare with.

    python3 -m venv target/golden && target/golden/bin/pip install numpy scipy river
    target/golden/bin/python scripts/golden_drift.py

`tests.txt` has lines `NAME EXPECTED ... : VALUES` (two samples are parted by `|`). `streams.txt` has lines `STREAM VALUE ...`, and
`alarms.txt` lines `TEST STREAM ROW ...`: the rows at which River's test of that name, at its defaults, says drift, and those of a warning
with `TEST.warning`. KSWIN is not there: its draw has no seed by default.
"""
import pathlib

import numpy
import scipy
from scipy import stats

import river
from river import drift
from river.drift import binary

PLACE = pathlib.Path(__file__).parent.parent / "crates/willet-core/tests/golden/drift"


def text(values):
    return " ".join(repr(float(x)) for x in values)


def two_samples():
    random = numpy.random.default_rng(5)
    for n, m, shift in [(5, 7, 1.0), (10, 10, 0.7), (30, 30, 0.5), (30, 30, 2.0), (100, 60, 0.3), (100, 1000, 0.2), (100, 1000, 0.6), (400, 700, 0.05), (600, 600, 0.12), (2000, 900, 0.02), (3, 200, 0.5)]:
        yield random.normal(size=n), random.normal(size=m) + shift
    # Ties, as counts have them.
    yield random.poisson(3, 80).astype(float), random.poisson(4, 120).astype(float)
    yield numpy.ones(9), numpy.ones(12)


def tests():
    lines = [f"# SciPy {scipy.__version__}"]
    for a, b in two_samples():
        both = f"{text(a)} | {text(b)}"
        exact, limit = stats.ks_2samp(a, b, method="exact"), stats.ks_2samp(a, b, method="asymp")
        lines.append(f"ks {text([exact.statistic, exact.pvalue, limit.pvalue])} : {both}")
        lines.append(f"wasserstein {text([stats.wasserstein_distance(a, b)])} : {both}")
        if len(a) + len(b) <= 12:
            found = stats.permutation_test((a, b), lambda x, y: x.mean() - y.mean(), permutation_type="independent", n_resamples=10_000)
            lines.append(f"permutation {text([found.pvalue])} : {both}")
    for n in [1, 2, 5, 20, 100, 140, 141, 500, 3000, 200_000]:
        for z in [0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.5, 1.9, 2.5]:
            x = z / numpy.sqrt(n)
            if x < 1:
                lines.append(f"kolmogorov {text([stats.kstwo.sf(x, n)])} : {n} {float(x)!r}")
    random = numpy.random.default_rng(6)
    for rows, columns, size in [(2, 2, 8), (2, 10, 20), (3, 4, 50), (2, 5, 3), (2, 30, 400)]:
        table = random.poisson(size, (rows, columns)) + 1
        table[0, 0] += size
        plain, yates = stats.chi2_contingency(table, correction=False), stats.chi2_contingency(table)
        lines.append(f"contingency {text([plain.statistic, plain.pvalue, yates.statistic, yates.pvalue])} : {columns} {text(table.ravel())}")
    observed, expected = [16.0, 18, 16, 14, 12, 12], [16.0, 16, 16, 16, 16, 8]
    found = stats.chisquare(observed, expected)
    lines.append(f"chisquare {text([found.statistic, found.pvalue])} : {text(observed)} | {text(expected)}")
    return lines


def streams():
    random = numpy.random.default_rng(7)
    parts = [random.normal(0, 1, 700), random.normal(1.5, 1, 500), random.normal(1.5, 3, 400), random.normal(-4, 1, 600)]
    yield "values", numpy.concatenate(parts).round(4)
    yield "uniform", numpy.concatenate([random.random(1500), 0.5 + random.random(700), random.random(700)]).round(4)
    yield "walk", numpy.cumsum(random.normal(0, 1, 1200)).round(3)
    yield "constant", numpy.full(300, 3.0)
    rates = numpy.concatenate([numpy.full(1500, 0.1), numpy.full(800, 0.3), numpy.linspace(0.3, 0.6, 800), numpy.full(900, 0.05)])
    yield "errors", (random.random(len(rates)) < rates).astype(float)
    rates = numpy.concatenate([numpy.full(1200, 0.02), numpy.full(900, 0.12), numpy.full(900, 0.4)])
    yield "rare_errors", (random.random(len(rates)) < rates).astype(float)


VALUES = {"adwin": drift.ADWIN, "page_hinkley": drift.PageHinkley}
ERRORS = {"ddm": binary.DDM, "eddm": binary.EDDM, "hddm": binary.HDDMA, "hddm_w": binary.HDDMW}


def alarms(test, values):
    drifts, warnings = [], []
    for row, x in enumerate(values):
        test.update(float(x))
        if test.drift_detected:
            drifts.append(row)
        elif getattr(test, "warning_detected", False):
            warnings.append(row)
    return drifts, warnings


PLACE.mkdir(exist_ok=True)
(PLACE / "tests.txt").write_text("\n".join(tests()) + "\n")
held = [f"# made by scripts/golden_drift.py"]
found = [f"# River {river.__version__}"]
for name, values in streams():
    held.append(f"{name} " + " ".join(f"{x:g}" for x in values))
    for test, make in (VALUES | (ERRORS if "errors" in name else {})).items():
        drifts, warnings = alarms(make(), values)
        found.append(" ".join([test, name, *map(str, drifts)]))
        if test in ERRORS:
            found.append(" ".join([f"{test}.warning", name, *map(str, warnings)]))
(PLACE / "streams.txt").write_text("\n".join(held) + "\n")
(PLACE / "alarms.txt").write_text("\n".join(found) + "\n")
