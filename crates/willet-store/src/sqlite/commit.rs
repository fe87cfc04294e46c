//! One commit of the node, as one transaction.

use std::collections::HashSet;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};
use willet_node::store::{
    AlertRow, Commit, Committed, DriftRow, OutboxRow, PositionRow, RequestRow, VerdictRow,
};

use super::error::Error;
use super::history;
use super::pieces::{pieces, values};

/// Begins a transaction that may write: one that only becomes a writer later can fail half way.
pub(super) const WRITE: &str = "BEGIN IMMEDIATE";

pub(super) async fn write(
    connection: &mut SqliteConnection,
    commit: &Commit,
    max_history_series: u64,
) -> Result<Committed, Error> {
    let mut transaction = connection.begin_with(WRITE).await?;
    let is_new = verdicts(&mut transaction, &commit.verdicts).await?;
    let is_new_drift = drifts(&mut transaction, &commit.drifts).await?;
    history::merge(&mut transaction, &commit.history, max_history_series).await?;
    alerts(&mut transaction, &commit.alerts).await?;
    outbox(&mut transaction, &commit.outbox).await?;
    put_incident_state(&mut transaction, &commit.incident_state).await?;
    put_requests(&mut transaction, &commit.requests).await?;
    put_positions(&mut transaction, &commit.positions).await?;
    transaction.commit().await?;
    Ok(Committed {
        is_new,
        is_new_drift,
    })
}

/// In `synchronous=FULL` `SQLite` syncs the write-ahead log at the end of a commit, and with it all that was written to
/// it before (`sqlite3WalFrames`); what is no longer in it was synced into the file by the checkpoint that took it over.
pub(super) async fn sync(connection: &mut SqliteConnection) -> Result<(), Error> {
    sqlx::query("PRAGMA synchronous=FULL")
        .execute(&mut *connection)
        .await?;
    let synced = sqlx::query("UPDATE meta SET value = value + 1 WHERE name = 'syncs'")
        .execute(&mut *connection)
        .await;
    // Also when it failed: a commit must not be slower for it.
    sqlx::query("PRAGMA synchronous=NORMAL")
        .execute(&mut *connection)
        .await?;
    synced?;
    Ok(())
}

async fn verdicts(
    connection: &mut SqliteConnection,
    rows: &[VerdictRow],
) -> Result<Vec<bool>, Error> {
    let mut is_new = Vec::with_capacity(rows.len());
    for piece in pieces(rows) {
        let sql = values(
            "INSERT INTO verdicts (id, stream, source, at, is_anomaly, score, severity, type, json)",
            9,
            piece.len(),
            "ON CONFLICT (id) DO NOTHING RETURNING id",
        );
        let mut query = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql));
        for row in piece {
            query = query
                .bind(&row.id)
                .bind(&row.stream)
                .bind(&row.source)
                .bind(row.at)
                .bind(row.is_anomaly)
                .bind(row.anomaly_score)
                .bind(row.severity)
                .bind(row.anomaly_type.as_deref())
                .bind(&row.json);
        }
        let mut new: HashSet<String> = query
            .fetch_all(&mut *connection)
            .await?
            .into_iter()
            .collect();
        // The second of two that are the same was not.
        is_new.extend(piece.iter().map(|row| new.remove(&row.id)));
    }
    Ok(is_new)
}

