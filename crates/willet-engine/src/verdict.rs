//! The answers of a shard, one for each event, in the order of their positions.

pub use willet_core::decision::AnomalyType;
use willet_core::rows::Expected;

pub use crate::config::Adaptation;

/// Answers for the events of one batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdicts {
    /// One for each event, in order.
    pub rows: Vec<Verdict>,
    /// What is seldom there.
    pub found: Found,
}

/// What is made for some events only.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Of anomalies; [`Scored::detail`] points here.
    pub details: Vec<Detail>,
    /// Changes of what is normal, in the order of their events.
    pub drifts: Vec<DriftFound>,
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
    /// None of the values has a name that the series knows.
    #[error(
        "event has none of the values that its series began with (a new name is taken up at the next reset)"
    )]
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
}

impl Verdicts {
    /// Removes all and keeps the memory.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.found.details.clear();
        self.found.drifts.clear();
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

impl Verdict {
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
