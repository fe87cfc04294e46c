//! Each path as it is documented.

use crate::kills::eventually;
use crate::service::client::{Service, series};
use crate::tool::folder;

#[test]
fn every_documented_path_answers_in_its_shape() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    for path in ["/health", "/api/health"] {
        let health = service.get(path).ok(200);
        assert_eq!(health["status"], "healthy", "{health}");
        assert!(
            health["checks"]
                .as_array()
                .is_some_and(|checks| checks.len() >= 3)
        );
    }
    assert_eq!(service.get("/ready").ok(200)["ready"], true);
    assert_eq!(service.get("/readyz").ok(200)["ready"], true);
    assert_eq!(service.get("/livez").ok(200)["alive"], true);

    let verdict = events_and_verdicts(&service);
    alerts_and_silences(&service, &verdict);
    anomalies_of_others(&service);
    metrics(&service);

    let page = service.get("/");
    assert!(
        page.status == 200 && page.head.contains("content-security-policy"),
        "{page:?}"
    );
    assert_eq!(service.get("/sources/pump-7?stream=default").status, 200);
    assert_eq!(service.get("/docs").status, 200);
    let document = service.get("/api/v1/openapi.json").ok(200);
    assert_eq!(document["openapi"], "3.1.0");
}

/// Gives the one anomaly back.
fn events_and_verdicts(service: &Service) -> serde_json::Value {
    let taken = service
        .lines("/api/v1/events", &series("pump-7", 0, 400, &[390]))
        .ok(200);
    assert_eq!(taken["accepted"], 400);
    assert_eq!(taken["results"].as_array().map(Vec::len), Some(400));
    let first = taken["results"][0]["id"].as_str().unwrap_or_default();
    assert!(first.starts_with("default/0/"), "{taken}");
    eventually(|| service.get("/api/anomalies").json()["count"] == 1);

    let newest = service.get("/api/anomalies?limit=100").ok(200);
    let verdict = &newest["anomalies"][0];
    assert_eq!(verdict["source"], "pump-7");
    assert_eq!(verdict["timestamp"], "2026-01-05T00:06:30Z");
    assert_eq!(verdict["is_anomaly"], true);
    assert_eq!(verdict["anomaly_type"], "spike");
    assert!(
        verdict["contributions"]["temperature"].as_f64() > Some(0.9),
        "{verdict}"
    );
    assert_eq!(
        service.get("/api/anomalies/pump-7?limit=50").ok(200)["anomalies"][0]["id"],
        verdict["id"]
    );
    assert_eq!(service.get("/api/anomalies/nobody").ok(200)["count"], 0);
    let id = verdict["id"].as_str().expect("an id").replace('/', "%2F");
    assert_eq!(
        service.get(&format!("/api/v1/anomalies/{id}")).ok(200),
        *verdict
    );
    let listed = service
        .get("/api/v1/anomalies?source=pump-7&from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z&min_score=0.7&type=spike&limit=1")
        .ok(200);
    assert_eq!(listed["items"][0], *verdict);
    assert_eq!(
        service.get("/api/v1/anomalies?severity=low").ok(200)["items"],
        serde_json::json!([])
    );

    eventually(|| service.get("/api/statistics").json()["total_events"] == 400);
    let numbers = service.get("/api/statistics").ok(200);
    for name in [
        "total_anomalies",
        "anomaly_rate",
        "events_per_second",
        "latency_ms",
        "error_rate",
        "sources",
        "uptime_seconds",
    ] {
        assert!(!numbers[name].is_null(), "{name}: {numbers}");
    }
    assert_eq!(numbers["sources"], 1);
    verdict.clone()
}