async fn drifts(connection: &mut SqliteConnection, rows: &[DriftRow]) -> Result<Vec<bool>, Error> {
    let mut is_new = Vec::with_capacity(rows.len());
    for row in rows {
        let written = sqlx::query(
            "INSERT INTO drifts (id, stream, source, at, test, magnitude, day, json) \
             VALUES (?, ?, ?, ?, ?, ?, unixepoch() / 86400, ?) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&row.id)
        .bind(&row.stream)
        .bind(&row.source)
        .bind(row.at)
        .bind(row.test)
        .bind(row.magnitude)
        .bind(&row.json)
        .execute(&mut *connection)
        .await?;
        is_new.push(written.rows_affected() > 0);
    }
    Ok(is_new)
}

async fn alerts(connection: &mut SqliteConnection, rows: &[AlertRow]) -> Result<(), Error> {
    for piece in pieces(rows) {
        let sql = values(
            "INSERT INTO alerts (id, stream, source, state, severity, opened_at, json)",
            7,
            piece.len(),
            "ON CONFLICT (id) DO UPDATE SET state = excluded.state, severity = excluded.severity, \
             opened_at = excluded.opened_at, json = excluded.json",
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in piece {
            query = query
                .bind(&row.id)
                .bind(&row.stream)
                .bind(&row.source)
                .bind(row.state)
                .bind(row.severity)
                .bind(row.opened_at)
                .bind(&row.json);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn outbox(connection: &mut SqliteConnection, rows: &[OutboxRow]) -> Result<(), Error> {
    for piece in pieces(rows) {
        let sql = values(
            "INSERT INTO outbox (id, receiver, alert_id, body, created_at, next_attempt_at)",
            6,
            piece.len(),
            "ON CONFLICT (id, receiver) DO NOTHING",
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in piece {
            query = query
                .bind(&row.id)
                .bind(&row.receiver)
                .bind(&row.alert_id)
                .bind(&row.body)
                .bind(row.created_at)
                .bind(row.created_at);
        }
        query.execute(&mut *connection).await?;

        let sql = values(
            "INSERT INTO receipts (alert_id, id, receiver, at, status, attempts)",
            6,
            piece.len(),
            "ON CONFLICT (alert_id, id, receiver) DO NOTHING",
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in piece {
            query = query
                .bind(&row.alert_id)
                .bind(&row.id)
                .bind(&row.receiver)
                .bind(row.created_at)
                .bind("pending")
                .bind(0);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn put_incident_state(
    connection: &mut SqliteConnection,
    rows: &[(String, Option<Vec<u8>>)],
) -> Result<(), Error> {
    for (name, state) in rows {
        let query = match state {
            Some(state) => sqlx::query(
                "INSERT INTO incident_state (name, state) VALUES (?, ?) \
                 ON CONFLICT (name) DO UPDATE SET state = excluded.state",
            )
            .bind(name)
            .bind(state),
            None => sqlx::query("DELETE FROM incident_state WHERE name = ?").bind(name),
        };
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn put_requests(connection: &mut SqliteConnection, rows: &[RequestRow]) -> Result<(), Error> {
    for piece in pieces(rows) {
        let sql = values(
            "INSERT INTO requests (key, at, answer)",
            3,
            piece.len(),
            "ON CONFLICT (key) DO UPDATE SET at = excluded.at, answer = excluded.answer",
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in piece {
            query = query.bind(&row.key).bind(row.at).bind(&row.answer);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn put_positions(
    connection: &mut SqliteConnection,
    rows: &[PositionRow],
) -> Result<(), Error> {
    for row in rows {
        sqlx::query(
            "INSERT INTO positions (stream, partition, \"offset\") VALUES (?, ?, ?) \
             ON CONFLICT (stream, partition) DO UPDATE SET \"offset\" = excluded.\"offset\"",
        )
        .bind(&row.stream)
        .bind(row.partition)
        .bind(row.offset as i64)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn positions(
    connection: &mut SqliteConnection,
) -> Result<Vec<PositionRow>, Error> {
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT stream, partition, \"offset\" FROM positions ORDER BY 1, 2")
            .fetch_all(connection)
            .await?;
    let row = |(stream, partition, offset)| PositionRow {
        stream,
        partition: partition as u32,
        offset: offset as u64,
    };
    Ok(rows.into_iter().map(row).collect())
}

pub(super) async fn incident_state(
    connection: &mut SqliteConnection,
) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let rows = sqlx::query_as("SELECT name, state FROM incident_state ORDER BY name");
    Ok(rows.fetch_all(connection).await?)
}

pub(super) async fn requests(
    connection: &mut SqliteConnection,
    since: i64,
) -> Result<Vec<RequestRow>, Error> {
    let rows: Vec<(String, i64, Vec<u8>)> =
        sqlx::query_as("SELECT key, at, answer FROM requests WHERE at >= ? ORDER BY at, key")
            .bind(since)
            .fetch_all(connection)
            .await?;
    let row = |(key, at, answer)| RequestRow { key, at, answer };
    Ok(rows.into_iter().map(row).collect())
}
