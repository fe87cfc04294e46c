//! Streams that look like machines, with trouble whose place is known.
//!
//! Each key has its own level, scale and phases; the trouble that starts in it is labelled from its first event to its
//! last. The same configuration gives the same bytes on every machine.

mod config;
mod live;
mod noise;
mod series;
mod source;
mod write;

pub use config::{NoiseKind, RowFormat, Season, Shape, SyntheticConfig, Trouble, TroubleKind};
pub use live::LiveSource;
pub use source::{Generator, SyntheticSource};

use crate::{Connector, Direction};

/// The table entry.
pub(crate) const CONNECTOR: Connector = Connector {
    name: "synthetic",
    direction: Direction::Input,
    summary: "generated streams with seasons, noise and labelled trouble, the same for the same seed",
};

#[cfg(test)]
mod tests;
