//! Drifts, newest first.

use serde_json::value::RawValue;
use sqlx::QueryBuilder;

use super::{Queries, page};
use willet_proto::Page;

use crate::cursor::Newest;
use crate::query::{DriftFilter, PageRequest, QueryError, raw};

impl Queries {
    /// Drifts, newest first, as they stand at every door.
    pub async fn drifts(
        &self,
        filter: &DriftFilter,
        request: &PageRequest,
    ) -> Result<Page<Box<RawValue>>, QueryError> {
        let after = request.cursor.as_deref().map(Newest::decode).transpose()?;
        let mut query = QueryBuilder::new("SELECT at, number, json FROM drifts WHERE 1 = 1");
        if let Some(stream) = &filter.stream {
            query.push(" AND stream = ").push_bind(stream.clone());
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
}
