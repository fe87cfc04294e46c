use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the whole is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// All parts are well.
    Healthy,
    /// A part is not.
    Degraded,
}

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// Well.
    Ok,
    /// It works less well than it should.
    Degraded,
    /// It does not work.
    Failed,
}

/// Health, part by part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// How the whole is.
    pub status: HealthStatus,
    /// Version of Willet.
    pub version: String,
    /// Since the start.
    pub uptime_seconds: f64,
    /// The parts.
    pub checks: Vec<Check>,
}

/// Health of one part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// The part.
    pub name: String,
    /// How it is.
    pub status: CheckStatus,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
}

/// Whether events are taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// Whether they are.
    pub ready: bool,
}

/// Whether the process answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alive {
    /// Always true.
    pub alive: bool,
}
