//! Flags that say what the stream is: shared by the verbs that score rows.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use willet_core::decision::Direction;
use willet_core::settings::Value;
use willet_engine::codec::{Format, Header, InferOptions, InputConfig, TimestampUnit};
use willet_engine::config::{Plan, StreamConfig};

use crate::config::{self, Config};
use crate::input::{Input, Opening};
use crate::problem::{user, warn};

#[derive(Clone, Debug, Args)]
pub(crate) struct StreamFlags {
    /// Configuration file (YAML); flags win over it.
    #[arg(long, value_name = "FILE", env = "WILLET_CONFIG")]
    config: Option<PathBuf>,
    /// Stream of the configuration to take, where it has several.
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,

    /// Detector; `willet detectors` lists them. [default: auto]
    #[arg(long, short, value_name = "NAME", help_heading = "Detection")]
    algorithm: Option<String>,
    /// A setting of the detector, such as `window_size=500`; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", help_heading = "Detection")]
    settings: Vec<String>,
    /// Share of rows expected to be anomalies, above 0 and below 0.5. [default: at most 0.005]
    #[arg(
        long,
        value_name = "SHARE",
        conflicts_with = "threshold",
        help_heading = "Detection"
    )]
    contamination: Option<f64>,
    /// Threshold on `anomaly_score`, above 0 and below 1 (1 in 1,000 is 0.75).
    #[arg(long, value_name = "SCORE", help_heading = "Detection")]
    threshold: Option<f64>,
    /// How many flags are kept to: "0.1 %", "1 per 1000 rows", or by event time "5 a week", "2 per day".
    #[arg(
        long,
        value_name = "RATE",
        conflicts_with_all = ["contamination", "threshold"],
        help_heading = "Detection"
    )]
    rate: Option<String>,
    /// Which deviations count.
    #[arg(long, value_enum, help_heading = "Detection")]
    direction: Option<DirectionFlag>,
    /// How many rows in a row must be over the threshold.
    #[arg(long, value_name = "ROWS", help_heading = "Detection")]
    consecutive: Option<u32>,
    /// Deviations from the expected value up to this size are no anomaly.
    #[arg(long, value_name = "SIZE", help_heading = "Detection")]
    ignore_absolute: Option<f64>,
    /// Deviations up to this share of the expected value are no anomaly.
    #[arg(long, value_name = "SHARE", help_heading = "Detection")]
    ignore_relative: Option<f64>,
    /// Whose clock seasons follow, summer time too: a name such as Europe/Berlin. [default: UTC]
    #[arg(long, value_name = "NAME", help_heading = "Detection")]
    time_zone: Option<String>,
    /// Seed of everything random.
    #[arg(long, value_name = "NUMBER", help_heading = "Detection")]
    seed: Option<u64>,

    #[command(flatten)]
    input: InputFlags,
}

