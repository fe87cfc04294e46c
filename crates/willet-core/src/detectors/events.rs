use serde::{Deserialize, Serialize};

use crate::decision::Scale;

/// Brings the depths of a detector that reads a series in order to one score, in which an event counts once.
///
/// Two questions are asked of each row. *Fast*: how strange is it? *Slow*: how strange is it together with what came lately? Slow
/// evidence puts rows of a strange stretch above normal ones, and alone never says more than that ([`USUAL_TOP`]). Rows within
/// [`TOGETHER`] rows of an event's last strange row belong to it: they score just as much, unless they are more than twice as deep as
/// what the event has shown. So the score of a lasting change is high once. And an event like others before scores no more than as
/// often as they came ([`Past`]): what returns every day is not 1 in a million.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Events {
    fast: Scale,
    slow: Scale,
    /// Mean of the recent evidence.
    lately: f64,
    /// Rows since the last strange one, counted up to [`TOGETHER`] + 1.
    quiet: u32,
    /// Depth that the present event has shown.
    shown: f64,
    past: Past,
}

/// How deep the last events were, and how long ago they began: what has come before is not as rare as its shape alone says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Past {
    /// Rows since the oldest event kept, or since the beginning while there is room for more.
    rows: u64,
    /// Largest depth of each event and the value of `rows` at its beginning, the newest last.
    events: Vec<(f32, u64)>,
}

/// Events remembered.
const REMEMBERED: usize = 24;

impl Past {
    /// The depth that the series' own events allow: the share of an event like k others in n rows is k + 1 in n. Rises
    /// with the depth, without end where no other was as deep.
    fn bound(&self, depth: f64) -> f64 {
        // Smooth, so that a deeper event always has a higher bound: nearly 1 up to its own depth, 0.14 at one and a half times.
        let like = |past: f32| {
            let share = depth / (1.25 * f64::from(past));
            let fourth = share * share * share * share;
            1.0 / (1.0 + fourth * fourth * share * share)
        };
        if self.events.is_empty() {
            return f64::INFINITY;
        }
        let others: f64 = self.events.iter().map(|(past, _)| like(*past)).sum();
        let rows = self.rows.max(1) as f64;
        libm::log10(rows / (others + 1.0)) / others.min(1.0)
    }

    fn begin(&mut self, depth: f64) {
        if self.events.len() == REMEMBERED {
            self.events.remove(0);
            let oldest = self.events.first().map_or(0, |(_, at)| *at);
            self.rows -= oldest;
            self.events.iter_mut().for_each(|(_, at)| *at -= oldest);
        }
        self.events.push((depth as f32, self.rows));
    }

    fn is_sound(&self) -> bool {
        let in_order = self.events.is_sorted_by_key(|(_, at)| *at);
        in_order
            && self.events.len() <= REMEMBERED
            && self
                .events
                .iter()
                .all(|(depth, at)| depth.is_finite() && *at <= self.rows)
    }

    fn go_on(&mut self, depth: f64) {
        if let Some((deepest, _)) = self.events.last_mut() {
            *deepest = deepest.max(depth as f32);
        }
    }
}

/// Depth of what comes once in 200 rows: from here on a row is the beginning of an event.
const USUAL_TOP: f64 = 2.3;
/// What a row scores at least that is strange only together with others, or known to belong to an event.
pub(crate) const STRETCH: f64 = 2.299;
/// Rows of quiet after which a strange row is another event.
pub(crate) const TOGETHER: u32 = 100;
/// How many times as deep a row within an event must be to be news: 1 in 10,000 after 1 in 100.
const NEWS: f64 = 2.0;
/// Weight of the newest row in the recent evidence: about the last 20 rows.
const NEWEST: f64 = 0.05;

