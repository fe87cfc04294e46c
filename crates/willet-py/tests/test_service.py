from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import threading
import warnings
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest
import willet
from conftest import without_time
from willet import ConfigError, InputError, StreamingConfig, StreamingService

TIMES = [1_767_225_600 + 15 * i for i in range(1_500)]

VARIANTS: list[dict[str, Any]] = [
    {},
    {"algorithms": ["iforest", "lof", "ocsvm"], "window_size": 300},
    {"algorithms": {"hst": {"depth": 6}, "zscore": {}}, "adaptation": "switch", "drift_detection": True},
    {"window_type": "tumbling", "window_size": 200},
    {"algorithm": "lof", "slide_interval": 50, "window_size": 300},
    {"algorithm": "zscore", "aggregation": "statistics", "window_size": 50, "slide_interval": 10},
    {"algorithm": "zscore", "aggregation": "statistics", "window_size": 25, "window_type": "tumbling"},
    {"algorithm": "hst", "drift_detection": True, "auto_retrain": True},
    {"algorithm": "hbos", "auto_retrain": True, "retrain_threshold": 500},
    {"algorithm": "zscore", "auto_retrain": True, "retrain_threshold": 0.2},
    {"algorithm": "copod", "update_frequency": 25},
    {"sample_compression": True, "lazy_loading": True},
    {"max_memory_mb": 0.2},
    {"algorithm": "hbos", "drift_detector": willet.StatisticalDriftDetector(), "adaptation": "incremental"},
    {"algorithm": "hbos", "drift_detector": willet.StatisticalDriftDetector("permutation"), "auto_retrain": True},
    {"algorithm": "copod", "drift_detector": willet.PerformanceDriftDetector(window_size=200)},
    {"algorithm": "autoencoder", "window_unit": "seconds", "window_size": 900, "slide_interval": 300},
    {"algorithm": "zscore", "window_unit": "seconds", "window_size": 300, "window_type": "tumbling", "aggregation": "statistics"},
    {"algorithm": "auto", "decision": {"rate": "5 a day"}},
    {"algorithm": "seasonal", "window_size": 500},
]


def rows(shift: float = 2.0) -> np.ndarray[Any, Any]:
    made = np.random.default_rng(0).normal(size=(1_500, 3))
    made[800] = 9.0
    made[900:] += shift
    return made


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_batches_give_what_samples_one_by_one_give_and_pickles_go_on(variant: dict[str, Any]) -> None:
    batch, one = StreamingService(**copy.deepcopy(variant)), StreamingService(**copy.deepcopy(variant))
    data = rows()
    in_batch = batch.sync.process_batch(data, TIMES)
    by_one = [one.sync.process_sample(row, time) for row, time in zip(data, TIMES, strict=True)]
    assert without_time(in_batch) == without_time(by_one)
    assert [result.sample_count for result in in_batch] == list(range(1, 1_501))
    assert batch.samples_processed == 1_500 and batch.get_window_stats() == one.get_window_stats()
    again = pickle.loads(pickle.dumps(batch))
    assert without_time(again.sync.process_batch(data[:50], TIMES[-50:])) == without_time(batch.sync.process_batch(data[:50], TIMES[-50:]))
    assert any(not result.warming_up for result in in_batch)


@pytest.mark.parametrize("algorithm", ["iforest", "lof", "copod", "ocsvm", "hbos", "autoencoder", "ensemble", "auto", "zscore", "rcf"])
def test_every_algorithm_finds_what_stands_out(algorithm: str) -> None:
    service = StreamingService(algorithm=algorithm, contamination=0.02)
    results = service.sync.process_batch(rows(0.0))
    assert results[800].is_anomaly and results[800].reason is not None
    assert sum(result.is_anomaly for result in results) < 80
    assert results[0].warming_up and results[0].anomaly_score == 0.0 and results[0].score is None and not results[0].is_anomaly


