//! What is counted, as OpenMetrics text.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use willet_core::settings::Value;
use willet_engine::shard::Reason;
use willet_engine::verdict::SKIPS;
use willet_node::service::{BOUNDS, Histogram, Service, StreamFace, now};

use crate::app::App;
use crate::problem::{Answer, Fault};

pub(crate) async fn metrics(State(app): State<App>) -> Answer<impl IntoResponse> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Numbers(app)));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).map_err(Fault::internal)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text))
}

#[derive(Debug)]
struct Numbers(App);

type Labels<'a> = Vec<(&'a str, String)>;
type Written = Result<(), std::fmt::Error>;

impl Collector for Numbers {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Written {
        let mut out = Out(encoder);
        let app = &self.0;
        let numbers = app.numbers();
        let count = |number: &AtomicU64| number.load(Relaxed);
        out.gauge(
            "willet_up",
            "1 while the service runs",
            f64::from(u8::from(app.service().is_ok())),
        )?;
        out.gauge(
            "willet_uptime_seconds",
            "Time since the start",
            (now() - app.started_at()) as f64 / 1e6,
        )?;
        out.counter(
            "willet_http_requests",
            "Requests answered",
            count(&numbers.requests),
        )?;
        out.counter(
            "willet_http_refused",
            "Requests refused because too much came in, or the disk was full",
            count(&numbers.refused),
        )?;
        out.counter(
            "willet_http_failed",
            "Requests that failed by our fault",
            count(&numbers.failed),
        )?;
        out.gauge(
            "willet_http_connections",
            "Connections open",
            count(&numbers.connections) as f64,
        )?;
        out.gauge(
            "websocket_connections_active",
            "Live sockets open",
            count(&numbers.sockets) as f64,
        )?;
        out.counter(
            "willet_socket_messages",
            "Messages sent to live sockets",
            count(&numbers.socket_messages),
        )?;
        out.counter(
            "willet_socket_lost",
            "Messages that slow live sockets did not get",
            count(&numbers.socket_lost),
        )?;
        if let Some(bytes) = resident_bytes() {
            out.gauge(
                "process_resident_memory_bytes",
                "Memory of the process",
                bytes,
            )?;
        }
        let Ok(service) = app.service() else {
            return Ok(());
        };
        service_numbers(&mut out, service)?;
        stream_numbers(&mut out, &service.streams())
    }
}

fn service_numbers(out: &mut Out<'_>, service: &Service) -> Written {
    let counters = service.counters();
    let count = |number: &AtomicU64| number.load(Relaxed);
    out.gauge(
        "willet_queue_bytes",
        "Bytes on their way between doors and shards",
        service.budget().used() as f64,
    )?;
    out.gauge(
        "willet_queue_limit_bytes",
        "Bytes that may be on their way",
        service.budget().limit() as f64,
    )?;
    out.counter(
        "willet_log_commits",
        "Syncs of the log",
        count(&counters.log_commits),
    )?;
    out.counter(
        "willet_log_records",
        "Records written to the log",
        count(&counters.log_records),
    )?;
    out.counter(
        "willet_log_payload_bytes",
        "Payload bytes written to the log",
        count(&counters.log_payload_bytes),
    )?;
    out.counter(
        "willet_log_errors",
        "Appends that the log refused",
        count(&counters.log_errors),
    )?;
    out.gauge(
        "willet_log_bytes",
        "Bytes of the log on disk",
        count(&counters.log_bytes) as f64,
    )?;
    out.counter(
        "willet_store_commits",
        "Transactions of the store",
        count(&counters.store_commits),
    )?;
    out.counter(
        "willet_store_retries",
        "Transactions of the store that had to be tried again",
        count(&counters.store_retries),
    )?;
    out.gauge(
        "willet_output_lag_seconds",
        "Age of the verdicts that are on their way to the store and to whoever listens",
        service.output_lag(),
    )?;
    out.gauge(
        "willet_alerts_open",
        "Alerts that are not resolved",
        service.open_alerts() as f64,
    )?;
    out.gauge(
        "willet_degraded_parts",
        "Parts of the service that are not well",
        service.troubles().len() as f64,
    )?;
    out.histogram(
        "willet_log_commit_seconds",
        "Time of one sync of the log",
        &counters.commit_time,
        1.0,
    )?;
    out.histogram(
        "willet_latency_seconds",
        "From arrival to verdict",
        &counters.latency,
        1.0,
    )?;
    out.histogram(
        "event_processing_duration_ms",
        "From arrival to verdict",
        &counters.latency,
        1e3,
    )?;
    out.histogram(
        "event_processing_duration_seconds",
        "From arrival to verdict",
        &counters.latency,
        1.0,
    )?;
    out.histogram(
        "ml_inference_duration_ms",
        "Time of one event in its detector",
        &counters.processing_time,
        1e3,
    )?;
    out.histogram(
        "ml_inference_duration_seconds",
        "Time of one event in its detector",
        &counters.processing_time,
        1.0,
    )
}

