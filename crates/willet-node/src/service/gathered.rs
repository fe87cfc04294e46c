//! What a shard's verdicts become on their way to the store: rows, histories, requests, the position.

use std::fmt::Debug;
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashTable;
use willet_engine::event::Layout;
use willet_engine::incidents::Severity;
use willet_engine::journal::Entry;
use willet_engine::shard::Shard;
use willet_engine::verdict::{Outcome, SKIPS};

use super::counters::StreamCounters;
use super::output_thread::{Delivery, Flagged, OutputMessage};
use super::requests::Requests;
use super::topics::{Topic, Topics};
use crate::clock;
use crate::output::{Answers, Output, OutputError};
use crate::store::{BUCKET_SECONDS, DriftRow, HistoryRow, RequestRow, ValueHistory, VerdictRow};

/// Puts a verdict into the form that it has at every door.
pub trait VerdictFormat: Send + Sync + Debug {
    /// Writes the verdict at `index` of the answers as one JSON object.
    fn write(&self, answers: &Answers<'_>, index: usize, out: &mut Vec<u8>);

    /// Writes the drift that the verdict at `index` showed as one JSON object; nothing where it showed none.
    fn write_drift(&self, answers: &Answers<'_>, index: usize, out: &mut Vec<u8>);
}

/// Watches what shards do, from outside: nothing of it reaches a verdict.
pub trait Witness: Send + Sync + Debug {
    /// A shard took a batch, from `began` (microseconds since the epoch) for `seconds`. Called on the shard's thread: whoever
    /// looks must not wait.
    fn saw(&self, answers: &Answers<'_>, began: i64, seconds: f64);
}

/// Which verdicts the store keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Those that said yes, and what was skipped as poison.
    #[default]
    Anomalies,
    /// All.
    All,
}

/// Series of a stream that have a history; more than these are only judged.
pub const MAX_HISTORY_SERIES: usize = 10_000;
/// Values of an event that go into its history.
const MAX_HISTORY_VALUES: usize = 64;

/// What was gathered and not yet handed on.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) stream: Arc<str>,
    pub(crate) keep: Keep,
    pub(crate) format: Arc<dyn VerdictFormat>,
    pub(crate) topics: Arc<Topics>,
    pub(crate) counters: Arc<StreamCounters>,
    pub(crate) known: Arc<Requests>,
    verdicts: Vec<Flagged>,
    drifts: Vec<DriftRow>,
    requests: Vec<RequestRow>,
    series: Vec<SeriesHistory>,
    table: HashTable<u32>,
    /// Series and buckets begun since the bands were last filled in.
    begun: Vec<(u32, u32)>,
    rows: usize,
    /// Offset behind the last record whose verdict is here.
    next: u64,
    handed_on: i64,
}

#[derive(Debug)]
struct SeriesHistory {
    key: Box<str>,
    hash: u64,
    layout: u64,
    names: Arc<[Box<str>]>,
    buckets: Vec<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    at: i64,
    events: u64,
    anomalies: u64,
    max_score: Option<f64>,
    newest: i64,
    values: Vec<ValueHistory>,
}

impl SeriesHistory {
    /// Where the values of an event go whose names are not those that the history began with; new names come behind them.
    fn places(&mut self, layout: &Layout) -> Option<Vec<usize>> {
        if self.layout == layout.fingerprint() {
            return None;
        }
        let mut names = self.names.to_vec();
        let places = layout.names().iter().map(|name| {
            let known = names.iter().position(|known| known == name);
            known.unwrap_or_else(|| {
                if names.len() < MAX_HISTORY_VALUES {
                    names.push(name.clone());
                    names.len() - 1
                } else {
                    usize::MAX
                }
            })
        });
        let places: Vec<usize> = places.collect();
        if names.len() > self.names.len() {
            for bucket in &mut self.buckets {
                bucket.values.resize(names.len(), NOTHING);
            }
            self.names = names.into();
            // The names it began with are followed by others now.
            self.layout = Layout::named(&*self.names).fingerprint();
        }
        Some(places)
    }
}

impl Gathered {
    pub(crate) fn new(
        stream: Arc<str>,
        keep: Keep,
        format: Arc<dyn VerdictFormat>,
        topics: Arc<Topics>,
        counters: Arc<StreamCounters>,
        known: Arc<Requests>,
    ) -> Self {
        Self {
            stream,
            keep,
            format,
            topics,
            counters,
            known,
            verdicts: Vec::new(),
            drifts: Vec::new(),
            requests: Vec::new(),
            series: Vec::new(),
            table: HashTable::new(),
            begun: Vec::new(),
            rows: 0,
            next: 0,
            handed_on: 0,
        }
    }

