//! One file for each verb.

mod backup;
mod charts;
mod compare;
mod completions;
mod config;
mod detect;
mod detectors;
mod doctor;
mod evaluate;
mod generate;
mod page;
mod recorded;
mod replay;
mod restore;
mod run;
mod stream_flags;
mod token;
mod top;
mod tune;
mod verify;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Finds anomalies in streams of events: learns what is normal for each source while it reads, and says what is not, how
/// sure it is, and why.
#[derive(Debug, Parser)]
#[command(
    name = "willet",
    version,
    arg_required_else_help = true,
    max_term_width = 120
)]
pub(crate) struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Score the rows of a file or of stdin.
    Detect(Box<detect::Detect>),
    /// Score labelled rows and say how good the scores were.
    Evaluate(Box<evaluate::Evaluate>),
    /// Score one file with several detectors and measure each.
    Compare(compare::Compare),
    /// Measure detectors under several window sizes, and say which to take.
    Tune(tune::Tune),
    /// Make a labelled stream to try things on.
    Generate(generate::Generate),
    /// List detectors, or show one with its settings.
    Detectors(detectors::Detectors),
    /// Run the log of a data folder again: the same verdicts.
    Replay(replay::Replay),
    /// Check every byte of a data folder.
    Verify(verify::Verify),
    /// Copy a data folder, also while the service runs.
    Backup(backup::Backup),
    /// Make a data folder of a backup.
    Restore(restore::Restore),
    /// Check, show or describe the configuration.
    Config(config::ConfigCommand),
    /// Run as a service.
    Run(run::Run),
    /// Check whether the service can run here.
    Doctor(doctor::Doctor),
    /// Make, list and revoke tokens.
    Token(token::Token),
    /// Watch a running service in the terminal.
    Top(top::Top),
    /// Print a completion script for a shell.
    Completions(completions::Completions),
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode> {
        match self.verb {
            Verb::Detect(verb) => verb.run(),
            Verb::Evaluate(verb) => verb.run(),
            Verb::Compare(verb) => verb.run(),
            Verb::Tune(verb) => verb.run(),
            Verb::Generate(verb) => verb.run(),
            Verb::Detectors(verb) => verb.run(),
            Verb::Replay(verb) => verb.run(),
            Verb::Verify(verb) => verb.run(),
            Verb::Backup(verb) => verb.run(),
            Verb::Restore(verb) => verb.run(),
            Verb::Config(verb) => verb.run(),
            Verb::Run(verb) => verb.run(),
            Verb::Doctor(verb) => Ok(verb.run()),
            Verb::Token(verb) => verb.run(),
            Verb::Top(verb) => verb.run(),
            Verb::Completions(verb) => Ok(verb.run()),
        }
    }
}

/// Prints bytes to stdout; a reader that has gone (`| head`) is no error.
fn print(bytes: &[u8]) -> ExitCode {
    use std::io::Write as _;
    match std::io::stdout().write_all(bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}
