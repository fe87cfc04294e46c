//! One random cut tree: a point goes in and out by the paper's cuts, and is scored on the way.

use libm::log2;

use super::lanes::Four;
use super::points::{Boxes, Corners, Points, gap};
use super::space::{Path, Probe, Space};
use crate::random::Random;

/// A place in a tree: an inner node, or from here on the leaf of a sample.
pub(super) type Place = u16;
pub(super) const LEAF: Place = 0x8000;
/// A node whose box takes this many boxes and points to make keeps it; the box of any other is made where it is wanted.
///
/// A box that is kept takes the place of at least so many: a tree keeps at most one for `PARTS - 1` leaves, however deep it is.
const PARTS: u16 = 8;

/// A node that cuts its box in two: up to `cut` in one dimension, and above.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) cut: f32,
    pub(super) dimension: u16,
    pub(super) children: [Place; 2],
    /// Boxes and points that its box is made of while they are fewer than [`PARTS`]; then that and the place of its box.
    parts: u16,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    free: Vec<u16>,
    pub(super) root: Option<Place>,
    /// Samples at the leaf of each sample: 0 where another of equal value has the leaf.
    masses: Vec<u16>,
    boxes: Boxes,
}

/// How a new leaf comes into a tree: above a place that lies so deep, by this cut.
#[derive(Clone, Copy, Debug)]
struct Cut {
    depth: usize,
    above: Place,
    dimension: u16,
    at: f32,
    /// Side of the new leaf.
    side: usize,
}

/// The points of a tree's samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample<'a> {
    pub(super) held: &'a [u32],
    pub(super) points: &'a Points,
}

impl Sample<'_> {
    /// The point of a leaf.
    #[inline(always)]
    fn point(self, leaf: Place) -> u32 {
        self.held[usize::from(leaf - LEAF)]
    }
}

impl Tree {
    /// The leaf that a point falls to; the nodes before it are in `path`.
    #[inline]
    fn descend(&self, root: Place, point: &[f32], path: &mut Path) -> Place {
        path.clear();
        let mut place = root;
        while place < LEAF {
            place = self.step(place, point, path);
        }
        place
    }

    /// One level down.
    #[inline(always)]
    pub(super) fn step(&self, place: Place, point: &[f32], path: &mut Path) -> Place {
        path.push(place);
        let node = &self.nodes[usize::from(place)];
        node.children[usize::from(point[usize::from(node.dimension)] > node.cut)]
    }

