use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use willet_engine::codec::Format;
use willet_engine::config::Plan;
use willet_log::{Log, LogOptions};
use willet_node::output::{Output, StreamOutput};
use willet_node::replay::replay;

use super::detect::{OutputFormat, open_folder, rows};
use crate::problem::{user, warn};

/// Run the log of a data folder again, from its first record and with nothing learned: the same verdicts.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The data folder.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Stream to replay. [default: the only one]
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,
    /// What to write. [default: the format of the input]
    #[arg(long, short, value_enum)]
    format: Option<OutputFormat>,
    /// Write to a file instead of stdout.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write only rows that are anomalies.
    #[arg(long)]
    only_anomalies: bool,
}

impl Replay {
    pub(crate) fn run(self) -> Result<ExitCode> {
        if !self.folder.is_dir() {
            return Err(user(format!(
                "no data folder `{}`, expected one that `willet detect --data-dir` made",
                self.folder.display()
            )));
        }
        let folder = open_folder(&self.folder)?;
        let (log, report) = Log::open(&folder, LogOptions::default())?;
        report.damage.iter().for_each(warn);
        let partitions: Vec<_> = log
            .partitions()
            .map(|(id, stream, number)| (id, stream.to_owned(), number))
            .collect();
        let wanted = |stream: &str| self.stream.as_deref().is_none_or(|wanted| wanted == stream);
        let found: Vec<_> = partitions
            .iter()
            .filter(|(_, stream, _)| wanted(stream))
            .collect();
        let [(partition, stream, _)] = found[..] else {
            let names: Vec<&str> = partitions
                .iter()
                .map(|(_, stream, _)| stream.as_str())
                .collect();
            return Err(user(format!(
                "{} streams of the data folder fit, expected --stream with one of {}",
                found.len(),
                names.join(", ")
            )));
        };
        let first = log.start(*partition).unwrap_or(0);
        if first > 0 {
            return Err(user(format!(
                "the log of stream `{stream}` begins at record {first}: what stood before was let go of by retention, and \
                 without it the verdicts would be others"
            )));
        }
        let out: Box<dyn std::io::Write + Send> =
            match &self.output {
                Some(path) => {
                    let file = std::fs::File::create(path);
                    Box::new(file.map_err(|error| {
                        user(format!("cannot write `{}`: {error}", path.display()))
                    })?)
                }
                None => Box::new(std::io::stdout()),
            };
        let (wanted, only_anomalies) = (self.format, self.only_anomalies);
        let open = move |plan: &Plan| -> Box<dyn Output> {
            let format = wanted
                .filter(|format| *format != OutputFormat::Chart)
                .unwrap_or(match plan.config().input.format {
                    Format::Csv => OutputFormat::Csv,
                    Format::Json => OutputFormat::Ndjson,
                });
            let rows = rows(format, plan, only_anomalies).expect("a chart was left out above");
            Box::new(StreamOutput::new("output", out, rows))
        };
        let troubles = replay(&log, *partition, Box::new(open));
        match troubles {
            Ok(troubles) => troubles.iter().for_each(warn),
            Err(willet_node::worker::WorkerError::Output(error)) if error.is_closed() => {}
            Err(error) => return Err(error.into()),
        }
        log.close()?;
        Ok(ExitCode::SUCCESS)
    }
}
