use serde::{Deserialize, Serialize};

/// How far apart the rows of a series come, and how many are missing where a gap opens.
///
/// Times are microseconds since the epoch. Rows come at an even pace once at least `EVEN` of their distances in a row agreed within
/// a tenth; a few that do not are forgiven. Then a distance of several steps is rows that are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spacing {
    newest: Option<i64>,
    /// The distance that is usual; 0 while there is none.
    step: i64,
    /// Distances that agreed with it, less those that did not.
    agreed: u8,
}

/// Distances that must have agreed before gaps are told.
const EVEN: u8 = 16;
/// More agreement than this is not counted: a new pace is taken up within as many rows.
const MOST_AGREED: u8 = 64;
/// What a distance that does not agree takes away.
const AGAINST: u8 = 4;
/// Longest gap that is told, in rows: two weeks of five minutes.
pub const LONGEST_GAP: usize = 4_096;

impl Spacing {
    /// Takes in the time of a row; gives how many rows are missing before it, at most [`LONGEST_GAP`].
    pub fn push(&mut self, time: i64) -> usize {
        let Some(newest) = self.newest else {
            self.newest = Some(time);
            return 0;
        };
        let distance = time.saturating_sub(newest);
        if distance <= 0 {
            // Late, or of the same moment: it says nothing of the pace.
            return 0;
        }
        self.newest = Some(time);
        if self.step == 0 {
            self.step = distance;
            return 0;
        }
        let is_within = |times: i64, part: i64| {
            let off = distance.abs_diff(self.step.saturating_mul(times));
            off <= self.step.unsigned_abs() / part.unsigned_abs()
        };
        if is_within(1, 10) {
            self.agreed = (self.agreed + 1).min(MOST_AGREED);
            // The pace may be a little off at first.
            self.step += (distance - self.step) / 8;
            return 0;
        }
        let steps = distance.saturating_add(self.step / 2) / self.step;
        if self.agreed >= EVEN && steps >= 2 && is_within(steps, 4) {
            self.agreed -= 1;
            return usize::try_from(steps - 1).map_or(LONGEST_GAP, |steps| steps.min(LONGEST_GAP));
        }
        self.agreed = self.agreed.saturating_sub(AGAINST);
        if self.agreed == 0 {
            self.step = distance;
        }
        0
    }

    /// Time of the newest row.
    pub fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// The distance of neighbouring rows in microseconds, where they come at an even pace.
    pub fn even_step(&self) -> Option<i64> {
        (self.agreed >= EVEN).then_some(self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn after(times: impl IntoIterator<Item = i64>) -> Spacing {
        let mut spacing = Spacing::default();
        times.into_iter().for_each(|time| {
            spacing.push(time);
        });
        spacing
    }

    #[test]
    fn missing_rows_are_counted_once_the_pace_is_even() {
        // Clocks shake: up to 2 s off.
        let shaken = |row: i64| row * 5 * MINUTE + row * 7_919_000 % 4_000_000 - 2_000_000;
        let mut spacing = after((0..40).map(shaken));
        assert_eq!(spacing.push(shaken(40)), 0);
        assert_eq!(spacing.push(shaken(43)), 2);
        assert_eq!(spacing.push(shaken(44)), 0);
        assert_eq!(spacing.push(shaken(44)), 0, "the same moment");
        assert_eq!(spacing.push(shaken(30)), 0, "late");
        assert_eq!(spacing.push(shaken(45)), 0);
        assert_eq!(spacing.push(shaken(45 + 12)), 11);
        assert_eq!(spacing.push(shaken(1_000_000)), LONGEST_GAP);
        let step = spacing.even_step().expect("even");
        assert!(step.abs_diff(5 * MINUTE) < 3_000_000, "{step}");
    }

    #[test]
    fn an_uneven_pace_has_no_gaps() {
        let mut time = 0;
        let mut spacing = Spacing::default();
        for row in 0..1_000_i64 {
            time += (row * row * 7_919 % 9_000_000) + 1;
            assert_eq!(spacing.push(time), 0, "row {row}");
        }
        assert_eq!(spacing.even_step(), None);
        assert_eq!(after(0..3).even_step(), None, "too few");
    }

    #[test]
    fn another_pace_is_taken_up() {
        let slow = (1..=100).map(|row| 100 * MINUTE + row * 5 * MINUTE);
        let spacing = after((0..=100).map(|row| row * MINUTE).chain(slow));
        assert_eq!(spacing.even_step(), Some(5 * MINUTE));
    }

    #[test]
    fn times_at_the_ends_of_their_range_do_not_overflow() {
        let mut spacing = after([i64::MIN, i64::MAX, i64::MIN, 0, 1, i64::MAX]);
        spacing.push(i64::MAX);
        assert_eq!(spacing.even_step(), None);
        assert_eq!(
            after((0..100).map(|row| row * (i64::MAX / 100))).push(i64::MAX),
            0
        );
    }
}
