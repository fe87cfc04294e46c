use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::config;
use crate::problem::{note, warn};

/// Check, show or describe the configuration.
#[derive(Debug, Args)]
pub(crate) struct ConfigCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Say whether a configuration can run, and what is wrong with it.
    Check(File),
    /// Print the configuration as it holds: file, environment and defaults together.
    Show(File),
    /// Print a JSON Schema of the configuration.
    Schema,
    /// Print the HTTP interface as an OpenAPI document.
    Openapi,
}

#[derive(Debug, Args)]
struct File {
    /// Configuration file (YAML); without one, the environment and the defaults.
    #[arg(value_name = "FILE", env = "WILLET_CONFIG")]
    config: Option<PathBuf>,
}

impl ConfigCommand {
    pub(crate) fn run(self) -> Result<ExitCode> {
        match self.verb {
            Verb::Check(file) => {
                let (config, warnings) = config::load(file.config.as_deref(), std::env::vars())?;
                warnings.iter().for_each(warn);
                if config.kafka.is_some() {
                    note(
                        "the `kafka` section is sound; Kafka is not in this build, so `run` will refuse it",
                    );
                }
                Ok(super::print(b"ok\n"))
            }
            Verb::Show(file) => {
                let (config, warnings) = config::load(file.config.as_deref(), std::env::vars())?;
                warnings.iter().for_each(warn);
                Ok(super::print(serde_saphyr::to_string(&config)?.as_bytes()))
            }
            Verb::Schema => {
                let mut text = serde_json::to_string_pretty(&config::schema())?;
                text.push('\n');
                Ok(super::print(text.as_bytes()))
            }
            Verb::Openapi => Ok(super::print(willet_server::document().as_bytes())),
        }
    }
}
