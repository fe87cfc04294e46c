use serde::{Deserialize, Serialize};

use super::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::rows::{Expected, Explanation, Raw};
use crate::statistics::{Covariance, dot, triangle};

crate::settings! {
    /// Settings of [`Mahalanobis`].
    pub(super) struct MahalanobisConfig {
        /// How many recent rows normal is learned from; older ones are forgotten at that pace.
        window_size: usize = 1_000, 32..=1_000_000;
    }
}

/// Scores by the distance from the mean in standard deviations, in whatever direction the features vary together.
///
/// Good for features that are correlated and about normally distributed: sees a row whose values are usual one by one and not together.
/// Blind to clusters: their middle is a place where no row ever is. Mean, deviations and correlations are those of a window with
/// exponential forgetting; the correlations are drawn towards none as if `width` rows without any had been seen beside it.
///
/// Time `O(width²)` a row, and `O(width³)` every `1 + width² / 64` rows; memory about `8 · width²` bytes.
///
/// # References
/// Mahalanobis, "On the Generalised Distance in Statistics", 1936; Hotelling, "Multivariate Quality Control", 1947.
#[derive(Debug)]
pub(super) struct Mahalanobis {
    window_size: usize,
    state: State,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    covariance: Covariance,
    /// Of the correlations when they were last looked at, the lower triangle row by row.
    factor: Vec<f64>,
    /// Rows until they are looked at again.
    until_factor: u64,
}

/// Rows before distances mean anything.
const WARM_UP: u64 = 32;

impl Mahalanobis {
    fn width(&self) -> usize {
        self.state.covariance.width()
    }

    fn every(&self) -> u64 {
        1 + (self.width() * self.width() / 64) as u64
    }

    /// Cholesky's factor of the correlations.
    fn factorise(&mut self) {
        let width = self.width();
        let covariance = &self.state.covariance;
        let deviations: Vec<f64> = (0..width)
            .map(|feature| covariance.deviation(feature))
            .collect();
        let seen = covariance.rows().min(self.window_size as u64) as f64;
        let kept = seen / (seen + width as f64);
        for row in 0..width {
            for column in 0..=row {
                let at = triangle(row) + column;
                let correlation = if row == column {
                    1.0
                } else {
                    kept * covariance.of(row, column) / (deviations[row] * deviations[column])
                };
                let (done, this) = self.state.factor.split_at(triangle(row));
                let other = if column == row {
                    &this[..column]
                } else {
                    &done[triangle(column)..triangle(column) + column]
                };
                let rest = correlation - dot(&this[..column], other);
                self.state.factor[at] = if row == column {
                    // Rounding may take a little too much away; what is drawn towards none keeps it above this.
                    rest.max(1.0 - kept).max(1e-9).sqrt()
                } else {
                    rest / self.state.factor[triangle(column) + column]
                };
            }
        }
    }

    /// The row in standard deviations, and the same with what the features have in common taken out.
    fn standardised(&self, row: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let deviations = row.iter().zip(self.state.covariance.mean()).enumerate();
        let apart: Vec<f64> = deviations
            .map(|(feature, (x, mean))| (x - mean) / self.state.covariance.deviation(feature))
            .collect();
        let mut solved: Vec<f64> = Vec::with_capacity(apart.len());
        for (feature, value) in apart.iter().enumerate() {
            let line = &self.state.factor[triangle(feature)..=triangle(feature) + feature];
            let rest = value - dot(&line[..feature], &solved);
            solved.push(rest / line[feature]);
        }
        (apart, solved)
    }
}

impl Algorithm for Mahalanobis {
    const NAME: &'static str = "mahalanobis";
    const ALIASES: &'static [Alias] = &[];
    const SUMMARY: &'static str =
        "distance from the mean along the features' correlations; features that go together";
    const PAPER: &'static str = "Mahalanobis 1936; Hotelling 1947";
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = false;
    const STATE_VERSION: u16 = 1;

    type Config = MahalanobisConfig;
    type State = State;