UNKNOWN: list[tuple[dict[str, Any], str]] = [
    ({"windowsize": 5}, r"unknown argument `windowsize` \(did you mean `window_size`"),
    ({"algorithm": "iforrest"}, r"unknown algorithm `iforrest` \(did you mean `iforest`"),
    ({"algorithm": 7}, "algorithm is 7, expected one of"),
    ({"algorithms": "lof"}, "algorithms is 'lof', expected names"),
    ({"algorithms": ["lof", "lff"]}, "did you mean `lof`"),
    ({"algorithm": "lof", "algorithms": ["hst"]}, "beside algorithm 'lof'"),
    ({"contamination": 5}, r"contamination is 5, expected a rate above 0 and below 0.5"),
    ({"contamination": True}, "contamination is True"),
    ({"n_estimators": 0}, "n_estimators is 0"),
    ({"n_estimators": 5, "algorithm": "lof"}, "lof has none"),
    ({"settings": {"dept": 3}, "algorithm": "hst"}, r"unknown setting of hst `dept` \(did you mean `depth`"),
    ({"window_size": 1}, "window_size is 1, expected a whole number of 2 or more"),
    ({"window_size": 20}, "window_size is 20, expected a whole number from 32"),
    ({"window_size": 10.5}, "window_size is 10.5"),
    ({"window_type": "slidding"}, "did you mean `sliding`"),
    ({"slide_interval": 2_000}, "slide_interval is 2000, expected a whole number from 1 to 1000"),
    ({"slide_interval": 10, "window_type": "tumbling"}, "moves by the window"),
    ({"aggregation": "mean"}, "expected one of features, statistics"),
    ({"window_unit": "second"}, "did you mean `seconds`"),
    ({"update_frequency": 0}, "update_frequency is 0"),
    ({"auto_retrain": 1}, "auto_retrain is 1, expected True or False"),
    ({"retrain_threshold": 0}, "expected a count of samples, or a rate"),
    ({"drift_threshold": 2}, "drift_threshold is 2, expected a magnitude from 0 to 1"),
    ({"drift_detector": object()}, r"expected an object with update_reference\(data\)"),
    ({"drift_detector": willet.StatisticalDriftDetector}, "expected an object"),
    ({"adaptation": "retrian"}, "did you mean `retrain`"),
    ({"adaptation": "switch"}, "expected algorithms"),
    ({"max_memory_samples": 10}, r"max_memory_samples is 10, expected window_size \(1000\)"),
    ({"max_memory_mb": -1}, "max_memory_mb is -1"),
    ({"buffer_size": 0}, "buffer_size is 0"),
    ({"num_workers": "4"}, "num_workers is '4'"),
    ({"decision": {"treshold": 0.5}}, "did you mean `threshold`"),
    ({"decision": {"threshold": 7}}, "threshold is 7, expected an anomaly_score"),
    ({"seed": "x"}, "seed is 'x'"),
]


