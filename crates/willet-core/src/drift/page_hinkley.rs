use serde::{Deserialize, Serialize};

use super::contract::{Level, Reading};
use super::per_feature::Univariate;
use crate::error::ConfigError;
use crate::settings::Choice;

crate::settings! {
    /// Settings of [`PageHinkley`].
    pub(super) struct PageHinkleyConfig {
        /// Values before the first alarm.
        min_instances: usize = 30, 1..=1_000_000;
        /// A change of the mean smaller than this is allowed; in the unit of the values.
        delta: f64 = 0.005, 0.0..=1e100;
        /// How far the sum of deviations may rise above its lowest point; in the unit of the values.
        threshold: f64 = 50.0, 0.0..=1e100;
        /// What is left of the sums after each value.
        alpha: f64 = 0.9999, 0.0..=1.0;
        /// Which changes count: up, down or both.
        mode: Mode = Mode::Both, ();
    }
}

/// Which changes of the mean count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Up,
    Down,
    Both,
}

impl Choice for Mode {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("both", Self::Both), ("up", Self::Up), ("down", Self::Down)];
}

/// Sums deviations from the running mean and alarms where the sum has left its extreme by more than a threshold. The threshold is in the
/// unit of the values: it wants to be set. The arithmetic is River's.
///
/// # References
/// Page, "Continuous Inspection Schemes", Biometrika 1954; Hinkley, "Inference about the change-point from cumulative sum tests",
/// Biometrika 1971.
#[derive(Debug)]
pub(super) struct PageHinkley {
    config: PageHinkleyConfig,
    sums: Sums,
}

/// Saved as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sums {
    values: u64,
    mean: f64,
    rising: f64,
    falling: f64,
    lowest: f64,
    highest: f64,
    /// Number of the value at which the lowest and the highest were.
    since: [u64; 2],
}

impl Sums {
    fn new() -> Self {
        Self {
            values: 0,
            mean: 0.0,
            rising: 0.0,
            falling: 0.0,
            lowest: f64::INFINITY,
            // Not 0 or -∞: River begins here, and its alarms are ours.
            highest: -1.0,
            since: [0; 2],
        }
    }
}

impl Univariate for PageHinkley {
    const NAME: &'static str = "page_hinkley";
    const ALIASES: &'static [&'static str] = &["ph"];
    const SUMMARY: &'static str =
        "sum of deviations from the mean against a threshold; cheapest, in the unit of the values";
    const PAPER: &'static str = "Page, Biometrika 1954";
    type Config = PageHinkleyConfig;
    type State = Sums;

    fn new(
        config: &PageHinkleyConfig,
        _width: usize,
        _: usize,
        _: u64,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            config: config.clone(),
            sums: Sums::new(),
        })
    }

    fn push(&mut self, x: f64) -> Reading {
        let (config, sums) = (&self.config, &mut self.sums);
        sums.values += 1;
        sums.mean += 1.0 / sums.values as f64 * (x - sums.mean);
        let apart = x - sums.mean;
        sums.rising = config.alpha * sums.rising + apart - config.delta;
        sums.falling = config.alpha * sums.falling + apart + config.delta;
        if sums.rising < sums.lowest {
            sums.lowest = sums.rising;
            sums.since[0] = sums.values;
        }
        if sums.falling > sums.highest {
            sums.highest = sums.falling;
            sums.since[1] = sums.values;
        }
        if sums.values < config.min_instances as u64 {
            return Reading::NONE;
        }
        let up = sums.rising - sums.lowest;
        let down = sums.highest - sums.falling;
        let (statistic, since) = match config.mode {
            Mode::Up => (up, sums.since[0]),
            Mode::Both if up >= down => (up, sums.since[0]),
            Mode::Down | Mode::Both => (down, sums.since[1]),
        };
        if statistic <= config.threshold {
            return Reading::quiet(statistic, 0.0);
        }
        // The mean rise since the change beside itself and the one that is allowed: no unit is left.
        let age = sums.values - since;
        let rise = statistic / age.max(1) as f64;
        let reading = Reading {
            level: Level::Drift,
            statistic,
            p_value: None,
            magnitude: rise / (rise + config.delta + sums.mean.abs()).max(1e-300),
            age: Some(age),
        };
        self.sums = Sums::new();
        reading
    }

    fn save(&self) -> Sums {
        self.sums.clone()
    }

    fn load(&mut self, state: Sums) -> Result<(), &'static str> {
        let sums = [state.mean, state.rising, state.falling, state.highest];
        let lowest = state.lowest.is_finite() || state.values == 0;
        if !sums.iter().all(|x| x.is_finite())
            || !lowest
            || state.lowest.is_nan()
            || state.values == u64::MAX
            || state.since.iter().any(|since| *since > state.values)
        {
            return Err("its sums are not finite");
        }
        self.sums = state;
        Ok(())
    }
}
