//! The command as a user has it: files in, rows out, wrong input, killed processes.

mod backup;
mod bad_input;
mod compare;
mod config;
mod detect;
mod durable;
mod input;
mod kills;
mod service;
mod tool;
mod top;
mod tune;
mod verdicts;
