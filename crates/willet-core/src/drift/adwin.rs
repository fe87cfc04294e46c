use libm::log;
use serde::{Deserialize, Serialize};

use super::contract::{Level, Reading};
use super::per_feature::Univariate;
use crate::error::ConfigError;

crate::settings! {
    /// Settings of [`Adwin`].
    pub(super) struct AdwinConfig {
        /// Chance of a false alarm at a look: how different the two halves of a cut must be. Divided by the number of features.
        delta: f64 = 0.002, 1e-12..=0.5;
        /// Looks for a cut once in so many values.
        clock: usize = 32, 1..=1_000_000;
        /// Buckets of one size before two of them are made one.
        max_buckets: usize = 5, 1..=100;
        /// Values that each half of a cut must have.
        min_window_length: usize = 5, 1..=1_000_000;
        /// Values before the first look.
        grace_period: usize = 10, 0..=1_000_000;
    }
}

/// A window of all values since the last change, as sums of 1, 2, 4, ... values: `O(log n)` memory.
///
/// It looks for a cut at which the means of what came before and after differ by more than chance allows (Bernstein's bound).
/// The order of the arithmetic is the one River has, so that the same values give the same alarms.
///
/// # References
/// Bifet, Gavaldà, "Learning from Time-Changing Data with Adaptive Windowing", SDM 2007.
#[derive(Debug)]
pub(super) struct Adwin {
    config: AdwinConfig,
    delta: f64,
    window: Window,
}

/// Saved as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Window {
    values: u64,
    ticks: u64,
    total: f64,
    /// Sum of the squared deviations from the mean.
    variance: f64,
    /// Buckets of 1 value, of 2, of 4, ...
    sizes: Vec<u8>,
    /// Sum and squared deviations of each bucket, the oldest first; of one size `max_buckets + 1` places.
    buckets: Vec<(f64, f64)>,
}

impl Window {
    fn new() -> Self {
        Self {
            values: 0,
            ticks: 0,
            total: 0.0,
            variance: 0.0,
            sizes: Vec::new(),
            buckets: Vec::new(),
        }
    }

    fn clear(&mut self) {
        self.values = 0;
        self.ticks = 0;
        self.total = 0.0;
        self.variance = 0.0;
        // The memory is kept for the next window.
        self.sizes.clear();
        self.buckets.clear();
    }

    fn insert(&mut self, x: f64, places: usize) {
        self.put(0, (x, 0.0), places);
        self.values += 1;
        if self.values > 1 {
            let width = self.values as f64;
            let apart = x - self.total / (width - 1.0);
            self.variance += (width - 1.0) * apart * apart / width;
        }
        self.total += x;
        let mut level = 0;
        while usize::from(self.sizes[level]) == places {
            let at = level * places;
            let half = (1_u64 << level) as f64;
            let ((sum, squares), (other_sum, other_squares)) =
                (self.buckets[at], self.buckets[at + 1]);
            let apart = sum / half - other_sum / half;
            let between = half * 0.5 * apart * apart;
            self.buckets.copy_within(at + 2..at + places, at);
            self.sizes[level] -= 2;
            self.put(
                level + 1,
                (sum + other_sum, squares + other_squares + between),
                places,
            );
            level += 1;
        }
    }

    fn put(&mut self, level: usize, bucket: (f64, f64), places: usize) {
        if level == self.sizes.len() {
            self.sizes.push(0);
            self.buckets.resize((level + 1) * places, (0.0, 0.0));
        }
        self.buckets[level * places + usize::from(self.sizes[level])] = bucket;
        self.sizes[level] += 1;
    }

    fn drop_oldest(&mut self, places: usize) {
        let level = self.sizes.len() - 1;
        let at = level * places;
        let count = (1_u64 << level) as f64;
        let (sum, squares) = self.buckets[at];
        self.values -= 1_u64 << level;
        let width = self.values as f64;
        self.total -= sum;
        let apart = sum / count - self.total / width;
        self.variance -= squares + count * width * apart * apart / (count + width);
        self.buckets.copy_within(at + 1..at + places, at);
        self.sizes[level] -= 1;
        if self.sizes[level] == 0 {
            self.sizes.pop();
            self.buckets.truncate(at);
        }
    }

