use serde::{Deserialize, Serialize};

use super::contract::{Algorithm, Alias, Detector, Kind, Options};
use super::find;
use crate::decision::Calibrator;
use crate::error::ConfigError;
use crate::random::mix;
use crate::rows::{Expected, Explanation, Raw, Rows};
use crate::settings::{Choice, Setting, Value};

crate::settings! {
    /// Settings of [`Ensemble`].
    pub(super) struct EnsembleConfig {
        /// The detectors in it: a list of names, or names with their settings.
        members: Members = Members::default(), ();
        /// How their answers become one.
        combine: Combine = Combine::Mean, ();
    }
}

/// The members of an ensemble, each a name with settings.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Members(pub(super) Vec<(String, Options)>);

/// Most members an ensemble may have.
const MAX_MEMBERS: usize = 32;

impl Default for Members {
    fn default() -> Self {
        Self(
            ["statistical", "hst", "iforest"]
                .map(|name| (name.to_owned(), Vec::new()))
                .to_vec(),
        )
    }
}

impl Setting for Members {
    type Range = ();

    fn read(value: &Value, (): &()) -> Option<Self> {
        let members: Option<Vec<_>> = match value {
            Value::List(names) => names
                .iter()
                .map(|name| match name {
                    Value::Text(name) => Some((name.clone(), Vec::new())),
                    _ => None,
                })
                .collect(),
            Value::Map(members) => members
                .iter()
                .map(|(name, settings)| match settings {
                    Value::Map(settings) => {
                        Some((name.clone(), settings.clone().into_iter().collect()))
                    }
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        members.map(Self).filter(|members| members.is_allowed(&()))
    }

    fn is_allowed(&self, (): &()) -> bool {
        (1..=MAX_MEMBERS).contains(&self.0.len())
    }

    fn allowed((): &()) -> String {
        format!("1 to {MAX_MEMBERS} algorithms: a list of names, or a map from name to settings")
    }

    fn show(&self) -> Value {
        Value::List(
            self.0
                .iter()
                .map(|(name, _)| Value::Text(name.clone()))
                .collect(),
        )
    }
}

/// How the members' answers become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Combine {
    /// Their mean.
    Mean,
    /// The largest.
    Max,
    /// The one in the middle.
    Median,
    /// The mean, over all pairs of members, of the larger: between mean and max.
    AverageOfMaxima,
}

impl Choice for Combine {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("mean", Self::Mean),
        ("max", Self::Max),
        ("median", Self::Median),
        ("average_of_maxima", Self::AverageOfMaxima),
    ];
}

/// Several detectors as one: each answer is made comparable (how rare is it for that detector?) before they are combined.
///
/// The score is the mean (or largest, or middle) depth L = −log10 p of the members that are warm. Cost and memory are the
/// sums of the members'.
///
/// # References
/// Aggarwal, Sathe, "Theoretical Foundations and Algorithms for Outlier Ensembles", SIGKDD Explorations 2015.
#[derive(Debug)]
pub(super) struct Ensemble {
    members: Vec<Member>,
    combine: Combine,
}

#[derive(Debug)]
struct Member {
    detector: Box<dyn Detector>,
    calibrator: Calibrator,
}

#[derive(Serialize, Deserialize)]
pub(super) struct MemberState {
    kind: String,
    version: u16,
    bytes: Vec<u8>,
    calibrator: Calibrator,
}

impl Member {
    fn raw(&self, row: &[f64]) -> Raw {
        let mut out = [Raw::WarmingUp];
        self.detector
            .score(Rows::one(row), &mut out)
            .expect("members have the ensemble's width");
        out[0]
    }

    fn learn(&mut self, row: &[f64], raw: Raw) {
        if let Raw::Score(score) = raw {
            self.calibrator.learn(score);
        }
        self.detector
            .learn(Rows::one(row))
            .expect("members have the ensemble's width");
    }

