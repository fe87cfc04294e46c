use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::EventResult;

/// What went wrong, as one of a closed list: programs decide by it, people read the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A parameter or a header is not what it should be.
    BadRequest,
    /// The body is not JSON, or not the one expected.
    BadJson,
    /// No event of the body was understood.
    BadEvent,
    /// A configuration is not allowed.
    BadConfig,
    /// A token is missing, wrong, or has expired.
    Unauthorized,
    /// The token does not allow this, or a page of another site asked.
    Forbidden,
    /// There is nothing there.
    NotFound,
    /// The path is there and does not know this method.
    MethodNotAllowed,
    /// It clashes with what is there.
    Conflict,
    /// The stream is paused.
    StreamPaused,
    /// The stream is in the configuration file, and is changed there.
    ManagedByFile,
    /// The idempotency key was used with another body.
    KeyReused,
    /// The body came too slowly.
    Timeout,
    /// The body is larger than allowed.
    TooLarge,
    /// The body is of a type that is not understood.
    UnsupportedMediaType,
    /// More comes in than can be taken; later.
    Overloaded,
    /// The disk is full; later.
    StorageFull,
    /// It cannot be done now; later.
    Unavailable,
    /// Our fault.
    Internal,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::BadRequest,
        Self::BadJson,
        Self::BadEvent,
        Self::BadConfig,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::StreamPaused,
        Self::ManagedByFile,
        Self::KeyReused,
        Self::Timeout,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Overloaded,
        Self::StorageFull,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::BadJson => "bad_json",
            Self::BadEvent => "bad_event",
            Self::BadConfig => "bad_config",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::StreamPaused => "stream_paused",
            Self::ManagedByFile => "managed_by_file",
            Self::KeyReused => "key_reused",
            Self::Timeout => "timeout",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Overloaded => "overloaded",
            Self::StorageFull => "storage_full",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest | Self::BadJson => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Timeout => 408,
            Self::Conflict | Self::StreamPaused | Self::ManagedByFile | Self::KeyReused => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::BadEvent | Self::BadConfig => 422,
            Self::Internal => 500,
            Self::Overloaded | Self::StorageFull | Self::Unavailable => 503,
        }
    }

    /// The same for every problem of this code.
    pub fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "The request is not understood",
            Self::BadJson => "The body is not the JSON expected",
            Self::BadEvent => "No event was understood",
            Self::BadConfig => "The configuration is not allowed",
            Self::Unauthorized => "A valid token is needed",
            Self::Forbidden => "This is not allowed",
            Self::NotFound => "There is nothing here",
            Self::MethodNotAllowed => "The method is not known here",
            Self::Conflict => "It clashes with what is there",
            Self::StreamPaused => "The stream is paused",
            Self::ManagedByFile => "The stream is in the configuration file",
            Self::KeyReused => "The idempotency key was used before",
            Self::Timeout => "The body came too slowly",
            Self::TooLarge => "The body is too large",
            Self::UnsupportedMediaType => "The body is of a type not understood",
            Self::Overloaded => "Too much is coming in",
            Self::StorageFull => "The disk is full",
            Self::Unavailable => "Not now",
            Self::Internal => "Something went wrong here",
        }
    }

    /// Seconds after which it may be tried again, where that makes sense.
    pub fn retry_after(self) -> Option<u32> {
        match self {
            Self::Overloaded | Self::Unavailable => Some(1),
            Self::StorageFull => Some(10),
            _ => None,
        }
    }
}

/// An error (RFC 9457).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem<'a> {
    /// A URI that stands for the code.
    pub r#type: Cow<'a, str>,
    /// The same for every problem of this code.
    pub title: Cow<'a, str>,
    /// HTTP status.
    pub status: u16,
    /// What was tried, what came, what would be right.
    pub detail: Cow<'a, str>,
    /// One of a closed list: programs decide by it.
    pub code: Code,
    /// To be found again in the logs.
    pub request_id: Cow<'a, str>,
    /// What came of each event, where there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub results: Option<Vec<EventResult>>,
}

impl<'a> Problem<'a> {
    /// A problem of this code.
    pub fn new(code: Code, detail: &'a str, request_id: &'a str) -> Self {
        Self {
            r#type: format!("https://willet.dev/problems/{}", code.as_str()).into(),
            title: code.title().into(),
            status: code.status(),
            detail: detail.into(),
            code,
            request_id: request_id.into(),
            results: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_word_everywhere() {
        for code in Code::ALL {
            let word = serde_json::to_value(code).expect("a word");
            assert_eq!(word, code.as_str());
        }
    }
}
