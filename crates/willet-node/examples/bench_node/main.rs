//! What the crates do in a second, and where a batch waits: the measurements behind `make bench`.
//!
//! `cargo run --release -p willet-node --example bench_node -- PART [ARGUMENT ...]` prints lines of `name value unit`:
//!
//! - `engine ALGORITHM WIDTH KEYS EVENTS decoded|csv|ndjson`: a shard in process
//! - `rows WIDTH KEYS COUNT`: the rows of `engine` as CSV with a header, for peers (no keys: values only)
//! - `memory KEYS EVENTS`: bytes of a key of z-score after so many events each
//! - `fill DIR KEYS EVENTS`: a data folder with a checkpoint of so many keys
//! - `restart DIR`: from the start of this process to the first verdict on that folder
//! - `log DIR`: records appended, synced and acknowledged, by 64 writers
//! - `checkpoint DIR KEYS EVENTS SLICE_KIB`: delays of batches without and with a running checkpoint of all keys

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and makes its own threads"
)]

mod checkpoint;
mod clock;
mod data;
mod engine;
mod keys;
mod log;

use std::error::Error;
use std::path::Path;
use std::time::Instant;

/// As the willet command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let started = Instant::now();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["engine", algorithm, width, keys, events, form] => {
            let load = data::Load::new(width.parse()?, keys.parse()?);
            engine::run(algorithm, &load, events.parse()?, form)
        }
        ["rows", width, keys, count] => {
            data::write_rows(width.parse()?, keys.parse()?, count.parse()?)
        }
        ["memory", keys, events] => keys::memory(keys.parse()?, events.parse()?),
        ["fill", folder, keys, events] => {
            keys::fill(Path::new(folder), keys.parse()?, events.parse()?)
        }
        ["log", folder] => log::run(Path::new(folder)),
        ["restart", folder] => keys::restart(Path::new(folder), started),
        ["checkpoint", folder, keys, events, slice] => checkpoint::run(
            Path::new(folder),
            keys.parse()?,
            events.parse()?,
            slice.parse()?,
        ),
        _ => Err("expected a part and its arguments (see the top of its main.rs)".into()),
    }
}
