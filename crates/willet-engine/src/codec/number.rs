//! Numbers in text, the same bits as JSON's.

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

/// Whether a cell says that there is no value.
#[inline]
pub(super) fn is_missing(text: &[u8]) -> bool {
    match text {
        [] | [b'-'] => true,
        [b'0'..=b'9', ..] => false,
        _ => [&b"na"[..], b"n/a", b"nan", b"null"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word)),
    }
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
    fn missing_words() {
        for word in ["", "-", "NA", "N/A", "nan", "NaN", "null", "NULL", "n/a"] {
            assert!(is_missing(word.as_bytes()), "{word}");
        }
        for word in ["0", "-1", "none!", "nano", "--"] {
            assert!(!is_missing(word.as_bytes()), "{word}");
        }
    }
}
