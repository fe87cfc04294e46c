//! Bytes to records at line ends.

use memchr::{memchr, memchr_iter, memchr2};
use serde::{Deserialize, Serialize};
use willet_engine::codec::{Format, InputConfig, Limits};
use willet_engine::records::{RecordKind, Records};

use crate::places::{Place, Places};

/// Bytes asked of an input at a time.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// Bytes of a rejected record that are kept for the dead letter.
const REJECTED_HEAD_BYTES: usize = 1 << 10;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// How records are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framing {
    /// CSV: a line end between quotes does not end a record. The delimiter says where quotes may begin.
    pub csv_delimiter: Option<char>,
    /// Lines that each file begins with and that are nothing.
    #[serde(default)]
    pub skip_lines: usize,
    /// Whether a line follows that is not a record but names.
    pub header: bool,
    /// Records after it that are none.
    #[serde(default)]
    pub skip_rows: usize,
    /// Longest record; a longer one is rejected and not held in memory.
    pub record_bytes: usize,
}

impl Framing {
    /// One record a line.
    pub fn lines() -> Self {
        Self {
            csv_delimiter: None,
            skip_lines: 0,
            header: false,
            skip_rows: 0,
            record_bytes: Limits::default().record_bytes,
        }
    }

    /// CSV with a header line.
    pub fn csv(delimiter: char) -> Self {
        Self {
            csv_delimiter: Some(delimiter),
            header: true,
            ..Self::lines()
        }
    }

    /// What fits the codec's configuration.
    pub fn of(config: &InputConfig) -> Self {
        let is_csv = config.format == Format::Csv;
        let of_csv = |count: usize| if is_csv { count } else { 0 };
        Self {
            csv_delimiter: is_csv.then_some(config.delimiter),
            skip_lines: of_csv(config.skip_lines),
            header: is_csv && config.header,
            skip_rows: of_csv(config.skip_rows),
            record_bytes: config.limits.record_bytes,
        }
    }
}

impl Default for Framing {
    fn default() -> Self {
        Self::lines()
    }
}

/// A piece of the input that could not be a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Where it begins.
    pub place: Place,
    /// Its length.
    pub bytes: u64,
    /// What is wrong with it.
    pub problem: FrameProblem,
    /// Its first bytes.
    pub head: Vec<u8>,
}

/// Why a piece of the input could not be a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameProblem {
    /// Longer than the limit.
    #[error("record is longer than {limit} bytes")]
    TooLong {
        /// `record_bytes`.
        limit: usize,
    },
    /// A quote opens and does not close within the limit.
    #[error("a quote opens in this line and does not close within {limit} bytes")]
    OpenQuote {
        /// `record_bytes`.
        limit: usize,
    },
}

impl FrameProblem {
    /// A short fixed name, for counting.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too_long",
            Self::OpenQuote { .. } => "open_quote",
        }
    }
}

/// Cuts a stream of bytes into records.
#[derive(Debug)]
pub(crate) struct Framer {
    framing: Framing,
    buffer: Vec<u8>,
    /// Of `buffer`: the next record begins here, no line end lies before there, and bytes end there.
    start: usize,
    searched: usize,
    end: usize,
    /// Where `start` is in the input.
    place: Place,
    records: u64,
    /// Lines, then records, that are still to be passed over.
    skip_lines: usize,
    header: Header,
    skip_rows: usize,
    bom_seen: bool,
    skipping: Option<Rejected>,
}

#[derive(Debug)]
enum Header {
    None,
    Awaited,
    Read(Vec<u8>),
}

/// Where a record ends.
enum RecordEnd {
    /// After so many bytes, line end included.
    At(usize),
    /// Not within the bytes that are there.
    Open,
    /// Not within the bytes that are there, because a quote is open.
    InQuotes,
}

/// What records are handed out to.
pub(crate) struct Handout<'a> {
    pub(crate) out: &'a mut Records,
    pub(crate) places: &'a mut Places,
    pub(crate) rejected: &'a mut Vec<Rejected>,
}

impl Framer {
    pub(crate) fn new(framing: Framing) -> Self {
        let mut framer = Self {
            framing,
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            end: 0,
            place: Place { line: 1, byte: 0 },
            records: 0,
            skip_lines: 0,
            header: Header::None,
            skip_rows: 0,
            bom_seen: false,
            skipping: None,
        };
        framer.restart();
        framer
    }

    /// Begins a new file; records are numbered on.
    pub(crate) fn restart(&mut self) {
        self.place = Place { line: 1, byte: 0 };
        (self.start, self.searched, self.end) = (0, 0, 0);
        self.bom_seen = false;
        self.skipping = None;
        self.await_header();
    }

