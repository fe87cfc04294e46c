use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of a list, newest first where it is of what happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// Where the next begins; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

/// The newest verdicts that said yes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Anomalies<T> {
    /// Newest first.
    pub anomalies: Vec<T>,
    /// How many these are.
    pub count: u64,
}
