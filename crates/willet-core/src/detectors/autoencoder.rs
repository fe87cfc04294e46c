use libm::tanh;
use serde::{Deserialize, Serialize};

use super::LARGEST;
use super::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::random::Random;
use crate::rows::{Expected, Explanation, Raw};
use crate::statistics::ExponentialMoments;

crate::settings! {
    /// Settings of [`Autoencoder`].
    pub(super) struct AutoencoderConfig {
        /// Units in the middle that a row must pass through; 0 takes half as many as there are features.
        hidden: usize = 0, 0..=1_024;
        /// Length of a step: how fast the network follows the rows.
        learning_rate: f64 = 0.01, 1e-6..=0.5;
        /// How many recent rows means and deviations are learned from; older ones are forgotten at that pace.
        window_size: usize = 1_000, 32..=1_000_000;
    }
}

#[doc = include_str!("pages/autoencoder.md")]
#[derive(Debug)]
pub(super) struct Autoencoder {
    config: AutoencoderConfig,
    hidden: usize,
    features: Vec<ExponentialMoments>,
    /// Of what is left between row and answer, in deviations.
    residuals: Vec<ExponentialMoments>,
    network: Network,
    /// Space for learning a row; holds nothing between them.
    row: Pass,
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    features: Vec<ExponentialMoments>,
    residuals: Vec<ExponentialMoments>,
    network: Network,
}

/// Rows before the network is taught and scores mean anything.
const WARM_UP: u32 = 32;
/// The network sees at most so many deviations.
const SEEN: f64 = 3.0;
/// Means and deviations learn at most so many: they follow a lasting change, and one far row does not move them far.
const LEARNED: f64 = 10.0;
/// Weights stay below this.
const HEAVIEST: f64 = 1e6;

impl Autoencoder {
    fn is_warm(&self) -> bool {
        self.features[0].count() >= WARM_UP
    }

    /// The row in deviations, and what the network gives back for it.
    fn pass(&self, row: &[f64], pass: &mut Pass) {
        for ((z, x), feature) in pass.inputs.iter_mut().zip(row).zip(&self.features) {
            *z = (x - feature.mean()) / feature.deviation();
        }
        for (seen, z) in pass.seen.iter_mut().zip(&pass.inputs) {
            *seen = z.clamp(-SEEN, SEEN);
        }
        self.network.forward(pass);
    }

    fn new_pass(&self) -> Pass {
        Pass::new(self.features.len(), self.hidden)
    }

    fn window(&self) -> u32 {
        self.config.window_size as u32
    }
}

impl Algorithm for Autoencoder {
    const NAME: &'static str = "autoencoder";
    const ALIASES: &'static [Alias] = &[];
    const SUMMARY: &'static str = "what a small network trained online cannot give back; many features that depend on one another";
    const PAPER: &'static str = "Hawkins, He, Williams, Baxter, DaWaK 2002; Kingma, Ba, ICLR 2015";
    const PAGE: &'static str = include_str!("pages/autoencoder.md");
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = false;
    const STATE_VERSION: u16 = 1;

    type Config = AutoencoderConfig;
    type State = State;

