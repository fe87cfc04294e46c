//! Verdicts as rows: CSV, NDJSON.

mod csv;
mod ndjson;

pub(crate) use csv::CsvRows;
pub(crate) use ndjson::NdjsonRows;
use willet_engine::verdict::{Outcome, Taken, Verdict};
pub(crate) use willet_server::skipped;

/// Whether an event was put to others, so that there is nothing to say of itself.
pub(crate) fn is_gathered(verdict: &Verdict) -> bool {
    let taken = |taken| matches!(taken, Taken::InTime | Taken::Late | Taken::BeforeFirst);
    matches!(verdict.outcome, Outcome::Gathered(of) if taken(of))
}
