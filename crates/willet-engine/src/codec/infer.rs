//! A configuration from the first records of an input.

mod csv;
mod json;
mod numbers;
mod seen;

use super::config::{Column, Format, InputConfig, Role, nearest};
use super::timestamp::TimestampUnit;
use seen::{Looks, Seen, looks};

/// Records looked at.
pub const MAX_SAMPLE_RECORDS: usize = 100;

/// What the caller already knows. Empty and `None` mean: find out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InferOptions {
    /// Format of the records.
    pub format: Option<Format>,
    /// What stands between CSV fields.
    pub delimiter: Option<char>,
    /// Whether the first CSV line holds names.
    pub header: Header,
    /// The value columns; all other numbers are ignored.
    pub values: Vec<String>,
    /// The key column.
    pub key: Option<String>,
    /// The column of the event time.
    pub timestamp: Option<String>,
    /// The column of the label.
    pub label: Option<String>,
    /// The column of the event's id.
    pub id: Option<String>,
    /// What epoch numbers count.
    pub timestamp_unit: TimestampUnit,
    /// What stands before the fraction of a number in CSV.
    pub decimal: Option<char>,
    /// What stands between thousands in CSV.
    pub thousands: Option<char>,
    /// Lines of CSV before its header line, or before its first row where there is none.
    pub skip_lines: Option<usize>,
    /// Rows under the header line that are none, such as units.
    pub skip_rows: Option<usize>,
}

/// Whether the first line of a CSV holds names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// Found out: it does if it is text where the lines below it are numbers or times.
    #[default]
    Auto,
    /// It does.
    Present,
    /// It does not; columns are called `c0`, `c1`, ...
    Absent,
}

/// What was found out.
#[derive(Clone, Debug, PartialEq)]
pub struct Inferred {
    /// Configuration that reads the sample; valid.
    pub config: InputConfig,
    /// What the user should be told, a sentence each.
    pub notes: Vec<String>,
    /// Whether the newest rows come first, so that all that follow are late.
    pub is_newest_first: bool,
}

/// Why no configuration came out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    /// Nothing to look at.
    #[error("input has no records, expected CSV rows or JSON objects, one a line")]
    Empty,
    /// No line ends that are read.
    #[error(
        "lines end with a carriage return alone, expected line feeds (tr '\\r' '\\n' makes them)"
    )]
    CarriageReturns,
    /// The input is a JSON array.
    #[error("input is a JSON array, expected one JSON object a line (jq -c '.[]' makes them)")]
    JsonArray,
    /// A line of JSON cannot be read.
    #[error("line {line} is not a JSON object: {problem}")]
    NotJson {
        /// Its number in the sample, from 1.
        line: usize,
        /// What the parser said.
        problem: String,
    },
    /// A named column is not there.
    #[error("no column `{name}`, the input has {known}{}", suggestion(.nearest.as_deref()))]
    UnknownColumn {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
        /// The name that was probably meant.
        nearest: Option<String>,
    },
    /// A column is to be two things.
    #[error("column `{name}` is asked to be {first} and {second}, expected one of them")]
    TwoRoles {
        /// The column.
        name: String,
        /// What it was asked to be first.
        first: &'static str,
        /// And then.
        second: &'static str,
    },
    /// A number that means one thing in one country and another in the next.
    #[error(
        "column `{column}` holds \"{number}\" beside \"{other}\", which may be thousands or a fraction (--decimal . or --decimal , says which; in a configuration `decimal`)"
    )]
    AmbiguousNumbers {
        /// The column.
        column: String,
        /// The number.
        number: String,
        /// Another one of the column.
        other: String,
    },
    /// No column can be judged.
    #[error("no column holds numbers only (columns: {known}; name some to use as values)")]
    NoValues {
        /// The columns there are.
        known: String,
    },
}

