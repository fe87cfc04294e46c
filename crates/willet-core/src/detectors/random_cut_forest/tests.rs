use super::points::Points;
use super::space::Space;
use super::tree::{LEAF, Place, Sample, Tree};
use super::*;

/// A tree with its points, as the forest has them.
struct Grown {
    tree: Tree,
    points: Points,
    held: Vec<u32>,
    dimensions: usize,
    random: Random,
}

impl Grown {
    fn new(dimensions: usize, seed: u64) -> Self {
        Self {
            tree: Tree::default(),
            points: Points::new(dimensions),
            held: Vec::new(),
            dimensions,
            random: Random::new(seed),
        }
    }

    fn of(rows: &[&[f32]], seed: u64) -> Self {
        let mut grown = Self::new(rows[0].len(), seed);
        rows.iter().for_each(|row| grown.push(row));
        grown
    }

    fn space(&self, point: &[f32]) -> Space {
        let mut space = Space::new(self.dimensions);
        space.point().copy_from_slice(point);
        space.ready();
        space
    }

    fn push(&mut self, point: &[f32]) {
        self.held.push(0);
        self.put(self.held.len() - 1, point);
    }

    fn put(&mut self, sample: usize, point: &[f32]) {
        let mut space = self.space(point);
        self.held[sample] = self.points.add(point);
        let (tree, held, points) = (&mut self.tree, &mut self.held, &mut self.points);
        let random = &mut self.random;
        by_blocks!(
            point.len(),
            tree.insert(sample, held, points, &mut space, random)
        );
    }

    fn replace(&mut self, sample: usize, point: &[f32]) {
        let old = self.held[sample];
        let mut space = self.space(self.points.get(old));
        let gone = Sample {
            held: &self.held,
            points: &self.points,
        };
        let tree = &mut self.tree;
        by_blocks!(point.len(), tree.remove(sample, gone, &mut space));
        self.points.release(old);
        self.put(sample, point);
    }

    fn sample(&self) -> Sample<'_> {
        Sample {
            held: &self.held,
            points: &self.points,
        }
    }

    fn score(&self, point: &[f32]) -> f64 {
        let mut space = self.space(point);
        let mut path = Path::default();
        let mut place = self.tree.root.expect("a tree");
        while place < LEAF {
            place = self.tree.step(place, point, &mut path);
        }
        let (probe, _, corners) = space.parts();
        let (tree, sample) = (&self.tree, self.sample());
        by_blocks!(
            point.len(),
            tree.score(sample, place, &path, (probe, corners))
        )
    }

    fn parts(&self, point: &[f32]) -> Vec<f64> {
        let mut parts = vec![0.0; point.len()];
        let mut space = self.space(point);
        self.tree.attribute(self.sample(), &mut space, &mut parts);
        parts
    }

    /// All points below a place.
    fn below(&self, place: Place) -> Vec<&[f32]> {
        if place >= LEAF {
            return vec![self.points.get(self.held[usize::from(place - LEAF)])];
        }
        let (_, _, [left, right]) = self.tree.node(place);
        let mut points = self.below(left);
        points.extend(self.below(right));
        points
    }

    /// The score as it is defined: boxes of all points below each node, from the root on.
    fn slow_score(&self, place: Place, depth: usize, point: &[f32]) -> f64 {
        let below = self.below(place);
        let (mut gaps, mut widths) = (0.0, 0.0);
        for (dimension, x) in point.iter().enumerate() {
            let values = below.iter().map(|point| f64::from(point[dimension]));
            let low = values.clone().fold(f64::INFINITY, f64::min);
            let high = values.fold(f64::NEG_INFINITY, f64::max);
            let x = f64::from(*x);
            gaps += (x - high).max(low - x).max(0.0);
            widths += high - low;
        }
        if place >= LEAF {
            let same = |held: &&u32| self.points.get(**held) == point;
            let mass = self.held.iter().filter(same).count() as f64;
            if gaps == 0.0 {
                let damp = 1.0 - mass / (2.0 * self.held.len() as f64);
                return damp / (depth as f64 + log2(mass + 1.0));
            }
            return 1.0 / (depth + 1) as f64;
        }
        let (dimension, cut, children) = self.tree.node(place);
        let inside = self.slow_score(
            children[usize::from(point[dimension] > cut)],
            depth + 1,
            point,
        );
        let apart = gaps / (gaps + widths);
        apart / (depth + 1) as f64 + (1.0 - apart) * inside
    }
}

#[test]
fn the_score_of_two_points_by_hand() {
    let grown = Grown::of(&[&[0.0], &[1.0]], 1);
    // Set apart from both with probability 2/3 at the root, else from the nearer one below it.
    assert!((grown.score(&[3.0]) - (2.0 / 3.0 + 1.0 / 3.0 / 2.0)).abs() < 1e-7);
    // In the tree once of two samples, one level down.
    assert!((grown.score(&[1.0]) - 0.75 / 2.0).abs() < 1e-7);
    // Half of what sets it apart from the lower point is in each dimension.
    let grown = Grown::of(&[&[0.0, 0.0], &[0.0, 1.0]], 1);
    let parts = grown.parts(&[1.0, 2.0]);
    let apart = [1.0 / 3.0, 1.0 / 3.0];
    let below = [0.25, 0.25];
    for dimension in 0..2 {
        let expected = apart[dimension] + (1.0 / 3.0) * below[dimension];
        assert!((parts[dimension] - expected).abs() < 1e-6, "{parts:?}");
    }
}

