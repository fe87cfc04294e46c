"""Prometheus: the figures of a service under `/metrics`."""

from __future__ import annotations

import urllib.request

import numpy as np
from willet import StreamingConfig, create_streaming_service


def main(port: int = 8000) -> str:
    service = create_streaming_service(StreamingConfig(algorithm="hst", contamination=0.02, enable_metrics=True, metrics_port=port))
    service.sync.process_batch(np.random.default_rng(0).normal(size=(1_000, 3)))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = str(answer.read().decode())
    print("\n".join(line for line in text.splitlines() if line.startswith("anomaly_detection") and "bucket" not in line))
    return text


if __name__ == "__main__":
    main()
