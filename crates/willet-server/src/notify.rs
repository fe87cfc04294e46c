//! Delivers what waits in the outbox: one task for each webhook, so that a receiver that stalls delays no other.
//!
//! Each receiver gets one notification at a time, the longest due first. What comes of an attempt is written down before
//! the next; an attempt that was cut off is made again after a restart, under the same `webhook-id`.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use willet_connectors::webhook::{NextStep, Receiver, Webhook, WebhookSender, next_step};
use willet_store::{Attempt, AttemptOutcome, Due, Queries, QueryError};

/// Notifications read at a time.
const BATCH: usize = 16;
/// How long nothing is looked for unless somebody says that the outbox has grown. Also the wait after an error of the store.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long an attempt under way may still take when the service stops.
const GRACE: Duration = Duration::from_secs(2);

/// Delivers until `shutdown`. `now` is the clock (microseconds since the epoch); `grown` waits until the outbox may have grown,
/// and may miss it: it is looked into every second anyway.
pub async fn deliver<Clock, Grown, Wait>(
    queries: Queries,
    sender: WebhookSender,
    webhooks: Vec<Webhook>,
    now: Clock,
    grown: Grown,
    shutdown: CancellationToken,
) where
    Clock: Fn() -> i64 + Clone + Send + 'static,
    Grown: Fn() -> Wait + Clone + Send + 'static,
    Wait: Future<Output = ()> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for webhook in webhooks {
        let desk = Desk {
            queries: queries.clone(),
            sender: sender.clone(),
            webhook,
            receiver: Receiver::default(),
            now: now.clone(),
            shutdown: shutdown.clone(),
        };
        tasks.spawn(desk.serve(grown.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a webhook's delivery ended");
        }
    }
}

/// All that serves one receiver.
struct Desk<Clock> {
    queries: Queries,
    sender: WebhookSender,
    webhook: Webhook,
    receiver: Receiver,
    now: Clock,
    shutdown: CancellationToken,
}

impl<Clock: Fn() -> i64> Desk<Clock> {
    async fn serve<Wait: Future<Output = ()>>(mut self, grown: impl Fn() -> Wait) {
        while !self.shutdown.is_cancelled() {
            let pause = match self.round().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(webhook = self.webhook.name(), %error, "notifications wait");
                    LOOK_EVERY
                }
            };
            if pause.is_zero() {
                continue;
            }
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                // One that rests is not asked sooner because there is more to tell it.
                () = grown(), if self.receiver.rests_until() <= (self.now)() => {}
            }
        }
    }

    /// Sends what is due; returns how long there is nothing to do.
    async fn round(&mut self) -> Result<Duration, QueryError> {
        let now = (self.now)();
        if self.receiver.rests_until() > now {
            return Ok(until(now, self.receiver.rests_until()));
        }
        let due = self.queries.due(self.webhook.name(), now, BATCH).await?;
        let is_more = due.len() == BATCH;
        for notification in due {
            if !self.attempt(&notification).await? {
                return Ok(Duration::ZERO);
            }
        }
        if is_more {
            return Ok(Duration::ZERO);
        }
        let next = self.queries.next_due(self.webhook.name()).await?;
        Ok(next.map_or(LOOK_EVERY, |next| until((self.now)(), next)))
    }

    /// Makes one attempt and writes down what came of it; returns whether the receiver can take another one now.
    async fn attempt(&mut self, due: &Due) -> Result<bool, QueryError> {
        if self.shutdown.is_cancelled() {
            return Ok(false);
        }
        let sending = self
            .sender
            .send(&self.webhook, &due.id, &due.body, (self.now)());
        let outcome = tokio::select! {
            outcome = sending => outcome,
            () = stopped(&self.shutdown) => return Ok(false),
        };
        let now = (self.now)();
        let attempts = due.attempts.saturating_add(1);
        self.receiver.after(&outcome, &due.id, now);
        let step = next_step(&outcome, &due.id, attempts, due.created_at, now);
        let outcome = match step {
            NextStep::Delivered => AttemptOutcome::Delivered,
            NextStep::Retry { at, detail } => AttemptOutcome::Retry {
                next_attempt_at: at,
                detail,
            },
            NextStep::Failed { detail } => AttemptOutcome::Failed { detail },
        };
        if let AttemptOutcome::Failed { detail } = &outcome {
            tracing::warn!(
                webhook = self.webhook.name(),
                alert = due.alert_id,
                detail,
                "a notification was not delivered"
            );
        }
        let attempt = Attempt {
            id: due.id.clone(),
            receiver: due.receiver.clone(),
            alert_id: due.alert_id.clone(),
            at: now,
            attempts,
            outcome,
        };
        self.queries.record_attempt(&attempt).await?;
        Ok(self.receiver.rests_until() <= now)
    }
}

