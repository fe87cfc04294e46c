use libm::log10;
use serde::{Deserialize, Serialize};

use super::policy::{Policy, Threshold};

/// Keeps the flags of a series at their share by moving the threshold.
///
/// Each flag raises the threshold, and each row lowers it by as much as its share of a flag: adaptive conformal inference
/// (Gibbs, Candès, `NeurIPS` 2021), on the scale of L. In the long run the share of flags is what was asked for whatever
/// the scores do, for `raised` is bounded; nothing is assumed of the data. Rules that control the share of false ones
/// among the discoveries (LORD, SAFFRON) do not keep a rate: where nothing is wrong they say next to nothing, and they
/// trust p-values that drift.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Budget {
    /// How far the threshold is above the one that was asked for; below 0, what is saved for a burst.
    raised: f64,
    /// Newest event time in microseconds.
    newest: Option<i64>,
    /// Mean time between rows in microseconds.
    gap: f64,
    /// Rows that the mean is made of, up to [`PACE_ROWS`].
    rows: u32,
}

/// A flag raises the default threshold by this much L.
const RAISE: f64 = 2.0;
/// Flags that may come together before the default threshold rises.
const BURST: f64 = 5.0;
/// A flag raises the threshold of a share by this much L, and it is moved by this much at most: the share is known from all rows
/// already, and this only takes away what is left of it.
const SHARE_RAISE: f64 = 0.05;
const SHARE_MOST: f64 = 0.3;
/// Microseconds of a day: where nobody chose about one flag is for chance in each.
const DAY: f64 = 86_400e6;
/// What a depth may say too much of the rarest rows.
const CHANCE: f64 = 1.0;
/// A flag raises the threshold of a rate by this much L: smaller steps come nearer to the share, larger ones follow sooner.
const RATE_RAISE: f64 = 0.5;
/// How far a rate's threshold may lie below p = rate, for scores whose p is too careful: three flags are saved.
const RATE_LOWEST: f64 = -1.5;
/// Where no more is flagged: ten flags in a row beyond the rate. Towards it the threshold rises without end, so that whatever can be
/// told apart by its depth still is, and what ties cannot pass.
const RATE_HIGHEST: f64 = 5.0;
/// A threshold that no score reaches: those end at 1e308, and their depths at some ten thousand.
const BARRED: f64 = 1e9;
/// A rate flags nothing that is more frequent than this (1 in 5), whatever was asked for.
const LEAST_DEPTH: f64 = 0.7;
/// Where a share was asked for, what makes up less than this of the rows does not become normal by coming back.
const LEAST_RARE: f64 = 0.05;
/// A rate in time is never taken for less than this share of the rows.
const LEAST_SHARE: f64 = 1e-9;
/// Rows that the pace of a series is remembered for.
const PACE_ROWS: u32 = 2_048;

impl Budget {
    /// Takes note of a row's time; microseconds since the one before it, 0 where that is unknown or not later.
    pub(super) fn pass(&mut self, time: Option<i64>) -> f64 {
        let Some(time) = time else { return 0.0 };
        let Some(newest) = self
            .newest
            .replace(self.newest.map_or(time, |newest| newest.max(time)))
        else {
            return 0.0;
        };
        let gap = time.saturating_sub(newest).max(0) as f64;
        self.rows = (self.rows + 1).min(PACE_ROWS);
        self.gap += (gap - self.gap) / f64::from(self.rows);
        gap
    }

    /// Depth from which on a score is an anomaly now.
    pub(super) fn threshold(&self, policy: &Policy) -> f64 {
        match policy.threshold() {
            Threshold::Default => {
                let daily = if self.gap > 0.0 {
                    log10(DAY / self.gap) + CHANCE
                } else {
                    0.0
                };
                policy.depth().max(daily) + self.raised.max(0.0)
            }
            Threshold::Rate(rate) => {
                let share = rate.allowance(self.gap);
                let depth = if rate.is_in_time() && self.rows == 0 {
                    policy.depth()
                } else {
                    -log10(share.max(LEAST_SHARE))
                };
                (depth + barrier(self.raised)).max(LEAST_DEPTH)
            }
            Threshold::Contamination(_) => policy.depth() + self.raised,
            Threshold::AnomalyScore(_) => policy.depth(),
        }
    }

    /// Whether a row beyond all others may be flagged though as many as were asked for have been: not where flags are far beyond that.
    pub(super) fn has_room(&self, policy: &Policy) -> bool {
        let most = match policy.threshold() {
            Threshold::Rate(_) => RATE_HIGHEST / 2.0,
            _ => SHARE_MOST - SHARE_RAISE,
        };
        self.raised < most
    }

    /// Share of rows that stay strange however often they come back: twice what was asked for, and no less than one in twenty; none where
    /// nobody asked.
    pub(super) fn rare(&self, policy: &Policy) -> f64 {
        let asked = match policy.threshold() {
            Threshold::Contamination(share) => share,
            Threshold::Rate(rate) => rate.allowance(self.gap),
            Threshold::Default | Threshold::AnomalyScore(_) => return 0.0,
        };
        (2.0 * asked).clamp(LEAST_RARE, 0.5)
    }

    /// Takes note of a row that was judged, `gap` microseconds after the one before it, with 1 flag or 0.
    pub(super) fn spend(&mut self, policy: &Policy, gap: f64, flags: f64) {
        match policy.threshold() {
            Threshold::Default => {
                let change = RAISE * (flags - Policy::budget());
                self.raised = (self.raised + change).max(-BURST * RAISE);
            }
            Threshold::Rate(rate) => {
                let change = RATE_RAISE * (flags - rate.allowance(gap));
                // The last flag before nothing is flagged is paid for whole.
                let highest = RATE_HIGHEST + RATE_RAISE;
                self.raised = (self.raised + change).clamp(RATE_LOWEST, highest);
            }
            Threshold::Contamination(share) => {
                let change = SHARE_RAISE * (flags - share);
                self.raised = (self.raised + change).clamp(-SHARE_MOST, SHARE_MOST);
            }
            Threshold::AnomalyScore(_) => {}
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        self.raised.is_finite()
            && self.raised >= -BURST * RAISE
            && self.gap.is_finite()
            && self.gap >= 0.0
            && self.rows <= PACE_ROWS
    }
}

/// How far a rate's threshold lies above p = rate when it was raised so often: nearly so far at first, without end at [`RATE_HIGHEST`].
fn barrier(raised: f64) -> f64 {
    if raised <= 0.0 {
        return raised.max(RATE_LOWEST);
    }
    let left = 1.0 - raised / RATE_HIGHEST;
    if left > 0.0 {
        (raised / left).min(BARRED)
    } else {
        BARRED
    }
}