#[test]
fn scores_and_shares_are_those_of_the_definition_whatever_went_in_and_out() {
    let mut random = Random::new(3);
    for (dimensions, count, grid) in [
        (1, 40, 0.0),
        (2, 60, 4.0),
        (3, 128, 0.0),
        (10, 100, 0.0),
        (18, 70, 2.0),
        (70, 40, 0.0),
    ] {
        let mut point = || -> Vec<f32> {
            let whole = |x: f32| if grid > 0.0 { (grid * x).round() } else { x };
            (0..dimensions)
                .map(|_| whole(random.unit() as f32))
                .collect()
        };
        let mut grown = Grown::new(dimensions, 5);
        (0..count).for_each(|_| grown.push(&point()));
        for round in 0..300 {
            grown.replace((round * 7) % count, &point());
        }
        let root = grown.tree.root.expect("a tree");
        for probe in 0..40 {
            let probe: Vec<f32> = if probe < 30 {
                point()
            } else {
                point().iter().map(|x| 3.0 * x).collect()
            };
            let (score, expected) = (grown.score(&probe), grown.slow_score(root, 0, &probe));
            assert!(
                (score - expected).abs() < 1e-5 * expected,
                "{dimensions}: {score} {expected}"
            );
            let parts: f64 = grown.parts(&probe).iter().sum();
            assert!(
                (parts - expected).abs() < 1e-5 * expected,
                "{dimensions}: {parts} {expected}"
            );
        }
        assert!(
            grown.tree.kept() <= count / 7,
            "{dimensions}: {} boxes",
            grown.tree.kept()
        );
    }
}

/// The first cut of a tree of 0, 1 and 3 falls between 0 and 1 in one of three trees, whichever way the points came and went.
#[test]
fn trees_are_drawn_as_often_as_the_paper_has_them() {
    for order in [[0.0, 1.0, 3.0], [3.0, 0.0, 1.0], [1.0, 3.0, 0.0]] {
        let mut low = 0;
        for seed in 0..3_000 {
            let mut grown = Grown::of(&[&[order[0]], &[7.0], &[order[1]]], seed);
            grown.replace(1, &[order[2]]);
            let (_, cut, _) = grown.tree.node(grown.tree.root.expect("a tree"));
            low += u32::from(cut < 1.0);
        }
        assert!((920..1_080).contains(&low), "{order:?}: {low} of 3,000");
    }
}

/// At the default decay the mean age of a sample is that of weights that fall by 1 / (10 · samples) a row: about 9 in 10 of the
/// rows of that time stay out.
#[test]
fn newer_rows_are_held_likelier() {
    let config = RandomCutForestConfig {
        max_samples: 64,
        n_estimators: 20,
        ..RandomCutForestConfig::default()
    };
    let mut forest = RandomCutForest::new(&config, 1, 1).expect("valid");
    let mut ages = 0.0;
    (0..6_000).for_each(|row| forest.learn_row(&[f64::from(row)]));
    let frame = forest.frame.clone().expect("warm");
    for member in &forest.members {
        for held in &member.samples {
            ages += 6_000.0 - frame.value(0, forest.points.get(*held)[0]);
        }
    }
    let mean = ages / (20.0 * 64.0);
    assert!((560.0..720.0).contains(&mean), "{mean}");
}

#[test]
fn a_shingle_sees_what_each_row_alone_does_not() {
    let config = RandomCutForestConfig {
        shingle_size: 8,
        ..RandomCutForestConfig::default()
    };
    let mut forest = RandomCutForest::new(&config, 1, 1).expect("valid");
    let wave = |row: u32| libm::sin(f64::from(row) / 4.0);
    (0..1_000).for_each(|row| forest.learn_row(&[wave(row)]));
    let usual = forest.score_row(&[wave(1_000)]).score().expect("warm");
    let wrong = forest.score_row(&[-wave(1_000)]).score().expect("warm");
    assert!(wrong > 1.3 * usual, "{usual} {wrong}");
    let expected = forest.expected()[0];
    assert!(
        (expected.middle - wave(1_000)).abs() < 0.3,
        "{expected:?} {}",
        wave(1_000)
    );
    assert!(RandomCutForest::new(&config, 1_024, 1).is_ok());
    let wide = RandomCutForestConfig {
        shingle_size: 9,
        ..config
    };
    let error = RandomCutForest::new(&wide, 1_024, 1).expect_err("too wide");
    assert_eq!(
        error.to_string(),
        "shingle_size is 9, expected at most 8 for rows of 1024 values"
    );
}

#[test]
fn a_change_of_scale_is_followed() {
    let config = RandomCutForestConfig::default();
    let mut forest = RandomCutForest::new(&config, 2, 1).expect("valid");
    let mut random = Random::new(9);
    for row in 0..3_000 {
        let scale = if row < 1_000 { 1e-3 } else { 1e9 };
        forest.learn_row(&[scale * random.unit(), random.unit()]);
    }
    let score = |row: [f64; 2]| forest.score_row(&row).score().expect("warm");
    assert!(score([2e9, 0.5]) > 1.5 * score([5e8, 0.5]));
    assert!(score([5e8, 2.0]) > 1.5 * score([5e8, 0.5]));
}