/// Evidence of a row, and what it means in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weighed {
    fast: f64,
    fast_depth: Option<f64>,
    slow: f64,
    slow_depth: Option<f64>,
    lately: f64,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self {
            quiet: TOGETHER + 1,
            ..Self::default()
        }
    }

    /// Weighs evidence of 0 or more: of the row alone, and with what speaks only for a stretch.
    pub(crate) fn weigh(&self, fast: f64, slow: f64) -> Weighed {
        let lately = self.lately + NEWEST * (slow - self.lately);
        let slow = slow + lately;
        Weighed {
            fast,
            fast_depth: self.fast.depth(fast),
            slow,
            slow_depth: self.slow.depth(slow),
            lately,
        }
    }

    /// The score: a depth; `None` while too little is known.
    pub(crate) fn score(&self, weighed: &Weighed) -> Option<f64> {
        let fast = weighed.fast_depth?;
        let is_known = self.quiet <= TOGETHER && fast > USUAL_TOP && fast <= NEWS * self.shown;
        let fast = if is_known {
            below_top(fast)
        } else if fast > USUAL_TOP {
            fast.min(self.past.bound(fast).max(USUAL_TOP))
        } else {
            fast
        };
        let slow = weighed.slow_depth.map_or(0.0, |slow| {
            if slow > USUAL_TOP {
                below_top(slow)
            } else {
                slow
            }
        });
        Some(fast.max(slow))
    }

    /// Takes in a row's evidence; `is_normal` says whether it may become usual.
    pub(crate) fn take(&mut self, weighed: &Weighed, is_normal: bool) {
        if is_normal {
            self.fast.learn(weighed.fast, weighed.fast_depth);
            self.slow.learn(weighed.slow, weighed.slow_depth);
        }
        self.lately = weighed.lately;
        self.past.rows += 1;
        match weighed.fast_depth {
            Some(depth) if depth > USUAL_TOP => {
                let is_same = self.quiet <= TOGETHER;
                self.shown = if is_same && depth <= NEWS * self.shown {
                    self.shown
                } else {
                    depth
                };
                if is_same && self.shown != depth {
                    self.past.go_on(depth);
                } else {
                    self.past.begin(depth);
                }
                self.quiet = 0;
            }
            _ => self.quiet = (self.quiet + 1).min(TOGETHER + 1),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let past = self.past.events.capacity() * size_of::<(f32, u64)>();
        self.fast.heap_bytes() + self.slow.heap_bytes() + past
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.fast.is_sound()
            && self.slow.is_sound()
            && self.lately.is_finite()
            && self.shown.is_finite()
            && self.past.is_sound()
    }
}

/// A depth beyond [`USUAL_TOP`] as one just below it: in the same order, and below all that is news.
fn below_top(depth: f64) -> f64 {
    USUAL_TOP * (1.0 - 1e-3 / (1.0 + depth))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Scores of evidence.
    fn scores(evidence: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut events = Events::new();
        evidence
            .map(|x| {
                let weighed = events.weigh(x, x);
                let score = events.score(&weighed).unwrap_or(0.0);
                events.take(&weighed, true);
                score
            })
            .collect()
    }

    #[test]
    fn a_lasting_change_is_one_event_and_a_far_stranger_row_in_it_another() {
        let mut random = Random::new(5);
        let mut evidence: Vec<f64> = (0..2_000).map(|_| random.unit()).collect();
        evidence[1_000..1_050].fill(4.0);
        evidence[1_030] = 400.0;
        let scores = scores(evidence.into_iter());
        assert!(scores[1_000] > 3.0, "{}", scores[1_000]);
        let within = (1_001..1_050).filter(|i| scores[*i] > USUAL_TOP);
        assert_eq!(within.collect::<Vec<_>>(), [1_030]);
        assert!(scores[1_001..1_050].iter().all(|score| *score > 2.0));
    }

    #[test]
    fn what_returns_scores_as_often_as_it_came_and_what_is_stranger_more() {
        let mut random = Random::new(9);
        let mut evidence: Vec<f64> = (0..6_000).map(|_| random.unit()).collect();
        (1_000..6_000).step_by(300).for_each(|i| evidence[i] = 3.0);
        evidence[5_950] = 30.0;
        let mut events = Events::new();
        let score = |x: f64| {
            let weighed = events.weigh(x, x);
            let score = events.score(&weighed).unwrap_or(0.0);
            // As the decision's guard does.
            events.take(&weighed, score <= USUAL_TOP);
            score
        };
        let scores: Vec<f64> = evidence.into_iter().map(score).collect();
        assert!(scores[1_000] > 6.0, "the first: {}", scores[1_000]);
        let last = scores[5_800];
        assert!(
            (USUAL_TOP..3.0).contains(&last),
            "the seventeenth in 5,800 rows: {last}"
        );
        assert!(scores[5_950] > 3.0 * last, "{}", scores[5_950]);
    }

    #[test]
    fn a_deeper_event_never_scores_less() {
        let mut past = Past::default();
        for depth in [3.0, 8.0, 5.0, 5.5, 8.0] {
            past.rows += 1_000;
            past.begin(depth);
        }
        let bounds: Vec<f64> = (230..2_000)
            .map(|i| past.bound(f64::from(i) / 100.0))
            .collect();
        assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_stretch_scores_what_the_decision_asks_of_it() {
        assert!(below_top(USUAL_TOP) >= STRETCH && below_top(f64::MAX) <= USUAL_TOP);
    }

    #[test]
    fn recent_evidence_lifts_rows_and_never_above_an_event() {
        let mut random = Random::new(6);
        // A stretch in which each row is a little strange.
        let lifted = |i: usize| (1_000..1_060).contains(&i);
        let evidence = (0..1_400).map(|i| random.unit() + if lifted(i) { 0.35 } else { 0.0 });
        let scores = scores(evidence);
        let mean = |range: std::ops::Range<usize>| scores[range].iter().sum::<f64>() / 40.0;
        assert!(mean(1_020..1_060) > 2.0 * mean(900..940));
    }
}
