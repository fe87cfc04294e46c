//! What every detector can do, and what a kind brings for it.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::shingled::{self, Shingled};
use crate::error::{ConfigError, RestoreError, WidthError};
use crate::rows::{Band, Expected, Explanation, Raw, Rows, Swing};
use crate::settings::{SettingSpec, Settings, Value};

/// A detector: an algorithm plus all it has learned. Values in, values out; no clock, no randomness but its seed.
pub trait Detector: Send + Debug {
    /// Values a row must have.
    fn width(&self) -> usize;

    /// Scores each row, then learns it; `out` holds one place for each row.
    fn score_learn(&mut self, rows: Rows<'_>, out: &mut [Raw]) -> Result<(), WidthError>;

    /// Scores without learning.
    fn score(&self, rows: Rows<'_>, out: &mut [Raw]) -> Result<(), WidthError>;

    /// Learns without scoring.
    fn learn(&mut self, rows: Rows<'_>) -> Result<(), WidthError>;

    /// Takes note that rows went by that must not be learned: judged anomalous, or without a usable value. To a kind that reads rows
    /// as steps in time each is a step; to others nothing happened.
    fn pass(&mut self, rows: Rows<'_>) -> Result<(), WidthError>;

    /// Says which features made the score of a row, and what would have been expected.
    fn explain(&self, row: &[f64]) -> Result<Explanation, WidthError>;

    /// What is normal has changed: a kind that chooses among others chooses anew. To other kinds nothing happened, for they learn on.
    fn adapt(&mut self) {}

    /// Rows come `step` microseconds apart: with that a kind knows seasons in rows that were given as lengths of time. To other kinds
    /// nothing happened.
    fn keep_pace(&mut self, _step: i64) {}

    /// The clock that seasons follow was put back: the last `rows` come again, as in the night in which summer time ends.
    fn turn_back(&mut self, _rows: usize) {}

    /// What it takes for normal of each feature now; empty while it does not know, or where its kind never does.
    fn expected(&self) -> Vec<Expected>;

    /// Puts into `out` where each value of the next row belongs by its place in seasons; nothing where a kind knows of none.
    fn bands(&self, _out: &mut Vec<Band>) {}

    /// Puts into `out` how far each value went up and down by the time of the next row, where a value may come early or late in its
    /// season; nothing where a kind knows of none.
    fn swings(&self, _row: &[f64], _out: &mut Vec<Swing>) {}

    /// Puts into `out` a number for each value that changes whenever its bands are made of other seasons, above its lowest [`LONGER`]
    /// bits only with the shortest of them; nothing where a kind knows of none.
    fn epochs(&self, _out: &mut Epochs) {}

    /// What the last values of a feature were off their bands, as those are made now; nothing where they are not kept.
    fn off_before(&self, _feature: usize) -> Vec<f64> {
        Vec::new()
    }

    /// What it found out or chose for this series, in words; `None` where a kind has nothing to tell.
    fn about(&self) -> Option<String>;

    /// Bytes held, the detector itself included.
    fn memory_bytes(&self) -> usize;

    /// All it has learned, versioned, to be taken up by [`Kind::restore`].
    fn snapshot(&self) -> Snapshot;
}

/// Bits of an epoch that tell of seasons longer than the shortest.
pub const LONGER: u32 = 16;

/// What [`Detector::epochs`] fills; narrow rows need no memory from the heap.
pub type Epochs = smallvec::SmallVec<[u64; 8]>;

/// Learned state as bytes. The configuration and the seed are not part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Name of the kind.
    pub kind: &'static str,
    /// Version of the state type.
    pub version: u16,
    /// The state, in postcard.
    pub bytes: Vec<u8>,
}

/// What the author of a kind writes: one row at a time, finite values, right width. [`super::guarded`] does the rest.
pub(crate) trait Algorithm: Sized + Send + Debug + 'static {
    /// Name in configuration and output.
    const NAME: &'static str;
    /// Other names, each with settings that it stands for.
    const ALIASES: &'static [Alias];
    /// One line for lists.
    const SUMMARY: &'static str;
    /// Where it was published.
    const PAPER: &'static str;
    /// When to choose it, what it costs, an example: a page in Markdown.
    const PAGE: &'static str;
    /// Whether rows may hold NaN; where not, the last value of the feature stands in.
    const TAKES_MISSING: bool;
    /// Whether scores may stop rising far from the data (they never fall).
    const SATURATES: bool;
    /// Whether rows are steps in time at an even pace: their order matters, and what is left out is a step too.
    const IS_ORDERED: bool = false;
    /// Whether values are names: neither near nor far from each other. Then a score does not rise with a deviation, and
    /// the expected value has no band.
    const CATEGORICAL: bool = false;
    /// Version of `State`.
    const STATE_VERSION: u16;

    /// Its settings.
    type Config: Settings + Debug + Send;
    /// Its learned state as it is saved: a frozen type.
    type State: Serialize + DeserializeOwned;

    /// A detector that has learned nothing.
    fn new(config: &Self::Config, width: usize, seed: u64) -> Result<Self, ConfigError>;
    /// Scores a row.
    fn score_row(&self, row: &[f64]) -> Raw;
    /// Learns a row.
    fn learn_row(&mut self, row: &[f64]);
    /// Both; worth writing where one walk serves both.
    fn score_learn_row(&mut self, row: &[f64]) -> Raw {
        let raw = self.score_row(row);
        self.learn_row(row);
        raw
    }
    /// Scores rows; worth writing where many at once cost less than one after the other.
    fn score_rows(&self, rows: Rows<'_>, out: &mut [Raw]) {
        for (row, out) in rows.iter().zip(out) {
            *out = self.score_row(row);
        }
    }
    /// Scores each row, then learns it: what comes out is what rows one by one would give.
    fn score_learn_rows(&mut self, rows: Rows<'_>, out: &mut [Raw]) {
        for (row, out) in rows.iter().zip(out) {
            *out = self.score_learn_row(row);
        }
    }
    /// See [`Detector::pass`]; a value that is not usable comes as what is expected in its place.
    fn pass_row(&mut self, _row: &[f64]) {}
    /// See [`Detector::adapt`].
    fn adapt(&mut self) {}
    /// See [`Detector::keep_pace`].
    fn keep_pace(&mut self, _step: i64) {}
    /// See [`Detector::turn_back`].
    fn turn_back(&mut self, _rows: usize) {}
    /// See [`Detector::explain`].
    fn explain_row(&self, row: &[f64]) -> Explanation;
    /// See [`Detector::expected`].
    fn expected(&self) -> Vec<Expected> {
        Vec::new()
    }
    /// See [`Detector::bands`].
    fn bands(&self, _out: &mut Vec<Band>) {}
    /// See [`Detector::swings`].
    fn swings(&self, _row: &[f64], _out: &mut Vec<Swing>) {}
    /// See [`Detector::epochs`].
    fn epochs(&self, _out: &mut Epochs) {}
    /// See [`Detector::off_before`].
    fn off_before(&self, _feature: usize) -> Vec<f64> {
        Vec::new()
    }
    /// See [`Detector::about`].
    fn about(&self) -> Option<String> {
        None
    }
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
    /// Reads a state of a former version as one of this version, and says what is left of the bytes.
    fn read_former(version: u16, _bytes: &[u8]) -> Result<(Self::State, &[u8]), String> {
        Err(format!("version {version} was never written"))
    }
}

/// Another name of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Alias {
    /// The name.
    pub name: &'static str,
    /// Settings it stands for, as (name, text value).
    pub preset: &'static [(&'static str, &'static str)],
}

/// A line of the table of kinds.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts about a kind, each true or not whatever the others are"
)]
pub struct Kind {
    /// Name in configuration and output.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [Alias],
    /// One line for lists.
    pub summary: &'static str,
    /// Where it was published.
    pub paper: &'static str,
    /// When to choose it, what it costs, an example: a page in Markdown.
    pub page: &'static str,
    /// Its settings.
    pub settings: &'static [SettingSpec],
    /// Whether it takes NaN itself; where not, the last value of the feature stands in.
    pub takes_missing: bool,
    /// Whether scores may stop rising far from the data.
    pub saturates: bool,
    /// Whether rows are steps in time: their order matters, and what is left out is a step too.
    pub is_ordered: bool,
    /// Whether it takes values for names, neither near nor far from each other.
    pub categorical: bool,
    build: Build,
    restore: Restore,
}

