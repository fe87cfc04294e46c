//! What the service's doors ask, and the small things that they write beside the node.

mod activity;
mod alerts;
mod anomalies;
mod drifts;
mod history;
mod keys;
mod outbox;
mod streams;
mod tokens;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{Sqlite, SqlitePool, SqlitePoolOptions};
use sqlx::{QueryBuilder, pool::PoolConnection};
use willet_node::store::StoreError;

use super::connect::{self, Purpose};
use super::error::{Error, of_file};
use willet_proto::Page;

use crate::query::QueryError;

/// Readers at a time.
const READERS: u32 = 4;
/// How long a question waits for a connection or a lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// The async door to the file, with connections of its own. Clones share them.
#[derive(Clone, Debug)]
pub struct Queries {
    readers: SqlitePool,
    /// One: writers would only wait for each other.
    writer: SqlitePool,
    path: Arc<PathBuf>,
}

impl Queries {
    /// Opens the file at `path`, which a [`SqliteStore`](crate::SqliteStore) has made or brought to the newest format.
    ///
    /// # Errors
    /// Missing, damaged, locked; the message says what to do.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let pool = async |connections, purpose| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(PATIENCE)
                // A file does not go away the way a server does.
                .test_before_acquire(false)
                .connect_with(connect::options(path, PATIENCE.as_millis() as u64, purpose))
                .await
                .map_err(|error| of_file(path, &Error::Sql(error)))
        };
        Ok(Self {
            readers: pool(READERS, Purpose::Read).await?,
            writer: pool(1, Purpose::Write).await?,
            path: Arc::new(path.to_path_buf()),
        })
    }

    /// Closes all connections, when the questions under way are answered.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn reader(&self) -> Result<PoolConnection<Sqlite>, QueryError> {
        self.readers
            .acquire()
            .await
            .map_err(|error| self.sql(error))
    }

    async fn writer(&self) -> Result<PoolConnection<Sqlite>, QueryError> {
        self.writer.acquire().await.map_err(|error| self.sql(error))
    }

    fn sql(&self, error: sqlx::Error) -> QueryError {
        self.failed(&Error::Sql(error))
    }

    fn failed(&self, error: &Error) -> QueryError {
        QueryError::Store(of_file(&self.path, error))
    }
}

/// Adds `column IN (...)`, where anything is wanted in particular.
fn push_any_of<'a>(
    query: &mut QueryBuilder<Sqlite>,
    column: &str,
    words: impl Iterator<Item = &'a str>,
) {
    let words: Vec<&str> = words.collect();
    if words.is_empty() {
        return;
    }
    query.push(" AND ").push(column).push(" IN (");
    let mut list = query.separated(", ");
    for word in words {
        list.push_bind(word.to_owned());
    }
    query.push(")");
}

/// Cuts a list that was read one row further than asked for, and says where the next page begins.
fn page<R, T>(
    mut rows: Vec<R>,
    limit: usize,
    cursor: impl Fn(&R) -> String,
    item: impl Fn(R) -> Result<T, StoreError>,
) -> Result<Page<T>, QueryError> {
    let is_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| is_more).map(cursor);
    let items = rows.into_iter().map(item).collect::<Result<_, _>>()?;
    Ok(Page { items, next_cursor })
}

/// The range of texts that begin with `source/`: `0` comes right after `/`.
fn range_of_children(source: &str) -> (String, String) {
    (format!("{source}/"), format!("{source}0"))
}
