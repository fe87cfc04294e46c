use willet_engine::codec::timestamp::write_rfc3339;
use willet_engine::verdict::{AnomalyType, Outcome};
use willet_node::output::{Answers, RowFormat};
use willet_proto::{Named, Verdict};

/// A verdict a line, as at every door.
#[derive(Debug)]
pub(crate) struct NdjsonRows {
    stream: String,
    partition: u32,
    algorithm: String,
    only_anomalies: bool,
}

impl NdjsonRows {
    pub(crate) fn new(stream: &str, algorithm: &str, only_anomalies: bool) -> Self {
        Self {
            stream: stream.to_owned(),
            partition: 0,
            algorithm: algorithm.to_owned(),
            only_anomalies,
        }
    }
}

impl RowFormat for NdjsonRows {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn rows(&mut self, answers: &Answers<'_>, out: &mut Vec<u8>) {
        let mut time = Vec::new();
        for verdict in &answers.verdicts.rows[answers.from..] {
            if self.only_anomalies && !verdict.is_anomaly() {
                continue;
            }
            let event = verdict.event as usize;
            let row = &answers.events.rows()[event];
            let key = answers.events.key(event);
            let id = format!("{}/{}/{}", self.stream, self.partition, row.offset);
            time.clear();
            if let Some(at) = row.time {
                write_rfc3339(&mut time, at);
            }
            let skipped = super::skipped(verdict);
            let layout = answers.events.layout(event);
            let values = answers
                .events
                .values(event)
                .iter()
                .map(|value| Some(*value).filter(|value| !value.is_nan()));
            let mut line = Verdict {
                id: &id,
                stream: &self.stream,
                source: Some(key).filter(|key| !key.is_empty()),
                timestamp: std::str::from_utf8(&time)
                    .ok()
                    .filter(|time| !time.is_empty()),
                is_anomaly: verdict.is_anomaly(),
                warming_up: verdict.outcome == Outcome::WarmingUp,
                values: Named::new(layout.names(), values),
                late: verdict.is_late,
                skipped: skipped.as_deref(),
                algorithm: &self.algorithm,
                model_version: verdict.model_version,
                engine_version: env!("CARGO_PKG_VERSION"),
                sample_count: verdict.sample_count,
                ..Default::default()
            };
            if let Outcome::Scored(scored) = &verdict.outcome {
                line.score = Some(scored.score);
                line.anomaly_score = Some(scored.anomaly_score);
                line.threshold = Some(scored.threshold);
                line.confidence = Some(scored.confidence);
                if let Some(detail) = answers.verdicts.detail(scored) {
                    let expected = detail
                        .expected
                        .iter()
                        .map(|band| [band.low, band.middle, band.high]);
                    line.anomaly_type = detail.anomaly_type.map(AnomalyType::as_str);
                    line.expected = Named::new(&detail.names, expected);
                    line.contributions =
                        Named::new(&detail.names, detail.contributions.iter().copied());
                }
            }
            serde_json::to_writer(&mut *out, &line)
                .expect("plain data always serialises into memory");
            out.push(b'\n');
        }
    }
}
