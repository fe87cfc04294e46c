//! Anomalies, newest first.

use serde_json::value::RawValue;
use sqlx::QueryBuilder;

use super::{Queries, page, push_any_of, range_of_children};
use willet_proto::Page;

use crate::cursor::Newest;
use crate::query::{AnomalyFilter, PageRequest, QueryError, raw};

impl Queries {
    /// Anomalies, newest first: verdicts as they stand at every door.
    pub async fn anomalies(
        &self,
        filter: &AnomalyFilter,
        request: &PageRequest,
    ) -> Result<Page<Box<RawValue>>, QueryError> {
        let after = request.cursor.as_deref().map(Newest::decode).transpose()?;
        let mut query =
            QueryBuilder::new("SELECT at, number, json FROM verdicts WHERE is_anomaly = 1");
        if let Some(stream) = &filter.stream {
            // The plus keeps to the order of time where there is no key: a stream may be all there is, and sorting that
            // reads every row.
            let column = if filter.source.is_some() {
                " AND stream = "
            } else {
                " AND +stream = "
            };
            query.push(column).push_bind(stream.clone());
        }
        if let Some(source) = &filter.source {
            self.push_source(&mut query, source).await?;
        }
        if let Some(from) = filter.from {
            query.push(" AND at >= ").push_bind(from);
        }
        if let Some(to) = filter.to {
            query.push(" AND at < ").push_bind(to);
        }
        if let Some(score) = filter.min_score {
            query.push(" AND score >= ").push_bind(score);
        }
        // Several words of an index are not in the order of time together.
        let column = if filter.severities.len() > 1 {
            "+severity"
        } else {
            "severity"
        };
        push_any_of(
            &mut query,
            column,
            filter.severities.iter().map(|severity| severity.as_str()),
        );
        if let Some(word) = &filter.anomaly_type {
            query.push(" AND type = ").push_bind(word.clone());
        }
        if let Some(after) = after {
            query.push(" AND (at, number) < (").push_bind(after.at);
            query.push(", ").push_bind(after.number).push(")");
        }
        query.push(" ORDER BY at DESC, number DESC LIMIT ");
        query.push_bind(request.rows() as i64 + 1);
        let rows: Vec<(i64, i64, String)> = query
            .build_query_as()
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(|error| self.sql(error))?;
        page(
            rows,
            request.rows(),
            |&(at, number, _)| Newest { at, number }.encode(),
            |(_, _, json)| raw(json),
        )
    }

    /// One verdict, if it is kept.
    pub async fn anomaly(&self, id: &str) -> Result<Option<Box<RawValue>>, QueryError> {
        let json: Option<String> = sqlx::query_scalar("SELECT json FROM verdicts WHERE id = ?")
            .bind(id)
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(|error| self.sql(error))?;
        Ok(json.map(raw).transpose()?)
    }

    /// Adds the condition that a row is of `source` or of a `source/...`. The second half only where there is one: with it
    /// the rows must be sorted.
    pub(super) async fn push_source(
        &self,
        query: &mut QueryBuilder<sqlx::Sqlite>,
        source: &str,
    ) -> Result<(), QueryError> {
        let (from, until) = range_of_children(source);
        let child: Option<i64> =
            // What another system told of has verdicts and no series.
            sqlx::query_scalar(
                "SELECT 1 FROM series WHERE source >= ?1 AND source < ?2 UNION ALL \
                 SELECT 1 FROM verdicts WHERE is_anomaly = 1 AND source >= ?1 AND source < ?2 LIMIT 1",
            )
                .bind(&from)
                .bind(&until)
                .fetch_optional(&mut *self.reader().await?)
                .await
                .map_err(|error| self.sql(error))?;
        if child.is_none() {
            query.push(" AND source = ").push_bind(source.to_owned());
            return Ok(());
        }
        query.push(" AND (source = ").push_bind(source.to_owned());
        query.push(" OR (source >= ").push_bind(from);
        query.push(" AND source < ").push_bind(until).push("))");
        Ok(())
    }
}
