"""What the arguments of a service may be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from ._detector import KINDS
from ._errors import ConfigError
from ._willet import nearest
from .drift import PerformanceDriftDetector, StatisticalDriftDetector

#: Times that a model's windows and trees are halved to come under a memory limit.
MOST_HALVINGS = 6
ADAPTATIONS = ("retrain", "incremental", "switch", "report")
DECISIONS = ("threshold", "rate", "direction", "ignore_absolute", "ignore_relative", "consecutive", "data_range")
_SMALLEST = {"window_size": 64, "n_estimators": 10, "max_samples": 16}


class _Nobody:
    """A value that nobody gave."""


class NobodysInt(int, _Nobody):
    """A default that can be told from the same number given."""


class NobodysFloat(float, _Nobody):
    """The same of a number with a fraction."""


#: What stands in the signature: given, they must have an effect.
CONTAMINATION = NobodysFloat(0.1)
WINDOW_SIZE = NobodysInt(1000)
UPDATE_FREQUENCY = NobodysInt(100)
RETRAIN_THRESHOLD = NobodysInt(1000)
DRIFT_THRESHOLD = NobodysFloat(0.1)
#: Of ``window_size`` rows statistics are seen, for each tenth of it; enough of them for a model.
_STATISTICS = 8


def is_given(value: Any) -> bool:
    """Whether somebody gave this argument."""
    return value is not None and not isinstance(value, _Nobody)


def rows_fitted(options: Mapping[str, Any]) -> int:
    """How many of the newest rows a model is fitted on at most, where windows count samples."""
    size = int(options["window_size"])
    return _STATISTICS * size if options["aggregation"] == "statistics" else size


def rows_read(options: Mapping[str, Any]) -> int:
    """How many of the newest rows what decides reads again: these must be as they came."""
    if options["window_unit"] == "seconds":
        return int(options["max_memory_samples"])
    fits = options["auto_retrain"] or (options["adaptation"] == "retrain" and options["drift_detection"])
    if fits:
        return rows_fitted(options)
    is_read = options["drift_detector"] is not None or options["aggregation"] == "statistics"
    return int(options["window_size"]) if is_read else 0


def hint(found: str, known: Iterable[str]) -> str:
    """What to write instead."""
    known = list(known)
    near = nearest(found, known)
    return f" (did you mean `{near}`?)" if near else f" (known are {', '.join(known)})"


def refuse_unknown(what: str, found: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise for a name that nobody knows."""
    known = list(known)
    for name in found:
        if name in known:
            continue
        raise ConfigError(f"unknown {what} `{name}`{hint(name, known)}")


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """A whole number."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if is_whole and value >= least and (most is None or value <= most):
        return int(value)
    span = f"of {least} or more" if most is None else f"from {least} to {most}"
    raise ConfigError(f"{name} is {value!r}, expected a whole number {span}")


def _number(name: str, value: Any, expected: str, low: float, high: float = math.inf) -> float:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if is_number and low < float(value) <= high:
        return float(value)
    raise ConfigError(f"{name} is {value!r}, expected {expected}")


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ConfigError(f"{name} is {value!r}, expected True or False")


def _one_of(name: str, value: Any, known: Sequence[str]) -> str:
    if isinstance(value, str) and value in known:
        return value
    near = hint(value, known) if isinstance(value, str) else ""
    raise ConfigError(f"{name} is {value!r}, expected one of {', '.join(known)}{near if 'did you' in near else ''}")


def contamination(value: Any) -> float:
    """A share of anomalies."""
    if isinstance(value, Real) and not isinstance(value, bool) and 0.0 < float(value) < 0.5:
        return float(value)
    raise ConfigError(f"contamination is {value!r}, expected a rate above 0 and below 0.5 (1 % is written 0.01)")


def kind_of(algorithm: Any) -> dict[str, Any]:
    """The kind of a name or an alias."""
    names = {name: kind for kind in KINDS.values() for name in (kind["name"], *kind["aliases"])}
    if isinstance(algorithm, str):
        kind = names.get(algorithm.lower().replace("-", "_"))
        if kind is not None:
            return kind
        raise ConfigError(f"unknown algorithm `{algorithm}`{hint(algorithm, names)}")
    raise ConfigError(f"algorithm is {algorithm!r}, expected one of {', '.join(names)}")


def _shared(kind: dict[str, Any], arguments: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a detector: those of the service that it has, and its own."""
    refuse_unknown(f"setting of {kind['name']}", extra, kind["settings"])
    shared: dict[str, Any] = {}
    if arguments["window_unit"] == "samples":
        shared["window_size"] = arguments["window_size"]
        if is_given(arguments["window_size"]):
            # The newest rows weigh most; those before the window hardly anything.
            shared["time_decay"] = 1.0 / arguments["window_size"]
    # The default does not override what a kind says for itself.
    if is_given(arguments["update_frequency"]) or kind["name"] == "iforest":
        shared["update_frequency"] = arguments["update_frequency"]
    if arguments["n_estimators"] is not None:
        shared["n_estimators"] = arguments["n_estimators"]
    return {name: value for name, value in shared.items() if name in kind["settings"]} | dict(extra)


