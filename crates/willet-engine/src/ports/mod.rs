//! What a driver asks of the world around a shard. Each port says what it promises; [`laws`] has that as functions, and the tests of
//! every implementation call them.
//!
//! | port | today | to come |
//! |---|---|---|
//! | [`PartitionLog`] | the log of a data folder | a Kafka partition |
//! | [`Objects`] | files of the data folder | an S3 bucket |
//! | [`Clock`] | the system's, a simulated one | |

mod clock;
mod error;
pub mod laws;
mod log;
mod objects;

pub use clock::Clock;
pub use error::{PortError, PortErrorKind};
pub use log::{PartitionLog, RecordReader};
pub use objects::{ObjectError, Objects};
