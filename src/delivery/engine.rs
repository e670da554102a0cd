//! The engine: a feeder that claims, senders that send, a writer that records.
//!
//! The commit rule: a connection writes the body of a message only after the commit that holds the result of its last
//! message and the marker of this one. So a crash leaves at most one message a connection whose outcome is not known.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::{
    editions::UnknownPolicy,
    ledger,
    pace::{self, PaceRules},
    position::Positions,
    queue::{ForLater, InFlight, Queue},
    relays::{RelayOptions, Relays},
    sender::Sender,
    shared::{Refusals, Shared, Variants, Wakes},
    store::{
        domains, editions, notices,
        origin::{self as origins, Claim},
        pace as paces,
    },
    workers::{Lock, Worker},
    writer::Writer,
};
use crate::{
    clock,
    db::{Gate, Result},
    mail::Templates,
    site::Site,
};

/// How an engine works.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Where mail goes out: one or several.
    pub relays: Vec<RelayOptions>,
    /// How many deliveries are claimed at a time.
    pub batch: i64,
    /// A worker silent for this long is dead.
    pub silence: Duration,
    /// How long a shutdown waits for messages on their way.
    pub drain: Duration,
    /// How strictly recipient domains that ask for patience are slowed.
    pub pace: PaceRules,
    /// What says that no other process works on a SQLite database; none for PostgreSQL.
    pub lock: Option<Lock>,
    /// What says how far the database has come; none for databases that nobody restores.
    pub positions: Option<Arc<Positions>>,
}

impl EngineOptions {
    /// The usual numbers.
    #[must_use]
    pub fn new(relays: Vec<RelayOptions>) -> Self {
        Self {
            relays,
            batch: 1000,
            silence: Duration::from_secs(30),
            drain: Duration::from_secs(30),
            pace: PaceRules::default(),
            lock: None,
            positions: None,
        }
    }
}

/// Why an engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A running engine. It stops in good order when it is dropped, too; [`Engine::stop`] waits for that.
#[derive(Debug)]
pub struct Engine {
    stop: watch::Sender<bool>,
    wakes: Wakes,
    main: JoinHandle<()>,
}

/// The main task: it feeds the connections, and speaks with the other workers.
struct Main {
    shared: Arc<Shared>,
    worker: Worker,
    options: EngineOptions,
    in_flight: Arc<InFlight>,
    /// Ends by itself once nothing is due.
    until_idle: bool,
}

/// How often an idle engine looks for work that nobody of its process tells it of: another process's, and what the clock brings.
const LOOK: Duration = Duration::from_secs(1);
/// How often workers tell one another about slowed domains.
const SHARE: Duration = Duration::from_secs(1);
/// Notices claimed at a time: few, so that several workers share a burst.
const NOTICES: i64 = 100;

impl Engine {
    /// Starts: registers a worker, takes back what dead ones held, and sends whatever is due until it is stopped.
    ///
    /// # Errors
    /// [`EngineError`]: nothing was started.
    pub async fn start(
        site: Site,
        templates: Templates,
        options: EngineOptions,
    ) -> std::result::Result<Self, EngineError> {
        Self::spawn(site, templates, options, false).await
    }

    /// Sends everything that is due now, and returns when nothing is left to do before the clock moves on.
    ///
    /// # Errors
    /// [`EngineError`]: nothing was started.
    pub async fn run_until_idle(
        site: Site,
        templates: Templates,
        options: EngineOptions,
    ) -> std::result::Result<(), EngineError> {
        let mut engine = Self::spawn(site, templates, options, true).await?;
        // A panic of the task was printed where it happened; the rows of its worker are taken back by the next one.
        engine.ended().await;
        Ok(())
    }

    async fn spawn(
        site: Site,
        templates: Templates,
        options: EngineOptions,
        until_idle: bool,
    ) -> std::result::Result<Self, EngineError> {
        let worker = Worker::start(&site, options.lock.as_ref(), options.silence).await?;
        let (stop, stopped) = watch::channel(false);
        let low_mark = usize::try_from(options.batch / 2).unwrap_or(0);
        let wakes = Wakes::default();
        let shared = Arc::new(Shared {
            queue: Queue::new(low_mark, options.pace, wakes.clone()),
            relays: Relays::new(&options.relays, wakes.clone()),
            wakes: wakes.clone(),
            site,
            templates,
            worker: worker.id,
            variants: Variants::default(),
            refusals: Refusals::default(),
        });
        let main = Main { shared, worker, options, in_flight: Arc::default(), until_idle };
        Ok(Self { stop, wakes, main: tokio::spawn(main.run(stopped)) })
    }

