use willet_engine::codec::Format;
use willet_engine::codec::timestamp::write_rfc3339;
use willet_engine::config::Plan;
use willet_engine::event::Timestamp;
use willet_engine::verdict::{Outcome, Verdict, Window};
use willet_node::output::{Answers, RowFormat};

/// CSV rows. A row that came as CSV is passed on as it came, with the verdict behind it; one that came as JSON begins with
/// its offset, time and source. Where windows are judged and not rows, there is a row for each of them.
#[derive(Debug)]
pub(crate) struct CsvRows {
    names: Vec<String>,
    delimiter: u8,
    begins: Begins,
    only_anomalies: bool,
}

/// What stands before a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begins {
    /// The row as it came.
    Row,
    /// Offset, time and source of an event.
    Event,
    /// Id, time and source, what it is, and its values as JSON.
    Window,
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
    pub(crate) fn new(plan: &Plan, only_anomalies: bool) -> Self {
        let input = &plan.config().input;
        let begins = match input.format {
            _ if !plan.judges_events() => Begins::Window,
            Format::Csv => Begins::Row,
            Format::Json => Begins::Event,
        };
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut names: Vec<String> = match begins {
            Begins::Row => {
                let columns = input.columns.iter();
                columns.map(|column| column.name.clone()).collect()
            }
            Begins::Event => own(&["offset", "timestamp", "source"]),
            Begins::Window => own(&[
                "id",
                "timestamp",
                "source",
                "begin",
                "end",
                "events",
                "values",
            ]),
        };
        for name in COLUMNS {
            let is_taken = names.iter().any(|known| known == name);
            names.push(if is_taken {
                format!("willet_{name}")
            } else {
                name.to_owned()
            });
        }
        let delimiter = if input.format == Format::Csv {
            input.delimiter as u8
        } else {
            b','
        };
        Self {
            names,
            delimiter,
            begins,
            only_anomalies,
        }
    }

    fn time(&self, time: Option<Timestamp>, out: &mut Vec<u8>) {
        if let Some(time) = time {
            write_rfc3339(out, time);
        }
        out.push(self.delimiter);
    }

    fn event(&self, answers: &Answers<'_>, event: usize, out: &mut Vec<u8>) {
        let row = &answers.events.rows()[event];
        out.extend_from_slice(row.offset.to_string().as_bytes());
        out.push(self.delimiter);
        self.time(row.time, out);
        self.field(answers.events.key(event), out);
    }

    fn window(&self, answers: &Answers<'_>, index: usize, window: &Window, out: &mut Vec<u8>) {
        let event = answers.verdicts.rows[index].event as usize;
        self.field(&answers.id(index), out);
        out.push(self.delimiter);
        self.time(answers.events.rows()[event].time, out);
        self.field(answers.events.key(event), out);
        out.push(self.delimiter);
        self.time(window.begin, out);
        self.time(window.end, out);
        out.extend_from_slice(window.events.to_string().as_bytes());
        out.push(self.delimiter);
        let names = answers.events.layout(event).names().iter();
        let values = answers.events.values(event).iter();
        let values: serde_json::Map<_, _> = names
            .zip(values)
            .map(|(name, value)| (name.to_string(), (*value).into()))
            .collect();
        self.field(&serde_json::Value::Object(values).to_string(), out);
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
            (Outcome::Scored(scored), None) if scored.is_anomaly => {
                if let Some(detail) = answers.verdicts.detail(scored) {
                    self.field(&detail.reason, out);
                }
            }
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
        for (index, verdict) in answers.indices().zip(answers.rows()) {
            if self.only_anomalies && !verdict.is_anomaly() {
                continue;
            }
            let event = verdict.event as usize;
            match (self.begins, answers.verdicts.windows.get(index)) {
                (Begins::Window, Some(window)) => self.window(answers, index, window, out),
                // Rows and windows do not go into one table: NDJSON has both.
                (Begins::Window, None) | (_, Some(_)) => continue,
                (Begins::Row, None) => {
                    let offset = answers.events.rows()[event].offset;
                    // Offsets rise in both, and most records are events.
                    while answers.records.head(record).offset < offset {
                        record += 1;
                    }
                    out.extend_from_slice(answers.records.payload(record));
                }
                (Begins::Event, None) => self.event(answers, event, out),
            }
            self.verdict(answers, verdict, out);
        }
    }
}