    fn new(config: &AutoencoderConfig, width: usize, seed: u64) -> Result<Self, ConfigError> {
        let hidden = match config.hidden {
            0 => width.div_ceil(2),
            hidden => hidden,
        };
        Ok(Self {
            features: vec![ExponentialMoments::default(); width],
            residuals: vec![ExponentialMoments::default(); width],
            network: Network::new(width, hidden, &mut Random::new(seed)),
            row: Pass::new(width, hidden),
            config: config.clone(),
            hidden,
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        if !self.is_warm() {
            return Raw::WarmingUp;
        }
        let mut pass = self.new_pass();
        self.pass(row, &mut pass);
        Raw::Score(pass.error())
    }

    fn learn_row(&mut self, row: &[f64]) {
        self.score_learn_row(row);
    }

    fn score_learn_row(&mut self, row: &[f64]) -> Raw {
        let window = self.window();
        if !self.is_warm() {
            for (feature, x) in self.features.iter_mut().zip(row) {
                feature.push(*x, window);
            }
            return Raw::WarmingUp;
        }
        let mut pass = std::mem::take(&mut self.row);
        self.pass(row, &mut pass);
        let score = pass.error();
        self.network.teach(&mut pass, self.config.learning_rate);
        for (feature, z) in self.features.iter_mut().zip(&pass.inputs) {
            let x = feature.mean() + z.clamp(-LEARNED, LEARNED) * feature.deviation();
            feature.push(x, window);
        }
        for (feature, residual) in pass.residuals().enumerate() {
            let residual = residual.clamp(-LEARNED, LEARNED);
            self.residuals[feature].push(residual, window);
        }
        self.row = pass;
        Raw::Score(score)
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        if !self.is_warm() {
            return Explanation::from_weights(vec![0.0; row.len()], Vec::new());
        }
        let mut pass = self.new_pass();
        self.pass(row, &mut pass);
        let weights = pass
            .residuals()
            .map(|residual| residual * residual)
            .collect();
        // What would have been expected beside the other features, and how exact that usually is.
        let expected = pass.outputs.iter().zip(&self.features).zip(&self.residuals);
        let expected = expected.map(|((output, feature), residual)| {
            let middle = feature.mean() + output * feature.deviation();
            Expected::around(middle, residual.deviation() * feature.deviation())
        });
        Explanation::from_weights(weights, expected.collect())
    }

    fn expected(&self) -> Vec<Expected> {
        if !self.is_warm() {
            return Vec::new();
        }
        let expected =
            |feature: &ExponentialMoments| Expected::around(feature.mean(), feature.deviation());
        self.features.iter().map(expected).collect()
    }

    fn heap_bytes(&self) -> usize {
        let moments = self.features.capacity() + self.residuals.capacity();
        moments * size_of::<ExponentialMoments>()
            + self.network.heap_bytes()
            + self.row.heap_bytes()
    }

    fn save(&self) -> State {
        State {
            features: self.features.clone(),
            residuals: self.residuals.clone(),
            network: self.network.clone(),
        }
    }

    fn restore(
        config: &AutoencoderConfig,
        width: usize,
        seed: u64,
        state: State,
    ) -> Result<Self, String> {
        let mut restored = Self::new(config, width, seed).map_err(|error| error.to_string())?;
        let bound = 1e3 * LARGEST;
        let is_sound = |moments: &[ExponentialMoments], bound: f64| {
            let is_sound = |one: &ExponentialMoments| {
                one.mean().abs() <= bound && (0.0..=bound * bound).contains(&one.variance())
            };
            moments.len() == width
                && moments.iter().all(is_sound)
                && moments.iter().all(|one| one.count() == moments[0].count())
        };
        let fits = is_sound(&state.features, bound)
            && is_sound(&state.residuals, 1e3)
            && state.network.is_sound(width, restored.hidden);
        if !fits {
            return Err("its network has another size or is not finite".to_owned());
        }
        restored.features = state.features;
        restored.residuals = state.residuals;
        restored.network = state.network;
        Ok(restored)
    }
}

/// Weights between inputs, tanh units and outputs, each layer with its biases behind it, and what Adam knows of each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Network {
    /// Into the units, unit by unit: a weight for each input.
    into: Vec<Parameter>,
    into_biases: Vec<Parameter>,
    /// Out of the units, output by output: a weight for each unit.
    out: Vec<Parameter>,
    out_biases: Vec<Parameter>,
    /// Adam's β₁ and β₂ to the number of steps.
    powers: (f64, f64),
}

/// A weight with the running mean of its gradient and of the gradient's square.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Parameter {
    weight: f64,
    mean: f64,
    square: f64,
}

/// Adam's constants, as the paper has them.
const BETAS: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;

impl Network {
    /// Weights drawn as Glorot and Bengio have them (AISTATS 2010).
    fn new(width: usize, hidden: usize, random: &mut Random) -> Self {
        let bound = (6.0 / (width + hidden) as f64).sqrt();
        let mut draw = |count: usize| -> Vec<Parameter> {
            let parameter = |_| Parameter {
                weight: bound * (2.0 * random.unit() - 1.0),
                mean: 0.0,
                square: 0.0,
            };
            (0..count).map(parameter).collect()
        };
        Self {
            into: draw(width * hidden),
            into_biases: draw(hidden),
            out: draw(width * hidden),
            out_biases: draw(width),
            powers: (1.0, 1.0),
        }
    }

    fn forward(&self, pass: &mut Pass) {
        let units = self
            .into
            .chunks_exact(pass.seen.len())
            .zip(&self.into_biases);
        for (unit, (weights, bias)) in pass.units.iter_mut().zip(units) {
            *unit = tanh(bias.weight + weighted(weights, &pass.seen));
        }
        let outputs = self
            .out
            .chunks_exact(pass.units.len())
            .zip(&self.out_biases);
        for (output, (weights, bias)) in pass.outputs.iter_mut().zip(outputs) {
            *output = bias.weight + weighted(weights, &pass.units);
        }
    }

