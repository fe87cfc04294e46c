"""Alarms on how a service does: time, memory, anomalies, errors."""

from __future__ import annotations

from collections import deque

import numpy as np
from willet import InputError, StreamingService

THRESHOLDS = {"processing_time": 1.0, "memory_usage": 1_000.0, "anomaly_rate": 0.2, "error_rate": 0.05}


class Monitor:
    """Keeps the last 1,000 figures of each kind; alarms look at the mean of the last 100."""

    def __init__(self, service: StreamingService, **thresholds: float) -> None:
        self.service, self.thresholds = service, THRESHOLDS | thresholds
        self.figures: dict[str, deque[float]] = {name: deque(maxlen=1_000) for name in self.thresholds}

    def process(self, sample: object) -> None:
        """Judge a sample and take down how it went."""
        try:
            result = self.service.sync.process_sample(sample)
        except InputError:
            self.figures["error_rate"].append(1.0)
            return
        self.figures["error_rate"].append(0.0)
        self.figures["processing_time"].append(result.processing_time)
        self.figures["anomaly_rate"].append(float(result.is_anomaly))
        self.figures["memory_usage"].append(self.service.get_memory_usage())

    def alarms(self) -> list[str]:
        """Names of what is too high."""
        means = {name: float(np.mean(list(figures)[-100:])) for name, figures in self.figures.items() if figures}
        return [f"HIGH_{name.upper()}" for name, mean in means.items() if mean > self.thresholds[name]]


def main() -> list[str]:
    monitor = Monitor(StreamingService(algorithm="zscore", contamination=0.05), memory_usage=0.001)
    rows = np.random.default_rng(0).normal(size=(500, 2))
    for i, row in enumerate(rows):
        monitor.process("broken" if i % 10 == 0 else row)
    print(monitor.alarms())
    return monitor.alarms()


if __name__ == "__main__":
    main()
