//! The dual problem of a window: minimise ½ αᵀKα with 0 ≤ α ≤ 1 and Σα = ν·n, kept solved while rows come and go.

use serde::{Deserialize, Serialize};

use super::kernel::{Tiles, dot, largest, smallest};

/// No row.
const NOBODY: u32 = u32::MAX;
/// Numbers between the kernels of two slots that none needs: lines a power of 2 apart would fight for one place of the cache.
const APART: usize = 8;
/// Slots are made this many at a time.
const SLOTS: usize = 32;
/// Two rows nearer than this are one: the step between them stays finite.
const SAME: f64 = 1e-12;
/// Added to the gradient of a row that may not have more.
const NO_ROOM: f64 = f64::INFINITY;

/// A window with its dual variables.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    gamma: f64,
    points: Tiles,
    alphas: Vec<f64>,
    /// Of each row Σ α K, the gradient of what is minimised.
    gradient: Vec<f64>,
    /// 0 where α may rise, else [`NO_ROOM`].
    ceiling: Vec<f64>,
    rho: f64,
    /// The highest gradient of a row with α > 0, where nothing changed since the solution was found.
    settled: Option<f64>,
    support: Support,
    space: Space,
}

/// Rows with α > 0, each with its kernels to all rows.
#[derive(Clone, Debug)]
struct Support {
    /// Row of each slot.
    places: Vec<u32>,
    /// Slot of each row.
    slots: Vec<u32>,
    /// 0 where there is no row.
    alphas: Vec<f64>,
    points: Tiles,
    /// Of each slot with all rows.
    kernels: Vec<f64>,
    /// Numbers from the kernels of a slot to those of the next.
    stride: usize,
    /// Of each slot with all slots: the same numbers side by side.
    between: Vec<f64>,
    /// To hold a row in.
    point: Vec<f64>,
}

/// Places to compute in, by slot; hold nothing between calls.
#[derive(Clone, Debug, Default)]
struct Space {
    before: Vec<f64>,
    gradient: Vec<f64>,
    ceiling: Vec<f64>,
    gains: Vec<f32>,
}

/// What of a machine is saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Solution {
    gamma: f64,
    alphas: Vec<f64>,
    gradient: Vec<f64>,
    places: Vec<u32>,
    rho: f64,
}

impl Solution {
    /// Σα.
    pub(super) fn total(&self) -> f64 {
        self.alphas.iter().sum()
    }
}

impl Support {
    fn new(width: usize, capacity: usize) -> Self {
        Self {
            places: Vec::new(),
            slots: vec![NOBODY; capacity],
            alphas: Vec::new(),
            points: Tiles::new(width),
            kernels: Vec::new(),
            stride: capacity + APART,
            between: Vec::new(),
            point: Vec::new(),
        }
    }

    fn len(&self) -> usize {
        self.places.len()
    }

    fn kernels(&self, slot: usize, rows: usize) -> &[f64] {
        &self.kernels[slot * self.stride..][..rows]
    }

    fn reserve(&mut self, slots: usize) {
        let former = self.len();
        let mut between = vec![0.0; slots * slots];
        for (wide, narrow) in between
            .chunks_exact_mut(slots.max(1))
            .zip(self.between.chunks_exact(former.max(1)))
        {
            wide[..former].copy_from_slice(narrow);
        }
        self.between = between;
        self.places.resize(slots, NOBODY);
        self.alphas.resize(slots, 0.0);
        self.kernels.resize(slots * self.stride, 0.0);
    }

    /// The slot of a row, taken and filled where it has none.
    fn slot(&mut self, place: usize, rows: usize, points: &Tiles, gamma: f64) -> usize {
        if self.slots[place] != NOBODY {
            return self.slots[place] as usize;
        }
        let free = self.places.iter().position(|place| *place == NOBODY);
        let slot = free.unwrap_or(self.len());
        if free.is_none() {
            self.reserve(slot + SLOTS);
        }
        self.fill(slot, place, rows, points, gamma);
        slot
    }

