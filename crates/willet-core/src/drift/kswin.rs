use serde::{Deserialize, Serialize};

use super::contract::{Level, Reading};
use super::hypothesis::{ks_exact_p, ks_steps};
use super::per_feature::Univariate;
use crate::error::ConfigError;
use crate::random::{Random, mix};

crate::settings! {
    /// Settings of [`Kswin`].
    pub(super) struct KswinConfig {
        /// Level of significance of each test. Divided by the number of features.
        alpha: f64 = 0.005, 1e-12..=0.5;
        /// Values in the window.
        window_size: usize = 100, 8..=10_000;
        /// The newest so many are compared with as many drawn from the others; at most half of the window.
        stat_size: usize = 30, 2..=1_000;
    }
}

/// The newest values against as many drawn at random from those before them, at every value, by the exact Kolmogorov–Smirnov test. As
/// each of these tests may be wrong with chance `alpha`, it alarms often: 0.005 is about one false alarm in some hundred values.
///
/// After a drift the newest values are kept and the others forgotten. The draw is seeded by the series; River's default draw is not
/// seeded at all, so its alarms are comparable in rate only.
///
/// # References
/// Raab, Heusinger, Schleif, "Reactive Soft Prototype Computing for Concept Drift Streams", Neurocomputing 2020.
#[derive(Debug)]
pub(super) struct Kswin {
    config: KswinConfig,
    /// The smallest statistic, times `stat_size`², that is significant.
    critical: u64,
    /// The values in order of arrival, twice: the newest `window_size` always lie together.
    held: Vec<f64>,
    random: Random,
    /// Both samples as keys in the order of their values: whole numbers sort faster.
    newest: Vec<u64>,
    drawn: Vec<u64>,
    places: Vec<u32>,
    swapped: Vec<u32>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    window: Vec<f64>,
    random: Random,
}

/// A statistic this small is no drift whatever its significance, as the paper has it.
const LEAST: f64 = 0.1;

/// A whole number that is larger where the value is; of 0 and -0 the same.
fn key(x: f64) -> u64 {
    let bits = (x + 0.0).to_bits();
    if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    }
}

impl Kswin {
    fn window(&self) -> &[f64] {
        let size = self.config.window_size;
        &self.held[self.held.len().saturating_sub(size)..]
    }

    /// The newest values and as many drawn from the others, both sorted.
    fn draw(&mut self) {
        let (size, stat) = (self.config.window_size, self.config.stat_size);
        let from = self.held.len() - size;
        let (others, newest) = self.held[from..].split_at(size - stat);
        self.newest.clear();
        self.newest.extend(newest.iter().map(|x| key(*x)));
        self.drawn.clear();
        self.swapped.clear();
        for i in 0..stat {
            let j = i + self.random.below(others.len() - i);
            self.places.swap(i, j);
            self.swapped.push(j as u32);
            self.drawn.push(key(others[self.places[i] as usize]));
        }
        // Put back in order, cheaper than made anew: the next draw depends on nothing but the generator.
        for (i, j) in self.swapped.iter().enumerate().rev() {
            self.places.swap(i, *j as usize);
        }
        self.newest.sort_unstable();
        self.drawn.sort_unstable();
    }
}

impl Univariate for Kswin {
    const NAME: &'static str = "kswin";
    const SUMMARY: &'static str =
        "the newest values against a draw from those before them, by Kolmogorov–Smirnov";
    const PAPER: &'static str = "Raab, Heusinger, Schleif, Neurocomputing 2020";
    type Config = KswinConfig;
    type State = State;

    fn new(
        config: &KswinConfig,
        width: usize,
        feature: usize,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        let stat = config.stat_size;
        if stat * 2 > config.window_size {
            return Err(ConfigError::Value {
                name: "stat_size".to_owned(),
                found: stat.to_string(),
                expected: format!(
                    "at most half of window_size, which is {}",
                    config.window_size
                ),
            });
        }
        let alpha = config.alpha / width as f64;
        // Statistics of equal samples are whole multiples of 1 / stat_size: the first one that is rare enough, by halving.
        let (mut common, mut rare) = (0, stat as u64 + 1);
        while rare - common > 1 {
            let middle = u64::midpoint(common, rare);
            if ks_exact_p(middle * stat as u64, stat, stat) > alpha {
                common = middle;
            } else {
                rare = middle;
            }
        }
        Ok(Self {
            critical: rare * stat as u64,
            held: Vec::new(),
            random: Random::new(mix(seed ^ feature as u64)),
            newest: Vec::with_capacity(stat),
            drawn: Vec::with_capacity(stat),
            places: (0..(config.window_size - stat) as u32).collect(),
            swapped: Vec::with_capacity(stat),
            config: config.clone(),
        })
    }

    fn push(&mut self, x: f64) -> Reading {
        let (size, stat) = (self.config.window_size, self.config.stat_size);
        if self.held.len() == 2 * size {
            self.held.copy_within(size + 1.., 0);
            self.held.truncate(size - 1);
        }
        self.held.push(x);
        if self.held.len() < size {
            return Reading::NONE;
        }
        self.draw();
        let steps = ks_steps(&self.drawn, &self.newest);
        let statistic = steps as f64 / (stat * stat) as f64;
        if steps < self.critical || statistic <= LEAST {
            return Reading::quiet(statistic, statistic);
        }
        let len = self.held.len();
        self.held.copy_within(len - stat.., 0);
        self.held.truncate(stat);
        Reading {
            level: Level::Drift,
            statistic,
            p_value: Some(ks_exact_p(steps, stat, stat)),
            magnitude: statistic,
            age: Some(stat as u64),
        }
    }

    fn heap_bytes(&self) -> usize {
        let values = self.held.capacity() + self.newest.capacity() + self.drawn.capacity();
        let places = self.places.capacity() + self.swapped.capacity();
        values * size_of::<f64>() + places * size_of::<u32>()
    }

    fn save(&self) -> State {
        State {
            window: self.window().to_vec(),
            random: self.random.clone(),
        }
    }

    fn load(&mut self, state: State) -> Result<(), &'static str> {
        let finite = state.window.iter().all(|x| x.is_finite());
        if state.window.len() > self.config.window_size || !finite {
            return Err("its window has another size");
        }
        self.held = state.window;
        self.random = state.random;
        Ok(())
    }
}
