use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use willet_connectors::feed::DeadLetterPlace;
use willet_core::evaluation::{Decisions, evaluate};
use willet_engine::codec::Role;
use willet_engine::event::Timestamp;
use willet_engine::verdict::Outcome;
use willet_node::driver::Driver;
use willet_node::output::{Answers, Output};
use willet_node::pipeline::{RunError, run};

use super::stream_flags::{Prepared, Reading, StreamFlags};
use crate::problem::{user, warn};

/// Score labelled rows and say how good the scores were.
///
/// Each row is scored before it is learned. Rows of the probation are learned and not counted.
#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// A file with a label column, or - for stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    stream: StreamFlags,
    /// Rows at the beginning that are not counted.
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    probation: usize,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Form::Text)]
    format: Form,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Text,
    Json,
}

/// Scores and labels of all rows.
#[derive(Debug, Default)]
struct Gathered {
    scores: Vec<f64>,
    labels: Vec<bool>,
    flagged: Vec<bool>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Evaluate {
    pub(crate) fn run(self) -> Result<ExitCode> {
        const HASH_SEED: u64 = 0;
        let Prepared { plan, input, .. } = self.stream.prepare(&self.file, Reading::ONCE)?;
        let has_label = input
            .config
            .columns
            .iter()
            .any(|column| column.role == Role::Label);
        if input.config.format == willet_engine::codec::Format::Csv && !has_label {
            return Err(user(
                "input has no label column, expected one called `label` or named by --label",
            ));
        }
        let mut feed = input.feed(HASH_SEED, DeadLetterPlace::Nowhere)?;
        let mut driver = Driver::fresh(plan)?;
        let mut gathered = Gathered::default();
        match run(&mut feed, &mut driver, &mut gathered) {
            Err(RunError::Feed(error)) => return Err(error.into()),
            Err(RunError::Output(error)) => return Err(error.into()),
            Err(RunError::Worker(error)) => return Err(error.into()),
            Ok(()) => {}
        }
        let (summary, _) = feed.finish()?;
        if summary.total() > 0 {
            warn(&summary);
        }
        self.report(&gathered, driver.worker().shard().plan().kind().name)
    }

    fn report(&self, gathered: &Gathered, algorithm: &str) -> Result<ExitCode> {
        let from = self.probation.min(gathered.labels.len());
        let (scores, labels, flagged) = (
            &gathered.scores[from..],
            &gathered.labels[from..],
            &gathered.flagged[from..],
        );
        let Some(found) = evaluate(scores, labels) else {
            return Err(user(format!(
                "{} labelled rows after the probation are all alike, expected anomalies and normal rows",
                labels.len()
            )));
        };
        let mut own = Decisions::default();
        labels
            .iter()
            .zip(flagged)
            .for_each(|(label, flagged)| own.count(*flagged, *label));
        let days = match (gathered.first, gathered.last) {
            (Some(first), Some(last)) if last > first => Some((last.0 - first.0) as f64 / 86_400e6),
            _ => None,
        };
        let alerts = own.hits + own.false_alarms;
        let alerts_a_day = days.map(|days| alerts as f64 / days);
        let text = match self.format {
            Form::Json => format!(
                "{:#}\n",
                serde_json::json!({
                    "algorithm": algorithm,
                    "rows": found.rows,
                    "positives": found.positives,
                    "roc_auc": found.roc_auc,
                    "average_precision": found.average_precision,
                    "best_f1": found.best_f1,
                    "best_f1_threshold": found.best_threshold,
                    "precision": own.precision(),
                    "recall": own.recall(),
                    "alarm_rate": own.alarm_rate(),
                    "alerts_a_day": alerts_a_day,
                })
            ),
            Form::Text => {
                let share = |value: Option<f64>| {
                    value.map_or("-".to_owned(), |value| format!("{value:.3}"))
                };
                format!(
                    "algorithm          {algorithm}\nrows               {} ({} anomalies)\nROC AUC            {:.4}\n\
                     average precision  {:.4}\nbest F1            {:.4} at anomaly_score {:.4}\n\
                     own decisions      precision {}, recall {}, {} flagged\nalerts a day       {}\n",
                    found.rows,
                    found.positives,
                    found.roc_auc,
                    found.average_precision,
                    found.best_f1,
                    found.best_threshold,
                    share(own.precision()),
                    share(own.recall()),
                    own.alarm_rate()
                        .map_or("-".to_owned(), |rate| format!("{:.3} %", 100.0 * rate)),
                    alerts_a_day.map_or("- (rows have no time)".to_owned(), |alerts| format!(
                        "{alerts:.2}"
                    )),
                )
            }
        };
        Ok(super::print(text.as_bytes()))
    }
}

impl Output for Gathered {
    fn write(&mut self, answers: &Answers<'_>) {
        for verdict in answers.rows() {
            let row = &answers.events.rows()[verdict.event as usize];
            let Some(label) = row.label else { continue };
            self.first = [self.first, row.time].into_iter().flatten().min();
            self.last = self.last.max(row.time);
            self.labels.push(label);
            self.flagged.push(verdict.is_anomaly());
            // A row without a score counts as the least strange of all.
            self.scores.push(match verdict.outcome {
                Outcome::Scored(scored) => scored.anomaly_score,
                _ => f64::NEG_INFINITY,
            });
        }
    }
}
