#!/usr/bin/env python3
"""Writes crates/willet-core/tests/golden/seasons/*.txt: seasons as statsmodels sees them, which the tests compare with.

    python3 -m venv target/golden && target/golden/bin/pip install numpy scipy statsmodels
    target/golden/bin/python scripts/golden_seasons.py

A file has the lines `values X..`, `correlations R..` (autocorrelation of the ranks of the values less their straight line, from lag 0),
`period P` (rows, as the series was made) and `next X..`: what statsmodels' STL makes of a period after the last value.
Values are whole numbers of 1/64, which single precision holds exactly.
"""
import pathlib

import numpy
import scipy
import scipy.signal
import scipy.stats
import statsmodels
from statsmodels.tsa.forecasting.stl import STLForecast
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.stattools import acf

PLACE = pathlib.Path(__file__).parent.parent / "crates/willet-core/tests/golden/seasons"


def series(seed, period, rows, trend, noise, peaked):
    random = numpy.random.default_rng(seed)
    t = numpy.arange(rows)
    angle = 2 * numpy.pi * t / period
    shape = numpy.exp(3 * numpy.cos(angle)) if peaked else 20 * numpy.sin(angle) + 8 * numpy.sin(2 * angle + 1)
    values = 100 + trend * t + shape + noise * random.normal(size=rows)
    return numpy.round(values * 64) / 64


def write(name, seed, period, rows, trend, noise, peaked):
    values = series(seed, period, rows, trend, noise, peaked)
    ranks = scipy.stats.rankdata(scipy.signal.detrend(values))
    lags = rows * 5 // 11 - 1
    correlations = acf(ranks, adjusted=True, nlags=lags, fft=False)
    model = STLForecast(values, ARIMA, model_kwargs={"order": (0, 1, 0), "trend": "t"}, period=period, robust=True).fit()
    text = lambda numbers: " ".join(repr(float(x)) for x in numbers)
    (PLACE / f"{name}.txt").write_text(
        f"# scipy {scipy.__version__}, statsmodels {statsmodels.__version__}\n"
        f"values {text(values)}\ncorrelations {text(correlations)}\nperiod {period}\nnext {text(model.forecast(period))}\n")


def main():
    PLACE.mkdir(parents=True, exist_ok=True)
    write("hours", 1, 24, 500, 0.0, 2.0, False)
    write("hours_of_a_peak", 2, 24, 700, 0.01, 1.0, True)
    write("half_hours", 3, 48, 640, 0.02, 3.0, False)
    write("quarters", 4, 96, 900, -0.01, 2.0, True)
    write("week_of_days", 5, 7, 200, 0.05, 1.0, False)
    write("odd", 6, 53, 800, 0.0, 4.0, False)


main()
