use std::sync::Arc;

use proptest::prelude::*;
use sqlx::ConnectOptions;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use willet_engine::incidents::{AlertState, Severity};
use willet_node::store::{
    AlertRow, Commit, DriftRow, HistoryRow, OutboxRow, PositionRow, RequestRow, Store,
    ValueHistory, VerdictRow,
};

use willet_proto::History;

use super::*;
use crate::levels::LEVELS;
use crate::query::{
    AlertFilter, AnomalyFilter, Attempt, AttemptOutcome, DriftFilter, HistoryRequest, KeyAnswer,
    NewToken, PageRequest, QueryError, StreamRow,
};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// 2026-01-02T03:00:00Z, begin of a bucket of every level.
const START: i64 = 1_767_322_800;

/// A store with somebody who asks it.
struct Shop {
    folder: TempDir,
    store: SqliteStore,
    runtime: Runtime,
    queries: Queries,
}

impl Shop {
    fn open() -> Self {
        Self::with(StoreOptions::default())
    }

    fn with(options: StoreOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let options = StoreOptions {
            busy_timeout_ms: 50,
            ..options
        };
        let store = SqliteStore::open(&path, options).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let queries = runtime.block_on(Queries::open(&path)).unwrap();
        Self {
            folder,
            store,
            runtime,
            queries,
        }
    }

    fn ask<T>(&self, question: impl AsyncFnOnce(&Queries) -> T) -> T {
        self.runtime.block_on(question(&self.queries))
    }

    fn verdicts(&mut self, verdicts: Vec<VerdictRow>) -> Vec<bool> {
        let commit = Commit {
            verdicts,
            ..Commit::default()
        };
        self.store.commit(&commit).unwrap().is_new
    }

    fn history(&mut self, history: Vec<HistoryRow>) {
        let commit = Commit {
            history,
            ..Commit::default()
        };
        self.store.commit(&commit).unwrap();
    }

    fn anomalies(&self, filter: &AnomalyFilter) -> Vec<String> {
        let page =
            self.ask(async |queries| queries.anomalies(filter, &PageRequest::first(100)).await);
        let items = page.unwrap().items;
        items.iter().map(|item| item.get().to_owned()).collect()
    }

    fn drawn(&self, source: &str, points: usize) -> Option<History> {
        let request = HistoryRequest {
            stream: "s".to_owned(),
            source: source.to_owned(),
            from: None,
            to: None,
            points,
        };
        self.ask(async |queries| queries.history(&request).await)
            .unwrap()
    }

    fn count(&mut self, table: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        self.store
            .run(async |connection, _, _| Ok(sqlx::query_scalar(sql).fetch_one(connection).await?))
            .unwrap()
    }
}

