//! The answers of a shard, one for each event, in the order of their positions.

use std::sync::Arc;
pub use willet_core::decision::AnomalyType;

use willet_core::rows::Expected;
pub use willet_core::windows::Taken;

pub use crate::config::Adaptation;
use crate::event::{EventBatch, EventHead, Layout, Timestamp};
use crate::ids::VerdictId;

/// Answers for the events of one batch.
#[derive(Clone, Debug, Default)]
pub struct Verdicts {
    /// One for each event, in order.
    pub rows: Vec<Verdict>,
    /// What is seldom there.
    pub found: Found,
    /// The windows that the rows speak of, where they speak of windows: as many as there are rows.
    pub windows: Vec<Window>,
    /// Windows and buckets that the events, or a tick, closed or corrected.
    pub closed: Option<Box<Closed>>,
}

/// Windows and buckets in the shape of events: each is a row with its verdict.
#[derive(Clone, Debug, Default)]
pub struct Closed {
    /// A row for each, in the order of their causes, under the offset of the record that caused it.
    pub events: EventBatch,
    /// Their verdicts.
    pub verdicts: Verdicts,
}

/// What a row speaks of that is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Offset of the record whose id its verdict bears: the newest event of its series when it closed first.
    pub offset: u64,
    /// Its number among what closed by that event, or by time that passed after it; from 1 on.
    pub part: u32,
    /// 0 when it closes; 1, 2, ... when late events corrected it.
    pub revision: u32,
    /// Its first instant, where it is known.
    pub begin: Option<Timestamp>,
    /// The first instant after it; of windows by samples the time of their last event.
    pub end: Option<Timestamp>,
    /// Events in it.
    pub events: u64,
    /// Silent buckets left out just before it.
    pub left_out: u64,
    /// Whether events of it may have been left out, since there were too many.
    pub is_cut: bool,
}

/// A window that closed, before all of a batch are put together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClosedRow {
    /// Event of the batch that caused it.
    pub(crate) cause: u32,
    pub(crate) offset: u64,
    pub(crate) arrived: i64,
    pub(crate) key: Box<str>,
    pub(crate) key_hash: u64,
    pub(crate) time: Option<Timestamp>,
    pub(crate) layout: Arc<Layout>,
    pub(crate) values: Vec<f64>,
    pub(crate) window: Window,
    pub(crate) verdict: Verdict,
    /// Of its verdict.
    pub(crate) detail: Option<Detail>,
    pub(crate) drift: Option<DriftFound>,
}

/// What is made for some events only.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Of anomalies; [`Scored::detail`] points here.
    pub details: Vec<Detail>,
    /// Changes of what is normal, in the order of their events.
    pub drifts: Vec<DriftFound>,
    /// Windows that closed.
    pub(crate) closed: Vec<ClosedRow>,
}

/// What is normal of a series has changed.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftFound {
    /// The event that showed it.
    pub event: u32,
    /// Name of the test.
    pub test: &'static str,
    /// The test's own statistic.
    pub statistic: f64,
    /// Chance of such a statistic without drift, where the test knows it.
    pub p_value: Option<f64>,
    /// Size of the change in 0..=1.
    pub magnitude: f64,
    /// Rows since the change is believed to have begun, this one counted, where the test knows it.
    pub rows_ago: Option<u64>,
    /// The features that changed with the size of their change, the most changed first.
    pub features: Vec<(Box<str>, f64)>,
    /// What is done about it.
    pub action: Adaptation,
}

/// The answer for one event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Which event of the batch.
    pub event: u32,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether the event lay behind its series by more than the allowed lateness.
    pub is_late: bool,
    /// Events of the series so far, this one counted.
    pub sample_count: u64,
    /// Version of the model that answered.
    pub model_version: u32,
    /// Size in 0..=1 of what the drift test saw of a change so far; `None` where none looks.
    pub drift_magnitude: Option<f64>,
    /// Whether this event showed a drift: once for each.
    pub is_drift: bool,
}

/// What came of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// It was scored.
    Scored(Scored),
    /// Its series has not seen enough yet.
    WarmingUp,
    /// It holds no value that could be scored.
    Missing,
    /// Its id was seen before; nothing was done.
    Duplicate,
    /// Its values do not fit its series; nothing was learned. The reason is in [`Verdict::rejection`].
    Rejected(Misfit),
    /// It was put into a window or bucket, or left out; what these come to is judged.
    Gathered(Taken),
    /// The window became a part of another one: its verdict does not count any more.
    Withdrawn,
    /// Its record is marked as poison; nothing was done.
    Poisoned,
    /// Its series learned it before; said only while a log is replayed, without a count of samples.
    AlreadyLearned,
}

/// Why an event does not fit its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// An array of another length than the series began with.
    #[error(
        "event has {found} features, its series began with {expected} (name the values, or keep their number)"
    )]
    Width {
        /// Features of the series.
        expected: u32,
        /// Features of the event.
        found: u32,
    },
    /// Named values for a series of an array, or the other way round.
    #[error(
        "event and series do not both have named values (its series began with the other form)"
    )]
    Form,
    /// None of the values has a name that the series knows, and there is no number to begin one with.
    #[error("event has none of the values of its series, and no number for another one")]
    Names,
    /// Flags are counted over event time, and the event has none.
    #[error(
        "event has no timestamp, and the decision keeps a rate in time (give the event a timestamp, or the decision a rate such as 0.1 %)"
    )]
    Time,
    /// The configured features cannot be made of this series' values.
    #[error("the configured features are not among the event's values")]
    Features,
}

/// Short fixed names of the reasons for which events are passed over, for counting; [`Outcome::skip`] points here.
pub const SKIPS: [&str; 8] = [
    "missing",
    "duplicate",
    "width",
    "form",
    "names",
    "time",
    "features",
    "poisoned",
];

