//! `NaN` and `Infinity`, which Python's json writes and JSON does not know.

/// The record with null where a bare `NaN`, `Infinity` or `-Infinity` stands; `None` where there is none.
pub(in crate::codec) fn without_nan(text: &str) -> Option<String> {
    const WORDS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = string_end(bytes, at),
            b'N' | b'I' | b'-' => {
                let rest = &text[at..];
                let word = WORDS.into_iter().find(|word| rest.starts_with(word));
                let Some(word) = word else {
                    at += 1;
                    continue;
                };
                out.push_str(&text[copied..at]);
                out.push_str("null");
                at += word.len();
                copied = at;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

/// Behind the quote that closes the string whose opening quote stands at `at`.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut next = at + 1;
    while let Some(byte) = bytes.get(next) {
        match byte {
            b'"' => return next + 1,
            b'\\' => next += 2,
            _ => next += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_become_null_and_those_in_text_stay() {
        for (text, expected) in [
            ("{\"a\": NaN}", Some("{\"a\": null}")),
            (
                "{\"a\": [Infinity, -Infinity, -1], \"b\": \"NaN \\\" NaN\"}",
                Some("{\"a\": [null, null, -1], \"b\": \"NaN \\\" NaN\"}"),
            ),
            ("{\"NaN\": \"é NaN\"}", None),
            ("{\"a\": 1", None),
            ("{\"a", None),
            ("{\"a\\", None),
        ] {
            assert_eq!(without_nan(text).as_deref(), expected, "{text}");
        }
    }
}
