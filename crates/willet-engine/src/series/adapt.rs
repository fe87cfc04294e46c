//! Training anew: the rows to learn from, when it is due, and the way back.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::config::{Adaptation, Plan};
use crate::event::Timestamp;

/// What a series keeps in order to be trained anew, and to go back to before.
#[derive(Debug, Default)]
pub(super) struct Adapt {
    pub(super) kept: Kept,
    pub(super) running: Option<Running>,
    pub(super) done: Done,
}

/// The newest rows of a series, as they came, for those who train.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    width: u32,
    /// Number of the oldest row; the first row of the series is 0.
    oldest: u64,
    rows: VecDeque<KeptRow>,
    values: VecDeque<f64>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct KeptRow {
    pub(super) time: Option<Timestamp>,
    /// Rows that should have come before it.
    pub(super) missing: u32,
    pub(super) is_normal: bool,
}

/// A training that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Running {
    /// The next row to be learned.
    pub(super) next: u64,
    /// From this row on all are learned, not only normal ones: what changed began here.
    pub(super) all_from: u64,
    pub(super) what: What,
}

/// What is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    /// A new model, while the one before answers.
    Anew,
    /// The model that answers: rows that it held to be anomalies and did not learn.
    Further,
}

/// What was done so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Done {
    /// Rows since something was done.
    since: u64,
    /// Share of anomalies of late; each row counts a hundredth of what is left to it.
    rate: f64,
    counted: u32,
    pub(super) history: Vec<Retrain>,
}

/// A training of a series, as it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retrain {
    /// Rows of the series when it began.
    pub sample_count: u64,
    /// Event time when it began.
    pub at: Option<Timestamp>,
    /// Why.
    pub reason: Reason,
    /// What was done.
    pub action: Adaptation,
    /// Kept rows that were learned.
    pub rows: u64,
    /// What became of it.
    pub state: RetrainState,
}

/// Why a series is trained anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// What is normal changed.
    Drift,
    /// So many rows came since the last time.
    Schedule,
    /// Too many rows were anomalies.
    AnomalyRate,
    /// Somebody asked for it.
    Command,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Drift,
        Self::Schedule,
        Self::AnomalyRate,
        Self::Command,
    ];

    /// Name in metrics and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Schedule => "schedule",
            Self::AnomalyRate => "anomaly_rate",
            Self::Command => "command",
        }
    }
}

/// What became of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetrainState {
    /// The model before still answers.
    Running,
    /// What was trained answers.
    Done,
    /// Something else came between.
    GivenUp,
    /// Somebody went back to before.
    Undone,
}

impl RetrainState {
    /// Name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::GivenUp => "given up",
            Self::Undone => "undone",
        }
    }
}

/// Trainings of a series that are remembered.
const HISTORY: usize = 16;
/// Rows before a share of anomalies means anything, and over which it fades.
const RATE_ROWS: u32 = 100;
/// Rows of a change that make a training worth it.
const LEAST_ROWS: u64 = 32;

impl Kept {
    /// Takes in a row; those beyond `most` go.
    pub(super) fn push(&mut self, row: KeptRow, values: &[f64], most: usize) {
        if self.width as usize != values.len() {
            self.oldest += self.rows.len() as u64;
            self.rows.clear();
            self.values.clear();
            self.width = values.len() as u32;
        }
        self.rows.push_back(row);
        self.values.extend(values);
        while self.rows.len() > most {
            self.rows.pop_front();
            self.values.drain(..self.width as usize);
            self.oldest += 1;
        }
    }

    /// The number that the next row will have.
    pub(super) fn next(&self) -> u64 {
        self.oldest + self.rows.len() as u64
    }

    /// A row by its number, the values in `space`; `None` where it is not there any more, or not yet.
    pub(super) fn row(&self, number: u64, space: &mut Vec<f64>) -> Option<KeptRow> {
        let place = usize::try_from(number.checked_sub(self.oldest)?).ok()?;
        let row = *self.rows.get(place)?;
        let width = self.width as usize;
        space.clear();
        space.extend(self.values.range(place * width..(place + 1) * width));
        Some(row)
    }

    fn is_sound(&self) -> bool {
        self.rows.len().checked_mul(self.width as usize) == Some(self.values.len())
    }

