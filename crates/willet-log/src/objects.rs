//! Named immutable bytes, for checkpoints. The trait promises what S3-like stores do, so that one can stand behind it.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile, OpenMode, TEMPORARY, read_file, read_full, write_temporary};

/// Longest object name: S3 allows 1,024 bytes, a file name 255.
pub const MAX_NAME_BYTES: usize = 1024;
const MAX_PART_BYTES: usize = 200;
/// Largest object: a checkpoint chunk is far below.
pub const MAX_OBJECT_BYTES: u64 = 1 << 32;
/// Files kept open for [`Objects::get_range`].
pub const MAX_OPEN_OBJECTS: usize = 64;

/// Why an object could not be stored or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// `put_if_absent` found one.
    #[error("object `{name}` exists already (another owner stored it)")]
    AlreadyExists {
        /// The object.
        name: String,
    },
    /// There is none.
    #[error("no object `{name}`")]
    NotFound {
        /// The object.
        name: String,
    },
    /// The name cannot be a path.
    #[error(
        "`{name}` is not an object name, expected parts of letters, digits and `-_=.@` joined by `/`, none beginning with a dot or ending with `{TEMPORARY}`"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A range reaches behind the end.
    #[error("object `{name}` has {bytes} bytes, expected at least {end} for the range asked for")]
    Range {
        /// The object.
        name: String,
        /// Its size.
        bytes: u64,
        /// End of the range.
        end: u64,
    },
    /// The disk failed.
    #[error("cannot {action} object `{name}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which object.
        name: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl ObjectError {
    /// Whether the disk was full: the same call may succeed later.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }
}

/// A store of objects. An object is there whole or not at all, and durable when a call returns.
pub trait Objects: Send + Sync + Debug {
    /// Stores an object, in place of one of the same name.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ObjectError>;
    /// Stores an object, or fails with [`ObjectError::AlreadyExists`]: of two who try, one wins.
    fn put_if_absent(&self, name: &str, bytes: &[u8]) -> Result<(), ObjectError>;
    /// All bytes of an object.
    fn get(&self, name: &str) -> Result<Vec<u8>, ObjectError>;
    /// Some bytes of an object.
    fn get_range(&self, name: &str, range: Range<u64>) -> Result<Vec<u8>, ObjectError>;
    /// Names that begin with `prefix`, sorted.
    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError>;
    /// Removes an object; no error when there is none.
    fn delete(&self, name: &str) -> Result<(), ObjectError>;
}

/// Objects as files of a folder; `/` in a name is a folder.
#[derive(Debug)]
pub struct FolderObjects {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    open: Mutex<OpenFiles>,
}

/// Files opened last, oldest first.
#[derive(Debug, Default)]
struct OpenFiles {
    files: VecDeque<(String, Arc<dyn DiskFile>)>,
    /// Rises with each change of an object, so that a file opened before is not kept after.
    changes: u64,
}

impl FolderObjects {
    /// Opens a folder of objects, creates it if there is none, and removes what unfinished calls left. Only one process may
    /// have it open (see [`crate::DataFolder`]).
    pub fn open(disk: Arc<dyn Disk>, path: &Path) -> Result<Self, ObjectError> {
        let objects = Self {
            disk,
            path: path.to_path_buf(),
            open: Mutex::default(),
        };
        at("open the folder of", "", objects.disk.create_folder(path))?;
        for (name, path) in objects.walk(|name| name.ends_with(TEMPORARY))? {
            at("sweep", &name, objects.disk.remove(&path))?;
        }
        Ok(objects)
    }

