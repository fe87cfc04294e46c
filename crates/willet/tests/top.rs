//! `willet top` where it prints: beside a running service, without one, and without a token.

use std::net::TcpListener;

use crate::service::client::{Service, series};
use crate::tool::{folder, refused, run, stdout};

#[test]
fn a_running_service_is_printed_once_as_text() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    let lines = series("pump-7", 0, 300, &[200]);
    service.lines("/api/v1/detect", &lines).ok(200);
    let url = format!("http://127.0.0.1:{}/", service.port);
    let text = stdout(folder.path(), &["top", "--url", &url, "--once"]);
    assert!(
        text.starts_with(&format!("http://127.0.0.1:{}, up ", service.port)),
        "{text}"
    );
    assert!(text.contains("events      300, anomalies "), "{text}");
    assert!(text.contains("sources     1, open alerts 1"), "{text}");
    assert!(text.contains("\n  default  running"), "{text}");
    assert!(text.contains("2026-01-05 00:03:20  pump-7"), "{text}");
    // A pipe is no terminal: the same without being asked for.
    let piped = stdout(folder.path(), &["top", "--url", &url]);
    assert!(piped.contains("newest anomalies"), "{piped}");
}

#[test]
fn no_service_is_1_and_what_cannot_be_right_is_2() {
    let folder = folder();
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", free.local_addr().expect("bound"));
    drop(free);
    let top = |url: &str, code, words| {
        refused(folder.path(), &["top", "--url", url, "--once"], code, words);
    };
    top(&url, 1, "is `willet run` running?");
    top("https://plant.example", 2, "only plain http");
    top("plant.example", 2, "expected http://HOST:PORT");
    let arguments = ["top", "--once", "--interval", "1"];
    assert_eq!(run(folder.path(), &arguments).status.code(), Some(2));
}

#[test]
fn a_service_that_asks_for_a_token_is_shown_to_whoever_has_one() {
    let folder = folder();
    let service = Service::start(folder.path(), &["--host", "0.0.0.0"]);
    let url = format!("http://127.0.0.1:{}", service.port);
    let top = ["top", "--once", "--url", &url];
    refused(folder.path(), &top, 2, "no token");
    let wrong = [&top[..], &["--token", "willet_0000"]].concat();
    refused(folder.path(), &wrong, 2, "--token");
    let token = stdout(folder.path(), &["token", "create", "--data-dir", "data"]);
    let right = [&top[..], &["--token", token.trim()]].concat();
    assert!(stdout(folder.path(), &right).contains("streams"));
}
