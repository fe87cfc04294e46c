//! Windows and buckets: rows of a stream put together by number or by event time.
#![doc = include_str!("guide.md")]

mod count;

mod config;
mod row_windows;
mod statistic;

mod aggregates;
mod by_time;
mod held_rows;
mod multiset;
mod sessions;
mod tree;

mod bucket_config;
mod buckets;

#[cfg(test)]
mod tests;

pub use bucket_config::{BucketConfig, BucketPlan, Every, MAX_SILENT, What};
pub use buckets::{Bucket, Buckets};
pub use config::{Aggregation, MAX_ROWS, Unit, WindowConfig, WindowPlan, WindowType};
pub use count::{CountWindow, Slide};
pub use row_windows::{RowWindows, Window};
pub use statistic::StatisticName;

use crate::detectors::LARGEST;
use crate::error::{RestoreError, WidthError};

/// Microseconds in a second.
const MICROS: i64 = 1_000_000;

/// Farthest a time may lie from 1970, in microseconds (some 73,000 years): sums of times and lengths stay whole numbers.
pub const LARGEST_TIME: i64 = 1 << 61;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Taken {
    /// It is in.
    InTime,
    /// It is older than the clock and is in; what was already closed and holds it now was reported again.
    Late,
    /// It is older than what is still kept for late rows, and is left out.
    TooLate,
    /// All that holds it began before the first row came, so that it would never be reported whole; it is left out.
    BeforeFirst,
    /// It is older than all rows held and there is no room for more; it is left out, and its windows say that rows are missing.
    NoRoom,
}

/// A row that cannot be taken; it changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// It has another width.
    #[error(transparent)]
    Width(#[from] WidthError),
    /// It has no time.
    #[error(
        "row has no time, windows and buckets by seconds need one (window_unit samples needs none)"
    )]
    NoTime,
    /// Its time is out of range.
    #[error(
        "row has time {found}, expected microseconds since 1970 from -{LARGEST_TIME} to {LARGEST_TIME}"
    )]
    Time {
        /// What came.
        found: i64,
    },
}

/// The time of a row where one is needed.
fn usable_time(time: Option<i64>) -> Result<i64, PushError> {
    let found = time.ok_or(PushError::NoTime)?;
    if is_usable_time(found) {
        return Ok(found);
    }
    Err(PushError::Time { found })
}

fn is_usable_time(time: i64) -> bool {
    (-LARGEST_TIME..=LARGEST_TIME).contains(&time)
}

fn check_width(expected: usize, row: &[f64]) -> Result<(), WidthError> {
    if row.len() == expected {
        return Ok(());
    }
    Err(WidthError {
        expected,
        found: row.len(),
    })
}

/// The value, or NaN where it is infinite or beyond [`LARGEST`]: its square must be finite. Zero has one sign, so that the least
/// of several zeros is the same on every machine.
fn usable(value: f64) -> f64 {
    if value.abs() <= LARGEST {
        value + 0.0
    } else {
        f64::NAN
    }
}

/// Whether a saved value is one that [`usable`] hands out.
fn is_usable(value: f64) -> bool {
    value.is_nan() || (value.abs() <= LARGEST && !(value == 0.0 && value.is_sign_negative()))
}

/// Reads a saved state of version 1, the only one there is.
fn read_state<S: serde::de::DeserializeOwned>(
    kind: &str,
    version: u16,
    bytes: &[u8],
) -> Result<S, RestoreError> {
    if version > STATE_VERSION {
        return Err(RestoreError::Version {
            kind: kind.to_owned(),
            found: version,
            newest: STATE_VERSION,
        });
    }
    if version < STATE_VERSION {
        let reason = format!("version {version} was never written");
        return Err(RestoreError::damaged(kind, &reason));
    }
    let read = postcard::take_from_bytes::<S>(bytes);
    let (state, rest) = read.map_err(|error| RestoreError::damaged(kind, &error))?;
    if !rest.is_empty() {
        return Err(RestoreError::damaged(kind, &"bytes are left over"));
    }
    Ok(state)
}

/// Version of the saved states of windows and buckets.
const STATE_VERSION: u16 = 1;
