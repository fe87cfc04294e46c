//! Errors as handlers give them: a code and a sentence; the request id is put in on the way out.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use willet_engine::ports::PortError;
use willet_node::service::{Refusal, ServiceError};
use willet_proto::{Code, EventResult};
use willet_store::QueryError;

/// What goes wrong in a handler.
#[derive(Clone, Debug)]
pub struct Fault {
    pub(crate) code: Code,
    pub(crate) detail: String,
    pub(crate) results: Option<Vec<EventResult>>,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

/// What a handler gives.
pub(crate) type Answer<T> = Result<T, Fault>;

impl Fault {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            results: None,
        }
    }

    /// Our fault: the cause goes to the log and not to whoever asked.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(
            Code::Internal,
            "the request could not be done (the server's log has the reason under this request id)",
        )
    }
}

/// Marks a response whose problem still needs its request id.
#[derive(Clone, Debug)]
pub(crate) struct Unfinished(pub(crate) Fault);

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if let Some(seconds) = self.code.retry_after() {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == Code::Unauthorized {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"willet\""),
            );
        }
        response.extensions_mut().insert(Unfinished(self));
        response
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::NoStream(_) => Code::NotFound,
            Refusal::Paused(_) => Code::StreamPaused,
            Refusal::Overloaded { .. } => Code::Overloaded,
            Refusal::StorageFull => Code::StorageFull,
            Refusal::InProgress => Code::Conflict,
            _ => Code::Unavailable,
        };
        Self::new(code, refusal.to_string())
    }
}

impl From<PortError> for Fault {
    fn from(error: PortError) -> Self {
        if error.is_full() {
            return Refusal::StorageFull.into();
        }
        Self::new(Code::Unavailable, error.to_string())
    }
}

impl From<ServiceError> for Fault {
    fn from(error: ServiceError) -> Self {
        let code = match &error {
            ServiceError::Plan { .. } => Code::BadConfig,
            ServiceError::Exists(_) | ServiceError::TooMany(_) => Code::Conflict,
            ServiceError::NoStream(_) => Code::NotFound,
            ServiceError::Stopping | ServiceError::Thread(_) => Code::Unavailable,
            ServiceError::Log(error) if error.is_full() => Code::StorageFull,
            ServiceError::Store(error) if error.is_full => Code::StorageFull,
            ServiceError::Store(error) if error.is_retryable => Code::Unavailable,
            _ => return Self::internal(error),
        };
        Self::new(code, error.to_string())
    }
}

impl From<QueryError> for Fault {
    fn from(error: QueryError) -> Self {
        let code = match &error {
            QueryError::Cursor => Code::BadRequest,
            QueryError::Exists { .. } => Code::Conflict,
            QueryError::Store(error) if error.is_full => Code::StorageFull,
            QueryError::Store(error) if error.is_retryable => Code::Unavailable,
            _ => return Self::internal(error),
        };
        Self::new(code, error.to_string())
    }
}
