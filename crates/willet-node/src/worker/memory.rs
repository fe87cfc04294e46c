//! One bound of memory over all shards of a process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes of series that stay in memory, over all shards together.
///
/// A shard may hold what the others leave, and its fair share whatever they hold: who holds more than that gives it back at its next
/// batch, or when it next looks up from waiting.
#[derive(Debug)]
pub struct MemoryBound {
    limit: usize,
    used: AtomicUsize,
    shards: AtomicUsize,
}

impl MemoryBound {
    /// A bound of so many bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: AtomicUsize::new(0),
            shards: AtomicUsize::new(0),
        })
    }

    /// Bytes that all shards together may hold.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// A shard more.
    pub(super) fn join(self: &Arc<Self>) -> MemoryShare {
        self.shards.fetch_add(1, Relaxed);
        MemoryShare {
            bound: Arc::clone(self),
            used: 0,
        }
    }
}

/// What one shard holds under a bound; given back when it is dropped.
#[derive(Debug)]
pub(super) struct MemoryShare {
    bound: Arc<MemoryBound>,
    used: usize,
}

impl MemoryShare {
    /// Says what is held now.
    pub(super) fn note(&mut self, resident: usize) {
        // Only this shard changes its part of the sum, so it is never less than that.
        if resident >= self.used {
            self.bound.used.fetch_add(resident - self.used, Relaxed);
        } else {
            self.bound.used.fetch_sub(self.used - resident, Relaxed);
        }
        self.used = resident;
    }

    /// How much may be held now.
    pub(super) fn allowed(&self) -> usize {
        let others = self.bound.used.load(Relaxed).saturating_sub(self.used);
        let fair = self.bound.limit / self.bound.shards.load(Relaxed).max(1);
        fair.max(self.bound.limit.saturating_sub(others))
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        self.note(0);
        self.bound.shards.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shards_together_stay_under_the_bound_and_each_gets_its_share() {
        let bound = MemoryBound::new(1_000);
        let mut first = bound.join();
        first.note(900);
        assert_eq!(first.allowed(), 1_000, "alone it may have all");
        let mut others: Vec<MemoryShare> = (0..4).map(|_| bound.join()).collect();
        for other in &mut others {
            assert_eq!(other.allowed(), 200, "a fifth, whatever the first holds");
            other.note(other.allowed());
        }
        assert_eq!(first.allowed(), 200);
        first.note(first.allowed());
        assert_eq!(bound.used.load(Relaxed), 1_000);
        others.truncate(1);
        assert_eq!(first.allowed(), 800, "what those that went have left");
        drop(others);
        assert_eq!(first.allowed(), 1_000);
    }
}
