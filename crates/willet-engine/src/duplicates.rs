//! The ids seen lately, to find events that came twice.

use std::collections::VecDeque;

use hashbrown::HashMap;

/// The last ids of a shard, each with the offset where it was first seen.
#[derive(Debug)]
pub(crate) struct Duplicates {
    capacity: usize,
    order: VecDeque<(u64, u64)>,
    first_seen: HashMap<u64, u64, foldhash::fast::FixedState>,
}

impl Duplicates {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            order: VecDeque::new(),
            first_seen: HashMap::default(),
        }
    }

    /// Whether the id was seen at another offset lately; remembers it if not.
    pub(crate) fn is_duplicate(&mut self, id: u64, offset: u64) -> bool {
        if self.capacity == 0 {
            return false;
        }
        if let Some(first) = self.first_seen.get(&id) {
            return *first != offset;
        }
        self.first_seen.insert(id, offset);
        self.order.push_back((id, offset));
        self.shrink();
        false
    }

    /// Holds this many ids from now on.
    pub(crate) fn resize(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.order.len() > self.capacity {
            if let Some((id, _)) = self.order.pop_front() {
                self.first_seen.remove(&id);
            }
        }
    }

    pub(crate) fn save(&self) -> Vec<(u64, u64)> {
        self.order.iter().copied().collect()
    }

    pub(crate) fn restore(capacity: usize, saved: Vec<(u64, u64)>) -> Self {
        let first_seen = saved.iter().copied().collect();
        let mut restored = Self {
            capacity,
            order: saved.into(),
            first_seen,
        };
        restored.shrink();
        restored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_duplicate_until_it_left_the_window() {
        let mut window = Duplicates::new(2);
        assert!(!window.is_duplicate(1, 0));
        assert!(window.is_duplicate(1, 1));
        assert!(!window.is_duplicate(1, 0), "the same record replayed");
        assert!(!window.is_duplicate(2, 2));
        assert!(!window.is_duplicate(3, 3));
        assert!(!window.is_duplicate(1, 4), "it left the window");
        let mut restored = Duplicates::restore(2, window.save());
        assert!(restored.is_duplicate(3, 9) && !restored.is_duplicate(2, 9));
    }
}
