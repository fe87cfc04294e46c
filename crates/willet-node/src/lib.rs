//! Drives shards: what they hand back is written, what they need is loaded.
//!
//! [`driver`] is what drives a shard, without threads, without a clock and without I/O but through its ports, so that a
//! simulation can run it; [`worker`] is the shard with its checkpoints and its output; [`feed`] is where its batches come from; [`output`] is where verdicts go; [`service`] runs many streams
//! at once and is what doors talk to, [`store`] is what it asks of a store; [`pipeline`] has all threads and channels.

pub mod clock;
pub mod driver;
pub mod feed;
mod mark;
pub mod output;
pub mod pipeline;
pub mod replay;
pub mod service;
pub mod store;
pub mod verify;
pub mod worker;
