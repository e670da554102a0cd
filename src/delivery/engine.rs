//! The engine: a feeder that claims, connections that send, a writer that records.
//!
//! The commit rule: a connection writes the body of a message only after the commit that holds the result of its last
//! message and the marker of this one. So a crash leaves at most one message a connection whose outcome is not known.

use std::{
    collections::HashMap,
    fs::File,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::{
    ledger,
    outcome::{self, Verdict},
    queue::{InFlight, Item, Queue},
    smtp::{Connection, Failure, Relay, Reply, Stage},
    store::{
        editions,
        ledger::{self as rows, Claim, Record},
        notices::{self, ClaimedNotice, Ending},
    },
    suppression::Suppressions,
    variant::Frozen,
    workers::{self, Worker},
    writer::{NoticeRecord, Writer},
};
use crate::{clock::Moment, db::Result, email_address::EmailAddress, mail::Templates, site::Site};

/// How an engine works.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Where mail goes out.
    pub relay: Relay,
    /// How many conversations at once.
    pub connections: usize,
    /// How many deliveries are claimed at a time.
    pub batch: i64,
    /// A worker silent for this long is dead.
    pub silence: Duration,
    /// How long a shutdown waits for messages on their way.
    pub drain: Duration,
    /// The file that only one worker of a SQLite database can lock; none for PostgreSQL.
    pub lock: Option<std::path::PathBuf>,
}

impl EngineOptions {
    /// The usual numbers.
    #[must_use]
    pub const fn new(relay: Relay, connections: usize) -> Self {
        Self {
            relay,
            connections,
            batch: 1000,
            silence: Duration::from_secs(30),
            drain: Duration::from_secs(30),
            lock: None,
        }
    }
}

