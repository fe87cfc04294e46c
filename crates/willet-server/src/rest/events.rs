//! Events in, verdicts out.

use std::hash::{BuildHasher as _, Hasher as _};

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use willet_engine::codec::Format;
use willet_engine::ids::VerdictId;
use willet_engine::incidents::{Answer as Answered, IncidentRecord};
use willet_node::service::{Accepted, Admitted, Intake, Past, Refusal, now};
use willet_proto::{
    AlertTaken, Code, Detected, EventError, EventFailed, EventResult, Events, EventsTaken,
    ExternalAlert, Problem, Severity, Verdict,
};

use super::params::{Moment, Params};
use crate::app::App;
use crate::body::{BodyType, object, read_events, read_small, records};
use crate::problem::{Answer, Fault};

/// Longest idempotency key.
const MAX_KEY_BYTES: usize = 255;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    stream: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DetectQuery {
    stream: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

/// Takes events: one, an array, or one a line. The answer comes when they are on disk.
#[utoipa::path(
    post, path = "/api/v1/events", tag = "events",
    params(
        ("stream" = Option<String>, Query, description = "Stream to take them; `default` where none is named"),
        ("Idempotency-Key" = Option<String>, Header, description = "A repetition with the same key and body is answered and not done again, for 24 hours"),
    ),
    request_body(content((Events = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"))),
    responses(
        (status = 200, body = EventsTaken),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "No event was understood"),
    ),
)]
pub(crate) async fn events(
    State(app): State<App>,
    Params(query): Params<EventsQuery>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<EventsTaken>> {
    let stream = query.stream.unwrap_or_else(|| "default".to_owned());
    let service = app.service()?.clone();
    let kind = body_type(&app, &stream, &headers)?;
    let key = idempotency_key(&headers)?;
    let (body, reservation) = read_events(&app, &service, &headers, body).await?;
    let records = records(kind, &body, app.limits().body_events)?;
    let count = records.len();
    let fingerprint = fingerprint(&body);
    let intake = Intake {
        records,
        reservation,
        request: key.map(|key| (key, fingerprint)),
        wants_verdicts: false,
    };
    let admitted = if intake.request.is_some() {
        // Whoever asked may go: what was begun under a key is brought to its end, or the key would be free too early.
        let (service, stream) = (service.clone(), stream.clone());
        #[expect(
            clippy::disallowed_methods,
            reason = "ends by itself within the time that a request has, and holds nothing else up"
        )]
        let taking = tokio::spawn(async move { service.take(&stream, intake).await });
        taking.await.map_err(Fault::internal)??
    } else {
        service.take(&stream, intake).await?
    };
    answer(&stream, count, fingerprint, admitted)
}

fn answer(
    stream: &str,
    count: usize,
    fingerprint: u64,
    admitted: Admitted,
) -> Answer<Json<EventsTaken>> {
    let (first, rejected) = match admitted.accepted {
        Accepted::Before(past) => {
            let (before, rejected) = read_past(&past)?;
            if before != fingerprint.to_string() {
                return Err(Fault::new(
                    Code::KeyReused,
                    "this idempotency key came with another body before (use a new key for a new request)",
                ));
            }
            (past.first, rejected)
        }
        accepted => {
            let first = match accepted {
                Accepted::Stored(offsets, _) => offsets.start,
                _ => 0,
            };
            let rejected = admitted.rejections.iter().map(|rejection| Rejected {
                index: rejection.index,
                byte: rejection.byte,
                code: rejection.reason.code().to_owned(),
                reason: rejection.reason.to_string(),
            });
            (first, rejected.collect())
        }
    };
    let results = results(stream, count, first, &rejected);
    if rejected.len() == count {
        return Err(nothing(count, &rejected, results));
    }
    Ok(Json(EventsTaken {
        stream: stream.to_owned(),
        accepted: (count - rejected.len()) as u64,
        rejected: rejected.len() as u64,
        results,
    }))
}

fn nothing(count: usize, rejected: &[Rejected], results: Vec<EventResult>) -> Fault {
    let reason = rejected.first().map_or("", |first| &first.reason);
    let detail = if count == 1 {
        reason.to_owned()
    } else {
        format!("none of {count} events was understood, the first because: {reason}")
    };
    Fault {
        results: Some(results),
        ..Fault::new(Code::BadEvent, detail)
    }
}

/// A rejected event, as it is answered and remembered.
#[derive(Debug, Deserialize)]
struct Rejected {
    index: usize,
    byte: Option<u32>,
    code: String,
    reason: String,
}

