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
from typing import Any, NoReturn, TypeVar, cast

import numpy as np
import numpy.typing as npt

from . import _fork, _judging, _learning, _memory, _options, _windows
from ._arrays import as_row, as_table
from ._config import StreamingConfig
from ._detector import as_seed, as_settings
from ._errors import ConfigError, InputError
from ._judging import Batch
from ._queue import Queue
from ._stream import Result, Stream, as_label
from ._sync import SyncService
from ._willet import Series
from .drift import DriftDetector, PerformanceDriftDetector

__all__ = ["Result", "StreamingConfig", "StreamingService", "SyncService", "create_streaming_service"]

Floats = npt.NDArray[np.float64]
T = TypeVar("T")
#: The smallest share of anomalies that can be asked for by what was seen lately.
_LEAST_RATE = 0.001


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
        Samples in which a forest is renewed once. An algorithm that learns every sample does so, which is fresher, unless a number is
        given: then it learns so many together, once it is warm. Those that read samples as steps in time learn every one.
    auto_retrain, retrain_threshold
        Fit anew on the recent window after so many samples (1,000), or (below 1) when the recent share of anomalies is higher. Giving a
        threshold is asking for it.
    drift_detection, drift_threshold, drift_detector
        Watch for drift, with a test of willet's own that knows that neighbours are alike, or the detector given. A drift is told once, when
        its magnitude is known to reach the threshold: a smaller change is watched on (a detector that names no magnitude decides by
        itself). Giving a threshold is asking for it. A detector that raises is logged, counted in ``drift_errors``, and asked again.
    adaptation
        What a drift leads to: ``retrain`` (fit anew on recent normal samples), ``incremental`` (go on learning, contamination set to the
        recent rate), ``switch`` (of an ensemble, answer by the member that agreed best lately), ``report``. Default: ``retrain`` with
        ``auto_retrain``, else ``report``; an ensemble under ``switch`` answers by its best member from the start.
    max_memory_samples
        Recent samples kept of each source; at least the window. Default: 10,000 or the window.
    memory_cleanup_interval
        Samples after which all memory is looked at: room that holds nothing is given back, and ``max_memory_mb`` checked to the byte.
    sample_compression
        Keep recent samples with 6 digits, their scores with 3: 30 to 50 % less memory for them. Verdicts do not change: samples that models
        are fitted on or drift detectors are shown stay as they came, which with windows of half the samples kept, or by time, are all.
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

    An argument that would change nothing is refused, as is one that is not known.

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
        contamination: float = _options.CONTAMINATION,
        n_estimators: int | None = None,
        settings: Mapping[str, Any] | None = None,
        window_size: int = _options.WINDOW_SIZE,
        window_type: str = "sliding",
        slide_interval: int | None = None,
        aggregation: str = "features",
        window_unit: str = "samples",
        update_frequency: int = _options.UPDATE_FREQUENCY,
        auto_retrain: bool | None = None,
        retrain_threshold: float = _options.RETRAIN_THRESHOLD,
        drift_detection: bool | None = None,
        drift_threshold: float = _options.DRIFT_THRESHOLD,
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
        # Of no type: whoever checks types sees a name that is not known, and whoever does not has a ConfigError.
        **unknown: NoReturn,
    ) -> None:
        arguments = {name: value for name, value in locals().items() if name not in ("self", "unknown", "__class__")}
        _options.refuse_unknown("argument", unknown, list(arguments))
        options = _options.check(arguments)
        self.algorithm: str = options["algorithm"]
        self.window_size: int = int(options["window_size"])
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
        made = self._make(None, 4 if options["aggregation"] == "statistics" else 1)
        self._needs_time = made.needs_time
        if drift_detector is not None:
            self._pristine = _copy(drift_detector)
        _fork.services.add(self)

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
            stop = threading.Event()
            work = asyncio.get_running_loop().run_in_executor(self._workers(), self._batch, rows, timestamps, labels, sources, stop)
            try:
                return await work
            finally:
                # Nobody waits any longer, if this was cancelled: by Ctrl-C, say.
                stop.set()
        if sources is not None:
            return self._batch(rows, timestamps, labels, sources)
        [(_, batch)] = self._checked(rows, timestamps, labels, None)
        results: list[Result] = []
        size = self._options["batch_size"]
        for at in range(0, len(batch.rows), size):
            results += _judging.take(self, batch.part(at, at + size))
            # Others on the loop get their turn between batches.
            await asyncio.sleep(0)
        return results

    def _checked_sample(self, x: Any, timestamp: Any, label: Any, source: str | None) -> Batch:
        is_named = isinstance(x, Mapping)
        row = as_row(list(x.values()) if is_named else x)
        times, labels = (None if value is None else [value] for value in (timestamp, label))
        return _judging.check(self, source, row.reshape(1, -1), times, labels, list(x) if is_named else None)

    def _sample(self, x: Any, timestamp: Any, label: bool | None, source: str | None) -> Result:
        return _judging.take(self, self._checked_sample(x, timestamp, label, source))[0]

    def _checked(
        self,
        rows: Any,
        timestamps: Iterable[Any] | None,
        labels: Iterable[Any] | None,
        sources: Iterable[str | None] | None,
    ) -> list[tuple[list[int] | None, Batch]]:
        """Rows of each source with their places, or an error before any of them was judged."""
        names, table = as_table(rows)
        times = None if timestamps is None else list(timestamps)
        truths = None if labels is None else list(labels)
        keys = None if sources is None else list(sources)
        _same_length(table, timestamps=times, labels=truths, sources=keys)
        if keys is None:
            return [(None, _judging.check(self, None, table, times, truths, names))]
        places: dict[str | None, list[int]] = {}
        for place, key in enumerate(keys):
            places.setdefault(key, []).append(place)

        def pick(column: list[Any] | None, at: list[int]) -> list[Any] | None:
            return None if column is None else [column[place] for place in at]

        return [
            (at, _judging.check(self, key, np.ascontiguousarray(table[at]), pick(times, at), pick(truths, at), names))
            for key, at in places.items()
        ]

    def _batch(
        self,
        rows: Any,
        timestamps: Iterable[Any] | None,
        labels: Iterable[Any] | None,
        sources: Iterable[str | None] | None,
        stop: threading.Event | None = None,
    ) -> list[Result]:
        return self._judge(self._checked(rows, timestamps, labels, sources), stop)

    def _judge(self, batches: list[tuple[list[int] | None, Batch]], stop: threading.Event | None = None) -> list[Result]:
        """Judge the rows of several sources, side by side where there are workers; results in the order of the rows."""
        if len(batches) == 1 and batches[0][0] is None:
            return _judging.take(self, batches[0][1], stop)
        by_source: Iterable[list[Result]]
        if len(batches) > 1 and self._options["num_workers"] > 1:
            stop = stop or threading.Event()
            # A pool of its own: this may run on a thread of the other one.
            with ThreadPoolExecutor(self._options["num_workers"], thread_name_prefix="willet") as pool:
                try:
                    by_source = list(pool.map(lambda it: _judging.take(self, it[1], stop), batches))
                except BaseException:
                    # Ctrl-C comes here, not to the workers, which would be waited for.
                    stop.set()
                    raise
        else:
            by_source = (_judging.take(self, batch, stop) for _, batch in batches)
        results: list[Any] = [None] * sum(len(batch.rows) for _, batch in batches)
        for (at, _), of_source in zip(batches, by_source, strict=True):
            for place, result in zip(at or range(len(results)), of_source, strict=False):
                results[place] = result
        return cast("list[Result]", results)

    def _workers(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._options["num_workers"], thread_name_prefix="willet")
            return self._pool

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
        """Expect another share of anomalies from now on, at least 1 in 1,000; what was learned stays."""
        # On a quiet stream the recent rate is 0; a share that is expected to be anomalous is not.
        rate = max(_options.contamination(rate), _LEAST_RATE) if rate != 0 else _LEAST_RATE
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
                stream.renew = stream.settle = None
                stream.confusion = [0, 0, 0, 0]
                stream.labels.clear()
                stream.last = stream.step = None
                if stream.history is not None:
                    stream.history.clear()

    def add_label(self, sample_count: int, label: bool, source: str | None = None) -> None:
        """Say of an earlier sample (its result's ``sample_count``) whether it truly was an anomaly; of two labels the later one counts."""
        stream = self._known(source)
        number = _options.whole("sample_count", sample_count, 1)
        known = as_label(label)
        if known is None:
            raise InputError(f"label is {label!r}, expected True or False")
        with stream.lock:
            if number > stream.samples:
                raise InputError(f"sample_count is {number}, but only {stream.samples} samples have come")
            is_first = number not in stream.labels
            history, back = stream.history, stream.samples - number + 1
            if history is not None and back <= len(history):
                flag = bool(history.last(back)[1][0])
                stream.count_label(number, flag, known, history.capacity)
            if isinstance(stream.drift, PerformanceDriftDetector) and stream.drift.metric != "anomaly_rate" and is_first:
                stream.drift.add_label(number - 1, known)

    def get_performance(self, source: str | None = None) -> dict[str, float | None]:
        """``accuracy``, ``precision``, ``recall`` and ``f1`` over the samples that have labels (``None`` where there is nothing to count),
        and their number as ``labels``."""
        streams = list(self._streams.values()) if source is None else [self._known(source)]
        both, judged, labelled, neither = (sum(counts) for counts in zip([0, 0, 0, 0], *(it.confusion for it in streams), strict=True))
        total = both + judged + labelled + neither

        def share(part: int, whole: int) -> float | None:
            return part / whole if whole else None

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

    def _hold(self) -> None:
        """Wait until nobody computes, and let nobody begin."""
        self._holding = [stream.lock for stream in list(self._streams.values())]
        for lock in self._holding:
            lock.acquire()
        self._lock.acquire()

    def _let_go(self) -> None:
        self._lock.release()
        while self._holding:
            self._holding.pop().release()

    def _forget_threads(self) -> None:
        """In the child of a fork there are none of them."""
        self._pool = None
        self._queues = {}

    def __getstate__(self) -> dict[str, Any]:
        # Streams are copied each as of one moment: threads may go on, and bring new ones, while this is written.
        state = dict(self.__dict__)
        for name in ("_lock", "_pool", "_queues", "_observers", "_retrained", "sync", "_holding"):
            state.pop(name, None)
        with self._lock:
            state["_streams"] = dict(self._streams)
        state["_streams"] = {key: copy.deepcopy(stream) for key, stream in state["_streams"].items()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        _fork.services.add(self)
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