def _ensemble(arguments: Mapping[str, Any]) -> dict[str, Any]:
    members = arguments["algorithms"]
    extra = dict(arguments["settings"] or {})
    if members is None:
        members = extra.pop("members", None) or KINDS["ensemble"]["settings"]["members"]["default"]
    if isinstance(members, str) or not isinstance(members, (Mapping, Sequence)) or not members:
        raise ConfigError(f"algorithms is {members!r}, expected names, or names with their settings ({{'hst': {{'depth': 10}}}})")
    with_settings = dict(members) if isinstance(members, Mapping) else {name: {} for name in members}
    refuse_unknown("setting of ensemble", extra, KINDS["ensemble"]["settings"])
    made = {name: _shared(kind_of(name), arguments, own) for name, own in with_settings.items()}
    combine = {"combine": "switch"} if arguments["adaptation"] == "switch" else {}
    return {"members": made} | combine | extra


def check(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a service, checked, with what follows from them."""
    options = dict(arguments)
    if arguments["algorithms"] is not None and arguments["algorithm"] == "iforest":
        options["algorithm"] = "ensemble"
    kind = kind_of(options["algorithm"])
    if arguments["algorithms"] is not None and kind["name"] != "ensemble":
        raise ConfigError(f"algorithms is given beside algorithm {arguments['algorithm']!r}, expected algorithm 'ensemble' or none")
    settings = arguments["settings"]
    if settings is not None and not isinstance(settings, Mapping):
        raise ConfigError(f"settings is {settings!r}, expected a dict of settings by name")
    options["contamination"] = contamination(arguments["contamination"])
    if arguments["n_estimators"] is not None:
        options["n_estimators"] = whole("n_estimators", arguments["n_estimators"], 1)
    given = {name for name, value in arguments.items() if is_given(value)}
    options["memory_cleanup_interval"] = whole("memory_cleanup_interval", arguments["memory_cleanup_interval"], 1)
    for name, least in (("window_size", 2), ("update_frequency", 1)):
        number = whole(name, arguments[name], least)
        options[name] = number if name in given else NobodysInt(number)
    for name, least in (("buffer_size", 1), ("batch_size", 1), ("num_workers", 1)):
        options[name] = whole(name, arguments[name], least)
    # Whoever says when it retrains, or from which size on a drift counts, wants it.
    options["auto_retrain"] = "retrain_threshold" in given if arguments["auto_retrain"] is None else arguments["auto_retrain"]
    if arguments["drift_detection"] is None:
        options["drift_detection"] = "drift_threshold" in given and arguments["drift_detector"] is None
    for name in ("sample_compression", "lazy_loading", "async_processing", "batch_optimization", "auto_retrain", "drift_detection"):
        options[name] = _flag(name, options[name])
    options["window_type"] = _one_of("window_type", arguments["window_type"], ("sliding", "tumbling"))
    options["aggregation"] = _one_of("aggregation", arguments["aggregation"], ("features", "statistics"))
    options["window_unit"] = _one_of("window_unit", arguments["window_unit"], ("samples", "seconds"))
    if arguments["adaptation"] is not None:
        _one_of("adaptation", arguments["adaptation"], ADAPTATIONS)
    if arguments["adaptation"] == "switch" and kind["name"] != "ensemble":
        raise ConfigError("adaptation is 'switch', expected algorithms=[...] to switch between")
    options["adaptation"] = arguments["adaptation"] or ("retrain" if options["auto_retrain"] else "report")
    retrain = "a count of samples, or a rate above 0 and below 1"
    options["retrain_threshold"] = _number("retrain_threshold", arguments["retrain_threshold"], retrain, 0.0)
    options["drift_threshold"] = _number("drift_threshold", arguments["drift_threshold"], "a magnitude from 0 to 1", -1e-300, 1.0)
    _check_detector(arguments["drift_detector"])
    if arguments["max_memory_mb"] is not None:
        options["max_memory_mb"] = _number("max_memory_mb", arguments["max_memory_mb"], "a number of megabytes above 0", 0.0)
    _windows(options, arguments)
    options["decision"] = _decision(options, arguments["decision"])
    options["detector"] = _ensemble(options) if kind["name"] == "ensemble" else _shared(kind, options, settings or {})
    if kind["name"] != "ensemble" and options["n_estimators"] is not None and "n_estimators" not in kind["settings"]:
        having = [name for name, other in KINDS.items() if "n_estimators" in other["settings"]]
        raise ConfigError(f"n_estimators is {options['n_estimators']}, but {options['algorithm']} has none ({', '.join(having)} have)")
    options["learn_every"] = _learn_every(options, kind)
    _refuse_idle(options, arguments, given, kind)
    return options


def _refuse_idle(options: Mapping[str, Any], arguments: Mapping[str, Any], given: set[str], kind: Mapping[str, Any]) -> None:
    """Raise for arguments that would change nothing."""

    def refuse(name: str, why: str) -> None:
        raise ConfigError(f"{name} is {arguments[name]!r}, which changes nothing: {why}")

    by_samples = options["window_unit"] == "samples"
    detector = arguments["drift_detector"]
    watches = detector is not None or options["drift_detection"]
    # What looks at the window every so often.
    looks = (detector is not None and not isinstance(detector, PerformanceDriftDetector)) or (
        options["auto_retrain"] and options["retrain_threshold"] < 1
    )
    is_plain = by_samples and options["aggregation"] == "features"
    takes_steps = kind["is_ordered"] or kind["name"] == "auto"
    if arguments["auto_retrain"] is False and "retrain_threshold" in given:
        refuse("retrain_threshold", "auto_retrain is False (leave it out, or set it to True)")
    if arguments["drift_detection"] is False and detector is None and "drift_threshold" in given:
        refuse("drift_threshold", "drift_detection is False (leave it out, or set it to True)")
    if arguments["adaptation"] in ("retrain", "incremental") and not watches:
        refuse("adaptation", "nothing watches for drift (drift_detection=True, or a drift_detector)")
    if "contamination" in given and not (options["decision"].get("contamination") is not None):
        refuse("contamination", "decision names a threshold or a rate (give one of them)")
    if is_plain and takes_steps:
        why = f"{options['algorithm']} reads samples as steps in time and learns each as it comes"
        if options["window_type"] == "tumbling" and not looks:
            refuse("window_type", why)
        if arguments["slide_interval"] is not None and not looks:
            refuse("slide_interval", why)
        if "update_frequency" in given and not looks:
            refuse("update_frequency", why)
        uses_window = "window_size" in kind["settings"] or looks or options["auto_retrain"] or watches
        if "window_size" in given and not uses_window:
            refuse("window_size", f"{options['algorithm']} finds out by itself how long it remembers")
    if "drift_threshold" in given and isinstance(detector, PerformanceDriftDetector):
        refuse("drift_threshold", "PerformanceDriftDetector has a threshold of its own")
    if by_samples and isinstance(detector, StatisticalDriftDetector):
        for name in ("reference_window", "window_size", "min_samples"):
            rows = getattr(detector, name)
            if rows is not None and rows > options["window_size"]:
                shown = f"{name} of drift_detector is {rows}, but it is shown the service's window, which is {int(options['window_size'])}"
                raise ConfigError(f"{shown} (a larger window_size of the service, or a smaller {name})")


def _check_detector(detector: Any) -> None:
    if detector is None:
        return
    missing = [name for name in ("update_reference", "detect_drift") if not callable(getattr(detector, name, None))]
    if missing or isinstance(detector, type):
        expected = "an object with update_reference(data) and detect_drift(current_data) (willet.DriftDetector is their base)"
        raise ConfigError(f"drift_detector is {detector!r}, expected {expected}")


def _windows(options: dict[str, Any], arguments: Mapping[str, Any]) -> None:
    size = options["window_size"]
    slide = arguments["slide_interval"]
    if slide is not None:
        slide = options["slide_interval"] = whole("slide_interval", slide, 1, size)
        if options["window_type"] == "tumbling" and slide != size:
            raise ConfigError(f"slide_interval is {slide} with window_type 'tumbling', expected none: it moves by the window ({size})")
    samples = arguments["max_memory_samples"]
    by_samples = options["window_unit"] == "samples"
    if samples is None:
        options["max_memory_samples"] = max(10_000, size) if by_samples else 100_000
    elif whole("max_memory_samples", samples, 2) < size and by_samples:
        raise ConfigError(f"max_memory_samples is {samples}, expected window_size ({size}) or more")
    if options["window_type"] == "tumbling":
        slide = size
    options["window_micros"] = size * 1_000_000
    options["slide_micros"] = (slide or max(1, size // 12)) * 1_000_000
    # How often drift detectors and the recent rate are looked at.
    options["check_every"] = slide if slide and by_samples else int(min(options["update_frequency"], size))
    options["batch_rows"] = 10_000


def _decision(options: Mapping[str, Any], decision: Mapping[str, Any] | None) -> dict[str, Any]:
    decision = dict(decision or {})
    refuse_unknown("decision setting", {name: 0 for name in decision if name not in DECISIONS}, DECISIONS)
    by_other = decision.get("threshold") is not None or decision.get("rate") is not None
    return decision if by_other else {"contamination": options["contamination"]} | decision


def _learn_every(options: Mapping[str, Any], kind: dict[str, Any]) -> int:
    """Samples that are learned together."""
    if kind["is_ordered"] or kind["name"] == "auto" or options["window_unit"] == "seconds" or options["aggregation"] == "statistics":
        return 1
    if options["window_type"] == "tumbling":
        return int(options["window_size"])
    if options["slide_interval"] is not None:
        return int(options["slide_interval"])
    if "update_frequency" not in kind["settings"] and is_given(options["update_frequency"]):
        return int(options["update_frequency"])
    return 1


def halved(settings: Mapping[str, Any], times: int) -> dict[str, Any]:
    """Settings of a model that takes less memory."""
    if not times:
        return dict(settings)
    less = dict(settings)
    if isinstance(less.get("members"), Mapping):
        less["members"] = {name: halved(own, times) for name, own in less["members"].items()}
    for name, smallest in _SMALLEST.items():
        if name in less and isinstance(less[name], Integral):
            less[name] = max(min(smallest, int(less[name])), int(less[name]) >> times)
    return less


def samples_kept(options: Mapping[str, Any], thrift: int) -> int:
    """Recent samples that a source may keep, where memory was cut down so often."""
    most = int(options["max_memory_samples"])
    if not thrift:
        return most
    window = int(options["window_size"]) if options["window_unit"] == "samples" else most
    return max(2, min(most, window) >> (thrift - 1))
