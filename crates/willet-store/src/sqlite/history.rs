//! Merges what series did into their histories: each touched bucket is read once and written once, and the newest ones,
//! which nearly all events fall into, stand with their series and not in the history.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;
use willet_node::store::HistoryRow;

use super::error::Error;
use super::pieces::{pieces, values};
use crate::blobs::{Bucket, BucketValue, LastValue, Shape};
use crate::levels::{HistoryLevel, LEVELS};

/// Names that one series can have; further ones are counted as events and not drawn.
const MAX_NAMES: usize = 256;
const MICROS: i64 = 1_000_000;

/// A series as it stands in the file, with what this commit brings.
struct Series {
    id: i64,
    first_seen: i64,
    newest: i64,
    events: u64,
    anomalies: u64,
    has_history: bool,
    is_new: bool,
    shape: Shape,
}

type Key<'a> = (&'a str, &'a str);
/// Series, level, bucket.
type BucketKey = (i64, u8, i64);

pub(super) async fn merge(
    connection: &mut SqliteConnection,
    rows: &[HistoryRow],
    max_history_series: u64,
) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut by_key: BTreeMap<Key<'_>, Vec<&HistoryRow>> = BTreeMap::new();
    for row in rows {
        by_key
            .entry((&row.stream, &row.source))
            .or_default()
            .push(row);
    }
    let mut series = read_series(connection, &by_key).await?;
    add_new(connection, &by_key, &mut series, max_history_series).await?;

    let mut buckets: BTreeMap<BucketKey, Bucket> = BTreeMap::new();
    let mut totals: BTreeMap<&str, Totals> = BTreeMap::new();
    let mut activity: BTreeMap<(&str, u8, i64), (u64, u64)> = BTreeMap::new();
    for (key, rows) in &by_key {
        let Some(series) = series.get_mut(key) else {
            continue;
        };
        let totals = totals.entry(key.0).or_default();
        totals.keys += i64::from(series.is_new);
        let newest = rows.iter().map(|row| row.newest).max();
        series.newest = series.newest.max(newest.unwrap_or(i64::MIN));
        totals.newest = totals.newest.max(series.newest);
        for row in rows {
            let bucket = series.take(row);
            totals.events += row.events;
            totals.anomalies += row.anomalies;
            for level in LEVELS {
                let at = level.bucket_of(row.bucket);
                let sum = activity.entry((key.0, level.number, at)).or_default();
                sum.0 += row.events;
                sum.1 += row.anomalies;
                if !series.has_history {
                    continue;
                }
                let kept_from = level.kept_from(series.newest.div_euclid(MICROS));
                // What retention would delete at once is not written.
                if let Some((at, closed)) = series.shape.add(level, at, &bucket)
                    && at >= kept_from
                {
                    let key = (series.id, level.number, at);
                    buckets.entry(key).or_default().merge(&closed);
                }
            }
        }
    }
    write_series(connection, &series).await?;
    write_buckets(connection, buckets).await?;
    write_activity(connection, &activity).await?;
    write_totals(connection, &totals).await
}

struct Totals {
    events: u64,
    anomalies: u64,
    keys: i64,
    newest: i64,
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            events: 0,
            anomalies: 0,
            keys: 0,
            newest: i64::MIN,
        }
    }
}

impl Series {
    /// Counts a row and hands back its bucket with the names of this series.
    fn take(&mut self, row: &HistoryRow) -> Bucket {
        self.first_seen = self.first_seen.min(row.bucket.saturating_mul(MICROS));
        self.events += row.events;
        self.anomalies += row.anomalies;
        let mut bucket = Bucket {
            events: row.events,
            anomalies: row.anomalies,
            max_score: row.max_score,
            newest: row.newest,
            values: Vec::with_capacity(row.values.len()),
        };
        for (name, value) in row.names.iter().zip(&row.values) {
            if value.count == 0 {
                continue;
            }
            let Some(index) = self.shape.index_of(name) else {
                continue;
            };
            let last = &mut self.shape.last[index];
            if row.newest >= last.at {
                *last = LastValue {
                    at: row.newest,
                    value: value.last,
                };
            }
            let part = Bucket {
                newest: row.newest,
                values: vec![BucketValue {
                    name: index as u32,
                    at: row.newest,
                    value: *value,
                }],
                ..Bucket::default()
            };
            bucket.merge(&part);
        }
        bucket
    }
}