    /// The first cut, from the oldest on, whose halves differ: values after it and the difference of means.
    fn cut(&self, delta: f64, least: f64, places: usize) -> Option<(u64, f64)> {
        let width = self.values as f64;
        let chance = log(2.0 * log(width) / delta);
        let spread = self.variance / width;
        let (mut before, mut after) = (0.0, width);
        let (mut sum_before, mut sum_after) = (0.0, self.total);
        for (level, size) in self.sizes.iter().enumerate().rev() {
            let count = (1_u64 << level) as f64;
            let at = level * places;
            for (sum, _) in &self.buckets[at..at + usize::from(*size)] {
                before += count;
                after -= count;
                sum_before += sum;
                sum_after -= sum;
                if after < least || after < 1.0 {
                    return None;
                }
                if before < least {
                    continue;
                }
                let apart = sum_before / before - sum_after / after;
                let shares = 1.0 / (before - least + 1.0) + 1.0 / (after - least + 1.0);
                let bound = (2.0 * shares * spread * chance).sqrt() + 2.0 / 3.0 * chance * shares;
                if apart.abs() > bound {
                    return Some((after as u64, apart));
                }
            }
        }
        None
    }

    fn is_sound(&self, places: usize) -> bool {
        let finite = |(sum, squares): &(f64, f64)| sum.is_finite() && squares.is_finite();
        let mut held =
            self.sizes.iter().enumerate().map(|(level, size)| {
                u64::from(*size).checked_mul(1_u64.checked_shl(level as u32)?)
            });
        let values = held.try_fold(0_u64, |sum: u64, more| sum.checked_add(more?));
        self.sizes.len() <= 62
            && self.sizes.last() != Some(&0)
            && self.sizes.iter().all(|size| usize::from(*size) < places)
            && self.buckets.len() == self.sizes.len() * places
            && self.buckets.iter().all(finite)
            && self.total.is_finite()
            && self.variance.is_finite()
            && values == Some(self.values)
    }
}

impl Univariate for Adwin {
    const NAME: &'static str = "adwin";
    const SUMMARY: &'static str =
        "means before and after every cut of a window that grows until one differs";
    const PAPER: &'static str = "Bifet, Gavaldà, SDM 2007";
    type Config = AdwinConfig;
    type State = Window;

    fn new(config: &AdwinConfig, width: usize, _: usize, _: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            delta: config.delta / width as f64,
            config: config.clone(),
            window: Window::new(),
        })
    }

    fn push(&mut self, x: f64) -> Reading {
        let places = self.config.max_buckets + 1;
        let window = &mut self.window;
        window.insert(x, places);
        window.ticks += 1;
        if !window.ticks.is_multiple_of(self.config.clock as u64)
            || window.values <= self.config.grace_period as u64
        {
            return Reading::NONE;
        }
        let least = self.config.min_window_length as f64;
        let Some((mut age, mut apart)) = window.cut(self.delta, least, places) else {
            return Reading::NONE;
        };
        let spread = (window.variance / window.values as f64).max(0.0).sqrt();
        // The oldest buckets go until no cut is left: the last one is nearest to where the change was.
        window.drop_oldest(places);
        while let Some(found) = window.cut(self.delta, least, places) {
            (age, apart) = found;
            window.drop_oldest(places);
        }
        window.clear();
        let size = apart.abs();
        Reading {
            level: Level::Drift,
            statistic: size,
            p_value: None,
            magnitude: if size > 0.0 {
                size / (size + spread)
            } else {
                0.0
            },
            age: Some(age),
        }
    }

    fn heap_bytes(&self) -> usize {
        self.window.sizes.capacity() + self.window.buckets.capacity() * size_of::<(f64, f64)>()
    }

    fn save(&self) -> Window {
        self.window.clone()
    }

    fn load(&mut self, state: Window) -> Result<(), &'static str> {
        if !state.is_sound(self.config.max_buckets + 1) {
            return Err("its buckets do not fit together");
        }
        self.window = state;
        Ok(())
    }
}
