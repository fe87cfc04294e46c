//! What stands before a detector: select, lag, difference, impute, scale.

mod scaler;
mod spacing;

use serde::{Deserialize, Serialize};

use crate::detectors::MAX_WIDTH;
use crate::error::ConfigError;
use scaler::Scaler;
pub use spacing::{LONGEST_GAP, Spacing};

/// The features of a stream, as they stand in configuration. The steps run in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeaturesConfig {
    /// Values taken, in this order; all of the series' first event where empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<String>,
    /// What stands in for a missing value.
    pub impute: Impute,
    /// Former values put beside the present ones, as `name_lag_n`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lag: Vec<Back>,
    /// Changes since a former value put beside the present ones, as `name_difference_n`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub difference: Vec<Back>,
    /// Brings all features to one scale.
    pub scale: Scale,
}

/// A value some rows back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Back {
    /// Name of the value.
    pub of: String,
    /// How many rows back, 1 to [`MAX_BACK`].
    #[serde(default = "one")]
    pub by: usize,
}

fn one() -> usize {
    1
}

/// What stands in for a missing value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Impute {
    /// Nothing: the detector gets NaN and does what its kind does.
    #[default]
    None,
    /// Nothing, and a row in which a value is missing is left out whole.
    Skip,
    /// What the detector expects: season and level with `seasonal` and `auto`, the middle of its window with others.
    Seasonal,
    /// The last value of the series.
    Last,
    /// The running mean of the series.
    Mean,
    /// Zero.
    Zero,
}

/// Brings features to one scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// As they are.
    #[default]
    None,
    /// Less the median, divided by the interquartile range of the last 256 values in standard deviations.
    Robust,
}

/// Farthest a lag or a difference may look back.
pub const MAX_BACK: usize = 1_000;

/// The features of one series: where they come from and what they remember.
#[derive(Clone, Debug)]
pub struct Features {
    plan: Plan,
    memory: Memory,
}

#[derive(Clone, Debug)]
struct Plan {
    selected: Vec<usize>,
    impute: Impute,
    /// (place among the selected, rows back) of each lag, then of each difference.
    lags: Vec<(usize, usize)>,
    differences: Vec<(usize, usize)>,
    scale: Scale,
    names: Vec<Box<str>>,
    is_identity: bool,
}

/// What features remember; saved with the series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Last usable value (or running mean) of each selected value.
    stand_in: Vec<f64>,
    counts: Vec<u32>,
    /// Selected rows of the past, newest last.
    history: std::collections::VecDeque<f64>,
    scalers: Vec<Scaler>,
}

impl Features {
    /// The features of a series whose events carry `names`.
    pub fn new(config: &FeaturesConfig, names: &[Box<str>]) -> Result<Self, ConfigError> {
        let plan = Plan::new(config, names)?;
        let scalers = if plan.scale == Scale::Robust {
            plan.names.len()
        } else {
            0
        };
        let memory = Memory {
            stand_in: vec![f64::NAN; plan.selected.len()],
            counts: vec![0; plan.selected.len()],
            history: std::collections::VecDeque::new(),
            scalers: vec![Scaler::default(); scalers],
        };
        Ok(Self { plan, memory })
    }

    /// The same features with what they remembered; `None` where it does not fit.
    pub fn restore(config: &FeaturesConfig, names: &[Box<str>], memory: Memory) -> Option<Self> {
        let fresh = Self::new(config, names).ok()?;
        let width = fresh.plan.selected.len();
        let fits = memory.stand_in.len() == width
            && memory.counts.len() == width
            && memory.history.len() <= width * fresh.plan.reach()
            && memory.history.len().is_multiple_of(width.max(1))
            && memory.scalers.len() == fresh.memory.scalers.len()
            && memory.scalers.iter().all(Scaler::is_sound);
        fits.then_some(Self {
            plan: fresh.plan,
            memory,
        })
    }

    /// Names of the features, in order.
    pub fn names(&self) -> &[Box<str>] {
        &self.plan.names
    }

    /// Whether a row of values is a row of features as it stands.
    pub fn is_identity(&self) -> bool {
        self.plan.is_identity
    }

    /// What is remembered, to be saved.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Features of a row of values, put into `out`.
    pub fn transform(&self, values: &[f64], out: &mut Vec<f64>) {
        let (plan, memory) = (&self.plan, &self.memory);
        out.clear();
        for (place, source) in plan.selected.iter().enumerate() {
            let value = values.get(*source).copied().unwrap_or(f64::NAN);
            out.push(if value.is_nan() {
                memory.stand_in(plan.impute, place)
            } else {
                value
            });
        }
        if plan.leaves_out(out) {
            out.clear();
            out.resize(plan.names.len(), f64::NAN);
            return;
        }
        for (place, back) in &plan.lags {
            out.push(memory.back(plan.selected.len(), *place, *back));
        }
        for (place, back) in &plan.differences {
            out.push(out[*place] - memory.back(plan.selected.len(), *place, *back));
        }
        for (value, scaler) in out.iter_mut().zip(&memory.scalers) {
            *value = scaler.scale(*value);
        }
    }

