//! A reference window and the newest rows beside it: what the two-sample tests share.

mod cells;
mod chi2;
mod ks;
mod permutation;
mod psi;
mod wasserstein;

pub(super) use chi2::Chi2Test;
pub(super) use ks::KsTest;
pub(super) use permutation::PermutationTest;
pub(super) use psi::PsiTest;
pub(super) use wasserstein::WassersteinTest;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::contract::{Algorithm, FeatureDrift, Level, Reading};
use super::correction::holm;
use crate::error::ConfigError;
use crate::settings::Settings;
use crate::windows::{CountWindow, Slide};

/// What the windows are like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    pub(super) window_size: usize,
    pub(super) reference_window: usize,
    pub(super) significance_level: f64,
    pub(super) min_samples: usize,
}

/// Looks at overlapping windows are not independent: while a window is renewed once there are about as many new chances of a false
/// alarm as so many windows would give. By simulation of independent values at the defaults, where 0.1 false alarms in 10,000 rows are
/// asked for: `ks` gives 0.08, `chi2` and `psi` 0.04.
const LOOKS: f64 = 12.0;
/// A warning is given at so many times the level of significance.
const WARNING: f64 = 5.0;

/// A two-sample test of one feature over a fixed reference and a sliding window.
pub(super) trait WindowTest: Sized + Send + std::fmt::Debug + 'static {
    const NAME: &'static str;
    const ALIASES: &'static [&'static str] = &[];
    const SUMMARY: &'static str;
    const PAPER: &'static str;
    /// Looks once while so large a part of the window is renewed; 0 at every row.
    const STRIDE: usize = 0;
    /// Looks while the window is renewed that give as many chances of a false alarm as if they were independent.
    const LOOKS: f64 = LOOKS;
    type Config: Settings + std::fmt::Debug + Send;

    fn windows(config: &Self::Config) -> Windows;
    /// The smallest p-value it can give, and what makes it so: name and value of the setting, and what it would take for `least`.
    fn smallest_p(_config: &Self::Config) -> Option<(f64, &'static str, usize)> {
        None
    }
    fn new(config: &Self::Config) -> Self;
    /// Takes the sorted values of a new reference; the window is empty.
    fn begin(&mut self, reference: &[f64]);
    /// A value comes into the window and another leaves it.
    fn slide(&mut self, x: f64, leaving: Option<f64>);
    /// The test's answer; `values` are those of the window, and `chance` is a seed that differs from look to look.
    fn look(&mut self, values: impl Iterator<Item = f64> + Clone, chance: u64) -> Look;
    fn heap_bytes(&self) -> usize;
}

/// What a test says of one feature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) statistic: f64,
    pub(super) magnitude: f64,
    pub(super) p_value: f64,
}

#[derive(Debug)]
pub(super) struct Windowed<T: WindowTest> {
    config: T::Config,
    windows: Windows,
    seed: u64,
    /// Rows of the reference, in any order.
    reference: Vec<f64>,
    window: CountWindow,
    rows: u64,
    tests: Vec<T>,
    looks: Vec<Look>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    reference: Vec<f64>,
    window: CountWindow,
    rows: u64,
}

impl<T: WindowTest> Windowed<T> {
    fn width(&self) -> usize {
        self.tests.len()
    }

    fn is_referenced(&self) -> bool {
        self.reference.len() >= self.windows.reference_window * self.width()
    }

    /// Hands the full reference to the tests.
    fn begin(&mut self) {
        let width = self.width();
        let mut sorted = Vec::with_capacity(self.reference.len() / width);
        for (feature, test) in self.tests.iter_mut().enumerate() {
            sorted.clear();
            sorted.extend(self.reference.iter().skip(feature).step_by(width));
            sorted.sort_unstable_by(f64::total_cmp);
            test.begin(&sorted);
        }
    }

    /// The window's rows are the first of the new reference.
    fn renew(&mut self) {
        self.reference.clear();
        for row in self.window.rows().iter() {
            self.reference.extend_from_slice(row);
        }
        self.window = CountWindow::new(Slide::ByRow, self.windows.window_size, self.width());
        if self.is_referenced() {
            self.begin();
        }
    }
}

