//! Trend and seasons taken out, what is left judged.

mod deviations;
mod long_season;
mod season;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::contract::{Algorithm, Alias};
use super::events::{Events, Weighed};
use crate::decision::Scale;
use crate::error::ConfigError;
use crate::rows::{Expected, Explanation, Raw};
use crate::statistics::Gaussian;
use deviations::{Deviations, Seen};
use long_season::LongSeason;
use season::Season;

crate::settings! {
    /// Settings of [`Seasonal`].
    pub(super) struct SeasonalConfig {
        /// How many recent rows the shape of deviations is learned from; older ones are forgotten at that pace.
        window_size: usize = 1_000, 64..=1_000_000;
    }
}

#[doc = include_str!("../pages/seasonal.md")]
#[derive(Debug)]
pub(super) struct Seasonal {
    window_size: usize,
    seasons: Vec<Season>,
    long_seasons: Vec<LongSeason>,
    rest: Rest,
}

/// What is left after the seasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Rest {
    features: Vec<Deviations>,
    /// Of the last deviations of all features together; `None` where they are too many.
    shape: Option<Shape>,
    events: Events,
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
    seasons: Vec<Season>,
    long_seasons: Vec<LongSeason>,
    rest: Rest,
}

/// Rows that make a shape.
const SHAPE_ROWS: usize = 10;
/// Widest shape: its cost grows with the square.
const WIDEST_SHAPE: usize = 64;
/// Weight of the shape beside the deviations: it sees much that is odd and harmless.
const SHAPE_WEIGHT: f64 = 0.25;

/// A row seen against what is usual.
struct View {
    /// Narrow rows need no memory from the heap.
    seen: SmallVec<[Seen; 12]>,
    /// Distance of the shape and its depth.
    shape: Option<(f64, Option<f64>)>,
    weighed: Option<Weighed>,
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
            events: Events::new(),
        }
    }

    /// The last deviations with those just seen, the oldest first.
    fn course(&self, rows: usize, seen: &[Seen]) -> ([f64; WIDEST_SHAPE], usize) {
        let mut course = [0.0; WIDEST_SHAPE];
        let width = self.features.len();
        for back in 1..rows {
            let at = (rows - 1 - back) * width;
            for (place, feature) in course[at..].iter_mut().zip(&self.features) {
                *place = feature.back(back - 1);
            }
        }
        for (place, seen) in course[(rows - 1) * width..].iter_mut().zip(seen) {
            *place = seen.deviation;
        }
        (course, rows * width)
    }

    fn view(&self, values: impl Iterator<Item = f64>) -> View {
        let features = self.features.iter().zip(values);
        let seen: SmallVec<[Seen; 12]> = features
            .map(|(feature, value)| feature.see(value))
            .collect();
        let shape = self.shape.as_ref().filter(|shape| shape.normal.is_warm());
        let shape = shape.map(|shape| {
            let (course, len) = self.course(shape.rows, &seen);
            let distance = shape.normal.distance(&course[..len]);
            (distance, shape.scale.depth(distance))
        });
        let fast = Self::evidence(&seen);
        let weighed = fast.map(|fast| {
            let odd = shape.and_then(|(_, depth)| depth).unwrap_or(0.0);
            self.events.weigh(fast, fast + SHAPE_WEIGHT * odd)
        });
        View {
            seen,
            shape,
            weighed,
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
        let score = view
            .weighed
            .as_ref()
            .and_then(|weighed| self.events.score(weighed));
        score.map_or(Raw::WarmingUp, Raw::Score)
    }

    fn learn(&mut self, values: impl Iterator<Item = f64>, view: &View, window: usize) {
        if let Some(mut shape) = self.shape.take() {
            shape.gathered = (shape.gathered + 1).min(shape.rows);
            if shape.gathered == shape.rows {
                let (course, len) = self.course(shape.rows, &view.seen);
                if let Some((distance, depth)) = view.shape {
                    shape.scale.learn(distance, depth);
                }
                shape.normal.push(&course[..len], window);
            }
            self.shape = Some(shape);
        }
        for ((feature, value), seen) in self.features.iter_mut().zip(values).zip(&view.seen) {
            feature.learn(value, seen);
        }
        if let Some(weighed) = &view.weighed {
            self.events.take(weighed, true);
        }
    }

    fn pass(&mut self, view: &View) {
        for (feature, seen) in self.features.iter_mut().zip(&view.seen) {
            feature.pass(seen);
        }
        if let Some(weighed) = &view.weighed {
            self.events.take(weighed, false);
        }
    }
}

impl Seasonal {
    fn view(&self, row: &[f64]) -> View {
        self.rest.view(self.residuals(row))
    }

    /// The values less their seasons.
    fn residuals(&self, row: &[f64]) -> impl Iterator<Item = f64> {
        let seasons = self.seasons.iter().zip(&self.long_seasons).zip(row);
        seasons.map(|((season, long), value)| season.residual(*value, long.expected()))
    }

    fn learn_view(&mut self, row: &[f64], view: &View) {
        let seasons = self.seasons.iter().zip(&self.long_seasons).zip(row);
        let residuals =
            seasons.map(|((season, long), value)| season.residual(*value, long.expected()));
        self.rest.learn(residuals, view, self.window_size);
        self.remember(row);
    }