fn stream_numbers(out: &mut Out<'_>, streams: &[std::sync::Arc<StreamFace>]) -> Written {
    type Number = fn(&StreamFace) -> u64;
    let counters: [(&str, &str, Number); 9] = [
        ("events_processed", "Events judged", |stream| {
            stream.counters.events.load(Relaxed)
        }),
        (
            "events_failed",
            "Events refused because they were not understood",
            |stream| stream.counters.rejected.load(Relaxed),
        ),
        ("willet_anomalies", "Verdicts that said yes", |stream| {
            stream.counters.anomalies.load(Relaxed)
        }),
        (
            "willet_events_late",
            "Events behind their series by more than is allowed",
            |stream| stream.counters.late.load(Relaxed),
        ),
        (
            "willet_events_duplicate",
            "Events whose id was seen before",
            |stream| stream.counters.duplicates.load(Relaxed),
        ),
        ("willet_checkpoints", "Checkpoints finished", |stream| {
            stream.counters.checkpoints.load(Relaxed)
        }),
        (
            "willet_shard_restarts",
            "Times a shard was started again after a panic",
            |stream| stream.counters.restarts.load(Relaxed),
        ),
        (
            "willet_records_poisoned",
            "Records skipped because they made processing panic",
            |stream| stream.counters.poisoned.load(Relaxed),
        ),
        (
            "willet_records_taken",
            "Records taken by the shard of all time",
            |stream| stream.counters.position.load(Relaxed),
        ),
    ];
    for (name, help, number) in counters {
        out.counters(
            name,
            help,
            streams
                .iter()
                .map(|stream| (of_stream(stream), number(stream))),
        )?;
    }
    out.counters(
        "willet_events_skipped",
        "Events taken and not judged, by reason",
        streams.iter().flat_map(|stream| {
            let counts = SKIPS.into_iter().zip(&stream.counters.skipped);
            counts.map(move |(reason, count)| {
                let mut labels = of_stream(stream);
                labels.push(("reason", reason.to_owned()));
                (labels, count.load(Relaxed))
            })
        }),
    )?;
    let gauges: [(&str, &str, Number); 4] = [
        ("willet_keys", "Keys known", |stream| {
            stream.counters.keys.load(Relaxed)
        }),
        (
            "willet_series_resident_bytes",
            "Memory of what was learned",
            |stream| stream.counters.resident_bytes.load(Relaxed),
        ),
        (
            "willet_model_version",
            "Version of what series learn",
            |stream| stream.counters.model_version.load(Relaxed),
        ),
        (
            "willet_undelivered_records",
            "Records whose verdicts are not durable yet",
            |stream| {
                let (taken, kept) = (&stream.counters.position, &stream.counters.delivered);
                taken.load(Relaxed).saturating_sub(kept.load(Relaxed))
            },
        ),
    ];
    for (name, help, number) in gauges {
        out.gauges(
            name,
            help,
            streams
                .iter()
                .map(|stream| (of_stream(stream), number(stream) as f64)),
        )?;
    }
    guide_numbers(out, streams)
}