    fn fill(&mut self, slot: usize, place: usize, rows: usize, points: &Tiles, gamma: f64) {
        self.places[slot] = place as u32;
        self.slots[place] = slot as u32;
        self.points.put(slot, points.row(place));
        self.point.clear();
        self.point.extend(points.row(place));
        let kernels = &mut self.kernels[slot * self.stride..][..rows];
        points.kernels(gamma, &self.point, kernels);
        let slots = self.places.len();
        for (other, place) in self.places.iter().enumerate() {
            // Stale where there is no row, and not looked at.
            let kernel = kernels.get(*place as usize).copied().unwrap_or(0.0);
            self.between[slot * slots + other] = kernel;
            self.between[other * slots + slot] = kernel;
        }
    }

    fn release(&mut self, slot: usize) {
        self.slots[self.places[slot] as usize] = NOBODY;
        self.places[slot] = NOBODY;
        self.alphas[slot] = 0.0;
    }

    /// Slots with a row.
    fn taken(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let slots = self.places.iter().enumerate();
        slots
            .filter(|(_, place)| **place != NOBODY)
            .map(|(slot, place)| (slot, *place as usize))
    }
}

impl Machine {
    pub(super) fn new(width: usize, capacity: usize) -> Self {
        Self {
            gamma: 1.0,
            points: Tiles::new(width),
            alphas: Vec::new(),
            gradient: Vec::new(),
            ceiling: Vec::new(),
            rho: 0.0,
            settled: None,
            support: Support::new(width, capacity),
            space: Space::default(),
        }
    }

    /// Rows of the window.
    pub(super) fn len(&self) -> usize {
        self.alphas.len()
    }

    /// Lays the rows anew; what α there is stays, 0 where there was none.
    pub(super) fn lay(&mut self, gamma: f64, rows: impl Iterator<Item: Iterator<Item = f64>>) {
        self.gamma = gamma;
        self.points.clear();
        let mut count = 0;
        for (place, row) in rows.enumerate() {
            self.points.put(place, row);
            count = place + 1;
        }
        self.alphas.resize(count, 0.0);
        self.gradient.resize(count, 0.0);
        self.ceiling.resize(count, 0.0);
        let taken: Vec<(usize, usize)> = self.support.taken().collect();
        for (slot, place) in taken {
            self.support.fill(slot, place, count, &self.points, gamma);
        }
        self.refresh();
    }

    /// Computes the gradients anew: what was added and taken away bit by bit has rounded.
    pub(super) fn refresh(&mut self) {
        self.settled = None;
        self.gradient.fill(0.0);
        for slot in 0..self.support.len() {
            if self.support.alphas[slot] > 0.0 {
                self.add([(slot, self.support.alphas[slot])]);
            }
        }
    }

    /// Kernels of a row with the supporting ones, by slot; [`Machine::sum`] adds them up.
    pub(super) fn look(&self, point: &[f64], kernels: &mut Vec<f64>) {
        kernels.resize(self.support.len(), 0.0);
        self.support.points.kernels(self.gamma, point, kernels);
    }

    /// Σ α K.
    pub(super) fn sum(&self, kernels: &[f64]) -> f64 {
        dot(&self.support.alphas, kernels)
    }

    pub(super) fn gamma(&self) -> f64 {
        self.gamma
    }

    /// What Σ α K is at the edge of the normal.
    pub(super) fn rho(&self) -> f64 {
        self.rho
    }

