//! A run at a glance: a chart of the first value with the anomalies under it, and the strangest of them as a list.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use owo_colors::OwoColorize as _;
use willet_engine::codec::timestamp::write_rfc3339;
use willet_engine::config::Plan;
use willet_engine::event::Timestamp;
use willet_engine::verdict::Outcome;
use willet_node::output::Answers;

/// What is kept of a run to draw it: bounded, however long the run is.
#[derive(Debug)]
pub(crate) struct Picture {
    algorithm: String,
    columns: Vec<Column>,
    rows_per_column: u64,
    rows: u64,
    anomalies: u64,
    warming_up: u64,
    late: u64,
    /// By reason, in the order in which they came; what does not fit in is counted with the last.
    skipped: Vec<(String, u64)>,
    strangest: Vec<Strange>,
}

/// Some rows that share a column of the chart.
#[derive(Clone, Copy, Debug)]
struct Column {
    low: f64,
    high: f64,
    rows: u64,
    anomalies: u32,
}

#[derive(Clone, Debug)]
struct Strange {
    offset: u64,
    time: Option<Timestamp>,
    key: String,
    anomaly_score: f64,
    confidence: f64,
    text: String,
}

/// Columns of the chart at most; when there would be more, neighbours are joined.
const WIDTH: usize = 100;
const HEIGHT: usize = 10;
/// Characters before the chart.
const LABEL: usize = 13;
/// Anomalies listed.
const LISTED: usize = 8;

