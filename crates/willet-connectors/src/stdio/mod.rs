//! Standard input as a source, also gzip.
//!
//! Lines are handed on as they come. Standard input cannot go back, so what follows a cursor cannot be read again.

mod source;

pub use source::StdinSource;

use crate::{Connector, Direction};

/// The table entry.
pub(crate) const CONNECTOR: Connector = Connector {
    name: "stdio",
    direction: Direction::Input,
    summary: "standard input, plain or gzip",
    source: None,
};

#[cfg(test)]
mod tests;
