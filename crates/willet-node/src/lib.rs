//! Drives shards: what they hand back is written, what they need is loaded.
//!
//! [`worker`] is one shard with its checkpoints and its output, without threads and without a clock, so that a
//! simulation can run it; [`durable`] puts the log before it; [`feed`] is where its batches come from; [`output`] is where verdicts go; [`service`] runs many streams
//! at once and is what doors talk to, [`store`] is what it asks of a store; [`pipeline`] has all threads and channels.

pub mod durable;
pub mod feed;
mod mark;
pub mod output;
pub mod pipeline;
pub mod replay;
pub mod service;
pub mod store;
pub mod verify;
pub mod worker;
