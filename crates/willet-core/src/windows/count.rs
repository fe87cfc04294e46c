//! Count windows: the last rows of a series, sliding or tumbling.

use serde::{Deserialize, Serialize};

use crate::rows::{Expected, Rows};

/// How a window moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Slide {
    /// Row by row: the oldest leaves when a new one comes.
    ByRow,
    /// Whole windows: it is emptied when it was full.
    Tumbling,
}

/// The last `capacity` rows, in one buffer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountWindow {
    slide: Slide,
    capacity: usize,
    width: usize,
    values: Vec<f64>,
    /// Where the next row goes once the window is full and slides by row.
    next: usize,
}

impl CountWindow {
    /// An empty window.
    pub fn new(slide: Slide, capacity: usize, width: usize) -> Self {
        debug_assert!(capacity > 0 && width > 0);
        Self {
            slide,
            capacity,
            width,
            values: Vec::new(),
            next: 0,
        }
    }

    /// Takes in a row; a full tumbling window starts anew with it.
    pub fn push(&mut self, row: &[f64]) {
        debug_assert_eq!(row.len(), self.width);
        if self.len() < self.capacity {
            self.values.extend_from_slice(row);
            return;
        }
        match self.slide {
            Slide::ByRow => {
                let at = self.next * self.width;
                self.values[at..at + self.width].copy_from_slice(row);
                self.next = (self.next + 1) % self.capacity;
            }
            Slide::Tumbling => {
                self.values.clear();
                self.values.extend_from_slice(row);
            }
        }
    }

    /// The row that leaves when the next one comes; `None` while there is room.
    pub fn leaving(&self) -> Option<&[f64]> {
        (self.slide == Slide::ByRow && self.is_full()).then(|| self.row(self.next))
    }

    /// Sets how many rows a tumbling window holds from now on; takes effect when it is full.
    pub fn resize(&mut self, capacity: usize) {
        debug_assert!(self.slide == Slide::Tumbling && capacity > 0);
        self.capacity = capacity;
    }

    /// Makes room for more rows and keeps those that are there.
    pub(crate) fn grow(&mut self, capacity: usize) {
        if capacity <= self.capacity {
            return;
        }
        if self.slide == Slide::ByRow {
            // The oldest row first, as in a window that has not slid yet.
            self.values.rotate_left(self.next * self.width);
            self.next = 0;
            self.capacity = capacity;
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Whether nothing came yet.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether it holds as many rows as it can.
    pub fn is_full(&self) -> bool {
        self.len() >= self.capacity
    }

    /// Rows it holds when full.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Row `index`, in no order that means anything once the window has slid.
    pub fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.width..(index + 1) * self.width]
    }

    /// All rows, in the same order as [`CountWindow::row`].
    pub fn rows(&self) -> Rows<'_> {
        Rows::new(&self.values, self.width).expect("the buffer holds whole rows")
    }

    /// What is normal of each feature: median, 1 % and 99 % quantiles; empty while the window is.
    pub fn expected(&self) -> Vec<Expected> {
        let mut values = Vec::with_capacity(self.len());
        let feature = |feature| {
            values.clear();
            values.extend(self.rows().iter().map(|row| row[feature]));
            Expected::of(&mut values)
        };
        (0..self.width).map_while(feature).collect()
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<f64>()
    }

    /// Whether the parts belong together; state that came from outside is checked with this.
    pub(crate) fn is_sound(&self, slide: Slide, capacity: usize, width: usize) -> bool {
        self.slide == slide
            && self.width == width
            && self.capacity > 0
            && self.capacity <= capacity
            && self.values.len().is_multiple_of(width)
            && self.len() <= self.capacity
            && (self.next == 0 || self.next < self.len())
            && self.values.iter().all(|x| x.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sliding_keeps_the_last_rows_and_tumbling_starts_anew() {
        let held = |slide, pushed: u32| {
            let mut window = CountWindow::new(slide, 3, 2);
            (0..pushed).for_each(|i| window.push(&[f64::from(i), f64::from(i) * 10.0]));
            let mut held: Vec<f64> = window.rows().iter().map(|row| row[0]).collect();
            held.sort_by(f64::total_cmp);
            held
        };
        assert_eq!(held(Slide::ByRow, 2), [0.0, 1.0]);
        assert_eq!(held(Slide::ByRow, 7), [4.0, 5.0, 6.0]);
        assert_eq!(held(Slide::Tumbling, 6), [3.0, 4.0, 5.0]);
        assert_eq!(held(Slide::Tumbling, 7), [6.0]);
    }
}
