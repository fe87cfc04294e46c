//! The walk through one event: straight from the parser into columns, no tree in between.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::scalar::{NameSeed, Scalar, ScalarSeed, Text};
use super::{Field, Fields, Found, Scratch};
use crate::codec::decoder::{check_size, id_hash, label};
use crate::codec::number;
use crate::codec::reject::RejectReason;
use crate::codec::timestamp::{self, TimestampUnit};
use crate::event::Timestamp;

/// Level of what stands in the fields of a record; the record itself is level 1.
const FIELD_LEVEL: usize = 2;

/// Reads one event.
#[derive(Debug)]
pub(super) struct EventSeed<'s> {
    pub(super) fields: &'s Fields,
    pub(super) scratch: &'s mut Scratch,
}

/// Stops the parser with a reason of ours.
#[cold]
fn reject<E: Error>(place: &mut Option<RejectReason>, reason: RejectReason) -> E {
    *place = Some(reason);
    E::custom("rejected")
}

impl<'de> DeserializeSeed<'de> for EventSeed<'_> {
    type Value = Found<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Found<'de>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> EventSeed<'_> {
    fn not_an_object<E: Error>(self, got: &Scalar<'de>) -> Result<Found<'de>, E> {
        let got = match got {
            Scalar::Array => "an array".to_owned(),
            other => other.shown(),
        };
        Err(reject(
            &mut self.scratch.reason,
            RejectReason::NotAnObject { got },
        ))
    }

    fn scalar<A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        text: Text,
    ) -> Result<Scalar<'de>, A::Error> {
        map.next_value_seed(ScalarSeed {
            text,
            level: FIELD_LEVEL,
            limit: self.fields.limits.depth,
            reason: &mut self.scratch.reason,
        })
    }

    /// Reads the value of `field` into `found`.
    fn field<A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        field: Field,
        name: &str,
        found: &mut Found<'de>,
    ) -> Result<(), A::Error> {
        match field {
            Field::Values => {
                found.has_values = map.next_value_seed(ValuesSeed {
                    fields: self.fields,
                    scratch: self.scratch,
                })?;
                return Ok(());
            }
            Field::Features => {
                found.has_features = map.next_value_seed(FeaturesSeed {
                    fields: self.fields,
                    scratch: self.scratch,
                })?;
                return Ok(());
            }
            _ => {}
        }
        let text = match field {
            Field::Payload | Field::Flat => Text::Drop,
            _ => Text::Keep,
        };
        let scalar = self.scalar(map, text)?;
        self.take(field, name, scalar, found)
            .map_err(|reason| reject(&mut self.scratch.reason, reason))
    }

    fn take(
        &mut self,
        field: Field,
        name: &str,
        scalar: Scalar<'de>,
        found: &mut Found<'de>,
    ) -> Result<(), RejectReason> {
        match field {
            Field::Payload | Field::Values | Field::Features => {}
            Field::Flat => self.take_flat(name, &scalar),
            Field::MaybeTime(place) => match maybe_time(&scalar, self.fields.unit) {
                Some(time) => {
                    let known = found.other_time.filter(|(known, _)| *known < place);
                    found.other_time = known.or(Some((place, time)));
                }
                None if self.fields.may_be_value(name) => self.take_flat(name, &scalar),
                None => {}
            },
            Field::Value => {
                let value = value_of(name, &scalar)?;
                found.value = Some(value);
                self.push_flat(name, value);
            }
            Field::Key => found.key = text_of(name, scalar)?,
            Field::Source => found.source = text_of(name, scalar)?,
            Field::Site => found.site = text_of(name, scalar)?,
            Field::KeyBy => found.key_by = text_of(name, scalar)?,
            Field::Metric => found.metric = text_of(name, scalar)?.filter(|text| !text.is_empty()),
            Field::Id => {
                let id = text_of(name, scalar)?;
                found.id_hash = id.map(|id| id_hash(self.fields.hash_seed, &id));
            }
            Field::Label => found.label = label_of(&scalar)?,
            Field::Timestamp => found.time = time_of(name, &scalar, self.fields.unit)?,
        }
        Ok(())
    }

    fn take_flat(&mut self, name: &str, scalar: &Scalar<'de>) {
        match scalar {
            Scalar::Null if self.scratch.nulls.len() < self.fields.limits.values => {
                self.scratch.nulls.push(name, f64::NAN);
            }
            scalar => {
                if let Some(number) = scalar.number() {
                    self.push_flat(name, number);
                }
            }
        }
    }

    fn push_flat(&mut self, name: &str, value: f64) {
        // One more than the limit is enough to be told apart.
        if self.scratch.flat.len() <= self.fields.limits.values {
            self.scratch.flat.push(name, value);
        }
    }
}

