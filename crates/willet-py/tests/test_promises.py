"""What people rely on and would not think of asking for, each with an input under which it once failed."""

from __future__ import annotations

import asyncio
import copy
import datetime
import json
import math
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import willet
from conftest import without_time
from willet import ConfigError, DriftTest, InputError, Series, StatisticalDriftDetector, StreamingConfig, StreamingService

Floats = np.ndarray[Any, Any]


def normal(rows: int, width: int = 3, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(rows, width))


def shifted(by: float, rows: int = 3_000, at: int = 1_500, seed: int = 0) -> Floats:
    data = normal(rows, seed=seed)
    data[at:] += by
    return data


# Drift


@pytest.mark.parametrize("threshold", [0.1, 0.3])
def test_a_drift_threshold_loses_no_drift(threshold: float) -> None:
    for seed in range(20):
        service = StreamingService(algorithm="zscore", drift_threshold=threshold)
        told = [result for result in service.sync.process_batch(shifted(1.0, seed=seed)) if result.drift_detected]
        assert len(told) == 1 and told[0].drift_magnitude >= threshold


def test_the_magnitude_of_a_drift_grows_with_the_change() -> None:
    def mean(by: float) -> float:
        readings = [DriftTest("monitor", 3, seed=seed).update_until(shifted(by, seed=seed))[1] for seed in range(10)]
        return float(np.mean([reading[3] for reading in readings if reading[0] == 2]))

    means = [mean(by) for by in (0.3, 0.7, 1.5, 3.0)]
    assert means == sorted(means) and means[0] < 0.3 and means[-1] > 0.9


@pytest.mark.parametrize("adaptation", ["report", "retrain", "incremental"])
def test_one_drift_is_told_once(adaptation: str) -> None:
    detector = StatisticalDriftDetector("ks", significance_level=1e-4)
    service = StreamingService(algorithm="zscore", window_size=500, drift_detector=detector, adaptation=adaptation)
    results = service.sync.process_batch(shifted(2.0, rows=4_000))
    told = [result.sample_count for result in results if result.drift_detected]
    assert len(told) == 1 and 1_500 < told[0] <= 2_000


# Tables


@pytest.mark.parametrize("door", ["sklearn", "pyod"])
@pytest.mark.parametrize("name", ["IsolationForest", "HalfSpaceTrees", "NearestNeighbours", "Loda", "RandomCutForest", "OneClassSvm"])
def test_fit_learns_all_rows_whatever_their_order(door: str, name: str) -> None:
    make = getattr(pytest.importorskip(f"willet.{door}"), name)
    rng = np.random.default_rng(0)
    classes = np.concatenate([rng.normal(10.0 * place, 1.0, size=(800, 3)) for place in range(5)])
    outliers = rng.uniform(-5.0, 45.0, size=(200, 3))
    both = np.concatenate([classes, outliers])
    sign = -1.0 if door == "sklearn" else 1.0

    def separates(detector: Any) -> float:
        scores = sign * detector.decision_function(both)
        order = scores[:4_000, None] < scores[None, 4_000:]
        return float(order.mean())

    in_order = make(contamination=0.05).fit(classes)
    assert separates(in_order) > 0.9
    assert abs(separates(in_order) - separates(make(contamination=0.05).fit(rng.permutation(classes)))) < 0.05
    again = make(contamination=0.05).fit(classes)
    assert np.array_equal(again.decision_function(both), in_order.decision_function(both))


@pytest.mark.parametrize("name", ["IsolationForest", "HalfSpaceTrees", "LocalOutlierFactor", "Copod", "Autoencoder", "Ensemble", "Auto"])
def test_fit_on_ten_rows_finds_the_one_that_is_not_like_the_others(name: str) -> None:
    from willet import pyod, sklearn

    data = normal(10, 2)
    data[3] = 9.0
    assert getattr(sklearn, name)(contamination=0.1).fit(data).predict(data).tolist() == [1, 1, 1, -1, 1, 1, 1, 1, 1, 1]
    fitted = getattr(pyod, name)(contamination=0.1).fit(data)
    assert fitted.labels_.tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0] and np.isfinite(fitted.decision_scores_).all()


