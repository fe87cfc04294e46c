//! What the cells of a column look like in the sample.

use crate::codec::number::{Style, is_missing};
use crate::codec::timestamp::{self, TimestampError, TimestampUnit};
use crate::event::Timestamp;

/// What the cells of a column look like in the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looks {
    /// All are missing.
    Empty,
    Number,
    Time,
    Text,
}

/// A column of the sample, whatever the format.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) name: String,
    /// The first cell that is not missing.
    pub(super) example: String,
    /// JSON: whether some are in quotes.
    pub(super) is_quoted: bool,
    /// Cells that are not missing, in order.
    cells: Vec<(String, Kind)>,
}

/// What one cell is.
type Kind = Looks;

/// Of so many cells one may be text in a column of numbers or times.
const ODD_SHARE: usize = 5;
/// Cells below which a column says nothing about repeating.
const FEW: usize = 8;
/// 1980 and 2100: times of records lie between; those of clocks that begin at 0 do not.
const PLAUSIBLE: [i64; 2] = [315_532_800_000_000, 4_102_444_800_000_000];

impl Seen {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Takes in a cell.
    pub(super) fn push(&mut self, cell: &str, looks: Looks) {
        if looks == Looks::Empty {
            return;
        }
        if self.cells.is_empty() {
            cell.clone_into(&mut self.example);
        }
        self.cells.push((cell.to_owned(), looks));
    }

    /// Cells that are not missing.
    pub(super) fn filled(&self) -> usize {
        self.cells.len()
    }

    fn count(&self, kind: Kind) -> usize {
        self.cells.iter().filter(|cell| cell.1 == kind).count()
    }

    /// What nearly all of them look like.
    pub(super) fn looks(&self) -> Looks {
        if self.cells.is_empty() {
            return Looks::Empty;
        }
        let kinds = [Looks::Number, Looks::Time];
        let nearly_all =
            |kind: &Looks| (self.filled() - self.count(*kind)) * ODD_SHARE <= self.filled();
        kinds.into_iter().find(nearly_all).unwrap_or(Looks::Text)
    }

    pub(super) fn holds_numbers(&self) -> bool {
        self.count(Looks::Number) > 0
    }

    /// The first cell that is no number, and how many there are.
    pub(super) fn odd_text(&self) -> Option<(&str, usize)> {
        let mut odd = self.cells.iter().filter(|cell| cell.1 != Looks::Number);
        let first = odd.next()?;
        Some((first.0.as_str(), 1 + odd.count()))
    }

    /// Whether it only numbers the rows: each cell is one more than the one before.
    pub(super) fn counts_rows(&self) -> bool {
        let numbers = self.cells.iter().map(|cell| cell.0.trim().parse::<i64>());
        let numbers: Result<Vec<i64>, _> = numbers.collect();
        numbers.is_ok_and(|numbers| {
            numbers.len() > 1
                && numbers
                    .windows(2)
                    .all(|two| two[1].checked_sub(two[0]) == Some(1))
        })
    }