    /// How often its tasks were woken since the start: next to never while there is nothing to do.
    #[must_use]
    pub fn wakes(&self) -> u64 {
        self.wakes.total()
    }

    /// Ends in good order: messages on their way finish within the drain time, claims that were not begun go back.
    pub async fn stop(self) {
        // The main task may have ended by itself; then there is nothing left to stop.
        let _ = self.stop.send(true);
        let _ = self.main.await;
    }

    /// Waits until the engine ends by itself, which it does only when it was declared dead.
    pub async fn ended(&mut self) {
        let _ = (&mut self.main).await;
    }
}

impl Main {
    async fn run(self, mut stop: watch::Receiver<bool>) {
        // What the workers before learned counts from the first copy on.
        if let Err(error) = self.share_paces_once().await {
            tracing::error!(%error, "the paces of domains are not known yet");
        }
        let (writer, writing) =
            Writer::start(self.shared.site.clone(), self.worker.id, self.in_flight.clone());
        let mut connections = JoinSet::new();
        for (index, relay) in self.options.relays.iter().enumerate() {
            for _ in 0..relay.connections {
                connections.spawn(Sender::new(self.shared.clone(), writer.clone(), index).run());
            }
        }
        drop(writer);
        tokio::select! {
            () = self.feed() => {}
            () = self.share_paces() => {}
            () = self.beat() => tracing::error!("this worker was declared dead; it stops, and its claims belong to others"),
            _ = stop.wait_for(|stopped| *stopped) => {}
        }
        self.shared.queue.close();
        let drained = timeout(self.options.drain, async { while connections.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!("messages on their way did not end in time; their outcome is not known");
            connections.shutdown().await;
        }
        // All connections are gone, and with them the writer's senders: it commits what waits, and ends.
        if let Err(error) = writing.await {
            tracing::error!(%error, "the writer ended badly");
        }
        if let Err(error) = self.share_paces_once().await {
            tracing::error!(%error, "what was learned of domains at the end could not be shared");
        }
        if let Err(error) = self.shared.relays.give_back(&self.shared.site).await {
            tracing::error!(%error, "what was reserved of the relays' limits could not be given back");
        }
        if let Err(error) = self.worker.stop(&self.shared.site).await {
            tracing::error!(%error, "the worker could not sign off; its claims are taken back when it is found silent");
        }
    }

    /// Returns once the worker was declared dead.
    async fn beat(&self) {
        let every = self.worker.heartbeat_gap(self.options.silence);
        loop {
            tokio::time::sleep(every).await;
            self.shared.wakes.count();
            match self.worker.beat(&self.shared.site).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::error!(%error, "the heartbeat could not be written"),
            }
            if let Err(error) =
                self.worker.take_back_from_silent(&self.shared.site, self.options.silence).await
            {
                tracing::error!(%error, "silent workers could not be looked for");
            }
        }
    }

    /// Tells the other workers what was learned of domains, and learns what they know; never returns.
    async fn share_paces(&self) {
        loop {
            if let Err(error) = self.share_paces_once().await {
                tracing::error!(%error, "the paces of domains could not be shared");
            }
            tokio::time::sleep(SHARE).await;
            self.shared.wakes.count();
        }
    }

    async fn share_paces_once(&self) -> Result<()> {
        let (db, known) = (&self.shared.site.db, &self.shared.queue.pace);
        let untold = known.untold();
        if !untold.is_empty() {
            known.group(domains::providers(db, &untold).await?);
        }
        let news = known.news();
        if !news.is_empty() {
            let now = self.shared.site.now();
            let mut tx = db.begin().await?;
            paces::tell(&mut tx, &news, now).await?;
            paces::forget(&mut tx, now.minus(pace::FORGET)).await?;
            tx.commit().await?;
        }
        let slowed = pace::slowed(&self.shared.site).await?;
        let workers = if slowed.is_empty() { 1 } else { paces::workers(db).await? };
        let names = known.not_asked(slowed.iter().map(|one| one.domain_key.as_str()));
        if !names.is_empty() {
            known.group(domains::members(db, &names).await?);
            known.asked(&names);
        }
        let gaps: Vec<_> = slowed
            .into_iter()
            .map(|one| (one.domain_key, Duration::from_micros(u64::try_from(one.gap_us).unwrap_or(0))))
            .collect();
        known.learn(&gaps, u32::try_from(workers).unwrap_or(1), clock::instant());
        Ok(())
    }

