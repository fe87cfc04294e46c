//! Known seeds first, then some that nobody has looked at.

use willet_testkit::simulation::{KNOWN_SEEDS, Totals, run};

fn play(seeds: impl IntoIterator<Item = u64>) -> Totals {
    let mut totals = Totals::default();
    for seed in seeds {
        let outcome = run(seed, false);
        if let Some(failure) = outcome.failure {
            panic!("{failure}");
        }
        totals.add(&outcome.totals);
    }
    totals
}

#[test]
fn seeds_that_found_something_stay_quiet() {
    for (what, seed) in KNOWN_SEEDS {
        let outcome = run(*seed, false);
        assert!(outcome.failure.is_none(), "{what}: {:?}", outcome.failure);
    }
}

#[test]
fn every_crash_ends_in_the_verdicts_of_no_crash() {
    let totals = play(1_000_000..1_000_025);
    assert!(totals.crashes >= 3 * totals.seeds, "{totals:?}");
    let happened = [
        totals.evictions,
        totals.late,
        totals.configurations,
        totals.checkpoints,
        totals.retentions,
        totals.refusals,
        totals.flips,
        totals.reports,
        totals.replays,
    ];
    assert!(happened.iter().all(|count| *count > 0), "{totals:?}");
}

#[test]
fn the_same_seed_does_the_same() {
    let (first, second) = (run(77, true), run(77, true));
    assert_eq!(first.totals, second.totals);
    assert_eq!(first.trace, second.trace);
}

/// A short run of every fuzz target; `make fuzz` goes on.
#[test]
fn readers_stand_mutated_bytes() {
    const SEEDS: u64 = 400;
    (0..SEEDS).for_each(willet_testkit::fuzz::round);
    println!(
        "fuzz: {SEEDS} seeds of {} readers",
        willet_testkit::fuzz::TARGETS.len()
    );
}
