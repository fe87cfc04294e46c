use serde::{Deserialize, Serialize};

/// The last `capacity` values, also in sorted order: exact quantiles of a sliding window.
///
/// A push costs two binary searches and a move of at most `8 * capacity` bytes, a third of that on average; memory `16 * capacity` bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SortedWindow {
    capacity: usize,
    /// Values in order of arrival, a ring once full.
    arrived: Vec<f64>,
    oldest: usize,
    sorted: Vec<f64>,
}

impl SortedWindow {
    /// An empty window.
    pub fn new(capacity: usize) -> Self {
        debug_assert!(capacity > 0);
        Self {
            capacity,
            arrived: Vec::new(),
            oldest: 0,
            sorted: Vec::new(),
        }
    }

    /// Makes room for more values and keeps those that are there.
    pub(crate) fn grow(&mut self, capacity: usize) {
        if capacity > self.capacity {
            self.arrived.rotate_left(self.oldest);
            self.oldest = 0;
            self.capacity = capacity;
        }
    }

    /// Takes in a finite value; when the window is full the oldest goes and is handed back.
    pub fn push(&mut self, value: f64) -> Option<f64> {
        debug_assert!(value.is_finite());
        let into = self.sorted.partition_point(|x| *x < value);
        if self.arrived.len() < self.capacity {
            self.arrived.push(value);
            self.sorted.insert(into, value);
            return None;
        }
        let leaving = std::mem::replace(&mut self.arrived[self.oldest], value);
        self.oldest += 1;
        if self.oldest == self.capacity {
            self.oldest = 0;
        }
        let out = self.sorted.partition_point(|x| *x < leaving);
        // Only what lies between the two places moves.
        if out < into {
            self.sorted.copy_within(out + 1..into, out);
            self.sorted[into - 1] = value;
        } else {
            self.sorted.copy_within(into..out, into + 1);
            self.sorted[into] = value;
        }
        Some(leaving)
    }

    /// Number of values in the window.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether nothing came yet.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The values in rising order.
    pub fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    /// Quantile `q` in 0..=1 by linear interpolation (type 7, as `NumPy`'s default); `None` while empty.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        quantile(&self.sorted, q)
    }

    /// Median of the absolute deviations from `center`.
    ///
    /// The deviations left and right of the centre are two sorted sequences; the median is their k-th smallest,
    /// found by halving, without a copy.
    pub fn median_deviation(&self, center: f64) -> Option<f64> {
        let split = self.sorted.partition_point(|x| *x < center);
        let (left, right) = self.sorted.split_at(split);
        let n = self.sorted.len();
        if n == 0 {
            return None;
        }
        let upper = nth_deviation(left, right, center, n / 2);
        if n % 2 == 1 {
            return Some(upper);
        }
        Some(f64::midpoint(
            upper,
            nth_deviation(left, right, center, n / 2 - 1),
        ))
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        (self.arrived.capacity() + self.sorted.capacity()) * size_of::<f64>()
    }

    /// Whether the parts belong together; state that came from outside is checked with this.
    pub(crate) fn is_sound(&self, capacity: usize) -> bool {
        let mut arrived = self.arrived.clone();
        arrived.sort_by(f64::total_cmp);
        self.capacity > 0
            && self.capacity <= capacity
            && self.arrived.len() <= self.capacity
            && (self.oldest == 0 || self.oldest < self.arrived.len())
            && self.arrived.iter().all(|x| x.is_finite())
            && arrived.iter().zip(&self.sorted).all(|(a, b)| a == b)
            && arrived.len() == self.sorted.len()
    }
}

/// Quantile `q` of sorted values by linear interpolation; `None` where there is none.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = q.clamp(0.0, 1.0) * last as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (at - below as f64) * (sorted[above] - sorted[below]))
}