/// Looks at the beginning of an input, up to [`MAX_SAMPLE_RECORDS`] records, and says how to read it.
pub fn infer(sample: &[u8], options: &InferOptions) -> Result<Inferred, InferError> {
    let sample = sample.strip_prefix(b"\xef\xbb\xbf").unwrap_or(sample);
    let Some(first) = sample.iter().find(|byte| !byte.is_ascii_whitespace()) else {
        return Err(InferError::Empty);
    };
    let returns = memchr::memchr_iter(b'\r', sample).count();
    if returns > 1 && !sample.contains(&b'\n') {
        return Err(InferError::CarriageReturns);
    }
    let format = match (options.format, first) {
        (Some(format), _) => format,
        (None, b'{' | b'[') => Format::Json,
        (None, _) => Format::Csv,
    };
    match format {
        Format::Json if *first == b'[' => Err(InferError::JsonArray),
        Format::Json => json::infer(sample, options),
        Format::Csv => csv::infer(sample, options),
    }
}

/// Names that say what a column is for, in order of preference.
const NAMED_ROLES: [(Role, &[&str]); 6] = [
    (Role::Timestamp, &super::decoder::TIME_NAMES),
    (Role::Key, &["key", "source", "site"]),
    (Role::Label, &["label"]),
    (Role::Id, &["id"]),
    (Role::Ignore, &["is_anomaly"]),
    (Role::EventType, &["event_type"]),
];

/// What columns are for, and how their times are to be read.
struct Assigned {
    columns: Vec<Column>,
    timestamp_unit: TimestampUnit,
    is_newest_first: bool,
}

/// Gives each column its role: the caller's wish, then its name, then what it looks like.
fn assign(
    seen: &[Seen],
    options: &InferOptions,
    notes: &mut Vec<String>,
) -> Result<Assigned, InferError> {
    let mut roles: Vec<Option<Role>> = vec![None; seen.len()];
    wishes(seen, options, &mut roles)?;
    for (role, names) in NAMED_ROLES {
        if roles.contains(&Some(role)) {
            continue;
        }
        let named = names.iter().flat_map(|name| {
            (0..seen.len()).filter(|&index| seen[index].name.eq_ignore_ascii_case(name))
        });
        for index in named {
            if roles[index].is_none() && fits(&seen[index], role, options, notes) {
                roles[index] = Some(role);
                break;
            }
        }
        if role == Role::Id && !roles.contains(&Some(role)) {
            repeated_id(seen, &mut roles, notes);
        }
    }
    row_numbers(seen, &mut roles, notes);
    parts_of_times(seen, &mut roles, notes);
    if !roles.contains(&Some(Role::Timestamp)) {
        let may_be_dates = matches!(
            options.timestamp_unit,
            TimestampUnit::Auto | TimestampUnit::Ymd
        );
        let holds_times = |index: &usize| {
            let seen = &seen[*index];
            let holds_dates = may_be_dates && seen.holds_dates() && seen.filled() > 1;
            seen.looks() == Looks::Time || holds_dates
        };
        let found = (0..seen.len()).find(|index| roles[*index].is_none() && holds_times(index));
        if let Some(index) = found {
            roles[index] = Some(Role::Timestamp);
        }
    }
    let time = roles.iter().position(|role| *role == Some(Role::Timestamp));
    let (timestamp_unit, is_newest_first) = time.map_or((options.timestamp_unit, false), |index| {
        tell_time(&seen[index], options, notes)
    });
    let columns: Vec<Column> = seen
        .iter()
        .zip(roles)
        .map(|(seen, role)| column(seen, role, options, notes))
        .collect();
    let is_value = |column: &Column| column.role == Role::Value;
    let is_asked_for = |seen: &Seen| options.values.contains(&seen.name);
    let can_be_judged = columns.iter().zip(seen).any(|(column, seen)| {
        is_value(column) && (seen.looks() != Looks::Empty || is_asked_for(seen))
    });
    if !can_be_judged {
        return Err(InferError::NoValues {
            known: listed(seen),
        });
    }
    Ok(Assigned {
        columns,
        timestamp_unit,
        is_newest_first,
    })
}

