"""Structured logs: a line of JSON for each anomaly, bound to sample and source."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, TextIO

import numpy as np
from willet import Result, StreamingService


class Lines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        bound: dict[str, Any] = getattr(record, "bound", {})
        return json.dumps({"level": record.levelname.lower(), "event": record.getMessage(), **bound})


def main(stream: TextIO = sys.stdout) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines())
    log = logging.getLogger("example")
    log.handlers, log.propagate = [handler], False
    log.setLevel(logging.INFO)

    def observe(result: Result) -> None:
        if result.is_anomaly and result.reason:
            bound = {
                "sample_id": result.sample_count,
                "source": result.source,
                "anomaly_score": round(result.anomaly_score, 3),
                "confidence": round(result.confidence, 3),
                "anomaly_type": result.reason["anomaly_type"],
            }
            log.warning("anomaly", extra={"bound": bound})

    service = StreamingService(algorithm="zscore", contamination=0.01)
    service.on_result(observe)
    rows = np.random.default_rng(0).normal(size=(1_000, 2))
    rows[900, 1] = 12.0
    service.sync.process_batch(rows, sources=["line-3"] * len(rows))


if __name__ == "__main__":
    main()
