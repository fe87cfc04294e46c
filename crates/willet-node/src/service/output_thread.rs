//! The thread of outputs: incidents, then one transaction of the store, then whoever listens.
//!
//! ```text
//! flagged verdicts, commands ─► incidents log (durable) ─► incidents ─► alerts, notifications ─┐
//! verdicts, histories, requests, positions ────────────────────────────────────────────────────┴─► one transaction ─► topics
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use tokio::sync::oneshot;
use willet_engine::incidents::{
    Answer, CommandError, Effects, FlaggedVerdict, INCIDENTS_STREAM, IncidentConfig,
    IncidentRecord, Incidents, Severity, Silence, external_verdict,
};
use willet_engine::ports::{PartitionLog as _, PortError};
use willet_engine::records::{RecordKind, Records};

use super::gathered::is_live;
use super::log_thread::{LogHandle, SharedPartition};
use super::topics::Topic;
use super::{Shared, StreamFace};
use crate::clock;
use crate::store::{
    AlertRow, Commit, Committed, DriftRow, HistoryRow, OutboxRow, PositionRow, RequestRow, Store,
    StoreError, VerdictRow,
};

/// What comes to the outputs.
#[derive(Debug)]
pub(crate) enum OutputMessage {
    Delivery(Delivery),
    Command(IncidentRecord, oneshot::Sender<CommandAnswer>),
    Silences(oneshot::Sender<Vec<Silence>>),
    /// Forget a key, or a whole stream.
    Forget(
        String,
        Option<String>,
        oneshot::Sender<Result<(), StoreError>>,
    ),
    Stop,
}

/// What a command came to; an outer error where it could not be kept.
pub type CommandAnswer = Result<Result<Answer, CommandError>, PortError>;

/// Rows of one shard.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// When it was handed on, microseconds since the epoch.
    pub(crate) at: i64,
    pub(crate) stream: Arc<str>,
    pub(crate) verdicts: Vec<Flagged>,
    pub(crate) drifts: Vec<DriftRow>,
    pub(crate) requests: Vec<RequestRow>,
    pub(crate) history: Vec<HistoryRow>,
    /// With these rows everything of records before this is here.
    pub(crate) position: Option<u64>,
    /// Whoever waits until all of it survives a power cut.
    pub(crate) synced: Option<SyncSender<()>>,
}

/// A verdict to keep, with what grouping needs.
#[derive(Debug)]
pub(crate) struct Flagged {
    pub(crate) row: VerdictRow,
    pub(crate) offset: u64,
    /// When what it speaks of was over: the time of an event, the end of a window.
    pub(crate) ended: i64,
    pub(crate) arrived: i64,
    pub(crate) sample_count: u64,
}

/// The thread's state.
#[derive(Debug)]
pub(crate) struct Outputs {
    shared: Arc<Shared>,
    store: Box<dyn Store>,
    log: SharedPartition,
    incidents: Incidents,
    /// Offset behind the last record of the incidents log that was taken.
    taken: u64,
    receivers: Vec<String>,
    retained_at: i64,
    synced_at: i64,
    is_synced: bool,
    is_stopping: bool,
}

/// Rows of one transaction.
const ROWS: usize = 4_096;
/// How long a transaction waits for the store before it is tried again.
const RETRY: Duration = Duration::from_millis(200);
/// Time between two rounds of retention, microseconds.
const RETAIN_EVERY: i64 = 60 * 1_000_000;
/// Longest time that what was written waits for its sync, microseconds.
const SYNC_EVERY: i64 = 30 * 1_000_000;

impl Outputs {
    /// Takes the incidents up where they were: the store's state, then the log behind it.
    pub(crate) fn recover(
        shared: Arc<Shared>,
        mut store: Box<dyn Store>,
        log: &LogHandle,
        config: &IncidentConfig,
        receivers: Vec<String>,
    ) -> Result<Self, OutputsError> {
        let log = log.port(log.partition(INCIDENTS_STREAM).map_err(PortError::from)?);
        let known = store.positions()?;
        let taken = known
            .iter()
            .find(|row| row.stream == INCIDENTS_STREAM)
            .map_or(0, |row| row.offset);
        let incidents = Incidents::restore(store.incident_state()?.into_iter())
            .map_err(|error| OutputsError::Incidents(error.to_string()))?;
        let mut outputs = Self {
            shared,
            store,
            log,
            incidents,
            taken,
            receivers,
            retained_at: 0,
            synced_at: clock::now(),
            is_synced: true,
            is_stopping: false,
        };
        outputs.catch_up()?;
        if outputs.incidents.config() != config || outputs.taken == 0 {
            let config = config.clone();
            outputs.append_and_take(&[IncidentRecord::Configure { config }], Commit::default())?;
        }
        Ok(outputs)
    }

