//! An input file or stdin, opened, looked at, and fed to the pipeline with its dead letters.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use willet_connectors::deadletter::{DeadLetter, DeadLetters, Summary};
use willet_connectors::file::{FileConfig, FileSink, FileSinkConfig, FileSource, WriteMode};
use willet_connectors::stdio::StdinSource;
use willet_connectors::{Cursor, Framing, Pull, Source};
use willet_engine::codec::{Decoder, Format, InferOptions, InputConfig, Rejection, infer};
use willet_engine::records::Records;
use willet_node::pipeline::{Batch, Fed, Feed};

use crate::problem::{note, user};

/// A source that can be looked at before it is read.
enum Opened {
    File(Box<FileSource>),
    Stdin(Box<StdinSource>),
}

/// An input ready to be read.
pub(crate) struct Input {
    source: Opened,
    pub(crate) config: InputConfig,
    name: String,
}

/// How an input is to be opened.
pub(crate) struct Opening<'a> {
    /// A path, or `-`.
    pub(crate) path: &'a Path,
    pub(crate) follow: bool,
    /// How its records look, where a configuration says so.
    pub(crate) config: Option<InputConfig>,
    /// What the user knows where none does.
    pub(crate) infer: InferOptions,
    pub(crate) quiet: bool,
}

/// Bytes looked at to find out what the input is.
const SAMPLE_BYTES: usize = 256 << 10;
/// Lines that are enough for it: a slow pipe should not have to fill the bytes.
const SAMPLE_LINES: usize = 101;
/// Payload bytes read at once: small enough for the cache, large enough to amortise a hand-over.
const READ_BYTES: usize = 192 << 10;

impl Input {
    pub(crate) fn open(opening: Opening<'_>) -> Result<Self> {
        let name = if is_stdin(opening.path) {
            "stdin".to_owned()
        } else {
            opening.path.display().to_string()
        };
        let mut source = if is_stdin(opening.path) {
            Opened::Stdin(Box::new(StdinSource::new(Framing::lines())))
        } else {
            let mode = if opening.follow {
                FileConfig::follow
            } else {
                FileConfig::once
            };
            Opened::File(Box::new(FileSource::open(
                &mode(opening.path),
                Framing::lines(),
            )?))
        };
        let sample = match &mut source {
            Opened::File(file) => file.sample(SAMPLE_BYTES)?,
            Opened::Stdin(stdin) => stdin.sample(SAMPLE_BYTES, SAMPLE_LINES)?,
        };
        let config = if let Some(config) = opening.config {
            let has_header = config.format == Format::Csv && config.header;
            let header = sample
                .split(|byte| *byte == b'\n')
                .next()
                .unwrap_or_default();
            if has_header {
                config.for_header(header).map_err(user)?
            } else {
                config
            }
        } else {
            let inferred = infer(sample, &opening.infer).map_err(user)?;
            if !opening.quiet {
                inferred.notes.iter().for_each(note);
            }
            inferred.config
        };
        let framing = Framing::of(&config);
        match &mut source {
            Opened::File(file) => file.set_framing(framing),
            Opened::Stdin(stdin) => stdin.set_framing(framing),
        }
        Ok(Self {
            source,
            config,
            name,
        })
    }

    /// Goes on where a former run stood.
    pub(crate) fn seek(&mut self, cursor: &[u8]) -> Result<()> {
        let cursor: Cursor = serde_json::from_slice(cursor)?;
        let source: &mut dyn Source = match &mut self.source {
            Opened::File(file) => &mut **file,
            Opened::Stdin(stdin) => &mut **stdin,
        };
        Ok(source.seek(&cursor)?)
    }

    /// Makes the feed of a pipeline of it.
    pub(crate) fn feed(self, hash_seed: u64, dead_letters: DeadLetterPlace) -> Result<InputFeed> {
        let decoder = Decoder::new(&self.config, hash_seed).map_err(user)?;
        let source: Box<dyn Source> = match self.source {
            Opened::File(file) => file,
            Opened::Stdin(stdin) => stdin,
        };
        Ok(InputFeed {
            source,
            decoder,
            read: Records::new(),
            rejections: Vec::new(),
            letters: None,
            place: dead_letters,
            name: self.name,
            progress: Arc::new(AtomicProgress::default()),
        })
    }
}

pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Where dead letters go; the file is made when there is one to write.
#[derive(Clone, Debug)]
pub(crate) enum DeadLetterPlace {
    /// They are only counted.
    Nowhere,
    /// Into a new file.
    New(PathBuf),
    /// Behind what a file holds.
    Behind(PathBuf),
}

/// How far reading is, for whoever shows it.
#[derive(Debug, Default)]
pub(crate) struct AtomicProgress {
    pub(crate) bytes_done: AtomicU64,
    pub(crate) bytes_total: AtomicU64,
}

/// A source with its codec.
pub(crate) struct InputFeed {
    source: Box<dyn Source>,
    decoder: Decoder,
    read: Records,
    rejections: Vec<Rejection>,
    letters: Option<DeadLetters>,
    place: DeadLetterPlace,
    name: String,
    pub(crate) progress: Arc<AtomicProgress>,
}

impl Feed for InputFeed {
    type Error = anyhow::Error;

    fn fill(&mut self, batch: &mut Batch) -> Result<Fed> {
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
            self.write_letter(&DeadLetter {
                reason: &reason,
                code: frame.problem.code(),
                input: "",
                place: Some(frame.place),
                offset: None,
                record: &frame.head,
                record_bytes: frame.bytes,
            })?;
        }
        if !self.rejections.is_empty() {
            self.set_aside(batch)?;
        }
        if let Some(progress) = self.source.progress() {
            self.progress
                .bytes_done
                .store(progress.bytes_done, Ordering::Relaxed);
            self.progress
                .bytes_total
                .store(progress.bytes_total, Ordering::Relaxed);
        }
        batch.cursor = serde_json::to_vec(&self.source.cursor())?;
        Ok(match pulled? {
            Pull::Records => Fed::More,
            Pull::Idle => Fed::Idle,
            Pull::End => Fed::End,
        })
    }
}

impl InputFeed {
    /// Writes rejected records as dead letters and leaves the others in the batch, one event a record.
    fn set_aside(&mut self, batch: &mut Batch) -> Result<()> {
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

    fn write_letter(&mut self, letter: &DeadLetter<'_>) -> Result<()> {
        write_letter(&mut self.letters, &self.place, &self.name, letter)
    }

    /// Finishes the dead letters; says how many there were and where they are.
    pub(crate) fn finish(mut self) -> Result<(Summary, Option<PathBuf>)> {
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

fn write_letter(
    letters: &mut Option<DeadLetters>,
    place: &DeadLetterPlace,
    input: &str,
    letter: &DeadLetter<'_>,
) -> Result<()> {
    let letters = match letters {
        Some(letters) => letters,
        None => letters.insert(open_letters(place)?),
    };
    Ok(letters.write(&DeadLetter { input, ..*letter })?)
}

fn open_letters(place: &DeadLetterPlace) -> Result<DeadLetters> {
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
