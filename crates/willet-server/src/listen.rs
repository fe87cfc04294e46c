//! The listener: connections counted and bounded, headers within a time, an end that waits for what is under way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;
use willet_proto::{Code, Problem};

use crate::app::App;
use crate::problem::{Fault, Unfinished};
use crate::rest::{
    alerts, anomalies, drift, events, feedback, health, keys, silences, statistics, streams,
};
use crate::{assets, auth, metrics, openapi, ws};

/// Headers must come within this time, and a connection that says nothing is closed after it.
const HEADERS: Duration = Duration::from_secs(15);

/// All paths.
pub fn router(app: &App) -> Router {
    Router::new()
        .route("/health", get(health::health))
        .route("/api/health", get(health::api_health))
        .route("/ready", get(health::ready))
        .route("/readyz", get(health::readyz))
        .route("/livez", get(health::livez))
        .route("/metrics", get(metrics::metrics))
        .route("/api/statistics", get(statistics::statistics))
        .route("/api/anomalies", get(anomalies::all))
        .route("/api/anomalies/{source}", get(anomalies::of_source))
        .route("/api/alert", post(events::alert))
        .route("/api/v1/events", post(events::events))
        .route("/api/v1/detect", post(events::detect))
        .route("/api/v1/anomalies", get(anomalies::list))
        .route("/api/v1/anomalies/{id}", get(anomalies::one))
        .route("/api/v1/drift", get(drift::list))
        .route("/api/v1/alerts", get(alerts::list))
        .route("/api/v1/alerts/{id}", get(alerts::one))
        .route("/api/v1/alerts/{id}/acknowledge", post(alerts::acknowledge))
        .route("/api/v1/alerts/{id}/resolve", post(alerts::resolve))
        .route(
            "/api/v1/silences",
            get(silences::list).post(silences::create),
        )
        .route(
            "/api/v1/silences/{id}",
            axum::routing::delete(silences::remove),
        )
        .route("/api/v1/keys", get(keys::list))
        .route("/api/v1/keys/{key}", get(keys::one).delete(keys::forget))
        .route("/api/v1/keys/{key}/history", get(keys::history))
        .route("/api/v1/keys/{key}/retrain", post(keys::retrain))
        .route("/api/v1/keys/{key}/back", post(keys::back))
        .route("/api/v1/activity", get(keys::activity))
        .route("/api/v1/feedback", post(feedback::label))
        .route("/api/v1/streams", get(streams::list).post(streams::create))
        .route(
            "/api/v1/streams/{name}",
            get(streams::one)
                .put(streams::change)
                .delete(streams::remove),
        )
        .route("/api/v1/streams/{name}/pause", post(streams::pause))
        .route("/api/v1/streams/{name}/resume", post(streams::resume))
        .route("/api/v1/openapi.json", get(openapi_json))
        .route("/ws", get(ws::open))
        .fallback(fallback)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), auth::check))
        .layer(CatchPanicLayer::custom(
            |panic: Box<dyn std::any::Any + Send>| {
                let text = panic
                    .downcast_ref::<&str>()
                    .map(|text| (*text).to_owned())
                    .or_else(|| panic.downcast_ref::<String>().cloned());
                Fault::internal(text.unwrap_or_default()).into_response()
            },
        ))
        .layer(from_fn_with_state(app.clone(), finish))
        .with_state(app.clone())
}

async fn openapi_json() -> impl axum::response::IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        openapi::document(),
    )
}

async fn fallback(request: Request) -> Response {
    let path = request.uri().path();
    let is_page = !path.starts_with("/api/")
        && matches!(
            *request.method(),
            axum::http::Method::GET | axum::http::Method::HEAD
        );
    if is_page {
        return assets::serve(request.uri(), request.headers());
    }
    Fault::new(
        Code::NotFound,
        format!("there is nothing at `{path}` (the paths are at /docs)"),
    )
    .into_response()
}

async fn wrong_method(request: Request) -> Response {
    Fault::new(
        Code::MethodNotAllowed,
        format!(
            "`{}` does not know {} (the paths are at /docs)",
            request.uri().path(),
            request.method()
        ),
    )
    .into_response()
}

/// Gives every answer its request id, finishes problems, counts, and logs.
async fn finish(State(app): State<App>, request: Request, next: Next) -> Response {
    const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    let given = request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= 128);
    let id = given.map_or_else(|| app.next_request_id(), ToOwned::to_owned);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = tracing::info_span!("request", request_id = %id, %method, path);
    let mut response = next.run(request).instrument(span.clone()).await;
    let unfinished = response.extensions_mut().remove::<Unfinished>();
    let is_problem = unfinished.is_some();
    if let Some(Unfinished(fault)) = unfinished {
        let mut problem = Problem::new(fault.code, &fault.detail, &id);
        problem.results.clone_from(&fault.results);
        let body = serde_json::to_vec(&problem).expect("plain data always serialises into memory");
        *response.body_mut() = Body::from(body);
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        span.in_scope(|| {
            tracing::debug!(code = fault.code.as_str(), detail = fault.detail, "refused");
        });
    }
    let numbers = app.numbers();
    numbers.requests.fetch_add(1, Relaxed);
    match response.status() {
        // A probe that says "not ready" refuses nothing.
        StatusCode::SERVICE_UNAVAILABLE if !is_problem => 0,
        StatusCode::SERVICE_UNAVAILABLE => numbers.refused.fetch_add(1, Relaxed),
        status if status.is_server_error() => numbers.failed.fetch_add(1, Relaxed),
        _ => 0,
    };
    let out = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        out.insert(REQUEST_ID, id);
    }
    out.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    out.entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Opens the port, with an error that says who else may have it.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves until [`App::stopping`]; then takes no more connections and waits for requests under way, no longer than `patience`.
pub async fn serve(app: &App, listener: TcpListener, patience: Duration) {
    let stop = app.stopping().clone();
    let service = router(app);
    let connections = Arc::new(Semaphore::new(app.limits().connections));
    let tasks = TaskTracker::new();
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(64 << 10);
    builder.http2().timer(TokioTimer::new());
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file handles, mostly: others will be closed.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
            app.numbers().refused.fetch_add(1, Relaxed);
            drop(stream);
            continue;
        };
        // A verdict must not wait for the next packet.
        let _ = stream.set_nodelay(true);
        let connection = builder
            .serve_connection_with_upgrades(
                TokioIo::new(stream),
                TowerToHyperService::new(service.clone()),
            )
            .into_owned();
        let (stop, app) = (stop.clone(), app.clone());
        app.numbers().connections.fetch_add(1, Relaxed);
        tasks.spawn(async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended");
            }
            app.numbers().connections.fetch_sub(1, Relaxed);
            drop(permit);
        });
    }
    drop(listener);
    tasks.close();
    // Whoever is still slow then has had the time that there was.
    let _ = tokio::time::timeout(patience, tasks.wait()).await;
}
