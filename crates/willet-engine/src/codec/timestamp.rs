//! Event times: RFC 3339 and its looser relatives, epoch numbers, and the way back to text.

use serde::{Deserialize, Serialize};

use crate::event::Timestamp;

/// First instant accepted: 1900-01-01T00:00:00Z. Before it a time is a mistake, not history.
pub const EARLIEST: Timestamp = Timestamp(-2_208_988_800_000_000);
/// First instant no longer accepted: 2300-01-01T00:00:00Z.
pub const LATEST: Timestamp = Timestamp(10_413_792_000_000_000);

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// What an epoch number counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimestampUnit {
    /// Told apart by size; a number that could be two units is rejected.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// Seconds, with fractions.
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Millis,
    /// Microseconds.
    #[serde(rename = "us")]
    Micros,
    /// Nanoseconds; cut to microseconds.
    #[serde(rename = "ns")]
    Nanos,
    /// Nothing: they are dates written without dashes, 20220101, with the time of day behind it where there is one, 202201011430 or
    /// 20220101143000.
    #[serde(rename = "ymd")]
    Ymd,
}

/// Why a time was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// Neither a number nor RFC 3339.
    #[error(
        "timestamp \"{got}\" is not a time, expected RFC 3339 such as 2026-01-02T03:04:05Z or an epoch number"
    )]
    NotATime {
        /// What came.
        got: String,
    },
    /// An epoch number whose size fits two units.
    #[error("timestamp \"{got}\" could be {smaller} or {larger} (set timestamp_unit)")]
    Ambiguous {
        /// What came.
        got: String,
        /// The coarser unit.
        smaller: &'static str,
        /// The finer unit.
        larger: &'static str,
    },
    /// Understood, but nobody means it.
    #[error("timestamp \"{got}\" lies outside the years 1900 to 2299 (check timestamp_unit)")]
    OutOfRange {
        /// What came.
        got: String,
    },
}

/// Reads a time from text: RFC 3339, `2014-02-14 14:30:00` (UTC where no zone is given), a date, or an epoch number.
pub fn parse(text: &str, unit: TimestampUnit) -> Result<Timestamp, TimestampError> {
    let text = text.trim_ascii();
    if unit == TimestampUnit::Ymd
        && let Some(time) = calendar_digits(text)
    {
        return in_range(time, || text.to_owned());
    }
    if let Some(time) = parse_plain(text.as_bytes()) {
        return in_range(time, || text.to_owned());
    }
    if is_number_like(text) {
        if let Ok(whole) = text.parse::<i128>() {
            return from_integer(whole, unit);
        }
        if let Ok(number) = text.parse::<f64>() {
            return from_float(number, unit, || text.to_owned());
        }
    }
    parse_any(text)
        .ok_or_else(|| TimestampError::NotATime { got: shorten(text) })
        .and_then(|time| in_range(time, || shorten(text)))
}

/// Whether a text is a date and time of a clock that nobody names: neither an epoch number nor one with `Z` or an offset.
pub(super) fn is_of_no_zone(text: &str) -> bool {
    let text = text.trim_ascii();
    !is_number_like(text)
        && parse_any(text).is_some()
        && text.parse::<jiff::Timestamp>().is_err()
        && !text.ends_with(['Z', 'z'])
}

/// Reads a whole epoch number.
pub fn from_integer(number: i128, unit: TimestampUnit) -> Result<Timestamp, TimestampError> {
    let got = || number.to_string();
    let unit = match unit {
        TimestampUnit::Auto if looks_like_date(number) => {
            return Err(TimestampError::Ambiguous {
                got: got(),
                smaller: "a date",
                larger: "seconds",
            });
        }
        // Milliseconds of the year 2600, or a date with a time of day.
        TimestampUnit::Auto if is_date_and_time(number) => TimestampUnit::Ymd,
        TimestampUnit::Auto => unit_of(number.unsigned_abs() as f64, got)?,
        known => known,
    };
    let micros = match unit {
        TimestampUnit::Ymd => {
            return calendar_digits(&number.to_string())
                .ok_or_else(|| TimestampError::NotATime { got: got() })
                .and_then(|time| in_range(time, got));
        }
        TimestampUnit::Auto | TimestampUnit::Seconds => number.checked_mul(1_000_000),
        TimestampUnit::Millis => number.checked_mul(1_000),
        TimestampUnit::Micros => Some(number),
        TimestampUnit::Nanos => Some(number.div_euclid(1_000)),
    };
    micros
        .and_then(|micros| i64::try_from(micros).ok())
        .ok_or_else(|| TimestampError::OutOfRange { got: got() })
        .and_then(|micros| in_range(Timestamp(micros), got))
}

