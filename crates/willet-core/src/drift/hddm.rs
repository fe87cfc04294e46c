use libm::log;
use serde::{Deserialize, Serialize};

use super::contract::{Input, Level, Reading};
use super::per_feature::Univariate;
use crate::error::ConfigError;
use crate::settings::Choice;

crate::settings! {
    /// Settings of [`HddmA`].
    pub(super) struct HddmAConfig {
        /// Chance of a false drift at a look. Divided by the number of features.
        drift_confidence: f64 = 0.001, 1e-12..=0.5;
        /// Chance of a false warning at a look.
        warning_confidence: f64 = 0.005, 1e-12..=0.5;
        /// Which changes of the rate count: up or both.
        direction: Direction = Direction::Up, ();
    }
}

/// Which changes of a rate count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Both,
}

impl Choice for Direction {
    const CHOICES: &'static [(&'static str, Self)] = &[("up", Self::Up), ("both", Self::Both)];
}

/// A mean and how many values it is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Mean {
    values: u64,
    mean: f64,
}

impl Mean {
    fn push(&mut self, x: f64) {
        self.values += 1;
        self.mean += 1.0 / self.values as f64 * (x - self.mean);
    }

    fn is_sound(&self) -> bool {
        (0.0..=1.0).contains(&self.mean) && self.values < u64::MAX
    }
}

/// The mean of all against that of a prefix, chosen where it was lowest, by Hoeffding's bound: no assumption but that values lie in
/// 0..=1 (larger and smaller ones count as 1 and 0).
///
/// # References
/// Frías-Blanco and others, "Online and Non-Parametric Drift Detection Methods Based on Hoeffding's Bounds", IEEE TKDE 2015.
#[derive(Debug)]
pub(super) struct HddmA {
    config: HddmAConfig,
    drift: f64,
    warning: f64,
    means: Means,
}

/// Saved as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Means {
    all: Mean,
    lowest: Mean,
    highest: Mean,
}

impl HddmA {
    /// Half width of the band in which a mean of so many values lies.
    fn band(&self, values: u64) -> f64 {
        (1.0 / (2.0 * values as f64) * log(1.0 / self.drift)).sqrt()
    }

    /// What the whole may differ from a prefix by chance.
    fn bound(&self, prefix: &Mean, confidence: f64) -> f64 {
        let (n, all) = (prefix.values as f64, self.means.all.values as f64);
        let m = (all - n) / n * (1.0 / all);
        (m / 2.0 * log(2.0 / confidence)).sqrt()
    }

    fn level(&self, prefix: &Mean, apart: f64) -> Level {
        if prefix.values == self.means.all.values {
            Level::None
        } else if apart >= self.bound(prefix, self.drift) {
            Level::Drift
        } else if apart >= self.bound(prefix, self.warning) {
            Level::Warning
        } else {
            Level::None
        }
    }
}

impl Univariate for HddmA {
    const NAME: &'static str = "hddm";
    const ALIASES: &'static [&'static str] = &["hddm_a"];
    const SUMMARY: &'static str = "a rate against the lowest it was, by Hoeffding's bound";
    const PAPER: &'static str = "Frías-Blanco and others, IEEE TKDE 2015";
    const INPUT: Input = Input::Errors;
    type Config = HddmAConfig;
    type State = Means;

    fn new(config: &HddmAConfig, width: usize, _: usize, _: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            drift: config.drift_confidence / width as f64,
            warning: config.warning_confidence / width as f64,
            config: config.clone(),
            means: Means::default(),
        })
    }

    fn push(&mut self, x: f64) -> Reading {
        let x = x.clamp(0.0, 1.0);
        self.means.all.push(x);
        let all = self.means.all;
        if self.means.lowest.values == 0 {
            self.means.lowest = all;
            self.means.highest = all;
        }
        let band = self.band(all.values);
        let Means {
            lowest, highest, ..
        } = self.means;
        if lowest.mean + self.band(lowest.values) >= all.mean + band {
            self.means.lowest = all;
        }
        if highest.mean - self.band(highest.values) <= all.mean - band {
            self.means.highest = all;
        }
        let (lowest, highest) = (self.means.lowest, self.means.highest);
        let up = all.mean - lowest.mean;
        let mut level = self.level(&lowest, up);
        let (mut apart, mut since) = (up, lowest.values);
        if self.config.direction == Direction::Both {
            let down = highest.mean - all.mean;
            let falling = self.level(&highest, down);
            if falling > level {
                (level, apart, since) = (falling, down, highest.values);
            }
        }
        if level == Level::None {
            return Reading::quiet(apart.max(0.0), apart.clamp(0.0, 1.0));
        }
        if level == Level::Drift {
            self.means = Means::default();
        }
        Reading {
            level,
            statistic: apart,
            p_value: None,
            magnitude: apart.clamp(0.0, 1.0),
            age: Some(all.values - since),
        }
    }

    fn save(&self) -> Means {
        self.means.clone()
    }

    fn load(&mut self, state: Means) -> Result<(), &'static str> {
        let all = [state.all, state.lowest, state.highest];
        let prefix = |mean: &Mean| mean.values <= state.all.values;
        let begun = |mean: &Mean| (mean.values == 0) == (state.all.values == 0);
        if !all
            .iter()
            .all(|mean| mean.is_sound() && prefix(mean) && begun(mean))
        {
            return Err("its means are not of rates");
        }
        self.means = state;
        Ok(())
    }
}

