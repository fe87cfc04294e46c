use serde::{Deserialize, Serialize};

use super::{Method, StatisticalConfig, WARM_UP};
use crate::rows::Expected;
use crate::statistics::{ExponentialMoments, SortedWindow};

/// One feature under one method.
#[derive(Debug)]
pub(super) enum Feature {
    ZScore {
        window: u32,
        moments: ExponentialMoments,
    },
    Ewma {
        window: u32,
        smoothing: f64,
        forecast: Forecast,
    },
    Windowed {
        method: Windowed,
        window: SortedWindow,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::detectors) enum Windowed {
    RobustZScore,
    Iqr,
    Mad,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(in crate::detectors) struct Forecast {
    level: f64,
    /// Moments of the forecast's errors.
    errors: ExponentialMoments,
}

#[derive(Serialize, Deserialize)]
pub(in crate::detectors) enum State {
    ZScore(ExponentialMoments),
    Ewma(Forecast),
    Windowed(Windowed, SortedWindow),
}

/// A normal variable's standard deviation over its median absolute deviation, and over its mean absolute deviation.
const DEVIATION_PER_MAD: f64 = 1.482_602_218_505_602;
const DEVIATION_PER_MEAN_DEVIATION: f64 = 1.253_314_137_315_500_3;
/// A normal variable's interquartile range in standard deviations.
const IQR_PER_DEVIATION: f64 = 1.348_979_500_392_163_5;

impl Feature {
    pub(super) fn new(config: &StatisticalConfig) -> Self {
        let windowed = |method| Self::Windowed {
            method,
            window: SortedWindow::new(config.window_size),
        };
        let window = config.window_size as u32;
        match config.method {
            Method::ZScore => Self::ZScore {
                window,
                moments: ExponentialMoments::default(),
            },
            Method::Ewma => Self::Ewma {
                window,
                smoothing: config.smoothing,
                forecast: Forecast::default(),
            },
            Method::RobustZScore => windowed(Windowed::RobustZScore),
            Method::Iqr => windowed(Windowed::Iqr),
            Method::Mad => windowed(Windowed::Mad),
        }
    }

    /// Strangeness of a value; `None` while too few were learned.
    pub(super) fn score(&self, x: f64) -> Option<f64> {
        if self.len() < WARM_UP {
            return None;
        }
        let Self::Windowed {
            method: Windowed::Iqr,
            window,
        } = self
        else {
            return Some(self.distance(x));
        };
        let (low, high, range) = quartiles(window)?;
        Some((x - high).max(low - x) / range)
    }

    fn len(&self) -> usize {
        match self {
            Self::ZScore { moments, .. } => moments.count() as usize,
            // The first value only sets the level.
            Self::Ewma { forecast, .. } => forecast.errors.count() as usize,
            Self::Windowed { window, .. } => window.len(),
        }
    }

    /// Distance from the middle in about standard deviations, 0 or more.
    pub(super) fn distance(&self, x: f64) -> f64 {
        match self {
            Self::ZScore { moments, .. } => (x - moments.mean()).abs() / moments.deviation(),
            Self::Ewma { forecast, .. } => (x - forecast.level).abs() / forecast.deviation(),
            Self::Windowed { method, window } => {
                let Some(middle) = window.quantile(0.5) else {
                    return 0.0;
                };
                (x - middle).abs() / windowed_deviation(*method, window, middle, x > middle)
            }
        }
    }

    pub(super) fn learn(&mut self, x: f64) {
        match self {
            Self::ZScore { window, moments } => moments.push(x, *window),
            Self::Ewma {
                window,
                smoothing,
                forecast,
            } => forecast.learn(x, *smoothing, *window),
            Self::Windowed { window, .. } => {
                window.push(x);
            }
        }
    }

    pub(super) fn expected(&self) -> Option<Expected> {
        if self.len() < WARM_UP {
            return None;
        }
        Some(match self {
            Self::ZScore { moments, .. } => Expected::around(moments.mean(), moments.deviation()),
            Self::Ewma { forecast, .. } => Expected::around(forecast.level, forecast.deviation()),
            Self::Windowed { method, window } => {
                let middle = window.quantile(0.5)?;
                let side =
                    |above| crate::rows::BAND * windowed_deviation(*method, window, middle, above);
                Expected {
                    low: middle - side(false),
                    middle,
                    high: middle + side(true),
                }
            }
        })
    }

    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::ZScore { .. } | Self::Ewma { .. } => 0,
            Self::Windowed { window, .. } => window.heap_bytes(),
        }
    }

    pub(super) fn save(&self) -> State {
        match self {
            Self::ZScore { moments, .. } => State::ZScore(*moments),
            Self::Ewma { forecast, .. } => State::Ewma(*forecast),
            Self::Windowed { method, window } => State::Windowed(*method, window.clone()),
        }
    }