/// Says which column is the event time and how its first cell is read; finds out how, and whether the newest rows come first.
fn tell_time(
    seen: &Seen,
    options: &InferOptions,
    notes: &mut Vec<String>,
) -> (TimestampUnit, bool) {
    let unit = seen.time_unit(options.timestamp_unit);
    let times = seen.times(unit);
    if let (Some(first), None) = (times.first(), &options.timestamp) {
        let mut text = Vec::new();
        super::timestamp::write_rfc3339(&mut text, *first);
        let zone = if seen.has_no_zone() {
            " (no offset: taken for UTC)"
        } else {
            ""
        };
        notes.push(format!(
            "column `{}` is the event time: {} in the first row{zone}",
            seen.name,
            String::from_utf8_lossy(&text)
        ));
    }
    (unit, seen::is_falling(&times))
}

/// A first column without a name that numbers the rows, as data frames are written, is no value.
fn row_numbers(seen: &[Seen], roles: &mut [Option<Role>], notes: &mut Vec<String>) {
    const NAMES: [&str; 3] = ["c0", "Unnamed: 0", "index"];
    let (Some(first), Some(role)) = (seen.first(), roles.first_mut()) else {
        return;
    };
    if role.is_none() && seen.len() > 1 && NAMES.contains(&&*first.name) && first.counts_rows() {
        notes.push(format!(
            "column `{}` numbers the rows: ignored (-c {} takes it)",
            first.name, first.name
        ));
        *role = Some(Role::Ignore);
    }
}

/// A time cut up into columns is no event time, and least of all values: a month that ends would be a fault.
fn parts_of_times(seen: &[Seen], roles: &mut [Option<Role>], notes: &mut Vec<String>) {
    const DATE: [&str; 3] = ["year", "month", "day"];
    const CLOCK: [&str; 3] = ["hour", "minute", "second"];
    let free = |part: &str| {
        (0..seen.len()).find(|&index| {
            let column = &seen[index];
            let is_number = column.looks() == Looks::Number;
            roles[index].is_none() && is_number && column.name.eq_ignore_ascii_case(part)
        })
    };
    let date: Vec<usize> = DATE.into_iter().filter_map(free).collect();
    let found: Vec<usize> = date
        .iter()
        .copied()
        .chain(CLOCK.into_iter().filter_map(free))
        .collect();
    if date.len() < DATE.len() || found.len() == seen.len() {
        return;
    }
    let names: Vec<String> = found
        .iter()
        .map(|index| format!("`{}`", seen[*index].name))
        .collect();
    notes.push(format!(
        "columns {} are parts of a time: ignored (join them to one column such as 2026-01-02T03:04:05Z, or take one as a value with -c)",
        names.join(", ")
    ));
    for index in found {
        roles[index] = Some(Role::Ignore);
    }
}

/// An `id` that comes again and again says what an event is of: it is the key where nothing else is.
fn repeated_id(seen: &[Seen], roles: &mut [Option<Role>], notes: &mut Vec<String>) {
    let found = (0..seen.len()).find(|&index| {
        roles[index].is_none()
            && seen[index].name.eq_ignore_ascii_case("id")
            && seen[index].repeats()
    });
    let Some(index) = found else { return };
    let has_key = roles.contains(&Some(Role::Key));
    let (role, as_what) = if has_key {
        (Role::Ignore, "ignored")
    } else {
        (Role::Key, "taken as the key, each is learned on its own")
    };
    notes.push(format!(
        "column `{}` repeats ({}), so it is not the id of an event: {as_what} (--id {} says otherwise)",
        seen[index].name,
        seen[index].some_cells(),
        seen[index].name,
    ));
    roles[index] = Some(role);
}

/// Roles that the caller asked for.
fn wishes(
    seen: &[Seen],
    options: &InferOptions,
    roles: &mut [Option<Role>],
) -> Result<(), InferError> {
    let single = [
        (&options.key, Role::Key),
        (&options.timestamp, Role::Timestamp),
        (&options.label, Role::Label),
        (&options.id, Role::Id),
    ];
    let single = single
        .into_iter()
        .filter_map(|(name, role)| name.as_ref().map(|name| (name, role)));
    let values = options.values.iter().map(|name| (name, Role::Value));
    for (name, role) in single.chain(values) {
        let index = seen
            .iter()
            .position(|seen| seen.name == *name)
            .ok_or_else(|| unknown(name, seen))?;
        match roles[index] {
            Some(first) if first != role => {
                return Err(InferError::TwoRoles {
                    name: name.clone(),
                    first: role_name(first),
                    second: role_name(role),
                });
            }
            _ => roles[index] = Some(role),
        }
    }
    Ok(())
}

