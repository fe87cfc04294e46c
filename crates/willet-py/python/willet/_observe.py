"""Metrics and traces of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import ConfigError

if TYPE_CHECKING:
    from .streaming import Result, StreamingService


def count(service: StreamingService, registry: Any = None) -> Any:
    """Count a service's results into a registry of ``prometheus-client``, its own one by default; gives the registry."""
    try:
        import prometheus_client as prometheus
    except ImportError:
        raise ConfigError("metrics need prometheus-client (pip install prometheus-client)") from None
    registry = registry if registry is not None else prometheus.CollectorRegistry()
    labels = {"algorithm": service.algorithm}

    def metric(kind: Any, name: str, text: str, *more: str) -> Any:
        return kind(f"anomaly_detection_{name}", text, ["algorithm", *more], registry=registry)

    samples = metric(prometheus.Counter, "samples_processed", "Samples judged").labels(**labels)
    anomalies = metric(prometheus.Counter, "anomalies_detected", "Anomalies found", "confidence_level")
    duration = metric(prometheus.Histogram, "processing_duration_seconds", "Time a sample took").labels(**labels)
    drifts = metric(prometheus.Counter, "drift_detections", "Drifts seen").labels(**labels)
    retrains = metric(prometheus.Counter, "model_retrains", "Models fitted anew", "reason")
    window = metric(prometheus.Gauge, "window_size", "Samples in the window").labels(**labels)
    window.set_function(lambda: service.current_window_size)
    service._retrained = lambda reason: retrains.labels(**labels, reason=reason).inc()

    def observe(result: Result) -> None:
        samples.inc()
        duration.observe(result.processing_time)
        if result.is_anomaly:
            anomalies.labels(**labels, confidence_level="high" if result.confidence > 0.8 else "low").inc()
        if result.drift_detected:
            drifts.inc()

    service.on_result(observe)
    return registry


def serve_metrics(service: StreamingService, port: int) -> None:
    """Serve a service's metrics under ``/metrics``."""
    registry = count(service)
    import prometheus_client

    prometheus_client.start_http_server(port, registry=registry)


def trace(service: StreamingService) -> None:
    """Make a span of each sample, by whatever provider of OpenTelemetry is set."""
    try:
        from opentelemetry import trace as telemetry
    except ImportError:
        raise ConfigError("tracing needs opentelemetry (pip install opentelemetry-api opentelemetry-sdk)") from None
    from time import time_ns

    tracer = telemetry.get_tracer("willet")

    def observe(result: Result) -> None:
        end = time_ns()
        start = end - int(result.processing_time * 1e9)
        attributes: dict[str, Any] = {
            "algorithm": service.algorithm,
            "source": result.source or "",
            "sample_id": result.sample_count,
            "result.is_anomaly": result.is_anomaly,
            "result.anomaly_score": result.anomaly_score,
            "result.confidence": result.confidence,
            "result.processing_time": result.processing_time,
            "drift.detected": result.drift_detected,
        }
        outer = tracer.start_span("process_sample", start_time=start, attributes=attributes)
        with telemetry.use_span(outer, end_on_exit=False):
            tracer.start_span("anomaly_detection", start_time=start, attributes=attributes).end(end)
            if result.drift_detected:
                tracer.start_span("concept_drift_handling", start_time=end).end(end)
        outer.end(end)

    service.on_result(observe)
