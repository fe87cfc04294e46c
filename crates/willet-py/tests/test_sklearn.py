from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import willet
from sklearn.base import clone
from sklearn.exceptions import NotFittedError as SklearnNotFittedError
from sklearn.metrics import make_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from willet import sklearn as ws

NAMES = [name for name in ws.__all__ if name != "Detector"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_it_passes_scikit_learns_checks(name: str) -> None:
    check_estimator(getattr(ws, name)())


def odd(rng: np.random.Generator) -> tuple[Any, Any]:
    rows = rng.normal(size=(600, 3))
    labels = np.zeros(600, dtype=int)
    labels[::40] = 1
    rows[labels == 1] += 7.0
    return rows, labels


def test_low_is_strange(rng: np.random.Generator) -> None:
    rows, labels = odd(rng)
    detector = ws.IsolationForest(contamination=15 / 600).fit(rows)
    assert roc_auc_score(labels, -detector.score_samples(rows)) > 0.99
    assert ((detector.predict(rows) == -1) == (detector.decision_function(rows) < 0)).all()
    assert (detector.predict(rows) == -1).sum() == 15
    assert np.array_equal(detector.decision_function(rows), detector.score_samples(rows) - detector.offset_)


def test_it_stands_in_a_pipeline_a_grid_and_clone(rng: np.random.Generator) -> None:
    rows, labels = odd(rng)
    pipeline = make_pipeline(StandardScaler(), ws.NearestNeighbours(seed=3))
    assert pipeline.fit(rows).predict(rows).shape == (600,)
    scorer = make_scorer(lambda truth, score: roc_auc_score(truth, -score), response_method="decision_function")
    grid = GridSearchCV(ws.HalfSpaceTrees(), {"n_estimators": [5, 25], "depth": [4, 8]}, scoring=scorer, cv=2, error_score="raise")
    grid.fit(rows, labels)
    assert set(grid.best_params_) == {"n_estimators", "depth"}
    copy = clone(ws.LocalOutlierFactor(n_neighbors=7))
    assert copy.n_neighbors == 7 and not hasattr(copy, "offset_")


def test_parts_are_learned_as_the_whole(rng: np.random.Generator) -> None:
    rows, _ = odd(rng)
    whole, parts = ws.Ecod().fit(rows), ws.Ecod()
    for at in range(0, 600, 100):
        parts.partial_fit(rows[at : at + 100])
    assert np.array_equal(whole.score_samples(rows), parts.score_samples(rows))
    again = pickle.loads(pickle.dumps(whole))
    assert np.array_equal(whole.predict(rows), again.predict(rows))


def test_not_fitted_is_both_words_for_it() -> None:
    with pytest.raises(willet.NotFittedError) as error:
        ws.Copod().predict([[1.0]])
    assert isinstance(error.value, SklearnNotFittedError)


def test_a_wrong_share_is_refused() -> None:
    with pytest.raises(willet.ConfigError, match="contamination is 5, expected a share"):
        ws.Copod(contamination=5).fit([[1.0], [2.0]])


@pytest.fixture
def kinds() -> Iterator[Any]:
    yield willet.kinds()


def test_every_kind_has_a_class(kinds: list[dict[str, Any]]) -> None:
    assert {getattr(ws, name)._kind for name in NAMES} == {kind["name"] for kind in kinds}
