//! Alerts, newest first, and what became of their notifications.

use serde_json::value::RawValue;
use sqlx::QueryBuilder;

use super::{Queries, page, push_any_of};
use willet_engine::codec::timestamp::rfc3339;
use willet_engine::event::Timestamp;
use willet_proto::{Page, Receipt, ReceiptStatus};

use crate::cursor::Newest;
use crate::query::{AlertFilter, PageRequest, QueryError, raw};

impl Queries {
    /// Alerts, newest first, as they stand at every door.
    pub async fn alerts(
        &self,
        filter: &AlertFilter,
        request: &PageRequest,
    ) -> Result<Page<Box<RawValue>>, QueryError> {
        let after = request.cursor.as_deref().map(Newest::decode).transpose()?;
        let mut query = QueryBuilder::new("SELECT opened_at, number, json FROM alerts WHERE TRUE");
        push_any_of(
            &mut query,
            "state",
            filter.states.iter().map(|state| state.as_str()),
        );
        push_any_of(
            &mut query,
            "severity",
            filter.severities.iter().map(|severity| severity.as_str()),
        );
        if let Some(stream) = &filter.stream {
            query.push(" AND stream = ").push_bind(stream.clone());
        }
        if let Some(source) = &filter.source {
            self.push_source(&mut query, source).await?;
        }
        if let Some(after) = after {
            query.push(" AND (opened_at, number) < (");
            query.push_bind(after.at).push(", ");
            query.push_bind(after.number).push(")");
        }
        query.push(" ORDER BY opened_at DESC, number DESC LIMIT ");
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

    /// One alert with its receipts, if it is kept.
    pub async fn alert(
        &self,
        id: &str,
    ) -> Result<Option<(Box<RawValue>, Vec<Receipt>)>, QueryError> {
        let mut reader = self.reader().await?;
        let json: Option<String> = sqlx::query_scalar("SELECT json FROM alerts WHERE id = ?")
            .bind(id)
            .fetch_optional(&mut *reader)
            .await
            .map_err(|error| self.sql(error))?;
        let Some(json) = json else {
            return Ok(None);
        };
        let rows: Vec<(String, i64, String, i64, Option<String>)> = sqlx::query_as(
            "SELECT receiver, at, status, attempts, detail FROM receipts WHERE alert_id = ? \
             ORDER BY at, id, receiver",
        )
        .bind(id)
        .fetch_all(&mut *reader)
        .await
        .map_err(|error| self.sql(error))?;
        let receipt = |(webhook, at, status, attempts, detail): (_, _, String, _, _)| Receipt {
            webhook,
            at: rfc3339(Timestamp(at)),
            status: match status.as_str() {
                "delivered" => ReceiptStatus::Delivered,
                "failed" => ReceiptStatus::Failed,
                _ => ReceiptStatus::Pending,
            },
            attempts: i64::max(attempts, 0) as u32,
            detail,
        };
        Ok(Some((raw(json)?, rows.into_iter().map(receipt).collect())))
    }
}
