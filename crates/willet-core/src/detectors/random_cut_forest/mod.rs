#![expect(
    clippy::inline_always,
    reason = "a box stays in registers only where the whole walk is one function"
)]

/// Calls a method for the number of blocks of dimensions: one whose loops are as long as the compiler knows, where they are few.
macro_rules! by_blocks {
    ($dimensions:expr, $own:ident . $method:ident $arguments:tt) => {
        match $dimensions.div_ceil(4) {
            1 => $own.$method::<1> $arguments,
            2 => $own.$method::<2> $arguments,
            3 => $own.$method::<3> $arguments,
            4 => $own.$method::<4> $arguments,
            _ => $own.$method::<0> $arguments,
        }
    };
}

mod frame;
mod lanes;
mod points;
mod sampler;
mod space;
#[cfg(test)]
mod tests;
mod tree;

use libm::log2;
use serde::{Deserialize, Serialize};

use self::frame::Frame;
use self::points::{FAR, Points};
use self::sampler::{Drawn, Moment, Reservoir};
use self::space::{Path, Space, TOGETHER};
use self::tree::{LEAF, Sample, Tree};
use super::Scaling;
use super::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::random::Random;
use crate::rows::{Expected, Explanation, Raw};

crate::settings! {
    /// Settings of [`RandomCutForest`].
    pub(super) struct RandomCutForestConfig {
        /// Number of trees.
        n_estimators: usize = 50, 1..=1_000;
        /// Rows each tree holds.
        max_samples: usize = 256, 16..=16_384;
        /// Rows that are looked at side by side, the newest last: 1 looks at each row by itself.
        shingle_size: usize = 1, 1..=256;
        /// How much likelier a row is held than the one before it; 0 takes one in ten times the rows of a tree.
        time_decay: f64 = 0.0, 0.0..=1.0;
        /// Whether features are brought to one scale: standard (each divided by its deviation) or none.
        scaling: Scaling = Scaling::Standard, ();
    }
}

#[doc = include_str!("../pages/rcf.md")]
#[derive(Debug)]
pub(super) struct RandomCutForest {
    config: RandomCutForestConfig,
    width: usize,
    decay: f64,
    /// `None` before the first rows gave one.
    frame: Option<Frame>,
    /// The rows until then.
    pending: Vec<f64>,
    /// The rows that come before the next one in its shingle, the oldest first.
    recent: Vec<f64>,
    points: Points,
    members: Vec<Member>,
    /// Rows learned.
    rows: u64,
    /// Rows after which the frame is looked at again.
    next_look: u64,
    /// Rows since the moment that weights are counted from.
    age: u64,
    random: Random,
}

/// A tree with its sample.
#[derive(Debug, Default)]
struct Member {
    tree: Tree,
    reservoir: Reservoir,
    /// The point of each sample.
    samples: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    frame: Option<Frame>,
    pending: Vec<f64>,
    recent: Vec<f64>,
    rows: u64,
    next_look: u64,
    age: u64,
    points: Vec<f32>,
    members: Vec<MemberState>,
    random: Random,
}

#[derive(Serialize, Deserialize)]
struct MemberState {
    weights: Vec<f32>,
    samples: Vec<u32>,
    shape: Vec<u16>,
    cuts: Vec<f32>,
}

/// Points before scores mean anything.
const WARM_UP: usize = 32;
/// Most values side by side.
const MOST_DIMENSIONS: usize = 8_192;
/// The frame is looked at after so many rows, twice, four times and so on, up to every so many.
const LOOKS: (u64, u64) = (64, 256);
/// Points that are enough to say what is expected.
const ENOUGH: usize = 2_048;

impl RandomCutForest {
    fn dimensions(&self) -> usize {
        self.width * self.config.shingle_size
    }

    /// Space with the row's point in it; `None` before there is a frame.
    fn shingled(&self, row: &[f64]) -> Option<Space> {
        let frame = self.frame.as_ref()?;
        let mut space = Space::new(self.dimensions());
        frame.place(self.recent.iter().chain(row), space.point().iter_mut());
        space.ready();
        Some(space)
    }

    fn samples(&self) -> usize {
        self.members[0].samples.len()
    }

