//! What `SQLite` says, told so that the caller knows what to do.

use std::path::Path;

use willet_node::store::StoreError;

use crate::blobs::BlobError;

/// Anything that can go wrong between a call and the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error("{what}: {source}")]
    Blob {
        what: &'static str,
        source: BlobError,
    },
}

impl Error {
    pub(super) fn blob(what: &'static str) -> impl Fn(BlobError) -> Self {
        move |source| Self::Blob { what, source }
    }
}

/// Primary result codes of `SQLite`, <https://www.sqlite.org/rescode.html>.
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const NOTADB: i32 = 26;
}

/// The primary result code, where `SQLite` itself answered.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

/// Says what is wrong with the file, and what to do.
pub(super) fn of_file(path: &Path, error: &Error) -> StoreError {
    let path = path.display();
    let damaged = |what: &str| {
        plain(format!(
            "{path} is damaged: {what} (check it with `willet verify`; move it and its -wal and -shm away, and what the log still holds comes again)"
        ))
    };
    let sql = match error {
        Error::Blob { .. } => return damaged(&error.to_string()),
        Error::Sql(error) => error,
    };
    match primary_code(sql) {
        Some(code::BUSY | code::LOCKED) => StoreError {
            message: format!("{path} is locked by another process"),
            is_retryable: true,
            is_full: false,
        },
        Some(code::FULL) => StoreError {
            message: format!("no space left for {path} (free some, or lower the retention)"),
            is_retryable: true,
            is_full: true,
        },
        Some(code::CORRUPT | code::NOTADB) => damaged(&sql.to_string()),
        Some(code::READONLY) => plain(format!(
            "{path} cannot be written: {sql} (check the rights of the file and its folder)"
        )),
        Some(code::CANTOPEN) => plain(format!(
            "cannot open {path}: {sql} (check that its folder exists and may be written)"
        )),
        _ => match sql {
            sqlx::Error::PoolTimedOut => StoreError {
                message: format!("{path} has no connection free"),
                is_retryable: true,
                is_full: false,
            },
            sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => damaged(&sql.to_string()),
            _ => plain(format!("{path}: {sql}")),
        },
    }
}

/// An error that trying again does not help.
pub(super) fn plain(message: String) -> StoreError {
    StoreError {
        message,
        is_retryable: false,
        is_full: false,
    }
}
