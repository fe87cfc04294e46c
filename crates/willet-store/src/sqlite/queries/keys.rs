//! Keys and streams, as far as they have spoken.

use sqlx::QueryBuilder;

use super::{Queries, page, range_of_children};
use willet_proto::Page;

use crate::blobs::Shape;
use crate::cursor::ByName;
use crate::query::{KeyAnswer, KeyRow, PageRequest, QueryError, StreamTotals};
use crate::sqlite::error::Error;

/// Keys that an ambiguous question shows.
const MOST_SEVERAL: i64 = 20;

type SeriesRow = (String, String, i64, i64, i64, i64, bool, Vec<u8>);

const COLUMNS: &str =
    "SELECT stream, source, first_seen, newest, events, anomalies, has_history, shape FROM series";

impl Queries {
    /// Keys by name; `part` is a part of the name in any case (of ASCII letters).
    pub async fn keys(
        &self,
        stream: Option<&str>,
        part: Option<&str>,
        request: &PageRequest,
    ) -> Result<Page<KeyRow>, QueryError> {
        let after = request.cursor.as_deref().map(ByName::decode).transpose()?;
        let mut query = QueryBuilder::new(COLUMNS);
        query.push(" WHERE TRUE");
        if let Some(stream) = stream {
            query.push(" AND stream = ").push_bind(stream.to_owned());
        }
        if let Some(part) = part.filter(|part| !part.is_empty()) {
            query.push(" AND instr(lower(source), lower(");
            query.push_bind(part.to_owned()).push(")) > 0");
        }
        if let Some(after) = after {
            query.push(" AND (source, stream) > (");
            query.push_bind(after.source).push(", ");
            query.push_bind(after.stream).push(")");
        }
        query.push(" ORDER BY source, stream LIMIT ");
        query.push_bind(request.rows() as i64 + 1);
        let rows: Vec<SeriesRow> = query
            .build_query_as()
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(|error| self.sql(error))?;
        let rows = rows
            .into_iter()
            .map(|row| self.key_row(row))
            .collect::<Result<Vec<_>, _>>()?;
        let cursor = |row: &KeyRow| {
            let (source, stream) = (row.source.clone(), row.stream.clone());
            ByName { source, stream }.encode()
        };
        page(rows, request.rows(), cursor, Ok)
    }

    /// The key that is meant, where only one can be.
    pub async fn key(&self, stream: Option<&str>, source: &str) -> Result<KeyAnswer, QueryError> {
        let mut query = QueryBuilder::new(COLUMNS);
        query.push(" WHERE source = ").push_bind(source.to_owned());
        if let Some(stream) = stream {
            query.push(" AND stream = ").push_bind(stream.to_owned());
        }
        query
            .push(" ORDER BY stream LIMIT ")
            .push_bind(MOST_SEVERAL);
        let rows: Vec<SeriesRow> = query
            .build_query_as()
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(|error| self.sql(error))?;
        let mut rows = rows
            .into_iter()
            .map(|row| self.key_row(row))
            .collect::<Result<Vec<_>, _>>()?;
        match rows.len() {
            0 => self.children(stream, source).await,
            1 => Ok(KeyAnswer::One(rows.remove(0))),
            _ => {
                let names = rows.into_iter().map(|row| (row.stream, row.source));
                Ok(KeyAnswer::Several(names.collect()))
            }
        }
    }

    /// Keys that begin with `source/`: of one metric each.
    async fn children(&self, stream: Option<&str>, source: &str) -> Result<KeyAnswer, QueryError> {
        let (from, until) = range_of_children(source);
        let mut query = QueryBuilder::new("SELECT stream, source FROM series WHERE source >= ");
        query
            .push_bind(from)
            .push(" AND source < ")
            .push_bind(until);
        if let Some(stream) = stream {
            query.push(" AND stream = ").push_bind(stream.to_owned());
        }
        query.push(" ORDER BY source, stream LIMIT ");
        query.push_bind(MOST_SEVERAL);
        let names: Vec<(String, String)> = query
            .build_query_as()
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(|error| self.sql(error))?;
        Ok(if names.is_empty() {
            KeyAnswer::Unknown
        } else {
            KeyAnswer::Several(names)
        })
    }

    /// What each stream did, by name.
    pub async fn totals(&self) -> Result<Vec<StreamTotals>, QueryError> {
        let rows: Vec<(String, i64, i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT stream, events, anomalies, keys, newest, (SELECT count(*) FROM series \
             WHERE series.stream = totals.stream AND has_history = 1) FROM totals ORDER BY stream",
        )
        .fetch_all(&mut *self.reader().await?)
        .await
        .map_err(|error| self.sql(error))?;
        let totals = |row: (String, i64, i64, i64, i64, i64)| {
            let (stream, events, anomalies, keys, newest, with_history) = row;
            StreamTotals {
                stream,
                events: events as u64,
                anomalies: anomalies as u64,
                keys: keys as u64,
                keys_without_history: (keys - with_history).max(0) as u64,
                newest,
            }
        };
        Ok(rows.into_iter().map(totals).collect())
    }

    fn key_row(&self, row: SeriesRow) -> Result<KeyRow, QueryError> {
        let (stream, source, first_seen, last_seen, events, anomalies, has_history, shape) = row;
        let shape = Shape::decode(&shape)
            .map_err(|error| self.failed(&Error::blob("the shape of a series")(error)))?;
        let last = shape.last.into_iter().map(|last| last.value);
        Ok(KeyRow {
            stream,
            source,
            events: events as u64,
            anomalies: anomalies as u64,
            first_seen,
            last_seen,
            values: shape.names.into_iter().zip(last).collect(),
            has_history,
        })
    }
}
