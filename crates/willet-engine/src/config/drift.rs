//! How changes of what is normal are found, as written and as checked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use willet_core::detectors::Options;
use willet_core::drift::{self, PerformanceDrift};
use willet_core::error::ConfigError;
use willet_core::random::series_seed;
use willet_core::settings::Value;

use super::default_algorithm;

/// Whether and how changes of what is normal are found, and what is done then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftConfig {
    /// Whether they are looked for; where nobody says, with the default detector `auto`, or where anything else stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection: Option<bool>,
    /// Name or alias of the test.
    #[serde(default = "default_test")]
    pub test: String,
    /// What is done when one is found.
    #[serde(default)]
    pub adaptation: Adaptation,
    /// Settings of a watch over how well series are judged: `metric` (`anomaly_rate`; with labels accuracy, precision, recall, f1),
    /// `window_size`, `threshold`, `min_samples`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performance: Option<BTreeMap<String, Value>>,
    /// Settings of the test; `willet detectors --drift` lists them.
    #[serde(flatten)]
    pub settings: BTreeMap<String, Value>,
}

/// What is done when a drift is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adaptation {
    /// It is told. The detector goes on as its kind does: all learn on by themselves.
    #[default]
    Report,
    /// A new model is trained on what came since, while the one before answers.
    Retrain,
    /// What was held to be anomalies since is learned, and the share of anomalies expected is set to what it was of late.
    Incremental,
    /// An ensemble that switches finds out anew which member is the best: nearest to the middle one.
    Switch,
}

impl Adaptation {
    /// Name in configuration and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Retrain => "retrain",
            Self::Incremental => "incremental",
            Self::Switch => "switch",
        }
    }
}

fn default_test() -> String {
    "monitor".to_owned()
}

impl Default for DriftConfig {
    fn default() -> Self {
        Self {
            detection: None,
            test: default_test(),
            adaptation: Adaptation::default(),
            performance: None,
            settings: BTreeMap::new(),
        }
    }
}

/// A [`DriftConfig`] that was checked.
#[derive(Clone, Debug)]
pub(crate) struct DriftPlan {
    kind: Option<&'static drift::Kind>,
    options: Options,
    adaptation: Adaptation,
    fingerprint: u64,
    performance: Option<PerformancePlan>,
}

/// A watch over how well series are judged, as checked.
#[derive(Clone, Debug)]
pub(crate) struct PerformancePlan {
    options: Options,
    fingerprint: u64,
    fresh: PerformanceDrift,
}

impl PerformancePlan {
    fn new(settings: &BTreeMap<String, Value>) -> Result<Self, ConfigError> {
        let options: Options = settings.clone().into_iter().collect();
        let written = serde_json::to_string(&options).unwrap_or_default();
        Ok(Self {
            fresh: PerformanceDrift::new(&options)?,
            fingerprint: series_seed(0, &written, "performance"),
            options,
        })
    }

    /// One that has seen nothing.
    pub(crate) fn build(&self) -> PerformanceDrift {
        self.fresh.clone()
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Another one for other settings.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

impl DriftPlan {
    pub(super) fn new(config: &DriftConfig, algorithm: &str) -> Result<Self, ConfigError> {
        let kind = drift::find(&config.test)?;
        let options: Options = config.settings.clone().into_iter().collect();
        kind.check(&options)?;
        if config.adaptation == Adaptation::Switch && algorithm != "ensemble" {
            return Err(ConfigError::Value {
                name: "adaptation".to_owned(),
                found: "switch".to_owned(),
                expected: format!(
                    "report, retrain or incremental with detector {algorithm} (algorithm: ensemble with combine: switch has members to choose from)"
                ),
            });
        }
        // What a series keeps of a test is of use under the same settings only.
        let settings = serde_json::to_string(&options).unwrap_or_default();
        Ok(Self {
            fingerprint: series_seed(0, &settings, kind.name),
            // Who chose a detector for its speed did not ask for a second one beside it.
            kind: config
                .detection
                .unwrap_or(algorithm == default_algorithm() || *config != DriftConfig::default())
                .then_some(kind),
            options,
            adaptation: config.adaptation,
            performance: config
                .performance
                .as_ref()
                .map(PerformancePlan::new)
                .transpose()
                .map_err(|error| error.within("performance"))?,
        })
    }

    /// The test; `None` where none looks.
    pub(crate) fn kind(&self) -> Option<&'static drift::Kind> {
        self.kind
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// How well series are judged, where that is watched.
    pub(crate) fn performance(&self) -> Option<&PerformancePlan> {
        self.performance.as_ref()
    }

    pub(crate) fn adaptation(&self) -> Adaptation {
        self.adaptation
    }

    /// Whether the test looks at flags (1 an anomaly, 0 none) instead of features.
    pub(crate) fn looks_at_flags(&self) -> bool {
        self.kind
            .is_some_and(|kind| kind.input == drift::Input::Errors)
    }

    /// Another one for another test or other settings.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}
