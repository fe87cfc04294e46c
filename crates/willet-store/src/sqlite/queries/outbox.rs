//! Notifications on their way out. Each receiver has a queue of its own, so that none waits for another.

use sqlx::Connection;

use super::Queries;
use crate::query::{Attempt, AttemptOutcome, Due, QueryError};
use crate::sqlite::commit::WRITE;

impl Queries {
    /// Notifications that `receiver` should have by now, the longest due first.
    pub async fn due(
        &self,
        receiver: &str,
        now: i64,
        limit: usize,
    ) -> Result<Vec<Due>, QueryError> {
        let rows: Vec<(String, String, String, i64, i64)> = sqlx::query_as(
            "SELECT id, alert_id, body, created_at, attempts FROM outbox \
             WHERE receiver = ? AND done_at IS NULL AND next_attempt_at <= ? \
             ORDER BY next_attempt_at, number LIMIT ?",
        )
        .bind(receiver)
        .bind(now)
        .bind(limit as i64)
        .fetch_all(&mut *self.reader().await?)
        .await
        .map_err(|error| self.sql(error))?;
        let due = |(id, alert_id, body, created_at, attempts)| Due {
            id,
            receiver: receiver.to_owned(),
            alert_id,
            body,
            created_at,
            attempts: i64::max(attempts, 0) as u32,
        };
        Ok(rows.into_iter().map(due).collect())
    }

    /// When the next notification for `receiver` is due, if any waits.
    pub async fn next_due(&self, receiver: &str) -> Result<Option<i64>, QueryError> {
        sqlx::query_scalar(
            "SELECT min(next_attempt_at) FROM outbox WHERE receiver = ? AND done_at IS NULL",
        )
        .bind(receiver)
        .fetch_one(&mut *self.reader().await?)
        .await
        .map_err(|error| self.sql(error))
    }

    /// Receivers that notifications wait for, also those that are no longer configured.
    pub async fn waiting_receivers(&self) -> Result<Vec<(String, u64)>, QueryError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT receiver, count(*) FROM outbox WHERE done_at IS NULL GROUP BY 1 ORDER BY 1",
        )
        .fetch_all(&mut *self.reader().await?)
        .await
        .map_err(|error| self.sql(error))?;
        let row = |(receiver, count)| (receiver, i64::max(count, 0) as u64);
        Ok(rows.into_iter().map(row).collect())
    }

    /// Writes down what came of an attempt, with its receipt.
    pub async fn record_attempt(&self, attempt: &Attempt) -> Result<(), QueryError> {
        self.write_attempt(attempt)
            .await
            .map_err(|error| match error {
                Failed::Query(error) => error,
                Failed::Sql(error) => self.sql(error),
            })
    }

    async fn write_attempt(&self, attempt: &Attempt) -> Result<(), Failed> {
        let (status, done_at, next_attempt_at, detail) = match &attempt.outcome {
            AttemptOutcome::Delivered => ("delivered", Some(attempt.at), attempt.at, None),
            AttemptOutcome::Retry {
                next_attempt_at,
                detail,
            } => ("pending", None, *next_attempt_at, Some(detail)),
            AttemptOutcome::Failed { detail } => {
                ("failed", Some(attempt.at), attempt.at, Some(detail))
            }
        };
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin_with(WRITE).await?;
        sqlx::query(
            "UPDATE outbox SET attempts = ?, next_attempt_at = ?, done_at = ? \
             WHERE id = ? AND receiver = ?",
        )
        .bind(attempt.attempts)
        .bind(next_attempt_at)
        .bind(done_at)
        .bind(&attempt.id)
        .bind(&attempt.receiver)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO receipts (alert_id, id, receiver, at, status, attempts, detail) \
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (alert_id, id, receiver) DO UPDATE SET \
             at = excluded.at, status = excluded.status, attempts = excluded.attempts, \
             detail = excluded.detail",
        )
        .bind(&attempt.alert_id)
        .bind(&attempt.id)
        .bind(&attempt.receiver)
        .bind(attempt.at)
        .bind(status)
        .bind(attempt.attempts)
        .bind(detail)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

enum Failed {
    Query(QueryError),
    Sql(sqlx::Error),
}

impl From<QueryError> for Failed {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}
