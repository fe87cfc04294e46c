//! A file as a sink.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use super::config::{FileSinkConfig, WriteMode};
use crate::sink::{Sink, SinkError};

/// Writes a file.
#[derive(Debug)]
pub struct FileSink {
    name: String,
    writer: BufWriter<File>,
    /// Where a file that is to be replaced is written until it is whole, and where it goes.
    partial: Option<(PathBuf, PathBuf)>,
}

impl FileSink {
    /// Opens the file of `config`.
    pub fn open(config: &FileSinkConfig) -> Result<Self, SinkError> {
        let name = config.path.display().to_string();
        let metadata = fs::metadata(&config.path).ok();
        if metadata.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(SinkError::IsFolder { output: name });
        }
        // A device or a pipe is written as it is.
        let is_special = metadata.is_some_and(|metadata| !metadata.is_file());
        let replaces = config.mode == WriteMode::Replace && !is_special;
        let partial = replaces.then(|| {
            let mut partial = config.path.clone().into_os_string();
            partial.push(".partial");
            (PathBuf::from(partial), config.path.clone())
        });
        let mut options = OpenOptions::new();
        match (&partial, is_special) {
            (Some(_), _) => options.write(true).create(true).truncate(true),
            (None, true) => options.write(true),
            (None, false) => options.append(true).create(true),
        };
        let path = partial.as_ref().map_or(&config.path, |(path, _)| path);
        let file = options
            .open(path)
            .map_err(|error| SinkError::io(&name, error))?;
        Ok(Self {
            name,
            writer: BufWriter::new(file),
            partial,
        })
    }
}

impl Sink for FileSink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        self.writer
            .write_all(bytes)
            .map_err(|error| SinkError::io(&self.name, error))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.writer
            .flush()
            .map_err(|error| SinkError::io(&self.name, error))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.flush()?;
        if let Some((from, to)) = self.partial.take() {
            self.writer
                .get_ref()
                .sync_all()
                .and_then(|()| fs::rename(from, to))
                .map_err(|error| SinkError::io(&self.name, error))?;
        }
        Ok(())
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        // Not finished: what is there stays as it was. Nobody is left to tell if this fails.
        if let Some((partial, _)) = self.partial.take() {
            let _ = fs::remove_file(partial);
        }
    }
}
