//! Any JSON value that is not looked into.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::codec::reject::{RejectReason, quoted};

/// A value as it came; what nests has been passed over.
#[derive(Debug)]
pub(super) enum Scalar<'de> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Cow<'de, str>),
    Array,
    Object,
}

impl Scalar<'_> {
    /// The number, if it is one.
    #[inline]
    pub(super) fn number(&self) -> Option<f64> {
        match *self {
            Self::Unsigned(number) => Some(number as f64),
            Self::Signed(number) => Some(number as f64),
            Self::Float(number) => Some(number),
            _ => None,
        }
    }

    /// How a message names it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(flag) => flag.to_string(),
            Self::Unsigned(number) => number.to_string(),
            Self::Signed(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Text(text) => quoted(text),
            Self::Array => "an array".to_owned(),
            Self::Object => "an object".to_owned(),
        }
    }
}

/// Whether the text of a string is wanted; one with escapes must be copied for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    Keep,
    Drop,
}

/// Reads a [`Scalar`] at nesting level `level`.
#[derive(Debug)]
pub(super) struct ScalarSeed<'s> {
    pub(super) text: Text,
    pub(super) level: usize,
    pub(super) limit: usize,
    pub(super) reason: &'s mut Option<RejectReason>,
}

impl ScalarSeed<'_> {
    fn deeper(&mut self) -> Option<ScalarSeed<'_>> {
        if self.level > self.limit {
            *self.reason = Some(RejectReason::TooDeep { limit: self.limit });
            return None;
        }
        Some(ScalarSeed {
            text: Text::Drop,
            level: self.level + 1,
            limit: self.limit,
            reason: self.reason,
        })
    }
}

impl<'de> DeserializeSeed<'de> for ScalarSeed<'_> {
    type Value = Scalar<'de>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Scalar<'de>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ScalarSeed<'_> {
    type Value = Scalar<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Unsigned(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Signed(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(match self.text {
            Text::Keep => Cow::Owned(text.to_owned()),
            Text::Drop => Cow::Borrowed(""),
        }))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Scalar<'de>, A::Error> {
        loop {
            let Some(seed) = self.deeper() else {
                return Err(A::Error::custom("rejected"));
            };
            if seq.next_element_seed(seed)?.is_none() {
                return Ok(Scalar::Array);
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        loop {
            let Some(seed) = self.deeper() else {
                return Err(A::Error::custom("rejected"));
            };
            if map.next_key::<serde::de::IgnoredAny>()?.is_none() {
                return Ok(Scalar::Object);
            }
            map.next_value_seed(seed)?;
        }
    }
}

/// Reads the name of a field, copied only where it has escapes.
#[derive(Clone, Copy, Debug)]
pub(super) struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Cow<'de, str>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Cow<'de, str>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