impl<'de> Visitor<'de> for EventSeed<'_> {
    type Value = Found<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Found<'de>, A::Error> {
        let mut found = Found::default();
        let mut seen = 0u32;
        while let Some(name) = map.next_key_seed(NameSeed)? {
            let field = self.fields.of(&name);
            let is_new = match field {
                Field::Flat | Field::Payload | Field::MaybeTime(_) => self.scratch.is_new(&name),
                known => {
                    let bit = known.bit();
                    let is_new = seen & bit == 0;
                    seen |= bit;
                    is_new
                }
            };
            if !is_new {
                let name = name.into_owned();
                return Err(reject(
                    &mut self.scratch.reason,
                    RejectReason::Duplicate { name },
                ));
            }
            self.field(&mut map, field, &name, &mut found)?;
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Found<'de>, A::Error> {
        self.not_an_object(&Scalar::Array)
    }

    fn visit_unit<E: Error>(self) -> Result<Found<'de>, E> {
        self.not_an_object(&Scalar::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Found<'de>, E> {
        self.not_an_object(&Scalar::Bool(flag))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Found<'de>, E> {
        self.not_an_object(&Scalar::Unsigned(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Found<'de>, E> {
        self.not_an_object(&Scalar::Signed(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Found<'de>, E> {
        self.not_an_object(&Scalar::Float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Found<'de>, E> {
        self.not_an_object(&Scalar::Text(Cow::Owned(text.to_owned())))
    }
}

/// Reads `values`: an object of numbers. False if it is null.
struct ValuesSeed<'s> {
    fields: &'s Fields,
    scratch: &'s mut Scratch,
}

impl<'de> DeserializeSeed<'de> for ValuesSeed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_any(Container {
            name: "values",
            expected: "an object of numbers (an array goes in `features`)",
            fields: self.fields,
            scratch: self.scratch,
        })
    }
}

/// Reads `features`: an array of numbers. False if it is null.
struct FeaturesSeed<'s> {
    fields: &'s Fields,
    scratch: &'s mut Scratch,
}

impl<'de> DeserializeSeed<'de> for FeaturesSeed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_any(Container {
            name: FEATURES,
            expected: "an array of numbers (an object goes in `values`)",
            fields: self.fields,
            scratch: self.scratch,
        })
    }
}

const FEATURES: &str = "features";

/// What holds the values; the name says which of the two shapes it may have.
struct Container<'s> {
    name: &'static str,
    expected: &'static str,
    fields: &'s Fields,
    scratch: &'s mut Scratch,
}

impl Container<'_> {
    fn wrong<E: Error>(self, got: &Scalar<'_>) -> Result<bool, E> {
        let reason = RejectReason::WrongType {
            name: self.name.to_owned(),
            got: got.shown(),
            expected: self.expected,
        };
        Err(reject(&mut self.scratch.reason, reason))
    }

    fn seed(&mut self) -> ScalarSeed<'_> {
        ScalarSeed {
            text: Text::Keep,
            level: FIELD_LEVEL + 1,
            limit: self.fields.limits.depth,
            reason: &mut self.scratch.reason,
        }
    }

    /// The number in `scalar`, within the limits.
    fn number(&self, name: &str, scalar: &Scalar<'_>, count: usize) -> Result<f64, RejectReason> {
        let limits = &self.fields.limits;
        if count >= limits.values {
            return Err(RejectReason::TooManyValues {
                limit: limits.values,
            });
        }
        let value = value_of(name, scalar)?;
        check_size(name, value, limits)?;
        Ok(value)
    }
}

