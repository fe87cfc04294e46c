//! When a stream decides otherwise: rules over the local time of an event.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{Offset, TimeZone};
use willet_core::decision::{CalendarRule, Day, DecisionConfig, Policy};
use willet_core::error::ConfigError;

use crate::event::Timestamp;

/// The calendar rules of a stream, checked. The database of time zones is the one in the binary: what it says does not
/// depend on the machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calendars {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    zone: TimeZone,
    days: Vec<Weekday>,
    dates: Vec<DateRule>,
    /// Minutes of the day, from and to; to may lie before from.
    hours: Vec<(u16, u16)>,
    policy: Policy,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum DateRule {
    Once(Date),
    Yearly(i8, i8),
}

/// Most rules of a stream: each is looked at for every event.
const MAX_RULES: usize = 64;
const DAY_MINUTES: u16 = 24 * 60;

impl Calendars {
    pub(crate) fn new(config: &DecisionConfig) -> Result<Self, ConfigError> {
        let rules = &config.calendars;
        if rules.len() > MAX_RULES {
            let expected = format!("at most {MAX_RULES} rules");
            return Err(wrong(
                "calendars",
                format!("{} rules", rules.len()),
                &expected,
            ));
        }
        let rules = rules
            .iter()
            .map(|rule| Rule::new(rule, config).map_err(|error| error.within("calendars")));
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
        })
    }

    /// The policy of the first rule that holds; without a time none does.
    pub(crate) fn policy_at(&self, time: Option<Timestamp>) -> Option<&Policy> {
        if self.rules.is_empty() {
            return None;
        }
        let time = jiff::Timestamp::from_microsecond(time?.0).ok()?;
        self.rules
            .iter()
            .find(|rule| rule.holds(time))
            .map(|rule| &rule.policy)
    }

    /// Whether a rule counts flags over event time.
    pub(crate) fn need_time(&self) -> bool {
        self.rules.iter().any(|rule| rule.policy.needs_time())
    }
}

fn wrong(name: &str, found: String, expected: &str) -> ConfigError {
    ConfigError::Value {
        name: name.to_owned(),
        found,
        expected: expected.to_owned(),
    }
}

impl Rule {
    fn new(rule: &CalendarRule, config: &DecisionConfig) -> Result<Self, ConfigError> {
        let chooses =
            rule.contamination.is_some() || rule.threshold.is_some() || rule.rate.is_some();
        if rule.mute == chooses && (rule.mute || rule.learn) {
            let found = if rule.mute {
                "true beside another decision"
            } else {
                "false alone"
            };
            let expected = "true, or one of contamination, threshold and rate (or learn: false)";
            return Err(wrong("mute", found.to_owned(), expected));
        }
        let mut policy = if chooses {
            Policy::try_from(&DecisionConfig {
                contamination: rule.contamination,
                threshold: rule.threshold,
                rate: rule.rate.clone(),
                ..config.clone()
            })?
        } else {
            Policy::try_from(config)?
        };
        if rule.mute {
            policy = policy.muted();
        }
        if !rule.learn {
            policy = policy.without_learning();
        }
        Ok(Self {
            zone: zone(&rule.time_zone)?,
            days: rule.days.iter().map(|day| weekday(*day)).collect(),
            dates: rule
                .dates
                .iter()
                .map(|text| date(text))
                .collect::<Result<_, _>>()?,
            hours: rule
                .hours
                .iter()
                .map(|text| hours(text))
                .collect::<Result<_, _>>()?,
            policy,
        })
    }

    fn holds(&self, time: jiff::Timestamp) -> bool {
        let local = self.zone.to_datetime(time);
        let minute = minute_of(local);
        if self.hours.is_empty() {
            return self.holds_on(local.date());
        }
        self.hours.iter().any(|(from, to)| {
            if from < to {
                (*from..*to).contains(&minute) && self.holds_on(local.date())
            } else if minute >= *from {
                self.holds_on(local.date())
            } else {
                // Past midnight: the hours belong to the day before.
                minute < *to
                    && local
                        .date()
                        .yesterday()
                        .is_ok_and(|date| self.holds_on(date))
            }
        })
    }

    fn holds_on(&self, date: Date) -> bool {
        let is_date = |rule: &DateRule| match rule {
            DateRule::Once(once) => *once == date,
            DateRule::Yearly(month, day) => (*month, *day) == (date.month(), date.day()),
        };
        (self.days.is_empty() && self.dates.is_empty())
            || self.days.contains(&date.weekday())
            || self.dates.iter().any(is_date)
    }
}

fn minute_of(local: DateTime) -> u16 {
    (i16::from(local.hour()) * 60 + i16::from(local.minute())).unsigned_abs()
}