    fn depth(&self, raw: Raw) -> Option<f64> {
        raw.score().and_then(|score| self.calibrator.depth(score))
    }
}

type Resolved = (&'static Kind, Options, u64);

/// Kind, options and seed of each member.
fn resolve(
    config: &EnsembleConfig,
    seed: u64,
) -> Result<Vec<(&'static Kind, Options, u64)>, ConfigError> {
    let member = |(index, (name, settings)): (usize, &(String, Options))| {
        let (kind, mut options) = find(name)?;
        if kind.name == Ensemble::NAME {
            return Err(ConfigError::Value {
                name: "members".to_owned(),
                found: name.clone(),
                expected: "detectors that are not ensembles".to_owned(),
            });
        }
        options.extend(settings.iter().cloned());
        Ok((kind, options, mix(seed ^ index as u64)))
    };
    config.members.0.iter().enumerate().map(member).collect()
}

impl Ensemble {
    fn combined(&self, depths: impl Iterator<Item = f64>) -> Raw {
        let mut depths: Vec<f64> = depths.collect();
        if depths.is_empty() {
            return Raw::WarmingUp;
        }
        Raw::Score(match self.combine {
            Combine::Mean => depths.iter().sum::<f64>() / depths.len() as f64,
            Combine::Max => depths.iter().copied().fold(0.0, f64::max),
            Combine::Median => {
                depths.sort_unstable_by(f64::total_cmp);
                crate::statistics::quantile(&depths, 0.5).unwrap_or(0.0)
            }
            Combine::AverageOfMaxima if depths.len() == 1 => depths[0],
            Combine::AverageOfMaxima => {
                // In rising order the one at `rank` is the larger in `rank` pairs.
                depths.sort_unstable_by(f64::total_cmp);
                let pairs = depths.len() * (depths.len() - 1) / 2;
                let sum: f64 = (0..)
                    .zip(&depths)
                    .map(|(rank, depth)| f64::from(rank) * depth)
                    .sum();
                sum / pairs as f64
            }
        })
    }
}

impl Algorithm for Ensemble {
    const NAME: &'static str = "ensemble";
    const ALIASES: &'static [Alias] = &[];
    const SUMMARY: &'static str = "several detectors as one, their answers made comparable first";
    const PAPER: &'static str = "Aggarwal, Sathe, SIGKDD Explorations 2015";
    const TAKES_MISSING: bool = true;
    const SATURATES: bool = false;
    const STATE_VERSION: u16 = 1;

    type Config = EnsembleConfig;
    type State = Vec<MemberState>;

    fn new(config: &EnsembleConfig, width: usize, seed: u64) -> Result<Self, ConfigError> {
        let build = |(kind, options, seed): Resolved| {
            let detector = kind
                .build(&options, width, seed)
                .map_err(|error| error.within(kind.name))?;
            Ok(Member {
                detector,
                calibrator: Calibrator::default(),
            })
        };
        let members: Result<Vec<Member>, ConfigError> =
            resolve(config, seed)?.into_iter().map(build).collect();
        Ok(Self {
            members: members?,
            combine: config.combine,
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        self.combined(
            self.members
                .iter()
                .filter_map(|member| member.depth(member.raw(row))),
        )
    }

    fn learn_row(&mut self, row: &[f64]) {
        for member in &mut self.members {
            let raw = member.raw(row);
            member.learn(row, raw);
        }
    }

    fn score_learn_row(&mut self, row: &[f64]) -> Raw {
        let raws: Vec<Raw> = self.members.iter().map(|member| member.raw(row)).collect();
        let combined = self.combined(
            self.members
                .iter()
                .zip(&raws)
                .filter_map(|(member, raw)| member.depth(*raw)),
        );
        for (member, raw) in self.members.iter_mut().zip(raws) {
            member.learn(row, raw);
        }
        combined
    }

    /// The members' contributions, each weighed by how strange its member finds the row.
    fn explain_row(&self, row: &[f64]) -> Explanation {
        let mut weights = vec![0.0; row.len()];
        let mut expected: Vec<Expected> = Vec::new();
        for member in &self.members {
            let Some(depth) = member.depth(member.raw(row)) else {
                continue;
            };
            let explanation = member
                .detector
                .explain(row)
                .expect("members have the ensemble's width");
            weights
                .iter_mut()
                .zip(&explanation.contributions)
                .for_each(|(weight, share)| *weight += depth * share);
            if expected.is_empty() {
                expected = explanation.expected;
            }
        }
        Explanation::from_weights(weights, expected)
    }

    fn expected(&self) -> Vec<Expected> {
        let mut members = self.members.iter().map(|member| member.detector.expected());
        members
            .find(|expected| !expected.is_empty())
            .unwrap_or_default()
    }

    fn heap_bytes(&self) -> usize {
        let member = |member: &Member| {
            size_of::<Member>() + member.detector.memory_bytes() + member.calibrator.heap_bytes()
        };
        self.members.iter().map(member).sum()
    }

    fn save(&self) -> Self::State {
        let member = |member: &Member| {
            let snapshot = member.detector.snapshot();
            MemberState {
                kind: snapshot.kind.to_owned(),
                version: snapshot.version,
                bytes: snapshot.bytes,
                calibrator: member.calibrator.clone(),
            }
        };
        self.members.iter().map(member).collect()
    }

    fn restore(
        config: &EnsembleConfig,
        width: usize,
        seed: u64,
        state: Self::State,
    ) -> Result<Self, String> {
        let resolved = resolve(config, seed).map_err(|error| error.to_string())?;
        if resolved.len() != state.len() {
            return Err(format!(
                "it has {} members, expected {}",
                state.len(),
                resolved.len()
            ));
        }
        let member = |((kind, options, seed), state): (Resolved, MemberState)| {
            if kind.name != state.kind || !state.calibrator.is_sound() {
                return Err(format!(
                    "a member is of kind `{}`, expected `{}`",
                    state.kind, kind.name
                ));
            }
            let detector = kind.restore(&options, width, seed, state.version, &state.bytes);
            Ok(Member {
                detector: detector.map_err(|error| error.to_string())?,
                calibrator: state.calibrator,
            })
        };
        let members: Result<Vec<Member>, String> =
            resolved.into_iter().zip(state).map(member).collect();
        Ok(Self {
            members: members?,
            combine: config.combine,
        })
    }
}
