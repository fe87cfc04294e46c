//! Silences: what must wake nobody for a while.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use willet_engine::incidents::{Answer as Answered, CommandError, IncidentRecord};
use willet_node::service::now;
use willet_proto::{Code, NewSilence, Page, Problem, Silence};

use super::params::{Moment, Part};
use crate::app::App;
use crate::body::{BodyType, object, read_small};
use crate::problem::{Answer, Fault};

/// The silences that have not ended.
#[utoipa::path(get, path = "/api/v1/silences", tag = "alerts", responses((status = 200, body = Page<Silence>)))]
pub(crate) async fn list(State(app): State<App>) -> Answer<Json<Page<Silence>>> {
    let silences = app.service()?.silences().await?;
    Ok(Json(Page {
        items: silences.iter().map(Silence::from).collect(),
        next_cursor: None,
    }))
}

/// Makes a silence.
#[utoipa::path(
    post, path = "/api/v1/silences", tag = "alerts", request_body = NewSilence,
    responses((status = 201, body = Silence), (status = 409, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn create(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Response> {
    BodyType::of(&headers, &[BodyType::Json])?;
    let body = read_small(&app, &headers, body).await?;
    let bad = |detail: String| Fault::new(Code::BadJson, detail);
    let new: NewSilence = object(&body).map_err(|error| {
        bad(format!(
            "the body is not a silence: {error} (expected source and until, and stream, from, reason, by where wanted)"
        ))
    })?;
    let moment = |name: &str, text: &str| {
        Moment::parse(text)
            .map(|moment| moment.0)
            .ok_or_else(|| bad(format!("{name} is {text:?}, expected RFC 3339")))
    };
    if new.source.is_empty() || new.source.len() > 1_024 {
        return Err(bad(
            "source is empty or longer than 1,024 bytes, expected a key, a beginning and `*`, or `*`".to_owned(),
        ));
    }
    let texts = [&new.reason, &new.by, &new.stream];
    if texts.into_iter().flatten().any(|text| text.len() > 4_096) {
        return Err(bad(
            "reason, by or stream is longer than 4,096 bytes".to_owned()
        ));
    }
    let at = now();
    let record = IncidentRecord::Silence {
        from: new
            .from
            .as_deref()
            .map_or(Ok(at), |text| moment("from", text))?,
        until: moment("until", &new.until)?,
        source: new.source,
        stream: new.stream,
        reason: new.reason,
        by: new.by,
        at,
    };
    match app.service()?.command(record).await?? {
        Ok(Answered::Silence(silence)) => {
            Ok((StatusCode::CREATED, Json(Silence::from(&silence))).into_response())
        }
        Ok(_) => Err(Fault::internal("a silence has no silence as its answer")),
        Err(error @ CommandError::EmptySilence) => {
            Err(Fault::new(Code::BadRequest, error.to_string()))
        }
        Err(error) => Err(Fault::new(Code::Conflict, error.to_string())),
    }
}

/// Ends a silence.
#[utoipa::path(
    delete, path = "/api/v1/silences/{id}", tag = "alerts", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn remove(State(app): State<App>, Part(id): Part) -> Answer<StatusCode> {
    let record = IncidentRecord::Unsilence {
        id: id.clone(),
        at: now(),
    };
    match app.service()?.command(record).await?? {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(_) => Err(Fault::new(
            Code::NotFound,
            format!("there is no silence `{id}`"),
        )),
    }
}
