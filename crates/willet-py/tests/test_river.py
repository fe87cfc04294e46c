from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import river.checks
import river.utils
from river import compose, preprocessing
from river import drift as river_drift
from sklearn.metrics import roc_auc_score
from willet import ConfigError, NotFittedError, StateError
from willet import river as wr

DETECTORS = [name for name in wr.__all__ if issubclass(getattr(wr, name), wr.Detector) and name != "Detector"]
TESTS = [name for name in wr.__all__ if issubclass(getattr(wr, name), wr.DriftDetector) and name != "DriftDetector"]


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.usefixtures("payments")
def test_it_passes_rivers_checks(name: str) -> None:
    river.checks.check_estimator(getattr(wr, name)())


def test_every_kind_and_every_drift_test_has_a_class() -> None:
    import willet

    assert len(DETECTORS) == len(willet.kinds())
    assert {getattr(wr, name)._kind for name in TESTS} == {test["name"] for test in willet.drift_tests()}


def test_high_is_strange_in_a_pipeline(rng: np.random.Generator) -> None:
    model = compose.Pipeline(preprocessing.StandardScaler(), wr.HalfSpaceTrees(seed=3))
    truth, scores = [], []
    for i, (a, b) in enumerate(rng.normal(size=(1_500, 2))):
        is_odd = i > 500 and i % 50 == 0
        x = {"a": a + 6.0 * is_odd, "b": b - 6.0 * is_odd}
        truth.append(is_odd)
        scores.append(model.score_one(x))
        model.learn_one(x)
    assert roc_auc_score(truth[500:], scores[500:]) > 0.95


def test_many_and_both_at_once_are_one_after_the_other(rng: np.random.Generator) -> None:
    frame = pd.DataFrame(rng.normal(size=(300, 3)), columns=["c", "a", "b"])
    many, one, both = wr.IsolationForest(), wr.IsolationForest(), wr.IsolationForest()
    many.learn_many(frame)
    for x in frame.to_dict("records"):
        before = one.score_one(x)
        one.learn_one(x)
        assert both.score_learn_one(x) == before
    assert many.score_many(frame).tolist() == [one.score_one(x) for x in frame.to_dict("records")]
    assert set(one.explain_one({"a": 9.0, "b": 0.0, "c": 0.0})) == {"a", "b", "c"}


def test_state_bytes_go_on_as_before_and_a_flipped_byte_is_told(rng: np.random.Generator) -> None:
    model = wr.RandomCutForest()
    rows = [{"x": x, "y": y} for x, y in rng.normal(size=(400, 2))]
    for x in rows:
        model.learn_one(x)
    again = wr.RandomCutForest().from_bytes(model.to_bytes())
    through_pickle = pickle.loads(pickle.dumps(model))
    for x in rows[:50]:
        assert model.score_learn_one(x) == again.score_learn_one(x) == through_pickle.score_learn_one(x)
    state = bytearray(model.to_bytes())
    state[len(state) // 2] ^= 1
    with pytest.raises(StateError, match="checksum"):
        wr.RandomCutForest().from_bytes(bytes(state))
    with pytest.raises(StateError, match="of kind `rcf`, expected `hst`"):
        wr.HalfSpaceTrees().from_bytes(model.to_bytes())
    with pytest.raises(NotFittedError):
        wr.HalfSpaceTrees().to_bytes()


def test_a_wrong_setting_says_what_is_allowed() -> None:
    with pytest.raises(ConfigError, match="n_estimators is 0, expected a whole number from 1"):
        wr.HalfSpaceTrees(n_estimators=0)
    with pytest.raises(ConfigError, match="seed is -1"):
        wr.HalfSpaceTrees(seed=-1)


@pytest.mark.parametrize("name", TESTS)
def test_a_drift_test_sees_a_change_and_not_its_absence(name: str, rng: np.random.Generator) -> None:
    test: Any = getattr(wr, name)()
    assert isinstance(test, river.base.DriftDetector)
    takes_errors = name in ("Ddm", "Eddm", "Hddm", "HddmA", "HddmW")
    before = (rng.random(2_000) < 0.1).astype(float) if takes_errors else rng.normal(size=2_000)
    after = (rng.random(1_000) < 0.6).astype(float) if takes_errors else rng.normal(size=1_000) + 3.0
    false = 0
    for x in before:
        test.update(x)
        false += test.drift_detected
    # EDDM is known for alarms of its own accord; River's gives as many.
    assert false <= (10 if name == "Eddm" else 1)
    found = 0
    for x in after:
        test.update(float(x))
        found += test.drift_detected
    assert found >= 1
    assert repr(test.clone()) == repr(test)
    again = pickle.loads(pickle.dumps(test))
    for x in after[:100]:
        test.update(x)
        again.update(x)
        assert test.drift_detected == again.drift_detected


def test_rivers_own_drift_retraining_takes_ours() -> None:
    from river import tree

    model = river_drift.DriftRetrainingClassifier(model=tree.HoeffdingTreeClassifier(), drift_detector=wr.Adwin())
    for i in range(200):
        model.learn_one({"x": float(i % 7)}, i % 2 == 0)
    assert model.predict_one({"x": 1.0}) in (True, False)
