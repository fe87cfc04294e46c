//! The line that people read first.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a title needs of a verdict's JSON.
#[derive(Default, Deserialize)]
struct Guilty {
    #[serde(default)]
    contributions: BTreeMap<String, f64>,
    #[serde(default)]
    values: BTreeMap<String, Option<f64>>,
}

/// `pump-7: spike, temperature 71.2, score 0.83`; what is not known is left out.
pub(super) fn title(
    name: &str,
    anomaly_type: Option<&str>,
    score: Option<f64>,
    verdict: &str,
) -> String {
    let mut title = format!("{name}: {}", anomaly_type.unwrap_or("anomaly"));
    let guilty: Guilty = serde_json::from_str(verdict).unwrap_or_default();
    // The first of equal ones, so that a title does not depend on how a map is walked.
    let most = guilty
        .contributions
        .iter()
        .rev()
        .max_by(|one, other| one.1.total_cmp(other.1));
    if let Some((feature, _)) = most {
        title.push_str(", ");
        title.push_str(feature);
        if let Some(Some(value)) = guilty.values.get(feature) {
            title.push(' ');
            title.push_str(&short(*value));
        }
    }
    if let Some(score) = score {
        title.push_str(&format!(", score {score:.2}"));
    }
    title
}

/// A number with about four digits that mean something.
fn short(value: f64) -> String {
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

    #[test]
    fn a_title_says_what_is_known() {
        let check = |anomaly_type, score, verdict, expected: &str| {
            assert_eq!(title("pump-7", anomaly_type, score, verdict), expected);
        };
        check(Some("spike"), Some(0.83), "{}", "pump-7: spike, score 0.83");
        check(None, None, "nonsense", "pump-7: anomaly");
        check(
            Some("spike"),
            Some(0.831),
            r#"{"contributions":{"temperature":0.88,"vibration":0.12},"values":{"temperature":71.23456}}"#,
            "pump-7: spike, temperature 71.23, score 0.83",
        );
        check(
            Some("dip"),
            Some(0.8),
            r#"{"contributions":{"b":0.5,"a":0.5},"values":{"a":null}}"#,
            "pump-7: dip, a, score 0.80",
        );
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