def test_one_class_svm_ranks_uneven_heaps_as_pyod_does() -> None:
    from willet.pyod import OneClassSvm

    def auc(scores: Floats, odd: Floats) -> float:
        ranks = np.argsort(np.argsort(scores)) + 1.0
        return float((ranks[odd].sum() - odd.sum() * (odd.sum() + 1) / 2) / (odd.sum() * (~odd).sum()))

    svm, datasets = pytest.importorskip("sklearn.svm"), pytest.importorskip("sklearn.datasets")
    for seed in range(4):
        rng = np.random.default_rng(seed)
        heaps = datasets.make_blobs(1_900, centers=3, random_state=seed)[0] @ [[0.6, -0.6], [-0.4, 0.8]]
        outliers = rng.uniform(heaps.min(0) - 1, heaps.max(0) + 1, (100, 2))
        data, odd = np.concatenate([heaps, outliers]), np.arange(2_000) >= 1_900
        # PyOD's detector is this one, as it is there by default.
        theirs = auc(-svm.OneClassSVM(nu=0.5, gamma="auto").fit(data).decision_function(data), odd)
        assert auc(OneClassSvm().fit(data).decision_function(data), odd) > theirs - 0.03


# River


def test_rivers_filters_and_metrics_take_the_scores_of_a_warm_up() -> None:
    anomaly = pytest.importorskip("river.anomaly")
    from river import metrics
    from willet import river

    rng = np.random.default_rng(1)
    odd = rng.random(4_000) < 0.02
    rows = [{"a": float(a), "b": float(b)} for a, b in rng.normal(size=(4_000, 2)) + 6.0 * odd[:, None]]
    quantile = anomaly.QuantileFilter(river.HalfSpaceTrees(), q=0.95)
    threshold = anomaly.ThresholdFilter(river.HalfSpaceTrees(), threshold=0.9)
    auc, flagged, over = metrics.ROCAUC(), 0, 0
    for row, is_odd in zip(rows, odd, strict=True):
        score = quantile.score_one(row)
        flagged += quantile.classify(score)
        auc.update(bool(is_odd), score)
        over += threshold.classify(threshold.score_one(row))
        quantile.learn_one(row)
        threshold.learn_one(row)
    assert 0.03 <= flagged / len(rows) <= 0.09 and over < 400 and auc.get() > 0.9


# Numbers


def test_json_of_any_result_is_valid() -> None:
    for arguments in ({}, {"algorithm": "seasonal"}, {"aggregation": "statistics", "window_size": 40}, {"algorithm": "lof"}):
        service = StreamingService(**arguments)
        data = normal(300)
        data[100], data[200], data[250] = np.nan, 1e300, 40.0
        results = service.sync.process_batch(data) + service.sync.process_window()
        text = json.dumps([result._asdict() for result in results], allow_nan=False)
        assert len(json.loads(text)) == len(results)
        # What the guide does with results: means over a run that begins with a warm-up.
        assert math.isfinite(float(np.std([result.anomaly_score for result in results])))
        json.dumps([service.get_window_stats(), service.get_performance(), service.get_memory_stats()], allow_nan=False)


def test_contamination_can_be_set_to_what_a_quiet_stream_showed() -> None:
    service = StreamingService(algorithm="zscore", decision={"threshold": 0.99})
    service.sync.process_batch(normal(300))
    assert service.get_recent_anomaly_rate() == 0.0
    service.adjust_contamination(service.get_recent_anomaly_rate())
    assert service.contamination == 0.001
    assert service.sync.process_sample([60.0, 60.0, 60.0]).is_anomaly


@pytest.mark.parametrize("contamination", [0.1, 0.02])
@pytest.mark.parametrize("algorithm", ["iforest", "zscore", "hbos", "knn", "lof"])
def test_as_many_are_flagged_as_was_asked_for_whatever_is_fitted_anew(algorithm: str, contamination: float) -> None:
    def share(**arguments: Any) -> float:
        service = StreamingService(algorithm=algorithm, contamination=contamination, **arguments)
        results = service.sync.process_batch(data, times)
        return float(np.mean([result.is_anomaly for result in results[1_000:]]))

    data, times = normal(6_000), [1_767_225_600 + 2 * row for row in range(6_000)]
    assert 0.5 * contamination <= share(auto_retrain=True, retrain_threshold=500) <= 1.5 * contamination
    assert 0.5 * contamination <= share(window_unit="seconds", window_size=300, slide_interval=60) <= 1.5 * contamination


