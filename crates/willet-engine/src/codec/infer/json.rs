//! JSON: which names mean what the events call otherwise.

use serde_json::Value;

use super::{
    InferError, InferOptions, Inferred, Looks, MAX_SAMPLE_RECORDS, NAMED_ROLES, Seen, both, looks,
    unknown, wishes,
};
use crate::codec::config::{Column, Format, InputConfig, Role};

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
    if options.timestamp.is_none() {
        rename(&seen, &mut roles, options, &mut notes);
    }
    if !options.values.is_empty() {
        for (seen, role) in seen.iter().zip(&mut roles) {
            let named = NAMED_ROLES
                .iter()
                .any(|(_, names)| names.contains(&seen.name.as_str()));
            if role.is_none() && !named && seen.looks == Looks::Number {
                *role = Some(Role::Ignore);
            }
        }
    }
    // What has its usual name needs no column; a value chosen by hand does.
    let columns = seen
        .iter()
        .zip(roles)
        .filter_map(|(seen, role)| Some(Column::new(&seen.name, role?)));
    let config = InputConfig {
        format: Format::Json,
        columns: columns.collect(),
        timestamp_unit: options.timestamp_unit,
        ..InputConfig::default()
    };
    Ok(Inferred { config, notes })
}

/// The field that holds the time under another name than `timestamp`.
fn rename(
    seen: &[Seen],
    roles: &mut [Option<Role>],
    options: &InferOptions,
    notes: &mut Vec<String>,
) {
    let [(_, names), ..] = NAMED_ROLES;
    if seen.iter().any(|seen| seen.name == "timestamp") {
        return;
    }
    let found = names.iter().find_map(|name| {
        (0..seen.len())
            .find(|&index| roles[index].is_none() && seen[index].name.eq_ignore_ascii_case(name))
    });
    if let Some(index) = found
        && super::fits(&seen[index], Role::Timestamp, options.timestamp_unit, notes)
    {
        notes.push(format!(
            "field `{}` is used as the event time",
            seen[index].name
        ));
        roles[index] = Some(Role::Timestamp);
    }
}

/// The fields of the records, and those of their `values`.
fn look(sample: &[u8]) -> Result<(Vec<Seen>, Vec<Seen>), InferError> {
    let (mut top, mut inner) = (Vec::new(), Vec::new());
    let lines = sample.split(|byte| *byte == b'\n').enumerate();
    let mut records = 0;
    for (index, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
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
        Value::String(text) => (looks(text), text.clone()),
        Value::Null => (Looks::Empty, String::new()),
        other => (Looks::Text, other.to_string()),
    };
    if let Some(known) = seen.iter_mut().find(|known| known.name == name) {
        if known.looks == Looks::Empty {
            known.example = text;
        }
        known.looks = both(known.looks, looks);
    } else {
        seen.push(Seen {
            name: name.to_owned(),
            looks,
            example: text,
        });
    }
}