    /// Hands back what has to wait, because its domain is slowed or the database failed: those attempts do not count.
    async fn hand_back(&self) -> Result<()> {
        let for_later = self.shared.queue.for_later();
        if for_later.is_empty() {
            return Ok(());
        }
        let handed_back = self.defer(&for_later).await;
        match &handed_back {
            Ok(()) => self.in_flight.done(for_later.len()),
            Err(_) => self.shared.queue.keep(for_later),
        }
        handed_back
    }

    async fn defer(&self, ForLater { claims, notices }: &ForLater) -> Result<()> {
        let now = self.shared.site.now();
        let until: Vec<_> = claims.iter().map(|(claim, wait)| (claim.key(), now.plus(*wait))).collect();
        let mut tx = self.shared.site.db.begin_inside(Gate::Copies).await?;
        ledger::defer(&mut tx, self.worker.id, &until).await?;
        notices::hand_back(&mut tx, self.worker.id, notices).await?;
        tx.commit().await
    }

    /// Claims what is due; returns, when it may, once nothing is.
    async fn feed(&self) {
        let mut work = self.shared.site.db.work();
        loop {
            // Asked before looking: only then has the look seen every result, and ended the editions that are over.
            let all_recorded = self.in_flight.is_zero();
            let fed = match self.feed_once().await {
                Ok(fed) => fed,
                Err(error) => {
                    tracing::error!(%error, "nothing could be claimed; trying again");
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
            };
            if fed > 0 {
                continue;
            }
            if self.until_idle && all_recorded {
                return;
            }
            tokio::select! {
                () = self.shared.queue.low() => {}
                () = self.in_flight.ended() => {}
                // The handle on the database outlives the engine, so this does not end.
                _ = work.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            self.shared.wakes.count();
        }
    }

    /// Writes down how far the database has come, once it has and before anything leaves.
    async fn note(&self, committed: Result<()>, claim: Option<Claim>) -> Result<()> {
        committed?;
        match (&self.options.positions, claim) {
            (Some(positions), Some(claim)) => {
                positions.claimed(&self.shared.site.db, &self.worker.public_id, &claim).await
            }
            _ => Ok(()),
        }
    }

    /// Looks before it opens a transaction: nearly always nothing is due.
    async fn feed_once(&self) -> Result<usize> {
        self.hand_back().await?;
        let now = self.shared.site.now();
        let db = &self.shared.site.db;
        let mut fed = 0;
        if self.shared.queue.wants_notices() && notices::is_due(db, self.worker.id, now).await? {
            let mut tx = self.shared.site.db.begin().await?;
            if !self.worker.may_claim(&mut tx).await? {
                return Ok(0);
            }
            let claimed = notices::claim(&mut tx, self.worker.id, NOTICES, now).await?;
            let count = self.worker.count_claim(&mut tx, claimed.len()).await?;
            self.in_flight.add(claimed.len());
            if let Err(error) = self.note(tx.commit().await, count).await {
                // Nobody knows whether these are ours now. They go back before anything is claimed again.
                claimed.iter().for_each(|notice| self.shared.queue.put_off_notice(notice));
                return Err(error);
            }
            fed += claimed.len();
            self.shared.queue.push_notices(claimed);
        }
        for sending in editions::sending(db).await? {
            let is_due = sending.is_due(now) && !origins::is_elsewhere(db, self.worker.id).await?;
            if !is_due && !sending.seems_over() {
                continue;
            }
            if !self.shared.queue.wants_deliveries() {
                break;
            }
            let (edition, policy) = (sending.id, UnknownPolicy::stored(&sending.unknown_policy));
            let mut tx = self.shared.site.db.begin().await?;
            if !self.worker.may_claim(&mut tx).await? {
                break;
            }
            let mut claimed =
                ledger::claim(&mut tx, self.worker.id, edition, self.options.batch, now).await?;
            claimed.iter_mut().for_each(|claim| claim.hold = policy == UnknownPolicy::Hold);
            let finished = claimed.is_empty() && editions::finish(&mut tx, edition, now).await?;
            let count = self.worker.count_claim(&mut tx, claimed.len()).await?;
            self.in_flight.add(claimed.len());
            if let Err(error) = self.note(tx.commit().await, count).await {
                claimed.into_iter().for_each(|claim| self.shared.queue.put_off(claim, Duration::ZERO));
                return Err(error);
            }
            if finished {
                self.shared.variants.forget();
                tracing::info!(edition, "the edition is finished");
            }
            fed += claimed.len();
            self.shared.queue.push_deliveries(claimed);
        }
        Ok(fed)
    }
}