    /// Calls `look` with depth, place and box of the leaf and each node above it, up to the root or until it says no.
    #[inline(always)]
    fn ascend<const L: usize>(
        &self,
        sample: Sample<'_>,
        leaf: Place,
        path: &Path,
        corners: &mut Corners<'_>,
        mut look: impl FnMut(usize, Place, &Corners<'_>) -> bool,
    ) {
        corners.be::<L>(sample.points, sample.point(leaf));
        let (mut depth, mut place) = (path.len(), leaf);
        while look(depth, place, corners) && depth > 0 {
            depth -= 1;
            let below = place;
            place = path.at(depth);
            let node = &self.nodes[usize::from(place)];
            if node.parts < PARTS {
                self.widen_by::<L>(sample, node.other(below), corners);
            } else {
                self.boxes.get::<L>(node.parts - PARTS, corners);
            }
        }
    }

    /// Widens a box to hold all below a place.
    #[inline(always)]
    fn widen_by<const L: usize>(
        &self,
        sample: Sample<'_>,
        place: Place,
        corners: &mut Corners<'_>,
    ) {
        let mut pending = [place; PARTS as usize];
        let mut count = 1;
        while count > 0 {
            count -= 1;
            let place = pending[count];
            if place >= LEAF {
                corners.widen::<L>(sample.points, sample.point(place));
                continue;
            }
            let node = &self.nodes[usize::from(place)];
            if node.parts >= PARTS {
                self.boxes.add_to::<L>(node.parts - PARTS, corners);
            } else {
                // Together they have fewer than `PARTS` parts, and each waiting one has one at least.
                pending[count] = node.children[1];
                pending[count + 1] = node.children[0];
                count += 2;
            }
        }
    }

    /// The score of a point that fell to this leaf, before it is brought to the number of samples: expected over the cut that would
    /// set it apart.
    #[inline(always)]
    pub(super) fn score<const L: usize>(
        &self,
        sample: Sample<'_>,
        leaf: Place,
        path: &Path,
        (point, corners): (Probe<'_>, Corners<'_>),
    ) -> f64 {
        // Where the number of blocks is known, the box stays in registers.
        let (mut low, mut high) = ([Four::all(0.0); L], [Four::all(0.0); L]);
        let mut corners = corners.moved::<L>(&mut low, &mut high);
        let mut score = 0.0;
        self.ascend::<L>(sample, leaf, path, &mut corners, |depth, place, corners| {
            let (gap, width) = corners.outside::<L>(point.blocks);
            let (gap, width) = (f64::from(gap), f64::from(width));
            if gap > 0.0 {
                // At the leaf the width is 0.
                score = (gap * unseen(depth) + width * score) / (gap + width);
            } else if place >= LEAF {
                score = self.seen(place, depth, sample.held.len());
            }
            gap > 0.0
        });
        score
    }

    /// Score of a point that is in the tree: less where it is there often.
    fn seen(&self, leaf: Place, depth: usize, samples: usize) -> f64 {
        let mass = f64::from(self.masses[usize::from(leaf - LEAF)]);
        let damp = 1.0 - mass / (2.0 * samples as f64);
        damp / (depth as f64 + log2(mass + 1.0))
    }

    /// Adds each dimension's part in the score of a point to `parts`.
    ///
    /// The part of a node goes to the dimensions by how far the point lies outside in each. A point that is in the tree lies
    /// outside of nothing: its score is shared by what it would have been without its leaf.
    pub(super) fn attribute(&self, sample: Sample<'_>, space: &mut Space, parts: &mut [f64]) {
        let Some(root) = self.root else {
            return;
        };
        let (probe, path, mut corners) = space.parts();
        let point = probe.values;
        let leaf = self.descend(root, point, path);
        let mut shares = vec![0.0; point.len()];
        let mut mix = |depth: usize, corners: &Corners<'_>| {
            let (outside, width) = corners.outside::<0>(probe.blocks);
            if outside > 0.0 {
                let whole = f64::from(outside) + f64::from(width);
                let kept = f64::from(width) / whole;
                let ranges = corners.low().zip(corners.high());
                for ((share, x), (low, high)) in shares.iter_mut().zip(point).zip(ranges) {
                    let gap = f64::from(gap(*x, low, high));
                    *share = kept * *share + gap / whole * unseen(depth);
                }
            }
            outside > 0.0
        };
        if sample.points.get(sample.point(leaf)) == point {
            let mut below = leaf;
            corners.empty();
            for depth in (0..path.len()).rev() {
                let at = path.at(depth);
                let other = self.nodes[usize::from(at)].other(below);
                self.widen_by::<0>(sample, other, &mut corners);
                if !mix(depth, &corners) {
                    break;
                }
                below = at;
            }
            let seen = self.seen(leaf, path.len(), sample.held.len());
            let total: f64 = shares.iter().sum();
            let even = seen / point.len() as f64;
            for share in &mut shares {
                *share = if total > 0.0 {
                    *share * (seen / total)
                } else {
                    even
                };
            }
        } else {
            self.ascend::<0>(sample, leaf, path, &mut corners, |depth, _, corners| {
                mix(depth, corners)
            });
        }
        for (part, share) in parts.iter_mut().zip(&shares) {
            *part += share;
        }
    }

