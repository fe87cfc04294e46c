"""Window sizes measured from Python."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import willet
from willet import StreamingService, tune_windows


def moving(rows: int = 1_600) -> tuple[np.ndarray, np.ndarray]:
    """A level that moves, so that windows of different lengths differ; one row in 80 is far off."""
    rng = np.random.default_rng(3)
    odd = np.arange(rows) % 80 == 79
    level = np.arange(rows)[:, None] / 200.0
    return rng.normal(size=(rows, 2)) + level + 6.0 * odd[:, None], odd


def test_figures_are_those_of_a_service_and_stability_is_what_it_says() -> None:
    rows, odd = moving()
    found = tune_windows(rows, odd, algorithms=["knn"], sizes=[400, 100], probation=0, decision={"contamination": 0.02})
    assert [row.window_size for row in found.rows] == [100, 400]
    judged = []
    for row in found.rows:
        service = StreamingService(algorithm="knn", window_size=row.window_size, contamination=0.02)
        results = service.sync.process_batch(rows)
        judged.append(results)
        assert row.flagged == sum(result.is_anomaly for result in results) > 0
        assert row.warm_up == sum(result.warming_up for result in results) > 0
        assert row.micros_a_row > 0 and row.memory_bytes > 1_000 and row.average_precision is not None
    # By hand, of the rows that the small window has no room for.
    pairs = [(small, large) for small, large in zip(judged[0][100:], judged[1][100:], strict=True)]
    expected = 1 - np.mean([abs(small.anomaly_score - large.anomaly_score) for small, large in pairs])
    both = sum(small.is_anomaly and large.is_anomaly for small, large in pairs)
    either = sum(small.is_anomaly or large.is_anomaly for small, large in pairs)
    assert found.rows[0].score_stability == pytest.approx(expected, abs=1e-12) and expected < 0.999
    assert found.rows[0].same_flags == pytest.approx(both / either)
    assert found.rows[1].score_stability is None and found.rows[1].same_flags is None


def test_average_precision_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rows, odd = moving()
    [row] = tune_windows(rows, odd, algorithms=["zscore"], sizes=[200], probation=0).rows
    scores = willet.score_stream(pd.DataFrame(rows), algorithm="zscore", settings={"window_size": 200})["anomaly_score"].fillna(-1.0)
    assert row.average_precision == pytest.approx(metrics.average_precision_score(odd, scores))


def test_the_best_is_the_most_precise_or_the_smallest_that_agrees() -> None:
    rows, odd = moving()
    found = tune_windows(rows, odd, algorithms=["copod", "zscore"], sizes=[100, 200, 400])
    precisions = [row.average_precision or 0.0 for row in found.rows]
    assert found.best.recommended and (found.best.average_precision or 0.0) >= max(precisions) - 0.005
    assert sum(row.recommended for row in found.rows) == 1 and sum(row.best_of_algorithm for row in found.rows) == 2
    sizes = {
        tolerance: tune_windows(rows, algorithms=["zscore"], sizes=[100, 200, 400], tolerance=tolerance).best.window_size
        for tolerance in (0.0, 0.9)
    }
    assert sizes == {0.0: 400, 0.9: 100}


@pytest.mark.parametrize("make", [lambda it: it, pl.from_pandas, lambda it: pa.Table.from_pandas(it, preserve_index=False)])
def test_frames_have_series_times_and_labels_in_columns(make: Any) -> None:
    rows, odd = moving()
    frame = pd.DataFrame(rows, columns=["load", "heat"])
    frame["time"] = pd.date_range("2026-01-01", periods=len(frame), freq="min")
    frame["pump"] = np.where(np.arange(len(frame)) % 2, "a", "b")
    frame["fault"] = odd.astype(int)
    decision = {"contamination": 0.02}
    found = tune_windows(make(frame), "fault", key="pump", timestamp="time", algorithms=["zscore"], sizes=[100, 300], decision=decision)
    scored = willet.score_stream(
        frame,
        key="pump",
        timestamp="time",
        features=["load", "heat"],
        algorithm="zscore",
        settings={"window_size": 300},
        decision=decision,
    )
    assert found.rows[1].flagged == int(scored["is_anomaly"].sum()) > 0
    assert found.rows[1].warm_up == int(scored["anomaly_score"].isna().sum()) > 32
    table = found.to_frame()
    assert type(table) is type(make(frame))
    names = table.column_names if isinstance(table, pa.Table) else list(table.columns)
    assert names == list(willet.WindowResult._fields) and len(table) == 2


def test_by_default_all_whose_window_is_what_they_learn_from_are_measured() -> None:
    told: list[tuple[int, int]] = []
    found = tune_windows(moving(400)[0], sizes=[100, 10_000], progress=lambda done, of: told.append((done, of)))
    names = [row.algorithm for row in found.rows]
    assert {"iforest", "lof", "knn", "hbos", "copod", "ecod", "ocsvm", "statistical"} < set(names)
    assert not {"auto", "rcf", "rare", "seasonal", "ensemble"} & set(names)
    # Nothing here fills a window of 10,000.
    assert len(set(names)) == len(names) and told == [(done, len(names)) for done in range(1, len(names) + 1)]


def test_pictures_and_text_show_every_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, odd = moving()
    found = tune_windows(rows, odd, algorithms=["zscore", "ecod"], sizes=[100, 400])
    page = Path(found.plot(tmp_path / "page.html")).read_text()
    assert page.count("<polyline") == 8 and page.count("<tr") == 5 and found.advice in page and "src=" not in page
    assert str(found).count("\n") == 5 and "<==" in str(found) and "4 rows" in repr(found)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert found.plot() == Path("willet.html") and Path("willet.html").exists()


def test_a_figure_has_a_line_for_each_algorithm() -> None:
    figures = pytest.importorskip("matplotlib.figure")
    found = tune_windows(moving()[0], algorithms=["zscore", "ecod"], sizes=[100, 400])
    figure = found.plot()
    assert isinstance(figure, figures.Figure) and [len(axes.lines) for axes in figure.axes] == [2, 2, 2]
    # What a notebook asks for, whether pyplot was imported or not.
    assert figure._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"algorithms": ["ifrest"]}, "did you mean `iforest`?"),
        ({"algorithms": ["rcf"]}, "rcf has no window_size to tune, expected one of statistical,"),
        ({"algorithms": "knn"}, "algorithms is 'knn', expected a list of names"),
        ({"sizes": [10], "algorithms": ["knn"]}, "window_size is 10, expected a whole number from 32 to"),
        ({"sizes": [100.5]}, "sizes is 100.5, expected a whole number"),
        ({"sizes": 100}, "sizes is 100, expected a list"),
        ({"sizes": [5_000]}, r"which fill no window of \[5000\], expected sizes below that \(sizes=\[75, 150\]\)"),
        ({"tolerance": 2}, "tolerance is 2, expected a number of 0 or more and below 1"),
        ({"labels": [0] * 300}, "255 labels behind the probation are all alike"),
        ({"labels": [0, 1]}, "2 labels came for 300 rows"),
        ({"labels": "fault"}, "labels is 'fault', a column, but data is no frame"),
        ({"key": "pump"}, "key is 'pump', a column, but data is no frame"),
        ({"probation": -1, "labels": [0, 1] * 150}, "probation is -1, expected a whole number of 0 or more"),
        ({"data": pd.DataFrame({"load": [1.0] * 300}), "labels": "falt"}, "label column `falt` is not in the frame"),
    ],
)
def test_wrong_arguments_are_told_before_any_work(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tune_windows(**({"data": moving(300)[0], "sizes": [100]} | arguments))
