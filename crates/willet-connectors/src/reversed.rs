//! A source read from its last record to its first.

use willet_engine::records::{RecordKind, Records};

use crate::framing::Rejected;
use crate::places::{Place, Places};
use crate::source::{Cursor, Progress, Pull, Source, SourceError};

/// Bytes of records that are turned round in memory at most.
const MAX_BYTES: usize = 1 << 30;

/// Hands out the records of another source in the opposite order: files are often written with the newest row first, and what is
/// learned must be learned in the order of time. It holds all of them, so it refuses more than 1 GiB; it cannot go back.
#[derive(Debug)]
pub struct Reversed {
    source: Box<dyn Source>,
    records: Records,
    origins: Vec<Option<Place>>,
    /// Records still to be handed out.
    left: usize,
    is_read: bool,
    places: Places,
    rejected: Vec<Rejected>,
}

impl Reversed {
    /// The records of `source`, last first.
    pub fn new(source: Box<dyn Source>) -> Self {
        Self {
            source,
            records: Records::new(),
            origins: Vec::new(),
            left: 0,
            is_read: false,
            places: Places::default(),
            rejected: Vec::new(),
        }
    }

    fn read_all(&mut self) -> Result<(), SourceError> {
        const PIECE_BYTES: usize = 1 << 20;
        let mut piece = Records::new();
        loop {
            piece.clear();
            let pulled = self.source.read(&mut piece, PIECE_BYTES);
            for (index, (head, payload)) in piece.iter().enumerate() {
                self.records
                    .push(head.offset, head.kind, head.arrived, payload);
                self.origins.push(self.source.places().of(&piece, index));
            }
            self.rejected.append(&mut self.source.take_rejected());
            if self.records.byte_len() > MAX_BYTES {
                return Err(SourceError::TooLarge {
                    input: self.name().to_owned(),
                    limit: MAX_BYTES >> 20,
                });
            }
            if pulled? != Pull::Records {
                break;
            }
        }
        self.left = self.records.len();
        self.is_read = true;
        Ok(())
    }
}

impl Source for Reversed {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn read(&mut self, out: &mut Records, max_bytes: usize) -> Result<Pull, SourceError> {
        if !self.is_read {
            self.read_all()?;
        }
        if out.is_empty() {
            self.places.clear();
        }
        if self.left == 0 {
            return Ok(if self.rejected.is_empty() {
                Pull::End
            } else {
                Pull::Records
            });
        }
        let limit = out.byte_len() + max_bytes.max(1);
        while self.left > 0 && out.byte_len() < limit {
            self.left -= 1;
            let number = (self.records.len() - self.left - 1) as u64;
            if let Some(place) = self.origins[self.left] {
                self.places.note(out.len(), out.byte_len(), place, 0);
            }
            let payload = self.records.payload(self.left);
            out.push(number, RecordKind::Event, 0, payload);
        }
        Ok(Pull::Records)
    }

    fn cursor(&self) -> Cursor {
        Cursor::default()
    }

    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
        if *cursor == Cursor::default() && !self.is_read {
            return Ok(());
        }
        Err(SourceError::CannotSeek {
            input: self.name().to_owned(),
        })
    }

    fn progress(&self) -> Option<Progress> {
        let bytes_total = self.source.progress()?.bytes_total;
        let done = 1.0 - self.left as f64 / self.records.len().max(1) as f64;
        Some(Progress {
            bytes_done: (bytes_total as f64 * done) as u64,
            bytes_total,
        })
    }

    fn places(&self) -> &Places {
        &self.places
    }

    fn take_rejected(&mut self) -> Vec<Rejected> {
        std::mem::take(&mut self.rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Framing;
    use crate::stdio::StdinSource;

    #[test]
    fn the_last_record_comes_first_and_knows_its_line() {
        let input = std::io::Cursor::new("h\n1\n22\n\n333\n");
        let source = StdinSource::from_reader(input, Framing::csv(','));
        let mut source = Reversed::new(Box::new(source));
        let mut seen = Vec::new();
        loop {
            let mut records = Records::new();
            if source.read(&mut records, 4).unwrap() == Pull::End {
                break;
            }
            for (index, (head, payload)) in records.iter().enumerate() {
                let place = source.places().of(&records, index).unwrap();
                let payload = String::from_utf8_lossy(payload).into_owned();
                seen.push((head.offset, place.line, payload));
            }
        }
        let expected = [(0, 5, "333"), (1, 3, "22"), (2, 2, "1")];
        let expected = expected.map(|(offset, line, text)| (offset, line, text.to_owned()));
        assert_eq!(seen, expected);
    }
}
