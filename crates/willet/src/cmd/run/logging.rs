use std::io::IsTerminal as _;

use anyhow::Result;
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Monitoring};
use crate::problem::user;

/// Logs go to stderr: text for people on a terminal, one JSON object a line elsewhere.
pub(super) fn install(monitoring: &Monitoring) -> Result<()> {
    let level = monitoring.log_level.as_deref().unwrap_or("info");
    // SQL is logged a statement at a time by its library, which nobody asked for.
    let filter = EnvFilter::try_new(format!("{level},sqlx=warn,hyper=warn"))
        .map_err(|error| user(format!("monitoring.log_level is `{level}`: {error}")))?;
    let is_terminal = std::io::stderr().is_terminal();
    let format = monitoring.log_format.unwrap_or(if is_terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.with_ansi(is_terminal).with_target(false).init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .init(),
    }
    Ok(())
}
