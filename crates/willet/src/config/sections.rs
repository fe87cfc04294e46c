use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use willet_connectors::otlp::TraceConfig;
use willet_connectors::webhook::{Webhook, WebhookConfig};
use willet_core::settings::Value;
use willet_engine::config::{DetectorConfig, StreamConfig};
use willet_engine::incidents::{IncidentConfig, NotifyFrom, Severity};
use willet_server::StreamResource;

/// The whole configuration. Sections of later parts are known by name, so that a typo is told apart from them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The streams. Without any there is one, called `default`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) streams: Vec<StreamResource>,
    /// Detection of every stream that has no `detector` of its own, in the words of the pipeline guide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) anomaly_detection: Option<AnomalyDetection>,
    /// Where data lie.
    pub(crate) store: Store,
    /// How state is saved.
    pub(crate) checkpoints: Checkpoints,
    /// HTTP and the page.
    pub(crate) dashboard: Dashboard,
    /// Plain and topic sockets.
    pub(crate) websocket: WebSocket,
    /// Who may come in.
    pub(crate) auth: Auth,
    /// How anomalies become alerts.
    pub(crate) alerts: Alerts,
    /// Logs.
    pub(crate) monitoring: Monitoring,
    /// Kafka as the log. Not in this build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kafka: Option<Kafka>,
}

/// Detection in the words of the pipeline guide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnomalyDetection {
    /// `ensemble`, or the name of a detector.
    pub(crate) method: String,
    /// Threshold on `anomaly_score`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) threshold: Option<f64>,
    /// Detectors with their settings; the members of an ensemble.
    #[serde(default)]
    pub(crate) detectors: BTreeMap<String, BTreeMap<String, Value>>,
}

/// Where data lie.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Store {
    /// The data folder.
    pub(crate) data_dir: PathBuf,
    /// Bytes of log kept at most, as far as no state needs them.
    pub(crate) log_bytes: u64,
    /// Days of log kept at most, as far as no state needs them.
    pub(crate) log_days: u32,
    /// Which verdicts are kept: anomalies, or all.
    pub(crate) keep: KeepVerdicts,
    /// Days that verdicts and resolved alerts are kept.
    pub(crate) verdict_days: u32,
    /// Bytes of verdicts beyond which the oldest go earlier.
    pub(crate) verdict_bytes: u64,
}

/// Which verdicts are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeepVerdicts {
    /// Those that said yes.
    #[default]
    Anomalies,
    /// All.
    All,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("./willet-data"),
            log_bytes: 10 << 30,
            log_days: 7,
            keep: KeepVerdicts::default(),
            verdict_days: 90,
            verdict_bytes: 4 << 30,
        }
    }
}

/// How state is saved and how much stays in memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Checkpoints {
    /// Bytes of series that stay in memory; the others lie on disk until they speak.
    pub(crate) max_memory_bytes: usize,
    /// Bytes of one slice, written between two batches.
    pub(crate) slice_bytes: usize,
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self {
            max_memory_bytes: 4 << 30,
            slice_bytes: 256 << 10,
        }
    }
}

/// HTTP and the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Dashboard {
    /// Address to listen on.
    pub(crate) host: String,
    /// Port to listen on.
    pub(crate) port: u16,
    /// Whether live sockets are served.
    pub(crate) websocket_enabled: bool,
    /// Whether the page moves by itself.
    pub(crate) real_time_updates: bool,
    /// Host names that requests may name, besides addresses and localhost.
    pub(crate) allowed_hosts: Vec<String>,
    /// Bytes of one body.
    pub(crate) max_body_bytes: usize,
    /// Bytes of events on their way between doors and detectors.
    pub(crate) queue_bytes: usize,
    /// Connections at once.
    pub(crate) max_connections: usize,
    /// Streams at most.
    pub(crate) max_streams: usize,
}

impl Default for Dashboard {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8000,
            websocket_enabled: true,
            real_time_updates: true,
            allowed_hosts: Vec::new(),
            max_body_bytes: 16 << 20,
            queue_bytes: 64 << 20,
            max_connections: 10_000,
            max_streams: 10_000,
        }
    }
}

/// How anomalies become alerts, and who is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Alerts {
    /// Longest pause between anomalies of one alert.
    pub(crate) gap_seconds: u64,
    /// Anomalies in a row that open an alert.
    pub(crate) consecutive: u32,
    /// For so long after its end an alert is taken up again rather than another opened.
    pub(crate) cool_down_seconds: u64,
    /// What is told at least: low, medium, high, critical.
    pub(crate) min_severity: Severity,
    /// `live` tells nothing of events older than the present, `always` all.
    pub(crate) notify_from: NotifyFrom,
    /// Who is told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) webhooks: Vec<WebhookConfig>,
}

impl Default for Alerts {
    fn default() -> Self {
        let incidents = IncidentConfig::default();
        Self {
            gap_seconds: incidents.gap_seconds,
            consecutive: incidents.consecutive,
            cool_down_seconds: incidents.cool_down_seconds,
            min_severity: incidents.min_severity,
            notify_from: incidents.notify_from,
            webhooks: Vec::new(),
        }
    }
}

impl Alerts {
    /// What the incidents shard is told.
    pub(crate) fn incidents(&self) -> IncidentConfig {
        IncidentConfig {
            gap_seconds: self.gap_seconds,
            consecutive: self.consecutive,
            cool_down_seconds: self.cool_down_seconds,
            min_severity: self.min_severity,
            notify_from: self.notify_from,
        }
    }

