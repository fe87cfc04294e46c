//! One key: what it does when nothing is wrong, and what goes wrong.

use std::f64::consts::TAU;

use super::config::{Shape, SyntheticConfig, Trouble, TroubleKind};
use super::noise::Random;

/// A random walk keeps this much of itself from event to event; with steps of 0.2 its deviation is about 1.
const WALK_KEEPS: f64 = 0.98;
const WALK_STEP: f64 = 0.2;

/// Switching cycles in the first season.
const CYCLES: f64 = 24.0;

#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: String,
    random: Random,
    columns: Vec<ColumnState>,
    /// Events until the next trouble starts.
    calm: u64,
    active: Option<Active>,
}

#[derive(Debug)]
struct ColumnState {
    level: f64,
    scale: f64,
    phases: Vec<f64>,
    walk: f64,
    last: f64,
}

/// Trouble that is going on.
#[derive(Debug)]
struct Active {
    trouble: Trouble,
    age: u64,
    length: u64,
    sign: f64,
    /// The columns hit: from the first up to, not including, the second.
    columns: (usize, usize),
}

/// How often trouble starts.
#[derive(Debug)]
pub(super) struct Onsets {
    /// Starts per calm event, summed up to each kind.
    cumulative: Vec<f64>,
}

impl Onsets {
    pub(super) fn new(config: &SyntheticConfig) -> Self {
        let calm: f64 = 1.0
            - config
                .troubles
                .iter()
                .map(|trouble| trouble.share)
                .sum::<f64>();
        let mut sum = 0.0;
        let cumulative = config.troubles.iter().map(|trouble| {
            let mean_length = (trouble.length_min + trouble.length_max) as f64 / 2.0;
            sum += trouble.share / (mean_length * calm);
            sum
        });
        Self {
            cumulative: cumulative.collect(),
        }
    }

    fn total(&self) -> f64 {
        self.cumulative.last().copied().unwrap_or(0.0)
    }

    /// Events until something starts.
    fn wait(&self, random: &mut Random) -> u64 {
        let total = self.total();
        if total > 0.0 {
            (random.exponential() / total) as u64
        } else {
            u64::MAX
        }
    }

    fn pick(&self, random: &mut Random) -> usize {
        let at = random.unit() * self.total();
        let picked = self.cumulative.iter().position(|sum| at <= *sum);
        picked.unwrap_or(self.cumulative.len().saturating_sub(1))
    }
}

impl Series {
    pub(super) fn new(config: &SyntheticConfig, onsets: &Onsets, index: usize) -> Self {
        let mut random = Random::new(config.seed, index as u64);
        // One key is the stream as configured; many differ.
        let spread = if config.keys > 1 { 0.3 } else { 0.0 };
        let shift = random.unit();
        let columns = (0..config.width).map(|column| {
            let factor = if column == 0 {
                1.0
            } else {
                random.between(0.3, 3.0)
            };
            ColumnState {
                level: config.level * factor * random.between(1.0 - spread, 1.0 + spread),
                scale: factor * random.between(1.0 - spread, 1.0 + spread),
                // Columns of a machine move together, each with its own delay.
                phases: config
                    .seasons
                    .iter()
                    .map(|_| TAU * (shift * spread + random.between(0.0, 0.1)))
                    .collect(),
                walk: 0.0,
                last: f64::NAN,
            }
        });
        let columns = columns.collect();
        let calm = config.quiet_events.saturating_add(onsets.wait(&mut random));
        Self {
            name: config
                .sources
                .get(index)
                .cloned()
                .unwrap_or_else(|| format!("machine-{}", index + 1)),
            random,
            columns,
            calm,
            active: None,
        }
    }

    /// The event at `seconds` after the start, into `values`; NaN is missing. Gives the trouble it is part of.
    pub(super) fn next(
        &mut self,
        config: &SyntheticConfig,
        onsets: &Onsets,
        seconds: f64,
        values: &mut Vec<f64>,
    ) -> Option<TroubleKind> {
        self.turn(config, onsets);
        values.clear();
        let trend = config.trend_per_day * (seconds / 86_400.0);
        for (index, column) in self.columns.iter_mut().enumerate() {
            let hit = self
                .active
                .as_ref()
                .filter(|active| (active.columns.0..active.columns.1).contains(&index));
            let noise = self.random.noise(config.noise_kind);
            let normal = column.normal(config, seconds) + trend;
            let value = match hit {
                Some(active) => column.troubled(config, normal, noise, active, &mut self.random),
                None => column.finish(config, normal, noise * config.noise * column.scale),
            };
            if !value.is_nan() {
                column.last = value;
            }
            values.push(value);
        }
        self.active.as_ref().map(|active| active.trouble.kind)
    }

