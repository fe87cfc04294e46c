//! Many rejections in one line.

use std::fmt;

/// Kinds of reasons counted apart; the rest is counted together.
const MAX_REASONS: usize = 64;

/// Kinds of reasons shown.
const SHOWN: usize = 3;

/// Rejections by kind of reason. Prints as
/// `10,000 records rejected: 9,998 × "value of `a` is "x", expected a number", first at line 17; 2 × ...`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    total: u64,
    /// In order of first appearance.
    reasons: Vec<Reason>,
    other: u64,
}

/// One kind of reason.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reason {
    code: String,
    count: u64,
    /// The first of its kind.
    example: String,
    line: Option<u64>,
}

impl Summary {
    /// Counts a rejection. `reason` is its message, `code` its kind, `line` where it was.
    pub fn add(&mut self, code: &str, reason: &str, line: Option<u64>) {
        self.total += 1;
        if let Some(known) = self.reasons.iter_mut().find(|known| known.code == code) {
            known.count += 1;
        } else if self.reasons.len() < MAX_REASONS {
            self.reasons.push(Reason {
                code: code.to_owned(),
                count: 1,
                example: reason.to_owned(),
                line,
            });
        } else {
            self.other += 1;
        }
    }

    /// Rejections in all.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Rejections of each kind, in order of first appearance.
    pub fn by_code(&self) -> impl Iterator<Item = (&str, u64)> {
        self.reasons
            .iter()
            .map(|reason| (reason.code.as_str(), reason.count))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = if self.total == 1 { "record" } else { "records" };
        write!(out, "{} {records} rejected", grouped(self.total))?;
        let mut reasons: Vec<&Reason> = self.reasons.iter().collect();
        // Stable: of equal counts the earlier one stays in front.
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
        for (index, reason) in reasons.iter().take(SHOWN).enumerate() {
            let before = if index == 0 { ": " } else { "; " };
            let count = grouped(reason.count);
            write!(out, "{before}{count} × \"{}\"", reason.example)?;
            if let Some(line) = reason.line {
                let at = if reason.count == 1 { "at" } else { "first at" };
                write!(out, ", {at} line {}", grouped(line))?;
            }
        }
        let rest: u64 = reasons.iter().skip(SHOWN).map(|reason| reason.count).sum();
        if rest + self.other > 0 {
            write!(out, "; {} for other reasons", grouped(rest + self.other))?;
        }
        Ok(())
    }
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