fn alerts_and_silences(service: &Service, verdict: &serde_json::Value) {
    let alert = service.get("/api/v1/alerts?state=open").ok(200)["items"][0].clone();
    assert_eq!(alert["source"], "pump-7");
    assert_eq!(alert["first_verdict"], verdict["id"]);
    let alert_path = format!("/api/v1/alerts/{}", alert["id"].as_str().expect("an id"));
    assert_eq!(service.get(&alert_path).ok(200)["state"], "open");
    let seen = service
        .post(
            &format!("{alert_path}/acknowledge"),
            r#"{"by": "ann", "note": "on it"}"#,
        )
        .ok(200);
    assert_eq!(seen["state"], "acknowledged");
    assert_eq!(seen["acknowledged_by"], "ann");
    assert_eq!(
        service.post(&format!("{alert_path}/resolve"), "").ok(200)["state"],
        "resolved"
    );
    service
        .post(&format!("{alert_path}/resolve"), "{}")
        .problem(409, "conflict", "resolved already");

    let silence = service
        .post(
            "/api/v1/silences",
            r#"{"source": "pump-*", "until": "2099-01-01T00:00:00Z", "reason": "works"}"#,
        )
        .ok(201);
    assert_eq!(service.get("/api/v1/silences").ok(200)["items"][0], silence);
    let silence_path = format!(
        "/api/v1/silences/{}",
        silence["id"].as_str().expect("an id")
    );
    service.delete(&silence_path).ok(204);
    service
        .delete(&silence_path)
        .problem(404, "not_found", "silence");
}

fn anomalies_of_others(service: &Service) {
    let external = service
        .post(
            "/api/alert",
            r#"{"source": "gate-2", "value": 7.5, "metric": "queue", "timestamp": "2026-01-05T01:00:00Z", "is_anomaly": true, "anomaly_score": 0.9, "anomaly_type": "spike"}"#,
        )
        .ok(200);
    assert!(external["alert_id"].is_string(), "{external}");
    let of_gate = service.get("/api/anomalies/gate-2").ok(200);
    assert_eq!(of_gate["anomalies"][0]["source"], "gate-2/queue");
    assert_eq!(
        service
            .post("/api/alert", r#"{"source": "gate-2", "is_anomaly": false}"#)
            .ok(200)["is_anomaly"],
        false
    );
}

fn metrics(service: &Service) {
    let metrics = service.get("/metrics");
    assert!(metrics.head.contains("application/openmetrics-text"));
    for name in [
        "anomaly_detection_samples_processed_total{algorithm=\"zscore\"} 400",
        "anomaly_detection_anomalies_detected_total{algorithm=\"zscore\",confidence_level=\"high\"} 1",
        "events_processed_total{stream=\"default\"} 400",
        "events_failed_total{stream=\"default\"} 0",
        "event_processing_duration_ms_count 400",
        "event_processing_duration_seconds_count 400",
        "ml_inference_duration_ms_count 400",
        "websocket_connections_active 0",
        "willet_log_commits_total",
        "willet_checkpoints_total",
        "willet_queue_bytes",
        "# EOF",
    ] {
        assert!(metrics.body.contains(name), "{name} in {}", metrics.body);
    }
}

#[test]
fn verdicts_come_in_the_answer_and_a_dry_run_learns_nothing() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    service
        .lines("/api/v1/events", &series("pump-7", 0, 300, &[]))
        .ok(200);
    let odd = r#"{"source": "pump-7", "values": {"temperature": 95.0, "load": 5.1}}"#;
    let once = service.post("/api/v1/detect?dry_run=true", odd).ok(200);
    let again = service.post("/api/v1/detect?dry_run=true", odd).ok(200);
    assert_eq!(once["verdicts"][0]["is_anomaly"], true, "{once}");
    assert_eq!(once["verdicts"][0]["score"], again["verdicts"][0]["score"]);
    let mixed = service
        .lines("/api/v1/detect", &format!("{odd}\nnot json\n{odd}"))
        .ok(200);
    let verdicts = mixed["verdicts"].as_array().expect("an array");
    assert_eq!(verdicts.len(), 3);
    assert_eq!(verdicts[0]["sample_count"], 301);
    assert_eq!(verdicts[1]["line"], 2);
    assert_eq!(verdicts[1]["error"]["code"], "not_json");
    assert_eq!(verdicts[2]["sample_count"], 302);
}

