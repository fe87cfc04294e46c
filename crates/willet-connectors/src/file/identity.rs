//! Which file it is, whatever it is called.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};

use crate::lines::Identity;

/// Bytes of a file that tell it from another with the same number.
pub(super) const HEAD_BYTES: usize = 1 << 10;

/// Identity of an open file from its first bytes, as many as `HEAD_BYTES`. Leaves the file where it stands.
pub(super) fn of(file: &mut File) -> io::Result<Identity> {
    let head = head(file, HEAD_BYTES)?;
    Ok(with_head(&file.metadata()?, &head))
}

/// Identity of a file with these first bytes.
pub(super) fn with_head(metadata: &Metadata, head: &[u8]) -> Identity {
    let (device, inode) = numbers(metadata);
    Identity {
        device,
        inode,
        head_bytes: head.len() as u64,
        head_hash: hash(head),
    }
}

/// Whether the file begins as `known` did.
pub(super) fn has_head(file: &mut File, known: &Identity) -> io::Result<bool> {
    let bytes = HEAD_BYTES.min(known.head_bytes as usize);
    let head = head(file, bytes)?;
    Ok(head.len() == bytes && hash(&head) == known.head_hash)
}

/// Whether both are the same entry of the file system.
pub(super) fn same_numbers(metadata: &Metadata, known: &Identity) -> bool {
    numbers(metadata) == (known.device, known.inode)
}

fn head(file: &mut File, bytes: usize) -> io::Result<Vec<u8>> {
    let stands = file.stream_position()?;
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::with_capacity(bytes);
    file.by_ref().take(bytes as u64).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(stands))?;
    Ok(head)
}

/// FNV-1a: stays the same between versions, since cursors are kept.
fn hash(bytes: &[u8]) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    bytes.iter().fold(BASIS, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}

#[cfg(unix)]
fn numbers(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Without inode numbers only the first bytes tell files apart.
#[cfg(not(unix))]
fn numbers(_: &Metadata) -> (u64, u64) {
    (0, 0)
}