impl Outcome {
    /// Why the event was neither judged nor put to others, where it was not: a place in [`SKIPS`].
    pub fn skip(&self) -> Option<usize> {
        match self {
            Self::Missing => Some(0),
            Self::Duplicate => Some(1),
            Self::Rejected(Misfit::Width { .. }) => Some(2),
            Self::Rejected(Misfit::Form) => Some(3),
            Self::Rejected(Misfit::Names) => Some(4),
            Self::Rejected(Misfit::Time) => Some(5),
            Self::Rejected(Misfit::Features) => Some(6),
            Self::Poisoned => Some(7),
            Self::Scored(_)
            | Self::WarmingUp
            | Self::Gathered(_)
            | Self::Withdrawn
            | Self::AlreadyLearned => None,
        }
    }
}

/// The numbers of a scored event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// On the detector's own scale; for missing data, which no detector scores, the depth L.
    pub score: f64,
    /// On the scale of all kinds, in 0..1.
    pub anomaly_score: f64,
    /// `anomaly_score` from which on an event was an anomaly.
    pub threshold: f64,
    /// Probability that `is_anomaly` is right.
    pub confidence: f64,
    /// The answer.
    pub is_anomaly: bool,
    /// Index of its detail, for an anomaly.
    pub detail: Option<u32>,
}

/// Why an event is an anomaly.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// Names of the features.
    pub names: Vec<Box<str>>,
    /// Share of each feature in the score; sum 1.
    pub contributions: Vec<f64>,
    /// What was expected of each feature; empty where the detector does not know.
    pub expected: Vec<Expected>,
    /// Values at which the event would have been normal, by feature; empty where moving a few does not help.
    pub counterfactual: Vec<(usize, f64)>,
    /// What it looks like, where that can be told.
    pub anomaly_type: Option<AnomalyType>,
    /// What did it, in a sentence.
    pub reason: String,
}

impl Verdicts {
    /// Removes all and keeps the memory.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.found.details.clear();
        self.found.drifts.clear();
        self.found.closed.clear();
        self.windows.clear();
        self.closed = None;
    }

    /// Id of the verdict in row `index` of a stream, on what came from `offset`.
    pub fn id<'s>(&self, stream: &'s str, index: usize, offset: u64) -> VerdictId<&'s str> {
        match self.windows.get(index) {
            None => VerdictId::of_event(stream, offset),
            Some(window) => window.id(stream),
        }
    }

    /// The drift that an event showed, if it did.
    pub fn drift(&self, verdict: &Verdict) -> Option<&DriftFound> {
        if !verdict.is_drift {
            return None;
        }
        let drifts = &self.found.drifts;
        let place = drifts.binary_search_by_key(&verdict.event, |drift| drift.event);
        place.ok().map(|place| &drifts[place])
    }

    /// Detail of a scored event, if it has one.
    pub fn detail(&self, scored: &Scored) -> Option<&Detail> {
        self.found.details.get(scored.detail? as usize)
    }
}

impl Window {
    /// Id of its verdict: record, part, and of a correction its revision.
    pub fn id<'s>(&self, stream: &'s str) -> VerdictId<&'s str> {
        VerdictId {
            part: self.part,
            revision: self.revision,
            ..VerdictId::of_event(stream, self.offset)
        }
    }
}

impl Closed {
    /// Puts together what was closed; `None` where nothing was.
    pub(crate) fn of(rows: Vec<ClosedRow>) -> Option<Box<Self>> {
        if rows.is_empty() {
            return None;
        }
        let mut closed = Self::default();
        let Self { events, verdicts } = &mut closed;
        // Each series has a layout of its own making; most are alike.
        let mut shared: Vec<Arc<Layout>> = Vec::new();
        for (index, mut row) in rows.into_iter().enumerate() {
            let head = EventHead {
                offset: row.offset,
                key: &row.key,
                key_hash: row.key_hash,
                id_hash: None,
                time: row.time,
                label: None,
            };
            let is_alike = |known: &&Arc<Layout>| known.fingerprint() == row.layout.fingerprint();
            let layout = shared.iter().find(is_alike).cloned().unwrap_or_else(|| {
                shared.push(Arc::clone(&row.layout));
                row.layout
            });
            events.push(head, &layout, &row.values);
            events.stamp_last(row.arrived);
            row.verdict.event = index as u32;
            if let Outcome::Scored(scored) = &mut row.verdict.outcome {
                scored.detail = row.detail.map(|detail| {
                    verdicts.found.details.push(detail);
                    verdicts.found.details.len() as u32 - 1
                });
            }
            verdicts
                .found
                .drifts
                .extend(row.drift.map(|drift| DriftFound {
                    event: index as u32,
                    ..drift
                }));
            verdicts.rows.push(row.verdict);
            verdicts.windows.push(row.window);
        }
        Some(Box::new(closed))
    }
}

impl Verdict {
    /// One that says no more than this.
    pub(crate) fn of(event: u32, outcome: Outcome, model_version: u32) -> Self {
        Self {
            event,
            outcome,
            is_late: false,
            sample_count: 0,
            model_version,
            drift_magnitude: None,
            is_drift: false,
        }
    }

    /// Why the event was refused, if it was.
    pub fn rejection(&self) -> Option<Misfit> {
        match self.outcome {
            Outcome::Rejected(misfit) => Some(misfit),
            _ => None,
        }
    }

    /// Whether the answer is that this is an anomaly.
    pub fn is_anomaly(&self) -> bool {
        matches!(self.outcome, Outcome::Scored(scored) if scored.is_anomaly)
    }
}
