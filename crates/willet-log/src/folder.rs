//! The data folder: who may use it, which format it has, and where things lie in it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::disk::{Disk, DiskLock, OpenMode, TEMPORARY, read_file, replace_file};

/// The folder format this program writes.
pub const FORMAT_VERSION: u32 = 1;
/// Name of the folder of the log.
pub(crate) const LOG: &str = "log";
const CHECKPOINTS: &str = "checkpoints";
const FORMAT: &str = "FORMAT";
const LOCK: &str = "LOCK";
/// `FORMAT` and `LOCK` are a few dozen bytes.
const MAX_SMALL_FILE_BYTES: u64 = 64 << 10;

/// One step of an upgrade: from the version of its place in the chain (the first is 1) to the next.
type Step = fn(&dyn Disk, &Path) -> io::Result<()>;
/// Version 1 is the first, so there is nothing to upgrade yet.
const STEPS: &[Step] = &[];

/// Why a data folder could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// Another process has it.
    #[error("data folder {path} is in use by {owner} (stop it, or use another --data-dir)")]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Who has it, as far as the lock file says.
        owner: Holder,
    },
    /// Something else lives there.
    #[error(
        "{path} is not a data folder: it has no file `{FORMAT}` but has `{found}` (use an empty folder, or another --data-dir)"
    )]
    NotDataFolder {
        /// The folder.
        path: PathBuf,
        /// A name found in it.
        found: String,
    },
    /// It was written by a newer program.
    #[error(
        "data folder {path} has format {found}, expected at most {known} (install a newer version)"
    )]
    TooNew {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// The format file is damaged.
    #[error(
        "{path} does not say a format version and a folder id (restore it from a backup of this folder)"
    )]
    Format {
        /// The format file.
        path: PathBuf,
        /// What is wrong in it.
        source: Option<serde_json::Error>,
    },
    /// The disk failed.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// The process that opens a folder, as the lock file shows it to others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Process id.
    pub pid: u32,
    /// When it opened the folder, in microseconds since the epoch.
    pub since: i64,
    /// Version of the program.
    pub version: String,
}

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder(pub Option<Owner>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(owner) => write!(f, "process {}", owner.pid),
            None => f.write_str("another process"),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Format {
    format: u32,
    /// Hexadecimal: JSON numbers lose 64-bit integers in many readers.
    folder_id: String,
}

/// An open data folder. Clones share the lock, which is held until the last is dropped.
#[derive(Clone, Debug)]
pub struct DataFolder {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    id: u64,
    _lock: Arc<dyn DiskLock>,
}

impl DataFolder {
    /// Opens a data folder for this process alone; an empty or missing folder becomes one.
    pub fn open(disk: Arc<dyn Disk>, path: &Path, owner: &Owner) -> Result<Self, FolderError> {
        Self::open_with_steps(disk, path, owner, STEPS)
    }

    fn open_with_steps(
        disk: Arc<dyn Disk>,
        path: &Path,
        owner: &Owner,
        steps: &[Step],
    ) -> Result<Self, FolderError> {
        let storage = disk.as_ref();
        refuse_foreign(storage, path)?;
        at("create", path, storage.create_folder(path))?;
        let lock = take_lock(storage, path, owner)?;
        let format = match read_format(storage, path)? {
            Some(format) => upgrade(storage, path, format, steps)?,
            None => create(storage, path, steps)?,
        };
        let id = parse_id(path, &format)?;
        Ok(Self {
            disk,
            path: path.to_path_buf(),
            id,
            _lock: Arc::from(lock),
        })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The random number that marks everything written in this folder.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The disk it lies on.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Folder of the log.
    pub fn log_path(&self) -> PathBuf {
        self.path.join(LOG)
    }

    /// Folder of the checkpoint store.
    pub fn checkpoints_path(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }
}

/// Id of a data folder that may be in use.
pub(crate) fn read_id(disk: &dyn Disk, path: &Path) -> Result<u64, FolderError> {
    match read_format(disk, path)? {
        Some(format) => parse_id(path, &format),
        None => Err(FolderError::Io {
            action: "read",
            path: path.join(FORMAT),
            source: io::ErrorKind::NotFound.into(),
        }),
    }
}

fn parse_id(path: &Path, format: &Format) -> Result<u64, FolderError> {
    u64::from_str_radix(&format.folder_id, 16).map_err(|_| FolderError::Format {
        path: path.join(FORMAT),
        source: None,
    })
}

fn refuse_foreign(disk: &dyn Disk, path: &Path) -> Result<(), FolderError> {
    let entries = match disk.list(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => at("list", path, other)?,
    };
    if entries.iter().any(|entry| entry.name == FORMAT) {
        return Ok(());
    }
    // A crash while the folder was made may leave these.
    let ours =
        |name: &str| name == LOCK || name == format!("{FORMAT}{TEMPORARY}") || name == "lost+found";
    match entries.into_iter().find(|entry| !ours(&entry.name)) {
        Some(entry) => Err(FolderError::NotDataFolder {
            path: path.to_path_buf(),
            found: entry.name,
        }),
        None => Ok(()),
    }
}

fn take_lock(
    disk: &dyn Disk,
    path: &Path,
    owner: &Owner,
) -> Result<Box<dyn DiskLock>, FolderError> {
    let file = path.join(LOCK);
    let lock = match disk.lock(&file) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let holder = read_file(disk, &file, MAX_SMALL_FILE_BYTES).ok();
            let holder = holder.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            return Err(FolderError::InUse {
                path: path.to_path_buf(),
                owner: Holder(holder),
            });
        }
        other => at("lock", &file, other)?,
    };
    let text = serde_json::to_vec(owner).map_err(|error| FolderError::Format {
        path: file.clone(),
        source: Some(error),
    })?;
    // The text helps people only; on a full disk the lock must still work.
    if let Ok(opened) = disk.open(&file, OpenMode::Edit) {
        let _ = opened.set_len(0).and_then(|()| opened.write_at(&text, 0));
    }
    Ok(lock)
}

