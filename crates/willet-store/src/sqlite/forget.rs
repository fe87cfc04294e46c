//! Deletes a key, or a stream. In pieces, so that others may write between them; whoever asked asks again after a crash.

use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use super::commit::WRITE;
use super::error::Error;

/// Rows of one transaction.
const PIECE: i64 = 5_000;

pub(super) async fn forget(
    connection: &mut SqliteConnection,
    stream: &str,
    source: Option<&str>,
) -> Result<(), Error> {
    loop {
        let deleted = sqlx::query(
            "DELETE FROM verdicts WHERE number IN (SELECT number FROM verdicts \
             WHERE stream = ?1 AND (?2 IS NULL OR source = ?2) LIMIT ?3)",
        )
        .bind(stream)
        .bind(source)
        .bind(PIECE)
        .execute(&mut *connection)
        .await?;
        if deleted.rows_affected() < PIECE as u64 {
            break;
        }
    }
    sqlx::query("DELETE FROM drifts WHERE stream = ?1 AND (?2 IS NULL OR source = ?2)")
        .bind(stream)
        .bind(source)
        .execute(&mut *connection)
        .await?;
    let series: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM series WHERE stream = ?1 AND (?2 IS NULL OR source = ?2)",
    )
    .bind(stream)
    .bind(source)
    .fetch_all(&mut *connection)
    .await?;
    for id in series {
        let mut transaction = connection.begin_with(WRITE).await?;
        sqlx::query("DELETE FROM history WHERE series_id = ?")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM series WHERE id = ?")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("UPDATE totals SET keys = max(keys - 1, 0) WHERE stream = ?")
            .bind(stream)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
    }
    if source.is_some() {
        return Ok(());
    }
    let mut transaction = connection.begin_with(WRITE).await?;
    for sql in [
        "DELETE FROM activity WHERE stream = ?",
        "DELETE FROM totals WHERE stream = ?",
        // Last: with its positions a stream that was half deleted would begin anew.
        "DELETE FROM positions WHERE stream = ?",
    ] {
        sqlx::query(sql)
            .bind(stream)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}
