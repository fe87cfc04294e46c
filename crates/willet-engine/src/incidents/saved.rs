//! What is kept of the shard: one small state for each series, partition and silence, so that a batch saves what it changed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::series::{Series, SeriesKey};
use super::{Incidents, Silence};

/// A saved state that cannot be taken up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("saved incident state `{name}` cannot be read: {reason} (it may be of a newer willet)")]
pub struct IncidentStateError {
    /// Its name.
    pub name: String,
    /// What is wrong.
    pub reason: String,
}

/// Which state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Config,
    Counters,
    Seen((String, u32)),
    Series(Arc<SeriesKey>),
    Silence(u64),
}

impl Name {
    /// Different names give different texts: the length of the first part says where it ends.
    fn text(&self) -> String {
        match self {
            Self::Config => "config".to_owned(),
            Self::Counters => "counters".to_owned(),
            Self::Seen((stream, partition)) => format!("seen/{partition}/{stream}"),
            Self::Series(key) => {
                format!("series/{}/{}/{}", key.stream.len(), key.stream, key.source)
            }
            Self::Silence(offset) => format!("silence/{offset}"),
        }
    }
}

/// What was given up for want of room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counters {
    pub(super) resolved_early: u64,
    pub(super) forgotten_early: u64,
}

/// Saved states by version; a variant is frozen once released.
#[derive(Serialize, Deserialize)]
enum Saved {
    V1(SavedV1),
}

#[derive(Serialize, Deserialize)]
enum SavedV1 {
    /// As JSON, which takes new settings without a new version.
    Config {
        json: String,
    },
    Counters(Counters),
    Seen {
        stream: String,
        partition: u32,
        offset: u64,
    },
    Series {
        stream: String,
        source: String,
        series: Box<Series>,
    },
    Silence {
        offset: u64,
        source: String,
        stream: Option<String>,
        from: i64,
        until: i64,
        reason: Option<String>,
        by: Option<String>,
        created_at: i64,
    },
}

impl Incidents {
    /// A shard with the states that [`take_changes`](Self::take_changes) handed out, the last of each name.
    pub fn restore(
        states: impl Iterator<Item = (String, Vec<u8>)>,
    ) -> Result<Self, IncidentStateError> {
        let mut incidents = Self::new();
        for (name, bytes) in states {
            incidents
                .take_up(&bytes)
                .map_err(|reason| IncidentStateError { name, reason })?;
        }
        incidents.changed.clear();
        Ok(incidents)
    }

    /// Names and states that changed since this was last called, in a fixed order; `None` is to be removed.
    pub fn take_changes(&mut self) -> Vec<(String, Option<Vec<u8>>)> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .iter()
            .map(|name| (name.text(), self.state(name)))
            .collect()
    }

    fn state(&self, name: &Name) -> Option<Vec<u8>> {
        let state = match name {
            Name::Config => SavedV1::Config {
                json: serde_json::to_string(&self.config)
                    .expect("plain data always serialises into memory"),
            },
            Name::Counters => SavedV1::Counters(self.counters),
            Name::Seen(partition) => SavedV1::Seen {
                stream: partition.0.clone(),
                partition: partition.1,
                offset: *self.seen.get(partition)?,
            },
            Name::Series(key) => SavedV1::Series {
                stream: key.stream.clone(),
                source: key.source.clone(),
                series: Box::new(self.series.get(key)?.clone()),
            },
            Name::Silence(offset) => {
                let silence = self.silences.get(offset)?.clone();
                SavedV1::Silence {
                    offset: *offset,
                    source: silence.source,
                    stream: silence.stream,
                    from: silence.from,
                    until: silence.until,
                    reason: silence.reason,
                    by: silence.by,
                    created_at: silence.created_at,
                }
            }
        };
        let bytes = postcard::to_allocvec(&Saved::V1(state));
        Some(bytes.expect("plain data always serialises into memory"))
    }

    fn take_up(&mut self, bytes: &[u8]) -> Result<(), String> {
        let (Saved::V1(state), rest) =
            postcard::take_from_bytes(bytes).map_err(|error| error.to_string())?;
        if !rest.is_empty() {
            return Err("bytes are left over".to_owned());
        }
        match state {
            SavedV1::Config { json } => {
                self.config = serde_json::from_str(&json).map_err(|error| error.to_string())?;
            }
            SavedV1::Counters(counters) => self.counters = counters,
            SavedV1::Seen {
                stream,
                partition,
                offset,
            } => {
                self.seen.insert((stream, partition), offset);
            }
            SavedV1::Series {
                stream,
                source,
                series,
            } => self.put(Arc::new(SeriesKey { stream, source }), *series),
            SavedV1::Silence {
                offset,
                source,
                stream,
                from,
                until,
                reason,
                by,
                created_at,
            } => {
                let silence = Silence {
                    id: Silence::id_at(offset),
                    source,
                    stream,
                    from,
                    until,
                    reason,
                    by,
                    created_at,
                };
                self.silences.insert(offset, silence);
            }
        }
        Ok(())
    }
}
