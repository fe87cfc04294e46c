//! A JSON Schema of the configuration, for editors and for checks elsewhere.

use serde_json::{Map, Value, json};
use willet_connectors::CONNECTORS;
use willet_core::detectors::KINDS;

/// The schema. Settings of detectors come from the table of kinds.
pub(crate) fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Willet configuration",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "streams": {"type": "array", "items": stream(), "description": "The streams. Without any there is one, called `default`."},
            "anomaly_detection": object(
                "Detection of every stream that has no `detector` of its own, in the words of the pipeline guide.",
                json!({
                    "method": {"enum": names(), "description": "`ensemble`, or the name of a detector."},
                    "threshold": score(),
                    "detectors": {"type": "object", "additionalProperties": {"type": "object"}, "description": "Detectors with their settings; the members of an ensemble."},
                }),
            ),
            "store": object("Where data lie.", json!({
                "data_dir": text("The data folder.", "./willet-data"),
                "log_bytes": whole("Bytes of log kept at most, as far as no state needs them.", 0),
                "log_days": whole("Days of log kept at most, as far as no state needs them.", 0),
                "keep": {"enum": ["anomalies", "all"], "description": "Which verdicts are kept."},
                "verdict_days": whole("Days that verdicts and resolved alerts are kept.", 0),
                "verdict_bytes": whole("Bytes of verdicts beyond which the oldest go earlier.", 0),
            })),
            "checkpoints": object("How state is saved and how much stays in memory.", json!({
                "max_memory_bytes": whole("Bytes of series that stay in memory; the others lie on disk until they speak.", 1),
                "slice_bytes": whole("Bytes of one slice, written between two batches.", 1),
            })),
            "dashboard": object("HTTP and the page.", json!({
                "host": text("Address to listen on.", "127.0.0.1"),
                "port": whole("Port to listen on.", 0),
                "websocket_enabled": {"type": "boolean", "description": "Whether live sockets are served."},
                "real_time_updates": {"type": "boolean", "description": "Whether the page moves by itself."},
                "allowed_hosts": {"type": "array", "items": {"type": "string"}, "description": "Host names that requests may name, besides addresses and localhost."},
                "max_body_bytes": whole("Bytes of one body.", 1),
                "queue_bytes": whole("Bytes of events on their way between doors and detectors.", 1),
                "max_connections": whole("Connections at once.", 0),
                "max_streams": whole("Streams at most.", 1),
            })),
            "auth": object("Who may come in.", json!({
                "mode": {"enum": ["token", "none"], "description": "Without it tokens are asked for beyond loopback and not on it."},
            })),
            "alerts": object("How anomalies become alerts, and who is told.", json!({
                "gap_seconds": whole("Longest pause between anomalies of one alert.", 1),
                "consecutive": whole("Anomalies in a row that open an alert.", 1),
                "cool_down_seconds": whole("For so long after its end an alert is taken up again rather than another opened.", 0),
                "min_severity": {"enum": ["low", "medium", "high", "critical"], "description": "What is told at least."},
                "notify_from": {"enum": ["live", "always"], "description": "live tells nothing of events older than the present."},
                "webhooks": {"type": "array", "items": object("Who is told.", json!({
                    "name": text("Its name in receipts.", ""),
                    "url": text("Where notifications are posted.", ""),
                    "secret": text("Signs them as Standard Webhooks have it.", ""),
                    "timeout_seconds": {"type": "number", "minimum": 0.1, "maximum": 60, "description": "How long an attempt may take."},
                    "headers": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Sent with each notification."},
                }))},
            })),
            "monitoring": object("Logs and traces.", json!({
                "log_format": {"enum": ["text", "json"], "description": "Without it text on a terminal and JSON elsewhere."},
                "log_level": text("error, warn, info, debug, trace; parts as in info,willet_node=debug.", "info"),
                "enable_tracing": {"type": "boolean", "default": false, "description": "Whether traces are sent by OTLP: process_sample > anomaly_detection > concept_drift_handling."},
                "otlp_endpoint": text("The collector's OTLP over HTTP; without it OTEL_EXPORTER_OTLP_ENDPOINT says.", "http://localhost:4318"),
                "trace_ratio": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.01, "description": "Share of the events that are not anomalies that get a trace; anomalies always do, up to 500 traces a second."},
            })),
            "websocket": object("Plain and topic sockets.", json!({
                "host": text("Address to listen on.", "127.0.0.1"),
                "port": whole("Port to listen on.", 0),
                "max_connections": whole("Connections at most.", 0),
            })),
            "kafka": object("Kafka as the log. Not in this build.", json!({
                "bootstrap_servers": {"type": "array", "items": {"type": "string"}, "description": "Brokers to begin with."},
                "input_topic": text("Topic that events are read from.", "raw-data"),
                "output_topic": text("Topic that verdicts are written to.", "anomaly-results"),
                "group_id": text("Consumer group.", "anomaly-detection-group"),
            })),
        }
    })
}

