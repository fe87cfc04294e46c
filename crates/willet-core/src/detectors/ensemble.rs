use serde::{Deserialize, Serialize};

use super::contract::{Algorithm, Alias, Detector, Kind, Options};
use super::find;
use super::glance::Glance;
use crate::decision::{Calibrator, Scale};
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
    /// Their mean, each weighed by how near it has been to the middle one.
    Weighted,
    /// That of the member which has been nearest to the middle one.
    Switch,
}

impl Choice for Combine {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("mean", Self::Mean),
        ("max", Self::Max),
        ("median", Self::Median),
        ("average_of_maxima", Self::AverageOfMaxima),
        ("weighted", Self::Weighted),
        ("switch", Self::Switch),
    ];
}

#[doc = include_str!("pages/ensemble.md")]
#[derive(Debug)]
pub(super) struct Ensemble {
    members: Vec<Member>,
    combine: Combine,
    /// The member whose answer counts under `switch`.
    leading: usize,
    /// What the members said of the last row.
    said: Glance<[Raw; MAX_MEMBERS]>,
}

#[derive(Debug)]
struct Member {
    name: &'static str,
    detector: Box<dyn Detector>,
    scale: Scale,
    apart: Apart,
}

/// How far a member's depth has been from the middle one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Apart {
    mean: f64,
    count: u32,
    /// Scores that were not a number, since the last one that was.
    failures: u32,
}

/// Rows over which members are compared.
const COMPARED_ROWS: u32 = 1_000;
/// Rows before a comparison means anything.
const COMPARED_FROM: u32 = 100;
/// Another member leads only when it has been this much nearer: else chance would change the leader all the time.
const NEARER: f64 = 0.8;

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    members: Vec<MemberState>,
    leading: usize,
}

#[derive(Serialize, Deserialize)]
struct MemberState {
    kind: String,
    version: u16,
    bytes: Vec<u8>,
    scale: Scale,
    apart: Apart,
}

/// A member of version 1.
#[derive(Deserialize)]
struct FormerMember {
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

    fn score_learn(&mut self, row: &[f64]) -> Raw {
        let mut out = [Raw::WarmingUp];
        self.detector
            .score_learn(Rows::one(row), &mut out)
            .expect("members have the ensemble's width");
        out[0]
    }

    fn learn(&mut self, row: &[f64]) {
        self.detector
            .learn(Rows::one(row))
            .expect("members have the ensemble's width");
    }

    /// The depth of a score; `None` while the member warms up, or where it fails.
    fn depth(&self, raw: Raw) -> Option<f64> {
        let score = raw.score().filter(|score| score.is_finite())?;
        self.scale.depth(score)
    }

