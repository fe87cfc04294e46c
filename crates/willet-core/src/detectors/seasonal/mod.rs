//! Trend and seasons taken out, what is left judged.

mod deviations;
mod former;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::contract::{Algorithm, Alias, Epochs};
use super::glance::Glance;
use super::seasons::{Seasonality, Seasons};
use crate::decision::Scale;
use crate::error::ConfigError;
use crate::rows::{Band, Expected, Explanation, Raw, Swing};
use crate::statistics::Gaussian;
use deviations::{Deviations, Seen};
pub(super) use former::EventsV2;
use former::StateV2;

crate::settings! {
    /// Settings of [`Seasonal`].
    pub(super) struct SeasonalConfig {
        /// How many recent rows the shape of deviations is learned from; older ones are forgotten at that pace.
        window_size: usize = 1_000, 64..=1_000_000;
        /// Seasons: looked for (auto), none, or given as lengths of time (day, week), which needs rows with times at an even pace.
        seasonality: Seasonality = Seasonality::Found, ();
    }
}

#[doc = include_str!("../pages/seasonal.md")]
#[derive(Debug)]
pub(super) struct Seasonal {
    window_size: usize,
    seasonality: Seasonality,
    seasons: Seasons,
    rest: Rest,
    /// What was seen of the last row.
    seen: Glance<View>,
}

/// What is left after the seasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Rest {
    features: Vec<Deviations>,
    /// Of the last deviations of all features together; `None` where they are too many.
    shape: Option<Shape>,
    /// Mean of the recent evidence.
    lately: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Shape {
    rows: usize,
    normal: Gaussian,
    scale: Scale,
    /// Rows gathered until there are enough for a shape.
    gathered: usize,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    seasons: Seasons,
    rest: Rest,
}

/// Rows that make a shape.
const SHAPE_ROWS: usize = 10;
/// Widest shape: its cost grows with the square.
const WIDEST_SHAPE: usize = 64;
/// Weight of the shape beside the deviations: it sees much that is odd and harmless.
const SHAPE_WEIGHT: f64 = 0.25;

/// Weight of the newest row in the recent evidence: about the last 20 rows.
const NEWEST: f64 = 0.05;

/// One row counts for no more than this in it.
const MOST_EVIDENCE: f64 = 2.0;

/// A row seen against what is usual.
#[derive(Debug)]
struct View {
    /// Narrow rows need no memory from the heap.
    seen: SmallVec<[Seen; 12]>,
    /// Distance of the shape and its depth.
    shape: Option<(f64, Option<f64>)>,
    /// What speaks against the row.
    evidence: Option<f64>,
}

impl Shape {
    fn new(width: usize) -> Option<Self> {
        let rows = (WIDEST_SHAPE / width).min(SHAPE_ROWS);
        (rows >= 2).then(|| Self {
            rows,
            normal: Gaussian::new(rows * width),
            scale: Scale::default(),
            gathered: 0,
        })
    }
}

impl Rest {
    fn new(width: usize) -> Self {
        Self {
            features: vec![Deviations::new(); width],
            shape: Shape::new(width),
            lately: 0.0,
        }
    }

