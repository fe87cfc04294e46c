//! The `willet` command. Composition only: what it does is in the crates below.

mod cmd;
mod config;
mod input;
mod problem;
mod rows;

use std::process::ExitCode;

use clap::Parser;

/// Short-lived small vectors of many sizes are what a run allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = cmd::Command::parse();
    match command.run() {
        Ok(code) => code,
        Err(error) => problem::report(&error),
    }
}
