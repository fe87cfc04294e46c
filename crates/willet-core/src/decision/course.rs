use libm::log10;
use serde::{Deserialize, Serialize};

use crate::rows::{Expected, Explanation};

/// What an anomaly looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnomalyType {
    /// The guilty value lies above what was expected.
    Spike,
    /// The guilty value lies below what was expected.
    Dip,
    /// The deviation that was flagged a few rows ago has lasted.
    LevelShift,
    /// It has lasted and grown.
    Trend,
    /// Since it was flagged, values have been far off on both sides.
    Variance,
    /// A value that always varied has stopped to vary for longer than ever.
    FlatLine,
    /// Rows come without any value, and never did for so long.
    MissingData,
    /// The value is ordinary for the series and not at this place; or each value is, and not all together.
    Contextual,
    /// A value seldom seen or never, where values are names.
    Rare,
    /// What is normal has changed, as the series' drift test sees it.
    Drift,
}

impl AnomalyType {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spike => "spike",
            Self::Dip => "dip",
            Self::LevelShift => "level_shift",
            Self::Trend => "trend",
            Self::Variance => "variance",
            Self::FlatLine => "flat_line",
            Self::MissingData => "missing_data",
            Self::Contextual => "contextual",
            Self::Rare => "rare",
            Self::Drift => "drift",
        }
    }
}

/// Evidence that no score of a single row holds: a depth of its own, and what it is evidence of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// −log10 of about how often such comes.
    pub depth: f64,
    /// What it looks like.
    pub anomaly_type: AnomalyType,
    /// The feature that it speaks of; `None` where it is all of them.
    pub feature: Option<usize>,
    /// Rows that it has lasted, and the most that such lasted before.
    pub rows: u32,
    /// See `rows`.
    pub usual: u32,
}

/// The course of a series' values, in a few numbers: how long they stood still or stayed away, what is usual of them, and
/// what became of the last flag.
///
/// Looks at the first 8 features. Memory about 40 bytes for each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    features: Vec<Usual>,
    watch: Option<Watch>,
    /// Rows until another flag is watched: what has lasted is said once.
    rest: u16,
    /// Rows with a value.
    rows: u32,
    /// Rows in a row without any, and the most before.
    missing: u32,
    longest_missing: u32,
}

/// What one feature usually does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Usual {
    last: f64,
    /// Rows in a row that equal the last one, and the most before.
    same: u32,
    longest: u32,
    /// Times that the value changed.
    changes: u32,
    mean: f64,
    variance: f64,
}

/// What is counted after a flag.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Watch {
    feature: u16,
    rows: u16,
    middle: f64,
    /// Half of the deviation that was flagged: at least so far off, a row deviates too.
    half: f64,
    depth: f64,
    up: u16,
    down: u16,
    /// Sums of the deviations in the first and in the second half of the watch.
    early: f64,
    late: f64,
}

/// Features that are looked at.
const FEATURES: usize = 8;
/// Rows from which on "never before" means something.
pub(super) const KNOWN: u32 = 100;
/// A stand-still is news at three times the longest before, and at this many rows at least.
pub(super) const LONGER: u32 = 3;
const FLAT_ROWS: u32 = 20;
pub(super) const MISSING_ROWS: u32 = 3;
/// A flag is watched for this many rows ...
const WATCHED: u16 = 10;
/// ... of which this many must deviate too for it to have lasted ...
const LASTED: u16 = 8;
/// ... each way this many for values to be scattered ...
const EACH_WAY: u16 = 3;
/// ... and grow by this factor for a trend.
const GROWTH: f64 = 1.5;
/// After a deviation that lasted, flags are not watched for this many rows: longer than the learning guard holds.
const REST: u16 = 50;
/// A deviation that lasted is rarer than the row it began with: a hundred times, to be careful.
pub(super) const LASTING: f64 = 2.0;
/// What chance does not bring is rarer than what never came by so much at most.
const RARER: f64 = 4.0;
/// Weight of the newest row in what is usual: about the last 500 rows.
const NEWEST: f64 = 0.002;
/// Within so many standard deviations of the mean a value is ordinary.
const ORDINARY: f64 = 2.0;
/// Values beyond are not taken into what is usual: their squares must stay finite.
const LARGEST: f64 = 1e100;