    /// The last deviations with those just seen, the oldest first.
    fn course<'a>(
        &self,
        rows: usize,
        seen: &[Seen],
        space: &'a mut [f64; WIDEST_SHAPE],
    ) -> &'a [f64] {
        let width = self.features.len();
        let course = &mut space[..rows * width];
        for (column, (feature, seen)) in self.features.iter().zip(seen).enumerate() {
            let mut place = (rows - 1) * width + column;
            course[place] = seen.deviation;
            for back in 1..rows {
                place -= width;
                course[place] = feature.back(back - 1);
            }
        }
        course
    }

    fn view(&self, values: impl Iterator<Item = f64>) -> View {
        let features = self.features.iter().zip(values);
        let mut seen = SmallVec::new();
        seen.extend(features.map(|(feature, value)| feature.see(value)));
        let shape = self.shape.as_ref().filter(|shape| shape.normal.is_warm());
        let shape = shape.map(|shape| {
            let mut space = [0.0; WIDEST_SHAPE];
            let course = self.course(shape.rows, &seen, &mut space);
            let distance = shape.normal.distance(course);
            (distance, shape.scale.depth(distance))
        });
        let fast = Self::evidence(&seen);
        let evidence = fast.map(|fast| {
            let odd = shape.and_then(|(_, depth)| depth).unwrap_or(0.0);
            fast + SHAPE_WEIGHT * odd
        });
        View {
            seen,
            shape,
            evidence,
        }
    }

    /// Evidence of the row: the features' depths as the sides of a box, its diagonal. One that stands out counts nearly alone.
    fn evidence(seen: &[Seen]) -> Option<f64> {
        let squares: Option<f64> = seen
            .iter()
            .map(|seen| seen.depth().map(|depth| depth * depth))
            .sum();
        squares.map(f64::sqrt)
    }

    fn score(&self, view: &View) -> Raw {
        let score = view.evidence.map(|evidence| evidence + self.with(evidence));
        score.map_or(Raw::WarmingUp, Raw::Score)
    }

    /// The recent evidence with that of a row.
    fn with(&self, evidence: f64) -> f64 {
        self.lately + NEWEST * (evidence.min(MOST_EVIDENCE) - self.lately)
    }

    fn learn(&mut self, values: impl Iterator<Item = f64>, view: &View, window: usize) {
        if let Some(mut shape) = self.shape.take() {
            shape.gathered = (shape.gathered + 1).min(shape.rows);
            if shape.gathered == shape.rows {
                let mut space = [0.0; WIDEST_SHAPE];
                let course = self.course(shape.rows, &view.seen, &mut space);
                if let Some((distance, depth)) = view.shape {
                    shape.scale.learn(distance, depth);
                }
                shape.normal.push(course, window);
            }
            self.shape = Some(shape);
        }
        for ((feature, value), seen) in self.features.iter_mut().zip(values).zip(&view.seen) {
            feature.learn(value, seen);
        }
        self.lately = view
            .evidence
            .map_or(self.lately, |evidence| self.with(evidence));
    }

    fn pass(&mut self) {
        self.features.iter_mut().for_each(Deviations::pass);
    }
}

impl Seasonal {
    fn view(&self, row: &[f64]) -> View {
        self.rest.view(self.seasons.residuals(row))
    }

    fn learn_view(&mut self, row: &[f64], view: &View) {
        let residuals = self.seasons.residuals(row);
        self.rest.learn(residuals, view, self.window_size);
        self.remember(row, false);
    }

    /// Puts a row into the history; where that shows another season, learns anew what is left after it, from the same history.
    fn remember(&mut self, row: &[f64], is_held: bool) {
        if !self.seasons.push(row, is_held) {
            return;
        }
        let width = self.rest.features.len();
        self.rest = Rest::new(width);
        for residuals in self.seasons.residuals_before().chunks_exact(width) {
            let view = self.rest.view(residuals.iter().copied());
            self.rest
                .learn(residuals.iter().copied(), &view, self.window_size);
        }
    }
}

impl Algorithm for Seasonal {
    const NAME: &'static str = "seasonal";
    const ALIASES: &'static [Alias] = &[];
    const SUMMARY: &'static str =
        "trend and season found and taken out, the rest judged alone and in means; series in time";
    const PAPER: &'static str = "after Cleveland et al. 1990 and Page, Biometrika 1954";
    const PAGE: &'static str = include_str!("../pages/seasonal.md");
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = false;
    const IS_ORDERED: bool = true;
    const STATE_VERSION: u16 = 3;

    type Config = SeasonalConfig;
    type State = State;

    fn new(config: &SeasonalConfig, width: usize, _seed: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            window_size: config.window_size,
            seasonality: config.seasonality.clone(),
            seasons: Seasons::new(width, &config.seasonality),
            rest: Rest::new(width),
            seen: Glance::default(),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        let view = self.view(row);
        let raw = self.rest.score(&view);
        self.seen.put(row, view);
        raw
    }

    fn learn_row(&mut self, row: &[f64]) {
        let residuals = self.seasons.residuals(row);
        // A view is large, and stays where it is.
        if let Some(view) = self.seen.of(row) {
            self.rest.learn(residuals, view, self.window_size);
        } else {
            let view = self.rest.view(self.seasons.residuals(row));
            self.rest.learn(residuals, &view, self.window_size);
        }
        self.seen.clear();
        self.remember(row, false);
    }

