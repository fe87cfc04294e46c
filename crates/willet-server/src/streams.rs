//! Streams as people write them: in the configuration file, through the interface, in an export.

use std::path::Path;

use serde::{Deserialize, Serialize};
use willet_connectors::feed::{DeadLetterPlace, SourceFeed};
use willet_connectors::{
    Access, CONNECTORS, Cursor, Framing, LookError, SourceError, SourceSpec, look,
};
use willet_core::decision::DecisionConfig;
use willet_core::features::FeaturesConfig;
use willet_core::windows::{BucketConfig, WindowConfig};
use willet_engine::codec::{Decoder, InferOptions, InputConfig};
use willet_engine::config::{DetectorConfig, DriftConfig, Plan, RetrainConfig, StreamConfig};
use willet_node::feed::{FeedError, OpenFeed};
use willet_node::service::now;
use willet_proto::Code;

use crate::problem::{Answer, Fault};

/// A stream with its source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamResource {
    /// The stream.
    pub stream: StreamConfig,
    /// Where events come from besides the doors.
    pub source: Option<SourceSpec>,
}

/// The same as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceSpec>,
    input: InputConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<BucketConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    windows: Option<WindowConfig>,
    features: FeaturesConfig,
    detector: DetectorConfig,
    decision: DecisionConfig,
    drift: DriftConfig,
    retrain: RetrainConfig,
    #[serde(skip_serializing_if = "is_utc")]
    time_zone: String,
    seed: u64,
    allowed_lateness_ms: u64,
    duplicate_window: usize,
}

fn is_utc(zone: &str) -> bool {
    zone == "UTC"
}

impl Default for Written {
    fn default() -> Self {
        StreamResource::default().into()
    }
}

impl From<StreamResource> for Written {
    fn from(resource: StreamResource) -> Self {
        let stream = resource.stream;
        Self {
            name: stream.name,
            source: resource.source,
            input: stream.input,
            bucket: stream.bucket,
            windows: stream.windows,
            features: stream.features,
            detector: stream.detector,
            decision: stream.decision,
            time_zone: stream.time_zone,
            seed: stream.seed,
            allowed_lateness_ms: stream.allowed_lateness_ms,
            duplicate_window: stream.duplicate_window,
            drift: stream.drift,
            retrain: stream.retrain,
        }
    }
}

impl From<Written> for StreamResource {
    fn from(written: Written) -> Self {
        Self {
            stream: StreamConfig {
                name: written.name,
                input: written.input,
                bucket: written.bucket,
                windows: written.windows,
                features: written.features,
                detector: written.detector,
                decision: written.decision,
                drift: written.drift,
                retrain: written.retrain,
                time_zone: written.time_zone,
                seed: written.seed,
                allowed_lateness_ms: written.allowed_lateness_ms,
                duplicate_window: written.duplicate_window,
            },
            source: written.source,
        }
    }
}

impl Serialize for StreamResource {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StreamResource {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Written::deserialize(deserializer).map(Self::from)
    }
}

impl StreamResource {
    /// Reads one that came through the interface, as JSON or YAML.
    pub(crate) fn read(text: &str) -> Answer<Self> {
        let bad = |detail: String| Fault::new(Code::BadConfig, detail);
        let options = serde_saphyr::options! { with_snippet: false };
        let resource: Self = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| bad(format!("the stream is not understood: {error}")))?;
        Plan::new(resource.stream.clone(), 1).map_err(|error| bad(error.to_string()))?;
        match &resource.source {
            Some(source) if source.kind().access == Access::Operator => {
                let anyone = CONNECTORS.iter().filter(|it| {
                    let source = it.source.as_ref();
                    source.is_some_and(|source| source.access == Access::Anyone)
                });
                let anyone: Vec<String> = anyone.map(|it| format!("`{}`", it.name)).collect();
                Err(bad(format!(
                    "source.kind is `{}`, which only the configuration file may name (what lies on the server is no business of \
                     whoever can reach this interface); expected {}, or no source",
                    source.connector(),
                    anyone.join(" or ")
                )))
            }
            _ => Ok(resource),
        }
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain data always serialises into memory")
    }

    /// As people write it: only what differs from the defaults.
    pub(crate) fn to_yaml(&self) -> Answer<String> {
        let mut value = serde_json::to_value(self).map_err(Fault::internal)?;
        let defaults = serde_json::to_value(Self::default()).map_err(Fault::internal)?;
        if let (Some(value), Some(defaults)) = (value.as_object_mut(), defaults.as_object()) {
            value.retain(|name, field| name == "name" || defaults.get(name) != Some(field));
            for (name, field) in value.iter_mut() {
                let Some(defaults) = defaults.get(name).and_then(|field| field.as_object()) else {
                    continue;
                };
                if let Some(field) = field.as_object_mut() {
                    field.retain(|name, field| {
                        name == "algorithm" || defaults.get(name) != Some(field)
                    });
                }
            }
        }
        serde_saphyr::to_string(&value).map_err(Fault::internal)
    }

    /// Looks at its source to know what its records are: from then on the log holds such records.
    pub fn resolve(mut self) -> Result<Self, ResolveError> {
        let Some(spec) = &self.source else {
            return Ok(self);
        };
        if let Some(made) = spec.kind().format {
            return if self.stream.input.format == made {
                Ok(self)
            } else {
                Err(ResolveError::Format)
            };
        }
        let mut source = spec.open(now)?;
        let configured = &self.stream.input;
        let configured = (*configured != InputConfig::default()).then_some(configured);
        let inferred = look(&mut *source, configured, &InferOptions::default())?;
        let name = source.name();
        for note in &inferred.notes {
            tracing::info!(file = name, "{note}");
        }
        if inferred.is_newest_first {
            tracing::warn!(
                file = name,
                "its newest rows come first, so that all that follow are late (tac turns a file round)"
            );
        }
        self.stream.input = inferred.config;
        Ok(self)
    }

    /// How the source is opened; `None` where there is none.
    pub(crate) fn open_feed(&self, data_dir: &Path) -> Option<OpenFeed> {
        let spec = self.source.clone()?;
        let letters = DeadLetterPlace::Behind(data_dir.join("rejected.ndjson"));
        let input = match spec.kind().format {
            Some(_) => InputConfig::default(),
            None => self.stream.input.clone(),
        };
        Some(Box::new(move |cursor, seed| {
            let mut source = spec.open(now)?;
            source.set_framing(Framing::of(&input));
            if let Some(cursor) = cursor {
                source.seek(&Cursor::from_bytes(cursor))?;
            }
            let decoder =
                Decoder::new(&input, seed).map_err(|error| FeedError::new(error, false, true))?;
            Ok(Box::new(SourceFeed::new(source, decoder, letters.clone())))
        }))
    }
}

/// Why a stream does not fit its source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The source cannot be looked at.
    #[error(transparent)]
    Look(#[from] LookError),
    /// Its records are made in another format.
    #[error("input.format is csv, expected json: generated events are JSON")]
    Format,
}

impl From<SourceError> for ResolveError {
    fn from(error: SourceError) -> Self {
        Self::Look(error.into())
    }
}
