//! An input file or stdin, opened, looked at, and fed to the pipeline with its dead letters.

use std::path::Path;

use anyhow::Result;
use willet_connectors::feed::{DeadLetterPlace, SourceFeed};
use willet_connectors::file::{FileConfig, FileSource};
use willet_connectors::stdio::StdinSource;
use willet_connectors::{Cursor, Framing, LookError, Reversed, Source, look};
use willet_engine::codec::{Decoder, InferOptions, InputConfig};

use crate::problem::{note, user, warn};

/// An input ready to be read.
pub(crate) struct Input {
    source: Box<dyn Source>,
    pub(crate) config: InputConfig,
    /// Read from the last row to the first.
    is_turned: bool,
    /// Nobody said how its records look.
    pub(crate) is_found_out: bool,
}

/// How an input is to be opened.
pub(crate) struct Opening<'a> {
    /// A path, or `-`.
    pub(crate) path: &'a Path,
    pub(crate) follow: bool,
    /// How its records look, where a configuration says so.
    pub(crate) config: Option<InputConfig>,
    /// What the user knows where none does.
    pub(crate) infer: InferOptions,
    pub(crate) quiet: bool,
    /// Whether a file with its newest rows first is read from its end: not where it grows, or is gone on with.
    pub(crate) turns: bool,
}

impl Input {
    pub(crate) fn open(opening: &Opening<'_>) -> Result<Self> {
        let mut source: Box<dyn Source> = if is_stdin(opening.path) {
            Box::new(StdinSource::new(Framing::lines()))
        } else {
            let config = FileConfig {
                path: opening.path.to_owned(),
                follow: opening.follow,
            };
            Box::new(FileSource::open(&config, Framing::lines())?)
        };
        let is_found_out = opening.config.is_none() && opening.infer == InferOptions::default();
        let looked = look(&mut *source, opening.config.as_ref(), &opening.infer);
        let inferred = looked.map_err(|error| match error {
            LookError::Source(error) => anyhow::Error::from(error),
            error => user(error),
        })?;
        if !opening.quiet {
            inferred.notes.iter().for_each(note);
        }
        let mut is_turned = false;
        if inferred.is_newest_first {
            is_turned = opening.turns && !opening.follow && !is_stdin(opening.path);
            if is_turned {
                note("the newest rows come first: read from the last row to the first");
            } else {
                warn(
                    "the newest rows come first, so that all that follow are late (tac turns a file round)",
                );
            }
        }
        Ok(Self {
            source,
            config: inferred.config,
            is_turned,
            is_found_out,
        })
    }

    /// Says how its records look; before the first is read.
    pub(crate) fn read_as(&mut self, config: InputConfig) {
        self.source.set_framing(Framing::of(&config));
        self.config = config;
    }

    /// Goes on where a former run stood.
    pub(crate) fn seek(&mut self, cursor: &[u8]) -> Result<()> {
        Ok(self.source.seek(&Cursor::from_bytes(cursor))?)
    }

    /// Makes the feed of a pipeline of it.
    pub(crate) fn feed(self, hash_seed: u64, dead_letters: DeadLetterPlace) -> Result<SourceFeed> {
        let decoder = Decoder::new(&self.config, hash_seed).map_err(user)?;
        let source = if self.is_turned {
            Box::new(Reversed::new(self.source))
        } else {
            self.source
        };
        Ok(SourceFeed::new(source, decoder, dead_letters))
    }
}

pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}