    /// A step of Adam down half the squared difference between what the network saw and what it gave back.
    fn teach(&mut self, pass: &mut Pass, rate: f64) {
        self.powers.0 *= BETAS.0;
        self.powers.1 *= BETAS.1;
        let rate = rate * (1.0 - self.powers.1).sqrt() / (1.0 - self.powers.0);
        pass.blame.fill(0.0);
        let outputs = self
            .out
            .chunks_exact_mut(pass.units.len())
            .zip(&mut self.out_biases);
        let wanted = pass.outputs.iter().zip(&pass.seen);
        for ((weights, bias), (output, wanted)) in outputs.zip(wanted) {
            let error = output - wanted;
            for ((weight, unit), blame) in weights.iter_mut().zip(&pass.units).zip(&mut pass.blame)
            {
                *blame += error * weight.weight;
                weight.step(error * unit, rate);
            }
            bias.step(error, rate);
        }
        let units = self
            .into
            .chunks_exact_mut(pass.seen.len())
            .zip(&mut self.into_biases);
        for ((weights, bias), (unit, blame)) in units.zip(pass.units.iter().zip(&pass.blame)) {
            let slope = blame * (1.0 - unit * unit);
            for (weight, seen) in weights.iter_mut().zip(&pass.seen) {
                weight.step(slope * seen, rate);
            }
            bias.step(slope, rate);
        }
    }

    fn all(&self) -> impl Iterator<Item = &Parameter> {
        let layers = [&self.into, &self.into_biases, &self.out, &self.out_biases];
        layers.into_iter().flatten()
    }

    fn is_sound(&self, width: usize, hidden: usize) -> bool {
        self.into.len() == width * hidden
            && self.into_biases.len() == hidden
            && self.out.len() == width * hidden
            && self.out_biases.len() == width
            && self.all().all(Parameter::is_sound)
            && (0.0..=1.0).contains(&self.powers.0)
            && (0.0..=1.0).contains(&self.powers.1)
    }

    fn heap_bytes(&self) -> usize {
        let first = self.into.capacity() + self.into_biases.capacity();
        let second = self.out.capacity() + self.out_biases.capacity();
        (first + second) * size_of::<Parameter>()
    }
}

impl Parameter {
    #[inline]
    fn step(&mut self, gradient: f64, rate: f64) {
        self.mean = BETAS.0 * self.mean + (1.0 - BETAS.0) * gradient;
        self.square = BETAS.1 * self.square + (1.0 - BETAS.1) * gradient * gradient;
        self.weight -= rate * self.mean / (self.square.sqrt() + EPSILON);
        self.weight = self.weight.clamp(-HEAVIEST, HEAVIEST);
    }

    fn is_sound(&self) -> bool {
        self.weight.abs() <= HEAVIEST
            && self.mean.abs() <= 1e50
            && (0.0..=1e100).contains(&self.square)
    }
}

/// Sum of products, in one order.
fn weighted(weights: &[Parameter], values: &[f64]) -> f64 {
    let products = weights.iter().zip(values);
    products.fold(0.0, |sum, (weight, x)| sum + weight.weight * x)
}

/// A row on its way through the network.
#[derive(Clone, Debug, Default)]
struct Pass {
    /// The row in deviations.
    inputs: Vec<f64>,
    /// What the network sees of it.
    seen: Vec<f64>,
    units: Vec<f64>,
    outputs: Vec<f64>,
    /// What each unit has to do with the error.
    blame: Vec<f64>,
}

impl Pass {
    fn new(width: usize, hidden: usize) -> Self {
        Self {
            inputs: vec![0.0; width],
            seen: vec![0.0; width],
            units: vec![0.0; hidden],
            outputs: vec![0.0; width],
            blame: vec![0.0; hidden],
        }
    }

    fn residuals(&self) -> impl Iterator<Item = f64> {
        self.inputs.iter().zip(&self.outputs).map(|(x, y)| x - y)
    }

    fn error(&self) -> f64 {
        let squares = self.residuals().map(|residual| residual * residual);
        (squares.sum::<f64>() / self.inputs.len() as f64).sqrt()
    }

