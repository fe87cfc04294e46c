//! What every drift detector can do, and what a kind brings for it.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::detectors::{MAX_WIDTH, Options, Snapshot};
use crate::error::{ConfigError, RestoreError, WidthError};
use crate::settings::{SettingSpec, Settings};

/// Watches rows for a lasting change of what they are drawn from. Values in, values out; no clock, no randomness but its seed.
pub trait DriftDetector: Send + Debug {
    /// Values a row must have.
    fn width(&self) -> usize;

    /// Takes in a row and says whether what is normal has changed. A row with NaN, an infinity or a value beyond
    /// [`LARGEST`](crate::detectors::LARGEST) changes nothing and answers [`Drift::NONE`].
    fn update(&mut self, row: &[f64]) -> Result<Drift, WidthError>;

    /// The features that made the last answer a warning or a drift, the most changed first; empty where it was neither.
    fn features(&self) -> &[FeatureDrift];

    /// Rows taken in since it was made, those ignored not counted: the scale of [`Drift::began`].
    fn rows(&self) -> u64;

    /// Forgets all it has seen, as if the next row were the first; [`DriftDetector::rows`] goes on counting.
    fn reset(&mut self);

    /// Bytes held, the detector itself included.
    fn memory_bytes(&self) -> usize;

    /// All it has learned, versioned, to be taken up by [`Kind::restore`].
    fn snapshot(&self) -> Snapshot;
}

/// How sure a drift detector is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// No sign of a change, or too little seen.
    #[default]
    None,
    /// A change may have begun.
    Warning,
    /// What is normal has changed. Said once; from here on the new normal is learned.
    Drift,
}

/// A drift detector's answer for one row.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Drift {
    /// Whether there is one.
    pub level: Level,
    /// The test statistic on the test's own scale; of several features that of the most changed one.
    pub statistic: f64,
    /// Chance of such a statistic without drift, corrected for the number of features; with a warning or a drift only, where the
    /// test knows it.
    pub p_value: Option<f64>,
    /// Size of the change in 0..=1, on the test's own scale (its page says which).
    pub magnitude: f64,
    /// Number of the row (counted from 0, as [`DriftDetector::rows`] counts) at which the change is believed to have begun; with a
    /// warning or a drift only, where the test knows it.
    pub began: Option<u64>,
}

impl Drift {
    /// No drift, nothing measured.
    pub const NONE: Self = Self {
        level: Level::None,
        statistic: 0.0,
        p_value: None,
        magnitude: 0.0,
        began: None,
    };

    /// Whether this row was the one that showed a drift.
    pub fn is_drift(&self) -> bool {
        self.level == Level::Drift
    }
}

/// A feature's part in a warning or a drift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeatureDrift {
    /// Its place in the row.
    pub feature: usize,
    /// Its own test statistic.
    pub statistic: f64,
    /// Its p-value, corrected for the number of features.
    pub p_value: Option<f64>,
    /// Size of its change in 0..=1.
    pub magnitude: f64,
}

/// What an algorithm says of a row: as [`Drift`], but it tells when the change began as rows ago.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) level: Level,
    pub(crate) statistic: f64,
    pub(crate) p_value: Option<f64>,
    pub(crate) magnitude: f64,
    /// Rows since the change began, this one counted.
    pub(crate) age: Option<u64>,
}

impl Reading {
    pub(crate) const NONE: Self = Self::quiet(0.0, 0.0);

    pub(crate) const fn quiet(statistic: f64, magnitude: f64) -> Self {
        Self {
            level: Level::None,
            statistic,
            p_value: None,
            magnitude,
            age: None,
        }
    }
}

/// What the author of a kind writes: usable values, right width. [`super::guarded`] does the rest.
pub(crate) trait Algorithm: Sized + Send + Debug + 'static {
    /// Name in configuration and output.
    const NAME: &'static str;
    /// Other names.
    const ALIASES: &'static [&'static str];
    /// One line for lists.
    const SUMMARY: &'static str;
    /// Where it was published.
    const PAPER: &'static str;
    /// What its values are.
    const INPUT: Input;
    /// Version of `State`.
    const STATE_VERSION: u16;

    /// Its settings.
    type Config: Settings + Debug + Send;
    /// Its learned state as it is saved: a frozen type.
    type State: Serialize + DeserializeOwned;

    /// A detector that has learned nothing.
    fn new(config: &Self::Config, width: usize, seed: u64) -> Result<Self, ConfigError>;
    /// Takes in a row; `guilty` is empty and gets the features of a warning or a drift, in any order.
    fn update_row(&mut self, row: &[f64], guilty: &mut Vec<FeatureDrift>) -> Reading;
    /// Forgets all it has seen.
    fn reset(&mut self);
    /// Bytes on the heap.
    fn heap_bytes(&self) -> usize;
    /// What it has learned.
    fn save(&self) -> Self::State;
    /// A detector of this configuration and seed with that state, or why they do not fit.
    fn restore(
        config: &Self::Config,
        width: usize,
        seed: u64,
        state: Self::State,
    ) -> Result<Self, String>;
}

/// What the values of a row are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Numbers of any scale, or a model's errors.
    Values,
    /// A model's errors: 0 right, 1 wrong; what is above 0.5 counts as wrong.
    Errors,
}

/// A line of the table of drift tests.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Name in configuration and output.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// One line for lists.
    pub summary: &'static str,
    /// Where it was published.
    pub paper: &'static str,
    /// What its values are.
    pub input: Input,
    /// Its settings.
    pub settings: &'static [SettingSpec],
    build: Build,
    restore: Restore,
}

type Build = fn(&Options, usize, u64) -> Result<Box<dyn DriftDetector>, ConfigError>;
type Restore = fn(&Options, usize, u64, u16, &[u8]) -> Result<Box<dyn DriftDetector>, RestoreError>;

impl Kind {
    pub(super) const fn of<A: Algorithm>() -> Self {
        Self {
            name: A::NAME,
            aliases: A::ALIASES,
            summary: A::SUMMARY,
            paper: A::PAPER,
            input: A::INPUT,
            settings: <A::Config as Settings>::SPECS,
            build: super::guarded::build::<A>,
            restore: super::guarded::restore::<A>,
        }
    }

    /// Makes a detector of this kind for rows of `width` values (1 to [`MAX_WIDTH`]).
    pub fn build(
        &self,
        options: &Options,
        width: usize,
        seed: u64,
    ) -> Result<Box<dyn DriftDetector>, ConfigError> {
        if width == 0 || width > MAX_WIDTH {
            return Err(ConfigError::Value {
                name: "width".to_owned(),
                found: width.to_string(),
                expected: format!("1 to {MAX_WIDTH} values in a row"),
            });
        }
        (self.build)(options, width, seed)
    }

    /// Checks settings without keeping anything.
    pub fn check(&self, options: &Options) -> Result<(), ConfigError> {
        self.build(options, 1, 0).map(drop)
    }

    /// Takes up a state saved by [`DriftDetector::snapshot`] under the same options, width and seed.
    pub fn restore(
        &self,
        options: &Options,
        width: usize,
        seed: u64,
        version: u16,
        bytes: &[u8],
    ) -> Result<Box<dyn DriftDetector>, RestoreError> {
        if width == 0 || width > MAX_WIDTH {
            return Err(RestoreError::damaged(self.name, &"it has no such width"));
        }
        (self.restore)(options, width, seed, version, bytes)
    }

    /// All names: the kind's own, then its aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}
