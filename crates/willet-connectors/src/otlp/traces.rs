use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanBuilder, TraceContextExt as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider,
};
use tokio::runtime::Handle;
use willet_core::random::mix;
use willet_engine::verdict::Outcome;
use willet_node::output::Answers;
use willet_node::service::Witness;

use super::{TraceConfig, TraceConfigError};

/// Traces a second at most: what is beyond tells nobody anything new and costs the shard its time.
const TRACES_A_SECOND: u64 = 500;
/// Spans that wait for the collector at most.
const QUEUE: usize = 8_192;
/// Time between two posts to the collector.
const EVERY: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Makes spans of what shards do and sends them to a collector.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    ratio: f64,
    second: AtomicI64,
    in_second: AtomicU64,
}

/// Traces that cannot be begun.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// A setting.
    #[error(transparent)]
    Config(#[from] TraceConfigError),
    /// The client of HTTP.
    #[error("cannot make a client of HTTP")]
    Client(#[from] reqwest::Error),
    /// The exporter.
    #[error("cannot make an exporter of traces")]
    Exporter(#[from] ExporterBuildError),
}

impl Traces {
    /// Begins; posts are made on this runtime.
    pub fn begin(config: &TraceConfig, runtime: Handle) -> Result<Self, TraceError> {
        config.validate()?;
        let client = Posts {
            client: reqwest::Client::builder().timeout(TIMEOUT).build()?,
            runtime,
            is_failing: AtomicBool::new(false),
        };
        let mut exporter = SpanExporter::builder().with_http().with_http_client(client);
        if let Some(url) = config.url()? {
            exporter = exporter.with_endpoint(url);
        }
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(QUEUE / 4)
            .with_scheduled_delay(EVERY)
            .build();
        let processor = BatchSpanProcessor::builder(exporter.build()?)
            .with_batch_config(batches)
            .build();
        let about = Resource::builder()
            .with_service_name("willet")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_resource(about.build())
            .build();
        Ok(Self {
            tracer: provider.tracer("willet"),
            provider,
            ratio: config.ratio,
            second: AtomicI64::new(0),
            in_second: AtomicU64::new(0),
        })
    }

    /// Sends what waits and ends. Blocks, for some seconds where nobody answers.
    pub fn end(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(EVERY) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }

    /// Whether this second has room for one more.
    fn has_room(&self, now: i64) -> bool {
        let second = now.div_euclid(1_000_000);
        if self.second.swap(second, Relaxed) != second {
            self.in_second.store(0, Relaxed);
        }
        self.in_second.fetch_add(1, Relaxed) < TRACES_A_SECOND
    }

    fn trace(&self, answers: &Answers<'_>, index: usize, began: SystemTime, took: Duration) {
        let verdict = &answers.verdicts.rows[index];
        let event = verdict.event as usize;
        let algorithm = answers.plan.algorithm_of(verdict.model_version).to_owned();
        let ended = began + took;
        let mut result = vec![KeyValue::new("result.is_anomaly", verdict.is_anomaly())];
        if let Outcome::Scored(scored) = &verdict.outcome {
            result.push(KeyValue::new("result.anomaly_score", scored.anomaly_score));
            result.push(KeyValue::new("result.confidence", scored.confidence));
        }
        let begin =
            |name: &'static str, at: SystemTime, attributes: Vec<KeyValue>, parent: &Context| {
                SpanBuilder::from_name(name)
                    .with_start_time(at)
                    .with_attributes(attributes)
                    .start_with_context(&self.tracer, parent)
            };
        let about = vec![
            KeyValue::new("sample.size", answers.events.values(event).len() as i64),
            KeyValue::new("source", answers.events.key(event).to_owned()),
            KeyValue::new("sample_id", answers.id(index)),
            KeyValue::new("algorithm", algorithm.clone()),
            KeyValue::new("result.processing_time", took.as_secs_f64()),
        ];
        let sample = begin(
            "process_sample",
            began,
            [about, result.clone()].concat(),
            &Context::new(),
        );
        let in_sample = Context::new().with_span(sample);
        result.push(KeyValue::new("algorithm", algorithm));
        let detection = begin("anomaly_detection", began, result, &in_sample);
        let in_detection = Context::new().with_span(detection);
        // Its time is not measured apart: it ends where it begins.
        let drift = vec![KeyValue::new("drift.detected", verdict.is_drift)];
        begin("concept_drift_handling", ended, drift, &in_detection).end_with_timestamp(ended);
        in_detection.span().end_with_timestamp(ended);
        in_sample.span().end_with_timestamp(ended);
    }
}

impl Witness for Traces {
    fn saw(&self, answers: &Answers<'_>, began: i64, seconds: f64) {
        let rows = answers.rows();
        let each = seconds / rows.len().max(1) as f64;
        for (place, verdict) in rows.iter().enumerate() {
            let offset = answers.events.rows()[verdict.event as usize].offset;
            let wants = verdict.is_anomaly() || share_of(offset) < self.ratio;
            if wants && self.has_room(began) {
                let micros = began.max(0) as u64 + (1e6 * each * place as f64) as u64;
                let at = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
                self.trace(
                    answers,
                    answers.indices().start + place,
                    at,
                    Duration::from_secs_f64(each),
                );
            }
        }
    }
}

/// A number from 0 to 1 that looks random: the same events are traced whoever asks.
fn share_of(offset: u64) -> f64 {
    mix(offset) as f64 / u64::MAX as f64
}

/// Posts on the service's own runtime, for the exporter's thread has none, and says once when the collector does not answer.
#[derive(Debug)]
struct Posts {
    client: reqwest::Client,
    runtime: Handle,
    is_failing: AtomicBool,
}

#[async_trait::async_trait]
impl HttpClient for Posts {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let posted = self.runtime.spawn(async move {
            let answer = client.execute(request.try_into()?).await?;
            let status = answer.status();
            let mut response = Response::new(answer.bytes().await?);
            *response.status_mut() = status;
            Ok::<_, reqwest::Error>(response)
        });
        let posted = posted.await?;
        let problem = match &posted {
            Err(error) => Some(error.to_string()),
            Ok(answer) if !answer.status().is_success() => Some(answer.status().to_string()),
            Ok(_) => None,
        };
        let was_failing = self.is_failing.swap(problem.is_some(), Relaxed);
        match problem {
            Some(problem) if !was_failing => {
                tracing::warn!(
                    problem,
                    "the collector takes no traces: they are dropped until it does"
                );
            }
            None if was_failing => tracing::info!("the collector takes traces again"),
            _ => {}
        }
        Ok(posted?)
    }
}
