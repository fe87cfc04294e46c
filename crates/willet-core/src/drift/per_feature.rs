//! Tests of one value at a time over rows of several: each feature has a test of its own.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::contract::{Algorithm, FeatureDrift, Input, Level, Reading};
use crate::error::ConfigError;
use crate::settings::Settings;

/// What the author of a test of one value writes.
pub(super) trait Univariate: Sized + Send + Debug + 'static {
    const NAME: &'static str;
    const ALIASES: &'static [&'static str] = &[];
    const SUMMARY: &'static str;
    const PAPER: &'static str;
    const INPUT: Input = Input::Values;
    type Config: Settings + Debug + Send;
    type State: Serialize + DeserializeOwned;

    /// A test of feature `feature` of `width`: a level of significance is divided by the width (Bonferroni), so that a row of
    /// many features raises no more false alarms than one value.
    fn new(
        config: &Self::Config,
        width: usize,
        feature: usize,
        seed: u64,
    ) -> Result<Self, ConfigError>;
    fn push(&mut self, x: f64) -> Reading;
    fn heap_bytes(&self) -> usize {
        0
    }
    fn save(&self) -> Self::State;
    /// Takes up a state in place of the one it has, or says why it cannot be.
    fn load(&mut self, state: Self::State) -> Result<(), &'static str>;
}

#[derive(Debug)]
pub(super) struct PerFeature<U: Univariate> {
    config: U::Config,
    seed: u64,
    tests: Vec<U>,
}

impl<U: Univariate> PerFeature<U> {
    fn fresh(config: &U::Config, width: usize, seed: u64) -> Result<Vec<U>, ConfigError> {
        (0..width)
            .map(|feature| U::new(config, width, feature, seed))
            .collect()
    }
}

impl<U: Univariate> Algorithm for PerFeature<U> {
    const NAME: &'static str = U::NAME;
    const ALIASES: &'static [&'static str] = U::ALIASES;
    const SUMMARY: &'static str = U::SUMMARY;
    const PAPER: &'static str = U::PAPER;
    const INPUT: Input = U::INPUT;
    const STATE_VERSION: u16 = 1;
    type Config = U::Config;
    type State = Vec<U::State>;

    fn new(config: &U::Config, width: usize, seed: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            config: config.clone(),
            seed,
            tests: Self::fresh(config, width, seed)?,
        })
    }

    fn update_row(&mut self, row: &[f64], guilty: &mut Vec<FeatureDrift>) -> Reading {
        if let [test] = &mut self.tests[..] {
            let reading = test.push(row[0]);
            if reading.level > Level::None {
                guilty.push(of_feature(0, &reading));
            }
            return reading;
        }
        let mut strongest = Reading::NONE;
        for (feature, (test, x)) in self.tests.iter_mut().zip(row).enumerate() {
            let reading = test.push(*x);
            if reading.level > Level::None {
                guilty.push(of_feature(feature, &reading));
            }
            let key = |reading: &Reading| (reading.level, reading.magnitude);
            if key(&reading) > key(&strongest) || feature == 0 {
                strongest = reading;
            }
        }
        strongest
    }

    fn reset(&mut self) {
        self.tests = Self::fresh(&self.config, self.tests.len(), self.seed)
            .expect("the same settings made it before");
    }

    fn heap_bytes(&self) -> usize {
        self.tests.capacity() * size_of::<U>() + self.tests.iter().map(U::heap_bytes).sum::<usize>()
    }

    fn save(&self) -> Vec<U::State> {
        self.tests.iter().map(U::save).collect()
    }

    fn restore(
        config: &U::Config,
        width: usize,
        seed: u64,
        state: Vec<U::State>,
    ) -> Result<Self, String> {
        let mut restored = Self::new(config, width, seed).map_err(|error| error.to_string())?;
        if state.len() != width {
            return Err("it has another number of features".to_owned());
        }
        for (test, state) in restored.tests.iter_mut().zip(state) {
            test.load(state)?;
        }
        Ok(restored)
    }
}

fn of_feature(feature: usize, reading: &Reading) -> FeatureDrift {
    FeatureDrift {
        feature,
        statistic: reading.statistic,
        p_value: reading.p_value,
        magnitude: reading.magnitude.clamp(0.0, 1.0),
    }
}