    fn heap_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<KeptRow>() + self.values.capacity() * size_of::<f64>()
    }
}

impl Adapt {
    /// Takes note of a row and says what it makes due; `began` is since how many rows what is normal has changed, where this row
    /// showed a change (0 where nobody knows).
    pub(super) fn due(
        &mut self,
        plan: &Plan,
        row: KeptRow,
        values: &[f64],
        began: Option<u64>,
    ) -> Option<(Reason, Adaptation)> {
        let config = plan.retrain();
        if plan.keeps_rows() {
            self.kept.push(row, values, config.rows);
        }
        self.done.note(row.is_normal);
        if self.running.is_some() || self.done.since < config.cool_down {
            return None;
        }
        let adaptation = plan.drift().adaptation();
        if began.is_some() && adaptation != Adaptation::Report {
            return Some((Reason::Drift, adaptation));
        }
        let threshold = config.retrain_threshold;
        let reason = if !config.auto_retrain {
            None
        } else if threshold >= 1.0 {
            (self.done.since as f64 >= threshold).then_some(Reason::Schedule)
        } else {
            let is_over = self.done.counted >= RATE_ROWS && self.done.rate >= threshold;
            is_over.then_some(Reason::AnomalyRate)
        };
        reason.map(|reason| (reason, Adaptation::Retrain))
    }

    /// Begins a training. What was normal before a change is not learned again; where nothing changed, or nobody knows since when,
    /// what was normal is.
    pub(super) fn begin(&mut self, what: What, began: Option<u64>) {
        let next = self.kept.next();
        let oldest = self.kept.oldest;
        let since = began.filter(|rows| *rows > 0);
        let all_from = since.map_or(next, |rows| next.saturating_sub(rows.max(LEAST_ROWS)));
        let all_from = all_from.max(oldest);
        self.running = Some(Running {
            next: if since.is_some() { all_from } else { oldest },
            all_from,
            what,
        });
    }

    /// Writes a training down.
    pub(super) fn note(&mut self, retrain: Retrain) {
        let history = &mut self.done.history;
        if history.len() == HISTORY {
            history.remove(0);
        }
        history.push(retrain);
        self.done.since = 0;
        self.done.counted = 0;
        self.done.rate = 0.0;
    }

    /// Sets what became of the last training.
    pub(super) fn ended(&mut self, state: RetrainState) {
        self.running = None;
        if let Some(last) = self.done.history.last_mut() {
            last.state = state;
        }
    }

    /// Whether the last training goes on: its model may still be warming up behind the rows that were kept.
    pub(super) fn is_unfinished(&self) -> bool {
        self.last_state() == Some(RetrainState::Running)
    }

    /// What became of the last training.
    pub(super) fn last_state(&self) -> Option<RetrainState> {
        self.done.history.last().map(|last| last.state)
    }

    /// Nothing of what was kept is of use any more.
    pub(super) fn forget(&mut self) {
        self.forget_rows();
        if self.is_unfinished() {
            self.ended(RetrainState::GivenUp);
        }
    }

    pub(super) fn forget_rows(&mut self) {
        self.kept = Kept::default();
    }

    /// Share of anomalies of late.
    pub(super) fn rate(&self) -> f64 {
        self.done.rate
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Self>()
            + self.kept.heap_bytes()
            + self.done.history.capacity() * size_of::<Retrain>()
    }

    pub(super) fn save(&self) -> AdaptState {
        AdaptState {
            kept: self.kept.clone(),
            running: self.running,
            done: self.done.clone(),
        }
    }

    pub(super) fn restore(state: AdaptState) -> Result<Self, String> {
        if !state.kept.is_sound() || state.done.history.len() > HISTORY {
            return Err("the rows kept for training do not belong together".to_owned());
        }
        Ok(Self {
            kept: state.kept,
            running: state.running,
            done: state.done,
        })
    }
}

impl Done {
    fn note(&mut self, is_normal: bool) {
        self.since = self.since.saturating_add(1);
        self.counted = (self.counted + 1).min(RATE_ROWS);
        let flag = if is_normal { 0.0 } else { 1.0 };
        self.rate += (flag - self.rate) / f64::from(self.counted);
    }
}

/// As it is saved.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AdaptState {
    kept: Kept,
    running: Option<Running>,
    done: Done,
}