/// The names of the library guide, by algorithm.
fn guide_numbers(out: &mut Out<'_>, streams: &[std::sync::Arc<StreamFace>]) -> Written {
    let mut by_algorithm: std::collections::BTreeMap<String, [u64; 9]> =
        std::collections::BTreeMap::new();
    for stream in streams {
        let detector = stream.config().detector;
        let numbers = by_algorithm.entry(detector.algorithm).or_default();
        let confident = stream.counters.confident.load(Relaxed);
        numbers[0] += stream.counters.events.load(Relaxed);
        numbers[1] += confident;
        numbers[2] += stream
            .counters
            .anomalies
            .load(Relaxed)
            .saturating_sub(confident);
        numbers[4] += stream.counters.drifts.load(Relaxed);
        for (number, counter) in numbers[5..].iter_mut().zip(&stream.counters.retrains) {
            *number += counter.load(Relaxed);
        }
        let window = match detector.settings.get("window_size") {
            Some(Value::Number(window)) => *window as u64,
            _ => 1_000,
        };
        numbers[3] = numbers[3].max(window);
    }
    let of = |algorithm: &String| vec![("algorithm", algorithm.clone())];
    let leveled = |algorithm: &String, level: &str| {
        vec![
            ("algorithm", algorithm.clone()),
            ("confidence_level", level.to_owned()),
        ]
    };
    out.counters(
        "anomaly_detection_samples_processed",
        "Samples judged",
        by_algorithm
            .iter()
            .map(|(name, numbers)| (of(name), numbers[0])),
    )?;
    out.counters(
        "anomaly_detection_anomalies_detected",
        "Anomalies, by whether confidence is above 0.8",
        by_algorithm.iter().flat_map(|(name, numbers)| {
            [
                (leveled(name, "high"), numbers[1]),
                (leveled(name, "low"), numbers[2]),
            ]
        }),
    )?;
    out.counters(
        "anomaly_detection_drift_detections",
        "Changes of what is normal",
        by_algorithm
            .iter()
            .map(|(name, numbers)| (of(name), numbers[4])),
    )?;
    out.counters(
        "anomaly_detection_model_retrains",
        "Series trained anew or further, by what made it due",
        by_algorithm.iter().flat_map(|(name, numbers)| {
            let reasons = Reason::ALL.iter().zip(&numbers[5..]);
            reasons.map(move |(reason, count)| {
                let mut labels = of(name);
                labels.push(("reason", reason.as_str().to_owned()));
                (labels, *count)
            })
        }),
    )?;
    out.gauges(
        "anomaly_detection_window_size",
        "Samples of the window, the longest of those running",
        by_algorithm
            .iter()
            .map(|(name, numbers)| (of(name), numbers[3] as f64)),
    )
}

fn of_stream(stream: &StreamFace) -> Labels<'static> {
    vec![("stream", stream.name.to_string())]
}

struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn counter(&mut self, name: &str, help: &str, value: u64) -> Written {
        let metric = ConstCounter::new(value);
        let encoder = self
            .0
            .encode_descriptor(name, help, None, metric.metric_type())?;
        metric.encode(encoder)
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) -> Written {
        let metric = ConstGauge::new(value);
        let encoder = self
            .0
            .encode_descriptor(name, help, None, metric.metric_type())?;
        metric.encode(encoder)
    }

    fn counters<'l>(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = (Labels<'l>, u64)>,
    ) -> Written {
        let mut encoder = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            ConstCounter::new(value).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn gauges<'l>(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = (Labels<'l>, f64)>,
    ) -> Written {
        let mut encoder = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            ConstGauge::new(value).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// A histogram whose bounds are written in seconds times `unit`.
    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram, unit: f64) -> Written {
        let (counts, sum) = histogram.totals();
        let bounds = BOUNDS.iter().map(|bound| bound * unit).chain([f64::MAX]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let total = counts.iter().sum();
        let mut encoder = self
            .0
            .encode_descriptor(name, help, None, MetricType::Histogram)?;
        encoder.encode_histogram::<NoLabelSet>(sum * unit, total, &buckets, None)
    }
}

/// Memory of this process, where the system tells.
fn resident_bytes() -> Option<f64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let resident: f64 = pages.split(' ').nth(1)?.parse().ok()?;
    Some(resident * 4_096.0)
}
