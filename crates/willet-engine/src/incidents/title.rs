//! The line that people read first.

use std::collections::BTreeMap;

use serde::Deserialize;
use willet_core::series::short;

/// What a title needs of a verdict's JSON.
#[derive(Default, Deserialize)]
struct Guilty {
    #[serde(default)]
    contributions: BTreeMap<String, f64>,
    #[serde(default)]
    values: BTreeMap<String, Option<f64>>,
    reason: Option<String>,
}

/// `pump-7: spike, temperature 71.2 is 1.5 above the usual 64 to 69.7`; without a sentence the value and the score, as far as they are
/// known.
pub(super) fn title(
    name: &str,
    anomaly_type: Option<&str>,
    score: Option<f64>,
    verdict: &str,
) -> String {
    let mut title = format!("{name}: {}", anomaly_type.unwrap_or("anomaly"));
    let guilty: Guilty = serde_json::from_str(verdict).unwrap_or_default();
    if let Some(reason) = guilty.reason {
        title.push_str(", ");
        title.push_str(&reason);
        return title;
    }
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
            Some("spike"),
            Some(0.9),
            r#"{"reason":"temperature 71.2 is 1.5 above the usual 64 to 69.7"}"#,
            "pump-7: spike, temperature 71.2 is 1.5 above the usual 64 to 69.7",
        );
        check(
            Some("dip"),
            Some(0.8),
            r#"{"contributions":{"b":0.5,"a":0.5},"values":{"a":null}}"#,
            "pump-7: dip, a, score 0.80",
        );
    }
}
