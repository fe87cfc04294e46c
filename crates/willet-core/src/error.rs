//! What can go wrong at the doors of the core.

/// A row has another width than the detector was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "row has {found} values, the detector was made for {expected} (values / width must be whole rows)"
)]
pub struct WidthError {
    /// Width the detector was made for.
    pub expected: usize,
    /// Width that came.
    pub found: usize,
}

/// A configuration that cannot run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A value of the right type outside its range, or of another type.
    #[error("{name} is {found}, expected {expected}")]
    Value {
        /// Dotted name of the setting.
        name: String,
        /// What came, as text.
        found: String,
        /// What is allowed.
        expected: String,
    },
    /// A name that nobody knows.
    #[error("unknown {what} `{found}`{}", nearest_hint(.nearest.as_deref(), .known))]
    Unknown {
        /// What the name should have named (a setting, an algorithm).
        what: &'static str,
        /// What came.
        found: String,
        /// The nearest known name, if one is near.
        nearest: Option<String>,
        /// All known names.
        known: Vec<String>,
    },
}

impl ConfigError {
    /// An unknown name, with the nearest of `known` offered.
    pub fn unknown<'a>(
        what: &'static str,
        found: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<String> = known.into_iter().map(str::to_owned).collect();
        let nearest = nearest(found, known.iter().map(String::as_str)).map(str::to_owned);
        Self::Unknown {
            what,
            found: found.to_owned(),
            nearest,
            known,
        }
    }

    /// The same error, its setting's name put under `section`.
    #[must_use]
    pub fn within(mut self, section: &str) -> Self {
        if let Self::Value { name, .. } = &mut self {
            *name = format!("{section}.{name}");
        }
        self
    }
}

fn nearest_hint(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(name) => format!(" (did you mean `{name}`?)"),
        None => format!(" (known are {})", known.join(", ")),
    }
}

/// The name of `known` that is at most a third of its letters away from `name`.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (edit_distance(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(name.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in bytes; names are short and ASCII.
fn edit_distance(left: &str, right: &str) -> usize {
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut current = vec![i + 1];
        for (j, b) in right.bytes().enumerate() {
            let replaced = previous[j] + usize::from(a != b);
            current.push(replaced.min(previous[j + 1] + 1).min(current[j] + 1));
        }
        previous = current;
    }
    previous[right.len()]
}

/// Saved state that cannot be taken up again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The state belongs to another kind of detector.
    #[error("saved state is of kind `{found}`, expected `{expected}`")]
    Kind {
        /// Kind of the configuration.
        expected: String,
        /// Kind found in the state.
        found: String,
    },
    /// The state was written by a newer Willet.
    #[error(
        "saved state of `{kind}` has version {found}, this build reads up to {newest} (use a newer willet)"
    )]
    Version {
        /// Kind of the state.
        kind: String,
        /// Version found.
        found: u16,
        /// Newest version this build reads.
        newest: u16,
    },
    /// The bytes are not a state, or do not fit the configuration.
    #[error("saved state of `{kind}` is damaged or does not fit its configuration: {reason}")]
    Damaged {
        /// Kind of the state.
        kind: String,
        /// What does not fit.
        reason: String,
    },
}

impl RestoreError {
    pub(crate) fn damaged(kind: &str, reason: &dyn ToString) -> Self {
        Self::Damaged {
            kind: kind.to_owned(),
            reason: reason.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_name_and_nonsense_does_not() {
        let known = ["iforest", "isolation_forest", "hst", "zscore"];
        assert_eq!(nearest("ifrest", known), Some("iforest"));
        assert_eq!(nearest("ISOLATION-FOREST", known), Some("isolation_forest"));
        assert_eq!(nearest("z_score", known), Some("zscore"));
        assert_eq!(nearest("elephant", known), None);
    }
}
