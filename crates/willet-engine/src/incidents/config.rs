//! When anomalies become an alert.

use serde::{Deserialize, Serialize};

use super::Severity;

/// When anomalies become an alert, and who hears of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IncidentConfig {
    /// Anomalies of a series that are no further apart than this belong together, in seconds; 1 to 31 days.
    pub gap_seconds: u64,
    /// So many samples in a row must be anomalies before an alert opens; 1 to 1,000.
    pub consecutive: u32,
    /// For so long after its end an alert opens again instead of a new one, in seconds; 0 to 31 days.
    pub cool_down_seconds: u64,
    /// Alerts below this are kept and not sent.
    pub min_severity: Severity,
    /// Whether alerts about the past are sent.
    pub notify_from: NotifyFrom,
}

/// Which alerts are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotifyFrom {
    /// Those of a live stream: a history that is fed in wakes nobody.
    #[default]
    Live,
    /// All.
    Always,
}

impl Default for IncidentConfig {
    fn default() -> Self {
        Self {
            gap_seconds: 300,
            consecutive: 1,
            cool_down_seconds: 600,
            min_severity: Severity::Low,
            notify_from: NotifyFrom::Live,
        }
    }
}

/// A setting out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {found}, expected {least} to {most}")]
pub struct IncidentConfigError {
    /// The setting.
    pub name: &'static str,
    /// Its value.
    pub found: u64,
    /// Smallest that it may be.
    pub least: u64,
    /// Largest that it may be.
    pub most: u64,
}

/// Longer than that nothing is remembered.
const MAX_SECONDS: u64 = 31 * 86_400;
const MAX_CONSECUTIVE: u64 = 1_000;
const MICROS: i64 = 1_000_000;

impl IncidentConfig {
    /// Says what is out of range.
    pub fn check(&self) -> Result<(), IncidentConfigError> {
        let ranges = [
            ("gap_seconds", self.gap_seconds, 1, MAX_SECONDS),
            (
                "consecutive",
                u64::from(self.consecutive),
                1,
                MAX_CONSECUTIVE,
            ),
            ("cool_down_seconds", self.cool_down_seconds, 0, MAX_SECONDS),
        ];
        let wrong = ranges
            .into_iter()
            .find(|(_, found, least, most)| !(least..=most).contains(&found));
        match wrong {
            Some((name, found, least, most)) => Err(IncidentConfigError {
                name,
                found,
                least,
                most,
            }),
            None => Ok(()),
        }
    }

    /// In microseconds.
    pub(super) fn gap(&self) -> i64 {
        self.gap_seconds.min(MAX_SECONDS) as i64 * MICROS
    }

    /// In microseconds.
    pub(super) fn cool_down(&self) -> i64 {
        self.cool_down_seconds.min(MAX_SECONDS) as i64 * MICROS
    }
}
