//! Seeds that found something once; they are run first.

/// What was wrong, and the seed that showed it.
pub const KNOWN_SEEDS: &[(&str, u64)] = &[];