    /// Learns a row within the frame.
    fn take_in(&mut self, row: &[f64]) {
        self.rows += 1;
        let before = self.width * (self.config.shingle_size - 1);
        if self.recent.len() == before {
            if let Some(space) = self.shingled(row) {
                by_blocks!(self.dimensions(), self.sample(space));
            }
            if before > 0 {
                self.recent.copy_within(self.width.., 0);
                self.recent[before - self.width..].copy_from_slice(row);
            }
        } else {
            self.recent.extend_from_slice(row);
        }
        if self.rows >= self.next_look {
            self.next_look = (2 * self.rows).min(self.rows + LOOKS.1);
            self.look();
        }
    }

    /// The sum of all trees' scores.
    fn total<const L: usize>(&self, space: &mut Space) -> f64 {
        let mut total = 0.0;
        let mut paths: [Path; TOGETHER] = std::array::from_fn(|_| Path::default());
        for group in self.members.chunks(TOGETHER) {
            let mut places = [LEAF; TOGETHER];
            for ((place, path), member) in places.iter_mut().zip(&mut paths).zip(group) {
                path.clear();
                *place = member.tree.root.unwrap_or(LEAF);
            }
            let (probe, ..) = space.parts();
            let mut is_down = false;
            while !is_down {
                is_down = true;
                for ((place, path), member) in places.iter_mut().zip(&mut paths).zip(group) {
                    if *place < LEAF {
                        *place = member.tree.step(*place, probe.values, path);
                        is_down = false;
                    }
                }
            }
            for ((place, path), member) in places.iter().zip(&paths).zip(group) {
                let (held, points) = (&member.samples, &self.points);
                let (probe, _, corners) = space.parts();
                let sample = Sample { held, points };
                total += member
                    .tree
                    .score::<L>(sample, *place, path, (probe, corners));
            }
        }
        total
    }

    /// Offers a point to every tree.
    fn sample<const L: usize>(&mut self, mut space: Space) {
        self.age += 1;
        let mut now = Moment::new(self.age, self.decay);
        if now.is_long() {
            let recount = |member: &mut Member| member.reservoir.recount(now);
            self.members.iter_mut().for_each(recount);
            self.age = 0;
            now = Moment::new(0, self.decay);
        }
        let Self {
            config,
            points,
            members,
            random,
            ..
        } = self;
        let (mut new, mut leaving) = (None, Space::new(space.point().len()));
        for member in members {
            let sample = match member.reservoir.draw(config.max_samples, now, random) {
                Drawn::Passed => continue,
                Drawn::Added => {
                    if member.samples.is_empty() {
                        member.samples.reserve_exact(config.max_samples);
                    }
                    member.samples.push(0);
                    member.samples.len() - 1
                }
                Drawn::Replaces(sample) => {
                    let point = member.samples[sample];
                    leaving.point().copy_from_slice(points.get(point));
                    leaving.ready();
                    let held = &member.samples;
                    let tree = &mut member.tree;
                    tree.remove::<L>(sample, Sample { held, points }, &mut leaving);
                    points.release(point);
                    sample
                }
            };
            member.samples[sample] = *new.get_or_insert_with(|| points.add(space.point()));
            let samples = &mut member.samples;
            let tree = &mut member.tree;
            tree.insert::<L>(sample, samples, points, &mut space, random);
        }
    }

    /// Takes another frame if the sample has left this one.
    fn look(&mut self) {
        let Some(frame) = &self.frame else {
            return;
        };
        let before = self.dimensions() - self.width;
        let samples = &self.members[0].samples;
        let column = |feature: usize| {
            let point = |point: &u32| self.points.get(*point)[before + feature];
            let values = samples.iter().map(point);
            values.map(|x| frame.value(feature, x)).collect()
        };
        let new = Frame::of((0..self.width).map(column), self.config.scaling);
        if !frame.is_far_from(&new) {
            return;
        }
        let width = self.width;
        self.points
            .change(|dimension, x| frame.moved(&new, dimension % width, x));
        self.frame = Some(new);
        let mut space = Space::new(self.dimensions());
        for Member { tree, samples, .. } in &mut self.members {
            tree.clear();
            for sample in 0..samples.len() {
                let point = samples[sample];
                space.point().copy_from_slice(self.points.get(point));
                space.ready();
                self.points.release(point);
                tree.insert::<0>(
                    sample,
                    samples,
                    &mut self.points,
                    &mut space,
                    &mut self.random,
                );
            }
        }
    }

