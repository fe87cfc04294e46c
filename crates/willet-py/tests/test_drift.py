from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import willet
from willet import ConfigError, DriftTest, InputError, PerformanceDriftDetector, StatisticalDriftDetector


@pytest.mark.parametrize("method", ["kolmogorov_smirnov", "ks", "chi2", "permutation"])
def test_the_guilty_features_are_named(method: str, rng: np.random.Generator) -> None:
    detector = StatisticalDriftDetector(method=method)
    reference = rng.normal(size=(600, 4))
    detector.update_reference(reference)
    assert not detector.detect_drift(rng.normal(size=(300, 4))) and detector.drift_magnitude == 0.0
    assert detector.detect_drift(rng.normal([0.0, 0.0, 1.0, 3.0], size=(300, 4)))
    assert detector.drifted_features == [3, 2] and 0.3 < detector.drift_magnitude <= 1.0
    again = pickle.loads(pickle.dumps(detector))
    assert again.detect_drift(reference + 3.0)


def test_false_alarms_keep_to_the_level_over_all_features(rng: np.random.Generator) -> None:
    alarms = 0
    for _ in range(300):
        detector = StatisticalDriftDetector(significance_level=0.05)
        detector.update_reference(rng.normal(size=(200, 10)))
        alarms += detector.detect_drift(rng.normal(size=(200, 10)))
    assert alarms <= 30, alarms


def test_p_values_are_those_of_scipy(rng: np.random.Generator) -> None:
    stats = pytest.importorskip("scipy.stats")
    a, b = rng.normal(size=(300, 1)), rng.normal(0.2, 1.0, size=(250, 1))
    detector = StatisticalDriftDetector("ks")
    detector.update_reference(a)
    detector.detect_drift(b)
    found = stats.ks_2samp(a[:, 0], b[:, 0], method="asymp")
    assert detector.p_values[0] == pytest.approx(found.pvalue, rel=1e-6)
    assert detector.statistics[0] == pytest.approx(found.statistic)


def test_too_little_is_no_drift(rng: np.random.Generator) -> None:
    detector = StatisticalDriftDetector(min_samples=50)
    assert not detector.detect_drift(rng.normal(size=(100, 2)))
    detector.update_reference(rng.normal(size=(100, 2)))
    assert not detector.detect_drift(rng.normal(size=(49, 2)) + 9.0)
    assert detector.detect_drift(rng.normal(size=(50, 2)) + 9.0)
    with pytest.raises(InputError, match="3 features, expected 2"):
        detector.detect_drift(rng.normal(size=(50, 3)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StatisticalDriftDetector("kz"), "expected one of kolmogorov_smirnov, ks, chi2, permutation"),
        (lambda: StatisticalDriftDetector(significance_level=2), "significance_level is 2"),
        (lambda: StatisticalDriftDetector(window_size=10), r"expected min_samples \(30\) or more"),
        (lambda: PerformanceDriftDetector("acuracy"), "did you mean `accuracy`"),
        (lambda: PerformanceDriftDetector(threshold=7), "threshold is 7"),
        (lambda: DriftTest("ks", 1, {"widow": 3}), "unknown setting `widow`"),
        (lambda: DriftTest("kss", 1), "did you mean `ks`"),
    ],
)
def test_a_wrong_setting_says_what_is_allowed(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize("metric", ["accuracy", "precision", "recall", "f1"])
def test_a_fall_of_performance_is_a_drift(metric: str, rng: np.random.Generator) -> None:
    detector = PerformanceDriftDetector(metric, window_size=300, threshold=0.2)
    truth = rng.random(3_000) < 0.3
    found = []
    for i, is_anomaly in enumerate(truth):
        said = bool(is_anomaly) != (i > 1_500 and rng.random() < 0.5)
        if detector.update(said, bool(is_anomaly)):
            found.append(i)
    assert found and 1_500 < found[0] < 2_200
    assert detector.detect_drift() and not detector.detect_drift()
    again = copy.deepcopy(detector)
    assert again.current == detector.current and again.reference == detector.reference


def test_labels_where_none_are_used_are_refused() -> None:
    detector = PerformanceDriftDetector()
    with pytest.raises(InputError, match="uses no labels"):
        detector.add_label(0, True)
    with pytest.raises(InputError, match="only 0 have come"):
        PerformanceDriftDetector("f1").add_label(3, True)


@pytest.mark.parametrize("name", [test["name"] for test in willet.drift_tests()])
def test_rows_up_to_a_drift_are_rows_one_by_one(name: str, rng: np.random.Generator) -> None:
    rows = (rng.random((3_000, 2)) < 0.1).astype(float)
    rows[1_500:] = (rng.random((1_500, 2)) < 0.7).astype(float)
    one, many = DriftTest(name, 2), DriftTest(name, 2)
    expected = [i for i, row in enumerate(rows) if one.update(row)[0] == 2]
    found, at = [], 0
    while at < len(rows):
        taken, reading = many.update_until(rows[at:])
        at += taken
        if reading[0] == 2:
            found.append(at - 1)
    assert found == expected
    assert many.rows() == 3_000 and many.memory_bytes() > 0
    many.reset()
    assert many.features() == []


def test_a_drift_test_names_its_features(rng: np.random.Generator) -> None:
    test = DriftTest("ks", 3)
    rows = rng.normal(size=(2_000, 3))
    rows[1_000:, 1] += 3.0
    taken, (level, _, p_value, magnitude, began) = test.update_until(rows)
    assert level == 2 and 1_000 < taken < 1_100 and [feature for feature, *_ in test.features()] == [1]
    assert p_value is not None and p_value < 0.01 and 0.0 < magnitude <= 1.0 and (began is None or began <= taken)
