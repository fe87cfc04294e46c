//! Streams as they were configured.

use super::Queries;
use crate::query::{QueryError, StreamRow};

type Row = (String, String, String, bool, i64, Option<String>);

fn stream(row: Row) -> StreamRow {
    let (name, managed_by, config, is_paused, created_at, model) = row;
    StreamRow {
        name,
        managed_by,
        config,
        is_paused,
        created_at,
        model,
    }
}

impl Queries {
    /// All streams, by name.
    pub async fn streams(&self) -> Result<Vec<StreamRow>, QueryError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT name, managed_by, config, paused, created_at, model FROM streams ORDER BY name",
        )
        .fetch_all(&mut *self.reader().await?)
        .await
        .map_err(|error| self.sql(error))?;
        Ok(rows.into_iter().map(stream).collect())
    }

    /// One stream.
    pub async fn stream(&self, name: &str) -> Result<Option<StreamRow>, QueryError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT name, managed_by, config, paused, created_at, model FROM streams WHERE name = ?",
        )
        .bind(name)
        .fetch_optional(&mut *self.reader().await?)
        .await
        .map_err(|error| self.sql(error))?;
        Ok(row.map(stream))
    }

    /// Adds a stream; [`QueryError::Exists`] where there is one of this name.
    pub async fn add_stream(&self, row: &StreamRow) -> Result<(), QueryError> {
        let done = sqlx::query(
            "INSERT INTO streams (name, managed_by, config, paused, created_at, model) \
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
        )
        .bind(&row.name)
        .bind(&row.managed_by)
        .bind(&row.config)
        .bind(row.is_paused)
        .bind(row.created_at)
        .bind(row.model.as_deref())
        .execute(&mut *self.writer().await?)
        .await
        .map_err(|error| self.sql(error))?;
        if done.rows_affected() == 0 {
            return Err(QueryError::Exists {
                what: "stream",
                name: row.name.clone(),
            });
        }
        Ok(())
    }

    /// Replaces all of a stream but the time when it was made; returns whether there is one.
    pub async fn change_stream(&self, row: &StreamRow) -> Result<bool, QueryError> {
        let done = sqlx::query(
            "UPDATE streams SET managed_by = ?, config = ?, paused = ?, model = ? WHERE name = ?",
        )
        .bind(&row.managed_by)
        .bind(&row.config)
        .bind(row.is_paused)
        .bind(row.model.as_deref())
        .bind(&row.name)
        .execute(&mut *self.writer().await?)
        .await
        .map_err(|error| self.sql(error))?;
        Ok(done.rows_affected() > 0)
    }

    /// Pauses a stream or lets it go on; returns whether there is one.
    pub async fn set_paused(&self, name: &str, is_paused: bool) -> Result<bool, QueryError> {
        let done = sqlx::query("UPDATE streams SET paused = ? WHERE name = ?")
            .bind(is_paused)
            .bind(name)
            .execute(&mut *self.writer().await?)
            .await
            .map_err(|error| self.sql(error))?;
        Ok(done.rows_affected() > 0)
    }

    /// Removes a stream; returns whether there was one. What it left behind is for
    /// [`Store::forget`](willet_node::store::Store::forget).
    pub async fn remove_stream(&self, name: &str) -> Result<bool, QueryError> {
        let done = sqlx::query("DELETE FROM streams WHERE name = ?")
            .bind(name)
            .execute(&mut *self.writer().await?)
            .await
            .map_err(|error| self.sql(error))?;
        Ok(done.rows_affected() > 0)
    }
}