#[test]
fn names_that_come_later_are_judged_and_what_is_not_judged_is_counted() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let noise = |row: u64, salt: u64| willet_core::random::Random::new(row << 8 | salt).unit();
    // `temp` is null in the first event only; `a` comes after 300 events, by itself.
    let mut lines = String::new();
    for row in 0..900 {
        let temp = match row {
            0 => "null".to_owned(),
            row => (21.0 + noise(row, 1)).to_string(),
        };
        lines += &format!(
            "{{\"source\": \"x\", \"hum\": {}, \"temp\": {temp}}}\n",
            40.0 + noise(row, 2)
        );
        if row >= 300 {
            lines += &format!(
                "{{\"source\": \"x\", \"values\": {{\"a\": {}}}}}\n",
                noise(row, 3)
            );
        }
    }
    let taken = service.lines("/api/v1/events", &lines).ok(200);
    assert_eq!(
        (&taken["accepted"], &taken["rejected"]),
        (&1_500.into(), &0.into())
    );
    let odd = "{\"source\": \"x\", \"hum\": 40.5, \"temp\": 60}\n{\"source\": \"x\", \"values\": {\"a\": 50}}\n{\"source\": \"x\", \"features\": [1]}\n{\"source\": \"x\", \"temp\": NaN}\n{\"source\": \"x\", \"values\": {\"new\": null}}\n";
    let judged = service.lines("/api/v1/detect", odd).ok(200);
    let verdicts = judged["verdicts"].as_array().expect("an array");
    assert_eq!(verdicts[0]["is_anomaly"], true, "{}", verdicts[0]);
    assert_eq!(verdicts[1]["is_anomaly"], true, "{}", verdicts[1]);
    let skipped = |index: usize| verdicts[index]["skipped"].as_str().expect("a reason");
    assert!(
        skipped(2).contains("do not both have named values"),
        "{}",
        skipped(2)
    );
    assert_eq!(skipped(3), "missing");
    assert!(
        skipped(4).contains("none of the values of its series"),
        "{}",
        skipped(4)
    );

    let status = service.get("/api/v1/streams/default").ok(200)["status"].clone();
    let expected = serde_json::json!({"missing": 1, "form": 1, "names": 1});
    assert_eq!(status["skipped"], expected, "{status}");
    let statistics = service.get("/api/statistics").ok(200);
    assert_eq!(statistics["skipped_events"], 3, "{statistics}");
    let metrics = service.get("/metrics").body;
    let line = "willet_events_skipped_total{stream=\"default\",reason=\"form\"} 1";
    assert!(metrics.contains(line), "{metrics}");
}