    /// Puts a row into the history; where that shows another season, learns anew what is left after it, from the same history.
    fn remember(&mut self, row: &[f64]) {
        let mut is_another = false;
        let seasons = self.seasons.iter_mut().zip(&mut self.long_seasons);
        for ((season, long), value) in seasons.zip(row) {
            long.push(season.residual(*value, 0.0));
            if season.push(*value) {
                is_another = true;
                long.start(season.found().map_or(0, |(period, _)| period));
                (season.first_expected()..season.len())
                    .for_each(|index| long.push(season.residual_at(index)));
            }
        }
        if !is_another {
            return;
        }
        let from = self
            .seasons
            .iter()
            .map(Season::first_expected)
            .max()
            .unwrap_or(0);
        let len = self.seasons.first().map_or(0, Season::len);
        self.rest = Rest::new(self.seasons.len());
        for index in from..len {
            // Without the longer seasons: they begin with the period.
            let residuals = || self.seasons.iter().map(|season| season.residual_at(index));
            let view = self.rest.view(residuals());
            self.rest.learn(residuals(), &view, self.window_size);
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
    const SCORES_DEPTH: bool = true;
    const STATE_VERSION: u16 = 2;

    type Config = SeasonalConfig;
    type State = State;

    fn new(config: &SeasonalConfig, width: usize, _seed: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            window_size: config.window_size,
            seasons: vec![Season::new(); width],
            long_seasons: vec![LongSeason::default(); width],
            rest: Rest::new(width),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        self.rest.score(&self.view(row))
    }

    fn learn_row(&mut self, row: &[f64]) {
        let view = self.view(row);
        self.learn_view(row, &view);
    }

    fn score_learn_row(&mut self, row: &[f64]) -> Raw {
        let view = self.view(row);
        let raw = self.rest.score(&view);
        self.learn_view(row, &view);
        raw
    }

    fn pass_row(&mut self, row: &[f64]) {
        let view = self.view(row);
        self.rest.pass(&view);
        let bounded: SmallVec<[f64; 12]> = row
            .iter()
            .zip(&view.seen)
            .zip(&self.rest.features)
            .map(|((x, seen), feature)| x - seen.deviation + feature.bounded(seen.deviation))
            .collect();
        self.remember(&bounded);
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
        let seasons = self.seasons.iter().zip(&self.long_seasons);
        let expected: Option<Vec<Expected>> = seasons
            .zip(&self.rest.features)
            .map(|((season, long), feature)| {
                let by = season.expected() + long.expected();
                feature.expected().map(|rest| rest.shifted(by))
            })
            .collect();
        expected.unwrap_or_default()
    }

    fn about(&self) -> Option<String> {
        let found = self.seasons.iter().zip(&self.long_seasons).enumerate();
        let found = found
            .filter_map(|(feature, (season, long))| Some((feature, season.found()?, long.found())));
        let told: Vec<String> = found
            .map(|(feature, (period, strength), long)| {
                let of = if self.seasons.len() > 1 {
                    format!(" in feature {feature}")
                } else {
                    String::new()
                };
                let short = format!("season of {period} rows{of} (correlation {strength:.2})");
                match long {
                    Some((cycle, gain)) => format!(
                        "{short}, and one of {} rows (takes {:.0} % of what that leaves)",
                        cycle * period,
                        gain * 100.0
                    ),
                    None => short,
                }
            })
            .collect();
        Some(if told.is_empty() {
            "no season".to_owned()
        } else {
            told.join(", ")
        })
    }

    fn heap_bytes(&self) -> usize {
        let seasons = self.seasons.capacity() * size_of::<Season>()
            + self.long_seasons.capacity() * size_of::<LongSeason>();
        let features = self.rest.features.capacity() * size_of::<Deviations>();
        let shape = self.rest.shape.as_ref();
        seasons
            + features
            + self.seasons.iter().map(Season::heap_bytes).sum::<usize>()
            + self
                .long_seasons
                .iter()
                .map(LongSeason::heap_bytes)
                .sum::<usize>()
            + self
                .rest
                .features
                .iter()
                .map(Deviations::heap_bytes)
                .sum::<usize>()
            + shape.map_or(0, |shape| {
                shape.normal.heap_bytes() + shape.scale.heap_bytes()
            })
            + self.rest.events.heap_bytes()
    }

    fn save(&self) -> State {
        State {
            seasons: self.seasons.clone(),
            long_seasons: self.long_seasons.clone(),
            rest: self.rest.clone(),
        }
    }

    fn restore(
        config: &SeasonalConfig,
        width: usize,
        _seed: u64,
        state: State,
    ) -> Result<Self, String> {
        let State {
            seasons,
            long_seasons,
            rest,
        } = state;
        let len = seasons.first().map_or(0, Season::len);
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
        let is_sound = seasons.len() == width
            && seasons
                .iter()
                .all(|season| season.is_sound() && season.len() == len)
            && long_seasons.len() == width
            && seasons.iter().zip(&long_seasons).all(|(season, long)| {
                let period = season.found().map_or(0, |(period, _)| period);
                long.is_sound(period)
            })
            && rest.features.len() == width
            && rest.features.iter().all(Deviations::is_sound)
            && rest.events.is_sound()
            && shape_is_sound;
        if !is_sound {
            return Err("its parts do not belong together".to_owned());
        }
        Ok(Self {
            window_size: config.window_size,
            seasons,
            long_seasons,
            rest,
        })
    }
}
