//! JSON objects to events.

mod nan;
mod scalar;
mod visit;

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashSet;
use serde::de::DeserializeSeed;

use super::config::{InputConfig, Limits, MetricMode, Role};
use super::decoder::{
    TIME_NAMES, Trouble, ValueRule, check_key, check_size, metric_key, named_by_role,
};
use super::layouts::{Layouts, NamedValues};
use super::reject::RejectReason;
use super::timestamp::TimestampUnit;
use crate::event::{EventBatch, EventHead, Layout, Timestamp, key_hash};
pub(super) use nan::without_nan;

#[derive(Debug)]
pub(super) struct JsonDecoder {
    fields: Fields,
    scratch: Scratch,
    layouts: Layouts,
    positional: Option<Arc<Layout>>,
    metric: Option<Arc<Layout>>,
    schema: Option<Arc<Layout>>,
    key: String,
    hash_seed: u64,
}

/// What the names at the top of a record mean. Fixed by the configuration.
#[derive(Debug)]
struct Fields {
    known: Vec<(Box<str>, Field)>,
    /// Value columns of the schema.
    rules: Vec<ValueRule>,
    /// Whether any of `rules` can reject.
    strict: bool,
    ignored: Vec<Box<str>>,
    unit: TimestampUnit,
    limits: Limits,
    hash_seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Source,
    Timestamp,
    Values,
    Features,
    Value,
    Metric,
    Key,
    Site,
    KeyBy,
    Label,
    Id,
    /// A name that often holds the time; what is none is as with any other name. With its place among those names.
    MaybeTime(u8),
    /// Known not to be a value, whatever its type.
    Payload,
    /// A value if it is a number and the event has no other form of values.
    Flat,
}

impl Field {
    /// One of those that stand once in a record, as a bit.
    fn bit(self) -> u32 {
        let place = match self {
            Self::Source => 0,
            Self::Timestamp => 1,
            Self::Values => 2,
            Self::Features => 3,
            Self::Value => 4,
            Self::Metric => 5,
            Self::Key => 6,
            Self::Site => 7,
            Self::KeyBy => 8,
            Self::Label => 9,
            Self::Id => 10,
            Self::MaybeTime(_) | Self::Payload | Self::Flat => 11,
        };
        1 << place
    }
}

/// Memory that is used again for each event.
#[derive(Debug, Default)]
struct Scratch {
    values: NamedValues,
    flat: NamedValues,
    /// Names at the top whose value is null: they count only where there is no number at all.
    nulls: NamedValues,
    features: Vec<f64>,
    few_names: Vec<u64>,
    many_names: HashSet<u64, foldhash::fast::FixedState>,
    /// Why the visitor stopped; serde can only carry text.
    reason: Option<RejectReason>,
}

/// What one record said.
#[derive(Debug, Default)]
struct Found<'de> {
    key: Option<Cow<'de, str>>,
    source: Option<Cow<'de, str>>,
    site: Option<Cow<'de, str>>,
    key_by: Option<Cow<'de, str>>,
    metric: Option<Cow<'de, str>>,
    value: Option<f64>,
    has_values: bool,
    has_features: bool,
    time: Option<Timestamp>,
    /// Of a field with another name, with the place of that among such names.
    other_time: Option<(u8, Timestamp)>,
    label: Option<bool>,
    id_hash: Option<u64>,
}

impl JsonDecoder {
    pub(super) fn new(config: &InputConfig, hash_seed: u64) -> Self {
        let mut layouts = Layouts::default();
        let fields = Fields::new(config, hash_seed);
        let schema = (!fields.rules.is_empty()).then(|| {
            let names: Vec<&str> = fields.rules.iter().map(|rule| &*rule.name).collect();
            layouts.named(&names.into_iter())
        });
        Self {
            fields,
            scratch: Scratch::default(),
            layouts,
            positional: None,
            metric: None,
            schema,
            key: String::new(),
            hash_seed,
        }
    }

    /// Decodes one record to the end of `events`.
    pub(super) fn decode(
        &mut self,
        payload: &[u8],
        offset: u64,
        events: &mut EventBatch,
    ) -> Result<(), Trouble> {
        let text = std::str::from_utf8(payload).map_err(|error| Trouble {
            byte: Some(error.valid_up_to()),
            reason: RejectReason::NotUtf8,
        })?;
        match read(&self.fields, &mut self.scratch, text) {
            Ok(found) => self.take(&found, offset, events),
            Err(error) => {
                let mended = if self.scratch.reason.is_none() {
                    without_nan(text)
                } else {
                    None
                };
                let Some(mended) = mended else {
                    return Err(self.trouble(text, &error));
                };
                let found = read(&self.fields, &mut self.scratch, &mended);
                let found = found.map_err(|error| self.trouble(&mended, &error))?;
                self.take(&found, offset, events)
            }
        }
    }

