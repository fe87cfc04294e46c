//! Why a record did not become an event.

use super::timestamp::TimestampError;

/// Longest piece of a record that a message repeats, in characters.
const EXCERPT_CHARS: usize = 60;

/// A record that could not be understood. It is not an event; the caller dead-letters it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    /// Offset of the record in its partition.
    pub offset: u64,
    /// Index of the record in the [`Records`](crate::records::Records) it came in.
    pub index: usize,
    /// Byte in the record at which the trouble was seen, from 0, where one can be named.
    pub byte: Option<u32>,
    /// What came and what would be right.
    pub reason: RejectReason,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectReason {
    /// The record is longer than the limit.
    #[error("record has {bytes} bytes, at most {limit} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// `limits.record_bytes`.
        limit: usize,
    },
    /// The record is not text.
    #[error("record is not valid UTF-8")]
    NotUtf8,
    /// The record is not JSON.
    #[error("record is not valid JSON: {problem}")]
    NotJson {
        /// What the parser said.
        problem: String,
    },
    /// The record is JSON of another shape.
    #[error("record is {got}, expected one JSON object")]
    NotAnObject {
        /// What came.
        got: String,
    },
    /// JSON nests deeper than the limit.
    #[error("record nests deeper than {limit} levels")]
    TooDeep {
        /// `limits.depth`.
        limit: usize,
    },
    /// A name stands twice in an object.
    #[error("field `{name}` stands twice in the record")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// The quotes of a CSV row do not match.
    #[error("row is not one CSV record (check its quotes)")]
    NotOneRow,
    /// A CSV row has another number of fields.
    #[error("row has {got} fields, the header has {expected}")]
    FieldCount {
        /// Fields in the row.
        got: usize,
        /// Columns configured.
        expected: usize,
    },
    /// A value is not a number.
    #[error("value of `{name}` is {got}, expected a number")]
    NotANumber {
        /// The value's name.
        name: String,
        /// What came, text in quotes.
        got: String,
    },
    /// A value is infinite or too large to calculate with.
    #[error("value of `{name}` is {got}, expected a size of at most {limit:e}")]
    TooLarge {
        /// The value's name.
        name: String,
        /// What came.
        got: String,
        /// `limits.value_abs`.
        limit: f64,
    },
    /// A value lies outside what the schema allows.
    #[error("value of `{name}` is {got}, expected {allowed}")]
    OutsideSchema {
        /// The value's name.
        name: String,
        /// What came.
        got: f64,
        /// The range or type of the schema.
        allowed: String,
    },
    /// A value that the schema requires is missing.
    #[error("value of `{name}` is missing, the schema requires it")]
    Required {
        /// The value's name.
        name: String,
    },
    /// A field has the wrong type.
    #[error("field `{name}` is {got}, expected {expected}")]
    WrongType {
        /// The field's name.
        name: String,
        /// What came.
        got: String,
        /// What the field may be.
        expected: &'static str,
    },
    /// The event has nothing to judge.
    #[error(
        "event has no values (expected `values`, `features`, `metric` with `value`, or numeric fields)"
    )]
    NoValues,
    /// Two forms of values at once.
    #[error("event has both `values` and `features`, expected one of them")]
    TwoForms,
    /// More values than the limit.
    #[error("event has more than {limit} values")]
    TooManyValues {
        /// `limits.values`.
        limit: usize,
    },
    /// `features` has another length than the schema.
    #[error("`features` has {got} values, the schema has {expected}")]
    Width {
        /// Values that came.
        got: usize,
        /// Value columns configured.
        expected: usize,
    },
    /// The key is longer than the limit.
    #[error("key has {bytes} bytes, at most {limit} are allowed")]
    KeyTooLong {
        /// Its length.
        bytes: usize,
        /// `limits.key_bytes`.
        limit: usize,
    },
    /// The label is neither yes nor no.
    #[error("label is {got}, expected 0, 1, true or false")]
    Label {
        /// What came.
        got: String,
    },
    /// The event time was not understood.
    #[error(transparent)]
    Timestamp(#[from] TimestampError),
}

impl RejectReason {
    /// A short fixed name of the kind of trouble, for counting.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too_long",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson { .. } => "not_json",
            Self::NotAnObject { .. } => "not_an_object",
            Self::TooDeep { .. } => "too_deep",
            Self::Duplicate { .. } => "duplicate_field",
            Self::NotOneRow => "not_one_row",
            Self::FieldCount { .. } => "field_count",
            Self::NotANumber { .. } => "not_a_number",
            Self::TooLarge { .. } => "too_large",
            Self::OutsideSchema { .. } => "outside_schema",
            Self::Required { .. } => "required",
            Self::WrongType { .. } => "wrong_type",
            Self::NoValues => "no_values",
            Self::TwoForms => "two_forms",
            Self::TooManyValues { .. } => "too_many_values",
            Self::Width { .. } => "width",
            Self::KeyTooLong { .. } => "key_too_long",
            Self::Label { .. } => "label",
            Self::Timestamp(TimestampError::NotATime { .. }) => "timestamp",
            Self::Timestamp(TimestampError::Ambiguous { .. }) => "timestamp_ambiguous",
            Self::Timestamp(TimestampError::OutOfRange { .. }) => "timestamp_range",
        }
    }
}

/// The first characters of a text, for a message.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first characters of a text in quotes, for a message.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", excerpt(text))
}
