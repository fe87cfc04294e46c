use libm::log2;
use serde::{Deserialize, Serialize};

use super::ablation;
use super::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::random::Random;
use crate::rows::{Expected, Explanation, Raw};
use crate::statistics::quantile;
use crate::windows::{CountWindow, Slide};

crate::settings! {
    /// Settings of [`HalfSpaceTrees`].
    pub(super) struct HalfSpaceTreesConfig {
        /// Number of trees.
        n_estimators: usize = 25, 1..=1_000;
        /// Depth of each tree.
        depth: usize = 8, 1..=15;
        /// Rows of a window: what one window holds is normal while the next one fills.
        window_size: usize = 250, 32..=65_000;
        /// Share of a window below which a region is not divided further when it scores.
        size_limit: f64 = 0.0, 0.0..=1.0;
    }
}

/// Scores by how empty the regions around a row were in the last full window.
///
/// Trees that halve a random feature's range at every level are built before any data; learning only counts rows.
/// Good for scattered anomalies in several features; weak when anomalies fill a whole window. Scores saturate in empty
/// space. The first windows are short (32, 64, ... rows), so that scores come early. Ranges are the 1 % and 99 %
/// quantiles of a window; when they have moved, the window is counted again under the new ones. Departures from the
/// paper: regions are divided down to empty ones by default (`size_limit` 0; the paper has 0.1, which hides a spike among few
/// features), a region counts half a row more than it holds, so that empty regions differ by their size, and the score is
/// the negative logarithm of the mass, so that high is strange.
///
/// Time `O(n_estimators · depth)` a row; memory about `10 · n_estimators · 2^depth + 8 · window_size · width` bytes.
///
/// # References
/// Tan, Ting, Liu, "Fast Anomaly Detection for Streaming Data", IJCAI 2011.
#[derive(Debug)]
pub(super) struct HalfSpaceTrees {
    config: HalfSpaceTreesConfig,
    /// Inner nodes of all trees; node n of a tree has the children 2n + 1 and 2n + 2.
    nodes: Vec<Node>,
    /// Rows of the last window in each region, all trees, inner nodes and leaves.
    masses: Vec<u16>,
    /// Rows counted in `masses`, 0 before the first window.
    counted: usize,
    scales: Vec<Scale>,
    window: CountWindow,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    split: f32,
    feature: u16,
}

impl Node {
    /// Place of the child that holds a scaled row; `at` is the node's own.
    fn child(self, at: usize, row: &[f32]) -> usize {
        2 * at + 1 + usize::from(row[self.feature as usize] >= self.split)
    }
}

/// Trees that are walked together, a level at a time: each step waits for memory, and so they wait at once.
const TOGETHER: usize = 32;

/// Maps the usual range of a feature to 0..1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Scale {
    low: f64,
    range: f64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    masses: Vec<u16>,
    counted: usize,
    scales: Vec<Scale>,
    window: CountWindow,
}

/// Rows of the first window.
const FIRST_WINDOW: usize = 32;
/// A range that moved by more than this share of itself, or grew or shrank by it, is taken anew.
const MOVED: f64 = 0.25;

impl HalfSpaceTrees {
    fn inner_count(&self) -> usize {
        (1 << self.config.depth) - 1
    }

    fn region_count(&self) -> usize {
        (2 << self.config.depth) - 1
    }

