use reqwest::Url;

/// Where traces go, and how many.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceConfig {
    /// Of the collector, as in `http://127.0.0.1:4318`. Without one the standard variables say, and else that one.
    pub endpoint: Option<String>,
    /// Share of the events that are not anomalies that get a trace, 0 to 1.
    pub ratio: f64,
}

/// A setting of traces that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceConfigError {
    /// The share.
    #[error("trace_ratio is {0}, expected a share from 0 to 1 (1 % is written 0.01)")]
    Ratio(String),
    /// The address.
    #[error(
        "otlp_endpoint is `{0}`, expected the address of a collector's OTLP over HTTP, as in http://127.0.0.1:4318"
    )]
    Endpoint(String),
}

impl TraceConfig {
    /// The address that traces are posted to; `None` where the standard variables say.
    pub(super) fn url(&self) -> Result<Option<Url>, TraceConfigError> {
        let Some(endpoint) = &self.endpoint else {
            return Ok(None);
        };
        let bad = || TraceConfigError::Endpoint(endpoint.clone());
        let mut url: Url = endpoint.parse().map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(bad());
        }
        if url.path() == "/" {
            url.set_path("/v1/traces");
        }
        Ok(Some(url))
    }

    /// Checks the settings.
    pub fn validate(&self) -> Result<(), TraceConfigError> {
        if !(0.0..=1.0).contains(&self.ratio) {
            return Err(TraceConfigError::Ratio(self.ratio.to_string()));
        }
        self.url().map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_without_a_path_gets_the_usual_one() {
        let check = |endpoint: &str, expected: Option<&str>| {
            let config = TraceConfig {
                endpoint: Some(endpoint.to_owned()),
                ratio: 0.5,
            };
            let url = config.url().ok().flatten().map(|url| url.to_string());
            assert_eq!(url.as_deref(), expected, "{endpoint}");
            assert_eq!(config.validate().is_ok(), expected.is_some());
        };
        check(
            "http://127.0.0.1:4318",
            Some("http://127.0.0.1:4318/v1/traces"),
        );
        check(
            "https://traces.example/otlp",
            Some("https://traces.example/otlp"),
        );
        check("127.0.0.1:4318", None);
        check("ftp://127.0.0.1", None);
        check("", None);
    }

    #[test]
    fn a_share_is_from_0_to_1() {
        for ratio in [-0.1, 1.5, f64::NAN] {
            let config = TraceConfig {
                endpoint: None,
                ratio,
            };
            assert!(matches!(config.validate(), Err(TraceConfigError::Ratio(_))));
        }
    }
}
