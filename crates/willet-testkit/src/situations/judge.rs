//! Who judges: a kind of Willet, or one of two rules of thumb to compare with.

use std::collections::VecDeque;
use std::fmt::{self, Debug, Display};
use std::str::FromStr;

use willet_core::decision::DecisionConfig;
use willet_core::detectors::{Kind, Options, find};
use willet_core::error::ConfigError;
use willet_core::series::{Answer, Series, SeriesConfig};

use super::case::{Case, DAY};

/// What is said of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Said {
    /// Whether it is flagged.
    pub flag: bool,
    /// How strange it is; `None` while warming up or where nothing was there.
    pub score: Option<f64>,
    /// How sure the flag is, or its absence.
    pub confidence: Option<f64>,
}

impl Said {
    /// The probability that the row is an anomaly.
    pub fn probability(&self) -> Option<f64> {
        let flag = self.flag;
        self.confidence
            .map(|sure| if flag { sure } else { 1.0 - sure })
    }
}

/// Judges the rows of one series one after the other.
pub trait Judge: Debug {
    /// Judges a row and learns it. `time` is in seconds.
    fn take(&mut self, row: &[f64], time: Option<i64>) -> Said;
    /// One that knows what this one knows, where it can say how sure it is.
    fn fork(&self) -> Option<Box<dyn Judge>> {
        None
    }
}

/// One that takes part.
#[derive(Clone, Debug)]
pub enum Player {
    /// A kind of the table, by any of its names.
    Kind(String),
    /// A z-score over the last rows.
    RollingZ,
    /// The envelope of the last rows and of the same time of the last days.
    Envelope,
}

/// Those to compare with.
pub const PEERS: &[Player] = &[Player::RollingZ, Player::Envelope];

impl FromStr for Player {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        let peer = PEERS.iter().find(|peer| peer.to_string() == name);
        match peer {
            Some(peer) => Ok(peer.clone()),
            None => find(name).map(|_| Self::Kind(name.to_owned())),
        }
    }
}

impl Display for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kind(name) => name,
            Self::RollingZ => "rolling-zscore",
            Self::Envelope => "envelope",
        })
    }
}

impl Player {
    /// A judge for one of the series of a case. Peers have no settings; a case that names its kind has that one.
    pub fn judge(&self, case: &Case, key: usize) -> Box<dyn Judge> {
        match self {
            Self::Kind(name) => {
                let name = case.kind.unwrap_or(name);
                let key = format!("series-{key}");
                Box::new(Willet::new(name, &case.names, &key, &case.decision))
            }
            Self::RollingZ => Box::new(RollingZ::default()),
            Self::Envelope => Box::new(Envelope::default()),
        }
    }

    /// Whether it can judge such a case.
    pub fn can(&self, case: &Case) -> bool {
        matches!(self, Self::Kind(_)) || case.kind.is_none()
    }
}

/// A series of Willet, as the engine holds one for a key.
#[derive(Debug)]
pub struct Willet {
    kind: &'static Kind,
    options: Options,
    names: Vec<String>,
    key: String,
    decision: DecisionConfig,
    series: Series,
}

impl Willet {
    /// One that has learned nothing. Panics where the settings are wrong: they are the caller's own.
    pub fn new(name: &str, names: &[String], key: &str, decision: &DecisionConfig) -> Self {
        let (kind, options) = find(name).expect("a kind of the table");
        let config = SeriesConfig {
            kind,
            options: &options,
            names: names.to_vec(),
            seed: 0,
            key,
            decision,
            learn_every: 1,
        };
        let series = Series::new(&config).expect("settings that are valid");
        Self {
            series,
            kind,
            names: names.to_vec(),
            key: key.to_owned(),
            decision: decision.clone(),
            options,
        }
    }

    /// The answer to a row, with all that is in it. `time` is in seconds.
    pub fn answer(&mut self, row: &[f64], time: Option<i64>) -> Answer {
        let micros = time.map(|seconds| seconds * 1_000_000);
        self.series
            .take(row, micros)
            .expect("a row of the right width")
    }

    /// The same after it was saved and taken up again.
    #[must_use]
    pub fn restored(&self) -> Self {
        let config = SeriesConfig {
            kind: self.kind,
            options: &self.options,
            names: self.names.clone(),
            seed: 0,
            key: &self.key,
            decision: &self.decision,
            learn_every: 1,
        };
        let series = Series::restore(&config, &self.series.save()).expect("what was saved");
        Self {
            series,
            kind: self.kind,
            options: self.options.clone(),
            names: self.names.clone(),
            key: self.key.clone(),
            decision: self.decision.clone(),
        }
    }
}