@pytest.mark.parametrize(
    "arguments", [{"update_frequency": 1_000}, {"slide_interval": 1_000}, {"window_type": "tumbling", "window_size": 5_000}], ids=str
)
@pytest.mark.parametrize("algorithm", ["iforest", "lof", "copod", "hst"])
def test_a_warm_up_is_a_few_dozen_rows_whatever_is_learned_together(algorithm: str, arguments: dict[str, Any]) -> None:
    service = StreamingService(algorithm=algorithm, **arguments)
    assert sum(result.warming_up for result in service.sync.process_batch(normal(300))) <= 64
    data = normal(300, seed=1)
    fitted = StreamingService(algorithm=algorithm, **arguments)
    fitted.sync.retrain_model(data)
    assert not fitted.sync.process_sample(data[0]).warming_up


# Arguments

IDLE: list[tuple[dict[str, Any], str]] = [
    ({"algorithm": "auto", "window_type": "tumbling"}, "window_type is 'tumbling', which changes nothing"),
    ({"algorithm": "seasonal", "slide_interval": 10}, "slide_interval is 10, which changes nothing"),
    ({"algorithm": "auto", "update_frequency": 50}, "update_frequency is 50, which changes nothing"),
    ({"algorithm": "auto", "window_size": 500}, "finds out by itself"),
    ({"auto_retrain": False, "retrain_threshold": 500}, "auto_retrain is False"),
    ({"drift_detection": False, "drift_threshold": 0.2}, "drift_detection is False"),
    ({"adaptation": "retrain"}, "nothing watches for drift"),
    ({"contamination": 0.1, "decision": {"threshold": 0.9}}, "decision names a threshold or a rate"),
    ({"drift_detector": StatisticalDriftDetector(reference_window=5_000)}, "reference_window of drift_detector is 5000"),
    ({"drift_detector": StatisticalDriftDetector(min_samples=2_000)}, "min_samples of drift_detector is 2000"),
    ({"drift_detector": willet.PerformanceDriftDetector(), "drift_threshold": 0.2}, "has a threshold of its own"),
]


@pytest.mark.parametrize(("arguments", "message"), IDLE, ids=str)
def test_an_argument_that_would_change_nothing_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        StreamingService(**arguments)


def test_what_the_guide_writes_works() -> None:
    assert StreamingService(retrain_threshold=500)._options["auto_retrain"]
    assert StreamingService(drift_threshold=0.2)._options["drift_detection"]
    short, long = (StreamingService(algorithm="rcf", window_size=size) for size in (100, 5_000))
    assert without_time(short.sync.process_batch(shifted(3.0, 800, 400))) != without_time(long.sync.process_batch(shifted(3.0, 800, 400)))
    # Each setting with its default, as a file lists them.
    config = StreamingConfig(auto_retrain=False, retrain_threshold=500, drift_detection=False, drift_threshold=0.2, window_size=1_000)
    assert not willet.create_streaming_service(config)._options["auto_retrain"]


def test_a_misspelled_argument_is_seen_by_type_checkers(tmp_path: Any) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "uses.py").write_text(
        "from willet import StreamingConfig, StreamingService\n"
        "StreamingService(algorithm='lof', windw_size=3)\n"
        "StreamingConfig(algoritm='lof')\n"
        "StreamingService(algorithm='lof', window_size=3)\n"
        "StreamingConfig(algorithm='lof')\n"
    )
    found = subprocess.run([sys.executable, "-m", "mypy", "--strict", "uses.py"], cwd=tmp_path, capture_output=True, text=True)
    assert "uses.py:2: error" in found.stdout and "uses.py:3: error" in found.stdout and "Found 2 errors" in found.stdout


