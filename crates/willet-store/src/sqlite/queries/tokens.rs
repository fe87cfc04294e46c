//! Tokens. Only their SHA-256 is kept: they are long and random, so nothing slower is needed.

use sha2::{Digest, Sha256};

use super::Queries;
use crate::query::{NewToken, QueryError, TokenRow};

type Row = (i64, String, String, i64, Option<i64>, Option<i64>);

fn token(row: Row) -> TokenRow {
    let (id, name, role, created_at, expires_at, revoked_at) = row;
    TokenRow {
        id,
        name,
        role,
        created_at,
        expires_at,
        revoked_at,
    }
}

fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

impl Queries {
    /// Keeps a token and returns its number; [`QueryError::Exists`] where it is kept already.
    pub async fn add_token(&self, new: &NewToken) -> Result<i64, QueryError> {
        let id: Option<i64> = sqlx::query_scalar(
            "INSERT INTO tokens (sha256, name, role, created_at, expires_at) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (sha256) DO NOTHING RETURNING id",
        )
        .bind(digest(&new.token))
        .bind(&new.name)
        .bind(&new.role)
        .bind(new.created_at)
        .bind(new.expires_at)
        .fetch_optional(&mut *self.writer().await?)
        .await
        .map_err(|error| self.sql(error))?;
        id.ok_or_else(|| QueryError::Exists {
            what: "token",
            name: new.name.clone(),
        })
    }

    /// Whose token it is, if it is good at `now`.
    pub async fn verify_token(
        &self,
        token_text: &str,
        now: i64,
    ) -> Result<Option<TokenRow>, QueryError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT id, name, role, created_at, expires_at, revoked_at FROM tokens \
             WHERE sha256 = ?1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?2)",
        )
        .bind(digest(token_text))
        .bind(now)
        .fetch_optional(&mut *self.reader().await?)
        .await
        .map_err(|error| self.sql(error))?;
        Ok(row.map(token))
    }

    /// Refuses a token from now on; returns whether it was good until now.
    pub async fn revoke_token(&self, id: i64, now: i64) -> Result<bool, QueryError> {
        let done =
            sqlx::query("UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL")
                .bind(now)
                .bind(id)
                .execute(&mut *self.writer().await?)
                .await
                .map_err(|error| self.sql(error))?;
        Ok(done.rows_affected() > 0)
    }

    /// All tokens, also those that are no longer good, in the order in which they were made.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>, QueryError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, name, role, created_at, expires_at, revoked_at FROM tokens ORDER BY id",
        )
        .fetch_all(&mut *self.reader().await?)
        .await
        .map_err(|error| self.sql(error))?;
        Ok(rows.into_iter().map(token).collect())
    }
}