    /// The row with each feature's usual range mapped to 0..1.
    fn scaled<'a>(
        &self,
        row: &[f64],
        space: &'a mut [f32; 64],
        heap: &'a mut Vec<f32>,
    ) -> &'a [f32] {
        let scaled = self
            .scales
            .iter()
            .zip(row)
            .map(|(scale, x)| ((x - scale.low) / scale.range) as f32);
        if row.len() <= space.len() {
            space
                .iter_mut()
                .zip(scaled)
                .for_each(|(place, x)| *place = x);
            &space[..row.len()]
        } else {
            heap.extend(scaled);
            heap
        }
    }

    /// How many rows an average tree holds around the row, as if its region had the size of the whole space.
    fn mass(&self, row: &[f64]) -> f64 {
        let (mut space, mut heap) = ([0.0; 64], Vec::new());
        let row = self.scaled(row, &mut space, &mut heap);
        let limit = (self.config.size_limit * self.counted as f64) as u16;
        let (inner, regions) = (self.inner_count(), self.region_count());
        let mut total = 0_u64;
        for (nodes, masses) in self
            .nodes
            .chunks(TOGETHER * inner)
            .zip(self.masses.chunks(TOGETHER * regions))
        {
            let trees = nodes.len() / inner;
            let (mut at, mut level) = ([0_usize; TOGETHER], [0_u32; TOGETHER]);
            for _ in 0..self.config.depth {
                for tree in 0..trees {
                    // A walk that has ended stays: without a branch, for nobody could guess it.
                    let here = at[tree];
                    let goes_on = usize::from(masses[tree * regions + here] > limit);
                    let below = nodes[tree * inner + here].child(here, row);
                    at[tree] = here + (below - here) * goes_on;
                    level[tree] += goes_on as u32;
                }
            }
            for tree in 0..trees {
                // Half a row more than was counted: of two empty regions the larger one is the stranger.
                total += (2 * u64::from(masses[tree * regions + at[tree]]) + 1) << level[tree];
            }
        }
        total as f64 / (2 * self.config.n_estimators) as f64
    }

    /// Counts the full window and starts the next.
    fn turn(&mut self) {
        let scales = self.window_scales();
        let has_moved = self.counted == 0
            || self
                .scales
                .iter()
                .zip(&scales)
                .any(|(old, new)| old.differs(*new));
        if has_moved {
            self.scales = scales;
        }
        self.counted = self.window.len();
        let mut counts = std::mem::take(&mut self.masses);
        counts.fill(0);
        let (inner, regions) = (self.inner_count(), self.region_count());
        let (mut space, mut heap) = ([0.0; 64], Vec::new());
        for row in self.window.rows().iter() {
            heap.clear();
            let scaled = self.scaled(row, &mut space, &mut heap);
            for (nodes, masses) in self
                .nodes
                .chunks(TOGETHER * inner)
                .zip(counts.chunks_mut(TOGETHER * regions))
            {
                let trees = nodes.len() / inner;
                let mut at = [0_usize; TOGETHER];
                for _ in 0..self.config.depth {
                    for tree in 0..trees {
                        let here = at[tree];
                        masses[tree * regions + here] += 1;
                        at[tree] = nodes[tree * inner + here].child(here, scaled);
                    }
                }
                for tree in 0..trees {
                    masses[tree * regions + at[tree]] += 1;
                }
            }
        }
        self.masses = counts;
        self.window
            .resize((2 * self.counted).min(self.config.window_size));
    }

    fn window_scales(&self) -> Vec<Scale> {
        let scale = |feature| {
            let sorted = self.window.sorted_feature(feature);
            let at = |q| quantile(&sorted, q).unwrap_or(0.0);
            let (low, high) = (at(0.01), at(0.99));
            // A constant feature: any other value is far outside.
            Scale {
                low,
                range: (high - low).max(1e-9 * low.abs()).max(1e-12),
            }
        };
        (0..self.scales.len()).map(scale).collect()
    }
}

impl Scale {
    fn differs(self, new: Self) -> bool {
        let moved = (self.low - new.low)
            .abs()
            .max((self.low + self.range - new.low - new.range).abs());
        moved > MOVED * self.range.min(new.range)
    }
}