    fn new(config: &MahalanobisConfig, width: usize, _seed: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            window_size: config.window_size,
            state: State {
                covariance: Covariance::new(width),
                factor: vec![0.0; triangle(width)],
                until_factor: WARM_UP,
            },
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        if self.state.covariance.rows() < WARM_UP {
            return Raw::WarmingUp;
        }
        let (_, solved) = self.standardised(row);
        Raw::Score(dot(&solved, &solved).sqrt())
    }

    fn learn_row(&mut self, row: &[f64]) {
        self.state.covariance.push(row, self.window_size);
        self.state.until_factor -= 1;
        if self.state.until_factor == 0 {
            self.factorise();
            self.state.until_factor = self.every();
        }
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        if self.state.covariance.rows() < WARM_UP {
            return Explanation::from_weights(vec![0.0; row.len()], Vec::new());
        }
        // The squared distance is a sum over the features: each one's deviation times what is left of it beside the others.
        let (apart, mut solved) = self.standardised(row);
        for feature in (0..solved.len()).rev() {
            solved[feature] /= self.state.factor[triangle(feature) + feature];
            let (value, line) = (solved[feature], triangle(feature));
            for (other, part) in solved[..feature].iter_mut().zip(&self.state.factor[line..]) {
                *other -= part * value;
            }
        }
        let weights = apart.iter().zip(&solved).map(|(a, b)| a * b).collect();
        Explanation::from_weights(weights, self.expected())
    }

    fn expected(&self) -> Vec<Expected> {
        if self.state.covariance.rows() < WARM_UP {
            return Vec::new();
        }
        self.state.covariance.expected()
    }

    fn heap_bytes(&self) -> usize {
        self.state.covariance.heap_bytes() + self.state.factor.capacity() * size_of::<f64>()
    }

    fn save(&self) -> State {
        self.state.clone()
    }

    fn restore(
        config: &MahalanobisConfig,
        width: usize,
        _seed: u64,
        state: State,
    ) -> Result<Self, String> {
        let restored = Self {
            window_size: config.window_size,
            state,
        };
        let state = &restored.state;
        let is_sound = state.covariance.is_sound(width)
            && state.factor.len() == triangle(width)
            && state.factor.iter().all(|x| x.is_finite())
            && state.until_factor > 0
            && state.until_factor <= restored.every().max(WARM_UP)
            && (state.covariance.rows() < WARM_UP
                || (0..width).all(|row| state.factor[triangle(row) + row] > 0.0));
        if is_sound {
            Ok(restored)
        } else {
            Err("its matrices have another size or are not finite".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_distance_is_that_of_the_inverse_matrix() {
        let mut detector = Mahalanobis::new(&MahalanobisConfig::default(), 2, 0).expect("valid");
        let mut random = Random::new(2);
        let mut rows = Vec::new();
        for _ in 0..500 {
            let common = random.unit();
            let row = [100.0 * common + random.unit(), common + 0.1 * random.unit()];
            detector.learn_row(&row);
            rows.push(row);
        }
        let count = rows.len() as f64;
        let mean = [0, 1].map(|f| rows.iter().map(|row| row[f]).sum::<f64>() / count);
        let moment = |a: usize, b: usize| {
            rows.iter()
                .map(|row| (row[a] - mean[a]) * (row[b] - mean[b]))
                .sum::<f64>()
                / count
        };
        // As if two rows without correlation had been seen beside it.
        let kept = count / (count + 2.0);
        let (a, b, c) = (moment(0, 0), kept * moment(0, 1), moment(1, 1));
        let probe = [mean[0] + 10.0, mean[1] - 0.1];
        let (x, y) = (10.0, -0.1);
        let squared = (c * x * x - 2.0 * b * x * y + a * y * y) / (a * c - b * b);
        let score = detector.score_row(&probe).score().expect("warm");
        assert!((score - squared.sqrt()).abs() < 1e-9 * score, "{score}");
        // Usual one by one, and strange together.
        let along = detector.score_row(&[mean[0] + 10.0, mean[1] + 0.1]);
        assert!(along.score().expect("warm") < score / 3.0);
        let shares = detector.explain_row(&probe).contributions;
        assert!((shares[0] + shares[1] - 1.0).abs() < 1e-9 && shares[0] > 0.1 && shares[1] > 0.1);
    }
}
