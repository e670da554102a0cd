//! The engine: a feeder that claims, senders that send, a writer that records.
//!
//! The commit rule: a connection writes the body of a message only after the commit that holds the result of its last
//! message and the marker of this one. So a crash leaves at most one message a connection whose outcome is not known.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::{JoinError, JoinHandle, JoinSet},
    time::timeout,
};

use super::{
    breaker::{self, RefusalRules},
    claims::{self, Back, ItemKey},
    lane::{News, Slowness},
    ledger::{self, Claimed, Wish},
    pace::{self, PaceRules},
    patience,
    queue::{InFlight, Queue},
    sender::{DATABASE_PAUSE, Sender},
    shared::{Shared, Variants},
    store::{
        domains,
        ledger::Claim as CopyClaim,
        notices::{self, ClaimedNotice},
        pace as paces,
        progress::{self, Sending},
    },
    vitals::Vitals,
    workers::{Lock, Worker},
    writer::Writer,
};
use crate::{
    clock::{self, Moment, Stopwatch},
    db::{Result, Tx, apart},
    editions::UnknownPolicy,
    email_address::for_the_log,
    heavy::{Broke, caught},
    mail::Templates,
    meters::Meters,
    origin::{self, Claim, Positions},
    relays::{RelayOptions, Relays, Wakes},
    site::Site,
    tasks::{Breaks, Gap, Task, keep},
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
    /// When an edition stops by itself because it is refused.
    pub refusals: RefusalRules,
    /// What says that no other process works on a SQLite database; none for PostgreSQL.
    pub lock: Option<Lock>,
    /// What says how far the database has come; none for databases that nobody restores.
    pub positions: Option<Arc<Positions>>,
    /// Where it is noted that one of its tasks broke off.
    pub breaks: Breaks,
    /// Where it is counted what became of messages.
    pub meters: Meters,
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
            refusals: RefusalRules::default(),
            lock: None,
            positions: None,
            breaks: Breaks::default(),
            meters: Meters::default(),
        }
    }
}

/// Why an engine could not start, or did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// It ended by itself.
    #[error(transparent)]
    Ended(#[from] Ended),
}

/// Why an engine ended by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// Its claims belong to others.
    #[error("another worker declared this one dead")]
    DeclaredDead,
    /// What became of messages cannot be written down any more; with what it said.
    #[error("what became of messages can no longer be written down: {0}")]
    WriterBroke(String),
    /// The task that keeps all others broke off.
    #[error("it broke off where nobody foresaw it: {0}")]
    Broke(String),
}

/// A running engine. It stops in good order when it is dropped, too; [`Engine::stop`] waits for that.
#[derive(Debug)]
pub struct Engine {
    stop: watch::Sender<bool>,
    wakes: Wakes,
    vitals: Vitals,
    main: JoinHandle<std::result::Result<(), Ended>>,
}

/// The main task: it feeds the connections, and speaks with the other workers.
struct Main {
    shared: Arc<Shared>,
    worker: Worker,
    options: EngineOptions,
    in_flight: Arc<InFlight>,
    vitals: Vitals,
    /// Ends by itself once nothing is due.
    until_idle: bool,
}

/// How often an idle engine looks for work that nobody of its process tells it of: another process's, and what the clock brings.
const LOOK: Duration = Duration::from_secs(1);
/// However soon something is due, it is not looked for more often.
const SHORTEST_LOOK: Duration = Duration::from_millis(20);
/// How often workers tell one another about slowed domains.
const SHARE: Duration = Duration::from_secs(1);
/// Notices claimed at a time: few, so that several workers share a burst.
const NOTICES: i64 = 100;

/// What a look came to.
#[derive(Clone, Copy, Debug, Default)]
struct Fed {
    /// How much was found.
    count: usize,
    /// When a copy is due that waits for its domain, and may go then.
    again: Option<Moment>,
}

impl Fed {
    fn and(&mut self, other: Self) {
        self.count += other.count;
        self.again = self.again.into_iter().chain(other.again).min();
    }

    /// How long it is until the next look.
    fn rest(self, now: Moment) -> Duration {
        self.again.map_or(LOOK, |again| again.since(now).clamp(SHORTEST_LOOK, LOOK))
    }
}