    /// Makes an event of what a record said.
    fn take(
        &mut self,
        found: &Found<'_>,
        offset: u64,
        events: &mut EventBatch,
    ) -> Result<(), Trouble> {
        let mut key = found.key();
        let (layout, values) = match (&found.metric, found.value) {
            (Some(metric), Some(value)) if !found.has_values && !found.has_features => {
                metric_key(&mut self.key, key, metric);
                key = &self.key;
                check_size("value", value, &self.fields.limits)?;
                self.scratch.features.clear();
                self.scratch.features.push(value);
                let known = self
                    .metric
                    .take()
                    .filter(|layout| *layout.names()[0] == **metric);
                let layout = known.unwrap_or_else(|| self.layouts.named(&[&**metric].into_iter()));
                self.fields.check_metric(metric, value)?;
                (&*self.metric.insert(layout), &*self.scratch.features)
            }
            _ => values(
                found,
                &self.fields,
                &mut self.scratch,
                &mut self.layouts,
                self.schema.as_ref(),
                &mut self.positional,
            )?,
        };
        check_key(key, &self.fields.limits)?;
        events.push(
            EventHead {
                offset,
                key,
                key_hash: key_hash(self.hash_seed, key),
                id_hash: found.id_hash,
                time: found.time.or(found.other_time.map(|(_, time)| time)),
                label: found.label,
            },
            layout,
            values,
        );
        Ok(())
    }

    /// Why the parser stopped: our own reason if there is one, else that of the parser.
    #[cold]
    fn trouble(&mut self, text: &str, error: &serde_json::Error) -> Trouble {
        let line_start = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .nth(error.line().wrapping_sub(2))
            .map_or(0, |(place, _)| place + 1);
        let reason = self.scratch.reason.take().unwrap_or_else(|| {
            let message = error.to_string();
            let problem = message.split(" at line ").next().unwrap_or(&message);
            RejectReason::NotJson {
                problem: problem.to_owned(),
            }
        });
        Trouble {
            byte: Some(line_start + error.column().saturating_sub(1)),
            reason,
        }
    }
}

/// Reads a record.
fn read<'de>(
    fields: &Fields,
    scratch: &mut Scratch,
    text: &'de str,
) -> Result<Found<'de>, serde_json::Error> {
    scratch.start();
    let mut json = serde_json::Deserializer::from_str(text);
    let found = visit::EventSeed { fields, scratch }.deserialize(&mut json)?;
    json.end()?;
    Ok(found)
}

/// Layout and values of an event that is not `metric` with `value`.
fn values<'a>(
    found: &Found<'_>,
    fields: &Fields,
    scratch: &'a mut Scratch,
    layouts: &mut Layouts,
    schema: Option<&'a Arc<Layout>>,
    positional: &'a mut Option<Arc<Layout>>,
) -> Result<(&'a Arc<Layout>, &'a [f64]), RejectReason> {
    if found.has_values && found.has_features {
        return Err(RejectReason::TwoForms);
    }
    if found.has_features {
        let values = &scratch.features;
        let layout = match schema {
            Some(schema) if schema.width() != values.len() => {
                return Err(RejectReason::Width {
                    got: values.len(),
                    expected: schema.width(),
                });
            }
            Some(schema) => schema,
            None => {
                let known = positional
                    .take()
                    .filter(|known| known.width() == values.len());
                positional.insert(known.unwrap_or_else(|| layouts.positional(values.len())))
            }
        };
        for (rule, value) in fields.rules.iter().zip(values) {
            rule.check(*value)?;
        }
        return non_empty(layout, values);
    }
    let named = if found.has_values {
        &mut scratch.values
    } else {
        fields.check_flat(&scratch.flat)?;
        if scratch.flat.len() == 0 && scratch.nulls.len() > 0 {
            &mut scratch.nulls
        } else {
            &mut scratch.flat
        }
    };
    if fields.strict {
        for rule in &fields.rules {
            rule.check(named.get(&rule.name).unwrap_or(f64::NAN))?;
        }
    }
    named.settle(layouts);
    let named = &*named;
    match named.layout() {
        Some(layout) => non_empty(layout, named.values()),
        None => Err(RejectReason::NoValues),
    }
}

