use serde::{Deserialize, Serialize};

use super::super::seasons::{Seasonality, Seasons};
use super::FITS;
use super::alone::Alone;
use super::view::{View, ViewState, Which};
use crate::error::ConfigError;
use crate::rows::{Expected, Explanation, Raw};

/// Views of rows of several values.
#[derive(Debug)]
pub(super) struct Several {
    seasonality: Seasonality,
    seasons: Seasons,
    /// Each value by itself, with a long memory.
    alone: Alone,
    /// The values together.
    together: Vec<View>,
}

#[derive(Serialize, Deserialize)]
pub(in super::super) struct SeveralState {
    seasons: Seasons,
    alone: Alone,
    together: Vec<ViewState>,
}

/// Exponent with which the views' depths are joined: the deepest counts nearly alone.
const JOINED: i32 = 4;
/// Weight of each value by itself beside all together.
const ALONE: f64 = 0.6;
/// From this depth on a view counts whole.
const SURE: f64 = 5.0;

impl Several {
    pub(super) fn new(
        width: usize,
        seed: u64,
        seasonality: &Seasonality,
    ) -> Result<Self, ConfigError> {
        let views = Which::ALL.map(|which| View::new(which, width, seed));
        Ok(Self {
            seasonality: seasonality.clone(),
            seasons: Seasons::new(width, seasonality),
            alone: Alone::new(width),
            together: views.into_iter().collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn seasons(&self) -> &Seasons {
        &self.seasons
    }

    pub(super) fn score(&self, row: &[f64]) -> Raw {
        let likeness = self.alone.likeness();
        let together = self.together.iter();
        let together = together.map(|view| Some(weighted(view.weight(likeness), view.depth(row)?)));
        joined(self.alone.depth(row), together)
    }

    pub(super) fn score_learn(&mut self, row: &[f64]) -> Raw {
        let alone = self.alone.score_learn(row);
        let likeness = self.alone.likeness();
        let together = self.together.iter_mut().map(|view| {
            let weight = view.weight(likeness);
            Some(weighted(weight, view.score_learn(row)?))
        });
        let raw = joined(alone, together);
        _ = self.seasons.push(row, false);
        raw
    }

    pub(super) fn pass(&mut self, row: &[f64]) {
        let tamed = self.alone.tamed(row);
        self.together.iter_mut().for_each(|view| view.pass(&tamed));
        _ = self.seasons.push(row, true);
    }

    pub(super) fn keep_pace(&mut self, step: i64) {
        self.seasons.keep_pace(&self.seasonality, step);
    }

    pub(super) fn turn_back(&mut self, rows: usize) {
        self.seasons.turn_back(rows);
    }

    pub(super) fn explain(&self, row: &[f64]) -> Explanation {
        let mut deepest = (self.alone.depth(row).unwrap_or(0.0), None);
        for view in &self.together {
            let depth = view.depth(row).unwrap_or(0.0);
            if depth > deepest.0 {
                deepest = (depth, Some(view));
            }
        }
        let weights = match deepest.1 {
            Some(view) => view.detector.explain(row).expect(FITS).contributions,
            None => self.alone.squares(row).collect(),
        };
        Explanation::from_weights(weights, self.expected())
    }

    pub(super) fn expected(&self) -> Vec<Expected> {
        self.alone.expected()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let views = self.together.iter();
        self.seasons.heap_bytes()
            + self.alone.heap_bytes()
            + self.together.capacity() * size_of::<View>()
            + views.map(View::heap_bytes).sum::<usize>()
    }

    pub(super) fn save(&self) -> SeveralState {
        SeveralState {
            seasons: self.seasons.clone(),
            alone: self.alone.clone(),
            together: self.together.iter().map(View::save).collect(),
        }
    }

    pub(super) fn restore(
        state: SeveralState,
        width: usize,
        seed: u64,
        seasonality: &Seasonality,
    ) -> Result<Self, String> {
        let saved = state.together.iter().map(|view| view.which);
        let is_sound = state.seasons.is_sound(width)
            && state.alone.is_sound(width)
            && saved.eq(Which::ALL.into_iter().take(state.together.len()));
        if !is_sound {
            return Err("its parts do not belong together".to_owned());
        }
        // A view that was not there yet begins anew.
        let mut saved = state.together.into_iter();
        let views = Which::ALL.into_iter().map(|which| match saved.next() {
            Some(view) => View::restore(view, width, seed),
            None => View::new(which, width, seed).map_err(|error| error.to_string()),
        });
        Ok(Self {
            seasonality: seasonality.clone(),
            seasons: state.seasons,
            alone: state.alone,
            together: views.collect::<Result<_, _>>()?,
        })
    }
}

/// What a depth counts at a weight: what is rarer than one in a hundred thousand speaks for itself, whatever the view is usually worth.
fn weighted(weight: f64, depth: f64) -> f64 {
    weight * depth + (1.0 - weight) * (depth - SURE).max(0.0)
}

/// The depth of a row in all views; `WarmingUp` while the first has nothing to say.
fn joined(alone: Option<f64>, together: impl Iterator<Item = Option<f64>>) -> Raw {
    let power = |depth: f64| (0..JOINED).fold(1.0, |product, _| product * depth);
    let sum: f64 = together.flatten().map(power).sum();
    let depth = |alone| libm::pow(power(alone) + sum, 1.0 / f64::from(JOINED));
    alone.map_or(Raw::WarmingUp, |alone| Raw::Score(depth(ALONE * alone)))
}
