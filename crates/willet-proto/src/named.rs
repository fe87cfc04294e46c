use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values with their names: an object, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<'a, T> {
    names: Cow<'a, [Box<str>]>,
    values: Vec<T>,
}

impl<T> Default for Named<'_, T> {
    fn default() -> Self {
        Self {
            names: Cow::Borrowed(&[]),
            values: Vec::new(),
        }
    }
}

impl<'a, T> Named<'a, T> {
    /// Puts values beside their names; as many as there are of both.
    pub fn new(names: &'a [Box<str>], values: impl IntoIterator<Item = T>) -> Self {
        Self {
            names: Cow::Borrowed(names),
            values: values.into_iter().collect(),
        }
    }

    /// Names with their values.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &T)> {
        let names = self.names.iter().map(|name| &**name);
        names.zip(&self.values)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<N: Into<Box<str>>, T> FromIterator<(N, T)> for Named<'_, T> {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value));
        let (names, values): (Vec<Box<str>>, Vec<T>) = pairs.unzip();
        Self {
            names: Cow::Owned(names),
            values,
        }
    }
}

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        for (name, value) in self.pairs() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<'_, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Vec<(Box<str>, T)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of names and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(0));
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }

        let pairs = deserializer.deserialize_map(Entries(PhantomData))?;
        Ok(pairs.into_iter().collect())
    }
}
