//! Tables of outcomes.

use std::fmt::Write as _;

use super::TABLE;
use super::check::{LADDER, Outcome};
use super::judge::Player;

/// Counts over some outcomes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Pairs of a situation and a seed.
    pub pairs: usize,
    /// Those in which all was found and nothing else flagged.
    pub passed: usize,
    /// Those in which all was found.
    pub found_all: usize,
    /// Those in which little enough was flagged for nothing.
    pub quiet: usize,
    events: usize,
    missed: usize,
    false_flags: usize,
    quiet_rows: usize,
    /// Sure rows flagged as such, and all of them.
    pub sure: [usize; 2],
    /// Ladders that never fall, and all of them.
    pub rises: [usize; 2],
}

impl Tally {
    /// Of these outcomes.
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let mut tally = Self::default();
        for outcome in outcomes {
            tally.pairs += 1;
            tally.passed += usize::from(outcome.passed());
            tally.found_all += usize::from(outcome.found_all());
            tally.quiet += usize::from(outcome.is_quiet());
            tally.events += outcome.events;
            tally.missed += outcome.missed.len();
            tally.false_flags += outcome.false_rows.len();
            tally.quiet_rows += outcome.quiet;
            tally.sure[0] += outcome.sure;
            tally.sure[1] += outcome.sure_of;
            if let Some(rises) = outcome.rises() {
                tally.rises[0] += usize::from(rises);
                tally.rises[1] += 1;
            }
        }
        tally
    }

    /// Share of pairs that passed; 1 where there are none.
    pub fn share(&self) -> f64 {
        share(self.passed, self.pairs)
    }

    /// False flags in 1,000 quiet rows.
    pub fn false_in_1000(&self) -> f64 {
        1e3 * self.false_flags as f64 / self.quiet_rows.max(1) as f64
    }
}

fn share(part: usize, of: usize) -> f64 {
    if of == 0 {
        1.0
    } else {
        part as f64 / of as f64
    }
}

fn percent(part: usize, of: usize) -> String {
    format!("{:.1} %", 100.0 * share(part, of))
}

fn pair([part, of]: [usize; 2]) -> String {
    if of == 0 {
        String::new()
    } else {
        format!("{part} / {of}")
    }
}

/// The families, in the order of the table.
pub fn families() -> Vec<&'static str> {
    let mut families: Vec<&str> = TABLE.iter().map(|situation| situation.family).collect();
    families.dedup();
    families
}

/// Each player with what came of it.
pub type Results = Vec<(Player, Vec<Outcome>)>;

/// The tables as Markdown: players, families, situations.
pub fn tables(results: &Results) -> String {
    let mut out = String::new();
    players(results, &mut out);
    situations(results, &mut out);
    out
}

fn players(results: &Results, out: &mut String) {
    let families = families();
    out.push_str(
        "| detector | pairs | passed | all found | quiet | false in 1,000 | sure | rises |",
    );
    families
        .iter()
        .for_each(|family| _ = write!(out, " {family} |"));
    out.push_str("\n|---|--:|--:|--:|--:|--:|--:|--:|");
    families.iter().for_each(|_| out.push_str("--:|"));
    out.push('\n');
    for (player, outcomes) in results {
        let all = Tally::of(outcomes);
        // A peer says nothing of how sure it is.
        let [sure, rises] = match player {
            Player::Kind(_) => [pair(all.sure), pair(all.rises)],
            Player::RollingZ | Player::Envelope => [String::new(), String::new()],
        };
        _ = write!(
            out,
            "| `{player}` | {} | {} | {} | {} | {:.2} | {sure} | {rises} |",
            all.pairs,
            percent(all.passed, all.pairs),
            percent(all.found_all, all.pairs),
            percent(all.quiet, all.pairs),
            all.false_in_1000(),
        );
        for family in &families {
            let of = Tally::of(outcomes.iter().filter(|outcome| outcome.family == *family));
            if of.pairs == 0 {
                out.push_str("  |");
            } else {
                _ = write!(out, " {:.0} |", 100.0 * of.share());
            }
        }
        out.push('\n');
    }
}

fn situations(results: &Results, out: &mut String) {
    let Some((first, outcomes)) = results.first() else {
        return;
    };
    _ = write!(out, "\n| situation | found by `{first}` | false in 1,000 |");
    results
        .iter()
        .for_each(|(player, _)| _ = write!(out, " `{player}` |"));
    out.push_str("\n|---|--:|--:|");
    results.iter().for_each(|_| out.push_str("--:|"));
    out.push('\n');
    for situation in TABLE {
        let name = situation.name();
        let of = |outcomes: &[Outcome]| {
            Tally::of(outcomes.iter().filter(|outcome| outcome.situation == name))
        };
        let tally = of(outcomes);
        if tally.pairs == 0 {
            continue;
        }
        let found = pair([tally.events - tally.missed, tally.events]);
        _ = write!(out, "| {name} | {found} | {:.1} |", tally.false_in_1000());
        for (_, outcomes) in results {
            let tally = of(outcomes);
            if tally.pairs == 0 {
                out.push_str("  |");
            } else {
                _ = write!(out, " {} |", tally.passed);
            }
        }
        out.push('\n');
    }
}

/// What failed, a line each.
pub fn failures(outcomes: &[Outcome]) -> String {
    let mut out = String::new();
    for outcome in outcomes {
        let mut said = Vec::new();
        if !outcome.missed.is_empty() {
            said.push(format!("missed {:?}", outcome.missed));
        }
        if !outcome.is_quiet() {
            let rows = &outcome.false_rows;
            said.push(format!(
                "{} false flags of {} allowed, at {:?}",
                rows.len(),
                outcome.allowed,
                &rows[..rows.len().min(20)]
            ));
        }
        if let Some((roc, least)) = outcome.roc.filter(|(roc, least)| roc < least) {
            said.push(format!("ROC AUC {roc:.2} of {least}"));
        }
        if outcome.sure < outcome.sure_of {
            said.push(format!("sure {} of {}", outcome.sure, outcome.sure_of));
        }
        if outcome.rises() == Some(false) {
            said.push(format!("confidence at {LADDER:?}: {:.3?}", outcome.steps));
        }
        if !said.is_empty() {
            let fails = if outcome.passed() {
                "passes, but"
            } else {
                "fails:"
            };
            _ = writeln!(
                out,
                "{} seed {} {fails} {}",
                outcome.situation,
                outcome.seed,
                said.join("; ")
            );
        }
    }
    out
}