    fn catch_up(&mut self) -> Result<(), OutputsError> {
        let from = self.taken.max(self.log.extent()?.first);
        let mut reader = self.log.reader(from)?;
        loop {
            let records = reader.next_batch(1 << 20)?;
            if records.is_empty() {
                return Ok(());
            }
            let mut effects = Effects::new();
            self.take(&records, &mut effects);
            self.commit(Commit::default(), &effects);
        }
    }

    pub(crate) fn run(mut self, messages: &Receiver<OutputMessage>) {
        loop {
            let wait = self.until_deadline();
            let first = match messages.recv_timeout(wait) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut deliveries = Vec::new();
            let mut rows = 0;
            let mut next = first;
            while let Some(message) = next.take() {
                match message {
                    OutputMessage::Delivery(delivery) => {
                        rows += delivery.verdicts.len() + delivery.history.len();
                        deliveries.push(delivery);
                    }
                    OutputMessage::Command(record, reply) => {
                        self.deliver(std::mem::take(&mut deliveries));
                        let _ = reply.send(self.command(&record));
                    }
                    OutputMessage::Silences(reply) => {
                        let _ = reply.send(self.incidents.silences().cloned().collect());
                    }
                    OutputMessage::Forget(stream, source, reply) => {
                        self.deliver(std::mem::take(&mut deliveries));
                        let _ = reply.send(self.forget(stream, source));
                    }
                    OutputMessage::Stop => self.is_stopping = true,
                }
                if rows < ROWS && !self.is_stopping {
                    next = messages.try_recv().ok();
                }
            }
            self.deliver(deliveries);
            self.tick();
            self.tend();
            if self.is_stopping {
                break;
            }
        }
        self.sync();
    }

    fn until_deadline(&self) -> Duration {
        const LONGEST: i64 = 1_000_000;
        let now = clock::now();
        let deadline = self.incidents.next_deadline();
        let wait = deadline.map_or(LONGEST, |deadline| (deadline - now).clamp(1_000, LONGEST));
        Duration::from_micros(wait as u64)
    }

    fn deliver(&mut self, deliveries: Vec<Delivery>) {
        let Some(oldest) = deliveries.first() else {
            return;
        };
        let shared = Arc::clone(&self.shared);
        let since = &shared.counters.outputs_since;
        since.store(oldest.at, Relaxed);
        self.write_down(deliveries);
        since.store(0, Relaxed);
    }

    fn write_down(&mut self, deliveries: Vec<Delivery>) {
        let mut commit = Commit::default();
        let mut records = Vec::new();
        let mut waiting = Vec::new();
        for delivery in deliveries {
            for flagged in delivery.verdicts {
                records.extend(flagged.incident());
                commit.verdicts.push(flagged.row);
            }
            commit.drifts.extend(delivery.drifts);
            commit.history.extend(delivery.history);
            commit.requests.extend(delivery.requests);
            if let Some(offset) = delivery.position {
                commit
                    .positions
                    .retain(|row: &PositionRow| *row.stream != *delivery.stream);
                commit.positions.push(PositionRow {
                    stream: delivery.stream.to_string(),
                    partition: 0,
                    offset,
                });
            }
            waiting.extend(delivery.synced);
        }
        if let Err(error) = self.append_and_take(&records, commit) {
            // Only a closed log comes here, and then the process is ending: what is not here comes again from the log.
            tracing::error!(%error, "outputs stop");
            self.is_stopping = true;
            return;
        }
        if !waiting.is_empty() {
            self.sync();
            for reply in waiting {
                let _ = reply.send(());
            }
        }
    }

    /// Makes records durable in the incidents log, takes them, and commits what follows together with `commit`.
    fn append_and_take(
        &mut self,
        records: &[IncidentRecord],
        commit: Commit,
    ) -> Result<(), PortError> {
        let mut effects = Effects::new();
        if !records.is_empty() {
            let arrived = clock::now();
            let mut log_records = Records::new();
            for (index, record) in records.iter().enumerate() {
                let payload = record.encode();
                log_records.push(index as u64, RecordKind::Event, arrived, &payload);
            }
            let kept = self.append(log_records)?;
            self.take(&kept, &mut effects);
        }
        self.commit(commit, &effects);
        Ok(())
    }

