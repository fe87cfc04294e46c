use std::collections::BTreeMap;

use willet_engine::records::PartitionId;

use super::bytes::Fields;
use super::header::Listed;

/// Which stream and partition a [`PartitionId`] stands for.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalogue {
    names: BTreeMap<PartitionId, (String, u32)>,
    ids: BTreeMap<(String, u32), PartitionId>,
}

impl Catalogue {
    pub(super) fn name(&self, id: PartitionId) -> Option<(&str, u32)> {
        let (stream, number) = self.names.get(&id)?;
        Some((stream, *number))
    }

    pub(super) fn id(&self, stream: &str, number: u32) -> Option<PartitionId> {
        self.ids.get(&(stream.to_owned(), number)).copied()
    }

    pub(super) fn insert(&mut self, id: PartitionId, stream: &str, number: u32) {
        self.names.insert(id, (stream.to_owned(), number));
        self.ids.insert((stream.to_owned(), number), id);
    }

    pub(super) fn insert_listed(&mut self, listed: &[Listed]) {
        for entry in listed {
            self.insert(entry.id, &entry.stream, entry.number);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (PartitionId, &str, u32)> {
        self.names
            .iter()
            .map(|(id, (stream, number))| (*id, stream.as_str(), *number))
    }
}

/// Payload of a catalogue entry in the log.
pub(super) fn encode_entry(stream: &str, number: u32) -> Vec<u8> {
    let mut payload = number.to_le_bytes().to_vec();
    payload.extend_from_slice(stream.as_bytes());
    payload
}

pub(super) fn decode_entry(payload: &[u8]) -> Option<(&str, u32)> {
    let mut fields = Fields(payload);
    let number = fields.u32()?;
    Some((std::str::from_utf8(fields.0).ok()?, number))
}
