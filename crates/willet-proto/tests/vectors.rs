//! Examples of every shape, `protocol/vectors/SHAPE.json`: an array, the first with every field, the last with those that are always
//! there. Clients in other languages decode and encode the same files. `WILLET_BLESS=1` writes them anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use willet_proto::{
    Activity, Alert, AlertTaken, Alive, Anomalies, Ask, Check, Code, Detected, Drift, Event,
    EventError, EventResult, Events, EventsTaken, ExternalAlert, Feature, FeatureColumns, Feedback,
    Health, History, Key, KeyDetail, Latency, NewSilence, Notification, Page, Position, Problem,
    Ready, Receipt, Retrain, Say, Severity, Signed, Silence, SourceActivity, Statistics, Stream,
    StreamConfig, StreamStatus, Verdict, Window,
};

/// What goes wrong with a shape, a sentence each.
#[derive(Default)]
struct Found(String);

impl Found {
    fn shape<T: Serialize + DeserializeOwned>(&mut self, name: &str, examples: &[Value]) {
        for example in examples {
            match serde_json::from_value::<T>(example.clone()) {
                Ok(read) => {
                    let written = serde_json::to_value(&read).expect("plain data");
                    if written != *example {
                        let _ = writeln!(self.0, "{name}: {example} became {written}");
                    }
                }
                Err(error) => {
                    let _ = writeln!(self.0, "{name}: {example} is not read: {error}");
                }
            }
        }
        let path = folder().join("vectors").join(format!("{name}.json"));
        let text = format!("{:#}\n", Value::from(examples));
        if std::env::var_os("WILLET_BLESS").is_some() {
            std::fs::write(&path, text).expect("a folder to write to");
        } else if std::fs::read_to_string(&path).ok() != Some(text) {
            let _ = writeln!(
                self.0,
                "{}: not what the test has (WILLET_BLESS=1 writes it)",
                path.display()
            );
        }
        self.whole(name, &examples[0]);
    }

    /// The first example has every field that the document has.
    fn whole(&mut self, name: &str, example: &Value) {
        let schema = &document()["components"]["schemas"][name];
        let Some(fields) = schema["properties"].as_object() else {
            return;
        };
        let known: BTreeSet<&String> = fields.keys().collect();
        let shown: BTreeSet<&String> = example
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
            .collect();
        if known != shown {
            let _ = writeln!(
                self.0,
                "{name}: the document has {known:?}, the first example {shown:?}"
            );
        }
    }
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../protocol"))
}

fn document() -> Value {
    let text =
        std::fs::read(folder().join("openapi.json")).expect("protocol/openapi.json is checked in");
    serde_json::from_slice(&text).expect("it is JSON")
}

