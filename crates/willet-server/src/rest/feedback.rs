//! Feedback: what an event was, said after it came.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use willet_engine::ids::{ONLY_PARTITION, VerdictId};
use willet_engine::journal::Entry;
use willet_proto::{Code, Feedback, Problem};

use crate::app::App;
use crate::body::{BodyType, object, read_small};
use crate::catalogue::no_stream;
use crate::problem::{Answer, Fault};

/// Says what an event was. With `drift.performance` the stream watches how well verdicts agree with it; a label for an event that is
/// forgotten, or was labelled before, changes nothing.
#[utoipa::path(
    post, path = "/api/v1/feedback", tag = "events", request_body = Feedback,
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn label(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Answer<StatusCode> {
    BodyType::of(&headers, &[BodyType::Json])?;
    let body = read_small(&app, &headers, body).await?;
    let bad = |detail: String| Fault::new(Code::BadJson, detail);
    let feedback: Feedback = object(&body).map_err(|error| {
        bad(format!(
            "the body is not feedback: {error} (expected id and is_anomaly, and source for an event that was no anomaly)"
        ))
    })?;
    let Some(VerdictId { stream, offset, .. }) = event_of(&feedback.id) else {
        return Err(bad(format!(
            "id is {:?}, expected that of an event: stream/0/offset",
            feedback.id
        )));
    };
    if app.service()?.stream(&stream).is_none() {
        return Err(no_stream(&stream));
    }
    let key = match feedback.source {
        Some(source) => source,
        None => source_of(&app, &feedback.id).await?,
    };
    let entry = Entry::Label {
        key,
        offset,
        is_anomaly: feedback.is_anomaly,
    };
    app.service()?.command_key(&stream, &entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The id of an event, of the partition that a stream has.
fn event_of(id: &str) -> Option<VerdictId> {
    let id: VerdictId = id.parse().ok()?;
    (id.partition == ONLY_PARTITION && id.is_of_event()).then_some(id)
}

/// The key of a verdict that is kept.
async fn source_of(app: &App, id: &str) -> Answer<String> {
    let found = app.queries()?.anomaly(id).await?;
    let verdict = found.and_then(|json| serde_json::from_str::<serde_json::Value>(json.get()).ok());
    let source = verdict.map(|verdict| verdict["source"].as_str().unwrap_or_default().to_owned());
    source.ok_or_else(|| {
        let detail = format!(
            "there is no verdict `{id}` that is kept, so that its key is not known (name the source; verdicts of what was no anomaly are not kept)"
        );
        Fault::new(Code::NotFound, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::event_of;

    #[test]
    fn ids_of_events_are_read_and_others_are_not() {
        let id = event_of("pumps.a/0/17").expect("one of an event");
        assert_eq!((&*id.stream, id.offset), ("pumps.a", 17));
        for other in [
            "pumps/0/17.2",
            "pumps/1/17",
            "pumps/0/",
            "17",
            "",
            "pumps/0/17@1",
        ] {
            assert_eq!(event_of(other), None, "{other}");
        }
    }
}
