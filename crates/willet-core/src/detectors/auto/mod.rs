//! The detector of who does not choose: looks at the series, picks a kind, says which and why.

mod look;

use serde::{Deserialize, Serialize};

use super::contract::{Algorithm, Alias, Detector, Kind, Options};
use super::events::{Events, Weighed};
use super::{find, shingled};
use crate::decision::Scale;
use crate::error::ConfigError;
use crate::random::mix;
use crate::rows::{Expected, Explanation, Raw, Rows};
use crate::settings::Value;
use look::Look;

crate::settings! {
    /// Settings of [`Auto`].
    pub(super) struct AutoConfig {
        /// Rows after which a kind is chosen first; until then something simple answers.
        look_after: usize = 128, 64..=10_000;
    }
}

#[doc = include_str!("../pages/auto.md")]
#[derive(Debug)]
pub(super) struct Auto {
    look_after: usize,
    width: usize,
    seed: u64,
    look: Look,
    rows: u64,
    /// The first rows, until the first choice.
    kept: Vec<f64>,
    serving: Serving,
    /// Trained until it is warm, then it serves.
    coming: Option<Serving>,
}

/// A kind at work, its scores brought to one scale.
#[derive(Debug)]
struct Serving {
    choice: Choice,
    detector: Box<dyn Detector>,
    judge: Judge,
    /// Correlation of neighbours when it was chosen.
    likeness: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Choice {
    Simple,
    Seasonal,
    Course,
    Crowd,
}

/// What makes a depth of the detector's score.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Judge {
    /// It is one.
    Depth,
    Rows(Scale),
    Events(Events),
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    look: Look,
    rows: u64,
    kept: Vec<f64>,
    serving: ServingState,
    coming: Option<ServingState>,
}

#[derive(Serialize, Deserialize)]
struct ServingState {
    choice: Choice,
    version: u16,
    bytes: Vec<u8>,
    judge: Judge,
    likeness: f64,
}

/// Rows between looks after the first choice.
const LOOK_EVERY: u64 = 1_024;
/// Neighbours this alike make a series in time.
const ALIKE: f64 = 0.7;
/// Below this a series counts as rows without order again.
const NOT_ALIKE: f64 = 0.5;
/// Values that a shingle of the course holds at most: its cost grows with the square.
const COURSE_VALUES: usize = 100;
/// Rows in a shingle of the course.
const COURSE_ROWS: usize = 10;

impl Choice {
    /// The kind and its settings for rows of a width.
    fn kind(self, width: usize) -> (&'static Kind, Options) {
        let (name, settings) = match self {
            Self::Simple => ("robust_zscore", Vec::new()),
            Self::Seasonal => ("seasonal", Vec::new()),
            Self::Course => {
                let rows = (COURSE_VALUES / width).clamp(2, COURSE_ROWS);
                (
                    "mahalanobis",
                    vec![shingled::option(rows.min(super::MAX_WIDTH / width))],
                )
            }
            Self::Crowd => ("ensemble", crowd()),
        };
        let (kind, mut options) = find(name).expect("a kind of the table");
        options.extend(settings);
        (kind, options)
    }

    fn judge(self) -> Judge {
        match self {
            Self::Simple => Judge::Rows(Scale::default()),
            // The ensemble's members are on the scale already, and what is made of them stays near it.
            Self::Seasonal | Self::Crowd => Judge::Depth,
            Self::Course => Judge::Events(Events::new()),
        }
    }
}

/// Settings of the ensemble for rows without order: what is far from its neighbours, what is easily cut off, what is far in one
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

impl Serving {
    fn new(choice: Choice, width: usize, seed: u64, likeness: f64) -> Result<Self, ConfigError> {
        let (kind, options) = choice.kind(width);
        Ok(Self {
            choice,
            detector: kind.build(&options, width, seed)?,
            judge: choice.judge(),
            likeness,
        })
    }

    fn raw(&self, row: &[f64]) -> Raw {
        let mut out = [Raw::WarmingUp];
        self.detector
            .score(Rows::one(row), &mut out)
            .expect("built for this width");
        out[0]
    }