/// Reads an epoch number with a fraction; rounded to the nearest microsecond.
pub fn from_number(number: f64, unit: TimestampUnit) -> Result<Timestamp, TimestampError> {
    from_float(number, unit, || number.to_string())
}

/// `time` as RFC 3339 in UTC; see [`write_rfc3339`].
pub fn rfc3339(time: Timestamp) -> String {
    let mut text = Vec::with_capacity(27);
    write_rfc3339(&mut text, time);
    String::from_utf8(text).expect("digits and separators")
}

/// Writes `time` as RFC 3339 in UTC, with 0, 3 or 6 digits of fraction, whatever is enough.
/// Years beyond 0000 to 9999, which the format cannot say, are written as its ends.
pub fn write_rfc3339(out: &mut Vec<u8>, time: Timestamp) {
    /// 0000-01-01 and the last microsecond of 9999.
    const WRITABLE: (i64, i64) = (-62_167_219_200_000_000, 253_402_300_799_999_999);
    let micros = time.0.clamp(WRITABLE.0, WRITABLE.1);
    let seconds = micros.div_euclid(MICROS_PER_SECOND);
    let fraction = micros.rem_euclid(MICROS_PER_SECOND) as u32;
    let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
    let second = seconds.rem_euclid(SECONDS_PER_DAY) as u32;

    let mut text = *b"0000-00-00T00:00:00.000000Z";
    two_digits(&mut text, 0, year as u32 / 100);
    two_digits(&mut text, 2, year as u32 % 100);
    two_digits(&mut text, 5, month);
    two_digits(&mut text, 8, day);
    two_digits(&mut text, 11, second / 3600);
    two_digits(&mut text, 14, second / 60 % 60);
    two_digits(&mut text, 17, second % 60);
    if fraction == 0 {
        text[19] = b'Z';
        out.extend_from_slice(&text[..20]);
        return;
    }
    two_digits(&mut text, 20, fraction / 10_000);
    two_digits(&mut text, 22, fraction / 100 % 100);
    two_digits(&mut text, 24, fraction % 100);
    if fraction.is_multiple_of(1_000) {
        text[23] = b'Z';
        out.extend_from_slice(&text[..24]);
    } else {
        out.extend_from_slice(&text);
    }
}

fn two_digits(text: &mut [u8; 27], at: usize, number: u32) {
    text[at] = b'0' + (number / 10 % 10) as u8;
    text[at + 1] = b'0' + (number % 10) as u8;
}

fn in_range(time: Timestamp, got: impl FnOnce() -> String) -> Result<Timestamp, TimestampError> {
    if (EARLIEST..LATEST).contains(&time) {
        Ok(time)
    } else {
        Err(TimestampError::OutOfRange { got: got() })
    }
}

/// The unit of a number of this size. The gaps between the units are where two of them give a believable year.
fn unit_of(size: f64, got: impl FnOnce() -> String) -> Result<TimestampUnit, TimestampError> {
    let (smaller, larger) = match size {
        size if size < 1e10 => return Ok(TimestampUnit::Seconds),
        size if size < 1e11 => ("seconds", "milliseconds"),
        size if size < 1e13 => return Ok(TimestampUnit::Millis),
        size if size < 1e14 => ("milliseconds", "microseconds"),
        size if size < 1e16 => return Ok(TimestampUnit::Micros),
        size if size < 1e17 => ("microseconds", "nanoseconds"),
        size if size < 1e19 => return Ok(TimestampUnit::Nanos),
        _ => return Err(TimestampError::OutOfRange { got: got() }),
    };
    Err(TimestampError::Ambiguous {
        got: got(),
        smaller,
        larger,
    })
}

fn from_float(
    number: f64,
    unit: TimestampUnit,
    got: impl Fn() -> String,
) -> Result<Timestamp, TimestampError> {
    if !number.is_finite() {
        return Err(TimestampError::NotATime { got: got() });
    }
    let unit = match unit {
        TimestampUnit::Ymd if number.fract() == 0.0 => return from_integer(number as i128, unit),
        TimestampUnit::Ymd => return Err(TimestampError::NotATime { got: got() }),
        TimestampUnit::Auto => unit_of(number.abs(), &got)?,
        known => known,
    };
    let micros = match unit {
        // Dates were answered above.
        TimestampUnit::Auto | TimestampUnit::Ymd | TimestampUnit::Seconds => (number * 1e6).round(),
        TimestampUnit::Millis => (number * 1e3).round(),
        TimestampUnit::Micros => number.round(),
        TimestampUnit::Nanos => (number / 1e3).floor(),
    };
    // `as` saturates, and the ends of i64 are out of range too.
    in_range(Timestamp(micros as i64), got)
}

