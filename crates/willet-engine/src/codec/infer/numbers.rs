//! How the numbers of a file are written: 1234.5, 1234,5, 1.234,5, 1 234,5.

use super::InferOptions;
use crate::codec::number::{SPACES, Style, is_missing};

/// What a cell says of how numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Digits only; whether it has three of them.
    Whole { is_hundreds: bool },
    /// A fraction behind this character.
    Fraction(char),
    /// Thousands behind this character, and perhaps a fraction behind that one.
    Thousands(char, Option<char>),
    /// `1.012`: either.
    Either(char),
}

/// What the cells of all columns say together.
#[derive(Debug, Default)]
struct Evidence {
    fractions: Vec<char>,
    thousands: Vec<char>,
    either: Vec<char>,
}

/// A number that may mean two things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unclear {
    /// Place of its column.
    pub(super) column: usize,
    pub(super) number: String,
    /// Another one of the column.
    pub(super) other: String,
}

/// How numbers are written, over the cells of the sample, column by column.
pub(super) fn style(columns: &[Vec<&str>], options: &InferOptions) -> Result<Style, Unclear> {
    let mut evidence = Evidence::default();
    let mut numeric = Vec::new();
    for (column, cells) in columns.iter().enumerate() {
        let filled = cells
            .iter()
            .filter(|cell| !is_missing(cell.trim().as_bytes()));
        let shapes: Vec<(&str, Option<Shape>)> = filled
            .map(|cell| (cell.trim(), shape(cell.trim())))
            .collect();
        let known: Vec<(&str, Shape)> = shapes
            .iter()
            .filter_map(|(cell, shape)| Some((*cell, (*shape)?)))
            .collect();
        // A column of text says nothing, whatever a few of its cells look like.
        if known.len() * 2 > shapes.len() {
            known.iter().for_each(|(_, shape)| evidence.take(*shape));
            numeric.push((column, known));
        }
    }
    let given = |character: char| options.decimal == Some(character);
    let says = |list: &[char], character: char| list.contains(&character);
    let decimal = match (
        says(&evidence.fractions, '.'),
        says(&evidence.fractions, ','),
    ) {
        _ if options.decimal.is_some() => options.decimal.unwrap_or('.'),
        (false, true) => ',',
        (true, _) => '.',
        (false, false) if options.thousands == Some('.') || says(&evidence.thousands, '.') => ',',
        (false, false) if options.thousands == Some(',') || says(&evidence.thousands, ',') => '.',
        (false, false) => undecided(&numeric)?,
    };
    let other = if decimal == ',' { '.' } else { ',' };
    let both = says(&evidence.fractions, '.') && says(&evidence.fractions, ',');
    let groups = |character: char| {
        says(&evidence.thousands, character)
            || (says(&evidence.either, character) && (!both || given(decimal)))
    };
    let thousands = options.thousands.or_else(|| {
        let known = [other, ' ', '\'', '_'].into_iter();
        known.into_iter().find(|character| groups(*character))
    });
    Ok(Style {
        decimal,
        thousands: thousands.filter(|character| *character != decimal),
    })
}

/// Only cells such as `1.012` say anything: a fraction of three digits, where they do not stand beside whole hundreds.
fn undecided(columns: &[(usize, Vec<(&str, Shape)>)]) -> Result<char, Unclear> {
    for (column, cells) in columns {
        let find = |wanted: &dyn Fn(Shape) -> bool| {
            let found = cells.iter().find(|(_, shape)| wanted(*shape));
            found.map(|(cell, _)| (*cell).to_owned())
        };
        let either = find(&|shape| matches!(shape, Shape::Either('.' | ',')));
        let comma = find(&|shape| shape == Shape::Either(','));
        let hundreds = find(&|shape| shape == Shape::Whole { is_hundreds: true });
        let other = match (&either, hundreds, comma) {
            (Some(_), Some(hundreds), _) => hundreds,
            // Nothing beside it, and a comma is neither way the usual one.
            (Some(_), None, Some(comma)) => cells
                .iter()
                .find(|(cell, _)| *cell != comma)
                .map_or(comma, |(cell, _)| (*cell).to_owned()),
            _ => continue,
        };
        return Err(Unclear {
            column: *column,
            number: either.unwrap_or_default(),
            other,
        });
    }
    Ok('.')
}

impl Evidence {
    fn take(&mut self, shape: Shape) {
        let note = |list: &mut Vec<char>, character| {
            if !list.contains(&character) {
                list.push(character);
            }
        };
        match shape {
            Shape::Whole { .. } => {}
            Shape::Fraction(decimal) => note(&mut self.fractions, decimal),
            Shape::Either(character) => note(&mut self.either, character),
            Shape::Thousands(thousands, decimal) => {
                note(&mut self.thousands, thousands);
                if let Some(decimal) = decimal {
                    note(&mut self.fractions, decimal);
                }
            }
        }
    }
}