    fn write(&mut self, answers: &Answers<'_>) {
        let wants_predictions = self.topics.wants_any();
        let (mut anomalies, mut confident, mut late, mut duplicates) = (0, 0, 0, 0);
        let mut drifts = 0;
        let mut skipped = [0; SKIPS.len()];
        for (index, verdict) in answers.indices().zip(answers.rows()) {
            let event = verdict.event as usize;
            let at = answers.time_of(event).map_or(0, |time| time.0);
            let is_anomaly = verdict.is_anomaly();
            late += u64::from(verdict.is_late);
            if let Some(reason) = verdict.outcome.skip()
                && !answers.are_of_windows()
            {
                skipped[reason] += 1;
            }
            if verdict.is_drift {
                drifts += 1;
                self.keep_drift(answers, index, at);
            }
            let score = match verdict.outcome {
                Outcome::Scored(scored) => {
                    confident += u64::from(is_anomaly && scored.confidence > 0.8);
                    Some(scored.anomaly_score)
                }
                Outcome::AlreadyLearned => continue,
                Outcome::Duplicate => {
                    duplicates += 1;
                    continue;
                }
                _ => None,
            };
            anomalies += u64::from(is_anomaly);
            // A correction is kept whatever it says: it may take back what was told.
            let corrects = answers.verdicts.windows.get(index);
            let corrects = corrects.is_some_and(|window| window.revision > 0);
            let is_gathered = matches!(verdict.outcome, Outcome::Gathered(_));
            let keeps = (self.keep == Keep::All && !is_gathered)
                || is_anomaly
                || corrects
                || verdict.outcome == Outcome::Poisoned;
            if keeps {
                self.keep(answers, index, at);
            }
            let key = answers.events.key(event);
            if wants_predictions && self.topics.wants(key) {
                let mut json = Vec::new();
                self.format.write(answers, index, &mut json);
                self.topics
                    .publish(Topic::Predictions, key, &String::from_utf8_lossy(&json));
            }
            let is_shown = !matches!(
                verdict.outcome,
                Outcome::Rejected(_)
                    | Outcome::Poisoned
                    | Outcome::Gathered(_)
                    | Outcome::Withdrawn
            );
            // Of windows over judged rows the rows are shown.
            if is_shown && (!answers.are_of_windows() || !answers.plan.judges_events()) {
                self.note_history(answers, event, at, score, is_anomaly);
            }
        }
        if !answers.are_of_windows() {
            let events = answers.rows().len() as u64;
            self.counters.events.fetch_add(events, Relaxed);
        }
        self.counters.anomalies.fetch_add(anomalies, Relaxed);
        self.counters.confident.fetch_add(confident, Relaxed);
        self.counters.late.fetch_add(late, Relaxed);
        self.counters.drifts.fetch_add(drifts, Relaxed);
        self.counters.duplicates.fetch_add(duplicates, Relaxed);
        for (counter, count) in self.counters.skipped.iter().zip(skipped) {
            counter.fetch_add(count, Relaxed);
        }
        if let Some(last) = answers.rows().last() {
            let offset = answers.events.rows()[last.event as usize].offset;
            self.next = self.next.max(offset + 1);
        }
    }

    fn keep(&mut self, answers: &Answers<'_>, index: usize, at: i64) {
        let verdict = &answers.verdicts.rows[index];
        let event = verdict.event as usize;
        let row = answers.events.rows()[event];
        let mut json = Vec::new();
        self.format.write(answers, index, &mut json);
        let (anomaly_score, anomaly_type) = match &verdict.outcome {
            Outcome::Scored(scored) => {
                let detail = answers.verdicts.detail(scored);
                let kind = detail.and_then(|detail| detail.anomaly_type);
                (Some(scored.anomaly_score), kind)
            }
            _ => (None, None),
        };
        let is_anomaly = verdict.is_anomaly();
        let window = answers.verdicts.windows.get(index);
        self.verdicts.push(Flagged {
            row: VerdictRow {
                id: answers.id(index),
                stream: self.stream.to_string(),
                source: answers.events.key(event).to_owned(),
                at,
                is_anomaly,
                anomaly_score,
                severity: anomaly_score
                    .filter(|_| is_anomaly)
                    .map(|score| Severity::of(score).as_str()),
                anomaly_type: anomaly_type.map(|kind| kind.as_str().to_owned()),
                json: String::from_utf8_lossy(&json).into_owned(),
            },
            offset: row.offset,
            ended: window.and_then(|window| window.end).map_or(at, |end| end.0),
            arrived: answers.arrived(row.offset),
            sample_count: verdict.sample_count,
        });
    }