fn stream() -> Value {
    let back = json!({"type": "array", "items": object("", json!({
        "of": text("Name of the value.", ""),
        "by": whole("How many rows back.", 1),
    }))});
    object(
        "A stream: what comes in, what is made of it, how it is judged.",
        json!({
            "name": text("Name of the stream.", "default"),
            "source": source(),
            "input": input(),
            "bucket": object("Events put together by equal stretches of event time; then these are judged, not events. Not together with windows.", json!({
                "every": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}], "description": "Length: second, minute, hour, a number of seconds, or a number with s, m or h."},
                "what": {"enum": ["count", "rate", "sum", "mean", "min", "max"], "description": "What is told of a bucket; count, rate (a second) and sum are 0 when nothing comes."},
                "of": text("Value that is told of; count and rate count all events where it is not given.", ""),
                "allowed_lateness": {"type": "number", "minimum": 0, "default": 0, "description": "Seconds for which a closed bucket takes late events and is corrected; at least allowed_lateness_ms of the stream."},
                "max_silent": {"type": "integer", "minimum": 0, "maximum": willet_core::windows::MAX_SILENT, "default": 1000, "description": "Silent buckets in a row that are told of; further ones are left out and counted."},
            })),
            "windows": windows(),
            "features": object("What stands before the detector, behind buckets and windows. The steps run in the order of the fields.", json!({
                "select": {"type": "array", "items": {"type": "string"}, "description": "Values taken, in this order; all where empty."},
                "impute": {"enum": ["none", "skip", "last", "mean", "zero", "seasonal"], "description": "What stands in for a missing value: what the kind does itself, nothing (the row is left out), the last value, the running mean, zero, or what the detector expects."},
                "lag": back,
                "difference": back,
                "scale": {"enum": ["none", "robust"], "description": "Brings all features to one scale."},
            })),
            "detector": detector(),
            "decision": object("How scores become decisions. At most one of contamination, threshold and rate.", json!({
                "contamination": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5, "description": "Share of rows expected to be anomalies."},
                "threshold": score(),
                "rate": rate(),
                "direction": {"enum": ["up", "down", "both"], "description": "Which deviations count."},
                "ignore_absolute": {"type": "number", "minimum": 0, "description": "Deviations up to this size are no anomaly."},
                "ignore_relative": {"type": "number", "minimum": 0, "description": "Deviations up to this share of the expected value are no anomaly."},
                "consecutive": whole("How many rows in a row must be over the threshold.", 1),
                "data_range": data_range(),
                "calendars": {"type": "array", "maxItems": 64, "items": calendar(), "description": "When it is decided otherwise; of several rules that hold the first counts."},
            })),
            "drift": drift(),
            "retrain": object("When series are trained anew, and on what.", json!({
                "auto_retrain": {"type": "boolean", "default": false, "description": "Whether they are without a drift, when retrain_threshold is reached."},
                "retrain_threshold": {"type": "number", "exclusiveMinimum": 0, "default": 1000, "description": "So many rows since the last time; or, below 1, a share of anomalies among the last hundred rows or so."},
                "cool_down": {"type": "integer", "minimum": 0, "default": 500, "description": "Rows that must come before it is done again."},
                "rows": {"type": "integer", "minimum": 10, "maximum": 100_000, "default": 1000, "description": "Recent rows of a series that are kept to learn from."},
                "slice": {"type": "integer", "minimum": 2, "maximum": 1000, "default": 8, "description": "Kept rows that are learned with each row that comes."},
            })),
            "time_zone": text("Whose clock seasons follow, summer time too: a name in the IANA time-zone database.", "UTC"),
            "seed": whole("Seed that the seeds of all series come from.", 0),
            "allowed_lateness_ms": whole("How far an event may lie behind its series before it is marked late.", 0),
            "duplicate_window": whole("How many event ids are remembered to find duplicates; 0 looks for none.", 0),
        }),
    )
}

