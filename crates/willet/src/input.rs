//! An input file or stdin, opened, looked at, and fed to the pipeline with its dead letters.

use std::path::Path;

use anyhow::Result;
use willet_connectors::feed::{DeadLetterPlace, SourceFeed};
use willet_connectors::file::{FileConfig, FileSource};
use willet_connectors::stdio::StdinSource;
use willet_connectors::{Cursor, Framing, Reversed, Source};
use willet_engine::codec::{Decoder, InferOptions, InputConfig, infer};

use crate::problem::{note, user, warn};

/// A source that can be looked at before it is read.
enum Opened {
    File(Box<FileSource>),
    Stdin(Box<StdinSource>),
}

/// An input ready to be read.
pub(crate) struct Input {
    source: Opened,
    pub(crate) config: InputConfig,
    name: String,
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

/// Bytes looked at to find out what the input is.
const SAMPLE_BYTES: usize = 256 << 10;
/// Lines that are enough for it: a slow pipe should not have to fill the bytes.
const SAMPLE_LINES: usize = 101;

impl Input {
    pub(crate) fn open(opening: Opening<'_>) -> Result<Self> {
        let name = if is_stdin(opening.path) {
            "stdin".to_owned()
        } else {
            opening.path.display().to_string()
        };
        let mut source = if is_stdin(opening.path) {
            Opened::Stdin(Box::new(StdinSource::new(Framing::lines())))
        } else {
            let mode = if opening.follow {
                FileConfig::follow
            } else {
                FileConfig::once
            };
            Opened::File(Box::new(FileSource::open(
                &mode(opening.path),
                Framing::lines(),
            )?))
        };
        let sample = match &mut source {
            Opened::File(file) => file.sample(SAMPLE_BYTES)?,
            Opened::Stdin(stdin) => stdin.sample(SAMPLE_BYTES, SAMPLE_LINES)?,
        };
        let mut is_turned = false;
        let is_found_out = opening.config.is_none() && opening.infer == InferOptions::default();
        let config = if let Some(config) = opening.config {
            config.for_sample(sample).map_err(user)?
        } else {
            let inferred = infer(sample, &opening.infer).map_err(user)?;
            if !opening.quiet {
                inferred.notes.iter().for_each(note);
            }
            if inferred.is_newest_first {
                is_turned = opening.turns && !opening.follow && matches!(source, Opened::File(_));
                if is_turned {
                    note("the newest rows come first: read from the last row to the first");
                } else {
                    warn(
                        "the newest rows come first, so that all that follow are late (tac turns a file round)",
                    );
                }
            }
            inferred.config
        };
        let mut input = Self {
            source,
            config: InputConfig::default(),
            name,
            is_turned,
            is_found_out,
        };
        input.read_as(config);
        Ok(input)
    }

    /// Says how its records look; before the first is read.
    pub(crate) fn read_as(&mut self, config: InputConfig) {
        let framing = Framing::of(&config);
        match &mut self.source {
            Opened::File(file) => file.set_framing(framing),
            Opened::Stdin(stdin) => stdin.set_framing(framing),
        }
        self.config = config;
    }

    /// Goes on where a former run stood.
    pub(crate) fn seek(&mut self, cursor: &[u8]) -> Result<()> {
        let cursor: Cursor = serde_json::from_slice(cursor)?;
        let source: &mut dyn Source = match &mut self.source {
            Opened::File(file) => &mut **file,
            Opened::Stdin(stdin) => &mut **stdin,
        };
        Ok(source.seek(&cursor)?)
    }

    /// Makes the feed of a pipeline of it.
    pub(crate) fn feed(self, hash_seed: u64, dead_letters: DeadLetterPlace) -> Result<SourceFeed> {
        let decoder = Decoder::new(&self.config, hash_seed).map_err(user)?;
        let source: Box<dyn Source> = match self.source {
            Opened::File(file) => file,
            Opened::Stdin(stdin) => stdin,
        };
        let source = if self.is_turned {
            Box::new(Reversed::new(source, &*self.name))
        } else {
            source
        };
        Ok(SourceFeed::new(source, decoder, dead_letters, self.name))
    }
}

pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}
