//! Verdicts as rows: CSV, NDJSON.

mod csv;
mod ndjson;

pub(crate) use csv::CsvRows;
pub(crate) use ndjson::NdjsonRows;

use willet_engine::verdict::{Outcome, Verdict};

/// Why a row has no score; empty where it has one.
pub(crate) fn skipped(verdict: &Verdict) -> Option<String> {
    match verdict.outcome {
        Outcome::Scored(_) | Outcome::WarmingUp => None,
        Outcome::Missing => Some("missing".to_owned()),
        Outcome::Duplicate => Some("duplicate".to_owned()),
        Outcome::Poisoned => Some("poisoned".to_owned()),
        Outcome::AlreadyLearned => Some("learned before".to_owned()),
        Outcome::Rejected(misfit) => Some(misfit.to_string()),
    }
}
