//! How good, how often, at what cost: the figures of one kind.

use willet_core::evaluation::{LabelledSeries, NabProfile, evaluate, nab, vus_pr};
use willet_engine::event::Timestamp;

use crate::cmd::recorded::{Recorded, Scored};

/// What came out for one kind. Rows of the probation are not counted.
pub(super) struct Measured {
    pub(super) algorithm: String,
    pub(super) rows: usize,
    pub(super) positives: usize,
    pub(super) windows: usize,
    pub(super) roc_auc: Option<f64>,
    pub(super) average_precision: Option<f64>,
    /// Mean over keys that have a labelled window.
    pub(super) vus_pr: Option<f64>,
    /// Standard profile, the best threshold for all keys together.
    pub(super) nab: Option<f64>,
    pub(super) nab_threshold: Option<f64>,
    pub(super) alerts: Alerts,
    /// Share of rows.
    pub(super) flagged: f64,
    pub(super) micros_a_row: f64,
    pub(super) memory_bytes: usize,
    pub(super) about: Option<String>,
}

/// How often rows are flagged.
#[derive(Clone, Copy)]
pub(super) enum Alerts {
    /// By event time.
    ADay(f64),
    /// Where rows have no time.
    PerThousandRows(f64),
}

impl Alerts {
    pub(super) fn number(self) -> f64 {
        match self {
            Self::ADay(number) | Self::PerThousandRows(number) => number,
        }
    }
}

impl Measured {
    pub(super) fn of(name: &str, recorded: &Recorded, scored: &Scored) -> Self {
        let (mut rows, mut flagged) = (0, 0);
        let (mut scores, mut labels) = (Vec::new(), Vec::new());
        let (mut first, mut last): (Option<Timestamp>, Option<Timestamp>) = (None, None);
        for (row, label, time) in recorded.counted() {
            rows += 1;
            flagged += usize::from(scored.flags[row]);
            first = [first, time].into_iter().flatten().min();
            last = last.max(time);
            if let Some(label) = label {
                scores.push(scored.scores[row]);
                labels.push(label);
            }
        }
        let days = match (first, last) {
            (Some(first), Some(last)) if last > first => Some((last.0 - first.0) as f64 / 86_400e6),
            _ => None,
        };
        let evaluation = evaluate(&scores, &labels);
        let by_key = recorded.labelled(scored);
        let volumes: Vec<f64> = by_key
            .iter()
            .filter_map(|(scores, labels, from)| vus_pr(&scores[*from..], &labels[*from..]))
            .collect();
        let series: Vec<LabelledSeries<'_>> = by_key
            .iter()
            .map(|(scores, labels, probation)| LabelledSeries {
                scores,
                labels,
                probation: *probation,
            })
            .collect();
        let nab = nab(&series, NabProfile::STANDARD);
        Self {
            algorithm: name.to_owned(),
            rows,
            positives: labels.iter().filter(|label| **label).count(),
            windows: recorded.windows(),
            roc_auc: evaluation.map(|found| found.roc_auc),
            average_precision: evaluation.map(|found| found.average_precision),
            vus_pr: (!volumes.is_empty())
                .then(|| volumes.iter().sum::<f64>() / volumes.len() as f64),
            nab: nab.map(|found| found.score),
            nab_threshold: nab.map(|found| found.threshold),
            alerts: match days {
                Some(days) => Alerts::ADay(flagged as f64 / days),
                None => Alerts::PerThousandRows(1e3 * flagged as f64 / rows as f64),
            },
            flagged: flagged as f64 / rows as f64,
            micros_a_row: scored.micros_a_row,
            memory_bytes: scored.memory_bytes,
            about: scored.about.clone(),
        }
    }
}
