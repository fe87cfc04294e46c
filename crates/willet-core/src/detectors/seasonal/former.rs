//! The state of version 2; frozen.

use serde::{Deserialize, Serialize};

use super::super::seasons::{SeasonV2, SeasonsV2};
use super::deviations::Deviations;
use super::{Rest, Shape, State};
use crate::decision::Scale;

#[derive(Serialize, Deserialize)]
pub(super) struct StateV2 {
    seasons: Vec<SeasonV2>,
    long_seasons: SeasonsV2,
    rest: RestV2,
}

#[derive(Serialize, Deserialize)]
struct RestV2 {
    features: Vec<Deviations>,
    shape: Option<Shape>,
    events: EventsV2,
}

/// How depths became one score in which an event counted once.
#[derive(Serialize, Deserialize)]
pub(in super::super) struct EventsV2 {
    fast: Scale,
    slow: Scale,
    lately: f64,
    quiet: u32,
    shown: f64,
    past: (u64, Vec<(f32, u64)>),
}

impl From<StateV2> for State {
    fn from(state: StateV2) -> Self {
        Self {
            seasons: state.long_seasons.with(state.seasons),
            rest: Rest {
                features: state.rest.features,
                shape: state.rest.shape,
                lately: state.rest.events.lately,
            },
        }
    }
}
