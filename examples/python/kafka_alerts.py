"""Kafka: readings from `sensor-data` judged, anomalies to `anomaly-alerts`, figures to `anomaly-metrics`.

`KAFKA_BOOTSTRAP_SERVERS` names the brokers. Offsets are committed when what was made of their readings is on the brokers: after a crash
some readings are judged again, none is left out.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from willet import InputError, StreamingService


def run(servers: str, *, idle_seconds: float = 5.0) -> int:
    """Judge until nothing came for so long; gives the number of alerts."""
    from kafka import KafkaConsumer, KafkaProducer

    service = StreamingService(algorithm="iforest", window_size=1000, contamination=0.05)
    consumer = KafkaConsumer(
        "sensor-data",
        bootstrap_servers=servers,
        group_id="anomaly-detector",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        value_deserializer=lambda text: json.loads(text),
    )
    producer = KafkaProducer(bootstrap_servers=servers, acks="all", value_serializer=lambda value: json.dumps(value).encode())
    alerts, heard = 0, time.monotonic()
    try:
        while time.monotonic() - heard < idle_seconds:
            for records in consumer.poll(timeout_ms=500).values():
                heard = time.monotonic()
                for record in records:
                    alerts += judge(service, producer, record.value)
            producer.flush()
            consumer.commit()
    finally:
        producer.close()
        consumer.close()
    return alerts


def judge(service: StreamingService, producer: Any, reading: dict[str, Any]) -> int:
    """Judge a reading; 1 if it is an anomaly."""
    try:
        result = service.sync.process_sample(reading["features"], timestamp=reading["timestamp"], source=reading["source"])
    except (KeyError, InputError) as error:
        print(f"left out {reading}: {error}")
        return 0
    metrics = {
        "timestamp": reading["timestamp"],
        "processing_time": result.processing_time,
        "anomaly_score": None if result.warming_up else result.anomaly_score,
        "sample_count": result.sample_count,
    }
    producer.send("anomaly-metrics", metrics)
    if not result.is_anomaly:
        return 0
    alert = {
        "timestamp": reading["timestamp"],
        "source": reading["source"],
        "anomaly_score": result.anomaly_score,
        "confidence": result.confidence,
        "data": reading,
    }
    producer.send("anomaly-alerts", alert)
    return 1


if __name__ == "__main__":
    print(run(os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092"), idle_seconds=float("inf")))