/// Ends when the service stops and the last attempt has had its grace.
async fn stopped(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

/// From `now` to `then` (microseconds), at most [`LOOK_EVERY`].
fn until(now: i64, then: i64) -> Duration {
    let micros = then.saturating_sub(now).max(0);
    Duration::from_micros(micros as u64).min(LOOK_EVERY)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::extract::State;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::post;
    use willet_connectors::webhook::WebhookConfig;
    use willet_node::store::{AlertRow, Commit, OutboxRow, Store};
    use willet_store::{SqliteStore, StoreOptions};

    use super::*;

    const START: i64 = 1_767_323_045_000_000;
    const SECOND: i64 = 1_000_000;

    /// A receiver whose answers are told; the last is repeated. `None` never answers.
    #[derive(Clone)]
    struct Hook {
        answers: Arc<Mutex<Vec<Option<u16>>>>,
        ids: Arc<Mutex<Vec<String>>>,
    }

    async fn answer(State(hook): State<Hook>, headers: HeaderMap) -> StatusCode {
        let id = headers["webhook-id"].to_str().unwrap_or_default();
        hook.ids.lock().expect("no panic").push(id.to_owned());
        let next = {
            let mut answers = hook.answers.lock().expect("no panic");
            if answers.len() > 1 {
                answers.remove(0)
            } else {
                answers[0]
            }
        };
        match next {
            Some(status) => StatusCode::from_u16(status).expect("a status"),
            None => std::future::pending().await,
        }
    }

    impl Hook {
        fn ids(&self) -> Vec<String> {
            self.ids.lock().expect("no panic").clone()
        }

        async fn start(answers: &[Option<u16>]) -> (Self, String) {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/", listener.local_addr().unwrap());
            (Self::listen(listener, answers), url)
        }

        fn listen(listener: tokio::net::TcpListener, answers: &[Option<u16>]) -> Self {
            let hook = Self {
                answers: Arc::new(Mutex::new(answers.to_vec())),
                ids: Arc::default(),
            };
            let router = Router::new()
                .route("/", post(answer))
                .with_state(hook.clone());
            #[expect(clippy::disallowed_methods, reason = "a receiver ends with its test")]
            tokio::spawn(async move { axum::serve(listener, router).await });
            hook
        }
    }

    fn webhook(name: &str, url: &str, timeout_seconds: f64) -> Webhook {
        let config = WebhookConfig {
            name: name.to_owned(),
            url: url.to_owned(),
            secret: None,
            timeout_seconds,
            headers: std::collections::BTreeMap::new(),
        };
        Webhook::try_from(&config).unwrap()
    }

    /// An outbox with a notification of each number for each receiver.
    async fn outbox(
        folder: &tempfile::TempDir,
        receivers: &[&str],
        numbers: std::ops::Range<i64>,
    ) -> Queries {
        let path: PathBuf = folder.path().join("store.sqlite");
        let rows = numbers.clone().flat_map(|number| {
            receivers.iter().map(move |receiver| OutboxRow {
                id: format!("s~0~{number}.1.{receiver}"),
                alert_id: format!("s~0~{number}"),
                receiver: (*receiver).to_owned(),
                body: "{}".to_owned(),
                created_at: START,
            })
        });
        let alert = |number: i64| AlertRow {
            id: format!("s~0~{number}"),
            stream: "s".to_owned(),
            source: "k".to_owned(),
            state: "open",
            severity: "high",
            opened_at: START,
            json: "{}".to_owned(),
        };
        let commit = Commit {
            outbox: rows.collect(),
            alerts: numbers.map(alert).collect(),
            ..Commit::default()
        };
        let at = path.clone();
        tokio::task::spawn_blocking(move || {
            let mut store = SqliteStore::open(&at, StoreOptions::default()).unwrap();
            store.commit(&commit).unwrap();
        })
        .await
        .unwrap();
        Queries::open(&path).await.unwrap()
    }

    /// A clock that is two minutes on whenever it is looked at: nothing is waited for, everything is due.
    fn hasty() -> impl Fn() -> i64 + Clone + Send + 'static {
        let clock = Arc::new(AtomicI64::new(START));
        move || clock.fetch_add(120 * SECOND, Ordering::Relaxed)
    }

    /// Delivers until `is_done` says so.
    async fn run(
        queries: &Queries,
        webhooks: Vec<Webhook>,
        now: impl Fn() -> i64 + Clone + Send + 'static,
        is_done: impl AsyncFn(&Queries) -> bool,
    ) {
        // A second test of this process finds it installed.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let shutdown = CancellationToken::new();
        #[expect(clippy::disallowed_methods, reason = "joined below")]
        let delivery = tokio::spawn(deliver(
            queries.clone(),
            WebhookSender::new().unwrap(),
            webhooks,
            now,
            std::future::pending::<()>,
            shutdown.clone(),
        ));
        while !is_done(queries).await {
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
        delivery.await.unwrap();
    }

    async fn is_empty(queries: &Queries) -> bool {
        queries.waiting_receivers().await.unwrap().is_empty()
    }

    async fn receipts(queries: &Queries, alert: &str) -> String {
        let (_, receipts) = queries.alert(alert).await.unwrap().unwrap();
        serde_json::to_string(&receipts).unwrap()
    }

    #[tokio::test]
    async fn what_fails_is_tried_again_under_the_same_id() {
        let folder = tempfile::tempdir().unwrap();
        let (hook, url) = Hook::start(&[Some(500), Some(429), Some(200)]).await;
        let queries = outbox(&folder, &["pager"], 0..1).await;
        run(
            &queries,
            vec![webhook("pager", &url, 5.0)],
            hasty(),
            is_empty,
        )
        .await;
        let ids = hook.ids();
        assert_eq!(ids.len(), 3);
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let text = receipts(&queries, "s~0~0").await;
        assert!(
            text.contains(r#""status":"delivered","attempts":3"#),
            "{text}"
        );
    }

    #[tokio::test]
    async fn what_is_refused_is_given_up_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let (hook, url) = Hook::start(&[Some(410), Some(200)]).await;
        let queries = outbox(&folder, &["pager"], 0..2).await;
        run(
            &queries,
            vec![webhook("pager", &url, 5.0)],
            hasty(),
            is_empty,
        )
        .await;
        assert_eq!(hook.ids().len(), 2);
        let text = receipts(&queries, "s~0~0").await;
        assert!(
            text.contains(r#""status":"failed","attempts":1,"detail":"410 Gone"#),
            "{text}"
        );
        let text = receipts(&queries, "s~0~1").await;
        assert!(
            text.contains(r#""status":"delivered","attempts":1"#),
            "{text}"
        );
    }

    #[tokio::test]
    async fn one_that_stalls_delays_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let (stalled, slow) = Hook::start(&[None]).await;
        let (_, quick) = Hook::start(&[Some(200)]).await;
        let queries = outbox(&folder, &["stalled", "quick"], 0..30).await;
        let webhooks = vec![
            webhook("stalled", &slow, 0.3),
            webhook("quick", &quick, 5.0),
        ];
        let is_done = async |queries: &Queries| {
            let waiting = queries.waiting_receivers().await.unwrap();
            waiting == [("stalled".to_owned(), 30)] && !stalled.ids().is_empty()
        };
        // A clock that stands: what failed stays where it is.
        run(&queries, webhooks, || START, is_done).await;
        // One at a time, and after the first silence it rests.
        assert!(stalled.ids().len() <= 2, "{:?}", stalled.ids());
    }

    #[tokio::test]
    async fn one_that_was_away_gets_everything_when_it_is_back() {
        let folder = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let queries = outbox(&folder, &["pager"], 0..3).await;
        let hook: Arc<Mutex<Option<Hook>>> = Arc::default();
        let is_done = async |queries: &Queries| {
            let text = receipts(queries, "s~0~0").await;
            if hook.lock().unwrap().is_none() && text.contains("refused") {
                let listener = tokio::net::TcpListener::bind(address).await.unwrap();
                *hook.lock().unwrap() = Some(Hook::listen(listener, &[Some(200)]));
            }
            is_empty(queries).await
        };
        let webhooks = vec![webhook("pager", &format!("http://{address}/"), 5.0)];
        run(&queries, webhooks, hasty(), is_done).await;
        let text = receipts(&queries, "s~0~0").await;
        assert!(text.contains(r#""status":"delivered""#), "{text}");
        let came = hook.lock().unwrap().as_ref().map(|hook| hook.ids().len());
        assert_eq!(came, Some(3));
    }

    #[tokio::test]
    async fn after_a_day_it_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let (_, url) = Hook::start(&[Some(503)]).await;
        let queries = outbox(&folder, &["pager"], 0..1).await;
        let clock = Arc::new(AtomicI64::new(START));
        // Two hours at a look.
        let now = move || clock.fetch_add(7200 * SECOND, Ordering::Relaxed);
        run(&queries, vec![webhook("pager", &url, 5.0)], now, is_empty).await;
        let text = receipts(&queries, "s~0~0").await;
        assert!(text.contains(r#""status":"failed""#), "{text}");
        assert!(text.contains("given up after"), "{text}");
    }
}