/// Whether a number is what a date without dashes looks like; as seconds it would be August 1970, which nobody means.
fn looks_like_date(number: i128) -> bool {
    (19_000_101..=21_001_231).contains(&number) && calendar_digits(&number.to_string()).is_some()
}

fn is_date_and_time(number: i128) -> bool {
    (19_000_101_000_000..=21_001_231_235_959).contains(&number)
        && calendar_digits(&number.to_string()).is_some()
}

/// `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`.
pub(super) fn calendar_digits(text: &str) -> Option<Timestamp> {
    let digits = text.as_bytes();
    if !matches!(digits.len(), 8 | 12 | 14) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let of_day = |from: usize| {
        if from < digits.len() {
            number(from, from + 2)
        } else {
            Some(0)
        }
    };
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (of_day(8)?, of_day(10)?, of_day(12)?);
    let is_date = day > 0 && day <= days_in_month(year, month)?;
    if !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let of_day = i64::from(hour * 3600 + minute * 60 + second);
    let seconds = days_from_civil(year, month, day) * SECONDS_PER_DAY + of_day;
    Some(Timestamp(seconds * MICROS_PER_SECOND))
}

fn is_number_like(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'))
        && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// `YYYY-MM-DD[T ]HH:MM:SS[.fraction][Z|±HH:MM]`, the form nearly every file has; `None` sends the text to [`parse_any`].
fn parse_plain(text: &[u8]) -> Option<Timestamp> {
    let (head, rest) = text.split_first_chunk::<19>()?;
    if head[4] != b'-' || head[7] != b'-' || head[13] != b':' || head[16] != b':' {
        return None;
    }
    if !matches!(head[10], b'T' | b' ' | b't') {
        return None;
    }
    let year = pair(head, 0)? * 100 + pair(head, 2)?;
    let (month, day) = (pair(head, 5)?, pair(head, 8)?);
    let (hour, minute, second) = (pair(head, 11)?, pair(head, 14)?, pair(head, 17)?);
    // A leap second and anything impossible go the slow way, which knows what to say.
    if hour > 23 || minute > 59 || second > 59 || day == 0 || day > days_in_month(year, month)? {
        return None;
    }
    let (fraction, rest) = fraction(rest)?;
    let offset = match rest {
        [] | [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), digits @ ..] => {
            let digits: &[u8; 5] = digits.try_into().ok()?;
            let (hours, minutes) = (pair(digits, 0)?, pair(digits, 3)?);
            if digits[2] != b':' || hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i64::from(hours * 3600 + minutes * 60);
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    let of_day = i64::from(hour * 3600 + minute * 60 + second);
    let seconds = days_from_civil(year, month, day) * SECONDS_PER_DAY + of_day - offset;
    Some(Timestamp(seconds * MICROS_PER_SECOND + fraction))
}

#[inline]
fn pair<const N: usize>(text: &[u8; N], at: usize) -> Option<u32> {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Microseconds of `.fff`, cut after six digits, and what follows.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', digits @ ..] = text else {
        return Some((0, text));
    };
    let count = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if count == 0 || count > 9 {
        return None;
    }
    let mut micros = 0;
    let padded = digits[..count].iter().chain(std::iter::repeat(&b'0'));
    for digit in padded.take(6) {
        micros = micros * 10 + i64::from(digit - b'0');
    }
    Some((micros, &digits[count..]))
}

fn days_in_month(year: u32, month: u32) -> Option<u32> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 if leap => Some(29),
        2 => Some(28),
        _ => None,
    }
}

/// Days since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms").
fn days_from_civil(year: u32, month: u32, day: u32) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]: year, month, day.
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

