//! Space for walks: on the stack for most, so that nothing is allocated for a row.

use super::lanes::Four;
use super::points::Corners;
use super::tree::Place;

/// Blocks of dimensions that need nothing from the heap.
const NEAR: usize = 16;
/// Depth that needs nothing from the heap.
const SHALLOW: usize = 96;

/// A point, a box to work on and a path.
#[derive(Debug)]
pub(super) struct Space {
    dimensions: usize,
    near: [[f32; 4]; NEAR],
    far: Vec<f32>,
    boxes: [[Four; NEAR]; 3],
    far_boxes: Vec<Four>,
    path: Path,
}

/// Walks that go down together: where one waits for memory the others go on.
pub(super) const TOGETHER: usize = 8;

impl Space {
    pub(super) fn new(dimensions: usize) -> Self {
        let blocks = dimensions.div_ceil(4);
        let far = if blocks > NEAR { blocks } else { 0 };
        Self {
            dimensions,
            near: [[0.0; 4]; NEAR],
            far: vec![0.0; 4 * far],
            boxes: [[Four::all(0.0); NEAR]; 3],
            far_boxes: vec![Four::all(0.0); 3 * far],
            path: Path::default(),
        }
    }

    pub(super) fn point(&mut self) -> &mut [f32] {
        let values = if self.far.is_empty() {
            self.near.as_flattened_mut()
        } else {
            self.far.as_mut_slice()
        };
        &mut values[..self.dimensions]
    }

    /// Takes note of the point that was put in.
    pub(super) fn ready(&mut self) {
        let values = if self.far.is_empty() {
            self.near.as_flattened()
        } else {
            self.far.as_slice()
        };
        let blocks = if self.far.is_empty() {
            self.boxes[0].as_mut_slice()
        } else {
            self.far_boxes.as_mut_slice()
        };
        let (from, _) = values.as_chunks::<4>();
        for (block, from) in blocks.iter_mut().zip(from) {
            *block = Four::of(*from);
        }
    }

    /// The point, the path, and a box to work on.
    #[inline(always)]
    pub(super) fn parts(&mut self) -> (Probe<'_>, &mut Path, Corners<'_>) {
        let (dimensions, count) = (self.dimensions, self.dimensions.div_ceil(4));
        let (values, blocks, low, high) = if self.far.is_empty() {
            let [point, low, high] = &mut self.boxes;
            let values = self.near.as_flattened();
            (
                values,
                &point[..count],
                &mut low[..count],
                &mut high[..count],
            )
        } else {
            let (point, rest) = self.far_boxes.split_at_mut(count);
            let (low, high) = rest.split_at_mut(count);
            (self.far.as_slice(), &*point, low, high)
        };
        let last = dimensions - 4 * (count - 1);
        let corners = Corners {
            low,
            high,
            dimensions,
            real: Four::of(std::array::from_fn(
                |lane| if lane < last { 1.0 } else { 0.0 },
            )),
        };
        let values = &values[..dimensions];
        (Probe { values, blocks }, &mut self.path, corners)
    }
}

/// A point that is looked for, and the same in blocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe<'a> {
    pub(super) values: &'a [f32],
    pub(super) blocks: &'a [Four],
}

/// The nodes from the root down to a leaf.
#[derive(Debug)]
pub(super) struct Path {
    shallow: [Place; SHALLOW],
    deep: Vec<Place>,
    len: usize,
}

impl Default for Path {
    fn default() -> Self {
        Self {
            shallow: [0; SHALLOW],
            deep: Vec::new(),
            len: 0,
        }
    }
}

impl Path {
    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.deep.clear();
    }

    #[inline]
    pub(super) fn push(&mut self, place: Place) {
        match self.shallow.get_mut(self.len) {
            Some(step) => *step = place,
            None => self.deep.push(place),
        }
        self.len += 1;
    }

    #[inline]
    pub(super) fn at(&self, depth: usize) -> Place {
        match self.shallow.get(depth) {
            Some(step) => *step,
            None => self.deep[depth - SHALLOW],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}
