//! Who is notified, and how.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

/// A webhook as it is written. [`Webhook`] is the same, checked.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Its name in receipts; letters, digits, `.`, `_`, `-`, at most 64.
    pub name: String,
    /// Where notifications are posted, `http` or `https`.
    pub url: String,
    /// Signs them: `whsec_` and Base64 of 24 to 64 bytes, or any words of 16 bytes and more. None: they are not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// How long an attempt may take, in seconds; 0.1 to 60.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: f64,
    /// Sent with each notification.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

fn default_timeout() -> f64 {
    10.0
}

/// Secrets stay out of logs.
impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookConfig")
            .field("name", &self.name)
            .field("url", &self.url)
            .field("has_secret", &self.secret.is_some())
            .field("timeout_seconds", &self.timeout_seconds)
            .field("headers", &self.headers.keys())
            .finish()
    }
}

/// What is wrong with a webhook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("webhook `{webhook}`: {setting} is {found}, expected {expected}")]
pub struct WebhookConfigError {
    /// Name of the webhook.
    pub webhook: String,
    /// The setting.
    pub setting: String,
    /// Its value; a secret's is not told.
    pub found: String,
    /// What it should be.
    pub expected: &'static str,
}

/// A webhook that was checked.
#[derive(Clone)]
pub struct Webhook {
    pub(super) name: String,
    pub(super) url: Url,
    pub(super) secret: Option<Vec<u8>>,
    pub(super) timeout: Duration,
    pub(super) headers: HeaderMap,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("name", &self.name)
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

/// What begins with this is Base64.
const SECRET_PREFIX: &str = "whsec_";
/// Set for each attempt, so that a configuration cannot.
const OWN_HEADERS: [&str; 7] = [
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "content-type",
    "content-length",
    "host",
    "transfer-encoding",
];

impl Webhook {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl TryFrom<&WebhookConfig> for Webhook {
    type Error = WebhookConfigError;

    fn try_from(config: &WebhookConfig) -> Result<Self, WebhookConfigError> {
        let wrong = |setting: &str, found: &str, expected| WebhookConfigError {
            webhook: config.name.clone(),
            setting: setting.to_owned(),
            found: format!("`{found}`"),
            expected,
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if config.name.is_empty() || config.name.len() > 64 || !config.name.bytes().all(is_plain) {
            let expected = "1 to 64 letters, digits, `.`, `_` or `-`";
            return Err(wrong("name", &config.name, expected));
        }
        let expected = "an address such as https://example.com/hook";
        let url = Url::parse(&config.url).map_err(|_| wrong("url", &config.url, expected))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong("url", &config.url, expected));
        }
        if !(0.1..=60.0).contains(&config.timeout_seconds) {
            let found = config.timeout_seconds.to_string();
            return Err(wrong("timeout_seconds", &found, "0.1 to 60"));
        }
        let secret = config.secret.as_deref().map(key).transpose();
        let secret = secret.map_err(|expected| wrong("secret", "...", expected))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &config.headers {
            let setting = format!("headers.{name}");
            let parsed = HeaderName::try_from(name.as_str())
                .ok()
                .filter(|name| !OWN_HEADERS.contains(&name.as_str()))
                .ok_or_else(|| wrong(&setting, name, "a header that is not set by willet"))?;
            let mut value = HeaderValue::try_from(value.as_str())
                .map_err(|_| wrong(&setting, "...", "visible ASCII characters"))?;
            // Most of them are credentials.
            value.set_sensitive(true);
            headers.insert(parsed, value);
        }
        Ok(Self {
            name: config.name.clone(),
            url,
            secret,
            timeout: Duration::from_secs_f64(config.timeout_seconds),
            headers,
        })
    }
}

/// The bytes that sign; else what was expected.
fn key(secret: &str) -> Result<Vec<u8>, &'static str> {
    let Some(text) = secret.strip_prefix(SECRET_PREFIX) else {
        let bytes = secret.as_bytes().to_vec();
        return if bytes.len() >= 16 {
            Ok(bytes)
        } else {
            Err("at least 16 bytes")
        };
    };
    let expected = "`whsec_` and Base64 of 24 to 64 bytes";
    let bytes = STANDARD.decode(text).map_err(|_| expected)?;
    if (24..=64).contains(&bytes.len()) {
        Ok(bytes)
    } else {
        Err(expected)
    }
}