fn verdict(offset: i64, source: &str) -> VerdictRow {
    VerdictRow {
        id: format!("s/0/{offset}"),
        stream: "s".to_owned(),
        source: source.to_owned(),
        at: START * SECOND + offset * SECOND,
        is_anomaly: true,
        anomaly_score: Some(0.8),
        severity: Some("high"),
        anomaly_type: Some("spike".to_owned()),
        json: format!(r#"{{"id":"s/0/{offset}"}}"#),
    }
}

fn ids(offsets: impl IntoIterator<Item = i64>) -> Vec<String> {
    offsets
        .into_iter()
        .map(|offset| format!(r#"{{"id":"s/0/{offset}"}}"#))
        .collect()
}

/// One event of `source` in the bucket at `second` (from the start on), with one value.
fn event(source: &str, second: i64, value: f64) -> HistoryRow {
    HistoryRow {
        stream: "s".to_owned(),
        source: source.to_owned(),
        bucket: START + second.div_euclid(10) * 10,
        names: Arc::from(["x".into()]),
        events: 1,
        anomalies: 0,
        max_score: Some(0.5),
        newest: (START + second) * SECOND,
        values: vec![ValueHistory {
            count: 1,
            sum: value,
            min: value,
            max: value,
            last: value,
            expected: Some([value - 1.0, value, value + 1.0]),
        }],
    }
}

fn alert(number: i64, state: &'static str) -> AlertRow {
    AlertRow {
        id: format!("s~0~{number}"),
        stream: "s".to_owned(),
        source: "pump-7".to_owned(),
        state,
        severity: "high",
        opened_at: START * SECOND + number,
        json: format!(r#"{{"id":"s~0~{number}","state":"{state}"}}"#),
    }
}

fn notification(number: i64, receiver: &str) -> OutboxRow {
    OutboxRow {
        id: format!("s~0~{number}.1"),
        alert_id: format!("s~0~{number}"),
        receiver: receiver.to_owned(),
        body: "{}".to_owned(),
        created_at: START * SECOND,
    }
}

#[test]
fn a_verdict_that_is_there_changes_nothing() {
    let mut shop = Shop::open();
    let changed = VerdictRow {
        json: r#"{"other":1}"#.to_owned(),
        ..verdict(1, "pump-7")
    };
    assert_eq!(
        shop.verdicts(vec![
            verdict(1, "pump-7"),
            verdict(2, "pump-7"),
            changed.clone()
        ]),
        [true, true, false]
    );
    assert_eq!(
        shop.verdicts(vec![changed, verdict(3, "pump-7")]),
        [false, true]
    );
    assert_eq!(shop.anomalies(&AnomalyFilter::default()), ids([3, 2, 1]));
    let one = shop
        .ask(async |queries| queries.anomaly("s/0/2").await)
        .unwrap();
    assert_eq!(one.unwrap().get(), r#"{"id":"s/0/2"}"#);
    let none = shop
        .ask(async |queries| queries.anomaly("s/0/9").await)
        .unwrap();
    assert!(none.is_none());
}

#[test]
fn drifts_are_kept_once_found_by_what_is_asked_and_go_with_their_key() {
    let mut shop = Shop::open();
    let drift = |offset: i64, source: &str| DriftRow {
        id: format!("s/0/{offset}"),
        stream: "s".to_owned(),
        source: source.to_owned(),
        at: START * SECOND + offset * SECOND,
        test: "ks",
        magnitude: 0.5,
        json: format!(r#"{{"id":"s/0/{offset}"}}"#),
    };
    let mut commit = |drifts: Vec<DriftRow>| {
        let commit = Commit {
            drifts,
            ..Commit::default()
        };
        shop.store.commit(&commit).unwrap().is_new_drift
    };
    let first = vec![drift(1, "a"), drift(2, "a/x"), drift(3, "b")];
    assert_eq!(commit(first), [true, true, true]);
    assert_eq!(commit(vec![drift(3, "b"), drift(4, "b")]), [false, true]);
    let found = |shop: &Shop, filter: &DriftFilter, limit| {
        let page = shop
            .ask(async |queries| queries.drifts(filter, &PageRequest::first(limit)).await)
            .unwrap();
        let items: Vec<String> = page
            .items
            .iter()
            .map(|item| item.get().to_owned())
            .collect();
        (items, page.next_cursor)
    };
    let of = |source: &str| DriftFilter {
        source: Some(source.to_owned()),
        ..DriftFilter::default()
    };
    assert_eq!(
        found(&shop, &DriftFilter::default(), 9).0,
        ids([4, 3, 2, 1])
    );
    assert_eq!(found(&shop, &of("b"), 9).0, ids([4, 3]));
    let late = DriftFilter {
        stream: Some("s".to_owned()),
        from: Some((START + 2) * SECOND),
        to: Some((START + 4) * SECOND),
        ..DriftFilter::default()
    };
    assert_eq!(found(&shop, &late, 9).0, ids([3, 2]));
    let (items, cursor) = found(&shop, &DriftFilter::default(), 3);
    assert_eq!(items, ids([4, 3, 2]));
    let rest = PageRequest { limit: 3, cursor };
    let rest = shop.ask(async |queries| queries.drifts(&DriftFilter::default(), &rest).await);
    assert_eq!(rest.unwrap().items[0].get(), ids([1])[0]);
    shop.store.forget("s", Some("b")).unwrap();
    assert_eq!(found(&shop, &DriftFilter::default(), 9).0, ids([2, 1]));
    // Kept for days, by when it was written.
    shop.store.retain(START * SECOND).unwrap();
    assert_eq!(shop.count("drifts"), 2);
    shop.store.retain(i64::MAX / 2).unwrap();
    assert_eq!(shop.count("drifts"), 0);
}

#[test]
fn anomalies_are_found_by_what_is_asked() {
    let mut shop = Shop::open();
    let plain = VerdictRow {
        is_anomaly: false,
        severity: None,
        ..verdict(9, "pump-7")
    };
    let other = VerdictRow {
        stream: "t".to_owned(),
        severity: Some("low"),
        anomaly_score: Some(0.6),
        anomaly_type: Some("dip".to_owned()),
        ..verdict(4, "pump-8")
    };
    shop.verdicts(vec![
        verdict(1, "pump-7"),
        verdict(2, "pump-7/flow"),
        verdict(3, "pump-70"),
        other,
        plain,
    ]);
    shop.history(vec![event("pump-7/flow", 0, 1.0)]);
    let all = AnomalyFilter::default;
    let check = |filter: AnomalyFilter, expected: &[i64]| {
        assert_eq!(
            shop.anomalies(&filter),
            ids(expected.iter().copied()),
            "{filter:?}"
        );
    };
    check(all(), &[4, 3, 2, 1]);
    let of = |source: &str| Some(source.to_owned());
    check(
        AnomalyFilter {
            source: of("pump-7"),
            ..all()
        },
        &[2, 1],
    );
    check(
        AnomalyFilter {
            source: of("pump-70"),
            ..all()
        },
        &[3],
    );
    check(
        AnomalyFilter {
            source: of("pump-7/flow"),
            ..all()
        },
        &[2],
    );
    check(
        AnomalyFilter {
            stream: of("t"),
            ..all()
        },
        &[4],
    );
    let second = |second: i64| Some((START + second) * SECOND);
    check(
        AnomalyFilter {
            from: second(2),
            to: second(4),
            ..all()
        },
        &[3, 2],
    );
    check(
        AnomalyFilter {
            min_score: Some(0.7),
            ..all()
        },
        &[3, 2, 1],
    );
    let severities = vec![Severity::Low, Severity::Critical];
    check(
        AnomalyFilter {
            severities,
            ..all()
        },
        &[4],
    );
    check(
        AnomalyFilter {
            anomaly_type: of("dip"),
            ..all()
        },
        &[4],
    );
    check(
        AnomalyFilter {
            stream: of("s"),
            source: of("pump-7"),
            from: second(2),
            ..all()
        },
        &[2],
    );
}

#[test]
fn pages_follow_each_other_while_new_rows_come() {
    let mut shop = Shop::open();
    // Several at the same time: the number tells them apart.
    let at = |offset: i64| VerdictRow {
        at: START * SECOND + offset / 3,
        ..verdict(offset, "k")
    };
    shop.verdicts((0..20).map(at).collect());
    let mut seen = Vec::new();
    let mut request = PageRequest::first(3);
    for round in 0.. {
        let page = shop
            .ask(async |queries| queries.anomalies(&AnomalyFilter::default(), &request).await)
            .unwrap();
        seen.extend(page.items.iter().map(|item| item.get().to_owned()));
        let Some(next) = page.next_cursor else { break };
        request.cursor = Some(next);
        shop.verdicts(vec![at(100 + round)]);
    }
    assert_eq!(seen, ids((0..20).rev()));

    shop.history((0..7).map(|n| event(&format!("k{n}"), 0, 1.0)).collect());
    let mut names = Vec::new();
    let mut request = PageRequest::first(2);
    loop {
        let page = shop
            .ask(async |queries| queries.keys(None, None, &request).await)
            .unwrap();
        names.extend(page.items.into_iter().map(|key| key.source));
        let Some(next) = page.next_cursor else { break };
        request.cursor = Some(next);
        // Before where the list stands: not seen, and nothing is seen twice.
        shop.history(vec![event(&format!("a{}", names.len()), 0, 1.0)]);
    }
    assert_eq!(names, ["k0", "k1", "k2", "k3", "k4", "k5", "k6"]);

    let nonsense = PageRequest {
        limit: 10,
        cursor: Some("nonsense".to_owned()),
    };
    let answer = shop.ask(async |queries| queries.keys(None, None, &nonsense).await);
    assert!(matches!(answer, Err(QueryError::Cursor)));
}

#[test]
fn keys_are_found_by_name_and_told_apart() {
    let mut shop = Shop::open();
    let mut elsewhere = event("pump-7", 5, 2.0);
    elsewhere.stream = "t".to_owned();
    shop.history(vec![
        event("pump-7", 0, 1.0),
        event("pump-7", 25, 3.0),
        elsewhere,
        event("gate/left", 0, 1.0),
        event("gate/right", 0, 1.0),
        event("50%_", 0, 1.0),
    ]);
    let found = |part: &str| {
        let page = shop.ask(async |queries| {
            queries
                .keys(None, Some(part), &PageRequest::first(10))
                .await
        });
        let rows = page.unwrap().items.into_iter();
        rows.map(|key| format!("{}:{}", key.stream, key.source))
            .collect::<Vec<_>>()
    };
    assert_eq!(found("PUMP"), ["s:pump-7", "t:pump-7"]);
    assert_eq!(found("%_"), ["s:50%_"]);
    let key = |stream: Option<&str>, source: &str| {
        shop.ask(async |queries| queries.key(stream, source).await)
            .unwrap()
    };
    assert_eq!(key(None, "nobody"), KeyAnswer::Unknown);
    let several = |names: &[(&str, &str)]| {
        KeyAnswer::Several(
            names
                .iter()
                .map(|(a, b)| ((*a).into(), (*b).into()))
                .collect(),
        )
    };
    assert_eq!(
        key(None, "pump-7"),
        several(&[("s", "pump-7"), ("t", "pump-7")])
    );
    assert_eq!(
        key(None, "gate"),
        several(&[("s", "gate/left"), ("s", "gate/right")])
    );
    let KeyAnswer::One(row) = key(Some("s"), "pump-7") else {
        panic!("not one");
    };
    assert_eq!(
        serde_json::to_string(&willet_proto::Key::from(&row)).unwrap(),
        r#"{"stream":"s","source":"pump-7","events":2,"anomalies":0,"first_seen":"2026-01-02T03:00:00Z","last_seen":"2026-01-02T03:00:25Z","values":{"x":3.0}}"#
    );
}

#[test]
fn a_history_has_the_documented_shape() {
    let mut shop = Shop::open();
    shop.history(vec![event("k", 3, 1.0), event("k", 31, 5.0)]);
    assert_eq!(
        serde_json::to_string(&shop.drawn("k", 600).unwrap()).unwrap(),
        concat!(
            r#"{"stream":"s","source":"k","bucket_seconds":10,"times":[1767322800,1767322830],"events":[1,1],"anomalies":[0,0],"#,
            r#""max_score":[0.5,0.5],"features":[{"name":"x","mean":[1.0,5.0],"min":[1.0,5.0],"max":[1.0,5.0],"#,
            r#""low":[0.0,4.0],"middle":[1.0,5.0],"high":[2.0,6.0]}]}"#
        )
    );
    assert_eq!(shop.drawn("k", 1).unwrap().events, [2]);
    assert!(shop.drawn("nobody", 1).is_none());
}

#[test]
fn keys_beyond_the_limit_are_counted_and_have_no_history() {
    let mut shop = Shop::with(StoreOptions {
        max_history_series: 2,
        ..StoreOptions::default()
    });
    for round in 0..2 {
        shop.history(
            (0..5)
                .map(|n| event(&format!("k{n}"), round, 1.0))
                .collect(),
        );
    }
    let drawn = |shop: &Shop, key: &str| shop.drawn(key, 10).unwrap().times.len();
    assert_eq!((drawn(&shop, "k1"), drawn(&shop, "k2")), (1, 0));
    let totals = shop.ask(async |queries| queries.totals().await).unwrap();
    assert_eq!(totals.len(), 1);
    assert_eq!((totals[0].events, totals[0].keys), (10, 5));
    assert_eq!(totals[0].keys_without_history, 3);
    // Room that a deleted one leaves is used by the next new one.
    shop.store.forget("s", Some("k1")).unwrap();
    shop.history(vec![event("new", 0, 1.0)]);
    assert_eq!(drawn(&shop, "new"), 1);
}

fn any_events() -> impl Strategy<Value = Vec<HistoryRow>> {
    let row = (0..3_u8, 0..40_000_i64, 0..100_i32, any::<bool>());
    prop::collection::vec(row, 1..60).prop_map(|rows| {
        let row = |(key, second, value, has_both): (u8, i64, i32, bool)| {
            let mut row = event(&format!("k{key}"), second, f64::from(value));
            row.anomalies = u64::from(value > 90);
            if has_both {
                row.names = Arc::from(["y".into(), "x".into()]);
                row.values.push(row.values[0]);
            }
            row
        };
        rows.into_iter().map(row).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn merging_a_history_in_parts_gives_what_one_part_gives(
        rows in any_events(),
        cuts in prop::collection::vec(0..60_usize, 0..4),
    ) {
        let mut whole = Shop::open();
        whole.history(rows.clone());
        let mut parts = Shop::open();
        let mut part = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            part.push(row.clone());
            if cuts.contains(&index) {
                parts.history(std::mem::take(&mut part));
            }
        }
        parts.history(part);
        for key in ["k0", "k1", "k2"] {
            for points in [3, 60, 2000] {
                prop_assert_eq!(whole.drawn(key, points), parts.drawn(key, points));
            }
        }
        let totals = |shop: &Shop| shop.ask(async |queries| queries.totals().await).unwrap();
        prop_assert_eq!(totals(&whole), totals(&parts));
        let activity = |shop: &Shop| {
            shop.ask(async |queries| queries.activity(None, None, None, 30, 5).await).unwrap()
        };
        prop_assert_eq!(activity(&whole), activity(&parts));
        prop_assert_eq!(activity(&whole).events.iter().sum::<u64>(), rows.len() as u64);
    }
}

#[test]
fn activity_counts_all_and_shows_who_was_strangest() {
    let mut shop = Shop::open();
    let mut rows: Vec<HistoryRow> = (0..100).map(|n| event("a", n * 10, 1.0)).collect();
    rows[5].anomalies = 1;
    shop.history(rows);
    shop.verdicts(vec![
        verdict(50, "a"),
        verdict(55, "b"),
        verdict(400, "b"),
        verdict(999, "b"),
    ]);
    let activity = shop
        .ask(async |queries| queries.activity(Some("s"), None, None, 10, 1).await)
        .unwrap();
    assert_eq!(activity.times.len(), activity.events.len());
    assert!(activity.times.len() <= 10);
    assert_eq!(activity.events.iter().sum::<u64>(), 100);
    assert_eq!(activity.anomalies.iter().sum::<u64>(), 1);
    let [strangest] = &activity.sources[..] else {
        panic!("not one: {activity:?}");
    };
    assert_eq!((&*strangest.source, strangest.total), ("b", 3));
    assert_eq!(strangest.anomalies.iter().sum::<u64>(), 3);
    assert_eq!(strangest.max_score[0], Some(0.8));
    // A time with nothing in it, an unknown stream, a span without sense.
    for (stream, from, to) in [
        (Some("s"), Some(0), Some(10)),
        (Some("other"), None, None),
        (None, Some(i64::MAX), Some(i64::MIN)),
        (None, Some(i64::MIN), Some(i64::MAX)),
    ] {
        let answer = shop.ask(async |queries| queries.activity(stream, from, to, 60, 30).await);
        assert!(answer.unwrap().times.len() <= 60);
    }
}

#[test]
fn alerts_are_replaced_listed_and_have_receipts() {
    let mut shop = Shop::open();
    let commit = Commit {
        alerts: vec![alert(1, "open"), alert(2, "open")],
        outbox: vec![notification(1, "pager"), notification(1, "mail")],
        ..Commit::default()
    };
    shop.store.commit(&commit).unwrap();
    let commit = Commit {
        alerts: vec![alert(1, "resolved")],
        outbox: vec![notification(1, "pager")],
        ..Commit::default()
    };
    shop.store.commit(&commit).unwrap();
    let listed = |states: Vec<AlertState>| {
        let filter = AlertFilter {
            states,
            source: Some("pump-7".to_owned()),
            severities: vec![Severity::High],
            ..AlertFilter::default()
        };
        let page = shop.ask(async |queries| queries.alerts(&filter, &PageRequest::first(9)).await);
        let items = page.unwrap().items;
        items
            .iter()
            .map(|item| item.get().to_owned())
            .collect::<Vec<_>>()
    };
    let open = r#"{"id":"s~0~2","state":"open"}"#;
    let resolved = r#"{"id":"s~0~1","state":"resolved"}"#;
    assert_eq!(listed(vec![]), [open, resolved]);
    assert_eq!(
        listed(vec![AlertState::Open, AlertState::Acknowledged]),
        [open]
    );

    let due = shop
        .ask(async |queries| queries.due("pager", START * SECOND, 10).await)
        .unwrap();
    assert_eq!(due.len(), 1, "the same is sent once: {due:?}");
    let attempt = |attempts, outcome| Attempt {
        id: due[0].id.clone(),
        receiver: "pager".to_owned(),
        alert_id: due[0].alert_id.clone(),
        at: START * SECOND,
        attempts,
        outcome,
    };
    let retry = attempt(
        1,
        AttemptOutcome::Retry {
            next_attempt_at: START * SECOND + 5,
            detail: "500".to_owned(),
        },
    );
    shop.ask(async |queries| queries.record_attempt(&retry).await)
        .unwrap();
    let due_at = |at| {
        shop.ask(async |queries| queries.due("pager", at, 10).await)
            .unwrap()
    };
    assert_eq!(due_at(START * SECOND + 4), []);
    assert_eq!(due_at(START * SECOND + 5)[0].attempts, 1);
    assert_eq!(
        shop.ask(async |queries| queries.next_due("pager").await)
            .unwrap(),
        Some(START * SECOND + 5)
    );
    let delivered = attempt(2, AttemptOutcome::Delivered);
    shop.ask(async |queries| queries.record_attempt(&delivered).await)
        .unwrap();
    assert_eq!(due_at(i64::MAX), []);
    let waiting = shop
        .ask(async |queries| queries.waiting_receivers().await)
        .unwrap();
    assert_eq!(waiting, [("mail".to_owned(), 1)]);
    let shown = shop
        .ask(async |queries| queries.alert("s~0~1").await)
        .unwrap()
        .unwrap();
    assert_eq!(shown.0.get(), resolved);
    assert_eq!(
        serde_json::to_string(&shown.1).unwrap(),
        concat!(
            r#"[{"webhook":"mail","at":"2026-01-02T03:00:00Z","status":"pending","attempts":0},"#,
            r#"{"webhook":"pager","at":"2026-01-02T03:00:00Z","status":"delivered","attempts":2}]"#
        )
    );
}

#[test]
fn what_the_node_remembers_comes_back() {
    let mut shop = Shop::open();
    let position = |offset| PositionRow {
        stream: "s".to_owned(),
        partition: 3,
        offset,
    };
    let request = |key: &str, at| RequestRow {
        key: key.to_owned(),
        at,
        answer: vec![0, 255],
    };
    let commit = Commit {
        incident_state: vec![
            ("a".to_owned(), Some(vec![1])),
            ("b".to_owned(), Some(vec![])),
        ],
        requests: vec![request("old", 5), request("new", 7)],
        positions: vec![position(10)],
        ..Commit::default()
    };
    shop.store.commit(&commit).unwrap();
    let commit = Commit {
        incident_state: vec![("a".to_owned(), None), ("b".to_owned(), Some(vec![2]))],
        positions: vec![position(u64::from(u32::MAX) + 1)],
        ..Commit::default()
    };
    shop.store.commit(&commit).unwrap();
    shop.store.sync().unwrap();
    let path = shop.store.path().to_path_buf();
    drop(shop.store);
    let mut store = SqliteStore::open(&path, StoreOptions::default()).unwrap();
    assert_eq!(store.incident_state().unwrap(), [("b".to_owned(), vec![2])]);
    assert_eq!(
        store.positions().unwrap(),
        [position(u64::from(u32::MAX) + 1)]
    );
    let keys: Vec<String> = store
        .requests(6)
        .unwrap()
        .into_iter()
        .map(|row| row.key)
        .collect();
    assert_eq!(keys, ["new"]);
}

#[test]
fn verdicts_and_alerts_go_by_their_arrival_and_not_by_their_time() {
    let mut shop = Shop::with(StoreOptions {
        verdict_days: 10,
        ..StoreOptions::default()
    });
    let today = START * SECOND;
    let commit = Commit {
        verdicts: vec![VerdictRow {
            at: 0,
            ..verdict(1, "k")
        }],
        alerts: vec![alert(1, "resolved"), alert(2, "open")],
        outbox: vec![notification(1, "pager")],
        ..Commit::default()
    };
    shop.store.commit(&commit).unwrap();
    assert!(!shop.store.retain(today).unwrap());
    shop.verdicts(vec![verdict(2, "k")]);
    assert!(!shop.store.retain(today + 9 * DAY).unwrap());
    assert_eq!(
        shop.count("verdicts"),
        2,
        "of the year 1970, and from today"
    );
    shop.store.retain(today + 10 * DAY).unwrap();
    assert_eq!(shop.anomalies(&AnomalyFilter::default()), ids([2]));
    // An open alert stays however old it is.
    assert_eq!((shop.count("alerts"), shop.count("receipts")), (1, 0));
    shop.store.retain(today + 19 * DAY).unwrap();
    assert_eq!(shop.count("verdicts"), 0);
}

#[test]
fn requests_and_what_was_sent_go_after_their_time() {
    let mut shop = Shop::open();
    let now = START * SECOND;
    let commit = Commit {
        requests: vec![RequestRow {
            key: "k".to_owned(),
            at: now,
            answer: Vec::new(),
        }],
        outbox: vec![notification(1, "pager"), notification(2, "pager")],
        ..Commit::default()
    };
    shop.store.commit(&commit).unwrap();
    let delivered = Attempt {
        id: "s~0~1.1".to_owned(),
        receiver: "pager".to_owned(),
        alert_id: "s~0~1".to_owned(),
        at: now,
        attempts: 1,
        outcome: AttemptOutcome::Delivered,
    };
    shop.ask(async |queries| queries.record_attempt(&delivered).await)
        .unwrap();
    shop.store.retain(now + DAY).unwrap();
    assert_eq!((shop.count("requests"), shop.count("outbox")), (1, 2));
    shop.store.retain(now + DAY + 1).unwrap();
    assert_eq!((shop.count("requests"), shop.count("outbox")), (0, 2));
    // What still waits then waits for a receiver that is no longer there: delivery gives up after a day.
    shop.store.retain(now + 7 * DAY + 1).unwrap();
    assert_eq!(shop.count("outbox"), 0);
    assert_eq!(
        shop.count("receipts WHERE status = 'failed' AND id = 's~0~2.1'"),
        1
    );
}

#[test]
fn histories_keep_each_level_for_its_time() {
    let mut shop = Shop::open();
    let of_level = |shop: &mut Shop| {
        LEVELS.map(|level| shop.count(&format!("history WHERE level = {}", level.number)))
    };
    shop.history(vec![event("k", 0, 1.0)]);
    // The newest of each level stands with its series.
    for (days, expected) in [(1, [0, 1, 1]), (32, [0, 1, 2]), (401, [0, 0, 2])] {
        shop.history(vec![event("k", days * 86_400 + 3600, 1.0)]);
        while shop.store.retain(0).unwrap() {}
        assert_eq!(of_level(&mut shop), expected, "after {days} days");
    }
    // One that is too old for a level is not even written to it.
    shop.history(vec![event("k", 399 * 86_400, 1.0)]);
    assert_eq!(of_level(&mut shop), [0, 1, 3]);
    assert_eq!(shop.drawn("k", 600).unwrap().events.len(), 4);
}

#[test]
fn the_oldest_verdicts_go_when_the_file_is_too_large() {
    let mut shop = Shop::with(StoreOptions {
        max_bytes: 1_500_000,
        ..StoreOptions::default()
    });
    let large = |offset| VerdictRow {
        json: format!(r#"{{"text":"{}"}}"#, "x".repeat(500)),
        ..verdict(offset, "k")
    };
    shop.verdicts((0..3000).map(large).collect());
    while shop.store.retain(START * SECOND).unwrap() {}
    let left = shop.count("verdicts");
    assert!((1..2000).contains(&left), "{left} left");
    let newest = shop
        .ask(async |queries| queries.anomaly("s/0/2999").await)
        .unwrap();
    assert!(newest.is_some());
}

#[test]
fn a_deleted_key_or_stream_is_gone() {
    let mut shop = Shop::open();
    let fill = |shop: &mut Shop| {
        let commit = Commit {
            verdicts: vec![verdict(1, "a"), verdict(2, "b")],
            history: vec![event("a", 0, 1.0), event("b", 0, 1.0)],
            positions: vec![PositionRow {
                stream: "s".to_owned(),
                partition: 0,
                offset: 3,
            }],
            ..Commit::default()
        };
        shop.store.commit(&commit).unwrap();
    };
    fill(&mut shop);
    shop.store.forget("s", Some("a")).unwrap();
    assert_eq!(shop.anomalies(&AnomalyFilter::default()), ids([2]));
    assert!(shop.drawn("a", 10).is_none());
    assert!(shop.drawn("b", 10).is_some());
    assert_eq!(shop.store.positions().unwrap().len(), 1);
    shop.store.forget("s", None).unwrap();
    assert_eq!(shop.store.positions().unwrap(), []);
    for table in ["verdicts", "series", "history", "activity", "totals"] {
        assert_eq!(shop.count(table), 0, "{table}");
    }
    fill(&mut shop);
    assert_eq!(shop.anomalies(&AnomalyFilter::default()), ids([2, 1]));
}

#[test]
fn streams_are_kept() {
    let shop = Shop::open();
    let row = StreamRow {
        name: "pumps".to_owned(),
        managed_by: "api".to_owned(),
        config: "detector:\n  algorithm: hst\n".to_owned(),
        is_paused: false,
        created_at: 5,
        model: None,
    };
    shop.ask(async |queries| {
        queries.add_stream(&row).await.unwrap();
        assert!(matches!(
            queries.add_stream(&row).await,
            Err(QueryError::Exists { .. })
        ));
        assert_eq!(queries.streams().await.unwrap(), std::slice::from_ref(&row));
        let changed = StreamRow {
            model: Some("{}".to_owned()),
            created_at: 9,
            ..row.clone()
        };
        assert!(queries.change_stream(&changed).await.unwrap());
        assert!(queries.set_paused("pumps", true).await.unwrap());
        let kept = queries.stream("pumps").await.unwrap().unwrap();
        assert_eq!((kept.created_at, kept.is_paused), (5, true));
        assert!(queries.remove_stream("pumps").await.unwrap());
        assert!(!queries.remove_stream("pumps").await.unwrap());
        assert!(!queries.change_stream(&changed).await.unwrap());
        assert_eq!(queries.stream("pumps").await.unwrap(), None);
    });
}

#[test]
fn tokens_are_good_until_they_expire_or_are_revoked() {
    let mut shop = Shop::open();
    shop.ask(async |queries| {
        let new = |text: &str, expires_at| NewToken {
            token: text.to_owned(),
            name: "ci".to_owned(),
            role: "admin".to_owned(),
            created_at: 1,
            expires_at,
        };
        let forever = queries.add_token(&new("one", None)).await.unwrap();
        queries.add_token(&new("two", Some(10))).await.unwrap();
        assert!(queries.add_token(&new("one", None)).await.is_err());
        let is_good =
            async |text: &str, now| queries.verify_token(text, now).await.unwrap().is_some();
        assert!(is_good("one", 100).await);
        assert!(is_good("two", 9).await);
        assert!(!is_good("two", 10).await);
        assert!(!is_good("three", 0).await);
        assert!(queries.revoke_token(forever, 50).await.unwrap());
        assert!(!queries.revoke_token(forever, 51).await.unwrap());
        assert!(!is_good("one", 100).await);
        let tokens = queries.tokens().await.unwrap();
        assert_eq!(tokens[0].revoked_at, Some(50));
    });
    // The token itself is nowhere in the file.
    shop.store.sync().unwrap();
    for name in ["store.sqlite", "store.sqlite-wal"] {
        let bytes = std::fs::read(shop.folder.path().join(name)).unwrap_or_default();
        assert!(!bytes.windows(3).any(|bytes| bytes == b"two"));
    }
}

#[test]
fn a_locked_file_is_worth_another_try() {
    let mut shop = Shop::open();
    let path = shop.store.path().to_path_buf();
    let mut other = shop.runtime.block_on(async {
        let mut other = connect::options(&path, 50, Purpose::Write)
            .connect()
            .await
            .unwrap();
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut other)
            .await
            .unwrap();
        other
    });
    let commit = Commit {
        verdicts: vec![verdict(1, "k")],
        ..Commit::default()
    };
    let error = shop.store.commit(&commit).unwrap_err();
    assert!(error.is_retryable && !error.is_full, "{error:?}");
    assert!(shop.store.sync().unwrap_err().is_retryable);
    // Readers are not held up.
    assert_eq!(shop.anomalies(&AnomalyFilter::default()), ids([]));
    shop.runtime
        .block_on(async { sqlx::query("ROLLBACK").execute(&mut other).await })
        .unwrap();
    assert_eq!(shop.store.commit(&commit).unwrap().is_new, [true]);
    shop.store.sync().unwrap();
}

#[test]
fn a_reader_in_the_middle_does_not_hold_up_a_sync() {
    let mut shop = Shop::open();
    shop.verdicts(vec![verdict(1, "k")]);
    let path = shop.store.path().to_path_buf();
    let _reader = shop.runtime.block_on(async {
        let mut reader = connect::options(&path, 50, Purpose::Read)
            .connect()
            .await
            .unwrap();
        sqlx::query("BEGIN").execute(&mut reader).await.unwrap();
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM verdicts")
            .fetch_one(&mut reader)
            .await
            .unwrap();
        assert_eq!(count, 1);
        reader
    });
    shop.verdicts(vec![verdict(2, "k")]);
    shop.store.sync().unwrap();
}

#[test]
fn a_full_disk_is_told_and_nothing_is_half_done() {
    let mut shop = Shop::open();
    let pages = |shop: &mut Shop, most: i64| {
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {most}"));
        shop.store
            .run(async |connection, _, _| {
                Ok(sqlx::query_scalar::<_, i64>(sql)
                    .fetch_one(connection)
                    .await?)
            })
            .unwrap()
    };
    let used = pages(&mut shop, 1);
    pages(&mut shop, used + 20);
    let many = Commit {
        verdicts: (0..5000).map(|offset| verdict(offset, "k")).collect(),
        history: vec![event("k", 0, 1.0)],
        ..Commit::default()
    };
    let error = shop.store.commit(&many).unwrap_err();
    assert!(error.is_full && error.is_retryable, "{error:?}");
    assert!(error.message.contains("no space left"), "{error}");
    assert_eq!((shop.count("verdicts"), shop.count("series")), (0, 0));
    pages(&mut shop, 1_000_000);
    assert!(shop.store.commit(&many).is_ok());
}

#[test]
fn a_damaged_file_says_what_to_do() {
    let shop = Shop::open();
    let path = shop.store.path().to_path_buf();
    let Shop {
        mut store, folder, ..
    } = shop;
    let commit = Commit {
        verdicts: (0..2000).map(|offset| verdict(offset, "k")).collect(),
        ..Commit::default()
    };
    store.commit(&commit).unwrap();
    drop(store);
    let copied = folder.path().join("copy.sqlite");
    copy(&path, &copied).unwrap();
    let found = verify(&copied).unwrap();
    assert_eq!((found.verdicts, found.damage), (2000, vec![]));

    let sound = std::fs::read(&copied).unwrap();
    let mut damaged = sound.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 8192].fill(0xa5);
    std::fs::write(&copied, &damaged).unwrap();
    let is_found = match verify(&copied) {
        Ok(found) => !found.damage.is_empty(),
        Err(error) => error.message.contains("is damaged"),
    };
    assert!(is_found);

    std::fs::write(
        &copied,
        b"this is no database, but long enough to look like one".repeat(99),
    )
    .unwrap();
    let error = SqliteStore::open(&copied, StoreOptions::default()).unwrap_err();
    assert!(error.message.contains("copy.sqlite is damaged"), "{error}");
    assert!(error.message.contains("willet verify"), "{error}");
    assert!(!error.is_retryable);

    let error = SqliteStore::open(
        &folder.path().join("none/x.sqlite"),
        StoreOptions::default(),
    );
    assert!(
        error
            .unwrap_err()
            .message
            .contains("check that its folder exists")
    );
}

#[test]
fn the_format_of_a_newer_build_is_refused() {
    let mut shop = Shop::open();
    shop.store
        .run(async |connection, _, _| {
            sqlx::query(
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (99, 'later', TRUE, x'00', 0)",
            )
            .execute(connection)
            .await?;
            Ok(())
        })
        .unwrap();
    let path = shop.store.path().to_path_buf();
    let error = SqliteStore::open(&path, StoreOptions::default()).unwrap_err();
    assert!(error.message.contains("format 99"), "{error}");
    assert!(error.message.contains("newer willet"), "{error}");
}

#[test]
fn hostile_words_are_only_words() {
    let mut shop = Shop::open();
    for (offset, word) in [
        "'; DROP TABLE verdicts; --",
        "\"quoted\" \\ % _ *",
        "nul\0inside",
        "\u{202e}right to left \u{1f4a5}",
        "",
        "a/../../etc/passwd",
    ]
    .into_iter()
    .enumerate()
    {
        let offset = offset as i64;
        let mut history = event(word, 0, f64::NAN);
        history.names = Arc::from([Box::from(word)]);
        let commit = Commit {
            verdicts: vec![VerdictRow {
                anomaly_type: Some(word.to_owned()),
                anomaly_score: Some(f64::NAN),
                ..verdict(offset, word)
            }],
            history: vec![history],
            ..Commit::default()
        };
        shop.store.commit(&commit).unwrap();
        let filter = AnomalyFilter {
            source: Some(word.to_owned()),
            anomaly_type: Some(word.to_owned()),
            ..AnomalyFilter::default()
        };
        assert_eq!(shop.anomalies(&filter), ids([offset]), "{word:?}");
        let history = shop.drawn(word, 10).unwrap();
        assert_eq!(history.events, [1]);
        assert!(serde_json::to_string(&history).is_ok());
        let found = shop
            .ask(async |queries| queries.keys(None, Some(word), &PageRequest::first(9)).await)
            .unwrap();
        assert!(found.items.iter().any(|key| key.source == word), "{word:?}");
    }
}

#[test]
fn a_question_cannot_write() {
    let shop = Shop::open();
    let path = shop.store.path().to_path_buf();
    let written = shop.runtime.block_on(async {
        let mut reader = connect::options(&path, 50, Purpose::Read)
            .connect()
            .await
            .unwrap();
        sqlx::query("DELETE FROM meta").execute(&mut reader).await
    });
    assert!(written.is_err());
}