    fn keep_drift(&mut self, answers: &Answers<'_>, index: usize, at: i64) {
        let verdict = &answers.verdicts.rows[index];
        let Some(drift) = answers.verdicts.drift(verdict) else {
            return;
        };
        let event = verdict.event as usize;
        let mut json = Vec::new();
        self.format.write_drift(answers, index, &mut json);
        self.drifts.push(DriftRow {
            id: answers.id(index),
            stream: self.stream.to_string(),
            source: answers.events.key(event).to_owned(),
            at,
            test: drift.test,
            magnitude: drift.magnitude,
            json: String::from_utf8_lossy(&json).into_owned(),
        });
    }

    fn note_history(
        &mut self,
        answers: &Answers<'_>,
        event: usize,
        at: i64,
        score: Option<f64>,
        is_anomaly: bool,
    ) {
        let row = answers.events.rows()[event];
        let Some(series) = self.history_of(answers, event, row.key_hash) else {
            return;
        };
        let history = &mut self.series[series as usize];
        let places = history.places(answers.events.layout(event));
        let begin = at.div_euclid(1_000_000 * BUCKET_SECONDS) * BUCKET_SECONDS;
        // The newest bucket first: events come in order of time but for a few.
        let found = history
            .buckets
            .iter()
            .rposition(|bucket| bucket.at == begin);
        let index = found.unwrap_or_else(|| {
            history.buckets.push(Bucket {
                at: begin,
                events: 0,
                anomalies: 0,
                max_score: None,
                newest: i64::MIN,
                values: vec![NOTHING; history.names.len()],
            });
            self.rows += 1;
            self.begun.push((series, history.buckets.len() as u32 - 1));
            history.buckets.len() - 1
        });
        let bucket = &mut history.buckets[index];
        bucket.events += 1;
        bucket.anomalies += u64::from(is_anomaly);
        bucket.max_score = match (bucket.max_score, score) {
            (Some(old), Some(new)) => Some(old.max(new)),
            (old, new) => old.or(new),
        };
        bucket.newest = bucket.newest.max(at);
        for (index, x) in answers.events.values(event).iter().enumerate() {
            let place = places.as_ref().map_or(index, |places| places[index]);
            if let Some(value) = bucket.values.get_mut(place)
                && !x.is_nan()
            {
                value.count += 1;
                value.sum += x;
                value.min = value.min.min(*x);
                value.max = value.max.max(*x);
                value.last = *x;
            }
        }
    }

    /// The history of an event's series; `None` where there are too many.
    fn history_of(&mut self, answers: &Answers<'_>, event: usize, hash: u64) -> Option<u32> {
        let key = answers.events.key(event);
        let layout = answers.events.layout(event);
        let found = self
            .table
            .find(hash, |series| *self.series[*series as usize].key == *key);
        if let Some(series) = found {
            let history = &mut self.series[*series as usize];
            if history.layout != layout.fingerprint() && history.buckets.is_empty() {
                history.layout = layout.fingerprint();
                history.names = names_of(layout.names());
            }
            return Some(*series);
        }
        if self.series.len() >= MAX_HISTORY_SERIES {
            return None;
        }
        let index = self.series.len() as u32;
        // Series of a stream mostly share their names.
        let shared = self
            .series
            .last()
            .filter(|last| last.layout == layout.fingerprint())
            .map(|last| Arc::clone(&last.names));
        self.series.push(SeriesHistory {
            key: key.into(),
            hash,
            layout: layout.fingerprint(),
            names: shared.unwrap_or_else(|| names_of(layout.names())),
            buckets: Vec::new(),
        });
        let series = &self.series;
        self.table.insert_unique(hash, index, |series_index| {
            series[*series_index as usize].hash
        });
        Some(index)
    }

    /// Fills in what was taken for normal into the buckets begun since this was last called.
    pub(crate) fn fill_bands(&mut self, shard: &Shard) {
        for (series, bucket) in self.begun.drain(..) {
            let history = &mut self.series[series as usize];
            let Some(bucket) = history.buckets.get_mut(bucket as usize) else {
                continue;
            };
            let Some((names, expected)) = shard.normal(history.hash, &history.key) else {
                continue;
            };
            for (name, value) in history.names.iter().zip(&mut bucket.values) {
                let place = names.iter().position(|known| known == name);
                let band = place.and_then(|place| expected.get(place));
                value.expected = band.map(|band| [band.low, band.middle, band.high]);
            }
        }
    }

    /// How long histories are gathered before they are handed on: the more there is to write, the longer.
    fn interval(&self) -> i64 {
        (self.rows as i64 * 5_000).clamp(1_000_000, 30_000_000)
    }

