use crate::settings::{Setting, Value};

/// Where seasons come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum Seasonality {
    /// They are looked for.
    #[default]
    Found,
    /// These lengths in seconds, the shortest first; none where empty.
    Given(Vec<u64>),
}

/// A season in rows, and how many of it a longer one has; 0 where there is no longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InRows {
    pub(super) period: usize,
    pub(super) cycle: usize,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
/// Longest season that can be given: a year.
const LONGEST: u64 = 366 * DAY;
/// Fewest rows of a season: below, neighbours tell as much.
const FEWEST: u64 = 4;
/// Periods of a longer season.
const CYCLES: std::ops::RangeInclusive<u64> = 2..=7;
/// Steps in which clocks sample, in seconds. The pace of a series is a mean that shakes a little around one of them.
const STEPS: [u64; 27] = [
    1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 300, 360, 600, 720, 900, 1_200, 1_800,
    3_600, 7_200, 10_800, 14_400, 21_600,
];

impl Seasonality {
    /// The seasons of rows that come `step` microseconds apart; `None` without any that has enough rows.
    pub(super) fn in_rows(&self, step: i64) -> Option<InRows> {
        let Self::Given(lengths) = self else {
            return None;
        };
        let rows = |seconds: u64| rows_in(seconds, step);
        let has_rows = |seconds: &&u64| rows(**seconds) >= FEWEST;
        let longest = *lengths.iter().rev().find(has_rows)?;
        // A day has its hours in it; a week is better told as a rhythm of days, for it comes seldom.
        let parts = lengths
            .iter()
            .rev()
            .filter(has_rows)
            .map(|shorter| (*shorter, longest / shorter))
            .find(|(shorter, cycle)| {
                longest > DAY && longest.is_multiple_of(*shorter) && CYCLES.contains(cycle)
            });
        let (period, cycle) = parts.unwrap_or((longest, 0));
        Some(InRows {
            period: rows(period) as usize,
            cycle: cycle as usize,
        })
    }

    fn parse(text: &str) -> Option<Vec<u64>> {
        let text = text.trim().trim_matches(['[', ']']).to_lowercase();
        if text == "none" {
            return Some(Vec::new());
        }
        let lengths = text.split([',', ' ']).filter(|part| !part.is_empty());
        lengths.map(length).collect()
    }
}

/// Seconds of `day`, `8h`, ...
fn length(text: &str) -> Option<u64> {
    let seconds = match text {
        "hour" => HOUR,
        "day" => DAY,
        "week" => WEEK,
        _ => {
            let unit = match text.chars().next_back()? {
                's' => 1,
                'm' => MINUTE,
                'h' => HOUR,
                'd' => DAY,
                'w' => WEEK,
                _ => return None,
            };
            let number: u64 = text[..text.len() - 1].parse().ok()?;
            number.checked_mul(unit)?
        }
    };
    (1..=LONGEST).contains(&seconds).then_some(seconds)
}

/// Rows that come in so many seconds.
fn rows_in(seconds: u64, step: i64) -> u64 {
    let step = step.max(1) as f64 / 1e6;
    let near = |clock: &&u64| (**clock as f64 / step - 1.0).abs() <= 0.02;
    let step = STEPS.iter().find(near).map_or(step, |clock| *clock as f64);
    (seconds as f64 / step).round() as u64
}

impl Setting for Seasonality {
    type Range = ();

    fn read(value: &Value, (): &()) -> Option<Self> {
        let mut lengths = match value {
            Value::Text(text) if text.trim().eq_ignore_ascii_case("auto") => {
                return Some(Self::Found);
            }
            Value::Text(text) => Self::parse(text)?,
            Value::List(values) => {
                let of = |value: &Value| match value {
                    Value::Text(text) => length(&text.trim().to_lowercase()),
                    _ => None,
                };
                values.iter().map(of).collect::<Option<_>>()?
            }
            _ => return None,
        };
        lengths.sort_unstable();
        lengths.dedup();
        Some(Self::Given(lengths))
    }

    fn is_allowed(&self, (): &()) -> bool {
        true
    }

    fn allowed((): &()) -> String {
        "auto, none, or lengths up to a year: hour, day, week, 8h, 90m".to_owned()
    }

    fn show(&self) -> Value {
        Value::Text(match self {
            Self::Found => "auto".to_owned(),
            Self::Given(lengths) if lengths.is_empty() => "none".to_owned(),
            Self::Given(lengths) => {
                let texts: Vec<String> =
                    lengths.iter().map(|length| format!("{length}s")).collect();
                texts.join(",")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Seasonality> {
        Seasonality::read(&Value::Text(text.to_owned()), &())
    }

    #[test]
    fn lengths_are_read_and_nonsense_is_not() {
        assert_eq!(read("auto"), Some(Seasonality::Found));
        assert_eq!(read("none"), Some(Seasonality::Given(Vec::new())));
        assert_eq!(read("Week, day"), Some(Seasonality::Given(vec![DAY, WEEK])));
        assert_eq!(read("[day, week]"), read("day,week"));
        assert_eq!(read("90m"), Some(Seasonality::Given(vec![90 * MINUTE])));
        let list = ["day", "8h"].map(|text| Value::Text(text.to_owned()));
        let list = Seasonality::read(&Value::List(list.into()), &());
        assert_eq!(list, Some(Seasonality::Given(vec![8 * HOUR, DAY])));
        for wrong in ["dya", "0h", "-1h", "500d", "day week month", "h", "1e3s"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(Seasonality::read(&Value::Number(24.0), &()), None);
        let shown = read("day,week").expect("known").show();
        assert_eq!(Seasonality::read(&shown, &()), read("day,week"));
    }

    #[test]
    fn seasons_become_rows() {
        let rows = |text: &str, step: u64| {
            let given = read(text).expect("known");
            let shaken = (step * 1_000_000 + step * 7_000) as i64;
            given.in_rows(shaken).map(|rows| (rows.period, rows.cycle))
        };
        assert_eq!(rows("day", 300), Some((288, 0)));
        assert_eq!(rows("day,week", 3_600), Some((24, 7)));
        assert_eq!(rows("week", 3_600), Some((168, 0)));
        assert_eq!(rows("hour,day,week", 60), Some((1_440, 7)));
        assert_eq!(rows("8h,day", 900), Some((96, 0)));
        assert_eq!(
            rows("hour,day", 3_600),
            Some((24, 0)),
            "an hour has no rows"
        );
        assert_eq!(rows("day", 86_400), None);
        assert_eq!(rows("none", 60), None);
        assert_eq!(rows("auto", 60), None);
    }
}
