//! The configuration file, read again when its content changes.

use crate::kills::eventually;
use crate::service::client::{Service, series};
use crate::tool::{folder, write};

#[test]
fn a_changed_file_is_used_whole_or_not_at_all() {
    let folder = folder();
    let config = |text: &str| write(folder.path(), "willet.yaml", text);
    config("streams:\n  - name: pumps\n    detector: {algorithm: mad}\n");
    let service = Service::start(folder.path(), &["--config", "willet.yaml"]);
    service
        .lines("/api/v1/events?stream=pumps", &series("p", 0, 200, &[]))
        .ok(200);
    service
        .send(
            "PUT",
            "/api/v1/streams/pumps",
            &[("content-type", "application/yaml")],
            b"name: pumps\n",
        )
        .problem(409, "managed_by_file", "change it there");

    // One good stream and one bad: neither is used, and health says so.
    config("streams:\n  - name: doors\n  - name: pumps\n    detector: {algorithm: nothing}\n");
    eventually(|| service.get("/health").json()["status"] == "degraded");
    let health = service.get("/health").ok(200);
    let check = health["checks"]
        .as_array()
        .and_then(|checks| checks.iter().find(|check| check["name"] == "configuration"));
    assert!(
        check.is_some_and(|check| check["detail"]
            .as_str()
            .is_some_and(|text| text.contains("nothing"))),
        "{health}"
    );
    service
        .get("/api/v1/streams/doors")
        .problem(404, "not_found", "doors");

    config(
        "streams:\n  - name: doors\n  - name: pumps\n    detector: {algorithm: mad}\n    decision: {threshold: 0.91}\n",
    );
    eventually(|| {
        service.get("/health").json()["status"] == "healthy"
            && service.get("/api/v1/streams/doors").status == 200
    });
    let event = r#"{"source": "p", "values": {"temperature": 20.4, "load": 5.2}}"#;
    let judged = service.post("/api/v1/detect?stream=pumps", event).ok(200);
    assert_eq!(judged["verdicts"][0]["threshold"], 0.91, "{judged}");
    assert_eq!(
        judged["verdicts"][0]["sample_count"], 201,
        "what was learned stays: {judged}"
    );
}

#[test]
fn files_and_generated_streams_are_sources() {
    let folder = folder();
    write(folder.path(), "pump.csv", crate::tool::spike(800, 700));
    write(
        folder.path(),
        "willet.yaml",
        "streams:\n  - name: files\n    source: {kind: file, path: pump.csv, follow: true}\n  - name: made\n    source: {kind: synthetic, backfill_s: 100, keys: 3, interval_s: 1.0}\n",
    );
    let service = Service::start(folder.path(), &["--config", "willet.yaml"]);
    let events = |service: &Service, stream: &str| {
        service.get(&format!("/api/v1/streams/{stream}")).json()["status"]["events"]
            .as_u64()
            .unwrap_or(0)
    };
    eventually(|| events(&service, "files") == 800 && events(&service, "made") >= 300);
    eventually(|| service.get("/api/anomalies/pump-7").json()["count"] == 1);
    let appended = "2026-01-01T13:20:00Z,pump-7,21,0\n";
    let path = folder.path().join("pump.csv");
    let mut whole = std::fs::read_to_string(&path).expect("read");
    whole.push_str(appended);
    std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, appended.as_bytes()))
        .expect("appended");
    eventually(|| events(&service, "files") == 801);
    service.kill();
    // It goes on where it was: nothing twice, nothing missing.
    let service = Service::start(folder.path(), &["--config", "willet.yaml"]);
    eventually(|| service.get("/api/v1/keys/pump-7?stream=files").json()["sample_count"] == 801);
    assert_eq!(service.get("/api/anomalies/pump-7").ok(200)["count"], 1);
}