    /// Puts in the point of sample `new`, which `space` holds too, by random cuts. Where its twin is in the tree already, that is the
    /// sample's point from then on.
    pub(super) fn insert<const L: usize>(
        &mut self,
        new: usize,
        held: &mut [u32],
        points: &mut Points,
        space: &mut Space,
        random: &mut Random,
    ) {
        self.masses.resize(held.len(), 0);
        let place = LEAF + new as Place;
        let Some(root) = self.root else {
            self.root = Some(place);
            self.masses[new] = 1;
            points.hold(held[new]);
            return;
        };
        let (probe, path, corners) = space.parts();
        // Where the number of blocks is known, the box stays in registers.
        let (mut low, mut high) = ([Four::all(0.0); L], [Four::all(0.0); L]);
        let mut corners = corners.moved::<L>(&mut low, &mut high);
        let point = probe.values;
        let leaf = self.descend(root, point, path);
        let twin = held[usize::from(leaf - LEAF)];
        if points.get(twin) == point {
            self.masses[usize::from(leaf - LEAF)] += 1;
            held[new] = twin;
            points.hold(twin);
            return;
        }
        points.hold(held[new]);
        self.masses[new] = 1;
        let sample = Sample { held, points };
        let mut chosen: Option<Cut> = None;
        self.ascend::<L>(sample, leaf, path, &mut corners, |depth, above, corners| {
            let (gap, width) = corners.outside::<L>(probe.blocks);
            if gap > 0.0 {
                // The cut is uniform in the box widened by the point; the gaps lie in front.
                let along = random.unit() * (f64::from(gap) + f64::from(width));
                if along < f64::from(gap) {
                    let (dimension, side, at) = cut(point, corners, along);
                    chosen = Some(Cut {
                        depth,
                        above,
                        dimension,
                        at,
                        side,
                    });
                }
            }
            gap > 0.0
        });
        // The first look, at the leaf, always cuts: it has no width.
        if let Some(chosen) = chosen {
            self.hang::<L>(place, chosen, sample, space);
        }
    }

    /// Hangs a new leaf above a place.
    fn hang<const L: usize>(
        &mut self,
        new: Place,
        cut: Cut,
        sample: Sample<'_>,
        space: &mut Space,
    ) {
        let mut children = [cut.above; 2];
        children[cut.side] = new;
        let node = Node {
            cut: cut.at,
            dimension: cut.dimension,
            children,
            parts: 0,
        };
        let at = self.free.pop().unwrap_or(self.nodes.len() as Place);
        if usize::from(at) == self.nodes.len() {
            self.nodes.push(node);
        } else {
            self.nodes[usize::from(at)] = node;
        }
        let (probe, path, corners) = space.parts();
        // Where the number of blocks is known, the box stays in registers.
        let (mut low, mut high) = ([Four::all(0.0); L], [Four::all(0.0); L]);
        let mut corners = corners.moved::<L>(&mut low, &mut high);
        self.relink(path, cut.depth, cut.above, at);
        self.settle::<L>(at, sample, &mut corners);
        for depth in (0..cut.depth).rev() {
            let at = path.at(depth);
            if let Some(kept) = self.settle::<L>(at, sample, &mut corners) {
                self.boxes.widen(kept, probe.values);
            }
        }
    }

    /// Takes out the point of sample `old`, which `space` holds too.
    pub(super) fn remove<const L: usize>(
        &mut self,
        old: usize,
        sample: Sample<'_>,
        space: &mut Space,
    ) {
        let Some(root) = self.root else {
            return;
        };
        let (probe, path, corners) = space.parts();
        // Where the number of blocks is known, the box stays in registers.
        let (mut low, mut high) = ([Four::all(0.0); L], [Four::all(0.0); L]);
        let mut corners = corners.moved::<L>(&mut low, &mut high);
        let leaf = self.descend(root, probe.values, path);
        let holder = usize::from(leaf - LEAF);
        if self.masses[holder] > 1 {
            self.masses[holder] -= 1;
            if holder == old {
                // Another of equal value takes the leaf over.
                let point = sample.held[old];
                let is_twin = |(other, held): (usize, &u32)| other != old && *held == point;
                let heir = sample.held.iter().enumerate().position(is_twin);
                let heir = heir.unwrap_or(old);
                self.masses.swap(heir, old);
                self.relink(path, path.len(), leaf, LEAF + heir as Place);
            }
            return;
        }
        self.masses[holder] = 0;
        let Some(parent) = path.len().checked_sub(1) else {
            self.root = None;
            return;
        };
        let at = path.at(parent);
        let node = self.nodes[usize::from(at)];
        self.relink(path, parent, at, node.other(leaf));
        if node.parts >= PARTS {
            self.boxes.remove(node.parts - PARTS);
        }
        self.free.push(at);
        for depth in (0..parent).rev() {
            let at = path.at(depth);
            let Some(kept) = self.settle::<L>(at, sample, &mut corners) else {
                continue;
            };
            if self.boxes.is_edge(kept, probe.values) {
                self.gather::<L>(at, sample, &mut corners);
                self.boxes.set(kept, &corners);
            }
        }
    }

