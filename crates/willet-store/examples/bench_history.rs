//! How long the history of one key takes among many: `cargo run --release -p willet-store --example bench_history [KEYS]
//! [DAYS] [FILE]`. The file is filled in order of time, as a service would fill it, with a bucket of every 5 minutes and
//! two values for each key, and kept where a FILE is named, so that a second run only asks.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a measurement needs a clock, and a broken one may stop"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use willet_node::store::{Commit, HistoryRow, Store, ValueHistory, VerdictRow};
use willet_store::{HistoryRequest, PageRequest, Queries, SqliteStore, StoreOptions};

const START: i64 = 1_767_312_000;
const DAY: i64 = 86_400;
const ROUNDS: usize = 20;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let keys: i64 = arguments.next().map_or(1_001, |text| text.parse().unwrap());
    let days: i64 = arguments.next().map_or(30, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = arguments
        .next()
        .map_or_else(|| folder.path().join("store.sqlite"), PathBuf::from);
    if !path.exists() {
        fill(&path, keys, days);
    }
    live(&path, keys, days);
    let bytes = std::fs::metadata(&path).unwrap().len();
    println!("{keys} keys, {days} days, {} MiB", bytes >> 20);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(ask(&path, days));
}

fn row(key: i64, second: i64) -> HistoryRow {
    let value = (second % 977) as f64 / 10.0 + key as f64;
    let history = ValueHistory {
        count: 30,
        sum: 30.0 * value,
        min: value - 1.0,
        max: value + 1.0,
        last: value,
        expected: Some([value - 2.0, value, value + 2.0]),
    };
    HistoryRow {
        stream: "bench".to_owned(),
        source: format!("key-{key}"),
        bucket: second,
        names: Arc::from(["temperature".into(), "vibration".into()]),
        events: 30,
        anomalies: 0,
        max_score: Some(0.4),
        newest: (second + 9) * 1_000_000,
        values: vec![history, history],
    }
}

fn fill(path: &Path, keys: i64, days: i64) {
    let mut store = SqliteStore::open(path, StoreOptions::default()).unwrap();
    let began = Instant::now();
    let mut buckets = 0;
    // An hour at a time: twelve buckets of each key.
    for hour in 0..days * 24 {
        let begin = START + hour * 3600;
        let seconds = (0..12).map(|n| begin + n * 300);
        let rows = seconds.flat_map(|second| (0..keys).map(move |key| row(key, second)));
        let history: Vec<HistoryRow> = rows.collect();
        buckets += history.len();
        let verdicts = (0..20)
            .map(|n| VerdictRow {
                id: format!("bench/0/{}", hour * 20 + n),
                stream: "bench".to_owned(),
                source: format!("key-{}", (hour * 7 + n * n) % keys),
                at: (begin + n) * 1_000_000,
                is_anomaly: true,
                anomaly_score: Some(0.8),
                severity: Some("high"),
                anomaly_type: None,
                json: format!(r#"{{"text":"{}"}}"#, "x".repeat(500)),
            })
            .collect();
        let commit = Commit {
            history,
            verdicts,
            ..Commit::default()
        };
        store.commit(&commit).unwrap();
        if hour % 24 == 23 {
            while store.retain(begin * 1_000_000).unwrap() {}
        }
    }
    store.sync().unwrap();
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "filled in {seconds:.0} s: {:.0} buckets/s into three levels",
        buckets as f64 / seconds
    );
}

/// Commits as a live service makes them: one bucket of each key, the next one 10 s later.
fn live(path: &Path, keys: i64, days: i64) {
    let mut store = SqliteStore::open(path, StoreOptions::default()).unwrap();
    let mut taken = Vec::new();
    for round in 0..60 {
        let second = START + days * DAY + round * 10;
        let commit = Commit {
            history: (0..keys).map(|key| row(key, second)).collect(),
            ..Commit::default()
        };
        let began = Instant::now();
        store.commit(&commit).unwrap();
        taken.push(began.elapsed());
    }
    report(&format!("commit of a bucket of {keys} keys"), taken);
    let began = Instant::now();
    store.sync().unwrap();
    report("sync", vec![began.elapsed()]);
}

async fn ask(path: &Path, days: i64) {
    let queries = Queries::open(path).await.unwrap();
    let end = START + days * DAY;
    for (what, span) in [
        ("hour", 3600),
        ("day", DAY),
        ("week", 7 * DAY),
        ("month", 30 * DAY),
    ] {
        let request = |key: usize| HistoryRequest {
            stream: "bench".to_owned(),
            source: format!("key-{key}"),
            from: Some((end - span) * 1_000_000),
            to: Some(end * 1_000_000),
            points: 600,
        };
        let mut taken = Vec::new();
        let mut places = 0;
        for round in 0..ROUNDS {
            let request = request(round * 37 % 1000);
            let began = Instant::now();
            let history = queries.history(&request).await.unwrap().unwrap();
            let text = serde_json::to_string(&history).unwrap();
            taken.push(began.elapsed());
            places = history.times.len();
            assert!(!text.is_empty());
        }
        report(&format!("history of a {what}, {places} places"), taken);
    }
    let mut taken = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let activity = queries.activity(None, None, None, 60, 30).await.unwrap();
        taken.push(began.elapsed());
        assert!(!activity.sources.is_empty());
    }
    report("activity of a month, 30 keys", taken);
    let mut taken = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let page = queries.keys(None, None, &PageRequest::first(100)).await;
        taken.push(began.elapsed());
        assert_eq!(page.unwrap().items.len(), 100);
    }
    report("100 keys by name", taken);
}

fn report(what: &str, mut taken: Vec<Duration>) {
    let first = taken[0];
    taken.sort_unstable();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{what}: first {:.1} ms, median {:.1} ms, slowest {:.1} ms",
        millis(first),
        millis(taken[taken.len() / 2]),
        millis(taken[taken.len() - 1])
    );
}
