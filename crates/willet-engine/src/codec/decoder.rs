//! The decoder: a loop over records, and what both formats share.

use std::ops::Range;

use super::config::{Column, ConfigError, Format, InputConfig, Limits, Role, ValueType};
use super::csv::CsvDecoder;
use super::json::JsonDecoder;
use super::number;
use super::reject::{RejectReason, Rejection, quoted};
use crate::event::{EventBatch, key_hash};
use crate::records::{RecordKind, Records};

/// Makes events of records. Holds scratch memory and layouts seen, nothing that an event could depend on.
#[derive(Debug)]
pub struct Decoder {
    record_bytes: usize,
    format: FormatDecoder,
}

#[derive(Debug)]
enum FormatDecoder {
    Csv(Box<CsvDecoder>),
    Json(Box<JsonDecoder>),
}

/// A reason with the byte of the record it was seen at.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) byte: Option<usize>,
    pub(super) reason: RejectReason,
}

impl From<RejectReason> for Trouble {
    fn from(reason: RejectReason) -> Self {
        Self { byte: None, reason }
    }
}

impl Decoder {
    /// A decoder for `config`; `hash_seed` seeds the hashes of keys and ids.
    pub fn new(config: &InputConfig, hash_seed: u64) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self {
            record_bytes: config.limits.record_bytes,
            format: match config.format {
                Format::Csv => FormatDecoder::Csv(Box::new(CsvDecoder::new(config, hash_seed))),
                Format::Json => FormatDecoder::Json(Box::new(JsonDecoder::new(config, hash_seed))),
            },
        })
    }

    /// What was taken as missing since text stood there, by column.
    pub fn odd_cells(&self) -> &[OddCells] {
        match &self.format {
            FormatDecoder::Csv(csv) => csv.odd_cells(),
            FormatDecoder::Json(_) => &[],
        }
    }

    /// Decodes the records of `range` that are events, in order, and passes over the others.
    /// Each becomes one event at the end of `events` or one rejection at the end of `rejections`.
    pub fn decode(
        &mut self,
        records: &Records,
        range: Range<usize>,
        events: &mut EventBatch,
        rejections: &mut Vec<Rejection>,
    ) {
        for index in range {
            let head = records.head(index);
            if head.kind != RecordKind::Event {
                continue;
            }
            let payload = records.payload(index);
            let decoded = if payload.len() > self.record_bytes {
                Err(Trouble::from(RejectReason::TooLong {
                    bytes: payload.len(),
                    limit: self.record_bytes,
                }))
            } else {
                match &mut self.format {
                    FormatDecoder::Csv(csv) => csv.decode(payload, head.offset, events),
                    FormatDecoder::Json(json) => json.decode(payload, head.offset, events),
                }
            };
            match decoded {
                Ok(()) => events.stamp_last(head.arrived),
                Err(Trouble { byte, reason }) => rejections.push(Rejection {
                    offset: head.offset,
                    index,
                    byte: byte.and_then(|byte| u32::try_from(byte).ok()),
                    reason,
                }),
            }
        }
    }
}

/// Names that say that a field holds the time, in order of preference.
pub(super) const TIME_NAMES: [&str; 12] = [
    "timestamp",
    "@timestamp",
    "time",
    "ts",
    "datetime",
    "date_time",
    "event_time",
    "eventtime",
    "_time",
    "time_stamp",
    "date",
    "t",
];

/// Cells of a column that hold text where numbers are expected, and were taken as missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddCells {
    /// The column.
    pub column: String,
    /// How many so far.
    pub count: u64,
    /// What the first one holds.
    pub first: String,
}

/// What the schema says of one value.
#[derive(Clone, Debug)]
pub(super) struct ValueRule {
    pub(super) name: Box<str>,
    value_type: ValueType,
    min: f64,
    max: f64,
    required: bool,
    pub(super) text_is_missing: bool,
}

