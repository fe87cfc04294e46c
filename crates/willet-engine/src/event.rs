//! Events of one batch, in columns: what the codec makes of records and a shard takes.

use std::ops::Range;
use std::sync::Arc;

/// Microseconds since the epoch, UTC.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Timestamp(pub i64);

/// The names of an event's values, in order. Events with the same names share one.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    names: Vec<Box<str>>,
    positional: bool,
    fingerprint: u64,
}

impl Layout {
    /// A layout of named values.
    pub fn named<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        Self::build(
            names.into_iter().map(|name| name.as_ref().into()).collect(),
            false,
        )
    }

    /// A layout of `width` values without names (`features: [..]`); they are called `f0`, `f1`, ...
    pub fn positional(width: usize) -> Self {
        Self::build(
            (0..width).map(|index| format!("f{index}").into()).collect(),
            true,
        )
    }

    fn build(names: Vec<Box<str>>, positional: bool) -> Self {
        use std::hash::{BuildHasher, Hash, Hasher};
        let mut hasher = foldhash::quality::FixedState::with_seed(0).build_hasher();
        names.hash(&mut hasher);
        positional.hash(&mut hasher);
        Self {
            fingerprint: hasher.finish(),
            names,
            positional,
        }
    }

    /// The names, in the order of the values.
    pub fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// Number of values.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// Whether the values came without names, so that their place is their meaning.
    pub fn is_positional(&self) -> bool {
        self.positional
    }

    /// A hash of the names and their order: two layouts with the same one are the same.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

/// One event of a batch, without its variable parts.
#[derive(Clone, Copy, Debug)]
pub struct EventRow {
    /// Offset of the record it came from.
    pub offset: u64,
    /// Hash of the key under the seed that the decoder was given.
    pub key_hash: u64,
    /// Hash of the event's `id`, if it has one.
    pub id_hash: Option<u64>,
    /// Event time, if it has one.
    pub time: Option<Timestamp>,
    /// Label, if it has one: true is an anomaly.
    pub label: Option<bool>,
    /// When its record arrived, microseconds since the epoch; 0 where nobody knows.
    pub arrived: i64,
    key: (u32, u32),
    values: u32,
    layout: u32,
}

/// Events in order of arrival, in columns: one buffer of keys, one of values.
#[derive(Clone, Debug, Default)]
pub struct EventBatch {
    rows: Vec<EventRow>,
    keys: String,
    values: Vec<f64>,
    layouts: Vec<Arc<Layout>>,
}

/// What [`EventBatch::push`] takes besides the values.
#[derive(Clone, Copy, Debug)]
pub struct EventHead<'a> {
    /// Offset of the record.
    pub offset: u64,
    /// The key (in JSON `source`).
    pub key: &'a str,
    /// Hash of the key under the seed of the decoder.
    pub key_hash: u64,
    /// Hash of the event's `id`.
    pub id_hash: Option<u64>,
    /// Event time.
    pub time: Option<Timestamp>,
    /// Label: true is an anomaly.
    pub label: Option<bool>,
}

impl EventBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event. `values` has the width of `layout`; NaN is a missing value.
    pub fn push(&mut self, head: EventHead<'_>, layout: &Arc<Layout>, values: &[f64]) {
        debug_assert_eq!(values.len(), layout.width());
        let layout = self.intern(layout);
        let start = self.values.len() as u32;
        self.values.extend_from_slice(values);
        // Runs of one key share its bytes.
        let key = match self.rows.last() {
            Some(last)
                if last.key_hash == head.key_hash && self.key_bytes(last.key) == head.key =>
            {
                last.key
            }
            _ => {
                let start = self.keys.len() as u32;
                self.keys.push_str(head.key);
                (start, self.keys.len() as u32)
            }
        };
        self.rows.push(EventRow {
            offset: head.offset,
            key_hash: head.key_hash,
            id_hash: head.id_hash,
            time: head.time,
            label: head.label,
            arrived: 0,
            key,
            values: start,
            layout,
        });
    }

    fn intern(&mut self, layout: &Arc<Layout>) -> u32 {
        let known = self
            .layouts
            .iter()
            .rposition(|known| Arc::ptr_eq(known, layout));
        known.unwrap_or_else(|| {
            self.layouts.push(Arc::clone(layout));
            self.layouts.len() - 1
        }) as u32
    }

    /// Gives the events consecutive offsets from `first`, as an append does with their records.
    pub fn number_from(&mut self, first: u64) {
        for (index, row) in self.rows.iter_mut().enumerate() {
            row.offset = first + index as u64;
        }
    }

    /// Says when the newest event's record arrived.
    pub(crate) fn stamp_last(&mut self, arrived: i64) {
        if let Some(row) = self.rows.last_mut() {
            row.arrived = arrived;
        }
    }

    /// Says when the records of all of them arrived, as [`Records::stamp`](crate::records::Records::stamp) does.
    pub fn stamp(&mut self, arrived: i64) {
        for row in &mut self.rows {
            row.arrived = arrived;
        }
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Removes all events and keeps the memory.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.keys.clear();
        self.values.clear();
        self.layouts.clear();
    }

    /// The events, in order.
    pub fn rows(&self) -> &[EventRow] {
        &self.rows
    }

    /// Key of event `index`.
    pub fn key(&self, index: usize) -> &str {
        self.key_bytes(self.rows[index].key)
    }

    /// Values of event `index`, in the order of its layout.
    pub fn values(&self, index: usize) -> &[f64] {
        let row = &self.rows[index];
        let start = row.values as usize;
        &self.values[start..start + self.layouts[row.layout as usize].width()]
    }

    /// Names of the values of event `index`.
    pub fn layout(&self, index: usize) -> &Arc<Layout> {
        &self.layouts[self.rows[index].layout as usize]
    }

    /// Indices of all events.
    pub fn indices(&self) -> Range<usize> {
        0..self.rows.len()
    }

    fn key_bytes(&self, (start, end): (u32, u32)) -> &str {
        &self.keys[start as usize..end as usize]
    }
}

/// Hash of a key, for tables and lanes. It never reaches a verdict, so the seed may be secret.
pub fn key_hash(seed: u64, key: &str) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = foldhash::fast::FixedState::with_seed(seed).build_hasher();
    hasher.write(key.as_bytes());
    hasher.finish()
}
