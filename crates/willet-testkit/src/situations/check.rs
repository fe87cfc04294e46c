//! Plays a case and counts what was right.

use super::Situation;
use super::case::Case;
use super::judge::{Judge, Player, Said};

/// Deviations at which one and the same row is tried.
pub const LADDER: [f64; 7] = [8.0, 12.0, 20.0, 40.0, 100.0, 400.0, 1e3];
/// What confidence may fall by from one to the next, for rounding.
const NOT_FALLING: f64 = 0.002;
/// Robust deviations beyond everything before from which on a row is sure.
const SURE_DEVIATIONS: f64 = 20.0;
/// Rows before it that this wants.
const SURE_ROWS: usize = 200;
/// Confidence that a sure row must have.
pub const SURE: f64 = 0.95;

/// What came of one case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Name of the situation.
    pub situation: String,
    /// Its family.
    pub family: &'static str,
    /// The seed.
    pub seed: u64,
    /// What had to be found and was not.
    pub missed: Vec<usize>,
    /// How much had to be found.
    pub events: usize,
    /// Quiet rows that were flagged.
    pub false_rows: Vec<usize>,
    /// Quiet rows.
    pub quiet: usize,
    /// How many of them may be flagged.
    pub allowed: usize,
    /// Sure rows flagged with a confidence of [`SURE`].
    pub sure: usize,
    /// Sure rows.
    pub sure_of: usize,
    /// Probability of an anomaly at each step of the [`LADDER`].
    pub steps: Vec<f64>,
    /// ROC AUC of the strange rows, and what it should be.
    pub roc: Option<(f64, f64)>,
}

impl Outcome {
    /// Whether all was found.
    pub fn found_all(&self) -> bool {
        self.missed.is_empty() && self.roc.is_none_or(|(roc, least)| roc >= least)
    }

    /// Whether no more than the allowed was flagged for nothing.
    pub fn is_quiet(&self) -> bool {
        self.false_rows.len() <= self.allowed
    }

    /// Whether all was found and nothing else.
    pub fn passed(&self) -> bool {
        self.found_all() && self.is_quiet()
    }

    /// Whether confidence never falls as the deviation grows; `None` where it was not tried.
    pub fn rises(&self) -> Option<bool> {
        let mut pairs = self.steps.windows(2);
        (!self.steps.is_empty()).then(|| pairs.all(|pair| pair[1] >= pair[0] - NOT_FALLING))
    }
}

/// Plays the case of a seed.
pub fn check(situation: &Situation, seed: u64, player: &Player) -> Outcome {
    let case = situation.case(seed);
    let (said, steps) = play(&case, player);
    let missed = case.events.iter().filter(|event| {
        let mut rows = event.rows();
        !rows.any(|row| said.get(row).is_some_and(|said| said.flag))
    });
    let missed = missed.map(|event| event.first).collect();
    let false_rows = (0..case.rows()).filter(|row| case.quiet[*row] && said[*row].flag);
    let sure: Vec<usize> = sure_rows(&case);
    let is_sure = |row: &&usize| {
        let said = said[**row];
        said.flag && said.confidence.is_some_and(|sure| sure >= SURE)
    };
    Outcome {
        situation: situation.name(),
        family: situation.family,
        seed,
        missed,
        events: case.events.len(),
        false_rows: false_rows.collect(),
        quiet: case.quiet_rows(),
        allowed: case.allowed(),
        sure: sure.iter().filter(is_sure).count(),
        sure_of: sure.len(),
        steps,
        roc: case
            .least_roc
            .map(|least| (roc_auc(&said, &case.strange), least)),
    }
}

