use std::ops::Range;

use libm::{expm1, log, log1p};
use serde::{Deserialize, Serialize};

use crate::random::Random;
use crate::windows::CountWindow;

/// One isolation tree; children lie side by side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub(super) struct Tree {
    steps: Vec<Step>,
    /// Of a leaf the path length from the root, unsplit rows counted.
    paths: Vec<f64>,
    /// Steps to the deepest leaf.
    depth: usize,
    samples: u32,
    /// c(samples).
    normal: f64,
    /// Smallest and largest value of each feature in the rows it was grown from.
    bounds: Vec<(f64, f64)>,
}

/// Where a row goes from a node. From a leaf it goes to the leaf: no walk has to ask whether it is there.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    /// Where the feature is cut; infinite in a leaf.
    cut: f64,
    feature: u32,
    /// Place of the left child, the right one follows; of a leaf its own.
    left: u32,
}

/// A tree as it is saved.
#[derive(Serialize, Deserialize)]
struct Saved {
    nodes: Vec<Node>,
    samples: u32,
    bounds: Vec<(f64, f64)>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Node {
    /// Where the feature is cut; in a leaf, the path length.
    value: f64,
    feature: u16,
    /// 0 in a leaf.
    left: u32,
}

impl From<Saved> for Tree {
    fn from(saved: Saved) -> Self {
        let mut tree = Self {
            samples: saved.samples,
            normal: average_path(saved.samples as usize),
            bounds: saved.bounds,
            ..Self::default()
        };
        for (at, node) in saved.nodes.iter().enumerate() {
            let is_leaf = node.left == 0;
            tree.steps.push(Step {
                cut: if is_leaf { f64::INFINITY } else { node.value },
                feature: u32::from(node.feature),
                left: if is_leaf { at as u32 } else { node.left },
            });
            tree.paths.push(if is_leaf { node.value } else { 0.0 });
        }
        tree.depth = tree.deepest();
        tree
    }
}

impl From<Tree> for Saved {
    fn from(tree: Tree) -> Self {
        let nodes = tree.steps.iter().zip(&tree.paths).enumerate();
        let nodes = nodes.map(|(at, (step, path))| {
            let is_leaf = step.left as usize == at;
            Node {
                value: if is_leaf { *path } else { step.cut },
                feature: step.feature as u16,
                left: if is_leaf { 0 } else { step.left },
            }
        });
        Self {
            nodes: nodes.collect(),
            samples: tree.samples,
            bounds: tree.bounds,
        }
    }
}

/// Where a row ends in some trees, all walked at once: while one waits for its node the others go on.
pub(super) fn leaves<const N: usize>(trees: &[Tree; N], row: &[f64]) -> [usize; N] {
    let steps = trees.each_ref().map(|tree| &tree.steps[..]);
    let deepest = trees.iter().map(|tree| tree.depth).max().unwrap_or(0);
    let mut places = [0; N];
    for _ in 0..deepest {
        for (place, steps) in places.iter_mut().zip(&steps) {
            let step = steps[*place];
            let is_right = row[step.feature as usize] >= step.cut;
            *place = step.left as usize + usize::from(is_right);
        }
    }
    places
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
        let mut bounds = row[doubtful.clone()].iter().zip(&self.bounds[doubtful]);
        if bounds.any(|(x, (low, high))| x < low || x > high) {
            self.path_outside(row, self.paths[leaf])
        } else {
            self.paths[leaf]
        }
    }