/// Why an engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Another process works on this SQLite database.
    #[error("{0}")]
    Locked(#[from] std::io::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A running engine. It stops in good order when it is dropped, too; [`Engine::stop`] waits for that.
#[derive(Debug)]
pub struct Engine {
    stop: watch::Sender<bool>,
    main: JoinHandle<()>,
}

/// What all tasks of an engine share.
struct Shared {
    site: Site,
    templates: Templates,
    options: EngineOptions,
    worker: Worker,
    queue: Queue,
    in_flight: Arc<InFlight>,
    variants: Mutex<HashMap<i64, Arc<Frozen>>>,
    stop: watch::Receiver<bool>,
    /// Ends by itself once nothing is due.
    until_idle: bool,
}

/// How often an idle engine looks for work.
const LOOK: Duration = Duration::from_millis(250);
/// Notices claimed at a time: few, so that several workers share a burst.
const NOTICES: i64 = 100;
/// Frozen bodies kept in memory.
const VARIANTS: usize = 64;

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
        let (stop, main) = Self::spawn(site, templates, options, false).await?;
        Ok(Self { stop, main })
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
        let (_stop, main) = Self::spawn(site, templates, options, true).await?;
        // A panic of the task was printed where it happened; the rows of its worker are taken back by the next one.
        let _ = main.await;
        Ok(())
    }

    async fn spawn(
        site: Site,
        templates: Templates,
        options: EngineOptions,
        until_idle: bool,
    ) -> std::result::Result<(watch::Sender<bool>, JoinHandle<()>), EngineError> {
        let lock: Option<File> = options.lock.as_deref().map(workers::lock).transpose()?;
        let worker = Worker::start(&site, lock, options.silence).await?;
        let (stop, stopped) = watch::channel(false);
        let low_mark = usize::try_from(options.batch / 2).unwrap_or(0);
        let shared = Arc::new(Shared {
            site,
            templates,
            options,
            worker,
            queue: Queue::new(low_mark),
            in_flight: Arc::default(),
            variants: Mutex::default(),
            stop: stopped,
            until_idle,
        });
        Ok((stop, tokio::spawn(shared.run())))
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

impl Shared {
    async fn run(self: Arc<Self>) {
        let (writer, writing) = Writer::start(self.site.clone(), self.worker.id, self.in_flight.clone());
        let mut connections = JoinSet::new();
        for _ in 0..self.options.connections {
            connections.spawn(self.clone().send_all(writer.clone()));
        }
        drop(writer);
        let mut stop = self.stop.clone();
        tokio::select! {
            () = self.feed() => {}
            () = self.beat() => tracing::error!("this worker was declared dead; it stops, and its claims belong to others"),
            _ = stop.wait_for(|stopped| *stopped) => {}
        }
        self.queue.close();
        let drained = timeout(self.options.drain, async { while connections.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!("messages on their way did not end in time; their outcome is not known");
            connections.shutdown().await;
        }
        // All connections are gone, and with them the writer's senders: it commits what waits, and ends.
        if let Err(error) = writing.await {
            tracing::error!(%error, "the writer ended badly");
        }
        if let Err(error) = self.worker.stop(&self.site).await {
            tracing::error!(%error, "the worker could not sign off; its claims are taken back when it is found silent");
        }
    }

    /// Returns once the worker was declared dead.
    async fn beat(&self) {
        let every = self.options.silence / 6;
        loop {
            tokio::time::sleep(every).await;
            match self.worker.beat(&self.site).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::error!(%error, "the heartbeat could not be written"),
            }
            if let Err(error) = self.worker.take_back_from_silent(&self.site, self.options.silence).await {
                tracing::error!(%error, "silent workers could not be looked for");
            }
        }
    }

    /// Claims what is due; returns, when it may, once nothing is.
    async fn feed(&self) {
        loop {
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
            if self.until_idle && self.in_flight.is_zero() {
                return;
            }
            tokio::select! {
                () = self.queue.low() => {}
                () = self.in_flight.changed(), if self.until_idle => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn feed_once(&self) -> Result<usize> {
        let now = self.site.now();
        let mut fed = 0;
        if self.queue.wants_notices() {
            let mut tx = self.site.db.begin().await?;
            let claimed = notices::claim(&mut tx, self.worker.id, NOTICES, now).await?;
            tx.commit().await?;
            self.in_flight.add(claimed.len());
            fed += claimed.len();
            self.queue.push_notices(claimed);
        }
        for (edition, policy) in editions::sending(&self.site.db).await? {
            if !self.queue.wants_deliveries() {
                break;
            }
            let mut tx = self.site.db.begin().await?;
            let mut claimed =
                ledger::claim(&mut tx, self.worker.id, edition, self.options.batch, now).await?;
            claimed.iter_mut().for_each(|claim| claim.hold = policy == "hold");
            let finished = claimed.is_empty() && editions::finish(&mut tx, edition, now).await?;
            tx.commit().await?;
            if finished {
                tracing::info!(edition, "the edition is finished");
            }
            self.in_flight.add(claimed.len());
            fed += claimed.len();
            self.queue.push_deliveries(claimed);
        }
        Ok(fed)
    }

    /// One connection's life: takes items until the queue closes.
    async fn send_all(self: Arc<Self>, writer: Writer) {
        let mut line = Line { shared: &self, connection: None };
        while let Some(item) = self.queue.pop().await {
            match item {
                Item::Notice(notice) => self.send_notice(&mut line, &writer, notice).await,
                Item::Delivery(claim) => self.send_delivery(&mut line, &writer, claim).await,
            }
        }
        if let Some(connection) = line.connection {
            connection.quit().await;
        }
    }

    async fn send_delivery(&self, line: &mut Line<'_>, writer: &Writer, claim: Claim) {
        let message = match self.compose(&claim).await {
            Ok(message) => message,
            Err(why) => return writer.record(self.failed(&claim, "render", "render", why)),
        };
        let gate = || writer.mark(claim.edition_id, claim.subscriber_id, claim.attempt);
        let Some(result) = line.send(&message.from, &claim.address, &message.bytes, gate).await else {
            // Stopped, or the row is no longer ours to send: paused, withdrawn, or taken by another worker.
            return self.let_go(writer, &claim);
        };
        writer.record(self.delivery_record(&claim, &result));
    }

    /// A row that was not sent after all. If it is still claimed by us (its edition was paused), it goes back unharmed.
    fn let_go(&self, writer: &Writer, claim: &Claim) {
        writer.record(Record {
            edition_id: claim.edition_id,
            subscriber_id: claim.subscriber_id,
            attempt: claim.attempt,
            state: "queued",
            class: None,
            next_at: self.site.now(),
            maybe_duplicate: false,
            outcome: "held back",
            stage: "data",
            reply: "not sent: the edition was stopped, or the reader left".to_owned(),
            at: self.site.now(),
        });
    }

    fn failed(&self, claim: &Claim, class: &'static str, stage: &'static str, why: String) -> Record {
        let now = self.site.now();
        Record {
            edition_id: claim.edition_id,
            subscriber_id: claim.subscriber_id,
            attempt: claim.attempt,
            state: "failed",
            class: Some(class),
            next_at: now,
            maybe_duplicate: false,
            outcome: "failed",
            stage,
            reply: why,
            at: now,
        }
    }

    fn delivery_record(&self, claim: &Claim, result: &std::result::Result<Reply, Failure>) -> Record {
        let now = self.site.now();
        let base = |state, class, outcome| Record {
            edition_id: claim.edition_id,
            subscriber_id: claim.subscriber_id,
            attempt: claim.attempt,
            state,
            class,
            next_at: now,
            maybe_duplicate: false,
            outcome,
            stage: outcome::stage(result),
            reply: outcome::words(result),
            at: now,
        };
        match outcome::judge(result) {
            Verdict::Accepted => base("accepted", None, "accepted"),
            Verdict::Failed(class) => base("failed", Some(class), "failed"),
            Verdict::Retry(class) => match outcome::retry_gap(claim.attempt) {
                Some(gap) => Record { next_at: now.plus(gap), ..base("queued", Some(class), "retry") },
                None => base("failed", Some("exhausted"), "failed"),
            },
            Verdict::Unknown if claim.hold => base("unknown", Some("no answer"), "unknown"),
            Verdict::Unknown => Record {
                maybe_duplicate: true,
                next_at: now.plus(Duration::from_secs(60)),
                ..base("queued", Some("no answer"), "unknown")
            },
            Verdict::NoRelay => base("queued", Some("no relay"), "retry"),
        }
    }

    async fn compose(&self, claim: &Claim) -> std::result::Result<Message, String> {
        let frozen = self.variant(claim.variant_id).await?;
        frozen.compose(&self.site, claim)
    }

    async fn variant(&self, id: i64) -> std::result::Result<Arc<Frozen>, String> {
        let known = |variants: &HashMap<i64, Arc<Frozen>>| variants.get(&id).cloned();
        if let Some(frozen) = known(&self.variants.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(frozen);
        }
        let (headers, body) = rows::variant(&self.site.db, id).await.map_err(|error| error.to_string())?;
        let frozen = Arc::new(Frozen::from_stored(&self.site, &headers, &body)?);
        let mut variants = self.variants.lock().unwrap_or_else(PoisonError::into_inner);
        if variants.len() >= VARIANTS {
            variants.clear();
        }
        variants.insert(id, frozen.clone());
        Ok(frozen)
    }

    async fn send_notice(&self, line: &mut Line<'_>, writer: &Writer, notice: ClaimedNotice) {
        let record = |ending, reply| NoticeRecord {
            id: notice.id,
            attempt: notice.attempt,
            ending,
            reply,
            at: self.site.now(),
        };
        match self.suppressed(&notice).await {
            Ok(None) => {}
            Ok(Some(_)) => {
                let why = "the address bounced or complained before".to_owned();
                return writer.record_notice(record(Ending::Suppressed("suppressed"), why));
            }
            Err(error) => return writer.record_notice(record(self.again(&notice, "database", false), error)),
        }
        let message = match super::variant::compose_notice(&self.site, &self.templates, &notice) {
            Ok(message) => message,
            Err(why) => {
                tracing::error!(
                    notice = notice.id,
                    template = notice.template,
                    why,
                    "an automatic email cannot be written"
                );
                return writer.record_notice(record(Ending::Failed("render"), why));
            }
        };
        let gate = || writer.mark_notice(notice.id, notice.attempt);
        let Some(result) = line.send(&notice.from_email, &notice.address, &message, gate).await else {
            return writer.record_notice(record(self.again(&notice, "stopped", false), String::new()));
        };
        let ending = match outcome::judge(&result) {
            Verdict::Accepted => Ending::Accepted,
            Verdict::Failed(class) => Ending::Failed(class),
            Verdict::Retry(class) => self.again(&notice, class, false),
            Verdict::Unknown => self.again(&notice, "no answer", true),
            Verdict::NoRelay => self.again(&notice, "no relay", false),
        };
        writer.record_notice(record(ending, outcome::words(&result)));
    }

    /// Only what says that the mailbox itself does not want mail stops an automatic email (TRUST M29).
    async fn suppressed(&self, notice: &ClaimedNotice) -> std::result::Result<Option<String>, String> {
        let address = EmailAddress::parse(&notice.address).map_err(|error| error.to_string())?;
        let reason =
            Suppressions::new(&self.site).reason(&address).await.map_err(|error| error.to_string())?;
        Ok(reason.filter(|reason| reason == "bounced" || reason == "complained"))
    }

    fn again(&self, notice: &ClaimedNotice, class: &'static str, maybe_duplicate: bool) -> Ending {
        let at = |gap| -> Moment { self.site.now().plus(gap) };
        match outcome::retry_gap(notice.attempt) {
            _ if class == "stopped" => Ending::Retry { class, at: self.site.now(), maybe_duplicate },
            Some(gap) => Ending::Retry { class, at: at(gap), maybe_duplicate },
            None => Ending::Failed("exhausted"),
        }
    }
}

/// A message ready for DATA: dot-stuffed, ending with CRLF.
pub(super) struct Message {
    pub(super) from: String,
    pub(super) bytes: Vec<u8>,
}

/// One line to the relay: a connection, opened when it is needed and again when it broke.
struct Line<'a> {
    shared: &'a Shared,
    connection: Option<Connection>,
}

impl Line<'_> {
    /// Sends one message: the envelope, then the gate, then the body. `None` if it was stopped, or the gate did not open.
    async fn send<F: Future<Output = bool>>(
        &mut self,
        from: &str,
        to: &str,
        message: &[u8],
        gate: impl FnOnce() -> F,
    ) -> Option<std::result::Result<Reply, Failure>> {
        let mut connection = match self.begin(from, to).await? {
            Ok(connection) => connection,
            Err(failure) => return Some(Err(failure)),
        };
        if !gate().await {
            // The server waits for a body that will not come; there is no way back from DATA but to hang up.
            return None;
        }
        let result = connection.finish(message).await;
        if !matches!(result, Err(Failure::Broken { .. })) && connection.has_messages_left() {
            self.connection = Some(connection);
        } else if !matches!(result, Err(Failure::Broken { .. })) {
            connection.quit().await;
        }
        Some(result)
    }

    /// A connection on which the server waits for the body; `None` when the engine stops meanwhile.
    async fn begin(&mut self, from: &str, to: &str) -> Option<std::result::Result<Connection, Failure>> {
        loop {
            let reused = self.connection.is_some();
            let mut connection = self.open().await?;
            match connection.begin(from, to).await {
                Ok(()) => return Some(Ok(connection)),
                // Servers hang up on connections that were idle for a while; that says nothing about this message.
                Err(Failure::Broken { stage: Stage::Mail, .. }) if reused => {}
                Err(failure) => {
                    if !matches!(failure, Failure::Broken { .. }) {
                        self.connection = Some(connection);
                    }
                    return Some(Err(failure));
                }
            }
        }
    }

    /// An open connection, however long it takes; `None` when the engine stops meanwhile.
    ///
    /// A relay that cannot be reached says nothing about the message in hand, so it is kept, and the gaps grow.
    async fn open(&mut self) -> Option<Connection> {
        if let Some(connection) = self.connection.take() {
            return Some(connection);
        }
        let mut gap = Duration::from_millis(200);
        let mut stop = self.shared.stop.clone();
        loop {
            match Connection::open(&self.shared.options.relay).await {
                Ok(connection) => return Some(connection),
                Err(failure) => {
                    let why = outcome::words(&Err(failure));
                    tracing::warn!(relay = %self.shared.options.relay.url, why, "the mail service cannot be used; trying again");
                }
            }
            tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => return None,
                () = tokio::time::sleep(gap) => {}
            }
            gap = (gap * 2).min(Duration::from_secs(60));
        }
    }
}
