use std::fmt::Debug;

use crate::event::Timestamp;

/// Tells the time. Nothing of it reaches a verdict but by records that carry it.
pub trait Clock: Send + Sync + Debug {
    /// Now. It may stand still, and may be put back.
    fn now(&self) -> Timestamp;
}
