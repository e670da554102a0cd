//! How often the tasks of an engine are woken.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counts how often a task of the engine was woken. Whoever is woken has something to do, or the time has come to look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wakes(Arc<AtomicU64>);

impl Wakes {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
