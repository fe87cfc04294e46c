//! [`Objects`] as files of a folder.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use willet_engine::ports::{ObjectError, Objects};

use crate::disk::{Disk, DiskFile, OpenMode, TEMPORARY, read_file, read_full, write_temporary};

/// Longest object name: S3 allows 1,024 bytes, a file name 255.
pub const MAX_NAME_BYTES: usize = 1024;
const MAX_PART_BYTES: usize = 200;
/// Largest object: a checkpoint chunk is far below.
pub const MAX_OBJECT_BYTES: u64 = 1 << 32;
/// Files kept open for [`Objects::get_range`].
pub const MAX_OPEN_OBJECTS: usize = 64;

/// Objects as files of a folder; `/` in a name is a folder.
#[derive(Debug)]
pub struct FolderObjects {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    open: Mutex<OpenFiles>,
    /// Held while an object is compared and replaced.
    replacing: Mutex<()>,
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
            replacing: Mutex::default(),
        };
        at("open the folder of", "", objects.disk.create_folder(path))?;
        for (name, path) in objects.walk("", |name| name.ends_with(TEMPORARY))? {
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
    fn walk(
        &self,
        prefix: &str,
        passes: impl Fn(&str) -> bool,
    ) -> Result<Vec<(String, PathBuf)>, ObjectError> {
        let mut found = Vec::new();
        // Only where such names can be: there may be a folder for each of ten thousand streams.
        let within = &prefix[..prefix.rfind('/').map_or(0, |slash| slash + 1)];
        let mut folders = vec![(within.to_owned(), self.path.join(within))];
        while let Some((above, folder)) = folders.pop() {
            let listed = match self.disk.list(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    // Nothing was stored there; where all of it is gone, that is no empty list.
                    at("list", &above, self.disk.sync_folder(&self.path))?;
                    continue;
                }
                listed => at("list", &above, listed)?,
            };
            for entry in listed {
                let name = format!("{above}{}", entry.name);
                let path = folder.join(&entry.name);
                if entry.is_folder {
                    folders.push((format!("{name}/"), path));
                } else if name.starts_with(prefix) && passes(&name) {
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

    fn replace(&self, name: &str, expected: &[u8], bytes: &[u8]) -> Result<(), ObjectError> {
        // Only one process has the folder open, so only its threads can come in between.
        let _one = self
            .replacing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.get(name)? != expected {
            return Err(ObjectError::Changed {
                name: name.to_owned(),
            });
        }
        self.put(name, bytes)
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
        let found = self.walk(prefix, |name| !name.ends_with(TEMPORARY))?;
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
