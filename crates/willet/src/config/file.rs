use std::path::Path;

use anyhow::Result;
use serde_json::Value;
use willet_core::error::nearest;
use willet_engine::config::Plan;

use super::{Config, Environment};
use crate::problem::user;

/// Largest configuration file.
const MAX_BYTES: u64 = 4 << 20;

/// Reads the file, if one is named, and the environment; checks all of it.
pub(crate) fn load(
    path: Option<&Path>,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<(Config, Vec<String>)> {
    let known = known_sections();
    let environment = Environment::read(variables, &known);
    let mut merged = match path {
        Some(path) => read(path)?,
        None => Value::Object(serde_json::Map::new()),
    };
    environment.apply(&mut merged);
    let config: Config = serde_path_to_error::deserialize(&merged).map_err(|error| {
        // The file alone was sound: what is wrong came from outside it.
        let names: Vec<&str> = environment.names().collect();
        user(format!(
            "{}: {} (from {})",
            error.path(),
            with_nearest(&error.inner().to_string()),
            names.join(", ")
        ))
    })?;
    check(&config)?;
    Ok((config, environment.warnings))
}

/// The file as a tree, after it was read as a [`Config`], which tells line and column of a mistake.
fn read(path: &Path) -> Result<Value> {
    let shown = path.display();
    let metadata = std::fs::metadata(path)
        .map_err(|error| user(format!("cannot read configuration `{shown}`: {error}")))?;
    if metadata.is_dir() || metadata.len() > MAX_BYTES {
        return Err(user(format!(
            "configuration `{shown}` is a folder or larger than {MAX_BYTES} bytes, expected a YAML file"
        )));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| user(format!("cannot read configuration `{shown}`: {error}")))?;
    if text.trim().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let describe = |error: &serde_saphyr::Error| {
        let place = error
            .location()
            .map(|at| format!(":{}:{}", at.line(), at.column()))
            .unwrap_or_default();
        // The reader says the place once more, in words.
        let message = first_line(&error.to_string());
        let message = message
            .rsplit_once("column ")
            .and_then(|(_, rest)| rest.split_once(": "))
            .map_or(message.clone(), |(_, rest)| rest.to_owned());
        user(format!(
            "configuration {shown}{place}: {}",
            with_nearest(&message)
        ))
    };
    if let Err(error) = serde_saphyr::from_str::<Config>(&text) {
        return Err(describe(&error));
    }
    serde_saphyr::from_str(&text).map_err(|error| describe(&error))
}

/// Checks what types cannot: ranges, names of algorithms, settings of kinds.
fn check(config: &Config) -> Result<()> {
    let names: Vec<Option<&str>> = if config.streams.is_empty() {
        vec![None]
    } else {
        config
            .streams
            .iter()
            .map(|resource| Some(&*resource.stream.name))
            .collect()
    };
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(user(format!(
                "streams: two streams are called `{}`, expected a name of its own for each",
                name.unwrap_or("")
            )));
        }
        let stream = config.stream(*name).map_err(user)?;
        Plan::new(stream, 1)
            .map_err(|error| user(format!("stream `{}`: {error}", name.unwrap_or("default"))))?;
    }
    config
        .alerts
        .webhooks()
        .map_err(|error| user(format!("alerts: {error}")))?;
    config
        .alerts
        .incidents()
        .check()
        .map_err(|error| user(format!("alerts: {error}")))?;
    config
        .monitoring
        .traces()
        .validate()
        .map_err(|error| user(format!("monitoring: {error}")))?;
    if config.dashboard.max_body_bytes == 0 || config.dashboard.queue_bytes == 0 {
        return Err(user(
            "dashboard: max_body_bytes and queue_bytes are 0, expected 1 or more",
        ));
    }
    if config.dashboard.max_streams < config.streams.len().max(1) {
        return Err(user(format!(
            "dashboard.max_streams is {}, expected {} or more, the streams of this file (leave it out for 10000)",
            config.dashboard.max_streams,
            config.streams.len().max(1)
        )));
    }
    if config.checkpoints.slice_bytes == 0 || config.checkpoints.max_memory_bytes == 0 {
        return Err(user(
            "checkpoints: slice_bytes and max_memory_bytes are 0, expected 1 or more",
        ));
    }
    Ok(())
}

/// All sections by name, the absent ones too.
fn known_sections() -> Value {
    let mut known = serde_json::to_value(Config::default()).expect("plain data always serialises");
    for name in ["streams", "anomaly_detection", "kafka"] {
        known[name] = Value::Null;
    }
    known
}

/// Adds the nearest of the names that are listed behind an unknown one.
fn with_nearest(message: &str) -> String {
    let found = message
        .split('`')
        .nth(1)
        .filter(|_| message.contains("unknown field") || message.contains("unknown variant"));
    let known = message
        .split_once("expected")
        .map(|(_, known)| known.trim_start_matches(" one of"));
    let (Some(found), Some(known)) = (found, known) else {
        return message.to_owned();
    };
    let known = known
        .split([',', ' ', '`'])
        .filter(|name| !name.is_empty() && *name != "or");
    match nearest(found, known) {
        Some(near) => format!("{message} (did you mean `{near}`?)"),
        None => message.to_owned(),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
