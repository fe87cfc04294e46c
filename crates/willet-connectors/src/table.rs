//! What a connector says of itself, and a source as a configuration names it.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use willet_engine::codec::{
    ConfigError, Format, InferError, InferOptions, Inferred, InputConfig, infer,
};

use crate::source::{Source, SourceError};
use crate::{CONNECTORS, Framing};

/// A system that Willet reads from or writes to.
#[derive(Clone, Copy, Debug)]
pub struct Connector {
    /// Its name in the configuration.
    pub name: &'static str,
    /// Which way data can go.
    pub direction: Direction,
    /// What it is, in a line.
    pub summary: &'static str,
    /// How a stream reads from it, where one can.
    pub source: Option<SourceKind>,
}

/// Which way data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Only in.
    Input,
    /// Only out.
    Output,
    /// Either.
    Both,
}

/// How a stream reads from a system.
#[derive(Clone, Copy, Debug)]
pub struct SourceKind {
    /// Who may name it.
    pub access: Access,
    /// What its records are, where nobody needs to say or find out.
    pub format: Option<Format>,
    /// Whether the same records follow a cursor whenever it is read from there.
    pub replays: bool,
    /// The schema of its settings.
    pub schema: fn() -> Schema,
    /// Whether settings are understood and fit together; nothing is opened.
    pub check: fn(&Value) -> Result<(), SourceError>,
    /// Opens it.
    pub open: fn(&Value, Clock) -> Opened,
}

/// Gives microseconds since the epoch.
pub type Clock = fn() -> i64;
/// An open source, or why it is none.
pub type Opened = Result<Box<dyn Source>, SourceError>;

/// Who may name a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever may make a stream.
    Anyone,
    /// Only whoever writes the configuration file: it reaches into the machine.
    Operator,
}

/// The schema of settings, with all that it is made of in one place.
pub(crate) fn schema_of<S: JsonSchema>() -> Schema {
    let inline = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = inline.into_generator().into_root_schema_for::<S>();
    schema.remove("$schema");
    schema.remove("title");
    schema
}

/// The settings of a source as its own type.
pub(crate) fn settings<S: DeserializeOwned>(given: &Value) -> Result<S, SourceError> {
    serde_path_to_error::deserialize(given).map_err(|error| {
        let path = error.path().to_string();
        SourceError::Settings {
            path: if path == "." {
                String::new()
            } else {
                format!("{path}: ")
            },
            source: error.into_inner(),
        }
    })
}

/// A source as a configuration names it: a kind of [`CONNECTORS`] and settings that it understands.
#[derive(Clone, Debug)]
pub struct SourceSpec {
    connector: &'static str,
    kind: SourceKind,
    settings: Value,
}

impl SourceSpec {
    /// A source of a kind, with its settings; refused where there is no such kind, or it does not understand them.
    pub fn new(name: &str, settings: impl Serialize) -> Result<Self, SourceError> {
        let sources = || {
            CONNECTORS
                .iter()
                .filter_map(|it| Some((it.name, it.source?)))
        };
        let Some((connector, kind)) = sources().find(|(known, _)| *known == name) else {
            let names: Vec<&str> = sources().map(|(name, _)| name).collect();
            return Err(SourceError::Config {
                field: "kind".to_owned(),
                got: format!("`{name}`"),
                allowed: names.join(" or "),
            });
        };
        let settings = serde_json::to_value(settings).map_err(|source| SourceError::Settings {
            path: String::new(),
            source,
        })?;
        (kind.check)(&settings)?;
        Ok(Self {
            connector,
            kind,
            settings,
        })
    }

    /// The name of its connector.
    pub fn connector(&self) -> &'static str {
        self.connector
    }

    /// Its kind.
    pub fn kind(&self) -> &SourceKind {
        &self.kind
    }

    /// Opens it.
    pub fn open(&self, clock: Clock) -> Opened {
        (self.kind.open)(&self.settings, clock)
    }
}

impl PartialEq for SourceSpec {
    fn eq(&self, other: &Self) -> bool {
        self.connector == other.connector && self.settings == other.settings
    }
}

impl Serialize for SourceSpec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut written = Map::new();
        written.insert("kind".to_owned(), self.connector.into());
        if let Value::Object(settings) = &self.settings {
            written.extend(settings.clone());
        }
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SourceSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut written = Map::deserialize(deserializer)?;
        let Some(Value::String(kind)) = written.remove("kind") else {
            return Err(D::Error::missing_field("kind"));
        };
        Self::new(&kind, written).map_err(D::Error::custom)
    }
}

/// Why nobody can say what the records of a source are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookError {
    /// It cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Its header does not fit what is configured.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing is made of its first bytes.
    #[error(transparent)]
    Infer(#[from] InferError),
}

/// Bytes looked at to find out what a source holds.
const SAMPLE_BYTES: usize = 256 << 10;
/// Lines that are enough for it: a slow pipe should not have to fill the bytes.
const SAMPLE_LINES: usize = 101;

/// Looks at the first bytes of a source: what its records are, as configured and by their header, or found out where nothing is
/// configured. The source reads them so from then on.
pub fn look(
    source: &mut dyn Source,
    configured: Option<&InputConfig>,
    options: &InferOptions,
) -> Result<Inferred, LookError> {
    let sample = source.sample(SAMPLE_BYTES, SAMPLE_LINES)?;
    let inferred = match configured {
        Some(configured) => Inferred {
            config: configured.for_sample(sample)?,
            notes: Vec::new(),
            is_newest_first: false,
        },
        None => infer(sample, options)?,
    };
    source.set_framing(Framing::of(&inferred.config));
    Ok(inferred)
}
