use serde::{Deserialize, Serialize};

use super::super::contract::{Detector, Kind, Options};
use super::super::glance::Glance;
use super::super::{MAX_WIDTH, find, shingled};
use super::FITS;
use crate::decision::Scale;
use crate::error::ConfigError;
use crate::random::mix;
use crate::rows::{Raw, Rows};
use crate::settings::Value;

/// A kind at work, its scores brought to the scale of how rare they are.
#[derive(Debug)]
pub(super) struct View {
    which: Which,
    pub(super) detector: Box<dyn Detector>,
    /// `None` where scores are on that scale already.
    scale: Option<Scale>,
    /// Its score of the last row.
    seen: Glance<Raw>,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Which {
    /// Values that do not go together, in the last rows side by side.
    Course,
    /// Rows that stand alone.
    Crowd,
    /// Values of one row that do not go together: among many rows side by side a relation of one row is lost.
    Relation,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ViewState {
    pub(super) which: Which,
    version: u16,
    bytes: Vec<u8>,
    scale: Option<Scale>,
}

/// Values that a shingle of the course holds at most: its cost grows with the square.
const COURSE_VALUES: usize = 100;
/// Rows in a shingle of the course.
const COURSE_ROWS: usize = 10;

impl Which {
    pub(super) const ALL: [Self; 3] = [Self::Course, Self::Crowd, Self::Relation];

    /// The kind and its settings for rows of a width.
    fn kind(self, width: usize) -> (&'static Kind, Options) {
        let (name, settings) = match self {
            Self::Course => {
                let rows = (COURSE_VALUES / width).clamp(2, COURSE_ROWS);
                let rows = rows.min(MAX_WIDTH / width);
                ("mahalanobis", vec![shingled::option(rows)])
            }
            Self::Relation => ("mahalanobis", Vec::new()),
            Self::Crowd => ("ensemble", crowd()),
        };
        let (kind, mut options) = find(name).expect("a kind of the table");
        options.extend(settings);
        (kind, options)
    }

    /// What the ensemble makes of its members' depths is near one.
    fn scale(self) -> Option<Scale> {
        (self != Self::Crowd).then(Scale::default)
    }
}

/// Settings of the ensemble for rows that stand alone: what is far from its neighbours, what is easily cut off, what is far in one
/// feature. Each misses what another sees.
fn crowd() -> Options {
    let number = |name: &str, value: f64| (name.to_owned(), Value::Number(value));
    let member = |name: &str, settings: Vec<(String, Value)>| {
        (name.to_owned(), Value::Map(settings.into_iter().collect()))
    };
    let members = [
        member(
            "iforest",
            vec![
                number("n_estimators", 50.0),
                number("window_size", 3_000.0),
                number("update_frequency", 1_000.0),
            ],
        ),
        member("knn", vec![number("n_neighbors", 20.0)]),
        member("robust_zscore", Vec::new()),
    ];
    vec![
        (
            "members".to_owned(),
            Value::Map(members.into_iter().collect()),
        ),
        (
            "combine".to_owned(),
            Value::Text("average_of_maxima".to_owned()),
        ),
    ]
}

impl View {
    pub(super) fn new(which: Which, width: usize, seed: u64) -> Result<Self, ConfigError> {
        let (kind, options) = which.kind(width);
        Ok(Self {
            which,
            detector: kind.build(&options, width, mix(seed ^ which as u64))?,
            scale: which.scale(),
            seen: Glance::default(),
        })
    }

    pub(super) fn depth(&self, row: &[f64]) -> Option<f64> {
        let mut out = [Raw::WarmingUp];
        self.detector.score(Rows::one(row), &mut out).expect(FITS);
        self.seen.put(row, out[0]);
        let score = out[0].score()?;
        match &self.scale {
            Some(scale) => scale.depth(score),
            None => Some(score),
        }
    }

    /// Learns a row; returns its depth before.
    pub(super) fn score_learn(&mut self, row: &[f64]) -> Option<f64> {
        let mut out = [Raw::WarmingUp];
        let rows = Rows::one(row);
        if let Some(seen) = self.seen.take(row) {
            out[0] = seen;
            self.detector.learn(rows).expect(FITS);
        } else {
            self.detector.score_learn(rows, &mut out).expect(FITS);
        }
        let score = out[0].score()?;
        let Some(scale) = &mut self.scale else {
            return Some(score);
        };
        let depth = scale.depth(score);
        scale.learn(score, depth);
        depth
    }

    /// How much the view counts where neighbouring rows are so alike: a course says nothing of rows without order, and where they have
    /// one a crowd says less.
    pub(super) fn weight(&self, likeness: f64) -> f64 {
        let order = ((likeness - 0.3) / 0.4).clamp(0.0, 1.0);
        match self.which {
            Which::Course => 0.3 + 0.7 * order,
            // Only where it is surely broken.
            Which::Relation => 0.0,
            Which::Crowd => 1.0 - 0.4 * order,
        }
    }

    pub(super) fn pass(&mut self, row: &[f64]) {
        self.seen.clear();
        self.detector.pass(Rows::one(row)).expect(FITS);
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.detector.memory_bytes() + self.scale.as_ref().map_or(0, Scale::heap_bytes)
    }

    pub(super) fn save(&self) -> ViewState {
        let snapshot = self.detector.snapshot();
        ViewState {
            which: self.which,
            version: snapshot.version,
            bytes: snapshot.bytes,
            scale: self.scale.clone(),
        }
    }

    pub(super) fn restore(state: ViewState, width: usize, seed: u64) -> Result<Self, String> {
        let (kind, options) = state.which.kind(width);
        let seed = mix(seed ^ state.which as u64);
        let detector = kind.restore(&options, width, seed, state.version, &state.bytes);
        let is_sound = state.scale.is_some() == state.which.scale().is_some()
            && state.scale.as_ref().is_none_or(Scale::is_sound);
        if !is_sound {
            return Err("a scale of it does not belong together".to_owned());
        }
        Ok(Self {
            which: state.which,
            detector: detector.map_err(|error| error.to_string())?,
            scale: state.scale,
            seen: Glance::default(),
        })
    }
}