impl Course {
    /// The feature whose expected value [`Course::step`] wants to know, if it is watched.
    pub fn watched(&self) -> Option<usize> {
        self.watch.map(|watch| usize::from(watch.feature))
    }

    /// Takes in a row and what is expected now of the watched feature; evidence at the one row where it is complete.
    pub fn step(&mut self, row: &[f64], expected: Option<Expected>) -> Option<Evidence> {
        if row.iter().all(|value| value.is_nan()) {
            return self.step_missing();
        }
        self.longest_missing = self.longest_missing.max(self.missing);
        self.missing = 0;
        self.rows = self.rows.saturating_add(1);
        if self.features.is_empty() {
            self.features = vec![Usual::default(); row.len().min(FEATURES)];
        }
        let mut flat = None;
        for (feature, (usual, value)) in self.features.iter_mut().zip(row).enumerate() {
            if usual.step(*value) {
                flat = flat.or(Some(feature));
            }
        }
        let lasted = self.follow(row, expected);
        lasted.or_else(|| {
            let usual = self.features[flat?];
            let evidence = self.unseen(AnomalyType::FlatLine, flat, usual.same, usual.longest);
            Some(evidence.by_chance(usual.chance(self.rows)))
        })
    }

    fn step_missing(&mut self) -> Option<Evidence> {
        self.missing = self.missing.saturating_add(1);
        let limit = self
            .longest_missing
            .saturating_mul(LONGER)
            .max(MISSING_ROWS);
        let is_news = self.rows >= KNOWN && self.missing == limit;
        is_news.then(|| {
            let (missing, usual) = (self.missing, self.longest_missing);
            let evidence = self.unseen(AnomalyType::MissingData, None, missing, usual);
            if usual == 0 {
                evidence.by_chance(runs_expected(self.rows, 0, missing))
            } else {
                evidence
            }
        })
    }

    /// Evidence of what did not come in any row before.
    fn unseen(
        &self,
        anomaly_type: AnomalyType,
        feature: Option<usize>,
        rows: u32,
        usual: u32,
    ) -> Evidence {
        Evidence {
            feature,
            rows,
            usual,
            depth: log10(f64::from(self.rows) + 1.0) + LASTING,
            anomaly_type,
        }
    }

    /// What became of the last flag.
    fn follow(&mut self, row: &[f64], expected: Option<Expected>) -> Option<Evidence> {
        self.rest = self.rest.saturating_sub(1);
        let watch = self.watch.as_mut()?;
        let value = *row.get(usize::from(watch.feature))?;
        let now = expected.map_or(watch.middle, |expected| expected.middle);
        // A model that follows the change says after some rows that nothing is unusual; one that knows seasons is
        // right that the former middle is not the one to compare with. A row must be off from both.
        let (then, now) = (value - watch.middle, value - now);
        if then >= watch.half && now > 0.0 {
            watch.up += 1;
        } else if -then >= watch.half && now < 0.0 {
            watch.down += 1;
        }
        let sum = if watch.rows < WATCHED / 2 {
            &mut watch.early
        } else {
            &mut watch.late
        };
        *sum += then.abs();
        watch.rows += 1;
        if watch.rows < WATCHED {
            return None;
        }
        let watch = self.watch.take()?;
        let both = watch.up >= EACH_WAY && watch.down >= EACH_WAY;
        let anomaly_type = match watch.up.max(watch.down) {
            LASTED.. if watch.late > GROWTH * watch.early => AnomalyType::Trend,
            LASTED.. => AnomalyType::LevelShift,
            _ if both => AnomalyType::Variance,
            _ => return None,
        };
        self.rest = REST;
        Some(Evidence {
            depth: watch.depth + LASTING,
            anomaly_type,
            feature: Some(usize::from(watch.feature)),
            rows: u32::from(WATCHED),
            usual: 0,
        })
    }

