//! What a stream's records look like.

use serde::{Deserialize, Serialize};

use super::timestamp::TimestampUnit;

/// Lines or rows that may be skipped.
const MOST_SKIPPED: usize = 10_000;

/// How the bytes of a record are to be understood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputConfig {
    /// CSV rows or JSON values.
    pub format: Format,
    /// What stands between the fields of a CSV row: one ASCII character.
    pub delimiter: char,
    /// Whether a CSV source begins with a line of names. The line is not a record; who frames records skips it.
    pub header: bool,
    /// Lines that stand before the header line, or before the first row where there is none, in each file; blank ones count.
    #[serde(skip_serializing_if = "is_zero")]
    pub skip_lines: usize,
    /// Rows under the header line that are none, such as units.
    #[serde(skip_serializing_if = "is_zero")]
    pub skip_rows: usize,
    /// What stands before the fraction of a number in CSV.
    #[serde(skip_serializing_if = "is_point")]
    pub decimal: char,
    /// What stands between thousands in CSV, where something does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// CSV: all columns, by position. JSON: the schema, by name, and may be empty.
    pub columns: Vec<Column>,
    /// Field that holds the key where `key`, `source` and `site` are absent.
    pub key_by: Option<String>,
    /// What epoch numbers count.
    pub timestamp_unit: TimestampUnit,
    /// What `metric` beside `value` means.
    pub metric: MetricMode,
    /// Bounds on untrusted input.
    pub limits: Limits,
}

/// Format of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A record is a CSV row.
    Csv,
    /// A record is one JSON object (NDJSON has one a line).
    #[default]
    #[serde(alias = "ndjson", alias = "jsonl")]
    Json,
}

/// A column of CSV, or a field of JSON events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// What numbers a value column holds.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub value_type: Option<ValueType>,
    /// Smallest value allowed, itself included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest value allowed, itself included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Whether an event without this value is rejected.
    #[serde(skip_serializing_if = "is_false")]
    pub required: bool,
    /// CSV: whether text in its cells is a missing value; else the row is rejected.
    #[serde(skip_serializing_if = "is_false")]
    pub text_is_missing: bool,
}

/// What a column is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A number that the detector sees.
    #[default]
    Value,
    /// The event time.
    Timestamp,
    /// The key.
    Key,
    /// The label: 0, 1, true or false.
    Label,
    /// The event's id, by which duplicates are known.
    Id,
    /// The kind of event; kept with the record.
    EventType,
    /// The name of a metric, which belongs to the key (see [`MetricMode`]).
    Metric,
    /// Kept with the record and not looked at.
    Ignore,
}

/// What numbers a value column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    /// Any number.
    Number,
    /// Whole numbers.
    Integer,
    /// 0 or 1.
    Flag,
}

/// What `metric` beside `value` means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricMode {
    /// `{"source": "pump-7", "metric": "temperature", "value": 71.2}` is an event of the series `pump-7/temperature`.
    #[default]
    Series,
    /// `metric` is payload; the value is called `value`.
    Ignore,
}

/// Bounds on one record.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Longest record.
    pub record_bytes: usize,
    /// Deepest nesting of a JSON record; the record itself is level 1.
    pub depth: usize,
    /// Most values of one event.
    pub values: usize,
    /// Longest key, metric included.
    pub key_bytes: usize,
    /// Largest absolute value; squares of it and sums of those must stay finite.
    pub value_abs: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes: 1 << 20,
            depth: 16,
            values: 1_024,
            key_bytes: 256,
            value_abs: 1e100,
        }
    }
}

impl Default for InputConfig {
    fn default() -> Self {
        Self {
            format: Format::default(),
            delimiter: ',',
            header: true,
            skip_lines: 0,
            skip_rows: 0,
            decimal: '.',
            thousands: None,
            columns: Vec::new(),
            key_by: None,
            timestamp_unit: TimestampUnit::default(),
            metric: MetricMode::default(),
            limits: Limits::default(),
        }
    }
}

impl Column {
    /// A column with this name and role and no bounds.
    pub fn new(name: impl Into<String>, role: Role) -> Self {
        Self {
            name: name.into(),
            role,
            ..Self::default()
        }
    }
}

impl InputConfig {
    /// JSON events without a schema.
    pub fn json() -> Self {
        Self::default()
    }

