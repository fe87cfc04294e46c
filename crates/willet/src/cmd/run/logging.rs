use std::io::IsTerminal as _;

use anyhow::Result;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogFormat, Monitoring};
use crate::problem::user;

/// Logs go to stderr: text for people on a terminal, one JSON object a line elsewhere.
pub(super) fn install(monitoring: &Monitoring) -> Result<()> {
    let level = monitoring.log_level.as_deref().unwrap_or("info");
    // SQL is logged a statement at a time by its library, which nobody asked for.
    let filter: Targets = format!("{level},sqlx=warn,hyper=warn")
        .parse()
        .map_err(|error| user(format!("monitoring.log_level is `{level}`: {error}")))?;
    let is_terminal = std::io::stderr().is_terminal();
    let format = monitoring.log_format.unwrap_or(if is_terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(is_terminal).with_target(false).boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .init();
    Ok(())
}
