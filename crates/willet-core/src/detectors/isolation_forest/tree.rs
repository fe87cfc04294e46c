use libm::{expm1, log, log1p};
use serde::{Deserialize, Serialize};

use crate::random::Random;
use crate::windows::CountWindow;

/// One isolation tree; children lie side by side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    samples: u32,
    /// Smallest and largest value of each feature in the rows it was grown from.
    bounds: Vec<(f64, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Node {
    /// Where the feature is cut; in a leaf, the path length from the root, unsplit rows counted.
    value: f64,
    feature: u16,
    /// Place of the left child, the right one follows; 0 in a leaf.
    left: u32,
}

impl Tree {
    /// Length of the row's path, with what a leaf that was not divided further would have added.
    ///
    /// A tree knows nothing outside the rows it was grown from: by itself it would take a row far outside for the outermost
    /// of them. Outside, the path is the one expected had the row been among them: each cut would have fallen between it
    /// and the others with a probability that grows with its distance.
    pub(super) fn path(&self, row: &[f64]) -> f64 {
        let mut node = self.nodes[0];
        while node.left != 0 {
            let right = usize::from(row[node.feature as usize] >= node.value);
            node = self.nodes[node.left as usize + right];
        }
        // Without a branch a feature: nearly all rows are inside, and the loop is short.
        let outside: usize = row
            .iter()
            .zip(&self.bounds)
            .map(|(x, (low, high))| usize::from(x < low) + usize::from(x > high))
            .sum();
        if outside == 0 {
            node.value
        } else {
            self.path_outside(row, node.value)
        }
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

    /// Rows it was grown from.
    pub(super) fn samples(&self) -> usize {
        self.samples as usize
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.nodes.capacity() * size_of::<Node>()
            + self.bounds.capacity() * size_of::<(f64, f64)>()
    }

    /// Whether every walk ends: children lie behind their parents and inside.
    pub(super) fn is_sound(&self, width: usize) -> bool {
        let inside = |(at, node): (usize, &Node)| {
            node.value.is_finite()
                && (node.left == 0
                    || (node.left as usize > at
                        && (node.left as usize + 1) < self.nodes.len()
                        && usize::from(node.feature) < width))
        };
        let bounds =
            self.bounds.len() == width && self.bounds.iter().all(|(low, high)| low <= high);
        !self.nodes.is_empty()
            && self.samples > 1
            && bounds
            && self.nodes.iter().enumerate().all(inside)
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
        let leaf = |depth: u32, count: usize| Node {
            value: f64::from(depth) + average_path(count),
            feature: 0,
            left: 0,
        };
        tree.samples = samples as u32;
        tree.bounds.clear();
        tree.bounds
            .resize(window.rows().width(), (f64::INFINITY, f64::NEG_INFINITY));
        for row in &self.order {
            for ((low, high), x) in tree.bounds.iter_mut().zip(window.row(*row as usize)) {
                (*low, *high) = (low.min(*x), high.max(*x));
            }
        }
        tree.nodes.clear();
        tree.nodes.push(leaf(0, samples));
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
            let Some((feature, cut)) = choose_cut(window, rows, random) else {
                continue;
            };
            let middle = partition(window, rows, feature, cut);
            let left = tree.nodes.len() as u32;
            tree.nodes.push(leaf(depth + 1, middle));
            tree.nodes.push(leaf(depth + 1, rows.len() - middle));
            tree.nodes[node as usize] = Node {
                value: cut,
                feature: feature as u16,
                left,
            };
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
        self.order.capacity() * size_of::<u32>() + self.pending.capacity() * size_of::<Pending>()
    }
}

/// A random feature that varies in these rows and a uniform cut inside its range; `None` where all rows are equal.
fn choose_cut(window: &CountWindow, rows: &[u32], random: &mut Random) -> Option<(usize, f64)> {
    let width = window.rows().width();
    let first = random.below(width);
    for feature in (first..width).chain(0..first) {
        let values = rows.iter().map(|row| window.row(*row as usize)[feature]);
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
            (low.min(x), high.max(x))
        });
        if low < high {
            let cut = low + random.unit() * (high - low);
            // Rounding must not leave a side empty.
            return Some((feature, if cut > low { cut } else { high }));
        }
    }
    None
}

/// Puts rows below the cut first; returns how many they are.
fn partition(window: &CountWindow, rows: &mut [u32], feature: usize, cut: f64) -> usize {
    let mut below = 0;
    for at in 0..rows.len() {
        if window.row(rows[at] as usize)[feature] < cut {
            rows.swap(below, at);
            below += 1;
        }
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::Slide;

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
        let far = tree.path(&[100.0, 100.0]);
        let mean = (0..64).map(|i| tree.path(window.row(i))).sum::<f64>() / 64.0;
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
            while tree.nodes[at].left != 0 {
                let node = tree.nodes[at];
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
            assert_eq!(tree.path(row), f64::from(edges) + average_path(held));
        }
    }

    #[test]
    fn equal_rows_make_one_leaf() {
        let mut window = CountWindow::new(Slide::ByRow, 32, 3);
        (0..32).for_each(|_| window.push(&[1.0, 2.0, 3.0]));
        let mut tree = Tree::default();
        Growth::default().grow(&window, 32, &mut Random::new(5), &mut tree);
        assert_eq!(tree.nodes.len(), 1);
        assert_eq!(tree.path(&[1.0, 2.0, 3.0]), average_path(32));
        assert!(tree.path(&[1.1, 2.0, 3.0]) < average_path(32));
    }
}
