//! JSON: which names mean what the events call otherwise.

use serde_json::Value;

use super::{
    InferError, InferOptions, Inferred, Looks, MAX_SAMPLE_RECORDS, NAMED_ROLES, Seen, looks,
    repeated_id, tell_time, unknown, wishes,
};
use crate::codec::config::{Column, Format, InputConfig, Role};
use crate::codec::decoder::TIME_NAMES;
use crate::codec::json::without_nan;
use crate::codec::number::Style;

pub(super) fn infer(sample: &[u8], options: &InferOptions) -> Result<Inferred, InferError> {
    let (top, inner) = look(sample)?;
    let mut notes = Vec::new();
    let mut seen: Vec<Seen> = top;
    seen.extend(inner);
    let mut roles = vec![None; seen.len()];
    wishes(&seen, options, &mut roles).map_err(|error| match error {
        InferError::UnknownColumn { name, .. } => unknown(&name, &seen),
        other => other,
    })?;
    let mut unit = options.timestamp_unit;
    let mut is_newest_first = false;
    if options.timestamp.is_none() {
        find_time(&seen, &mut roles, options, &mut notes);
    }
    let time = roles.iter().position(|role| *role == Some(Role::Timestamp));
    if let Some(time) = time {
        (unit, is_newest_first) = tell_time(&seen[time], options, &mut notes);
    }
    let has_key = |name: &str| ["key", "source", "site"].contains(&name);
    if seen.iter().any(|seen| has_key(&seen.name)) && !roles.contains(&Some(Role::Key)) {
        // Named as usual: known without a column, but an id that repeats must not take its place.
        let mut with_key = roles.clone();
        with_key.push(Some(Role::Key));
        repeated_id(&seen, &mut with_key, &mut notes);
        with_key.pop();
        roles = with_key;
    } else {
        repeated_id(&seen, &mut roles, &mut notes);
    }
    for seen in &seen {
        if seen.is_quoted && seen.looks() == Looks::Number && !is_named(&seen.name) {
            notes.push(format!(
                "field `{}` holds numbers in quotes (\"{}\"): it is text, and ignored",
                seen.name, seen.example
            ));
        }
    }
    let has_key_field = seen.iter().any(|seen| has_key(&seen.name));
    if !has_key_field && !roles.contains(&Some(Role::Key)) {
        let texts = seen.iter().zip(&roles).filter(|(seen, role)| {
            role.is_none() && !is_named(&seen.name) && seen.looks() == Looks::Text
        });
        for (seen, _) in texts.filter(|(seen, _)| seen.repeats()) {
            notes.push(format!(
                "field `{0}` is text (\"{1}\") and no key: all are one series (--key {0} judges each by itself)",
                seen.name, seen.example
            ));
        }
    }
    if !options.values.is_empty() {
        for (seen, role) in seen.iter().zip(&mut roles) {
            if role.is_none() && !is_named(&seen.name) && seen.looks() == Looks::Number {
                *role = Some(Role::Ignore);
            }
        }
    }
    // What has its usual name needs no column; a value chosen by hand does.
    let columns = seen
        .iter()
        .zip(roles)
        .filter(|(seen, role)| *role != Some(Role::Timestamp) || seen.name != TIME_NAMES[0])
        .filter_map(|(seen, role)| Some(Column::new(&seen.name, role?)));
    let config = InputConfig {
        format: Format::Json,
        columns: columns.collect(),
        timestamp_unit: unit,
        ..InputConfig::default()
    };
    Ok(Inferred {
        config,
        notes,
        is_newest_first,
    })
}

/// Whether a name means something by itself.
fn is_named(name: &str) -> bool {
    NAMED_ROLES.iter().any(|(_, names)| names.contains(&name))
}

/// The field that holds the time.
fn find_time(
    seen: &[Seen],
    roles: &mut [Option<Role>],
    options: &InferOptions,
    notes: &mut Vec<String>,
) {
    let [(_, names), ..] = NAMED_ROLES;
    let is_plain = |index: &usize| seen[*index].name == "timestamp";
    if let Some(index) = (0..seen.len()).find(is_plain) {
        roles[index] = roles[index].or(Some(Role::Timestamp));
        return;
    }
    let named = names.iter().flat_map(|name| {
        (0..seen.len()).filter(move |&index| seen[index].name.eq_ignore_ascii_case(name))
    });
    for index in named {
        if roles[index].is_none() && super::fits(&seen[index], Role::Timestamp, options, notes) {
            roles[index] = Some(Role::Timestamp);
            return;
        }
    }
}

/// The fields of the records, and those of their `values`.
fn look(sample: &[u8]) -> Result<(Vec<Seen>, Vec<Seen>), InferError> {
    let (mut top, mut inner) = (Vec::new(), Vec::new());
    let lines = sample.split(|byte| *byte == b'\n').enumerate();
    let mut records = 0;
    for (index, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
        let mended = std::str::from_utf8(line).ok().and_then(without_nan);
        let line = mended.as_deref().map_or(line, str::as_bytes);
        let fields = match serde_json::from_slice(line) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => {
                let problem = "it is another value".to_owned();
                return Err(InferError::NotJson {
                    line: index + 1,
                    problem,
                });
            }
            // Bad lines among good ones are rejected when they are read; the last may be cut off.
            Err(_) if records > 0 => continue,
            Err(error) => {
                let problem = error.to_string();
                return Err(InferError::NotJson {
                    line: index + 1,
                    problem,
                });
            }
        };
        records += 1;
        for (name, value) in &fields {
            if let (Value::Object(values), "values") = (value, name.as_str()) {
                values
                    .iter()
                    .for_each(|(name, value)| note(&mut inner, name, value));
            } else if name != "features" {
                note(&mut top, name, value);
            }
        }
        if records == MAX_SAMPLE_RECORDS {
            break;
        }
    }
    inner.retain(|seen| !top.iter().any(|known| known.name == seen.name));
    Ok((top, inner))
}

fn note(seen: &mut Vec<Seen>, name: &str, value: &Value) {
    let (looks, text) = match value {
        Value::Number(number) => (Looks::Number, number.to_string()),
        Value::String(text) => (looks(text, Style::PLAIN), text.clone()),
        Value::Null => (Looks::Empty, String::new()),
        other => (Looks::Text, other.to_string()),
    };
    let place = seen.iter().position(|known| known.name == name);
    let place = place.unwrap_or_else(|| {
        seen.push(Seen::new(name));
        seen.len() - 1
    });
    seen[place].is_quoted |= value.is_string();
    seen[place].push(&text, looks);
}