@pytest.mark.parametrize(("arguments", "message"), UNKNOWN, ids=str)
def test_a_wrong_argument_is_a_value_error_that_says_what_is_allowed(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        StreamingService(**arguments)
    assert isinstance(error.value, ConfigError)


def test_wrong_samples_are_told_and_change_nothing() -> None:
    service, other = StreamingService(algorithm="zscore"), StreamingService(algorithm="zscore")
    service.sync.process_batch(rows()[:100])
    other.sync.process_batch(rows()[:100])
    for wrong in (
        [1.0],
        [1.0, 2.0, 3.0, 4.0],
        "abc",
        [1.0, "x", 2.0],
        [[1.0, 2.0, 3.0]] * 2,
        object(),
        np.array([1, 2, "x"], dtype=object),
    ):
        with pytest.raises(InputError):
            service.sync.process_sample(wrong)
    for wrong, message in (
        ({"timestamps": [1.0]}, "1 timestamps came for 3 rows"),
        ({"labels": [True]}, "1 labels"),
        ({"sources": []}, "0 sources"),
    ):
        with pytest.raises(InputError, match=message):
            service.sync.process_batch(rows()[:3], **wrong)
    with pytest.raises(InputError, match="could count seconds or milliseconds"):
        service.sync.process_sample([1.0, 2.0, 3.0], timestamp=5e10)
    with pytest.raises(InputError, match="ISO 8601"):
        service.sync.process_sample([1.0, 2.0, 3.0], timestamp="yesterday")
    assert without_time(service.sync.process_batch(rows())) == without_time(other.sync.process_batch(rows()))
    assert service.sync.process_batch([]) == [] and service.sync.process_batch(np.empty((0, 3))) == []


def test_seconds_and_rates_in_time_need_timestamps() -> None:
    with pytest.raises(InputError, match="window_unit is seconds"):
        StreamingService(window_unit="seconds").sync.process_sample([1.0])
    with pytest.raises(InputError, match="keeps a rate in time"):
        StreamingService(decision={"rate": "2 a day"}).sync.process_sample([1.0])


def test_a_time_may_be_written_in_many_ways() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    ways = [
        moment,
        moment.timestamp(),
        "2026-01-02T03:04:05Z",
        np.datetime64("2026-01-02T03:04:05"),
        moment.timestamp() * 1e3,
        "1767323045",
    ]
    service = StreamingService(window_unit="seconds", window_size=60)
    for way in ways:
        service.sync.process_sample([1.0], way)
    assert service.current_window_size == len(ways)


def test_timestamps_that_go_back_are_late_and_do_no_harm() -> None:
    for variant in ({}, {"window_unit": "seconds", "window_size": 600}, {"algorithm": "seasonal"}):
        service = StreamingService(**variant)
        data = rows(0.0)
        times = [time - (86_400 if i % 50 == 7 else 0) for i, time in enumerate(TIMES)]
        results = service.sync.process_batch(data, times)
        assert results[800].is_anomaly and sum(result.is_anomaly for result in results) < 300


def test_missing_values_and_rows_are_judged() -> None:
    service = StreamingService(algorithm="zscore", contamination=0.01)
    data = rows(0.0)
    data[100:120, 1] = np.nan
    data[500] = np.nan
    results = service.sync.process_batch(data)
    assert results[500].score is None and results[110].score is not None and results[800].is_anomaly
    assert service.sync.process_sample({"a": 1.0, "b": None, "c": 0.0}).score >= 0.0


def test_windows_fill_slide_tumble_and_are_emptied() -> None:
    sliding = StreamingService(algorithm="zscore", window_size=100)
    tumbling = StreamingService(algorithm="zscore", window_size=100, window_type="tumbling")
    seconds = StreamingService(algorithm="zscore", window_size=150, window_unit="seconds")
    for i, row in enumerate(rows()[:250]):
        for service in (sliding, tumbling, seconds):
            service.sync.process_sample(row, TIMES[i])
    assert (sliding.current_window_size, tumbling.current_window_size, seconds.current_window_size) == (100, 50, 10)
    stats = sliding.get_window_stats()
    assert stats["size"] == 100 and 0.0 <= stats["anomaly_rate"] <= 1.0 and 0.0 < stats["avg_score"] < 1.0
    assert stats["anomaly_rate"] == sliding.get_recent_anomaly_rate()
    assert [result.sample_count for result in sliding.sync.process_window()] == list(range(151, 251))
    sliding.clear_window()
    assert sliding.get_window_stats() == {"size": 0, "anomaly_rate": 0.0, "avg_score": 0.0} and sliding.samples_processed == 250
    with pytest.raises(InputError, match="unknown source 'x'"):
        sliding.get_window_stats("x")


def test_statistics_of_windows_see_what_no_row_shows() -> None:
    rng = np.random.default_rng(2)
    quiet = rng.normal(size=(2_000, 1))
    quiet[1_500:1_600] *= 0.05
    by_rows = StreamingService(algorithm="zscore", contamination=0.02).sync.process_batch(quiet)
    windows = StreamingService(
        algorithm="robust_zscore", contamination=0.02, aggregation="statistics", window_type="tumbling", window_size=25
    ).sync.process_batch(quiet)
    assert not any(result.is_anomaly for result in by_rows[1_500:1_600])
    assert any(result.is_anomaly for result in windows[1_500:1_601])


def test_what_is_learned_together_is_learned_at_the_end_of_the_slide() -> None:
    service = StreamingService(algorithm="copod", slide_interval=200, window_size=400)
    results = service.sync.process_batch(rows(0.0)[:450])
    # Until there is something to judge by every sample is learned at once: a warm-up is a few dozen samples, whatever the slide.
    assert all(result.warming_up for result in results[:30]) and not any(result.warming_up for result in results[60:])
    learned = [service.sync.process_sample([9.0, 9.0, 9.0]).score for _ in range(100)]
    assert len(set(learned)) <= 2


def test_contamination_can_be_changed() -> None:
    service = StreamingService(algorithm="zscore", contamination=0.01)
    first = sum(result.is_anomaly for result in service.sync.process_batch(rows(0.0)))
    service.adjust_contamination(0.3)
    assert service.contamination == 0.3
    assert sum(result.is_anomaly for result in service.sync.process_batch(rows(0.0))) > 10 * first
    with pytest.raises(ConfigError, match=r"contamination is 0\.7"):
        service.adjust_contamination(0.7)


def test_models_can_be_fitted_anew_and_taught_more() -> None:
    service = StreamingService(algorithm="zscore", contamination=0.01)
    service.sync.process_batch(rows(0.0))
    assert service.sync.process_sample([30.0, 30.0, 30.0]).is_anomaly
    service.sync.retrain_model(rows(0.0) + 30.0)
    assert not service.sync.process_sample([30.0, 30.0, 30.0]).is_anomaly
    assert service.samples_processed == 1_502
    fresh = StreamingService(algorithm="zscore", contamination=0.01)
    fresh.sync.partial_fit(rows(0.0))
    assert fresh.samples_processed == 0 and not fresh.sync.process_sample([0.0, 0.0, 0.0]).warming_up
    with pytest.raises(InputError, match="no rows"):
        service.sync.retrain_model([])


def test_recent_data_come_with_and_without_anomalies() -> None:
    service = StreamingService(algorithm="zscore", contamination=0.01, max_memory_samples=1_000)
    data = rows(0.0)
    results = service.sync.process_batch(data)
    assert np.array_equal(service.sync.get_recent_data(10), data[-10:])
    assert len(service.sync.get_recent_data(5_000)) == 1_000
    normal = service.sync.get_recent_data(1_000, anomaly_filter=True)
    assert len(normal) == 1_000 - sum(result.is_anomaly for result in results[-1_000:])
    assert not (normal == 9.0).any()
    service.reset_statistics()
    assert service.samples_processed == 0 and len(service.sync.get_recent_data()) == 0
    assert not service.sync.process_sample([0.0, 0.0, 0.0]).warming_up


def test_after_a_drift_only_what_came_since_is_normal() -> None:
    def is_old_normal_strange(**arguments: Any) -> bool:
        service = StreamingService(algorithm="zscore", contamination=0.02, **arguments)
        assert not service.sync.process_batch(rows(8.0))[-1].warming_up
        return service.sync.process_sample([0.0, 0.0, 0.0]).is_anomaly

    assert is_old_normal_strange(drift_detection=True, auto_retrain=True, retrain_threshold=100_000)
    assert not is_old_normal_strange()


def test_sources_are_learned_each_for_itself() -> None:
    data = rows(0.0)
    together = StreamingService(algorithm="zscore", contamination=0.02, num_workers=3)
    sources = ["cold" if i % 2 else "hot" for i in range(len(data))]
    shifted = data + np.array([[100.0 if source == "hot" else 0.0] for source in sources])
    results = together.sync.process_batch(shifted, sources=sources)
    cold = StreamingService(algorithm="zscore", contamination=0.02)
    alone = [cold.sync.process_sample(row, source="cold") for row in data[1::2]]
    assert without_time(results[1::2]) == without_time(alone)
    assert together.sync.process_sample([100.0, 100.0, 100.0], source="cold").is_anomaly
    assert not together.sync.process_sample([100.0, 100.0, 100.0], source="hot").is_anomaly
    assert together.samples_processed == 1_502
    with pytest.raises(InputError, match="source is 7, expected a text"):
        together.sync.process_sample([0.0, 0.0, 0.0], source=7)  # type: ignore[arg-type]


def test_threads_share_a_service() -> None:
    service = StreamingService(algorithm="iforest", drift_detection=True, auto_retrain=True, max_memory_mb=2.0, memory_cleanup_interval=50)
    data = rows()
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for i, row in enumerate(data[:300]):
                service.sync.process_sample(row, TIMES[i], source=f"source-{(number + i) % 3}")
            service.sync.process_batch(data[:200], sources=[f"source-{i % 3}" for i in range(200)])
            service.get_window_stats()
            service.cleanup_memory()
            pickle.dumps(service)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive()
    assert errors == [] and service.samples_processed == 2_000


@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"async_processing": True},
        {"batch_optimization": True, "batch_size": 32},
        {"async_processing": True, "batch_optimization": True, "buffer_size": 16},
        {"async_processing": True, "num_workers": 1},
    ],
    ids=str,
)
async def test_awaited_results_are_those_of_plain_calls_in_the_order_asked(variant: dict[str, Any]) -> None:
    data = rows()[:400]
    expected = StreamingService(algorithm="zscore").sync.process_batch(data)
    with StreamingService(algorithm="zscore", **variant) as service:
        gathered = await asyncio.gather(*(service.process_sample(row) for row in data))
        assert without_time(gathered) == without_time(expected)
        with pytest.raises(InputError):
            await service.process_sample([1.0])
        good, bad = await asyncio.gather(service.process_sample(data[0]), service.process_sample("x"), return_exceptions=True)
        assert isinstance(good, willet.Result) and isinstance(bad, InputError)
        await service.retrain_model(data)
        await service.partial_fit(data)
        assert (await service.get_recent_data(samples=7)).shape == (7, 3)
        assert len(await service.process_window()) == 401
    with StreamingService(algorithm="zscore", **variant) as service:
        assert without_time(await service.process_batch(data)) == without_time(expected)