#[test]
fn streams_are_made_changed_paused_and_deleted() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let made = service
        .send(
            "POST",
            "/api/v1/streams",
            &[("content-type", "application/yaml")],
            b"name: pumps\ndetector:\n  algorithm: mad\n  window_size: 200\n",
        )
        .ok(201);
    assert_eq!(made["name"], "pumps");
    assert_eq!(made["managed_by"], "api");
    service
        .post("/api/v1/streams", r#"{"name": "pumps"}"#)
        .problem(409, "conflict", "pumps");
    eventually(|| service.get("/readyz").status == 200);
    service
        .lines("/api/v1/events?stream=pumps", &series("p", 0, 200, &[]))
        .ok(200);
    let yaml = service.send(
        "GET",
        "/api/v1/streams/pumps",
        &[("accept", "application/yaml")],
        b"",
    );
    assert!(
        yaml.body.contains("algorithm: mad") && yaml.body.contains("name: pumps"),
        "{yaml:?}"
    );

    // A threshold keeps everything; another kind answers by the old model until it is warm.
    let put = |body: &str| {
        service.send(
            "PUT",
            "/api/v1/streams/pumps",
            &[("content-type", "application/yaml")],
            body.as_bytes(),
        )
    };
    put("name: pumps\ndetector:\n  algorithm: mad\n  window_size: 200\ndecision:\n  threshold: 0.9\n").ok(200);
    let event = r#"{"source": "p", "values": {"temperature": 20.4, "load": 5.2}}"#;
    let judged = service.post("/api/v1/detect?stream=pumps", event).ok(200);
    assert_eq!(judged["verdicts"][0]["model_version"], 1, "{judged}");
    assert_eq!(judged["verdicts"][0]["threshold"], 0.9, "{judged}");
    put("name: pumps\ndetector:\n  algorithm: hst\n").ok(200);
    let judged = service.post("/api/v1/detect?stream=pumps", event).ok(200);
    assert_eq!(judged["verdicts"][0]["model_version"], 1, "{judged}");
    assert_eq!(judged["verdicts"][0]["algorithm"], "mad", "{judged}");
    assert!(judged["verdicts"][0]["score"].is_number(), "{judged}");

    put("name: pumps\ndetector:\n  algorithm: nothing\n").problem(422, "bad_config", "nothing");
    put("name: other\n").problem(422, "bad_config", "keeps its name");
    put("name: pumps\nsauce: {}\n").problem(422, "bad_config", "sauce");

    assert_eq!(
        service.post("/api/v1/streams/pumps/pause", "").ok(200)["status"]["state"],
        "paused"
    );
    service
        .post("/api/v1/events?stream=pumps", event)
        .problem(409, "stream_paused", "resume it");
    assert_eq!(
        service.post("/api/v1/streams/pumps/resume", "").ok(200)["status"]["state"],
        "running"
    );
    service.post("/api/v1/events?stream=pumps", event).ok(200);

    service.delete("/api/v1/streams/pumps").ok(204);
    service
        .post("/api/v1/events?stream=pumps", event)
        .problem(404, "not_found", "pumps");
    // The name is free again, and begins anew.
    service
        .post("/api/v1/streams", r#"{"name": "pumps"}"#)
        .ok(201);
    eventually(|| service.get("/readyz").status == 200);
    let judged = service.post("/api/v1/detect?stream=pumps", event).ok(200);
    assert_eq!(judged["verdicts"][0]["sample_count"], 1, "{judged}");
    assert_eq!(judged["verdicts"][0]["warming_up"], true, "{judged}");
    assert_eq!(service.stop(), Some(0));
    let service = Service::start(folder.path(), &[]);
    let judged = service.post("/api/v1/detect?stream=pumps", event).ok(200);
    assert_eq!(judged["verdicts"][0]["sample_count"], 2, "{judged}");
}

#[test]
fn many_streams_are_no_threads_and_are_made_while_others_save_themselves() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let event = r#"{"source": "p", "values": {"temperature": 20.4}}"#;
    let saved = || {
        let metrics = service.get("/metrics").body;
        let lines = metrics.lines();
        let counts = lines.filter_map(|line| line.strip_prefix("willet_checkpoints_total{"));
        let counts = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        counts.sum::<f64>()
    };
    let mut streams = 0;
    // Checkpoints come some seconds after what they save.
    while saved() < 100.0 {
        for _ in 0..20 {
            let body =
                format!(r#"{{"name": "s{streams}", "detector": {{"algorithm": "zscore"}}}}"#);
            service.post("/api/v1/streams", &body).ok(201);
            let path = format!("/api/v1/detect?stream=s{streams}");
            eventually(|| service.post(&path, event).status == 200);
            streams += 1;
        }
    }
    let all = service.get("/api/v1/streams").ok(200);
    let all = all["items"].as_array().expect("a list");
    assert_eq!(all.len(), streams + 1);
    let are_up = all
        .iter()
        .all(|stream| stream["status"]["state"] == "running");
    assert!(are_up, "{all:?}");
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid()));
    if let Ok(status) = status {
        let threads = status
            .lines()
            .find_map(|line| line.strip_prefix("Threads:"));
        let threads: usize = threads.expect("a line").trim().parse().expect("a number");
        assert!(threads < 100, "{threads} threads of {streams} streams");
    }
    assert_eq!(service.stop(), Some(0));
    let service = Service::start(folder.path(), &[]);
    eventually(|| service.get("/readyz").status == 200);
    for stream in [0, streams / 2, streams - 1] {
        let judged = service.post(&format!("/api/v1/detect?stream=s{stream}"), event);
        let judged = judged.ok(200);
        assert_eq!(judged["verdicts"][0]["sample_count"], 2, "{judged}");
    }
}

