//! Keys: what is known of each, what it did, forgetting it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use willet_engine::codec::timestamp::rfc3339;
use willet_engine::config::Adaptation;
use willet_engine::event::Timestamp;
use willet_engine::ids::VerdictId;
use willet_engine::journal::Entry;
use willet_engine::shard::{self, Description};
use willet_node::store::BUCKET_SECONDS;
use willet_proto::{
    Activity, Code, Feature, History, Key, KeyDetail, Page, Problem, Retrain, RetrainAction,
    RetrainReason, RetrainState,
};
use willet_store::{HistoryRequest, KeyAnswer, KeyRow};

use super::params::{Moment, Params, Part, page};
use crate::app::App;
use crate::catalogue::no_stream;
use crate::problem::{Answer, Fault};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeysQuery {
    stream: Option<String>,
    q: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyQuery {
    stream: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryQuery {
    stream: Option<String>,
    from: Option<Moment>,
    to: Option<Moment>,
    points: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActivityQuery {
    stream: Option<String>,
    from: Option<Moment>,
    to: Option<Moment>,
    bins: Option<usize>,
    sources: Option<usize>,
}

/// Keys by name.
#[utoipa::path(
    get, path = "/api/v1/keys", tag = "keys",
    params(
        ("stream" = Option<String>, Query), ("q" = Option<String>, Query, description = "A part of the name"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<Key>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Params(query): Params<KeysQuery>,
) -> Answer<Json<Page<Key>>> {
    let request = page(query.limit, query.cursor, 100)?;
    let found = app
        .queries()?
        .keys(query.stream.as_deref(), query.q.as_deref(), &request)
        .await?;
    Ok(Json(Page {
        items: found.items.iter().map(Key::from).collect(),
        next_cursor: found.next_cursor,
    }))
}

/// What is taken for normal of a key, how sure, learned until when.
#[utoipa::path(
    get, path = "/api/v1/keys/{key}", tag = "keys",
    params(("key" = String, Path, description = "Percent-encoded"), ("stream" = Option<String>, Query)),
    responses((status = 200, body = KeyDetail), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn one(
    State(app): State<App>,
    Part(key): Part,
    Params(query): Params<KeyQuery>,
) -> Answer<Json<KeyDetail>> {
    let (stream, row, described) = find(&app, query.stream, &key).await?;
    let features = described.names.iter().enumerate().map(|(index, name)| {
        let band = described.expected.get(index);
        Feature {
            name: name.to_string(),
            expected: band.map(|band| [band.low, band.middle, band.high]),
        }
    });
    let time = |at: i64| rfc3339(Timestamp(at));
    Ok(Json(KeyDetail {
        algorithm: described.algorithm.clone(),
        about: described.about.clone(),
        model_version: described.model_version,
        sample_count: described.sample_count,
        warming_up: described.is_warming_up,
        learned_until: described.newest.map(rfc3339),
        learned_position: VerdictId::of_event(&stream, described.learned_upto.saturating_sub(1))
            .to_string(),
        memory_bytes: described.memory_bytes as u64,
        features: features.collect(),
        retrains: described.retrains.iter().map(shape).collect(),
        can_go_back: described.has_before,
        events: row
            .as_ref()
            .map_or(described.sample_count, |row| row.events),
        anomalies: row.as_ref().map_or(0, |row| row.anomalies),
        first_seen: row.as_ref().map(|row| time(row.first_seen)),
        last_seen: row.as_ref().map(|row| time(row.last_seen)),
        stream,
        source: key,
    }))
}

fn shape(retrain: &shard::Retrain) -> Retrain {
    Retrain {
        timestamp: retrain.at.map(rfc3339),
        sample_count: retrain.sample_count,
        reason: match retrain.reason {
            shard::Reason::Drift => RetrainReason::Drift,
            shard::Reason::Schedule => RetrainReason::Schedule,
            shard::Reason::AnomalyRate => RetrainReason::AnomalyRate,
            shard::Reason::Command => RetrainReason::Command,
        },
        action: match retrain.action {
            Adaptation::Incremental => RetrainAction::Incremental,
            Adaptation::Switch => RetrainAction::Switch,
            Adaptation::Report | Adaptation::Retrain => RetrainAction::Retrain,
        },
        rows: retrain.rows,
        state: match retrain.state {
            shard::RetrainState::Running => RetrainState::Running,
            shard::RetrainState::Done => RetrainState::Done,
            shard::RetrainState::GivenUp => RetrainState::GivenUp,
            shard::RetrainState::Undone => RetrainState::Undone,
        },
    }
}

/// Trains a key anew on the normal ones of its recent rows, where the stream keeps some; what it learned before answers until then.
#[utoipa::path(
    post, path = "/api/v1/keys/{key}/retrain", tag = "keys",
    params(("key" = String, Path, description = "Percent-encoded"), ("stream" = Option<String>, Query)),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn retrain(
    State(app): State<App>,
    Part(key): Part,
    Params(query): Params<KeyQuery>,
) -> Answer<StatusCode> {
    let (stream, _, _) = find(&app, query.stream, &key).await?;
    let entry = Entry::Retrain { key };
    app.service()?.command_key(&stream, &entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Goes back to what a key had learned before it was trained the last time; once more, and what was left is there again.
#[utoipa::path(
    post, path = "/api/v1/keys/{key}/back", tag = "keys",
    params(("key" = String, Path, description = "Percent-encoded"), ("stream" = Option<String>, Query)),
    responses(
        (status = 204), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn back(
    State(app): State<App>,
    Part(key): Part,
    Params(query): Params<KeyQuery>,
) -> Answer<StatusCode> {
    let (stream, _, described) = find(&app, query.stream, &key).await?;
    if !described.has_before {
        return Err(Fault::new(
            Code::Conflict,
            format!(
                "key `{key}` has nothing to go back to (it was not trained anew since it started, or its detector was changed)"
            ),
        ));
    }
    let entry = Entry::BackToBefore { key };
    app.service()?.command_key(&stream, &entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The stream that is meant, what the store has of the key, and what its shard knows.
async fn find(
    app: &App,
    stream: Option<String>,
    key: &str,
) -> Answer<(String, Option<KeyRow>, Description)> {
    let unknown = || Fault::new(Code::NotFound, format!("key `{key}` never spoke"));
    let (stream, row) = match (app.queries()?.key(stream.as_deref(), key).await?, stream) {
        (KeyAnswer::One(row), _) if row.source == key => (row.stream.clone(), Some(row)),
        // A key may be too new, or one of too many, to have a row.
        (_, Some(stream)) => (stream, None),
        (KeyAnswer::Several(several), None) => {
            let names: Vec<String> = several
                .iter()
                .map(|(stream, source)| format!("`{source}` in `{stream}`"))
                .collect();
            return Err(Fault::new(
                Code::BadRequest,
                format!(
                    "key `{key}` could be {} (name the stream, and the whole key)",
                    names.join(", ")
                ),
            ));
        }
        _ => ("default".to_owned(), None),
    };
    let service = app.service()?;
    if service.stream(&stream).is_none() {
        return Err(no_stream(&stream));
    }
    let described = service.describe(&stream, key).await?.ok_or_else(unknown)?;
    if described.sample_count == 0 && row.is_none() {
        return Err(unknown());
    }
    Ok((stream, row, described))
}

/// Forgets a key: what was learned of it, its history, its verdicts.
#[utoipa::path(
    delete, path = "/api/v1/keys/{key}", tag = "keys",
    params(("key" = String, Path, description = "Percent-encoded"), ("stream" = Option<String>, Query)),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn forget(
    State(app): State<App>,
    Part(key): Part,
    Params(query): Params<KeyQuery>,
) -> Answer<StatusCode> {
    let (stream, _, _) = find(&app, query.stream, &key).await?;
    app.service()?.forget_key(&stream, &key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a key did, in columns.
#[utoipa::path(
    get, path = "/api/v1/keys/{key}/history", tag = "keys",
    params(
        ("key" = String, Path, description = "Percent-encoded"), ("stream" = Option<String>, Query),
        ("from" = Option<String>, Query, description = "RFC 3339 or seconds since the epoch"),
        ("to" = Option<String>, Query, description = "RFC 3339 or seconds since the epoch; before it"),
        ("points" = Option<usize>, Query, description = "Places at most", minimum = 1, maximum = 2000),
    ),
    responses((status = 200, body = History), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn history(
    State(app): State<App>,
    Part(key): Part,
    Params(query): Params<HistoryQuery>,
) -> Answer<Json<History>> {
    let points = bounded("points", query.points, 600, 2_000)?;
    let stream = match query.stream {
        Some(stream) => stream,
        None => find(&app, None, &key).await?.0,
    };
    let request = HistoryRequest {
        stream,
        source: key.clone(),
        from: query.from.map(|at| at.0),
        to: query.to.map(|at| at.0),
        points,
    };
    if let Some(found) = app.queries()?.history(&request).await? {
        return Ok(Json(found));
    }
    // A key that spoke just now is known before its first history is written.
    let (stream, ..) = find(&app, Some(request.stream), &key).await?;
    Ok(Json(History {
        stream,
        source: key,
        bucket_seconds: BUCKET_SECONDS,
        ..History::default()
    }))
}

/// Events and anomalies by time, and the keys with the most anomalies.
#[utoipa::path(
    get, path = "/api/v1/activity", tag = "keys",
    params(
        ("stream" = Option<String>, Query),
        ("from" = Option<String>, Query, description = "RFC 3339 or seconds since the epoch"),
        ("to" = Option<String>, Query, description = "RFC 3339 or seconds since the epoch; before it"),
        ("bins" = Option<usize>, Query, minimum = 1, maximum = 2000), ("sources" = Option<usize>, Query, minimum = 1, maximum = 200),
    ),
    responses((status = 200, body = Activity)),
)]
pub(crate) async fn activity(
    State(app): State<App>,
    Params(query): Params<ActivityQuery>,
) -> Answer<Json<Activity>> {
    let bins = bounded("bins", query.bins, 60, 2_000)?;
    let sources = bounded("sources", query.sources, 30, 200)?;
    let (from, to) = (query.from.map(|at| at.0), query.to.map(|at| at.0));
    let stream = query.stream.as_deref();
    let found = app
        .queries()?
        .activity(stream, from, to, bins, sources)
        .await?;
    Ok(Json(found))
}

fn bounded(name: &str, asked: Option<usize>, usual: usize, most: usize) -> Answer<usize> {
    let asked = asked.unwrap_or(usual);
    if (1..=most).contains(&asked) {
        return Ok(asked);
    }
    Err(Fault::new(
        Code::BadRequest,
        format!("query: {name} is {asked}, expected 1 to {most}"),
    ))
}
