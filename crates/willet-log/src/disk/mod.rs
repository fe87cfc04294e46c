//! All this crate does to storage: [`RealDisk`] is the file system, [`SimDisk`] a seeded simulation of it.

mod real;
mod sim;

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use real::RealDisk;
pub use sim::SimDisk;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, to read.
    Read,
    /// An existing file, to read and write.
    Edit,
    /// A file that must not be there yet, to read and write.
    Create,
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DiskEntry {
    /// The last part of the path.
    pub name: String,
    /// Whether the name is a folder.
    pub is_folder: bool,
}

/// A place for files. What is not synced may be lost, in part or whole, at a crash.
pub trait Disk: Send + Sync + Debug {
    /// Opens a file. The name of a created file is durable after [`Disk::sync_folder`].
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>>;
    /// Renames a file, over an existing one if there is one.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames a file, or fails with `AlreadyExists` when the new name is taken. Atomic against others who try.
    fn rename_if_absent(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Names in a folder, sorted.
    fn list(&self, folder: &Path) -> io::Result<Vec<DiskEntry>>;
    /// Creates a folder and those above it, if missing; their names are durable on return.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Takes the exclusive lock on a file (created if missing), or fails with `WouldBlock` when it is held.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>>;
    /// A random number: from the system, or from the seed of the simulation.
    fn random_u64(&self) -> io::Result<u64>;
}

/// An open file.
pub trait DiskFile: Send + Sync + Debug {
    /// Reads up to `buffer.len()` bytes at `offset`; 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all bytes at `offset`, growing the file as needed. After an error any part may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Makes the bytes and the length of the file durable.
    fn sync_data(&self) -> io::Result<()>;
    /// Cuts the file or grows it with zeros.
    fn set_len(&self, bytes: u64) -> io::Result<()>;
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Asks for `bytes` of zeroed space, so that later syncs need not write the length. A hint: an error harms nothing.
    fn preallocate(&self, bytes: u64) -> io::Result<()>;
}

/// A held lock; dropping it lets go.
pub trait DiskLock: Send + Sync + Debug {}

/// Reads until `buffer` is full or the file ends; returns the bytes read.
pub(crate) fn read_full(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The whole file, which must not have more than `limit` bytes.
pub(crate) fn read_file(disk: &dyn Disk, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = disk.open(path, OpenMode::Read)?;
    let bytes = file.len()?;
    if bytes > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("file has {bytes} bytes, expected at most {limit}"),
        ));
    }
    let mut buffer = vec![0; bytes as usize];
    let read = read_full(file.as_ref(), &mut buffer, 0)?;
    buffer.truncate(read);
    Ok(buffer)
}

/// Replaces a file at once: the old content or the new one is there, never a mixture. Durable on return.
pub(crate) fn replace_file(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary_beside(path);
    write_temporary(disk, &temporary, bytes)?;
    disk.rename(&temporary, path)?;
    path.parent()
        .map_or(Ok(()), |folder| disk.sync_folder(folder))
}

/// Ending of files that are not finished; left-over ones are swept.
pub(crate) const TEMPORARY: &str = ".tmp";

pub(crate) fn temporary_beside(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY);
    name.into()
}

/// Writes and syncs a file that is not visible under its final name yet; removes it when that fails.
pub(crate) fn write_temporary(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.open(path, OpenMode::Create)?;
    let written = file.write_at(bytes, 0).and_then(|()| file.sync_data());
    if written.is_err() {
        // The first error is the one to tell; a left-over is swept at the next opening.
        let _ = disk.remove(path);
    }
    written
}