#[test]
#[expect(
    clippy::too_many_lines,
    clippy::cloned_ref_to_slice_refs,
    reason = "a list"
)]
fn every_shape_is_written_as_it_was_read() {
    let mut found = Found::default();
    let band = json!([18.8, 20.0, 21.2]);
    let window = json!({
        "begin": "2026-01-02T03:04:00Z", "end": "2026-01-02T03:05:00Z", "events": 12, "left_out": 2, "is_cut": true, "revision": 1
    });
    found.shape::<Window>("Window", &[window.clone(), json!({"events": 0})]);
    let verdict = json!({
        "id": "pumps/0/17", "stream": "pumps", "source": "pump-7", "timestamp": "2026-01-02T03:04:05.678Z", "is_anomaly": true,
        "warming_up": true, "anomaly_score": 0.83, "score": 7.41, "threshold": 0.75, "confidence": 0.93, "severity": "high",
        "anomaly_type": "spike", "reason": "temperature 71.2 is 50 above the usual 18.8 to 21.2",
        "expected": {"temperature": band}, "contributions": {"temperature": 0.88, "vibration": 0.12},
        "counterfactual": {"temperature": 21.5}, "values": {"temperature": 71.2, "vibration": null}, "late": true,
        "skipped": "missing", "window": window, "drift_detected": false, "drift_magnitude": 0.1, "algorithm": "auto",
        "model_version": 1, "engine_version": "0.1.0", "sample_count": 18
    });
    let least = json!({"id": "pumps/0/18", "stream": "pumps", "is_anomaly": false, "algorithm": "external"});
    found.shape::<Verdict<'_>>("Verdict", &[verdict.clone(), least.clone()]);
    found.shape::<Anomalies<Verdict<'_>>>(
        "Anomalies_Verdict",
        &[json!({"anomalies": [verdict.clone()], "count": 1})],
    );
    found.shape::<Page<Verdict<'_>>>(
        "Page_Verdict",
        &[
            json!({"items": [verdict], "next_cursor": "17"}),
            json!({"items": []}),
        ],
    );

    let drift = json!({
        "id": "pumps/0/17", "stream": "pumps", "source": "pump-7", "timestamp": "2026-01-02T03:04:05Z", "test": "adwin",
        "statistic": 0.4, "p_value": 0.001, "magnitude": 0.6, "rows_ago": 40, "features": {"temperature": 0.6}, "action": "report",
        "sample_count": 900
    });
    let least_drift = json!({
        "id": "pumps/0/17", "stream": "pumps", "test": "kswin", "statistic": 0.4, "magnitude": 0.6, "features": {}, "action": "retrain",
        "sample_count": 900
    });
    found.shape::<Drift<'_>>("Drift", &[drift.clone(), least_drift]);
    found.shape::<Page<Drift<'_>>>(
        "Page_Drift",
        &[json!({"items": [drift], "next_cursor": "17"})],
    );

    let receipt = json!({"webhook": "pager", "at": "2026-01-02T03:04:06Z", "status": "failed", "attempts": 8, "detail": "500"});
    let least_receipt = json!({"webhook": "mail", "at": "2026-01-02T03:04:06Z", "status": "pending", "attempts": 0});
    found.shape::<Receipt>("Receipt", &[receipt.clone(), least_receipt]);
    let alert = json!({
        "id": "pumps~0~17", "stream": "pumps", "source": "pump-7", "state": "resolved", "severity": "critical",
        "title": "pump-7: spike, score 0.89", "opened_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:14:05Z",
        "last_anomaly_at": "2026-01-02T03:04:35Z", "resolved_at": "2026-01-02T03:14:05Z", "acknowledged_at": "2026-01-02T03:05:00Z",
        "acknowledged_by": "ada", "note": "seen", "anomalies": 3, "max_anomaly_score": 0.89, "silenced": false,
        "first_verdict": "pumps/0/17", "verdict": least, "receipts": [receipt]
    });
    let least_alert = json!({
        "id": "pumps~0~18", "stream": "pumps", "source": "", "state": "open", "severity": "low", "title": "anomaly",
        "opened_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z", "last_anomaly_at": "2026-01-02T03:04:05Z",
        "anomalies": 1, "silenced": true, "first_verdict": "pumps/0/18", "verdict": least
    });
    found.shape::<Alert>("Alert", &[alert.clone(), least_alert]);
    found.shape::<Page<Alert>>(
        "Page_Alert",
        &[json!({"items": [alert.clone()], "next_cursor": "17"})],
    );
    let told =
        |what: &str| json!({"type": what, "timestamp": "2026-01-02T03:04:06Z", "data": alert});
    let what = [
        "alert.opened",
        "alert.escalated",
        "alert.acknowledged",
        "alert.resolved",
    ];
    found.shape::<Notification>("Notification", &what.map(told));
    found.shape::<Signed>("Signed", &[json!({"by": "ada", "note": "seen"}), json!({})]);
    let external = json!({
        "source": "pump-7", "value": 71.2, "metric": "temperature", "timestamp": 1_767_323_045, "is_anomaly": true,
        "anomaly_score": 0.9, "anomaly_type": "spike", "stream": "pumps"
    });
    found.shape::<ExternalAlert>("ExternalAlert", &[external, json!({"source": "pump-7"})]);
    let taken = json!({"is_anomaly": true, "id": "_incidents/0/4", "alert_id": "pumps~0~17"});
    found.shape::<AlertTaken>("AlertTaken", &[taken, json!({"is_anomaly": false})]);

    let event = json!({
        "source": "pump-7", "timestamp": "2026-01-02T03:04:05Z", "values": {"temperature": 71.2, "vibration": null},
        "features": [1.0, 2.0], "metric": "temperature", "value": 71.2, "id": "e-1", "label": 1
    });
    found.shape::<Event>("Event", &[event.clone(), json!({})]);
    found.shape::<Events>("Events", &[event.clone(), json!([event, {"value": 1.5}])]);
    let error = json!({"code": "bad_number", "detail": "`abc` is no number", "byte": 12});
    found.shape::<EventError>(
        "EventError",
        &[
            error.clone(),
            json!({"code": "bad_time", "detail": "no time"}),
        ],
    );
    let results = json!([{"id": "pumps/0/17"}, {"line": 2, "error": error}]);
    found.shape::<EventResult>(
        "EventResult",
        &[
            json!({"id": "pumps/0/17", "line": 2, "error": error}),
            json!({}),
        ],
    );
    let taken = json!({"stream": "pumps", "accepted": 1, "rejected": 1, "results": results});
    found.shape::<EventsTaken>("EventsTaken", &[taken]);
    let detected = json!({"stream": "pumps", "verdicts": [least, {"line": 2, "error": error}], "windows": [least]});
    found.shape::<Detected>(
        "Detected",
        &[detected, json!({"stream": "pumps", "verdicts": []})],
    );
    let problem = json!({
        "type": "https://willet.dev/problems/bad_event", "title": "No event was understood", "status": 422, "detail": "none of 2",
        "code": "bad_event", "request_id": "6-1", "results": results
    });
    let least_problem = json!({
        "type": "https://willet.dev/problems/not_found", "title": "There is nothing here", "status": 404, "detail": "no stream",
        "code": "not_found", "request_id": "6-2"
    });
    found.shape::<Problem<'_>>("Problem", &[problem, least_problem]);
    found.shape::<Code>("Code", &Code::ALL.map(|code| Value::from(code.as_str())));

    let silence = json!({
        "id": "s4", "source": "pump-*", "stream": "pumps", "from": "2026-01-02T03:04:05Z", "until": "2026-01-02T04:04:05Z",
        "reason": "maintenance", "by": "ada", "created_at": "2026-01-02T03:00:00Z"
    });
    let least_silence = json!({
        "id": "s5", "source": "*", "from": "2026-01-02T03:04:05Z", "until": "2026-01-02T04:04:05Z", "created_at": "2026-01-02T03:00:00Z"
    });
    found.shape::<Silence>("Silence", &[silence.clone(), least_silence]);
    found.shape::<Page<Silence>>(
        "Page_Silence",
        &[json!({"items": [silence], "next_cursor": "4"})],
    );
    let new = json!({
        "source": "pump-*", "stream": "pumps", "from": "2026-01-02T03:04:05Z", "until": "2026-01-02T04:04:05Z",
        "reason": "maintenance", "by": "ada"
    });
    found.shape::<NewSilence>(
        "NewSilence",
        &[new, json!({"source": "*", "until": "2026-01-02T04:04:05Z"})],
    );

    let status = json!({
        "state": "failed", "detail": "the disk is full", "events": 9, "anomalies": 1, "rejected": 2, "skipped": {"missing": 1},
        "keys": 3, "model_version": 1, "events_per_second": 0.5, "last_event_at": "2026-01-02T03:04:05Z"
    });
    let least_status = json!({
        "state": "running", "events": 0, "anomalies": 0, "rejected": 0, "keys": 0, "model_version": 1, "events_per_second": 0.0
    });
    found.shape::<StreamStatus>("StreamStatus", &[status.clone(), least_status]);
    let config = json!({"name": "pumps", "detector": {"algorithm": "zscore"}});
    found.shape::<StreamConfig>("StreamConfig", &[config.clone()]);
    let stream = json!({"name": "pumps", "managed_by": "api", "created_at": "2026-01-02T03:00:00Z", "config": config, "status": status});
    found.shape::<Stream>("Stream", &[stream.clone()]);
    found.shape::<Page<Stream>>(
        "Page_Stream",
        &[json!({"items": [stream], "next_cursor": "pumps"})],
    );

    let key = json!({
        "stream": "pumps", "source": "pump-7", "events": 9, "anomalies": 1, "first_seen": "2026-01-02T03:00:00Z",
        "last_seen": "2026-01-02T03:04:05Z", "values": {"temperature": 20.1}
    });
    found.shape::<Key>("Key", &[key.clone()]);
    found.shape::<Page<Key>>(
        "Page_Key",
        &[json!({"items": [key], "next_cursor": "pump-7"})],
    );
    let feature = json!({"name": "temperature", "expected": band});
    found.shape::<Feature>(
        "Feature",
        &[feature.clone(), json!({"name": "temperature"})],
    );
    let retrain = json!({
        "timestamp": "2026-01-02T03:00:00Z", "sample_count": 900, "reason": "anomaly_rate", "action": "retrain", "rows": 100,
        "state": "given up"
    });
    let least_retrain = json!({"sample_count": 900, "reason": "command", "action": "switch", "rows": 0, "state": "running"});
    found.shape::<Retrain>("Retrain", &[retrain.clone(), least_retrain]);
    let detail = json!({
        "stream": "pumps", "source": "pump-7", "algorithm": "auto", "about": "a day of 288 rows", "model_version": 1,
        "sample_count": 900, "warming_up": false, "learned_until": "2026-01-02T03:04:05Z", "learned_position": "pumps/0/17",
        "memory_bytes": 9000, "features": [feature], "retrains": [retrain], "can_go_back": true, "events": 900, "anomalies": 1,
        "first_seen": "2026-01-02T03:00:00Z", "last_seen": "2026-01-02T03:04:05Z"
    });
    let least_detail = json!({
        "stream": "pumps", "source": "", "algorithm": "zscore", "model_version": 1, "sample_count": 1, "warming_up": true,
        "learned_position": "pumps/0/0", "memory_bytes": 900, "features": [], "retrains": [], "can_go_back": false, "events": 1,
        "anomalies": 0
    });
    found.shape::<KeyDetail>("KeyDetail", &[detail, least_detail]);
    let feedback = json!({"id": "pumps/0/17", "is_anomaly": true, "source": "pump-7"});
    found.shape::<Feedback>(
        "Feedback",
        &[feedback, json!({"id": "pumps/0/18", "is_anomaly": false})],
    );

    let columns = json!({
        "name": "temperature", "mean": [20.1, null], "min": [20.0, null], "max": [20.2, null], "low": [18.8, null],
        "middle": [20.0, null], "high": [21.2, null]
    });
    found.shape::<FeatureColumns>("FeatureColumns", &[columns.clone()]);
    let history = json!({
        "stream": "pumps", "source": "pump-7", "bucket_seconds": 10, "times": [1_767_323_040, 1_767_323_050], "events": [2, 1],
        "anomalies": [0, 1], "max_score": [0.5, null], "features": [columns]
    });
    found.shape::<History>("History", &[history]);
    let source = json!({"stream": "pumps", "source": "pump-7", "anomalies": [1], "max_score": [0.9], "total": 1});
    found.shape::<SourceActivity>("SourceActivity", &[source.clone()]);
    let activity = json!({"bin_seconds": 60, "times": [1_767_323_040], "events": [3], "anomalies": [1], "sources": [source]});
    found.shape::<Activity>("Activity", &[activity]);

    let check = json!({"name": "store", "status": "degraded", "detail": "the disk is full"});
    found.shape::<Check>(
        "Check",
        &[check.clone(), json!({"name": "http", "status": "ok"})],
    );
    let health =
        json!({"status": "degraded", "version": "0.1.0", "uptime_seconds": 2.5, "checks": [check]});
    found.shape::<Health>("Health", &[health]);
    found.shape::<Ready>("Ready", &[json!({"ready": true})]);
    found.shape::<Alive>("Alive", &[json!({"alive": true})]);
    let latency = json!({"p50": 1.5, "p95": null});
    found.shape::<Latency>("Latency", &[latency.clone()]);
    let statistics = json!({
        "total_events": 9, "total_anomalies": 1, "anomaly_rate": 0.1, "events_per_second": 0.5, "latency_ms": latency,
        "error_rate": 0.0, "sources": 3, "uptime_seconds": 2.5, "open_alerts": 1, "rejected_events": 0, "skipped_events": 0,
        "refused_requests": 0
    });
    found.shape::<Statistics>("Statistics", &[statistics]);

    found.shape::<Ask>(
        "Ask",
        &[
            json!({"type": "subscribe", "topics": ["anomalies"], "source": "pump-7"}),
            json!({"type": "ping"}),
        ],
    );
    let position = json!({"epoch": "65a", "offset": 17});
    found.shape::<Position>("Position", &[position.clone()]);
    let said = [
        json!({"type": "welcome", "version": "0.1.0", "topics": {"anomalies": position}}),
        json!({"type": "pong"}),
        json!({"type": "lost", "topic": "anomalies", "count": null, "reason": "epoch"}),
        json!({"type": "error", "code": "bad_request", "detail": "not understood"}),
    ];
    found.shape::<Say>("Say", &said);
    found.shape::<Severity>(
        "Severity",
        &Severity::ALL.map(|severity| Value::from(severity.as_str())),
    );
    assert!(found.0.is_empty(), "{}", found.0);
}

#[test]
fn every_shape_of_the_document_has_examples() {
    let files = std::fs::read_dir(folder().join("vectors")).expect("protocol/vectors");
    let files = files.map(|file| {
        file.expect("a file")
            .file_name()
            .to_string_lossy()
            .into_owned()
    });
    let shown: BTreeSet<String> = files
        .filter_map(|name| Some(name.strip_suffix(".json")?.to_owned()))
        .collect();
    let document = document();
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    // Words of a closed list stand in the examples of the shapes that have them.
    let has_fields = |schema: &&Value| schema["enum"].is_null();
    let known = schemas.iter().filter(|(_, schema)| has_fields(schema));
    let missing: Vec<&String> = known
        .map(|(name, _)| name)
        .filter(|name| !shown.contains(*name))
        .collect();
    assert!(missing.is_empty(), "without examples: {missing:?}");
}