    /// Waits while the disk is full: behind the log there is only waiting.
    fn append(&mut self, mut records: Records) -> Result<Records, PortError> {
        loop {
            match self.log.append(&mut records) {
                Err(error) if error.is_full() && !self.shared.is_abandoned() => {
                    self.shared
                        .set_trouble("incidents log", Some(error.to_string()));
                    std::thread::sleep(RETRY);
                }
                other => {
                    self.shared.set_trouble("incidents log", None);
                    return other.map(|_| records);
                }
            }
        }
    }

    fn take(&mut self, records: &Records, effects: &mut Effects) {
        for (head, payload) in records.iter() {
            match IncidentRecord::decode(head.offset, payload) {
                Ok(record) => self.incidents.on_record(head.offset, &record, effects),
                Err(error) => {
                    tracing::error!(%error, "a record of the incidents log is passed over");
                }
            }
            self.taken = head.offset + 1;
        }
    }

    fn commit(&mut self, mut commit: Commit, effects: &Effects) {
        for notification in &effects.notifications {
            for receiver in &self.receivers {
                commit.outbox.push(OutboxRow {
                    id: format!("{}.{receiver}", notification.id),
                    alert_id: notification.alert.id.clone(),
                    receiver: receiver.clone(),
                    body: notification.to_json(),
                    created_at: clock::now(),
                });
            }
        }
        let alerts = effects.alerts.iter().map(|alert| AlertRow {
            id: alert.id.clone(),
            stream: alert.stream.clone(),
            source: alert.source.clone(),
            state: alert.state.as_str(),
            severity: alert.severity.as_str(),
            opened_at: alert.opened_at,
            json: alert.to_json(),
        });
        commit.alerts.extend(alerts);
        commit.incident_state = self.incidents.take_changes();
        if !commit.incident_state.is_empty() || self.taken > 0 {
            commit.positions.push(PositionRow {
                stream: INCIDENTS_STREAM.to_owned(),
                partition: 0,
                offset: self.taken,
            });
        }
        let Some(committed) = self.write(&commit) else {
            return;
        };
        self.is_synced = false;
        let shared = &self.shared;
        shared.counters.store_commits.fetch_add(1, Relaxed);
        shared
            .open_alerts
            .store(self.incidents.open_alerts() as u64, Relaxed);
        for (row, is_new) in commit.verdicts.iter().zip(committed.is_new) {
            if is_new && row.is_anomaly {
                shared
                    .topics
                    .publish(Topic::Anomalies, &row.source, &row.json);
            }
        }
        for (row, is_new) in commit.drifts.iter().zip(committed.is_new_drift) {
            if is_new {
                shared.topics.publish(Topic::Drift, &row.source, &row.json);
            }
        }
        for alert in &commit.alerts {
            shared
                .topics
                .publish(Topic::Alerts, &alert.source, &alert.json);
        }
        if !commit.outbox.is_empty() {
            shared.outbox_grown.notify_waiters();
        }
        for row in &commit.positions {
            shared.delivered(&row.stream, row.offset);
        }
        for row in commit.requests {
            shared.requests.note_kept(&row);
        }
    }

    /// Writes a transaction, again and again while the store is locked or its disk full. `None` when the process gives up
    /// waiting: the log holds all of it.
    fn write(&mut self, commit: &Commit) -> Option<Committed> {
        let mut is_told = false;
        loop {
            match self.store.commit(commit) {
                Ok(committed) => {
                    if is_told {
                        tracing::info!("the store takes rows again");
                    }
                    self.shared.set_trouble("store", None);
                    return Some(committed);
                }
                Err(error) => {
                    if !is_told {
                        tracing::error!(%error, "the store takes nothing, waiting");
                    }
                    is_told = true;
                    self.shared.counters.store_retries.fetch_add(1, Relaxed);
                    self.shared.set_trouble("store", Some(error.to_string()));
                    if self.shared.is_abandoned() {
                        self.is_stopping = true;
                        return None;
                    }
                    std::thread::sleep(RETRY);
                }
            }
        }
    }

