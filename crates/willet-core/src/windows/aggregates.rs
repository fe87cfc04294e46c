//! The statistics of a window over held rows.

use super::config::{Unit, WindowPlan};
use super::held_rows::HeldRows;
use super::multiset::Multiset;
use super::statistic::Statistic;
use super::tree::{Moments, Tree, Trend};

/// What is kept beside the rows so that a window's statistics need no look at each of its rows. All of it follows from the rows.
#[derive(Clone, Debug)]
pub(super) struct Aggregates {
    statistics: Vec<Statistic>,
    /// Places of row number or microseconds in one of what a slope counts by.
    places: f64,
    moments: Vec<Tree<Moments>>,
    trends: Vec<Tree<Trend>>,
    /// Of the newest window that was asked for; the next one is reached by taking rows in and out.
    newest: Orders,
    /// Of a window that was closed before it.
    former: Orders,
    values: Vec<f64>,
}

impl Aggregates {
    pub(super) fn new(plan: &WindowPlan) -> Self {
        let (width, statistics) = (plan.width(), plan.statistics().to_vec());
        let any = |wanted: fn(&Statistic) -> bool| {
            let is_wanted = statistics.iter().any(wanted);
            if is_wanted { width } else { 0 }
        };
        let by_time = plan.unit() == Unit::Seconds;
        let orders = Orders {
            from: 0,
            to: 0,
            sets: (0..any(Statistic::needs_order))
                .map(|_| Multiset::new(statistics.contains(&Statistic::Entropy)))
                .collect(),
        };
        Self {
            places: if by_time { 1e6 } else { 1.0 },
            moments: (0..any(Statistic::needs_moments))
                .map(|feature| Tree::new(feature, by_time))
                .collect(),
            trends: (0..any(|statistic| *statistic == Statistic::Slope))
                .map(|feature| Tree::new(feature, by_time))
                .collect(),
            newest: orders.clone(),
            former: orders,
            values: vec![f64::NAN; width * statistics.len()],
            statistics,
        }
    }

    /// Row `at` was put in; those behind it, if there are any, have moved on by one.
    pub(super) fn inserted(&mut self, rows: &HeldRows, at: u64) {
        self.moments
            .iter_mut()
            .for_each(|tree| tree.renew(rows, at));
        self.trends.iter_mut().for_each(|tree| tree.renew(rows, at));
        self.newest.inserted(rows, at);
        if at + 1 < rows.end() {
            // The row numbers it knows have moved; it is made anew for nearly every correction anyway.
            self.former.clear(0);
        }
    }

    /// The rows before `at` are about to go.
    pub(super) fn leaving(&mut self, rows: &HeldRows, at: u64) {
        self.newest.leaving(rows, at);
        self.former.leaving(rows, at);
    }

    /// Statistics of the rows `from..to`: all of the first feature, then all of the second.
    pub(super) fn of(&mut self, rows: &HeldRows, from: u64, to: u64) -> &[f64] {
        if self.statistics.is_empty() {
            return &self.values;
        }
        let orders = if from < self.newest.from || to < self.newest.to {
            &mut self.former
        } else {
            &mut self.newest
        };
        orders.move_to(rows, from, to);
        let places = self.places;
        for (feature, values) in self
            .values
            .chunks_exact_mut(self.statistics.len())
            .enumerate()
        {
            let moments = self.moments.get(feature);
            let moments = moments.map(|tree| tree.over(rows, from, to));
            let slope = self
                .trends
                .get(feature)
                .map_or(f64::NAN, |tree| tree.over(rows, from, to).slope() * places);
            let set = orders.sets.get(feature);
            for (value, statistic) in values.iter_mut().zip(&self.statistics) {
                let found = match statistic {
                    Statistic::Mean => moments.map(|m| m.mean()),
                    Statistic::StandardDeviation => moments.map(|m| m.deviation()),
                    Statistic::Minimum => moments.map(|m| m.minimum()),
                    Statistic::Maximum => moments.map(|m| m.maximum()),
                    Statistic::Count => moments.map(|m| m.count()),
                    Statistic::Slope => Some(slope),
                    Statistic::Quantile(q) => set.map(|set| set.quantile(*q)),
                    Statistic::Distinct => set.map(|set| set.distinct() as f64),
                    Statistic::Entropy => set.map(Multiset::entropy),
                };
                *value = found.unwrap_or(f64::NAN);
            }
        }
        &self.values
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let orders = [&self.newest, &self.former];
        let sets: usize = orders
            .iter()
            .flat_map(|orders| &orders.sets)
            .map(|set| size_of::<Multiset>() + set.heap_bytes())
            .sum();
        let moments: usize = self.moments.iter().map(Tree::heap_bytes).sum();
        let trends: usize = self.trends.iter().map(Tree::heap_bytes).sum();
        sets + moments + trends + self.values.capacity() * size_of::<f64>()
    }
}

/// The values of the rows `from..to`, in order.
#[derive(Clone, Debug)]
struct Orders {
    from: u64,
    to: u64,
    /// One a feature; none where no statistic asks for order.
    sets: Vec<Multiset>,
}

impl Orders {
    fn clear(&mut self, at: u64) {
        self.sets.iter_mut().for_each(Multiset::clear);
        (self.from, self.to) = (at, at);
    }

    fn move_to(&mut self, rows: &HeldRows, from: u64, to: u64) {
        let is_ahead = self.from <= from && from < self.to && self.to <= to;
        if !is_ahead {
            self.clear(from);
        }
        self.leaving(rows, from);
        for at in self.to..to {
            self.take(rows, at);
        }
        (self.from, self.to) = (from, to);
    }

    fn take(&mut self, rows: &HeldRows, at: u64) {
        for (set, value) in self.sets.iter_mut().zip(rows.row(at)) {
            if !value.is_nan() {
                set.add(*value);
            }
        }
    }

    fn leaving(&mut self, rows: &HeldRows, at: u64) {
        if at >= self.to {
            self.clear(at);
            return;
        }
        for at in self.from..at {
            for (set, value) in self.sets.iter_mut().zip(rows.row(at)) {
                if !value.is_nan() {
                    set.remove(*value);
                }
            }
        }
        self.from = self.from.max(at);
    }

    fn inserted(&mut self, rows: &HeldRows, at: u64) {
        if at < self.from {
            self.from += 1;
            self.to += 1;
        } else if at < self.to {
            self.take(rows, at);
            self.to += 1;
        }
    }
}