    /// Smallest and largest value of each feature in the rows it was grown from.
    pub(super) fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }

    /// Steps to the deepest leaf; children lie behind their parents.
    fn deepest(&self) -> usize {
        let mut depths = vec![0; self.steps.len()];
        for (at, step) in self.steps.iter().enumerate() {
            let below = depths[at] + 1;
            let children = depths.iter_mut().skip(step.left as usize).take(2);
            if step.left as usize > at {
                children.for_each(|depth| *depth = below);
            }
        }
        depths.into_iter().max().unwrap_or(0)
    }

    #[cold]
    fn path_outside(&self, row: &[f64], path: f64) -> f64 {
        let cut_off = |(x, (low, high)): (&f64, &(f64, f64))| {
            let excess = (low - x).max(x - high).max(0.0);
            if excess > 0.0 {
                excess / (high - low + excess)
            } else {
                0.0
            }
        };
        let cut_off = row.iter().zip(&self.bounds).map(cut_off).sum::<f64>() / row.len() as f64;
        // Mean of a geometric distribution cut at the path's length.
        -expm1(path * log1p(-cut_off.min(1.0 - 1e-12))) / cut_off.max(1e-12)
    }

    /// Path length to be expected of a row, c(samples).
    pub(super) fn normal(&self) -> f64 {
        self.normal
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.steps.capacity() * size_of::<Step>()
            + self.paths.capacity() * size_of::<f64>()
            + self.bounds.capacity() * size_of::<(f64, f64)>()
    }

    /// Whether every walk ends: children lie behind their parents and inside.
    pub(super) fn is_sound(&self, width: usize) -> bool {
        let inside = |(at, step): (usize, &Step)| {
            let left = step.left as usize;
            let is_inner = step.cut.is_finite() && left > at && left + 1 < self.steps.len();
            let is_leaf = step.cut == f64::INFINITY && left == at;
            (is_leaf || is_inner) && (step.feature as usize) < width
        };
        let bounds =
            self.bounds.len() == width && self.bounds.iter().all(|(low, high)| low <= high);
        !self.steps.is_empty()
            && self.samples > 1
            && bounds
            && self.paths.iter().all(|path| path.is_finite())
            && self.steps.iter().enumerate().all(inside)
    }
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

        let depth_limit = (samples.max(2) - 1).ilog2() + 1;
        for count in self.average_paths.len()..=samples {
            self.average_paths.push(average_path(count));
        }
        let average_paths = &self.average_paths;
        let path = |depth: u32, count: usize| f64::from(depth) + average_paths[count];
        let leaf = |place: u32| Step {
            cut: f64::INFINITY,
            feature: 0,
            left: place,
        };
        tree.depth = 0;
        tree.normal = average_paths[samples];
        tree.samples = samples as u32;
        tree.bounds.clear();
        tree.bounds
            .resize(window.rows().width(), (f64::INFINITY, f64::NEG_INFINITY));
        self.columns.clear();
        for (feature, (low, high)) in tree.bounds.iter_mut().enumerate() {
            for row in &self.order {
                let x = window.row(*row as usize)[feature];
                (*low, *high) = (low.min(x), high.max(x));
                self.columns.push(x);
            }
        }
        // From here on a row is its place among those drawn.
        self.order.clear();
        self.order.extend(0..samples as u32);
        tree.steps.clear();
        tree.paths.clear();
        tree.steps.push(leaf(0));
        tree.paths.push(path(0, samples));
        self.pending.push(Pending {
            node: 0,
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
            if depth == depth_limit || rows.len() < 2 {
                continue;
            }
            let Some((feature, cut)) = choose_cut(&self.columns, samples, rows, random) else {
                continue;
            };
            let column = &self.columns[feature * samples..][..samples];
            let middle = partition(column, rows, cut);
            let left = tree.steps.len() as u32;
            tree.steps.extend([leaf(left), leaf(left + 1)]);
            let counts = [middle, rows.len() - middle];
            tree.paths
                .extend(counts.map(|count| path(depth + 1, count)));
            tree.steps[node as usize] = Step {
                cut,
                feature: feature as u32,
                left,
            };
            tree.paths[node as usize] = 0.0;
            tree.depth = tree.depth.max(depth as usize + 1);
            let middle = start + middle as u32;
            self.pending.push(Pending {
                node: left + 1,
                start: middle,
                end,
                depth: depth + 1,
            });
            self.pending.push(Pending {
                node: left,
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
    samples: usize,
    rows: &[u32],
    random: &mut Random,
) -> Option<(usize, f64)> {
    let width = columns.len() / samples;
    let first = random.below(width);
    for feature in (first..width).chain(0..first) {
        let column = &columns[feature * samples..][..samples];
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for row in rows {
            let x = column[*row as usize];
            low = if x < low { x } else { low };
            high = if x > high { x } else { high };
        }
        if low < high {
            let cut = low + random.unit() * (high - low);
            // Rounding must not leave a side empty.
            return Some((feature, if cut > low { cut } else { high }));
        }
    }
    None
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
        let [leaf] = leaves(std::array::from_ref(tree), row);
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
        assert!(tree.is_sound(2));
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
        let walk = |row: &[f64]| {
            let (mut at, mut edges) = (0, 0);
            while tree.steps[at].left != at as u32 {
                let step = tree.steps[at];
                let is_right = row[step.feature as usize] >= step.cut;
                at = step.left as usize + usize::from(is_right);
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
        assert_eq!(tree.steps.len(), 1);
        assert_eq!(path(&tree, &[1.0, 2.0, 3.0]), average_path(32));
        assert!(path(&tree, &[1.1, 2.0, 3.0]) < average_path(32));
    }
}
