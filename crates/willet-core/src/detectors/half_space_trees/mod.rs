mod regions;
mod trees;

use libm::log2;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use self::trees::Trees;
use super::ablation;
use super::contract::{Algorithm, Alias};
use super::glance::Glance;
use crate::error::ConfigError;
use crate::rows::{Expected, Explanation, Raw};
use crate::statistics::outer_quantiles;
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

#[doc = include_str!("../pages/hst.md")]
#[derive(Debug)]
pub(super) struct HalfSpaceTrees {
    config: HalfSpaceTreesConfig,
    /// Rows of the last window in each region.
    trees: Trees,
    /// Rows counted there, 0 before the first window.
    counted: usize,
    scales: Vec<Scale>,
    window: CountWindow,
    /// Of shallow trees the regions of each row of the window, as long as all of them lie in the same scales: what they are found
    /// for when the row is scored serves when it is counted.
    regions: Vec<u8>,
    /// Those of the row that was scored last.
    seen: Glance<SeenRegions>,
}

/// A region of each tree; as many trees as are usual need no memory from the heap.
type SeenRegions = SmallVec<[u8; 32]>;

/// Maps the usual range of a feature to 0..1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Scale {
    low: f64,
    range: f64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    leaves: Vec<u16>,
    children: Vec<u32>,
    counted: usize,
    scales: Vec<Scale>,
    window: CountWindow,
}

/// Version 1: nodes held their splits. Its counts belong to other trees; the rows that it had not counted yet do not.
#[derive(Deserialize)]
struct StateV1 {
    _masses: Vec<u16>,
    _counted: usize,
    scales: Vec<Scale>,
    window: CountWindow,
}

/// Rows of the first window.
const FIRST_WINDOW: usize = 32;
/// A range that moved by more than this share of itself, or grew or shrank by it, is taken anew.
const MOVED: f64 = 0.25;

