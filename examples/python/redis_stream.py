"""Redis: entries of `sensor-stream` read by a group, judged, acknowledged; alerts to the stream `anomaly-alerts`."""

from __future__ import annotations

import os
from typing import Any

from willet import InputError, StreamingService

STREAM, GROUP, CONSUMER, ALERTS = "sensor-stream", "anomaly-detectors", "detector-1", "anomaly-alerts"
FIELDS = ("temperature", "humidity", "pressure")


def run(url: str, *, until_idle: bool = False) -> int:
    """Judge entries as they come; gives the number of alerts."""
    import redis

    client = redis.Redis.from_url(url, decode_responses=True)
    try:
        client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
    service = StreamingService(algorithm="iforest", contamination=0.05)
    alerts = 0
    # First what this consumer was given before and did not acknowledge, then what is new.
    last = "0"
    while True:
        answer: Any = client.xreadgroup(GROUP, CONSUMER, {STREAM: last}, count=10, block=1_000)
        entries = answer[0][1] if answer else []
        if not entries:
            if last == ">" and until_idle:
                return alerts
            last = ">"
            continue
        for message_id, fields in entries:
            alerts += judge(client, service, message_id, fields)
            client.xack(STREAM, GROUP, message_id)
            last = last if last == ">" else message_id


def judge(client: Any, service: StreamingService, message_id: str, fields: dict[str, str] | None) -> int:
    """Judge an entry; 1 if it is an anomaly."""
    try:
        values = [float(fields[name]) for name in FIELDS] if fields else []
        result = service.sync.process_sample(values, timestamp=(fields or {}).get("timestamp"))
    except (KeyError, ValueError, InputError) as error:
        print(f"left out {message_id}: {error}")
        return 0
    if not result.is_anomaly:
        return 0
    timestamp = (fields or {}).get("timestamp", message_id.split("-")[0])
    client.xadd(ALERTS, {"message_id": message_id, "anomaly_score": result.anomaly_score, "timestamp": timestamp})
    return 1


if __name__ == "__main__":
    run(os.environ.get("REDIS_URL", "redis://localhost:6379"))