async def test_the_loop_goes_on_while_threads_compute() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    with StreamingService(algorithm="lof", async_processing=True) as service:
        counting = asyncio.ensure_future(count())
        await service.process_batch(np.random.default_rng(0).normal(size=(5_000, 8)))
        counting.cancel()
    assert turns > 100


async def test_whoever_brings_more_than_the_buffer_holds_waits() -> None:
    service = StreamingService(algorithm="zscore", batch_optimization=True, buffer_size=8, batch_size=4)
    tasks = [asyncio.ensure_future(service.process_sample([float(i)])) for i in range(100)]
    most = 0
    while not all(task.done() for task in tasks):
        most = max([most, *(len(queue._waiting) for queue in service._queues.values())])
        await asyncio.sleep(0)
    assert 0 < most <= 8
    assert [task.result().sample_count for task in tasks] == list(range(1, 101))


class Mean(willet.DriftDetector):
    """A user's own."""

    def __init__(self) -> None:
        self.references: list[int] = []
        self.asked = 0

    def update_reference(self, data: Any) -> None:
        self.references.append(len(data))
        self.mean = data.mean(axis=0)

    def detect_drift(self, current_data: Any) -> bool:
        self.asked += 1
        return bool(np.abs(current_data.mean(axis=0) - self.mean).max() > 1.5)