impl HalfSpaceTrees {
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
        self.average(self.trees.mass(row, self.counted as u32, self.limit()))
    }

    fn average(&self, total: u64) -> f64 {
        total as f64 / (2 * self.config.n_estimators) as f64
    }

    /// As [`HalfSpaceTrees::mass`], of a row that is learned next.
    fn mass_and_regions(&mut self, row: &[f64]) -> f64 {
        if self.trees.regions_of_row() == 0 {
            return self.mass(row);
        }
        let mut regions = std::mem::take(&mut self.regions);
        let mass = self.mass_keeping(row, |region| regions.push(region));
        self.regions = regions;
        mass
    }

    /// As [`HalfSpaceTrees::mass`]; `keep` gets the region of each tree, which are shallow.
    fn mass_keeping(&self, row: &[f64], keep: impl FnMut(u8)) -> f64 {
        let (mut space, mut heap) = ([0.0; 64], Vec::new());
        let row = self.scaled(row, &mut space, &mut heap);
        self.average(self.trees.mass_and_regions(row, self.limit(), keep))
    }

    /// Rows of a region that is not divided further.
    fn limit(&self) -> u32 {
        (self.config.size_limit * self.counted as f64) as u32
    }

    /// High mass is normal: turned round, on a logarithmic scale, and freed of the window's size.
    fn score_of(&self, mass: f64) -> f64 {
        -log2(mass / self.counted as f64)
    }

    fn push(&mut self, row: &[f64]) {
        self.window.push(row);
        if self.window.is_full() {
            self.turn();
        }
    }

    /// Counts the window and starts the next.
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
        let limit = self.limit();
        let of_row = self.trees.regions_of_row();
        let has_regions = !has_moved && self.regions.len() == of_row * self.counted;
        if !(has_regions && self.trees.recount_regions(&self.regions, limit)) {
            let (mut space, mut heap) = ([0.0; 64], Vec::new());
            let mut rows = Vec::with_capacity(self.counted * self.scales.len());
            for row in self.window.rows().iter() {
                heap.clear();
                rows.extend_from_slice(self.scaled(row, &mut space, &mut heap));
            }
            self.trees.recount(&rows, limit);
        }
        let next = (2 * self.counted).min(self.config.window_size);
        self.window.resize(next);
        self.regions.clear();
        self.regions.reserve_exact(of_row * next);
    }

    /// Begins with the rows of a window that is not full, where they are enough.
    fn recount_or_begin(&mut self) {
        if self.window.len() >= FIRST_WINDOW {
            self.turn();
        } else {
            let first = FIRST_WINDOW.min(self.config.window_size);
            self.window.resize(first);
        }
    }

    fn window_scales(&self) -> Vec<Scale> {
        let mut values = Vec::with_capacity(self.window.len());
        let scale = |feature: usize| {
            values.clear();
            values.extend(self.window.rows().iter().map(|row| row[feature]));
            let (low, high) = outer_quantiles(&mut values, 0.01).unwrap_or_default();
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
    const PAGE: &'static str = include_str!("../pages/hst.md");
    const TAKES_MISSING: bool = false;
    const SATURATES: bool = true;
    const STATE_VERSION: u16 = 2;

    type Config = HalfSpaceTreesConfig;
    type State = State;

    fn new(config: &HalfSpaceTreesConfig, width: usize, seed: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            trees: Trees::new(config.n_estimators, config.depth, width, seed),
            counted: 0,
            scales: vec![
                Scale {
                    low: 0.0,
                    range: 1.0
                };
                width
            ],
            window: CountWindow::new(Slide::Tumbling, FIRST_WINDOW.min(config.window_size), width),
            regions: Vec::new(),
            seen: Glance::default(),
            config: config.clone(),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        if self.counted == 0 {
            return Raw::WarmingUp;
        }
        if self.trees.regions_of_row() == 0 {
            return Raw::Score(self.score_of(self.mass(row)));
        }
        let mut regions = SeenRegions::new();
        let mass = self.mass_keeping(row, |region| regions.push(region));
        self.seen.put(row, regions);
        Raw::Score(self.score_of(mass))
    }

    fn learn_row(&mut self, row: &[f64]) {
        if self.counted > 0 && self.trees.regions_of_row() > 0 {
            match self.seen.take(row) {
                Some(seen) => self.regions.extend_from_slice(&seen),
                None => _ = self.mass_and_regions(row),
            }
        }
        self.push(row);
    }

    fn score_learn_row(&mut self, row: &[f64]) -> Raw {
        self.seen.clear();
        let raw = if self.counted == 0 {
            Raw::WarmingUp
        } else {
            let mass = self.mass_and_regions(row);
            Raw::Score(self.score_of(mass))
        };
        self.push(row);
        raw
    }

    /// What the score owes to a feature, times how far out its value lies: the score saturates, and beyond that only the latter tells.
    fn explain_row(&self, row: &[f64]) -> Explanation {
        let Explanation {
            mut contributions,
            expected,
        } = ablation::explain(row, self.window.expected(), |row| -self.mass(row));
        let even = 1.0 / row.len() as f64;
        for ((share, x), band) in contributions.iter_mut().zip(row).zip(&expected) {
            let half = ((band.high - band.low) / 2.0).max(1e-12);
            let out = ((x - band.middle) / half).clamp(-1e3, 1e3);
            *share = (*share + even) * out * out;
        }
        Explanation::from_weights(contributions, expected)
    }

    fn expected(&self) -> Vec<Expected> {
        self.window.expected()
    }

    fn heap_bytes(&self) -> usize {
        self.trees.heap_bytes()
            + self.scales.capacity() * size_of::<Scale>()
            + self.window.heap_bytes()
            + self.regions.capacity()
    }

    fn save(&self) -> State {
        let (leaves, children) = self.trees.save();
        State {
            leaves,
            children,
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
        let fits = state.counted <= config.window_size
            && state.scales.len() == width
            && state
                .scales
                .iter()
                .all(|scale| scale.low.is_finite() && scale.range > 0.0 && scale.range.is_finite())
            && state
                .window
                .is_sound(Slide::Tumbling, config.window_size, width);
        let wrong = || "its trees or its window have another size".to_owned();
        if !fits {
            return Err(wrong());
        }
        restored.counted = state.counted;
        restored.scales = state.scales;
        restored.window = state.window;
        if state.leaves.is_empty() {
            // Of version 1: what is in its window is enough to go on with, or it begins with a first window again.
            restored.recount_or_begin();
            return Ok(restored);
        }
        let limit = restored.limit();
        let trees = &mut restored.trees;
        trees
            .load(&state.leaves, &state.children, (state.counted, limit))
            .ok_or_else(wrong)?;
        Ok(restored)
    }

    fn read_former(version: u16, bytes: &[u8]) -> Result<(State, &[u8]), String> {
        if version != 1 {
            return Err(format!("version {version} was never written"));
        }
        let (old, rest): (StateV1, _) =
            postcard::take_from_bytes(bytes).map_err(|error| error.to_string())?;
        let state = State {
            leaves: Vec::new(),
            children: Vec::new(),
            counted: 0,
            scales: old.scales,
            window: old.window,
        };
        Ok((state, rest))
    }
}
