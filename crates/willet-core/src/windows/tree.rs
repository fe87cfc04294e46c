//! Summaries of any run of rows from summaries of blocks of 2, 4, 8, ... rows. Nothing is ever taken out of a sum, so nothing of a
//! row stays behind when it leaves, however large it was.
//!
//! # References
//! Tangwongsan, Hirzel, Schneider, Wu, "General Incremental Sliding-Window Aggregation", VLDB 2015;
//! Chan, Golub, `LeVeque`, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979.

use super::held_rows::HeldRows;

/// What is known of a run of rows in one feature; of two neighbouring runs follows what is known of both.
pub(super) trait Summary: Copy {
    /// Of no row.
    const EMPTY: Self;
    /// Of a row: its value, not missing, and its place on the axis of time.
    fn of(value: f64, place: i64) -> Self;
    /// Of two runs, the earlier one first.
    fn join(&self, later: &Self) -> Self;
}

/// Blocks begin at multiples of their length, counted in row numbers: which sums are made depends on nothing but these.
#[derive(Clone, Debug)]
pub(super) struct Tree<S> {
    feature: usize,
    /// Whether the place of a row is its time, else its number.
    by_time: bool,
    /// Blocks of 2 rows, then those of 4, ...: for a ring of `c` rows `c / 2`, `c / 4`, ... of them.
    blocks: Vec<S>,
    capacity: usize,
}

impl<S: Summary> Tree<S> {
    pub(super) fn new(feature: usize, by_time: bool) -> Self {
        Self {
            feature,
            by_time,
            blocks: Vec::new(),
            capacity: 0,
        }
    }

    fn slot(&self, level: u32, block: u64) -> usize {
        let before = self.capacity - (self.capacity >> (level - 1));
        before + (block as usize & ((self.capacity >> level) - 1))
    }

    fn block(&self, rows: &HeldRows, level: u32, block: u64) -> S {
        if level > 0 {
            return self.blocks[self.slot(level, block)];
        }
        let value = rows.value(block, self.feature);
        if value.is_nan() {
            return S::EMPTY;
        }
        let place = if self.by_time {
            rows.time(block)
        } else {
            block as i64
        };
        S::of(value, place)
    }

    /// Rows from number `at` on are new or others than before. One row at the end costs one join on average.
    pub(super) fn renew(&mut self, rows: &HeldRows, at: u64) {
        let mut from = at;
        if self.capacity != rows.capacity() {
            self.capacity = rows.capacity();
            self.blocks.clear();
            self.blocks.resize(self.capacity, S::EMPTY);
            from = rows.start();
        }
        let levels = self.capacity.ilog2();
        for at in from..rows.end() {
            for level in 1..=(at + 1).trailing_zeros().min(levels) {
                let block = at >> level;
                if block << level < rows.start() {
                    break;
                }
                let earlier = self.block(rows, level - 1, 2 * block);
                let later = self.block(rows, level - 1, 2 * block + 1);
                let slot = self.slot(level, block);
                self.blocks[slot] = earlier.join(&later);
            }
        }
    }

    /// Summary of the rows `from..to`: at most two blocks of each length.
    pub(super) fn over(&self, rows: &HeldRows, from: u64, to: u64) -> S {
        debug_assert!(rows.start() <= from && to <= rows.end());
        let (mut at, mut sum) = (from, S::EMPTY);
        while at < to {
            let level = at.trailing_zeros().min((to - at).ilog2());
            sum = sum.join(&self.block(rows, level, at >> level));
            at += 1 << level;
        }
        sum
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<S>()
    }
}

/// A mean in two numbers, the second what the first lost by rounding. In one, the differences of the means of values around 1e9
/// would be off by 1e-7, and with them the variance.
#[derive(Clone, Copy, Debug)]
struct Mean {
    high: f64,
    low: f64,
}

impl Mean {
    const ZERO: Self = Self {
        high: 0.0,
        low: 0.0,
    };