fn windows() -> Value {
    object(
        "Windows over events, judged as a whole: by their statistics, or by how strange their rows were, which are judged too.",
        json!({
            "window_type": {"enum": ["sliding", "tumbling", "session"], "default": "sliding", "description": "They overlap, follow each other, or end when nothing comes for gap."},
            "window_size": {"type": "number", "exclusiveMinimum": 0, "description": "Length in window_unit; not of sessions."},
            "window_unit": {"enum": ["samples", "seconds"], "default": "samples", "description": "What lengths are counted in."},
            "slide_interval": {"type": "number", "exclusiveMinimum": 0, "description": "How far a sliding window moves on, in window_unit."},
            "gap": {"type": "number", "exclusiveMinimum": 0, "description": "Seconds of silence that end a session."},
            "allowed_lateness": {"type": "number", "minimum": 0, "default": 0, "description": "Seconds for which a closed window takes late events and is corrected; at least allowed_lateness_ms of the stream."},
            "aggregation": {"enum": ["features", "statistics"], "default": "features", "description": "features: events are judged, and each window by how strange they were; statistics: windows are judged by statistics of each value."},
            "statistics": {"type": "array", "items": {"enum": ["mean", "standard_deviation", "minimum", "maximum", "quantiles", "slope", "count", "distinct", "entropy"]}, "description": "Mean, standard deviation, minimum and maximum where empty."},
            "quantiles": {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}, "default": [0.05, 0.5, 0.95], "description": "What quantiles stands for."},
            "max_rows": {"type": "integer", "minimum": 1, "maximum": willet_core::windows::MAX_ROWS, "default": 100_000, "description": "Events of a series held at most, in all its windows together."},
        }),
    )
}

fn rate() -> Value {
    json!({"type": "string", "description": "How many flags are kept to: `0.1 %`, `1 per 1000 rows`, or by event time `5 a week`, `2 per day`."})
}

/// One pair for all values, or one for each name.
fn data_range() -> Value {
    let pair = json!({"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": ["number", "null"]}});
    json!({
        "anyOf": [pair, {"type": "object", "additionalProperties": pair}],
        "description": "Lowest and highest ordinary value, of all values or by name; null leaves one end open. A value outside is an anomaly by itself and is never learned.",
    })
}

fn calendar() -> Value {
    let texts = |description: &str| json!({"type": "array", "items": {"type": "string"}, "description": description});
    object(
        "Times of an event, and what is decided then: mute, one of contamination, threshold and rate, or not to learn.",
        json!({
            "time_zone": text("Name in the IANA time-zone database.", "UTC"),
            "days": {"type": "array", "items": {"enum": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]}, "description": "Days of the week on which it holds."},
            "dates": texts("Dates on which it holds too: 2026-12-25, or each year 12-25. Every day where neither days nor dates are given."),
            "hours": texts("Hours of these days: 08:00-17:30; past midnight, as 22:00-06:00, they belong to the day on which they begin. The whole day where empty."),
            "mute": {"type": "boolean", "default": false, "description": "Nothing is an anomaly then."},
            "learn": {"type": "boolean", "default": true, "description": "Whether rows are learned then."},
            "contamination": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5, "description": "Another share of rows expected to be anomalies then."},
            "threshold": score(),
            "rate": rate(),
        }),
    )
}

