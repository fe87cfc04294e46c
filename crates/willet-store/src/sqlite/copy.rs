//! A copy of the file for a backup, and a look at every page of one.

use std::path::Path;

use sqlx::{ConnectOptions, Connection};
use tokio::runtime::Runtime;
use willet_node::store::StoreError;

use super::connect::{Purpose, options};
use super::error::{Error, of_file, plain};

/// How long a copy waits for the writer, in milliseconds.
const PATIENCE_MS: u64 = 30_000;
/// Findings that are told; the first ones say what the others would.
const MOST_FINDINGS: usize = 20;

/// What a look at every page found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreCheck {
    /// Verdicts in it.
    pub verdicts: u64,
    /// Alerts in it.
    pub alerts: u64,
    /// What is damaged, a line each.
    pub damage: Vec<String>,
}

/// Writes a consistent copy of the file at `from` to `to`, which must not be there, while others read and write it. Blocks.
///
/// # Panics
/// Inside an async task.
pub fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let to = to
        .to_str()
        .ok_or_else(|| plain(format!("{} is not a name in UTF-8", to.display())))?;
    let copied = runtime()?.block_on(async {
        let mut connection = options(from, PATIENCE_MS, Purpose::Write).connect().await?;
        sqlx::query("VACUUM INTO ?")
            .bind(to)
            .execute(&mut connection)
            .await?;
        connection.close().await
    });
    copied.map_err(|error| of_file(from, &Error::Sql(error)))
}

/// Checks every page and index of the file. Blocks, and takes as long as reading all of it.
///
/// # Panics
/// Inside an async task.
pub fn verify(path: &Path) -> Result<StoreCheck, StoreError> {
    let checked = runtime()?.block_on(async {
        let mut connection = options(path, PATIENCE_MS, Purpose::Read).connect().await?;
        let lines: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(20)")
            .fetch_all(&mut connection)
            .await?;
        let damage = lines.into_iter().filter(|line| line != "ok");
        let (verdicts, alerts): (i64, i64) =
            sqlx::query_as("SELECT (SELECT count(*) FROM verdicts), (SELECT count(*) FROM alerts)")
                .fetch_one(&mut connection)
                .await?;
        connection.close().await?;
        Ok(StoreCheck {
            verdicts: verdicts as u64,
            alerts: alerts as u64,
            damage: damage.take(MOST_FINDINGS).collect(),
        })
    });
    checked.map_err(|error| of_file(path, &Error::Sql(error)))
}

fn runtime() -> Result<Runtime, StoreError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| plain(format!("cannot start: {error}")))
}