    /// The depth of a raw score.
    fn depth(&self, raw: Raw) -> Raw {
        let Raw::Score(score) = raw else {
            return raw;
        };
        let depth = match &self.judge {
            Judge::Depth => Some(score),
            Judge::Rows(scale) => scale.depth(score),
            Judge::Events(events) => events.score(&Self::weigh(events, score)),
        };
        depth.map_or(Raw::WarmingUp, Raw::Score)
    }

    fn weigh(events: &Events, score: f64) -> Weighed {
        events.weigh(score, score)
    }

    /// Learns a row; returns what the detector made of it before.
    fn score_learn(&mut self, row: &[f64]) -> Raw {
        let mut out = [Raw::WarmingUp];
        self.detector
            .score_learn(Rows::one(row), &mut out)
            .expect("built for this width");
        let depth = self.depth(out[0]);
        self.note(out[0]);
        depth
    }

    /// Takes a score into its scale.
    fn note(&mut self, raw: Raw) {
        if let Raw::Score(score) = raw {
            match &mut self.judge {
                Judge::Depth => {}
                Judge::Rows(scale) => {
                    let depth = scale.depth(score);
                    scale.learn(score, depth);
                }
                Judge::Events(events) => {
                    let weighed = Self::weigh(events, score);
                    events.take(&weighed, true);
                }
            }
        }
    }

    fn pass(&mut self, row: &[f64]) {
        if let (Raw::Score(score), Judge::Events(events)) = (self.raw(row), &mut self.judge) {
            let weighed = Self::weigh(events, score);
            events.take(&weighed, false);
        }
        self.detector
            .pass(Rows::one(row))
            .expect("built for this width");
    }

    fn save(&self) -> ServingState {
        let snapshot = self.detector.snapshot();
        ServingState {
            choice: self.choice,
            version: snapshot.version,
            bytes: snapshot.bytes,
            judge: self.judge.clone(),
            likeness: self.likeness,
        }
    }

    fn restore(state: ServingState, width: usize, seed: u64) -> Result<Self, String> {
        let (kind, options) = state.choice.kind(width);
        let detector = kind.restore(&options, width, seed, state.version, &state.bytes);
        let is_sound = match (&state.judge, state.choice.judge()) {
            (Judge::Depth, Judge::Depth) => true,
            (Judge::Rows(scale), Judge::Rows(_)) => scale.is_sound(),
            (Judge::Events(events), Judge::Events(_)) => events.is_sound(),
            _ => false,
        };
        if !is_sound {
            return Err("its scale does not belong to its kind".to_owned());
        }
        Ok(Self {
            choice: state.choice,
            detector: detector.map_err(|error| error.to_string())?,
            judge: state.judge,
            likeness: state.likeness,
        })
    }

    fn heap_bytes(&self) -> usize {
        let judge = match &self.judge {
            Judge::Depth => 0,
            Judge::Rows(scale) => scale.heap_bytes(),
            Judge::Events(events) => events.heap_bytes(),
        };
        self.detector.memory_bytes() + judge
    }

    fn about(&self) -> String {
        let (kind, _) = self.choice.kind(self.detector.width());
        let likeness = self.likeness;
        let why = match self.choice {
            Choice::Simple => "the series is young".to_owned(),
            Choice::Seasonal => {
                let found = self.detector.about().unwrap_or_default();
                format!("one value a row, {found}")
            }
            Choice::Course => {
                format!("several values a row, neighbours alike (correlation {likeness:.2})")
            }
            Choice::Crowd => {
                format!("several values a row, neighbours not alike (correlation {likeness:.2})")
            }
        };
        format!("{}: {why}", kind.name)
    }
}

impl Auto {
    fn choose(&self) -> (Choice, f64) {
        let (_, likeness) = self.look.likeness();
        let choice = match self.serving.choice {
            _ if self.width == 1 => Choice::Seasonal,
            Choice::Course if likeness >= NOT_ALIKE => Choice::Course,
            _ if likeness >= ALIKE => Choice::Course,
            _ => Choice::Crowd,
        };
        (choice, likeness)
    }

    /// Looks at the series where it is time to, and has another kind come where it would serve better.
    fn look_again(&mut self) {
        let first = self.look_after as u64;
        let is_first = self.rows == first;
        if !is_first && (self.rows < first || !(self.rows - first).is_multiple_of(LOOK_EVERY)) {
            return;
        }
        let (choice, likeness) = self.choose();
        if choice == self.serving.choice {
            self.coming = None;
            return;
        }
        if self
            .coming
            .as_ref()
            .is_some_and(|coming| coming.choice == choice)
        {
            return;
        }
        let mut coming = Serving::new(choice, self.width, self.seed_of(choice), likeness)
            .expect("its settings are ours");
        let kept = std::mem::take(&mut self.kept);
        for row in kept.chunks_exact(self.width) {
            coming.score_learn(row);
        }
        self.coming = Some(coming);
    }

