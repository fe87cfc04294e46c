//! Inputs and outputs of Willet, one folder a system.
//!
//! Sources are pulled: nothing here has a thread, a queue or a clock. A source hands out records in order, says where it
//! stands ([`Cursor`]) and can go back there; what cannot be a record is handed out beside them ([`Rejected`]).
//!
//! ```
//! use willet_connectors::{Framing, Pull, Source, stdio::StdinSource};
//! use willet_engine::records::Records;
//!
//! let input = std::io::Cursor::new("time,value\n1,2.5\n2,2.6\n");
//! let mut source = StdinSource::from_reader(input, Framing::csv(','));
//! let mut records = Records::new();
//! assert_eq!(source.read(&mut records, 1 << 20)?, Pull::Records);
//! assert_eq!(records.payload(1), b"2,2.6");
//! assert_eq!(source.places().of(&records, 1).map(|place| place.line), Some(3));
//! # Ok::<(), willet_connectors::SourceError>(())
//! ```

pub mod deadletter;
pub mod feed;
pub mod file;
pub mod otlp;
pub mod stdio;
pub mod synthetic;
pub mod webhook;

mod framing;
mod input;
mod lines;
mod places;
mod reversed;
mod sink;
mod source;
mod table;

pub use framing::{FrameProblem, Framing, Rejected};
pub use places::{Place, Places};
pub use reversed::Reversed;
pub use sink::{Sink, SinkError};
pub use source::{Cursor, Progress, Pull, Source, SourceError};
pub use table::{
    Access, Clock, Connector, Direction, LookError, Opened, SourceKind, SourceSpec, look,
};
pub(crate) use table::{schema_of, settings};

/// Every connector, in the order the documentation lists them.
pub const CONNECTORS: &[Connector] = &[
    file::CONNECTOR,
    stdio::CONNECTOR,
    synthetic::CONNECTOR,
    deadletter::CONNECTOR,
    webhook::CONNECTOR,
    otlp::CONNECTOR,
];

#[cfg(test)]
mod tests;
