//! Which window size, which detector: each pair measured on a file.

mod cells;
mod page;
mod print;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgAction, Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use willet_core::detectors::{KINDS, Kind, find};
use willet_core::settings::Value;
use willet_engine::codec::InputConfig;
use willet_engine::config::{Plan, StreamConfig};

use self::cells::Tuned;
use super::charts::grouped;
use super::page::PageFile;
use super::recorded::Recorded;
use super::stream_flags::{InputFlags, Reading};
use crate::problem::{note, user};

/// Measure detectors under several window sizes on one file, and say which to take.
///
/// Each row is scored before it is learned. For each pair: time of a row, memory, rows flagged, rows of warm-up, and stability: one
/// less the mean distance of a row's `anomaly_score` from the one under the largest window, so 1 is the same. With a label column
/// average precision, too. Recommended is the best average precision (within 0.005 of it the cheapest); without labels the
/// smallest window that is stable within --tolerance (the cheapest, where several detectors have one as small). The default
/// detector, `auto`, has no window to choose: it is measured as it is, and recommended where nothing beats it.
/// The file is read once and kept in memory.
#[derive(Debug, Args)]
pub(crate) struct Tune {
    /// A file, or - for stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Try window sizes.
    // Said aloud, so that other settings may be tuned one day without another meaning of the same command.
    #[arg(long, required = true, action = ArgAction::SetTrue)]
    windows: bool,
    /// Detectors that have a `window_size`. [default: all whose window is what they learn from, beside `auto`]
    #[arg(long, short, value_name = "NAME", value_delimiter = ',')]
    algorithms: Vec<String>,
    /// Window sizes; those that no key fills are left out.
    #[arg(long, short, value_name = "ROWS", value_delimiter = ',', default_values_t = SIZES, value_parser = parse_size)]
    sizes: Vec<usize>,
    /// Distance from the largest window's scores at which a smaller one still agrees.
    #[arg(long, value_name = "DISTANCE", default_value_t = 0.05, value_parser = parse_tolerance)]
    tolerance: f64,
    /// Rows at the beginning of each key that do not count for average precision. [default: 15 %, at most 750, as in NAB]
    #[arg(long, value_name = "ROWS")]
    probation: Option<usize>,
    #[command(flatten)]
    input: InputFlags,
    /// How to print. [default: text on a terminal, else ndjson]
    #[arg(long, short, value_enum, help_heading = "Output")]
    format: Option<Form>,
    /// Also write a page with charts: one file that needs nothing else.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    html: Option<PathBuf>,
}

const SIZES: [usize; 5] = [500, 1_000, 2_000, 5_000, 10_000];
const WINDOW_SIZE: &str = "window_size";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// A table, for people.
    Text,
    Csv,
    /// A pair as JSON a line.
    #[value(alias = "json")]
    Ndjson,
}

fn parse_size(text: &str) -> Result<usize, String> {
    let size = text.parse().ok().filter(|size| *size > 0);
    size.ok_or_else(|| "expected a whole number of rows such as 1000".to_owned())
}

fn parse_tolerance(text: &str) -> Result<f64, String> {
    let tolerance = text
        .parse()
        .ok()
        .filter(|tolerance| (0.0..1.0).contains(tolerance));
    tolerance.ok_or_else(|| "expected a number of 0 or more and below 1 such as 0.05".to_owned())
}

impl Tune {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let with_default = self.algorithms.is_empty();
        // All that can be wrong with names and sizes is looked at before any work.
        let algorithms = self.algorithms()?;
        for name in &algorithms {
            for size in &self.sizes {
                plan(name, *size, InputConfig::default())?;
            }
        }
        let input = self.input.open(&self.file, None, Reading::ONCE)?;
        let config = input.config.clone();
        let recorded = Recorded::read(input, self.probation)?;
        let sizes = self.sizes(&recorded)?;
        let html = self.html.as_deref().map(PageFile::create).transpose()?;

