//! One true sentence about an anomaly.

use super::judge::Reason;
use crate::decision::AnomalyType;
use crate::rows::Expected;

impl Reason {
    /// What did it, in a sentence: the value at fault lies outside the band it names, or the sentence says what else is strange.
    ///
    /// `names` and `row` are those of the features that were judged.
    pub fn sentence(&self, names: &[impl AsRef<str>], row: &[f64]) -> String {
        let name = |feature: usize| names.get(feature).map_or("value", AsRef::as_ref);
        let value = |feature: usize| row.get(feature).copied().unwrap_or(f64::NAN);
        if let Some(evidence) = self.evidence {
            let (rows, usual) = (evidence.rows, evidence.usual);
            match (evidence.anomaly_type, evidence.feature) {
                (AnomalyType::MissingData, Some(feature)) => {
                    return format!(
                        "{} has no value for {rows} rows, at most {usual} before",
                        name(feature)
                    );
                }
                (AnomalyType::MissingData, None) => {
                    return format!("no value for {rows} rows, at most {usual} before");
                }
                (AnomalyType::FlatLine, Some(feature)) => {
                    return format!(
                        "{} has not changed from {} for {rows} rows, at most {usual} before",
                        name(feature),
                        short(value(feature))
                    );
                }
                _ => {}
            }
        }
        let Some(main) = self.blamed(row) else {
            return "unusual for this series".to_owned();
        };
        let (named, found) = (name(main), short(value(main)));
        let Some(band) = self.explanation.expected.get(main) else {
            return if self.anomaly_type == Some(AnomalyType::Rare) {
                format!("{named} {found} has come seldom or never")
            } else {
                format!("{named} {found} is unusual")
            };
        };
        if self.anomaly_type == Some(AnomalyType::Rare) {
            return format!(
                "{named} {found} has come seldom or never, most often {}",
                short(band.middle)
            );
        }
        if (band.low..=band.high).contains(&value(main)) {
            return self.together(names, row, main);
        }
        let (off, side) = if value(main) > band.high {
            (value(main) - band.high, "above")
        } else {
            (band.low - value(main), "below")
        };
        // What parts the value from the band must be seen in the numbers.
        let (low, high) = (fine(band.low, off), fine(band.high, off));
        let (found, off) = (fine(value(main), off), short(off));
        let usual = format!("the usual {low} to {high}");
        match self.anomaly_type {
            Some(AnomalyType::LevelShift) => {
                format!("{named} has stayed {side} {usual} since it left, now {found}")
            }
            Some(AnomalyType::Trend) => {
                format!("{named} goes on leaving {usual}, now {found}, {off} {side}")
            }
            Some(AnomalyType::Variance) => {
                format!("{named} scatters on both sides of {usual}, now {found}")
            }
            Some(AnomalyType::Contextual) => {
                format!("{named} {found} is {off} {side} {usual} here")
            }
            _ => format!("{named} {found} is {off} {side} {usual}"),
        }
    }

    /// The feature to be named: the one with the largest share, unless it lies within its band and another does not.
    fn blamed(&self, row: &[f64]) -> Option<usize> {
        let main = self.explanation.main_feature()?;
        let outside = |feature: usize| {
            let band = self.explanation.expected.get(feature)?;
            let value = *row.get(feature)?;
            let off = (value - band.high).max(band.low - value);
            (off > 0.0).then(|| off / width(band))
        };
        if outside(main).is_some() {
            return Some(main);
        }
        let others = (0..row.len()).filter_map(|feature| Some((feature, outside(feature)?)));
        let farthest = others.max_by(|one, other| one.1.total_cmp(&other.1));
        Some(farthest.map_or(main, |(feature, _)| feature))
    }

    /// No value lies outside its own band.
    fn together(&self, names: &[impl AsRef<str>], row: &[f64], main: usize) -> String {
        let name = |feature: usize| names.get(feature).map_or("value", AsRef::as_ref);
        let shares = &self.explanation.contributions;
        let beside = (0..row.len())
            .filter(|feature| *feature != main && !row[*feature].is_nan())
            .max_by(|one, other| {
                shares
                    .get(*one)
                    .partial_cmp(&shares.get(*other))
                    .unwrap_or(std::cmp::Ordering::Equal)
            });
        match beside {
            Some(beside) => format!(
                "unusual together: {} {} with {} {}, each within its usual range",
                name(main),
                short(row[main]),
                name(beside),
                short(row[beside])
            ),
            None => format!(
                "{} {} is within its usual range, the course of the last rows is not",
                name(main),
                short(row[main])
            ),
        }
    }
}