    /// What the sampled points hold of each feature, of those that the rows before lead to.
    fn imputed(&self) -> Vec<Expected> {
        let Some(mut space) = self.shingled(&[]) else {
            return Vec::new();
        };
        let Some(frame) = &self.frame else {
            return Vec::new();
        };
        let known = self.recent.len();
        let mut columns = vec![Vec::new(); self.width];
        for Member { tree, samples, .. } in &self.members {
            tree.reach(space.point(), known, |sample, mass| {
                let point = &self.points.get(samples[sample])[known..];
                for (feature, (column, x)) in columns.iter_mut().zip(point).enumerate() {
                    let value = frame.value(feature, *x);
                    column.extend(std::iter::repeat_n(value, usize::from(mass)));
                }
            });
            if columns[0].len() >= ENOUGH {
                break;
            }
        }
        let expected = |column: &mut Vec<f64>| Expected::of(column);
        columns.iter_mut().map_while(expected).collect()
    }
}

impl Algorithm for RandomCutForest {
    const NAME: &'static str = "rcf";
    const ALIASES: &'static [Alias] = &[Alias {
        name: "random_cut_forest",
        preset: &[],
    }];
    const SUMMARY: &'static str = "random cut forest on a decaying sample, with shingles; several features, or one series whose order matters";
    const PAPER: &'static str = "Guha, Mishra, Roy, Schrijvers, ICML 2016";
    const PAGE: &'static str = include_str!("../pages/rcf.md");
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = false;
    const STATE_VERSION: u16 = 1;

    type Config = RandomCutForestConfig;
    type State = State;

    fn new(config: &RandomCutForestConfig, width: usize, seed: u64) -> Result<Self, ConfigError> {
        if width * config.shingle_size > MOST_DIMENSIONS {
            return Err(ConfigError::Value {
                name: "shingle_size".to_owned(),
                found: config.shingle_size.to_string(),
                expected: format!(
                    "at most {} for rows of {width} values",
                    MOST_DIMENSIONS / width
                ),
            });
        }
        let decay = match config.time_decay {
            0.0 => 1.0 / (10 * config.max_samples) as f64,
            decay => decay,
        };
        Ok(Self {
            width,
            decay,
            frame: None,
            pending: Vec::new(),
            recent: Vec::new(),
            points: Points::new(width * config.shingle_size),
            members: (0..config.n_estimators)
                .map(|_| Member::default())
                .collect(),
            rows: 0,
            next_look: LOOKS.0,
            age: 0,
            random: Random::new(seed),
            config: config.clone(),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        let Some(mut space) = self.shingled(row) else {
            return Raw::WarmingUp;
        };
        let total = by_blocks!(self.dimensions(), self.total(&mut space));
        Raw::Score(total / self.members.len() as f64 * log2(self.samples() as f64 + 1.0))
    }

    fn learn_row(&mut self, row: &[f64]) {
        if self.frame.is_some() {
            self.take_in(row);
            return;
        }
        self.pending.extend_from_slice(row);
        if self.pending.len() == self.width * (WARM_UP + self.config.shingle_size - 1) {
            let rows = std::mem::take(&mut self.pending);
            let column = |feature| {
                rows.iter()
                    .skip(feature)
                    .step_by(self.width)
                    .copied()
                    .collect()
            };
            self.frame = Some(Frame::of((0..self.width).map(column), self.config.scaling));
            rows.chunks_exact(self.width)
                .for_each(|row| self.take_in(row));
        }
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        let mut weights = vec![0.0; row.len()];
        let Some(mut space) = self.shingled(row) else {
            return Explanation::from_weights(weights, Vec::new());
        };
        let mut parts = vec![0.0; self.dimensions()];
        for Member { tree, samples, .. } in &self.members {
            let sample = Sample {
                held: samples,
                points: &self.points,
            };
            tree.attribute(sample, &mut space, &mut parts);
        }
        for row in parts.chunks_exact(self.width) {
            let sums = weights.iter_mut().zip(row);
            sums.for_each(|(weight, part)| *weight += part);
        }
        Explanation::from_weights(weights, self.imputed())
    }

    fn expected(&self) -> Vec<Expected> {
        self.imputed()
    }

    fn heap_bytes(&self) -> usize {
        let member = |member: &Member| {
            size_of::<Member>()
                + member.tree.heap_bytes()
                + member.reservoir.heap_bytes()
                + member.samples.capacity() * size_of::<u32>()
        };
        self.frame.as_ref().map_or(0, Frame::heap_bytes)
            + (self.pending.capacity() + self.recent.capacity()) * size_of::<f64>()
            + self.points.heap_bytes()
            + self.members.iter().map(member).sum::<usize>()
    }

    fn save(&self) -> State {
        // Points in the order in which the samples name them: where they lie means nothing.
        let mut names = vec![None; self.points.places()];
        let mut points = Vec::new();
        let mut name = |point: &u32| {
            *names[*point as usize].get_or_insert_with(|| {
                points.extend_from_slice(self.points.get(*point));
                (points.len() / self.dimensions() - 1) as u32
            })
        };
        let member = |member: &Member| {
            let (shape, cuts) = member.tree.save();
            MemberState {
                weights: member.reservoir.weights().to_vec(),
                samples: member.samples.iter().map(&mut name).collect(),
                shape,
                cuts,
            }
        };
        State {
            frame: self.frame.clone(),
            pending: self.pending.clone(),
            recent: self.recent.clone(),
            rows: self.rows,
            next_look: self.next_look,
            age: self.age,
            members: self.members.iter().map(member).collect(),
            points,
            random: self.random.clone(),
        }
    }

    fn restore(
        config: &RandomCutForestConfig,
        width: usize,
        seed: u64,
        state: State,
    ) -> Result<Self, String> {
        let mut restored = Self::new(config, width, seed).map_err(|error| error.to_string())?;
        if restored.load(state).is_some() {
            Ok(restored)
        } else {
            Err("its trees have another size or do not hold their samples".to_owned())
        }
    }
}

impl RandomCutForest {
    /// Takes up a state; `None` where it does not belong to this configuration or contradicts itself.
    fn load(&mut self, state: State) -> Option<()> {
        let (width, dimensions) = (self.width, self.dimensions());
        let before = width * (self.config.shingle_size - 1);
        let fits = match &state.frame {
            // The first frame comes with the last of the pending rows.
            None => {
                state.pending.len().is_multiple_of(width)
                    && state.pending.len() < width * WARM_UP + before
                    && state.recent.is_empty()
                    && state.rows == 0
                    && state.points.is_empty()
            }
            Some(frame) => {
                frame.is_sound(width)
                    && state.pending.is_empty()
                    && state.recent.len() == before
                    && state.rows >= WARM_UP as u64
                    && !state.points.is_empty()
            }
        };
        let values = state.pending.iter().chain(&state.recent);
        let samples = state.members.first()?.samples.len();
        let is_sound = fits
            && values.into_iter().all(|x| x.is_finite())
            && state.rows < 1 << 60
            && state.next_look > state.rows
            && state.next_look <= state.rows + LOOKS.1
            && !Moment::new(state.age, self.decay).is_long()
            && state.members.len() == self.config.n_estimators
            && state.points.len().is_multiple_of(dimensions)
            && state.points.iter().all(|x| x.abs() <= FAR)
            && samples <= self.config.max_samples
            && (samples == 0) == state.frame.is_none();
        if !is_sound {
            return None;
        }
        let points = state.points.chunks_exact(dimensions);
        self.points = Points::restore(dimensions, &state.points);
        let mut space = Space::new(dimensions);
        let names = points.len();
        for (member, saved) in self.members.iter_mut().zip(state.members) {
            let is_sound = saved.samples.len() == samples
                && saved.weights.len() == samples
                && saved.weights.iter().all(|weight| weight.abs() < 1e4)
                && saved.samples.iter().all(|name| (*name as usize) < names);
            if !is_sound {
                return None;
            }
            saved
                .samples
                .iter()
                .for_each(|point| self.points.hold(*point));
            let sample = Sample {
                held: &saved.samples,
                points: &self.points,
            };
            member.tree = Tree::restore(&saved.shape, &saved.cuts, sample, &mut space)?;
            member.reservoir = Reservoir::restore(saved.weights);
            member.samples = saved.samples;
        }
        self.frame = state.frame;
        self.pending = state.pending;
        self.recent = state.recent;
        self.rows = state.rows;
        self.next_look = state.next_look;
        self.age = state.age;
        self.random = state.random;
        Some(())
    }
}
