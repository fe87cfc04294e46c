//! Records to events: CSV and JSON lines into columns, with a reason for whatever cannot be understood.
//!
//! ```
//! use willet_engine::codec::{Decoder, InputConfig};
//! use willet_engine::event::EventBatch;
//! use willet_engine::records::{RecordKind, Records};
//!
//! let mut records = Records::new();
//! records.push(0, RecordKind::Event, 0, br#"{"source": "pump-7", "values": {"temperature": 71.2}}"#);
//! records.push(1, RecordKind::Event, 0, br#"{"source": "pump-7", "values": {"temperature": "hot"}}"#);
//!
//! let mut decoder = Decoder::new(&InputConfig::json(), 0)?;
//! let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
//! decoder.decode(&records, 0..records.len(), &mut events, &mut rejections);
//!
//! assert_eq!((events.key(0), events.values(0)), ("pump-7", &[71.2][..]));
//! assert_eq!(
//!     rejections[0].reason.to_string(),
//!     "value of `temperature` is \"hot\", expected a number"
//! );
//! # Ok::<(), willet_engine::codec::ConfigError>(())
//! ```
//!
//! Pure: the same records and configuration give the same events and rejections, however they are cut into batches.

mod config;
mod csv;
mod decoder;
mod header;
mod infer;
mod json;
mod layouts;
mod number;
mod reject;
pub mod timestamp;

pub use config::{Column, ConfigError, Format, InputConfig, Limits, MetricMode, Role, ValueType};
pub use decoder::{Decoder, OddCells};
pub use header::header_names;
pub use infer::{Header, InferError, InferOptions, Inferred, MAX_SAMPLE_RECORDS, infer};
pub use reject::{RejectReason, Rejection};
pub use timestamp::TimestampUnit;

#[cfg(test)]
mod tests;
