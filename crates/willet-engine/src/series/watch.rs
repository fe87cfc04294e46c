use serde::{Deserialize, Serialize};
use willet_core::drift::{Drift, DriftDetector};

use crate::config::DriftPlan;
use crate::verdict::DriftFound;

/// The drift test of a series, and what it last saw.
#[derive(Debug)]
pub(super) struct Watch {
    /// Of the plan that it was made under.
    fingerprint: u64,
    test: Box<dyn DriftDetector>,
    magnitude: f64,
}

/// As it is saved.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WatchState {
    fingerprint: u64,
    width: u32,
    version: u16,
    test: Vec<u8>,
    magnitude: f64,
}

impl Watch {
    /// The watch that a plan asks for: the one that is there, or another one if it is of another plan or width.
    pub(super) fn follow(
        watch: &mut Option<Self>,
        plan: &DriftPlan,
        seed: impl Fn() -> u64,
        width: usize,
    ) {
        let fits =
            |watch: &Self| watch.fingerprint == plan.fingerprint() && watch.test.width() == width;
        match (plan.kind(), &watch) {
            (Some(_), Some(watch)) if fits(watch) => {}
            (Some(kind), _) => {
                // What no such test can look at is not watched: too wide, say.
                let test = kind.build(plan.options(), width, seed()).ok();
                *watch = test.map(|test| Self {
                    fingerprint: plan.fingerprint(),
                    test,
                    magnitude: 0.0,
                });
            }
            (None, _) => *watch = None,
        }
    }

    /// Takes in a row; gives what is to be told if it shows a drift.
    pub(super) fn see(
        &mut self,
        plan: &DriftPlan,
        event: u32,
        row: &[f64],
        names: &[Box<str>],
    ) -> Option<DriftFound> {
        let rows = self.test.rows();
        let drift = self.test.update(row).unwrap_or(Drift::NONE);
        if self.test.rows() > rows {
            self.magnitude = drift.magnitude;
        }
        if !drift.is_drift() {
            return None;
        }
        let name = |feature: usize| names.get(feature).cloned();
        let features = self.test.features().iter();
        Some(DriftFound {
            event,
            test: plan.kind()?.name,
            statistic: drift.statistic,
            p_value: drift.p_value,
            magnitude: drift.magnitude,
            rows_ago: drift
                .began
                .map(|began| self.test.rows().saturating_sub(began)),
            features: features
                .filter_map(|guilty| Some((name(guilty.feature)?, guilty.magnitude)))
                .collect(),
            action: plan.adaptation(),
        })
    }

    pub(super) fn magnitude(&self) -> f64 {
        self.magnitude
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.test.memory_bytes()
    }

    pub(super) fn save(&self) -> WatchState {
        let snapshot = self.test.snapshot();
        WatchState {
            fingerprint: self.fingerprint,
            width: self.test.width() as u32,
            version: snapshot.version,
            test: snapshot.bytes,
            magnitude: self.magnitude,
        }
    }

    /// A watch of another plan is not taken up: the next event makes one of its own.
    pub(super) fn restore(
        state: &WatchState,
        plan: &DriftPlan,
        seed: u64,
    ) -> Result<Option<Self>, String> {
        let Some(kind) = plan.kind() else {
            return Ok(None);
        };
        if state.fingerprint != plan.fingerprint() {
            return Ok(None);
        }
        let width = state.width as usize;
        let test = kind.restore(plan.options(), width, seed, state.version, &state.test);
        Ok(Some(Self {
            fingerprint: state.fingerprint,
            test: test.map_err(|error| error.to_string())?,
            magnitude: state.magnitude,
        }))
    }
}
