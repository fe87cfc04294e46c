//! Connections, and the formats of the file.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqlSafeStr};
use willet_node::store::StoreError;

use super::error::{Error, of_file, plain, primary_code};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To own the file: it is made, and brought to the newest format.
    Own,
    /// To change small things beside the owner.
    Write,
    /// To read.
    Read,
}

/// The steps from one format to the next, in order. One that was released never changes.
const MIGRATIONS: [(i64, &str, &str); 2] = [
    (1, "first", include_str!("../../migrations/0001_first.sql")),
    (
        2,
        "drifts",
        include_str!("../../migrations/0002_drifts.sql"),
    ),
];

/// Pages of the write-ahead log are given back to the disk beyond this.
const WAL_BYTES_KEPT: &str = "67108864";
/// Kibibytes (negative means that) of page cache of a reader, and of the owner, whose commit of ten thousand histories
/// should stay in memory until it is done.
const READER_CACHE: &str = "-16384";
const OWNER_CACHE: &str = "-131072";
/// Pages in the write-ahead log from which on a commit takes them over into the file. Commits touch the last page of each
/// history again and again; in fewer, longer turns it is written once for many of them.
const CHECKPOINT_PAGES: &str = "8192";

pub(super) fn options(path: &Path, busy_timeout_ms: u64, purpose: Purpose) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_millis(busy_timeout_ms))
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("journal_size_limit", WAL_BYTES_KEPT)
        .statement_cache_capacity(200)
        .row_buffer_size(1024)
        .disable_statement_logging();
    match purpose {
        Purpose::Own => options
            .create_if_missing(true)
            .pragma("cache_size", OWNER_CACHE)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .journal_mode(SqliteJournalMode::Wal),
        Purpose::Write => options
            .create_if_missing(false)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES),
        Purpose::Read => options
            .create_if_missing(false)
            .pragma("cache_size", READER_CACHE)
            .pragma("query_only", "1"),
    }
}

/// Opens a connection. The owner's brings the file to the newest format; the others ask that it is there already.
pub(super) async fn open(
    path: &Path,
    busy_timeout_ms: u64,
    purpose: Purpose,
) -> Result<SqliteConnection, StoreError> {
    let sql = |error| of_file(path, &Error::Sql(error));
    let mut connection = options(path, busy_timeout_ms, purpose)
        .connect()
        .await
        .map_err(sql)?;
    if purpose == Purpose::Own {
        migrator()
            .run(&mut connection)
            .await
            .map_err(|error| of_migration(path, error))?;
    }
    Ok(connection)
}

fn migrator() -> Migrator {
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(
            version,
            name.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    };
    Migrator::with_migrations(MIGRATIONS.into_iter().map(migration).collect())
}

fn of_migration(path: &Path, error: MigrateError) -> StoreError {
    let shown = path.display();
    match error {
        MigrateError::VersionMissing(found) => plain(format!(
            "{shown} has format {found}, this build knows up to {} (use a newer willet)",
            MIGRATIONS[MIGRATIONS.len() - 1].0
        )),
        MigrateError::VersionMismatch(found) => plain(format!(
            "{shown} has another format {found} than this build (use the willet that made it, or move it away)"
        )),
        MigrateError::Dirty(found) => plain(format!(
            "{shown} stopped half way to format {found} (restore it, or move it away)"
        )),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            // Another program's tables are in the way of ours.
            if primary_code(&error) == Some(1) {
                return plain(format!("{shown} is not a willet store: {error}"));
            }
            of_file(path, &Error::Sql(error))
        }
        other => plain(format!("{shown}: {other}")),
    }
}
