//! The pure state machines of Willet: records become events, events go to the shard of their partition, the shard hands
//! back verdicts. No I/O, no clock, no threads: what must be waited for is handed back to whoever drives.
//!
//! Reading order: [`records`] and [`event`] are the data, [`ids`] how they are named, [`codec`] makes one of the other, [`shard`] is the machine,
//! [`journal`] what changes it besides events, [`verdict`] its answers, `series` and `lane` its inside,
//! [`checkpoint`], [`chunk`] and [`manifest`] how it is saved, [`recovery`] how it comes back, [`ports`] what its driver asks of the world. [`incidents`] is the second
//! kind of shard: what people are told of the answers; [`topic`] is a live channel.

pub mod event;
pub mod ids;
pub mod records;

pub mod codec;
pub mod config;
pub mod journal;
pub mod shard;
pub mod topic;
pub mod verdict;

pub mod incidents;
pub mod ports;

mod calendar;
mod duplicates;
mod lane;
mod series;

pub mod checkpoint;
pub mod chunk;
pub mod envelope;
pub mod manifest;
pub mod recovery;
