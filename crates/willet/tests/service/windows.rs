//! Buckets that close by time alone, and keys that are trained anew.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::kills::eventually;
use crate::service::client::{Service, series};
use crate::tool::{folder, write};

const COUNTS: &str = "streams:
  - name: default
    detector: {algorithm: zscore}
    bucket: {every: second, what: count}
";

#[expect(
    clippy::disallowed_methods,
    reason = "events of now, for the service looks at its clock"
)]
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs_f64()
}

#[test]
fn a_source_that_falls_silent_is_told_of_though_no_event_comes() {
    let folder = folder();
    write(folder.path(), "willet.yaml", COUNTS);
    let service = Service::start(folder.path(), &["--config", "willet.yaml"]);
    // The last bucket is whole: the first strange one is empty.
    let end = now().floor();
    let mut lines = String::new();
    for tenth in 0..4_000 {
        let at = end - 400.0 + f64::from(tenth) / 10.0;
        let _ = writeln!(
            lines,
            r#"{{"source":"door","timestamp":{at},"values":{{"opened":1}}}}"#
        );
        if tenth % 7 == 0 {
            let _ = writeln!(
                lines,
                r#"{{"source":"door","timestamp":{at},"values":{{"opened":2}}}}"#
            );
        }
    }
    let taken = service.lines("/api/v1/events", &lines).ok(200);
    assert_eq!(taken["rejected"], 0, "{taken}");
    // From now on nothing comes.
    let silent = || {
        let found = service.get("/api/anomalies").json();
        let all = found["anomalies"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|one| one["window"]["events"] == 0)
    };
    eventually(|| silent().is_some());
    let verdict = silent().expect("seen just now");
    assert_eq!(verdict["values"]["count"], 0.0, "{verdict}");
    assert_eq!(verdict["anomaly_type"], "dip", "{verdict}");
    let id = verdict["id"].as_str().expect("an id").to_owned();
    assert!(id.starts_with("default/0/") && id.contains('.'), "{id}");
    let alerts = || service.get("/api/v1/alerts").json();
    eventually(|| {
        alerts()["items"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    });

    // What was told is told once, also after a restart that replays it.
    service.kill();
    let service = Service::start(folder.path(), &["--config", "willet.yaml"]);
    let again = service.get("/api/anomalies?limit=100").json();
    let all = again["anomalies"].as_array().expect("a list");
    let same = all.iter().filter(|one| one["id"] == id.as_str());
    assert_eq!(same.count(), 1, "{again}");
}

#[test]
fn events_of_a_bucket_are_gathered_and_the_answer_has_what_closed() {
    let folder = folder();
    let minutes = COUNTS.replace("second", "minute");
    write(folder.path(), "willet.yaml", minutes);
    let service = Service::start(folder.path(), &["--config", "willet.yaml"]);
    let answer = service
        .lines("/api/v1/detect", &series("pump-7", 0, 130, &[]))
        .ok(200);
    assert_eq!(answer["verdicts"][5]["skipped"], "gathered");
    let windows = answer["windows"].as_array().expect("two");
    assert_eq!(windows.len(), 2, "{answer}");
    assert_eq!(windows[0]["id"], "default/0/61.1");
    assert_eq!(windows[1]["values"]["count"], 60.0);
    assert_eq!(windows[1]["window"]["begin"], "2026-01-05T00:01:00Z");
    // The page shows the counts.
    let history = || service.get("/api/v1/keys/pump-7/history?stream=default");
    eventually(|| history().ok(200)["features"][0]["name"] == "count");

    write(
        folder.path(),
        "both.yaml",
        COUNTS.replace("bucket", "windows: {window_size: 3}\n    bucket"),
    );
    let checked = crate::tool::run(folder.path(), &["config", "check", "both.yaml"]);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(2), "{said}");
    assert!(said.contains("expected one of them"), "{said}");
}

#[test]
fn a_key_is_trained_anew_and_goes_back() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    service
        .lines("/api/v1/events", &series("pump-7", 0, 400, &[]))
        .ok(200);
    let key = "/api/v1/keys/pump-7?stream=default";
    let command =
        |what: &str| service.post(&format!("/api/v1/keys/pump-7/{what}?stream=default"), "");
    eventually(|| service.get(key).status == 200);
    let feedback = |body: &str| service.post("/api/v1/feedback", body);
    let said = r#"{"id": "default/0/7", "is_anomaly": false, "source": "pump-7"}"#;
    assert_eq!(feedback(said).status, 204);
    feedback(r#"{"id": "default/0/7.1", "is_anomaly": true}"#).problem(
        400,
        "bad_json",
        "expected that of an event",
    );
    feedback(r#"{"id": "default/0/7", "is_anomaly": true}"#).problem(
        404,
        "not_found",
        "name the source",
    );
    command("back").problem(409, "conflict", "nothing to go back to");
    let missing = service.post("/api/v1/keys/nobody/retrain?stream=default", "");
    missing.problem(404, "not_found", "never spoke");
    assert_eq!(command("retrain").status, 204);
    service
        .lines("/api/v1/events", &series("pump-7", 400, 700, &[]))
        .ok(200);
    let state = || service.get(key).ok(200)["retrains"][0]["state"].clone();
    eventually(|| state() == "done");
    let described = service.get(key).ok(200);
    assert_eq!(described["retrains"][0]["reason"], "command", "{described}");
    assert_eq!(described["can_go_back"], true);
    let metrics = service.get("/metrics").body;
    let counted =
        r#"anomaly_detection_model_retrains_total{algorithm="zscore",reason="command"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert_eq!(command("back").status, 204);
    eventually(|| state() == "undone");
    service.kill();
    let service = Service::start(folder.path(), &[]);
    let described = service.get(key).ok(200);
    assert_eq!(described["retrains"][0]["state"], "undone", "{described}");
}