    /// Lets trouble end and begin.
    fn turn(&mut self, config: &SyntheticConfig, onsets: &Onsets) {
        if let Some(active) = &mut self.active {
            active.age += 1;
            if active.age < active.length {
                return;
            }
            self.active = None;
            // At least one calm event: trouble that touches trouble could not be told apart.
            self.calm = 1 + onsets.wait(&mut self.random);
        }
        if self.calm > 0 {
            self.calm -= 1;
            return;
        }
        let random = &mut self.random;
        let trouble = config.troubles[onsets.pick(random)];
        let first = random.whole(0, config.width as u64 - 1) as usize;
        let end = random.whole(first as u64 + 1, config.width as u64) as usize;
        self.active = Some(Active {
            trouble,
            age: 0,
            length: random.whole(trouble.length_min, trouble.length_max),
            sign: if random.unit() < 0.5 { -1.0 } else { 1.0 },
            columns: (first, end),
        });
    }
}

impl ColumnState {
    /// The value without noise.
    fn normal(&self, config: &SyntheticConfig, seconds: f64) -> f64 {
        let mut sum = 0.0;
        for (index, (season, phase)) in config.seasons.iter().zip(&self.phases).enumerate() {
            let turns = seconds / season.period_s;
            let angle = TAU * (turns - libm::floor(turns)) + phase;
            let wave = if config.shape == Shape::Cycles && index == 0 {
                // A steep flank between off and on.
                (libm::sin(angle * CYCLES) * 6.0).clamp(-1.0, 1.0)
            } else {
                // The second harmonic makes days rise faster than they fall, as load does.
                libm::sin(angle) + 0.25 * libm::sin(2.0 * angle)
            };
            sum += season.amplitude * wave;
        }
        self.level + self.scale * sum
    }

    /// The value with `noise`, in the form of the stream.
    fn finish(&mut self, config: &SyntheticConfig, normal: f64, noise: f64) -> f64 {
        match config.shape {
            Shape::Seasonal | Shape::Cycles => normal + noise,
            Shape::Walk => {
                self.walk = self.walk * WALK_KEEPS + noise * WALK_STEP;
                normal + self.walk
            }
            Shape::Counts => {
                // As a Poisson count: the variance is the mean.
                let mean = normal.max(0.0);
                libm::round(mean + noise * libm::sqrt(mean)).max(0.0)
            }
        }
    }

    fn troubled(
        &mut self,
        config: &SyntheticConfig,
        normal: f64,
        noise: f64,
        active: &Active,
        random: &mut Random,
    ) -> f64 {
        let unit = match config.shape {
            // Noise of counts grows with them; so does what stands out from it.
            Shape::Counts => config.noise * self.scale * libm::sqrt(normal.max(1.0)),
            _ => config.noise * self.scale,
        };
        let strength = active.trouble.strength;
        let shift = match active.trouble.kind {
            TroubleKind::Dropout => return f64::NAN,
            TroubleKind::FlatLine if !self.last.is_nan() => return self.last,
            TroubleKind::FlatLine => 0.0,
            TroubleKind::Spike => strength * random.between(0.8, 1.2),
            TroubleKind::Dip => -strength * random.between(0.8, 1.2),
            TroubleKind::LevelShift => active.sign * strength,
            TroubleKind::Variance => noise * (strength - 1.0),
            TroubleKind::Drift => {
                active.sign * strength * (active.age + 1) as f64 / active.length as f64
            }
        };
        let noise = noise * config.noise * self.scale;
        let value = self.finish(config, normal, noise) + shift * unit;
        if config.shape == Shape::Counts {
            libm::round(value).max(0.0)
        } else {
            value
        }
    }
}