#[test]
fn a_paused_stream_stays_paused_when_it_is_changed_and_after_a_restart() {
    let folder = folder();
    let mut service = Service::start(folder.path(), &[]);
    service
        .post("/api/v1/streams", r#"{"name": "pumps"}"#)
        .ok(201);
    eventually(|| service.get("/readyz").status == 200);
    service.post("/api/v1/streams/pumps/pause", "").ok(200);
    let changed = service.send(
        "PUT",
        "/api/v1/streams/pumps",
        &[("content-type", "application/yaml")],
        b"name: pumps\ndecision:\n  threshold: 0.9\n",
    );
    assert_eq!(changed.ok(200)["status"]["state"], "paused");
    assert_eq!(service.stop(), Some(0));
    service = Service::start(folder.path(), &[]);
    let after = service.get("/api/v1/streams/pumps").ok(200);
    assert_eq!(after["status"]["state"], "paused", "{after}");
    assert_eq!(after["config"]["decision"]["threshold"], 0.9, "{after}");
    service.delete("/api/v1/streams/pumps").ok(204);
    service
        .delete("/api/v1/streams/pumps")
        .problem(404, "not_found", "pumps");
}

#[test]
fn a_key_tells_what_it_takes_for_normal_and_can_be_forgotten() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    service
        .lines("/api/v1/events", &series("dock/3", 0, 300, &[290]))
        .ok(200);
    // Known from the first event on, also before its history is written.
    eventually(|| service.get("/api/v1/keys/dock%2F3").status == 200);
    service
        .get("/api/v1/keys/dock%2F3/history?stream=default")
        .ok(200);
    eventually(|| service.get("/api/v1/keys?q=dock").json()["items"][0]["events"] == 300);
    let key = service.get("/api/v1/keys/dock%2F3").ok(200);
    assert_eq!(key["sample_count"], 300, "{key}");
    assert_eq!(key["learned_until"], "2026-01-05T00:04:59Z");
    assert_eq!(key["warming_up"], false);
    assert_eq!(key["features"][0]["name"], "temperature");
    let band = key["features"][0]["expected"].as_array().expect("a band");
    assert!(
        band[0].as_f64() < Some(20.5) && band[2].as_f64() > Some(20.5),
        "{key}"
    );

    let history = service
        .get("/api/v1/keys/dock%2F3/history?from=2026-01-05T00:00:00Z&to=2026-01-05T00:05:00Z&points=100")
        .ok(200);
    assert_eq!(history["bucket_seconds"], 10);
    assert_eq!(history["times"].as_array().map(Vec::len), Some(30));
    assert_eq!(history["events"][3], 10);
    assert_eq!(history["anomalies"][29], 1);
    let temperature = &history["features"][0];
    assert_eq!(temperature["name"], "temperature");
    assert_eq!(temperature["max"][29], 90.0);
    assert!(temperature["low"][20].is_number(), "{history}");
    let activity = service.get("/api/v1/activity?bins=10").ok(200);
    assert_eq!(activity["sources"][0]["source"], "dock/3", "{activity}");

    service.delete("/api/v1/keys/dock%2F3").ok(204);
    service
        .get("/api/v1/keys/dock%2F3")
        .problem(404, "not_found", "never spoke");
    assert_eq!(service.get("/api/anomalies/dock%2F3").ok(200)["count"], 0);
    let judged = service
        .lines("/api/v1/detect", &series("dock/3", 300, 301, &[]))
        .ok(200);
    assert_eq!(judged["verdicts"][0]["sample_count"], 1, "{judged}");
}

