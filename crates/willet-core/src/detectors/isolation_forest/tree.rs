use std::ops::Range;

use libm::{expm1, log, log1p};
use serde::{Deserialize, Serialize};

use crate::random::Random;
use crate::windows::CountWindow;

/// One isolation tree, numbered as a heap: the root is 1 and the children of a node are twice its number and one more. No node holds
/// where its children are, and walks through all trees of a forest need half the memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tree {
    /// Where each inner node is cut; infinite below a leaf, so that every walk ends at the lowest level.
    cuts: Vec<f64>,
    /// The feature that it cuts.
    features: Vec<u16>,
    /// The path length of each place of the lowest level, rows that were not divided further counted; of a leaf above it the leftmost
    /// place below has it.
    paths: Vec<f64>,
    /// Steps to the lowest level.
    height: u32,
    samples: u32,
    /// c(samples).
    normal: f64,
    /// Smallest and largest value of each feature in the rows it was grown from.
    bounds: Vec<(f64, f64)>,
}

/// A tree as it is saved.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    nodes: Vec<Node>,
    samples: u32,
    bounds: Vec<(f64, f64)>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Node {
    /// Where the feature is cut; in a leaf, the path length.
    value: f64,
    feature: u16,
    /// 0 in a leaf.
    left: u32,
}

/// A row as walks want it: with room behind it, so that no feature of a usual row must be looked for beyond the end.
#[derive(Debug)]
pub(super) struct Probe<'a> {
    row: &'a [f64],
    padded: [f64; USUAL_WIDTH],
}

/// Widest row that walks of known length are made for, a power of two.
const USUAL_WIDTH: usize = 64;
/// Nodes of a tree of the default height.
const USUAL_NODES: usize = 256;

impl<'a> Probe<'a> {
    pub(super) fn new(row: &'a [f64]) -> Self {
        let padded = [0.0; USUAL_WIDTH];
        let mut probe = Self { row, padded };
        probe.set(row);
        probe
    }

    /// Makes it another row of the same width.
    #[inline]
    pub(super) fn set(&mut self, row: &'a [f64]) {
        let count = row.len().min(USUAL_WIDTH);
        self.padded[..count].copy_from_slice(&row[..count]);
        self.row = row;
    }

    /// Where the row ends in some trees, all walked at once: while one waits for its node the others go on.
    #[inline]
    pub(super) fn leaves<const N: usize>(&self, trees: &[Tree; N]) -> [usize; N] {
        let is_usual = |tree: &Tree| tree.cuts.len() == USUAL_NODES;
        if self.row.len() <= USUAL_WIDTH && trees.iter().all(is_usual) {
            return self.usual_leaves(trees);
        }
        let mut places = [1; N];
        let height = trees.iter().map(|tree| tree.height).max().unwrap_or(0);
        for _ in 0..height {
            for (place, tree) in places.iter_mut().zip(trees) {
                // Of trees of fewer samples it may be at its end already.
                if let Some(cut) = tree.cuts.get(*place) {
                    let is_right = self.row[usize::from(tree.features[*place])] >= *cut;
                    *place = 2 * *place + usize::from(is_right);
                }
            }
        }
        std::array::from_fn(|at| places[at] - trees[at].cuts.len())
    }

    #[inline]
    fn usual_leaves<const N: usize>(&self, trees: &[Tree; N]) -> [usize; N] {
        let cuts: [&[f64; USUAL_NODES]; N] =
            std::array::from_fn(|at| trees[at].cuts.first_chunk().expect("it was asked"));
        let features: [&[u16; USUAL_NODES]; N] =
            std::array::from_fn(|at| trees[at].features.first_chunk().expect("as many as cuts"));
        let mut places = [1; N];
        for _ in 0..USUAL_NODES.ilog2() {
            for at in 0..N {
                let node = places[at] % USUAL_NODES;
                let feature = usize::from(features[at][node]) % USUAL_WIDTH;
                let is_right = self.padded[feature] >= cuts[at][node];
                places[at] = 2 * node + usize::from(is_right);
            }
        }
        places.map(|place| place % USUAL_NODES)
    }
}

impl Tree {
    /// Length of the row's path to the leaf it ends in, with what a leaf that was not divided further would have added.
    ///
    /// A tree knows nothing outside the rows it was grown from: by itself it would take a row far outside for the outermost
    /// of them. Outside, the path is the one expected had the row been among them: each cut would have fallen between it
    /// and the others with a probability that grows with its distance.
    ///
    /// Only features of `doubtful` may lie outside.
    pub(super) fn path(&self, row: &[f64], leaf: usize, doubtful: Range<usize>) -> f64 {
        if doubtful.is_empty() {
            return self.paths[leaf];
        }
        let mut bounds = row[doubtful.clone()]
            .iter()
            .zip(&self.bounds[doubtful.clone()]);
        if bounds.any(|(x, (low, high))| x < low || x > high) {
            self.path_outside(row, self.paths[leaf], doubtful)
        } else {
            self.paths[leaf]
        }
    }

