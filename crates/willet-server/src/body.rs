//! Bodies: read within bounds of size, time and memory, and taken apart into records.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use willet_engine::records::{RecordKind, Records};
use willet_node::service::{Reservation, Service};
use willet_proto::Code;

use crate::app::App;
use crate::problem::{Answer, Fault};

/// How long a door waits for room before it refuses.
const PATIENCE: Duration = Duration::from_millis(250);
/// A body must come at this pace, in bytes a second, after a time of grace.
const SLOWEST: u64 = 1_024;
const GRACE: Duration = Duration::from_secs(5);
/// Longest time for a body, however large.
const LONGEST: Duration = Duration::from_secs(60);

/// What a body is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyType {
    Json,
    Ndjson,
    Csv,
    Yaml,
}

impl BodyType {
    /// The type that the headers name; JSON where they name none.
    pub(crate) fn of(headers: &HeaderMap, allowed: &[Self]) -> Answer<Self> {
        let named = headers.get(header::CONTENT_TYPE);
        let text = named.map(|value| value.to_str().unwrap_or("?"));
        let essence = text.map(|text| {
            text.split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase()
        });
        let found = match essence.as_deref() {
            None | Some("application/json") => Some(Self::Json),
            Some(
                "application/x-ndjson"
                | "application/ndjson"
                | "application/jsonl"
                | "application/x-jsonlines",
            ) => Some(Self::Ndjson),
            Some("text/csv") => Some(Self::Csv),
            Some("application/yaml" | "application/x-yaml" | "text/yaml") => Some(Self::Yaml),
            Some(_) => None,
        };
        found
            .filter(|found| allowed.contains(found))
            .ok_or_else(|| {
                let names: Vec<&str> = allowed.iter().map(|one| one.name()).collect();
                Fault::new(
                    Code::UnsupportedMediaType,
                    format!(
                        "content-type is `{}`, expected {}",
                        text.unwrap_or_default(),
                        names.join(" or ")
                    ),
                )
            })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv",
            Self::Yaml => "application/yaml",
        }
    }
}

/// Reads a small body whole.
pub(crate) async fn read_small(app: &App, headers: &HeaderMap, body: Body) -> Answer<Bytes> {
    read(app, headers, body, 1 << 20).await
}

/// Reads a body of events whole, and reserves its part of what may be on its way.
pub(crate) async fn read_events(
    app: &App,
    service: &Service,
    headers: &HeaderMap,
    body: Body,
) -> Answer<(Bytes, Reservation)> {
    let limit = app.limits().body_bytes;
    let bytes = read(app, headers, body, limit).await?;
    let reservation = service
        .budget()
        // Records and events together take about this much more than the bytes they came as.
        .reserve(2 * bytes.len() + 1_024, PATIENCE)
        .await
        .ok_or_else(|| service.overloaded())?;
    Ok((bytes, reservation))
}

async fn read(app: &App, headers: &HeaderMap, body: Body, limit: usize) -> Answer<Bytes> {
    let too_large = |bytes: &dyn std::fmt::Display| {
        let detail =
            format!("the body has {bytes} bytes, at most {limit} are allowed (send less at once)");
        Fault::new(Code::TooLarge, detail)
    };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if let Some(announced) = announced.filter(|announced| *announced > limit as u64) {
        return Err(too_large(&announced));
    }
    // What is being read is bounded too, over all connections, as it comes: a promise of many bytes reserves none.
    let mut held: Option<Reservation> = None;
    let mut read: Vec<u8> = Vec::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "the rim: how slowly a body may come is a matter of time"
    )]
    let begun = tokio::time::Instant::now();
    let mut chunks = body.into_data_stream();
    loop {
        let allowed = GRACE + Duration::from_secs(read.len() as u64 / SLOWEST);
        let deadline = begun + allowed.min(LONGEST);
        let Ok(next) = tokio::time::timeout_at(deadline, chunks.next()).await else {
            return Err(Fault::new(
                Code::Timeout,
                format!(
                    "{} bytes of the body came in {} s, expected at least {SLOWEST} a second",
                    read.len(),
                    begun.elapsed().as_secs()
                ),
            ));
        };
        let Some(chunk) = next else { break };
        let chunk = chunk.map_err(|error| {
            Fault::new(
                Code::BadRequest,
                format!("the body ended after {} bytes: {error}", read.len()),
            )
        })?;
        if read.len() + chunk.len() > limit {
            return Err(too_large(&format_args!("more than {limit}")));
        }
        let reservation = app.reading().reserve(chunk.len(), PATIENCE).await;
        let reservation = reservation.ok_or_else(|| {
            Fault::new(Code::Overloaded, "too many bodies are being read at once")
        })?;
        match &mut held {
            Some(held) => held.absorb(reservation),
            None => held = Some(reservation),
        }
        // The first chunk of a body that came in one is not copied.
        if read.is_empty() && announced == Some(chunk.len() as u64) {
            return Ok(chunk);
        }
        if read.capacity() == 0 {
            read.reserve(announced.map_or(chunk.len(), |announced| announced as usize));
        }
        read.extend_from_slice(&chunk);
    }
    Ok(Bytes::from(read))
}

