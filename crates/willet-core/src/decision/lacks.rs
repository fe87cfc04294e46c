use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::guard::{Guard, Learning};
use super::policy::ANOMALOUS;
use super::reach::Reach;
use super::{AnomalyType, CLEAR, Evidence};

/// What came in each of the last periods and does not in this one: the night without its job.
///
/// Each value of such a night is ordinary. What is missing counts as a value so far off would, and as far as more than ever is missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Lacks {
    reach: Reach,
    guard: Guard,
}

impl Lacks {
    /// Takes note of what each value lacks; evidence at the first row at which it is clearly more than ever, and `reach` says so of values
    /// too.
    pub(super) fn step(&mut self, lacks: &[f64], reach: &Reach) -> Option<Evidence> {
        let far = self.reach.far(lacks);
        let own = far.as_ref().map_or(0.0, |far| self.reach.depth(far));
        let (feature, margin) = far.map_or((0, 0.0), |far| (far.feature, far.margin));
        let missing = |lack: &f64| if *lack == 0.0 { f64::NAN } else { *lack };
        let values: SmallVec<[f64; 8]> = lacks.iter().map(missing).collect();
        let as_value = reach.far(&values).filter(|far| far.margin >= CLEAR);
        let depth = as_value.map_or(0.0, |far| reach.depth(&far)).min(own);
        let is_clear = margin >= CLEAR && depth >= ANOMALOUS;
        let passage = self.guard.pass(depth, is_clear, 0.0);
        // What a clock leaves out each week stays an exception: it must not hide what is missing on other days.
        let is_regular = self.guard.is_regular(depth, is_clear);
        let learning = if is_regular {
            Learning::Not
        } else {
            passage.learning
        };
        self.reach.see(lacks);
        self.reach.take(lacks, learning);
        if !is_clear || !passage.is_news || is_regular {
            return None;
        }
        self.guard.tell(depth);
        Some(Evidence {
            depth,
            anomaly_type: AnomalyType::Contextual,
            feature: Some(feature),
            rows: 1,
            usual: 0,
        })
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.reach.heap_bytes()
    }

    pub(super) fn is_sound(&self) -> bool {
        self.reach.is_sound() && self.guard.is_sound()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    const DAY: usize = 288;

    /// Days on which a job is said to be missing, where it is on these.
    fn said(days: usize, is_missing: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut random = Random::new(5);
        let (mut reach, mut lacks) = (Reach::default(), Lacks::default());
        let mut said = Vec::new();
        for row in 0..days * DAY {
            let missing = is_missing(row / DAY) && (26..32).contains(&(row % DAY));
            reach.take(&[random.unit() - 0.5], Learning::Usual);
            let lack = if missing { -50.0 } else { 0.0 };
            if let Some(evidence) = lacks.step(&[lack], &reach) {
                assert_eq!(row % DAY, 26, "told once, at the first row");
                assert!(evidence.depth > ANOMALOUS);
                said.push(row / DAY);
            }
        }
        assert!(lacks.is_sound());
        said
    }

    #[test]
    fn each_night_without_its_job_is_told() {
        assert_eq!(said(40, |day| [10, 11, 30].contains(&day)), [10, 11, 30]);
    }

    #[test]
    fn what_a_clock_leaves_out_is_told_three_times_and_hides_nothing() {
        let missing = |day| day > 3 && (day % 7 == 5 || day == 51 || day == 60);
        assert_eq!(said(70, missing), [5, 12, 19, 51, 60]);
    }

    #[test]
    fn a_lack_within_what_values_are_off_is_nothing() {
        let mut random = Random::new(6);
        let (mut reach, mut lacks) = (Reach::default(), Lacks::default());
        for _ in 0..4_000 {
            reach.take(&[random.unit() - 0.5], Learning::Usual);
            let lack = if random.unit() < 0.01 { -0.4 } else { 0.0 };
            assert_eq!(lacks.step(&[lack], &reach), None);
        }
    }
}