    /// How far `other` lies above.
    fn to(self, other: Self) -> f64 {
        (other.high - self.high) + (other.low - self.low)
    }

    fn moved(self, by: f64) -> Self {
        // Knuth's sum of two numbers and its rounding error.
        let sum = self.high + by;
        let own = sum - by;
        let lost = (self.high - own) + (by - (sum - own));
        let low = self.low + lost;
        let high = sum + low;
        Self {
            high,
            low: low - (high - sum),
        }
    }
}

/// Count, mean, squares and ends of the values that are not missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    count: f64,
    mean: Mean,
    squares: f64,
    least: f64,
    most: f64,
}

impl Moments {
    pub(super) fn count(&self) -> f64 {
        self.count
    }

    /// A statistic of no value is missing.
    fn some(&self, value: f64) -> f64 {
        if self.count > 0.0 { value } else { f64::NAN }
    }

    pub(super) fn mean(&self) -> f64 {
        self.some(self.mean.high)
    }

    /// Of the population: divided by the count.
    pub(super) fn deviation(&self) -> f64 {
        self.some((self.squares / self.count).sqrt())
    }

    pub(super) fn minimum(&self) -> f64 {
        self.some(self.least)
    }

    pub(super) fn maximum(&self) -> f64 {
        self.some(self.most)
    }
}

impl Summary for Moments {
    const EMPTY: Self = Self {
        count: 0.0,
        mean: Mean::ZERO,
        squares: 0.0,
        least: f64::INFINITY,
        most: f64::NEG_INFINITY,
    };

    fn of(value: f64, _: i64) -> Self {
        Self {
            count: 1.0,
            mean: Mean {
                high: value,
                low: 0.0,
            },
            squares: 0.0,
            least: value,
            most: value,
        }
    }

    fn join(&self, later: &Self) -> Self {
        if self.count == 0.0 {
            return *later;
        }
        if later.count == 0.0 {
            return *self;
        }
        let count = self.count + later.count;
        let share = later.count / count;
        let apart = self.mean.to(later.mean);
        Self {
            count,
            mean: self.mean.moved(apart * share),
            squares: self.squares + later.squares + apart * apart * (self.count * share),
            least: self.least.min(later.least),
            most: self.most.max(later.most),
        }
    }
}

/// How values and places move together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trend {
    count: f64,
    value: Mean,
    place: Mean,
    place_squares: f64,
    products: f64,
}

impl Trend {
    /// Slope of the line of least squares, a place; missing where all values have one place.
    pub(super) fn slope(&self) -> f64 {
        if self.place_squares > 0.0 {
            self.products / self.place_squares
        } else {
            f64::NAN
        }
    }
}

impl Summary for Trend {
    const EMPTY: Self = Self {
        count: 0.0,
        value: Mean::ZERO,
        place: Mean::ZERO,
        place_squares: 0.0,
        products: 0.0,
    };

    fn of(value: f64, place: i64) -> Self {
        let high = place as f64;
        Self {
            count: 1.0,
            value: Mean {
                high: value,
                low: 0.0,
            },
            // Microseconds since 1970 have more digits than one number holds after the year 2255.
            place: Mean {
                high,
                low: (place - high as i64) as f64,
            },
            ..Self::EMPTY
        }
    }

    fn join(&self, later: &Self) -> Self {
        if self.count == 0.0 {
            return *later;
        }
        if later.count == 0.0 {
            return *self;
        }
        let count = self.count + later.count;
        let share = later.count / count;
        let (values, places) = (self.value.to(later.value), self.place.to(later.place));
        let weight = self.count * share;
        Self {
            count,
            value: self.value.moved(values * share),
            place: self.place.moved(places * share),
            place_squares: self.place_squares + later.place_squares + places * places * weight,
            products: self.products + later.products + values * places * weight,
        }
    }
}
