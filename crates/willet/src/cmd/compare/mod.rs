//! Several kinds on one file, side by side.

mod measured;
mod page;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use willet_core::detectors::find;
use willet_engine::config::{Plan, StreamConfig};

use self::measured::{Alerts, Measured};
use super::charts::memory;
use super::page::PageFile;
use super::recorded::Recorded;
use super::stream_flags::{InputFlags, Reading};
use crate::problem::{note, user};

/// Score one file with several detectors at their default settings, and measure each: how well, how often, at what cost.
///
/// Each row is scored before it is learned. With a label column (runs of 1 are the labelled windows) it says ROC AUC, average
/// precision, VUS-PR and the NAB score at its best threshold; without one alerts, cost and memory only.
/// The file is read once and kept in memory.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// A file, or - for stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Detectors; `willet detectors` lists them.
    #[arg(long, short, value_name = "NAME", value_delimiter = ',', default_values = USUAL)]
    algorithms: Vec<String>,
    /// Rows at the beginning of each key that are learned and not counted. [default: 15 %, at most 750, as in NAB]
    #[arg(long, value_name = "ROWS")]
    probation: Option<usize>,
    #[command(flatten)]
    input: InputFlags,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Form::Text, help_heading = "Output")]
    format: Form,
    /// Also write a page with the series, the scores and the flags: one file that needs nothing else.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    html: Option<PathBuf>,
}

/// One of each sort, all fast enough for any file.
const USUAL: [&str; 7] = [
    "auto", "zscore", "ewma", "seasonal", "iforest", "rcf", "knn",
];

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Text,
    Json,
    Csv,
}

impl Compare {
    pub(crate) fn run(self) -> Result<ExitCode> {
        // All names are looked at before any work.
        for name in &self.algorithms {
            find(name).map_err(user)?;
        }
        let input = self.input.open(&self.file, None, Reading::ONCE)?;
        let config = input.config.clone();
        let recorded = Recorded::read(input, self.probation)?;
        if recorded.windows() == 0 {
            note(format!(
                "{}: alerts, cost and memory only (--label names the column, 1 is an anomaly)",
                if recorded.labelled_rows() == 0 {
                    "no row has a label"
                } else {
                    "no row behind the probation is labelled as an anomaly"
                }
            ));
        }
        let html = self.html.as_deref().map(PageFile::create).transpose()?;
        let shown = recorded.key_to_show();
        if html.is_some() && recorded.keys() > 1 {
            note(format!(
                "the page draws `{}`, the one of {} keys with most to see; the figures are of all",
                recorded.key(shown),
                recorded.keys()
            ));
        }
        let mut page = html
            .is_some()
            .then(|| page::Page::new(&recorded, shown, &self.file));
        let mut found = Vec::with_capacity(self.algorithms.len());
        for name in &self.algorithms {
            let mut stream = StreamConfig::default();
            stream.detector.algorithm.clone_from(name);
            stream.input = config.clone();
            let plan = Plan::new(stream, 1).map_err(user)?;
            let scored = recorded.score(plan, shown);
            let measured = Measured::of(name, &recorded, &scored);
            if let Some(page) = &mut page {
                page.add(&recorded, &scored, &measured);
            }
            found.push(measured);
        }
        if let (Some(page), Some(html)) = (page, html) {
            html.write(&page.render())?;
        }
        let text = match self.format {
            Form::Text => text(&recorded, &found),
            Form::Json => format!(
                "{:#}\n",
                found.iter().map(json).collect::<serde_json::Value>()
            ),
            Form::Csv => csv(&found),
        };
        Ok(super::print(text.as_bytes()))
    }
}

fn text(recorded: &Recorded, found: &[Measured]) -> String {
    let mut out = recorded.summary();
    let alerts = match found.first().map(|one| one.alerts) {
        Some(Alerts::PerThousandRows(_)) => "per 1,000",
        _ => "alerts/day",
    };
    let _ = write!(
        out,
        "\n\n{:<18}{:>9}{:>9}{:>9}{:>8}{:>12}{:>10}{:>10}{:>12}\n",
        "algorithm", "ROC AUC", "avg prec", "VUS-PR", "NAB", alerts, "flagged", "µs/row", "memory"
    );
    let number = |value: Option<f64>, digits: usize| {
        value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
    };
    for one in found {
        let _ = writeln!(
            out,
            "{:<18}{:>9}{:>9}{:>9}{:>8}{:>12}{:>10}{:>10}{:>12}",
            one.algorithm,
            number(one.roc_auc, 3),
            number(one.average_precision, 3),
            number(one.vus_pr, 3),
            number(one.nab, 1),
            format!("{:.2}", one.alerts.number()),
            format!("{:.2} %", 100.0 * one.flagged),
            format!("{:.2}", one.micros_a_row),
            memory(one.memory_bytes),
        );
    }
    let mut is_first = true;
    for one in found {
        if let Some(about) = &one.about {
            out.push_str(if is_first { "\n" } else { "" });
            let _ = writeln!(out, "{}: {about}", one.algorithm);
            is_first = false;
        }
    }
    out
}

fn json(one: &Measured) -> serde_json::Value {
    let (a_day, per_thousand) = match one.alerts {
        Alerts::ADay(alerts) => (Some(alerts), None),
        Alerts::PerThousandRows(alerts) => (None, Some(alerts)),
    };
    serde_json::json!({
        "algorithm": one.algorithm,
        "rows": one.rows,
        "positives": one.positives,
        "windows": one.windows,
        "roc_auc": one.roc_auc,
        "average_precision": one.average_precision,
        "vus_pr": one.vus_pr,
        "nab": one.nab,
        "nab_threshold": one.nab_threshold.filter(|threshold| threshold.is_finite()),
        "alerts_a_day": a_day,
        "alerts_per_1000_rows": per_thousand,
        "flagged": one.flagged,
        "micros_a_row": one.micros_a_row,
        "memory_bytes": one.memory_bytes,
        "about": one.about,
    })
}

fn csv(found: &[Measured]) -> String {
    let mut out = String::from(
        "algorithm,rows,positives,windows,roc_auc,average_precision,vus_pr,nab,alerts_a_day,alerts_per_1000_rows,flagged,micros_a_row,memory_bytes\n",
    );
    let cell = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for one in found {
        let (a_day, per_thousand) = match one.alerts {
            Alerts::ADay(alerts) => (Some(alerts), None),
            Alerts::PerThousandRows(alerts) => (None, Some(alerts)),
        };
        let _ = writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{},{},{},{}",
            one.algorithm,
            one.rows,
            one.positives,
            one.windows,
            cell(one.roc_auc),
            cell(one.average_precision),
            cell(one.vus_pr),
            cell(one.nab),
            cell(a_day),
            cell(per_thousand),
            one.flagged,
            one.micros_a_row,
            one.memory_bytes
        );
    }
    out
}