    fn distinct(&self) -> Vec<&str> {
        let mut distinct: Vec<&str> = self.cells.iter().map(|cell| cell.0.as_str()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        distinct
    }

    /// Whether its cells come again and again, as those of an event's id do not.
    pub(super) fn repeats(&self) -> bool {
        self.filled() >= FEW && self.distinct().len() * 4 < self.filled() * 3
    }

    /// A few of its different cells, for a message.
    pub(super) fn some_cells(&self) -> String {
        const SHOWN: usize = 3;
        let distinct = self.distinct();
        let shown = distinct[..distinct.len().min(SHOWN)].join(", ");
        if distinct.len() > SHOWN {
            shown + ", ..."
        } else {
            shown
        }
    }

    /// Whether all its cells are dates without dashes.
    pub(super) fn holds_dates(&self) -> bool {
        let is_date = |cell: &(String, Kind)| {
            let digits = timestamp::calendar_digits(cell.0.trim_ascii());
            digits.is_some_and(is_plausible)
        };
        !self.cells.is_empty() && self.cells.iter().all(is_date)
    }

    /// What its numbers count, where `unit` leaves it open.
    pub(super) fn time_unit(&self, unit: TimestampUnit) -> TimestampUnit {
        if unit == TimestampUnit::Auto && self.holds_dates() {
            return TimestampUnit::Ymd;
        }
        unit
    }

    /// Whether its cells are times of a clock that nobody names.
    pub(super) fn has_no_zone(&self) -> bool {
        self.cells
            .first()
            .is_some_and(|cell| timestamp::is_of_no_zone(&cell.0))
    }

    /// Whether its numbers are days since 1900 with their fractions, of the years 2000 to 2099.
    fn holds_serial_days(&self) -> bool {
        const CENTURY: std::ops::Range<f64> = 36_526.0..73_051.0;
        let days = || {
            self.cells
                .iter()
                .filter_map(|cell| cell.0.trim().parse::<f64>().ok())
        };
        days().all(|day| CENTURY.contains(&day)) && days().any(|day| day.fract() != 0.0)
    }

    /// Its cells as times, as far as they are.
    pub(super) fn times(&self, unit: TimestampUnit) -> Vec<Timestamp> {
        let times = self.cells.iter();
        let times = times.map(|cell| timestamp::parse(&cell.0, unit));
        times.filter_map(Result::ok).collect()
    }

    /// Why it is not the event time although its name says so: it is if its cells are times of one plausible stretch.
    pub(super) fn no_time(&self, unit: TimestampUnit) -> Option<String> {
        let looks = self.looks();
        let unit = self.time_unit(unit);
        if looks == Looks::Empty || looks == Looks::Time || unit == TimestampUnit::Ymd {
            return None;
        }
        let example = match self.odd_text() {
            Some((text, _)) if looks == Looks::Text => text,
            _ => &self.example,
        };
        match timestamp::parse(example, unit) {
            // It is a time all the same; reading it says what to set.
            Err(TimestampError::Ambiguous { .. }) => return None,
            Err(error) => return Some(error.to_string()),
            Ok(_) if looks == Looks::Text => return Some("not all of its cells are times".into()),
            Ok(_) => {}
        }
        if self.holds_serial_days() {
            return Some(format!(
                "its numbers ({}) are days as spreadsheets count them (let the spreadsheet write dates)",
                self.some_cells()
            ));
        }
        // Numbers: dates of our days, or a clock that began at 0.
        let times = self.times(unit);
        let is_time = times.iter().all(|time| is_plausible(*time)) || is_rising(&times);
        (!is_time).then(|| {
            format!(
                "its numbers ({}) are no times that follow each other (--timestamp {} takes it all the same)",
                self.some_cells(),
                self.name
            )
        })
    }
}

fn is_plausible(time: Timestamp) -> bool {
    (PLAUSIBLE[0]..PLAUSIBLE[1]).contains(&time.0)
}

/// Whether times rise, but for a few that come late.
fn is_rising(times: &[Timestamp]) -> bool {
    let falls = times.windows(2).filter(|two| two[1] < two[0]).count();
    times.first() < times.last() && falls * 10 <= times.len()
}

/// Whether the newest times come first.
pub(super) fn is_falling(times: &[Timestamp]) -> bool {
    let rises = times.windows(2).filter(|two| two[1] > two[0]).count();
    times.len() >= FEW && times.first() > times.last() && rises * 10 <= times.len()
}

/// What a cell looks like.
pub(super) fn looks(cell: &str, style: Style) -> Looks {
    let cell = cell.trim();
    if is_missing(cell.as_bytes()) {
        Looks::Empty
    } else if style.parse(cell.as_bytes()).is_some() {
        Looks::Number
    } else if timestamp::parse(cell, TimestampUnit::Auto).is_ok() {
        Looks::Time
    } else {
        Looks::Text
    }
}
