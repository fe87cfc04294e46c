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

pub use framing::{FrameProblem, Framing, Rejected};
pub use places::{Place, Places};
pub use reversed::Reversed;
pub use sink::{Sink, SinkError};
pub use source::{Cursor, Progress, Pull, Source, SourceError};

/// A system that Willet reads from or writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connector {
    /// Its name in the configuration.
    pub name: &'static str,
    /// Which way data can go.
    pub direction: Direction,
    /// What it is, in a line.
    pub summary: &'static str,
}

/// Which way data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Only in.
    Input,
    /// Only out.
    Output,
    /// Either.
    Both,
}

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
mod tests {
    use super::*;

    #[test]
    fn connectors_have_names_of_their_own() {
        for (index, connector) in CONNECTORS.iter().enumerate() {
            assert!(!connector.summary.is_empty());
            assert!(
                CONNECTORS[..index]
                    .iter()
                    .all(|other| other.name != connector.name)
            );
        }
    }
}