fn read_format(disk: &dyn Disk, path: &Path) -> Result<Option<Format>, FolderError> {
    let file = path.join(FORMAT);
    let bytes = match read_file(disk, &file, MAX_SMALL_FILE_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => at("read", &file, other)?,
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| FolderError::Format {
            path: file,
            source: Some(error),
        })
}

fn create(disk: &dyn Disk, path: &Path, steps: &[Step]) -> Result<Format, FolderError> {
    let id = at("draw a folder id for", path, disk.random_u64())?;
    let format = Format {
        format: newest(steps),
        folder_id: format!("{id:016x}"),
    };
    write_format(disk, path, &format)?;
    Ok(format)
}

fn upgrade(
    disk: &dyn Disk,
    path: &Path,
    mut format: Format,
    steps: &[Step],
) -> Result<Format, FolderError> {
    let known = newest(steps);
    if format.format > known {
        return Err(FolderError::TooNew {
            path: path.to_path_buf(),
            found: format.format,
            known,
        });
    }
    if format.format == 0 {
        return Err(FolderError::Format {
            path: path.join(FORMAT),
            source: None,
        });
    }
    for step in steps.iter().skip(format.format as usize - 1) {
        at("upgrade", path, step(disk, path))?;
        // Noted after each step: an upgrade that is cut short goes on where it was.
        format.format += 1;
        write_format(disk, path, &format)?;
    }
    Ok(format)
}

fn newest(steps: &[Step]) -> u32 {
    FORMAT_VERSION + (steps.len() - STEPS.len()) as u32
}

fn write_format(disk: &dyn Disk, path: &Path, format: &Format) -> Result<(), FolderError> {
    let file = path.join(FORMAT);
    let text = serde_json::to_vec(format).map_err(|error| FolderError::Format {
        path: file.clone(),
        source: Some(error),
    })?;
    at("write", &file, replace_file(disk, &file, &text))
}

fn at<T>(action: &'static str, path: &Path, result: io::Result<T>) -> Result<T, FolderError> {
    result.map_err(|source| FolderError::Io {
        action,
        path: path.to_path_buf(),
        source,
    })
}

#[cfg(test)]
mod tests;
