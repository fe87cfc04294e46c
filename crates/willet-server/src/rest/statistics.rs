//! Numbers of the node, as a whole.

use std::sync::atomic::Ordering::Relaxed;

use axum::Json;
use axum::extract::State;
use willet_node::service::now;
use willet_proto::{Latency, Statistics};

use crate::app::App;
use crate::problem::Answer;

/// Numbers of the node. Events and anomalies are of all time, rates of the last ten seconds, latencies of the last half minute.
#[utoipa::path(get, path = "/api/statistics", tag = "health", responses((status = 200, body = Statistics)))]
pub(crate) async fn statistics(State(app): State<App>) -> Answer<Json<Statistics>> {
    collect(&app).map(Json)
}

pub(crate) fn collect(app: &App) -> Answer<Statistics> {
    let service = app.service()?;
    let (events, anomalies) = app.totals()?;
    let (mut sources, mut rejected, mut skipped) = (0, 0, 0);
    for stream in service.streams() {
        sources += stream.counters.keys.load(Relaxed);
        rejected += stream.counters.rejected.load(Relaxed);
        skipped += stream.counters.skipped_events();
    }
    let share = |part: u64, whole: u64| {
        if whole == 0 {
            0.0
        } else {
            part as f64 / whole as f64
        }
    };
    let now = now();
    let latency = |q| {
        let seconds = service.counters().latency.quantile(q, now);
        seconds.map(|seconds| (seconds * 1e6).round() / 1e3)
    };
    Ok(Statistics {
        total_events: events,
        total_anomalies: anomalies,
        anomaly_rate: share(anomalies, events),
        events_per_second: (app.rate() * 10.0).round() / 10.0,
        latency_ms: Latency {
            p50: latency(0.5),
            p95: latency(0.95),
        },
        error_rate: share(rejected, rejected + events),
        sources,
        uptime_seconds: (now - app.started_at()) as f64 / 1e6,
        open_alerts: service.open_alerts(),
        rejected_events: rejected,
        skipped_events: skipped,
        refused_requests: app.numbers().refused.load(Relaxed),
    })
}