    fn await_header(&mut self) {
        self.skip_lines = self.framing.skip_lines;
        self.skip_rows = self.framing.skip_rows;
        self.header = if self.framing.header {
            Header::Awaited
        } else {
            Header::None
        };
    }

    /// Goes on in the middle of a file.
    pub(crate) fn resume(&mut self, place: Place, records: u64) {
        self.restart();
        self.records = records;
        if place.byte > 0 {
            self.place = place;
            self.bom_seen = true;
            self.header = Header::None;
            (self.skip_lines, self.skip_rows) = (0, 0);
        }
    }

    /// Changes the rules before anything was cut.
    pub(crate) fn set_framing(&mut self, framing: Framing) {
        self.framing = framing;
        if self.place.byte == 0 {
            self.await_header();
        }
    }

    /// Where the next record begins: nothing before it is needed again.
    pub(crate) fn place(&self) -> Place {
        self.skipping
            .as_ref()
            .map_or(self.place, |rejected| rejected.place)
    }

    /// Records handed out.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// The header line, once it has been read.
    pub(crate) fn header(&self) -> Option<&[u8]> {
        match &self.header {
            Header::Read(line) => Some(line),
            Header::None | Header::Awaited => None,
        }
    }

    /// Bytes that wait to be cut.
    pub(crate) fn pending(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Forgets the beginning of a record that will not be whole.
    pub(crate) fn drop_pending(&mut self) {
        self.end = self.start;
        self.searched = self.start;
        self.skipping = None;
    }

    /// Room for the next bytes of the input; [`Framer::filled`] says how many came.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.searched -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < self.end + CHUNK_BYTES {
            self.buffer.resize(self.end + CHUNK_BYTES, 0);
        }
        &mut self.buffer[self.end..self.end + CHUNK_BYTES]
    }

    /// Takes the bytes written to [`Framer::space`].
    pub(crate) fn filled(&mut self, bytes: usize) {
        self.end += bytes;
    }

    /// Hands out whole records until `max_bytes` are out or no whole one is left. True if more may be cut now.
    pub(crate) fn cut(&mut self, to: &mut Handout<'_>, max_bytes: usize) -> bool {
        if !self.bom_seen {
            let pending = self.pending();
            if pending.len() < BOM.len() && BOM.starts_with(pending) {
                // Too short to tell whether it begins with a mark.
                return false;
            }
            self.skip_bom();
        }
        while self.skip_lines > 0 {
            let found = memchr(b'\n', self.pending());
            let bytes = found.map_or(self.pending().len(), |at| at + 1);
            self.advance(bytes);
            if found.is_none() {
                return false;
            }
            self.skip_lines -= 1;
        }
        let limit = to.out.byte_len() + max_bytes;
        while to.out.byte_len() < limit {
            if self.skipping.is_some() {
                if !self.skip_line(to.rejected) {
                    return false;
                }
                continue;
            }
            match self.record_end() {
                RecordEnd::At(bytes) => self.take(bytes, to),
                RecordEnd::Open | RecordEnd::InQuotes if self.pending().len() <= self.limit() => {
                    return false;
                }
                RecordEnd::Open => self.start_skipping(),
                RecordEnd::InQuotes => self.reject_open_quote(to.rejected),
            }
        }
        true
    }

    /// The input is over: what is left is the last record.
    pub(crate) fn finish(&mut self, to: &mut Handout<'_>) {
        self.skip_bom();
        while self.start < self.end || self.skipping.is_some() {
            self.cut(to, usize::MAX >> 1);
            if let Some(rejected) = self.skipping.take() {
                to.rejected.push(rejected);
            } else if self.ends_in_quotes() {
                self.reject_open_quote(to.rejected);
            } else if self.start < self.end {
                self.take(self.end - self.start, to);
            }
        }
    }

    /// Whether what is left has a quote that opens and does not close.
    fn ends_in_quotes(&self) -> bool {
        self.framing.csv_delimiter.is_some_and(|delimiter| {
            matches!(
                csv_record_end(self.pending(), delimiter as u8),
                RecordEnd::InQuotes
            )
        })
    }

    fn limit(&self) -> usize {
        self.framing.record_bytes
    }

    fn skip_bom(&mut self) {
        if !self.bom_seen && self.pending().starts_with(BOM) {
            self.start += BOM.len();
            self.searched = self.start;
            self.place.byte += BOM.len() as u64;
        }
        self.bom_seen = true;
    }

    fn record_end(&mut self) -> RecordEnd {
        let Some(found) = memchr(b'\n', &self.buffer[self.searched..self.end]) else {
            self.searched = self.end;
            return RecordEnd::Open;
        };
        let line_end = self.searched + found;
        let line = &self.buffer[self.start..=line_end];
        match self.framing.csv_delimiter {
            Some(delimiter) if memchr(b'"', line).is_some() => {
                csv_record_end(self.pending(), delimiter as u8)
            }
            _ => {
                self.searched = line_end;
                RecordEnd::At(line.len())
            }
        }
    }

    /// Takes the next `bytes` bytes: a record, the header, a blank line, or one too long.
    fn take(&mut self, bytes: usize, to: &mut Handout<'_>) {
        let raw = &self.buffer[self.start..self.start + bytes];
        let record = trim_line_end(raw);
        let is_blank = match self.framing.csv_delimiter {
            Some(_) => record.is_empty(),
            None => record.trim_ascii().is_empty(),
        };
        if is_blank {
        } else if record.len() > self.limit() {
            to.rejected.push(Rejected {
                place: self.place,
                bytes: record.len() as u64,
                problem: FrameProblem::TooLong {
                    limit: self.limit(),
                },
                head: head(record),
            });
        } else if matches!(self.header, Header::Awaited) {
            self.header = Header::Read(record.to_vec());
        } else if self.skip_rows > 0 {
            self.skip_rows -= 1;
        } else {
            let index = to.out.len();
            let line_end = raw.len() - record.len();
            to.places
                .note(index, to.out.byte_len(), self.place, line_end);
            to.out.push(self.records, RecordKind::Event, 0, record);
            self.records += 1;
        }
        self.advance(bytes);
    }

    fn advance(&mut self, bytes: usize) {
        let passed = &self.buffer[self.start..self.start + bytes];
        self.place.line += if bytes > 1 && self.framing.csv_delimiter.is_none() {
            u64::from(passed.ends_with(b"\n"))
        } else {
            memchr_iter(b'\n', passed).count() as u64
        };
        self.place.byte += bytes as u64;
        self.start += bytes;
        self.searched = self.start;
    }

    fn start_skipping(&mut self) {
        self.skipping = Some(Rejected {
            place: self.place,
            bytes: 0,
            problem: FrameProblem::TooLong {
                limit: self.limit(),
            },
            head: head(self.pending()),
        });
    }

    /// Passes over the rest of a line; false if its end has not come yet.
    fn skip_line(&mut self, rejected: &mut Vec<Rejected>) -> bool {
        let found = memchr(b'\n', self.pending());
        let bytes = found.map_or(self.pending().len(), |at| at + 1);
        self.advance(bytes);
        if let Some(skipping) = &mut self.skipping {
            skipping.bytes += (bytes - usize::from(found.is_some())) as u64;
        }
        if found.is_some() {
            rejected.extend(self.skipping.take());
        }
        found.is_some()
    }

    /// Gives up the line in which a quote opens, so that one stray quote does not swallow the lines after it.
    fn reject_open_quote(&mut self, rejected: &mut Vec<Rejected>) {
        let pending = self.pending();
        let bytes = memchr(b'\n', pending).map_or(pending.len(), |at| at + 1);
        let line = trim_line_end(&pending[..bytes]);
        rejected.push(Rejected {
            place: self.place,
            bytes: line.len() as u64,
            problem: FrameProblem::OpenQuote {
                limit: self.limit(),
            },
            head: head(line),
        });
        self.advance(bytes);
    }
}

/// The end of a CSV record with quotes. As in the codec, a quote counts only where a field begins.
fn csv_record_end(bytes: &[u8], delimiter: u8) -> RecordEnd {
    let mut at = 0;
    loop {
        if bytes.get(at) == Some(&b'"') {
            at += 1;
            loop {
                let Some(found) = memchr(b'"', &bytes[at..]) else {
                    return RecordEnd::InQuotes;
                };
                at += found + 1;
                if bytes.get(at) != Some(&b'"') {
                    break;
                }
                at += 1;
            }
        }
        let Some(found) = memchr2(delimiter, b'\n', &bytes[at..]) else {
            return RecordEnd::Open;
        };
        at += found + 1;
        if bytes[at - 1] == b'\n' {
            return RecordEnd::At(at);
        }
    }
}

fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn head(record: &[u8]) -> Vec<u8> {
    record[..record.len().min(REJECTED_HEAD_BYTES)].to_vec()
}

#[cfg(test)]
mod tests;
