from __future__ import annotations

import pickle

import numpy as np
import pytest
import willet
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from willet import pyod as wp

NAMES = [name for name in wp.__all__ if name != "Detector"]


@pytest.mark.parametrize("name", NAMES)
def test_it_has_pyods_methods_and_attributes(name: str, rng: np.random.Generator) -> None:
    rows = rng.normal(size=(500, 3)) if name != "Rare" else rng.integers(0, 4, size=(500, 3)).astype(float)
    detector = getattr(wp, name)(contamination=0.05)
    assert detector.fit(rows) is detector
    assert detector.decision_scores_.shape == detector.labels_.shape == (500,)
    assert set(np.unique(detector.labels_)) <= {0, 1} and detector.labels_.sum() <= 26
    assert np.array_equal(detector.decision_function(rows), detector.decision_scores_)
    assert np.array_equal(detector.predict(rows), detector.labels_)
    shares = detector.predict_proba(rows)
    assert shares.shape == (500, 2) and np.allclose(shares.sum(axis=1), 1.0)
    again = pickle.loads(pickle.dumps(detector))
    assert np.array_equal(again.decision_function(rows), detector.decision_scores_)
    assert clone(detector).get_params() == detector.get_params()


def test_high_is_strange(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(500, 3))
    labels = np.arange(500) % 50 == 0
    rows[labels] += 7.0
    detector = wp.HalfSpaceTrees(contamination=0.02).fit(rows)
    assert roc_auc_score(labels, detector.decision_scores_) > 0.99
    assert ((detector.decision_scores_ > detector.threshold_) == detector.labels_).all()


def test_wrong_uses_are_told() -> None:
    with pytest.raises(willet.NotFittedError, match="call fit first"):
        wp.Copod().predict([[1.0]])
    with pytest.raises(willet.InputError, match="no rows"):
        wp.Copod().fit(np.empty((0, 2)))
    with pytest.raises(willet.ConfigError, match=r"unknown setting `n_estimator` \(did you mean `n_estimators`"):
        wp.IsolationForest().set_params(n_estimator=5)
    with pytest.raises(willet.InputError, match="3 features, expected 2"):
        wp.Copod().fit([[1.0, 2.0]] * 50).predict([[1.0, 2.0, 3.0]])
