//! The service as its users have it: over HTTP and a socket, killed, stopped, reconfigured, abused.

mod api;
mod auth;
mod bad_requests;
pub(crate) mod client;
mod kills;
mod live;
mod reload;
mod storage;
mod traces;
mod windows;
