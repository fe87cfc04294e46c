//! Which file, and how.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// Where it is.
    pub path: PathBuf,
    /// Whether to go on with what is appended, through rotation; without it the file is read once.
    #[serde(default)]
    pub follow: bool,
}

/// A file to write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileSinkConfig {
    /// Where it is.
    pub path: PathBuf,
    /// What becomes of what is there.
    pub mode: WriteMode,
}

/// What becomes of a file that is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteMode {
    /// It is replaced when the new one is whole.
    #[default]
    Replace,
    /// It grows.
    Append,
}

impl FileConfig {
    /// Reads `path` once.
    pub fn once(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            follow: false,
        }
    }

    /// Follows `path` as it grows.
    pub fn follow(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            follow: true,
        }
    }
}