@pytest.mark.parametrize("fields", [willet.Result, willet.WindowResult])
def test_help_explains_each_field(fields: Any) -> None:
    assert fields.__doc__ is not None
    for name in fields._fields:
        assert "Alias for" not in getattr(fields, name).__doc__ and f"    {name}\n" in fields.__doc__


# Memory


@pytest.mark.parametrize("arguments", [{"retrain_threshold": 300}, {"drift_threshold": 0.1, "adaptation": "retrain"}], ids=str)
def test_compressed_samples_change_no_verdict(arguments: dict[str, Any]) -> None:
    plain, small = (StreamingService(algorithm="hbos", window_size=300, sample_compression=it, **arguments) for it in (False, True))
    data = shifted(2.0, 4_000, 2_000) / 3.0
    assert without_time(plain.sync.process_batch(data)) == without_time(small.sync.process_batch(data))
    assert small.get_memory_usage() < plain.get_memory_usage()


def test_compressed_samples_have_the_range_of_all_numbers() -> None:
    service = StreamingService(algorithm="zscore", sample_compression=True)
    extremes = np.array([[1e300, -1e300, 1e-300], [1.7976931348623157e308, 0.0, np.nan], [1.0, np.inf, 123_456.7]])
    service.sync.process_batch(extremes)
    kept = service.sync.get_recent_data(3)
    assert np.allclose(kept, extremes, rtol=1e-6, atol=0.0, equal_nan=True)
    assert np.isfinite(kept).tolist() == np.isfinite(extremes).tolist()


# Refused batches


def wrong_batches() -> list[tuple[str, Callable[[StreamingService], Any]]]:
    data = normal(300)
    sources = ["a", "b"] * 150
    late = [1_767_225_600 + row for row in range(300)]
    return [
        ("time", lambda it: it.sync.process_batch(data, [*late[:-1], "yesterday"])),
        ("time of a source", lambda it: it.sync.process_batch(data, [*late[:-1], "yesterday"], sources=sources)),
        ("label", lambda it: it.sync.process_batch(data, labels=[True] * 299 + ["no"], sources=sources)),
        ("source", lambda it: it.sync.process_batch(data, sources=[*sources[:-1], 7])),
        ("width", lambda it: it.sync.process_batch(normal(300, 4), sources=["new"] * 299 + ["a"])),
        ("name", lambda it: it.sync.process_batch([{"x": 1.0, "y": 2.0, "zz": 3.0}] * 5)),
        ("async", lambda it: asyncio.run(it.process_batch(data, [*late[:-1], "yesterday"]))),
    ]


@pytest.mark.parametrize(("what", "give"), wrong_batches())
def test_a_refused_batch_has_changed_nothing(what: str, give: Callable[[StreamingService], Any]) -> None:
    service, other = StreamingService(algorithm="zscore"), StreamingService(algorithm="zscore")
    for it in (service, other):
        it.sync.process_batch(normal(100), sources=["a", "b"] * 50)
        it.sync.process_batch([{"x": 1.0, "y": 2.0, "z": 3.0}] * 50)
    with pytest.raises(InputError):
        give(service)
    assert service.samples_processed == other.samples_processed and set(service._streams) == set(other._streams)
    for source in ("a", "b", None):
        after = [without_time(it.sync.process_batch(normal(50, seed=2), sources=[source] * 50)) for it in (service, other)]
        assert after[0] == after[1]


# Labels


def test_a_label_counts_once_for_a_sample() -> None:
    service = StreamingService(algorithm="zscore", contamination=0.01)
    service.sync.process_sample([0.0, 0.0, 0.0], label=False)
    results = service.sync.process_batch(normal(200))
    for _ in range(5):
        service.add_label(results[5].sample_count, True)
    service.add_label(1, True)
    assert service.get_performance()["labels"] == 2
    service.add_label(results[5].sample_count, False)
    performance = service.get_performance()
    assert performance["labels"] == 2 and performance["accuracy"] == 0.5
    drift = StreamingService(algorithm="zscore", drift_detector=willet.PerformanceDriftDetector("accuracy"))
    drift.sync.process_batch(normal(200))
    drift.add_label(150, True)
    drift.add_label(150, True)


