//! A file kept in memory, to be scored many times.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use willet_connectors::feed::DeadLetterPlace;
use willet_core::evaluation::{labelled_windows, nab_probation};
use willet_engine::config::Plan;
use willet_engine::event::{EventBatch, Timestamp};
use willet_engine::shard::Shard;
use willet_engine::verdict::{Outcome, Verdicts};
use willet_node::feed::{Batch, Fed, Feed as _};

use super::charts::grouped;
use crate::input::Input;
use crate::problem::{user, warn};

/// The rows of a file, understood once for all kinds.
pub(super) struct Recorded {
    batches: Vec<EventBatch>,
    /// In order of appearance.
    keys: Vec<Key>,
    /// Where a name is among them.
    names: BTreeMap<String, usize>,
}

struct Key {
    name: String,
    /// Places of its rows in the file.
    rows: Vec<usize>,
    labels: Vec<Option<bool>>,
    times: Vec<Option<Timestamp>>,
    probation: usize,
}

/// What a detector said of each row of the file, and what it cost.
pub(super) struct Scored {
    /// Negative infinity where there is no score.
    pub(super) scores: Vec<f64>,
    pub(super) flags: Vec<bool>,
    /// Rows that came before scores mean anything.
    pub(super) warm_up: usize,
    /// Wall time of scoring, deciding and learning; reading is not in it.
    pub(super) micros_a_row: f64,
    /// Of all series, at the end.
    pub(super) memory_bytes: usize,
    /// What the detector of the key asked about says of itself.
    pub(super) about: Option<String>,
}

/// Nothing here is seen from outside.
const HASH_SEED: u64 = 0;

impl Recorded {
    pub(super) fn read(input: Input, probation: Option<usize>) -> Result<Self> {
        let mut feed = input.feed(HASH_SEED, DeadLetterPlace::Nowhere)?;
        let mut recorded = Self {
            batches: Vec::new(),
            keys: Vec::new(),
            names: BTreeMap::new(),
        };
        let mut batch = Batch::default();
        loop {
            let fed = feed.fill(&mut batch)?;
            if !batch.events.is_empty() {
                recorded.take(std::mem::take(&mut batch.events));
            }
            batch.records.clear();
            match fed {
                Fed::More | Fed::Idle => {}
                Fed::End => break,
            }
        }
        let (summary, _) = feed.finish()?;
        if summary.total() > 0 {
            warn(&summary);
        }
        for key in &mut recorded.keys {
            key.probation = probation.unwrap_or_else(|| nab_probation(key.rows.len()));
        }
        if recorded.counted().next().is_none() {
            return Err(user(format!(
                "{} rows could be read and none is left behind the probation, expected more (--probation 0 counts all)",
                recorded.rows()
            )));
        }
        Ok(recorded)
    }

    fn take(&mut self, events: EventBatch) {
        let first = self.rows();
        for index in events.indices() {
            let name = events.key(index);
            let row = &events.rows()[index];
            let key = if let Some(key) = self.names.get(name) {
                *key
            } else {
                let key = self.keys.len();
                self.names.insert(name.to_owned(), key);
                self.keys.push(Key {
                    name: name.to_owned(),
                    rows: Vec::new(),
                    labels: Vec::new(),
                    times: Vec::new(),
                    probation: 0,
                });
                key
            };
            let key = &mut self.keys[key];
            key.rows.push(first + index);
            key.labels.push(row.label);
            key.times.push(row.time);
        }
        self.batches.push(events);
    }

    pub(super) fn rows(&self) -> usize {
        self.keys.iter().map(|key| key.rows.len()).sum()
    }

    /// Rows of the key that has most.
    pub(super) fn longest(&self) -> usize {
        let rows = self.keys.iter().map(|key| key.rows.len());
        rows.max().unwrap_or(0)
    }

