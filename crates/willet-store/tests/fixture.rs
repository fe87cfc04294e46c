//! Every version opens what the first one wrote. `WILLET_BLESS=1` makes the file anew; after a release it never may be.

#![expect(clippy::unwrap_used, reason = "all of this file is a test")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::{ConnectOptions, Connection};
use willet_node::store::{
    AlertRow, Commit, HistoryRow, OutboxRow, PositionRow, RequestRow, Store, ValueHistory,
    VerdictRow,
};
use willet_store::{
    AlertFilter, AnomalyFilter, HistoryRequest, NewToken, PageRequest, Queries, SqliteStore,
    StoreOptions, StreamRow, verify,
};

const START: i64 = 1_767_322_800;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store-v1.sqlite")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

/// A little of everything.
fn contents() -> Commit {
    let at = |second: i64| (START + second) * 1_000_000;
    let verdict = |offset: i64| VerdictRow {
        id: format!("pumps/0/{offset}"),
        stream: "pumps".to_owned(),
        source: "pump-7".to_owned(),
        at: at(offset),
        is_anomaly: true,
        anomaly_score: Some(0.8),
        severity: Some("high"),
        anomaly_type: Some("spike".to_owned()),
        json: format!(r#"{{"id":"pumps/0/{offset}"}}"#),
    };
    let history = |second: i64| HistoryRow {
        stream: "pumps".to_owned(),
        source: "pump-7".to_owned(),
        bucket: START + second,
        names: Arc::from(["temperature".into(), "vibration".into()]),
        events: 10,
        anomalies: 1,
        max_score: Some(0.8),
        newest: at(second + 9),
        values: vec![
            ValueHistory {
                count: 10,
                sum: 705.0,
                min: 69.0,
                max: 72.0,
                last: 70.5,
                expected: Some([68.0, 70.0, 72.0]),
            },
            ValueHistory {
                count: 9,
                sum: 2.75,
                min: 0.25,
                max: 0.5,
                last: 0.25,
                expected: None,
            },
        ],
    };
    Commit {
        verdicts: (0..3).map(verdict).collect(),
        // Version 1 had none.
        drifts: Vec::new(),
        history: (0..5).map(|n| history(n * 10)).collect(),
        alerts: vec![AlertRow {
            id: "pumps~0~0".to_owned(),
            stream: "pumps".to_owned(),
            source: "pump-7".to_owned(),
            state: "open",
            severity: "high",
            opened_at: at(0),
            json: r#"{"id":"pumps~0~0"}"#.to_owned(),
        }],
        outbox: vec![OutboxRow {
            id: "pumps~0~0.1".to_owned(),
            alert_id: "pumps~0~0".to_owned(),
            receiver: "pager".to_owned(),
            body: "{}".to_owned(),
            created_at: at(0),
        }],
        incident_state: vec![("config".to_owned(), Some(vec![1, 2, 3]))],
        requests: vec![RequestRow {
            key: "key".to_owned(),
            at: at(0),
            answer: vec![7],
        }],
        positions: vec![PositionRow {
            stream: "pumps".to_owned(),
            partition: 0,
            offset: 3,
        }],
    }
}

fn stream() -> StreamRow {
    StreamRow {
        name: "pumps".to_owned(),
        managed_by: "api".to_owned(),
        config: "name: pumps\n".to_owned(),
        is_paused: true,
        created_at: START,
        model: Some("{}".to_owned()),
    }
}

fn write_anew(path: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("store.sqlite");
    let mut store = SqliteStore::open(&made, StoreOptions::default()).unwrap();
    store.commit(&contents()).unwrap();
    store.retain(START * 1_000_000).unwrap();
    drop(store);
    block_on(async {
        let queries = Queries::open(&made).await.unwrap();
        queries.add_stream(&stream()).await.unwrap();
        let token = NewToken {
            token: "a token of the fixture".to_owned(),
            name: "ci".to_owned(),
            role: "admin".to_owned(),
            created_at: START,
            expires_at: None,
        };
        queries.add_token(&token).await.unwrap();
        queries.close().await;
        // Small pages, for a small file: nearly all of them are almost empty.
        let mut connection = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&made)
            .connect()
            .await
            .unwrap();
        for sql in [
            "PRAGMA journal_mode = DELETE",
            "PRAGMA page_size = 1024",
            "VACUUM",
        ] {
            sqlx::query(sql).execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
    });
    std::fs::copy(&made, path).unwrap();
}

#[test]
fn the_first_format_is_read_and_written_further() {
    if std::env::var_os("WILLET_BLESS").is_some() {
        write_anew(&fixture());
    }
    assert!(std::fs::metadata(fixture()).unwrap().len() < 100_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    std::fs::copy(fixture(), &path).unwrap();

    let mut store = SqliteStore::open(&path, StoreOptions::default()).unwrap();
    let expected = contents();
    assert_eq!(store.positions().unwrap(), expected.positions);
    assert_eq!(
        store.incident_state().unwrap(),
        [("config".to_owned(), vec![1, 2, 3])]
    );
    assert_eq!(store.requests(0).unwrap()[0].answer, [7]);
    // The same verdicts again, and a part more of the history.
    let more = Commit {
        verdicts: expected.verdicts.clone(),
        history: expected.history[4..].to_vec(),
        ..Commit::default()
    };
    assert_eq!(store.commit(&more).unwrap().is_new, [false; 3]);
    store.sync().unwrap();

    block_on(async {
        let queries = Queries::open(&path).await.unwrap();
        let first = PageRequest::first(10);
        let anomalies = queries
            .anomalies(&AnomalyFilter::default(), &first)
            .await
            .unwrap();
        assert_eq!(anomalies.items[0].get(), r#"{"id":"pumps/0/2"}"#);
        assert_eq!(anomalies.items.len(), 3);
        let alerts = queries
            .alerts(&AlertFilter::default(), &first)
            .await
            .unwrap();
        assert_eq!(alerts.items.len(), 1);
        let alert = queries.alert("pumps~0~0").await.unwrap().unwrap();
        assert!(
            alert.1.iter().any(|receipt| receipt.webhook == "pager"),
            "{alert:?}"
        );
        assert_eq!(queries.due("pager", i64::MAX, 9).await.unwrap().len(), 1);
        let request = HistoryRequest {
            stream: "pumps".to_owned(),
            source: "pump-7".to_owned(),
            from: None,
            to: None,
            points: 600,
        };
        let history = queries.history(&request).await.unwrap().unwrap();
        assert_eq!(history.events, [10, 10, 10, 10, 20]);
        assert_eq!(history.features[0].mean[4], Some(70.5));
        assert_eq!(history.features[0].high[0], Some(72.0));
        assert_eq!(history.features[1].name, "vibration");
        assert_eq!(queries.streams().await.unwrap(), [stream()]);
        let token = queries.verify_token("a token of the fixture", START).await;
        assert_eq!(token.unwrap().unwrap().role, "admin");
        queries.close().await;
    });
    assert_eq!(verify(&path).unwrap().damage, [""; 0]);
}
