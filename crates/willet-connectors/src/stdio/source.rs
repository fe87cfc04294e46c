//! Standard input as a source.

use std::fmt;
use std::io::Read;

use willet_engine::records::Records;

use crate::framing::{Framing, Rejected};
use crate::lines::{Fill, LineReader};
use crate::places::Places;
use crate::source::{Cursor, Progress, Pull, Source, SourceError};

const NAME: &str = "stdin";

/// Reads standard input to its end.
#[derive(Debug)]
pub struct StdinSource {
    lines: LineReader<Stream>,
}

struct Stream(Box<dyn Read + Send>);

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Stream")
    }
}

impl StdinSource {
    /// Standard input of this process.
    pub fn new(framing: Framing) -> Self {
        Self::from_reader(std::io::stdin(), framing)
    }

    /// Any stream of bytes in its place.
    pub fn from_reader(reader: impl Read + Send + 'static, framing: Framing) -> Self {
        Self {
            lines: LineReader::new(NAME, Stream(Box::new(reader)), framing, Fill::AsItComes),
        }
    }

    /// The header line, once a record has been read; `None` without one.
    pub fn header(&self) -> Option<&[u8]> {
        self.lines.framer().header()
    }
}

impl Source for StdinSource {
    fn name(&self) -> &'static str {
        NAME
    }

    fn sample(&mut self, max_bytes: usize, enough_lines: usize) -> Result<&[u8], SourceError> {
        self.lines.sample(max_bytes, enough_lines)
    }

    fn set_framing(&mut self, framing: Framing) {
        self.lines.framer_mut().set_framing(framing);
    }

    fn read(&mut self, out: &mut Records, max_bytes: usize) -> Result<Pull, SourceError> {
        self.lines.read(out, max_bytes)
    }

    fn cursor(&self) -> Cursor {
        Cursor::of(&self.lines.cursor(None))
    }

    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
        if *cursor == self.cursor() {
            return Ok(());
        }
        Err(SourceError::CannotSeek {
            input: NAME.to_owned(),
        })
    }

    fn progress(&self) -> Option<Progress> {
        None
    }

    fn places(&self) -> &Places {
        self.lines.places()
    }

    fn take_rejected(&mut self) -> Vec<Rejected> {
        self.lines.take_rejected()
    }
}