@pytest.mark.parametrize("adaptation", ["report", "retrain", "incremental"])
def test_a_users_own_drift_detector_is_asked(adaptation: str) -> None:
    detector = Mean()
    service = StreamingService(algorithm="zscore", window_size=200, drift_detector=detector, adaptation=adaptation)
    results = service.sync.process_batch(rows(4.0))
    assert detector.references[0] == 200 and detector.asked >= 5
    assert next(result.sample_count for result in results if result.drift_detected) == 1_000
    assert all(result.drift_magnitude == 1.0 for result in results if result.drift_detected)
    assert len(detector.references) == (1 if adaptation == "report" else 1 + sum(result.drift_detected for result in results))


class Raises(willet.DriftDetector):
    def update_reference(self, data: Any) -> None:
        pass

    def detect_drift(self, current_data: Any) -> bool:
        raise OSError("no disk")


def test_a_drift_detector_that_raises_is_logged_and_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    service = StreamingService(algorithm="zscore", window_size=200, drift_detector=Raises())
    expected = StreamingService(algorithm="zscore", window_size=200)
    with caplog.at_level(logging.ERROR, "willet"), pytest.warns(RuntimeWarning, match="Raises raised OSError"):
        results = service.sync.process_batch(rows())
    assert without_time(results) == without_time(expected.sync.process_batch(rows()))
    assert service.drift_errors == 13 and "no disk" in caplog.text


def test_the_default_sees_drift_and_none_where_neighbours_are_alike() -> None:
    rng = np.random.default_rng(4)
    walk = np.zeros(4_000)
    for i in range(1, 4_000):
        walk[i] = 0.9 * walk[i - 1] + rng.normal()
    service = StreamingService(algorithm="zscore", drift_detection=True, drift_threshold=0.0)
    assert sum(result.drift_detected for result in service.sync.process_batch(walk.reshape(-1, 1))) <= 1
    after = service.sync.process_batch((walk + 12.0).reshape(-1, 1))
    first = next(result for result in after if result.drift_detected)
    assert first.sample_count < 4_500 and 0.0 < first.drift_magnitude <= 1.0
    picky = StreamingService(algorithm="zscore", drift_detection=True, drift_threshold=1.0)
    assert not any(result.drift_detected for result in picky.sync.process_batch(rows(2.0)))


