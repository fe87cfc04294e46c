//! Plays ordinary situations to detectors and to two rules of thumb, and prints how many went well.
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use willet_testkit::situations::check::{Outcome, check};
use willet_testkit::situations::judge::{PEERS, Player};
use willet_testkit::situations::report::{Results, Tally, failures, tables};
use willet_testkit::situations::{Situation, TABLE};

const USAGE: &str = "usage: situations [--seeds 0-9] [--algorithm NAME]... [--class NAME]... [--json FILE] [--page FILE] [--verbose]
                  [--least PERCENT] [--threads T] [--list]
  --seeds S        a range or one number, default 0-9
  --algorithm NAME a kind, `rolling-zscore` or `envelope`; default auto and both. `each` is all that docs/situations.md shows
  --class NAME     only this situation, or all of this family
  --json FILE      every outcome
  --page FILE      the tables as a page
  --verbose        what failed, with its rows
  --least PERCENT  fail if the first algorithm passes fewer pairs
  --threads T      default 2
  --list           the situations, and why anybody would agree";

/// The kinds of the page.
const EACH: [&str; 8] = [
    "auto",
    "zscore",
    "iforest",
    "rcf",
    "hst",
    "knn",
    "mahalanobis",
    "ensemble",
];

#[derive(Debug)]
struct Arguments {
    seeds: Vec<u64>,
    players: Vec<Player>,
    only: Vec<String>,
    json: Option<String>,
    page: Option<String>,
    verbose: bool,
    least: f64,
    threads: usize,
    list: bool,
}

fn seeds(text: &str) -> Option<Vec<u64>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((first.parse().ok()?..=last.parse().ok()?).collect())
}

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments {
        seeds: (0..10).collect(),
        players: Vec::new(),
        only: Vec::new(),
        json: None,
        page: None,
        verbose: false,
        least: 0.0,
        threads: 2,
        list: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--verbose" => found.verbose = true,
            "--list" => found.list = true,
            _ => {
                let wrong = || format!("`{word}` is not an option, or lacks its value\n{USAGE}");
                let value = words.next().ok_or_else(wrong)?;
                match word.as_str() {
                    "--seeds" => found.seeds = seeds(&value).ok_or_else(wrong)?,
                    "--algorithm" => found.players.extend(named(&value)?),
                    "--class" => found.only.push(value),
                    "--json" => found.json = Some(value),
                    "--page" => found.page = Some(value),
                    "--least" => found.least = value.parse().map_err(|_| wrong())?,
                    "--threads" => found.threads = value.parse().map_err(|_| wrong())?,
                    _ => return Err(wrong()),
                }
            }
        }
    }
    if found.players.is_empty() {
        found.players = vec![Player::Kind("auto".to_owned())];
        found.players.extend_from_slice(PEERS);
    }
    Ok(found)
}

fn named(name: &str) -> Result<Vec<Player>, String> {
    if name == "each" {
        let kinds = EACH.iter().map(|name| Player::Kind((*name).to_owned()));
        return Ok(kinds.chain(PEERS.iter().cloned()).collect());
    }
    let player = name.parse::<Player>().map_err(|error| error.to_string())?;
    Ok(vec![player])
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let is_asked = |situation: &&Situation| {
        let name = situation.name();
        let asked = &arguments.only;
        asked.is_empty()
            || asked
                .iter()
                .any(|only| *only == name || only == situation.family)
    };
    let table: Vec<&Situation> = TABLE.iter().filter(is_asked).collect();
    if table.is_empty() {
        eprintln!(
            "no situation is called {:?} (--list names them)",
            arguments.only
        );
        return ExitCode::from(2);
    }
    if arguments.list {
        table
            .iter()
            .for_each(|situation| println!("{:32} {}", situation.name(), situation.why()));
        return ExitCode::SUCCESS;
    }
    let results = play(&arguments, &table);
    if arguments.verbose {
        for (player, outcomes) in &results {
            println!("{player}:\n{}", failures(outcomes));
        }
    }
    println!("{}", tables(&results));
    if let Err(error) = write(&arguments, &results) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let passed = 100.0 * Tally::of(&results[0].1).share();
    if passed < arguments.least {
        eprintln!(
            "{passed:.1} % of pairs passed, {} % are asked for",
            arguments.least
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn play(arguments: &Arguments, table: &[&Situation]) -> Results {
    let mut pairs = Vec::new();
    for (at, player) in arguments.players.iter().enumerate() {
        for situation in table {
            if !player.can(&situation.case(0)) {
                continue;
            }
            pairs.extend(
                arguments
                    .seeds
                    .iter()
                    .map(|seed| (at, player, situation, *seed)),
            );
        }
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Outcome)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some((_, player, situation, seed)) = pairs.get(place) else {
                        break;
                    };
                    let outcome = check(situation, *seed, player);
                    if let Ok(mut done) = done.lock() {
                        done.push((place, outcome));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(place, _)| *place);
    let mut results: Results = arguments
        .players
        .iter()
        .map(|player| (player.clone(), Vec::new()))
        .collect();
    for (place, outcome) in done {
        results[pairs[place].0].1.push(outcome);
    }
    results
}

fn write(arguments: &Arguments, results: &Results) -> std::io::Result<()> {
    if let Some(file) = &arguments.json {
        std::fs::write(file, all(results).to_string())?;
    }
    if let Some(file) = &arguments.page {
        std::fs::write(file, page(arguments, results))?;
    }
    Ok(())
}

fn all(results: &Results) -> serde_json::Value {
    let of = |(player, outcomes): &(Player, Vec<Outcome>)| {
        let outcomes = outcomes.iter().map(|outcome| {
            json!({
                "situation": outcome.situation, "family": outcome.family, "seed": outcome.seed,
                "passed": outcome.passed(), "events": outcome.events, "missed": outcome.missed,
                "false_rows": outcome.false_rows, "quiet": outcome.quiet, "allowed": outcome.allowed,
                "sure": outcome.sure, "sure_of": outcome.sure_of, "steps": outcome.steps,
                "rises": outcome.rises(), "roc": outcome.roc.map(|(roc, _)| roc),
            })
        });
        json!({"algorithm": player.to_string(), "outcomes": outcomes.collect::<Vec<_>>()})
    };
    results.iter().map(of).collect()
}

fn page(arguments: &Arguments, results: &Results) -> String {
    let (first, last) = (arguments.seeds.first(), arguments.seeds.last());
    let (first, last) = (first.unwrap_or(&0), last.unwrap_or(&0));
    let mut page = include_str!("../situations/page.md")
        .replace("{seeds}", &format!("{first} to {last}"))
        .replace("{tables}", &tables(results));
    for situation in TABLE {
        page.push_str(&format!("| {} | {} |\n", situation.name(), situation.why()));
    }
    page
}
