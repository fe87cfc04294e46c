"""The native class: what it takes for rows, and its state."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest
import willet
from willet import ConfigError, DriftTest, InputError, Series, StateError

NAMES = [kind["name"] for kind in willet.kinds()]


def same(a: Any, b: Any) -> bool:
    return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_batches_give_what_rows_one_by_one_give(name: str, rng: np.random.Generator) -> None:
    rows = rng.normal(size=(300, 2)).round(1)
    batch, one = Series(name, 2), Series(name, 2)
    assert same(batch.score_learn(rows), [one.score_learn_one(row) for row in rows])
    judged = batch.judge(rows)
    assert same(judged[1], [one.judge_one(row.tolist())[1] for row in rows])
    assert same(batch.score(rows), [one.score_one(tuple(row)) for row in rows])
    assert batch.memory_bytes() > 0
    shares = batch.explain(rows[0])["contributions"]
    assert len(shares) == 2 and sum(shares) == pytest.approx(1.0)


@pytest.mark.parametrize("name", NAMES)
def test_state_goes_on_as_before(name: str, rng: np.random.Generator) -> None:
    rows = rng.normal(size=(200, 2)).round(1)
    series = Series(name, 2, seed=5, decision={"contamination": 0.02})
    series.judge(rows)
    for again in (Series.from_state(series.state()), pickle.loads(pickle.dumps(series)), copy.deepcopy(series)):
        assert same(copy.deepcopy(series).judge(rows)[2], again.judge(rows)[2])


def test_any_flipped_byte_and_any_cut_is_an_error(rng: np.random.Generator) -> None:
    series = Series("hst", 2)
    series.learn(rng.normal(size=(100, 2)))
    test = DriftTest("ks", 1)
    for made, read in ((series.state(), Series.from_state), (test.state(), DriftTest.from_state)):
        for at in range(0, len(made), max(1, len(made) // 300)):
            flipped = bytearray(made)
            flipped[at] ^= 1 << (at % 8)
            with pytest.raises(StateError):
                read(bytes(flipped))
            with pytest.raises(StateError):
                read(made[:at])
    with pytest.raises(StateError):
        Series.from_state(test.state())


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "int8", "uint16", "bool", ">f8"])
def test_other_numbers_are_converted(dtype: str, rng: np.random.Generator) -> None:
    rows = (rng.normal(size=(200, 3)) * 4).astype(dtype)
    assert same(Series("zscore", 3).score_learn(rows), Series("zscore", 3).score_learn(rows.astype(np.float64)))


def test_other_orders_and_read_only_arrays_are_read(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(200, 3))
    expected = Series("zscore", 3).score_learn(rows)
    locked = rows.copy()
    locked.flags.writeable = False
    wide = np.repeat(rows, 2, axis=1)[:, ::2]
    backwards = rows[::-1].copy()[::-1]
    unaligned = np.frombuffer(b"\0" + rows.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(200, 3)
    for other in (locked, np.asfortranarray(rows), wide, backwards, unaligned, rows.tolist(), [tuple(row) for row in rows]):
        assert same(Series("zscore", 3).score_learn(other), expected)


def test_frames_and_masked_arrays_are_read() -> None:
    import pandas as pd
    import polars as pl

    rows = np.arange(60.0).reshape(20, 3)
    expected = Series("zscore", 3).score_learn(rows)
    for frame in (pd.DataFrame(rows), pl.DataFrame(rows)):
        assert same(Series("zscore", 3).score_learn(frame), expected)
    masked = np.ma.masked_equal(rows, 4.0)
    missing = np.where(rows == 4.0, np.nan, rows)
    assert same(Series("zscore", 3).score_learn(masked), Series("zscore", 3).score_learn(missing))


def test_none_and_nan_are_missing() -> None:
    rows: list[list[float | None]] = [[float(i % 5), None if i % 7 == 0 else 1.0 + i % 3] for i in range(100)]
    numbers = np.array([[np.nan if x is None else x for x in row] for row in rows])
    expected = Series("zscore", 2).score_learn(numbers)
    assert same(Series("zscore", 2).score_learn(rows), expected)
    one = Series("zscore", 2)
    assert same([one.score_learn_one(row) for row in rows], expected)
    assert np.isnan(Series("zscore", 2).score_learn(np.full((50, 2), np.nan))).all()


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300, -1e300])
@pytest.mark.parametrize("name", NAMES)
def test_values_out_of_range_do_no_harm(name: str, value: float, rng: np.random.Generator) -> None:
    rows = rng.normal(size=(300, 2)).round(1)
    series = Series(name, 2)
    series.learn(rows)
    assert np.isfinite(series.score_learn([[value, 0.0]])).all()
    assert np.isfinite(series.score_learn(rows)).all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.array([["a", "b"]]), "real numbers"),
        (np.array([[1.0, "x"]], dtype=object), "objects"),
        (np.array([[1 + 2j, 0]]), "real numbers"),
        (np.array([["2026-01-01", "2026-01-02"]], dtype="datetime64[D]"), "real numbers"),
        ([[1.0, 2.0], [3.0]], "different widths"),
        ([[1.0, "x"]], "expected|real numbers"),
        ([["1.0", None]], "expected a number"),
        (np.zeros((2, 3)), "3 features, expected 2"),
        (np.zeros((2, 2, 2)), "3 dimensions"),
        (np.zeros((2, 0)), "0 features, expected 2"),
        (np.zeros(3), "3 features, expected 2"),
    ],
)
def test_what_is_not_rows_is_refused(rows: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Series("zscore", 2).score_learn(rows)


def test_what_is_not_a_row_is_refused() -> None:
    series = Series("zscore", 2)
    for row, message in (
        ([1.0], "1 features, expected 2"),
        ([1.0, "x"], "'x' stands in a row"),
        (np.zeros((2, 2)), "2 dimensions"),
        ((1.0, 2.0, 3.0), "3 features"),
    ):
        with pytest.raises(InputError, match=message):
            series.learn_one(row)
    assert np.isnan(series.score_one([1.0, 2.0]))


def test_no_rows_are_fine() -> None:
    assert Series("hst", 4).score_learn(np.empty((0, 4))).shape == (0,)
    assert Series("hst", 4).score_learn([]).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"algorithm": "ifrest", "width": 1}, "did you mean `iforest`"),
        ({"algorithm": "hst", "width": 0}, "width is 0"),
        ({"algorithm": "hst", "width": 1, "settings": {"tres": 3}}, "unknown setting `tres`"),
        ({"algorithm": "hst", "width": 1, "settings": {"n_estimators": "many"}}, 'n_estimators is "many", expected a whole number'),
        ({"algorithm": "hst", "width": 1, "settings": {"n_estimators": object()}}, "expected a number, a text, a list or a dict"),
        ({"algorithm": "hst", "width": 1, "decision": {"contamination": 5}}, "contamination is 5, expected a rate above 0 and below 0.5"),
        ({"algorithm": "hst", "width": 1, "decision": {"contaminaton": 0.1}}, "did you mean `contamination`"),
        ({"algorithm": "hst", "width": 1, "decision": {"direction": "left"}}, "unknown variant `left`"),
        ({"algorithm": "hst", "width": 2, "names": ["a"]}, "one for each of 2 features"),
        ({"algorithm": "hst", "width": 1, "learn_every": 0}, "learn_every is 0"),
    ],
)
def test_a_wrong_setting_says_what_is_allowed(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        Series(**arguments)
    assert isinstance(error.value, ValueError) and isinstance(error.value, willet.WilletError)


def test_a_verdict_says_why() -> None:
    series = Series("zscore", 2, names=["load", "heat"], decision={"data_range": {"heat": [None, 100.0]}})
    for i in range(400):
        series.judge_one([float(i % 7), 20.0 + i % 3])
    status, _, anomaly_score, threshold, is_anomaly, _, reason = series.judge_one([3.0, 101.0])
    assert status == 2 and is_anomaly and anomaly_score >= threshold
    assert reason is not None and max(reason["contributions"], key=reason["contributions"].get) == "heat"
    assert reason["expected"]["heat"][0] < 21.0 < reason["expected"]["heat"][2]


def test_threads_share_a_series(rng: np.random.Generator) -> None:
    series = Series("iforest", 3)
    rows = rng.normal(size=(500, 3))

    def work() -> None:
        for row in rows[:100]:
            series.learn_one(row)
        series.judge(rows)
        series.state()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert np.isfinite(series.score(rows)).all()


def test_batches_let_other_threads_run(rng: np.random.Generator) -> None:
    series = Series("rcf", 8)
    rows = rng.normal(size=(20_000, 8))
    worker = threading.Thread(target=series.score_learn, args=(rows,))
    worker.start()
    turns = 0
    while worker.is_alive():
        turns += 1
    assert turns > 1_000


def test_the_generated_modules_are_what_the_tables_say() -> None:
    from pathlib import Path

    from willet import _generate

    for door in _generate.DOORS:
        assert (Path(willet.__file__).parent / f"{door}.py").read_text() == _generate.module(door), "python -m willet._generate"
