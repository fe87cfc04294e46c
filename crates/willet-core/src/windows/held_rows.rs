//! The rows a window may still need, in one ring, each with a number that never changes its place in the sums.

/// Time of a row that has none; usable times lie far above it.
pub(super) const NO_TIME: i64 = i64::MIN;

/// Rows with consecutive numbers. Row `n` lies at `n mod capacity`; the capacity is a power of two and doubles when needed.
#[derive(Clone, Debug)]
pub(super) struct HeldRows {
    width: usize,
    start: u64,
    len: usize,
    times: Vec<i64>,
    values: Vec<f64>,
}

/// Room for the first rows.
const LEAST: usize = 16;

impl HeldRows {
    /// None, the next one having the number `start`.
    pub(super) fn new(width: usize, start: u64) -> Self {
        Self {
            width,
            start,
            len: 0,
            times: vec![NO_TIME; LEAST],
            values: vec![f64::NAN; LEAST * width],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Number of the first row held.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Number that the next row gets.
    pub(super) fn end(&self) -> u64 {
        self.start + self.len as u64
    }

    /// Rows there is room for: a power of two.
    pub(super) fn capacity(&self) -> usize {
        self.times.len()
    }

    fn slot(&self, at: u64) -> usize {
        at as usize & (self.times.len() - 1)
    }

    /// Time of row `at`, or [`NO_TIME`].
    pub(super) fn time(&self, at: u64) -> i64 {
        self.times[self.slot(at)]
    }

    pub(super) fn row(&self, at: u64) -> &[f64] {
        let slot = self.slot(at);
        &self.values[slot * self.width..(slot + 1) * self.width]
    }

    pub(super) fn value(&self, at: u64, feature: usize) -> f64 {
        self.values[self.slot(at) * self.width + feature]
    }

    fn put(&mut self, at: u64, time: i64, row: &[f64]) {
        let slot = self.slot(at);
        self.times[slot] = time;
        self.values[slot * self.width..(slot + 1) * self.width].copy_from_slice(row);
    }

    /// Puts a row before row `at` (or at the end), whose number it takes; those behind it move on by one.
    pub(super) fn insert(&mut self, at: u64, time: i64, row: &[f64]) {
        debug_assert!(self.start <= at && at <= self.end() && row.len() == self.width);
        if self.len == self.capacity() {
            self.grow();
        }
        for to in (at + 1..=self.end()).rev() {
            let (from, into) = (self.slot(to - 1), self.slot(to));
            self.times[into] = self.times[from];
            let from = from * self.width..(from + 1) * self.width;
            self.values.copy_within(from, into * self.width);
        }
        self.len += 1;
        self.put(at, time, row);
    }

    fn grow(&mut self) {
        let capacity = self.capacity() * 2;
        let mut grown = Self {
            width: self.width,
            start: self.start,
            len: self.len,
            times: vec![NO_TIME; capacity],
            values: vec![f64::NAN; capacity * self.width],
        };
        for at in self.start..self.end() {
            grown.put(at, self.time(at), self.row(at));
        }
        *self = grown;
    }

    /// Lets go of all rows before row `at`.
    pub(super) fn drop_before(&mut self, at: u64) {
        let gone = at.clamp(self.start, self.end()) - self.start;
        self.start += gone;
        self.len -= gone as usize;
    }

    /// Number of the first row for which `is_before` does not hold; the rows lie in order of time.
    fn partition_point(&self, is_before: impl Fn(i64) -> bool) -> u64 {
        let (mut low, mut high) = (self.start, self.end());
        while low < high {
            let middle = u64::midpoint(low, high);
            if is_before(self.time(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Number of the first row at `time` or later.
    pub(super) fn first_from(&self, time: i64) -> u64 {
        self.partition_point(|t| t < time)
    }

    /// Number of the first row later than `time`.
    pub(super) fn first_after(&self, time: i64) -> u64 {
        // Rows come in order nearly always.
        if self.len == 0 || self.time(self.end() - 1) <= time {
            return self.end();
        }
        self.partition_point(|t| t <= time)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.times.capacity() * size_of::<i64>() + self.values.capacity() * size_of::<f64>()
    }
}
