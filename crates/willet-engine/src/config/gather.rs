//! How events are put together before they are judged, as checked.

use willet_core::error::ConfigError;
use willet_core::random::series_seed;
use willet_core::windows::{
    Aggregation, BucketConfig, BucketPlan, StatisticName, Unit, WindowConfig, WindowPlan,
    WindowType,
};

use super::{PlanError, StreamConfig};

/// Buckets or windows of a stream, sound but for the names of the values, which only events tell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GatherPlan {
    gathers: Gathers,
    written: String,
    model_version: u32,
}

/// What events are put together to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Gathers {
    /// Buckets, each judged in the place of its events.
    Buckets(BucketConfig),
    /// Windows, their statistics judged in the place of their events.
    Statistics(WindowConfig),
    /// Windows, judged by how strange their rows were, which are judged too. Wants a mean of each feature.
    Rows(WindowConfig),
}

/// Name of how strange the rows of a window were on average, as a depth −log10 p.
pub(crate) const STRANGENESS: &str = "strangeness";

impl GatherPlan {
    pub(super) fn new(
        config: &StreamConfig,
        model_version: u32,
    ) -> Result<Option<Self>, PlanError> {
        if config.bucket.is_some() && config.windows.is_some() {
            return Err(PlanError::value(
                "windows",
                "windows and bucket".to_owned(),
                "one of them (a bucket is a window with one value)".to_owned(),
            ));
        }
        let Some(gathers) = Self::of(config) else {
            return Ok(None);
        };
        // The values' names come with the first event: here those stand in that the configuration speaks of.
        gathers.check()?;
        let written = match &gathers {
            Gathers::Buckets(bucket) => serde_json::to_string(bucket),
            Gathers::Statistics(windows) | Gathers::Rows(windows) => serde_json::to_string(windows),
        };
        Ok(Some(Self {
            written: written.unwrap_or_default(),
            model_version,
            gathers,
        }))
    }

    /// The same for another version of the model.
    pub(super) fn of_version(self, model_version: u32) -> Self {
        Self {
            model_version,
            ..self
        }
    }

    /// What a configuration asks for; late events are taken for as long as the stream takes them, or longer.
    pub(super) fn of(config: &StreamConfig) -> Option<Gathers> {
        let allowed = config.allowed_lateness_ms as f64 / 1e3;
        if let Some(bucket) = &config.bucket {
            return Some(Gathers::Buckets(BucketConfig {
                allowed_lateness: bucket.allowed_lateness.max(allowed),
                ..bucket.clone()
            }));
        }
        let mut windows = config.windows.clone()?;
        let by_time =
            windows.window_type == WindowType::Session || windows.window_unit == Unit::Seconds;
        if by_time {
            windows.allowed_lateness = windows.allowed_lateness.max(allowed);
        }
        if windows.aggregation == Aggregation::Statistics {
            return Some(Gathers::Statistics(windows));
        }
        if windows.statistics.is_empty() {
            windows.aggregation = Aggregation::Statistics;
            windows.statistics = vec![StatisticName::Mean];
        }
        Some(Gathers::Rows(windows))
    }

    pub(crate) fn gathers(&self) -> &Gathers {
        &self.gathers
    }

    /// Another one for other settings and for each version of the model: what a series gathered under another is dropped, and it
    /// must not come back when the settings do, for nobody knows what came meanwhile.
    pub(crate) fn fingerprint(&self) -> u64 {
        series_seed(
            u64::from(self.model_version),
            &self.written,
            self.gathers.name(),
        )
    }

    /// Whether each event is judged as well.
    pub(crate) fn judges_events(&self) -> bool {
        matches!(self.gathers, Gathers::Rows(_))
    }

    /// Whether events are put together by their time.
    pub(crate) fn needs_time(&self) -> bool {
        match &self.gathers {
            Gathers::Buckets(_) => true,
            Gathers::Statistics(windows) | Gathers::Rows(windows) => {
                windows.window_type == WindowType::Session || windows.window_unit == Unit::Seconds
            }
        }
    }
}

impl Gathers {
    fn name(&self) -> &'static str {
        match self {
            Self::Buckets(_) => "bucket",
            Self::Statistics(_) | Self::Rows(_) => "windows",
        }
    }

    fn check(&self) -> Result<(), PlanError> {
        let checked: Result<(), ConfigError> = match self {
            Self::Buckets(bucket) => {
                let name = bucket.of.as_deref().unwrap_or("value");
                BucketPlan::new(bucket, &[name.into()]).map(drop)
            }
            Self::Statistics(windows) | Self::Rows(windows) => {
                WindowPlan::new(windows, &["value".into()]).map(drop)
            }
        };
        Ok(checked.map_err(|error| error.within(self.name()))?)
    }
}
