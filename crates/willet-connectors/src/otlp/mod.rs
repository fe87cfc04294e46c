//! Traces by OTLP over HTTP: three spans an event, for anomalies and for a share of the others.
//!
//! `process_sample` is the event's share of its batch, in it `anomaly_detection`, and in that `concept_drift_handling`. What the
//! collector does not take in time is left out: nothing waits for it. The standard `OTEL_EXPORTER_OTLP_*` variables are
//! understood where the configuration is silent.

mod config;
mod traces;

pub use config::{TraceConfig, TraceConfigError};
pub use traces::{TraceError, Traces};

use crate::{Connector, Direction};

pub(crate) const CONNECTOR: Connector = Connector {
    name: "otlp",
    direction: Direction::Output,
    summary: "traces of anomalies and of a share of all events, to an OpenTelemetry collector",
    source: None,
};
