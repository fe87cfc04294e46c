//! Deletes what is older than it must be kept, a bounded piece at a time.

use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use super::StoreOptions;
use super::commit::WRITE;
use super::error::Error;
use crate::levels::LEVELS;

/// Rows that one call deletes of each kind.
const PIECE: u64 = 1_000;
/// Series whose history one call looks at.
const SERIES: i64 = 200;
/// Pages that one call gives back to the disk, and the share and number of unused ones from which on it does.
const PAGES: i64 = 1_000;
const UNUSED_SHARE: i64 = 4;
const UNUSED_PAGES: i64 = 16_384;

const DAY: i64 = 86_400 * 1_000_000;
/// An idempotency key is good for so long.
const REQUESTS_KEPT: i64 = DAY;
/// What was sent is kept for so long.
const OUTBOX_KEPT: i64 = 7 * DAY;

/// How far the walk over all series has come.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    after: i64,
}

pub(super) async fn retain(
    connection: &mut SqliteConnection,
    options: &StoreOptions,
    sweep: &mut Sweep,
    now: i64,
) -> Result<bool, Error> {
    let mut transaction = connection.begin_with(WRITE).await?;
    let today = now.div_euclid(DAY);
    mark(&mut transaction, today).await?;
    let mut is_more = verdicts(&mut transaction, options, today).await?;
    is_more |= alerts(&mut transaction, options, today).await?;
    is_more |= drifts(&mut transaction, options, today).await?;
    is_more |= small(&mut transaction, now).await?;
    let (after, is_done) = histories(&mut transaction, sweep.after).await?;
    if is_done {
        activity(&mut transaction).await?;
    }
    transaction.commit().await?;
    sweep.after = after;
    is_more |= give_back(connection).await?;
    Ok(is_more || !is_done)
}

/// Notes which numbers there are on the first look at a day: they tell later what was there by then.
async fn mark(connection: &mut SqliteConnection, today: i64) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO marks (day, verdict, alert) VALUES (?, \
         (SELECT coalesce(max(number), 0) FROM verdicts), (SELECT coalesce(max(number), 0) FROM alerts)) \
         ON CONFLICT (day) DO NOTHING",
    )
    .bind(today)
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest mark that is old enough: verdict and alert up to which all may go.
async fn old_marks(
    connection: &mut SqliteConnection,
    options: &StoreOptions,
    today: i64,
) -> Result<(i64, i64), Error> {
    let marks: Option<(i64, i64)> =
        sqlx::query_as("SELECT verdict, alert FROM marks WHERE day <= ? ORDER BY day DESC LIMIT 1")
            .bind(today - i64::from(options.verdict_days))
            .fetch_optional(connection)
            .await?;
    Ok(marks.unwrap_or((0, 0)))
}

async fn verdicts(
    connection: &mut SqliteConnection,
    options: &StoreOptions,
    today: i64,
) -> Result<bool, Error> {
    let (mut upto, _) = old_marks(connection, options, today).await?;
    let used = Pages::read(connection).await?.used_bytes();
    if used > options.max_bytes {
        upto = i64::MAX;
    }
    let deleted = sqlx::query(
        "DELETE FROM verdicts WHERE number IN \
         (SELECT number FROM verdicts WHERE number <= ? ORDER BY number LIMIT ?)",
    )
    .bind(upto)
    .bind(PIECE as i64)
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected() >= PIECE)
}

async fn drifts(
    connection: &mut SqliteConnection,
    options: &StoreOptions,
    today: i64,
) -> Result<bool, Error> {
    let deleted = sqlx::query(
        "DELETE FROM drifts WHERE number IN (SELECT number FROM drifts WHERE day < ? LIMIT ?)",
    )
    .bind(today - i64::from(options.verdict_days))
    .bind(PIECE as i64)
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected() >= PIECE)
}

/// Resolved alerts go with the verdicts of their time, and with them their receipts.
async fn alerts(
    connection: &mut SqliteConnection,
    options: &StoreOptions,
    today: i64,
) -> Result<bool, Error> {
    let (_, upto) = old_marks(connection, options, today).await?;
    let old: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM alerts WHERE number <= ? AND state = 'resolved' ORDER BY number LIMIT ?",
    )
    .bind(upto)
    .bind(PIECE as i64)
    .fetch_all(&mut *connection)
    .await?;
    for id in &old {
        sqlx::query("DELETE FROM receipts WHERE alert_id = ?")
            .bind(id)
            .execute(&mut *connection)
            .await?;
        sqlx::query("DELETE FROM alerts WHERE id = ?")
            .bind(id)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("DELETE FROM marks WHERE day < ?")
        .bind(today - 2 * i64::from(options.verdict_days) - 2)
        .execute(&mut *connection)
        .await?;
    Ok(old.len() as u64 >= PIECE)
}