    /// α and place of the supporting rows.
    pub(super) fn supporting(&self) -> impl Iterator<Item = (f64, usize)> + '_ {
        let taken = self.support.taken();
        taken.map(|(slot, place)| (self.support.alphas[slot], place))
    }

    pub(super) fn point(&self, place: usize) -> impl Iterator<Item = f64> + '_ {
        self.points.row(place)
    }

    /// Puts a row at a place, behind the others or instead of one; `kernels` is what [`Machine::look`] gave. Returns the α of
    /// the one that left.
    pub(super) fn replace(&mut self, place: usize, point: &[f64], kernels: &[f64]) -> f64 {
        let mut left = 0.0;
        if place < self.len() {
            let slot = self.support.slots[place];
            if slot != NOBODY {
                left = self.alphas[place];
                self.settled = None;
                self.add([(slot as usize, -left)]);
                self.support.release(slot as usize);
            }
        } else {
            self.alphas.push(0.0);
            self.gradient.push(0.0);
            self.ceiling.push(0.0);
        }
        self.points.put(place, point.iter().copied());
        let column = self.support.kernels.iter_mut().skip(place);
        for (kernel, new) in column.step_by(self.support.stride).zip(kernels) {
            *kernel = *new;
        }
        self.gradient[place] = self.sum(kernels);
        self.alphas[place] = 0.0;
        self.ceiling[place] = 0.0;
        left
    }

    /// Adds the kernels of some slots, so often each, to the gradients.
    fn add<const N: usize>(&mut self, parts: [(usize, f64); N]) {
        let rows = self.gradient.len();
        let (blocks, rest) = self.gradient.as_chunks_mut::<8>();
        let lines = parts.map(|(slot, by)| (self.support.kernels(slot, rows).as_chunks::<8>(), by));
        for (at, gradients) in blocks.iter_mut().enumerate() {
            for ((kernels, _), by) in &lines {
                for (gradient, kernel) in gradients.iter_mut().zip(&kernels[at]) {
                    *gradient += by * kernel;
                }
            }
        }
        for ((_, kernels), by) in &lines {
            for (gradient, kernel) in rest.iter_mut().zip(*kernels) {
                *gradient += by * kernel;
            }
        }
    }

    /// Sets the α of the row of a slot.
    fn set(&mut self, slot: usize, alpha: f64) {
        let place = self.support.places[slot] as usize;
        self.support.alphas[slot] = alpha;
        self.alphas[place] = alpha;
        self.ceiling[place] = if alpha < 1.0 { 0.0 } else { NO_ROOM };
    }

    /// Tells that a row came after which the solution was not sought.
    pub(super) fn unsettle(&mut self) {
        self.settled = None;
    }

    /// Hands out α to the rows that lie farthest out and have room for it.
    pub(super) fn hand_out(&mut self, mut alpha: f64) {
        while alpha > 0.0 {
            self.settled = None;
            let place = smallest(&self.gradient, &self.ceiling);
            let held = self.alphas[place];
            let room = 1.0 - held;
            if room <= 0.0 {
                return;
            }
            let slot = self.take_slot(place);
            let part = alpha.min(room);
            self.add([(slot, part)]);
            self.set(slot, if part == room { 1.0 } else { held + part });
            alpha -= part;
        }
    }

    fn take_slot(&mut self, place: usize) -> usize {
        let rows = self.gradient.len();
        self.support.slot(place, rows, &self.points, self.gamma)
    }

    /// Moves α between pairs of rows until no pair is further from the optimum than `tolerance`, at most `most` times.
    ///
    /// Those that hold some are balanced among themselves; then the one of the others that lies farthest out is taken in, until
    /// none lies further out than they do. `place` is that of the newest row.
    pub(super) fn solve(&mut self, place: usize, tolerance: f64, most: usize) {
        // Nothing but one row is new, and it is inside: it would be found that nothing is to be done.
        let is_inside = |highest: f64| highest - self.gradient[place] <= tolerance;
        if self.settled.is_some_and(is_inside) {
            return;
        }
        let mut left = most;
        self.settled = None;
        loop {
            let steps = self.balance(tolerance, left);
            left -= steps;
            let highest = self
                .supporting()
                .filter(|(alpha, _)| *alpha > 0.0)
                .map(|(_, place)| self.gradient[place])
                .fold(f64::NEG_INFINITY, f64::max);
            let outermost = smallest(&self.gradient, &self.ceiling);
            let violation = highest - (self.gradient[outermost] + self.ceiling[outermost]);
            let is_new = self.support.slots[outermost] == NOBODY;
            if violation <= tolerance {
                self.settled = Some(highest);
            }
            // What is left among those balanced before is rounding.
            if left == 0 || violation.is_nan() || violation <= tolerance || (steps == 0 && !is_new)
            {
                break;
            }
            self.take_slot(outermost);
        }
        self.finish();
    }

    /// Sequential minimal optimisation over the slots, pairs chosen by second order (Fan, Chen, Lin 2005). Returns its steps.
    fn balance(&mut self, tolerance: f64, most: usize) -> usize {
        let Space {
            before,
            gradient,
            ceiling,
            gains,
        } = &mut self.space;
        let support = &mut self.support;
        // Free slots are filled from the first on: the last ones are often empty.
        let taken = support.places.iter().rposition(|place| *place != NOBODY);
        let (slots, stride) = (taken.map_or(0, |last| last + 1), support.len());
        before.clone_from(&support.alphas);
        gradient.clear();
        ceiling.clear();
        for place in &support.places[..slots] {
            let place = *place as usize;
            gradient.push(self.gradient.get(place).copied().unwrap_or(0.0));
            ceiling.push(self.ceiling.get(place).copied().unwrap_or(NO_ROOM));
        }
        gains.resize(slots, 0.0);
        let mut steps = 0;
        while steps < most {
            let up = smallest(gradient, ceiling);
            if slots == 0 || ceiling[up] == NO_ROOM {
                break;
            }
            let lowest = gradient[up];
            let alphas = &mut support.alphas[..slots];
            let near_up = &support.between[up * stride..][..slots];
            let mut highest = f64::NEG_INFINITY;
            let all = gradient.iter().zip(near_up).zip(alphas.iter());
            for (gain, ((gradient, kernel), alpha)) in gains.iter_mut().zip(all) {
                let apart = gradient - lowest;
                let apart = if *alpha > 0.0 { apart } else { 0.0 };
                let curve = 2.0 - 2.0 * kernel;
                let curve = if curve > SAME { curve } else { SAME };
                highest = if apart > highest { apart } else { highest };
                // Precise enough to choose by.
                let apart = if apart > 0.0 { apart as f32 } else { 0.0 };
                *gain = apart * apart / curve as f32;
            }
            if highest <= tolerance {
                break;
            }
            let down = largest(gains);
            let near_down = &support.between[down * stride..][..slots];
            let curve = (2.0 - 2.0 * near_up[down]).max(SAME);
            let (room, held) = (1.0 - alphas[up], alphas[down]);
            let part = ((gradient[down] - lowest) / curve).min(room).min(held);
            for (gradient, (rising, falling)) in
                gradient.iter_mut().zip(near_up.iter().zip(near_down))
            {
                *gradient += part * (rising - falling);
            }
            alphas[up] = if part == room { 1.0 } else { alphas[up] + part };
            alphas[down] = held - part;
            ceiling[up] = if alphas[up] < 1.0 { 0.0 } else { NO_ROOM };
            ceiling[down] = 0.0;
            steps += 1;
        }
        self.apply();
        steps
    }

    /// Takes over what changed in the slots since `space.before`.
    fn apply(&mut self) {
        let mut four = [(0, 0.0); 4];
        let mut count = 0;
        for slot in 0..self.support.len() {
            let alpha = self.support.alphas[slot];
            let change = alpha - self.space.before[slot];
            if change == 0.0 {
                continue;
            }
            self.set(slot, alpha);
            four[count] = (slot, change);
            count += 1;
            if count == four.len() {
                self.add(four);
                count = 0;
            }
        }
        four[..count].iter().for_each(|one| self.add([*one]));
    }

    /// Lets go of slots whose α is 0, and finds ρ: Σ α K of the rows on the edge, which have 0 < α < 1.
    fn finish(&mut self) {
        let (mut on_edge, mut sum, mut outside) = (0, 0.0, f64::NEG_INFINITY);
        for slot in 0..self.support.len() {
            let place = self.support.places[slot];
            if place == NOBODY {
                continue;
            }
            let alpha = self.support.alphas[slot];
            let gradient = self.gradient[place as usize];
            if alpha == 0.0 {
                self.support.release(slot);
            } else if alpha < 1.0 {
                on_edge += 1;
                sum += gradient;
            } else {
                outside = outside.max(gradient);
            }
        }
        self.rho = if on_edge > 0 {
            sum / f64::from(on_edge)
        } else {
            // All have 1 or 0: between the two.
            let rows = self.alphas.iter().zip(&self.gradient);
            let inside = rows
                .filter(|(alpha, _)| **alpha == 0.0)
                .fold(f64::INFINITY, |least, (_, gradient)| least.min(*gradient));
            match (outside.is_finite(), inside.is_finite()) {
                (true, true) => f64::midpoint(outside, inside),
                (true, false) => outside,
                _ => 0.0,
            }
        };
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let (support, space) = (&self.support, &self.space);
        let floats = [
            &self.alphas,
            &self.gradient,
            &self.ceiling,
            &support.alphas,
            &support.kernels,
            &support.between,
            &support.point,
            &space.before,
            &space.gradient,
            &space.ceiling,
        ];
        let floats: usize = floats.iter().map(|part| part.capacity()).sum();
        floats * size_of::<f64>()
            + space.gains.capacity() * size_of::<f32>()
            + (support.places.capacity() + support.slots.capacity()) * size_of::<u32>()
            + self.points.heap_bytes()
            + support.points.heap_bytes()
    }

    pub(super) fn save(&self) -> Solution {
        Solution {
            gamma: self.gamma,
            alphas: self.alphas.clone(),
            gradient: self.gradient.clone(),
            places: self.support.places.clone(),
            rho: self.rho,
        }
    }

    /// Takes up what was saved of a machine of these rows, Σα being `total`; `None` where it does not fit them.
    pub(super) fn restore<R: Iterator<Item = f64>>(
        width: usize,
        capacity: usize,
        total: f64,
        rows: impl ExactSizeIterator<Item = R>,
        solution: Solution,
    ) -> Option<Self> {
        let count = rows.len();
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * (1.0 + total);
        let is_sound = solution.gamma > 0.0
            && solution.gamma.is_finite()
            && solution.rho.is_finite()
            && solution.alphas.len() == count
            && solution.gradient.len() == count
            && count <= capacity
            && solution.places.len() <= capacity + SLOTS
            && solution
                .alphas
                .iter()
                .all(|alpha| (0.0..=1.0).contains(alpha))
            && near(solution.alphas.iter().sum(), total);
        if !is_sound {
            return None;
        }
        let mut machine = Self::new(width, capacity);
        machine.alphas = solution.alphas;
        machine.ceiling.resize(count, 0.0);
        machine.support.reserve(solution.places.len());
        for (slot, &place) in solution.places.iter().enumerate() {
            if place == NOBODY {
                continue;
            }
            let alphas = machine.alphas.get(place as usize);
            let alpha = *alphas.filter(|alpha| **alpha > 0.0)?;
            if machine.support.slots[place as usize] != NOBODY {
                return None;
            }
            machine.support.places[slot] = place;
            machine.support.slots[place as usize] = slot as u32;
            machine.set(slot, alpha);
        }
        let supporting = machine.alphas.iter().filter(|alpha| **alpha > 0.0).count();
        if supporting != machine.support.taken().count() {
            return None;
        }
        machine.lay(solution.gamma, rows);
        let gradients = machine.gradient.iter().zip(&solution.gradient);
        if !gradients.into_iter().all(|(a, b)| near(*a, *b)) {
            return None;
        }
        machine.gradient = solution.gradient;
        machine.rho = solution.rho;
        Some(machine)
    }
}
