use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::config;
use crate::problem::{user, warn};

/// Run as a service.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// Configuration file (YAML).
    #[arg(long, value_name = "FILE", env = "WILLET_CONFIG")]
    config: Option<PathBuf>,
}

impl Run {
    /// The configuration is read and checked whole; what this build does not hold is said before anything is begun.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let (config, warnings) = config::load(self.config.as_deref(), std::env::vars())?;
        warnings.iter().for_each(warn);
        if config.kafka.is_some() {
            return Err(user(
                "the configuration has a `kafka` section, and Kafka is not in this build (leave the section out; \
                 `willet detect` scores files and pipes)",
            ));
        }
        Err(user(
            "the service is not in this build yet (`willet detect` scores files and pipes, --data-dir makes it durable)",
        ))
    }
}
