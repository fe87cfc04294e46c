"""OpenTelemetry: a span for each sample, with what came of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from willet import StreamingConfig, create_streaming_service


def main() -> list[Any]:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    service = create_streaming_service(StreamingConfig(algorithm="zscore", enable_tracing=True))
    service.sync.process_batch(np.random.default_rng(0).normal(size=(200, 2)))
    spans = list(exporter.get_finished_spans())
    print(spans[-1].name, dict(spans[-1].attributes or {}))
    return spans


if __name__ == "__main__":
    main()
