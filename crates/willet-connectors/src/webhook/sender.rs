//! One attempt to deliver.

use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};

use super::config::Webhook;
use super::signature::{sign, webhook_id};

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken (2xx).
    Delivered,
    /// It was not, and may be later: no answer, a server's error, too many requests.
    Retry {
        /// What the receiver asks for, in seconds.
        after_seconds: Option<u64>,
        /// What came.
        detail: String,
    },
    /// It never will be.
    Refused {
        /// What came.
        detail: String,
    },
}

/// HTTP cannot be spoken at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SenderError {
    /// The process has no cryptography.
    #[error("no provider of cryptography is installed (install one before the first webhook)")]
    NoProvider,
    /// The client cannot be made.
    #[error("cannot make an HTTP client")]
    Client(#[from] reqwest::Error),
}

/// Bytes of an answer that are read; what it says beyond is the receiver's affair.
const ANSWER_BYTES: usize = 1024;
/// Characters of an answer that a receipt shows.
const SHOWN: usize = 200;
const USER_AGENT: &str = concat!("willet/", env!("CARGO_PKG_VERSION"));
/// An idle connection is kept for so long.
const IDLE: Duration = Duration::from_secs(60);

/// Sends notifications. Clones share its connections.
#[derive(Clone, Debug)]
pub struct WebhookSender {
    client: Client,
}

impl WebhookSender {
    /// A sender. The process must have installed a provider of cryptography for `rustls` before.
    pub fn new() -> Result<Self, SenderError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(SenderError::NoProvider);
        }
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .pool_idle_timeout(IDLE)
            .build()?;
        Ok(Self { client })
    }

    /// Posts `body` once, as notification `id` at `now` (microseconds since the epoch). Returns within the webhook's time-out.
    pub async fn send(&self, webhook: &Webhook, id: &str, body: &str, now: i64) -> Outcome {
        let id = webhook_id(id);
        let timestamp = now.div_euclid(1_000_000);
        let mut request = self
            .client
            .post(webhook.url.clone())
            .timeout(webhook.timeout)
            .headers(webhook.headers.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp);
        if let Some(secret) = &webhook.secret {
            request = request.header("webhook-signature", sign(secret, &id, timestamp, body));
        }
        match request.body(body.to_owned()).send().await {
            Ok(response) => judge(response, now).await,
            Err(error) => Outcome::Retry {
                after_seconds: None,
                detail: tell(error),
            },
        }
    }
}

async fn judge(response: Response, now: i64) -> Outcome {
    let status = response.status();
    if status.is_success() {
        return Outcome::Delivered;
    }
    let after_seconds = retry_after(response.headers(), now);
    let detail = match beginning(response).await {
        text if text.is_empty() => status.to_string(),
        text => format!("{status}: {text}"),
    };
    let is_passing = status.is_server_error()
        || [
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::TOO_EARLY,
            StatusCode::TOO_MANY_REQUESTS,
        ]
        .contains(&status);
    if is_passing {
        Outcome::Retry {
            after_seconds,
            detail,
        }
    } else {
        Outcome::Refused { detail }
    }
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap, now: i64) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let then = httpdate::parse_http_date(text).ok()?;
    let then = then.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(then.saturating_sub(u64::try_from(now.div_euclid(1_000_000)).ok()?))
}

/// The beginning of an answer, on one line.
async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    bytes.truncate(ANSWER_BYTES);
    let text = String::from_utf8_lossy(&bytes);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(SHOWN).collect()
}

/// What went wrong, with its causes and without the address, which may hold a secret.
fn tell(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer within the time-out".to_owned();
    }
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