impl<T: WindowTest> Algorithm for Windowed<T> {
    const NAME: &'static str = T::NAME;
    const ALIASES: &'static [&'static str] = T::ALIASES;
    const SUMMARY: &'static str = T::SUMMARY;
    const PAPER: &'static str = T::PAPER;
    const INPUT: super::contract::Input = super::contract::Input::Values;
    const STATE_VERSION: u16 = 1;
    type Config = T::Config;
    type State = State;

    fn new(config: &T::Config, width: usize, seed: u64) -> Result<Self, ConfigError> {
        let windows = T::windows(config);
        if windows.min_samples > windows.window_size {
            return Err(ConfigError::Value {
                name: "min_samples".to_owned(),
                found: windows.min_samples.to_string(),
                expected: format!("at most window_size, which is {}", windows.window_size),
            });
        }
        if let Some((smallest, name, found)) = T::smallest_p(config) {
            let needed = smallest * T::LOOKS * width as f64 / windows.significance_level;
            if needed > 1.0 {
                return Err(ConfigError::Value {
                    name: name.to_owned(),
                    found: found.to_string(),
                    expected: format!(
                        "at least {:.0}, for {width} features at this significance_level (with fewer no p-value is small enough)",
                        (found as f64 * needed).ceil()
                    ),
                });
            }
        }
        Ok(Self {
            windows,
            seed,
            reference: Vec::new(),
            window: CountWindow::new(Slide::ByRow, windows.window_size, width),
            rows: 0,
            tests: (0..width).map(|_| T::new(config)).collect(),
            looks: Vec::new(),
            config: config.clone(),
        })
    }

    fn update_row(&mut self, row: &[f64], guilty: &mut Vec<FeatureDrift>) -> Reading {
        self.rows += 1;
        if !self.is_referenced() {
            self.reference.extend_from_slice(row);
            if self.is_referenced() {
                self.begin();
            }
            return Reading::NONE;
        }
        let leaving: Option<SmallVec<[f64; 32]>> = self.window.leaving().map(SmallVec::from_slice);
        self.window.push(row);
        for (feature, test) in self.tests.iter_mut().enumerate() {
            test.slide(
                row[feature],
                leaving.as_ref().map(|leaving| leaving[feature]),
            );
        }
        let n = self.window.len();
        let stride = match T::STRIDE {
            0 => 1,
            parts => (self.windows.window_size / parts).max(1) as u64,
        };
        if n < self.windows.min_samples || !self.rows.is_multiple_of(stride) {
            return Reading::NONE;
        }
        self.looks.clear();
        for (feature, test) in self.tests.iter_mut().enumerate() {
            let values = self.window.rows().iter().map(move |row| row[feature]);
            let chance = self.seed ^ crate::random::mix(self.rows ^ (feature as u64) << 48);
            self.looks.push(test.look(values, chance));
        }
        let strongest = self.looks.iter().copied().reduce(|best, look| {
            if look.p_value < best.p_value {
                look
            } else {
                best
            }
        });
        let Some(strongest) = strongest else {
            return Reading::NONE;
        };
        let level = self.windows.significance_level;
        let corrected = |p: f64| (p * T::LOOKS).min(1.0);
        if corrected(strongest.p_value * self.looks.len() as f64) > (level * WARNING).min(0.5) {
            return Reading::quiet(strongest.statistic, strongest.magnitude);
        }
        let mut p_values: Vec<f64> = self.looks.iter().map(|look| look.p_value).collect();
        holm(&mut p_values);
        let least = p_values.iter().copied().fold(1.0, f64::min);
        let (found, bound) = if corrected(least) <= level {
            (Level::Drift, level)
        } else {
            (Level::Warning, level * WARNING)
        };
        for (feature, (look, p)) in self.looks.iter().zip(&p_values).enumerate() {
            if corrected(*p) <= bound {
                guilty.push(FeatureDrift {
                    feature,
                    statistic: look.statistic,
                    p_value: Some(corrected(*p)),
                    magnitude: look.magnitude.clamp(0.0, 1.0),
                });
            }
        }
        if found == Level::Drift {
            self.renew();
        }
        Reading {
            level: found,
            statistic: strongest.statistic,
            p_value: Some(corrected(least)),
            magnitude: strongest.magnitude,
            age: Some(n as u64),
        }
    }

    fn reset(&mut self) {
        self.reference.clear();
        self.rows = 0;
        self.window = CountWindow::new(Slide::ByRow, self.windows.window_size, self.width());
        self.tests = (0..self.width()).map(|_| T::new(&self.config)).collect();
    }

    fn heap_bytes(&self) -> usize {
        self.reference.capacity() * size_of::<f64>()
            + self.window.heap_bytes()
            + self.tests.capacity() * size_of::<T>()
            + self.tests.iter().map(T::heap_bytes).sum::<usize>()
            + self.looks.capacity() * size_of::<Look>()
    }

    fn save(&self) -> State {
        State {
            reference: self.reference.clone(),
            window: self.window.clone(),
            rows: self.rows,
        }
    }

    fn restore(config: &T::Config, width: usize, seed: u64, state: State) -> Result<Self, String> {
        let mut restored = Self::new(config, width, seed).map_err(|error| error.to_string())?;
        let windows = restored.windows;
        let most = windows.reference_window.max(windows.window_size) * width;
        if !state
            .window
            .is_sound(Slide::ByRow, windows.window_size, width)
            || state.window.capacity() != windows.window_size
            || state.rows == u64::MAX
        {
            return Err("its window has another size".to_owned());
        }
        if state.reference.len() > most
            || !state.reference.len().is_multiple_of(width)
            || !state.reference.iter().all(|x| x.is_finite())
        {
            return Err("its reference has another size".to_owned());
        }
        restored.reference = state.reference;
        restored.window = state.window;
        restored.rows = state.rows;
        if restored.is_referenced() {
            restored.begin();
            for row in restored.window.rows().iter() {
                for (test, x) in restored.tests.iter_mut().zip(row) {
                    test.slide(*x, None);
                }
            }
        } else if !restored.window.is_empty() {
            return Err("it has a window but no reference".to_owned());
        }
        Ok(restored)
    }
}