/// The clock on the wall of where a stream comes from.
#[derive(Clone, Debug)]
pub(crate) struct WallClock(TimeZone);

impl WallClock {
    /// The clock of a place; `None` where its name is UTC, whose clock is never turned.
    pub(crate) fn new(name: &str) -> Result<Option<Self>, ConfigError> {
        Ok((name != "UTC").then_some(Self(zone(name)?)))
    }

    /// By how many microseconds it was put forward between two times; below 0 where it was put back.
    pub(crate) fn turned(&self, from: i64, to: i64) -> i64 {
        let offset = |time: i64| {
            let time = jiff::Timestamp::from_microsecond(time).ok()?;
            Some(i64::from(self.0.to_offset(time).seconds()))
        };
        let turned = offset(from).zip(offset(to)).map(|(from, to)| to - from);
        turned.unwrap_or(0) * 1_000_000
    }
}

fn zone(name: &str) -> Result<TimeZone, ConfigError> {
    if name == "UTC" {
        return Ok(TimeZone::fixed(Offset::UTC));
    }
    jiff::tz::TimeZoneDatabase::bundled()
        .get(name)
        .map_err(|_| {
            let expected = "a name in the IANA time-zone database (Europe/Berlin, UTC)";
            wrong("time_zone", format!("{name:?}"), expected)
        })
}

fn weekday(day: Day) -> Weekday {
    match day {
        Day::Monday => Weekday::Monday,
        Day::Tuesday => Weekday::Tuesday,
        Day::Wednesday => Weekday::Wednesday,
        Day::Thursday => Weekday::Thursday,
        Day::Friday => Weekday::Friday,
        Day::Saturday => Weekday::Saturday,
        Day::Sunday => Weekday::Sunday,
    }
}

fn date(text: &str) -> Result<DateRule, ConfigError> {
    let yearly = || {
        let (month, day) = text.split_once('-')?;
        let (month, day) = (number(month)?, number(day)?);
        // A leap year: the 29th of February is a day too.
        Date::new(2024, month, day).ok()?;
        Some(DateRule::Yearly(month, day))
    };
    let date = match text.len() {
        5 => yearly(),
        10 => text.parse().ok().map(DateRule::Once),
        _ => None,
    };
    let expected = "a date (2026-12-25), or a day of each year (12-25)";
    date.ok_or_else(|| wrong("dates", format!("{text:?}"), expected))
}

fn number(text: &str) -> Option<i8> {
    let are_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| text.parse().ok())?
}

