/// Counts of a window's values in the cells that the sorted values of a reference make of the line: the values themselves and what lies
/// between them. Over blocks of cells a tree holds how far the running sum of differences goes up and down.
#[derive(Debug, Default)]
pub(super) struct Cells {
    /// Different values of the reference, rising.
    values: Vec<f64>,
    /// How many of the reference are equal to each.
    repeats: Vec<u32>,
    /// Values of the window in each cell: below the first value, equal to it, between it and the next, ...
    counts: Vec<u32>,
    reference: i64,
    inside: i64,
    /// How many the window holds when full: the tree is for this number only.
    full: i64,
    tree: Vec<Sums>,
    /// Blocks, rounded up to a power of two.
    leaves: usize,
}

/// Of some cells: the sum of the differences, and the smallest and largest sum of the first of them (none of them counts as 0).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    sum: i64,
    least: i64,
    most: i64,
}

impl Sums {
    fn then(self, next: Self) -> Self {
        Self {
            sum: self.sum + next.sum,
            least: self.least.min(self.sum + next.least),
            most: self.most.max(self.sum + next.most),
        }
    }

    fn add(&mut self, difference: i64) {
        self.sum += difference;
        self.least = self.least.min(self.sum);
        self.most = self.most.max(self.sum);
    }
}

/// Cells in a block: a cache line of counts, summed anew when one changes.
const BLOCK: usize = 16;

impl Cells {
    /// Of a sorted reference and a window that will hold `full` values; it is empty yet.
    pub(super) fn new(sorted: &[f64], full: usize) -> Self {
        let mut cells = Self {
            reference: sorted.len() as i64,
            full: full as i64,
            ..Self::default()
        };
        for x in sorted {
            if cells.values.last() == Some(x) {
                *cells.repeats.last_mut().expect("one for each value") += 1;
            } else {
                cells.values.push(*x);
                cells.repeats.push(1);
            }
        }
        cells.counts = vec![0; 2 * cells.values.len() + 1];
        cells.leaves = cells.counts.len().div_ceil(BLOCK).next_power_of_two();
        cells.tree = vec![Sums::default(); 2 * cells.leaves];
        cells
    }

    /// Values in the window.
    pub(super) fn inside(&self) -> u64 {
        self.inside as u64
    }

    /// Values in the reference.
    pub(super) fn reference(&self) -> u64 {
        self.reference as u64
    }

    /// A value comes in and another leaves.
    pub(super) fn slide(&mut self, x: f64, leaving: Option<f64>) {
        let into = self.cell(x);
        self.counts[into] += 1;
        let Some(leaving) = leaving else {
            self.inside += 1;
            if self.inside == self.full {
                self.plant();
            }
            return;
        };
        let out = self.cell(leaving);
        self.counts[out] = self.counts[out].saturating_sub(1);
        self.climb(into / BLOCK);
        if into / BLOCK != out / BLOCK {
            self.climb(out / BLOCK);
        }
    }

    /// Largest difference of the distribution functions, times both numbers of values.
    pub(super) fn largest_difference(&self) -> u64 {
        let sums = if self.inside == self.full {
            self.tree[1]
        } else {
            // While the window fills each value weighs less than the one before: all is summed anew.
            self.sums(0, self.counts.len(), self.inside)
        };
        sums.most.max(-sums.least) as u64
    }

    fn cell(&self, x: f64) -> usize {
        let at = self.values.partition_point(|value| *value < x);
        2 * at + usize::from(self.values.get(at) == Some(&x))
    }

    fn sums(&self, from: usize, to: usize, inside: i64) -> Sums {
        let mut sums = Sums::default();
        for cell in from..to {
            let of_reference = if cell % 2 == 1 {
                i64::from(self.repeats[cell / 2])
            } else {
                0
            };
            sums.add(i64::from(self.counts[cell]) * self.reference - of_reference * inside);
        }
        sums
    }

    fn block(&self, block: usize) -> Sums {
        let from = (block * BLOCK).min(self.counts.len());
        let to = (from + BLOCK).min(self.counts.len());
        self.sums(from, to, self.full)
    }

    fn plant(&mut self) {
        for block in 0..self.leaves {
            self.tree[self.leaves + block] = self.block(block);
        }
        for at in (1..self.leaves).rev() {
            self.tree[at] = self.tree[2 * at].then(self.tree[2 * at + 1]);
        }
    }

    fn climb(&mut self, block: usize) {
        let mut at = self.leaves + block;
        self.tree[at] = self.block(block);
        while at > 1 {
            at /= 2;
            self.tree[at] = self.tree[2 * at].then(self.tree[2 * at + 1]);
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<f64>()
            + (self.repeats.capacity() + self.counts.capacity()) * size_of::<u32>()
            + self.tree.capacity() * size_of::<Sums>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::hypothesis::{KsMethod, ks_2samp};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_difference_is_that_of_both_samples_sorted(
            mut reference in prop::collection::vec(0..40_i32, 1..90),
            stream in prop::collection::vec(-5..45_i32, 1..200),
            full in 1..50_usize,
        ) {
            reference.sort_unstable();
            let reference: Vec<f64> = reference.into_iter().map(f64::from).collect();
            let stream: Vec<f64> = stream.into_iter().map(f64::from).collect();
            let mut cells = Cells::new(&reference, full);
            for (i, x) in stream.iter().enumerate() {
                cells.slide(*x, i.checked_sub(full).map(|old| stream[old]));
                let window = &stream[(i + 1).saturating_sub(full)..=i];
                let expected = ks_2samp(&reference, window, KsMethod::Exact).expect("values").statistic;
                let found = cells.largest_difference() as f64 / (window.len() * reference.len()) as f64;
                prop_assert!((found - expected).abs() < 1e-12, "{} {}", found, expected);
            }
        }
    }
}