        let bar = progress_bar(algorithms.len() * sizes.len() + usize::from(with_default));
        let mut tuned = Tuned::new(&recorded, &sizes, self.tolerance);
        for name in &algorithms {
            tuned.measure(name, |size| {
                bar.set_message(format!("{name}, window_size {size}"));
                let scored = recorded.score(plan(name, size, config.clone())?, 0);
                bar.inc(1);
                Ok(scored)
            })?;
        }
        if with_default {
            let stream = StreamConfig {
                input: config,
                ..StreamConfig::default()
            };
            let name = stream.detector.algorithm.clone();
            bar.set_message(name.clone());
            let plan = Plan::new(stream, 1).map_err(user)?;
            tuned.measure_default(&name, &recorded.score(plan, 0));
        }
        bar.finish_and_clear();
        let found = tuned.choose();

        if let Some(html) = html {
            html.write(&page::render(&found, &recorded, &self.file))?;
        }
        let is_terminal = std::io::stdout().is_terminal();
        let form = match self.format {
            Some(form) => form,
            None if is_terminal => Form::Text,
            None => Form::Ndjson,
        };
        let text = match form {
            Form::Text => print::text(&found, &recorded, &self.file),
            Form::Csv => print::csv(&found),
            Form::Ndjson => print::ndjson(&found),
        };
        if !matches!(form, Form::Text) {
            note(&found.advice);
        }
        Ok(super::print(text.as_bytes()))
    }

    /// The detectors asked for, each once.
    fn algorithms(&self) -> Result<Vec<String>> {
        if self.algorithms.is_empty() {
            let usual = KINDS.iter().filter(|kind| kind.has_window());
            return Ok(usual.map(|kind| kind.name.to_owned()).collect());
        }
        let has_size =
            |kind: &Kind| (kind.settings.iter()).any(|setting| setting.name == WINDOW_SIZE);
        let mut names: Vec<String> = Vec::new();
        for name in &self.algorithms {
            let (kind, _) = find(name).map_err(user)?;
            if !has_size(kind) {
                let having = KINDS.iter().filter(|kind| has_size(kind));
                let having: Vec<&str> = having.map(|kind| kind.name).collect();
                return Err(user(format!(
                    "algorithm {name} has no {WINDOW_SIZE} to tune, expected one of {}",
                    having.join(", ")
                )));
            }
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        Ok(names)
    }

    /// The sizes that some key outgrows, in order: a window that never fills says nothing about its size.
    fn sizes(&self, recorded: &Recorded) -> Result<Vec<usize>> {
        let mut sizes = self.sizes.clone();
        sizes.sort_unstable();
        sizes.dedup();
        let longest = recorded.longest();
        let (fitting, rest): (Vec<usize>, Vec<usize>) =
            sizes.into_iter().partition(|size| *size < longest);
        let listed = |sizes: &[usize]| -> String {
            let texts: Vec<String> = sizes.iter().map(ToString::to_string).collect();
            texts.join(",")
        };
        let series = match recorded.keys() {
            1 => "the file has",
            _ => "the longest key has",
        };
        if fitting.is_empty() {
            let (half, quarter) = (longest / 2, longest / 4);
            return Err(user(format!(
                "{series} {} rows, which fill no window of {}, expected sizes below that (such as --sizes {})",
                grouped(longest as u64),
                listed(&rest),
                listed(&[quarter.max(1), half.max(1)])
            )));
        }
        if !rest.is_empty() {
            note(format!(
                "sizes {} are left out: {series} {} rows and never fills them",
                listed(&rest),
                grouped(longest as u64)
            ));
        }
        if recorded.windows() == 0 {
            note(
                "no row behind the probation is labelled as an anomaly: what is recommended is stable, nothing says how much it finds (--label names the column, 1 is an anomaly)",
            );
        }
        Ok(fitting)
    }
}

fn plan(name: &str, size: usize, input: InputConfig) -> Result<Plan> {
    let mut stream = StreamConfig::default();
    name.clone_into(&mut stream.detector.algorithm);
    let value = Value::Number(size as f64);
    (stream.detector.settings).insert(WINDOW_SIZE.to_owned(), value);
    stream.input = input;
    Plan::new(stream, 1).map_err(|error| user(format!("{name}: {error}")))
}

/// Drawn to stderr, where that is a terminal.
fn progress_bar(cells: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(cells as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len}  {eta} left  {msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