#[test]
fn a_repeated_request_is_answered_and_not_done_again() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let body = format!("{}not json\n", series("a", 0, 3, &[]));
    let headers = [
        ("content-type", "application/x-ndjson"),
        ("idempotency-key", "k-1"),
    ];
    let send = |service: &Service, body: &str| {
        service.send("POST", "/api/v1/events", &headers, body.as_bytes())
    };
    let first = send(&service, &body).ok(200);
    assert_eq!(first["accepted"], 3);
    assert_eq!(first["results"][3]["error"]["code"], "not_json");
    assert_eq!(send(&service, &body).ok(200), first);
    send(&service, "{}").problem(409, "key_reused", "new key");
    service.kill();
    let service = Service::start(folder.path(), &[]);
    assert_eq!(send(&service, &body).ok(200), first);
    eventually(|| service.get("/api/v1/keys/a").json()["sample_count"] == 3);
    assert_eq!(service.stop(), Some(0));
    let service = Service::start(folder.path(), &[]);
    assert_eq!(send(&service, &body).ok(200), first);
    assert_eq!(service.get("/api/v1/keys/a").ok(200)["sample_count"], 3);
}

#[test]
fn a_change_of_what_is_normal_is_kept_counted_and_told_with_its_feature() {
    let folder = folder();
    let config = folder.path().join("drift.yaml");
    std::fs::write(
        &config,
        "streams:\n- name: default\n  detector: {algorithm: zscore}\n  drift: {test: ks, window_size: 100, reference_window: 300}\n",
    )
    .expect("written");
    let service = Service::start(folder.path(), &["--config", "drift.yaml"]);
    let shifted: String = (0..900_u64)
        .map(|row| {
            let noise = |salt: u64| ((row * row * 7_919 + salt * row) % 1_009) as f64 / 100.0;
            let step = if row < 600 { 0.0 } else { 20.0 };
            format!(
                "{{\"source\":\"belt-9\",\"timestamp\":{},\"values\":{{\"speed\":{},\"load\":{}}}}}\n",
                1_767_571_200 + row,
                100.0 + noise(1) + step,
                noise(7)
            )
        })
        .collect();
    service.lines("/api/v1/events", &shifted).ok(200);
    eventually(|| {
        let found = service.get("/api/v1/drift?source=belt-9").ok(200);
        found["items"]
            .as_array()
            .is_some_and(|items| !items.is_empty())
    });
    let found = service
        .get("/api/v1/drift?stream=default&limit=1000")
        .ok(200);
    // The oldest stands last.
    let items = found["items"].as_array().expect("a list");
    let first = items.last().expect("one");
    assert_eq!(first["test"], "ks");
    assert_eq!(first["action"], "report");
    assert_eq!(
        first["features"]
            .as_object()
            .map(|all| all.keys().collect::<Vec<_>>()),
        Some(vec![&"speed".to_owned()])
    );
    let at = first["id"]
        .as_str()
        .and_then(|id| id.rsplit('/').next()?.parse::<u64>().ok());
    assert!(at.is_some_and(|at| (600..760).contains(&at)), "{first}");
    let none = service
        .get("/api/v1/drift?from=2026-02-01T00:00:00Z")
        .ok(200);
    assert_eq!(none["items"].as_array().map(Vec::len), Some(0));
    service
        .get("/api/v1/drift?to=yesterday")
        .problem(400, "bad_request", "yesterday");
    let metrics = service.get("/metrics").body;
    let count = format!(
        "anomaly_detection_drift_detections_total{{algorithm=\"zscore\"}} {}",
        items.len()
    );
    assert!(metrics.contains(&count), "{count} in {metrics}");
}
