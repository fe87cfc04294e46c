//! CSV rows to events.

use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memchr_iter};

use super::config::{InputConfig, Limits, MetricMode, Role};
use super::decoder::{
    OddCells, Trouble, ValueRule, check_key, check_size, id_hash, label, metric_key,
};
use super::layouts::Layouts;
use super::number::{self, Style};
use super::reject::{RejectReason, excerpt, quoted};
use super::timestamp::{self, TimestampUnit};
use crate::event::{EventBatch, EventHead, Layout, key_hash};

#[derive(Debug)]
pub(super) struct CsvDecoder {
    slots: Vec<Slot>,
    row: Row,
    delimiter: u8,
    reader: csv_core::Reader,
    unquoted: Unquoted,
    layout: Arc<Layout>,
    /// Layout of the metric that came last.
    metric: Option<Arc<Layout>>,
    layouts: Layouts,
    key: String,
    hash_seed: u64,
}

/// What is done with a field, by its place.
#[derive(Debug)]
enum Slot {
    Value(ValueRule),
    Timestamp,
    Key,
    Label,
    Id,
    Metric,
    Skip,
}

/// What a row has said so far. Keys are kept as places, since the text may lie in the record or in the scratch.
#[derive(Debug)]
struct Row {
    values: Vec<f64>,
    time: Option<crate::event::Timestamp>,
    label: Option<bool>,
    id_hash: Option<u64>,
    key: Range<usize>,
    metric: Option<Range<usize>>,
    unit: TimestampUnit,
    style: Style,
    limits: Limits,
    hash_seed: u64,
    odd: Vec<OddCells>,
}

/// Fields of a row with quotes, without them.
#[derive(Debug, Default)]
struct Unquoted {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
}

impl CsvDecoder {
    pub(super) fn new(config: &InputConfig, hash_seed: u64) -> Self {
        let has_key = config.columns.iter().any(|column| column.role == Role::Key);
        let mut rules = ValueRule::of(config).into_iter();
        let slots = config.columns.iter().map(|column| match column.role {
            _ if !has_key && config.key_by.as_ref() == Some(&column.name) => Slot::Key,
            Role::Value => rules
                .find(|rule| *rule.name == *column.name)
                .map_or(Slot::Skip, Slot::Value),
            Role::Timestamp => Slot::Timestamp,
            Role::Key => Slot::Key,
            Role::Label => Slot::Label,
            Role::Id => Slot::Id,
            Role::Metric if config.metric == MetricMode::Series => Slot::Metric,
            Role::Metric | Role::EventType | Role::Ignore => Slot::Skip,
        });
        let slots: Vec<Slot> = slots.collect();
        let mut layouts = Layouts::default();
        let names = slots.iter().filter_map(|slot| match slot {
            Slot::Value(rule) => Some(&*rule.name),
            _ => None,
        });
        let layout = layouts.named(&names.collect::<Vec<_>>().into_iter());
        let delimiter = config.delimiter as u8;
        Self {
            slots,
            row: Row {
                values: Vec::new(),
                time: None,
                label: None,
                id_hash: None,
                key: 0..0,
                metric: None,
                unit: config.timestamp_unit,
                style: Style {
                    decimal: config.decimal,
                    thousands: config.thousands,
                },
                limits: config.limits,
                hash_seed,
                odd: Vec::new(),
            },
            delimiter,
            reader: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            unquoted: Unquoted::default(),
            layout,
            metric: None,
            layouts,
            key: String::new(),
            hash_seed,
        }
    }

    pub(super) fn odd_cells(&self) -> &[OddCells] {
        &self.row.odd
    }

    /// Decodes one row to the end of `events`.
    pub(super) fn decode(
        &mut self,
        payload: &[u8],
        offset: u64,
        events: &mut EventBatch,
    ) -> Result<(), Trouble> {
        let line = trim_line_end(payload);
        self.row.start();
        let text = if memchr(b'"', line).is_none() {
            self.plain_fields(line)?;
            line
        } else {
            self.quoted_fields(line)?;
            &self.unquoted.bytes
        };
        let row = &self.row;
        let utf8 = |range: &Range<usize>| {
            std::str::from_utf8(&text[range.clone()]).map_err(|_| RejectReason::NotUtf8)
        };
        let mut key = utf8(&row.key)?;
        let mut layout = &self.layout;
        if let Some(metric) = &row.metric {
            let metric = utf8(metric)?;
            metric_key(&mut self.key, key, metric);
            key = &self.key;
            let known = self.metric.take();
            let known = known.filter(|layout| *layout.names()[0] == *metric);
            layout = self
                .metric
                .insert(known.unwrap_or_else(|| self.layouts.named(&[metric].into_iter())));
        }
        check_key(key, &row.limits)?;
        events.push(
            EventHead {
                offset,
                key,
                key_hash: key_hash(self.hash_seed, key),
                id_hash: row.id_hash,
                time: row.time,
                label: row.label,
            },
            layout,
            &row.values,
        );
        Ok(())
    }