async fn small(connection: &mut SqliteConnection, now: i64) -> Result<bool, Error> {
    let requests = sqlx::query(
        "DELETE FROM requests WHERE key IN (SELECT key FROM requests WHERE at < ? LIMIT ?)",
    )
    .bind(now.saturating_sub(REQUESTS_KEPT))
    .bind(PIECE as i64)
    .execute(&mut *connection)
    .await?;
    let kept_from = now.saturating_sub(OUTBOX_KEPT);
    // What still waits then waits for a receiver that is no longer configured: delivery gives up much earlier.
    let abandoned: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT alert_id, id, receiver FROM outbox WHERE done_at IS NULL AND created_at < ? LIMIT ?",
    )
    .bind(kept_from)
    .bind(PIECE as i64)
    .fetch_all(&mut *connection)
    .await?;
    for (alert_id, id, receiver) in &abandoned {
        sqlx::query(
            "UPDATE receipts SET status = 'failed', detail = 'nobody sent it: its receiver is not configured' \
             WHERE alert_id = ? AND id = ? AND receiver = ?",
        )
        .bind(alert_id)
        .bind(id)
        .bind(receiver)
        .execute(&mut *connection)
        .await?;
        sqlx::query("UPDATE outbox SET done_at = ? WHERE id = ? AND receiver = ?")
            .bind(kept_from - 1)
            .bind(id)
            .bind(receiver)
            .execute(&mut *connection)
            .await?;
    }
    let outbox = sqlx::query(
        "DELETE FROM outbox WHERE number IN (SELECT number FROM outbox WHERE done_at < ? LIMIT ?)",
    )
    .bind(kept_from)
    .bind(PIECE as i64)
    .execute(&mut *connection)
    .await?;
    Ok(requests.rows_affected() >= PIECE || outbox.rows_affected() >= PIECE)
}

/// Looks at the next few series; returns where it stands, and whether that was the end.
async fn histories(connection: &mut SqliteConnection, after: i64) -> Result<(i64, bool), Error> {
    let series: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT id, newest FROM series WHERE id > ? AND has_history = 1 ORDER BY id LIMIT ?",
    )
    .bind(after)
    .bind(SERIES)
    .fetch_all(&mut *connection)
    .await?;
    for (id, newest) in &series {
        for level in LEVELS {
            sqlx::query("DELETE FROM history WHERE series_id = ? AND level = ? AND bucket < ?")
                .bind(id)
                .bind(level.number)
                .bind(level.kept_from(newest.div_euclid(1_000_000)))
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(match series.last() {
        Some((last, _)) if series.len() as i64 == SERIES => (*last, false),
        _ => (0, true),
    })
}

async fn activity(connection: &mut SqliteConnection) -> Result<(), Error> {
    let streams: Vec<(String, i64)> = sqlx::query_as("SELECT stream, newest FROM totals")
        .fetch_all(&mut *connection)
        .await?;
    for (stream, newest) in streams {
        for level in LEVELS {
            sqlx::query("DELETE FROM activity WHERE stream = ? AND level = ? AND bucket < ?")
                .bind(&stream)
                .bind(level.number)
                .bind(level.kept_from(newest.div_euclid(1_000_000)))
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

struct Pages {
    all: i64,
    unused: i64,
    bytes: i64,
}

impl Pages {
    async fn read(connection: &mut SqliteConnection) -> Result<Self, Error> {
        let number = async |connection: &mut SqliteConnection, sql| {
            sqlx::query_scalar::<_, i64>(sql)
                .fetch_one(connection)
                .await
        };
        Ok(Self {
            all: number(connection, "PRAGMA page_count").await?,
            unused: number(connection, "PRAGMA freelist_count").await?,
            bytes: number(connection, "PRAGMA page_size").await?,
        })
    }

    fn used_bytes(&self) -> u64 {
        ((self.all - self.unused) * self.bytes) as u64
    }
}

/// Makes the file smaller where much of it is unused.
async fn give_back(connection: &mut SqliteConnection) -> Result<bool, Error> {
    let pages = Pages::read(connection).await?;
    if pages.unused < UNUSED_PAGES || pages.unused * UNUSED_SHARE < pages.all {
        return Ok(false);
    }
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "PRAGMA incremental_vacuum({PAGES})"
    )))
    .fetch_all(connection)
    .await?;
    Ok(true)
}
