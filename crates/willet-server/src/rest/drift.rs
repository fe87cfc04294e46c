//! Changes of what is normal.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::value::RawValue;
use willet_proto::{Drift, Page};
use willet_store::DriftFilter;

use super::params::{Moment, Params, page};
use crate::app::App;
use crate::problem::Answer;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DriftQuery {
    stream: Option<String>,
    source: Option<String>,
    from: Option<Moment>,
    to: Option<Moment>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Drifts, newest first.
#[utoipa::path(
    get, path = "/api/v1/drift", tag = "drift",
    params(
        ("stream" = Option<String>, Query), ("source" = Option<String>, Query),
        ("from" = Option<String>, Query, description = "RFC 3339 or seconds since the epoch"),
        ("to" = Option<String>, Query, description = "RFC 3339 or seconds since the epoch; before it"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<Drift<'static>>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Params(query): Params<DriftQuery>,
) -> Answer<Json<Page<Box<RawValue>>>> {
    let filter = DriftFilter {
        stream: query.stream,
        source: query.source,
        from: query.from.map(|at| at.0),
        to: query.to.map(|at| at.0),
    };
    let request = page(query.limit, query.cursor, 100)?;
    Ok(Json(app.queries()?.drifts(&filter, &request).await?))
}