impl Algorithm for HalfSpaceTrees {
    const NAME: &'static str = "hst";
    const ALIASES: &'static [Alias] = &[Alias {
        name: "half_space_trees",
        preset: &[],
    }];
    const SUMMARY: &'static str =
        "half-space trees: how empty was the region in the last window; fast, several features";
    const PAPER: &'static str = "Tan, Ting, Liu, IJCAI 2011";
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = true;
    const STATE_VERSION: u16 = 1;

    type Config = HalfSpaceTreesConfig;
    type State = State;

    fn new(config: &HalfSpaceTreesConfig, width: usize, seed: u64) -> Result<Self, ConfigError> {
        let mut random = Random::new(seed);
        let inner = (1 << config.depth) - 1;
        let mut nodes = Vec::with_capacity(config.n_estimators * inner);
        for _ in 0..config.n_estimators {
            grow(&mut nodes, inner, width, &mut random);
        }
        Ok(Self {
            nodes,
            masses: vec![0; config.n_estimators * (2 * inner + 1)],
            counted: 0,
            scales: vec![
                Scale {
                    low: 0.0,
                    range: 1.0
                };
                width
            ],
            window: CountWindow::new(Slide::Tumbling, FIRST_WINDOW.min(config.window_size), width),
            config: config.clone(),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        if self.counted == 0 {
            return Raw::WarmingUp;
        }
        // High mass is normal: turned round, on a logarithmic scale, and freed of the window's size.
        Raw::Score(-log2(self.mass(row) / self.counted as f64))
    }

    fn learn_row(&mut self, row: &[f64]) {
        self.window.push(row);
        if self.window.is_full() {
            self.turn();
        }
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        ablation::explain(row, self.window.expected(), |row| -self.mass(row))
    }

    fn expected(&self) -> Vec<Expected> {
        self.window.expected()
    }

    fn heap_bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + self.masses.capacity() * size_of::<u16>()
            + self.scales.capacity() * size_of::<Scale>()
            + self.window.heap_bytes()
    }

    fn save(&self) -> State {
        State {
            masses: self.masses.clone(),
            counted: self.counted,
            scales: self.scales.clone(),
            window: self.window.clone(),
        }
    }

    fn restore(
        config: &HalfSpaceTreesConfig,
        width: usize,
        seed: u64,
        state: State,
    ) -> Result<Self, String> {
        let mut restored = Self::new(config, width, seed).map_err(|error| error.to_string())?;
        let fits = state.masses.len() == restored.masses.len()
            && state.counted <= config.window_size
            && state
                .masses
                .iter()
                .all(|mass| usize::from(*mass) <= state.counted)
            && state.scales.len() == width
            && state
                .scales
                .iter()
                .all(|scale| scale.low.is_finite() && scale.range > 0.0 && scale.range.is_finite())
            && state
                .window
                .is_sound(Slide::Tumbling, config.window_size, width);
        if !fits {
            return Err("its trees or its window have another size".to_owned());
        }
        restored.masses = state.masses;
        restored.counted = state.counted;
        restored.scales = state.scales;
        restored.window = state.window;
        Ok(restored)
    }
}

/// One tree in heap order: each node halves the range that its ancestors left of a random feature.
fn grow(nodes: &mut Vec<Node>, inner: usize, width: usize, random: &mut Random) {
    // A range around a random point of 0..1 that covers 0..1 and leaves room outside it (section 3.1 of the paper).
    let root: Vec<(f64, f64)> = (0..width)
        .map(|_| {
            let center = random.unit();
            let reach = 2.0 * center.max(1.0 - center);
            (center - reach, center + reach)
        })
        .collect();
    let mut ranges: Vec<Option<Vec<(f64, f64)>>> = vec![None; inner];
    ranges[0] = Some(root);
    for at in 0..inner {
        let range = ranges[at]
            .take()
            .expect("a parent comes before its children");
        let feature = random.below(width);
        let split = f64::midpoint(range[feature].0, range[feature].1);
        nodes.push(Node {
            split: split as f32,
            feature: feature as u16,
        });
        if 2 * at + 2 < inner {
            let mut right = range.clone();
            right[feature].0 = split;
            let mut left = range;
            left[feature].1 = split;
            ranges[2 * at + 1] = Some(left);
            ranges[2 * at + 2] = Some(right);
        }
    }
}
