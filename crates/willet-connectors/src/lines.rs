//! Reading an input once, from its start to its end.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use willet_engine::records::Records;

use crate::framing::{Framer, Framing, Handout, Rejected};
use crate::input::Input;
use crate::places::{Place, Places};
use crate::source::{Pull, SourceError};

const UTF16_BOMS: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];

/// Where a reader of lines stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinePlace {
    pub(crate) identity: Option<Identity>,
    /// Byte of the uncompressed input.
    pub(crate) byte: u64,
    /// Lines before that byte.
    pub(crate) lines: u64,
    /// Records handed out.
    pub(crate) records: u64,
}

/// Which file it is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// Bytes hashed, from the first; inode numbers are used again, beginnings seldom.
    pub(crate) head_bytes: u64,
    pub(crate) head_hash: u64,
}

/// Whether a `read` waits for more than it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Bytes are there: batches may be full.
    Full,
    /// Bytes come when they come: whatever is there is handed on.
    AsItComes,
}

/// Records of a reader.
#[derive(Debug)]
pub(crate) struct LineReader<R> {
    name: String,
    input: Input<R>,
    framer: Framer,
    fill: Fill,
    over: bool,
    failure: Option<SourceError>,
    places: Places,
    rejected: Vec<Rejected>,
}

impl<R: Read> LineReader<R> {
    pub(crate) fn new(name: &str, reader: R, framing: Framing, fill: Fill) -> Self {
        Self {
            name: name.to_owned(),
            input: Input::new(reader),
            framer: Framer::new(framing),
            fill,
            over: false,
            failure: None,
            places: Places::default(),
            rejected: Vec::new(),
        }
    }

    pub(crate) fn framer(&self) -> &Framer {
        &self.framer
    }

    pub(crate) fn framer_mut(&mut self) -> &mut Framer {
        &mut self.framer
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    pub(crate) fn take_rejected(&mut self) -> Vec<Rejected> {
        std::mem::take(&mut self.rejected)
    }

    pub(crate) fn bytes_taken(&self) -> u64 {
        self.input.bytes_taken()
    }

    pub(crate) fn cursor(&self, identity: Option<Identity>) -> LinePlace {
        let place = self.framer.place();
        LinePlace {
            identity,
            byte: place.byte,
            lines: place.line - 1,
            records: self.framer.records(),
        }
    }

    /// The first bytes, without taking them: before the first `read`. Ends early once `enough_lines` are there.
    pub(crate) fn sample(
        &mut self,
        max_bytes: usize,
        enough_lines: usize,
    ) -> Result<&[u8], SourceError> {
        while self.framer.pending().len() < max_bytes && !self.over {
            if let Err(failure) = self.fill() {
                if self.framer.pending().is_empty() {
                    return Err(failure);
                }
                // Told once the records before it are out.
                self.failure = Some(failure);
            }
            if memchr::memchr_iter(b'\n', self.framer.pending()).count() >= enough_lines {
                break;
            }
        }
        let pending = self.framer.pending();
        Ok(&pending[..pending.len().min(max_bytes)])
    }

    pub(crate) fn read(
        &mut self,
        out: &mut Records,
        max_bytes: usize,
    ) -> Result<Pull, SourceError> {
        if out.is_empty() {
            self.places.clear();
        }
        let (first, bytes_before) = (out.len(), out.byte_len());
        let rejected_before = self.rejected.len();
        loop {
            let mut to = Handout {
                out,
                places: &mut self.places,
                rejected: &mut self.rejected,
            };
            let wanted = max_bytes.saturating_sub(to.out.byte_len() - bytes_before);
            let full = self.framer.cut(&mut to, wanted.max(1));
            if self.over && !full && self.failure.is_none() {
                self.framer.finish(&mut to);
            }
            let got = out.len() > first || self.rejected.len() > rejected_before;
            if full || (got && (self.over || self.fill == Fill::AsItComes)) {
                return Ok(Pull::Records);
            }
            if let Some(failure) = self.failure.take() {
                self.framer.drop_pending();
                return Err(failure);
            }
            if self.over {
                return Ok(Pull::End);
            }
            if let Err(failure) = self.fill() {
                self.failure = Some(failure);
            }
        }
    }

    /// Passes over the input up to `cursor`.
    pub(crate) fn skip_to(&mut self, cursor: &LinePlace) -> Result<(), SourceError> {
        let mut passed = (&mut self.input).take(cursor.byte);
        let skipped = io::copy(&mut passed, &mut io::sink())
            .map_err(|error| SourceError::io(&self.name, error))?;
        if skipped < cursor.byte {
            return Err(SourceError::CursorLost {
                input: self.name.clone(),
                byte: cursor.byte,
            });
        }
        self.resume(cursor);
        Ok(())
    }

    /// Says that the reader already stands at `cursor`.
    pub(crate) fn resume(&mut self, cursor: &LinePlace) {
        let place = Place {
            line: cursor.lines + 1,
            byte: cursor.byte,
        };
        self.framer.resume(place, cursor.records);
    }

    fn fill(&mut self) -> Result<(), SourceError> {
        let read = loop {
            match self.input.read(self.framer.space()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match read {
            Ok(0) => self.over = true,
            Ok(bytes) => {
                self.framer.filled(bytes);
                let at_start = self.framer.place().byte == 0;
                if at_start
                    && UTF16_BOMS
                        .iter()
                        .any(|bom| self.framer.pending().starts_with(bom))
                {
                    self.over = true;
                    self.framer.restart();
                    return Err(SourceError::Utf16 {
                        input: self.name.clone(),
                    });
                }
            }
            Err(error) => {
                self.over = true;
                return Err(self.failure_of(error));
            }
        }
        Ok(())
    }

    fn failure_of(&self, source: io::Error) -> SourceError {
        let is_damage = matches!(
            source.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
        );
        if self.input.is_gzip() && is_damage {
            let pending = self.framer.pending();
            let waiting = memchr::memchr_iter(b'\n', pending).count() as u64;
            return SourceError::DamagedGzip {
                input: self.name.clone(),
                lines: self.framer.place().line - 1 + waiting,
                source,
            };
        }
        SourceError::io(&self.name, source)
    }
}
