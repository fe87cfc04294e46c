//! What must wake nobody for a while.

/// Alerts that it matches when they open are kept and not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Made of the offset of its record.
    pub id: String,
    /// A key; or a beginning of keys followed by `*`; or `*`.
    pub source: String,
    /// Only in this stream.
    pub stream: Option<String>,
    /// From this event time on, microseconds since the epoch.
    pub from: i64,
    /// Until before this.
    pub until: i64,
    /// Why.
    pub reason: Option<String>,
    /// Who said so.
    pub by: Option<String>,
    /// When.
    pub created_at: i64,
}

impl Silence {
    pub(super) fn id_at(offset: u64) -> String {
        format!("s{offset}")
    }

    pub(super) fn offset_of(id: &str) -> Option<u64> {
        let digits = id.strip_prefix('s')?;
        let offset = digits.parse().ok()?;
        (Self::id_at(offset) == id).then_some(offset)
    }

    /// Whether an anomaly of this series at this time is silenced.
    pub fn matches(&self, stream: &str, source: &str, at: i64) -> bool {
        let is_source = match self.source.strip_suffix('*') {
            Some(beginning) => source.starts_with(beginning),
            None => source == self.source,
        };
        let is_stream = self.stream.as_deref().is_none_or(|only| only == stream);
        is_source && is_stream && (self.from..self.until).contains(&at)
    }
}