fn width(band: &Expected) -> f64 {
    (band.high - band.low).max(1e-300)
}

/// A number with digits enough to tell it from one that is `apart`.
fn fine(value: f64, apart: f64) -> String {
    const MOST_DECIMALS: f64 = 12.0;
    let text = short(value);
    let is_near = |said: f64| (said - value).abs() <= apart.abs() / 8.0;
    if text.parse().is_ok_and(is_near) || value.abs() >= 1e15 {
        return text;
    }
    let decimals = (1.0 - libm::log10(apart.abs())).ceil();
    format!("{value:.*}", decimals.clamp(0.0, MOST_DECIMALS) as usize)
}

/// A number with about four digits that mean something.
pub fn short(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        size if size >= 1e9 || (size > 0.0 && size < 1e-3) => return format!("{value:.3e}"),
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    };
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Evidence;
    use crate::rows::Explanation;

    fn reason(kind: AnomalyType, shares: [f64; 2], evidence: Option<Evidence>) -> Reason {
        let band = |low, middle, high| Expected { low, middle, high };
        Reason {
            explanation: Explanation {
                contributions: shares.to_vec(),
                expected: vec![band(10.0, 20.0, 30.0), band(-1.0, 0.0, 1.0)],
            },
            counterfactual: Vec::new(),
            anomaly_type: Some(kind),
            evidence,
        }
    }

    #[test]
    fn each_type_has_its_sentence() {
        let names = ["latency", "orders"];
        let check = |reason: Reason, row: [f64; 2], expected: &str| {
            assert_eq!(reason.sentence(&names, &row), expected);
        };
        let of = |kind| reason(kind, [0.9, 0.1], None);
        check(
            of(AnomalyType::Spike),
            [46.5, 0.0],
            "latency 46.5 is 16.5 above the usual 10 to 30",
        );
        check(
            of(AnomalyType::LevelShift),
            [46.5, 0.0],
            "latency has stayed above the usual 10 to 30 since it left, now 46.5",
        );
        check(
            of(AnomalyType::Contextual),
            [5.0, 0.0],
            "latency 5 is 5 below the usual 10 to 30 here",
        );
        check(
            of(AnomalyType::Spike),
            [20.0, 4.0],
            "orders 4 is 3 above the usual -1 to 1",
        );
        check(
            of(AnomalyType::Contextual),
            [20.0, 0.5],
            "unusual together: latency 20 with orders 0.5, each within its usual range",
        );
        let flat = Evidence {
            depth: 5.0,
            anomaly_type: AnomalyType::FlatLine,
            feature: Some(1),
            rows: 20,
            usual: 1,
        };
        check(
            reason(AnomalyType::FlatLine, [0.9, 0.1], Some(flat)),
            [20.0, 0.5],
            "orders has not changed from 0.5 for 20 rows, at most 1 before",
        );
    }

    #[test]
    fn numbers_that_differ_look_different() {
        assert_eq!(fine(1_700_000_060.0, 53.0), "1700000060");
        assert_eq!(fine(999_999_995.9, 0.1003), "999999995.90");
        assert_eq!(fine(71.2, 5.0), short(71.2));
        assert_eq!(fine(0.000_123_456, 2e-8), "0.000123456");
        assert_eq!(fine(1e300, 1.0), short(1e300));
        assert_eq!(fine(5.0, f64::INFINITY), short(5.0));
    }

    #[test]
    fn numbers_are_short() {
        let texts: Vec<String> = [0.0, 71.2, -1234.5, 100.0, 0.25, 1e12, 1e-6]
            .into_iter()
            .map(short)
            .collect();
        assert_eq!(
            texts,
            ["0", "71.2", "-1234", "100", "0.25", "1.000e12", "1.000e-6"]
        );
    }
}
