//! One configuration: the file, over it the environment, over that the flags of the command.

mod environment;
mod file;
mod schema;
mod sections;

pub(crate) use environment::Environment;
pub(crate) use file::load;
pub(crate) use schema::schema;
pub(crate) use sections::{Config, KeepVerdicts, LogFormat, Mode, Monitoring, WebSocket};
