//! Which configuration is to hold, and what becomes of it where another one does.

use willet_engine::codec::{Format, InputConfig};
use willet_engine::config::StreamConfig;
use willet_engine::journal::Entry;
use willet_engine::shard::Shard;

use crate::worker::WorkerError;

/// The configuration that somebody asks for.
#[derive(Clone, Debug)]
pub enum Asked {
    /// It is to hold from now on.
    Change(StreamConfig),
    /// It must be the one that holds. How records look may have been found out and not said: then what was found out when the stream
    /// was begun holds, also where a later version would find out something else.
    Same {
        /// It.
        config: StreamConfig,
        /// Whether how records look was found out.
        takes_input_of_folder: bool,
    },
}

/// A shard that cannot be opened as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The log, the checkpoints or the output.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The folder was begun with other settings.
    #[error(
        "data folder was begun with other settings of {what}: {found}, now {asked} (use the same settings, or begin a new \
         data folder)"
    )]
    OtherSettings {
        /// Which part.
        what: &'static str,
        /// As they are in the folder.
        found: String,
        /// As they are now.
        asked: String,
    },
}

impl Asked {
    pub(super) fn config(&self) -> &StreamConfig {
        match self {
            Self::Change(config) | Self::Same { config, .. } => config,
        }
    }

    /// What is to be written to the log, so that it holds.
    pub(super) fn entry(self, shard: &Shard) -> Result<Option<Entry>, OpenError> {
        let is_new = shard.next_offset() == 0;
        let found = shard.plan().config();
        let config = match self {
            Self::Change(asked) if is_new || asked != *found => asked,
            Self::Same { config, .. } if is_new => config,
            Self::Same {
                config,
                takes_input_of_folder,
            } => {
                compare(found, config, takes_input_of_folder)?;
                return Ok(None);
            }
            Self::Change(_) => return Ok(None),
        };
        // Refused before it is written: what stands in the log must be good for ever.
        let changed = shard.plan().changed(config.clone());
        changed.map_err(WorkerError::from)?;
        let config = Box::new(config);
        Ok(Some(Entry::Configure { config }))
    }
}

fn compare(
    found: &StreamConfig,
    mut asked: StreamConfig,
    takes_input_of_folder: bool,
) -> Result<(), OpenError> {
    if takes_input_of_folder && is_alike(&found.input, &asked.input) {
        asked.input = found.input.clone();
    }
    let sections: [(&'static str, String, String); 5] = [
        ("the detector", show(&found.detector), show(&asked.detector)),
        ("the decision", show(&found.decision), show(&asked.decision)),
        ("the features", show(&found.features), show(&asked.features)),
        ("the input", show(&found.input), show(&asked.input)),
        ("the stream", show(found), show(&asked)),
    ];
    let other = sections
        .into_iter()
        .find(|(_, found, asked)| found != asked);
    other.map_or(Ok(()), |(what, found, asked)| {
        Err(OpenError::OtherSettings { what, found, asked })
    })
}

/// Whether two descriptions may be of the same records, found out by different versions: of CSV, the same columns in the same order.
fn is_alike(one: &InputConfig, other: &InputConfig) -> bool {
    let names = |input: &InputConfig| -> Vec<String> {
        let columns = input.columns.iter();
        columns.map(|column| column.name.clone()).collect()
    };
    one.format == other.format && (one.format == Format::Json || names(one) == names(other))
}

fn show(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data always serialises into memory")
}
