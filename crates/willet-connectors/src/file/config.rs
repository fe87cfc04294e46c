//! Which file, and how.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A file to read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileConfig {
    /// Where it is.
    pub path: PathBuf,
    /// Once, or as it grows.
    pub mode: FileMode,
}

/// How long a file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileMode {
    /// To its end.
    #[default]
    Once,
    /// On and on, through rotation; the caller asks again and again.
    Follow,
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
            mode: FileMode::Once,
        }
    }

    /// Follows `path` as it grows.
    pub fn follow(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            mode: FileMode::Follow,
        }
    }
}
