//! What a service says of itself at one moment, and its lists as rows of text.

use anyhow::Result;
use serde::Deserialize;

use super::http::Server;
use crate::cmd::charts::grouped;

/// A moment of a service.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) statistics: Statistics,
    streams: Vec<Stream>,
    anomalies: Vec<Verdict>,
    alerts: Vec<Alert>,
}

/// Numbers of the node.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Statistics {
    total_events: u64,
    total_anomalies: u64,
    pub(super) events_per_second: f64,
    latency_ms: Latency,
    sources: u64,
    pub(super) uptime_seconds: f64,
    open_alerts: u64,
    rejected_events: u64,
    #[serde(default)]
    skipped_events: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Latency {
    p50: Option<f64>,
    p95: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Stream {
    name: String,
    status: Status,
}

#[derive(Clone, Debug, Deserialize)]
struct Status {
    state: String,
    events: u64,
    anomalies: u64,
    rejected: u64,
    keys: u64,
    events_per_second: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct Verdict {
    source: Option<String>,
    timestamp: Option<String>,
    anomaly_score: Option<f64>,
    severity: Option<String>,
    anomaly_type: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Alert {
    source: String,
    state: String,
    severity: Option<String>,
    opened_at: String,
    anomalies: u64,
}

/// The lists, in the order of the tab key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Streams,
    Anomalies,
    Alerts,
}

/// A column: its head, and how wide it is; the one without a width takes what is left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) head: &'static str,
    pub(super) width: Option<u16>,
    pub(super) align: Align,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

const fn column(head: &'static str, width: Option<u16>, align: Align) -> Column {
    Column { head, width, align }
}

impl List {
    pub(super) const ALL: [Self; 3] = [Self::Streams, Self::Anomalies, Self::Alerts];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Streams => "streams",
            Self::Anomalies => "newest anomalies",
            Self::Alerts => "open alerts",
        }
    }

    pub(super) fn columns(self) -> &'static [Column] {
        use Align::{Left, Right};
        const STREAMS: &[Column] = &[
            column("stream", None, Left),
            column("state", Some(8), Left),
            column("rate/s", Some(9), Right),
            column("events", Some(13), Right),
            column("anomalies", Some(11), Right),
            column("rejected", Some(9), Right),
            column("sources", Some(9), Right),
        ];
        const ANOMALIES: &[Column] = &[
            column("time (UTC)", Some(19), Left),
            column("source", None, Left),
            column("severity", Some(8), Left),
            column("score", Some(5), Right),
            column("type", Some(11), Left),
        ];
        const ALERTS: &[Column] = &[
            column("since (UTC)", Some(19), Left),
            column("source", None, Left),
            column("severity", Some(8), Left),
            column("state", Some(12), Left),
            column("anomalies", Some(9), Right),
        ];
        match self {
            Self::Streams => STREAMS,
            Self::Anomalies => ANOMALIES,
            Self::Alerts => ALERTS,
        }
    }
}

impl Snapshot {
    pub(super) fn fetch(server: &Server) -> Result<Self> {
        #[derive(Deserialize)]
        struct Page<T> {
            items: Vec<T>,
        }
        #[derive(Deserialize)]
        struct Newest {
            anomalies: Vec<Verdict>,
        }
        let streams: Page<Stream> = server.get("/api/v1/streams")?;
        let newest: Newest = server.get("/api/anomalies?limit=100")?;
        let alerts: Page<Alert> = server.get("/api/v1/alerts?state=open,acknowledged&limit=100")?;
        Ok(Self {
            statistics: server.get("/api/statistics")?,
            streams: streams.items,
            anomalies: newest.anomalies,
            alerts: alerts.items,
        })
    }

    /// The rows of a list, as text without control characters: names come from whoever sends events.
    pub(super) fn rows(&self, list: List) -> Vec<Vec<String>> {
        let word = |text: &Option<String>| text.as_deref().map_or("-".to_owned(), plain);
        match list {
            List::Streams => self.streams.iter().map(Stream::row).collect(),
            List::Anomalies => {
                let row = |verdict: &Verdict| {
                    vec![
                        verdict.timestamp.as_deref().map_or("-".to_owned(), moment),
                        word(&verdict.source),
                        word(&verdict.severity),
                        verdict
                            .anomaly_score
                            .map_or("-".to_owned(), |score| format!("{score:.2}")),
                        word(&verdict.anomaly_type),
                    ]
                };
                self.anomalies.iter().map(row).collect()
            }
            List::Alerts => {
                let row = |alert: &Alert| {
                    vec![
                        moment(&alert.opened_at),
                        plain(&alert.source),
                        word(&alert.severity),
                        plain(&alert.state),
                        grouped(alert.anomalies),
                    ]
                };
                self.alerts.iter().map(row).collect()
            }
        }
    }

    /// Everything as text, for pipes and for a look.
    pub(super) fn text(&self, url: &str) -> String {
        /// Rows of a list that are shown.
        const SHOWN: usize = 10;
        let mut out = format!("{url}, up {}\n", span(self.statistics.uptime_seconds));
        for (name, value) in self.statistics.lines() {
            out.push_str(&format!("{name:<12}{value}\n"));
        }
        for list in List::ALL {
            let rows = self.rows(list);
            out.push_str(&format!("\n{}\n", list.title()));
            if rows.is_empty() {
                out.push_str("  none\n");
            } else {
                push_table(&mut out, list.columns(), &rows[..rows.len().min(SHOWN)]);
            }
            if rows.len() > SHOWN {
                out.push_str(&format!("  and {} more\n", rows.len() - SHOWN));
            }
        }
        out
    }
}