    fn seed_of(&self, choice: Choice) -> u64 {
        mix(self.seed ^ choice as u64)
    }

    /// After a row was learned or passed by.
    fn step(&mut self, row: &[f64]) {
        self.look.push(row);
        self.rows += 1;
        if self.rows <= self.look_after as u64 {
            self.kept.extend_from_slice(row);
        }
        self.look_again();
        let is_warm = |coming: &Serving| matches!(coming.depth(coming.raw(row)), Raw::Score(_));
        if self.coming.as_ref().is_some_and(is_warm)
            && let Some(coming) = self.coming.take()
        {
            self.serving = coming;
        }
    }
}

impl Algorithm for Auto {
    const NAME: &'static str = "auto";
    const ALIASES: &'static [Alias] = &[];
    const SUMMARY: &'static str =
        "looks at the series, picks the kind that serves it, says which and why";
    const PAPER: &'static str = "Willet's own choice among the kinds below";
    const PAGE: &'static str = include_str!("../pages/auto.md");
    const TAKES_MISSING: bool = true;
    const SATURATES: bool = false;
    const IS_ORDERED: bool = true;
    const SCORES_DEPTH: bool = true;
    const STATE_VERSION: u16 = 1;

    type Config = AutoConfig;
    type State = State;

    fn new(config: &AutoConfig, width: usize, seed: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            look_after: config.look_after,
            width,
            seed,
            look: Look::new(width),
            rows: 0,
            kept: Vec::new(),
            serving: Serving::new(Choice::Simple, width, seed, 0.0)?,
            coming: None,
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        self.serving.depth(self.serving.raw(row))
    }

    fn learn_row(&mut self, row: &[f64]) {
        self.score_learn_row(row);
    }

    fn score_learn_row(&mut self, row: &[f64]) -> Raw {
        let depth = self.serving.score_learn(row);
        if let Some(coming) = &mut self.coming {
            coming.score_learn(row);
        }
        self.step(row);
        depth
    }

    fn pass_row(&mut self, row: &[f64]) {
        self.serving.pass(row);
        if let Some(coming) = &mut self.coming {
            coming.pass(row);
        }
        self.step(row);
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        self.serving
            .detector
            .explain(row)
            .expect("built for this width")
    }

    fn expected(&self) -> Vec<Expected> {
        self.serving.detector.expected()
    }

    fn adapt(&mut self) {
        self.serving.detector.adapt();
    }

    fn about(&self) -> Option<String> {
        Some(self.serving.about())
    }

    fn heap_bytes(&self) -> usize {
        self.look.heap_bytes()
            + self.kept.capacity() * size_of::<f64>()
            + self.serving.heap_bytes()
            + self.coming.as_ref().map_or(0, Serving::heap_bytes)
    }

    fn save(&self) -> State {
        State {
            look: self.look.clone(),
            rows: self.rows,
            kept: self.kept.clone(),
            serving: self.serving.save(),
            coming: self.coming.as_ref().map(Serving::save),
        }
    }

    fn restore(config: &AutoConfig, width: usize, seed: u64, state: State) -> Result<Self, String> {
        let mut restored = Self::new(config, width, seed).map_err(|error| error.to_string())?;
        let is_sound = state.look.is_sound(width)
            && state.kept.len().is_multiple_of(width)
            && state.kept.len() <= config.look_after * width;
        if !is_sound {
            return Err("its parts do not belong together".to_owned());
        }
        let serve = |state: ServingState, restored: &Self| {
            let seed = match state.choice {
                Choice::Simple => seed,
                choice => restored.seed_of(choice),
            };
            Serving::restore(state, width, seed)
        };
        restored.coming = state
            .coming
            .map(|state| serve(state, &restored))
            .transpose()?;
        restored.serving = serve(state.serving, &restored)?;
        restored.look = state.look;
        restored.rows = state.rows;
        restored.kept = state.kept;
        Ok(restored)
    }
}