/// Flags that say what is in the input.
#[derive(Clone, Debug, Args)]
pub(crate) struct InputFlags {
    /// Columns to use as values; all that hold numbers where none is named.
    #[arg(
        long = "column",
        short = 'c',
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "Input"
    )]
    columns: Vec<String>,
    /// Column of the key: each key is learned on its own. [default: key, source or site]
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    key: Option<String>,
    // Not a doc comment: to rustdoc `@` in brackets is a link.
    #[arg(
        long,
        value_name = "NAME",
        help_heading = "Input",
        help = "Column of the event time. [default: timestamp, @timestamp, time, ts, datetime, date, t or the like, where it holds times]"
    )]
    timestamp: Option<String>,
    /// Column of the label, which is never shown to a detector. [default: label]
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    label: Option<String>,
    /// Column of the event's id, by which repeated events are known. [default: id, where it does not repeat]
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    id: Option<String>,
    /// What numbers in the time column count. [default: told by their size]
    #[arg(long, value_enum, value_name = "UNIT", help_heading = "Input")]
    timestamp_unit: Option<UnitFlag>,
    /// Format of the input. [default: found out]
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Input")]
    input_format: Option<InputFormatFlag>,
    /// What stands between CSV fields: a character, or `tab`. [default: found out]
    #[arg(long, visible_alias = "sep", value_name = "CHARACTER", value_parser = parse_delimiter, help_heading = "Input")]
    delimiter: Option<char>,
    /// What stands before the fraction of a number, a point or a comma. [default: found out]
    #[arg(long, value_name = "CHARACTER", value_parser = parse_decimal, help_heading = "Input")]
    decimal: Option<char>,
    /// What stands between thousands: `.`, `,`, a space, `'` or `_`. [default: found out]
    #[arg(long, value_name = "CHARACTER", help_heading = "Input")]
    thousands: Option<char>,
    /// Lines before the header. [default: found out]
    #[arg(long, value_name = "LINES", help_heading = "Input")]
    skip_lines: Option<usize>,
    /// Rows under the header that are none, such as units. [default: found out]
    #[arg(long, value_name = "ROWS", help_heading = "Input")]
    skip_rows: Option<usize>,
    /// The first CSV line is a row, not names; columns are called c0, c1, ...
    #[arg(long, help_heading = "Input")]
    no_header: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DirectionFlag {
    Up,
    Down,
    Both,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum UnitFlag {
    S,
    Ms,
    Us,
    Ns,
    /// Dates without dashes: 20220101, 20220101143000.
    Ymd,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum InputFormatFlag {
    Csv,
    #[value(alias = "json")]
    Ndjson,
}

/// How an input is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// On and on as it grows.
    pub(crate) follow: bool,
    /// Without notes.
    pub(crate) quiet: bool,
    /// From its end, where the newest rows come first.
    pub(crate) turns: bool,
}

impl Reading {
    /// Once, from the oldest row to the newest, with notes.
    pub(crate) const ONCE: Self = Self {
        follow: false,
        quiet: false,
        turns: true,
    };
}

fn parse_delimiter(text: &str) -> Result<char, String> {
    let mut characters = text.chars();
    match (text, characters.next(), characters.next()) {
        ("tab" | "\\t", ..) => Ok('\t'),
        (_, Some(character), None) if character.is_ascii() => Ok(character),
        _ => Err("expected one ASCII character, or tab".to_owned()),
    }
}

fn parse_decimal(text: &str) -> Result<char, String> {
    match text {
        "." => Ok('.'),
        "," => Ok(','),
        _ => Err("expected . or ,".to_owned()),
    }
}

/// A stream ready to be scored.
pub(crate) struct Prepared {
    pub(crate) config: Config,
    pub(crate) plan: Plan,
    pub(crate) input: Input,
}

impl StreamFlags {
    /// Reads the configuration, opens the input and puts both together.
    pub(crate) fn prepare(&self, path: &Path, reading: Reading) -> Result<Prepared> {
        let (config, warnings) = config::load(self.config.as_deref(), std::env::vars())?;
        warnings.iter().for_each(warn);
        let mut stream = config.stream(self.stream.as_deref()).map_err(user)?;
        self.apply(&mut stream)?;
        let has_input = stream.input != StreamConfig::default().input;
        let known = has_input.then(|| stream.input.clone());
        let input = self.input.open(path, known, reading)?;
        stream.input = input.config.clone();
        let plan = Plan::new(stream, 1).map_err(user)?;
        Ok(Prepared {
            config,
            plan,
            input,
        })
    }

    fn apply(&self, stream: &mut StreamConfig) -> Result<()> {
        if let Some(algorithm) = &self.algorithm {
            // Settings of another kind would only be refused.
            if *algorithm != stream.detector.algorithm {
                stream.detector.settings.clear();
            }
            stream.detector.algorithm.clone_from(algorithm);
        }
        for setting in &self.settings {
            let (name, text) = setting.split_once('=').ok_or_else(|| {
                user(format!(
                    "--set {setting}, expected NAME=VALUE such as window_size=500"
                ))
            })?;
            let value = serde_json::from_str(text).unwrap_or_else(|_| Value::Text(text.to_owned()));
            stream
                .detector
                .settings
                .insert(name.trim().to_owned(), value);
        }
        let decision = &mut stream.decision;
        if self.contamination.is_some() || self.threshold.is_some() || self.rate.is_some() {
            (decision.contamination, decision.threshold) = (self.contamination, self.threshold);
            decision.rate.clone_from(&self.rate);
        }
        match self.direction {
            Some(DirectionFlag::Up) => decision.direction = Direction::Up,
            Some(DirectionFlag::Down) => decision.direction = Direction::Down,
            Some(DirectionFlag::Both) => decision.direction = Direction::Both,
            None => {}
        }
        decision.consecutive = self.consecutive.unwrap_or(decision.consecutive);
        decision.ignore_absolute = self.ignore_absolute.unwrap_or(decision.ignore_absolute);
        decision.ignore_relative = self.ignore_relative.unwrap_or(decision.ignore_relative);
        if let Some(zone) = &self.time_zone {
            stream.time_zone.clone_from(zone);
        }
        stream.seed = self.seed.unwrap_or(stream.seed);
        Ok(())
    }
}

impl InputFlags {
    /// Opens an input; `known` says how its records look, where a configuration does.
    pub(crate) fn open(
        &self,
        path: &Path,
        known: Option<InputConfig>,
        reading: Reading,
    ) -> Result<Input> {
        Input::open(&Opening {
            path,
            follow: reading.follow,
            config: known,
            infer: self.infer_options(),
            quiet: reading.quiet,
            turns: reading.turns,
        })
    }

    fn infer_options(&self) -> InferOptions {
        InferOptions {
            format: self.input_format.map(|format| match format {
                InputFormatFlag::Csv => Format::Csv,
                InputFormatFlag::Ndjson => Format::Json,
            }),
            delimiter: self.delimiter,
            header: if self.no_header {
                Header::Absent
            } else {
                Header::Auto
            },
            values: self.columns.clone(),
            key: self.key.clone(),
            timestamp: self.timestamp.clone(),
            label: self.label.clone(),
            id: self.id.clone(),
            timestamp_unit: match self.timestamp_unit {
                None => TimestampUnit::Auto,
                Some(UnitFlag::S) => TimestampUnit::Seconds,
                Some(UnitFlag::Ms) => TimestampUnit::Millis,
                Some(UnitFlag::Us) => TimestampUnit::Micros,
                Some(UnitFlag::Ns) => TimestampUnit::Nanos,
                Some(UnitFlag::Ymd) => TimestampUnit::Ymd,
            },
            decimal: self.decimal,
            thousands: self.thousands,
            skip_lines: self.skip_lines,
            skip_rows: self.skip_rows,
        }
    }
}
