"""Configuration of a service, from a file or the environment."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _options
from ._errors import ConfigError

if TYPE_CHECKING:
    from .streaming import StreamingService

PREFIX = "STREAMING_"


@dataclass
class StreamingConfig:
    """What a service is made of, and what stands around it.

    From the environment each is called ``STREAMING_`` and its name in capitals; ``KAFKA_BOOTSTRAP_SERVERS`` and ``REDIS_URL`` work
    without the prefix too. Lists are written with commas.

    Examples
    --------
    >>> config = StreamingConfig.from_env({"STREAMING_ALGORITHM": "lof", "STREAMING_WINDOW_SIZE": "500"})
    >>> config.algorithm, config.window_size, config.batch_size
    ('lof', 500, 100)
    """

    algorithm: str = "iforest"
    algorithms: list[str] | None = None
    contamination: float = 0.1
    window_size: int = 1000
    batch_size: int = 100
    max_memory_mb: float = 1000
    async_processing: bool = False
    num_workers: int = 4
    drift_detection: bool | None = None
    drift_threshold: float = 0.1
    auto_retrain: bool | None = None
    retrain_threshold: float = 1000
    #: Serve Prometheus metrics on ``metrics_port`` (needs ``prometheus-client``).
    enable_metrics: bool = False
    metrics_port: int = 8000
    #: Make a span of each sample (needs ``opentelemetry-api``).
    enable_tracing: bool = False
    #: Level of the logger ``willet``.
    log_level: str = "INFO"
    #: For the program around the service: where it reads and writes.
    kafka_bootstrap_servers: str | None = None
    redis_url: str | None = None
    output_topic: str | None = None
    #: Other arguments of :class:`willet.StreamingService`, by name.
    service: dict[str, Any] = field(default_factory=dict)

    if not TYPE_CHECKING:
        # Whoever checks types sees the arguments one by one.
        def __init__(self, **values):
            self._take(values)

    def _take(self, values: Mapping[str, Any]) -> None:
        names = [each.name for each in fields(self)]
        _options.refuse_unknown("setting", {name: 0 for name in values if name not in names}, names)
        for each in fields(self):
            default = {} if each.name == "service" else each.default
            setattr(self, each.name, values.get(each.name, default))
        self._check()

    def _check(self) -> None:
        levels = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
        if str(self.log_level).upper() not in levels:
            raise ConfigError(f"log_level is {self.log_level!r}, expected one of {', '.join(levels)}")
        self.log_level = str(self.log_level).upper()
        self.metrics_port = _options.whole("metrics_port", self.metrics_port, 0, 65535)
        for name in ("enable_metrics", "enable_tracing"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} is {getattr(self, name)!r}, expected True or False")
        from .streaming import StreamingService

        StreamingService(**self.service_arguments())

    def service_arguments(self) -> dict[str, Any]:
        """Arguments of the service."""
        own = (
            "algorithm", "algorithms", "contamination", "window_size", "batch_size", "max_memory_mb", "async_processing", "num_workers",
            "drift_detection", "drift_threshold", "auto_retrain", "retrain_threshold",
        )  # fmt: skip
        defaults = {each.name: each.default for each in fields(self)}
        values = {name: getattr(self, name) for name in own}
        # What stands here with its default was not asked for; a threshold of what is switched off has nothing to say.
        given = {name: value for name, value in values.items() if value != defaults[name] or name == "max_memory_mb"}
        for switch, threshold in (("auto_retrain", "retrain_threshold"), ("drift_detection", "drift_threshold")):
            if values[switch] is False:
                given.pop(threshold, None)
        return given | self.service

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> StreamingConfig:
        """From the environment."""
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for name in ("KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL"):
            if name in environment:
                values[name.lower()] = environment[name]
        for name, text in environment.items():
            if name.startswith(PREFIX):
                key = name[len(PREFIX) :].lower()
                values[key] = _read(cls, key, text)
        return cls(**values)

    @classmethod
    def from_file(cls, path: str | Path) -> StreamingConfig:
        """From a file: JSON, TOML (Python 3.11), or YAML (needs ``pyyaml``), told by its ending."""
        path = Path(path)
        text = path.read_text()
        values: Any
        if path.suffix == ".json":
            values = json.loads(text)
        elif path.suffix == ".toml":
            try:
                import tomllib
            except ImportError:
                raise ConfigError(f"{path} is TOML, which needs Python 3.11 (JSON needs nothing)") from None
            values = tomllib.loads(text)
        elif path.suffix in (".yaml", ".yml"):
            try:
                import yaml
            except ImportError:
                raise ConfigError(f"{path} is YAML, which needs pyyaml (pip install pyyaml; JSON needs nothing)") from None
            values = yaml.safe_load(text)
        else:
            raise ConfigError(f"{path} ends in {path.suffix!r}, expected .json, .toml, .yaml or .yml")
        if isinstance(values, dict) and isinstance(values.get("streaming"), dict):
            values = values["streaming"]
        if not isinstance(values, dict):
            raise ConfigError(f"{path} holds {type(values).__name__}, expected settings by name")
        return cls(**values)

    def equip(self, service: StreamingService) -> None:
        """Give a service the metrics, traces and log level that were asked for."""
        logging.getLogger("willet").setLevel(self.log_level)
        if self.enable_metrics or self.enable_tracing:
            from . import _observe

            if self.enable_metrics:
                _observe.serve_metrics(service, self.metrics_port)
            if self.enable_tracing:
                _observe.trace(service)


def _read(config: type[StreamingConfig], name: str, text: str) -> Any:
    types = {each.name: str(each.type) for each in fields(config)}
    _options.refuse_unknown("setting", {} if name in types else {PREFIX + name.upper(): 0}, [PREFIX + known.upper() for known in types])
    kind = types[name].removesuffix(" | None")
    if kind == "bool":
        known = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
        if text.strip().lower() not in known:
            raise ConfigError(f"{PREFIX}{name.upper()} is {text!r}, expected true or false")
        return known[text.strip().lower()]
    if kind in ("int", "float"):
        try:
            return int(text) if kind == "int" or text.strip().isdigit() else float(text)
        except ValueError:
            raise ConfigError(f"{PREFIX}{name.upper()} is {text!r}, expected a number") from None
    if kind == "list[str]":
        return [each.strip() for each in text.split(",") if each.strip()]
    if kind.startswith("dict"):
        try:
            return json.loads(text)
        except ValueError:
            raise ConfigError(f"{PREFIX}{name.upper()} is {text!r}, expected an object in JSON") from None
    return text
