//! Parameters of queries, checked: an unknown name is an error, a time is what people write.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use willet_engine::codec::timestamp::{TimestampUnit, parse};
use willet_engine::incidents::Severity;
use willet_proto::Code;
use willet_store::PageRequest;

use crate::problem::{Answer, Fault};

/// The query of a request.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|rejection| {
            let text = rejection.body_text();
            let reason = text
                .strip_prefix("Failed to deserialize query string: ")
                .unwrap_or(&text);
            Fault::new(Code::BadRequest, format!("query: {reason}"))
        })
    }
}

/// A part of the path, decoded.
#[derive(Debug)]
pub(crate) struct Part(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Part {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(part)| Self(part))
            .map_err(|rejection| Fault::new(Code::BadRequest, format!("path: {rejection}")))
    }
}

/// A time: RFC 3339, or seconds since the epoch. Microseconds inside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(pub(crate) i64);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // A `+` in a query is a space unless it was escaped, and zones are written with one.
        let text = text.replace(' ', "+");
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{text:?} is not a time, expected 2026-01-02T03:04:05Z or seconds since the epoch"
            ))
        })
    }
}

impl Moment {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Ok(seconds) = text.parse::<f64>() {
            return (seconds.abs() < 1e11).then_some(Self((seconds * 1e6) as i64));
        }
        parse(text, TimestampUnit::Seconds)
            .ok()
            .map(|at| Self(at.0))
    }
}

/// Words of a list with commas.
pub(crate) fn words(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

pub(crate) fn severities(list: Option<&str>) -> Answer<Vec<Severity>> {
    let find = |word: &str| {
        Severity::ALL
            .into_iter()
            .find(|severity| severity.as_str() == word)
            .ok_or_else(|| {
                let detail =
                    format!("query: severity is `{word}`, expected low, medium, high or critical");
                Fault::new(Code::BadRequest, detail)
            })
    };
    words(list).map(find).collect()
}

/// Which page of a list.
pub(crate) fn page(
    limit: Option<u32>,
    cursor: Option<String>,
    usual: usize,
) -> Answer<PageRequest> {
    let limit = limit.map_or(usual, |limit| limit as usize);
    if !(1..=PageRequest::MOST).contains(&limit) {
        return Err(Fault::new(
            Code::BadRequest,
            format!(
                "query: limit is {limit}, expected 1 to {}",
                PageRequest::MOST
            ),
        ));
    }
    Ok(PageRequest { limit, cursor })
}
