//! The history of one key.

use super::Queries;
use willet_proto::History;

use crate::blobs::{Bucket, Shape};
use crate::levels::{LEVELS, draw, plan};
use crate::query::{HistoryRequest, QueryError};
use crate::sqlite::error::Error;

/// Most places of an answer.
const MOST_POINTS: usize = 2_000;
const MICROS: i64 = 1_000_000;

impl Queries {
    /// What a key did, with at most as many places as asked for; `None` where nobody knows the key.
    ///
    /// The level is the one that reaches back far enough and has a few buckets for each place. A key without a history
    /// (there is a limit to how many have one) has no places.
    pub async fn history(&self, request: &HistoryRequest) -> Result<Option<History>, QueryError> {
        let mut reader = self.reader().await?;
        let series: Option<(i64, i64, Vec<u8>)> =
            sqlx::query_as("SELECT id, newest, shape FROM series WHERE stream = ? AND source = ?")
                .bind(&request.stream)
                .bind(&request.source)
                .fetch_optional(&mut *reader)
                .await
                .map_err(|error| self.sql(error))?;
        let Some((id, newest, shape)) = series else {
            return Ok(None);
        };
        let shape = Shape::decode(&shape)
            .map_err(|error| self.failed(&Error::blob("the shape of a series")(error)))?;
        let newest = newest.div_euclid(MICROS);
        // Never wider than what there is, so that the places are as fine as they can be.
        let oldest = self
            .oldest(&mut reader, id, &shape)
            .await?
            .unwrap_or(newest);
        let from = request.from.map_or(oldest, |from| from.div_euclid(MICROS));
        let until = request.to.map_or(newest.saturating_add(1), |to| {
            to.saturating_add(MICROS - 1).div_euclid(MICROS)
        });
        let from = from.clamp(oldest, newest);
        let until = until.clamp(from, newest.saturating_add(1));
        let points = request.points.clamp(1, MOST_POINTS);
        let plan = plan(from, until, points, newest);
        let first = plan.level.bucket_of(from);
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT bucket, blob FROM history WHERE series_id = ? AND level = ? AND bucket >= ? AND bucket < ? \
             ORDER BY bucket",
        )
        .bind(id)
        .bind(plan.level.number)
        .bind(first)
        .bind(until)
        .fetch_all(&mut *reader)
        .await
        .map_err(|error| self.sql(error))?;
        drop(reader);
        let mut buckets = rows
            .into_iter()
            .map(|(at, blob)| Ok((at, Bucket::decode(&blob)?)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| self.failed(&Error::blob("a bucket of a history")(error)))?;
        let open = shape.open[usize::from(plan.level.number)].clone();
        buckets.extend(open.filter(|(at, _)| (first..until).contains(at)));
        Ok(Some(draw(
            &request.stream,
            &request.source,
            plan.step,
            points,
            &shape,
            buckets.into_iter(),
        )))
    }

    /// Begin of the first bucket, by the finest level that reaches back to the first of the coarsest.
    async fn oldest(
        &self,
        reader: &mut sqlx::SqliteConnection,
        id: i64,
        shape: &Shape,
    ) -> Result<Option<i64>, QueryError> {
        let mut firsts = Vec::with_capacity(LEVELS.len());
        for level in LEVELS {
            let first: Option<i64> = sqlx::query_scalar(
                "SELECT min(bucket) FROM history WHERE series_id = ? AND level = ?",
            )
            .bind(id)
            .bind(level.number)
            .fetch_one(&mut *reader)
            .await
            .map_err(|error| self.sql(error))?;
            let open = shape.open[usize::from(level.number)].as_ref();
            firsts.push(first.or(open.map(|(at, _)| *at)));
        }
        let [.., coarsest] = LEVELS;
        let Some(Some(oldest)) = firsts.last().copied() else {
            return Ok(None);
        };
        let mut reaching = firsts.into_iter().flatten();
        Ok(reaching.find(|first| coarsest.bucket_of(*first) <= oldest))
    }
}