    /// What is to be handed on now, if anything is.
    pub(crate) fn take(&mut self, now: i64, takes_history: bool) -> Option<Delivery> {
        let takes_history = takes_history
            || (self.rows > 0 && now - self.handed_on >= self.interval())
            || self.rows > 4 * MAX_HISTORY_SERIES;
        let is_empty =
            self.verdicts.is_empty() && self.drifts.is_empty() && self.requests.is_empty();
        if is_empty && !takes_history {
            return None;
        }
        let mut delivery = Delivery {
            at: now,
            stream: Arc::clone(&self.stream),
            verdicts: std::mem::take(&mut self.verdicts),
            drifts: std::mem::take(&mut self.drifts),
            requests: std::mem::take(&mut self.requests),
            history: Vec::new(),
            position: None,
            synced: None,
        };
        if takes_history {
            // Only with all of the history may the position move: a replay must bring back what was not handed on.
            delivery.position = Some(self.next);
            delivery.history.reserve(self.rows);
            for series in &mut self.series {
                let (stream, names) = (&self.stream, &series.names);
                let rows = series.buckets.drain(..).map(|bucket| HistoryRow {
                    stream: stream.to_string(),
                    source: series.key.to_string(),
                    bucket: bucket.at,
                    names: Arc::clone(names),
                    events: bucket.events,
                    anomalies: bucket.anomalies,
                    max_score: bucket.max_score,
                    newest: bucket.newest,
                    values: bucket.values,
                });
                delivery.history.extend(rows);
            }
            self.rows = 0;
            self.begun.clear();
            self.handed_on = now;
        }
        Some(delivery)
    }

    /// Forgets what was gathered of a key, or all of it.
    pub(crate) fn forget(&mut self, key: Option<&str>) {
        self.verdicts
            .retain(|flagged| key.is_some_and(|key| flagged.row.source != key));
        self.drifts
            .retain(|drift| key.is_some_and(|key| drift.source != key));
        for series in &mut self.series {
            if key.is_none_or(|key| *series.key == *key) {
                self.rows -= series.buckets.len();
                series.buckets.clear();
            }
        }
        self.begun.clear();
    }

    pub(crate) fn begin_at(&mut self, next: u64) {
        self.next = self.next.max(next);
    }
}

const NOTHING: ValueHistory = ValueHistory {
    count: 0,
    sum: 0.0,
    min: f64::INFINITY,
    max: f64::NEG_INFINITY,
    last: f64::NAN,
    expected: None,
};

fn names_of(names: &[Box<str>]) -> Arc<[Box<str>]> {
    names.iter().take(MAX_HISTORY_VALUES).cloned().collect()
}

/// The output of a shard into the store, by way of the thread of outputs.
#[derive(Debug)]
pub(crate) struct StoreOutput {
    pub(crate) gathered: Arc<Mutex<Gathered>>,
    pub(crate) outputs: SyncSender<OutputMessage>,
    pub(crate) delivered: u64,
}

pub(crate) fn lock(gathered: &Mutex<Gathered>) -> MutexGuard<'_, Gathered> {
    gathered.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StoreOutput {
    fn gone() -> OutputError {
        OutputError {
            output: "the store".to_owned(),
            source: io::Error::other("the outputs have stopped"),
        }
    }
}

impl Output for StoreOutput {
    fn write(&mut self, answers: &Answers<'_>) {
        lock(&self.gathered).write(answers);
    }

    fn journal(&mut self, offset: u64, entry: &Entry) {
        let mut gathered = lock(&self.gathered);
        if let Entry::Request { key, at, answer } = entry {
            let row = RequestRow {
                key: key.clone(),
                at: *at,
                answer: format!("{offset} {answer}").into_bytes(),
            };
            // At once: after a restart the same request may come again before the store has this row.
            gathered.known.note_kept(&row);
            gathered.requests.push(row);
        }
        gathered.next = gathered.next.max(offset + 1);
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        let delivery = lock(&self.gathered).take(clock::now(), false);
        match delivery {
            Some(delivery) => self
                .outputs
                .send(OutputMessage::Delivery(delivery))
                .map_err(|_| Self::gone()),
            None => Ok(()),
        }
    }

    fn sync(&mut self) -> Result<u64, OutputError> {
        let (reply, synced) = sync_channel(1);
        let delivery = lock(&self.gathered).take(clock::now(), true);
        let Some(mut delivery) = delivery else {
            return Ok(0);
        };
        delivery.synced = Some(reply);
        self.outputs
            .send(OutputMessage::Delivery(delivery))
            .map_err(|_| Self::gone())?;
        synced.recv().map_err(|_| Self::gone())?;
        Ok(0)
    }

    fn delivered(&mut self) -> Result<Option<u64>, OutputError> {
        Ok(Some(self.delivered))
    }
}

/// Whether an event came while its time was now, or nearly: what is older is history, told to nobody's pager.
pub(crate) fn is_live(at: i64, arrived: i64) -> bool {
    const LIVE_WITHIN: i64 = 5 * 60 * 1_000_000;
    arrived > 0 && arrived - at <= LIVE_WITHIN
}
