//! The one place where the node looks at the wall clock.

use willet_engine::event::Timestamp;
use willet_engine::ports::Clock;

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(now())
    }
}

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
