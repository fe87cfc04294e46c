//! Plain or gzip, whatever comes.

use std::io::{self, Chain, Cursor, Read};

use flate2::read::MultiGzDecoder;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Whether these are the first bytes of gzip.
pub(crate) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&GZIP_MAGIC)
}

/// A reader that unpacks gzip, also of several members, and passes everything else through.
#[derive(Debug)]
pub(crate) enum Input<R> {
    /// Nothing was read yet.
    Fresh(Option<R>),
    Plain(Prefixed<R>),
    Gzip(Box<MultiGzDecoder<Prefixed<R>>>),
}

/// A reader whose first bytes were looked at.
type Prefixed<R> = Counted<Chain<Cursor<Vec<u8>>, R>>;

/// Counts what passes.
#[derive(Debug)]
pub(crate) struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.read(buffer)?;
        self.bytes += bytes as u64;
        Ok(bytes)
    }
}

impl<R: Read> Input<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self::Fresh(Some(reader))
    }

    pub(crate) fn is_gzip(&self) -> bool {
        matches!(self, Self::Gzip(_))
    }

    /// Bytes taken from the reader.
    pub(crate) fn bytes_taken(&self) -> u64 {
        match self {
            Self::Fresh(_) => 0,
            Self::Plain(reader) => reader.bytes,
            Self::Gzip(reader) => reader.get_ref().bytes,
        }
    }

    fn look(mut reader: R) -> io::Result<Self> {
        let mut head = Vec::new();
        reader
            .by_ref()
            .take(GZIP_MAGIC.len() as u64)
            .read_to_end(&mut head)?;
        let gzip = is_gzip(&head);
        let prefixed = Counted {
            inner: Cursor::new(head).chain(reader),
            bytes: 0,
        };
        Ok(if gzip {
            Self::Gzip(Box::new(MultiGzDecoder::new(prefixed)))
        } else {
            Self::Plain(prefixed)
        })
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self {
                Self::Fresh(reader) => match reader.take() {
                    Some(reader) => *self = Self::look(reader)?,
                    None => return Ok(0),
                },
                Self::Plain(reader) => return reader.read(buffer),
                Self::Gzip(reader) => return reader.read(buffer),
            }
        }
    }
}
