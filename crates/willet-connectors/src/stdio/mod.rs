//! Standard input as a source, also gzip; standard output as a sink.
//!
//! Lines are handed on as they come. Standard input cannot go back, so what follows a cursor cannot be read again.

mod sink;
mod source;

pub use sink::StdoutSink;
pub use source::StdinSource;

use crate::{Connector, Direction};

/// The table entry.
pub(crate) const CONNECTOR: Connector = Connector {
    name: "stdio",
    direction: Direction::Both,
    summary: "standard input, plain or gzip, and standard output",
};

#[cfg(test)]
mod tests;
