//! The paths, one file a resource.

pub(crate) mod alerts;
pub(crate) mod anomalies;
pub(crate) mod drift;
pub(crate) mod events;
pub(crate) mod feedback;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod params;
pub(crate) mod silences;
pub(crate) mod statistics;
pub(crate) mod streams;