    /// Counts the parts of a node anew, and keeps or drops its box as they say. The place of a box that was kept already.
    #[inline(always)]
    fn settle<const L: usize>(
        &mut self,
        at: Place,
        sample: Sample<'_>,
        corners: &mut Corners<'_>,
    ) -> Option<u16> {
        let node = self.nodes[usize::from(at)];
        let parts = self.parts(node.children[0]) + self.parts(node.children[1]);
        match (node.parts.checked_sub(PARTS), parts >= PARTS) {
            (Some(kept), true) => return Some(kept),
            (Some(kept), false) => {
                self.boxes.remove(kept);
                self.nodes[usize::from(at)].parts = parts;
            }
            (None, true) => {
                self.gather::<L>(at, sample, corners);
                self.nodes[usize::from(at)].parts = PARTS + self.boxes.add(corners);
            }
            (None, false) => self.nodes[usize::from(at)].parts = parts,
        }
        None
    }

    /// Makes the box of a node of its children.
    fn gather<const L: usize>(&self, at: Place, sample: Sample<'_>, corners: &mut Corners<'_>) {
        corners.empty();
        for child in self.nodes[usize::from(at)].children {
            self.widen_by::<L>(sample, child, corners);
        }
    }

    /// Boxes and points that the box below a place is made of.
    fn parts(&self, place: Place) -> u16 {
        if place >= LEAF {
            return 1;
        }
        match self.nodes[usize::from(place)].parts {
            parts if parts < PARTS => parts,
            _ => 1,
        }
    }

    /// Calls `reach` with each leaf that a point may fall to of which only the first `known` dimensions are known, and with its
    /// samples.
    pub(super) fn reach(&self, point: &[f32], known: usize, mut reach: impl FnMut(usize, u16)) {
        let mut pending: Vec<Place> = self.root.into_iter().collect();
        while let Some(place) = pending.pop() {
            if place >= LEAF {
                let sample = usize::from(place - LEAF);
                reach(sample, self.masses[sample]);
                continue;
            }
            let node = &self.nodes[usize::from(place)];
            let dimension = usize::from(node.dimension);
            if dimension < known {
                pending.push(node.children[usize::from(point[dimension] > node.cut)]);
            } else {
                pending.extend(node.children);
            }
        }
    }

    /// An inner node's dimension, cut and children.
    #[cfg(test)]
    pub(super) fn node(&self, place: Place) -> (usize, f32, [Place; 2]) {
        let node = &self.nodes[usize::from(place)];
        (usize::from(node.dimension), node.cut, node.children)
    }