impl Picture {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            algorithm: plan.config().detector.algorithm.clone(),
            columns: Vec::new(),
            rows_per_column: 1,
            rows: 0,
            anomalies: 0,
            warming_up: 0,
            late: 0,
            skipped: Vec::new(),
            strangest: Vec::new(),
        }
    }

    pub(crate) fn take(&mut self, answers: &Answers<'_>) {
        for verdict in answers.rows() {
            let is_told_before = verdict.outcome == Outcome::AlreadyLearned;
            if crate::rows::is_gathered(verdict) || is_told_before {
                continue;
            }
            let event = verdict.event as usize;
            let value = answers
                .events
                .values(event)
                .first()
                .copied()
                .unwrap_or(f64::NAN);
            let is_anomaly = verdict.is_anomaly();
            self.draw(value, is_anomaly);
            self.rows += 1;
            self.late += u64::from(verdict.is_late);
            match &verdict.outcome {
                Outcome::WarmingUp => self.warming_up += 1,
                Outcome::Scored(scored) if is_anomaly => {
                    self.anomalies += 1;
                    let weakest = self
                        .strangest
                        .last()
                        .map_or(0.0, |strange| strange.anomaly_score);
                    if self.strangest.len() == LISTED && scored.anomaly_score <= weakest {
                        continue;
                    }
                    let row = &answers.events.rows()[event];
                    let text = answers.verdicts.detail(scored).map(|detail| {
                        let kind = detail
                            .anomaly_type
                            .map_or("anomaly", willet_engine::verdict::AnomalyType::as_str);
                        format!("{kind}: {}", detail.reason)
                    });
                    self.strangest.push(Strange {
                        offset: row.offset,
                        time: row.time,
                        key: answers.events.key(event).to_owned(),
                        anomaly_score: scored.anomaly_score,
                        confidence: scored.confidence,
                        text: text.unwrap_or_default(),
                    });
                    self.strangest
                        .sort_by(|a, b| b.anomaly_score.total_cmp(&a.anomaly_score));
                    self.strangest.truncate(LISTED);
                }
                Outcome::Scored(_) => {}
                _ => self.skip(crate::rows::skipped(verdict).unwrap_or_default()),
            }
        }
    }

    fn skip(&mut self, reason: String) {
        /// Reasons counted apart.
        const REASONS: usize = 8;
        let known = self.skipped.iter().position(|(known, _)| *known == reason);
        let place = known.or((self.skipped.len() == REASONS).then_some(REASONS - 1));
        match place {
            Some(place) => self.skipped[place].1 += 1,
            None => self.skipped.push((reason, 1)),
        }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows that were neither judged nor learned.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped.iter().map(|(_, count)| count).sum()
    }

    /// Rows that were judged, or learned while nothing could be said yet.
    pub(crate) fn judged(&self) -> u64 {
        self.rows - self.skipped()
    }

    /// The reasons for which rows were skipped, with their counts.
    pub(crate) fn why_skipped(&self) -> String {
        let reasons = self.skipped.iter();
        let reasons: Vec<String> = reasons
            .map(|(reason, count)| format!("{} {reason}", grouped(*count)))
            .collect();
        format!(
            "{} rows skipped ({})",
            grouped(self.skipped()),
            reasons.join("; ")
        )
    }

    /// What is probably not as it was meant.
    pub(crate) fn warning(&self) -> Option<String> {
        let most = |count: u64| count > 0 && count * 2 >= self.rows;
        let duplicates = self
            .skipped
            .iter()
            .find(|(reason, _)| reason == "duplicate");
        if let Some((_, count)) = duplicates.filter(|(_, count)| most(*count)) {
            return Some(format!(
                "{} of {} rows bear an id that came before and were not judged (--id NAME if another column is the id; `--key id` if it says what a row is of)",
                grouped(*count),
                grouped(self.rows)
            ));
        }
        most(self.late).then(|| {
            format!(
                "{} of {} rows are older than rows before them: what is learned in the wrong order is worth less (sort the file by time; `tac` turns it round)",
                grouped(self.late),
                grouped(self.rows)
            )
        })
    }

    fn draw(&mut self, value: f64, is_anomaly: bool) {
        if self
            .columns
            .last()
            .is_none_or(|column| column.rows == self.rows_per_column)
        {
            if self.columns.len() == 2 * WIDTH {
                self.columns = self
                    .columns
                    .chunks(2)
                    .map(|pair| pair.iter().copied().reduce(Column::join))
                    .collect::<Option<_>>()
                    .unwrap_or_default();
                self.rows_per_column *= 2;
            }
            self.columns.push(Column {
                low: f64::INFINITY,
                high: f64::NEG_INFINITY,
                rows: 0,
                anomalies: 0,
            });
        }
        if let Some(column) = self.columns.last_mut() {
            column.low = column.low.min(value);
            column.high = column.high.max(value);
            column.rows += 1;
            column.anomalies += u32::from(is_anomaly);
        }
    }

    /// One line.
    pub(crate) fn summary(&self) -> String {
        let share = 100.0 * self.anomalies as f64 / self.rows.max(1) as f64;
        let late = if self.late > 0 {
            format!(", {} late", grouped(self.late))
        } else {
            String::new()
        };
        let skipped = if self.skipped.is_empty() {
            String::new()
        } else {
            format!(", {}", self.why_skipped())
        };
        format!(
            "{} rows, {} anomalies ({share:.2} %), {} rows of warm-up{late}{skipped}, algorithm {}",
            grouped(self.rows),
            grouped(self.anomalies),
            grouped(self.warming_up),
            self.algorithm
        )
    }

    /// Chart, summary and list, for a terminal.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        self.render_chart(&mut out);
        let _ = writeln!(out, "{}", self.summary());
        for strange in &self.strangest {
            let mut time = Vec::new();
            match strange.time {
                Some(at) => write_rfc3339(&mut time, at),
                None => time.extend_from_slice(format!("row {}", strange.offset).as_bytes()),
            }
            let _ = writeln!(
                out,
                "  {}  score {:.3}  confidence {:.2}  {}{}{}",
                String::from_utf8_lossy(&time).bold(),
                strange.anomaly_score,
                strange.confidence,
                strange.key.cyan(),
                if strange.key.is_empty() { "" } else { "  " },
                strange.text
            );
        }
        let hidden = self.anomalies.saturating_sub(self.strangest.len() as u64);
        if hidden > 0 {
            let _ = writeln!(
                out,
                "  and {} more (--format csv or ndjson writes all rows)",
                grouped(hidden)
            );
        }
        if is_plain() { plain(&out) } else { out }
    }

    fn render_chart(&self, out: &mut String) {
        let joined = self
            .columns
            .len()
            .div_ceil(terminal_width().saturating_sub(LABEL).clamp(20, WIDTH))
            .max(1);
        let columns: Vec<Column> = self
            .columns
            .chunks(joined)
            .filter_map(|pair| pair.iter().copied().reduce(Column::join))
            .collect();
        let low = columns
            .iter()
            .map(|column| column.low)
            .fold(f64::INFINITY, f64::min);
        let high = columns
            .iter()
            .map(|column| column.high)
            .fold(f64::NEG_INFINITY, f64::max);
        if !(low.is_finite() && high.is_finite()) {
            return;
        }
        let range = (high - low).max(1e-12);
        // Eight steps to a line of text.
        let step = |value: f64| ((value - low) / range * (HEIGHT * 8 - 1) as f64).round() as usize;
        for line in (0..HEIGHT).rev() {
            let label = match line {
                0 => short(low),
                line if line == HEIGHT - 1 => short(high),
                _ => String::new(),
            };
            let _ = write!(out, "{label:>10} │");
            for column in &columns {
                let cell = if column.low > column.high {
                    ' '
                } else {
                    cell(step(column.low), step(column.high), line)
                };
                if column.anomalies > 0 {
                    let _ = write!(out, "{}", cell.red());
                } else {
                    out.push(cell);
                }
            }
            out.push('\n');
        }
        let _ = write!(out, "{:>10} │", "anomalies");
        for column in &columns {
            if column.anomalies > 0 {
                let _ = write!(out, "{}", '▲'.red());
            } else {
                out.push(' ');
            }
        }
        out.push('\n');
    }
}

