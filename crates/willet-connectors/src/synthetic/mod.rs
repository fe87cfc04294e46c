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
pub use live::{LiveConfig, LiveSource};
pub use source::{Generator, SyntheticSource};

use willet_engine::codec::Format;

use crate::{Access, Connector, Direction, SourceKind, schema_of};

/// The table entry.
pub(crate) const CONNECTOR: Connector = Connector {
    name: "synthetic",
    direction: Direction::Input,
    summary: "generated streams with seasons, noise and labelled trouble, the same for the same seed",
    source: Some(SourceKind {
        access: Access::Anyone,
        format: Some(Format::Json),
        replays: false,
        schema: schema_of::<LiveConfig>,
        check: |given| LiveConfig::read(given)?.validate(),
        open: |given, clock| {
            let source = LiveSource::new(&LiveConfig::read(given)?, clock)?;
            Ok(Box::new(source))
        },
    }),
};

#[cfg(test)]
mod tests;