/// Whether a column may have the role that its name suggests.
fn fits(seen: &Seen, role: Role, options: &InferOptions, notes: &mut Vec<String>) -> bool {
    match role {
        Role::Id => !seen.repeats(),
        Role::Timestamp => match seen.no_time(options.timestamp_unit) {
            None => true,
            Some(why) => {
                notes.push(format!(
                    "column `{}` is not used as the event time: {why}",
                    seen.name
                ));
                false
            }
        },
        _ => true,
    }
}

/// A column with the role that was found, or the one that it looks like.
fn column(
    seen: &Seen,
    role: Option<Role>,
    options: &InferOptions,
    notes: &mut Vec<String>,
) -> Column {
    let is_asked_for = role == Some(Role::Value);
    let column = Column::new(
        &seen.name,
        role.unwrap_or_else(|| by_looks(seen, options, notes)),
    );
    if column.role != Role::Value {
        return column;
    }
    let looks = seen.looks();
    if looks == Looks::Empty {
        notes.push(format!(
            "column `{}` is empty in the first rows: judged from its first number on",
            seen.name
        ));
    } else if let Some((text, count)) = seen.odd_text() {
        let cells = if count == 1 { "cell" } else { "cells" };
        notes.push(format!(
            "column `{}` has {count} {cells} among the first {} that are no numbers (\"{}\"): taken as missing",
            seen.name,
            seen.filled(),
            super::reject::excerpt(text)
        ));
    }
    Column {
        // A number may be asked for by name where the sample holds none.
        text_is_missing: looks == Looks::Empty
            || seen.odd_text().is_some()
            || (is_asked_for && looks != Looks::Number),
        ..column
    }
}

fn by_looks(seen: &Seen, options: &InferOptions, notes: &mut Vec<String>) -> Role {
    let text = || super::reject::excerpt(seen.odd_text().map_or(&seen.example, |(text, _)| text));
    let has_no_name = seen
        .name
        .strip_prefix('c')
        .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let why = match seen.looks() {
        Looks::Empty if has_no_name => "is empty".to_owned(),
        Looks::Number | Looks::Empty if options.values.is_empty() => return Role::Value,
        // Asked for by name: the others are left out, as asked.
        Looks::Number | Looks::Empty => return Role::Ignore,
        Looks::Time => "holds times".to_owned(),
        Looks::Text if seen.holds_numbers() => format!(
            "holds numbers and text (\"{}\"; -c {} takes it, text is missing then)",
            text(),
            seen.name
        ),
        Looks::Text if seen.repeats() && options.key.is_none() => format!(
            "is text (\"{}\"; --key {} judges each by itself)",
            text(),
            seen.name
        ),
        Looks::Text => format!("is text (\"{}\")", text()),
    };
    notes.push(format!("column `{}` {why}: ignored", seen.name));
    Role::Ignore
}

fn unknown(name: &str, seen: &[Seen]) -> InferError {
    let names: Vec<&str> = seen.iter().map(|seen| seen.name.as_str()).collect();
    InferError::UnknownColumn {
        name: name.to_owned(),
        known: listed(seen),
        nearest: nearest(name, &names).map(str::to_owned),
    }
}

/// The names, as many as a person reads.
fn listed(seen: &[Seen]) -> String {
    const SHOWN: usize = 20;
    let names: Vec<&str> = seen
        .iter()
        .take(SHOWN)
        .map(|seen| seen.name.as_str())
        .collect();
    let more = seen.len().saturating_sub(SHOWN);
    match more {
        0 => names.join(", "),
        _ => format!("{} and {more} more", names.join(", ")),
    }
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean {name}?)"))
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Value => "a value",
        Role::Timestamp => "the timestamp",
        Role::Key => "the key",
        Role::Label => "the label",
        Role::Id => "the id",
        Role::EventType => "the event type",
        Role::Metric => "the metric",
        Role::Ignore => "ignored",
    }
}

#[cfg(test)]
mod tests;