    /// The webhooks, checked.
    pub(crate) fn webhooks(&self) -> Result<Vec<Webhook>, String> {
        let mut names = std::collections::BTreeSet::new();
        self.webhooks
            .iter()
            .map(|config| {
                if !names.insert(&config.name) {
                    return Err(format!("two webhooks are called `{}`", config.name));
                }
                Webhook::try_from(config).map_err(|error| error.to_string())
            })
            .collect()
    }
}

/// Who may come in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Auth {
    /// `token`, or `none`; without it tokens are asked for beyond loopback and not on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<Mode>,
}

/// How whoever asks is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Not at all.
    None,
    /// By a token.
    Token,
}

/// Logs and traces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Monitoring {
    /// `text` or `json`; without it text on a terminal and JSON elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log_format: Option<LogFormat>,
    /// error, warn, info, debug, trace; parts as in `info,willet_node=debug`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log_level: Option<String>,
    /// Whether traces are sent by OTLP.
    pub(crate) enable_tracing: bool,
    /// The collector's OTLP over HTTP; without it `OTEL_EXPORTER_OTLP_ENDPOINT` says, and else `http://localhost:4318`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) otlp_endpoint: Option<String>,
    /// Share of the events that are not anomalies that get a trace.
    pub(crate) trace_ratio: f64,
}

impl Default for Monitoring {
    fn default() -> Self {
        Self {
            log_format: None,
            log_level: None,
            enable_tracing: false,
            otlp_endpoint: None,
            trace_ratio: 0.01,
        }
    }
}

impl Monitoring {
    pub(crate) fn traces(&self) -> TraceConfig {
        TraceConfig {
            endpoint: self.otlp_endpoint.clone(),
            ratio: self.trace_ratio,
        }
    }
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Plain and topic sockets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WebSocket {
    /// Address to listen on.
    pub(crate) host: String,
    /// Port to listen on.
    pub(crate) port: u16,
    /// Connections at most.
    pub(crate) max_connections: usize,
}

impl Default for WebSocket {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8765,
            max_connections: 10_000,
        }
    }
}

/// Kafka as the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kafka {
    /// Brokers to begin with.
    pub(crate) bootstrap_servers: Vec<String>,
    /// Topic that events are read from.
    #[serde(default = "raw_data")]
    pub(crate) input_topic: String,
    /// Topic that verdicts are written to.
    #[serde(default = "anomaly_results")]
    pub(crate) output_topic: String,
    /// Consumer group.
    #[serde(default = "group")]
    pub(crate) group_id: String,
}

fn raw_data() -> String {
    "raw-data".to_owned()
}

fn anomaly_results() -> String {
    "anomaly-results".to_owned()
}

fn group() -> String {
    "anomaly-detection-group".to_owned()
}

impl Config {
    /// The stream of this name; the only one, or the default, where none is named.
    pub(crate) fn stream(&self, name: Option<&str>) -> Result<StreamConfig, String> {
        let names = || {
            self.streams
                .iter()
                .map(|resource| resource.stream.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut stream = match (name, &self.streams[..]) {
            (None, []) => StreamConfig::default(),
            (None, [only]) => only.stream.clone(),
            (None, _) => {
                return Err(format!(
                    "the configuration has several streams, expected --stream with one of {}",
                    names()
                ));
            }
            (Some(name), streams) => streams
                .iter()
                .find(|resource| resource.stream.name == name)
                .map(|resource| resource.stream.clone())
                .ok_or_else(|| {
                    format!(
                        "no stream `{name}` in the configuration, it has {}",
                        names()
                    )
                })?,
        };
        self.complete(&mut stream);
        Ok(stream)
    }

    /// Puts in what the guide's section says of streams without a detector.
    fn complete(&self, stream: &mut StreamConfig) {
        if let Some(detection) = &self.anomaly_detection
            && stream.detector == DetectorConfig::default()
        {
            detection.apply(stream);
        }
    }

    /// All streams with their sources, as they are to run.
    pub(crate) fn resources(&self) -> Vec<StreamResource> {
        let mut resources = self.streams.clone();
        for resource in &mut resources {
            self.complete(&mut resource.stream);
        }
        resources
    }

    /// The stream for events that name none, where the configuration has no `default`.
    pub(crate) fn default_stream(&self) -> StreamResource {
        let mut resource = StreamResource::default();
        self.complete(&mut resource.stream);
        resource
    }
}

impl AnomalyDetection {
    /// Puts the guide's words into ours. `contamination` and `threshold` of a member are decisions of a detector that runs
    /// alone; an ensemble decides once, on what its members say together.
    fn apply(&self, stream: &mut StreamConfig) {
        let mut decision = stream.decision.clone();
        // A rate of the stream is its own choice: what the guide says of thresholds gives way.
        if decision.rate.is_none() {
            decision.threshold = decision.threshold.or(self.threshold);
        }
        let settings = if self.method == "ensemble" && !self.detectors.is_empty() {
            let members = self.detectors.iter().map(|(name, settings)| {
                let mut settings = settings.clone();
                settings.remove("contamination");
                settings.remove("threshold");
                (name.clone(), Value::Map(settings))
            });
            BTreeMap::from([("members".to_owned(), Value::Map(members.collect()))])
        } else {
            let mut settings = self
                .detectors
                .get(&self.method)
                .cloned()
                .unwrap_or_default();
            settings.remove("threshold");
            if let Some(Value::Number(contamination)) = settings.remove("contamination")
                && decision.threshold.is_none()
                && decision.rate.is_none()
            {
                decision.contamination = decision.contamination.or(Some(contamination));
            }
            settings
        };
        stream.decision = decision;
        stream.detector = DetectorConfig {
            algorithm: self.method.clone(),
            settings,
        };
    }
}
