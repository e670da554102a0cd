//! Workers: a row with a heartbeat. A worker that stays silent is dead, and its claims are taken back by what is known.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use super::store::workers::ClockApart;
use super::{claims, store::workers as store};
use crate::{
    clock::{CLOCKS_APART, Clock, Moment, Stopwatch},
    db::{Db, Engine, Result, Tx},
    origin::{self, Claim},
    private,
    site::Site,
    token,
};

/// This worker's row, and on SQLite the lock that says no other process works on the file.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) id: i64,
    /// What the file beside the database calls it.
    pub(super) public_id: String,
    /// The lock says that nobody else works on the database.
    is_alone: bool,
    watch: Mutex<Watch>,
    /// Held as long as the process lives.
    _lock: Option<Lock>,
}

/// Since when this worker has seen the database without a gap. Who was away, or could not reach it, has heard nobody's sign of
/// life and judges nobody by that: silence while the database was away is nobody's death.
#[derive(Debug)]
struct Watch {
    since: Stopwatch,
    last: Stopwatch,
    /// The server's clock as it was known then. What was written before it was set says nothing about who is silent.
    server_began: Option<Moment>,
}

impl Watch {
    fn begin(clock: &Clock) -> Self {
        Self { since: Stopwatch::start(), last: Stopwatch::start(), server_began: clock.server_began() }
    }

    /// It has spoken with the database just now; a gap of half of what others are given, or a step of the server's clock, begins
    /// the watch anew.
    fn sees(&mut self, clock: &Clock, silence: Duration) {
        if self.last.elapsed() > silence / 2 || self.has_stepped(clock, silence) {
            self.since = Stopwatch::start();
        }
        self.last = Stopwatch::start();
        self.server_began = clock.server_began();
    }

    fn has_stepped(&self, clock: &Clock, silence: Duration) -> bool {
        let moved = self.server_began.zip(clock.server_began());
        moved.is_some_and(|(before, now)| before.since(now).max(now.since(before)) > silence / 4)
    }

    /// Whether it has watched for as long as others are given.
    fn is_long_enough(&self, clock: &Clock, silence: Duration) -> bool {
        self.since.elapsed() >= silence && !self.has_stepped(clock, silence)
    }
}

/// The lock beside a SQLite database: while it is held, no other process works on it. The operating system lets go of it even
/// after kill -9. Cheap to clone; the last one to be dropped lets go.
#[derive(Clone, Debug)]
pub struct Lock(#[expect(dead_code, reason = "it is held, not read")] Arc<File>);

/// What a worker claims after its end it claims soon after it.
const LONG_AGO: Duration = Duration::from_secs(7 * 86_400);

/// The address of a living worker that would send under another one than this process.
pub async fn living_under_another_address(site: &Site) -> Result<Option<String>> {
    let now = site.db.lease_time(&site.clock).await?;
    store::living_elsewhere(&site.db, now.minus(SIGN_OF_LIFE), &origin::address(site)).await
}

impl Lock {
    /// Takes it, before the database is so much as looked at: whoever comes second must change nothing.
    ///
    /// # Errors
    /// `ResourceBusy` while another process has it.
    pub fn take(path: &Path) -> io::Result<Self> {
        let file = private::options().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(Arc::new(file))),
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!(
                    "another process is working on this database ({} is locked); with SQLite only one may. Stop it first (systemctl stop broadside); ps shows which it is",
                    path.display()
                ),
            )),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// How long ago the last sign of life of a worker may be, when nothing says how patient the others are.
const SIGN_OF_LIFE: Duration = Duration::from_secs(60);

/// Whether some worker of a shared database is alive, by its own clock.
pub async fn is_anybody_alive(db: &Db) -> Result<bool> {
    let now = db.lease_time(&Clock::System).await?;
    store::is_anybody_alive(db, now.minus(SIGN_OF_LIFE)).await
}

/// The machines whose clocks differ from the database's, as their workers say that are alive; each once.
pub async fn clocks_apart(site: &Site) -> Result<Vec<ClockApart>> {
    let alive = site.now().minus(SIGN_OF_LIFE);
    let least = i64::try_from(CLOCKS_APART.as_micros()).unwrap_or(i64::MAX);
    let mut all = store::clocks_apart(&site.db, alive, least).await?;
    all.dedup_by(|one, other| one.host == other.host);
    Ok(all)
}

/// Takes back what workers held that are gone. With the lock in hand, all of them are.
pub async fn take_back_from_the_dead(site: &Site, lock: Option<&Lock>) -> Result<()> {
    let worker = Worker::start(site, lock, SIGN_OF_LIFE).await?;
    if !worker.is_alone {
        let now = site.db.lease_time(&site.clock).await?;
        worker.take_back_from_silent(site, SIGN_OF_LIFE, now).await?;
    }
    worker.stop(site).await
}

/// What the machine is called; empty where it has no name.
#[must_use]
pub fn host() -> String {
    std::fs::read_to_string("/etc/hostname").unwrap_or_default().trim().to_owned()
}

