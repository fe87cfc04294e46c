//! Streams in the place of standard input.

use std::io::{self, Read};

use willet_engine::records::Records;

use super::StdinSource;
use crate::{Framing, Pull, Source, SourceError};

/// Gives its pieces one by one, as a terminal or a pipe does.
struct Pieces(Vec<&'static [u8]>);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Ok(0);
        }
        let bytes = buffer.len().min(self.0[0].len());
        let (piece, rest) = self.0[0].split_at(bytes);
        buffer[..bytes].copy_from_slice(piece);
        self.0[0] = rest;
        self.0.retain(|piece| !piece.is_empty());
        Ok(bytes)
    }
}

#[test]
fn lines_are_handed_on_as_they_come() {
    let pieces = Pieces(vec![b"on", b"e\ntwo\nth", b"ree\n", b"four"]);
    let mut source = StdinSource::from_reader(pieces, Framing::lines());
    let mut batches = Vec::new();
    let mut records = Records::new();
    while source.read(&mut records, 1 << 20).unwrap() == Pull::Records {
        batches.push(
            records
                .iter()
                .map(|(_, line)| line.to_vec())
                .collect::<Vec<_>>()
                .join(&b' '),
        );
        records.clear();
    }
    assert_eq!(batches, [&b"one two"[..], b"three", b"four"]);
    assert_eq!(source.progress(), None);
}

#[test]
fn nothing_in_nothing_out() {
    let mut source = StdinSource::from_reader(io::empty(), Framing::csv(','));
    assert_eq!(source.sample(100, 5).unwrap(), b"");
    assert_eq!(source.read(&mut Records::new(), 1).unwrap(), Pull::End);
}

#[test]
fn a_sample_waits_for_the_lines_it_needs_and_no_longer() {
    let pieces = Pieces(vec![b"h", b"\n1\n", b"2\n", b"3\n"]);
    let mut source = StdinSource::from_reader(pieces, Framing::lines());
    assert_eq!(source.sample(1_000, 2).unwrap(), b"h\n1\n");
    source.set_framing(Framing::csv(','));
    let mut records = Records::new();
    while source.read(&mut records, 1).unwrap() == Pull::Records {}
    assert!(records.iter().map(|(_, line)| line).eq([b"1", b"2", b"3"]));
    assert_eq!(source.header(), Some(&b"h"[..]));
}

#[test]
fn what_was_read_cannot_be_read_again() {
    let mut source = StdinSource::from_reader(Pieces(vec![b"a\nb\n"]), Framing::lines());
    let start = source.cursor();
    source.seek(&start).unwrap();
    source.read(&mut Records::new(), 1).unwrap();
    assert!(matches!(
        source.seek(&start),
        Err(SourceError::CannotSeek { .. })
    ));
}
