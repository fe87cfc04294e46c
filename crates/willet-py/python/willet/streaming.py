"""The streaming service: samples in, verdicts out, learned as they come.

:class:`StreamingService` is made of keyword arguments, :func:`create_streaming_service` of a :class:`StreamingConfig` that may come from
a file or the environment. Each method that takes samples is there twice: ``await service.process_sample(x)`` and, without an event
loop, ``service.sync.process_sample(x)``.
"""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from . import _judging, _learning, _memory, _options, _windows
from ._arrays import as_row, as_table
from ._config import StreamingConfig
from ._detector import as_seed, as_settings
from ._errors import ConfigError, InputError
from ._queue import Queue
from ._stream import Result, Stream
from ._sync import SyncService
from ._willet import Series
from .drift import DriftDetector, PerformanceDriftDetector

__all__ = ["Result", "StreamingConfig", "StreamingService", "SyncService", "create_streaming_service"]

Floats = npt.NDArray[np.float64]
T = TypeVar("T")


class StreamingService:
    """Judges samples as they come, learns them, watches for drift.

    Every source (``source=`` of a sample) is a series of its own: what is normal is learned for each by itself. Threads may share a
    service; samples of one source take turns, those of different sources do not wait for each other. Verdicts are those that willet's
    server gives for the same samples, keys, seed and settings.

    Parameters
    ----------
    algorithm
        ``iforest``, ``lof``, ``copod``, ``ocsvm``, ``hbos``, ``autoencoder``, ``ensemble``, ``auto`` or any other of ``willet.kinds()``.
    algorithms
        Members of the ensemble: names, or names with their settings. Makes ``algorithm`` an ``ensemble``.
    contamination
        Share of samples expected to be anomalies, above 0 and below 0.5: so many are flagged.
    n_estimators
        Number of trees, of algorithms that have any.
    settings
        Other settings of the algorithm, by name.
    window_size
        Samples, or seconds, that normal is learned from and statistics are taken over.
    window_type
        ``sliding``, or ``tumbling``: the window is emptied when it is full, and learned as a whole then.
    slide_interval
        Samples, or seconds, by which a sliding window moves: what came since then is learned together.
    aggregation
        ``features``: the detector sees each sample. ``statistics``: it sees mean, deviation, minimum and maximum of each feature over the
        window, whenever the window has moved; samples in between have the score of the last step and are not flagged.
    window_unit
        ``samples``, or ``seconds``: then samples need timestamps, and the model is fitted anew on the window whenever it has moved.
    update_frequency
        Samples in which a forest is renewed once. An algorithm that learns every sample does so, which is fresher, unless another number
        than 100 is given: then it learns so many together. Those that read samples as steps in time learn every one.
    auto_retrain, retrain_threshold
        Fit anew on recent normal samples after so many samples, or (below 1) when the recent share of anomalies is higher.
    drift_detection, drift_threshold, drift_detector
        Watch for drift, with a test of willet's own that knows that neighbours are alike, or the detector given; changes of a magnitude
        below the threshold are left alone (a detector that names no magnitude decides by itself). A detector that raises is logged,
        counted in ``drift_errors``, and asked again next time.
    adaptation
        What a drift leads to: ``retrain`` (fit anew on recent normal samples), ``incremental`` (go on learning, contamination set to the
        recent rate), ``switch`` (of an ensemble, answer by the member that agreed best lately), ``report``. Default: ``retrain`` with
        ``auto_retrain``, else ``report``; an ensemble under ``switch`` answers by its best member from the start.
    max_memory_samples
        Recent samples kept of each source; at least the window. Default: 10,000 or the window.
    memory_cleanup_interval
        Samples after which all memory is looked at: room that holds nothing is given back, and ``max_memory_mb`` checked to the byte.
    sample_compression
        Keep recent samples as 32-bit numbers, their scores as 16-bit: 30 to 50 % less memory for them, 7 and 3 digits. Verdicts do not
        change.
    lazy_loading
        Keep recent samples in a temporary file that is read only where they are asked for. Nothing is made before the first sample.
    max_memory_mb
        Most memory to use. Recent samples go first, then windows and trees are halved, for good; then whole sources, the first first.
        Where less than 8 MB are left it is looked at after each sample, which batches are slower for.
    async_processing
        Compute in threads, so that the event loop goes on meanwhile.
    buffer_size
        Samples that may wait to be computed; whoever brings one more waits.
    batch_size, batch_optimization
        Rows computed in one go; with ``batch_optimization`` samples that wait at the same time are.
    num_workers
        Threads; samples of different sources are computed side by side.
    decision
        What else decides: ``direction``, ``ignore_absolute``, ``ignore_relative``, ``consecutive``, ``data_range``; or ``threshold`` or
        ``rate`` in the place of ``contamination``.
    seed
        The same seed and samples give the same verdicts.

    Examples
    --------
    >>> service = StreamingService(algorithm="zscore", contamination=0.02)
    >>> for i in range(500):
    ...     result = service.sync.process_sample([20.0 + i % 3, 1.0 + i % 5])
    >>> result = service.sync.process_sample([95.0, 2.0])
    >>> result.is_anomaly, result.reason["anomaly_type"], result.sample_count
    (True, 'spike', 501)
    """

    def __init__(
        self,
        *,
        algorithm: str = "iforest",
        algorithms: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
        contamination: float = 0.1,
        n_estimators: int | None = None,
        settings: Mapping[str, Any] | None = None,
        window_size: int = 1000,
        window_type: str = "sliding",
        slide_interval: int | None = None,
        aggregation: str = "features",
        window_unit: str = "samples",
        update_frequency: int = 100,
        auto_retrain: bool = False,
        retrain_threshold: float = 1000,
        drift_detection: bool = False,
        drift_threshold: float = 0.1,
        drift_detector: DriftDetector | None = None,
        adaptation: str | None = None,
        max_memory_samples: int | None = None,
        memory_cleanup_interval: int = 1000,
        sample_compression: bool = False,
        lazy_loading: bool = False,
        max_memory_mb: float | None = None,
        async_processing: bool = False,
        buffer_size: int = 1000,
        batch_size: int = 100,
        batch_optimization: bool = False,
        num_workers: int = 4,
        decision: Mapping[str, Any] | None = None,
        seed: int = 0,
        **unknown: Any,
    ) -> None:
        arguments = {name: value for name, value in locals().items() if name not in ("self", "unknown", "__class__")}
        _options.refuse_unknown("argument", unknown, list(arguments))
        options = _options.check(arguments)
        self.algorithm: str = options["algorithm"]
        self.window_size: int = options["window_size"]
        self.contamination: float = options["contamination"]
        self.n_estimators: int | None = options["n_estimators"]
        self._options = options
        self._lock = threading.RLock()
        self._streams: dict[str | None, Stream] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._queues: dict[asyncio.AbstractEventLoop, Queue] = {}
        self._contamination: float | None = None
        #: How often recent samples and models were cut down for the limit of memory; bytes held then; whether nothing is left to cut.
        self._thrift = self._held = 0
        self._is_smallest = False
        self._observers: list[Callable[[Result], None]] = []
        #: Called with the reason when a model was fitted anew.
        self._retrained: Callable[[str], None] | None = None
        #: The same methods without an event loop.
        self.sync = SyncService(self)
        # Settings that cannot be are refused here, not with the first sample.
        self._make(None, 4 if options["aggregation"] == "statistics" else 1)
        if drift_detector is not None:
            self._pristine = _copy(drift_detector)

    # Made and told

    def _decision(self) -> dict[str, Any]:
        decision = dict(self._options["decision"])
        if self._contamination is not None:
            decision = {name: value for name, value in decision.items() if name not in ("threshold", "rate")}
            decision["contamination"] = self._contamination
        return decision

    def _make(self, stream: Stream | None, width: int) -> Series:
        options = self._options
        settings = _options.halved(options["detector"], max(0, self._thrift - 1))
        return Series(
            options["algorithm"],
            width,
            as_settings(settings),
            seed=as_seed(options["seed"]),
            names=None if stream is None else _names_of(stream, width),
            key="" if stream is None else stream.key or "",
            decision=self._decision(),
            learn_every=options["learn_every"],
        )

    def _stream(self, source: str | None) -> Stream:
        stream = self._streams.get(source)
        if stream is not None:
            return stream
        with self._lock:
            if source not in self._streams:
                if source is not None and not isinstance(source, str):
                    raise InputError(f"source is {source!r}, expected a text")
                detector = self._options["drift_detector"]
                if detector is not None and self._streams:
                    detector = copy.deepcopy(self._pristine)
                self._streams[source] = Stream(source, detector)
            return self._streams[source]

    @property
    def samples_processed(self) -> int:
        """Samples of all sources."""
        return sum(stream.samples for stream in list(self._streams.values()))

    @property
    def current_window_size(self) -> int:
        """Samples in the window, of all sources."""
        return sum(stream.window for stream in list(self._streams.values()))

    @property
    def drift_errors(self) -> int:
        """How often a drift detector has raised."""
        return sum(stream.drift_errors for stream in list(self._streams.values()))

    def on_result(self, observer: Callable[[Result], None]) -> None:
        """Have a function called with each result, in the order of the samples of a source."""
        self._observers.append(observer)

    def about(self, source: str | None = None) -> str | None:
        """What the detector of a source found out or chose, in words."""
        stream = self._streams.get(source)
        return stream.series.about() if stream is not None and stream.series is not None else None

    # Samples

    async def process_sample(self, x: Any, timestamp: Any = None, label: bool | None = None, source: str | None = None) -> Result:
        """Judge a sample, then learn it.

        Parameters
        ----------
        x
            Its features: a list, an array, or a dict of numbers by name; ``nan`` and ``None`` are missing, and so is what a dict does
            not have. Names are those of the source's first sample; reasons speak of features by them.
        timestamp
            Its time: epoch number, ``datetime`` or ISO 8601.
        label
            Whether it truly is an anomaly, if that is known already.
        source
            Where it comes from.
        """
        options = self._options
        if not (options["async_processing"] or options["batch_optimization"]):
            return self._sample(x, timestamp, label, source)
        loop = asyncio.get_running_loop()
        with self._lock:
            queue = self._queues.get(loop)
            if queue is None:
                self._queues = {old: queue for old, queue in self._queues.items() if not old.is_closed()}
                queue = self._queues[loop] = Queue(self)
        return await queue.put((x, timestamp, label, source))

    async def process_batch(
        self,
        rows: Any,
        timestamps: Iterable[Any] | None = None,
        labels: Iterable[bool | None] | None = None,
        sources: Iterable[str | None] | None = None,
    ) -> list[Result]:
        """Judge and learn rows one after the other; a result for each. Frames and lists of dicts are known by their names."""
        if self._options["async_processing"]:
            work = asyncio.get_running_loop().run_in_executor(self._workers(), self._batch, rows, timestamps, labels, sources)
            return await work
        if sources is not None:
            return self._batch(rows, timestamps, labels, sources)
        names, table = as_table(rows)
        times = None if timestamps is None else list(timestamps)
        truths = None if labels is None else list(labels)
        _same_length(table, timestamps=times, labels=truths)
        results: list[Result] = []
        size = self._options["batch_size"]
        for at in range(0, len(table), size):
            part = slice(at, at + size)
            results += self._batch(table[part], times and times[part], truths and truths[part], None, names)
            # Others on the loop get their turn between batches.
            await asyncio.sleep(0)
        return results

    def _row(self, x: Any, source: str | None) -> Floats:
        return as_row(self._stream(source).row(x) if isinstance(x, Mapping) else x)

    def _sample(self, x: Any, timestamp: Any, label: bool | None, source: str | None) -> Result:
        row = self._row(x, source)
        times = None if timestamp is None else [timestamp]
        return _judging.take(self, self._stream(source), row.reshape(1, -1), times, None if label is None else [label])[0]

    def _batch(
        self,
        rows: Any,
        timestamps: Iterable[Any] | None,
        labels: Iterable[bool | None] | None,
        sources: Iterable[str | None] | None,
        names: Sequence[Any] | None = None,
    ) -> list[Result]:
        found, table = as_table(rows)
        names = found if names is None else names
        times = None if timestamps is None else list(timestamps)
        truths = None if labels is None else list(labels)
        keys = None if sources is None else list(sources)
        _same_length(table, timestamps=times, labels=truths, sources=keys)
        if keys is None:
            stream = self._stream(None)
            return _judging.take(self, stream, stream.in_order(table, names), times, truths)
        places: dict[str | None, list[int]] = {}
        for place, key in enumerate(keys):
            places.setdefault(key, []).append(place)

        def take(key: str | None) -> list[Result]:
            at = places[key]
            stream = self._stream(key)
            return _judging.take(
                self,
                stream,
                stream.in_order(np.ascontiguousarray(table[at]), names),
                None if times is None else [times[place] for place in at],
                None if truths is None else [truths[place] for place in at],
            )

        by_source: Iterable[list[Result]]
        if len(places) > 1 and self._options["num_workers"] > 1:
            # A pool of its own: this may run on a thread of the other one.
            with ThreadPoolExecutor(self._options["num_workers"], thread_name_prefix="willet") as pool:
                by_source = list(pool.map(take, places))
        else:
            by_source = map(take, places)
        results: list[Any] = [None] * len(table)
        for at, of_source in zip(places.values(), by_source, strict=True):
            for place, result in zip(at, of_source, strict=True):
                results[place] = result
        return cast("list[Result]", results)

    def _workers(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._options["num_workers"], thread_name_prefix="willet")
            return self._pool

    # Windows

    # Drift

    # Windows and models, by hand

    def get_window_stats(self, source: str | None = None) -> dict[str, float]:
        """``size``, ``anomaly_rate`` and ``avg_score`` of the current window; of all sources, or the one named."""
        return _windows.stats(self, source)

    def _known(self, source: str | None) -> Stream:
        stream = self._streams.get(source)
        if stream is None:
            known = [str(key) for key in self._streams]
            raise InputError(f"unknown source {source!r}{_options.hint(str(source), known) if known else ' (no sample has come yet)'}")
        return stream

    async def process_window(self, source: str | None = None) -> list[Result]:
        """Learn now what waits to be learned, and judge the current window anew; a result for each of its samples."""
        return await self._offload(lambda: _windows.judge_again(self, source))

    def clear_window(self, source: str | None = None) -> None:
        """Empty the current window; of all sources, or the one named. What was learned stays."""
        for stream in list(self._streams.values()) if source is None else [self._known(source)]:
            with stream.lock:
                stream.window = 0
                stream.step = None

    async def retrain_model(self, data: Any, source: str | None = None) -> None:
        """Fit anew on rows; recent samples and statistics stay."""
        await self._offload(lambda: _learning.retrain_on(self, data, source))

    async def partial_fit(self, data: Any, source: str | None = None) -> None:
        """Learn more rows; they count as history, not as samples."""
        await self._offload(lambda: _learning.learn_more(self, data, source))

    async def get_recent_data(self, samples: int = 1000, anomaly_filter: bool = False, source: str | None = None) -> Floats:
        """The newest rows, oldest first; with the filter only those not judged anomalous."""
        return await self._offload(lambda: _learning.recent(self, samples, anomaly_filter, source))

    async def _offload(self, work: Callable[[], T]) -> T:
        if self._options["async_processing"]:
            return await asyncio.get_running_loop().run_in_executor(self._workers(), work)
        return work()

    def get_recent_anomaly_rate(self, source: str | None = None) -> float:
        """Share of anomalies in the current window."""
        return self.get_window_stats(source)["anomaly_rate"]

    def adjust_contamination(self, rate: float) -> None:
        """Expect another share of anomalies from now on; what was learned stays."""
        rate = _options.contamination(rate)
        with self._lock:
            self._contamination = self.contamination = rate
            for stream in list(self._streams.values()):
                if stream.series is not None:
                    stream.series.decide_by(self._decision())

    def reset_statistics(self) -> None:
        """Start counts, windows and recent samples anew; what was learned stays."""
        for stream in list(self._streams.values()):
            with stream.lock:
                stream.window = stream.samples = stream.retrained = stream.cleaned = stream.since = stream.look = 0
                stream.renew = None
                stream.confusion = [0, 0, 0, 0]
                stream.last = stream.step = None
                if stream.history is not None:
                    stream.history.clear()

    def add_label(self, sample_count: int, label: bool, source: str | None = None) -> None:
        """Say of an earlier sample (its result's ``sample_count``) whether it truly was an anomaly."""
        stream = self._known(source)
        number = _options.whole("sample_count", sample_count, 1)
        with stream.lock:
            if number > stream.samples:
                raise InputError(f"sample_count is {number}, but only {stream.samples} samples have come")
            if isinstance(stream.drift, PerformanceDriftDetector) and stream.drift.metric != "anomaly_rate":
                stream.drift.add_label(number - 1, label)
            history, back = stream.history, stream.samples - number + 1
            if history is not None and back <= len(history):
                flag = bool(history.last(back)[1][0])
                stream.confusion[(0 if label else 1) if flag else (2 if label else 3)] += 1

    def get_performance(self, source: str | None = None) -> dict[str, float]:
        """``accuracy``, ``precision``, ``recall`` and ``f1`` over the samples that have labels, and their number as ``labels``."""
        streams = list(self._streams.values()) if source is None else [self._known(source)]
        both, judged, labelled, neither = (sum(counts) for counts in zip([0, 0, 0, 0], *(it.confusion for it in streams), strict=True))
        total = both + judged + labelled + neither

        def share(part: int, whole: int) -> float:
            return part / whole if whole else float("nan")

        return {
            "labels": total,
            "accuracy": share(both + neither, total),
            "precision": share(both, both + judged),
            "recall": share(both, both + labelled),
            "f1": share(2 * both, 2 * both + judged + labelled),
        }

    # Memory

    def get_memory_usage(self) -> float:
        """Megabytes held by models and recent samples."""
        return (_memory.model_bytes(self) + _memory.history_bytes(self)) / 2**20

    def get_memory_stats(self) -> dict[str, float]:
        """``memory_mb`` in all, ``sample_count`` of recent samples kept, ``model_size_mb`` of the models."""
        streams = list(self._streams.values())
        return {
            "memory_mb": self.get_memory_usage(),
            "sample_count": sum(len(stream.history) for stream in streams if stream.history is not None),
            "model_size_mb": _memory.model_bytes(self) / 2**20,
        }

    def cleanup_memory(self) -> None:
        """Give back what is not needed, and come under ``max_memory_mb`` where one is set."""
        _memory.cleanup(self)

    def close(self) -> None:
        """End the threads; the service may still be used."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def __enter__(self) -> StreamingService:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        for name in ("_lock", "_pool", "_queues", "_observers", "_retrained", "sync"):
            state.pop(name)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()
        self._pool = None
        self._queues = {}
        self._observers = []
        self._retrained = None
        self.sync = SyncService(self)

    def __repr__(self) -> str:
        return f"StreamingService(algorithm={self.algorithm!r}, window_size={self.window_size}, samples_processed={self.samples_processed})"


def create_streaming_service(config: StreamingConfig | Mapping[str, Any]) -> StreamingService:
    """A service of a configuration, with what it asks for around it (metrics, tracing, log level).

    Examples
    --------
    >>> create_streaming_service({"algorithm": "hst", "window_size": 500}).algorithm
    'hst'
    """
    config = config if isinstance(config, StreamingConfig) else StreamingConfig(**config)
    service = StreamingService(**config.service_arguments())
    config.equip(service)
    return service


def _names_of(stream: Stream, width: int) -> list[str] | None:
    """What a model's features are called: those of the source, or the statistics of them."""
    if stream.names is None:
        return None
    if width == len(stream.names):
        return list(stream.names)
    return [f"{statistic} of {name}" for statistic in ("mean", "deviation", "minimum", "maximum") for name in stream.names]


def _same_length(rows: Floats, **columns: Sequence[Any] | None) -> None:
    for name, column in columns.items():
        if column is not None and len(column) != len(rows):
            raise InputError(f"{len(column)} {name} came for {len(rows)} rows, expected one for each")


def _copy(detector: DriftDetector) -> DriftDetector:
    try:
        return copy.deepcopy(detector)
    except Exception as error:
        raise ConfigError(f"drift_detector {type(detector).__name__} cannot be copied for further sources: {error}") from error
