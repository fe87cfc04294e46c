//! Conformance: what every kind of the table must do, and the bits of its scores.

mod conformance;
mod drift_conformance;
mod golden;
mod golden_drift;
mod golden_forest;
mod golden_sets;
mod metamorphic;
mod saved_states;
mod score_hashes;
mod streams;
