"""Each setting about memory does what it says."""

from __future__ import annotations

import tempfile
import threading
from typing import Any

import numpy as np
import pytest
from conftest import without_time
from willet import StreamingService


def rows(count: int = 1_500, width: int = 3) -> np.ndarray[Any, Any]:
    made = np.random.default_rng(0).normal(size=(count, width))
    made[800] = 9.0
    return made


TIMES = [1_767_225_600 + 15 * i for i in range(1_500)]


def test_memory_is_told() -> None:
    service = StreamingService(algorithm="iforest")
    service.sync.process_batch(rows())
    stats = service.get_memory_stats()
    assert stats["sample_count"] == 1_500 and 0 < stats["model_size_mb"] < stats["memory_mb"] == service.get_memory_usage()


def test_no_more_than_max_memory_samples_are_kept() -> None:
    service = StreamingService(algorithm="zscore", window_size=200, max_memory_samples=300)
    data, usages = rows(), []
    for at in range(0, 1_500, 100):
        service.sync.process_batch(data[at : at + 100])
        usages.append(service.get_memory_usage())
    assert service.get_memory_stats()["sample_count"] == 300
    assert np.array_equal(service.sync.get_recent_data(samples=1_000), data[-300:])
    # A further way of running may be learned; what comes is not kept.
    assert max(usages[3:]) - usages[3] < 0.003, "grows no more"


@pytest.mark.parametrize("together", [1, 70, 1_500])
def test_memory_is_looked_at_every_memory_cleanup_interval(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    service = StreamingService(algorithm="zscore", memory_cleanup_interval=400)
    looks: list[int] = []
    monkeypatch.setattr(service, "cleanup_memory", lambda: looks.append(service.samples_processed))
    for at in range(0, 1_500, together):
        service.sync.process_batch(rows()[at : at + together])
    assert looks == [400, 800, 1_200]


def test_a_cleanup_gives_back_room_that_holds_nothing() -> None:
    service = StreamingService(algorithm="zscore", memory_cleanup_interval=100, lazy_loading=False)
    service.sync.process_batch(rows())
    [stream] = service._streams.values()
    assert stream.history is not None
    stream.history.bound(5)
    stream.history.capacity = 10_000
    stream.history._move(2_000)
    before = service.get_memory_usage()
    service.sync.process_batch(rows()[:100])
    assert service.get_memory_usage() < before / 2


@pytest.mark.parametrize("width", [1, 4, 30])
@pytest.mark.parametrize("times", [None, TIMES])
def test_compressed_samples_take_30_percent_less_and_verdicts_are_the_same(width: int, times: list[int] | None) -> None:
    plain, small = (StreamingService(algorithm="ecod", contamination=0.05, sample_compression=it) for it in (False, True))
    data = rows(width=width)
    assert without_time(plain.sync.process_batch(data, times)) == without_time(small.sync.process_batch(data, times))

    def of_samples(service: StreamingService) -> float:
        stats = service.get_memory_stats()
        return stats["memory_mb"] - stats["model_size_mb"]

    assert of_samples(small) <= 0.7 * of_samples(plain) + 1e-12
    assert np.allclose(small.sync.get_recent_data(samples=1_500), data, rtol=1e-6)
    kept = [service.sync.get_recent_data(samples=1_500, anomaly_filter=True) for service in (plain, small)]
    assert len(kept[0]) == len(kept[1]) < 1_500
    stats = [service.get_window_stats() for service in (plain, small)]
    assert stats[0] == pytest.approx(stats[1], abs=1e-3) and stats[0]["anomaly_rate"] == stats[1]["anomaly_rate"] > 0


def test_nothing_is_made_before_the_first_sample_and_recent_samples_lie_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[Any] = []
    make = tempfile.NamedTemporaryFile
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", lambda **more: files.append(make(**more)) or files[-1])
    threads = threading.active_count()
    lazy = StreamingService(algorithm="zscore", lazy_loading=True, async_processing=True)
    assert (files, lazy.get_memory_usage(), lazy.current_window_size, threading.active_count()) == ([], 0.0, 0, threads)
    assert lazy.get_memory_stats() == {"memory_mb": 0.0, "sample_count": 0, "model_size_mb": 0.0}
    lazy.sync.process_sample([1.0, 2.0, 3.0])
    assert len(files) == 1 and lazy.get_memory_usage() > 0
    plain = StreamingService(algorithm="zscore")
    plain.sync.process_sample([1.0, 2.0, 3.0])
    for service in (lazy, plain):
        service.sync.process_batch(rows())
    # Of a row of three values it is these that lie elsewhere.
    assert lazy.get_memory_usage() < plain.get_memory_usage() - 1_500 * 3 * 8 / 2**20
    assert np.array_equal(lazy.sync.get_recent_data(), plain.sync.get_recent_data())


@pytest.mark.parametrize("algorithm", ["iforest", "lof", "ocsvm", "copod", "zscore"])
@pytest.mark.parametrize("sources", [1, 3])
def test_max_memory_mb_is_held_with_every_sample(algorithm: str, sources: int) -> None:
    data = rows(1_200, 6)
    names = [f"pump-{at % sources}" for at in range(len(data))]
    free = StreamingService(algorithm=algorithm)
    free.sync.process_batch(data, sources=names)
    limit = 0.6 * free.get_memory_usage()
    held = StreamingService(algorithm=algorithm, max_memory_mb=limit)
    for row, name in zip(data, names, strict=True):
        result = held.sync.process_sample(row, source=name)
        assert held.get_memory_usage() <= limit
    assert not result.warming_up and held.get_memory_usage() > 0.05 * limit


def test_models_made_later_keep_to_the_limit_too() -> None:
    service = StreamingService(algorithm="iforest", max_memory_mb=0.3, auto_retrain=True, retrain_threshold=200)
    for row in rows(width=6):
        service.sync.process_sample(row)
        assert service.get_memory_usage() <= 0.3


def test_a_limit_that_no_model_keeps_to_is_told() -> None:
    service = StreamingService(algorithm="zscore", max_memory_mb=1e-6, memory_cleanup_interval=10)
    with pytest.warns(ResourceWarning, match="the smallest model takes"):
        assert len(service.sync.process_batch(rows()[:20])) == 20


def test_any_number_of_workers_says_the_same() -> None:
    data, sources = rows(), [f"pump-{i % 5}" for i in range(1_500)]
    one, many = (StreamingService(algorithm="hst", num_workers=number) for number in (1, 4))
    expected = without_time(one.sync.process_batch(data, sources=sources))
    assert without_time(many.sync.process_batch(data, sources=sources)) == expected