def test_performance_drift_by_labels_that_come_late() -> None:
    detector = willet.PerformanceDriftDetector(metric="accuracy", window_size=200, threshold=0.2)
    service = StreamingService(algorithm="zscore", contamination=0.05, drift_detector=detector)
    found = False
    for i, row in enumerate(rows(0.0)):
        result = service.sync.process_sample(row)
        late = result.sample_count - 20
        if late > 0:
            truth = i > 1_000
            service.add_label(late, truth)
        found = found or result.drift_detected
    assert found
    performance = service.get_performance()
    assert performance["labels"] == 1_480 and 0.4 < performance["accuracy"] < 0.9
    with pytest.raises(InputError, match="only 1500 samples have come"):
        service.add_label(9_999, True)


def test_labels_known_at_once_are_counted() -> None:
    service = StreamingService(algorithm="zscore", contamination=0.01)
    data = rows(0.0)
    service.sync.process_batch(data, labels=[i == 800 for i in range(len(data))])
    performance = service.get_performance()
    assert performance["labels"] == 1_500 and performance["recall"] == 1.0 and performance["accuracy"] > 0.9


def test_configuration_comes_from_files_and_the_environment(tmp_path: Any) -> None:
    file = tmp_path / "streaming.json"
    file.write_text('{"streaming": {"algorithm": "lof", "window_size": 300, "service": {"seed": 4}}}')
    config = StreamingConfig.from_file(file)
    assert (config.algorithm, config.batch_size, config.num_workers, config.max_memory_mb) == ("lof", 100, 4, 1000)
    assert willet.create_streaming_service(config).window_size == 300
    environment = {
        "STREAMING_ALGORITHMS": "hst, zscore",
        "STREAMING_DRIFT_DETECTION": "true",
        "STREAMING_RETRAIN_THRESHOLD": "0.3",
        "REDIS_URL": "redis://localhost",
        "PATH": "/bin",
    }
    config = StreamingConfig.from_env(environment)
    assert config.algorithms == ["hst", "zscore"] and config.drift_detection and config.retrain_threshold == 0.3
    assert config.redis_url == "redis://localhost" and willet.create_streaming_service(config).algorithm == "ensemble"
    for wrong, message in (
        ({"STREAMING_ALGORITM": "lof"}, "did you mean `STREAMING_ALGORITHM`"),
        ({"STREAMING_WINDOW_SIZE": "many"}, "expected a number"),
        ({"STREAMING_AUTO_RETRAIN": "perhaps"}, "expected true or false"),
    ):
        with pytest.raises(ConfigError, match=message):
            StreamingConfig.from_env(wrong)
    with pytest.raises(ConfigError, match="contamination is 3"):
        StreamingConfig(contamination=3)
    with pytest.raises(ConfigError, match="unknown setting `windwo_size`"):
        StreamingConfig(windwo_size=3)
    with pytest.raises(ConfigError, match=r"expected \.json"):
        (tmp_path / "x.ini").write_text("")
        StreamingConfig.from_file(tmp_path / "x.ini")


def test_the_guides_import_paths_are_the_same_classes() -> None:
    from anomaly_detection.domain.interfaces import DriftDetector
    from anomaly_detection.domain.services import StreamingService as Service
    from anomaly_detection.infrastructure.drift import PerformanceDriftDetector, StatisticalDriftDetector

    assert Service is StreamingService and DriftDetector is willet.DriftDetector
    assert StatisticalDriftDetector is willet.StatisticalDriftDetector and PerformanceDriftDetector is willet.PerformanceDriftDetector


def test_observers_get_every_result() -> None:
    service = StreamingService(algorithm="zscore")
    seen: list[int] = []
    service.on_result(lambda result: seen.append(result.sample_count))
    service.sync.process_batch(rows()[:30])
    service.sync.process_sample([0.0, 0.0, 0.0])
    assert seen == list(range(1, 32))


