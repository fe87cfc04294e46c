//! Tries the laws of verdicts on every kind until the time is over.
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use willet_testkit::laws::{LAWS, Law, hold, kinds};

const USAGE: &str = "usage: laws [--seconds S] [--from N] [--law NAME] [--kind NAME]
  --seconds S  how long for all laws together, default 10
  --from N     the first seed, default 0
  --law NAME   only this one
  --kind NAME  only this one";

#[derive(Debug)]
struct Arguments {
    seconds: u64,
    from: u64,
    law: Option<String>,
    kind: Option<String>,
}

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments {
        seconds: 10,
        from: 0,
        law: None,
        kind: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let wrong = || format!("`{word}` is not an option, or lacks its value\n{USAGE}");
        let value = words.next().ok_or_else(wrong)?;
        match word.as_str() {
            "--seconds" => found.seconds = value.parse().map_err(|_| wrong())?,
            "--from" => found.from = value.parse().map_err(|_| wrong())?,
            "--law" => found.law = Some(value),
            "--kind" => found.kind = Some(value),
            _ => return Err(wrong()),
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
    let is_asked = |law: &&Law| arguments.law.as_ref().is_none_or(|name| law.name == name);
    let laws: Vec<&Law> = LAWS.iter().filter(is_asked).collect();
    let mut kinds = kinds();
    kinds.retain(|kind| arguments.kind.as_ref().is_none_or(|name| kind == name));
    if laws.is_empty() || kinds.is_empty() {
        eprintln!("there is no such law or kind\n{USAGE}");
        return ExitCode::from(2);
    }
    let each = Duration::from_secs(arguments.seconds) / laws.len() as u32;
    let failures: usize = laws
        .into_iter()
        .map(|law| try_law(law, &kinds, arguments.from, each))
        .sum();
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program for people: it stops after a time; a seed itself does not know it"
)]
fn try_law(law: &Law, kinds: &[&str], from: u64, time: Duration) -> usize {
    let end = Instant::now() + time;
    let mut by_kind: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    let mut seeds = 0;
    for seed in from.. {
        for kind in kinds {
            let [failed, tried] = by_kind.entry(kind).or_default();
            *tried += 1;
            if let Err(wrong) = hold(law, kind, seed) {
                println!("{wrong}");
                *failed += 1;
            }
        }
        seeds += 1;
        if Instant::now() >= end {
            break;
        }
    }
    let failures = by_kind.values().map(|[failed, _]| failed).sum();
    println!(
        "{} ({}): {seeds} seeds, {failures} failures",
        law.name, law.what
    );
    for (kind, [failed, tried]) in by_kind.iter().filter(|(_, [failed, _])| *failed > 0) {
        println!("  {kind}: {failed} of {tried}");
    }
    failures
}