    /// CSV rows with these columns, in this order.
    pub fn csv(columns: impl IntoIterator<Item = Column>) -> Self {
        Self {
            format: Format::Csv,
            columns: columns.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The value columns, in order.
    pub fn value_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns
            .iter()
            .filter(|column| column.role == Role::Value)
    }

    /// Whether everything fits together.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if !self.delimiter.is_ascii() || matches!(self.delimiter, '"' | '\n' | '\r') {
            return Err(invalid(
                "delimiter",
                format!("{:?}", self.delimiter),
                "one ASCII character that is neither a quote nor a line break",
            ));
        }
        self.validate_numbers()?;
        self.validate_limits()?;
        self.validate_columns()?;
        if self.format == Format::Csv {
            self.validate_csv()?;
        }
        if self.key_by.as_deref() == Some("") {
            return Err(invalid("key_by", "\"\"", "the name of a field"));
        }
        Ok(())
    }

    fn validate_numbers(&self) -> Result<(), ConfigError> {
        for (field, got) in [
            ("skip_lines", self.skip_lines),
            ("skip_rows", self.skip_rows),
        ] {
            if got > MOST_SKIPPED {
                return Err(invalid(field, got, format!("0 to {MOST_SKIPPED}")));
            }
        }
        if !matches!(self.decimal, '.' | ',') {
            return Err(invalid(
                "decimal",
                format!("{:?}", self.decimal),
                "`.` or `,`",
            ));
        }
        match self.thousands {
            Some(same) if same == self.decimal => Err(invalid(
                "thousands",
                format!("{same:?}"),
                "another character than decimal",
            )),
            Some(other) if !['.', ',', ' ', '\'', '_'].contains(&other) => Err(invalid(
                "thousands",
                format!("{other:?}"),
                "`.`, `,`, a space, `'` or `_`",
            )),
            _ => Ok(()),
        }
    }

    fn validate_limits(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        for (field, got, most) in [
            ("limits.record_bytes", limits.record_bytes, 1 << 30),
            // serde_json itself stops at 128.
            ("limits.depth", limits.depth, 100),
            ("limits.values", limits.values, 1 << 20),
            ("limits.key_bytes", limits.key_bytes, 1 << 16),
        ] {
            if !(1..=most).contains(&got) {
                return Err(invalid(field, got, format!("1 to {most}")));
            }
        }
        if !(limits.value_abs > 0.0 && limits.value_abs.is_finite()) {
            return Err(invalid(
                "limits.value_abs",
                limits.value_abs,
                "a finite number above 0",
            ));
        }
        Ok(())
    }

    fn validate_columns(&self) -> Result<(), ConfigError> {
        for (index, column) in self.columns.iter().enumerate() {
            let field = |name: &str| format!("columns[{index}].{name}");
            if column.name.is_empty() {
                return Err(invalid(field("name"), "\"\"", "a name"));
            }
            if self.columns[..index]
                .iter()
                .any(|other| other.name == column.name)
            {
                return Err(invalid(field("name"), &column.name, "a name used once"));
            }
            let one_only = !matches!(column.role, Role::Value | Role::Ignore | Role::EventType);
            if one_only
                && let Some(other) = self.columns[..index]
                    .iter()
                    .find(|other| other.role == column.role)
            {
                let role = format!("{:?}", column.role).to_lowercase();
                let allowed = format!("one {role} column (`{}` is one already)", other.name);
                return Err(invalid(field("role"), role, allowed));
            }
            for (name, bound) in [("min", column.min), ("max", column.max)] {
                if bound.is_some_and(f64::is_nan) {
                    return Err(invalid(field(name), "NaN", "a number"));
                }
            }
            if let (Some(min), Some(max)) = (column.min, column.max)
                && min > max
            {
                return Err(invalid(field("min"), min, format!("at most max, {max}")));
            }
            let bounded = column.min.is_some()
                || column.max.is_some()
                || column.required
                || column.text_is_missing
                || column.value_type.is_some();
            if bounded && column.role != Role::Value {
                return Err(invalid(
                    field("role"),
                    format!("{:?}", column.role).to_lowercase(),
                    "value, for a column with type, min, max, required or text_is_missing",
                ));
            }
        }
        Ok(())
    }

    fn validate_csv(&self) -> Result<(), ConfigError> {
        let values = self.value_columns().count();
        if values == 0 {
            return Err(invalid(
                "columns",
                format!("{} without a value", self.columns.len()),
                "at least one column with the role value (CSV needs its columns named)",
            ));
        }
        if values > self.limits.values {
            return Err(invalid(
                "columns",
                format!("{values} values"),
                format!(
                    "at most limits.values, {} (name the columns to use)",
                    self.limits.values
                ),
            ));
        }
        let metric = self
            .columns
            .iter()
            .any(|column| column.role == Role::Metric);
        if metric && self.metric == MetricMode::Series && values != 1 {
            return Err(invalid(
                "columns",
                format!("{values} values beside a metric"),
                "one value column (each row is one value of one metric)",
            ));
        }
        if let Some(name) = &self.key_by
            && !self.columns.iter().any(|column| column.name == *name)
        {
            let names = self.columns.iter().map(|column| column.name.as_str());
            return Err(invalid("key_by", name, one_of(name, names)));
        }
        Ok(())
    }
}