    /// Takes a row into what is usual; only for rows that the detector learns.
    pub fn learn(&mut self, row: &[f64]) {
        for (usual, value) in self.features.iter_mut().zip(row) {
            if value.abs() <= LARGEST {
                let weight = NEWEST.max(1.0 / f64::from(self.rows.max(1)));
                let change = value - usual.mean;
                usual.mean += weight * change;
                usual.variance += weight * (change * (value - usual.mean) - usual.variance);
            }
        }
    }

    /// Begins to watch what becomes of a row that was flagged.
    pub fn watch(&mut self, row: &[f64], explanation: &Explanation, depth: f64) {
        let main = explanation.main_feature().filter(|main| *main < FEATURES);
        let deviating =
            main.and_then(|main| Some((main, *row.get(main)?, explanation.expected.get(main)?)));
        let Some((main, value, expected)) = deviating else {
            return;
        };
        let half = (value - expected.middle).abs() / 2.0;
        let is_sound = half > 0.0 && half <= LARGEST && expected.middle.is_finite();
        if self.watch.is_none() && self.rest == 0 && is_sound {
            self.watch = Some(Watch {
                feature: main as u16,
                rows: 0,
                middle: expected.middle,
                half,
                depth,
                up: 0,
                down: 0,
                early: 0.0,
                late: 0.0,
            });
        }
    }

    /// What a flagged row looks like by its values; `None` where nobody knows what was expected.
    pub fn look(&self, row: &[f64], explanation: &Explanation) -> Option<AnomalyType> {
        let main = explanation.main_feature()?;
        let (value, expected) = (*row.get(main)?, *explanation.expected.get(main)?);
        let is_within =
            |(value, expected): (&f64, &Expected)| (expected.low..=expected.high).contains(value);
        let all_within = row.iter().zip(&explanation.expected).all(is_within);
        let is_ordinary = self.rows >= KNOWN
            && !is_within((&value, &expected))
            && self.features.get(main).is_some_and(|usual| {
                (value - usual.mean).abs() <= ORDINARY * usual.variance.max(0.0).sqrt()
            });
        if all_within || is_ordinary {
            return Some(AnomalyType::Contextual);
        }
        match value - expected.middle {
            up if up > 0.0 => Some(AnomalyType::Spike),
            down if down < 0.0 => Some(AnomalyType::Dip),
            _ => None,
        }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.features.capacity() * size_of::<Usual>()
    }

    /// Whether the parts belong together; state that came from outside is checked with this.
    pub fn is_sound(&self) -> bool {
        let is_usual = |usual: &Usual| usual.mean.is_finite() && usual.variance.is_finite();
        let is_watch = |watch: Watch| {
            usize::from(watch.feature) < FEATURES
                && watch.rows < WATCHED
                && watch.up <= watch.rows
                && watch.down <= watch.rows
                && watch.middle.is_finite()
                && watch.half > 0.0
                && !watch.depth.is_nan()
        };
        self.features.len() <= FEATURES
            && self.rest <= REST
            && self.features.iter().all(is_usual)
            && self.watch.is_none_or(is_watch)
    }
}

/// How many runs of a length were to be expected in so many rows, were each of those `of` which are part of one so by itself.
pub(super) fn runs_expected(rows: u32, of: u32, length: u32) -> f64 {
    let share = (f64::from(of) + 1.0) / (f64::from(rows) + 2.0);
    f64::from(rows) * libm::pow(share, f64::from(length))
}

impl Evidence {
    /// Rarer by as much as chance does not bring it.
    pub(super) fn by_chance(self, expected: f64) -> Self {
        let rarer = -log10(expected.max(f64::MIN_POSITIVE));
        Self {
            depth: self.depth + rarer.clamp(0.0, RARER),
            ..self
        }
    }
}

impl Usual {
    /// How many stand-stills as long as this one were to be expected.
    fn chance(&self, rows: u32) -> f64 {
        let repeats = rows.saturating_sub(self.changes).saturating_sub(self.same);
        runs_expected(rows, repeats, self.same)
    }

