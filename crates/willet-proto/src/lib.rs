//! Every shape that stands in JSON at a door, a file a resource: read and written by the same type, described for OpenAPI where it is
//! declared. Nothing else: what a service does with them is not known here.
//!
//! Fields that do not apply are left out, never `null`, unless their type says so.

mod alert;
mod drift;
mod event;
mod health;
mod history;
mod key;
mod named;
mod page;
mod problem;
mod silence;
mod socket;
mod statistics;
mod stream;
mod verdict;

pub use alert::{
    Alert, AlertState, AlertTaken, ExternalAlert, Notification, NotificationType, Receipt,
    ReceiptStatus, Signed,
};
pub use drift::Drift;
pub use event::{Detected, Event, EventError, EventFailed, EventResult, Events, EventsTaken};
pub use health::{Alive, Check, CheckStatus, Health, HealthStatus, Ready};
pub use history::{Activity, FeatureColumns, History, SourceActivity};
pub use key::{
    Feature, Feedback, Key, KeyDetail, Retrain, RetrainAction, RetrainReason, RetrainState,
};
pub use named::Named;
pub use page::{Anomalies, Page};
pub use problem::{Code, Problem};
pub use silence::{NewSilence, Silence};
pub use socket::{Ask, Position, Say};
pub use statistics::{Latency, Statistics};
pub use stream::{ManagedBy, Stream, StreamConfig, StreamState, StreamStatus};
pub use verdict::{Severity, UnknownSeverity, Verdict, Window};

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero<N: Default + PartialEq>(value: &N) -> bool {
    *value == N::default()
}
