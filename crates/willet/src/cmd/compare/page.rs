//! A page that shows what each kind said: one HTML file without anything from elsewhere.

use std::path::Path;

use serde_json::{Value, json};
use willet_core::evaluation::labelled_windows;

use super::measured::Measured;
use crate::cmd::page;
use crate::cmd::recorded::{Recorded, Scored};

const TEMPLATE: &str = include_str!("page.html");
/// Points of a line at most: rows beyond that share one by their least and greatest, so that a long file stays a small page.
const POINTS: usize = 2_000;
/// Value columns drawn; more would push the scores out of sight.
const COLUMNS: usize = 8;

/// Gathers what is drawn.
pub(super) struct Page {
    shown: usize,
    rows: usize,
    points: usize,
    head: Value,
    algorithms: Vec<Value>,
}

impl Page {
    pub(super) fn new(recorded: &Recorded, shown: usize, file: &Path) -> Self {
        let (names, values) = recorded.values(shown);
        let rows = values.len();
        let mut page = Self {
            shown,
            rows,
            points: rows.min(POINTS),
            head: Value::Null,
            algorithms: Vec::new(),
        };
        let columns: Vec<Value> = names
            .iter()
            .take(COLUMNS)
            .enumerate()
            .map(|(column, name)| {
                let mut line =
                    page.line(|row| values[row].get(column).copied().unwrap_or(f64::NAN));
                line["name"] = name.as_str().into();
                line
            })
            .collect();
        let times = recorded.times(shown);
        // Milliseconds: what a browser's dates count.
        let times: Vec<Option<i64>> = (0..page.points)
            .map(|point| times[page.first_row(point)].map(|time| time.0 / 1_000))
            .collect();
        let windows: Vec<[usize; 2]> = labelled_windows(&recorded.labels(shown))
            .into_iter()
            .map(|window| [page.point_of(window.start), page.point_of(window.end - 1)])
            .collect();
        let name = file.file_name().unwrap_or(file.as_os_str());
        page.head = json!({
            "file": name.to_string_lossy(),
            "summary": recorded.summary(),
            "key": (recorded.keys() > 1).then(|| recorded.key(shown)),
            "rows": rows,
            "points": page.points,
            "columns": columns,
            "left_out": names.len().saturating_sub(COLUMNS),
            "times": times,
            "windows": windows,
            "probation": page.point_of(recorded.probation(shown).min(rows.saturating_sub(1))),
        });
        page
    }

    pub(super) fn add(&mut self, recorded: &Recorded, scored: &Scored, measured: &Measured) {
        let places = recorded.places(self.shown);
        let mut line = self.line(|row| scored.scores[places[row]]);
        let flags: Vec<usize> = (0..self.points)
            .filter(|point| {
                (self.first_row(*point)..self.first_row(point + 1))
                    .any(|row| scored.flags[places[row]])
            })
            .collect();
        line["flags"] = flags.into();
        line["measured"] = super::json(measured);
        self.algorithms.push(line);
    }

    pub(super) fn render(mut self) -> String {
        self.head["algorithms"] = self.algorithms.into();
        page::fill(TEMPLATE, &self.head)
    }

    /// The row with which a point begins.
    fn first_row(&self, point: usize) -> usize {
        point * self.rows / self.points
    }

    /// The point that holds a row.
    fn point_of(&self, row: usize) -> usize {
        // The greatest whose first row is not behind it.
        ((row + 1) * self.points).div_ceil(self.rows) - 1
    }

    /// Least and greatest of the rows of each point; the greatest is left out where a point is a row.
    fn line(&self, value: impl Fn(usize) -> f64) -> Value {
        let (mut low, mut high) = (Vec::new(), Vec::new());
        for point in 0..self.points {
            let mut range: Option<(f64, f64)> = None;
            for value in (self.first_row(point)..self.first_row(point + 1)).map(&value) {
                if value.is_finite() {
                    let (low, high) = range.unwrap_or((value, value));
                    range = Some((low.min(value), high.max(value)));
                }
            }
            low.push(range.map(|(low, _)| short(low)));
            high.push(range.map(|(_, high)| short(high)));
        }
        if self.points == self.rows {
            json!({ "low": low })
        } else {
            json!({ "low": low, "high": high })
        }
    }
}

/// As many digits as can be seen.
fn short(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_the_point_that_is_said_to_hold_it() {
        for rows in [1, 7, 1_999, 2_000, 2_001, 12_345] {
            let page = Page {
                shown: 0,
                rows,
                points: rows.min(POINTS),
                head: Value::Null,
                algorithms: Vec::new(),
            };
            for row in 0..rows {
                let point = page.point_of(row);
                assert!(
                    (page.first_row(point)..page.first_row(point + 1)).contains(&row),
                    "row {row} of {rows} is not in point {point}"
                );
            }
        }
    }
}