    /// Smallest and largest value of each feature in the rows it was grown from.
    pub(super) fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }

    #[cold]
    fn path_outside(&self, row: &[f64], path: f64, doubtful: Range<usize>) -> f64 {
        let cut_off = |(x, (low, high)): (&f64, &(f64, f64))| {
            let excess = (low - x).max(x - high).max(0.0);
            if excess > 0.0 {
                excess / (high - low + excess)
            } else {
                0.0
            }
        };
        let bounds = row[doubtful.clone()].iter().zip(&self.bounds[doubtful]);
        let cut_off = bounds.map(cut_off).sum::<f64>() / row.len() as f64;
        // Mean of a geometric distribution cut at the path's length.
        -expm1(path * log1p(-cut_off.min(1.0 - 1e-12))) / cut_off.max(1e-12)
    }

    /// Path length to be expected of a row, c(samples).
    pub(super) fn normal(&self) -> f64 {
        self.normal
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + (self.cuts.capacity() + self.paths.capacity()) * size_of::<f64>()
            + self.features.capacity() * size_of::<u16>()
            + self.bounds.capacity() * size_of::<(f64, f64)>()
    }

    /// Makes it one leaf of so many rows.
    fn clear(&mut self, samples: usize, normal: f64) {
        self.height = height(samples);
        self.samples = samples as u32;
        self.normal = normal;
        let places = 1 << self.height;
        // To the place and no further: no tree grows beyond what its samples need.
        self.cuts.clear();
        self.cuts.reserve_exact(places);
        self.cuts.resize(places, f64::INFINITY);
        self.features.clear();
        self.features.reserve_exact(places);
        self.features.resize(places, 0);
        self.paths.clear();
        self.paths.reserve_exact(places);
        self.paths.resize(places, 0.0);
    }

    fn cut(&mut self, node: u32, feature: usize, cut: f64) {
        self.cuts[node as usize] = cut;
        self.features[node as usize] = feature as u16;
    }

    /// The place of the lowest level that a walk from a leaf of this depth comes to.
    fn lowest(&self, node: u32, depth: u32) -> usize {
        ((node as usize) << (self.height - depth)) - (1 << self.height)
    }

    /// Its nodes as they were made: a node's children when it is cut, what is left of the cut first.
    pub(super) fn save(&self) -> Saved {
        let leaf = |node: u32, depth: u32| Node {
            value: self.paths[self.lowest(node, depth)],
            feature: 0,
            left: 0,
        };
        let mut nodes = vec![leaf(1, 0)];
        let mut pending = vec![(1_u32, 0, 0_usize)];
        while let Some((node, depth, at)) = pending.pop() {
            if depth == self.height || self.cuts[node as usize] == f64::INFINITY {
                nodes[at] = leaf(node, depth);
                continue;
            }
            let left = nodes.len();
            nodes[at] = Node {
                value: self.cuts[node as usize],
                feature: self.features[node as usize],
                left: left as u32,
            };
            nodes.resize(left + 2, nodes[at]);
            pending.push((2 * node + 1, depth + 1, left + 1));
            pending.push((2 * node, depth + 1, left));
        }
        Saved {
            nodes,
            samples: self.samples,
            bounds: self.bounds.clone(),
        }
    }

    /// A tree that was saved; `None` where it is none of this width, of at most so many samples.
    pub(super) fn restore(saved: Saved, width: usize, max_samples: usize) -> Option<Self> {
        let samples = saved.samples as usize;
        let bounds = &saved.bounds;
        let is_sound = (2..=max_samples).contains(&samples)
            && bounds.len() == width
            && bounds.iter().all(|(low, high)| low <= high);
        if !is_sound {
            return None;
        }
        let mut tree = Self::default();
        tree.clear(samples, average_path(samples));
        tree.bounds = saved.bounds;
        let mut pending = vec![(1_u32, 0, 0_usize)];
        while let Some((node, depth, at)) = pending.pop() {
            let found = saved.nodes.get(at)?;
            if !found.value.is_finite() {
                return None;
            }
            if found.left == 0 {
                let lowest = tree.lowest(node, depth);
                tree.paths[lowest] = found.value;
                continue;
            }
            let (left, feature) = (found.left as usize, usize::from(found.feature));
            if left <= at || feature >= width || depth == tree.height {
                return None;
            }
            tree.cut(node, feature, found.value);
            pending.push((2 * node + 1, depth + 1, left + 1));
            pending.push((2 * node, depth + 1, left));
        }
        Some(tree)
    }
}

