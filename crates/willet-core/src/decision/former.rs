//! Decisions as former versions saved them; frozen.

use serde::{Deserialize, Serialize};

use super::{Calibrator, Decision};

/// A decision as it was saved before it kept rates and counted depths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecisionV1 {
    calibrator: Calibrator,
    consecutive: u32,
    held: u32,
    raised: f64,
}

/// A decision as it was saved before it knew sizes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecisionV2 {
    calibrator: Calibrator,
    consecutive: u32,
    held: u32,
    budget: BudgetV2,
    tally: TallyV2,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct BudgetV2 {
    raised: f64,
    newest: Option<i64>,
    gap: f64,
    rows: u32,
    quiet: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct TallyV2 {
    rows: u16,
    above: [u16; 8],
}

impl From<DecisionV1> for Decision {
    fn from(state: DecisionV1) -> Self {
        Self {
            normal: state.calibrator,
            ..Self::default()
        }
    }
}

impl From<DecisionV2> for Decision {
    fn from(state: DecisionV2) -> Self {
        Self {
            normal: state.calibrator,
            ..Self::default()
        }
    }
}
