//! Numbers in text, the same bits as JSON's.

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// Before the fraction.
    pub(super) decimal: char,
    /// Between groups of three digits, where something is.
    pub(super) thousands: Option<char>,
}

impl Style {
    /// `1234.5`.
    pub(super) const PLAIN: Self = Self {
        decimal: '.',
        thousands: None,
    };

    /// Reads a number written this way, rounded to the nearest f64.
    #[inline]
    pub(super) fn parse(self, text: &[u8]) -> Option<f64> {
        if self == Self::PLAIN {
            return parse(text);
        }
        self.parse_other(text)
    }

    fn parse_other(self, text: &[u8]) -> Option<f64> {
        let text = std::str::from_utf8(text).ok()?;
        let mut plain = String::with_capacity(text.len());
        // Digits since the last separator of thousands; `None` where there was none.
        let (mut group, mut first_group) = (0, None);
        let mut is_fraction = false;
        for character in text.chars() {
            match character {
                '0'..='9' => group += 1,
                _ if character == self.decimal && !is_fraction => {
                    if first_group.is_some() && group != 3 {
                        return None;
                    }
                    is_fraction = true;
                    plain.push('.');
                    continue;
                }
                _ if self.separates(character) && !is_fraction => {
                    let is_whole = if first_group.is_some() {
                        group == 3
                    } else {
                        (1..=3).contains(&group)
                    };
                    if !is_whole {
                        return None;
                    }
                    first_group = first_group.or(Some(group));
                    group = 0;
                    continue;
                }
                '-' | '+' => {}
                'e' | 'E' => is_fraction = true,
                _ => return None,
            }
            plain.push(character);
        }
        if !is_fraction && first_group.is_some() && group != 3 {
            return None;
        }
        parse(plain.as_bytes())
    }

    fn separates(self, character: char) -> bool {
        match self.thousands {
            Some(' ') => SPACES.contains(&character),
            Some('\'') => matches!(character, '\'' | '\u{2019}'),
            thousands => thousands == Some(character),
        }
    }
}

/// Spaces that stand between thousands: the usual one, and those that keep a number on one line.
pub(super) const SPACES: [char; 4] = [' ', '\u{a0}', '\u{202f}', '\u{2009}'];

/// Powers of ten that an f64 holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Digits that always fit the 53 bits of an f64.
const EXACT_DIGITS: usize = 15;

/// Reads a decimal number, rounded to the nearest f64; infinities and NaN by name too.
#[inline]
pub(super) fn parse(text: &[u8]) -> Option<f64> {
    parse_short(text).or_else(|| std::str::from_utf8(text).ok()?.parse().ok())
}

/// `[-]digits[.digits]` of up to 15 digits: both parts are exact, so the one division rounds once (Clinger 1990).
#[inline]
fn parse_short(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.len() > EXACT_DIGITS + 1 {
        return None;
    }
    let mut mantissa = 0u64;
    let mut point = None;
    for (place, &byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            mantissa = mantissa * 10 + u64::from(digit);
        } else if byte == b'.' && point.is_none() {
            point = Some(place);
        } else {
            return None;
        }
    }
    let fraction = point.map_or(0, |place| digits.len() - place - 1);
    let count = digits.len() - usize::from(point.is_some());
    if count == 0 || count > EXACT_DIGITS {
        return None;
    }
    let size = mantissa as f64 / EXACT_POWERS[fraction];
    Some(if negative { -size } else { size })
}

/// Words that stand where there is no number: those of spreadsheets, data bases, pandas, R and NumPy. What is infinite is none either:
/// nothing can be calculated with it.
const MISSING: [&str; 36] = [
    "na",
    "n/a",
    "<na>",
    "n.a.",
    "nan",
    "+nan",
    "-nan",
    "null",
    "(null)",
    "none",
    "nil",
    "nat",
    "missing",
    "\\n",
    "--",
    "---",
    "?",
    "inf",
    "+inf",
    "-inf",
    "infinity",
    "+infinity",
    "-infinity",
    "1.#qnan",
    "1.#ind",
    "-1.#ind",
    "#na",
    "#n/a",
    "#n/a n/a",
    "#value!",
    "#div/0!",
    "#ref!",
    "#name?",
    "#num!",
    "#null!",
    "\u{2014}",
];

/// Whether a cell says that there is no value.
#[inline]
pub(super) fn is_missing(text: &[u8]) -> bool {
    match text {
        [] | [b'-' | b'.'] => true,
        // As Windows writes what is no number.
        [b'1', b'.', b'#', ..] | [b'-', b'1', b'.', b'#', ..] => is_missing_word(text),
        [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..] => false,
        _ => is_missing_word(text),
    }
}

fn is_missing_word(text: &[u8]) -> bool {
    MISSING
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_gives_the_bits_of_json_and_of_std(
            text in "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,17})?(e-?[0-9]{1,2})?"
        ) {
            let ours = parse(text.as_bytes()).unwrap();
            prop_assert_eq!(ours.to_bits(), text.parse::<f64>().unwrap().to_bits());
            prop_assert_eq!(ours.to_bits(), serde_json::from_str::<f64>(&text).unwrap().to_bits());
        }

        #[test]
        fn only_numbers_are_numbers(text in "[-+.e0-9]{0,6}") {
            prop_assert_eq!(parse(text.as_bytes()), text.parse::<f64>().ok());
        }
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let style = |decimal, thousands| Style { decimal, thousands };
        let comma = style(',', Some('.'));
        for (style, text, number) in [
            (comma, "1206,10", Some(1206.10)),
            (comma, "1.206,10", Some(1206.10)),
            (comma, "-1.206.000", Some(-1_206_000.0)),
            (comma, "1.2", None),
            (comma, "12.06,1", None),
            (comma, "1,5e3", Some(1500.0)),
            (comma, "1206.10", None),
            (style(',', None), "1.012", None),
            (style('.', Some(',')), "1,012", Some(1012.0)),
            (style('.', Some(',')), "1,012.25", Some(1012.25)),
            (style('.', Some(',')), "985", Some(985.0)),
            (style('.', Some(',')), "1,01", None),
            (style('.', Some(',')), ",012", None),
            (style(',', Some(' ')), "1\u{a0}206,5", Some(1206.5)),
            (style('.', Some('\'')), "12'206.5", Some(12206.5)),
        ] {
            assert_eq!(style.parse(text.as_bytes()), number, "{text} {style:?}");
        }
    }

    #[test]
    fn missing_words() {
        for word in [
            "", "-", ".", "NA", "N/A", "nan", "NaN", "null", "NULL", "n/a", "#N/A", "None", "\\N",
            "<NA>", "--", "NaT", "-nan", "Infinity", "-inf", "#DIV/0!", "1.#QNAN",
        ] {
            assert!(is_missing(word.as_bytes()), "{word}");
        }
        for word in ["0", "-1", "none!", "nano", "1", "1.5", "-.5", "----"] {
            assert!(!is_missing(word.as_bytes()), "{word}");
        }
    }
}