/// Levels of a tree of so many samples: as many as halve them to one.
fn height(samples: usize) -> u32 {
    (samples.max(2) - 1).ilog2() + 1
}

/// Average path length of an unsuccessful search in a binary search tree of `n` keys, c(n) of the paper.
pub(super) fn average_path(n: usize) -> f64 {
    /// Euler and Mascheroni's constant.
    const GAMMA: f64 = 0.577_215_664_901_532_9;
    match n {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let last = n as f64 - 1.0;
            2.0 * (log(last) + GAMMA) - 2.0 * last / n as f64
        }
    }
}

/// Space for growing trees, used again for each; holds nothing between them.
#[derive(Debug, Default)]
pub(super) struct Growth {
    order: Vec<u32>,
    pending: Vec<Pending>,
    /// The rows it is grown from, feature by feature.
    columns: Vec<f64>,
    /// c(n) of each n up to the most samples there were; the same for all trees.
    average_paths: Vec<f64>,
}

/// Places between the columns: samples are often a power of two, and columns that far apart would displace each other in the cache.
const GAP: usize = 8;

#[derive(Clone, Copy, Debug)]
struct Pending {
    node: u32,
    start: u32,
    end: u32,
    depth: u32,
}

impl Growth {
    /// Grows `tree` anew from `samples` random rows of the window.
    pub(super) fn grow(
        &mut self,
        window: &CountWindow,
        samples: usize,
        random: &mut Random,
        tree: &mut Tree,
    ) {
        self.order.clear();
        self.order.extend(0..window.len() as u32);
        for place in 0..samples {
            let other = place + random.below(window.len() - place);
            self.order.swap(place, other);
        }
        self.order.truncate(samples);

        for count in self.average_paths.len()..=samples {
            self.average_paths.push(average_path(count));
        }
        let average_paths = &self.average_paths;
        tree.clear(samples, average_paths[samples]);
        let width = window.rows().width();
        let stride = samples + GAP;
        self.columns.clear();
        self.columns.resize(width * stride, 0.0);
        for (place, row) in self.order.iter().enumerate() {
            let values = window.row(*row as usize).iter();
            let places = self.columns[place..].iter_mut().step_by(stride);
            places.zip(values).for_each(|(place, x)| *place = *x);
        }
        tree.bounds.clear();
        let columns = self.columns.chunks_exact(stride);
        let ends = |column: &[f64]| ends(&column[..samples], |x| x);
        tree.bounds.extend(columns.map(ends));
        // From here on a row is its place among those drawn.
        self.order.clear();
        self.order.extend(0..samples as u32);
        self.pending.push(Pending {
            node: 1,
            start: 0,
            end: samples as u32,
            depth: 0,
        });
        while let Some(Pending {
            node,
            start,
            end,
            depth,
        }) = self.pending.pop()
        {
            let rows = &mut self.order[start as usize..end as usize];
            let cut = if depth == tree.height || rows.len() < 2 {
                None
            } else {
                choose_cut(&self.columns, stride, rows, random)
            };
            let Some((feature, cut)) = cut else {
                let leaf = tree.lowest(node, depth);
                tree.paths[leaf] = f64::from(depth) + average_paths[rows.len()];
                continue;
            };
            let column = &self.columns[feature * stride..][..stride];
            let middle = partition(column, rows, cut);
            tree.cut(node, feature, cut);
            let middle = start + middle as u32;
            self.pending.push(Pending {
                node: 2 * node + 1,
                start: middle,
                end,
                depth: depth + 1,
            });
            self.pending.push(Pending {
                node: 2 * node,
                start,
                end: middle,
                depth: depth + 1,
            });
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.order.capacity() * size_of::<u32>()
            + self.pending.capacity() * size_of::<Pending>()
            + (self.columns.capacity() + self.average_paths.capacity()) * size_of::<f64>()
    }
}

/// A random feature that varies in these rows and a uniform cut inside its range; `None` where all rows are equal.
fn choose_cut(
    columns: &[f64],
    stride: usize,
    rows: &[u32],
    random: &mut Random,
) -> Option<(usize, f64)> {
    let width = columns.len() / stride;
    let first = random.below(width);
    for feature in (first..width).chain(0..first) {
        let column = &columns[feature * stride..][..stride];
        let (low, high) = ends(rows, |row| column[row as usize]);
        if low < high {
            let cut = low + random.unit() * (high - low);
            // Rounding must not leave a side empty.
            return Some((feature, if cut > low { cut } else { high }));
        }
    }
    None
}

/// The smallest and the largest value of some; in four lanes, so that none waits for the one before.
#[inline]
fn ends<T: Copy>(of: &[T], value: impl Fn(T) -> f64) -> (f64, f64) {
    let smaller = |a: f64, b: f64| if a < b { a } else { b };
    let larger = |a: f64, b: f64| if a > b { a } else { b };
    let (mut lows, mut highs) = ([f64::INFINITY; 4], [f64::NEG_INFINITY; 4]);
    let (fours, rest) = of.as_chunks::<4>();
    for four in fours {
        for (lane, x) in four.map(&value).into_iter().enumerate() {
            lows[lane] = smaller(x, lows[lane]);
            highs[lane] = larger(x, highs[lane]);
        }
    }
    for x in rest.iter().map(|x| value(*x)) {
        lows[0] = smaller(x, lows[0]);
        highs[0] = larger(x, highs[0]);
    }
    let [a, b, c, d] = lows;
    let low = smaller(smaller(a, b), smaller(c, d));
    let [a, b, c, d] = highs;
    (low, larger(larger(a, b), larger(c, d)))
}

/// Puts rows below the cut first; returns how many they are.
fn partition(column: &[f64], rows: &mut [u32], cut: f64) -> usize {
    let mut below = 0;
    for at in 0..rows.len() {
        let is_below = column[rows[at] as usize] < cut;
        // Swapped in any case: which side a row falls on cannot be guessed, and a branch would have to.
        rows.swap(at, below);
        below += usize::from(is_below);
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::Slide;

    fn path(tree: &Tree, row: &[f64]) -> f64 {
        let [leaf] = Probe::new(row).leaves(std::array::from_ref(tree));
        tree.path(row, leaf, 0..row.len())
    }

    #[test]
    fn average_path_follows_the_harmonic_numbers() {
        // c(n) = 2 H(n-1) - 2 (n-1) / n, with H approximated as in the paper.
        assert!(
            (average_path(256) - 10.244_770_920_116_9).abs() < 1e-9,
            "{}",
            average_path(256)
        );
        assert_eq!(average_path(2), 1.0);
        // scikit-learn's _average_path_length.
        let expected = [
            (3, 1.207_392_357_589_622_6),
            (10, 3.748_880_484_475_505),
            (100, 8.364_671_030_072_245),
            (1_000, 12.969_940_887_100_174),
        ];
        for (count, expected) in expected {
            assert!((average_path(count) - expected).abs() < 1e-12, "{count}");
        }
    }

    /// Each row's own path ends in a leaf that holds it, and the leaves hold all rows.
    #[test]
    fn a_tree_separates_its_rows() {
        let mut window = CountWindow::new(Slide::ByRow, 64, 2);
        (0..64).for_each(|i| window.push(&[f64::from(i % 8), f64::from(i / 8)]));
        let mut tree = Tree::default();
        Growth::default().grow(&window, 64, &mut Random::new(5), &mut tree);
        let restored = Tree::restore(tree.save(), 2, 64).expect("it is sound");
        assert_eq!(restored, tree);
        let far = path(&tree, &[100.0, 100.0]);
        let mean = (0..64).map(|i| path(&tree, window.row(i))).sum::<f64>() / 64.0;
        assert!(
            far <= mean + 1.0 && mean > 4.0 && mean < 9.0,
            "{far} {mean}"
        );
    }

    /// h(x) = e + c(rows of the leaf), as in the paper.
    #[test]
    fn a_path_is_its_edges_and_what_the_rows_of_its_leaf_would_add() {
        let (mut window, mut random) = (CountWindow::new(Slide::ByRow, 200, 3), Random::new(6));
        (0..200).for_each(|_| window.push(&[(); 3].map(|()| random.unit())));
        let mut tree = Tree::default();
        Growth::default().grow(&window, 200, &mut random, &mut tree);
        let nodes = tree.save().nodes;
        let walk = |row: &[f64]| {
            let (mut at, mut edges) = (0, 0);
            while nodes[at].left > 0 {
                let node = nodes[at];
                let is_right = row[usize::from(node.feature)] >= node.value;
                at = node.left as usize + usize::from(is_right);
                edges += 1;
            }
            (at, edges)
        };
        let rows = || window.rows().iter();
        for row in rows() {
            let (leaf, edges) = walk(row);
            let held = rows().filter(|other| walk(other).0 == leaf).count();
            assert_eq!(path(&tree, row), f64::from(edges) + average_path(held));
        }
    }

    #[test]
    fn equal_rows_make_one_leaf() {
        let mut window = CountWindow::new(Slide::ByRow, 32, 3);
        (0..32).for_each(|_| window.push(&[1.0, 2.0, 3.0]));
        let mut tree = Tree::default();
        Growth::default().grow(&window, 32, &mut Random::new(5), &mut tree);
        assert_eq!(tree.save().nodes.len(), 1);
        assert_eq!(path(&tree, &[1.0, 2.0, 3.0]), average_path(32));
        assert!(path(&tree, &[1.1, 2.0, 3.0]) < average_path(32));
    }
}
