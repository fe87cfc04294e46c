//! Streams: made, shown, changed, paused, deleted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use willet_engine::codec::timestamp::rfc3339;
use willet_engine::event::Timestamp;
use willet_engine::verdict::SKIPS;
use willet_node::service::{StreamCounters, StreamFace, StreamState as Life};
use willet_proto::{
    Code, ManagedBy, Page, Problem, Stream, StreamConfig, StreamState, StreamStatus,
};

use super::params::Part;
use crate::app::App;
use crate::body::{BodyType, read_small};
use crate::catalogue::{Entry, no_stream};
use crate::problem::{Answer, Fault};

use crate::streams::StreamResource;

/// The streams by name.
#[utoipa::path(get, path = "/api/v1/streams", tag = "streams", responses((status = 200, body = Page<Stream>)))]
pub(crate) async fn list(State(app): State<App>) -> Answer<Json<Page<Stream>>> {
    let catalogue = app.catalogue()?;
    let streams = catalogue.service().streams();
    let items = streams.iter().filter_map(|face| {
        let entry = catalogue.entry(&face.name)?;
        Some(shown(&app, face, &entry))
    });
    Ok(Json(Page {
        items: items.collect(),
        next_cursor: None,
    }))
}

/// Events that were taken and not judged, by reason.
fn skipped(counters: &StreamCounters) -> BTreeMap<String, u64> {
    let counts = SKIPS.into_iter().zip(&counters.skipped);
    let counts = counts.map(|(reason, count)| (reason.to_owned(), count.load(Relaxed)));
    counts.filter(|(_, count)| *count > 0).collect()
}

fn shown(app: &App, face: &Arc<StreamFace>, entry: &Entry) -> Stream {
    let counters = &face.counters;
    let (state, detail) = match face.state() {
        Life::Failed(reason) => (StreamState::Failed, Some(reason)),
        Life::Starting => (
            StreamState::Degraded,
            Some("its state is being loaded".to_owned()),
        ),
        Life::Running if face.is_paused() => (StreamState::Paused, None),
        Life::Running => (StreamState::Running, None),
    };
    let last = counters.last_event_at.load(Relaxed);
    Stream {
        name: face.name.to_string(),
        managed_by: entry.by,
        created_at: rfc3339(Timestamp(entry.created_at)),
        config: serde_json::to_value(&entry.resource).unwrap_or_default(),
        status: StreamStatus {
            state,
            detail,
            events: counters.events.load(Relaxed),
            anomalies: counters.anomalies.load(Relaxed),
            rejected: counters.rejected.load(Relaxed),
            skipped: skipped(counters),
            keys: counters.keys.load(Relaxed),
            model_version: counters.model_version.load(Relaxed),
            events_per_second: (app.rate_of(std::slice::from_ref(face)) * 10.0).round() / 10.0,
            last_event_at: (last > 0).then(|| rfc3339(Timestamp(last))),
        },
    }
}

fn find(app: &App, name: &str) -> Answer<Json<Stream>> {
    let catalogue = app.catalogue()?;
    let found = catalogue.service().stream(name).zip(catalogue.entry(name));
    found
        .map(|(face, entry)| Json(shown(app, &face, &entry)))
        .ok_or_else(|| no_stream(name))
}

/// Makes a stream.
#[utoipa::path(
    post, path = "/api/v1/streams", tag = "streams",
    request_body(content((StreamConfig = "application/json"), (StreamConfig = "application/yaml"))),
    responses(
        (status = 201, body = Stream), (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Response> {
    let resource = read(&app, &headers, body).await?;
    let name = resource.stream.name.clone();
    app.catalogue()?.add(resource, ManagedBy::Api).await?;
    Ok((StatusCode::CREATED, find(&app, &name)?).into_response())
}

async fn read(app: &App, headers: &HeaderMap, body: Body) -> Answer<StreamResource> {
    BodyType::of(headers, &[BodyType::Json, BodyType::Yaml])?;
    let body = read_small(app, headers, body).await?;
    let text = std::str::from_utf8(&body)
        .map_err(|error| Fault::new(Code::BadConfig, format!("the body is not UTF-8: {error}")))?;
    // Nothing, as YAML and JSON write it, would be a stream of defaults.
    if matches!(text.trim(), "" | "~" | "null" | "Null" | "NULL") {
        return Err(Fault::new(
            Code::BadConfig,
            "the body is empty, expected a stream: at least `name: NAME`",
        ));
    }
    StreamResource::read(text)
}

/// A stream; with `Accept: application/yaml` its configuration as YAML.
#[utoipa::path(
    get, path = "/api/v1/streams/{name}", tag = "streams", params(("name" = String, Path)),
    responses((status = 200, content((Stream = "application/json"), (String = "application/yaml"))), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn one(
    State(app): State<App>,
    Part(name): Part,
    headers: HeaderMap,
) -> Answer<Response> {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("yaml")) {
        let entry = app.catalogue()?.entry(&name);
        let yaml = entry.ok_or_else(|| no_stream(&name))?.resource.to_yaml()?;
        return Ok(([(header::CONTENT_TYPE, "application/yaml")], yaml).into_response());
    }
    Ok(find(&app, &name)?.into_response())
}

/// Changes a stream. What was learned stays as far as it can.
#[utoipa::path(
    put, path = "/api/v1/streams/{name}", tag = "streams", params(("name" = String, Path)),
    request_body(content((StreamConfig = "application/json"), (StreamConfig = "application/yaml"))),
    responses(
        (status = 200, body = Stream), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn change(
    State(app): State<App>,
    Part(name): Part,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<Stream>> {
    let resource = read(&app, &headers, body).await?;
    if resource.stream.name != name {
        return Err(Fault::new(
            Code::BadConfig,
            format!(
                "name is `{}`, expected `{name}` (a stream keeps its name)",
                resource.stream.name
            ),
        ));
    }
    app.catalogue()?.change(resource, ManagedBy::Api).await?;
    find(&app, &name)
}

/// Pauses a stream: it refuses events and its source waits.
#[utoipa::path(
    post, path = "/api/v1/streams/{name}/pause", tag = "streams", params(("name" = String, Path)),
    responses((status = 200, body = Stream), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn pause(State(app): State<App>, Part(name): Part) -> Answer<Json<Stream>> {
    set_paused(&app, &name, true).await
}

/// Lets a paused stream go on.
#[utoipa::path(
    post, path = "/api/v1/streams/{name}/resume", tag = "streams", params(("name" = String, Path)),
    responses((status = 200, body = Stream), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn resume(State(app): State<App>, Part(name): Part) -> Answer<Json<Stream>> {
    set_paused(&app, &name, false).await
}

async fn set_paused(app: &App, name: &str, pauses: bool) -> Answer<Json<Stream>> {
    app.catalogue()?.pause(name, pauses).await?;
    find(app, name)
}

/// Deletes a stream: what it has learned, its history, its verdicts.
#[utoipa::path(
    delete, path = "/api/v1/streams/{name}", tag = "streams", params(("name" = String, Path)),
    responses(
        (status = 204), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn remove(State(app): State<App>, Part(name): Part) -> Answer<StatusCode> {
    app.catalogue()?.remove(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