    fn score_learn_row(&mut self, row: &[f64]) -> Raw {
        self.seen.clear();
        let view = self.view(row);
        let raw = self.rest.score(&view);
        self.learn_view(row, &view);
        raw
    }

    fn pass_row(&mut self, row: &[f64]) {
        self.seen.clear();
        let view = self.view(row);
        self.rest.pass();
        let bounded: SmallVec<[f64; 12]> = row
            .iter()
            .zip(&view.seen)
            .zip(&self.rest.features)
            .map(|((x, seen), feature)| x - seen.deviation + feature.bounded(seen.deviation))
            .collect();
        self.remember(&bounded, true);
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        let seen = self.view(row).seen;
        let weights = seen.iter().map(|seen| {
            let depth = seen.depth().unwrap_or(0.0);
            depth * depth
        });
        Explanation::from_weights(weights.collect(), self.expected())
    }

    fn expected(&self) -> Vec<Expected> {
        let seasons = self.seasons.expected();
        let expected: Option<Vec<Expected>> = seasons
            .zip(&self.rest.features)
            .map(|(by, feature)| feature.expected().map(|rest| rest.shifted(by)))
            .collect();
        expected.unwrap_or_default()
    }

    fn bands(&self, out: &mut Vec<Band>) {
        self.seasons.bands(out);
    }

    fn swings(&self, row: &[f64], out: &mut Vec<Swing>) {
        self.seasons.swings(row, out);
    }

    fn epochs(&self, out: &mut Epochs) {
        self.seasons.epochs(out);
    }

    fn off_before(&self, feature: usize) -> Vec<f64> {
        self.seasons.off_before(feature)
    }

    fn keep_pace(&mut self, step: i64) {
        if self.seasons.keep_pace(&self.seasonality, step) {
            self.seen.clear();
            self.rest = Rest::new(self.rest.features.len());
        }
    }

    fn turn_back(&mut self, rows: usize) {
        self.seen.clear();
        self.seasons.turn_back(rows);
    }

    fn about(&self) -> Option<String> {
        Some(self.seasons.about())
    }

    fn heap_bytes(&self) -> usize {
        let features = self.rest.features.capacity() * size_of::<Deviations>();
        let shape = self.rest.shape.as_ref();
        self.seasons.heap_bytes()
            + features
            + self
                .rest
                .features
                .iter()
                .map(Deviations::heap_bytes)
                .sum::<usize>()
            + shape.map_or(0, |shape| {
                shape.normal.heap_bytes() + shape.scale.heap_bytes()
            })
    }

    fn save(&self) -> State {
        State {
            seasons: self.seasons.clone(),
            rest: self.rest.clone(),
        }
    }

    fn read_former(version: u16, bytes: &[u8]) -> Result<(State, &[u8]), String> {
        if version != 2 {
            return Err(format!("version {version} was never released"));
        }
        let read = postcard::take_from_bytes::<StateV2>(bytes);
        let (state, rest) = read.map_err(|error| error.to_string())?;
        Ok((state.into(), rest))
    }

    fn restore(
        config: &SeasonalConfig,
        width: usize,
        _seed: u64,
        state: State,
    ) -> Result<Self, String> {
        let State { seasons, rest } = state;
        let shape_is_sound = match (&rest.shape, Shape::new(width)) {
            (Some(shape), Some(fresh)) => {
                shape.rows == fresh.rows
                    && shape.gathered <= shape.rows
                    && shape.normal.is_sound(shape.rows * width)
                    && shape.scale.is_sound()
            }
            (None, None) => true,
            _ => false,
        };
        let is_sound = seasons.is_sound(width)
            && rest.features.len() == width
            && rest.features.iter().all(Deviations::is_sound)
            && rest.lately.is_finite()
            && shape_is_sound;
        if !is_sound {
            return Err("its parts do not belong together".to_owned());
        }
        Ok(Self {
            window_size: config.window_size,
            seasonality: config.seasonality.clone(),
            seasons,
            rest,
            seen: Glance::default(),
        })
    }
}