impl Stream {
    fn row(&self) -> Vec<String> {
        let status = &self.status;
        vec![
            plain(&self.name),
            plain(&status.state),
            rate(status.events_per_second),
            grouped(status.events),
            grouped(status.anomalies),
            grouped(status.rejected),
            grouped(status.keys),
        ]
    }
}

impl Statistics {
    /// The numbers with their names.
    pub(super) fn lines(&self) -> [(&'static str, String); 4] {
        let millis = |value: Option<f64>| value.map_or("-".to_owned(), |ms| format!("{ms:.1} ms"));
        let Latency { p50, p95 } = self.latency_ms;
        let sources = grouped(self.sources);
        let (events, anomalies) = (grouped(self.total_events), grouped(self.total_anomalies));
        let rejected = match self.skipped_events {
            0 => grouped(self.rejected_events),
            skipped => format!(
                "{}, not judged {}",
                grouped(self.rejected_events),
                grouped(skipped)
            ),
        };
        [
            (
                "rate",
                format!("{} events a second", rate(self.events_per_second)),
            ),
            (
                "latency",
                format!("p50 {}, p95 {}", millis(p50), millis(p95)),
            ),
            (
                "sources",
                format!("{sources}, open alerts {}", grouped(self.open_alerts)),
            ),
            (
                "events",
                format!("{events}, anomalies {anomalies}, rejected {rejected}"),
            ),
        ]
    }
}

fn push_table(out: &mut String, columns: &[Column], rows: &[Vec<String>]) {
    let heads: Vec<String> = columns
        .iter()
        .map(|column| column.head.to_owned())
        .collect();
    let lines = || std::iter::once(&heads).chain(rows);
    let widths: Vec<usize> = (0..columns.len())
        .map(|index| {
            lines()
                .map(|line| line[index].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for line in lines() {
        let cells = line
            .iter()
            .zip(columns)
            .zip(&widths)
            .map(|((cell, column), &width)| match column.align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            });
        let cells: Vec<String> = cells.collect();
        out.push_str("  ");
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
}

fn rate(events_per_second: f64) -> String {
    if events_per_second < 100.0 {
        format!("{events_per_second:.1}")
    } else {
        grouped(events_per_second as u64)
    }
}

/// A time as people read it, to the second: `2026-01-05 00:04:00`.
fn moment(rfc3339: &str) -> String {
    plain(rfc3339)
        .replacen('T', " ", 1)
        .chars()
        .take(19)
        .collect()
}

/// A length of time in its two largest units.
pub(super) fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Text that does nothing to a terminal.
fn plain(text: &str) -> String {
    let seen = |letter: char| {
        if letter.is_control() {
            '\u{fffd}'
        } else {
            letter
        }
    };
    text.chars().map(seen).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A service with two streams in which something happens.
    pub(crate) fn example() -> Snapshot {
        let stream = |name: &str, state: &str, events| Stream {
            name: name.to_owned(),
            status: Status {
                state: state.to_owned(),
                events,
                anomalies: events / 500,
                rejected: 3,
                keys: 4,
                events_per_second: 12.04,
            },
        };
        let verdict = |second, source: &str| Verdict {
            source: Some(source.to_owned()),
            timestamp: Some(format!("2026-01-05T00:04:{second:02}.678Z")),
            anomaly_score: Some(0.8123),
            severity: Some("high".to_owned()),
            anomaly_type: Some("spike".to_owned()),
        };
        Snapshot {
            statistics: Statistics {
                total_events: 1_234_567,
                total_anomalies: 2_469,
                events_per_second: 24.08,
                latency_ms: Latency {
                    p50: Some(0.84),
                    p95: None,
                },
                sources: 8,
                uptime_seconds: 93_784.5,
                open_alerts: 1,
                rejected_events: 6,
                skipped_events: 0,
            },
            streams: vec![
                stream("pumps", "running", 1_200_000),
                stream("web", "paused", 34_567),
            ],
            anomalies: (0..12)
                .map(|second| verdict(59 - second, "pump-7"))
                .collect(),
            alerts: vec![Alert {
                source: "bad\u{1b}[2J".to_owned(),
                state: "open".to_owned(),
                severity: Some("critical".to_owned()),
                opened_at: "2026-01-05T00:03:00Z".to_owned(),
                anomalies: 31,
            }],
        }
    }

    #[test]
    fn a_snapshot_is_text_that_lines_up_and_does_nothing_to_a_terminal() {
        let text = example().text("http://127.0.0.1:8000");
        let expected = "\
http://127.0.0.1:8000, up 1 d 2 h
rate        24.1 events a second
latency     p50 0.8 ms, p95 -
sources     8, open alerts 1
events      1,234,567, anomalies 2,469, rejected 6

streams
  stream  state    rate/s     events  anomalies  rejected  sources
  pumps   running    12.0  1,200,000      2,400         3        4
  web     paused     12.0     34,567         69         3        4

newest anomalies
  time (UTC)           source  severity  score  type
  2026-01-05 00:04:59  pump-7  high       0.81  spike
";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("  and 2 more\n"), "{text}");
        let alerts = "
open alerts
  since (UTC)          source   severity  state  anomalies
  2026-01-05 00:03:00  bad\u{fffd}[2J  critical  open          31
";
        assert!(text.ends_with(alerts), "{text}");
    }

    #[test]
    fn lengths_of_time_have_two_units() {
        let check = |seconds, expected| assert_eq!(span(seconds), expected);
        check(0.4, "0 s");
        check(61.0, "1 min 1 s");
        check(7_260.0, "2 h 1 min");
        check(90_000.0, "1 d 1 h");
    }
}
