//! The store in one `SQLite` file. Everything that knows SQL is in this folder.
//!
//! **Durability.** Write-ahead log, `synchronous=NORMAL`: a commit survives the process, and a power cut may take back the
//! last ones but never damages the file. [`Store::sync`] makes all of them survive: it commits one tiny transaction under
//! `synchronous=FULL`, in which `SQLite` syncs the whole write-ahead log at the commit. A checkpoint would do it too, but
//! only one that is not `PASSIVE` and that no reader holds up.
//!
//! **Space.** `auto_vacuum=INCREMENTAL`: freed pages are used again first, and given back to the disk in bounded pieces when
//! there are many, so that a deleted stream or a lower limit frees disk without rewriting the file.

mod commit;
mod connect;
mod copy;
mod error;
mod forget;
mod history;
mod pieces;
mod queries;
mod retain;

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnection;
use tokio::runtime::Runtime;
use willet_node::store::{Commit, Committed, PositionRow, RequestRow, Store, StoreError};

pub use copy::{StoreCheck, copy, verify};
pub use queries::Queries;

use connect::Purpose;
use error::of_file;
use retain::Sweep;

/// What a store keeps and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Days that verdicts and resolved alerts are kept, by arrival.
    pub verdict_days: u32,
    /// Bytes in use beyond which the oldest verdicts go earlier.
    pub max_bytes: u64,
    /// Keys with a history. The ones after that are counted and have none.
    pub max_history_series: u64,
    /// How long to wait for another writer, in milliseconds.
    pub busy_timeout_ms: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            verdict_days: 90,
            max_bytes: 4 << 30,
            max_history_series: 10_000,
            busy_timeout_ms: 5_000,
        }
    }
}

/// The writer. It blocks, so it belongs on a thread of its own and never into an async task; one at a time for a file.
#[derive(Debug)]
pub struct SqliteStore {
    /// Only drives the connection; taken when dropped.
    runtime: Option<Runtime>,
    connection: SqliteConnection,
    /// The last operation failed: the connection is opened anew before the next.
    is_doubtful: bool,
    path: PathBuf,
    options: StoreOptions,
    sweep: Sweep,
}

impl SqliteStore {
    /// Opens the file at `path`, makes it if it is missing, and brings it to the newest format.
    ///
    /// # Errors
    /// Not a database, damaged, of a newer version, locked, no space; the message says what to do.
    ///
    /// # Panics
    /// Inside an async task.
    pub fn open(path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| error::plain(format!("cannot start: {error}")))?;
        let connection =
            runtime.block_on(connect::open(path, options.busy_timeout_ms, Purpose::Own))?;
        Ok(Self {
            runtime: Some(runtime),
            connection,
            is_doubtful: false,
            path: path.to_path_buf(),
            options,
            sweep: Sweep::default(),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs one operation to its end; its errors are told with the file's name.
    fn run<T>(
        &mut self,
        operation: impl AsyncFnOnce(
            &mut SqliteConnection,
            &StoreOptions,
            &mut Sweep,
        ) -> Result<T, error::Error>,
    ) -> Result<T, StoreError> {
        let runtime = self.runtime.as_ref().expect("taken only when dropped");
        if self.is_doubtful {
            // When the disk is full SQLite ends a transaction by itself, and the driver still counts it as open.
            let anew = connect::open(&self.path, self.options.busy_timeout_ms, Purpose::Own);
            self.connection = runtime.block_on(anew)?;
            self.is_doubtful = false;
        }
        let done = operation(&mut self.connection, &self.options, &mut self.sweep);
        let done = runtime.block_on(done);
        self.is_doubtful = done.is_err();
        done.map_err(|error| of_file(&self.path, &error))
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // A runtime that waits for its end may not be dropped inside an async task; nothing is running on this one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Store for SqliteStore {
    fn commit(&mut self, commit: &Commit) -> Result<Committed, StoreError> {
        self.run(async |connection, options, _| {
            commit::write(connection, commit, options.max_history_series).await
        })
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.run(async |connection, _, _| commit::sync(connection).await)
    }

    fn positions(&mut self) -> Result<Vec<PositionRow>, StoreError> {
        self.run(async |connection, _, _| commit::positions(connection).await)
    }

    fn incident_state(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.run(async |connection, _, _| commit::incident_state(connection).await)
    }

    fn requests(&mut self, since: i64) -> Result<Vec<RequestRow>, StoreError> {
        self.run(async |connection, _, _| commit::requests(connection, since).await)
    }

    fn forget(&mut self, stream: &str, source: Option<&str>) -> Result<(), StoreError> {
        self.run(async |connection, _, _| forget::forget(connection, stream, source).await)
    }

    fn retain(&mut self, now: i64) -> Result<bool, StoreError> {
        self.run(async |connection, options, sweep| {
            retain::retain(connection, options, sweep, now).await
        })
    }
}

#[cfg(test)]
mod tests;
