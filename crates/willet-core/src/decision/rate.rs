use crate::error::ConfigError;

/// How many flags a series may have: so many in so many rows, or in a span of event time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    flags: f64,
    per: Per,
}

/// What the flags of a [`Rate`] are counted over.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Per {
    /// So many rows.
    Rows(f64),
    /// So many microseconds of event time.
    Micros(f64),
}

/// Largest share of rows that a rate may ask for, as for `contamination`.
const LARGEST_SHARE: f64 = 0.5;
const SECOND: f64 = 1e6;

impl Rate {
    /// Reads `0.1 %`, `1 per 1000 rows`, `5 a week`, `2 per day`.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let expected = "a share of rows (0.1 %, 1 per 1000 rows; below a half) or a number in a time (5 a week, 2 per day)";
        let wrong = || ConfigError::Value {
            name: "rate".to_owned(),
            found: format!("{text:?}"),
            expected: expected.to_owned(),
        };
        let lower = text.trim().to_ascii_lowercase();
        // A sign or a letter behind a number begins a word of its own.
        let spaced = lower.replace('%', " % ").replace('/', " per ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let number = |word: &str| word.parse::<f64>().ok().filter(|x| *x > 0.0);
        let rate = match words.as_slice() {
            [share, "%"] => number(share).map(|percent| Self::of_rows(percent, 100.0)),
            [flags, "a" | "an" | "per" | "each" | "every", unit] => {
                number(flags).and_then(|flags| Self::over(flags, 1.0, unit))
            }
            [flags, "per" | "in" | "each" | "every", count, unit] => number(flags)
                .zip(number(count))
                .and_then(|(flags, count)| Self::over(flags, count, unit)),
            _ => None,
        };
        rate.filter(Self::is_sound).ok_or_else(wrong)
    }

    fn of_rows(flags: f64, rows: f64) -> Self {
        Self {
            flags,
            per: Per::Rows(rows),
        }
    }

    fn over(flags: f64, count: f64, unit: &str) -> Option<Self> {
        let seconds = match unit.trim_end_matches('s') {
            "row" | "event" | "sample" => return Some(Self::of_rows(flags, count)),
            "second" => 1.0,
            "minute" => 60.0,
            "hour" => 3_600.0,
            "day" => 86_400.0,
            "week" => 604_800.0,
            "month" => 2_592_000.0,
            "year" => 31_536_000.0,
            _ => return None,
        };
        Some(Self {
            flags,
            per: Per::Micros(count * seconds * SECOND),
        })
    }

    fn is_sound(&self) -> bool {
        match self.per {
            Per::Rows(rows) => rows.is_finite() && self.flags / rows < LARGEST_SHARE,
            // One a microsecond is more than anyone has.
            Per::Micros(micros) => micros.is_finite() && self.flags <= micros,
        }
    }

    /// Whether it counts over event time, so that rows without a time cannot be judged by it.
    pub fn is_in_time(&self) -> bool {
        matches!(self.per, Per::Micros(_))
    }

    /// Flags that one row brings, which comes `gap` microseconds after the one before it.
    pub(crate) fn allowance(&self, gap: f64) -> f64 {
        match self.per {
            Per::Rows(rows) => self.flags / rows,
            Per::Micros(micros) => self.flags * gap / micros,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read() {
        const DAY: f64 = 86_400e6;
        for (text, gap, allowance) in [
            ("0.1 %", 0.0, 0.001),
            ("0.1%", 0.0, 0.001),
            ("1 per 1000 rows", 0.0, 0.001),
            ("2 in 50 events", 0.0, 0.04),
            ("5 a week", 7.0 * DAY, 5.0),
            ("2 per day", DAY, 2.0),
            ("1/hour", DAY, 24.0),
            ("3 per 2 Days", DAY, 1.5),
        ] {
            let rate = Rate::parse(text).expect(text);
            assert!((rate.allowance(gap) - allowance).abs() < 1e-12, "{text}");
            assert_eq!(rate.is_in_time(), gap > 0.0, "{text}");
        }
    }

    #[test]
    fn what_is_refused() {
        for text in [
            "",
            "5",
            "-1 %",
            "60 %",
            "0 a day",
            "nan %",
            "5 a fortnight",
            "1 per 0 rows",
            "inf a day",
            "1e308 per 1e-308 days",
            "week",
        ] {
            let error = Rate::parse(text).expect_err(text).to_string();
            assert_eq!(
                error,
                format!(
                    "rate is {text:?}, expected a share of rows (0.1 %, 1 per 1000 rows; below a half) \
                     or a number in a time (5 a week, 2 per day)"
                )
            );
        }
    }
}
