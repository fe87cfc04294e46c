use super::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::rows::{Expected, Explanation, Raw};
use crate::statistics::Gaussian;

crate::settings! {
    /// Settings of [`Mahalanobis`].
    pub(super) struct MahalanobisConfig {
        /// How many recent rows normal is learned from; older ones are forgotten at that pace.
        window_size: usize = 1_000, 32..=1_000_000;
    }
}

#[doc = include_str!("pages/mahalanobis.md")]
#[derive(Debug)]
pub(super) struct Mahalanobis {
    window_size: usize,
    normal: Gaussian,
}

impl Algorithm for Mahalanobis {
    const NAME: &'static str = "mahalanobis";
    const ALIASES: &'static [Alias] = &[];
    const SUMMARY: &'static str =
        "distance from the mean along the features' correlations; features that go together";
    const PAPER: &'static str = "Mahalanobis 1936; Hotelling 1947";
    const PAGE: &'static str = include_str!("pages/mahalanobis.md");
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = false;
    const STATE_VERSION: u16 = 1;

    type Config = MahalanobisConfig;
    type State = Gaussian;

    fn new(config: &MahalanobisConfig, width: usize, _seed: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            window_size: config.window_size,
            normal: Gaussian::new(width),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        if self.normal.is_warm() {
            Raw::Score(self.normal.distance(row))
        } else {
            Raw::WarmingUp
        }
    }

    fn learn_row(&mut self, row: &[f64]) {
        self.normal.push(row, self.window_size);
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        if !self.normal.is_warm() {
            return Explanation::from_weights(vec![0.0; row.len()], Vec::new());
        }
        Explanation::from_weights(self.normal.parts(row), self.expected())
    }

    fn expected(&self) -> Vec<Expected> {
        if !self.normal.is_warm() {
            return Vec::new();
        }
        self.normal.covariance().expected()
    }

    fn heap_bytes(&self) -> usize {
        self.normal.heap_bytes()
    }

    fn save(&self) -> Gaussian {
        self.normal.clone()
    }

    fn restore(
        config: &MahalanobisConfig,
        width: usize,
        _seed: u64,
        normal: Gaussian,
    ) -> Result<Self, String> {
        if !normal.is_sound(width) {
            return Err("its matrices have another size or are not finite".to_owned());
        }
        Ok(Self {
            window_size: config.window_size,
            normal,
        })
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