    pub(super) fn restore(config: &StatisticalConfig, state: State) -> Option<Self> {
        let finite =
            |moments: &ExponentialMoments| moments.mean().is_finite() && moments.variance() >= 0.0;
        match (Self::new(config), state) {
            (Self::ZScore { window, .. }, State::ZScore(moments)) if finite(&moments) => {
                Some(Self::ZScore { window, moments })
            }
            (
                Self::Ewma {
                    window, smoothing, ..
                },
                State::Ewma(forecast),
            ) if finite(&forecast.errors) && forecast.level.is_finite() => Some(Self::Ewma {
                window,
                smoothing,
                forecast,
            }),
            (Self::Windowed { method, .. }, State::Windowed(saved, mut window))
                if method == saved && window.is_sound(config.window_size) =>
            {
                window.grow(config.window_size);
                Some(Self::Windowed { method, window })
            }
            _ => None,
        }
    }
}

impl Forecast {
    fn learn(&mut self, x: f64, smoothing: f64, window: u32) {
        if self.errors.count() == 0 && self.level == 0.0 {
            self.level = x;
        }
        self.errors.push(x - self.level, window);
        self.level += smoothing * (x - self.level);
    }

    /// Root mean square of the errors.
    fn deviation(&self) -> f64 {
        let mean = self.errors.mean();
        (self.errors.variance() + mean * mean)
            .sqrt()
            .max(1e-9 * self.level.abs())
            .max(1e-12)
    }
}

/// First and third quartile and a range that is never 0.
fn quartiles(window: &SortedWindow) -> Option<(f64, f64, f64)> {
    let (low, middle, high) = (
        window.quantile(0.25)?,
        window.quantile(0.5)?,
        window.quantile(0.75)?,
    );
    Some((
        low,
        high,
        (high - low).max(floor(window, middle) * IQR_PER_DEVIATION),
    ))
}

/// A standard deviation's worth of a windowed method on one side of the median.
fn windowed_deviation(method: Windowed, window: &SortedWindow, middle: f64, above: bool) -> f64 {
    let deviation = match method {
        Windowed::RobustZScore => {
            window.median_deviation(middle).unwrap_or(0.0) * DEVIATION_PER_MAD
        }
        Windowed::Iqr => quartiles(window).map_or(0.0, |(_, _, range)| range / IQR_PER_DEVIATION),
        Windowed::Mad => side_deviation(window.sorted(), middle, above) * DEVIATION_PER_MAD,
    };
    if deviation > 0.0 {
        deviation
    } else {
        floor(window, middle)
    }
}

/// Median distance from `middle` of the values on one side of it.
fn side_deviation(sorted: &[f64], middle: f64, above: bool) -> f64 {
    let at = |q: f64, side: &[f64]| {
        crate::statistics::quantile(side, q).map_or(0.0, |x| (x - middle).abs())
    };
    if above {
        at(0.5, &sorted[sorted.partition_point(|x| *x < middle)..])
    } else {
        at(0.5, &sorted[..sorted.partition_point(|x| *x <= middle)])
    }
}

/// The deviation where more than half of the values are equal: the mean absolute deviation, or nearly nothing.
fn floor(window: &SortedWindow, middle: f64) -> f64 {
    let total: f64 = window.sorted().iter().map(|x| (x - middle).abs()).sum();
    let mean = total / window.len().max(1) as f64;
    (mean * DEVIATION_PER_MEAN_DEVIATION)
        .max(1e-9 * middle.abs())
        .max(1e-12)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(method: Method, values: &[f64]) -> Feature {
        let mut feature = Feature::new(&StatisticalConfig {
            method,
            window_size: 100,
            ..Default::default()
        });
        values.iter().for_each(|x| feature.learn(*x));
        feature
    }

    /// Values worked out by hand from the formulas of the papers.
    #[test]
    fn scores_follow_the_formulas() {
        let values: Vec<f64> = (1..=11).map(f64::from).collect();
        let check = |method, x: f64, expected: f64| {
            let found = learned(method, &values).score(x).expect("warm");
            assert!(
                (found - expected).abs() < 1e-12,
                "{method:?} of {x}: {found}, expected {expected}"
            );
        };
        // Mean 6, population variance 10.
        check(Method::ZScore, 16.0, 10.0 / 10f64.sqrt());
        // Median 6, median absolute deviation 3.
        check(Method::RobustZScore, 12.0, 6.0 / (3.0 * DEVIATION_PER_MAD));
        // Quartiles 3.5 and 8.5.
        check(Method::Iqr, 16.0, 7.5 / 5.0);
        check(Method::Iqr, 6.0, -2.5 / 5.0);
        // Above the median 6..=11 lie 0..=5 away, median 2.5.
        check(Method::Mad, 11.0, 5.0 / (2.5 * DEVIATION_PER_MAD));
    }

    #[test]
    fn ewma_forecasts_with_the_smoothed_level() {
        let mut values = vec![10.0; 20];
        values.push(20.0);
        let feature = learned(Method::Ewma, &values);
        let Feature::Ewma { forecast, .. } = &feature else {
            panic!("another method")
        };
        assert!((forecast.level - 13.0).abs() < 1e-12);
        let deviation = (100.0 / 21.0_f64).sqrt();
        assert!((feature.distance(23.0) - 10.0 / deviation).abs() < 1e-9);
    }

    #[test]
    fn mostly_equal_values_still_give_a_scale() {
        let mut values = vec![5.0; 18];
        values.extend([4.0, 6.0]);
        for method in [Method::RobustZScore, Method::Mad, Method::Iqr] {
            let distance = learned(method, &values).distance(6.0);
            assert!((1.0..50.0).contains(&distance), "{method:?} {distance}");
        }
    }
}
