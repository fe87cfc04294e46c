//! Feeds mutated bytes to every reader until the time is over or one fails.
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use willet_testkit::fuzz::{TARGETS, round};

const USAGE: &str = "usage: fuzz [--seconds S] [--from N]
  --seconds S  how long, default 10; 0 is without limit
  --from N     the first seed, default 0";

#[expect(clippy::disallowed_methods, reason = "a budget of wall time")]
fn main() -> ExitCode {
    let (mut seconds, mut from) = (10, 0);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let number = words.next().and_then(|number| number.parse::<u64>().ok());
        match (word.as_str(), number) {
            ("--seconds", Some(number)) => seconds = number,
            ("--from", Some(number)) => from = number,
            _ => {
                eprintln!("`{word}` is not an option, or has no number after it\n{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    let begun = Instant::now();
    for seed in from.. {
        if seconds > 0 && begun.elapsed() >= Duration::from_secs(seconds) {
            println!(
                "fuzz: {} seeds of {} readers, 0 failures",
                seed - from,
                TARGETS.len()
            );
            break;
        }
        if std::panic::catch_unwind(|| round(seed)).is_err() {
            println!(
                "fuzz: seed {seed} failed; `cargo run -p willet-testkit --bin fuzz -- --from {seed}` repeats it"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
