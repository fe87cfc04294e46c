use serde::{Deserialize, Serialize};

use super::contract::{Input, Level, Reading};
use super::per_feature::Univariate;
use crate::error::ConfigError;

crate::settings! {
    /// Settings of [`Ddm`].
    pub(super) struct DdmConfig {
        /// Values before the first alarm.
        warm_start: usize = 30, 1..=1_000_000;
        /// A warning where the error rate is so many standard deviations above its best.
        warning_threshold: f64 = 2.0, 0.0..=100.0;
        /// A drift where it is so many above.
        drift_threshold: f64 = 3.0, 0.0..=100.0;
    }
}

/// A model's error rate against the best it had. Sees worse, not better. Quick on sudden changes, slow on gradual ones.
///
/// # References
/// Gama, Medas, Castillo, Rodrigues, "Learning with Drift Detection", SBIA 2004.
#[derive(Debug)]
pub(super) struct Ddm {
    config: DdmConfig,
    rate: Rate,
}

/// Saved as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Rate {
    values: u64,
    errors: f64,
    best: Option<(f64, f64)>,
    /// Number of the value at which the warning began; 0 where there is none.
    warned: u64,
}

impl Rate {
    const NEW: Self = Self {
        values: 0,
        errors: 0.0,
        best: None,
        warned: 0,
    };
}

/// What counts as a mistake.
pub(super) fn is_error(x: f64) -> bool {
    x > 0.5
}

impl Univariate for Ddm {
    const NAME: &'static str = "ddm";
    const SUMMARY: &'static str = "a model's error rate against its best, in standard deviations";
    const PAPER: &'static str = "Gama, Medas, Castillo, Rodrigues, SBIA 2004";
    const INPUT: Input = Input::Errors;
    type Config = DdmConfig;
    type State = Rate;

    fn new(config: &DdmConfig, _width: usize, _: usize, _: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            config: config.clone(),
            rate: Rate::NEW,
        })
    }

    fn push(&mut self, x: f64) -> Reading {
        let rate = &mut self.rate;
        let x = f64::from(u8::from(is_error(x)));
        rate.values += 1;
        let n = rate.values as f64;
        rate.errors += 1.0 / n * (x - rate.errors);
        let p = rate.errors;
        let s = (p * (1.0 - p) / n).max(0.0).sqrt();
        if rate.values <= self.config.warm_start as u64 {
            return Reading::NONE;
        }
        let (best, spread) = match rate.best {
            Some((best, spread)) if p + s > best + spread => (best, spread),
            _ => {
                rate.best = Some((p, s));
                (p, s)
            }
        };
        let above = p + s - best;
        let statistic = if spread > 0.0 { above / spread } else { 0.0 };
        let magnitude = (p - best).clamp(0.0, 1.0);
        let level = if p + s > best + self.config.drift_threshold * spread {
            Level::Drift
        } else if p + s > best + self.config.warning_threshold * spread {
            Level::Warning
        } else {
            rate.warned = 0;
            return Reading::quiet(statistic, magnitude);
        };
        if rate.warned == 0 {
            rate.warned = rate.values;
        }
        let reading = Reading {
            level,
            statistic,
            p_value: None,
            magnitude,
            age: Some(rate.values - rate.warned + 1),
        };
        if level == Level::Drift {
            *rate = Rate::NEW;
        }
        reading
    }

    fn save(&self) -> Rate {
        self.rate.clone()
    }

    fn load(&mut self, state: Rate) -> Result<(), &'static str> {
        let unit = |x: f64| (0.0..=1.0).contains(&x);
        let best = state.best.is_none_or(|(p, s)| unit(p) && unit(s));
        if !unit(state.errors) || !best || state.warned > state.values || state.values == u64::MAX {
            return Err("its rates are not rates");
        }
        self.rate = state;
        Ok(())
    }
}

crate::settings! {
    /// Settings of [`Eddm`].
    pub(super) struct EddmConfig {
        /// Values and errors before the first alarm.
        warm_start: usize = 30, 1..=1_000_000;
        /// A warning where the distance between errors falls below this share of the largest it was.
        alpha: f64 = 0.95, 0.0..=1.0;
        /// A drift where it falls below this share; at most `alpha`.
        beta: f64 = 0.9, 0.0..=1.0;
    }
}

