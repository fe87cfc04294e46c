//! A file that grows, is rotated and is truncated, read line by line.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use willet_engine::records::Records;

use super::identity::{self, HEAD_BYTES};
use super::source::{open, refuse_gzip, seek_to};
use crate::framing::{Framer, Framing, Handout, Rejected};
use crate::lines::{Identity, LinePlace};
use crate::places::{Place, Places};
use crate::source::{Pull, SourceError};

#[derive(Debug)]
pub(super) struct Follow {
    path: PathBuf,
    name: String,
    file: File,
    /// The first bytes of `file` as they were read.
    head: Vec<u8>,
    /// Bytes read of `file`.
    read: u64,
    framer: Framer,
    stage: Stage,
    places: Places,
    rejected: Vec<Rejected>,
}

/// How the open file stands to its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is being read.
    Reading,
    /// Another file has its name and bytes of its own: whoever wrote this one has moved on, so its next end is its last.
    Leaving,
}

/// What stands under the path at the end of the open file.
enum Next {
    /// The same file, or none, or a new one that nobody has written to.
    Wait,
    /// The same file, shorter than what was read of it or with another beginning.
    Truncated,
    /// Another file with bytes.
    Other(File),
}

impl Follow {
    pub(super) fn open(path: &Path, name: &str, framing: Framing) -> Result<Self, SourceError> {
        let file = open(path, name)?;
        Ok(Self {
            path: path.to_owned(),
            name: name.to_owned(),
            file,
            head: Vec::new(),
            read: 0,
            framer: Framer::new(framing),
            stage: Stage::Reading,
            places: Places::default(),
            rejected: Vec::new(),
        })
    }

    pub(super) fn framer(&self) -> &Framer {
        &self.framer
    }