impl<'de> Visitor<'de> for Container<'_> {
    type Value = bool;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.expected)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<bool, A::Error> {
        if self.name == FEATURES {
            return self.wrong(&Scalar::Object);
        }
        while let Some(name) = map.next_key_seed(NameSeed)? {
            let scalar = map.next_value_seed(self.seed())?;
            let ignored = &self.fields.ignored;
            if !ignored.is_empty() && ignored.iter().any(|ignored| **ignored == *name) {
                continue;
            }
            match self.number(&name, &scalar, self.scratch.values.len()) {
                Ok(value) => self.scratch.values.push(&name, value),
                Err(reason) => return Err(reject(&mut self.scratch.reason, reason)),
            }
        }
        if let Some(name) = self.scratch.values.duplicate() {
            let name = name.to_owned();
            return Err(reject(
                &mut self.scratch.reason,
                RejectReason::Duplicate { name },
            ));
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<bool, A::Error> {
        if self.name != FEATURES {
            return self.wrong(&Scalar::Array);
        }
        while let Some(scalar) = seq.next_element_seed(self.seed())? {
            let count = self.scratch.features.len();
            // The name is made only for a message.
            let value = match scalar.number() {
                Some(value)
                    if value.abs() <= self.fields.limits.value_abs
                        && count < self.fields.limits.values =>
                {
                    Ok(value)
                }
                _ => self.number(&format!("f{count}"), &scalar, count),
            };
            match value {
                Ok(value) => self.scratch.features.push(value),
                Err(reason) => return Err(reject(&mut self.scratch.reason, reason)),
            }
        }
        Ok(true)
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<bool, E> {
        self.wrong(&Scalar::Bool(flag))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<bool, E> {
        self.wrong(&Scalar::Unsigned(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<bool, E> {
        self.wrong(&Scalar::Signed(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<bool, E> {
        self.wrong(&Scalar::Float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        self.wrong(&Scalar::Text(Cow::Borrowed(text)))
    }
}

/// A number, or NaN where the value is missing.
#[inline]
fn value_of(name: &str, scalar: &Scalar<'_>) -> Result<f64, RejectReason> {
    if let Some(number) = scalar.number() {
        return Ok(number);
    }
    match scalar {
        Scalar::Null => Ok(f64::NAN),
        Scalar::Text(text) if number::is_missing(text.trim_ascii().as_bytes()) => Ok(f64::NAN),
        other => Err(RejectReason::NotANumber {
            name: name.to_owned(),
            got: other.shown(),
        }),
    }
}

/// A key, a metric or an id: text, or a number as it is written.
#[inline]
fn text_of<'de>(name: &str, scalar: Scalar<'de>) -> Result<Option<Cow<'de, str>>, RejectReason> {
    match scalar {
        Scalar::Null => Ok(None),
        Scalar::Text(text) => Ok(Some(text)),
        Scalar::Unsigned(number) => Ok(Some(number.to_string().into())),
        Scalar::Signed(number) => Ok(Some(number.to_string().into())),
        Scalar::Float(number) => Ok(Some(number.to_string().into())),
        other => Err(RejectReason::WrongType {
            name: name.to_owned(),
            got: other.shown(),
            expected: "a text or a number",
        }),
    }
}

fn label_of(scalar: &Scalar<'_>) -> Result<Option<bool>, RejectReason> {
    match scalar {
        Scalar::Null => Ok(None),
        Scalar::Bool(flag) => Ok(Some(*flag)),
        Scalar::Text(text) => label(text.trim_ascii()),
        other => match other.number() {
            Some(0.0) => Ok(Some(false)),
            Some(1.0) => Ok(Some(true)),
            _ => Err(RejectReason::Label { got: other.shown() }),
        },
    }
}

/// The time in a field that is called like one, if it is one: text that is a time, or a number that is one of our days. A
/// temperature called `t` is none.
fn maybe_time(scalar: &Scalar<'_>, unit: TimestampUnit) -> Option<Timestamp> {
    /// 1980 and 2100.
    const PLAUSIBLE: std::ops::Range<i64> = 315_532_800_000_000..4_102_444_800_000_000;
    let time = match scalar {
        Scalar::Text(text) => timestamp::parse(text, unit),
        Scalar::Unsigned(number) => timestamp::from_integer(i128::from(*number), unit),
        Scalar::Float(number) => timestamp::from_number(*number, unit),
        _ => return None,
    };
    time.ok().filter(|time| PLAUSIBLE.contains(&time.0))
}

#[inline]
fn time_of(
    name: &str,
    scalar: &Scalar<'_>,
    unit: TimestampUnit,
) -> Result<Option<Timestamp>, RejectReason> {
    let time = match scalar {
        Scalar::Null => return Ok(None),
        Scalar::Text(text) if text.is_empty() => return Ok(None),
        Scalar::Text(text) => timestamp::parse(text, unit)?,
        Scalar::Unsigned(number) => timestamp::from_integer(i128::from(*number), unit)?,
        Scalar::Signed(number) => timestamp::from_integer(i128::from(*number), unit)?,
        Scalar::Float(number) => timestamp::from_number(*number, unit)?,
        other => {
            return Err(RejectReason::WrongType {
                name: name.to_owned(),
                got: other.shown(),
                expected: "RFC 3339 text or an epoch number",
            });
        }
    };
    Ok(Some(time))
}