    /// Remembers a row of values; its features come from [`Features::transform`] before.
    pub fn observe(&mut self, values: &[f64]) {
        let (plan, memory) = (&self.plan, &mut self.memory);
        if plan.is_identity {
            return;
        }
        let mut row: Vec<f64> = plan
            .selected
            .iter()
            .map(|source| values.get(*source).copied().unwrap_or(f64::NAN))
            .collect();
        if plan.leaves_out(&row) {
            return;
        }
        for (place, value) in row.iter_mut().enumerate() {
            if value.is_nan() {
                *value = memory.stand_in(plan.impute, place);
            } else {
                memory.learn(plan.impute, place, *value);
            }
        }
        if plan.scale == Scale::Robust {
            let (width, mut derived) = (row.len(), row.clone());
            derived.extend(
                plan.lags
                    .iter()
                    .map(|(place, back)| memory.back(width, *place, *back)),
            );
            derived.extend(
                plan.differences
                    .iter()
                    .map(|(place, back)| row[*place] - memory.back(width, *place, *back)),
            );
            for (scaler, value) in memory.scalers.iter_mut().zip(derived) {
                scaler.learn(value);
            }
        }
        let reach = plan.reach() * row.len();
        memory.history.extend(row);
        let surplus = memory.history.len().saturating_sub(reach);
        memory.history.drain(..surplus);
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let names: usize = self
            .plan
            .names
            .iter()
            .map(|name| name.len() + size_of::<Box<str>>())
            .sum();
        names
            + self.plan.selected.capacity() * size_of::<usize>()
            + (self.memory.stand_in.capacity() + self.memory.history.capacity()) * size_of::<f64>()
            + self.memory.counts.capacity() * size_of::<u32>()
            + self
                .memory
                .scalers
                .iter()
                .map(Scaler::memory_bytes)
                .sum::<usize>()
    }
}

impl Plan {
    fn new(config: &FeaturesConfig, names: &[Box<str>]) -> Result<Self, ConfigError> {
        let find = |wanted: &str| {
            let place = names.iter().position(|name| **name == *wanted);
            place.ok_or_else(|| {
                ConfigError::unknown("value", wanted, names.iter().map(|name| &**name))
            })
        };
        let selected: Vec<usize> = if config.select.is_empty() {
            (0..names.len()).collect()
        } else {
            config
                .select
                .iter()
                .map(|name| find(name))
                .collect::<Result<_, _>>()?
        };
        let back = |section: &str, back: &Back| {
            if !(1..=MAX_BACK).contains(&back.by) {
                return Err(ConfigError::Value {
                    name: format!("{section}.by"),
                    found: back.by.to_string(),
                    expected: format!("a whole number from 1 to {MAX_BACK}"),
                });
            }
            let source = find(&back.of)?;
            let place = selected.iter().position(|selected| *selected == source);
            let known = || selected.iter().map(|selected| &*names[*selected]);
            Ok((
                place.ok_or_else(|| ConfigError::unknown("selected value", &back.of, known()))?,
                back.by,
            ))
        };
        let lags: Vec<_> = config
            .lag
            .iter()
            .map(|lag| back("lag", lag))
            .collect::<Result<_, _>>()?;
        let differences: Vec<_> = config
            .difference
            .iter()
            .map(|lag| back("difference", lag))
            .collect::<Result<_, _>>()?;
        let mut out: Vec<Box<str>> = selected
            .iter()
            .map(|source| names[*source].clone())
            .collect();
        out.extend(
            config
                .lag
                .iter()
                .map(|lag| format!("{}_lag_{}", lag.of, lag.by).into()),
        );
        out.extend(
            config
                .difference
                .iter()
                .map(|lag| format!("{}_difference_{}", lag.of, lag.by).into()),
        );
        if out.is_empty() || out.len() > MAX_WIDTH {
            return Err(ConfigError::Value {
                name: "features".to_owned(),
                found: out.len().to_string(),
                expected: format!("1 to {MAX_WIDTH} of them"),
            });
        }
        let is_identity = config.impute == Impute::None
            && config.scale == Scale::None
            && lags.is_empty()
            && differences.is_empty()
            && selected.iter().copied().eq(0..names.len());
        Ok(Self {
            selected,
            impute: config.impute,
            lags,
            differences,
            scale: config.scale,
            names: out,
            is_identity,
        })
    }

    /// Whether a row of selected values is left out whole.
    fn leaves_out(&self, selected: &[f64]) -> bool {
        self.impute == Impute::Skip && selected.iter().any(|value| value.is_nan())
    }

    /// How many rows the history holds.
    fn reach(&self) -> usize {
        self.lags
            .iter()
            .chain(&self.differences)
            .map(|(_, back)| *back)
            .max()
            .unwrap_or(0)
    }
}

impl Memory {
    fn stand_in(&self, impute: Impute, place: usize) -> f64 {
        match impute {
            Impute::None | Impute::Skip | Impute::Seasonal => f64::NAN,
            Impute::Zero => 0.0,
            Impute::Last | Impute::Mean => self.stand_in[place],
        }
    }

