//! Files: read once with progress, plain or gzip, or followed as they grow; written whole or appended to.
//!
//! - Read once: every line is handed out, the last one also without a line end. Of a damaged gzip file the whole lines
//!   before the damage are handed out, then the error.
//! - Followed: through rotation by rename and create, and through truncation, no line is lost or handed out twice, as
//!   long as there is at most one rotation between two reads. A line without its end waits until the end comes or the
//!   file is left. What is cut away before it was read is lost, as with any reader.
//! - Replaced: the file appears under its name only when it is whole.

mod config;
mod follow;
mod identity;
mod sink;
mod source;

pub use config::{FileConfig, FileSinkConfig, WriteMode};
pub use sink::FileSink;
pub use source::FileSource;

use crate::{Access, Connector, Direction, Framing, SourceKind, schema_of, settings};

/// The table entry.
pub(crate) const CONNECTOR: Connector = Connector {
    name: "file",
    direction: Direction::Both,
    summary: "CSV or NDJSON files, plain or gzip, read once or followed as they grow",
    source: Some(SourceKind {
        access: Access::Operator,
        format: None,
        replays: true,
        schema: schema_of::<FileConfig>,
        check: |given| settings::<FileConfig>(given).map(|_| ()),
        open: |given, _clock| {
            let source = FileSource::open(&settings(given)?, Framing::lines())?;
            Ok(Box::new(source))
        },
    }),
};

#[cfg(test)]
mod tests;