impl Judge for Willet {
    fn take(&mut self, row: &[f64], time: Option<i64>) -> Said {
        match self.answer(row, time) {
            Answer::WarmingUp | Answer::Missing => Said::default(),
            Answer::Scored(scored) => Said {
                flag: scored.reason.is_some(),
                score: Some(scored.anomaly_score),
                confidence: Some(scored.confidence),
            },
        }
    }

    fn fork(&self) -> Option<Box<dyn Judge>> {
        Some(Box::new(self.restored()))
    }
}

/// Rows that a peer wants before it says anything.
const FEW: usize = 30;

fn last(values: &mut VecDeque<f64>, x: f64, count: usize) {
    values.push_back(x);
    if values.len() > count {
        values.pop_front();
    }
}

/// Strange is a value more than four deviations from the mean of its last 200.
#[derive(Debug, Default)]
struct RollingZ(Vec<VecDeque<f64>>);

impl Judge for RollingZ {
    fn take(&mut self, row: &[f64], _: Option<i64>) -> Said {
        self.0.resize_with(row.len(), VecDeque::new);
        let mut score: f64 = 0.0;
        for (values, x) in self.0.iter_mut().zip(row).filter(|(_, x)| !x.is_nan()) {
            if values.len() >= FEW {
                let n = values.len() as f64;
                let mean = values.iter().sum::<f64>() / n;
                let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
                // A value that never changed has no deviation: any other one is infinitely far.
                let off = (x - mean).abs();
                if off > 1e-9 * mean.abs() {
                    score = score.max(off / variance.sqrt());
                }
            }
            last(values, *x, 200);
        }
        Said {
            flag: score > 4.0,
            score: Some(score),
            confidence: None,
        }
    }
}

/// Strange is a value outside the range of its last 1,000 by half of that range, or outside what the same time of the last seven days
/// had by a quarter of it.
#[derive(Debug, Default)]
struct Envelope(Vec<VecDeque<f64>>, VecDeque<i64>);

/// Days looked back at.
const DAYS: i64 = 7;

impl Envelope {
    /// Rows of the last days at this time of the day, one more on either side; nothing before there are four days.
    fn same_time(&self, time: i64) -> Vec<usize> {
        let found = (1..=DAYS).filter_map(|day| {
            let then = time - day * DAY;
            let at = self.1.partition_point(|time| *time < then);
            (self.1.front()? <= &then).then_some(at)
        });
        let places: Vec<usize> = found.collect();
        if places.len() < 4 {
            return Vec::new();
        }
        let near = places
            .into_iter()
            .flat_map(|at| [at.saturating_sub(1), at, at + 1]);
        near.filter(|at| *at < self.1.len()).collect()
    }
}

/// Lowest and highest.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .filter(|x| !x.is_nan())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
            (low.min(x), high.max(x))
        })
}

impl Judge for Envelope {
    fn take(&mut self, row: &[f64], time: Option<i64>) -> Said {
        self.0.resize_with(row.len(), VecDeque::new);
        let places = time.map_or(Vec::new(), |time| self.same_time(time));
        let mut score: f64 = 0.0;
        for (values, x) in self.0.iter_mut().zip(row) {
            if values.len() >= FEW && !x.is_nan() {
                let (low, high) = range(values.iter().rev().take(1_000).copied());
                let mut outside = |(low, high): (f64, f64), margin: f64| {
                    let off = (x - high).max(low - x);
                    if off > 1e-9 * x.abs() {
                        score = score.max(off / margin);
                    }
                };
                outside((low, high), 0.5 * (high - low));
                if !places.is_empty() {
                    let then = range(places.iter().map(|at| values[*at]));
                    outside(then, 0.25 * (high - low));
                }
            }
            values.push_back(*x);
        }
        if let Some(time) = time {
            self.1.push_back(time);
            while self
                .1
                .front()
                .is_some_and(|first| *first < time - (DAYS + 1) * DAY)
            {
                self.1.pop_front();
                self.0.iter_mut().for_each(|values| {
                    values.pop_front();
                });
            }
        }
        Said {
            flag: score > 1.0,
            score: Some(score),
            confidence: None,
        }
    }
}
