//! The frame around small saved values: magic, version, two bytes of zero, checksum of the content, content.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What is wrong with bytes that should be a saved value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Not long enough or not beginning as it should.
    #[error("it is not what its name says, or it is cut")]
    Magic,
    /// Written by a newer Willet.
    #[error(
        "it has format version {found}, this build reads version {newest} (use a newer willet)"
    )]
    Version {
        /// Version found.
        found: u16,
        /// Newest version this build reads.
        newest: u16,
    },
    /// The checksum does not match.
    #[error("its checksum does not match: the bytes are damaged")]
    Checksum,
    /// The checksum matches and the content still does not hold.
    #[error("its content cannot be read: {0}")]
    Content(String),
}

const HEAD: usize = 12;

/// Puts a value into its frame.
pub fn seal(magic: [u8; 4], version: u16, content: &impl Serialize) -> Vec<u8> {
    let content = postcard::to_allocvec(content).expect("plain data always serialises into memory");
    let mut bytes = Vec::with_capacity(content.len() + HEAD);
    bytes.extend_from_slice(&magic);
    bytes.extend_from_slice(&version.to_le_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&crc32c::crc32c(&content).to_le_bytes());
    bytes.extend_from_slice(&content);
    bytes
}

/// The format version that a frame names, unchecked; `None` where the bytes are too few.
pub fn version(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_le_bytes([*bytes.get(4)?, *bytes.get(5)?]))
}

/// Takes a value out of its frame, checked.
pub fn open<T: DeserializeOwned>(
    magic: [u8; 4],
    version: u16,
    bytes: &[u8],
) -> Result<T, EnvelopeError> {
    let (head, content) = bytes
        .split_first_chunk::<HEAD>()
        .ok_or(EnvelopeError::Magic)?;
    if head[..4] != magic {
        return Err(EnvelopeError::Magic);
    }
    let found = u16::from_le_bytes([head[4], head[5]]);
    if found != version {
        return Err(EnvelopeError::Version {
            found,
            newest: version,
        });
    }
    if u32::from_le_bytes([head[8], head[9], head[10], head[11]]) != crc32c::crc32c(content)
        || head[6..8] != [0, 0]
    {
        return Err(EnvelopeError::Checksum);
    }
    let content = postcard::take_from_bytes(content)
        .map_err(|error| EnvelopeError::Content(error.to_string()))?;
    if !content.1.is_empty() {
        return Err(EnvelopeError::Content(format!(
            "{} bytes are left over",
            content.1.len()
        )));
    }
    Ok(content.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let bytes = seal(*b"TEST", 3, &(7_u64, "text".to_owned()));
        let read = |bytes: &[u8]| open::<(u64, String)>(*b"TEST", 3, bytes);
        assert_eq!(read(&bytes), Ok((7, "text".to_owned())));
        for len in 0..bytes.len() {
            assert!(read(&bytes[..len]).is_err(), "cut to {len}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&damaged).is_err(), "bit {bit}");
        }
        assert_eq!(
            open::<(u64, String)>(*b"TEST", 2, &bytes),
            Err(EnvelopeError::Version {
                found: 3,
                newest: 2
            })
        );
    }
}
