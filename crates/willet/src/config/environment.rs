use std::collections::BTreeMap;

use serde_json::{Map, Value};
use willet_core::error::nearest;

/// Settings from environment variables: `WILLET_STORE__DATA_DIR=/data` is `store.data_dir`.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    settings: Vec<(String, Vec<String>, Value)>,
    pub(crate) warnings: Vec<String>,
}

/// The flat names of the library guide, with their place in a stream, wherever the stream is.
const FLAT: [(&str, [&str; 2]); 6] = [
    ("algorithm", ["detector", "algorithm"]),
    ("contamination", ["decision", "contamination"]),
    ("window_size", ["detector", "window_size"]),
    ("drift_detection", ["drift", "detection"]),
    ("auto_retrain", ["retrain", "auto_retrain"]),
    ("retrain_threshold", ["retrain", "retrain_threshold"]),
];

/// Where a flat name is set in a stream.
fn flat(name: &str) -> Option<[&'static str; 2]> {
    let known = FLAT.iter().find(|(flat, _)| *flat == name);
    known.map(|(_, path)| *path)
}

/// Variables of ours that are no settings.
const OTHER: [&str; 3] = ["WILLET_CONFIG", "WILLET_BIN", "WILLET_TOKEN"];

impl Environment {
    /// Picks the settings out of all variables. `STREAMING_` is read first, so that `WILLET_` wins.
    pub(crate) fn read(variables: impl Iterator<Item = (String, String)>, known: &Value) -> Self {
        let variables: BTreeMap<String, String> = variables.collect();
        let mut environment = Self::default();
        for prefix in ["STREAMING_", "WILLET_"] {
            for (name, text) in &variables {
                let Some(path) = name
                    .strip_prefix(prefix)
                    .filter(|_| !OTHER.contains(&name.as_str()))
                else {
                    continue;
                };
                let path: Vec<String> =
                    path.to_lowercase().split("__").map(str::to_owned).collect();
                environment.take(name, path, text, known);
            }
        }
        environment
    }

    fn take(&mut self, name: &str, path: Vec<String>, text: &str, known: &Value) {
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        let flat = path.len() == 1 && flat(&path[0]).is_some();
        let sections = known
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str());
        if flat || sections.clone().any(|section| section == path[0]) {
            self.settings.push((name.to_owned(), path, value));
            return;
        }
        let hint = nearest(&path[0], sections.chain(FLAT.map(|(name, _)| name)))
            .map(|near| format!(" (did you mean `{near}`?)"));
        self.warnings.push(format!(
            "environment variable {name} is no setting of this build{}",
            hint.unwrap_or_default()
        ));
    }

    /// Puts the settings over a configuration.
    pub(crate) fn apply(&self, config: &mut Value) {
        for (_, path, value) in &self.settings {
            match flat(&path[0]) {
                Some(place) => over_streams(config, &place, value),
                None => put(config, path.iter().map(String::as_str), value),
            }
        }
    }

    /// Names of the variables that set something, for messages.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.settings.iter().map(|(name, ..)| name.as_str())
    }
}

/// Sets a value in every stream; without a stream, in the default one.
fn over_streams(config: &mut Value, path: &[&str], value: &Value) {
    let Value::Object(sections) = config else {
        return;
    };
    let streams = sections
        .entry("streams")
        .or_insert_with(|| Value::Array(Vec::new()));
    let Value::Array(streams) = streams else {
        return;
    };
    if streams.is_empty() {
        streams.push(Value::Object(Map::new()));
    }
    for stream in streams {
        put(stream, path.iter().copied(), value);
    }
}

fn put<'a>(config: &mut Value, mut path: impl Iterator<Item = &'a str>, value: &Value) {
    let Some(name) = path.next() else {
        *config = value.clone();
        return;
    };
    if !config.is_object() {
        *config = Value::Object(Map::new());
    }
    if let Value::Object(fields) = config {
        put(fields.entry(name).or_insert(Value::Null), path, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn apply(variables: &[(&str, &str)], mut config: Value) -> (Value, Vec<String>) {
        let known = json!({"store": {}, "websocket": {}, "kafka": {}, "streams": []});
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = Environment::read(variables, &known);
        environment.apply(&mut config);
        (config, environment.warnings)
    }

    #[test]
    fn variables_nest_are_json_first_and_willet_wins() {
        let (config, warnings) = apply(
            &[
                ("WILLET_STORE__DATA_DIR", "/data"),
                ("STREAMING_STORE__DATA_DIR", "/other"),
                ("STREAMING_WEBSOCKET__PORT", "9000"),
                (
                    "STREAMING_KAFKA__BOOTSTRAP_SERVERS",
                    r#"["a:9092", "b:9092"]"#,
                ),
                ("STREAMING_ALGORITHM", "hst"),
                ("STREAMING_AUTO_RETRAIN", "true"),
                ("STREAMING_DRIFT_DETECTION", "true"),
                ("STREAMING_RETRAIN_THRESHOLD", "0.2"),
                ("PATH", "/bin"),
            ],
            json!({"store": {"log_bytes": 5}}),
        );
        assert_eq!(
            config,
            json!({
                "store": {"log_bytes": 5, "data_dir": "/data"},
                "websocket": {"port": 9000},
                "kafka": {"bootstrap_servers": ["a:9092", "b:9092"]},
                "streams": [{
                    "detector": {"algorithm": "hst"},
                    "drift": {"detection": true},
                    "retrain": {"auto_retrain": true, "retrain_threshold": 0.2}
                }]
            })
        );
        assert!(warnings.is_empty());
    }

    #[test]
    fn an_unknown_variable_is_a_warning_with_the_nearest_name() {
        let (config, warnings) = apply(&[("WILLET_STOER__DATA_DIR", "/data")], json!({}));
        assert_eq!(config, json!({}));
        assert_eq!(
            warnings,
            [
                "environment variable WILLET_STOER__DATA_DIR is no setting of this build (did you mean `store`?)"
            ]
        );
    }
}
