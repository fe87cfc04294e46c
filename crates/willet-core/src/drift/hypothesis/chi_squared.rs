use crate::statistics::upper_gamma;

/// What a chi-squared test found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Chi2 {
    /// Pearson's statistic, 0 or more.
    pub statistic: f64,
    /// Chance of at least this statistic where there is no difference.
    pub p_value: f64,
    /// Degrees of freedom.
    pub degrees: usize,
}

/// Whether counts of a table with one degree of freedom are drawn together by a half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuity {
    /// Yates' correction, as `scipy.stats.chi2_contingency` does by itself.
    Yates,
    /// Counts as they are.
    None,
}

/// Chance that a chi-squared variable of `degrees` degrees of freedom exceeds `statistic`; 1 without any.
pub fn chi2_survival(statistic: f64, degrees: usize) -> f64 {
    if degrees == 0 {
        return 1.0;
    }
    upper_gamma(degrees as f64 / 2.0, statistic / 2.0)
}

/// Whether counts follow the expected ones (which must sum to about the same and be above 0), as `scipy.stats.chisquare`; `None`
/// where lengths differ, fewer than two counts came or an expected one is not above 0.
pub fn chisquare(observed: &[f64], expected: &[f64]) -> Option<Chi2> {
    if observed.len() != expected.len() || observed.len() < 2 || !expected.iter().all(|x| *x > 0.0)
    {
        return None;
    }
    let parts = observed.iter().zip(expected);
    let statistic = parts.map(|(o, e)| (o - e) * (o - e) / e).sum();
    let degrees = observed.len() - 1;
    Some(Chi2 {
        statistic,
        p_value: chi2_survival(statistic, degrees),
        degrees,
    })
}

/// Whether rows and columns of a table of counts (row by row, `columns` wide) are independent, as `scipy.stats.chi2_contingency`;
/// `None` where the table is not whole rows or a row or column is empty.
///
/// # References
/// Pearson, "On the criterion that a given system of deviations…", Philosophical Magazine 1900; Yates, JRSS Supplement 1934.
pub fn chi2_contingency(observed: &[f64], columns: usize, continuity: Continuity) -> Option<Chi2> {
    if columns == 0 || observed.is_empty() || !observed.len().is_multiple_of(columns) {
        return None;
    }
    let rows = observed.len() / columns;
    let of_row = |row: usize| -> f64 { observed[row * columns..(row + 1) * columns].iter().sum() };
    let of_column = |column: usize| -> f64 { observed.iter().skip(column).step_by(columns).sum() };
    let total: f64 = observed.iter().sum();
    let degrees = (rows - 1) * (columns - 1);
    let most = if degrees == 1 && continuity == Continuity::Yates {
        0.5
    } else {
        0.0
    };
    let mut statistic = 0.0;
    for row in 0..rows {
        for column in 0..columns {
            let expected = of_row(row) * of_column(column) / total;
            // NaN where the whole table is empty.
            if expected.is_nan() || expected <= 0.0 {
                return None;
            }
            let apart = (observed[row * columns + column] - expected).abs();
            let apart = apart - apart.min(most);
            statistic += apart * apart / expected;
        }
    }
    Some(Chi2 {
        statistic,
        p_value: chi2_survival(statistic, degrees),
        degrees,
    })
}