fn hours(text: &str) -> Result<(u16, u16), ConfigError> {
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute) = (number(hour)?.unsigned_abs(), number(minute)?.unsigned_abs());
        let total = u16::from(hour) * 60 + u16::from(minute);
        (minute < 60 && total <= DAY_MINUTES).then_some(total)
    };
    let span = text.split_once('-').and_then(|(from, to)| {
        let (from, to) = (minute(from)?, minute(to)?);
        (from != to && from < DAY_MINUTES).then_some((from, to))
    });
    let expected = "hours of a day (08:00-17:30, 22:00-06:00, 18:00-24:00)";
    span.ok_or_else(|| wrong("hours", format!("{text:?}"), expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(time_zone: &str, days: &[Day], dates: &[&str], hours: &[&str]) -> CalendarRule {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        CalendarRule {
            time_zone: time_zone.to_owned(),
            days: days.to_vec(),
            dates: owned(dates),
            hours: owned(hours),
            mute: true,
            ..Default::default()
        }
    }

    fn calendars(rules: Vec<CalendarRule>) -> Result<Calendars, String> {
        let config = DecisionConfig {
            calendars: rules,
            ..Default::default()
        };
        Calendars::new(&config).map_err(|error| error.to_string())
    }

    fn holds(rule: &CalendarRule, time: &str) -> bool {
        let time: jiff::Timestamp = time.parse().expect(time);
        calendars(vec![rule.clone()])
            .expect("valid")
            .policy_at(Some(Timestamp(time.as_microsecond())))
            .is_some()
    }

    #[test]
    fn days_dates_and_hours() {
        let weekend = rule(
            "UTC",
            &[Day::Saturday, Day::Sunday],
            &["12-25", "2026-05-01"],
            &[],
        );
        for (time, expected) in [
            ("2026-01-03T00:00:00Z", true),
            ("2026-01-05T00:00:00Z", false),
            ("2026-12-25T12:00:00Z", true),
            ("2031-12-25T12:00:00Z", true),
            ("2026-05-01T12:00:00Z", true),
            ("2028-05-01T12:00:00Z", false),
        ] {
            assert_eq!(holds(&weekend, time), expected, "{time}");
        }
        let night = rule("UTC", &[Day::Friday], &[], &["22:00-06:00", "12:00-12:30"]);
        for (time, expected) in [
            ("2026-01-02T21:59:59Z", false),
            ("2026-01-02T22:00:00Z", true),
            ("2026-01-03T05:59:59Z", true),
            ("2026-01-03T06:00:00Z", false),
            ("2026-01-02T05:00:00Z", false),
            ("2026-01-02T12:29:59Z", true),
            ("2026-01-02T12:30:00Z", false),
        ] {
            assert_eq!(holds(&night, time), expected, "{time}");
        }
    }

    #[test]
    fn hours_are_those_of_the_clock_on_the_wall_when_it_is_changed() {
        let work = rule("Europe/Berlin", &[], &[], &["08:00-17:00"]);
        for (time, expected) in [
            // Winter: one hour ahead of UTC; summer: two.
            ("2026-03-28T07:00:00Z", true),
            ("2026-03-28T06:30:00Z", false),
            ("2026-03-29T06:00:00Z", true),
            ("2026-03-29T15:00:00Z", false),
            ("2026-10-24T06:30:00Z", true),
            ("2026-10-25T06:30:00Z", false),
            ("2026-10-25T07:00:00Z", true),
            ("2026-10-25T15:59:59Z", true),
        ] {
            assert_eq!(holds(&work, time), expected, "{time}");
        }
        // On the day of March the hour does not come, on the day of October it comes twice.
        let hour = rule("Europe/Berlin", &[], &[], &["02:00-03:00"]);
        let minutes = |day: &str| {
            let start: jiff::Timestamp = format!("{day}T22:00:00Z").parse().expect("valid");
            let calendars = calendars(vec![hour.clone()]).expect("valid");
            let held = (0..8 * 60).filter(|minute| {
                let time = Timestamp(start.as_microsecond() + minute * 60_000_000);
                calendars.policy_at(Some(time)).is_some()
            });
            held.count()
        };
        assert_eq!(minutes("2026-03-28"), 0);
        assert_eq!(minutes("2026-10-24"), 120);
        assert_eq!(minutes("2026-06-10"), 60);
    }

    #[test]
    fn the_first_rule_that_holds_counts_and_none_without_a_time() {
        let stricter = CalendarRule {
            mute: false,
            threshold: Some(0.9),
            ..rule("UTC", &[Day::Monday], &[], &[])
        };
        let calendars = calendars(vec![stricter, rule("UTC", &[], &[], &[])]).expect("valid");
        let at = |time: &str| {
            let time: jiff::Timestamp = time.parse().expect(time);
            calendars.policy_at(Some(Timestamp(time.as_microsecond())))
        };
        let monday = at("2026-01-05T12:00:00Z").expect("holds");
        assert!(!monday.is_muted() && (monday.depth() - 9.0).abs() < 1e-9);
        assert!(at("2026-01-06T12:00:00Z").expect("holds").is_muted());
        assert!(calendars.policy_at(None).is_none());
        assert!(calendars.policy_at(Some(Timestamp(i64::MAX))).is_none());
    }

    #[test]
    fn wrong_rules_say_what_is_right() {
        let check = |rule: CalendarRule, expected: &str| {
            assert_eq!(
                calendars(vec![rule]).expect_err("must be refused"),
                expected
            );
        };
        check(
            rule("Europe/Atlantis", &[], &[], &[]),
            "calendars.time_zone is \"Europe/Atlantis\", expected a name in the IANA time-zone database (Europe/Berlin, UTC)",
        );
        for dates in ["2026-02-30", "13-01", "+1-01", "soon"] {
            check(
                rule("UTC", &[], &[dates], &[]),
                &format!(
                    "calendars.dates is {dates:?}, expected a date (2026-12-25), or a day of each year (12-25)"
                ),
            );
        }
        for hours in [
            "8-17",
            "08:00-08:00",
            "08:60-09:00",
            "24:00-01:00",
            "08:00-25:00",
        ] {
            check(
                rule("UTC", &[], &[], &[hours]),
                &format!(
                    "calendars.hours is {hours:?}, expected hours of a day (08:00-17:30, 22:00-06:00, 18:00-24:00)"
                ),
            );
        }
        check(
            CalendarRule {
                rate: Some("2 a day".to_owned()),
                ..rule("UTC", &[], &[], &[])
            },
            "calendars.mute is true beside another decision, expected true, or one of contamination, threshold and rate \
             (or learn: false)",
        );
        check(
            CalendarRule::default(),
            "calendars.mute is false alone, expected true, or one of contamination, threshold and rate (or learn: false)",
        );
        check(
            CalendarRule {
                mute: false,
                contamination: Some(7.0),
                ..rule("UTC", &[], &[], &[])
            },
            "calendars.contamination is 7, expected a rate above 0 and below 0.5 (1 % is written 0.01)",
        );
    }
}