    fn heap_bytes(&self) -> usize {
        let rows = self.inputs.capacity() + self.seen.capacity() + self.outputs.capacity();
        (rows + self.units.capacity() + self.blame.capacity()) * size_of::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against differences of the error itself.
    #[test]
    fn gradients_are_those_of_the_error() {
        let network = Network::new(4, 3, &mut Random::new(5));
        let row = [0.3, -1.2, 2.0, 0.7];
        let half = |network: &Network| {
            let mut pass = Pass::new(4, 3);
            pass.inputs.copy_from_slice(&row);
            pass.seen.copy_from_slice(&row);
            network.forward(&mut pass);
            (pass.residuals().map(|r| r * r).sum::<f64>() / 2.0, pass)
        };
        let (_, mut pass) = half(&network);
        let mut taught = network.clone();
        taught.teach(&mut pass, 0.01);
        let check = |layer: fn(&mut Network) -> &mut Vec<Parameter>| {
            for at in 0..layer(&mut network.clone()).len() {
                let moved = |by: f64| {
                    let mut moved = network.clone();
                    layer(&mut moved)[at].weight += by;
                    half(&moved).0
                };
                let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                // The first step: what Adam has seen is a tenth of the gradient.
                let found = layer(&mut taught.clone())[at];
                assert!(
                    (found.mean / 0.1 - slope).abs() < 1e-7,
                    "{at}: {found:?} {slope}"
                );
                // Its length is the rate, whatever the gradient.
                let step = layer(&mut network.clone())[at].weight - found.weight;
                assert!((step - 0.01 * slope.signum()).abs() < 1e-4, "{at}: {step}");
            }
        };
        check(|network| &mut network.into);
        check(|network| &mut network.into_biases);
        check(|network| &mut network.out);
        check(|network| &mut network.out_biases);
    }

    /// `scripts/golden_network.py` makes the file and says how it is laid out.
    #[test]
    fn scores_are_those_of_the_reference() {
        let text = include_str!("../../tests/golden_network.txt");
        let numbers = |text: &str| -> Vec<f64> {
            text.split(' ')
                .map(|x| x.parse().expect("a number"))
                .collect()
        };
        let config = AutoencoderConfig {
            hidden: 2,
            ..AutoencoderConfig::default()
        };
        let mut detector = Autoencoder::new(&config, 3, 0).expect("valid");
        let mut compared = 0;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (what, values) = line.split_once(' ').expect("a word and numbers");
            let values = numbers(values);
            let layer = match what {
                "into" => &mut detector.network.into,
                "into_biases" => &mut detector.network.into_biases,
                "out" => &mut detector.network.out,
                "out_biases" => &mut detector.network.out_biases,
                _ => {
                    let raw = detector.score_learn_row(&values[1..]);
                    if let Some(score) = raw.score() {
                        assert!(
                            (score - values[0]).abs() < 1e-6,
                            "{score}, expected {values:?}"
                        );
                        compared += 1;
                    }
                    continue;
                }
            };
            assert_eq!(layer.len(), values.len(), "{what}");
            let weights = layer.iter_mut().zip(&values);
            weights.for_each(|(parameter, x)| parameter.weight = *x);
        }
        assert_eq!(compared, 250 - 32);
    }

    #[test]
    fn what_features_have_in_common_is_learned() {
        let mut detector = Autoencoder::new(&AutoencoderConfig::default(), 2, 3).expect("valid");
        let mut random = Random::new(2);
        for _ in 0..3_000 {
            let common = 2.0 * random.unit() - 1.0;
            detector.learn_row(&[100.0 * common, 5.0 * common + 0.1 * random.unit()]);
        }
        let together = detector.score_row(&[70.0, 3.5]).score().expect("warm");
        let apart = detector.score_row(&[70.0, -3.5]).score().expect("warm");
        assert!(apart > 4.0 * together, "{together} {apart}");
        // Where one cause moves both, the other feature says what a feature should have been.
        let expected = detector.explain_row(&[70.0, 3.5]).expected[1];
        assert!(
            (expected.middle - 3.5).abs() < 0.6 && expected.high < 6.0,
            "{expected:?}"
        );
    }

    #[test]
    fn a_lasting_change_of_level_is_learned() {
        let mut detector = Autoencoder::new(&AutoencoderConfig::default(), 1, 3).expect("valid");
        let mut random = Random::new(2);
        for row in 0..8_000 {
            let level = if row < 2_000 { 0.0 } else { 1e6 };
            detector.learn_row(&[level + random.unit()]);
        }
        let score = |x: f64| detector.score_row(&[x]).score().expect("warm");
        assert!(score(1e6 + 0.5) < 0.5 && score(0.5) > 5.0);
    }
}
