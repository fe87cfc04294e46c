//! Settings of detectors and decisions: one declaration gives the struct, its defaults, its ranges and its documentation.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::error::ConfigError;

/// A value as it comes from a file, a flag or a caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// true or false
    Bool(bool),
    /// any number
    Number(f64),
    /// text
    Text(String),
    /// values in order
    List(Vec<Value>),
    /// named values
    Map(BTreeMap<String, Value>),
}

impl Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "\"{value}\""),
            Self::List(values) => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", values.join(", "))
            }
            Self::Map(values) => {
                let values: Vec<String> = values
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}"))
                    .collect();
                write!(f, "{{{}}}", values.join(", "))
            }
        }
    }
}

/// One setting as documentation and the command line show it.
#[derive(Clone, Copy, Debug)]
pub struct SettingSpec {
    /// Name in configuration.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// The default.
    pub default: fn() -> Value,
    /// What is allowed, for people.
    pub allowed: fn() -> String,
}

/// A struct declared by the `settings!` macro.
pub trait Settings: Default + Clone {
    /// Its settings, in order of declaration.
    const SPECS: &'static [SettingSpec];
    /// Sets one by name.
    fn set(&mut self, name: &str, value: &Value) -> Result<(), ConfigError>;
    /// Checks all ranges: public fields may hold anything until here.
    fn check(&self) -> Result<(), ConfigError>;

    /// The defaults with `values` put over them.
    fn from_values<'a>(
        values: impl IntoIterator<Item = (&'a str, &'a Value)>,
    ) -> Result<Self, ConfigError> {
        let mut settings = Self::default();
        for (name, value) in values {
            settings.set(name, value)?;
        }
        Ok(settings)
    }
}

/// A type that a setting can have.
pub trait Setting: Sized {
    /// What is allowed of it.
    type Range;
    /// Reads it; `None` where the value is of another type or outside the range.
    fn read(value: &Value, range: &Self::Range) -> Option<Self>;
    /// Whether it is allowed.
    fn is_allowed(&self, range: &Self::Range) -> bool;
    /// What is allowed, for people.
    fn allowed(range: &Self::Range) -> String;
    /// The value as it would be written.
    fn show(&self) -> Value;
}

impl Setting for usize {
    type Range = RangeInclusive<usize>;
    fn read(value: &Value, range: &Self::Range) -> Option<Self> {
        let Value::Number(number) = value else {
            return None;
        };
        let whole = *number as usize;
        (whole as f64 == *number && range.contains(&whole)).then_some(whole)
    }
    fn is_allowed(&self, range: &Self::Range) -> bool {
        range.contains(self)
    }
    fn allowed(range: &Self::Range) -> String {
        format!("a whole number from {} to {}", range.start(), range.end())
    }
    fn show(&self) -> Value {
        Value::Number(*self as f64)
    }
}

impl Setting for f64 {
    type Range = RangeInclusive<f64>;
    fn read(value: &Value, range: &Self::Range) -> Option<Self> {
        let Value::Number(number) = value else {
            return None;
        };
        range.contains(number).then_some(*number)
    }
    fn is_allowed(&self, range: &Self::Range) -> bool {
        range.contains(self)
    }
    fn allowed(range: &Self::Range) -> String {
        format!("a number from {} to {}", range.start(), range.end())
    }
    fn show(&self) -> Value {
        Value::Number(*self)
    }
}

/// A setting that is one of a few names.
pub trait Choice: Copy + PartialEq + 'static {
    /// All names with their values; the first with a value is how it is written.
    const CHOICES: &'static [(&'static str, Self)];
}

impl<C: Choice> Setting for C {
    type Range = ();
    fn read(value: &Value, (): &()) -> Option<Self> {
        let Value::Text(text) = value else {
            return None;
        };
        let text = text.to_lowercase();
        C::CHOICES
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, choice)| *choice)
    }
    fn is_allowed(&self, (): &()) -> bool {
        true
    }
    fn allowed((): &()) -> String {
        let names: Vec<&str> = C::CHOICES.iter().map(|(name, _)| *name).collect();
        format!("one of {}", names.join(", "))
    }
    fn show(&self) -> Value {
        let name = C::CHOICES
            .iter()
            .find(|(_, choice)| choice == self)
            .map_or("", |(name, _)| *name);
        Value::Text(name.to_owned())
    }
}

/// Reads a setting or says what is allowed.
pub fn read<T: Setting>(name: &str, value: &Value, range: &T::Range) -> Result<T, ConfigError> {
    T::read(value, range).ok_or_else(|| ConfigError::Value {
        name: name.to_owned(),
        found: value.to_string(),
        expected: T::allowed(range),
    })
}

/// Checks a setting or says what is allowed.
pub fn check<T: Setting>(name: &str, value: &T, range: &T::Range) -> Result<(), ConfigError> {
    if value.is_allowed(range) {
        return Ok(());
    }
    Err(ConfigError::Value {
        name: name.to_owned(),
        found: value.show().to_string(),
        expected: T::allowed(range),
    })
}

/// Declares a struct of settings: `name: type = default, range;` with its documentation above.
#[macro_export]
macro_rules! settings {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $( $(#[doc = $doc:literal])+ $field:ident : $ty:ty = $default:expr, $range:expr; )*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name { $( $(#[doc = $doc])+ $vis $field: $ty, )* }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $crate::settings::Settings for $name {
            const SPECS: &'static [$crate::settings::SettingSpec] = &[ $( $crate::settings::SettingSpec {
                name: stringify!($field),
                doc: concat!($($doc),+),
                default: || { let default: $ty = $default; <$ty as $crate::settings::Setting>::show(&default) },
                allowed: || <$ty as $crate::settings::Setting>::allowed(&$range),
            }, )* ];

            fn set(&mut self, name: &str, value: &$crate::settings::Value) -> Result<(), $crate::error::ConfigError> {
                // A kind may have nothing to set.
                _ = value;
                match name {
                    $( stringify!($field) => {
                        self.$field = $crate::settings::read(name, value, &$range)?;
                        Ok(())
                    } )*
                    _ => Err($crate::error::ConfigError::unknown("setting", name, Self::SPECS.iter().map(|spec| spec.name))),
                }
            }

            fn check(&self) -> Result<(), $crate::error::ConfigError> {
                $( $crate::settings::check(stringify!($field), &self.$field, &$range)?; )*
                Ok(())
            }
        }
    };
}