    /// Takes in what it said and how far that was from the middle.
    fn note(&mut self, raw: Raw, depth: Option<f64>, middle: Option<f64>) {
        let Raw::Score(score) = raw else {
            return;
        };
        if !score.is_finite() {
            self.apart.failures = self.apart.failures.saturating_add(1);
            return;
        }
        self.apart.failures = 0;
        self.scale.learn(score, depth);
        if let (Some(depth), Some(middle)) = (depth, middle) {
            self.apart.count = (self.apart.count + 1).min(COMPARED_ROWS);
            let off = (depth - middle).abs() - self.apart.mean;
            self.apart.mean += off / f64::from(self.apart.count);
        }
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
    /// One answer of the members' depths, and the middle one of them.
    fn combined(&self, depths: &[Option<f64>]) -> (Raw, Option<f64>) {
        let mut known = [0.0; MAX_MEMBERS];
        let mut count = 0;
        for depth in depths.iter().flatten() {
            known[count] = *depth;
            count += 1;
        }
        let known = &mut known[..count];
        known.sort_unstable_by(f64::total_cmp);
        let Some(middle) = crate::statistics::quantile(known, 0.5) else {
            return (Raw::WarmingUp, None);
        };
        let pairs = (0..)
            .zip(depths)
            .filter_map(|(of, depth)| Some((of, (*depth)?)));
        let answer = match self.combine {
            Combine::Mean => known.iter().sum::<f64>() / count as f64,
            Combine::Max => known[count - 1],
            Combine::Median => middle,
            Combine::AverageOfMaxima if count == 1 => middle,
            Combine::AverageOfMaxima => {
                // In rising order the one at `rank` is the larger in `rank` pairs.
                let sum: f64 = (0..)
                    .zip(&*known)
                    .map(|(rank, depth)| f64::from(rank) * depth)
                    .sum();
                sum / (count * (count - 1) / 2) as f64
            }
            Combine::Weighted => {
                let weight = |of: usize| 1.0 / (0.1 + self.members[of].apart.mean);
                let (sum, weights) = pairs.fold((0.0, 0.0), |(sum, weights), (of, depth)| {
                    (sum + weight(of) * depth, weights + weight(of))
                });
                sum / weights
            }
            Combine::Switch => depths[self.leading].unwrap_or(middle),
        };
        (Raw::Score(answer), Some(middle))
    }

    fn depths(&self, raw: impl Fn(usize, &Member) -> Raw) -> [Option<f64>; MAX_MEMBERS] {
        let mut depths = [None; MAX_MEMBERS];
        for (of, (depth, member)) in depths.iter_mut().zip(&self.members).enumerate() {
            *depth = member.depth(raw(of, member));
        }
        depths
    }

    /// Takes in what the members said.
    fn note(&mut self, raws: &[Raw], depths: &[Option<f64>], middle: Option<f64>) {
        let members = self.members.iter_mut().zip(raws).zip(depths);
        for ((member, raw), depth) in members {
            member.note(*raw, *depth, middle);
        }
        let apart = |of: &usize| self.members[*of].apart.mean;
        let compared = |of: &usize| self.members[*of].apart.count >= COMPARED_FROM;
        let nearest = (0..self.members.len())
            .filter(compared)
            .min_by(|a, b| apart(a).total_cmp(&apart(b)));
        if let Some(nearest) = nearest
            && (apart(&nearest) < NEARER * apart(&self.leading) || !compared(&self.leading))
        {
            self.leading = nearest;
        }
    }
}

impl Algorithm for Ensemble {
    const NAME: &'static str = "ensemble";
    const ALIASES: &'static [Alias] = &[];
    const SUMMARY: &'static str = "several detectors as one, their answers made comparable first";
    const PAPER: &'static str = "Aggarwal, Sathe, SIGKDD Explorations 2015";
    const PAGE: &'static str = include_str!("pages/ensemble.md");
    const TAKES_MISSING: bool = true;
    const SATURATES: bool = false;
    const STATE_VERSION: u16 = 2;

    type Config = EnsembleConfig;
    type State = State;

