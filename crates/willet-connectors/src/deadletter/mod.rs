//! Dead letters: what could not be read, as NDJSON with the reason, and a summary of many in one line.
//!
//! ```json
//! {"reason":"value of `temperature` is \"abc\", expected a number","input":"pumps.csv","line":17,"byte":412,"offset":15,"record":"..."}
//! ```
//! `line` and `byte` say where the record began. A long record is cut and has `"truncated":true`; bytes that are not
//! UTF-8 are written as U+FFFD.

mod summary;

pub use summary::Summary;

use serde::Serialize;

use crate::places::Place;
use crate::sink::{Sink, SinkError};
use crate::{Connector, Direction};

/// Bytes of a record that a dead letter repeats.
pub const MAX_RECORD_BYTES: usize = 4 << 10;

/// The table entry.
pub(crate) const CONNECTOR: Connector = Connector {
    name: "deadletter",
    direction: Direction::Output,
    summary: "records that could not be read, as NDJSON with the reason and the place",
    source: None,
};

/// A record that could not be read.
#[derive(Clone, Copy, Debug)]
pub struct DeadLetter<'a> {
    /// What came and what would be right.
    pub reason: &'a str,
    /// A short fixed name of the reason, for counting.
    pub code: &'a str,
    /// Where the record came from: a path, `stdin`, a topic.
    pub input: &'a str,
    /// Where it began, in an input of lines.
    pub place: Option<Place>,
    /// Its offset in the partition, if it got one.
    pub offset: Option<u64>,
    /// The record, or as much of it as was kept.
    pub record: &'a [u8],
    /// Its full length.
    pub record_bytes: u64,
}

/// Writes dead letters and counts them; with no sink it only counts.
#[derive(Debug, Default)]
pub struct DeadLetters {
    sink: Option<Box<dyn Sink>>,
    summary: Summary,
    json: Vec<u8>,
}

#[derive(Serialize)]
struct Json<'a> {
    reason: &'a str,
    input: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    record: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
}

impl DeadLetters {
    /// Writes to `sink`.
    pub fn to(sink: Box<dyn Sink>) -> Self {
        Self {
            sink: Some(sink),
            ..Self::default()
        }
    }

    /// Counts and writes a letter.
    pub fn write(&mut self, letter: &DeadLetter<'_>) -> Result<(), SinkError> {
        let line = letter.place.map(|place| place.line);
        self.summary.add(letter.code, letter.reason, line);
        let Some(sink) = &mut self.sink else {
            return Ok(());
        };
        let kept = &letter.record[..letter.record.len().min(MAX_RECORD_BYTES)];
        let text = String::from_utf8_lossy(kept);
        let json = Json {
            reason: letter.reason,
            input: letter.input,
            line,
            byte: letter.place.map(|place| place.byte),
            offset: letter.offset,
            record: &text,
            truncated: ((kept.len() as u64) < letter.record_bytes).then_some(true),
        };
        self.json.clear();
        // Strings and numbers into memory: nothing here can fail.
        let written = serde_json::to_writer(&mut self.json, &json);
        debug_assert!(written.is_ok());
        self.json.push(b'\n');
        sink.write(&self.json)
    }

    /// What was counted.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Hands on what was held back.
    pub fn flush(&mut self) -> Result<(), SinkError> {
        self.sink.as_mut().map_or(Ok(()), |sink| sink.flush())
    }

    /// Makes the file whole.
    pub fn finish(&mut self) -> Result<(), SinkError> {
        self.sink.as_mut().map_or(Ok(()), |sink| sink.finish())
    }
}

#[cfg(test)]
mod tests;