impl Worker {
    /// Registers, and takes back what dead workers held, if it can know by now that they are.
    pub(super) async fn start(site: &Site, lock: Option<&Lock>, silence: Duration) -> Result<Self> {
        let host = host();
        let mut tx = site.db.begin().await?;
        let now = tx.lease_time(&site.clock).await?;
        let process = (host.as_str(), i64::from(std::process::id()));
        let id = store::add(&mut tx, process, &origin::address(site), now).await?;
        tx.commit().await?;
        // With the lock in hand, nobody else can be alive, however fresh their last heartbeat is.
        let is_alone = lock.is_some() && site.db.engine() == Engine::Sqlite;
        let watch = Mutex::new(Watch::begin(&site.clock));
        let worker = Self { id, public_id: token::public_id(), is_alone, watch, _lock: lock.cloned() };
        // Where others may be alive nobody is judged yet: it has heard none of them, and nor could they be heard while the database
        // was away. Where a test moves the time, nobody was.
        if is_alone {
            worker.take_back_from_silent(site, Duration::ZERO, now).await?;
        } else if site.clock.is_manual() {
            worker.take_back_from_silent(site, silence, now).await?;
        }
        Ok(worker)
    }

    /// Takes back from whoever is silent, once this worker has watched for long enough to know.
    pub(super) async fn look_after_others(&self, site: &Site, silence: Duration) -> Result<()> {
        if !self.watch().is_long_enough(&site.clock, silence) {
            return Ok(());
        }
        let now = site.db.lease_time(&site.clock).await?;
        // This answer, too, may be the first of a server whose clock was set.
        if self.watch().has_stepped(&site.clock, silence) {
            return Ok(());
        }
        self.take_back_from_silent(site, silence, now).await
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often it has to say that it is alive, where a worker silent for that long is dead. With the lock nobody judges it,
    /// but for commands that ask who works on the database.
    pub(super) fn heartbeat_gap(&self, silence: Duration) -> Duration {
        if self.is_alone { SIGN_OF_LIFE / 4 } else { silence / 6 }
    }

    /// Says that it is alive; `false` once it was declared dead: then it must stop, its claims are not its own any more.
    pub(super) async fn beat(&self, site: &Site, silence: Duration) -> Result<bool> {
        let mut tx = site.db.begin().await?;
        // Read once the wait for the one writer is over: a moment from before it would be an old sign of life.
        let now = tx.lease_time(&site.clock).await?;
        let ahead = site.clock.own_is_ahead();
        let alive = store::beat(&mut tx, self.id, now, ahead).await?;
        tx.commit().await?;
        self.watch().sees(&site.clock, silence);
        Ok(alive)
    }

    /// Whether it may claim: a worker that slept may have been declared dead without having heard of it yet.
    pub(super) async fn may_claim(&self, tx: &mut Tx) -> Result<bool> {
        store::is_alive(tx, self.id).await
    }

    /// Counts that it was given something, if it was, for the file beside the database.
    pub(super) async fn count_claim(&self, tx: &mut Tx, claimed: usize) -> Result<Option<Claim>> {
        if claimed == 0 {
            return Ok(None);
        }
        origin::count_claim(tx, &self.public_id, self.id).await.map(Some)
    }

    /// Declares dead whoever has been silent for that long, each in a transaction of its own. A sign of life that is yet to come is
    /// none: it was given before the clock was set back.
    async fn take_back_from_silent(&self, site: &Site, silence: Duration, now: Moment) -> Result<()> {
        // "Silent for no time at all" means everybody.
        let since = if silence.is_zero() { Moment(i64::MAX) } else { now.minus(silence) };
        let heard = (since, now.plus(silence));
        if !store::is_anybody_missing(&site.db, heard, now.minus(LONG_AGO), self.id).await? {
            return Ok(());
        }
        let mut tx = site.db.begin().await?;
        for silent in store::silent(&mut tx, heard, self.id).await? {
            store::stop(&mut tx, silent, now).await?;
        }
        for dead in store::strays(&mut tx, now.minus(LONG_AGO)).await? {
            let (deliveries, notices) = claims::give_back_all(&mut tx, dead, true, site.now()).await?;
            tx.leaves_work();
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
            // What has its marker set is in doubt: a connection that did not end in time.
            claims::give_back_all(&mut tx, self.id, false, site.now()).await?;
        }
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    /// The server's clock jumps, by an hour or back: whoever hears of it first judges nobody by signs of life from before.
    #[test]
    fn a_step_of_the_servers_clock_begins_the_watch_anew() {
        const HOUR: Duration = Duration::from_secs(3_600);
        let silence = Duration::from_secs(30);
        let clock = Clock::of_the_server(Clock::System);
        let at = Clock::System.now();
        clock.heard(at, clock::instant());
        let mut watch = Watch::begin(&clock);
        assert!(watch.is_long_enough(&clock, Duration::ZERO));
        for step in [at.plus(HOUR), at] {
            let since = watch.since.elapsed();
            clock.heard(step, clock::instant());
            assert!(watch.has_stepped(&clock, silence) && !watch.is_long_enough(&clock, Duration::ZERO));
            watch.sees(&clock, silence);
            assert!(watch.since.elapsed() < since, "it watches anew");
            assert!(!watch.has_stepped(&clock, silence));
        }
        let since = watch.since.after(Duration::ZERO);
        clock.heard(at.plus(silence / 5), clock::instant());
        watch.sees(&clock, silence);
        assert_eq!(watch.since.after(Duration::ZERO), since, "it was set by a little");
    }
}
