//! Verdicts, alerts, histories and streams of Willet: what people ask for, in `SQLite` in the data folder.
//!
//! All of it but streams and tokens is derived from the log: if the file is lost, the log brings it back.
//!
//! Two doors lead to one file. [`SqliteStore`] is the writer that a node drives, blocking, one transaction for each
//! [`Commit`](willet_node::store::Commit). [`Queries`] is what the service's doors ask, with connections of its own.
//!
//! ```
//! use willet_node::store::{Commit, Store, VerdictRow};
//! use willet_store::{AnomalyFilter, PageRequest, Queries, SqliteStore, StoreOptions};
//!
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("store.sqlite");
//! let mut store = SqliteStore::open(&path, StoreOptions::default())?;
//! let verdict = VerdictRow {
//!     id: "pumps/0/17".into(),
//!     stream: "pumps".into(),
//!     source: "pump-7".into(),
//!     at: 1_767_323_045_000_000,
//!     is_anomaly: true,
//!     anomaly_score: Some(0.83),
//!     severity: Some("critical"),
//!     anomaly_type: Some("spike".into()),
//!     json: r#"{"id":"pumps/0/17"}"#.into(),
//! };
//! store.commit(&Commit { verdicts: vec![verdict], ..Commit::default() })?;
//! store.sync()?;
//!
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! let page = runtime.block_on(async {
//!     let queries = Queries::open(&path).await?;
//!     queries.anomalies(&AnomalyFilter::default(), &PageRequest::first(10)).await
//! })?;
//! assert_eq!(page.items[0].get(), r#"{"id":"pumps/0/17"}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where to look: `query` has the questions and their answers, `levels` what a history is and how it is drawn with fewer
//! points, `blobs` its bytes, `sqlite` everything that knows SQL.

mod blobs;
mod cursor;
mod levels;
mod query;
mod sqlite;

pub use levels::{HistoryLevel, LEVELS};
pub use query::{
    AlertFilter, AnomalyFilter, Attempt, AttemptOutcome, DriftFilter, Due, HistoryRequest,
    KeyAnswer, KeyRow, NewToken, PageRequest, QueryError, StreamRow, StreamTotals, TokenRow,
};
pub use sqlite::{Queries, SqliteStore, StoreCheck, StoreOptions, copy, verify};
