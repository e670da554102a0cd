//! Whoever holds a transaction asks the pool for nothing. Where all of the pool's connections wait for the rows of one transaction, and
//! that one waits for a connection, nobody goes on, and the server sees no circle; on SQLite a second `begin` waits for itself.
//!
//! Builds with debug assertions break off where a task does it, so every test finds it that comes by; others do not look.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::task::{self, Id};

use super::Db;

tokio::task_local! {
    /// Which of those that one task does beside each other it is.
    static STRAND: u64;
}

/// Does work of which one task does several beside each other: each goes on while another waits for a connection.
pub async fn apart<F: Future>(work: F) -> F::Output {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    STRAND.scope(NEXT.fetch_add(1, Ordering::Relaxed), work).await
}

/// Who holds a transaction: a task, or what it does apart.
type Who = (Id, u64);

/// Who holds a transaction, as often as they do. Whoever is no task, as the body of a test, is not looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Holders(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    all: Mutex<Vec<Who>>,
    any_asked: AtomicBool,
}

impl Holders {
    fn all(&self) -> MutexGuard<'_, Vec<Who>> {
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn this_one() -> Option<Who> {
    if !cfg!(debug_assertions) {
        return None;
    }
    Some((task::try_id()?, STRAND.try_with(|strand| *strand).unwrap_or_default()))
}

/// A connection of the pool is about to be asked for.
pub(super) fn asks(holders: &Holders) {
    if let Some(who) = this_one() {
        let holds = holders.all().contains(&who);
        holders.0.any_asked.fetch_or(holds, Ordering::Relaxed);
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
        self.pulse().holders().0.any_asked.load(Ordering::Relaxed)
    }
}

/// A transaction is held, until this goes away.
#[derive(Debug)]
pub(super) struct Holds {
    holders: Holders,
    who: Option<Who>,
}

impl Holds {
    pub(super) fn begin(holders: &Holders) -> Self {
        let who = this_one();
        holders.all().extend(who);
        Self { holders: holders.clone(), who }
    }
}

impl Drop for Holds {
    fn drop(&mut self) {
        let Some(who) = self.who else { return };
        let mut all = self.holders.all();
        if let Some(at) = all.iter().position(|one| *one == who) {
            all.swap_remove(at);
        }
    }
}
