//! The one place where the service looks at the wall clock.

/// Microseconds since the epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "the rim stamps arrivals; what is inside gets the stamp as an argument"
)]
pub fn now() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    since.as_micros() as i64
}
