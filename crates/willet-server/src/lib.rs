//! Willet's doors: HTTP, live sockets, the page. `docs/http.md` is what they look like from outside.
//!
//! Reading order: [`App`] is what all doors share, [`Catalogue`] owns the streams, `listen` has the paths and the listener, `auth` who may come in, `body` how bodies
//! are read, `rest` has a file for each resource, `ws` the live socket, [`StreamResource`] is a stream as people write it,
//! [`VerdictJson`] a verdict at every door.

mod app;
mod assets;
mod auth;
mod body;
mod catalogue;
mod listen;
mod metrics;
mod notify;
mod openapi;
mod problem;
mod render;
mod rest;
mod streams;
mod ticker;
mod ws;

pub use app::{App, AuthMode, Limits, ServerOptions};
pub use catalogue::Catalogue;
pub use listen::{bind, router, serve};
pub use notify::deliver;
pub use openapi::document;
pub use problem::Fault;
pub use render::{VerdictJson, skipped};
pub use streams::{ResolveError, StreamResource};
pub use ticker::tick;
pub use willet_proto::ManagedBy;
