//! Streaming anomaly detection without I/O: detectors, decisions and the statistics under them.
//!
//! Everything here takes values and returns values. There is no clock, no thread, no hidden randomness: the same rows
//! and the same seed give the same bits on every machine.
//!
//! ```
//! use willet_core::detectors::find;
//! use willet_core::rows::{Raw, Rows};
//!
//! let (kind, options) = find("zscore")?;
//! let mut detector = kind.build(&options, 1, 0)?;
//! let mut out = vec![Raw::WarmingUp; 101];
//! let mut values: Vec<f64> = (0..100).map(|i| f64::from(i % 7)).collect();
//! values.push(50.0);
//! detector.score_learn(Rows::new(&values, 1)?, &mut out)?;
//! assert!(out[100].score().unwrap() > 10.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where to look: [`detectors`] for the contract and the table of kinds, [`drift`] for changes of what is normal,
//! [`decision`] for what makes a score a verdict,
//! [`series`] for both together over one series, [`features`] for what stands before a detector, [`evaluation`] for how good it was.

pub mod error;
pub mod settings;

pub mod decision;
pub mod detectors;
pub mod drift;
pub mod features;
pub mod rows;
pub mod series;
pub mod windows;

pub mod evaluation;
pub mod random;
pub mod statistics;
