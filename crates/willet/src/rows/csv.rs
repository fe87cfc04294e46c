use willet_engine::codec::timestamp::write_rfc3339;
use willet_engine::codec::{Format, InputConfig};
use willet_engine::verdict::{Outcome, Verdict};
use willet_node::output::{Answers, RowFormat};

/// CSV rows. A row that came as CSV is passed on as it came, with the verdict behind it; one that came as JSON begins with
/// its offset, time and source.
#[derive(Debug)]
pub(crate) struct CsvRows {
    names: Vec<String>,
    delimiter: u8,
    passes_on: bool,
    only_anomalies: bool,
}

/// What stands behind a row. A name that the input has already gets `willet_` before it.
const COLUMNS: [&str; 6] = [
    "score",
    "anomaly_score",
    "is_anomaly",
    "confidence",
    "anomaly_type",
    "note",
];

impl CsvRows {
    pub(crate) fn new(input: &InputConfig, only_anomalies: bool) -> Self {
        let passes_on = input.format == Format::Csv;
        let mut names: Vec<String> = if passes_on {
            input
                .columns
                .iter()
                .map(|column| column.name.clone())
                .collect()
        } else {
            ["offset", "timestamp", "source"]
                .map(str::to_owned)
                .to_vec()
        };
        for name in COLUMNS {
            let is_taken = names.iter().any(|known| known == name);
            names.push(if is_taken {
                format!("willet_{name}")
            } else {
                name.to_owned()
            });
        }
        let delimiter = if passes_on {
            input.delimiter as u8
        } else {
            b','
        };
        Self {
            names,
            delimiter,
            passes_on,
            only_anomalies,
        }
    }

    fn field(&self, text: &str, out: &mut Vec<u8>) {
        let needs_quotes = text
            .bytes()
            .any(|byte| byte == self.delimiter || matches!(byte, b'"' | b'\n' | b'\r'));
        if needs_quotes {
            out.push(b'"');
            out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(text.as_bytes());
        }
    }

    fn verdict(&self, answers: &Answers<'_>, verdict: &Verdict, out: &mut Vec<u8>) {
        let mut digits = zmij::Buffer::new();
        let mut number = |value: f64, out: &mut Vec<u8>| {
            let text = digits.format_finite(value);
            out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
        };
        match &verdict.outcome {
            Outcome::Scored(scored) => {
                out.push(self.delimiter);
                number(scored.score, out);
                out.push(self.delimiter);
                number(scored.anomaly_score, out);
                out.push(self.delimiter);
                out.push(if scored.is_anomaly { b'1' } else { b'0' });
                out.push(self.delimiter);
                // Two digits more than anybody can check; shorter rows are faster rows.
                number((scored.confidence * 1e6).round() / 1e6, out);
                out.push(self.delimiter);
                if let Some(kind) = answers
                    .verdicts
                    .detail(scored)
                    .and_then(|detail| detail.anomaly_type)
                {
                    out.extend_from_slice(kind.as_str().as_bytes());
                }
                out.push(self.delimiter);
            }
            _ => out.extend_from_slice(&[
                self.delimiter,
                self.delimiter,
                self.delimiter,
                b'0',
                self.delimiter,
                self.delimiter,
                self.delimiter,
            ]),
        }
        match (&verdict.outcome, super::skipped(verdict)) {
            (Outcome::WarmingUp, _) => out.extend_from_slice(b"warming up"),
            (_, Some(reason)) => self.field(&reason, out),
            _ if verdict.is_drift => out.extend_from_slice(b"drift"),
            _ if verdict.is_late => out.extend_from_slice(b"late"),
            _ => {}
        }
        out.push(b'\n');
    }
}

impl RowFormat for CsvRows {
    fn begin(&mut self, out: &mut Vec<u8>) {
        for (index, name) in self.names.iter().enumerate() {
            if index > 0 {
                out.push(self.delimiter);
            }
            self.field(name, out);
        }
        out.push(b'\n');
    }

    fn rows(&mut self, answers: &Answers<'_>, out: &mut Vec<u8>) {
        let mut record = 0;
        for verdict in &answers.verdicts.rows[answers.from..] {
            if self.only_anomalies && !verdict.is_anomaly() {
                continue;
            }
            let event = verdict.event as usize;
            let row = &answers.events.rows()[event];
            if self.passes_on {
                // Offsets rise in both, and most records are events.
                while answers.records.head(record).offset < row.offset {
                    record += 1;
                }
                out.extend_from_slice(answers.records.payload(record));
            } else {
                out.extend_from_slice(row.offset.to_string().as_bytes());
                out.push(self.delimiter);
                if let Some(time) = row.time {
                    write_rfc3339(out, time);
                }
                out.push(self.delimiter);
                self.field(answers.events.key(event), out);
            }
            self.verdict(answers, verdict, out);
        }
    }
}
