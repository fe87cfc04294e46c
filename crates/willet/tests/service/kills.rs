//! `kill -9` in the middle of ingest, again and again: nothing acknowledged is lost, nothing is said twice.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::kills::eventually;
use crate::service::client::{Service, series};
use crate::tool::folder;

/// Bodies of events, each sent until it is acknowledged.
fn bodies(count: usize) -> Vec<String> {
    (0..count)
        .map(|index| {
            let (from, to) = (index * 50, index * 50 + 50);
            let spikes = [from + 7 * (index % 5)];
            let spikes = if index > 10 && index % 9 == 0 {
                &spikes[..]
            } else {
                &[]
            };
            (0..4)
                .map(|source| series(&format!("s{source}"), from, to, spikes))
                .collect()
        })
        .collect()
}

/// All anomalies and alerts: by id, without what depends on when the events came.
fn outcome(service: &Service) -> (Vec<Value>, BTreeMap<String, Value>) {
    let list = |path: &str| {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = service.get(&format!("{path}?limit=1000{cursor}")).ok(200);
            items.extend(page["items"].as_array().expect("a list").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    };
    let mut verdicts = list("/api/v1/anomalies");
    verdicts.sort_by_key(|verdict| verdict["id"].to_string());
    let alerts = list("/api/v1/alerts");
    let by_id: BTreeMap<String, Value> = alerts
        .iter()
        .map(|alert| (alert["id"].to_string(), alert["anomalies"].clone()))
        .collect();
    assert_eq!(by_id.len(), alerts.len(), "an alert stands twice");
    (verdicts, by_id)
}

/// Waits until the shard has taken all; more than all would be a repetition.
fn settled(service: &Service, events: u64) {
    eventually(|| {
        (0..4)
            .map(|source| {
                service
                    .get(&format!("/api/v1/keys/s{source}?stream=default"))
                    .json()["sample_count"]
                    .as_u64()
                    .unwrap_or(0)
            })
            .sum::<u64>()
            == events
    });
}

#[test]
fn a_killed_service_loses_nothing_acknowledged_and_says_nothing_twice() {
    let kills = std::env::var("WILLET_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3_usize);
    let bodies = bodies(60 + 40 * kills);
    let events = bodies.len() as u64 * 200;
    let send = |service: &Service, index: usize| {
        let key = format!("body-{index}");
        let headers = [
            ("content-type", "application/x-ndjson"),
            ("idempotency-key", key.as_str()),
        ];
        let bytes = crate::service::client::request(
            "POST",
            "/api/v1/events",
            &headers,
            bodies[index].as_bytes(),
        );
        std::net::TcpStream::connect(("127.0.0.1", service.port)).ok()?;
        service.raw(&bytes)
    };

    let whole = folder();
    let service = Service::start(whole.path(), &[]);
    for index in 0..bodies.len() {
        send(&service, index).expect("an answer").ok(200);
    }
    settled(&service, events);
    assert_eq!(service.stop(), Some(0));
    let service = Service::start(whole.path(), &[]);
    let expected = outcome(&service);
    assert!(
        expected.0.len() > 3 && !expected.1.is_empty(),
        "{expected:?}"
    );
    drop(service);

    let killed = folder();
    let mut next = 0;
    for round in 0..kills {
        let service = Service::start(killed.path(), &[]);
        let is_over = AtomicBool::new(false);
        let reached = std::thread::scope(|scope| {
            let sending = scope.spawn(|| {
                let mut index = next;
                while index < bodies.len() && !is_over.load(Ordering::SeqCst) {
                    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        send(&service, index)
                    })) {
                        Ok(Some(reply)) if reply.status == 200 => index += 1,
                        Ok(Some(reply)) if reply.status == 503 => {}
                        Ok(Some(reply)) => panic!("{reply:?}"),
                        _ => break,
                    }
                }
                index
            });
            std::thread::sleep(Duration::from_millis(40 + (round as u64 * 97) % 260));
            let pid = service.pid().to_string();
            let done = std::process::Command::new("kill")
                .args(["-KILL", &pid])
                .status();
            assert!(done.expect("kill runs").success());
            is_over.store(true, Ordering::SeqCst);
            sending.join().expect("the sender ends")
        });
        drop(service);
        next = reached;
    }
    let service = Service::start(killed.path(), &[]);
    for index in next..bodies.len() {
        send(&service, index).expect("an answer").ok(200);
    }
    settled(&service, events);
    assert_eq!(service.stop(), Some(0));
    let service = Service::start(killed.path(), &[]);
    let found = outcome(&service);
    assert_eq!(found.1, expected.1);
    assert!(
        found.0 == expected.0,
        "{} verdicts, expected {}",
        found.0.len(),
        expected.0.len()
    );
    println!(
        "{kills} kills of the service during ingest, {next} of {} bodies acknowledged before the last",
        bodies.len()
    );
}

#[test]
fn a_stop_keeps_what_was_acknowledged_and_ends_in_time() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    service
        .lines("/api/v1/events", &series("a", 0, 5_000, &[4_000]))
        .ok(200);
    let begun = std::time::Instant::elapsed;
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a stop takes is what is tested"
    )]
    let now = std::time::Instant::now();
    assert_eq!(service.stop(), Some(0));
    assert!(begun(&now) < Duration::from_secs(10));
    let service = Service::start(folder.path(), &[]);
    assert_eq!(service.get("/api/v1/keys/a").ok(200)["sample_count"], 5_000);
    assert_eq!(service.get("/api/anomalies/a").ok(200)["count"], 1);
}