fn read_past(past: &Past) -> Answer<(String, Vec<Rejected>)> {
    #[derive(Deserialize)]
    struct Kept {
        fingerprint: String,
        rejected: Vec<Rejected>,
    }
    let kept: Kept = serde_json::from_str(&past.answer).map_err(Fault::internal)?;
    Ok((kept.fingerprint, kept.rejected))
}

/// A result for each event, in order.
fn results(stream: &str, count: usize, first: u64, rejected: &[Rejected]) -> Vec<EventResult> {
    let mut next = rejected.iter().peekable();
    let mut offset = first;
    let results = (0..count).map(|index| {
        if let Some(rejected) = next.next_if(|rejected| rejected.index == index) {
            let EventFailed { line, error } = failed(rejected);
            return EventResult {
                id: None,
                line: Some(line),
                error: Some(error),
            };
        }
        let id = VerdictId::of_event(stream, offset).to_string();
        offset += 1;
        EventResult {
            id: Some(id),
            line: None,
            error: None,
        }
    });
    results.collect()
}

fn failed(rejected: &Rejected) -> EventFailed {
    EventFailed {
        line: rejected.index as u64 + 1,
        error: EventError {
            code: rejected.code.clone(),
            detail: rejected.reason.clone(),
            byte: rejected.byte,
        },
    }
}