    fn learn(&mut self, impute: Impute, place: usize, value: f64) {
        /// The running mean forgets at this pace.
        const MEAN_WINDOW: u32 = 1_000;
        let stand_in = &mut self.stand_in[place];
        let count = &mut self.counts[place];
        *count = (*count + 1).min(MEAN_WINDOW);
        if impute == Impute::Mean && *count > 1 {
            *stand_in += (value - *stand_in) / f64::from(*count);
        } else {
            *stand_in = value;
        }
    }

    fn back(&self, width: usize, place: usize, back: usize) -> f64 {
        let rows = self.history.len() / width.max(1);
        rows.checked_sub(back)
            .map_or(f64::NAN, |row| self.history[row * width + place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<Box<str>> {
        names.iter().map(|name| (*name).into()).collect()
    }

    fn run(config: &FeaturesConfig, rows: &[[f64; 2]]) -> Vec<Vec<f64>> {
        let mut features = Features::new(config, &names(&["a", "b"])).expect("valid");
        rows.iter()
            .map(|row| {
                let mut out = Vec::new();
                features.transform(row, &mut out);
                features.observe(row);
                out
            })
            .collect()
    }

    #[test]
    fn lags_and_differences_look_back() {
        let config = FeaturesConfig {
            select: vec!["b".into()],
            lag: vec![Back {
                of: "b".into(),
                by: 2,
            }],
            difference: vec![Back {
                of: "b".into(),
                by: 1,
            }],
            ..Default::default()
        };
        let out = run(&config, &[[0.0, 1.0], [0.0, 4.0], [0.0, 9.0], [0.0, 16.0]]);
        assert!(out[0][1].is_nan() && out[0][2].is_nan());
        assert_eq!(out[2], [9.0, 1.0, 5.0]);
        assert_eq!(out[3], [16.0, 4.0, 7.0]);
    }

    #[test]
    fn a_row_with_a_missing_value_is_left_out_whole() {
        let config = FeaturesConfig {
            impute: Impute::Skip,
            lag: vec![Back {
                of: "a".into(),
                by: 1,
            }],
            ..Default::default()
        };
        let out = run(&config, &[[1.0, 2.0], [3.0, f64::NAN], [5.0, 6.0]]);
        assert!(out[1].iter().all(|value| value.is_nan()));
        assert_eq!(out[2], [5.0, 6.0, 1.0]);
    }

    #[test]
    fn missing_values_get_a_stand_in() {
        let rows = [[1.0, 0.0], [3.0, 0.0], [f64::NAN, 0.0]];
        let at = |impute| {
            run(
                &FeaturesConfig {
                    impute,
                    ..Default::default()
                },
                &rows,
            )[2][0]
        };
        assert_eq!(at(Impute::Last), 3.0);
        assert_eq!(at(Impute::Mean), 2.0);
        assert_eq!(at(Impute::Zero), 0.0);
        assert!(at(Impute::None).is_nan());
    }

    #[test]
    fn robust_scaling_brings_two_scales_together_and_stands_an_outlier() {
        let mut rows: Vec<[f64; 2]> = (0..200)
            .map(|i| [f64::from(i % 10), 1e6 * f64::from(i % 10)])
            .collect();
        rows[150] = [1e9, 1e15];
        rows.push([9.0, 9e6]);
        let out = run(
            &FeaturesConfig {
                scale: Scale::Robust,
                ..Default::default()
            },
            &rows,
        );
        let last = &out[200];
        assert!(
            (last[0] - last[1]).abs() < 1e-9 && last[0] > 0.8 && last[0] < 2.0,
            "{last:?}"
        );
    }

    #[test]
    fn a_wrong_name_offers_the_nearest() {
        let config = FeaturesConfig {
            select: vec!["temprature".into()],
            ..Default::default()
        };
        let error = Features::new(&config, &names(&["temperature", "vibration"]))
            .expect_err("must be refused");
        assert_eq!(
            error.to_string(),
            "unknown value `temprature` (did you mean `temperature`?)"
        );
    }

    #[test]
    fn restored_features_go_on_as_before() {
        let config = FeaturesConfig {
            lag: vec![Back {
                of: "a".into(),
                by: 3,
            }],
            impute: Impute::Mean,
            scale: Scale::Robust,
            ..Default::default()
        };
        let mut whole = Features::new(&config, &names(&["a", "b"])).expect("valid");
        (0..50).for_each(|i| whole.observe(&[f64::from(i), f64::from(i * i % 7)]));
        let bytes = postcard::to_allocvec(whole.memory()).expect("serialises");
        let memory = postcard::from_bytes(&bytes).expect("deserialises");
        let restored = Features::restore(&config, &names(&["a", "b"]), memory).expect("fits");
        let (mut left, mut right) = (Vec::new(), Vec::new());
        whole.transform(&[f64::NAN, 3.0], &mut left);
        restored.transform(&[f64::NAN, 3.0], &mut right);
        assert_eq!(left, right);
        assert!(left.iter().all(|x| x.is_finite()));
    }
}