    /// Takes in a value; whether it has stood still for longer than ever, said once.
    fn step(&mut self, value: f64) -> bool {
        if value.is_nan() {
            return false;
        }
        if value == self.last {
            self.same = self.same.saturating_add(1);
        } else {
            self.longest = self.longest.max(self.same);
            self.same = 1;
            self.changes = self.changes.saturating_add(1);
            self.last = value;
        }
        let limit = self.longest.saturating_mul(LONGER).max(FLAT_ROWS);
        self.changes >= KNOWN && self.same == limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn noise(n: usize) -> Vec<f64> {
        let mut random = Random::new(7);
        (0..n).map(|_| 10.0 + random.unit()).collect()
    }

    /// Types said, with the row where.
    fn said(values: &[f64]) -> Vec<(usize, AnomalyType)> {
        let mut course = Course::default();
        let mut said = Vec::new();
        for (i, value) in values.iter().enumerate() {
            if let Some(evidence) = course.step(&[*value], None) {
                assert!(evidence.depth > 2.0, "{evidence:?}");
                said.push((i, evidence.anomaly_type));
            }
            if (value - 10.5).abs() > 3.0 {
                let expected = vec![Expected::around(10.5, 0.3)];
                let explanation = Explanation::from_weights(vec![1.0], expected);
                course.watch(&[*value], &explanation, 3.0);
            } else {
                course.learn(&[*value]);
            }
        }
        assert!(course.is_sound());
        said
    }

    #[test]
    fn a_flat_line_is_said_once_when_it_is_longer_than_ever() {
        let mut values = noise(1_000);
        values[500..540].fill(10.2);
        values[700..740].fill(10.3);
        assert_eq!(said(&values), [(519, AnomalyType::FlatLine)]);
        assert_eq!(said(&[10.5; 1_000])[..], []);
    }

    #[test]
    fn missing_data_is_said_once_where_it_never_was() {
        let mut values = noise(1_000);
        values[500..520].fill(f64::NAN);
        values[700..710].fill(f64::NAN);
        assert_eq!(said(&values), [(502, AnomalyType::MissingData)]);
        // One in three rows has always been missing.
        let gaps: Vec<f64> = (0..900)
            .map(|i| if i % 3 == 0 { f64::NAN } else { f64::from(i) })
            .collect();
        assert!(
            said(&gaps)
                .iter()
                .all(|(_, kind)| *kind != AnomalyType::MissingData)
        );
    }

    #[test]
    fn what_lasts_is_told_from_what_passes() {
        let after = |change: fn(usize, f64) -> f64| {
            let mut values = noise(530);
            for (i, value) in values[500..].iter_mut().enumerate() {
                *value = change(i, *value);
            }
            said(&values).first().copied()
        };
        assert_eq!(after(|i, x| if i == 0 { 20.0 } else { x }), None);
        assert_eq!(after(|_, x| x + 9.0), Some((510, AnomalyType::LevelShift)));
        assert_eq!(
            after(|i, x| x - 4.0 - i as f64),
            Some((510, AnomalyType::Trend))
        );
        let scattered = |i: usize, x: f64| x + if i.is_multiple_of(2) { 9.0 } else { -9.0 };
        assert_eq!(after(scattered), Some((510, AnomalyType::Variance)));
    }

    #[test]
    fn ordinary_values_at_the_wrong_place_are_contextual() {
        let mut course = Course::default();
        for i in 0..1_000 {
            let row = [f64::from(i % 100)];
            course.step(&row, None);
            course.learn(&row);
        }
        let look = |value: f64| {
            let expected = vec![Expected::around(10.0, 1.0)];
            course.look(&[value], &Explanation::from_weights(vec![1.0], expected))
        };
        assert_eq!(look(60.0), Some(AnomalyType::Contextual));
        assert_eq!(look(900.0), Some(AnomalyType::Spike));
        assert_eq!(look(-900.0), Some(AnomalyType::Dip));
    }
}
