//! Traces as a collector gets them.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::kills::eventually;
use crate::service::client::{Service, series};
use crate::tool::folder;

#[derive(Clone, Default)]
struct Collected {
    spans: Vec<Span>,
    services: Vec<String>,
    paths: Vec<String>,
}

/// A collector's OTLP over HTTP, as far as traces go.
#[expect(
    clippy::disallowed_methods,
    reason = "a server for the process under test"
)]
fn collector() -> (String, Arc<Mutex<Collected>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let collected = Arc::new(Mutex::new(Collected::default()));
    let into = Arc::clone(&collected);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let into = Arc::clone(&into);
            std::thread::spawn(move || while answer(stream.as_ref().expect("accepted"), &into) {});
        }
    });
    (url, collected)
}

/// Takes one request; `false` when there are no more.
fn answer(mut stream: &TcpStream, into: &Mutex<Collected>) -> bool {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let length = head.split("content-length: ").nth(1).expect("a length");
    let length = length.lines().next().expect("a line").parse();
    let mut body = vec![0; length.expect("a number")];
    stream.read_exact(&mut body).expect("the body");
    let request = ExportTraceServiceRequest::decode(&*body).expect("OTLP");
    let mut into = into.lock().expect("not poisoned");
    into.paths
        .push(head.split(' ').nth(1).unwrap_or_default().to_owned());
    for of_resource in request.resource_spans {
        let about = of_resource.resource.expect("a resource");
        let name = about.attributes.iter().find(|a| a.key == "service.name");
        into.services
            .push(text(name.and_then(|a| a.value.as_ref()?.value.as_ref())));
        for of_scope in of_resource.scope_spans {
            into.spans.extend(of_scope.spans);
        }
    }
    stream
        .write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n",
        )
        .is_ok()
}

fn text(value: Option<&any_value::Value>) -> String {
    match value {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::BoolValue(is)) => is.to_string(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::DoubleValue(number)) => number.to_string(),
        other => panic!("{other:?} is no plain value"),
    }
}

fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let pairs = span.attributes.iter();
    pairs
        .map(|pair| {
            let value = pair.value.as_ref().and_then(|value| value.value.as_ref());
            (pair.key.as_str(), text(value))
        })
        .collect()
}

fn configured(folder: &std::path::Path, url: &str, ratio: f64) {
    let text = format!(
        "monitoring: {{enable_tracing: true, otlp_endpoint: \"{url}\", trace_ratio: {ratio}}}\n"
    );
    std::fs::write(folder.join("willet.yaml"), text).expect("written");
}

#[test]
fn an_anomaly_is_traced_in_three_spans() {
    let folder = folder();
    let (url, collected) = collector();
    configured(folder.path(), &url, 0.0);
    let service = Service::start(folder.path(), &["--config", "willet.yaml"]);
    service
        .lines("/api/v1/events", &series("pump-7", 0, 400, &[390]))
        .ok(200);
    eventually(|| !collected.lock().expect("not poisoned").spans.is_empty());
    let found = collected.lock().expect("not poisoned").clone();
    assert!(found.paths.iter().all(|path| path == "/v1/traces"));
    assert!(found.services.iter().all(|name| name == "willet"));
    let span = |name: &str| {
        let mut named = found.spans.iter().filter(|span| span.name == name);
        let span = named.next().unwrap_or_else(|| panic!("no span {name}"));
        assert!(named.next().is_none(), "one anomaly, one span {name}");
        span
    };
    let sample = span("process_sample");
    let detection = span("anomaly_detection");
    let drift = span("concept_drift_handling");
    assert_eq!(found.spans.len(), 3);
    assert!(sample.parent_span_id.is_empty());
    assert_eq!(detection.parent_span_id, sample.span_id);
    assert_eq!(drift.parent_span_id, detection.span_id);
    assert!(found.spans.iter().all(|of| of.trace_id == sample.trace_id));
    assert!(sample.start_time_unix_nano <= sample.end_time_unix_nano);
    let about = attributes(sample);
    let newest = service.get("/api/anomalies?limit=1").ok(200);
    let verdict = &newest["anomalies"][0];
    assert_eq!(about["sample_id"], verdict["id"].as_str().expect("an id"));
    assert_eq!(about["source"], "pump-7");
    assert_eq!(about["algorithm"], "auto");
    assert_eq!(about["result.is_anomaly"], "true");
    assert_eq!(about["sample.size"], "2");
    assert_eq!(
        about["result.anomaly_score"].parse().ok(),
        verdict["anomaly_score"].as_f64()
    );
    assert!(
        about["result.processing_time"]
            .parse::<f64>()
            .expect("a number")
            > 0.0
    );
    assert_eq!(attributes(drift)["drift.detected"], "false");
}

#[test]
fn a_collector_that_is_away_delays_nothing_and_is_told_of_once() {
    let folder = folder();
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", free.local_addr().expect("bound"));
    drop(free);
    configured(folder.path(), &url, 1.0);
    let service = Service::start(folder.path(), &["--config", "willet.yaml"]);
    for round in 0..3 {
        service
            .lines(
                "/api/v1/events",
                &series("pump-7", round * 400, round * 400 + 400, &[]),
            )
            .ok(200);
    }
    eventually(|| service.said().contains("the collector takes no traces"));
    assert_eq!(service.get("/health").ok(200)["status"], "healthy");
    assert_eq!(service.said().matches("takes no traces").count(), 1);
    assert_eq!(service.stop(), Some(0));
}