/// The lanes in which copies of an edition wait.
#[derive(Debug, Default)]
struct Lanes {
    /// Those in which some are due, each with how many of them are wanted here now.
    rooms: Vec<(String, i64)>,
    /// Those of domains that were slowed before it was known whose they are, each with its provider's.
    joined: Vec<(String, String)>,
    /// When the next copy is due of a lane in which none are.
    again: Option<Moment>,
}

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
    /// [`EngineError`]: nothing was started, or it ended before.
    pub async fn run_until_idle(
        site: Site,
        templates: Templates,
        options: EngineOptions,
    ) -> std::result::Result<(), EngineError> {
        let engine = Self::spawn(site, templates, options, true).await?;
        Ok(outcome(engine.main.await)?)
    }

    async fn spawn(
        site: Site,
        templates: Templates,
        options: EngineOptions,
        until_idle: bool,
    ) -> std::result::Result<Self, EngineError> {
        let worker = Worker::start(&site, options.lock.as_ref(), options.silence).await?;
        let (stop, stopped) = watch::channel(false);
        let (wakes, vitals) = (Wakes::default(), Vitals::default());
        let lives =
            Lives { site, templates, options, wakes: wakes.clone(), vitals: vitals.clone(), until_idle };
        Ok(Self { stop, wakes, vitals, main: tokio::spawn(lives.run(worker, stopped)) })
    }

    /// How often its tasks were woken since the start: next to never while there is nothing to do.
    #[must_use]
    pub fn wakes(&self) -> u64 {
        self.wakes.total()
    }

    /// What it says of itself to whoever asks.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        self.vitals.clone()
    }

    /// Ends in good order: messages on their way finish within the drain time, claims that were not begun go back.
    pub async fn stop(self) {
        // The main task may have ended by itself; then there is nothing left to stop.
        let _ = self.stop.send(true);
        let _ = self.main.await;
    }

    /// Waits until the engine ends by itself, and says why.
    pub async fn ended(&mut self) -> Ended {
        match outcome((&mut self.main).await) {
            Err(ended) => ended,
            Ok(()) => Ended::Broke("it was stopped".to_owned()),
        }
    }
}

/// What became of the main task. What its worker still holds is taken back by another one when it is found silent.
fn outcome(
    main: std::result::Result<std::result::Result<(), Ended>, JoinError>,
) -> std::result::Result<(), Ended> {
    main.unwrap_or_else(|error| Err(Ended::Broke(for_the_log(&error.to_string()))))
}

/// What became of the writer.
fn written_down(
    writer: std::result::Result<std::result::Result<(), Broke>, JoinError>,
) -> std::result::Result<(), Ended> {
    match writer {
        Ok(Ok(())) => Ok(()),
        Ok(Err(broke)) => Err(Ended::WriterBroke(broke.to_string())),
        Err(error) => Err(Ended::WriterBroke(for_the_log(&error.to_string()))),
    }
}

/// One worker after another: whoever was declared dead, or cannot go on, proves itself anew under another number and goes on. The
/// process ends only when it is told to.
struct Lives {
    site: Site,
    templates: Templates,
    options: EngineOptions,
    wakes: Wakes,
    vitals: Vitals,
    until_idle: bool,
}

impl Lives {
    async fn run(
        self,
        mut worker: Worker,
        mut stop: watch::Receiver<bool>,
    ) -> std::result::Result<(), Ended> {
        let mut gap = Gap::default();
        loop {
            let began = Stopwatch::start();
            let main = self.begin(worker);
            let ended = caught(main.run(stop.clone())).await;
            let ended = ended.unwrap_or_else(|broke| {
                self.options.breaks.note(Task::Work, &broke);
                Err(Ended::Broke(broke.to_string()))
            });
            let Err(why) = &ended else { return ended };
            // Nobody is left who could say so: that is a word, too.
            if self.until_idle || *stop.borrow() || stop.has_changed().is_err() {
                return ended;
            }
            tracing::warn!(%why, "this worker's life is over; another begins");
            if began.elapsed() > LONG_LIFE {
                gap = Gap::default();
            }
            tokio::select! {
                next = self.next(&mut gap) => worker = next,
                _ = stop.wait_for(|stopped| *stopped) => return Ok(()),
            }
        }
    }

    /// Registers anew, however often it takes.
    async fn next(&self, gap: &mut Gap) -> Worker {
        loop {
            tokio::time::sleep(gap.grow()).await;
            let options = &self.options;
            match Worker::start(&self.site, options.lock.as_ref(), options.silence).await {
                Ok(worker) => return worker,
                Err(error) => tracing::error!(%error, "no worker could be registered; trying again"),
            }
        }
    }

