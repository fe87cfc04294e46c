//! Rows, where a flag must come and where none should.

use willet_core::decision::DecisionConfig;

pub(super) const MINUTE: i64 = 60;
pub(super) const HOUR: i64 = 3_600;
pub(super) const DAY: i64 = 86_400;
/// Monday 2025-01-06, midnight UTC, in seconds.
pub(super) const MONDAY: i64 = 1_736_121_600;

/// A series of rows with what is right to say of them. Rows that are not named must be quiet.
#[derive(Clone, Debug)]
pub struct Case {
    /// Names of the columns.
    pub names: Vec<String>,
    /// The values, column by column; NaN is none.
    pub columns: Vec<Vec<f64>>,
    /// Seconds of each row; `None` for rows without a time.
    pub times: Option<Vec<i64>>,
    /// Which series each row is of, where there are several.
    pub keys: Option<Vec<usize>>,
    /// What must be found.
    pub events: Vec<Event>,
    /// Rows that are not normal.
    pub strange: Vec<bool>,
    /// Rows in which a flag is false.
    pub quiet: Vec<bool>,
    /// False flags that are put up with; see [`Case::allowed`].
    pub may_be_false: Option<usize>,
    /// ROC AUC that the strange rows must reach by their scores.
    pub least_roc: Option<f64>,
    /// A row that is tried at several sizes.
    pub ladder: Option<Ladder>,
    /// What the user has set.
    pub decision: DecisionConfig,
    /// The kind that the user asks for, whatever is measured otherwise.
    pub kind: Option<&'static str>,
    /// What a person calls small in each column; 0 where values are whole.
    pub units: Vec<f64>,
}

/// Rows that must be flagged at least once.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// First row.
    pub first: usize,
    /// Last row.
    pub last: usize,
    /// Rows behind the last in which a flag still counts.
    pub late: usize,
    /// Last row that is not normal.
    pub until: usize,
    /// Rows behind it that are not judged: what is new is being learned.
    pub settle: usize,
}

impl Event {
    /// One row, found there or two rows later.
    pub fn at(row: usize) -> Self {
        Self::over(row, row)
    }

    /// Rows on end, one of which is flagged.
    pub fn over(first: usize, last: usize) -> Self {
        Self {
            first,
            last,
            late: 2,
            until: last,
            settle: 0,
        }
    }

    /// Rows in which a flag counts.
    pub fn rows(&self) -> std::ops::RangeInclusive<usize> {
        self.first..=self.last + self.late
    }
}

/// A row to be tried at several deviations, in this unit of its column.
#[derive(Clone, Copy, Debug)]
pub struct Ladder {
    /// The row.
    pub row: usize,
    /// Its column.
    pub column: usize,
    /// What one deviation is; its sign is the way.
    pub unit: f64,
}

impl Case {
    /// One value a row, `unit` of which is small.
    pub fn of(values: Vec<f64>, unit: f64) -> Self {
        Self::wide(vec![("value".to_owned(), values, unit)])
    }

    /// Columns with their names and units.
    pub fn wide(columns: Vec<(String, Vec<f64>, f64)>) -> Self {
        let n = columns[0].1.len();
        let mut case = Self {
            names: Vec::new(),
            columns: Vec::new(),
            times: None,
            keys: None,
            events: Vec::new(),
            strange: vec![false; n],
            quiet: vec![true; n],
            may_be_false: None,
            least_roc: None,
            ladder: None,
            decision: DecisionConfig::default(),
            kind: None,
            units: Vec::new(),
        };
        for (name, values, unit) in columns {
            assert_eq!(values.len(), n, "columns are of one length");
            case.names.push(name);
            case.columns.push(values);
            case.units.push(unit);
        }
        case
    }

    /// A row every so many seconds, from a Monday on.
    #[must_use]
    pub fn every(self, seconds: i64) -> Self {
        self.every_from(MONDAY, seconds)
    }

