from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import willet
from willet import InputError, StreamingService


@pytest.fixture
def frame(rng: np.random.Generator) -> pd.DataFrame:
    made = pd.DataFrame(
        {
            "time": pd.date_range("2026-01-01", periods=2_000, freq="min"),
            "pump": np.where(np.arange(2_000) % 2, "a", "b"),
            "load": rng.normal(size=2_000).astype("float32"),
            "count": rng.integers(0, 9, size=2_000),
            "note": "text",
        },
        index=pd.Index(np.arange(2_000) * 3, name="row"),
    )
    made.loc[made.index[1_700], "load"] = 40.0
    return made


def as_pandas(frame: Any) -> pd.DataFrame:
    return frame if isinstance(frame, pd.DataFrame) else frame.to_pandas()


@pytest.mark.parametrize("make", [lambda it: it, pl.from_pandas, lambda it: pa.Table.from_pandas(it, preserve_index=False)])
def test_the_verdicts_are_those_of_a_service_in_a_frame_of_the_same_library(make: Any, frame: pd.DataFrame) -> None:
    given = make(frame)
    before = as_pandas(given).copy()
    scored = willet.score_stream(given, timestamp="time", key="pump", features=["load", "count"], algorithm="hst")
    assert type(scored) is type(given) and as_pandas(given).equals(before)
    service = StreamingService(algorithm="hst", window_size=250, decision={"threshold": 0.5})
    service._options["decision"] = {}
    results = service.sync.process_batch(frame[["load", "count"]], frame["time"], sources=frame["pump"])
    table = as_pandas(scored)
    assert np.array_equal(table["score"], [np.nan if result.score is None else result.score for result in results], equal_nan=True)
    assert table["is_anomaly"].to_numpy()[1_700] and table["is_anomaly"].sum() < 40
    assert list(table.columns)[-4:] == ["score", "anomaly_score", "is_anomaly", "confidence"]


def test_all_numbers_are_looked_at_by_default_and_the_index_stays(frame: pd.DataFrame) -> None:
    scored = willet.score_stream(frame)
    assert scored.index.equals(frame.index) and scored["is_anomaly"].iloc[1_700]


def test_columns_of_pandas_without_names_have_numbers(rng: np.random.Generator) -> None:
    frame = pd.DataFrame(rng.normal(size=(300, 2)))
    named = frame.rename(columns={0: "a", 1: "b"})
    for features in (None, [1]):
        scored = willet.score_stream(frame, algorithm="zscore", features=features)
        same = willet.score_stream(named, algorithm="zscore", features=None if features is None else ["b"])
        assert list(scored.columns)[:2] == [0, 1] and scored["score"].equals(same["score"])


def test_missing_values_are_missing(frame: pd.DataFrame) -> None:
    frame["count"] = frame["count"].astype("Int64")
    frame.loc[frame.index[::10], "count"] = pd.NA
    scored = willet.score_stream(frame, algorithm="zscore")
    again = willet.score_stream(pl.from_pandas(frame), algorithm="zscore")
    assert np.array_equal(scored["score"], again["score"].to_numpy(), equal_nan=True) and scored["score"].notna().sum() > 1_900


def test_progress_is_told(frame: pd.DataFrame, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("willet.frames.CHUNK", 500)
    told: list[tuple[int, int]] = []
    whole = willet.score_stream(frame, algorithm="zscore", progress=lambda done, of: told.append((done, of)))
    assert told == [(500, 2_000), (1_000, 2_000), (1_500, 2_000), (2_000, 2_000)]
    willet.score_stream(frame, algorithm="zscore", progress=True)
    assert "2,000 of 2,000 rows (100 %)" in capsys.readouterr().err
    monkeypatch.setattr("willet.frames.CHUNK", 50_000)
    assert whole.equals(willet.score_stream(frame, algorithm="zscore"))


def test_a_million_rows_are_not_copied(rng: np.random.Generator) -> None:
    frame = pd.DataFrame(rng.normal(size=(1_000_000, 6)), columns=list("abcdef"))
    tracemalloc.start()
    scored = willet.score_stream(frame, algorithm="zscore", features=list("abcdef"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    results = 25 * len(frame)
    assert most < results + 0.4 * frame.memory_usage().sum(), f"{most / 1e6:.0f} MB"
    assert np.shares_memory(scored["a"].to_numpy(), frame["a"].to_numpy())


def test_no_rows_are_fine() -> None:
    scored = willet.score_stream(pd.DataFrame({"x": pd.Series([], dtype=float)}))
    assert len(scored) == 0 and "anomaly_score" in scored.columns


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"timestamp": "tiem"}, r"timestamp column `tiem` is not in the frame \(did you mean `time`"),
        ({"key": "pumps"}, "did you mean `pump`"),
        ({"features": ["lod"]}, "did you mean `load`"),
        ({"features": ["note"]}, "`note` is not of numbers"),
        ({"features": "load"}, "expected a list of columns"),
        ({"features": []}, "expected a list of columns"),
        ({"algorithm": "hsst"}, "did you mean `hst`"),
        ({"algorithm": "hst", "settings": {"dept": 1}}, "did you mean `depth`"),
    ],
)
def test_wrong_names_offer_the_nearest(arguments: dict[str, Any], message: str, frame: pd.DataFrame) -> None:
    with pytest.raises(willet.WilletError, match=message):
        willet.score_stream(frame, **arguments)


def test_what_is_no_frame_is_refused(frame: pd.DataFrame) -> None:
    for wrong, message in (
        ([[1.0]], "df is a list"),
        (pl.from_pandas(frame).lazy(), "LazyFrame"),
        (pd.DataFrame({"x": ["a"]}), "no column of numbers"),
        (frame.assign(score=1.0), "has a column `score` already"),
    ):
        with pytest.raises(InputError, match=message):
            willet.score_stream(wrong)
    missing = frame.assign(pump=frame["pump"].where(frame["load"] < 2))
    with pytest.raises(InputError, match="key column `pump` has missing values"):
        willet.score_stream(missing, key="pump")


def test_a_picture_is_a_figure_or_one_page(frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored = willet.score_stream(frame, timestamp="time")
    page = willet.plot(scored, "load", timestamp="time", path=tmp_path / "load.html")
    text = page.read_text()
    assert text.count("<circle") == scored["is_anomaly"].sum() > 0 and "2026-01-01" in text
    assert "http" not in text and "<script" not in text
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    assert willet.plot(scored) == Path("willet.html")
    with pytest.raises(InputError, match=r"is_anomaly|anomaly_score"):
        willet.plot(frame)