impl Shape {
    /// Adds to the open bucket of a level; hands back what belongs into the history: the bucket before, when a new one begins,
    /// or the part itself, when it is late.
    fn add(&mut self, level: HistoryLevel, at: i64, part: &Bucket) -> Option<(i64, Bucket)> {
        let open = &mut self.open[usize::from(level.number)];
        match open {
            Some((open_at, bucket)) if *open_at == at => {
                bucket.merge(part);
                None
            }
            Some((open_at, _)) if *open_at > at => Some((at, part.clone())),
            _ => open.replace((at, part.clone())),
        }
    }

    fn index_of(&mut self, name: &str) -> Option<usize> {
        let known = self.names.iter().position(|known| known == name);
        if known.is_some() || self.names.len() >= MAX_NAMES {
            return known;
        }
        self.names.push(name.to_owned());
        self.last.push(LastValue {
            at: i64::MIN,
            value: 0.0,
        });
        Some(self.names.len() - 1)
    }
}

/// The first is the place of its key in the piece that was asked for.
type SeriesRow = (i64, i64, i64, i64, i64, i64, bool, Vec<u8>);

async fn read_series<'a>(
    connection: &mut SqliteConnection,
    by_key: &BTreeMap<Key<'a>, Vec<&HistoryRow>>,
) -> Result<BTreeMap<Key<'a>, Series>, Error> {
    let keys: Vec<Key<'a>> = by_key.keys().copied().collect();
    let mut found = BTreeMap::new();
    for piece in pieces(&keys) {
        // Cross: the few that are wanted are looked up in the many that are there.
        let sql = values(
            "WITH wanted (place, stream, source) AS (",
            3,
            piece.len(),
            ") SELECT place, id, first_seen, newest, events, anomalies, has_history, shape \
             FROM wanted CROSS JOIN series USING (stream, source)",
        );
        let mut query = sqlx::query_as::<_, SeriesRow>(AssertSqlSafe(sql));
        for (place, (stream, source)) in piece.iter().enumerate() {
            query = query.bind(place as i64).bind(*stream).bind(*source);
        }
        for row in query.fetch_all(&mut *connection).await? {
            let (place, id, first_seen, newest, events, anomalies, has_history, shape) = row;
            let shape = Shape::decode(&shape).map_err(Error::blob("the shape of a series"))?;
            let Some(key) = piece.get(place as usize) else {
                continue;
            };
            let series = Series {
                id,
                first_seen,
                newest,
                events: events as u64,
                anomalies: anomalies as u64,
                has_history,
                is_new: false,
                shape,
            };
            found.insert(*key, series);
        }
    }
    Ok(found)
}

async fn add_new<'a>(
    connection: &mut SqliteConnection,
    by_key: &BTreeMap<Key<'a>, Vec<&HistoryRow>>,
    series: &mut BTreeMap<Key<'a>, Series>,
    max_history_series: u64,
) -> Result<(), Error> {
    if series.len() == by_key.len() {
        return Ok(());
    }
    let (highest, kept): (i64, i64) = sqlx::query_as(
        "SELECT coalesce(max(id), 0), (SELECT count(*) FROM series WHERE has_history = 1) FROM series",
    )
    .fetch_one(connection)
    .await?;
    let mut next = highest + 1;
    let mut kept = kept as u64;
    for key in by_key.keys() {
        series.entry(*key).or_insert_with(|| {
            let has_history = kept < max_history_series;
            kept += u64::from(has_history);
            next += 1;
            Series {
                id: next - 1,
                first_seen: i64::MAX,
                newest: i64::MIN,
                events: 0,
                anomalies: 0,
                has_history,
                is_new: true,
                shape: Shape::default(),
            }
        });
    }
    Ok(())
}

