use serde::{Deserialize, Serialize};

/// Times at which a stream decides otherwise, as they stand in configuration. An event's own time says whether a rule holds;
/// of several that hold the first counts.
///
/// It is data: who has a database of time zones (the engine) looks when it holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarRule {
    /// Name in the IANA time-zone database, such as `Europe/Berlin`.
    pub time_zone: String,
    /// Days of the week on which it holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// Dates on which it holds too: `2026-12-25`, or each year `12-25`. Where neither days nor dates are given: every day.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dates: Vec<String>,
    /// Hours of these days, such as `08:00-17:30`; past midnight, as `22:00-06:00`, they belong to the day on which they
    /// begin. The whole day where empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<String>,
    /// Nothing is an anomaly then.
    pub mute: bool,
    /// Whether rows are learned then.
    pub learn: bool,
    /// Another `contamination` then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contamination: Option<f64>,
    /// Another `threshold` then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Another `rate` then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
}

impl Default for CalendarRule {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            days: Vec::new(),
            dates: Vec::new(),
            hours: Vec::new(),
            mute: false,
            learn: true,
            contamination: None,
            threshold: None,
            rate: None,
        }
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "they are days")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}
