//! The configuration of a stream, as written and as checked.

mod drift;
mod gather;
mod retrain;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use willet_core::decision::{DecisionConfig, Policy};
use willet_core::detectors::{Kind, Options, find};
use willet_core::error::ConfigError;
use willet_core::features::FeaturesConfig;
use willet_core::settings::Value;
use willet_core::windows::{BucketConfig, WindowConfig};

use crate::calendar::{Calendars, WallClock};
use crate::codec::{self, InputConfig};
use crate::event::Timestamp;
pub use drift::{Adaptation, DriftConfig};
pub(crate) use drift::{DriftPlan, PerformancePlan};
pub(crate) use gather::{GatherPlan, Gathers, STRANGENESS};
pub use retrain::RetrainConfig;

/// A stream: what comes in, what is made of it, how it is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamConfig {
    /// Name of the stream.
    pub name: String,
    /// How records are understood.
    pub input: InputConfig,
    /// Events put together by equal stretches of event time; then these are judged, not events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<BucketConfig>,
    /// Windows over events, judged as a whole; not together with `bucket`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows: Option<WindowConfig>,
    /// What stands before the detector; behind buckets and windows.
    pub features: FeaturesConfig,
    /// The detector and its settings.
    pub detector: DetectorConfig,
    /// How scores become decisions.
    pub decision: DecisionConfig,
    /// How changes of what is normal are found.
    pub drift: DriftConfig,
    /// When series are trained anew, and on what.
    #[serde(skip_serializing_if = "is_usual")]
    pub retrain: RetrainConfig,
    /// Whose clock seasons follow: a name in the IANA time-zone database.
    #[serde(skip_serializing_if = "is_utc")]
    pub time_zone: String,
    /// Seed that the seeds of all series come from.
    pub seed: u64,
    /// How far an event may lie behind its series before it is marked late, in milliseconds.
    pub allowed_lateness_ms: u64,
    /// How many event ids are remembered to find duplicates; 0 looks for none.
    pub duplicate_window: usize,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            input: InputConfig::default(),
            bucket: None,
            windows: None,
            features: FeaturesConfig::default(),
            detector: DetectorConfig::default(),
            decision: DecisionConfig::default(),
            drift: DriftConfig::default(),
            retrain: RetrainConfig::default(),
            time_zone: "UTC".to_owned(),
            seed: 0,
            allowed_lateness_ms: 0,
            duplicate_window: 10_000,
        }
    }
}

fn is_usual(config: &RetrainConfig) -> bool {
    *config == RetrainConfig::default()
}

fn is_utc(zone: &str) -> bool {
    zone == "UTC"
}

/// A kind of detector by any of its names, with settings of that kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectorConfig {
    /// Name or alias of the kind.
    #[serde(default = "default_algorithm")]
    pub algorithm: String,
    /// Settings of the kind; `willet detectors` lists them.
    #[serde(flatten)]
    pub settings: BTreeMap<String, Value>,
}

fn default_algorithm() -> String {
    "auto".to_owned()
}

impl Default for DetectorConfig {
    fn default() -> Self {
        Self {
            algorithm: default_algorithm(),
            settings: BTreeMap::new(),
        }
    }
}