    fn plain_fields(&mut self, line: &[u8]) -> Result<(), Trouble> {
        let mut start = 0;
        let mut ends = memchr_iter(self.delimiter, line);
        for (index, slot) in self.slots.iter().enumerate() {
            let end = match ends.next() {
                Some(end) => end,
                // The last field ends with the line; past it there is none.
                None if start <= line.len() => line.len(),
                None => return Err(self.field_count(index)),
            };
            self.row
                .take(slot, line, start..end)
                .map_err(|reason| Trouble {
                    byte: Some(start),
                    reason,
                })?;
            start = end + 1;
        }
        if start <= line.len() {
            return Err(self.field_count(memchr_iter(self.delimiter, line).count() + 1));
        }
        Ok(())
    }

    fn quoted_fields(&mut self, line: &[u8]) -> Result<(), Trouble> {
        self.unquoted.fill(&mut self.reader, line)?;
        if self.unquoted.fields != self.slots.len() {
            return Err(self.field_count(self.unquoted.fields));
        }
        let mut start = 0;
        for (slot, &end) in self.slots.iter().zip(&self.unquoted.ends) {
            self.row.take(slot, &self.unquoted.bytes, start..end)?;
            start = end;
        }
        Ok(())
    }

    #[cold]
    fn field_count(&self, got: usize) -> Trouble {
        Trouble::from(RejectReason::FieldCount {
            got,
            expected: self.slots.len(),
        })
    }
}

impl Row {
    fn start(&mut self) {
        self.values.clear();
        self.time = None;
        self.label = None;
        self.id_hash = None;
        self.key = 0..0;
        self.metric = None;
    }

    /// Takes the field at `range` of `text` for what `slot` says it is.
    #[inline]
    fn take(&mut self, slot: &Slot, text: &[u8], range: Range<usize>) -> Result<(), RejectReason> {
        let start = range.start;
        let field = &text[range];
        match slot {
            Slot::Skip => {}
            Slot::Value(rule) => {
                let value = self.value(rule, field.trim_ascii())?;
                self.values.push(value);
            }
            Slot::Timestamp => {
                let field = field.trim_ascii();
                if !number::is_missing(field) {
                    self.time = Some(timestamp::parse(utf8(field)?, self.unit)?);
                }
            }
            Slot::Key => self.key = start..start + field.len(),
            Slot::Label => self.label = label(utf8(field.trim_ascii())?)?,
            Slot::Id => {
                let id = utf8(field)?;
                self.id_hash = (!id.is_empty()).then(|| id_hash(self.hash_seed, id));
            }
            Slot::Metric => {
                self.metric = (!field.is_empty()).then(|| start..start + field.len());
            }
        }
        Ok(())
    }

    #[inline]
    fn value(&mut self, rule: &ValueRule, field: &[u8]) -> Result<f64, RejectReason> {
        let value = if number::is_missing(field) {
            f64::NAN
        } else {
            match self.style.parse(field) {
                Some(value) => value,
                None if rule.text_is_missing => {
                    self.note_odd(&rule.name, field);
                    f64::NAN
                }
                None => {
                    return Err(RejectReason::NotANumber {
                        name: rule.name.to_string(),
                        got: quoted(&String::from_utf8_lossy(field)),
                    });
                }
            }
        };
        check_size(&rule.name, value, &self.limits)?;
        rule.check(value)?;
        Ok(value)
    }
}

impl Row {
    #[cold]
    fn note_odd(&mut self, column: &str, field: &[u8]) {
        if let Some(odd) = self.odd.iter_mut().find(|odd| odd.column == column) {
            odd.count += 1;
        } else {
            self.odd.push(OddCells {
                column: column.to_owned(),
                count: 1,
                first: excerpt(&String::from_utf8_lossy(field)),
            });
        }
    }
}

impl Unquoted {
    fn fill(&mut self, reader: &mut csv_core::Reader, line: &[u8]) -> Result<(), RejectReason> {
        use csv_core::ReadRecordResult;
        reader.reset();
        // Unquoting only shortens; a row has at most one field more than bytes.
        self.bytes.resize(line.len() + 1, 0);
        self.ends.resize(line.len() + 2, 0);
        let (mut read, mut written, mut ended) = (0, 0, 0);
        loop {
            let (result, took, wrote, fields) = reader.read_record(
                &line[read..],
                &mut self.bytes[written..],
                &mut self.ends[ended..],
            );
            read += took;
            written += wrote;
            ended += fields;
            match result {
                // Empty input from here on says that the line is over.
                ReadRecordResult::InputEmpty if read == line.len() => {}
                ReadRecordResult::Record if read == line.len() => break,
                _ => return Err(RejectReason::NotOneRow),
            }
        }
        self.bytes.truncate(written);
        self.fields = ended;
        Ok(())
    }
}

fn utf8(field: &[u8]) -> Result<&str, RejectReason> {
    std::str::from_utf8(field).map_err(|_| RejectReason::NotUtf8)
}

fn trim_line_end(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b'\n' | b'\r'] = line {
        line = rest;
    }
    line
}
