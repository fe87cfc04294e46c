//! The generator, as text and as a source.

use serde::{Deserialize, Serialize};
use willet_engine::event::Timestamp;
use willet_engine::records::{RecordKind, Records};

use super::config::SyntheticConfig;
use super::series::{Onsets, Series};
use super::write::Writer;
use crate::framing::Rejected;
use crate::places::Places;
use crate::source::{Cursor, Progress, Pull, Source, SourceError};

/// Makes the rows of a stream, one after the other.
#[derive(Debug)]
pub struct Generator {
    config: SyntheticConfig,
    start: Timestamp,
    onsets: Onsets,
    series: Vec<Series>,
    writer: Writer,
    values: Vec<f64>,
    made: u64,
}

impl Generator {
    /// A generator at its first row.
    pub fn new(config: &SyntheticConfig) -> Result<Self, SourceError> {
        let start = config.validate()?;
        let onsets = Onsets::new(config);
        Ok(Self {
            start,
            series: (0..config.keys)
                .map(|index| Series::new(config, &onsets, index))
                .collect(),
            onsets,
            writer: Writer::new(config),
            config: config.clone(),
            values: Vec::new(),
            made: 0,
        })
    }

    /// The CSV header with its line end; empty for NDJSON.
    pub fn header(&self) -> String {
        self.writer.header()
    }

    /// Rows made so far.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// Seconds from the start to the next row.
    pub(super) fn next_seconds(&self) -> f64 {
        match self.config.rate {
            Some(rate) => self.made as f64 / rate,
            None => (self.made / self.config.keys as u64) as f64 * self.config.interval_s,
        }
    }

    /// Appends the next row without a line end; false after the last one.
    pub fn next_row(&mut self, out: &mut Vec<u8>) -> bool {
        if self.config.count.is_some_and(|count| self.made >= count) {
            return false;
        }
        let keys = self.config.keys as u64;
        let seconds = self.next_seconds();
        let time = Timestamp(self.start.0.saturating_add((seconds * 1e6) as i64));
        let series = &mut self.series[(self.made % keys) as usize];
        let trouble = series.next(&self.config, &self.onsets, seconds, &mut self.values);
        self.writer
            .row(out, time, &series.name, &self.values, trouble);
        self.made += 1;
        true
    }
}

/// A generated stream as a source; its rows are records without a header.
#[derive(Debug)]
pub struct SyntheticSource {
    generator: Generator,
    row: Vec<u8>,
    places: Places,
}

impl SyntheticSource {
    /// A source of the stream of `config`.
    pub fn new(config: &SyntheticConfig) -> Result<Self, SourceError> {
        Ok(Self {
            generator: Generator::new(config)?,
            row: Vec::new(),
            places: Places::default(),
        })
    }
}

/// Rows made before.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Made {
    records: u64,
}

impl Source for SyntheticSource {
    fn name(&self) -> &'static str {
        "synthetic"
    }

    fn read(&mut self, out: &mut Records, max_bytes: usize) -> Result<Pull, SourceError> {
        let limit = out.byte_len() + max_bytes.max(1);
        let first = out.len();
        while out.byte_len() < limit {
            let offset = self.generator.made();
            self.row.clear();
            if !self.generator.next_row(&mut self.row) {
                break;
            }
            out.push(offset, RecordKind::Event, 0, &self.row);
        }
        Ok(if out.len() > first {
            Pull::Records
        } else {
            Pull::End
        })
    }

    fn cursor(&self) -> Cursor {
        let records = self.generator.made();
        Cursor::of(&Made { records })
    }

    /// Makes the rows before the cursor again, since each depends on those before it.
    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
        let Made { records } = cursor.place(self.name())?;
        if records < self.generator.made() {
            self.generator = Generator::new(&self.generator.config)?;
        }
        while self.generator.made() < records {
            self.row.clear();
            if !self.generator.next_row(&mut self.row) {
                return Err(SourceError::CursorLost {
                    input: "synthetic".to_owned(),
                    byte: records,
                });
            }
        }
        Ok(())
    }

    fn progress(&self) -> Option<Progress> {
        None
    }

    /// Rows are made, not read: they have no place.
    fn places(&self) -> &Places {
        &self.places
    }

    fn take_rejected(&mut self) -> Vec<Rejected> {
        Vec::new()
    }
}
