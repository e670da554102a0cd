//! What an open database tells the tasks of its own process: that a commit left work for them, and how often it was written to.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sqlx::Pool;
use tokio::sync::watch;

use super::{Db, Tx, holding::Holders};

/// Shared by all clones of one handle.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    begun: AtomicU64,
    work: watch::Sender<()>,
    holders: Holders,
}

impl Pulse {
    pub(super) fn begun(&self) {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn holders(&self) -> &Holders {
        &self.0.holders
    }

    pub(super) fn work_was_left(&self) {
        // Nobody may be listening: a process that only shows pages.
        self.0.work.send_replace(());
    }
}

impl Db {
    pub(super) const fn pulse(&self) -> &Pulse {
        match self {
            Self::Sqlite { pulse, .. } | Self::Postgres { pulse, .. } => pulse,
        }
    }

    pub(super) fn count_transaction(&self) -> Pulse {
        self.pulse().begun();
        self.pulse().clone()
    }

    /// How many transactions that may write were begun since it was opened, by all clones of this handle together.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        self.pulse().0.begun.load(Ordering::Relaxed)
    }

    /// Changes with every commit of this process that left work ([`Tx::leaves_work`]). What other processes leave is found by
    /// looking.
    #[must_use]
    pub fn work(&self) -> watch::Receiver<()> {
        self.pulse().0.work.subscribe()
    }
}

/// The connections of one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLook {
    /// `all`, or on SQLite `read` and `write`.
    pub name: &'static str,
    pub open: usize,
    /// Open, and used by nobody.
    pub idle: usize,
    /// How many there may be.
    pub most: usize,
}

impl PoolLook {
    fn at<D: sqlx::Database>(name: &'static str, pool: &Pool<D>) -> Self {
        let most = pool.options().get_max_connections() as usize;
        Self { name, open: pool.size() as usize, idle: pool.num_idle(), most }
    }
}

impl Db {
    /// How many connections there are now, without asking the database.
    #[must_use]
    pub fn pools(&self) -> Vec<PoolLook> {
        match self {
            Self::Sqlite { read, write, .. } => {
                vec![PoolLook::at("read", read), PoolLook::at("write", write)]
            }
            Self::Postgres { pool, .. } => vec![PoolLook::at("all", pool)],
        }
    }
}

impl Tx {
    /// Once this is committed there is something to do: whoever of this process waits for work is woken then.
    pub const fn leaves_work(&mut self) {
        self.leaves_work = true;
    }
}
