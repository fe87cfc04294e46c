//! Alerts: shown, acknowledged, resolved.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use willet_engine::incidents::{Answer as Answered, CommandError, IncidentRecord};
use willet_node::service::now;
use willet_proto::{Alert, AlertState, Code, Page, Problem, Signed};
use willet_store::AlertFilter;

use super::params::{Params, Part, page, severities, words};
use crate::app::App;
use crate::body::{BodyType, object, read_small};
use crate::problem::{Answer, Fault};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertQuery {
    state: Option<String>,
    stream: Option<String>,
    source: Option<String>,
    severity: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Alerts, newest first.
#[utoipa::path(
    get, path = "/api/v1/alerts", tag = "alerts",
    params(
        ("state" = Option<String>, Query, description = "open, acknowledged, resolved; several with commas"),
        ("stream" = Option<String>, Query), ("source" = Option<String>, Query),
        ("severity" = Option<String>, Query, description = "One or several with commas"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<Alert>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Params(query): Params<AlertQuery>,
) -> Answer<Json<Page<Box<RawValue>>>> {
    let state = |word: &str| {
        let found = AlertState::ALL
            .into_iter()
            .find(|state| state.as_str() == word);
        found.ok_or_else(|| {
            let detail =
                format!("query: state is `{word}`, expected open, acknowledged or resolved");
            Fault::new(Code::BadRequest, detail)
        })
    };
    let states: Result<Vec<AlertState>, Fault> = words(query.state.as_deref()).map(state).collect();
    let filter = AlertFilter {
        states: states?,
        stream: query.stream,
        source: query.source,
        severities: severities(query.severity.as_deref())?,
    };
    let request = page(query.limit, query.cursor, 100)?;
    Ok(Json(app.queries()?.alerts(&filter, &request).await?))
}

/// One alert with its receipts.
#[utoipa::path(
    get, path = "/api/v1/alerts/{id}", tag = "alerts", params(("id" = String, Path)),
    responses((status = 200, body = Alert), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn one(State(app): State<App>, Part(id): Part) -> Answer<Json<Alert>> {
    let found = app.queries()?.alert(&id).await?;
    let unknown = || Fault::new(Code::NotFound, format!("there is no alert `{id}`"));
    let (alert, receipts) = found.ok_or_else(unknown)?;
    let alert: Alert = serde_json::from_str(alert.get()).map_err(Fault::internal)?;
    Ok(Json(Alert {
        receipts: Some(receipts),
        ..alert
    }))
}

/// Says that somebody has seen it.
#[utoipa::path(
    post, path = "/api/v1/alerts/{id}/acknowledge", tag = "alerts", params(("id" = String, Path)),
    request_body = Option<Signed>,
    responses(
        (status = 200, body = Alert),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn acknowledge(
    State(app): State<App>,
    Part(id): Part,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<Alert>> {
    let Signed { by, note } = signed(&app, &headers, body).await?;
    let record = IncidentRecord::Acknowledge {
        alert_id: id.clone(),
        by,
        note,
        at: now(),
    };
    command(&app, &id, record).await
}

/// Says that it is over.
#[utoipa::path(
    post, path = "/api/v1/alerts/{id}/resolve", tag = "alerts", params(("id" = String, Path)),
    request_body = Option<Signed>,
    responses(
        (status = 200, body = Alert),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn resolve(
    State(app): State<App>,
    Part(id): Part,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<Alert>> {
    let Signed { by, note } = signed(&app, &headers, body).await?;
    let record = IncidentRecord::Resolve {
        alert_id: id.clone(),
        by,
        note,
        at: now(),
    };
    command(&app, &id, record).await
}

async fn signed(app: &App, headers: &HeaderMap, body: Body) -> Answer<Signed> {
    BodyType::of(headers, &[BodyType::Json])?;
    let body = read_small(app, headers, body).await?;
    if body.trim_ascii().is_empty() {
        return Ok(Signed::default());
    }
    let signed: Option<Signed> = object(&body).map_err(|error| {
        Fault::new(
            Code::BadJson,
            format!("the body is not understood: {error} (expected {{\"by\": .., \"note\": ..}})"),
        )
    })?;
    let signed = signed.unwrap_or_default();
    let longest = [&signed.by, &signed.note]
        .into_iter()
        .flatten()
        .map(String::len)
        .max();
    if longest.is_some_and(|bytes| bytes > 4_096) {
        return Err(Fault::new(
            Code::BadRequest,
            "by or note is longer than 4,096 bytes",
        ));
    }
    Ok(signed)
}

async fn command(app: &App, id: &str, record: IncidentRecord) -> Answer<Json<Alert>> {
    match app.service()?.command(record).await?? {
        Ok(Answered::Alert(alert)) => Ok(Json(Alert::from(&*alert))),
        Ok(_) => Err(Fault::internal(
            "a command on an alert has no alert as its answer",
        )),
        // What is over long ago is in the store only.
        Err(CommandError::NotFound) if app.queries()?.alert(id).await?.is_some() => Err(
            Fault::new(Code::Conflict, CommandError::AlreadyResolved.to_string()),
        ),
        Err(CommandError::NotFound) => Err(Fault::new(
            Code::NotFound,
            format!("there is no alert `{id}`"),
        )),
        Err(error) => Err(Fault::new(Code::Conflict, error.to_string())),
    }
}