/// Takes events and waits for their verdicts. With `dry_run` nothing is stored or learned.
#[utoipa::path(
    post, path = "/api/v1/detect", tag = "events",
    params(
        ("stream" = Option<String>, Query, description = "Stream to judge them; `default` where none is named"),
        ("dry_run" = Option<bool>, Query, description = "Judge only: store and learn nothing"),
    ),
    request_body(content((Events = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"))),
    responses(
        (status = 200, body = Detected),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "No event was understood"),
    ),
)]
pub(crate) async fn detect(
    State(app): State<App>,
    Params(query): Params<DetectQuery>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<Detected>> {
    let stream = query.stream.unwrap_or_else(|| "default".to_owned());
    let service = app.service()?;
    let kind = body_type(&app, &stream, &headers)?;
    let (body, reservation) = read_events(&app, service, &headers, body).await?;
    let records = records(kind, &body, app.limits().body_events)?;
    let count = records.len();
    let (rejections, verdicts, first) = if query.dry_run {
        let (rejections, verdicts) = service.peek(&stream, records).await?;
        (rejections, verdicts, 0)
    } else {
        let intake = Intake {
            records,
            reservation,
            request: None,
            wants_verdicts: true,
        };
        let admitted = service.take(&stream, intake).await?;
        match admitted.accepted {
            Accepted::Stored(offsets, verdicts) => {
                let verdicts = verdicts
                    .unwrap_or_else(|| Ok(Vec::new()))
                    .map_err(Refusal::Unavailable)?;
                (admitted.rejections, verdicts, offsets.start)
            }
            _ => (admitted.rejections, Vec::new(), 0),
        }
    };
    let rejected: Vec<Rejected> = rejections
        .iter()
        .map(|rejection| Rejected {
            index: rejection.index,
            byte: rejection.byte,
            code: rejection.reason.code().to_owned(),
            reason: rejection.reason.to_string(),
        })
        .collect();
    if rejected.len() == count {
        let results = results(&stream, count, first, &rejected);
        return Err(nothing(count, &rejected, results));
    }
    let mut next = rejected.iter().peekable();
    let mut written = verdicts.into_iter();
    let mut verdicts = Vec::with_capacity(count);
    for index in 0..count {
        verdicts.push(match next.next_if(|rejected| rejected.index == index) {
            Some(rejected) => to_raw_value(&failed(rejected)).map_err(Fault::internal)?,
            None => raw(written.next())?,
        });
    }
    let windows: Result<_, Fault> = written.map(|text| raw(Some(text))).collect();
    Ok(Json(Detected {
        stream,
        verdicts,
        windows: windows?,
    }))
}

/// A verdict as it was written; `null` where none was.
fn raw(text: Option<String>) -> Answer<Box<RawValue>> {
    let text = text.unwrap_or_else(|| "null".to_owned());
    RawValue::from_string(text).map_err(Fault::internal)
}

/// Takes an anomaly that another system found.
#[utoipa::path(
    post, path = "/api/alert", tag = "alerts", request_body = ExternalAlert,
    responses((status = 200, body = AlertTaken)),
)]
pub(crate) async fn alert(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<AlertTaken>> {
    BodyType::of(&headers, &[BodyType::Json])?;
    let body = read_small(&app, &headers, body).await?;
    let (alert, arrived) = (read_alert(&body)?, now());
    let at = alert_time(&alert)?.unwrap_or(arrived);
    if alert.is_anomaly == Some(false) {
        return Ok(Json(AlertTaken {
            is_anomaly: false,
            id: None,
            alert_id: None,
        }));
    }
    let stream = alert.stream.clone().unwrap_or_else(|| "default".to_owned());
    let source = match &alert.metric {
        Some(metric) => format!("{}/{metric}", alert.source),
        None => alert.source.clone(),
    };
    let time = willet_engine::codec::timestamp::rfc3339(willet_engine::event::Timestamp(at));
    let name = alert.metric.as_deref().unwrap_or("value");
    let verdict = Verdict {
        stream: stream.as_str().into(),
        source: Some(source.as_str().into()),
        timestamp: Some(time.into()),
        is_anomaly: true,
        anomaly_score: alert.anomaly_score,
        severity: alert.anomaly_score.map(Severity::of),
        anomaly_type: alert.anomaly_type.as_deref().map(Into::into),
        values: alert
            .value
            .map(|value| (name, Some(value)))
            .into_iter()
            .collect(),
        algorithm: "external".into(),
        ..Verdict::default()
    };
    let json = serde_json::to_string(&verdict).expect("plain data always serialises into memory");
    let record = IncidentRecord::External {
        stream,
        source,
        at,
        arrived,
        anomaly_score: alert.anomaly_score,
        anomaly_type: alert.anomaly_type,
        json,
    };
    let (id, alert_id) = match app.service()?.command(record).await?? {
        Ok(Answered::Alert(alert)) => {
            let verdict: Option<serde_json::Value> = serde_json::from_str(&alert.verdict).ok();
            let id = verdict.and_then(|verdict| Some(verdict.get("id")?.as_str()?.to_owned()));
            (id, Some(alert.id.clone()))
        }
        Ok(_) => (None, None),
        Err(error) => return Err(Fault::new(Code::Conflict, error.to_string())),
    };
    Ok(Json(AlertTaken {
        is_anomaly: true,
        id,
        alert_id,
    }))
}

fn read_alert(body: &[u8]) -> Answer<ExternalAlert> {
    let bad = |detail: String| Fault::new(Code::BadJson, detail);
    let alert: ExternalAlert = object(body).map_err(|error| {
        bad(format!(
            "the body is not an alert: {error} (expected source, and value, metric, timestamp, is_anomaly, anomaly_score, \
             anomaly_type where they are known)"
        ))
    })?;
    let names = [
        ("source", Some(&alert.source)),
        ("metric", alert.metric.as_ref()),
        ("stream", alert.stream.as_ref()),
        ("anomaly_type", alert.anomaly_type.as_ref()),
    ];
    for (field, name) in names {
        if name.is_some_and(|name| name.is_empty() || name.len() > 1_024) {
            return Err(bad(format!("{field} is empty or longer than 1,024 bytes")));
        }
    }
    match alert.anomaly_score {
        Some(score) if !(0.0..=1.0).contains(&score) => {
            Err(bad(format!("anomaly_score is {score}, expected 0 to 1")))
        }
        _ => Ok(alert),
    }
}

fn alert_time(alert: &ExternalAlert) -> Answer<Option<i64>> {
    let text = match &alert.timestamp {
        None | Some(serde_json::Value::Null) => return Ok(None),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let Some(moment) = Moment::parse(&text) else {
        return Err(Fault::new(
            Code::BadJson,
            format!("timestamp is {text:?}, expected RFC 3339 or seconds since the epoch"),
        ));
    };
    Ok(Some(moment.0))
}

/// What the body may be: lines of CSV only for a stream that reads CSV, JSON for the others.
fn body_type(app: &App, stream: &str, headers: &HeaderMap) -> Answer<BodyType> {
    let face = app
        .service()?
        .stream(stream)
        .ok_or_else(|| Refusal::NoStream(stream.to_owned()))?;
    match face.config().input.format {
        Format::Csv => BodyType::of(headers, &[BodyType::Csv]),
        Format::Json => BodyType::of(headers, &[BodyType::Json, BodyType::Ndjson]),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Answer<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(Fault::new(
            Code::BadRequest,
            format!("Idempotency-Key is not 1 to {MAX_KEY_BYTES} visible ASCII characters"),
        ));
    }
    Ok(Some(key.to_owned()))
}

fn fingerprint(body: &[u8]) -> u64 {
    let mut hasher = foldhash::quality::FixedState::with_seed(0).build_hasher();
    hasher.write(body);
    hasher.finish()
}
