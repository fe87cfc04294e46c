//! How far verdicts are durable: saved beside the checkpoints.

use serde::{Deserialize, Serialize};
use willet_engine::envelope::{self, EnvelopeError};
use willet_engine::ports::{ObjectError, Objects};

use crate::worker::is_missing;

/// What was delivered, and how many bytes of output that is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) delivered: u64,
    pub(crate) output_bytes: u64,
    pub(crate) cursor: Option<(u64, Vec<u8>)>,
}

const MAGIC: [u8; 4] = *b"WLTD";
const VERSION: u16 = 1;

impl Mark {
    /// Saves it. It stands in its object twice: it is small, nothing else can stand in for it, and so one damaged place does
    /// no harm.
    pub(crate) fn write(&self, objects: &dyn Objects, prefix: &str) -> Result<(), ObjectError> {
        let sealed = envelope::seal(MAGIC, VERSION, self);
        objects.put(&name(prefix), &sealed.repeat(2))
    }

    /// The mark that was saved last; an inner error where it cannot be read.
    pub(crate) fn read(
        objects: &dyn Objects,
        prefix: &str,
    ) -> Result<Result<Self, EnvelopeError>, ObjectError> {
        match objects.get(&name(prefix)) {
            Ok(bytes) => {
                let (first, second) = bytes.split_at(bytes.len() / 2);
                let first = envelope::open(MAGIC, VERSION, first);
                Ok(first.or_else(|_| envelope::open(MAGIC, VERSION, second)))
            }
            Err(error) if is_missing(&error) => Ok(Ok(Self::default())),
            Err(error) => Err(error),
        }
    }
}

fn name(prefix: &str) -> String {
    format!("{prefix}/delivered")
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use willet_log::{FolderObjects, SimDisk};

    use super::*;

    #[test]
    fn one_damaged_bit_of_the_mark_does_no_harm() {
        let disk = SimDisk::new(1);
        let objects = FolderObjects::open(Arc::new(disk.clone()), Path::new("/o")).expect("sound");
        let mark = Mark {
            delivered: 7,
            output_bytes: 300,
            cursor: Some((6, b"line 6".to_vec())),
        };
        mark.write(&objects, "p").expect("sound");
        let bytes = objects.get("p/delivered").expect("there").len() as u64;
        let flip = |byte| disk.flip_bit(Path::new("/o/p/delivered"), byte, 1);
        for byte in 0..bytes {
            flip(byte);
            assert_eq!(Mark::read(&objects, "p").expect("there"), Ok(mark.clone()));
            flip(byte);
        }
        flip(3);
        flip(bytes - 1);
        assert!(Mark::read(&objects, "p").expect("there").is_err());
    }
}
