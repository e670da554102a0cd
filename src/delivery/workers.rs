//! Workers: a row with a heartbeat. A worker that stays silent is dead, and its claims are taken back by what is known.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
    time::Duration,
};

use super::{
    ledger, origin,
    store::{notices, workers as store},
};
use crate::{
    db::{Engine, Result, Tx},
    site::Site,
};

/// This worker's row, and on SQLite the lock that says no other process works on the file.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) id: i64,
    /// Held as long as the process lives; the operating system lets go of it even after kill -9.
    _lock: Option<File>,
}

/// What a worker claims after its end it claims soon after it.
const LONG_AGO: Duration = Duration::from_secs(7 * 86_400);

/// Takes the lock beside a SQLite database. While it is held, every other worker of that database is known to be dead.
pub(super) fn lock(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!(
                "another process is working on this database ({} is locked); with SQLite only one may",
                path.display()
            ),
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Worker {
    /// Registers, and takes back what dead workers held.
    pub(super) async fn start(site: &Site, lock: Option<File>, silence: Duration) -> Result<Self> {
        let now = site.db.lease_time(&site.clock).await?;
        let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
        let mut tx = site.db.begin().await?;
        let id = store::add(&mut tx, host.trim(), i64::from(std::process::id()), &origin::address(site), now)
            .await?;
        tx.commit().await?;
        // With the lock in hand, nobody else can be alive, however fresh their last heartbeat is.
        let alone = lock.is_some() && site.db.engine() == Engine::Sqlite;
        let worker = Self { id, _lock: lock };
        worker.take_back_from_silent(site, if alone { Duration::ZERO } else { silence }).await?;
        Ok(worker)
    }

    /// Says that it is alive; `false` once it was declared dead: then it must stop, its claims are not its own any more.
    pub(super) async fn beat(&self, site: &Site) -> Result<bool> {
        let now = site.db.lease_time(&site.clock).await?;
        let mut tx = site.db.begin().await?;
        let alive = store::beat(&mut tx, self.id, now).await?;
        tx.commit().await?;
        Ok(alive)
    }

    /// Whether it may claim: a worker that slept may have been declared dead without having heard of it yet.
    pub(super) async fn may_claim(&self, tx: &mut Tx) -> Result<bool> {
        store::is_alive(tx, self.id).await
    }

    /// Declares dead whoever has been silent for that long, each in a transaction of its own.
    pub(super) async fn take_back_from_silent(&self, site: &Site, silence: Duration) -> Result<()> {
        let now = site.db.lease_time(&site.clock).await?;
        let mut tx = site.db.begin().await?;
        // One microsecond later, so that "silent for no time at all" means everybody.
        let since = now.minus(silence).plus(Duration::from_micros(u64::from(silence.is_zero())));
        for silent in store::silent(&mut tx, since, self.id).await? {
            store::stop(&mut tx, silent, now).await?;
        }
        for dead in store::strays(&mut tx, now.minus(LONG_AGO)).await? {
            let deliveries = ledger::take_back(&mut tx, dead, site.now()).await?;
            let notices = notices::take_back(&mut tx, dead, site.now()).await?;
            tracing::warn!(
                worker = dead,
                deliveries,
                notices,
                "a worker is gone; its claims were taken back"
            );
        }
        tx.commit().await
    }

    /// Stops in good order: what was not begun goes back without counting as an attempt.
    pub(super) async fn stop(&self, site: &Site) -> Result<()> {
        let now = site.db.lease_time(&site.clock).await?;
        let mut tx = site.db.begin().await?;
        if store::stop(&mut tx, self.id, now).await? {
            ledger::release(&mut tx, self.id, site.now()).await?;
            notices::release(&mut tx, self.id).await?;
            // Whatever is still claimed now has its marker set: a connection that did not end in time.
            ledger::take_back(&mut tx, self.id, site.now()).await?;
            notices::take_back(&mut tx, self.id, site.now()).await?;
        }
        tx.commit().await
    }
}