    fn new(config: &EnsembleConfig, width: usize, seed: u64) -> Result<Self, ConfigError> {
        let build = |(kind, options, seed): Resolved| {
            let detector = kind
                .build(&options, width, seed)
                .map_err(|error| error.within(kind.name))?;
            Ok(Member {
                name: kind.name,
                detector,
                scale: Scale::default(),
                apart: Apart::default(),
            })
        };
        let members: Result<Vec<Member>, ConfigError> =
            resolve(config, seed)?.into_iter().map(build).collect();
        Ok(Self {
            members: members?,
            combine: config.combine,
            leading: 0,
            said: Glance::default(),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        let mut raws = [Raw::WarmingUp; MAX_MEMBERS];
        for (raw, member) in raws.iter_mut().zip(&self.members) {
            *raw = member.raw(row);
        }
        self.said.put(row, raws);
        let depths = self.depths(|of, _| raws[of]);
        self.combined(&depths[..self.members.len()]).0
    }

    fn learn_row(&mut self, row: &[f64]) {
        self.score_learn_row(row);
    }

    fn score_learn_row(&mut self, row: &[f64]) -> Raw {
        let raws = if let Some(raws) = self.said.take(row) {
            self.members.iter_mut().for_each(|member| member.learn(row));
            raws
        } else {
            let mut raws = [Raw::WarmingUp; MAX_MEMBERS];
            for (raw, member) in raws.iter_mut().zip(&mut self.members) {
                *raw = member.score_learn(row);
            }
            raws
        };
        let count = self.members.len();
        let depths = self.depths(|of, _| raws[of]);
        let (combined, middle) = self.combined(&depths[..count]);
        self.note(&raws[..count], &depths[..count], middle);
        combined
    }

    fn pass_row(&mut self, row: &[f64]) {
        self.said.clear();
        for member in &mut self.members {
            member
                .detector
                .pass(Rows::one(row))
                .expect("members have the ensemble's width");
        }
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

    /// Who leads is found out anew, from what comes now.
    fn adapt(&mut self) {
        for member in &mut self.members {
            member.apart.count = 0;
            member.apart.mean = 0.0;
        }
    }

    /// What the members tell, who leads, and who fails.
    fn about(&self) -> Option<String> {
        let mut told = Vec::new();
        for (of, member) in self.members.iter().enumerate() {
            let name = member.name;
            if member.apart.failures > 0 {
                let failures = member.apart.failures;
                told.push(format!(
                    "{name} is left out: its last {failures} scores are not numbers"
                ));
            }
            if self.combine == Combine::Switch && of == self.leading {
                told.push(format!("{name} answers"));
            }
            told.extend(
                member
                    .detector
                    .about()
                    .map(|about| format!("{name}: {about}")),
            );
        }
        (!told.is_empty()).then(|| told.join("; "))
    }

    fn heap_bytes(&self) -> usize {
        let member = |member: &Member| {
            size_of::<Member>() + member.detector.memory_bytes() + member.scale.heap_bytes()
        };
        self.members.iter().map(member).sum()
    }

    fn save(&self) -> State {
        let member = |member: &Member| {
            let snapshot = member.detector.snapshot();
            MemberState {
                kind: snapshot.kind.to_owned(),
                version: snapshot.version,
                bytes: snapshot.bytes,
                scale: member.scale.clone(),
                apart: member.apart,
            }
        };
        State {
            members: self.members.iter().map(member).collect(),
            leading: self.leading,
        }
    }

    fn restore(
        config: &EnsembleConfig,
        width: usize,
        seed: u64,
        state: State,
    ) -> Result<Self, String> {
        let resolved = resolve(config, seed).map_err(|error| error.to_string())?;
        if resolved.len() != state.members.len() || state.leading >= resolved.len() {
            return Err(format!(
                "it has {} members, expected {}",
                state.members.len(),
                resolved.len()
            ));
        }
        let leading = state.leading;
        let member = |((kind, options, seed), state): (Resolved, MemberState)| {
            let apart_is_sound = state.apart.mean.is_finite() && state.apart.count <= COMPARED_ROWS;
            if kind.name != state.kind || !state.scale.is_sound() || !apart_is_sound {
                return Err(format!(
                    "a member is of kind `{}`, expected `{}`",
                    state.kind, kind.name
                ));
            }
            let detector = kind.restore(&options, width, seed, state.version, &state.bytes);
            Ok(Member {
                name: kind.name,
                detector: detector.map_err(|error| error.to_string())?,
                scale: state.scale,
                apart: state.apart,
            })
        };
        let members: Result<Vec<Member>, String> = resolved
            .into_iter()
            .zip(state.members)
            .map(member)
            .collect();
        Ok(Self {
            members: members?,
            combine: config.combine,
            leading,
            said: Glance::default(),
        })
    }

    /// In version 1 the scale had no guard and members were not compared.
    fn read_former(version: u16, bytes: &[u8]) -> Result<(State, &[u8]), String> {
        if version != 1 {
            return Err(format!("version {version} was never written"));
        }
        let (former, rest): (Vec<FormerMember>, _) =
            postcard::take_from_bytes(bytes).map_err(|error| error.to_string())?;
        let member = |former: FormerMember| MemberState {
            kind: former.kind,
            version: former.version,
            bytes: former.bytes,
            scale: Scale::from(former.calibrator),
            apart: Apart::default(),
        };
        let members = former.into_iter().map(member).collect();
        Ok((
            State {
                members,
                leading: 0,
            },
            rest,
        ))
    }
}
