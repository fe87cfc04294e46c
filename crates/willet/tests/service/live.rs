//! The live socket.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use tungstenite::{Message, WebSocket};

use crate::kills::eventually;
use crate::service::client::{Service, series};
use crate::tool::folder;

type Socket = WebSocket<TcpStream>;

fn connect(service: &Service, query: &str) -> Socket {
    let stream = service.connect();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("set");
    let url = format!("ws://127.0.0.1:{}/ws{query}", service.port);
    tungstenite::client(url, stream).expect("it opens").0
}

fn next(socket: &mut Socket) -> Value {
    loop {
        if let Message::Text(text) = socket.read().expect("a message") {
            return serde_json::from_str(&text).expect("JSON");
        }
    }
}

#[test]
fn a_socket_tells_what_happens_and_what_was_missed() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let mut socket = connect(&service, "?topics=anomalies,alerts");
    let welcome = next(&mut socket);
    assert_eq!(welcome["type"], "welcome");
    assert_eq!(welcome["topics"]["anomalies"]["offset"], 0);
    service
        .lines("/api/v1/events", &series("pump-7", 0, 300, &[290]))
        .ok(200);
    let first = next(&mut socket);
    assert_eq!(first["type"], "anomaly", "{first}");
    assert_eq!(first["data"]["source"], "pump-7");
    assert_eq!(next(&mut socket)["type"], "alert");
    socket
        .send(Message::text(r#"{"type": "ping"}"#))
        .expect("sent");
    assert_eq!(next(&mut socket)["type"], "pong");
    socket.send(Message::text("nonsense")).expect("sent");
    assert_eq!(next(&mut socket)["code"], "bad_request");
    drop(socket);

    // Away while something happens: it comes on return, once.
    service
        .lines("/api/v1/events", &series("pump-7", 300, 600, &[590]))
        .ok(200);
    crate::kills::eventually(|| service.get("/api/anomalies").json()["count"] == 2);
    let (epoch, offset) = (
        first["epoch"].as_str().expect("text"),
        first["offset"].as_u64().expect("a number"),
    );
    let mut socket = connect(
        &service,
        &format!("?topics=anomalies&resume=anomalies:{epoch}:{offset}"),
    );
    assert_eq!(next(&mut socket)["type"], "welcome");
    let missed = next(&mut socket);
    assert_eq!(missed["offset"], offset + 1);
    assert_eq!(missed["data"]["timestamp"], "2026-01-05T00:09:50Z");

    // Another life of the server: nobody knows what was missed, and it is said.
    assert_eq!(service.stop(), Some(0));
    let service = Service::start(folder.path(), &[]);
    let mut socket = connect(
        &service,
        &format!("?topics=anomalies&resume=anomalies:{epoch}:{offset}"),
    );
    assert_eq!(next(&mut socket)["type"], "welcome");
    let lost = next(&mut socket);
    assert_eq!(
        (&lost["type"], &lost["reason"], &lost["count"]),
        (&"lost".into(), &"epoch".into(), &Value::Null)
    );
}

#[test]
fn statistics_come_by_themselves_and_every_verdict_of_a_source_on_request() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let mut socket = connect(&service, "?topics=statistics");
    assert_eq!(next(&mut socket)["type"], "welcome");
    assert!(next(&mut socket)["data"]["total_events"].is_number());
    let mut socket = connect(&service, "?topics=predictions&source=a");
    assert_eq!(next(&mut socket)["type"], "welcome");
    service
        .lines(
            "/api/v1/events",
            &format!("{}{}", series("b", 0, 2, &[]), series("a", 0, 2, &[])),
        )
        .ok(200);
    for count in 1..=2 {
        let verdict = next(&mut socket);
        assert_eq!(verdict["type"], "prediction");
        assert_eq!(
            (&verdict["data"]["source"], &verdict["data"]["sample_count"]),
            (&"a".into(), &count.into())
        );
    }
    service.send(
        "GET",
        "/ws?topics=predictions",
        &[
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ],
        b"",
    );
}

#[test]
fn a_slow_client_loses_the_oldest_and_is_told_how_many() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let mut socket = connect(&service, "?topics=predictions&source=a");
    assert_eq!(next(&mut socket)["type"], "welcome");
    // Far more than the ring and the socket's buffers hold, and nobody reads.
    let rows = 60_000;
    for part in 0..6 {
        service
            .lines(
                "/api/v1/events",
                &series("a", part * 10_000, (part + 1) * 10_000, &[]),
            )
            .ok(200);
    }
    // All are judged before the first is read.
    eventually(|| service.get("/api/statistics").json()["total_events"] == rows);
    let (mut got, mut lost) = (0, 0);
    while got + lost < rows {
        let message = next(&mut socket);
        match message["type"].as_str() {
            Some("prediction") => got += 1,
            Some("lost") => {
                assert_eq!(message["reason"], "slow");
                lost += message["count"].as_u64().expect("a number");
            }
            _ => panic!("{message}"),
        }
    }
    assert_eq!(got + lost, rows);
    assert!(lost > 0, "nothing was lost: the test does not test");
}
