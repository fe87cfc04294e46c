"""The streaming service: samples in, verdicts out, learned as they come.

:class:`StreamingService` is made of keyword arguments, :func:`create_streaming_service` of a :class:`StreamingConfig` that may come from
a file or the environment. Each method that takes samples is there twice: ``await service.process_sample(x)`` and, without an event
loop, ``service.sync.process_sample(x)``.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from . import _options, _times
from ._arrays import as_row, as_rows
from ._config import StreamingConfig
from ._detector import as_seed, as_settings
from ._errors import ConfigError, InputError
from ._history import History
from ._queue import Queue
from ._stream import Result, Stream
from ._willet import DriftTest, Series
from .drift import DriftDetector, PerformanceDriftDetector

__all__ = ["Result", "StreamingConfig", "StreamingService", "SyncService", "create_streaming_service"]

Floats = npt.NDArray[np.float64]
T = TypeVar("T")
log = logging.getLogger("willet")

_SCORED = 2
#: Samples after a drift that a new model is fitted on, where the window is not shorter.
_RENEW = 256


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
        Samples after which memory is brought under ``max_memory_mb``.
    sample_compression
        Keep recent samples as 32-bit numbers: half the memory, 7 digits. Verdicts do not change.
    lazy_loading
        Keep recent samples in a temporary file that is read only where they are asked for.
    max_memory_mb
        Most memory to use. Recent samples go first, then windows and trees are halved; sources not heard of longest go last.
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

    def _make(self, key: str | None, width: int, *, halvings: int = 0) -> Series:
        options = self._options
        settings = _options.halved(options["detector"], halvings)
        return Series(
            options["algorithm"],
            width,
            as_settings(settings),
            seed=as_seed(options["seed"]),
            key=key or "",
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
            Its features: a list, an array, or a dict of numbers by name; ``nan`` and ``None`` are missing.
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
        """Judge and learn rows one after the other; a result for each."""
        if self._options["async_processing"]:
            work = asyncio.get_running_loop().run_in_executor(self._workers(), self._batch, rows, timestamps, labels, sources)
            return await work
        if sources is not None:
            return self._batch(rows, timestamps, labels, sources)
        table = as_rows(rows)
        times = None if timestamps is None else list(timestamps)
        truths = None if labels is None else list(labels)
        _same_length(table, timestamps=times, labels=truths)
        results: list[Result] = []
        size = self._options["batch_size"]
        for at in range(0, len(table), size):
            part = slice(at, at + size)
            results += self._batch(table[part], times and times[part], truths and truths[part], None)
            # Others on the loop get their turn between batches.
            await asyncio.sleep(0)
        return results

    def _sample(self, x: Any, timestamp: Any, label: bool | None, source: str | None) -> Result:
        row = as_row(x)
        times = None if timestamp is None else [timestamp]
        return self._take(self._stream(source), row.reshape(1, -1), times, None if label is None else [label])[0]

    def _batch(
        self,
        rows: Any,
        timestamps: Iterable[Any] | None,
        labels: Iterable[bool | None] | None,
        sources: Iterable[str | None] | None,
    ) -> list[Result]:
        table = as_rows(rows)
        times = None if timestamps is None else list(timestamps)
        truths = None if labels is None else list(labels)
        keys = None if sources is None else list(sources)
        _same_length(table, timestamps=times, labels=truths, sources=keys)
        if keys is None:
            return self._take(self._stream(None), table, times, truths)
        places: dict[str | None, list[int]] = {}
        for place, key in enumerate(keys):
            places.setdefault(key, []).append(place)

        def take(key: str | None) -> list[Result]:
            at = places[key]
            return self._take(
                self._stream(key),
                np.ascontiguousarray(table[at]),
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

    def _take(self, stream: Stream, rows: Floats, times: list[Any] | None, labels: list[bool | None] | None) -> list[Result]:
        if not len(rows):
            return []
        options = self._options
        if times is None and options["window_unit"] == "seconds":
            raise InputError("timestamp is missing, but window_unit is seconds (give each sample its time)")
        stamps = None if times is None else [_times.micros(time) for time in times]
        results: list[Result] = []
        while len(results) < len(rows):
            at = len(results)
            began = perf_counter()
            with stream.lock:
                self._open(stream, rows.shape[1])
                taken = min(len(rows) - at, self._until_event(stream))
                part = rows[at : at + taken]
                drift: tuple[int, float, int | None] = (0, 0.0, None)
                if stream.monitor is not None:
                    # Up to the first drift: what comes after it may be judged by another model.
                    taken, reading = stream.monitor.update_until(part)
                    part = part[:taken]
                    rows_seen = stream.monitor.rows()
                    drift = (reading[0], reading[3], None if reading[4] is None else max(1, rows_seen - reading[4]))
                part_times = None if stamps is None else stamps[at : at + taken]
                part_labels = None if labels is None else labels[at : at + taken]
                results += self._judge(stream, part, part_times, part_labels, drift, began)
            # Without the lock: it asks for those of other sources.
            if stream.samples - stream.cleaned >= options["memory_cleanup_interval"]:
                stream.cleaned = stream.samples
                self.cleanup_memory()
        for result in results if self._observers else ():
            for observer in self._observers:
                observer(result)
        return results

    def _open(self, stream: Stream, width: int) -> None:
        options = self._options
        if stream.series is None:
            seen = width * 4 if options["aggregation"] == "statistics" else width
            stream.series = self._make(stream.key, seen)
            stream.history = History(
                width,
                options["max_memory_samples"],
                dtype=np.float32 if options["sample_compression"] else np.float64,
                in_file=options["lazy_loading"],
            )
            if options["drift_detection"] and stream.drift is None:
                stream.monitor = DriftTest("monitor", width, seed=as_seed(options["seed"]), key=stream.key or "")
        history = cast(History, stream.history)
        if history.width != width:
            raise InputError(f"rows have {width} features, expected {history.width} as before")

    def _until_event(self, stream: Stream) -> int:
        """How many samples may be judged in one go."""
        options = self._options
        one_by_one = (
            options["window_unit"] == "seconds"
            or options["aggregation"] == "statistics"
            or isinstance(stream.drift, PerformanceDriftDetector)
        )
        if one_by_one:
            return 1
        until = options["batch_rows"]
        if options["window_type"] == "tumbling":
            until = min(until, self.window_size - stream.window)
        if stream.drift is not None or options["auto_retrain"]:
            every = options["check_every"]
            until = min(until, every - stream.samples % every)
        if options["auto_retrain"] and options["retrain_threshold"] >= 1:
            until = min(until, int(options["retrain_threshold"]) - (stream.samples - stream.retrained))
        if stream.renew is not None:
            until = min(until, stream.renew - stream.samples)
        if options["max_memory_mb"] is not None:
            until = min(until, options["memory_cleanup_interval"] - (stream.samples - stream.cleaned))
        return max(1, int(until))

    def _judge(
        self,
        stream: Stream,
        rows: Floats,
        times: list[int] | None,
        labels: list[bool | None] | None,
        drift: tuple[int, float, int | None],
        began: float,
    ) -> list[Result]:
        options = self._options
        history, series = cast(History, stream.history), cast(Series, stream.series)
        count = len(rows)
        if options["aggregation"] == "statistics":
            verdicts = [self._judge_window(stream, rows[0], times)]
        else:
            if count == 1:
                verdicts = [series.judge_one(rows[0], None if times is None else times[0])]
            else:
                status, score, anomaly_score, threshold, is_anomaly, confidence, reasons = series.judge(rows, times)
                columns = (status, score, anomaly_score, threshold, is_anomaly, confidence)
                verdicts = [
                    (*verdict, reasons.get(place))
                    for place, verdict in enumerate(zip(*(column.tolist() for column in columns), strict=True))
                ]
            arrived = times
            if times is not None and options["window_unit"] == "seconds":
                # A late sample is in the window it came into.
                arrived = [times[0] if stream.newest is None else max(times[0], stream.newest)]
            history.extend(rows, [verdict[4] for verdict in verdicts], [verdict[2] for verdict in verdicts], arrived)
            self._slide(stream, count, times)
        stream.samples += count
        drifted, magnitude = self._look_for_drift(stream, verdicts, labels, drift)
        if drifted:
            if verdicts[-1][6] is not None:
                # As the server says it of an anomaly that shows a drift.
                verdicts[-1][6]["anomaly_type"] = "drift"
            self._adapt(stream, drift[2] or options["check_every"])
        elif stream.renew is not None and stream.samples >= stream.renew:
            self._renew(stream)
        elif options["auto_retrain"]:
            self._retrain_if_due(stream)
        spent = (perf_counter() - began) / count
        first = stream.samples - count + 1
        last = count - 1
        return [
            Result(
                is_anomaly,
                anomaly_score,
                confidence,
                drifted and place == last,
                magnitude if drifted and place == last else 0.0,
                spent,
                first + place,
                score,
                status != _SCORED,
                stream.key,
                reason,
            )
            for place, (status, score, anomaly_score, _, is_anomaly, confidence, reason) in enumerate(verdicts)
        ]

    # Windows

    def _slide(self, stream: Stream, count: int, times: list[int] | None) -> None:
        options = self._options
        series = cast(Series, stream.series)
        if options["window_unit"] == "seconds":
            now = cast("list[int]", times)[-1]
            stream.newest = now if stream.newest is None else max(now, stream.newest)
            self._slide_seconds(stream)
            return
        stream.window += count
        if options["window_type"] == "tumbling":
            if stream.window >= self.window_size:
                series.flush()
                self._full_window(stream)
                stream.window = 0
        else:
            stream.window = min(stream.window, self.window_size)

    def _slide_seconds(self, stream: Stream) -> None:
        options, history = self._options, cast(History, stream.history)
        newest = cast(int, stream.newest)
        if stream.step is None:
            stream.step = newest + options["slide_micros"]
        is_tumbling = options["window_type"] == "tumbling"
        stream.window += 1
        if not is_tumbling:
            stream.window = min(stream.window, history.count_since(newest - options["window_micros"]))
        if newest < stream.step:
            return
        # The window has moved: what is in it is what is normal now.
        while stream.step <= newest:
            steps = (newest - stream.step) // options["slide_micros"] + 1
            stream.step += steps * options["slide_micros"]
        if options["aggregation"] == "features" and stream.window >= 2:
            rows, flags, _, times = history.last(stream.window)
            self._fit(stream, rows[~flags], times[~flags])
        if is_tumbling:
            self._full_window(stream)
            stream.window = 0

    def _judge_window(self, stream: Stream, row: Floats, times: list[int] | None) -> Any:
        """A sample whose window is what is judged."""
        options = self._options
        history, series = cast(History, stream.history), cast(Series, stream.series)
        time = None if times is None else times[0]
        arrived = None if time is None else [time if stream.newest is None else max(time, stream.newest)]
        history.extend(row.reshape(1, -1), [False], [np.nan], arrived)
        if options["window_unit"] == "seconds":
            before = stream.step
            stream.newest = time if stream.newest is None else max(cast(int, time), stream.newest)
            is_due = before is not None and stream.newest is not None and stream.newest >= before
            rows_in_window = stream.window + 1
            self._slide_seconds(stream)
        else:
            stream.window += 1
            rows_in_window = stream.window
            is_full = stream.window >= self.window_size
            if options["window_type"] == "tumbling":
                is_due = is_full
                stream.window = 0 if is_full else stream.window
            else:
                stream.window = min(stream.window, self.window_size)
                rows_in_window = stream.window
                is_due = is_full and stream.samples % (options["slide_interval"] or 1) == 0
        if not is_due:
            score, anomaly_score, confidence = stream.last or (np.nan, np.nan, np.nan)
            return (0 if stream.last is None else _SCORED, score, anomaly_score, np.nan, False, confidence, None)
        rows = history.last(min(rows_in_window, len(history)))[0]
        verdict = series.judge_one(_statistics(rows), time)
        history.set_last(verdict[4], verdict[2])
        if verdict[0] == _SCORED:
            stream.last = (verdict[1], verdict[2], verdict[5])
        return verdict

    def _full_window(self, stream: Stream) -> None:
        """A tumbling window is about to be emptied: the drift detector sees it whole."""
        if stream.drift is not None and not isinstance(stream.drift, PerformanceDriftDetector):
            stream.checked = -1

    # Drift

    def _look_for_drift(
        self, stream: Stream, verdicts: list[Any], labels: list[bool | None] | None, drift: tuple[int, float, int | None]
    ) -> tuple[bool, float]:
        detector = stream.drift
        for verdict, label in zip(verdicts, labels or (), strict=False):
            if label is not None:
                stream.confusion[(0 if label else 1) if verdict[4] else (2 if label else 3)] += 1
        if isinstance(detector, PerformanceDriftDetector):
            [verdict] = verdicts
            if verdict[0] == _SCORED:
                label = labels[0] if labels else None
                detector.update(verdict[4], label)
            else:
                # Counted all the same: labels name samples by their number.
                detector.update(False)
            return (True, detector.drift_magnitude or 0.0) if detector.detect_drift(None) else (False, 0.0)
        if detector is not None:
            return self._ask(stream, detector)
        level, magnitude, _ = drift
        return (level == 2 and magnitude >= self._options["drift_threshold"], magnitude)

    def _ask(self, stream: Stream, detector: DriftDetector) -> tuple[bool, float]:
        options, history = self._options, cast(History, stream.history)
        is_tumbling = options["window_type"] == "tumbling"
        size = self.window_size if options["window_unit"] == "samples" else stream.window
        is_full = stream.checked < 0 if is_tumbling else stream.window >= size and len(history) >= 2
        if is_tumbling:
            stream.checked = 0
        elif options["window_unit"] == "samples":
            is_full = is_full and stream.samples % options["check_every"] == 0
        if not is_full:
            return (False, 0.0)
        window = history.last(min(size, len(history)) or len(history))[0]
        try:
            if not stream.baseline:
                stream.baseline = True
                detector.update_reference(window)
                return (False, 0.0)
            if not detector.detect_drift(window):
                return (False, 0.0)
        except Exception as error:
            # The verdict stands; what a user's own code cannot do now it may do next time.
            stream.drift_errors += 1
            log.exception("drift detector %s raised", type(detector).__name__)
            if stream.drift_errors == 1:
                message = (
                    f"drift detector {type(detector).__name__} raised {error!r} (it is asked again next time; see the log of `willet`)"
                )
                warnings.warn(message, RuntimeWarning, stacklevel=2)
            return (False, 0.0)
        magnitude = getattr(detector, "drift_magnitude", None)
        if magnitude is None:
            return (True, 1.0)
        return (magnitude >= options["drift_threshold"], float(magnitude))

    def _adapt(self, stream: Stream, rows_since: int) -> None:
        adaptation = self._options["adaptation"]
        if adaptation == "retrain":
            # What came before is not normal any more. Where that leaves too little, the old model answers until there is enough.
            stream.since = stream.samples - min(rows_since, stream.samples)
            enough = min(_RENEW, self.window_size)
            stream.renew = stream.since + enough
            if stream.samples >= stream.renew:
                self._renew(stream)
        elif adaptation == "incremental":
            cast(Series, stream.series).flush()
            rate = self._rate(stream)
            if rate is not None:
                self.adjust_contamination(min(max(rate, 0.001), 0.499))
        if adaptation != "report" and stream.drift is not None and len(cast(History, stream.history)):
            window = cast(History, stream.history).last(min(stream.window or self.window_size, len(cast(History, stream.history))))[0]
            stream.drift.update_reference(window)

    def _renew(self, stream: Stream) -> None:
        """Fit anew on what came since the drift: it is the new normal, whatever the old model said of it."""
        stream.renew = None
        stream.retrained = stream.samples
        rows, _, _, times = cast(History, stream.history).last(stream.samples - stream.since)
        self._fit(stream, *self._as_seen(stream, rows, times))
        if self._retrained is not None:
            self._retrained("drift")

    def _rate(self, stream: Stream) -> float | None:
        history = stream.history
        if history is None or not stream.window:
            return None
        return float(history.last(stream.window)[1].mean())

    def _retrain_if_due(self, stream: Stream) -> None:
        options = self._options
        threshold = options["retrain_threshold"]
        since = stream.samples - stream.retrained
        if threshold >= 1:
            if since >= threshold:
                self._retrain(stream, "samples")
        elif since >= options["check_every"] and stream.samples % options["check_every"] == 0:
            rate = self._rate(stream)
            if rate is not None and rate > threshold:
                self._retrain(stream, "anomaly_rate")

    def _retrain(self, stream: Stream, reason: str) -> None:
        """Fit anew on recent normal rows, none of them from before the last drift."""
        stream.retrained = stream.samples
        rows, flags, _, times = cast(History, stream.history).last(stream.samples - stream.since)
        rows, times = rows[~flags][-self._fit_rows() :], times[~flags][-self._fit_rows() :]
        self._fit(stream, *self._as_seen(stream, rows, times))
        if self._retrained is not None:
            self._retrained(reason)

    def _as_seen(self, stream: Stream, rows: Floats, times: npt.NDArray[np.int64]) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Rows as the detector sees them: themselves, or the statistics of windows of them."""
        if self._options["aggregation"] != "statistics":
            return rows, times
        size = self.window_size if self._options["window_unit"] == "samples" else max(stream.window, 2)
        steps = range(size, len(rows) + 1, max(1, size // 10))
        windows = np.array([_statistics(rows[end - size : end]) for end in steps]).reshape(-1, rows.shape[1] * 4)
        return windows, np.empty(0, dtype=np.int64)

    def _fit_rows(self) -> int:
        return self.window_size if self._options["window_unit"] == "samples" else int(self._options["max_memory_samples"])

    def _fit(self, stream: Stream, rows: Floats, times: npt.NDArray[np.int64]) -> None:
        """Give the stream a model of these rows, unless they are too few for one."""
        if not len(rows):
            return
        series = self._make(stream.key, rows.shape[1])
        known = self._known_times(rows, times)
        is_warm = series.learn_history(np.ascontiguousarray(rows), known)
        # One that is still warming up replaces nothing: the old model learns on and answers sooner.
        if is_warm:
            stream.series = series

    @staticmethod
    def _known_times(rows: Floats, times: npt.NDArray[np.int64]) -> list[int] | None:
        is_known = len(times) == len(rows) and bool((times != History.NO_TIME).all())
        return times.tolist() if is_known else None

    # Windows and models, by hand

    def get_window_stats(self, source: str | None = None) -> dict[str, float]:
        """``size``, ``anomaly_rate`` and ``avg_score`` of the current window; of all sources, or the one named."""
        streams = list(self._streams.values()) if source is None else [self._known(source)]
        flags: list[npt.NDArray[np.bool_]] = []
        scores: list[Floats] = []
        for stream in streams:
            with stream.lock:
                if stream.history is not None and stream.window:
                    _, window_flags, window_scores, _ = stream.history.last(stream.window)
                    flags.append(window_flags)
                    scores.append(window_scores)
        size = sum(len(window) for window in flags)
        known = np.concatenate(scores) if scores else np.empty(0)
        known = known[~np.isnan(known)]
        return {
            "size": size,
            "anomaly_rate": float(np.concatenate(flags).mean()) if size else 0.0,
            "avg_score": float(known.mean()) if len(known) else 0.0,
        }

    def _known(self, source: str | None) -> Stream:
        stream = self._streams.get(source)
        if stream is None:
            known = [str(key) for key in self._streams]
            raise InputError(f"unknown source {source!r}{_options.hint(str(source), known) if known else ' (no sample has come yet)'}")
        return stream

    async def process_window(self, source: str | None = None) -> list[Result]:
        """Learn now what waits to be learned, and judge the current window anew; a result for each of its samples."""
        return await self._offload(lambda: self._window(source))

    def _window(self, source: str | None) -> list[Result]:
        if not self._streams:
            return []
        stream = self._known(source if source is not None or None in self._streams else next(iter(self._streams)))
        began = perf_counter()
        with stream.lock:
            if stream.series is None or stream.history is None or not stream.window:
                return []
            stream.series.flush()
            rows, _, _, times = stream.history.last(stream.window)
            # A copy judges them: they have been learned before.
            judge = Series.from_state(stream.series.state())
            if self._options["aggregation"] == "statistics":
                rows, times = _statistics(rows).reshape(1, -1), times[-1:]
            status, score, anomaly_score, _, is_anomaly, confidence, reasons = judge.judge(rows, self._known_times(rows, times))
            spent = (perf_counter() - began) / len(rows)
            first = stream.samples - len(rows) + 1
            columns = (status, score, anomaly_score, is_anomaly, confidence)
            return [
                Result(flag, scaled, sure, False, 0.0, spent, first + place, own, state != _SCORED, stream.key, reasons.get(place))
                for place, (state, own, scaled, flag, sure) in enumerate(zip(*(column.tolist() for column in columns), strict=True))
            ]

    def clear_window(self, source: str | None = None) -> None:
        """Empty the current window; of all sources, or the one named. What was learned stays."""
        for stream in list(self._streams.values()) if source is None else [self._known(source)]:
            with stream.lock:
                stream.window = 0
                stream.step = None

    async def retrain_model(self, data: Any, source: str | None = None) -> None:
        """Fit anew on rows; recent samples and statistics stay."""
        await self._offload(lambda: self._retrain_on(data, source))

    def _retrain_on(self, data: Any, source: str | None) -> None:
        rows = as_rows(data)
        if not len(rows):
            raise InputError("data has no rows, expected one or more")
        stream = self._stream(source)
        with stream.lock:
            self._open(stream, rows.shape[1])
            series = self._make(stream.key, rows.shape[1] * (4 if self._options["aggregation"] == "statistics" else 1))
            series.learn_history(self._seen(rows))
            stream.series = series
            stream.retrained = stream.samples
            if stream.drift is not None:
                stream.baseline = True
                stream.drift.update_reference(rows[-self.window_size :])

    def _seen(self, rows: Floats) -> Floats:
        if self._options["aggregation"] != "statistics":
            return rows
        size = min(self.window_size, len(rows))
        return np.array([_statistics(rows[end - size : end]) for end in range(size, len(rows) + 1)])

    async def partial_fit(self, data: Any, source: str | None = None) -> None:
        """Learn more rows; they count as history, not as samples."""
        await self._offload(lambda: self._partial_fit(data, source))

    def _partial_fit(self, data: Any, source: str | None) -> None:
        rows = as_rows(data)
        if not len(rows):
            return
        stream = self._stream(source)
        with stream.lock:
            self._open(stream, rows.shape[1])
            series = cast(Series, stream.series)
            series.learn_history(self._seen(rows))

    async def get_recent_data(self, samples: int = 1000, anomaly_filter: bool = False, source: str | None = None) -> Floats:
        """The newest rows, oldest first; with the filter only those not judged anomalous."""
        return await self._offload(lambda: self._recent(samples, anomaly_filter, source))

    def _recent(self, samples: int, anomaly_filter: bool, source: str | None) -> Floats:
        count = _options.whole("samples", samples, 1)
        if source is None and None not in self._streams and len(self._streams) == 1:
            source = next(iter(self._streams))
        stream = self._streams.get(source)
        if stream is None or stream.history is None:
            return np.empty((0, 0))
        with stream.lock:
            if not anomaly_filter:
                return stream.history.last(min(count, len(stream.history)))[0]
            rows, flags, _, _ = stream.history.last(len(stream.history))
            return rows[~flags][-count:]

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
                stream.window = stream.samples = stream.retrained = stream.cleaned = stream.since = 0
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

    def _model_bytes(self) -> int:
        streams = list(self._streams.values())
        series = sum(stream.series.memory_bytes() for stream in streams if stream.series is not None)
        return series + sum(stream.monitor.memory_bytes() for stream in streams if stream.monitor is not None)

    def _history_bytes(self) -> int:
        return sum(stream.history.memory_bytes() for stream in list(self._streams.values()) if stream.history is not None)

    def get_memory_usage(self) -> float:
        """Megabytes held by models and recent samples."""
        return (self._model_bytes() + self._history_bytes()) / 2**20

    def get_memory_stats(self) -> dict[str, float]:
        """``memory_mb`` in all, ``sample_count`` of recent samples kept, ``model_size_mb`` of the models."""
        streams = list(self._streams.values())
        return {
            "memory_mb": self.get_memory_usage(),
            "sample_count": sum(len(stream.history) for stream in streams if stream.history is not None),
            "model_size_mb": self._model_bytes() / 2**20,
        }

    def cleanup_memory(self) -> None:
        """Give back what is not needed, and come under ``max_memory_mb`` where one is set."""
        limit = self._options["max_memory_mb"]
        streams = list(self._streams.values())
        for stream in streams:
            with stream.lock:
                if stream.history is not None:
                    stream.history.trim()
        if limit is None or self.get_memory_usage() <= limit:
            return
        # Recent samples beyond the windows, then models, then whole sources.
        for stream in streams:
            with stream.lock:
                if stream.history is not None:
                    stream.history.keep(max(stream.window, 1))
        halvings = 0
        while self.get_memory_usage() > limit and halvings < _options.MOST_HALVINGS:
            halvings += 1
            for stream in streams:
                with stream.lock:
                    self._shrink(stream, halvings)
        while self.get_memory_usage() > limit and len(self._streams) > 1:
            with self._lock:
                self._streams.pop(next(iter(self._streams)))
        if self.get_memory_usage() > limit:
            message = f"max_memory_mb is {limit}, but the smallest model takes {self.get_memory_usage():.3f} MB"
            warnings.warn(message, ResourceWarning, stacklevel=2)

    def _shrink(self, stream: Stream, halvings: int) -> None:
        if stream.series is None or stream.history is None:
            return
        try:
            smaller = self._make(stream.key, stream.series.width, halvings=halvings)
        except ConfigError:
            return
        rows, flags, _, _ = stream.history.last(len(stream.history))
        if len(rows) and rows.shape[1] == stream.series.width:
            smaller.learn_history(rows[~flags])
        stream.series = smaller
        stream.history.keep(max(1, len(stream.history) // 2))
        stream.window = min(stream.window, len(stream.history))

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


class SyncService:
    """The methods of a :class:`StreamingService` without an event loop."""

    def __init__(self, service: StreamingService) -> None:
        self._service = service

    def process_sample(self, x: Any, timestamp: Any = None, label: bool | None = None, source: str | None = None) -> Result:
        """See :meth:`StreamingService.process_sample`."""
        return self._service._sample(x, timestamp, label, source)

    def process_batch(
        self,
        rows: Any,
        timestamps: Iterable[Any] | None = None,
        labels: Iterable[bool | None] | None = None,
        sources: Iterable[str | None] | None = None,
    ) -> list[Result]:
        """See :meth:`StreamingService.process_batch`."""
        return self._service._batch(rows, timestamps, labels, sources)

    def process_window(self, source: str | None = None) -> list[Result]:
        """See :meth:`StreamingService.process_window`."""
        return self._service._window(source)

    def retrain_model(self, data: Any, source: str | None = None) -> None:
        """See :meth:`StreamingService.retrain_model`."""
        self._service._retrain_on(data, source)

    def partial_fit(self, data: Any, source: str | None = None) -> None:
        """See :meth:`StreamingService.partial_fit`."""
        self._service._partial_fit(data, source)

    def get_recent_data(self, samples: int = 1000, anomaly_filter: bool = False, source: str | None = None) -> Floats:
        """See :meth:`StreamingService.get_recent_data`."""
        return self._service._recent(samples, anomaly_filter, source)


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


def _statistics(rows: Floats) -> Floats:
    """Mean, deviation, minimum and maximum of each feature; of a feature that is missing throughout they are missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.concatenate([np.nanmean(rows, 0), np.nanstd(rows, 0), np.nanmin(rows, 0), np.nanmax(rows, 0)])


def _same_length(rows: Floats, **columns: Sequence[Any] | None) -> None:
    for name, column in columns.items():
        if column is not None and len(column) != len(rows):
            raise InputError(f"{len(column)} {name} came for {len(rows)} rows, expected one for each")


def _copy(detector: DriftDetector) -> DriftDetector:
    try:
        return copy.deepcopy(detector)
    except Exception as error:
        raise ConfigError(f"drift_detector {type(detector).__name__} cannot be copied for further sources: {error}") from error
