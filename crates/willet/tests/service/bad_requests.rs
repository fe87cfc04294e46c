//! What no sound client sends.

use std::io::Write as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::service::client::{Service, request, series};
use crate::tool::{folder, refused};

#[test]
fn bad_requests_get_a_problem_that_says_what_would_be_right() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    bad_events(&service);
    bad_queries(&service);

    let known = service.send("GET", "/livez", &[("x-request-id", "mine-7")], b"");
    assert!(known.head.contains("x-request-id: mine-7"), "{known:?}");
    // Nothing of all that did harm.
    service
        .lines("/api/v1/events", &series("ok", 0, 5, &[]))
        .ok(200);
    assert_eq!(service.get("/health").ok(200)["status"], "healthy");
}

fn bad_events(service: &Service) {
    let post = |body: &str| service.post("/api/v1/events", body);
    post("").problem(400, "bad_json", "not JSON");
    post("{\"source\": \"a\"").problem(400, "bad_json", "not JSON");
    post("[]").problem(400, "bad_request", "no event");
    post("{\"a\":1}\n{\"a\":2}").problem(400, "bad_json", "application/x-ndjson");
    post(r#"{"source": "a"}"#).problem(422, "bad_event", "no values");
    post(r#"{"source": "a", "values": {"t": "hot"}}"#).problem(
        422,
        "bad_event",
        "expected a number",
    );
    post(r#"{"source": "a", "values": {"t": 1e308}}"#).problem(422, "bad_event", "1e308");
    post(r#"{"source": "a", "values": {"t": 1}, "timestamp": "yesterday"}"#).problem(
        422,
        "bad_event",
        "yesterday",
    );
    post(&format!(
        r#"{{"source": "{}", "values": {{"t": 1}}}}"#,
        "k".repeat(5_000)
    ))
    .problem(422, "bad_event", "key");
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    post(&format!(
        r#"{{"source": "a", "values": {{"t": 1}}, "x": {deep}}}"#
    ))
    .problem(422, "bad_event", "deeper");
    let wide: Vec<String> = (0..2_000).map(|index| format!("\"v{index}\":1")).collect();
    post(&format!(
        r#"{{"source": "a", "values": {{{}}}}}"#,
        wide.join(",")
    ))
    .problem(422, "bad_event", "values");
    let some = service
        .lines(
            "/api/v1/events",
            "{\"source\":\"a\",\"values\":{\"t\":1}}\nnonsense\n",
        )
        .ok(200);
    assert_eq!(
        (&some["accepted"], &some["rejected"]),
        (&1.into(), &1.into())
    );
    assert_eq!(some["results"][1]["line"], 2);

    service
        .send(
            "POST",
            "/api/v1/events",
            &[("content-type", "text/html")],
            b"x",
        )
        .problem(415, "unsupported_media_type", "text/html");
    service
        .send(
            "POST",
            "/api/v1/events",
            &[
                ("content-type", "application/json"),
                ("idempotency-key", ""),
            ],
            b"{}",
        )
        .problem(400, "bad_request", "Idempotency-Key");
    service
        .post("/api/v1/events?stream=nobody", "{}")
        .problem(404, "not_found", "nobody");
    service
        .post("/api/v1/events?steam=x", "{}")
        .problem(400, "bad_request", "steam");
}

fn bad_queries(service: &Service) {
    service
        .get("/api/v1/anomalies?limit=0")
        .problem(400, "bad_request", "1 to 1000");
    service
        .get("/api/v1/anomalies?limit=many")
        .problem(400, "bad_request", "limit");
    service
        .get("/api/v1/anomalies?from=noon")
        .problem(400, "bad_request", "noon");
    service
        .get("/api/v1/anomalies?cursor=%21")
        .problem(400, "bad_request", "cursor");
    service
        .get("/api/v1/anomalies?severity=awful")
        .problem(400, "bad_request", "awful");
    service
        .get("/api/v1/alerts?state=shut")
        .problem(400, "bad_request", "shut");
    service
        .get("/api/v1/alerts/none")
        .problem(404, "not_found", "none");
    service
        .post("/api/v1/alerts/none/acknowledge", "{}")
        .problem(404, "not_found", "none");
    service
        .post(
            "/api/v1/silences",
            r#"{"source": "a", "until": "2001-01-01T00:00:00Z"}"#,
        )
        .problem(400, "bad_request", "until");
    service
        .post("/api/alert", r#"{"value": 1}"#)
        .problem(400, "bad_json", "source");
    service
        .post("/api/alert", r#"{"source": "a", "anomaly_score": 7}"#)
        .problem(400, "bad_json", "0 to 1");
    service
        .post("/api/alert", r#"{"source": "a", "metric": ""}"#)
        .problem(400, "bad_json", "metric is empty");
    service
        .post("/api/v1/streams", r#"{"name": "a b"}"#)
        .problem(422, "bad_config", "name");
    service
        .post(
            "/api/v1/streams",
            r#"{"name": "f", "source": {"kind": "file", "path": "/etc/passwd"}}"#,
        )
        .problem(422, "bad_config", "configuration file");
    service
        .get("/api/v1/nothing")
        .problem(404, "not_found", "/docs");
    service
        .get("/nothing/here.php")
        .problem(404, "not_found", "/docs");
    service
        .send("PATCH", "/api/v1/events", &[], b"")
        .problem(405, "method_not_allowed", "PATCH");
    service.get("/ws").problem(400, "bad_request", "WebSocket");
    service.send("GET", "/api/statistics", &[("host", "x")], b"");
}

#[test]
fn pages_of_other_sites_are_refused() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let body = br#"{"source": "a", "values": {"t": 1}}"#;
    let kind = ("content-type", "application/json");
    service
        .send(
            "POST",
            "/api/v1/events",
            &[kind, ("origin", "http://evil.example")],
            body,
        )
        .problem(403, "forbidden", "evil.example");
    service
        .send(
            "POST",
            "/api/v1/events",
            &[kind, ("origin", "http://127.0.0.1")],
            body,
        )
        .ok(200);
    let rebound = "GET /api/statistics HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    service
        .raw(rebound.as_bytes())
        .expect("an answer")
        .problem(403, "forbidden", "evil.example");
}

#[test]
fn a_body_cut_in_the_middle_takes_nothing() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let whole = request(
        "POST",
        "/api/v1/events",
        &[("content-type", "application/x-ndjson")],
        series("cut", 0, 100, &[]).as_bytes(),
    );
    let mut stream = service.connect();
    stream.write_all(&whole[..whole.len() / 2]).expect("sent");
    drop(stream);
    // A body of the wrong length, announced as larger than allowed.
    let huge = b"POST /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: 99999999999\r\n\r\n";
    service
        .raw(huge)
        .expect("an answer")
        .problem(413, "too_large", "at most");
    service.raw(b"NONSENSE\r\n\r\n");
    service
        .get("/api/v1/keys/cut?stream=default")
        .problem(404, "not_found", "cut");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "slowness is a matter of time")]
fn a_thousand_slow_connections_hold_nobody_up_and_are_closed() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let head = b"POST /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n";
    let mut slow: Vec<_> = (0..1_000)
        .map(|index| {
            let mut stream = service.connect();
            // Half of them do not even finish their headers.
            let part = if index % 2 == 0 {
                &head[..]
            } else {
                &head[..30]
            };
            let _ = stream.write_all(part);
            stream
        })
        .collect();
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    while begun.elapsed() < Duration::from_secs(18) {
        for stream in &mut slow {
            let _ = stream.write_all(b" ");
        }
        let asked = Instant::now();
        service
            .lines("/api/v1/events", &series("fine", 0, 50, &[]))
            .ok(200);
        longest = longest.max(asked.elapsed());
        std::thread::sleep(Duration::from_secs(1));
    }
    assert!(longest < Duration::from_secs(5), "{longest:?}");
    let open = service.get("/metrics").body;
    let open = open
        .lines()
        .find_map(|line| line.strip_prefix("willet_http_connections "))
        .and_then(|count| count.parse::<f64>().ok())
        .expect("it is counted");
    assert!(open < 50.0, "{open} connections are still open");
}

#[test]
fn a_port_in_use_is_said_with_the_way_out() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port().to_string();
    refused(folder.path(), &["run", "--port", &port], 2, "--port");
    refused(
        folder.path(),
        &["run", "--host", "not a host"],
        2,
        "dashboard.host",
    );
}