/// What is said of each row, and the probabilities of the ladder.
pub fn play(case: &Case, player: &Player) -> (Vec<Said>, Vec<f64>) {
    let keys = case
        .keys
        .as_ref()
        .map_or(0, |keys| *keys.iter().max().unwrap_or(&0));
    let mut judges: Vec<Box<dyn Judge>> = (0..=keys).map(|key| player.judge(case, key)).collect();
    let mut steps = Vec::new();
    let mut said = Vec::with_capacity(case.rows());
    for row in 0..case.rows() {
        let judge = &mut judges[case.key(row)];
        let time = case.times.as_ref().map(|times| times[row]);
        if case.ladder.is_some_and(|ladder| ladder.row == row) {
            steps = climb(case, &**judge, time);
        }
        said.push(judge.take(&case.row(row), time));
    }
    (said, steps)
}

fn climb(case: &Case, judge: &dyn Judge, time: Option<i64>) -> Vec<f64> {
    let Some(ladder) = case.ladder else {
        return Vec::new();
    };
    let column = &case.columns[ladder.column];
    let mut before = column[ladder.row - 40..ladder.row].to_vec();
    let middle = median(&mut before);
    let tried = LADDER.iter().filter_map(|size| {
        let mut row = case.row(ladder.row);
        row[ladder.column] = middle + size * ladder.unit;
        judge.fork()?.take(&row, time).probability()
    });
    tried.collect()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    f64::midpoint(values[(n - 1) / 2], values[n / 2])
}

/// The first row of each event that lies far beyond everything its series had before.
fn sure_rows(case: &Case) -> Vec<usize> {
    let is_far = |row: usize| {
        let key = case.key(row);
        case.columns.iter().any(|column| {
            let before = (0..row).filter(|before| case.key(*before) == key);
            lies_far(before.map(|row| column[row]).collect(), column[row])
        })
    };
    let first = |event: &super::case::Event| (event.first..=event.last).find(|row| is_far(*row));
    case.events.iter().filter_map(first).collect()
}

fn lies_far(mut before: Vec<f64>, x: f64) -> bool {
    before.retain(|x| !x.is_nan());
    if before.len() < SURE_ROWS || x.is_nan() {
        return false;
    }
    let middle = median(&mut before);
    let mut off: Vec<f64> = before.iter().map(|x| (x - middle).abs()).collect();
    let mean = off.iter().sum::<f64>() / off.len() as f64;
    // Scaled so that both are the deviation of normal noise.
    let robust = 1.4826 * median(&mut off);
    let sigma = if robust > 0.0 { robust } else { 1.2533 * mean };
    let gap = before
        .iter()
        .map(|other| (other - x).abs())
        .fold(f64::INFINITY, f64::min);
    gap >= SURE_DEVIATIONS * sigma && gap > 0.01 * middle.abs()
}

/// Chance that a strange row scores above a normal one, ties counting half; rows without a score are below all.
fn roc_auc(said: &[Said], strange: &[bool]) -> f64 {
    let mut rows: Vec<(f64, bool)> = said
        .iter()
        .map(|said| said.score.unwrap_or(f64::NEG_INFINITY))
        .zip(strange.iter().copied())
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut above, mut normal) = (0.0, 0.0);
    for equal in rows.chunk_by(|a, b| a.0 == b.0) {
        let here = equal.iter().filter(|row| row.1).count() as f64;
        let others = equal.len() as f64 - here;
        above += here * (normal + 0.5 * others);
        normal += others;
    }
    above / (normal * (rows.len() as f64 - normal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roc_auc_counts_pairs_with_ties_as_half() {
        let said = [Some(0.1), Some(0.5), Some(0.5), Some(0.9), None].map(|score| Said {
            score,
            ..Said::default()
        });
        // Above 0.1 and nothing, level with one 0.5; above all.
        let roc = roc_auc(&said, &[false, true, false, true, false]);
        assert_eq!(roc, 5.5 / 6.0);
    }

    #[test]
    fn far_is_counted_in_robust_deviations_from_the_nearest_value() {
        let before: Vec<f64> = (0..300).map(|i| f64::from(i % 10)).collect();
        assert!(!lies_far(before.clone(), 30.0));
        assert!(lies_far(before.clone(), 90.0));
        assert!(!lies_far(before[..100].to_vec(), 90.0));
    }
}