impl Column {
    fn join(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            rows: self.rows + other.rows,
            anomalies: self.anomalies + other.anomalies,
        }
    }
}

/// What a column shows on a line of text.
fn cell(low: usize, high: usize, line: usize) -> char {
    const LOWER: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (bottom, top) = (line * 8, line * 8 + 7);
    if high < bottom || low > top {
        ' '
    } else if high < top {
        LOWER[high - bottom]
    } else if low > bottom + 3 {
        '▀'
    } else {
        '█'
    }
}

/// A number in a few characters.
fn short(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "?".to_owned()
    } else if size >= 1e6 || (size > 0.0 && size < 1e-3) {
        format!("{value:.2e}")
    } else if size >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

/// Thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of bytes in a few characters.
pub(super) fn memory(bytes: usize) -> String {
    match bytes {
        ..10_240 => format!("{} B", grouped(bytes as u64)),
        _ => format!("{} KiB", grouped((bytes >> 10) as u64)),
    }
}

/// Columns of the terminal, 100 and the label where there is none.
fn terminal_width() -> usize {
    rustix::termios::tcgetwinsize(std::io::stdout())
        .map_or(0, |size| usize::from(size.ws_col))
        .max(if std::io::stdout().is_terminal() {
            0
        } else {
            WIDTH + LABEL
        })
}

fn is_plain() -> bool {
    !std::io::stdout().is_terminal()
        || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Without colours.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_is_drawn_in_bounded_columns_without_losing_an_anomaly() {
        let plan = Plan::new(willet_engine::config::StreamConfig::default(), 1).expect("valid");
        let mut picture = Picture::new(&plan);
        (0..1_000_000_u64).for_each(|row| picture.draw(row as f64, row == 777_777));
        assert!(picture.columns.len() <= 2 * WIDTH);
        assert_eq!(
            picture
                .columns
                .iter()
                .map(|column| column.rows)
                .sum::<u64>(),
            1_000_000
        );
        assert_eq!(
            picture
                .columns
                .iter()
                .map(|column| column.anomalies)
                .sum::<u32>(),
            1
        );
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(
            [grouped(7), grouped(1_234), grouped(10_000_000)],
            ["7", "1,234", "10,000,000"]
        );
    }
}