    /// The same from another time on.
    #[must_use]
    pub fn every_from(mut self, start: i64, seconds: i64) -> Self {
        let n = self.rows() as i64;
        self.times = Some((0..n).map(|row| start + seconds * row).collect());
        self
    }

    /// Something that must be found.
    #[must_use]
    pub fn find(mut self, event: Event) -> Self {
        assert!(
            event.first <= event.last && event.last <= event.until && event.until < self.rows(),
            "{event:?} in {} rows",
            self.rows()
        );
        self.strange[event.first..=event.until].fill(true);
        self.events.push(event);
        let end = (event.last + event.late).max(event.until + event.settle);
        self.ignore(event.first, end)
    }

    /// Rows in which a flag is neither asked for nor false.
    #[must_use]
    pub fn ignore(mut self, first: usize, last: usize) -> Self {
        let end = (last + 1).min(self.rows());
        self.quiet[first.min(end)..end].fill(false);
        self
    }

    /// So many false flags are put up with.
    #[must_use]
    pub fn may_be_false(mut self, flags: usize) -> Self {
        self.may_be_false = Some(flags);
        self
    }

    /// This share of quiet rows may be flagged.
    #[must_use]
    pub fn may_be_false_share(self, share: f64) -> Self {
        let flags = (share * self.quiet_rows() as f64) as usize;
        self.may_be_false(flags)
    }

    /// The first column of this row is tried at several sizes.
    #[must_use]
    pub fn ladder(self, row: usize, unit: f64) -> Self {
        self.ladder_of(0, row, unit)
    }

    /// The same of another column.
    #[must_use]
    pub fn ladder_of(mut self, column: usize, row: usize, unit: f64) -> Self {
        self.ladder = Some(Ladder { row, column, unit });
        self
    }

    /// Only these rows came.
    #[must_use]
    pub fn keep(mut self, came: &[bool]) -> Self {
        let before: Vec<usize> = came
            .iter()
            .scan(0, |seen, came| {
                let place = *seen;
                *seen += usize::from(*came);
                Some(place)
            })
            .collect();
        for event in &mut self.events {
            let (first, last) = (event.first, event.last);
            let there = || (first..=last).filter(|row| came[*row]);
            event.first = before[there().next().expect("a row of it came")];
            event.last = before[there().next_back().expect("a row of it came")];
        }
        for column in &mut self.columns {
            retain(column, came);
        }
        retain(&mut self.strange, came);
        retain(&mut self.quiet, came);
        if let Some(times) = &mut self.times {
            retain(times, came);
        }
        self
    }

    /// Values as an instrument shows them: two places below what is small, whole where the unit is 0.
    #[must_use]
    pub fn rounded(mut self) -> Self {
        for (column, unit) in self.columns.iter_mut().zip(&self.units) {
            let places = if *unit == 0.0 {
                0.0
            } else {
                (2.0 - libm::log10(*unit).floor()).max(0.0)
            };
            let shift = libm::pow(10.0, places);
            column
                .iter_mut()
                .for_each(|x| *x = (*x * shift).round() / shift);
        }
        self
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.quiet.len()
    }

    /// A row.
    pub fn row(&self, row: usize) -> Vec<f64> {
        self.columns.iter().map(|column| column[row]).collect()
    }

    /// Which series a row is of.
    pub fn key(&self, row: usize) -> usize {
        self.keys.as_ref().map_or(0, |keys| keys[row])
    }

    /// Rows in which a flag is false.
    pub fn quiet_rows(&self) -> usize {
        self.quiet.iter().filter(|quiet| **quiet).count()
    }

    /// False flags that a person puts up with: one, and one more in 1,000 rows, where the situation says nothing else.
    pub fn allowed(&self) -> usize {
        self.may_be_false.unwrap_or(1 + self.quiet_rows() / 1_000)
    }
}

fn retain<T>(of: &mut Vec<T>, came: &[bool]) {
    let mut row = 0;
    of.retain(|_| {
        row += 1;
        came[row - 1]
    });
}