/// `06.01.2025`, day first wherever dates have points, and `2025/01/06`, each with a time of day behind it or without.
fn parse_local(text: &str) -> Option<Timestamp> {
    let (date, of_day) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
    let (year, month, day) = if let Some((day, rest)) = date.split_once('.') {
        let (month, year) = rest.split_once('.')?;
        (year, month, day)
    } else {
        let (year, rest) = date.split_once('/')?;
        let (month, day) = rest.split_once('/')?;
        (year, month, day)
    };
    if year.len() != 4 {
        return None;
    }
    let (hour, rest) = of_day.trim_start().split_once(':')?;
    let (minute, second) = rest.split_once(':').unwrap_or((rest, "00"));
    // Whatever is no number, or none of a date, is found below.
    let plain =
        format!("{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}:{second}").replace(',', ".");
    parse_plain(plain.as_bytes())
}

/// Everything else that is RFC 3339 or near it.
fn parse_any(text: &str) -> Option<Timestamp> {
    if let Some(time) = parse_local(text) {
        return Some(time);
    }
    // A date and a time at least look like one; short texts such as "12" must not.
    if text.len() < "2014-02-14".len() {
        return None;
    }
    let nanos = match text.parse::<jiff::Timestamp>() {
        Ok(time) => time.as_nanosecond(),
        Err(_) => text
            .parse::<jiff::civil::DateTime>()
            .ok()?
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_nanosecond(),
    };
    i64::try_from(nanos.div_euclid(1_000)).ok().map(Timestamp)
}