impl ValueRule {
    /// The rules of the value columns, in order.
    pub(super) fn of(config: &InputConfig) -> Vec<Self> {
        config.value_columns().map(Self::of_column).collect()
    }

    fn of_column(column: &Column) -> Self {
        Self {
            name: column.name.as_str().into(),
            value_type: column.value_type.unwrap_or(ValueType::Number),
            min: column.min.unwrap_or(f64::NEG_INFINITY),
            max: column.max.unwrap_or(f64::INFINITY),
            required: column.required,
            text_is_missing: column.text_is_missing,
        }
    }

    /// Whether it forbids anything.
    pub(super) fn is_strict(&self) -> bool {
        self.required
            || self.value_type != ValueType::Number
            || self.min > f64::NEG_INFINITY
            || self.max < f64::INFINITY
    }

    /// Whether `value`, NaN if missing, is allowed.
    #[inline]
    pub(super) fn check(&self, value: f64) -> Result<(), RejectReason> {
        if value.is_nan() {
            if self.required {
                return Err(RejectReason::Required {
                    name: self.name.to_string(),
                });
            }
            return Ok(());
        }
        let typed = match self.value_type {
            ValueType::Number => true,
            ValueType::Integer => value.trunc() == value,
            ValueType::Flag => value == 0.0 || value == 1.0,
        };
        if typed && self.min <= value && value <= self.max {
            return Ok(());
        }
        Err(RejectReason::OutsideSchema {
            name: self.name.to_string(),
            got: value,
            allowed: match self.value_type {
                ValueType::Integer if !typed => "a whole number".to_owned(),
                ValueType::Flag if !typed => "0 or 1".to_owned(),
                _ => format!("{} to {}", self.min, self.max),
            },
        })
    }
}

/// Whether the size of `value` is one to calculate with.
#[inline]
pub(super) fn check_size(name: &str, value: f64, limits: &Limits) -> Result<(), RejectReason> {
    // NaN, a missing value, passes.
    if value.abs() > limits.value_abs {
        return Err(RejectReason::TooLarge {
            name: name.to_owned(),
            got: format!("{value:e}"),
            limit: limits.value_abs,
        });
    }
    Ok(())
}

/// Whether a key is short enough.
#[inline]
pub(super) fn check_key(key: &str, limits: &Limits) -> Result<(), RejectReason> {
    if key.len() > limits.key_bytes {
        return Err(RejectReason::KeyTooLong {
            bytes: key.len(),
            limit: limits.key_bytes,
        });
    }
    Ok(())
}

/// A label in text; `None` where none is given.
#[inline]
pub(super) fn label(text: &str) -> Result<Option<bool>, RejectReason> {
    match text {
        "0" => Ok(Some(false)),
        "1" => Ok(Some(true)),
        _ if number::is_missing(text.as_bytes()) => Ok(None),
        _ if text.eq_ignore_ascii_case("false") || text == "0.0" => Ok(Some(false)),
        _ if text.eq_ignore_ascii_case("true") || text == "1.0" => Ok(Some(true)),
        _ => Err(RejectReason::Label { got: quoted(text) }),
    }
}

/// Hash of an event's id; of another family than those of keys.
pub(super) fn id_hash(seed: u64, id: &str) -> u64 {
    /// Any constant: an id and a key of the same text must not have the same hash.
    const FAMILY: u64 = 0x6964_5f68_6173_6821;
    key_hash(seed ^ FAMILY, id)
}

/// Writes the key of `{source, metric}` to `out`: `source/metric`, or the metric alone where there is no source.
pub(super) fn metric_key(out: &mut String, source: &str, metric: &str) {
    out.clear();
    if !source.is_empty() {
        out.push_str(source);
        out.push('/');
    }
    out.push_str(metric);
}

/// Name of the column with `role`, if one is configured.
pub(super) fn named_by_role(config: &InputConfig, role: Role) -> Option<&str> {
    config
        .columns
        .iter()
        .find(|column| column.role == role)
        .map(|column| column.name.as_str())
}
