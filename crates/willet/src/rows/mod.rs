//! Verdicts as rows: CSV, NDJSON.

mod csv;
mod ndjson;

pub(crate) use csv::CsvRows;
pub(crate) use ndjson::NdjsonRows;
pub(crate) use willet_server::skipped;
