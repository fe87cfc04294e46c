//! Streams as people write them: in the configuration file, through the interface, in an export.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use willet_connectors::feed::{DeadLetterPlace, SourceFeed};
use willet_connectors::file::{FileConfig, FileSource};
use willet_connectors::synthetic::{LiveSource, SyntheticConfig};
use willet_connectors::{Cursor, Framing, Source};
use willet_core::decision::DecisionConfig;
use willet_core::features::FeaturesConfig;
use willet_core::windows::{BucketConfig, WindowConfig};
use willet_engine::codec::{Decoder, Format, InferOptions, InputConfig, infer};
use willet_engine::config::{DetectorConfig, DriftConfig, Plan, RetrainConfig, StreamConfig};
use willet_node::pipeline::{Batch, Fed, Feed};
use willet_node::service::{FeedError, OpenFeed, now};
use willet_proto::Code;

use crate::problem::{Answer, Fault};

/// Who a stream belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManagedBy {
    /// The interface: it is in the store.
    Api,
    /// The configuration file.
    File,
    /// The demonstration.
    Demo,
}

impl ManagedBy {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::File => "file",
            Self::Demo => "demo",
        }
    }
}

/// A stream with its source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamResource {
    /// The stream.
    pub stream: StreamConfig,
    /// Where events come from besides the doors.
    pub source: Option<SourceConfig>,
}

/// The same as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceConfig>,
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

/// Where events come from besides the doors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourceConfig {
    /// A file of the machine the service runs on; only from the configuration file.
    File(FileInput),
    /// Generated events in real time.
    Synthetic(SyntheticInput),
}

/// A file to read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileInput {
    /// Where it is.
    pub path: PathBuf,
    /// Whether to go on with what is appended.
    #[serde(default)]
    pub follow: bool,
}

/// Generated events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyntheticInput {
    /// Seconds of the past that the first start begins with.
    pub backfill_s: f64,
    /// What is generated.
    #[serde(flatten)]
    pub stream: SyntheticConfig,
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
            Some(SourceConfig::File(_)) => Err(bad(
                "source.kind is `file`, which only the configuration file may name (a file of the server is no business of \
                 whoever can reach this interface); expected `synthetic`, or no source"
                    .to_owned(),
            )),
            Some(SourceConfig::Synthetic(input)) => {
                input
                    .stream
                    .validate()
                    .map_err(|error| bad(format!("source: {error}")))?;
                Ok(resource)
            }
            None => Ok(resource),
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

    /// Looks at a file source to know what its rows are: from then on the log holds such rows.
    pub fn resolve(mut self) -> Result<Self, String> {
        match &self.source {
            Some(SourceConfig::File(file)) => self.stream.input = file.input(&self.stream.input)?,
            Some(SourceConfig::Synthetic(_)) if self.stream.input.format == Format::Csv => {
                return Err(
                    "input.format is csv, expected json: generated events are JSON".to_owned(),
                );
            }
            _ => {}
        }
        Ok(self)
    }

    /// How the source is opened; `None` where there is none.
    pub(crate) fn open_feed(&self, data_dir: &Path) -> Answer<Option<OpenFeed>> {
        let bad =
            |error: &dyn std::fmt::Display| Fault::new(Code::BadConfig, format!("source: {error}"));
        let letters = DeadLetterPlace::Behind(data_dir.join("rejected.ndjson"));
        let input = self.stream.input.clone();
        Ok(match self.source.clone() {
            None => None,
            Some(SourceConfig::Synthetic(synthetic)) => {
                synthetic.stream.validate().map_err(|error| bad(&error))?;
                let open: OpenFeed = Box::new(move |cursor, seed| {
                    let live = LiveSource::new(&synthetic.stream, synthetic.backfill_s, now)
                        .map_err(|error| feed_error(&error))?;
                    let decoder = decoder(&InputConfig::default(), seed)?;
                    feed(Box::new(live), decoder, cursor, &letters, "synthetic")
                });
                Some(open)
            }
            Some(SourceConfig::File(file)) => {
                let open: OpenFeed = Box::new(move |cursor, seed| {
                    let mut source = file.open().map_err(|error| feed_error(&error))?;
                    source.set_framing(Framing::of(&input));
                    let name = file.path.display().to_string();
                    let decoder = decoder(&input, seed)?;
                    feed(Box::new(source), decoder, cursor, &letters, &name)
                });
                Some(open)
            }
        })
    }
}

impl FileInput {
    fn open(&self) -> Result<FileSource, willet_connectors::SourceError> {
        let config = if self.follow {
            FileConfig::follow(&self.path)
        } else {
            FileConfig::once(&self.path)
        };
        FileSource::open(&config, Framing::lines())
    }

    /// What the rows are: as configured, by the header, or found out where the configuration says nothing.
    fn input(&self, configured: &InputConfig) -> Result<InputConfig, String> {
        const SAMPLE_BYTES: usize = 256 << 10;
        let mut source = self.open().map_err(|error| error.to_string())?;
        let sample = source
            .sample(SAMPLE_BYTES)
            .map_err(|error| error.to_string())?;
        if *configured == InputConfig::default() {
            let inferred = infer(sample, &InferOptions::default());
            let inferred = inferred.map_err(|error| error.to_string())?;
            let path = self.path.display();
            for note in &inferred.notes {
                tracing::info!(file = %path, "{note}");
            }
            if inferred.is_newest_first {
                tracing::warn!(file = %path, "its newest rows come first, so that all that follow are late (tac turns a file round)");
            }
            return Ok(inferred.config);
        }
        let found = configured.for_sample(sample);
        found.map_err(|error| error.to_string())
    }
}

fn feed(
    mut source: Box<dyn Source>,
    decoder: Decoder,
    cursor: Option<&[u8]>,
    letters: &DeadLetterPlace,
    name: &str,
) -> Result<Box<dyn Feed<Error = FeedError>>, FeedError> {
    if let Some(cursor) = cursor {
        let cursor: Cursor = serde_json::from_slice(cursor).map_err(|error| final_error(&error))?;
        source.seek(&cursor).map_err(|error| feed_error(&error))?;
    }
    let feed = SourceFeed::new(source, decoder, letters.clone(), name);
    Ok(Box::new(ServiceFeed(feed)))
}

fn decoder(input: &InputConfig, seed: u64) -> Result<Decoder, FeedError> {
    Decoder::new(input, seed).map_err(|error| final_error(&error))
}

fn final_error(error: &dyn std::fmt::Display) -> FeedError {
    FeedError {
        message: error.to_string(),
        is_retryable: false,
    }
}

fn feed_error(error: &willet_connectors::SourceError) -> FeedError {
    FeedError {
        message: error.to_string(),
        is_retryable: error.is_retryable(),
    }
}

/// A feed whose errors are the service's.
struct ServiceFeed(SourceFeed);

impl Feed for ServiceFeed {
    type Error = FeedError;

    fn fill(&mut self, batch: &mut Batch) -> Result<Fed, FeedError> {
        self.0.fill(batch).map_err(|error| FeedError {
            message: error.to_string(),
            is_retryable: error.is_retryable(),
        })
    }
}