def test_metrics_have_the_guides_names() -> None:
    pytest.importorskip("prometheus_client")
    from prometheus_client import generate_latest
    from willet import _observe

    service = StreamingService(algorithm="zscore", drift_detection=True, auto_retrain=True, contamination=0.02)
    registry = _observe.count(service)
    results = service.sync.process_batch(rows(6.0))
    text = generate_latest(registry).decode()
    assert 'anomaly_detection_samples_processed_total{algorithm="zscore"} 1500.0' in text
    sure = [result.confidence > 0.8 for result in results if result.is_anomaly]
    levels = {level: count for level, count in {"high": sum(sure), "low": len(sure) - sum(sure)}.items() if count}
    assert levels
    for level, count in levels.items():
        line = f'anomaly_detection_anomalies_detected_total{{algorithm="zscore",confidence_level="{level}"}} {float(count)}'
        assert line in text
    assert 'anomaly_detection_processing_duration_seconds_count{algorithm="zscore"} 1500.0' in text
    assert 'anomaly_detection_model_retrains_total{algorithm="zscore",reason="drift"}' in text
    assert 'anomaly_detection_window_size{algorithm="zscore"} 1000.0' in text


def test_nothing_warns_by_itself() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        StreamingService(algorithm="zscore", aggregation="statistics", window_size=10).sync.process_batch(np.full((50, 2), np.nan))


@pytest.mark.parametrize("together", [False, True])
async def test_features_are_known_by_name_whatever_their_order(together: bool, rng: np.random.Generator) -> None:
    data = rng.normal(loc=[20.0, 100.0], size=(300, 2))
    named = StreamingService(algorithm="zscore", contamination=0.02, batch_optimization=together)
    plain = StreamingService(algorithm="zscore", contamination=0.02)
    for at, (temp, load) in enumerate(data):
        sample = {"temp": temp, "load": load} if at % 2 == 0 else {"load": load, "temp": temp}
        assert (await named.process_sample(sample)).score == pytest.approx(plain.sync.process_sample([temp, load]).score)
    result = await named.process_sample({"load": 100.0, "temp": 90.0})
    assert (
        result.is_anomaly and result.reason is not None and max(result.reason["contributions"].items(), key=lambda it: it[1])[0] == "temp"
    )
    # What is not there is missing; what was never there is a mistake, and changes nothing.
    assert not (await named.process_sample({"load": 100.0})).is_anomaly
    with pytest.raises(InputError, match=r"feature `temq` that those before had not \(did you mean `temp`\?\)"):
        await named.process_sample({"load": 100.0, "temq": 20.0})
    assert named.samples_processed == 302


async def test_columns_of_frames_are_known_by_name(rng: np.random.Generator) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(rng.normal(loc=[20.0, 100.0], size=(400, 2)), columns=["temp", "load"])
    turned = frame[["load", "temp"]]
    service, other = (StreamingService(algorithm="zscore", contamination=0.02) for _ in range(2))
    expected = service.sync.process_batch(frame)
    other.sync.process_batch(frame[:200])
    assert without_time(await other.process_batch(turned[200:])) == without_time(expected[200:])
    by_source = other.sync.process_batch(turned, sources=["a", "b"] * 200)
    assert (
        len(by_source) == 400 and other.sync.process_sample({"temp": 90.0, "load": 100.0}, source="a").reason["contributions"]["temp"] > 0.5
    )
    statistics = StreamingService(algorithm="zscore", aggregation="statistics", window_size=20, contamination=0.02)
    statistics.sync.process_batch(frame)
    frame.loc[:, "temp"] += 30
    reasons = [result.reason for result in statistics.sync.process_batch(frame) if result.reason]
    assert reasons and "mean of temp" in reasons[0]["contributions"]


async def test_batches_may_be_lists_of_dicts() -> None:
    data = [{"temp": 20.0 + i % 3, "load": float(i % 7)} for i in range(300)]
    service, other = (StreamingService(algorithm="zscore", contamination=0.02) for _ in range(2))
    expected = service.sync.process_batch([list(row.values()) for row in data])
    turned = [dict(reversed(row.items())) if i % 2 else row for i, row in enumerate(data)]
    assert without_time(await other.process_batch(turned)) == without_time(expected)
    result = (await other.process_batch([{"load": 3.0}, {"temp": 90.0, "load": 3.0}]))[1]
    assert result.reason is not None and result.reason["contributions"]["temp"] > 0.5
    with pytest.raises(InputError, match="did you mean `temp`"):
        other.sync.process_batch([{"tempp": 20.0}])