    fn begin(&self, worker: Worker) -> Main {
        let options = self.options.clone();
        let low_mark = usize::try_from(options.batch / 2).unwrap_or(0);
        let shared = Arc::new(Shared {
            queue: Queue::new(low_mark, options.pace, self.wakes.clone()),
            relays: Relays::new(&options.relays, &self.site.keys, self.wakes.clone()),
            wakes: self.wakes.clone(),
            site: self.site.clone(),
            templates: self.templates.clone(),
            worker: worker.id,
            variants: Variants::default(),
            breaks: options.breaks.clone(),
            meters: options.meters.clone(),
        });
        let (in_flight, vitals) = (Arc::default(), self.vitals.clone());
        vitals.begin(&shared, &in_flight);
        Main { shared, worker, options, in_flight, vitals, until_idle: self.until_idle }
    }
}

/// Whoever lived for so long did not die of what killed the one before.
const LONG_LIFE: Duration = Duration::from_secs(60);

impl Main {
    async fn run(self, mut stop: watch::Receiver<bool>) -> std::result::Result<(), Ended> {
        // What the workers before learned counts from the first copy on.
        self.once(Task::SharePaces, self.share_paces_once(), "the paces of domains are not known yet").await;
        let (writer, mut writing) =
            Writer::start(self.shared.clone(), self.in_flight.clone(), self.options.refusals);
        let mut connections = JoinSet::new();
        for (index, relay) in self.options.relays.iter().enumerate() {
            for _ in 0..relay.connections {
                connections.spawn(Sender::new(self.shared.clone(), writer.clone(), index).run());
            }
        }
        let breaks = &self.shared.breaks;
        let mut written = None;
        let is_dead = tokio::select! {
            () = keep(breaks, Task::Feed, || apart(self.feed())) => false,
            () = keep(breaks, Task::SharePaces, || apart(self.share_paces())) => false,
            () = keep(breaks, Task::Beat, || apart(self.beat())) => {
                tracing::warn!("this worker was declared dead; its claims belong to others");
                true
            }
            ended = &mut writing => {
                written = Some(ended);
                false
            }
            _ = stop.wait_for(|stopped| *stopped) => false,
        };
        drop(writer);
        self.shared.queue.close();
        let drained = timeout(self.options.drain, async { while connections.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!("messages on their way did not end in time; their outcome is not known");
            connections.shutdown().await;
        }
        // All connections are gone, and with them the writer's senders: it commits what waits, and ends.
        let written = match written {
            Some(written) => written,
            None => writing.await,
        };
        let written = written_down(written);
        if let Err(ended) = &written {
            tracing::error!(why = %ended, "this worker ends: what it held goes back by what is known of it");
        }
        let site = &self.shared.site;
        let unshared = "what was learned of domains at the end could not be shared";
        self.once(Task::SharePaces, self.share_paces_once(), unshared).await;
        let kept = "what was reserved of the relays' limits could not be given back";
        self.once(Task::Beat, self.shared.relays.give_back(site), kept).await;
        let silent = "the worker could not sign off; its claims are taken back when it is found silent";
        self.once(Task::Beat, self.worker.stop(site), silent).await;
        if is_dead { Err(Ended::DeclaredDead) } else { written }
    }

    /// Does what is done once, and says if it could not be; the rest is done all the same.
    async fn once(&self, task: Task, work: impl Future<Output = Result<()>>, otherwise: &str) {
        match caught(work).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "{otherwise}"),
            Err(broke) => {
                self.shared.breaks.note(task, &broke);
                tracing::error!("{otherwise}");
            }
        }
    }

    /// Returns once the worker was declared dead.
    async fn beat(&self) {
        let every = self.worker.heartbeat_gap(self.options.silence);
        loop {
            tokio::time::sleep(every).await;
            self.shared.wakes.count();
            match self.worker.beat(&self.shared.site, self.options.silence).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::error!(%error, "the heartbeat could not be written");
                    // Who was not heard knows nothing of the others either.
                    continue;
                }
            }
            if let Err(error) = self.worker.look_after_others(&self.shared.site, self.options.silence).await {
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
            self.tell(&news).await?;
        }
        news.were_told();
        let slowed = pace::slowed(&self.shared.site).await?;
        patience::give_up(&self.shared.site, &self.worker, &slowed).await?;
        let workers = if slowed.is_empty() { 1 } else { paces::workers(db).await? };
        let names = known.not_asked(slowed.iter().map(|one| one.domain_key.as_str()));
        if !names.is_empty() {
            known.group(domains::members(db, &names).await?);
            known.asked(&names);
        }
        let gaps: Vec<_> = slowed
            .into_iter()
            .map(|one| {
                let gap = Duration::from_micros(u64::try_from(one.gap_us).unwrap_or(0));
                (one.domain_key, Slowness { refusing: one.refusing, gap })
            })
            .collect();
        if known.learn(&gaps, u32::try_from(workers).unwrap_or(1), clock::instant()) {
            self.shared.queue.turns_come_sooner();
        }
        Ok(())
    }

    async fn tell(&self, news: &[(String, News)]) -> Result<()> {
        let now = self.shared.site.now();
        let forgotten = now.minus(pace::FORGET);
        let mut tx = self.shared.site.db.begin().await?;
        paces::tell(&mut tx, news, now, (forgotten, patience::UNASKED)).await?;
        paces::forget(&mut tx, forgotten).await?;
        tx.commit().await
    }

    /// Gives back what has to wait, because its domain is slowed or the database failed: those attempts do not count.
    async fn give_back(&self) -> Result<()> {
        let for_later = self.shared.queue.for_later();
        if for_later.is_empty() {
            return Ok(());
        }
        let given_back = caught(claims::give_back(&self.shared.site, self.worker.id, &for_later)).await;
        match &given_back {
            Ok(Ok(())) => self.in_flight.done(for_later.len()),
            _ => self.shared.queue.give_back(for_later),
        }
        given_back.unwrap_or_else(|broke| broke.go_on())
    }

    /// Claims what is due; returns, when it may, once nothing is.
    async fn feed(&self) {
        let mut work = self.shared.site.db.work();
        loop {
            // Asked before looking: only then has the look seen every result, and ended the editions that are over.
            let all_recorded = self.in_flight.is_zero();
            let fed = match self.feed_once().await {
                Ok(fed) => {
                    self.vitals.sign();
                    fed
                }
                Err(error) => {
                    tracing::error!(%error, "nothing could be claimed; trying again");
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
            };
            if fed.count > 0 {
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
                () = tokio::time::sleep(fed.rest(self.shared.site.now())) => {}
            }
            self.shared.wakes.count();
        }
    }

    /// Commits what was claimed, and writes down how far the database has come before anything leaves. If not all of that is done,
    /// nobody knows whether the claims are ours now: they go back before anything is claimed again.
    async fn commit(
        &self,
        tx: Tx,
        claim: Option<Claim>,
        claimed: impl Iterator<Item = ItemKey>,
    ) -> Result<()> {
        let committed = caught(async {
            tx.commit().await?;
            self.note(claim).await
        });
        let committed = committed.await;
        if !matches!(committed, Ok(Ok(()))) {
            self.shared.queue.give_back(claimed.map(Back::not_begun));
        }
        committed.unwrap_or_else(|broke| broke.go_on())
    }

    async fn note(&self, claim: Option<Claim>) -> Result<()> {
        match (&self.options.positions, claim) {
            (Some(positions), Some(claim)) => {
                positions.claimed(&self.shared.site.db, &self.worker.public_id, &claim).await
            }
            _ => Ok(()),
        }
    }

    /// Looks before it opens a transaction: nearly always nothing is due.
    async fn feed_once(&self) -> Result<Fed> {
        self.give_back().await?;
        let now = self.shared.site.now();
        let db = &self.shared.site.db;
        let mut fed = Fed::default();
        if self.shared.queue.wants_notices() && notices::is_due(db, self.worker.id, now).await? {
            let mut tx = self.shared.site.db.begin().await?;
            if !self.worker.may_claim(&mut tx).await? {
                return Ok(fed);
            }
            let claimed = notices::claim(&mut tx, self.worker.id, NOTICES, now).await?;
            let count = self.worker.count_claim(&mut tx, claimed.len()).await?;
            self.in_flight.add(claimed.len());
            self.commit(tx, count, claimed.iter().map(ClaimedNotice::item_key)).await?;
            fed.count += claimed.len();
            self.shared.queue.push_notices(claimed);
        }
        let all = progress::sending(db).await?;
        self.shared.queue.sending(&all.iter().map(|sending| sending.id).collect::<Vec<_>>());
        for sending in all {
            fed.and(self.feed_from(&sending, now).await?);
        }
        Ok(fed)
    }

    /// Claims copies of one edition. Those of slowed domains are met here, and wait in their lanes from now on.
    async fn feed_from(&self, sending: &Sending, now: Moment) -> Result<Fed> {
        let (site, queue, edition) = (&self.shared.site, &self.shared.queue, sending.id);
        let (mut lanes, mut limit) = (Lanes::default(), 0);
        if (sending.is_due(now) || sending.any_in_lanes)
            && !origin::is_elsewhere(&site.db, self.worker.id).await?
        {
            limit = if queue.wants_deliveries() { self.options.batch } else { 0 };
            if sending.any_in_lanes {
                lanes = self.lanes_with_room(edition, limit, now).await?;
            }
            limit = if sending.is_due(now) { limit } else { 0 };
        }
        let Lanes { rooms, joined, again } = lanes;
        if limit == 0 && rooms.is_empty() && joined.is_empty() && !sending.seems_over() {
            return Ok(Fed { count: 0, again });
        }
        let mut tx = site.db.begin().await?;
        if !self.worker.may_claim(&mut tx).await? {
            return Ok(Fed::default());
        }
        ledger::join_lanes(&mut tx, edition, &joined).await?;
        let wish = Wish { limit, lanes: &rooms, lane_of: &|domain| queue.pace.lane_of(domain) };
        let mut claimed = ledger::claim(&mut tx, (self.worker.id, edition), wish, now).await?;
        let hold = sending.unknown_policy == UnknownPolicy::Hold;
        claimed.all().for_each(|claim| claim.hold = hold);
        let (count, waiting) = (claimed.len(), claimed.waiting);
        let finished =
            count + waiting == 0 && breaker::finish(&mut tx, site, edition, self.options.refusals).await?;
        let counted = self.worker.count_claim(&mut tx, count).await?;
        self.in_flight.add(count);
        self.commit(tx, counted, claimed.all().map(|claim| claim.item_key())).await?;
        self.answer(&mut claimed).await?;
        if finished {
            self.shared.variants.forget();
            tracing::info!(edition, "the edition is finished");
        }
        for ((lane, wanted), claims) in rooms.iter().zip(claimed.in_lanes) {
            let more = i64::try_from(claims.len()).unwrap_or(i64::MAX) >= *wanted;
            queue.push_into_lane(lane, claims, more);
        }
        queue.push_deliveries(claimed.claims);
        Ok(Fed { count: count + waiting, again })
    }

    /// Gives copies what their readers answered; if that cannot be read, they go back for a while, and none is pushed.
    async fn answer(&self, claimed: &mut Claimed) -> Result<()> {
        let read = caught(self.shared.variants.answer(&self.shared.site, claimed.all().collect())).await;
        let failed = match read {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => {
                tracing::error!(%error, "what copies ask of their readers cannot be read; trying again");
                Ok(())
            }
            Err(broke) => broke.go_on(),
        };
        let back = |claim: &mut CopyClaim| Back { wait: DATABASE_PAUSE, ..Back::not_begun(claim.item_key()) };
        self.shared.queue.give_back(claimed.all().map(back));
        claimed.claims.clear();
        claimed.in_lanes.iter_mut().for_each(Vec::clear);
        failed
    }

    /// The lanes in which copies of an edition wait. Domains that are free again share half a batch, so that the others are not kept
    /// waiting for them.
    async fn lanes_with_room(&self, edition: i64, limit: i64, now: Moment) -> Result<Lanes> {
        let queue = &self.shared.queue;
        let (Lanes { mut rooms, mut joined, mut again }, mut free) = (Lanes::default(), Vec::new());
        for (lane, next_at) in ledger::lanes(&self.shared.site.db, edition).await? {
            let key = queue.pace.key(&lane);
            if key != lane {
                joined.push((lane.clone(), key));
            }
            match queue.room(&lane) {
                Some(0) => queue.push_into_lane(&lane, Vec::new(), true),
                _ if next_at > now => again = again.into_iter().chain([next_at]).min(),
                Some(room) => rooms.push((lane, i64::try_from(room).unwrap_or(i64::MAX))),
                None if limit > 0 => free.push(lane),
                None => {}
            }
        }
        let share = (limit / 2 / (free.len() as i64).max(1)).max(1);
        rooms.extend(free.into_iter().map(|lane| (lane, share)));
        Ok(Lanes { rooms, joined, again })
    }
}