/// What a cell says; `None` where it is no number however numbers are written.
fn shape(cell: &str) -> Option<Shape> {
    let cell = cell.strip_prefix(['-', '+']).unwrap_or(cell);
    let (digits, has_exponent) = match cell.split_once(['e', 'E']) {
        Some((digits, exponent)) => {
            let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            let is_whole = !exponent.is_empty() && exponent.bytes().all(|b| b.is_ascii_digit());
            (is_whole.then_some(digits)?, true)
        }
        None => (cell, false),
    };
    let mut groups = vec![0];
    let mut between = Vec::new();
    for character in digits.chars() {
        if character.is_ascii_digit() {
            *groups.last_mut()? += 1;
        } else {
            between.push(match character {
                '.' | ',' | '_' => character,
                '\'' | '\u{2019}' => '\'',
                space if SPACES.contains(&space) => ' ',
                _ => return None,
            });
            groups.push(0);
        }
    }
    let are_thousands = |groups: &[usize]| {
        let (first, rest) = groups.split_first().unwrap_or((&0, &[]));
        (1..=3).contains(first)
            && !digits.starts_with('0')
            && rest.iter().all(|digits| *digits == 3)
    };
    let is_point = |character: char| matches!(character, '.' | ',');
    match between[..] {
        [] if groups == [0] => None,
        [] => Some(Shape::Whole {
            is_hundreds: groups == [3] && !has_exponent,
        }),
        [only] if is_point(only) && are_thousands(&groups) && !has_exponent => {
            Some(Shape::Either(only))
        }
        [only] if is_point(only) => (groups != [0, 0]).then_some(Shape::Fraction(only)),
        [only] => are_thousands(&groups).then_some(Shape::Thousands(only, None)),
        [first, .., last] => {
            let leading = &between[..between.len() - 1];
            if leading.iter().any(|character| *character != first) {
                return None;
            }
            if last == first {
                return are_thousands(&groups).then_some(Shape::Thousands(first, None));
            }
            let whole = &groups[..groups.len() - 1];
            (is_point(last) && are_thousands(whole)).then_some(Shape::Thousands(first, Some(last)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_say_how_numbers_are_written() {
        for (cell, expected) in [
            ("985", Some(Shape::Whole { is_hundreds: true })),
            ("12", Some(Shape::Whole { is_hundreds: false })),
            ("1.012", Some(Shape::Either('.'))),
            ("0.012", Some(Shape::Fraction('.'))),
            ("1206,10", Some(Shape::Fraction(','))),
            (".5", Some(Shape::Fraction('.'))),
            ("-1.206,10", Some(Shape::Thousands('.', Some(',')))),
            ("1,206,100", Some(Shape::Thousands(',', None))),
            ("1 206", Some(Shape::Thousands(' ', None))),
            ("1\u{202f}206,5", Some(Shape::Thousands(' ', Some(',')))),
            ("1.5e3", Some(Shape::Fraction('.'))),
            ("06.01.2025", None),
            ("10.1.2.3", None),
            ("12 5", None),
            ("", None),
            (".", None),
            ("2025-01-06", None),
        ] {
            assert_eq!(shape(cell), expected, "{cell}");
        }
    }

    #[test]
    fn all_columns_say_together_how_numbers_are_written() {
        let auto = InferOptions::default();
        let style = |cells: &[&str], options: &InferOptions| {
            super::style(&[cells.to_vec()], options)
                .map(|style| (style.decimal, style.thousands))
                .map_err(|unclear| (unclear.number, unclear.other))
        };
        assert_eq!(style(&["1", "2.5"], &auto), Ok(('.', None)));
        assert_eq!(style(&["1", "2,5"], &auto), Ok((',', None)));
        assert_eq!(style(&["1.012", "2,5"], &auto), Ok((',', Some('.'))));
        assert_eq!(style(&["1,012", "2.5"], &auto), Ok(('.', Some(','))));
        assert_eq!(style(&["1.012.000", "985"], &auto), Ok((',', Some('.'))));
        assert_eq!(style(&["1 012", "985"], &auto), Ok(('.', Some(' '))));
        // As programs write three digits after the point.
        assert_eq!(style(&["1.012", "2.345", "7"], &auto), Ok(('.', None)));
        assert_eq!(
            style(&["1.012", "985"], &auto),
            Err(("1.012".to_owned(), "985".to_owned()))
        );
        assert!(style(&["1,012", "2,345"], &auto).is_err());
        let comma = InferOptions {
            decimal: Some(','),
            ..InferOptions::default()
        };
        assert_eq!(style(&["1.012", "985"], &comma), Ok((',', Some('.'))));
        let point = InferOptions {
            decimal: Some('.'),
            ..InferOptions::default()
        };
        assert_eq!(style(&["1.012", "985"], &point), Ok(('.', None)));
    }
}
