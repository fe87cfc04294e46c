//! A file as a source.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;

use willet_engine::records::Records;

use super::config::FileConfig;
use super::follow::Follow;
use super::identity;
use crate::framing::{Framing, Rejected};
use crate::input::is_gzip;
use crate::lines::{Fill, Identity, LinePlace, LineReader};
use crate::places::Places;
use crate::source::{Cursor, Progress, Pull, Source, SourceError};

/// Reads a file once or follows it.
#[derive(Debug)]
pub struct FileSource {
    name: String,
    framing: Framing,
    reading: Reading,
}

#[derive(Debug)]
enum Reading {
    Once(Box<Once>),
    Follow(Box<Follow>),
}

/// A file read to its end.
#[derive(Debug)]
struct Once {
    lines: LineReader<File>,
    identity: Option<Identity>,
    /// Size where it has one; a pipe has none.
    bytes_total: Option<u64>,
}

impl FileSource {
    /// Opens the file of `config`. One that is read once must have bytes.
    pub fn open(config: &FileConfig, framing: Framing) -> Result<Self, SourceError> {
        let name = config.path.display().to_string();
        let reading = if config.follow {
            Reading::Follow(Box::new(Follow::open(
                &config.path,
                &name,
                framing.clone(),
            )?))
        } else {
            Reading::Once(Box::new(Once::open(&config.path, &name, framing.clone())?))
        };
        Ok(Self {
            name,
            framing,
            reading,
        })
    }

    /// The header line, once a record has been read; `None` without one.
    pub fn header(&self) -> Option<&[u8]> {
        match &self.reading {
            Reading::Once(once) => once.lines.framer().header(),
            Reading::Follow(follow) => follow.framer().header(),
        }
    }
}

impl Source for FileSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn sample(&mut self, max_bytes: usize, enough_lines: usize) -> Result<&[u8], SourceError> {
        match &mut self.reading {
            // A file has no slow bytes to wait for.
            Reading::Once(once) => {
                let is_slow = once.bytes_total.is_none();
                let enough = if is_slow { enough_lines } else { usize::MAX };
                once.lines.sample(max_bytes, enough)
            }
            Reading::Follow(follow) => follow.sample(max_bytes),
        }
    }

    fn set_framing(&mut self, framing: Framing) {
        self.framing = framing.clone();
        match &mut self.reading {
            Reading::Once(once) => once.lines.framer_mut().set_framing(framing),
            Reading::Follow(follow) => follow.framer_mut().set_framing(framing),
        }
    }

    fn read(&mut self, out: &mut Records, max_bytes: usize) -> Result<Pull, SourceError> {
        match &mut self.reading {
            Reading::Once(once) => once.lines.read(out, max_bytes),
            Reading::Follow(follow) => follow.read(out, max_bytes),
        }
    }

    fn cursor(&self) -> Cursor {
        let place = match &self.reading {
            Reading::Once(once) => once.lines.cursor(once.identity),
            Reading::Follow(follow) => follow.cursor(),
        };
        Cursor::of(&place)
    }

    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
        let place = cursor.place(&self.name)?;
        match &mut self.reading {
            Reading::Once(once) => once.seek(&place, &self.name, &self.framing),
            Reading::Follow(follow) => follow.seek(&place),
        }
    }

    fn progress(&self) -> Option<Progress> {
        match &self.reading {
            Reading::Once(once) => once.bytes_total.map(|bytes_total| Progress {
                bytes_done: once.bytes_done().min(bytes_total),
                bytes_total,
            }),
            Reading::Follow(_) => None,
        }
    }

    fn places(&self) -> &Places {
        match &self.reading {
            Reading::Once(once) => once.lines.places(),
            Reading::Follow(follow) => follow.places(),
        }
    }

    fn take_rejected(&mut self) -> Vec<Rejected> {
        match &mut self.reading {
            Reading::Once(once) => once.lines.take_rejected(),
            Reading::Follow(follow) => follow.take_rejected(),
        }
    }
}

impl Once {
    fn open(path: &Path, name: &str, framing: Framing) -> Result<Self, SourceError> {
        let mut file = open(path, name)?;
        let metadata = file
            .metadata()
            .map_err(|error| SourceError::io(name, error))?;
        let bytes_total = metadata.is_file().then_some(metadata.len());
        if bytes_total == Some(0) {
            return Err(SourceError::Empty {
                input: name.to_owned(),
            });
        }
        let identity = match bytes_total {
            Some(_) => Some(identity::of(&mut file).map_err(|error| SourceError::io(name, error))?),
            None => None,
        };
        let fill = if bytes_total.is_some() {
            Fill::Full
        } else {
            Fill::AsItComes
        };
        Ok(Self {
            lines: LineReader::new(name, file, framing, fill),
            identity,
            bytes_total,
        })
    }

    fn bytes_done(&self) -> u64 {
        self.lines.bytes_taken()
    }

    fn seek(
        &mut self,
        cursor: &LinePlace,
        name: &str,
        framing: &Framing,
    ) -> Result<(), SourceError> {
        let mut file = open(Path::new(name), name)?;
        let io = |error| SourceError::io(name, error);
        if let Some(known) = &cursor.identity {
            // A copy of the file will do as well: what counts is what it holds.
            let is_it = identity::has_head(&mut file, known).map_err(io)?;
            if !is_it {
                return Err(SourceError::CursorLost {
                    input: name.to_owned(),
                    byte: cursor.byte,
                });
            }
        }
        self.lines = LineReader::new(name, file, framing.clone(), Fill::Full);
        self.lines.skip_to(cursor)
    }
}

/// Opens a file to read, not a folder.
pub(super) fn open(path: &Path, name: &str) -> Result<File, SourceError> {
    let file = File::open(path).map_err(|error| SourceError::io(name, error))?;
    let metadata = file
        .metadata()
        .map_err(|error| SourceError::io(name, error))?;
    if metadata.is_dir() {
        return Err(SourceError::IsFolder {
            input: name.to_owned(),
        });
    }
    Ok(file)
}

/// Refuses to follow a compressed file.
pub(super) fn refuse_gzip(head: &[u8], name: &str) -> Result<(), SourceError> {
    if is_gzip(head) {
        return Err(SourceError::FollowGzip {
            input: name.to_owned(),
        });
    }
    Ok(())
}

/// Puts an open file at a byte.
pub(super) fn seek_to(file: &mut File, byte: u64, name: &str) -> Result<(), SourceError> {
    file.seek(SeekFrom::Start(byte))
        .map(|_| ())
        .map_err(|error| SourceError::io(name, error))
}