type Build = fn(&Options, usize, u64) -> Result<Box<dyn Detector>, ConfigError>;
type Restore = fn(&Options, usize, u64, u16, &[u8]) -> Result<Box<dyn Detector>, RestoreError>;

/// Settings by name, in any order; a later one wins.
pub type Options = Vec<(String, Value)>;

/// Widest row a detector takes.
pub const MAX_WIDTH: usize = 1_024;

impl Kind {
    pub(crate) const fn of<A: Algorithm>() -> Self {
        Self {
            name: A::NAME,
            aliases: A::ALIASES,
            summary: A::SUMMARY,
            paper: A::PAPER,
            page: A::PAGE,
            settings: <A::Config as Settings>::SPECS,
            takes_missing: A::TAKES_MISSING,
            saturates: A::SATURATES,
            is_ordered: A::IS_ORDERED,
            categorical: A::CATEGORICAL,
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
    ) -> Result<Box<dyn Detector>, ConfigError> {
        if width == 0 || width > MAX_WIDTH {
            return Err(ConfigError::Value {
                name: "width".to_owned(),
                found: width.to_string(),
                expected: format!("1 to {MAX_WIDTH} values in a row"),
            });
        }
        let (options, size) = self.shingle(options, width)?;
        let inner = (self.build)(&options, width * size, seed)?;
        Ok(if size > 1 {
            Box::new(Shingled::new(inner, width))
        } else {
            inner
        })
    }

    /// The options without the shingle's size, which is 1 for a kind that makes its shingles itself.
    fn shingle(&self, options: &Options, width: usize) -> Result<(Options, usize), ConfigError> {
        let has_own = |spec: &SettingSpec| spec.name == shingled::SHINGLE_SIZE.name;
        if self.is_ordered || self.settings.iter().any(has_own) {
            return Ok((options.clone(), 1));
        }
        shingled::split(options, width)
    }

    /// Its settings with those that kinds share.
    pub fn all_settings(&self) -> impl Iterator<Item = &SettingSpec> {
        let has_own = |spec: &SettingSpec| spec.name == shingled::SHINGLE_SIZE.name;
        let is_shared = !self.is_ordered && !self.settings.iter().any(has_own);
        self.settings
            .iter()
            .chain(is_shared.then_some(&shingled::SHINGLE_SIZE))
    }

    /// Whether the length of its window is a setting and what it learns from: not where rows are steps in time or values are names,
    /// whose windows are about something else.
    pub fn has_window(&self) -> bool {
        let is_size = |spec: &SettingSpec| spec.name == "window_size";
        self.settings.iter().any(is_size) && !self.is_ordered && !self.categorical
    }

    /// Checks settings without making anything.
    pub fn check(&self, options: &Options) -> Result<(), ConfigError> {
        self.build(options, 1, 0).map(drop)
    }

    /// Takes up a state saved by [`Detector::snapshot`] under the same options, width and seed. A longer `window_size` than
    /// the saved one keeps what is in the window.
    pub fn restore(
        &self,
        options: &Options,
        width: usize,
        seed: u64,
        version: u16,
        bytes: &[u8],
    ) -> Result<Box<dyn Detector>, RestoreError> {
        let damaged = |error: &dyn ToString| RestoreError::damaged(self.name, error);
        let (options, size) = self
            .shingle(options, width)
            .map_err(|error| damaged(&error))?;
        let restore = |bytes: &[u8]| (self.restore)(&options, width * size, seed, version, bytes);
        if size == 1 {
            return restore(bytes);
        }
        let inner = |bytes: &[u8]| restore(bytes).map_err(|error| error.to_string());
        let shingled = Shingled::restore(bytes, width, size, inner);
        Ok(Box::new(shingled.map_err(|reason| damaged(&reason))?))
    }

    /// All names: the kind's own, then its aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().map(|alias| alias.name))
    }
}
