//! A configuration from the first records of an input.

mod csv;
mod json;

use super::config::{Column, Format, InputConfig, Role, nearest};
use super::timestamp::{self, TimestampError, TimestampUnit};

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
}

/// Why no configuration came out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    /// Nothing to look at.
    #[error("input has no records, expected CSV rows or JSON objects, one a line")]
    Empty,
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
    (
        Role::Timestamp,
        &["timestamp", "time", "ts", "datetime", "date", "t"],
    ),
    (Role::Key, &["key", "source", "site"]),
    (Role::Label, &["label"]),
    (Role::Id, &["id"]),
    (Role::Ignore, &["is_anomaly"]),
    (Role::EventType, &["event_type"]),
];

/// What the cells of a column look like in the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looks {
    /// All are missing.
    Empty,
    Number,
    Time,
    Text,
}

/// A column of the sample, whatever the format.
#[derive(Debug)]
struct Seen {
    name: String,
    looks: Looks,
    /// The first cell that is not missing.
    example: String,
}

/// Gives each column its role: the caller's wish, then its name, then what it looks like.
fn assign(
    seen: &[Seen],
    options: &InferOptions,
    notes: &mut Vec<String>,
) -> Result<Vec<Column>, InferError> {
    let mut roles: Vec<Option<Role>> = vec![None; seen.len()];
    wishes(seen, options, &mut roles)?;
    for (role, names) in NAMED_ROLES {
        if roles.contains(&Some(role)) {
            continue;
        }
        let found = names.iter().find_map(|name| {
            (0..seen.len()).find(|&index| {
                roles[index].is_none() && seen[index].name.eq_ignore_ascii_case(name)
            })
        });
        if let Some(index) = found
            && fits(&seen[index], role, options.timestamp_unit, notes)
        {
            roles[index] = Some(role);
        }
    }
    if !roles.contains(&Some(Role::Timestamp))
        && let Some(index) = (0..seen.len())
            .find(|&index| roles[index].is_none() && seen[index].looks == Looks::Time)
    {
        notes.push(format!(
            "column `{}` holds times: used as the event time",
            seen[index].name
        ));
        roles[index] = Some(Role::Timestamp);
    }
    let columns: Vec<Column> = seen
        .iter()
        .zip(roles)
        .map(|(seen, role)| {
            Column::new(
                &seen.name,
                role.unwrap_or_else(|| by_looks(seen, options, notes)),
            )
        })
        .collect();
    if !columns.iter().any(|column| column.role == Role::Value) {
        return Err(InferError::NoValues {
            known: listed(seen),
        });
    }
    Ok(columns)
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
fn fits(seen: &Seen, role: Role, unit: TimestampUnit, notes: &mut Vec<String>) -> bool {
    if role != Role::Timestamp || seen.looks == Looks::Empty {
        return true;
    }
    match timestamp::parse(&seen.example, unit) {
        // An ambiguous one is a time all the same; reading it says what to set.
        Ok(_) | Err(TimestampError::Ambiguous { .. }) => seen.looks != Looks::Text,
        Err(error) => {
            notes.push(format!(
                "column `{}` is not used as the event time: {error}",
                seen.name
            ));
            false
        }
    }
}

fn by_looks(seen: &Seen, options: &InferOptions, notes: &mut Vec<String>) -> Role {
    let why = match seen.looks {
        Looks::Number if options.values.is_empty() => return Role::Value,
        // Asked for by name: the others are left out, as asked.
        Looks::Number => return Role::Ignore,
        Looks::Empty => "is empty".to_owned(),
        Looks::Time => "holds times".to_owned(),
        Looks::Text => format!("is text (\"{}\")", super::reject::excerpt(&seen.example)),
    };
    notes.push(format!("column `{}` {why}: ignored", seen.name));
    Role::Ignore
}

/// What a cell looks like.
fn looks(cell: &str) -> Looks {
    let cell = cell.trim_ascii();
    if super::number::is_missing(cell.as_bytes()) {
        Looks::Empty
    } else if super::number::parse(cell.as_bytes()).is_some() {
        Looks::Number
    } else if timestamp::parse(cell, TimestampUnit::Auto).is_ok() {
        Looks::Time
    } else {
        Looks::Text
    }
}

/// What a column with cells of both looks like.
fn both(one: Looks, other: Looks) -> Looks {
    match (one, other) {
        (Looks::Empty, other) | (other, Looks::Empty) => other,
        (one, other) if one == other => one,
        _ => Looks::Text,
    }
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
