//! Forks, and long calls that can be interrupted.
//!
//! A child of `fork` has one thread and a copy of the memory: a lock that another thread held then is held in the child for ever. So
//! whoever computes is inside a gate, and a fork waits until nobody is. The gate is one number, for a lock of its own would have the
//! same fault.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::sync::MutexExt;

/// Threads inside; [`FORKING`] is set while nobody may enter.
static GATE: AtomicUsize = AtomicUsize::new(0);
const FORKING: usize = 1 << (usize::BITS - 1);
/// How long a thread sleeps before it looks at the gate again.
const WAIT: Duration = Duration::from_micros(200);
/// How long is computed between two looks at signals and forks: a tenth of what a person takes for at once.
const SLICE: Duration = Duration::from_millis(20);
/// Rows of the first slice.
const FIRST: usize = 64;

/// A thread inside the gate.
#[derive(Debug)]
struct Inside(());

impl Drop for Inside {
    fn drop(&mut self) {
        GATE.fetch_sub(1, Ordering::Release);
    }
}

fn try_enter() -> Option<Inside> {
    let enter = |inside: usize| (inside & FORKING == 0).then_some(inside + 1);
    let entered = GATE.fetch_update(Ordering::Acquire, Ordering::Relaxed, enter);
    // Not `then_some`: what is made and dropped there would leave.
    entered.is_ok().then(|| Inside(()))
}

/// Enters the gate, without the interpreter's lock.
fn enter() -> Inside {
    loop {
        if let Some(inside) = try_enter() {
            return inside;
        }
        std::thread::sleep(WAIT);
    }
}

/// What a lock guards, held inside the gate.
#[derive(Debug)]
pub(crate) struct Held<'a, T> {
    inner: MutexGuard<'a, T>,
    // Left after the lock is open: fields are dropped in this order.
    _inside: Inside,
}

impl<'a, T> Held<'a, T> {
    /// With the interpreter's lock, which is let go of while another thread or a fork is waited for.
    pub(crate) fn attached(lock: &'a Mutex<T>, py: Python<'_>) -> Self {
        let inside = try_enter().unwrap_or_else(|| py.detach(enter));
        Self {
            inner: lock
                .lock_py_attached(py)
                .unwrap_or_else(PoisonError::into_inner),
            _inside: inside,
        }
    }

    /// Without the interpreter's lock.
    pub(crate) fn detached(lock: &'a Mutex<T>) -> Self {
        let inside = enter();
        Self {
            inner: lock.lock().unwrap_or_else(PoisonError::into_inner),
            _inside: inside,
        }
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

/// Whether somebody waits for all to leave.
pub(crate) fn is_wanted() -> bool {
    GATE.load(Ordering::Relaxed) & FORKING != 0
}

/// Called before a fork: waits until nobody computes.
#[pyfunction]
pub(crate) fn before_fork(py: Python<'_>) {
    GATE.fetch_or(FORKING, Ordering::AcqRel);
    py.detach(|| {
        while GATE.load(Ordering::Acquire) != FORKING {
            std::thread::sleep(WAIT);
        }
    });
}

/// Called after a fork, in the parent and in the child.
#[pyfunction]
pub(crate) fn after_fork() {
    GATE.store(0, Ordering::Release);
}

/// Cuts rows into slices that take about [`SLICE`] each.
#[derive(Debug)]
pub(crate) struct Slices {
    rows: usize,
    at: usize,
    size: usize,
    began: Instant,
    looked: Instant,
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a slice takes decides only when signals are looked at"
)]
fn now() -> Instant {
    Instant::now()
}

impl Slices {
    pub(crate) fn new(rows: usize) -> Self {
        let began = now();
        Self {
            rows,
            at: 0,
            size: FIRST,
            began,
            looked: began,
        }
    }

    /// The next rows; `None` when all are done.
    pub(crate) fn next(&mut self) -> Option<std::ops::Range<usize>> {
        let now = now();
        if self.at > 0 {
            let spent = now - self.began;
            if spent < SLICE / 2 {
                self.size *= 2;
            } else if spent > SLICE {
                self.size = (self.size / 2).max(1);
            }
        }
        self.began = now;
        let from = self.at;
        self.at = (from + self.size).min(self.rows);
        (from < self.rows).then_some(from..self.at)
    }

    /// Whether it is time to look at signals.
    pub(crate) fn is_time(&mut self) -> bool {
        let now = now();
        let is_time = now - self.looked >= SLICE;
        if is_time {
            self.looked = now;
        }
        is_time
    }
}

/// Lets Python's handlers of signals run: of Ctrl-C that raises `KeyboardInterrupt`.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method itself is of one lifetime"
)]
pub(crate) fn signals() -> PyResult<()> {
    Python::attach(|py| py.check_signals())
}
