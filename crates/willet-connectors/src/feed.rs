//! A source with its codec: records and the events they are, rejected ones set aside as dead letters.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use willet_engine::codec::{Decoder, OddCells, Rejection};
use willet_engine::records::Records;
use willet_node::feed::{Batch, Fed, Feed, FeedError};

use crate::deadletter::{DeadLetter, DeadLetters, Summary};
use crate::file::{FileSink, FileSinkConfig, WriteMode};
use crate::sink::SinkError;
use crate::source::{Pull, Source, SourceError};

/// Where dead letters go; the file is made when there is one to write.
#[derive(Clone, Debug)]
pub enum DeadLetterPlace {
    /// They are only counted.
    Nowhere,
    /// Into a new file.
    New(PathBuf),
    /// Behind what a file holds.
    Behind(PathBuf),
}

/// How far reading is, for whoever shows it.
#[derive(Debug, Default)]
pub struct AtomicProgress {
    /// Bytes read so far.
    pub bytes_done: AtomicU64,
    /// Of these; 0 where nobody knows.
    pub bytes_total: AtomicU64,
}

/// A source with its codec.
#[derive(Debug)]
pub struct SourceFeed {
    source: Box<dyn Source>,
    decoder: Decoder,
    read: Records,
    rejections: Vec<Rejection>,
    letters: Option<DeadLetters>,
    place: DeadLetterPlace,
    name: String,
    progress: Arc<AtomicProgress>,
}

impl From<SourceError> for FeedError {
    fn from(error: SourceError) -> Self {
        let (is_retryable, is_user_error) = (error.is_retryable(), error.is_user_error());
        Self::new(error, is_retryable, is_user_error)
    }
}

impl From<SinkError> for FeedError {
    fn from(error: SinkError) -> Self {
        let (is_retryable, is_user_error) = (error.is_retryable(), error.is_user_error());
        Self::new(error, is_retryable, is_user_error)
    }
}

/// Payload bytes read at once: small enough for the cache, large enough to amortise a hand-over.
const READ_BYTES: usize = 192 << 10;

impl SourceFeed {
    /// A feed of what `source` reads.
    pub fn new(source: Box<dyn Source>, decoder: Decoder, place: DeadLetterPlace) -> Self {
        Self {
            name: source.name().to_owned(),
            source,
            decoder,
            read: Records::new(),
            rejections: Vec::new(),
            letters: None,
            place,
            progress: Arc::default(),
        }
    }

    /// How far reading is.
    pub fn progress(&self) -> &Arc<AtomicProgress> {
        &self.progress
    }

    /// Cells that held text where numbers are expected, and were taken as missing.
    pub fn odd_cells(&self) -> &[OddCells] {
        self.decoder.odd_cells()
    }

    /// Writes rejected records as dead letters and leaves the others in the batch, one event a record.
    fn set_aside(&mut self, batch: &mut Batch) -> Result<(), FeedError> {
        let rejections = std::mem::take(&mut self.rejections);
        for rejection in &rejections {
            let record = batch.records.payload(rejection.index);
            let mut place = self.source.places().of(&batch.records, rejection.index);
            if let (Some(place), Some(byte)) = (&mut place, rejection.byte) {
                place.byte += u64::from(byte);
            }
            let reason = rejection.reason.to_string();
            let letter = DeadLetter {
                reason: &reason,
                code: rejection.reason.code(),
                input: "",
                place,
                offset: None,
                record,
                record_bytes: record.len() as u64,
            };
            // The record is borrowed from the batch, so the letter cannot go through a method that takes all of `self`.
            write_letter(&mut self.letters, &self.place, &self.name, &letter)?;
        }
        self.read.clear();
        let mut rejected = rejections
            .iter()
            .map(|rejection| rejection.index)
            .peekable();
        for (index, (head, payload)) in batch.records.iter().enumerate() {
            if rejected.next_if_eq(&index).is_none() {
                self.read
                    .push(head.offset, head.kind, head.arrived, payload);
            }
        }
        std::mem::swap(&mut self.read, &mut batch.records);
        self.rejections = rejections;
        Ok(())
    }

    /// Finishes the dead letters; says how many there were and where they are.
    pub fn finish(mut self) -> Result<(Summary, Option<PathBuf>), FeedError> {
        let Some(letters) = &mut self.letters else {
            return Ok((Summary::default(), None));
        };
        letters.finish()?;
        let path = match self.place {
            DeadLetterPlace::Nowhere => None,
            DeadLetterPlace::New(path) | DeadLetterPlace::Behind(path) => Some(path),
        };
        Ok((letters.summary().clone(), path))
    }
}

impl Feed for SourceFeed {
    fn fill(&mut self, batch: &mut Batch) -> Result<Fed, FeedError> {
        // The codec reads straight from the batch; only where a record is rejected are the others moved together.
        let pulled = self.source.read(&mut batch.records, READ_BYTES);
        self.rejections.clear();
        self.decoder.decode(
            &batch.records,
            0..batch.records.len(),
            &mut batch.events,
            &mut self.rejections,
        );
        for frame in self.source.take_rejected() {
            let reason = frame.problem.to_string();
            let letter = DeadLetter {
                reason: &reason,
                code: frame.problem.code(),
                input: "",
                place: Some(frame.place),
                offset: None,
                record: &frame.head,
                record_bytes: frame.bytes,
            };
            write_letter(&mut self.letters, &self.place, &self.name, &letter)?;
        }
        if !self.rejections.is_empty() {
            self.set_aside(batch)?;
        }
        if let Some(progress) = self.source.progress() {
            let to = &self.progress;
            to.bytes_done.store(progress.bytes_done, Ordering::Relaxed);
            to.bytes_total
                .store(progress.bytes_total, Ordering::Relaxed);
        }
        batch.cursor = self.source.cursor().as_bytes().to_vec();
        Ok(match pulled? {
            Pull::Records => Fed::More,
            Pull::Idle => Fed::Idle,
            Pull::End => Fed::End,
        })
    }
}

fn write_letter(
    letters: &mut Option<DeadLetters>,
    place: &DeadLetterPlace,
    input: &str,
    letter: &DeadLetter<'_>,
) -> Result<(), FeedError> {
    let letters = match letters {
        Some(letters) => letters,
        None => letters.insert(open_letters(place)?),
    };
    Ok(letters.write(&DeadLetter { input, ..*letter })?)
}

fn open_letters(place: &DeadLetterPlace) -> Result<DeadLetters, FeedError> {
    let (path, mode) = match place {
        DeadLetterPlace::Nowhere => return Ok(DeadLetters::default()),
        DeadLetterPlace::New(path) => (path, WriteMode::Replace),
        DeadLetterPlace::Behind(path) => (path, WriteMode::Append),
    };
    let sink = FileSink::open(&FileSinkConfig {
        path: path.clone(),
        mode,
    })?;
    Ok(DeadLetters::to(Box::new(sink)))
}
