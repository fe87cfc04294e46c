//! What the simulation knows that the log must hold.

use willet_engine::config::StreamConfig;
use willet_engine::journal::Entry;
use willet_engine::records::{RecordKind, Records};

use crate::check::Record;

/// Acknowledged records, and appends of which nobody knows whether they are there.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// By offset.
    pub(super) records: Vec<Record>,
    /// Appends that failed since the last that did not: at most one of them may be there, whole.
    pub(super) doubtful: Vec<Vec<Record>>,
    /// Records before this were said to be delivered.
    pub(super) delivered: u64,
}

impl Ledger {
    pub(super) fn acknowledge(&mut self, records: &Records) {
        self.records.extend(copy(records));
        self.doubtful.clear();
    }

    pub(super) fn doubt(&mut self, records: &Records) {
        self.doubtful.push(copy(records));
    }

    /// Lines of the source that are in the log.
    pub(super) fn cursor(&self) -> u64 {
        let cursor = self
            .records
            .iter()
            .rev()
            .find(|record| record.kind == RecordKind::Cursor);
        cursor.map_or(0, |record| read_cursor(&record.payload))
    }

    /// The configuration in force, if one was written.
    pub(super) fn config(&self) -> Option<StreamConfig> {
        config_of(&self.records)
    }

    /// Configurations that may be in force after a crash.
    pub(super) fn doubtful_configs(&self) -> Vec<StreamConfig> {
        self.doubtful
            .iter()
            .filter_map(|records| config_of(records))
            .collect()
    }
}

fn config_of(records: &[Record]) -> Option<StreamConfig> {
    records
        .iter()
        .rev()
        .filter(|record| record.kind == RecordKind::Journal)
        .find_map(|record| match Entry::decode(0, &record.payload) {
            Ok(Entry::Configure { config }) => Some(*config),
            _ => None,
        })
}

pub(super) fn copy(records: &Records) -> Vec<Record> {
    let copy = |(head, payload): (willet_engine::records::RecordHead, &[u8])| Record {
        kind: head.kind,
        arrived: head.arrived,
        payload: payload.to_vec(),
    };
    records.iter().map(copy).collect()
}

pub(super) fn read_cursor(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}