/// As [`quantile`], of values in any order, which it reorders; `O(n)`.
pub(crate) fn select_quantile(values: &mut [f64], q: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let at = q.clamp(0.0, 1.0) * last as f64;
    let below = at.floor() as usize;
    let (_, lower, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let lower = *lower;
    let upper = above
        .iter()
        .copied()
        .min_by(f64::total_cmp)
        .unwrap_or(lower);
    Some(lower + (at - below as f64) * (upper - lower))
}

/// The quantiles `q` and 1 − `q` as [`quantile`] has them, for a small `q`, of values in any order, which may be reordered.
///
/// Of few values so few lie further out that a list of these is kept on the way through: most values are looked at and left.
pub(crate) fn outer_quantiles(values: &mut [f64], q: f64) -> Option<(f64, f64)> {
    const MOST: usize = 32;
    let last = values.len().checked_sub(1)?;
    let at = |q: f64| {
        let at = q * last as f64;
        (at.floor() as usize, at - at.floor())
    };
    let (low, high) = (at(q), at(1.0 - q));
    let count = (low.0 + 2).max(last - high.0 + 1);
    if count > MOST.min(last) {
        return Some((
            select_quantile(values, q)?,
            select_quantile(values, 1.0 - q)?,
        ));
    }
    let (mut smallest, mut largest) = ([0.0; MOST], [0.0; MOST]);
    let (smallest, largest) = (&mut smallest[..count], &mut largest[..count]);
    let (first, rest) = values.split_at_mut(count);
    first.sort_unstable_by(f64::total_cmp);
    smallest.copy_from_slice(first);
    largest.copy_from_slice(first);
    for &x in &*rest {
        if x <= smallest[count - 1] {
            let mut place = count - 1;
            while place > 0 && x.total_cmp(&smallest[place - 1]).is_lt() {
                smallest[place] = smallest[place - 1];
                place -= 1;
            }
            if place < count - 1 || x.total_cmp(&smallest[place]).is_lt() {
                smallest[place] = x;
            }
        }
        if x >= largest[0] {
            let mut place = 0;
            while place + 1 < count && x.total_cmp(&largest[place + 1]).is_gt() {
                largest[place] = largest[place + 1];
                place += 1;
            }
            if place > 0 || x.total_cmp(&largest[place]).is_gt() {
                largest[place] = x;
            }
        }
    }
    let between = |lower: f64, share: f64, upper: f64| lower + share * (upper - lower);
    let top = count + high.0 - last - 1;
    Some((
        between(smallest[low.0], low.1, smallest[low.0 + 1]),
        between(largest[top], high.1, largest[(top + 1).min(count - 1)]),
    ))
}

/// The `rank`-th smallest (from 0) of |x - center| over both halves.
fn nth_deviation(left: &[f64], right: &[f64], center: f64, rank: usize) -> f64 {
    let near_left = |i: usize| center - left[left.len() - 1 - i];
    let near_right = |i: usize| right[i] - center;
    // `taken` of the left half are among the rank + 1 smallest; find the smallest such number.
    let (mut low, mut high) = (
        (rank + 1).saturating_sub(right.len()),
        left.len().min(rank + 1),
    );
    while low < high {
        let taken = usize::midpoint(low, high);
        let others = rank + 1 - taken;
        if others > 0 && near_left(taken) < near_right(others - 1) {
            low = taken + 1;
        } else {
            high = taken;
        }
    }
    let others = rank + 1 - low;
    let from_left = if low > 0 {
        near_left(low - 1)
    } else {
        f64::NEG_INFINITY
    };
    let from_right = if others > 0 {
        near_right(others - 1)
    } else {
        f64::NEG_INFINITY
    };
    from_left.max(from_right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slow_median(mut values: Vec<f64>) -> f64 {
        values.sort_by(f64::total_cmp);
        let n = values.len();
        f64::midpoint(values[(n - 1) / 2], values[n / 2])
    }

    proptest! {
        #[test]
        fn outer_quantiles_are_those_of_sorting(xs in prop::collection::vec(-50i32..50, 1..1_500)) {
            let mut values: Vec<f64> = xs.iter().map(|x| f64::from(*x) / 3.0).collect();
            let found = outer_quantiles(&mut values, 0.01);
            values.sort_by(f64::total_cmp);
            let expected = quantile(&values, 0.01).zip(quantile(&values, 0.99));
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn selecting_a_quantile_equals_sorting(xs in prop::collection::vec(-50i32..50, 1..200), q in 0.0..=1.0) {
            let mut values: Vec<f64> = xs.iter().map(|x| f64::from(*x)).collect();
            let selected = select_quantile(&mut values, q);
            values.sort_by(f64::total_cmp);
            prop_assert_eq!(selected, quantile(&values, q));
        }

        #[test]
        fn equals_sorting_the_last_values(xs in prop::collection::vec(-50i32..50, 1..200), capacity in 1usize..40) {
            let mut window = SortedWindow::new(capacity);
            for (i, &x) in xs.iter().enumerate() {
                window.push(f64::from(x));
                let last: Vec<f64> = xs[(i + 1).saturating_sub(capacity)..=i].iter().map(|&x| f64::from(x)).collect();
                let median = slow_median(last.clone());
                prop_assert_eq!(window.quantile(0.5), Some(median));
                let deviations = last.iter().map(|x| (x - median).abs()).collect();
                prop_assert_eq!(window.median_deviation(median), Some(slow_median(deviations)));
            }
        }
    }
}
