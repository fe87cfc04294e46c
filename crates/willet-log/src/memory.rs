//! [`Objects`] in memory, for what nobody wants to keep.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use willet_engine::ports::{ObjectError, Objects};

/// Objects that end with the process.
#[derive(Debug, Default)]
pub struct MemoryObjects(Mutex<BTreeMap<String, Vec<u8>>>);

impl MemoryObjects {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Objects for MemoryObjects {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        self.all().insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn put_if_absent(&self, name: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        let mut all = self.all();
        if all.contains_key(name) {
            let name = name.to_owned();
            return Err(ObjectError::AlreadyExists { name });
        }
        all.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn replace(&self, name: &str, expected: &[u8], bytes: &[u8]) -> Result<(), ObjectError> {
        let mut all = self.all();
        let name = name.to_owned();
        match all.get_mut(&name) {
            None => Err(ObjectError::NotFound { name }),
            Some(found) if *found != expected => Err(ObjectError::Changed { name }),
            Some(found) => {
                *found = bytes.to_vec();
                Ok(())
            }
        }
    }

    fn get(&self, name: &str) -> Result<Vec<u8>, ObjectError> {
        let found = self.all().get(name).cloned();
        found.ok_or_else(|| ObjectError::NotFound {
            name: name.to_owned(),
        })
    }

    fn get_range(&self, name: &str, range: Range<u64>) -> Result<Vec<u8>, ObjectError> {
        let bytes = self.get(name)?;
        let part = bytes.get(range.start as usize..range.end as usize);
        part.map(<[u8]>::to_vec).ok_or_else(|| ObjectError::Range {
            name: name.to_owned(),
            bytes: bytes.len() as u64,
            end: range.end.max(range.start),
        })
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        let all = self.all();
        let names = all.keys().filter(|name| name.starts_with(prefix));
        Ok(names.cloned().collect())
    }

    fn delete(&self, name: &str) -> Result<(), ObjectError> {
        self.all().remove(name);
        Ok(())
    }
}