    pub(super) fn keys(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn key(&self, key: usize) -> &str {
        &self.keys[key].name
    }

    pub(super) fn labelled_rows(&self) -> usize {
        let labels = self.keys.iter().flat_map(|key| &key.labels);
        labels.filter(|label| label.is_some()).count()
    }

    /// Labelled windows that count.
    pub(super) fn windows(&self) -> usize {
        self.keys.iter().map(Key::windows).sum()
    }

    /// The key with most labelled windows; of those with as many, the one with most rows.
    pub(super) fn key_to_show(&self) -> usize {
        (0..self.keys.len())
            .rev()
            .max_by_key(|key| (self.keys[*key].windows(), self.keys[*key].rows.len()))
            .unwrap_or(0)
    }

    pub(super) fn summary(&self) -> String {
        let probation: usize = self.keys.iter().map(Key::counted_from).sum();
        let counted = |number: usize, one: &str, more: &str| {
            format!(
                "{} {}",
                grouped(number as u64),
                if number == 1 { one } else { more }
            )
        };
        let labels = match self.windows() {
            0 => "no labelled anomalies".to_owned(),
            windows => {
                let anomalies = self.counted().filter(|(_, label, _)| *label == Some(true));
                format!(
                    "{} behind it, in {}",
                    counted(anomalies.count(), "anomaly", "anomalies"),
                    counted(windows, "labelled window", "labelled windows")
                )
            }
        };
        format!(
            "{} rows{}, {} of probation; {labels}",
            grouped(self.rows() as u64),
            match self.keys.len() {
                1 => String::new(),
                keys => format!(" of {}", counted(keys, "key", "keys")),
            },
            grouped(probation as u64),
        )
    }

    /// Rows behind the probation: place in the file, label, time.
    pub(super) fn counted(&self) -> impl Iterator<Item = (usize, Option<bool>, Option<Timestamp>)> {
        self.keys.iter().flat_map(|key| {
            (key.counted_from()..key.rows.len())
                .map(|row| (key.rows[row], key.labels[row], key.times[row]))
        })
    }

    /// Runs a detector over the file; `asked` is a key whose detector is asked about itself.
    #[expect(
        clippy::disallowed_methods,
        reason = "what a row costs is a matter of time"
    )]
    pub(super) fn score(&self, plan: Plan, asked: usize) -> Scored {
        let mut shard = Shard::new(plan, 1, HASH_SEED);
        let mut verdicts = Verdicts::default();
        let mut scored = Scored {
            scores: Vec::with_capacity(self.rows()),
            flags: Vec::with_capacity(self.rows()),
            warm_up: 0,
            micros_a_row: 0.0,
            memory_bytes: 0,
            about: None,
        };
        let (mut busy, mut next_offset) = (Duration::ZERO, 0);
        for batch in &self.batches {
            next_offset += batch.len() as u64;
            let begun = Instant::now();
            shard.on_batch(batch, next_offset, &mut verdicts);
            busy += begun.elapsed();
            for verdict in &verdicts.rows {
                scored.flags.push(verdict.is_anomaly());
                scored.warm_up += usize::from(matches!(verdict.outcome, Outcome::WarmingUp));
                scored.scores.push(match verdict.outcome {
                    Outcome::Scored(scored) => scored.anomaly_score,
                    _ => f64::NEG_INFINITY,
                });
            }
        }
        let told = shard.describe(&self.keys[asked].name);
        scored.about = told.and_then(|told| told.about);
        scored.micros_a_row = busy.as_secs_f64() * 1e6 / self.rows() as f64;
        scored.memory_bytes = shard.occupancy().resident_bytes;
        scored
    }

    /// Scores and labels of each key's labelled rows, and how many of them are in the probation.
    pub(super) fn labelled(&self, scored: &Scored) -> Vec<(Vec<f64>, Vec<bool>, usize)> {
        self.keys.iter().map(|key| key.labelled(scored)).collect()
    }

    /// Name of the values of a key, and each row's values in their order; a row with other names has none.
    pub(super) fn values(&self, key: usize) -> (Vec<String>, Vec<&[f64]>) {
        let places = &self.keys[key].rows;
        let mut rows = Vec::with_capacity(places.len());
        let mut names: Option<Vec<String>> = None;
        let (mut first, mut next) = (0, 0);
        for batch in &self.batches {
            while let Some(index) = places
                .get(next)
                .map(|place| place - first)
                .filter(|index| *index < batch.len())
            {
                let layout = batch.layout(index).names();
                let names =
                    names.get_or_insert_with(|| layout.iter().map(ToString::to_string).collect());
                let fits = layout
                    .iter()
                    .map(|name| &**name)
                    .eq(names.iter().map(String::as_str));
                rows.push(if fits { batch.values(index) } else { &[] });
                next += 1;
            }
            first += batch.len();
        }
        (names.unwrap_or_default(), rows)
    }

    /// Places in the file of a key's rows.
    pub(super) fn places(&self, key: usize) -> &[usize] {
        &self.keys[key].rows
    }

    pub(super) fn times(&self, key: usize) -> &[Option<Timestamp>] {
        &self.keys[key].times
    }

    /// Rows of a key that are not counted.
    pub(super) fn probation(&self, key: usize) -> usize {
        self.keys[key].counted_from()
    }

    /// Whether each row of a key lies in a labelled window.
    pub(super) fn labels(&self, key: usize) -> Vec<bool> {
        let labels = &self.keys[key].labels;
        labels.iter().map(|label| *label == Some(true)).collect()
    }
}

impl Key {
    fn counted_from(&self) -> usize {
        self.probation.min(self.rows.len())
    }

    /// Labelled windows that reach behind the probation.
    fn windows(&self) -> usize {
        let labels: Vec<bool> = self.labels[self.counted_from()..]
            .iter()
            .map(|label| *label == Some(true))
            .collect();
        labelled_windows(&labels).len()
    }

    /// Scores and labels of its labelled rows, and how many of them are in the probation.
    fn labelled(&self, scored: &Scored) -> (Vec<f64>, Vec<bool>, usize) {
        let from = self.counted_from();
        let rows = self.labels.iter().zip(&self.rows);
        let (scores, labels) = rows
            .filter_map(|(label, row)| label.map(|label| (scored.scores[*row], label)))
            .unzip();
        let probation = self.labels[..from].iter().filter(|label| label.is_some());
        (scores, labels, probation.count())
    }
}