/// A configuration that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {got}, expected {allowed}")]
pub struct ConfigError {
    /// Path of the field in the configuration.
    pub field: String,
    /// What it is.
    pub got: String,
    /// What it may be.
    pub allowed: String,
}

fn invalid(
    field: impl Into<String>,
    got: impl std::fmt::Display,
    allowed: impl Into<String>,
) -> ConfigError {
    ConfigError {
        field: field.into(),
        got: got.to_string(),
        allowed: allowed.into(),
    }
}

/// "one of a, b, c (did you mean b?)", for a name that is none of them.
pub(super) fn one_of<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let list = known.join(", ");
    match nearest(name, &known) {
        Some(best) => format!("one of {list} (did you mean {best}?)"),
        None => format!("one of {list}"),
    }
}

/// The known name that a typing error away from `name`, if there is one.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    known
        .iter()
        .map(|known| (strsim::osa_distance(&wanted, &known.to_lowercase()), *known))
        .filter(|(distance, _)| *distance <= 1 + wanted.chars().count() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde calls"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde calls"
)]
fn is_point(decimal: &char) -> bool {
    *decimal == '.'
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde calls"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut InputConfig), message: &str) {
        let mut config = InputConfig::csv([
            Column::new("time", Role::Timestamp),
            Column::new("value", Role::Value),
        ]);
        config.validate().unwrap();
        change(&mut config);
        assert_eq!(config.validate().unwrap_err().to_string(), message);
    }

    #[test]
    fn what_does_not_fit_is_named_with_what_is_allowed() {
        check(
            |config| config.delimiter = '"',
            "delimiter is '\"', expected one ASCII character that is neither a quote nor a line break",
        );
        check(
            |config| config.limits.depth = 0,
            "limits.depth is 0, expected 1 to 100",
        );
        check(
            |config| config.limits.value_abs = f64::INFINITY,
            "limits.value_abs is inf, expected a finite number above 0",
        );
        check(
            |config| config.columns.push(Column::new("value", Role::Ignore)),
            "columns[2].name is value, expected a name used once",
        );
        check(
            |config| config.columns.push(Column::new("t", Role::Timestamp)),
            "columns[2].role is timestamp, expected one timestamp column (`time` is one already)",
        );
        check(
            |config| (config.columns[1].min, config.columns[1].max) = (Some(2.0), Some(1.0)),
            "columns[1].min is 2, expected at most max, 1",
        );
        check(
            |config| config.columns[0].required = true,
            "columns[0].role is timestamp, expected value, for a column with type, min, max, required or text_is_missing",
        );
        check(
            |config| config.columns.truncate(1),
            "columns is 1 without a value, expected at least one column with the role value (CSV needs its columns named)",
        );
        check(
            |config| {
                config.columns.push(Column::new("metric", Role::Metric));
                config.columns.push(Column::new("other", Role::Value));
            },
            "columns is 2 values beside a metric, expected one value column (each row is one value of one metric)",
        );
        check(
            |config| config.key_by = Some("tme".into()),
            "key_by is tme, expected one of time, value (did you mean time?)",
        );
    }

    #[test]
    fn unknown_fields_are_refused_and_the_rest_has_defaults() {
        let config: InputConfig = serde_json::from_str(
            r#"{"format": "csv", "columns": [{"name": "v", "type": "integer", "min": 0}], "timestamp_unit": "ms"}"#,
        )
        .unwrap();
        assert_eq!(config.columns[0].value_type, Some(ValueType::Integer));
        assert_eq!(config.timestamp_unit, TimestampUnit::Millis);
        assert_eq!(config.limits, Limits::default());
        let error = serde_json::from_str::<InputConfig>(r#"{"delimeter": ";"}"#).unwrap_err();
        assert!(
            error.to_string().contains("unknown field `delimeter`"),
            "{error}"
        );
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<InputConfig>(&text).unwrap(), config);
    }
}
