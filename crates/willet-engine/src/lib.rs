//! The pure state machines of Willet.

pub mod codec;
pub mod event;
pub mod records;
