//! Whoever holds a transaction asks the pool for nothing. Where all of the pool's connections wait for the rows of one transaction, and
//! that one waits for a connection, nobody goes on, and the server sees no circle; on SQLite a second `begin` waits for itself.
//!
//! Builds with debug assertions break off where a task does it, so every test finds it that comes by; others do not look.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::task::{self, Id};

use super::{Db, pulse::Pulse};

/// The tasks that hold a transaction, as often as they do. Whoever is no task, as the body of a test, is not looked at.
#[derive(Debug, Default)]
pub(super) struct Holders {
    tasks: Mutex<Vec<Id>>,
    any_asked: AtomicBool,
}

impl Holders {
    fn all(&self) -> MutexGuard<'_, Vec<Id>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn this_task() -> Option<Id> {
    if cfg!(debug_assertions) { task::try_id() } else { None }
}

/// A connection of the pool is about to be asked for.
pub(super) fn asks(pulse: &Pulse) {
    if let Some(task) = this_task() {
        let holders = pulse.holders();
        let holds = holders.all().contains(&task);
        holders.any_asked.fetch_or(holds, Ordering::Relaxed);
        assert!(
            !holds,
            "a task that holds a transaction asks the pool for another connection: what it reads is read by the transaction, or before"
        );
    }
}

impl Db {
    /// Whether any task asked for another connection while it held a transaction, as far as this build looks: what breaks off may be
    /// caught, for a job goes on with its next turn.
    #[must_use]
    pub fn was_asked_while_held(&self) -> bool {
        self.pulse().holders().any_asked.load(Ordering::Relaxed)
    }
}

/// A transaction is held, until this goes away.
#[derive(Debug)]
pub(super) struct Holds {
    pulse: Pulse,
    task: Option<Id>,
}

impl Holds {
    pub(super) fn begin(pulse: &Pulse) -> Self {
        let task = this_task();
        pulse.holders().all().extend(task);
        Self { pulse: pulse.clone(), task }
    }
}

impl Drop for Holds {
    fn drop(&mut self) {
        let Some(task) = self.task else { return };
        let mut all = self.pulse.holders().all();
        if let Some(at) = all.iter().position(|one| *one == task) {
            all.swap_remove(at);
        }
    }
}