fn input() -> Value {
    object(
        "How records are understood; found out from the first rows where absent.",
        json!({
            "format": {"enum": ["csv", "json", "ndjson", "jsonl"], "description": "CSV rows or JSON values."},
            "delimiter": {"type": "string", "minLength": 1, "maxLength": 1, "description": "What stands between the fields of a CSV row."},
            "header": {"type": "boolean", "description": "Whether a CSV source begins with a line of names."},
            "skip_lines": whole("Lines before that one, or before the first row where there is none; blank ones count.", 0),
            "skip_rows": whole("Rows under the line of names that are none, such as units.", 0),
            "decimal": {"enum": [".", ","], "description": "What stands before the fraction of a number in CSV."},
            "thousands": {"enum": [".", ",", " ", "'", "_", null], "description": "What stands between thousands in CSV."},
            "columns": {"type": "array", "items": object("", json!({
                "name": text("Its name.", ""),
                "role": {"enum": ["value", "timestamp", "key", "label", "id", "event_type", "metric", "ignore"], "description": "What it is for."},
                "type": {"enum": ["number", "integer", "flag"], "description": "What numbers a value column holds."},
                "min": {"type": "number", "description": "Smallest value allowed."},
                "max": {"type": "number", "description": "Largest value allowed."},
                "required": {"type": "boolean", "description": "Whether an event without this value is rejected."},
                "text_is_missing": {"type": "boolean", "description": "CSV: whether text in its cells is a missing value; else the row is rejected."},
            })), "description": "CSV: all columns, by position. JSON: the schema, by name."},
            "key_by": {"type": ["string", "null"], "description": "Field that holds the key where key, source and site are absent."},
            "timestamp_unit": {"enum": ["auto", "s", "ms", "us", "ns", "ymd"], "description": "What epoch numbers count; ymd: they are dates such as 20220101."},
            "metric": {"enum": ["series", "ignore"], "description": "What `metric` beside `value` means."},
            "limits": object("Bounds on untrusted input.", json!({
                "record_bytes": whole("Longest record.", 1),
                "depth": whole("Deepest nesting of JSON.", 1),
                "values": whole("Most values of an event.", 1),
                "key_bytes": whole("Longest key.", 1),
                "value_abs": {"type": "number", "description": "Largest size of a value."},
            })),
        }),
    )
}

/// Where events come from besides the interface: the sources of the table of connectors.
fn source() -> Value {
    let kinds = CONNECTORS.iter().filter_map(|connector| {
        let mut schema = (connector.source?.schema)().to_value();
        schema["description"] = connector.summary.into();
        schema["additionalProperties"] = false.into();
        schema["properties"]["kind"] = json!({"const": connector.name});
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let kind = std::iter::once(Value::from("kind"));
        schema["required"] = kind.chain(required).collect();
        Some(schema)
    });
    json!({"anyOf": kinds.collect::<Vec<_>>(), "description": "Where events come from besides the interface."})
}

/// A detector: the settings that its kind has.
fn detector() -> Value {
    let kinds = KINDS.iter().map(|kind| {
        let mut properties = Map::new();
        let algorithm: Vec<&str> = kind.names().collect();
        properties.insert("algorithm".to_owned(), json!({"enum": algorithm}));
        for setting in kind.all_settings() {
            let doc = format!("{} ({})", setting.doc.trim(), (setting.allowed)());
            properties.insert(
                setting.name.to_owned(),
                json!({"description": doc, "default": (setting.default)()}),
            );
        }
        object(kind.summary, Value::Object(properties))
    });
    json!({"anyOf": kinds.collect::<Vec<_>>(), "description": "The detector and its settings."})
}

