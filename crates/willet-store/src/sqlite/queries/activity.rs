//! What happened when, over many keys.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, QueryBuilder};

use super::Queries;
use willet_proto::{Activity, SourceActivity};

use crate::levels::{LEVELS, plan};
use crate::query::QueryError;
use crate::sqlite::pieces::{pieces, values};

const MICROS: i64 = 1_000_000;
/// Most bins and most keys of an answer.
const MOST_BINS: usize = 2_000;
const MOST_SOURCES: usize = 200;

impl Queries {
    /// Events and anomalies by time, and the keys with the most anomalies. Without `from` and `to` all there is.
    pub async fn activity(
        &self,
        stream: Option<&str>,
        from: Option<i64>,
        to: Option<i64>,
        bins: usize,
        sources: usize,
    ) -> Result<Activity, QueryError> {
        let Some((oldest, newest)) = self.span(stream).await? else {
            return Ok(Activity {
                bin_seconds: LEVELS[0].seconds,
                times: Vec::new(),
                events: Vec::new(),
                anomalies: Vec::new(),
                sources: Vec::new(),
            });
        };
        let from = from.map_or(oldest, |from| from.div_euclid(MICROS));
        let until = to.map_or(newest.saturating_add(1), |to| {
            to.saturating_add(MICROS - 1).div_euclid(MICROS)
        });
        // A span far beyond what there is has the same answer as one a little beyond it.
        let from = from.max(oldest.saturating_sub(LEVELS[2].kept_seconds));
        let until = until.clamp(from + 1, from.max(newest) + LEVELS[2].kept_seconds);
        let bins = bins.clamp(1, MOST_BINS);
        let plan = plan(from, until, bins, newest);
        let step = plan.step;
        let first = from - from.rem_euclid(step);
        let count = ((until - 1 - first) / step + 1) as usize;
        let frame = Frame { first, step, count };

        let mut activity = Activity {
            bin_seconds: step,
            times: (0..count as i64).map(|bin| first + bin * step).collect(),
            events: vec![0; count],
            anomalies: vec![0; count],
            sources: Vec::new(),
        };
        let mut query = QueryBuilder::new("SELECT (bucket - ");
        query.push_bind(first).push(") / ").push_bind(step);
        query.push(
            ", sum(activity.events), sum(activity.anomalies) FROM totals CROSS JOIN activity \
             ON activity.stream = totals.stream WHERE level = ",
        );
        query.push_bind(plan.level.number);
        query.push(" AND bucket >= ").push_bind(first);
        query.push(" AND bucket < ").push_bind(frame.end());
        if let Some(stream) = stream {
            query
                .push(" AND totals.stream = ")
                .push_bind(stream.to_owned());
        }
        query.push(" GROUP BY 1");
        let rows: Vec<(i64, i64, i64)> = query
            .build_query_as()
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(|error| self.sql(error))?;
        for (bin, events, anomalies) in rows {
            if let Some(place) = frame.place(bin) {
                activity.events[place] = events as u64;
                activity.anomalies[place] = anomalies as u64;
            }
        }
        let top = self.top(stream, frame, sources.min(MOST_SOURCES)).await?;
        activity.sources = self.anomalies_of(top, frame).await?;
        Ok(activity)
    }

    /// First and newest second of anything.
    async fn span(&self, stream: Option<&str>) -> Result<Option<(i64, i64)>, QueryError> {
        let [.., coarsest] = LEVELS;
        let span: (Option<i64>, Option<i64>) = sqlx::query_as(
            "SELECT min((SELECT min(bucket) FROM activity WHERE activity.stream = totals.stream AND level = ?1)), \
             max(newest) FROM totals WHERE ?2 IS NULL OR stream = ?2",
        )
        .bind(coarsest.number)
        .bind(stream)
        .fetch_one(&mut *self.reader().await?)
        .await
        .map_err(|error| self.sql(error))?;
        let (Some(oldest), Some(newest)) = span else {
            return Ok(None);
        };
        let newest = newest.div_euclid(MICROS);
        Ok(Some((oldest.min(newest), newest)))
    }

    /// Keys with the most anomalies, most first.
    async fn top(
        &self,
        stream: Option<&str>,
        frame: Frame,
        limit: usize,
    ) -> Result<Vec<SourceActivity>, QueryError> {
        let mut query = QueryBuilder::new(
            "SELECT stream, source, count(*) FROM verdicts INDEXED BY anomalies_by_time \
             WHERE is_anomaly = 1 AND at >= ",
        );
        query.push_bind(frame.first.saturating_mul(MICROS));
        query
            .push(" AND at < ")
            .push_bind(frame.end().saturating_mul(MICROS));
        if let Some(stream) = stream {
            query.push(" AND stream = ").push_bind(stream.to_owned());
        }
        query.push(" GROUP BY stream, source ORDER BY 3 DESC, 2, 1 LIMIT ");
        query.push_bind(limit as i64);
        let rows: Vec<(String, String, i64)> = query
            .build_query_as()
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(|error| self.sql(error))?;
        let row = |(stream, source, total)| SourceActivity {
            stream,
            source,
            anomalies: vec![0; frame.count],
            max_score: vec![None; frame.count],
            total: i64::max(total, 0) as u64,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Fills in when the anomalies of these keys were.
    async fn anomalies_of(
        &self,
        mut sources: Vec<SourceActivity>,
        frame: Frame,
    ) -> Result<Vec<SourceActivity>, QueryError> {
        type Row = (String, String, i64, i64, Option<f64>);
        let keys: Vec<(String, String)> = sources
            .iter()
            .map(|source| (source.stream.clone(), source.source.clone()))
            .collect();
        let places: HashMap<(&str, &str), usize> = keys
            .iter()
            .enumerate()
            .map(|(place, (stream, source))| ((&**stream, &**source), place))
            .collect();
        for piece in pieces(&keys) {
            let sql = values(
                "WITH wanted (stream, source) AS (",
                2,
                piece.len(),
                ") SELECT stream, source, (at - ?) / ? AS bin, count(*), max(score) \
                 FROM wanted CROSS JOIN verdicts USING (stream, source) \
                 WHERE is_anomaly = 1 AND at >= ? AND at < ? GROUP BY 1, 2, 3",
            );
            let mut query = sqlx::query_as::<_, Row>(AssertSqlSafe(sql));
            for (stream, source) in piece {
                query = query.bind(stream).bind(source);
            }
            let rows = query
                .bind(frame.first.saturating_mul(MICROS))
                .bind(frame.step.saturating_mul(MICROS))
                .bind(frame.first.saturating_mul(MICROS))
                .bind(frame.end().saturating_mul(MICROS))
                .fetch_all(&mut *self.reader().await?)
                .await
                .map_err(|error| self.sql(error))?;
            for (stream, source, bin, count, score) in rows {
                let source = places
                    .get(&(&*stream, &*source))
                    .and_then(|place| sources.get_mut(*place));
                if let (Some(source), Some(place)) = (source, frame.place(bin)) {
                    source.anomalies[place] = count as u64;
                    source.max_score[place] = score;
                }
            }
        }
        Ok(sources)
    }
}

/// Bins of equal length, in seconds.
#[derive(Clone, Copy)]
struct Frame {
    first: i64,
    step: i64,
    count: usize,
}

impl Frame {
    fn end(self) -> i64 {
        self.first + self.step * self.count as i64
    }

    fn place(self, bin: i64) -> Option<usize> {
        usize::try_from(bin).ok().filter(|bin| *bin < self.count)
    }
}
