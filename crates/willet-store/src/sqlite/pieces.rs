//! Many rows in one statement. Only a few lengths are used, so that each statement is prepared once.

use std::fmt::Write as _;

/// Lengths of pieces, longest first. `SQLite` takes 32,766 parameters; no table has more than 12 columns.
const LENGTHS: [usize; 4] = [512, 64, 8, 1];

/// Cuts rows into pieces of the fixed lengths.
pub(super) fn pieces<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let len = LENGTHS.into_iter().find(|len| *len <= rows.len())?;
        let (piece, rest) = rows.split_at(len);
        rows = rest;
        Some(piece)
    })
}

/// `head VALUES (?,?),(?,?) tail` for rows of so many columns.
pub(super) fn values(head: &str, columns: usize, rows: usize, tail: &str) -> String {
    let mut row = String::from("(?");
    (1..columns).for_each(|_| row.push_str(",?"));
    row.push(')');
    let mut sql = String::with_capacity(head.len() + tail.len() + rows * (row.len() + 1) + 16);
    let _ = write!(sql, "{head} VALUES {row}");
    for _ in 1..rows {
        sql.push(',');
        sql.push_str(&row);
    }
    sql.push(' ');
    sql.push_str(tail);
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_all_rows_in_order() {
        for count in [0, 1, 7, 8, 63, 577, 1300] {
            let rows: Vec<usize> = (0..count).collect();
            let again: Vec<usize> = pieces(&rows).flatten().copied().collect();
            assert_eq!(again, rows);
            assert!(pieces(&rows).all(|piece| LENGTHS.contains(&piece.len())));
        }
        assert_eq!(
            values("INSERT", 2, 2, "END"),
            "INSERT VALUES (?,?),(?,?) END"
        );
    }
}
