use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::named::Named;

/// What is normal of a series has changed. Fields that do not apply are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Drift<'a> {
    /// `stream/partition/offset` of the record that showed it.
    pub id: Cow<'a, str>,
    /// The stream.
    pub stream: Cow<'a, str>,
    /// The key; left out where the stream has only one, without a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source: Option<Cow<'a, str>>,
    /// Event time of the event that showed it, RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub timestamp: Option<Cow<'a, str>>,
    /// Name of the test.
    pub test: Cow<'a, str>,
    /// The test's own statistic.
    pub statistic: f64,
    /// Chance of such a statistic without drift, where the test knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub p_value: Option<f64>,
    /// Size of the change in 0..=1.
    pub magnitude: f64,
    /// Rows since the change is believed to have begun, where the test knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rows_ago: Option<u64>,
    /// Size of the change of each feature that changed, the most changed first.
    #[schema(value_type = BTreeMap<String, f64>)]
    pub features: Named<'a, f64>,
    /// What is done about it.
    pub action: Cow<'a, str>,
    /// Events of the series so far.
    pub sample_count: u64,
}
