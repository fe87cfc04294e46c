"""Sensors: a reading a minute, a day as window, each sensor learned for itself."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from willet import Result, StreamingService

DAY = 1440


def readings(days: int = 3) -> Iterator[tuple[str, float, list[float]]]:
    """Temperature, humidity and pressure of two rooms; one heats up at the end."""
    rng = random.Random(1)
    for minute in range(days * DAY):
        for room, base in (("cellar", 12.0), ("attic", 24.0)):
            swing = 2.0 * math.sin(2 * math.pi * minute / DAY)
            fault = 9.0 if room == "cellar" and minute >= days * DAY - 5 else 0.0
            yield (
                room,
                1_767_225_600.0 + 60 * minute,
                [base + swing + fault + rng.gauss(0, 0.3), 55 + rng.gauss(0, 1), 1013 + rng.gauss(0, 1)],
            )


def main() -> list[Result]:
    service = StreamingService(algorithm="iforest", window_size=DAY, contamination=0.02, update_frequency=60)
    alarms = []
    for room, time, values in readings():
        result = service.sync.process_sample(values, timestamp=time, source=room)
        if result.is_anomaly and result.anomaly_score > 0.75:
            alarms.append(result)
    for alarm in alarms[-3:]:
        print(f"{alarm.source}: score {alarm.anomaly_score:.2f}, sure {alarm.confidence:.0%}, {alarm.reason}")
    return alarms


if __name__ == "__main__":
    main()