    /// How many boxes it keeps.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        let kept = |node: &&Node| node.parts >= PARTS;
        self.nodes.iter().filter(kept).count()
    }

    /// Takes all out.
    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.free.clear();
        self.root = None;
        self.masses.fill(0);
        self.boxes.clear();
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + (self.free.capacity() + self.masses.capacity()) * size_of::<u16>()
            + self.boxes.heap_bytes()
    }

    /// The tree from its root on, left before right: the dimension of each inner node or the place of the leaf, and the cuts.
    pub(super) fn save(&self) -> (Vec<u16>, Vec<f32>) {
        let (mut shape, mut cuts) = (Vec::new(), Vec::new());
        let mut pending: Vec<Place> = self.root.into_iter().collect();
        while let Some(place) = pending.pop() {
            if place >= LEAF {
                shape.push(place);
                continue;
            }
            let node = &self.nodes[usize::from(place)];
            shape.push(node.dimension);
            cuts.push(node.cut);
            pending.extend([node.children[1], node.children[0]]);
        }
        (shape, cuts)
    }

    /// The tree of that shape over this sample; `None` where it is not one, or a point falls to the leaf of another.
    pub(super) fn restore(
        shape: &[u16],
        cuts: &[f32],
        sample: Sample<'_>,
        space: &mut Space,
    ) -> Option<Self> {
        let dimensions = space.point().len();
        let mut tree = Self {
            masses: vec![0; sample.held.len()],
            ..Self::default()
        };
        let mut cuts = cuts.iter();
        // Nodes whose children are still to come, and how many came.
        let mut open: Vec<(Place, usize)> = Vec::new();
        for step in shape {
            let place = if *step >= LEAF {
                let mass = tree.masses.get_mut(usize::from(*step - LEAF))?;
                if *mass > 0 {
                    return None;
                }
                *mass = 1;
                *step
            } else {
                let cut = *cuts.next().filter(|cut| cut.is_finite())?;
                if usize::from(*step) >= dimensions || tree.nodes.len() >= sample.held.len() {
                    return None;
                }
                tree.nodes.push(Node {
                    cut,
                    dimension: *step,
                    children: [0; 2],
                    parts: 0,
                });
                (tree.nodes.len() - 1) as Place
            };
            match open.last_mut() {
                None if tree.root.is_some() => return None,
                None => tree.root = Some(place),
                Some((parent, side)) => {
                    tree.nodes[usize::from(*parent)].children[*side] = place;
                    *side += 1;
                    if *side == 2 {
                        open.pop();
                    }
                }
            }
            if place < LEAF {
                open.push((place, 0));
            }
        }
        let is_whole = open.is_empty() && cuts.next().is_none();
        if !is_whole || tree.root.is_none() != sample.held.is_empty() {
            return None;
        }
        let (_, path, mut corners) = space.parts();
        // Children come after their parents.
        for at in (0..tree.nodes.len()).rev() {
            tree.settle::<0>(at as Place, sample, &mut corners);
        }
        tree.weigh(sample, path).then_some(tree)
    }

    /// Counts the samples at each leaf; says whether each has its own leaf, and each leaf a sample.
    fn weigh(&mut self, sample: Sample<'_>, path: &mut Path) -> bool {
        let root = self.root.unwrap_or(LEAF);
        let leaves: Vec<bool> = self.masses.iter().map(|mass| *mass > 0).collect();
        self.masses.fill(0);
        for held in sample.held {
            let point = sample.points.get(*held);
            let leaf = usize::from(self.descend(root, point, path) - LEAF);
            if sample.held[leaf] != *held {
                return false;
            }
            self.masses[leaf] += 1;
        }
        let mut both = leaves.iter().zip(&self.masses);
        both.all(|(is_leaf, mass)| *is_leaf == (*mass > 0))
    }

    /// Puts `new` where `old` is, at this depth of the path.
    fn relink(&mut self, path: &Path, depth: usize, old: Place, new: Place) {
        match depth.checked_sub(1) {
            None => self.root = Some(new),
            Some(parent) => {
                let children = &mut self.nodes[usize::from(path.at(parent))].children;
                let side = usize::from(children[0] != old);
                children[side] = new;
            }
        }
    }
}

impl Node {
    /// The child that is not this one.
    fn other(&self, child: Place) -> Place {
        self.children[usize::from(self.children[0] == child)]
    }
}

/// Score of a point that is set apart at this depth.
fn unseen(depth: usize) -> f64 {
    1.0 / (depth + 1) as f64
}

/// The cut that lies so far along the gaps between a box and a point: its dimension, the point's side of it, and its place.
fn cut(point: &[f32], corners: &Corners<'_>, along: f64) -> (u16, usize, f32) {
    let ranges = corners.low().zip(corners.high());
    let (mut before, mut found) = (0.0, (0, 0.0, 0.0, 0.0, 0.0));
    for (dimension, (x, (low, high))) in point.iter().zip(ranges).enumerate() {
        let gap = f64::from(gap(*x, low, high));
        if gap > 0.0 {
            found = (dimension, *x, low, high, (along - before).min(gap));
            before += gap;
            if along < before {
                break;
            }
        }
    }
    let (dimension, x, low, high, offset) = found;
    // Up to the cut is on its left; rounding must leave both on their sides.
    let (side, from, to) = if x > high { (1, high, x) } else { (0, x, low) };
    let at = (f64::from(from) + offset) as f32;
    let at = if at >= from && at < to { at } else { from };
    (dimension as u16, side, at)
}