/// The distance between a model's errors against the largest it was. For changes too slow for [`Ddm`]; alarms more often without one.
///
/// # References
/// Baena-García and others, "Early Drift Detection Method", IWKDDS 2006.
#[derive(Debug)]
pub(super) struct Eddm {
    config: EddmConfig,
    gaps: Gaps,
}

/// Saved as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Gaps {
    values: u64,
    errors: u64,
    last: u64,
    mean: f64,
    squares: f64,
    largest: f64,
    warned: u64,
    is_warning: bool,
}

impl Gaps {
    const NEW: Self = Self {
        values: 0,
        errors: 0,
        last: 0,
        mean: 0.0,
        squares: 0.0,
        largest: -1.0,
        warned: 0,
        is_warning: false,
    };
}

impl Univariate for Eddm {
    const NAME: &'static str = "eddm";
    const SUMMARY: &'static str = "the distance between a model's errors; for slow changes";
    const PAPER: &'static str = "Baena-García and others, IWKDDS 2006";
    const INPUT: Input = Input::Errors;
    type Config = EddmConfig;
    type State = Gaps;

    fn new(config: &EddmConfig, _width: usize, _: usize, _: u64) -> Result<Self, ConfigError> {
        if config.alpha < config.beta {
            return Err(ConfigError::Value {
                name: "beta".to_owned(),
                found: config.beta.to_string(),
                expected: format!("at most alpha, which is {}", config.alpha),
            });
        }
        Ok(Self {
            config: config.clone(),
            gaps: Gaps::NEW,
        })
    }

    fn push(&mut self, x: f64) -> Reading {
        let gaps = &mut self.gaps;
        gaps.values += 1;
        let mut statistic = 0.0;
        if is_error(x) {
            gaps.errors += 1;
            let gap = (gaps.values - gaps.last) as f64;
            let before = gaps.mean;
            gaps.mean += 1.0 / gaps.errors as f64 * (gap - gaps.mean);
            gaps.squares += (gap - before) * (gap - gaps.mean);
            gaps.last = gaps.values;
            if gaps.values > self.config.warm_start as u64 {
                let variance = if gaps.errors > 1 {
                    gaps.squares / (gaps.errors - 1) as f64
                } else {
                    0.0
                };
                let reach = gaps.mean + 2.0 * variance.max(0.0).sqrt();
                if reach > gaps.largest {
                    gaps.largest = reach;
                } else if gaps.errors > self.config.warm_start as u64 {
                    let share = reach / gaps.largest;
                    statistic = 1.0 - share;
                    if share < self.config.beta {
                        let since = if gaps.warned == 0 {
                            gaps.values
                        } else {
                            gaps.warned
                        };
                        let reading = Reading {
                            level: Level::Drift,
                            statistic,
                            p_value: None,
                            magnitude: statistic,
                            age: Some(gaps.values - since + 1),
                        };
                        *gaps = Gaps::NEW;
                        return reading;
                    }
                    gaps.is_warning = share < self.config.alpha;
                    if !gaps.is_warning {
                        gaps.warned = 0;
                    } else if gaps.warned == 0 {
                        gaps.warned = gaps.values;
                    }
                }
            }
        }
        // A warning stands until the next error takes it back.
        if !gaps.is_warning {
            return Reading::quiet(statistic, statistic);
        }
        Reading {
            level: Level::Warning,
            statistic,
            p_value: None,
            magnitude: statistic,
            age: Some(gaps.values - gaps.warned + 1),
        }
    }

    fn save(&self) -> Gaps {
        self.gaps.clone()
    }

    fn load(&mut self, state: Gaps) -> Result<(), &'static str> {
        let finite = [state.mean, state.squares, state.largest];
        if !finite.iter().all(|x| x.is_finite())
            || state.largest == 0.0
            || [state.errors, state.last, state.warned]
                .iter()
                .any(|n| *n > state.values)
            || state.values == u64::MAX
        {
            return Err("its counts do not fit together");
        }
        self.gaps = state;
        Ok(())
    }
}