/// Takes a body apart: a record for each event, and its line or place from 1.
pub(crate) fn records(kind: BodyType, body: &[u8], max_events: usize) -> Answer<Records> {
    let mut records = Records::new();
    match kind {
        BodyType::Ndjson | BodyType::Csv => {
            for line in lines(body) {
                push(&mut records, line, max_events)?;
            }
        }
        BodyType::Json | BodyType::Yaml => {
            let text = std::str::from_utf8(body).map_err(|error| {
                Fault::new(Code::BadJson, format!("the body is not UTF-8: {error}"))
            })?;
            let elements = if text.trim_start().starts_with('[') {
                serde_json::from_str::<Vec<&RawValue>>(text)
            } else {
                serde_json::from_str::<&RawValue>(text).map(|one| vec![one])
            };
            let elements = elements.map_err(|error| {
                let hint = if error.to_string().contains("trailing characters") {
                    " (several events, a line each, are application/x-ndjson)"
                } else {
                    ""
                };
                Fault::new(
                    Code::BadJson,
                    format!("the body is not JSON: {error}, expected an event or an array of events{hint}"),
                )
            })?;
            for element in elements {
                push(&mut records, element.get().as_bytes(), max_events)?;
            }
        }
    }
    if records.is_empty() {
        return Err(Fault::new(
            Code::BadRequest,
            "the body holds no event, expected one, an array, or one a line",
        ));
    }
    Ok(records)
}

fn push(records: &mut Records, payload: &[u8], max_events: usize) -> Answer<()> {
    if records.len() >= max_events {
        return Err(Fault::new(
            Code::TooLarge,
            format!("the body has more than {max_events} events (send fewer at once)"),
        ));
    }
    records.push(records.len() as u64, RecordKind::Event, 0, payload);
    Ok(())
}

/// Lines that hold something, without their ends.
fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    memchr::memchr_iter(b'\n', body)
        .chain(std::iter::once(body.len()))
        .map(move |end| {
            let line = &body[from.min(end)..end];
            from = end + 1;
            line.strip_suffix(b"\r").unwrap_or(line)
        })
        .filter(|line| !line.trim_ascii().is_empty())
}

/// Reads an object. A struct alone would be read from an array too, place by place.
pub(crate) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(serde::de::Error::custom("an array, expected an object"));
    }
    serde_json::from_slice(body)
}

#[cfg(test)]
mod tests {
    use willet_proto::Signed;

    use super::*;

    fn check(kind: BodyType, body: &str, expected: Result<&[&str], Code>) {
        let found = records(kind, body.as_bytes(), 3);
        match (found, expected) {
            (Ok(found), Ok(expected)) => {
                let found: Vec<&str> = (0..found.len())
                    .map(|index| std::str::from_utf8(found.payload(index)).expect("text"))
                    .collect();
                assert_eq!(found, expected, "{body}");
            }
            (Err(fault), Err(code)) => assert_eq!(fault.code, code, "{body}"),
            (found, expected) => panic!("{body}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn one_event_an_array_and_lines_become_records() {
        use BodyType::{Json, Ndjson};
        check(Json, r#" {"a":1} "#, Ok(&[r#"{"a":1}"#]));
        check(
            Json,
            r#"[{"a":1}, {"b":[2]}]"#,
            Ok(&[r#"{"a":1}"#, r#"{"b":[2]}"#]),
        );
        check(
            Ndjson,
            "{\"a\":1}\r\n\n  \nnot json\n",
            Ok(&[r#"{"a":1}"#, "not json"]),
        );
        check(Ndjson, "1\n2\n3", Ok(&["1", "2", "3"]));
        check(Ndjson, "1\n2\n3\n4", Err(Code::TooLarge));
        check(Json, "", Err(Code::BadJson));
        check(Json, "[]", Err(Code::BadRequest));
        check(Ndjson, "\n\n", Err(Code::BadRequest));
        check(Json, "{\"a\":1}\n{\"a\":2}", Err(Code::BadJson));
        check(Json, "[{\"a\":1}", Err(Code::BadJson));
    }

    #[test]
    fn an_array_is_no_object() {
        assert!(object::<Signed>(br#"{"by": "ana"}"#).is_ok());
        let error = object::<Signed>(br#" ["ana", "seen"]"#).expect_err("an array");
        assert!(error.to_string().contains("expected an object"), "{error}");
    }
}
