use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use willet_connectors::synthetic::{Generator, NoiseKind, RowFormat, Shape, SyntheticConfig};

use crate::problem::user;

/// Make a labelled stream to try things on: seasons, noise, and marked trouble.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// Rows in all; 0 goes on for ever.
    #[arg(long, short = 'n', default_value_t = 10_000)]
    rows: u64,
    /// Series in the stream; their rows take turns.
    #[arg(long, default_value_t = 1)]
    keys: usize,
    /// Values of a row.
    #[arg(long, default_value_t = 1)]
    width: usize,
    /// Seconds of event time between two rows of a key.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    interval: f64,
    /// Decides everything random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Time of the first row.
    #[arg(long, value_name = "TIME", default_value = "2026-01-05T00:00:00Z")]
    start: String,
    /// What the values do when nothing is wrong.
    #[arg(long, value_enum, default_value_t = ShapeFlag::Seasonal)]
    shape: ShapeFlag,
    /// Rise in a day.
    #[arg(
        long,
        value_name = "SIZE",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    trend: f64,
    /// Noise with far values that are not trouble.
    #[arg(long)]
    heavy_noise: bool,
    /// Nothing goes wrong.
    #[arg(long)]
    no_trouble: bool,
    /// Rows a second of real time; as fast as it can where not given.
    #[arg(long, value_name = "ROWS")]
    pace: Option<f64>,
    /// Format of the rows.
    #[arg(long, short, value_enum, default_value_t = FormatFlag::Csv)]
    format: FormatFlag,
    /// Write to a file instead of stdout.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A YAML file with all that can be set (seasons, kinds of trouble, ...); the flags are not looked at then.
    #[arg(long, value_name = "FILE")]
    spec: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ShapeFlag {
    Seasonal,
    Counts,
    Walk,
    Cycles,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatFlag {
    Csv,
    #[value(alias = "json")]
    Ndjson,
}

/// Bytes gathered before they are written.
const CHUNK: usize = 64 << 10;

impl Generate {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let config = self.config()?;
        let mut generator = Generator::new(&config)?;
        let mut out: Box<dyn Write> =
            match &self.output {
                Some(path) => {
                    let file = std::fs::File::create(path);
                    Box::new(file.map_err(|error| {
                        user(format!("cannot write `{}`: {error}", path.display()))
                    })?)
                }
                None => Box::new(std::io::stdout().lock()),
            };
        let mut rows = Vec::with_capacity(2 * CHUNK);
        if config.format == RowFormat::Csv {
            rows.extend_from_slice(generator.header().as_bytes());
            if !rows.ends_with(b"\n") {
                rows.push(b'\n');
            }
        }
        let pause = match self.pace {
            Some(pace) if pace > 0.0 && pace.is_finite() => {
                Some(std::time::Duration::from_secs_f64(1.0 / pace))
            }
            Some(pace) => {
                return Err(user(format!(
                    "--pace is {pace}, expected rows a second, more than 0"
                )));
            }
            None => None,
        };
        loop {
            let goes_on = generator.next_row(&mut rows);
            if goes_on {
                rows.push(b'\n');
            }
            if !goes_on || pause.is_some() || rows.len() >= CHUNK {
                match out.write_all(&rows).and_then(|()| out.flush()) {
                    // `| head` has seen enough.
                    Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                        return Ok(ExitCode::SUCCESS);
                    }
                    other => other?,
                }
                rows.clear();
            }
            if !goes_on {
                return Ok(ExitCode::SUCCESS);
            }
            if let Some(pause) = pause {
                std::thread::sleep(pause);
            }
        }
    }

    fn config(&self) -> Result<SyntheticConfig> {
        if let Some(path) = &self.spec {
            let text = std::fs::read_to_string(path)
                .map_err(|error| user(format!("cannot read `{}`: {error}", path.display())))?;
            return serde_saphyr::from_str(&text)
                .map_err(|error| user(format!("`{}`: {error}", path.display())));
        }
        let mut config = SyntheticConfig {
            keys: self.keys,
            width: self.width,
            count: (self.rows > 0).then_some(self.rows),
            interval_s: self.interval,
            seed: self.seed,
            start: self.start.clone(),
            trend_per_day: self.trend,
            shape: match self.shape {
                ShapeFlag::Seasonal => Shape::Seasonal,
                ShapeFlag::Counts => Shape::Counts,
                ShapeFlag::Walk => Shape::Walk,
                ShapeFlag::Cycles => Shape::Cycles,
            },
            format: match self.format {
                FormatFlag::Csv => RowFormat::Csv,
                FormatFlag::Ndjson => RowFormat::Json,
            },
            ..Default::default()
        };
        if self.heavy_noise {
            config.noise_kind = NoiseKind::Heavy;
        }
        if self.no_trouble {
            config.troubles.clear();
        }
        Ok(config)
    }
}