fn non_empty<'a>(
    layout: &'a Arc<Layout>,
    values: &'a [f64],
) -> Result<(&'a Arc<Layout>, &'a [f64]), RejectReason> {
    if values.is_empty() {
        return Err(RejectReason::NoValues);
    }
    Ok((layout, values))
}

impl Fields {
    fn new(config: &InputConfig, hash_seed: u64) -> Self {
        let mut fields = Self {
            known: Vec::new(),
            strict: false,
            rules: ValueRule::of(config),
            ignored: Vec::new(),
            unit: config.timestamp_unit,
            limits: config.limits,
            hash_seed,
        };
        fields.strict = fields.rules.iter().any(ValueRule::is_strict);
        let role = |role, default| named_by_role(config, role).unwrap_or(default);
        // A name means the first thing said of it: the schema's roles, then `key_by`, then what events call it.
        for column in &config.columns {
            if matches!(column.role, Role::Ignore | Role::EventType) {
                fields.know(&column.name, Field::Payload);
                fields.ignored.push(column.name.as_str().into());
            }
        }
        fields.know(role(Role::Key, "key"), Field::Key);
        if named_by_role(config, Role::Key).is_none() {
            fields.know("source", Field::Source);
            fields.know("site", Field::Site);
        }
        if let Some(name) = &config.key_by {
            fields.know(name, Field::KeyBy);
        }
        fields.know(role(Role::Timestamp, "timestamp"), Field::Timestamp);
        if named_by_role(config, Role::Timestamp).is_none() {
            for (place, name) in (0..).zip(TIME_NAMES) {
                if !fields.rules.iter().any(|rule| *rule.name == *name) {
                    fields.know(name, Field::MaybeTime(place));
                }
            }
        }
        fields.know(role(Role::Label, "label"), Field::Label);
        fields.know(role(Role::Id, "id"), Field::Id);
        let metric = match config.metric {
            MetricMode::Series => Field::Metric,
            MetricMode::Ignore => Field::Payload,
        };
        fields.know(role(Role::Metric, "metric"), metric);
        fields.know("values", Field::Values);
        fields.know("features", Field::Features);
        fields.know("value", Field::Value);
        for name in ["event_type", "is_anomaly"] {
            if !fields.rules.iter().any(|rule| *rule.name == *name) {
                fields.know(name, Field::Payload);
            }
        }
        fields
    }

    fn know(&mut self, name: &str, field: Field) {
        if !self.known.iter().any(|(known, _)| **known == *name) {
            self.known.push((name.into(), field));
        }
    }

    /// Whether a name without a meaning of its own may be a value.
    fn may_be_value(&self, name: &str) -> bool {
        self.rules.is_empty() || self.rules.iter().any(|rule| *rule.name == *name)
    }

    /// What a name at the top of a record means.
    #[inline]
    fn of(&self, name: &str) -> Field {
        if let Some((_, field)) = self.known.iter().find(|(known, _)| **known == *name) {
            return *field;
        }
        if self.may_be_value(name) {
            Field::Flat
        } else {
            Field::Payload
        }
    }

    fn check_metric(&self, metric: &str, value: f64) -> Result<(), RejectReason> {
        match self.rules.iter().find(|rule| *rule.name == *metric) {
            Some(rule) if self.strict => rule.check(value),
            _ => Ok(()),
        }
    }

    /// Flat numbers are looked at only when they turn out to be the values.
    fn check_flat(&self, flat: &NamedValues) -> Result<(), RejectReason> {
        if flat.len() > self.limits.values {
            return Err(RejectReason::TooManyValues {
                limit: self.limits.values,
            });
        }
        (0..flat.len()).try_for_each(|index| {
            check_size(flat.name_of(index), flat.values()[index], &self.limits)
        })
    }
}

impl Scratch {
    fn start(&mut self) {
        self.values.start();
        self.flat.start();
        self.nulls.start();
        self.features.clear();
        self.few_names.clear();
        if !self.many_names.is_empty() {
            self.many_names.clear();
        }
        self.reason = None;
    }

    /// Notes a name without a meaning of its own; false if the record had it before.
    #[inline]
    fn is_new(&mut self, name: &str) -> bool {
        /// Names searched one by one; the rest are hashed.
        const FEW: usize = 32;
        let hash = key_hash(0, name);
        if self.few_names.contains(&hash) {
            return false;
        }
        if self.few_names.len() < FEW {
            self.few_names.push(hash);
            return true;
        }
        self.many_names.insert(hash)
    }
}

impl Found<'_> {
    fn key(&self) -> &str {
        let keys = [&self.key, &self.source, &self.site, &self.key_by];
        keys.into_iter().flatten().next().map_or("", |key| key)
    }
}
