//! Plays seeds until the time is over or one fails.
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use willet_testkit::simulation::{Failure, KNOWN_SEEDS, Totals, run};

const USAGE: &str = "usage: simulate [--seconds S] [--seed N] [--from N] [--threads T]
  --seconds S  how long, default 10; 0 is without limit
  --seed N     one seed only, and all that happens in it
  --from N     the first seed, default 1
  --threads T  default 2";

#[derive(Debug)]
struct Arguments {
    seconds: u64,
    seed: Option<u64>,
    from: u64,
    threads: u64,
}

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments {
        seconds: 10,
        seed: None,
        from: 1,
        threads: 2,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let number = words.next().and_then(|number| number.parse().ok());
        let Some(number) = number else {
            return Err(format!("`{word}` has no number after it\n{USAGE}"));
        };
        match word.as_str() {
            "--seconds" => found.seconds = number,
            "--seed" => found.seed = Some(number),
            "--from" => found.from = number,
            "--threads" => found.threads = number.max(1),
            _ => return Err(format!("`{word}` is not an option\n{USAGE}")),
        }
    }
    Ok(found)
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let failures = match arguments.seed {
        Some(seed) => one(seed),
        None => many(&arguments),
    };
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn one(seed: u64) -> usize {
    let outcome = run(seed, true);
    outcome.trace.iter().for_each(|line| println!("{line}"));
    if let Some(failure) = &outcome.failure {
        println!("{failure}");
    }
    let failures = usize::from(outcome.failure.is_some());
    report(&outcome.totals, failures);
    failures
}

/// Failures after which it is enough.
const ENOUGH: usize = 10;

#[expect(
    clippy::disallowed_methods,
    reason = "a program for people: it stops after a time and uses all cores; a seed itself knows neither"
)]
fn many(arguments: &Arguments) -> usize {
    let begun = Instant::now();
    let next = AtomicU64::new(arguments.from);
    let sum = Mutex::new((Totals::default(), Vec::<Failure>::new()));
    let is_over = || {
        let over =
            arguments.seconds > 0 && begun.elapsed() >= Duration::from_secs(arguments.seconds);
        over || sum.lock().is_ok_and(|sum| sum.1.len() >= ENOUGH)
    };
    let play = |seed| {
        let outcome = run(seed, false);
        let Ok(mut sum) = sum.lock() else { return };
        sum.0.add(&outcome.totals);
        if let Some(failure) = outcome.failure {
            println!("{failure}");
            sum.1.push(failure);
        }
        if sum.0.seeds.is_multiple_of(500) {
            println!("{} s: {} seeds", begun.elapsed().as_secs(), sum.0.seeds);
        }
    };
    KNOWN_SEEDS.iter().for_each(|(_, seed)| play(*seed));
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| {
                while !is_over() {
                    play(next.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
    });
    let Ok((totals, failures)) = sum.into_inner() else {
        return 1;
    };
    report(&totals, failures.len());
    failures.len()
}

fn report(totals: &Totals, failures: usize) {
    let Totals {
        seeds,
        events,
        crashes,
        evictions,
        late,
        flips,
        ..
    } = totals;
    println!(
        "{} kills, {} configuration changes, {} checkpoints, {} retentions, {} disk errors, {} reports of damage, {} replays",
        totals.kills,
        totals.configurations,
        totals.checkpoints,
        totals.retentions,
        totals.refusals,
        totals.reports,
        totals.replays
    );
    println!(
        "simulation: {seeds} seeds, {events} events, {crashes} crashes, {evictions} evictions, {late} late events, \
         {flips} bit flips, {failures} failures"
    );
}