async fn write_series(
    connection: &mut SqliteConnection,
    series: &BTreeMap<Key<'_>, Series>,
) -> Result<(), Error> {
    let rows: Vec<_> = series.iter().collect();
    for piece in pieces(&rows) {
        let sql = values(
            "INSERT INTO series (id, stream, source, first_seen, newest, events, anomalies, has_history, shape)",
            9,
            piece.len(),
            "ON CONFLICT (id) DO UPDATE SET first_seen = excluded.first_seen, newest = excluded.newest, \
             events = excluded.events, anomalies = excluded.anomalies, shape = excluded.shape",
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for ((stream, source), series) in piece {
            query = query
                .bind(series.id)
                .bind(*stream)
                .bind(*source)
                .bind(series.first_seen)
                .bind(series.newest)
                .bind(series.events as i64)
                .bind(series.anomalies as i64)
                .bind(series.has_history)
                .bind(series.shape.encode());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn write_buckets(
    connection: &mut SqliteConnection,
    mut buckets: BTreeMap<BucketKey, Bucket>,
) -> Result<(), Error> {
    let keys: Vec<BucketKey> = buckets.keys().copied().collect();
    for piece in pieces(&keys) {
        let sql = values(
            "WITH wanted (series_id, level, bucket) AS (",
            3,
            piece.len(),
            ") SELECT series_id, level, bucket, blob \
             FROM wanted CROSS JOIN history USING (series_id, level, bucket)",
        );
        let mut query = sqlx::query_as::<_, (i64, u8, i64, Vec<u8>)>(AssertSqlSafe(sql));
        for (series, level, bucket) in piece {
            query = query.bind(series).bind(level).bind(bucket);
        }
        for (series, level, at, blob) in query.fetch_all(&mut *connection).await? {
            let mut before = Bucket::decode(&blob).map_err(Error::blob("a bucket of a history"))?;
            if let Some(bucket) = buckets.get_mut(&(series, level, at)) {
                before.merge(bucket);
                *bucket = before;
            }
        }
    }
    let rows: Vec<_> = buckets.iter().collect();
    for piece in pieces(&rows) {
        let sql = values(
            "INSERT INTO history (series_id, level, bucket, blob)",
            4,
            piece.len(),
            "ON CONFLICT (series_id, level, bucket) DO UPDATE SET blob = excluded.blob",
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for ((series, level, at), bucket) in piece {
            query = query
                .bind(series)
                .bind(level)
                .bind(at)
                .bind(bucket.encode());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn write_activity(
    connection: &mut SqliteConnection,
    activity: &BTreeMap<(&str, u8, i64), (u64, u64)>,
) -> Result<(), Error> {
    let rows: Vec<_> = activity.iter().collect();
    for piece in pieces(&rows) {
        let sql = values(
            "INSERT INTO activity (stream, level, bucket, events, anomalies)",
            5,
            piece.len(),
            "ON CONFLICT (stream, level, bucket) DO UPDATE SET events = events + excluded.events, \
             anomalies = anomalies + excluded.anomalies",
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for ((stream, level, bucket), (events, anomalies)) in piece {
            query = query
                .bind(*stream)
                .bind(level)
                .bind(bucket)
                .bind(*events as i64)
                .bind(*anomalies as i64);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn write_totals(
    connection: &mut SqliteConnection,
    totals: &BTreeMap<&str, Totals>,
) -> Result<(), Error> {
    for (stream, sum) in totals {
        sqlx::query(
            "INSERT INTO totals (stream, events, anomalies, keys, newest) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (stream) DO UPDATE SET events = events + excluded.events, \
             anomalies = anomalies + excluded.anomalies, keys = keys + excluded.keys, \
             newest = max(newest, excluded.newest)",
        )
        .bind(*stream)
        .bind(sum.events as i64)
        .bind(sum.anomalies as i64)
        .bind(sum.keys)
        .bind(sum.newest)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