/// A stream that cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A setting of the stream, its detector or its decision.
    #[error(transparent)]
    Setting(#[from] ConfigError),
    /// How its records are to be understood.
    #[error("input: {0}")]
    Input(#[from] codec::ConfigError),
}

impl PlanError {
    fn value(name: &str, found: String, expected: String) -> Self {
        Self::Setting(ConfigError::Value {
            name: name.to_owned(),
            found,
            expected,
        })
    }
}

/// Whether a setting is what it was, or a window that became longer.
fn is_same_or_longer(name: &str, new: Option<&Value>, old: Option<&Value>) -> bool {
    match (new, old) {
        (Some(Value::Number(new)), Some(Value::Number(old))) if name == "window_size" => new >= old,
        (Some(Value::Map(new)), Some(Value::Map(old))) => new
            .keys()
            .chain(old.keys())
            .all(|name| is_same_or_longer(name, new.get(name), old.get(name))),
        (new, old) => new == old,
    }
}

/// Most ids a duplicate window may hold.
const MAX_DUPLICATE_WINDOW: usize = 10_000_000;

/// A [`StreamConfig`] that was checked.
#[derive(Clone, Debug)]
pub struct Plan {
    config: StreamConfig,
    kind: &'static Kind,
    options: Options,
    policy: Policy,
    calendars: Calendars,
    wall_clock: Option<WallClock>,
    drift: DriftPlan,
    gather: Option<GatherPlan>,
    /// Rises whenever what a series learns changes.
    model_version: u32,
    /// The plans before this one, oldest first, each without its own: while a series warms up under this plan, what it
    /// learned under one of these answers.
    former: Vec<Plan>,
}

/// Former plans that are remembered: whoever changes a stream faster than its series warm up loses the oldest.
const FORMER_PLANS: usize = 4;

impl Plan {
    /// Checks a configuration.
    pub fn new(config: StreamConfig, model_version: u32) -> Result<Self, PlanError> {
        let (kind, mut options) = find(&config.detector.algorithm)?;
        options.extend(
            config
                .detector
                .settings
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        kind.check(&options)
            .map_err(|error| error.within("detector"))?;
        let policy =
            Policy::try_from(&config.decision).map_err(|error| error.within("decision"))?;
        let calendars =
            Calendars::new(&config.decision).map_err(|error| error.within("decision"))?;
        let wall_clock = WallClock::new(&config.time_zone)?;
        let drift =
            DriftPlan::new(&config.drift, kind.name).map_err(|error| error.within("drift"))?;
        config
            .retrain
            .check()
            .map_err(|error| error.within("retrain"))?;
        let gather = GatherPlan::new(&config, model_version)?;
        config.input.validate()?;
        if config.duplicate_window > MAX_DUPLICATE_WINDOW {
            let expected = format!("a whole number from 0 to {MAX_DUPLICATE_WINDOW}");
            return Err(PlanError::value(
                "duplicate_window",
                config.duplicate_window.to_string(),
                expected,
            ));
        }
        let name_is_sound = !config.name.is_empty()
            && config.name.len() <= 249
            && config
                .name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if !name_is_sound {
            let expected = "1 to 249 letters, digits, `.`, `_` or `-`".to_owned();
            return Err(PlanError::value(
                "name",
                format!("{:?}", config.name),
                expected,
            ));
        }
        Ok(Self {
            config,
            kind,
            options,
            policy,
            calendars,
            wall_clock,
            drift,
            gather,
            model_version,
            former: Vec::new(),
        })
    }

    /// The plan of saved configurations: the one in force, and those before it with their versions.
    pub(crate) fn with_former(
        config: StreamConfig,
        model_version: u32,
        former: impl IntoIterator<Item = (u32, StreamConfig)>,
    ) -> Result<Self, PlanError> {
        let former = former
            .into_iter()
            .map(|(version, config)| Self::new(config, version));
        Ok(Self {
            former: former.collect::<Result<_, _>>()?,
            ..Self::new(config, model_version)?
        })
    }

    /// The plan of a changed configuration: a new model version where what series learn changes.
    pub fn changed(&self, config: StreamConfig) -> Result<Self, PlanError> {
        let gathers_alike = GatherPlan::of(&config) == GatherPlan::of(&self.config);
        let is_same_model = gathers_alike
            && config.features == self.config.features
            && config.detector == self.config.detector
            && config.seed == self.config.seed;
        let mut former = self.former.clone();
        if !gathers_alike {
            // Who learned events has nothing to say of buckets.
            former.clear();
        } else if !is_same_model {
            former.push(Self {
                former: Vec::new(),
                ..self.clone()
            });
            let excess = former.len().saturating_sub(FORMER_PLANS);
            former.drain(..excess);
        }
        let version = self.model_version + u32::from(!is_same_model);
        Ok(Self {
            former,
            ..Self::new(config, version)?
        })
    }

    /// The plan of this version, if it is this one or one shortly before it.
    pub(crate) fn of_version(&self, version: u32) -> Option<&Self> {
        if version == self.model_version {
            return Some(self);
        }
        self.former
            .iter()
            .find(|plan| plan.model_version == version)
    }

    /// The algorithm, as it was called in the configuration, of this version or of one shortly before it.
    pub fn algorithm_of(&self, version: u32) -> &str {
        let plan = self.of_version(version).unwrap_or(self);
        &plan.config.detector.algorithm
    }

    /// The plans before this one.
    pub(crate) fn former(&self) -> &[Self] {
        &self.former
    }

    /// Whether a series that learned under `older` can go on as it is: only windows became longer.
    pub(crate) fn only_grows(&self, older: &Self) -> bool {
        self.kind.name == older.kind.name
            && self.config.features == older.config.features
            && self.config.seed == older.config.seed
            && is_same_or_longer("", Some(&self.all_options()), Some(&older.all_options()))
    }

    /// All settings of the detector as one value, those that nobody chose at their defaults.
    fn all_options(&self) -> Value {
        let settings = self.kind.settings.iter();
        let defaults = settings.map(|setting| (setting.name.to_owned(), (setting.default)()));
        Value::Map(defaults.chain(self.options.iter().cloned()).collect())
    }

    /// The same plan with all series to start anew.
    #[must_use]
    pub fn reset(mut self) -> Self {
        self.model_version += 1;
        self.gather = self
            .gather
            .map(|gather| gather.of_version(self.model_version));
        self.former.clear();
        self
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &StreamConfig {
        &self.config
    }

    /// Kind of the detector.
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// Settings of the detector.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// How changes of what is normal are found.
    pub(crate) fn drift(&self) -> &DriftPlan {
        &self.drift
    }

    /// When series are trained anew.
    pub(crate) fn retrain(&self) -> RetrainConfig {
        self.config.retrain
    }

    /// Whether series are ever trained anew without a command, or otherwise changed when what is normal changes.
    pub(crate) fn adapts(&self) -> bool {
        self.keeps_rows() || self.drift.adaptation() != Adaptation::Report
    }

    /// Whether rows are kept to train on.
    pub(crate) fn keeps_rows(&self) -> bool {
        self.config.retrain.keeps_rows(self.drift.adaptation())
    }

    /// Whether each event is judged; else only the windows or buckets that events are put into are.
    pub fn judges_events(&self) -> bool {
        self.gather.as_ref().is_none_or(GatherPlan::judges_events)
    }

    /// How events are put together before they are judged, if they are.
    pub(crate) fn gather(&self) -> Option<&GatherPlan> {
        self.gather.as_ref()
    }

    /// How scores become decisions at an event time.
    pub fn policy_at(&self, time: Option<Timestamp>) -> Policy {
        *self.policy_of(time)
    }

    /// The same where it lies.
    pub(crate) fn policy_of(&self, time: Option<Timestamp>) -> &Policy {
        self.calendars.policy_at(time).unwrap_or(&self.policy)
    }

    /// Whether an event must have a time: flags are counted over it, or events are put together by it.
    pub(crate) fn needs_time(&self) -> bool {
        self.policy.needs_time()
            || self.calendars.need_time()
            || self.gather.as_ref().is_some_and(GatherPlan::needs_time)
    }

    /// Rows of this step in microseconds that the clock on the wall left out between two times; below 0 where it went over them again.
    pub(crate) fn turned(&self, from: i64, to: i64, step: i64) -> i64 {
        let Some(clock) = &self.wall_clock else {
            return 0;
        };
        let turned = clock.turned(from, to);
        if turned == 0 {
            return 0;
        }
        (turned as f64 / step as f64).round() as i64
    }

    /// Version of what series learn.
    pub fn model_version(&self) -> u32 {
        self.model_version
    }

    /// How far an event may lie behind its series, in microseconds.
    pub fn allowed_lateness(&self) -> i64 {
        i64::try_from(self.config.allowed_lateness_ms)
            .unwrap_or(i64::MAX / 1_000)
            .saturating_mul(1_000)
    }
}