def test_a_label_is_yes_no_or_unknown() -> None:
    service = StreamingService(algorithm="zscore")
    service.sync.process_batch(normal(6), labels=[True, 0, np.True_, None, float("nan"), np.int64(0)])
    assert service.get_performance()["labels"] == 4
    for wrong in ("no", "False", 2, 0.5):
        with pytest.raises(InputError, match="expected True, False, 1, 0 or None"):
            service.add_label(1, wrong)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="expected True, False, 1, 0 or None"):
            service.sync.process_sample([0.0, 0.0, 0.0], label=wrong)  # type: ignore[arg-type]


# Threads and processes


def test_a_service_is_pickled_while_threads_use_it() -> None:
    service = StreamingService(algorithm="zscore")
    done, errors = threading.Event(), []

    def work(number: int) -> None:
        place = 0
        while not done.is_set():
            try:
                service.sync.process_sample([1.0, 2.0, float(place % 7)], source=f"{number}-{place % 400}")
                service.add_label(1, True, source=f"{number}-{place % 400}")
            except BaseException as error:
                errors.append(error)
                return
            place += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        until = time.monotonic() + 3.0
        while time.monotonic() < until:
            made = pickle.loads(pickle.dumps(service))
            copy.deepcopy(service)
            assert all(stream.samples == len(stream.history) for stream in made._streams.values() if stream.history is not None)
    finally:
        done.set()
        for thread in threads:
            thread.join(30)
    assert errors == []