    fn file_path(&self, name: &str) -> Result<PathBuf, ObjectError> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_=.@".contains(c);
        let is_part = |part: &str| {
            (1..=MAX_PART_BYTES).contains(&part.len())
                && !part.starts_with('.')
                && !part.ends_with(TEMPORARY)
                && part.chars().all(is_allowed)
        };
        if name.len() > MAX_NAME_BYTES || !name.split('/').all(is_part) {
            return Err(ObjectError::Name {
                name: name.to_owned(),
            });
        }
        Ok(self.path.join(name))
    }

    /// Writes the bytes beside their place, then lets `publish` put them there.
    fn store(
        &self,
        name: &str,
        bytes: &[u8],
        publish: impl FnOnce(&dyn Disk, &Path, &Path) -> io::Result<()>,
    ) -> Result<(), ObjectError> {
        let path = self.file_path(name)?;
        let disk = self.disk.as_ref();
        let folder = path.parent().unwrap_or(&self.path);
        at("make the folder of", name, disk.create_folder(folder))?;
        // Several threads may store the same name at once.
        let unique = at("name", name, disk.random_u64())?;
        let temporary = path.with_file_name(format!("{unique:016x}{TEMPORARY}"));
        at("write", name, write_temporary(disk, &temporary, bytes))?;
        let published = publish(disk, &temporary, &path);
        if published.is_err() {
            // The first error is the one to tell; a left-over is swept at the next opening.
            let _ = disk.remove(&temporary);
        }
        self.forget(name);
        match published {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(ObjectError::AlreadyExists {
                    name: name.to_owned(),
                })
            }
            other => at("store", name, other.and_then(|()| disk.sync_folder(folder))),
        }
    }

    fn opened(&self, name: &str) -> Result<Arc<dyn DiskFile>, ObjectError> {
        let path = self.file_path(name)?;
        let changes = {
            let mut open = self.open_files();
            if let Some(index) = open.files.iter().position(|(other, _)| other == name)
                && let Some(found) = open.files.remove(index)
            {
                let file = Arc::clone(&found.1);
                open.files.push_back(found);
                return Ok(file);
            }
            open.changes
        };
        let file = at("open", name, self.disk.open(&path, OpenMode::Read))?;
        let mut open = self.open_files();
        if open.changes == changes {
            if open.files.len() >= MAX_OPEN_OBJECTS {
                open.files.pop_front();
            }
            open.files.push_back((name.to_owned(), Arc::clone(&file)));
        }
        Ok(file)
    }

    fn forget(&self, name: &str) {
        let mut open = self.open_files();
        open.changes += 1;
        open.files.retain(|(other, _)| other != name);
    }

    fn open_files(&self) -> MutexGuard<'_, OpenFiles> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names and paths of all files whose name passes, sorted by name.
    fn walk(&self, passes: impl Fn(&str) -> bool) -> Result<Vec<(String, PathBuf)>, ObjectError> {
        let mut found = Vec::new();
        let mut folders = vec![(String::new(), self.path.clone())];
        while let Some((above, folder)) = folders.pop() {
            for entry in at("list", &above, self.disk.list(&folder))? {
                let name = format!("{above}{}", entry.name);
                let path = folder.join(&entry.name);
                if entry.is_folder {
                    folders.push((format!("{name}/"), path));
                } else if passes(&name) {
                    found.push((name, path));
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

impl Objects for FolderObjects {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        self.store(name, bytes, |disk, from, to| disk.rename(from, to))
    }

    fn put_if_absent(&self, name: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        self.store(name, bytes, |disk, from, to| {
            disk.rename_if_absent(from, to)
        })
    }

    fn get(&self, name: &str) -> Result<Vec<u8>, ObjectError> {
        let path = self.file_path(name)?;
        at(
            "read",
            name,
            read_file(self.disk.as_ref(), &path, MAX_OBJECT_BYTES),
        )
    }

    fn get_range(&self, name: &str, range: Range<u64>) -> Result<Vec<u8>, ObjectError> {
        let file = self.opened(name)?;
        let bytes = at("read the length of", name, file.len())?;
        if range.end > bytes || range.start > range.end {
            return Err(ObjectError::Range {
                name: name.to_owned(),
                bytes,
                end: range.end.max(range.start),
            });
        }
        let mut buffer = vec![0; (range.end - range.start) as usize];
        let read = at(
            "read",
            name,
            read_full(file.as_ref(), &mut buffer, range.start),
        )?;
        buffer.truncate(read);
        Ok(buffer)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        let found = self.walk(|name| name.starts_with(prefix) && !name.ends_with(TEMPORARY))?;
        Ok(found.into_iter().map(|(name, _)| name).collect())
    }

    fn delete(&self, name: &str) -> Result<(), ObjectError> {
        let path = self.file_path(name)?;
        let removed = self.disk.remove(&path);
        self.forget(name);
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(ObjectError::Io {
                action: "delete",
                name: name.to_owned(),
                source,
            }),
            Ok(()) => at(
                "delete",
                name,
                self.disk.sync_folder(path.parent().unwrap_or(&self.path)),
            ),
        }
    }
}

fn at<T>(action: &'static str, name: &str, result: io::Result<T>) -> Result<T, ObjectError> {
    result.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ObjectError::NotFound {
            name: name.to_owned(),
        },
        _ => ObjectError::Io {
            action,
            name: name.to_owned(),
            source,
        },
    })
}

#[cfg(test)]
mod tests;