    fn command(&mut self, record: &IncidentRecord) -> CommandAnswer {
        let mut log_records = Records::new();
        log_records.push(0, RecordKind::Event, clock::now(), &record.encode());
        let kept = self.append(log_records)?;
        let offset = kept.head(0).offset;
        let mut effects = Effects::new();
        self.take(&kept, &mut effects);
        let commit = Commit {
            verdicts: Vec::from_iter(external_row(offset, record)),
            ..Commit::default()
        };
        self.commit(commit, &effects);
        let mut answers = std::mem::take(&mut effects.answers).into_iter();
        let answer = answers.find(|(of, _)| *of == offset);
        Ok(answer.map_or(Ok(Answer::Done), |(_, answer)| answer))
    }

    fn forget(&mut self, stream: String, source: Option<String>) -> Result<(), StoreError> {
        self.store.forget(&stream, source.as_deref())?;
        let record = IncidentRecord::Forget {
            stream,
            source,
            at: clock::now(),
        };
        self.append_and_take(&[record], Commit::default())
            .map_err(|error| StoreError {
                message: error.to_string(),
                is_retryable: true,
                is_full: error.is_full(),
            })
    }

    fn tick(&mut self) {
        let now = clock::now();
        if self
            .incidents
            .next_deadline()
            .is_some_and(|deadline| deadline <= now)
            && let Err(error) =
                self.append_and_take(&[IncidentRecord::Tick { at: now }], Commit::default())
        {
            tracing::error!(%error, "outputs stop");
            self.is_stopping = true;
        }
    }

    /// What is done when there is time for it.
    fn tend(&mut self) {
        let now = clock::now();
        if now - self.retained_at >= RETAIN_EVERY {
            match self.store.retain(now) {
                Ok(true) => {}
                Ok(false) => self.retained_at = now,
                Err(error) => {
                    self.retained_at = now;
                    tracing::warn!(%error, "old rows could not be removed");
                }
            }
        }
        if !self.is_synced && now - self.synced_at >= SYNC_EVERY {
            self.sync();
        }
    }

    fn sync(&mut self) {
        while let Err(error) = self.store.sync() {
            self.shared.set_trouble("store", Some(error.to_string()));
            if self.shared.is_abandoned() {
                return;
            }
            std::thread::sleep(RETRY);
        }
        self.shared.set_trouble("store", None);
        self.synced_at = clock::now();
        self.is_synced = true;
        // What the store has for certain the incidents log need not keep.
        // What the log cannot let go of now it can later.
        let _ = self.log.needless(Some(self.taken));
    }
}

impl Flagged {
    fn incident(&self) -> Option<IncidentRecord> {
        let anomaly_score = self.row.anomaly_score.filter(|_| self.row.is_anomaly)?;
        Some(IncidentRecord::Verdict(FlaggedVerdict {
            stream: self.row.stream.clone(),
            partition: 0,
            offset: self.offset,
            source: self.row.source.clone(),
            at: self.row.at,
            arrived: self.arrived,
            sample_count: self.sample_count,
            anomaly_score,
            severity: Severity::of(anomaly_score),
            anomaly_type: self.row.anomaly_type.clone(),
            live: is_live(self.ended, self.arrived),
            json: self.row.json.clone(),
        }))
    }
}

/// The row of an anomaly that another system found.
fn external_row(offset: u64, record: &IncidentRecord) -> Option<VerdictRow> {
    let IncidentRecord::External {
        stream,
        source,
        at,
        anomaly_score,
        anomaly_type,
        json,
        ..
    } = record
    else {
        return None;
    };
    let (id, json) = external_verdict(offset, json);
    Some(VerdictRow {
        id,
        stream: stream.clone(),
        source: source.clone(),
        at: *at,
        is_anomaly: true,
        anomaly_score: *anomaly_score,
        severity: Some(
            anomaly_score
                .map_or(Severity::Medium, Severity::of)
                .as_str(),
        ),
        anomaly_type: anomaly_type.clone(),
        json,
    })
}

/// Why outputs cannot be taken up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputsError {
    /// The log.
    #[error(transparent)]
    Log(#[from] PortError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store remembers of incidents.
    #[error("the state of incidents in the store cannot be used: {0}")]
    Incidents(String),
}

impl Shared {
    fn delivered(&self, stream: &str, offset: u64) {
        let streams: &BTreeMap<String, Arc<StreamFace>> = &self.streams();
        if let Some(stream) = streams.get(stream) {
            stream.counters.delivered.store(offset, Relaxed);
        }
    }
}
