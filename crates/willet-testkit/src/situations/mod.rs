//! Ordinary situations: does a detector, with nothing set, flag what anybody would flag, and stay quiet otherwise?
//!
//! A [`Situation`] draws a [`Case`] from a seed: rows, what must be found in them and where nothing is to be said. Its doc
//! comment is the reason why anybody would agree. [`check`] plays a case to a [`judge`] and counts; [`report`] makes tables of it.
//!
//! ```
//! use willet_testkit::situations::{TABLE, check, judge::Player};
//!
//! let situation = TABLE.iter().find(|situation| situation.name() == "quiet-noise").unwrap();
//! let outcome = check::check(situation, 0, &"rolling-zscore".parse::<Player>()?);
//! assert!(outcome.passed());
//! # Ok::<(), willet_core::error::ConfigError>(())
//! ```

pub mod case;
pub mod check;
pub mod draw;
pub mod judge;
pub mod report;

mod noise;
mod rhythm;

mod clock;
mod counts;
mod input;
mod multi;
mod quiet;
mod season;
mod several;
mod shift;
mod spike;
mod states;

use case::Case;
use draw::Draw;

/// What every operator meets.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// What it is about.
    pub family: &'static str,
    function: &'static str,
    draw: fn(&mut Draw) -> Case,
    source: &'static str,
}

impl Situation {
    /// Its name, the family first.
    pub fn name(&self) -> String {
        format!("{}-{}", self.family, self.function.replace('_', "-"))
    }

    /// Why anybody would agree: the comment above its function.
    pub fn why(&self) -> String {
        let head = format!("pub(super) fn {}(", self.function);
        let before = self.source.split(&head).next().unwrap_or_default();
        let mut lines: Vec<&str> = before
            .trim_end()
            .lines()
            .rev()
            .map_while(|line| line.strip_prefix("/// "))
            .collect();
        lines.reverse();
        lines.join(" ")
    }

    /// Its case of a seed.
    pub fn case(&self, seed: u64) -> Case {
        let mut draw = Draw::new(&self.name(), seed);
        (self.draw)(&mut draw).rounded()
    }

    /// Whether time itself is part of it, so that only a detector that knows seasons can pass.
    pub fn is_of_time(&self) -> bool {
        matches!(self.family, "season" | "clock")
    }
}

macro_rules! table {
    ($($family:ident: $($function:ident),+;)+) => {
        &[$($(Situation {
            family: stringify!($family),
            function: stringify!($function),
            draw: $family::$function,
            source: include_str!(concat!(stringify!($family), ".rs")),
        }),+),+]
    };
}

/// All of them.
#[rustfmt::skip]
pub const TABLE: &[Situation] = table! {
    spike: plain, heavy_tail, wandering, by_a_factor, on_a_trend, on_a_huge_level, reads_zero;
    shift: stays, spike_soon_after, spike_after, spike_long_after, second, and_back, climb_then_spike, noise_grows,
        noise_grows_then_spike, noise_falls_then_spike;
    season: hours, five_minutes, minutes, one_at_night, above_the_peak, peak_missing, busy_saturday, calm_wednesday, two, on_a_trend,
        grows, heavy_tail;
    clock: summer_time, gaps, lost_rows, empty_cells, bursts_of_events;
    counts: zero_or_one, rare, small, mostly_zero, few_values, ties, incident, silent_midday;
    states: constant_changes_once, constant_then_huge, constant_steps, plateaus, idle_or_active, idle_then_active, on_and_off,
        nightly_job, job_missing, backup_missing, events_missing, counter_of_the_day, counter_begins_again, stuck,
        at_the_end_of_its_scale, outage, two_outages;
    quiet: noise, noise_for_a_day, between_bounds, wandering, walk, slow_change, heavy_tail, skewed, season;
    several: spikes_20_apart, spikes_90_apart, spikes_150_apart, burst_of_five, early_spike, short_history;
    multi: one_of_eight, mixed_scales, one_against_the_others, warming_together, new_place, some_constant, season, valve_closes;
    input: missing_at_first, code_never_seen, keys_in_turn, contamination_begins_idle, contamination_spikes, rate_is_kept, only_up;
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_of_its_own_a_reason_and_sound_cases() {
        let mut names: Vec<String> = TABLE.iter().map(Situation::name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
        for situation in TABLE {
            assert!(situation.why().ends_with('.'), "{}", situation.name());
            for seed in 0..3 {
                let case = situation.case(seed);
                let lengths = case.columns.iter().map(Vec::len);
                assert!(lengths.into_iter().all(|n| n == case.rows()));
                assert!(case.quiet_rows() > 0, "{}", situation.name());
                assert_eq!(case.row(0).len(), case.names.len());
            }
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_and_another_another() {
        let situation = &TABLE[0];
        assert_eq!(situation.case(4).columns, situation.case(4).columns);
        assert_ne!(situation.case(4).columns, situation.case(5).columns);
    }
}