/// Enough of a text to recognise it in a message.
fn shorten(text: &str) -> String {
    super::reject::excerpt(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, unit: TimestampUnit, expected: Result<i64, &str>) {
        let got = parse(text, unit)
            .map(|time| time.0)
            .map_err(|error| error.to_string());
        assert_eq!(
            got.as_ref().map_err(String::as_str),
            expected.as_ref().map_err(|text| &**text),
            "{text}"
        );
    }

    #[test]
    fn texts_and_numbers_become_microseconds() {
        let auto = TimestampUnit::Auto;
        for (text, micros) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2014-02-14 14:30:00", 1_392_388_200_000_000),
            ("2014-02-14T14:30:00Z", 1_392_388_200_000_000),
            ("2014-02-14t14:30:00z", 1_392_388_200_000_000),
            (" 2014-02-14 14:30:00 ", 1_392_388_200_000_000),
            ("2014-02-14T14:30:00.5Z", 1_392_388_200_500_000),
            ("2014-02-14T14:30:00.123456789Z", 1_392_388_200_123_456),
            ("2014-02-14T16:30:00+02:00", 1_392_388_200_000_000),
            ("2014-02-14T12:00:00-02:30", 1_392_388_200_000_000),
            ("2014-02-14T14:30Z", 1_392_388_200_000_000),
            ("2014-02-14", 1_392_336_000_000_000),
            ("2016-02-29", 1_456_704_000_000_000),
            ("14.02.2014 14:30", 1_392_388_200_000_000),
            ("14.2.2014 14:30:00,5", 1_392_388_200_500_000),
            ("14.02.2014", 1_392_336_000_000_000),
            ("2014/02/14 14:30:00", 1_392_388_200_000_000),
            ("2014/2/14", 1_392_336_000_000_000),
            ("2014-02-14 14:30:00,5", 1_392_388_200_500_000),
            ("1969-12-31T23:59:59.999Z", -1_000),
            ("1392388200", 1_392_388_200_000_000),
            ("1392388200.25", 1_392_388_200_250_000),
            ("1.3923882e9", 1_392_388_200_000_000),
            ("-86400", -86_400_000_000),
            ("0", 0),
            ("1392388200000", 1_392_388_200_000_000),
            ("1392388200000000", 1_392_388_200_000_000),
            ("1392388200000000999", 1_392_388_200_000_000),
        ] {
            check(text, auto, Ok(micros));
        }
        check("20000000000", TimestampUnit::Millis, Ok(20_000_000_000_000));
        check("1392388200", TimestampUnit::Micros, Ok(1_392_388_200));
        check("1392388200.7", TimestampUnit::Micros, Ok(1_392_388_201));
    }

    #[test]
    fn dates_without_dashes_are_dates_where_that_is_known_and_asked_about_else() {
        let ymd = TimestampUnit::Ymd;
        for (text, micros) in [
            ("20220101", 1_640_995_200_000_000),
            ("202201011430", 1_641_047_400_000_000),
            ("20220101143005", 1_641_047_405_000_000),
            ("2022-01-01", 1_640_995_200_000_000),
        ] {
            check(text, ymd, Ok(micros));
        }
        check(
            "20220101143005",
            TimestampUnit::Auto,
            Ok(1_641_047_405_000_000),
        );
        assert_eq!(
            from_number(20_220_101.0, ymd),
            Ok(Timestamp(1_640_995_200_000_000))
        );
        check(
            "20220231",
            ymd,
            Err(
                "timestamp \"20220231\" is not a time, expected RFC 3339 such as 2026-01-02T03:04:05Z or an epoch number",
            ),
        );
    }

    #[test]
    fn what_cannot_be_a_time_says_why() {
        let auto = TimestampUnit::Auto;
        for (text, message) in [
            (
                "20220101",
                "timestamp \"20220101\" could be a date or seconds (set timestamp_unit)",
            ),
            (
                "20000000000",
                "timestamp \"20000000000\" could be seconds or milliseconds (set timestamp_unit)",
            ),
            (
                "20000000000000",
                "timestamp \"20000000000000\" could be milliseconds or microseconds (set timestamp_unit)",
            ),
            (
                "20000000000000000",
                "timestamp \"20000000000000000\" could be microseconds or nanoseconds (set timestamp_unit)",
            ),
            (
                "1e20",
                "timestamp \"1e20\" lies outside the years 1900 to 2299 (check timestamp_unit)",
            ),
            (
                "1899-12-31T23:59:59Z",
                "timestamp \"1899-12-31T23:59:59Z\" lies outside the years 1900 to 2299 (check timestamp_unit)",
            ),
            (
                "2300-01-01T00:00:00Z",
                "timestamp \"2300-01-01T00:00:00Z\" lies outside the years 1900 to 2299 (check timestamp_unit)",
            ),
            (
                "30.02.2014",
                "timestamp \"30.02.2014\" is not a time, expected RFC 3339 such as 2026-01-02T03:04:05Z or an epoch number",
            ),
            (
                "02/14/2014",
                "timestamp \"02/14/2014\" is not a time, expected RFC 3339 such as 2026-01-02T03:04:05Z or an epoch number",
            ),
            (
                "yesterday",
                "timestamp \"yesterday\" is not a time, expected RFC 3339 such as 2026-01-02T03:04:05Z or an epoch number",
            ),
            (
                "2014-02-30 00:00:00",
                "timestamp \"2014-02-30 00:00:00\" is not a time, expected RFC 3339 such as 2026-01-02T03:04:05Z or an epoch number",
            ),
            (
                "",
                "timestamp \"\" is not a time, expected RFC 3339 such as 2026-01-02T03:04:05Z or an epoch number",
            ),
            (
                "-",
                "timestamp \"-\" is not a time, expected RFC 3339 such as 2026-01-02T03:04:05Z or an epoch number",
            ),
        ] {
            check(text, auto, Err(message));
        }
        assert!(matches!(
            from_number(f64::NAN, auto),
            Err(TimestampError::NotATime { .. })
        ));
        assert!(matches!(
            from_integer(i128::MAX, TimestampUnit::Seconds),
            Err(TimestampError::OutOfRange { .. })
        ));
    }

    #[test]
    fn written_with_only_the_digits_needed() {
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_392_388_200_500_000, "2014-02-14T14:30:00.500Z"),
            (1_392_388_200_000_001, "2014-02-14T14:30:00.000001Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (i64::MAX, "9999-12-31T23:59:59.999999Z"),
            (i64::MIN, "0000-01-01T00:00:00Z"),
        ] {
            let mut out = Vec::new();
            write_rfc3339(&mut out, Timestamp(micros));
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    proptest! {
        #[test]
        fn the_fast_paths_agree_with_jiff(micros in EARLIEST.0..LATEST.0, digits in 0u8..=9) {
            let time = jiff::Timestamp::from_microsecond(micros).unwrap();
            let text = format!("{time:.*}", usize::from(digits));
            let again = text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
            prop_assert_eq!(parse_plain(text.as_bytes()), Some(Timestamp(again)));

            let mut out = Vec::new();
            write_rfc3339(&mut out, Timestamp(micros));
            let written = String::from_utf8(out).unwrap();
            prop_assert_eq!(written.parse::<jiff::Timestamp>().unwrap(), time);
            prop_assert_eq!(parse_plain(written.as_bytes()), Some(Timestamp(micros)));
        }

        #[test]
        fn the_fast_path_takes_nothing_that_jiff_refuses(
            text in "[0-2][0-9]{3}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-6][0-9])"
        ) {
            if let Some(time) = parse_plain(text.as_bytes()) {
                let slow = text.parse::<jiff::Timestamp>().unwrap();
                prop_assert_eq!(i128::from(time.0), slow.as_nanosecond().div_euclid(1000));
            }
        }
    }
}
