//! The laws of verdicts on every kind, on as many seeds as time allows.

use std::time::{Duration, Instant};

use willet_testkit::laws::{EXCEPTIONS, LAWS, hold, kinds};

/// Seconds to try seeds for; `WILLET_LAWS_SECONDS` sets another number.
const SECONDS: u64 = 5;

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the budget of this test is wall time"
)]
fn laws_hold_for_every_kind() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seconds: u64 = number("WILLET_LAWS_SECONDS").unwrap_or(SECONDS);
    let first = number("WILLET_SEED").unwrap_or(0);
    let each = Duration::from_secs(seconds) / LAWS.len() as u32;
    let mut failures = Vec::new();
    for law in LAWS {
        let (end, mut seeds, before) = (Instant::now() + each, 0, failures.len());
        for seed in first.. {
            let tried = kinds().into_iter().map(|kind| hold(law, kind, seed));
            failures.extend(tried.filter_map(Result::err));
            seeds += 1;
            if Instant::now() >= end {
                break;
            }
        }
        let failed = failures.len() - before;
        println!(
            "{} ({}): {seeds} seeds, {failed} failures",
            law.name, law.what
        );
    }
    for (kind, why) in EXCEPTIONS {
        println!("not tried: {kind}, for {why}");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
