//! How many bytes may be on their way between the doors and the shards.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A bound on bytes. What is admitted holds a part of it until its shard has taken it, so no queue behind it can overflow.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: Mutex<Used>,
    /// For threads.
    freed: Condvar,
    /// For tasks.
    woken: tokio::sync::Notify,
}

#[derive(Debug, Default)]
struct Used {
    bytes: usize,
    count: usize,
}

/// Most requests on their way at once: the channels behind have room for these and some more.
pub(crate) const MAX_REQUESTS: usize = 4_096;

/// A part of a [`Budget`], given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: Mutex::default(),
            freed: Condvar::new(),
            woken: tokio::sync::Notify::new(),
        })
    }

    /// Bytes reserved now.
    pub fn used(&self) -> usize {
        self.used_now().bytes
    }

    /// Bytes at most.
    pub fn limit(&self) -> usize {
        self.limit
    }

    fn used_now(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fits(&self, used: &Used, bytes: usize) -> bool {
        // One request larger than the whole budget passes alone rather than never.
        used.count == 0 || (used.bytes + bytes <= self.limit && used.count < MAX_REQUESTS)
    }

    fn take(self: &Arc<Self>, used: &mut Used, bytes: usize) -> Reservation {
        used.bytes += bytes;
        used.count += 1;
        Reservation {
            budget: Arc::clone(self),
            bytes,
        }
    }

    /// Reserves at once or not at all.
    pub fn try_reserve(self: &Arc<Self>, bytes: usize) -> Option<Reservation> {
        let mut used = self.used_now();
        self.fits(&used, bytes).then(|| self.take(&mut used, bytes))
    }

    /// Reserves, waiting for space no longer than `patience`.
    pub async fn reserve(
        self: &Arc<Self>,
        bytes: usize,
        patience: Duration,
    ) -> Option<Reservation> {
        let waiting = async {
            loop {
                let woken = self.woken.notified();
                if let Some(reservation) = self.try_reserve(bytes) {
                    return reservation;
                }
                woken.await;
            }
        };
        tokio::time::timeout(patience, waiting).await.ok()
    }

    /// Reserves, holding the calling thread up to `patience`.
    pub fn reserve_blocking(
        self: &Arc<Self>,
        bytes: usize,
        patience: Duration,
    ) -> Option<Reservation> {
        let used = self.used_now();
        let (mut used, timeout) = self
            .freed
            .wait_timeout_while(used, patience, |used| !self.fits(used, bytes))
            .unwrap_or_else(PoisonError::into_inner);
        (!timeout.timed_out() || self.fits(&used, bytes)).then(|| self.take(&mut used, bytes))
    }
}

impl Reservation {
    /// Takes over what another one holds of the same budget.
    pub fn absorb(&mut self, mut other: Self) {
        debug_assert!(Arc::ptr_eq(&self.budget, &other.budget));
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut used = self.budget.used_now();
        used.bytes -= self.bytes;
        used.count -= 1;
        drop(used);
        self.budget.freed.notify_all();
        self.budget.woken.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_is_bounded_and_comes_back() {
        let budget = Budget::new(100);
        let first = budget.try_reserve(60).expect("there is room");
        assert!(budget.try_reserve(60).is_none());
        let second = budget.try_reserve(40).expect("it fits exactly");
        drop(first);
        assert_eq!(budget.used(), 40);
        drop(second);
        assert!(budget.try_reserve(1_000).is_some(), "alone anything passes");
    }

    #[test]
    fn a_waiting_thread_gets_what_another_gives_back() {
        let budget = Budget::new(10);
        let held = budget.try_reserve(10).expect("there is room");
        assert!(
            budget
                .reserve_blocking(5, Duration::from_millis(1))
                .is_none()
        );
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| budget.reserve_blocking(5, Duration::from_secs(60)));
            drop(held);
            assert!(waiting.join().expect("no panic").is_some());
        });
    }
}
