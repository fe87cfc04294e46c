//! The state of version 1, which chose one kind among others; frozen.

use serde::{Deserialize, Serialize};

use super::super::seasonal::EventsV2;
use super::State;
use crate::decision::Scale;
use crate::statistics::ExponentialMoments;

#[derive(Serialize, Deserialize)]
pub(super) struct StateV1 {
    look: Vec<(ExponentialMoments, f64, Option<f64>)>,
    rows: u64,
    kept: Vec<f64>,
    serving: ServingV1,
    coming: Option<ServingV1>,
}

#[derive(Serialize, Deserialize)]
struct ServingV1 {
    choice: ChoiceV1,
    version: u16,
    bytes: Vec<u8>,
    judge: JudgeV1,
    likeness: f64,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum ChoiceV1 {
    Simple,
    Seasonal,
    Course,
    Crowd,
}

#[derive(Serialize, Deserialize)]
enum JudgeV1 {
    Depth,
    Rows(Scale),
    Events(EventsV2),
}

impl From<StateV1> for State {
    fn from(state: StateV1) -> Self {
        if state.serving.choice == ChoiceV1::Seasonal {
            State::One(state.serving.version, state.serving.bytes)
        } else {
            // What it chose saw less than what looks now; it learns anew.
            State::Anew
        }
    }
}