FORKS = """
import asyncio, os, sys, threading
import numpy as np
from willet import DriftTest, Series, StreamingService

data = np.random.default_rng(0).normal(size=(3000, 4))
service = StreamingService(algorithm="lof", async_processing=True, num_workers=2)
asyncio.run(service.process_batch(data[:200]))
series, drift = Series("lof", 4), DriftTest("monitor", 4)
stop = threading.Event()

def work():
    while not stop.is_set():
        series.score_learn(data[:500])
        drift.update_until(data[:500])
        service.sync.process_batch(data[:200], sources=["a", "b"] * 100)
        series.score_one(list(data[0]))

threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for turn in range(15):
    child = os.fork()
    if child == 0:
        asyncio.run(service.process_batch(data[:50]))
        service.sync.process_batch(data[:50], sources=["a", "c"] * 25)
        series.score_learn(data[:50])
        drift.update_until(data[:50])
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
stop.set()
for thread in threads:
    thread.join()
service.close()
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_of_fork_goes_on_whatever_threads_did() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKS], capture_output=True, text=True, timeout=120)
    assert done.stdout == "done\n", done.stderr


LONG = {
    "series": "Series('lof', 20, {'window_size': 5000}).score_learn(data)",
    "judge": "Series('lof', 20, {'window_size': 5000}).judge(data)",
    "service": "StreamingService(algorithm='lof', window_size=5000).sync.process_batch(data)",
    "sources": "StreamingService(algorithm='lof', window_size=5000).sync.process_batch(data, sources=['a', 'b'] * (len(data) // 2))",
    "tuning": "willet.tune_windows(data, algorithms=['lof'], sizes=[5000])",
    "fit": "willet.sklearn.LocalOutlierFactor(window_size=5000).fit(data)",
    "async": "asyncio.run(StreamingService(algorithm='lof', window_size=5000).process_batch(data))",
    "threads": "asyncio.run(StreamingService(algorithm='lof', window_size=5000, async_processing=True).process_batch(data))",
}


@pytest.mark.skipif(os.name == "nt", reason="signals are sent as POSIX has them")
@pytest.mark.parametrize("what", LONG)
def test_ctrl_c_ends_a_long_call_within_a_second(what: str) -> None:
    head = "import asyncio, numpy as np, willet, willet.sklearn\nfrom willet import *\n"
    head += "data = np.random.default_rng(0).normal(size=(60000, 20))\n"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{head}print('go', flush=True)\n{LONG[what]}\nprint('ran to its end')"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "go\n"
    time.sleep(1.5)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    # One second, and as much again where the machine has other work.
    assert time.monotonic() - began < 2.0 and "KeyboardInterrupt" in err and out == ""


# Frames

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

MAKE: dict[str, Callable[[Any], Any]] = {
    "pandas": lambda it: it,
    "polars": pl.from_pandas,
    "arrow": lambda it: pa.Table.from_pandas(it, preserve_index=False),
    "batch": lambda it: pa.RecordBatch.from_pandas(it, preserve_index=False),
}


def frame() -> Any:
    rng = np.random.default_rng(3)
    made = pd.DataFrame({"day": [datetime.date(2026, 1, 1) + datetime.timedelta(days=row) for row in range(400)]})
    made["on"] = rng.random(400) < 0.5
    made["load"] = rng.normal(size=400)
    made["price"] = [Decimal(f"{value:.2f}") for value in rng.normal(size=400)]
    made["plant"] = ["north", "south"] * 200
    made["pump"] = ["a", "a", "b", "b"] * 100
    return made


def scores(scored: Any) -> Floats:
    return np.asarray(scored["score"].to_numpy() if hasattr(scored["score"], "to_numpy") else scored.column("score"))


@pytest.mark.parametrize("library", MAKE)
def test_frames_of_all_libraries_are_read_alike(library: str) -> None:
    made = MAKE[library](frame())
    scored = willet.score_stream(made, timestamp="day", key=["plant", "pump"], algorithm="zscore")
    expected = Series("zscore", 3, names=["on", "load", "price"], key="north/a")
    own = frame()[["on", "load", "price"]].astype(float).to_numpy()[::4]
    assert type(scored) is type(made) and np.allclose(scores(scored)[::4], expected.judge(own)[1], equal_nan=True)
    service = StreamingService(algorithm="zscore")
    columns = frame()[["on", "load", "price"]]
    results = service.sync.process_batch(MAKE[library](columns), list(frame()["day"]))
    assert results[0].sample_count == 1 and service._streams[None].names == ("on", "load", "price")
    with pytest.raises(InputError, match="column `plant` is not of numbers"):
        service.sync.process_batch(MAKE[library](frame()[["plant", "load"]]))


@pytest.mark.parametrize("library", MAKE)
def test_times_that_go_back_are_told_of(library: str) -> None:
    made = MAKE[library](frame().iloc[::-1].reset_index(drop=True))
    with pytest.warns(UserWarning, match=r"times in `day` go back 399 times: .* \(sort df by `day` first\)"):
        willet.score_stream(made, timestamp="day", features=["load"], algorithm="zscore")
    # Within a series, not between two.
    by_pump = frame().sort_values("pump", kind="stable").reset_index(drop=True)
    willet.score_stream(MAKE[library](by_pump), timestamp="day", key="pump", features=["load"], algorithm="zscore")


def test_times_may_be_in_the_index() -> None:
    made = frame()[["load"]]
    hours = pd.date_range("2026-01-01", periods=400, freq="h")
    in_column = willet.score_stream(made.assign(time=hours), timestamp="time", algorithm="seasonal")
    for name in (None, "time"):
        made.index = pd.date_range("2026-01-01", periods=400, freq="h", name=name)
        for timestamp in (None,) if name is None else (None, name):
            scored = willet.score_stream(made, timestamp=timestamp, algorithm="seasonal")
            assert np.array_equal(scored["score"], in_column["score"], equal_nan=True) and scored.columns[0] == "load"


def test_frames_that_say_two_things_are_refused_with_a_word() -> None:
    twice = pd.DataFrame(normal(50, 2), columns=["load", "load"])
    with pytest.raises(InputError, match="df has 2 columns `load`"):
        willet.score_stream(twice)
    with pytest.raises(InputError, match="df has 2 columns `load`"):
        StreamingService().sync.process_batch(twice)
    with pytest.raises(InputError, match="has missing values, expected a time for each row"):
        willet.score_stream(frame().assign(day=[None, *frame()["day"][1:]]), timestamp="day", features=["load"])


def test_a_subclass_of_a_frame_is_one() -> None:
    class Readings(pd.DataFrame):  # type: ignore[misc]
        @property
        def _constructor(self) -> Any:
            return Readings

    scored = willet.score_stream(Readings(frame()), features=["load"], algorithm="zscore")
    assert isinstance(scored, Readings) and StreamingService().sync.process_batch(Readings(frame()[["load"]]))
