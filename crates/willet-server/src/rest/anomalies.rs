//! Verdicts that said yes.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::value::RawValue;
use willet_proto::{Anomalies, Code, Page, Problem, Verdict};
use willet_store::{AnomalyFilter, PageRequest};

use super::params::{Moment, Params, Part, page, severities};
use crate::app::App;
use crate::problem::{Answer, Fault};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitQuery {
    limit: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnomalyQuery {
    stream: Option<String>,
    source: Option<String>,
    from: Option<Moment>,
    to: Option<Moment>,
    min_score: Option<f64>,
    severity: Option<String>,
    r#type: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn newest(
    app: &App,
    source: Option<String>,
    request: &PageRequest,
) -> Answer<Json<Anomalies<Box<RawValue>>>> {
    let filter = AnomalyFilter {
        source,
        ..AnomalyFilter::default()
    };
    let found = app.queries()?.anomalies(&filter, request).await?;
    Ok(Json(Anomalies {
        count: found.items.len() as u64,
        anomalies: found.items,
    }))
}

/// The newest anomalies of all sources.
#[utoipa::path(
    get, path = "/api/anomalies", tag = "anomalies",
    params(("limit" = Option<u32>, Query, description = "1 to 1,000", minimum = 1, maximum = 1000)),
    responses((status = 200, body = Anomalies<Verdict<'static>>)),
)]
pub(crate) async fn all(
    State(app): State<App>,
    Params(query): Params<LimitQuery>,
) -> Answer<Json<Anomalies<Box<RawValue>>>> {
    newest(&app, None, &page(query.limit, None, 100)?).await
}

/// The newest anomalies of one source.
#[utoipa::path(
    get, path = "/api/anomalies/{source}", tag = "anomalies",
    params(
        ("source" = String, Path, description = "A key, or the part before the `/` of several"),
        ("limit" = Option<u32>, Query, description = "1 to 1,000", minimum = 1, maximum = 1000),
    ),
    responses((status = 200, body = Anomalies<Verdict<'static>>)),
)]
pub(crate) async fn of_source(
    State(app): State<App>,
    Part(source): Part,
    Params(query): Params<LimitQuery>,
) -> Answer<Json<Anomalies<Box<RawValue>>>> {
    newest(&app, Some(source), &page(query.limit, None, 50)?).await
}

/// Anomalies, newest first.
#[utoipa::path(
    get, path = "/api/v1/anomalies", tag = "anomalies",
    params(
        ("stream" = Option<String>, Query), ("source" = Option<String>, Query),
        ("from" = Option<String>, Query, description = "RFC 3339 or seconds since the epoch"),
        ("to" = Option<String>, Query, description = "RFC 3339 or seconds since the epoch; before it"),
        ("min_score" = Option<f64>, Query), ("severity" = Option<String>, Query, description = "One or several with commas"),
        ("type" = Option<String>, Query), ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<Verdict<'static>>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Params(query): Params<AnomalyQuery>,
) -> Answer<Json<Page<Box<RawValue>>>> {
    let filter = AnomalyFilter {
        stream: query.stream,
        source: query.source,
        from: query.from.map(|at| at.0),
        to: query.to.map(|at| at.0),
        min_score: query.min_score,
        severities: severities(query.severity.as_deref())?,
        anomaly_type: query.r#type,
    };
    let request = page(query.limit, query.cursor, 100)?;
    Ok(Json(app.queries()?.anomalies(&filter, &request).await?))
}

/// One verdict that is kept.
#[utoipa::path(
    get, path = "/api/v1/anomalies/{id}", tag = "anomalies",
    params(("id" = String, Path, description = "`stream/partition/offset`, percent-encoded")),
    responses((status = 200, body = Verdict<'static>), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn one(State(app): State<App>, Part(id): Part) -> Answer<Json<Box<RawValue>>> {
    let found = app.queries()?.anomaly(&id).await?;
    found.map(Json).ok_or_else(|| {
        Fault::new(
            Code::NotFound,
            format!(
                "there is no verdict `{id}` (it was no anomaly, or is older than verdicts are kept)"
            ),
        )
    })
}