/// How changes of what is normal are found: the settings that the test has.
fn drift() -> Value {
    let kinds = willet_core::drift::KINDS.iter().map(|kind| {
        let test: Vec<&str> = kind.names().collect();
        let own = json!({
            "test": {"enum": test},
            "detection": {"type": "boolean", "description": "Whether they are looked for; where nobody says, with the detector auto, or where anything else stands here."},
            "adaptation": {"enum": ["report", "retrain", "incremental", "switch"], "default": "report", "description": "What is done when one is found: it is told; a new model is trained on what came since, while the one before answers; what was held to be anomalies since is learned and the share expected set to that of late; an ensemble finds out anew who leads."},
        });
        let mut own = own;
        own["performance"] = performance();
        let Value::Object(mut properties) = own else {
            unreachable!("it is written as an object")
        };
        for setting in kind.settings {
            let doc = format!("{} ({})", setting.doc.trim(), (setting.allowed)());
            properties.insert(
                setting.name.to_owned(),
                json!({"description": doc, "default": (setting.default)()}),
            );
        }
        object(kind.summary, Value::Object(properties))
    });
    json!({"anyOf": kinds.collect::<Vec<_>>(), "description": "How changes of what is normal are found, and what is done then."})
}

/// The watch over how well series are judged.
fn performance() -> Value {
    let settings = willet_core::drift::PerformanceDrift::SETTINGS.iter();
    let properties = settings.map(|setting| {
        let doc = format!("{} ({})", setting.doc.trim(), (setting.allowed)());
        let described = json!({"description": doc, "default": (setting.default)()});
        (setting.name.to_owned(), described)
    });
    object(
        "A watch over how well series are judged: their share of anomalies, or their verdicts against labels, late ones too.",
        Value::Object(properties.collect()),
    )
}

fn names() -> Vec<&'static str> {
    KINDS
        .iter()
        .flat_map(willet_core::detectors::Kind::names)
        .collect()
}

#[expect(clippy::needless_pass_by_value, reason = "it is made at the call")]
fn object(description: &str, properties: Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "description": description, "properties": properties})
}

fn text(description: &str, default: &str) -> Value {
    json!({"type": "string", "description": description, "default": default})
}

fn whole(description: &str, minimum: u64) -> Value {
    json!({"type": "integer", "minimum": minimum, "description": description})
}

fn score() -> Value {
    json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "description": "Threshold on `anomaly_score`."})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// Paths of all fields of a value, array items without their number.
    fn paths(value: &Value, at: &str, out: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields
                .iter()
                .for_each(|(name, value)| paths(value, &format!("{at}.{name}"), out)),
            Value::Array(items) => items.iter().for_each(|item| paths(item, at, out)),
            _ => out.push(at.to_owned()),
        }
    }

    fn knows(schema: &Value, path: &[&str]) -> bool {
        let schema = schema.get("items").unwrap_or(schema);
        let Some((name, rest)) = path.split_first() else {
            return true;
        };
        let one = |schema: &Value| {
            schema["properties"]
                .get(name)
                .is_some_and(|inner| knows(inner, rest))
        };
        schema
            .get("anyOf")
            .and_then(Value::as_array)
            .map_or_else(|| one(schema), |all| all.iter().any(one))
    }

    #[test]
    fn every_field_of_the_configuration_is_described() {
        let full = include_str!("../../../../config/willet.yaml");
        let config: Config = serde_saphyr::from_str(full).expect("the example loads");
        let mut found = Vec::new();
        paths(
            &serde_json::to_value(&config).expect("serialises"),
            "",
            &mut found,
        );
        assert!(
            found.len() > 40,
            "the example sets nearly everything: {}",
            found.len()
        );
        for path in found {
            let names: Vec<&str> = path.split('.').skip(1).collect();
            // Members of an ensemble, ranges by name and settings of the guide are free names.
            if names.contains(&"members")
                || names.contains(&"data_range")
                || names.starts_with(&["anomaly_detection", "detectors"])
            {
                continue;
            }
            assert!(knows(&schema(), &names), "{path} is not in the schema");
        }
    }
}
