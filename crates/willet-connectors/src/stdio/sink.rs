//! Standard output as a sink.

use std::io::{self, BufWriter, Stdout, Write};

use crate::sink::{Sink, SinkError};

const NAME: &str = "stdout";

/// Writes to standard output.
#[derive(Debug)]
pub struct StdoutSink {
    writer: BufWriter<Stdout>,
}

impl StdoutSink {
    /// Standard output of this process.
    pub fn new() -> Self {
        Self {
            writer: BufWriter::new(io::stdout()),
        }
    }
}

impl Default for StdoutSink {
    fn default() -> Self {
        Self::new()
    }
}

impl Sink for StdoutSink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        self.writer
            .write_all(bytes)
            .map_err(|error| SinkError::io(NAME, error))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.writer
            .flush()
            .map_err(|error| SinkError::io(NAME, error))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.flush()
    }
}