    pub(super) fn framer_mut(&mut self) -> &mut Framer {
        &mut self.framer
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    pub(super) fn take_rejected(&mut self) -> Vec<Rejected> {
        std::mem::take(&mut self.rejected)
    }

    pub(super) fn sample(&mut self, max_bytes: usize) -> Result<&[u8], SourceError> {
        while self.framer.pending().len() < max_bytes && self.fill()? > 0 {}
        let pending = self.framer.pending();
        Ok(&pending[..pending.len().min(max_bytes)])
    }

    pub(super) fn read(
        &mut self,
        out: &mut Records,
        max_bytes: usize,
    ) -> Result<Pull, SourceError> {
        if out.is_empty() {
            self.places.clear();
        }
        let (first, bytes_before) = (out.len(), out.byte_len());
        let rejected_before = self.rejected.len();
        // Since the last call the file may have been cut and filled again beyond where reading stood.
        if self.is_truncated()? {
            self.leave(out);
            self.start_over(None)?;
        }
        loop {
            let wanted = max_bytes.saturating_sub(out.byte_len() - bytes_before);
            let full = self.framer.cut(
                &mut Handout {
                    out,
                    places: &mut self.places,
                    rejected: &mut self.rejected,
                },
                wanted.max(1),
            );
            if full {
                return Ok(Pull::Records);
            }
            if self.fill()? > 0 {
                continue;
            }
            match self.next()? {
                Next::Truncated => {
                    self.leave(out);
                    self.start_over(None)?;
                }
                // Once more to the end of this one: lines may have come before its writer moved on.
                Next::Other(_) if self.stage != Stage::Leaving => self.stage = Stage::Leaving,
                Next::Other(file) => {
                    self.leave(out);
                    self.start_over(Some(file))?;
                }
                Next::Wait => {
                    let got = out.len() > first || self.rejected.len() > rejected_before;
                    return Ok(if got { Pull::Records } else { Pull::Idle });
                }
            }
        }
    }

    pub(super) fn cursor(&self) -> LinePlace {
        let place = self.framer.place();
        let metadata = self.file.metadata().ok();
        LinePlace {
            identity: metadata.map(|metadata| identity::with_head(&metadata, &self.head)),
            byte: place.byte,
            lines: place.line - 1,
            records: self.framer.records(),
        }
    }

    /// Goes on in the file that the cursor means, under its name or, if it was rotated since, beside it.
    pub(super) fn seek(&mut self, cursor: &LinePlace) -> Result<(), SourceError> {
        let Some(known) = &cursor.identity else {
            self.start_over(None)?;
            self.framer
                .resume(Place { line: 1, byte: 0 }, cursor.records);
            return Ok(());
        };
        let found = self.find(known, cursor.byte)?;
        let is_lost = found.is_none();
        let file = match found {
            Some(file) => file,
            None => open(&self.path, &self.name)?,
        };
        self.start_over(Some(file))?;
        if is_lost {
            self.framer
                .resume(Place { line: 1, byte: 0 }, cursor.records);
            return Err(SourceError::CursorLost {
                input: self.name.clone(),
                byte: cursor.byte,
            });
        }
        let mut head = vec![0; HEAD_BYTES.min(cursor.byte as usize)];
        self.file
            .read_exact(&mut head)
            .map_err(|error| SourceError::io(&self.name, error))?;
        self.head = head;
        seek_to(&mut self.file, cursor.byte, &self.name)?;
        self.read = cursor.byte;
        let place = Place {
            line: cursor.lines + 1,
            byte: cursor.byte,
        };
        self.framer.resume(place, cursor.records);
        Ok(())
    }

    /// The file with this identity and at least `bytes` bytes, at the path or under a name that begins with its name.
    fn find(&self, known: &Identity, bytes: u64) -> Result<Option<File>, SourceError> {
        let is_it = |path: &Path| -> Option<File> {
            let mut file = File::open(path).ok()?;
            let metadata = file.metadata().ok()?;
            let same = identity::same_numbers(&metadata, known) && metadata.len() >= bytes;
            (same && identity::has_head(&mut file, known).ok()?).then_some(file)
        };
        if let Some(file) = is_it(&self.path) {
            return Ok(Some(file));
        }
        let (Some(folder), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return Ok(None);
        };
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        let entries = fs::read_dir(folder).map_err(|error| SourceError::io(&self.name, error))?;
        // app.log becomes app.log.1 or app-2026.log: the stem is what stays.
        let stem = Path::new(name).file_stem().unwrap_or(name);
        let stem = stem.to_string_lossy().into_owned();
        let mut beside: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.file_name()
                    .is_some_and(|other| other.to_string_lossy().starts_with(&stem))
            })
            .collect();
        beside.sort();
        Ok(beside.iter().find_map(|path| is_it(path)))
    }

    /// Reads what the open file has; 0 at its end.
    fn fill(&mut self) -> Result<usize, SourceError> {
        let space = self.framer.space();
        let bytes = self
            .file
            .read(space)
            .map_err(|error| SourceError::io(&self.name, error))?;
        if self.head.len() < HEAD_BYTES {
            let more = bytes.min(HEAD_BYTES - self.head.len());
            self.head.extend_from_slice(&space[..more]);
            refuse_gzip(&self.head, &self.name)?;
        }
        self.read += bytes as u64;
        self.framer.filled(bytes);
        Ok(bytes)
    }

    fn next(&mut self) -> Result<Next, SourceError> {
        if self.is_truncated()? {
            return Ok(Next::Truncated);
        }
        let known = self.identity()?;
        // Renamed and not created again yet: whoever writes still has the old one.
        let Ok(file) = File::open(&self.path) else {
            return Ok(Next::Wait);
        };
        let metadata = file
            .metadata()
            .map_err(|error| SourceError::io(&self.name, error))?;
        let is_other = cfg!(unix) && !identity::same_numbers(&metadata, &known);
        Ok(if is_other && metadata.len() > 0 {
            Next::Other(file)
        } else {
            Next::Wait
        })
    }

    /// Whether the open file has been cut and perhaps filled again.
    fn is_truncated(&mut self) -> Result<bool, SourceError> {
        let io = |error| SourceError::io(&self.name, error);
        let bytes = self.file.metadata().map_err(io)?.len();
        if bytes < self.read {
            return Ok(true);
        }
        if bytes == self.read {
            return Ok(false);
        }
        let known = self.identity()?;
        identity::has_head(&mut self.file, &known)
            .map(|same| !same)
            .map_err(|error| SourceError::io(&self.name, error))
    }

    fn identity(&self) -> Result<Identity, SourceError> {
        self.file
            .metadata()
            .map(|metadata| identity::with_head(&metadata, &self.head))
            .map_err(|error| SourceError::io(&self.name, error))
    }

    /// Hands out the line without an end that the file leaves behind.
    fn leave(&mut self, out: &mut Records) {
        self.framer.finish(&mut Handout {
            out,
            places: &mut self.places,
            rejected: &mut self.rejected,
        });
    }

    /// Begins `file`, or the open one again.
    fn start_over(&mut self, file: Option<File>) -> Result<(), SourceError> {
        if let Some(file) = file {
            self.file = file;
        }
        seek_to(&mut self.file, 0, &self.name)?;
        self.read = 0;
        self.head.clear();
        self.stage = Stage::Reading;
        self.framer.restart();
        Ok(())
    }
}