crate::settings! {
    /// Settings of [`HddmW`].
    pub(super) struct HddmWConfig {
        /// Chance of a false drift at a look. Divided by the number of features.
        drift_confidence: f64 = 0.001, 1e-12..=0.5;
        /// Chance of a false warning at a look.
        warning_confidence: f64 = 0.005, 1e-12..=0.5;
        /// Weight of the newest value.
        lambda_val: f64 = 0.05, 1e-6..=1.0;
        /// Which changes of the rate count: up or both.
        direction: Direction = Direction::Up, ();
    }
}

/// As [`HddmA`], of exponentially weighted means and by `McDiarmid`'s bound: for gradual changes.
///
/// # References
/// Frías-Blanco and others, "Online and Non-Parametric Drift Detection Methods Based on Hoeffding's Bounds", IEEE TKDE 2015.
#[derive(Debug)]
pub(super) struct HddmW {
    config: HddmWConfig,
    drift: f64,
    warning: f64,
    means: WeightedMeans,
}

/// An exponentially weighted mean, and the sum of the squares of its weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct WeightedMean {
    values: u64,
    mean: f64,
    squares: f64,
}

impl WeightedMean {
    const NEW: Self = Self {
        values: 0,
        mean: 0.0,
        squares: 1.0,
    };

    fn push(&mut self, x: f64, weight: f64) {
        self.mean = if self.values == 0 {
            x
        } else {
            weight * x + (1.0 - weight) * self.mean
        };
        self.values += 1;
        self.squares = weight * weight + (1.0 - weight) * (1.0 - weight) * self.squares;
    }

    fn is_sound(&self) -> bool {
        (0.0..=1.0).contains(&self.mean)
            && (0.0..=1.0).contains(&self.squares)
            && self.values < u64::MAX
    }
}

/// Saved as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct WeightedMeans {
    all: WeightedMean,
    /// Before the point at which the mean was lowest, and since; the bound at that point.
    rising: (WeightedMean, WeightedMean, Option<f64>),
    falling: (WeightedMean, WeightedMean, Option<f64>),
}

impl WeightedMeans {
    const NEW: Self = Self {
        all: WeightedMean::NEW,
        rising: (WeightedMean::NEW, WeightedMean::NEW, None),
        falling: (WeightedMean::NEW, WeightedMean::NEW, None),
    };
}

fn mcdiarmid(squares: f64, confidence: f64) -> f64 {
    (squares * log(1.0 / confidence) / 2.0).sqrt()
}

impl HddmW {
    fn level(&self, before: &WeightedMean, since: &WeightedMean, apart: f64) -> Level {
        if before.values == 0 || since.values == 0 {
            return Level::None;
        }
        let squares = before.squares + since.squares;
        if apart > mcdiarmid(squares, self.drift) {
            Level::Drift
        } else if apart > mcdiarmid(squares, self.warning) {
            Level::Warning
        } else {
            Level::None
        }
    }
}

impl Univariate for HddmW {
    const NAME: &'static str = "hddm_w";
    const SUMMARY: &'static str =
        "weighted rates before and after the lowest point, by McDiarmid's bound";
    const PAPER: &'static str = "Frías-Blanco and others, IEEE TKDE 2015";
    const INPUT: Input = Input::Errors;
    type Config = HddmWConfig;
    type State = WeightedMeans;

    fn new(config: &HddmWConfig, width: usize, _: usize, _: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            drift: config.drift_confidence / width as f64,
            warning: config.warning_confidence / width as f64,
            config: config.clone(),
            means: WeightedMeans::NEW,
        })
    }

    fn push(&mut self, x: f64) -> Reading {
        let (x, weight) = (x.clamp(0.0, 1.0), self.config.lambda_val);
        self.means.all.push(x, weight);
        let all = self.means.all;
        let band = mcdiarmid(all.squares, self.drift);
        let (before, since, lowest) = &mut self.means.rising;
        if lowest.is_none_or(|lowest| all.mean + band < lowest) {
            (*before, *since, *lowest) = (all, WeightedMean::NEW, Some(all.mean + band));
        } else {
            since.push(x, weight);
        }
        let (before, since, highest) = &mut self.means.falling;
        if highest.is_none_or(|highest| all.mean - band > highest) {
            (*before, *since, *highest) = (all, WeightedMean::NEW, Some(all.mean - band));
        } else {
            since.push(x, weight);
        }
        let (before, since, _) = &self.means.rising;
        let mut apart = since.mean - before.mean;
        let mut level = self.level(before, since, apart);
        let mut age = since.values;
        if self.config.direction == Direction::Both {
            let (before, since, _) = &self.means.falling;
            let down = before.mean - since.mean;
            let falling = self.level(before, since, down);
            if falling > level {
                (level, apart, age) = (falling, down, since.values);
            }
        }
        if level == Level::None {
            return Reading::quiet(apart.max(0.0), apart.clamp(0.0, 1.0));
        }
        if level == Level::Drift {
            self.means = WeightedMeans::NEW;
        }
        Reading {
            level,
            statistic: apart,
            p_value: None,
            magnitude: apart.clamp(0.0, 1.0),
            age: Some(age),
        }
    }

    fn save(&self) -> WeightedMeans {
        self.means.clone()
    }

    fn load(&mut self, state: WeightedMeans) -> Result<(), &'static str> {
        let all = [
            state.all,
            state.rising.0,
            state.rising.1,
            state.falling.0,
            state.falling.1,
        ];
        let cuts = [state.rising.2, state.falling.2];
        if !all.iter().all(WeightedMean::is_sound)
            || !cuts.iter().flatten().all(|cut| cut.is_finite())
        {
            return Err("its means are not of rates");
        }
        self.means = state;
        Ok(())
    }
}
