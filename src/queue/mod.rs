//! What waits for its turn: claimed, done, and written down what came of it, by whichever process comes first.
//!
//! The rule: the rows of a domain are its queue, and there is no second book. A row is claimed by moving its turn to the end of a
//! lease, in one statement that only one process can win; whoever is killed after that leaves a row whose turn comes again. Only
//! who holds the claim writes down that it failed. What is given up is told people in the transaction that gives it up ([`News`]).
//!
//! A queue is a few lines: its [`Rules`], its statements by [`queue!`](crate::queue!) in its room's store, and a
//! [`Work`] that does one of its rows. Copies and notices have an engine of their own, in `delivery`.
//!
//! It calls the database; the rooms that have queues call it, and the jobs. Start reading at [`work`].

mod cursors;
mod news;
pub(crate) mod rules;
mod sql;
mod steps;
mod store;

use std::time::Duration;

use crate::{
    clock::{Moment, Stopwatch},
    db::{Db, Result, Row, Tx},
    email_address::for_the_log,
    heavy,
    site::Site,
};

pub(crate) use self::news::FORGET as FORGET_NEWS;
pub use self::{
    cursors::{read as read_cursor, read_in as read_cursor_in, remove as remove_cursor, set as set_cursor},
    news::{Happened, NEWS, News, Telling, add as add_news, told as news_told},
    rules::{
        ADOPTIONS, ARCHIVES, BULK, CANCELLATIONS, CHANGES, CHECKOUTS, COMPARISONS, EVENTS, Ends, FEEDS,
        IMPORTS, REFUNDS, RENEWALS, Rules, SIGN_UPS, Told,
    },
    sql::Queue,
    steps::{next_step, renewed},
    store::{QUEUES, STATEMENTS},
};

/// A row whose turn has come, and what its room wants to know of it.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Due<T> {
    /// Its key.
    pub name: String,
    /// How often it was claimed, this time too.
    pub attempts: i64,
    /// When its turn is; once it is claimed, the end of the lease. Whoever changes it takes the claim away.
    pub next_at: Moment,
    /// Since when it waits.
    pub since: Moment,
    /// The rest.
    #[sqlx(flatten)]
    pub what: T,
}

impl<T: Clone> Due<T> {
    /// The same, by the claim that somebody has now who took it anew with each step: the one of before says nothing any more.
    #[must_use]
    pub fn held_until(&self, claim: Moment) -> Self {
        Self { next_at: claim, ..self.clone() }
    }
}

/// What came of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// It is done, and the transaction that did it says so.
    Done,
    /// It did not work, and is tried again by the rules; why, without addresses.
    Later(String),
    /// It did not work, and is tried again after so long, whatever the rules say; why, without addresses.
    LaterIn(String, Duration),
    /// It is not tried again.
    GivenUp {
        /// Why, without addresses.
        why: String,
        /// Whether whom it concerns knows already, and staff need not.
        is_known: bool,
    },
}

/// What came of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worked {
    /// How many were done.
    pub done: u64,
    /// How many are tried again.
    pub later: u64,
    /// How many were given up.
    pub given_up: u64,
}

/// How the rows of one queue are worked on.
pub trait Work: Sync {
    /// What it wants to know of a row.
    type What: Row + Sync;

    /// Which queue.
    fn queue(&self) -> &'static Queue;

    /// How many are claimed at once, of which one after the other is done.
    fn at_once(&self) -> usize {
        1
    }

    /// After so long nothing more of a round is begun: what is due waits for the next one.
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// What can be done for all that are claimed at once before any is done: waiting for others, beside each other.
    fn ahead(&self, _due: &[Due<Self::What>]) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Does one of them. What is done is written down in the transaction that does it ([`Queue::done`]); an error is a try that
    /// failed.
    fn work(&self, site: &Site, due: &Due<Self::What>) -> impl Future<Output = Result<Came>> + Send;

    /// What else is so once one of them is given up, in the transaction that gives it up.
    fn gave_up(
        &self,
        _tx: &mut Tx,
        _site: &Site,
        _due: &Due<Self::What>,
        _is_known: bool,
    ) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }
}

/// Does all that is due, one after the other. One that panics is a try of that one that failed: it keeps no other from being done, is
/// tried again by the rules, and whoever is told of what is given up is told of it. Where nothing is ever given up nobody would hear of
/// it: there the panic goes on once all others are done, to the job, whose trouble is told.
///
/// # Errors
/// When the database fails; what was claimed is found again after its lease.
pub async fn work<W: Work>(site: &Site, work: &W) -> Result<Worked> {
    let queue = work.queue();
    let mut worked = Worked::default();
    // What fails now is for another round, however long this one takes.
    let began = site.now();
    let watch = Stopwatch::start();
    let mut unheard = None;
    loop {
        let mut claimed = 0;
        let mut waiting = queue.due::<W::What>(&site.db, began).await?.into_iter().peekable();
        while waiting.peek().is_some() {
            if work.patience().is_some_and(|most| watch.elapsed() >= most) {
                return unheard.map_or(Ok(worked), |broke: heavy::Broke| broke.go_on());
            }
            let mut ours = Vec::new();
            for mut due in waiting.by_ref().take(work.at_once()) {
                if queue.claim(site, &mut due).await? {
                    ours.push(due);
                }
            }
            claimed += ours.len();
            if let Err(broke) = heavy::caught(work.ahead(&ours)).await {
                unheard = Some(broke);
            }
            for due in &ours {
                let came = match queue.rules.too_old(site.now(), due.since) {
                    Some(why) => Came::GivenUp { why: why.to_owned(), is_known: false },
                    None => match heavy::caught(work.work(site, due)).await {
                        Ok(Ok(came)) => came,
                        Ok(Err(error)) => Came::Later(for_the_log(&error.to_string())),
                        Err(broke) => {
                            let why = format!("it broke off: {broke}");
                            if queue.rules.ends == Ends::Never {
                                unheard = Some(broke);
                            }
                            Came::Later(why)
                        }
                    },
                };
                match note(site, work, due, came).await? {
                    Came::Done => worked.done += 1,
                    Came::Later(_) | Came::LaterIn(..) => worked.later += 1,
                    Came::GivenUp { .. } => worked.given_up += 1,
                }
            }
        }
        if claimed == 0 {
            return unheard.map_or(Ok(worked), |broke: heavy::Broke| broke.go_on());
        }
    }
}

/// Writes down what came of one that is claimed, and returns it: what failed once too often is given up.
///
/// # Errors
/// When the database fails; then its turn comes again after the lease.
pub async fn note<W: Work>(site: &Site, work: &W, due: &Due<W::What>, came: Came) -> Result<Came> {
    let (queue, now) = (work.queue(), site.now());
    let Rules { name: of, told, .. } = *queue.rules;
    let (item, attempts) = (due.name.as_str(), due.attempts);
    let came = match came {
        Came::Later(why) | Came::LaterIn(why, _) if queue.rules.is_last(attempts) => {
            Came::GivenUp { why, is_known: false }
        }
        came => came,
    };
    match &came {
        Came::Done => {}
        Came::Later(why) | Came::LaterIn(why, _) => {
            let after = match &came {
                Came::LaterIn(_, after) => *after,
                _ => queue.rules.gap(attempts),
            };
            tracing::warn!(of, item, attempts, why, "it did not work; it is tried again");
            let mut tx = site.db.begin().await?;
            if queue.later(&mut tx, due, now.plus(after), why).await?
                && queue.rules.is_told_while_tried(attempts)
            {
                news::add(&mut tx, now, News::Failing, of).await?;
            }
            tx.commit().await?;
        }
        Came::GivenUp { why, is_known } => {
            tracing::error!(of, item, attempts, why, "it did not work; it is given up");
            let mut tx = site.db.begin().await?;
            if queue.give_up(&mut tx, due, now, why).await? {
                work.gave_up(&mut tx, site, due, *is_known).await?;
                if told != Told::Nobody && !is_known {
                    news::add(&mut tx, now, News::GivenUp, of).await?;
                }
                tx.commit().await?;
            }
        }
    }
    Ok(came)
}

/// Gives back what somebody has who is not done with it: its turn is now, and nothing went wrong.
///
/// # Errors
/// When the database fails.
pub async fn let_go<T>(site: &Site, queue: &Queue, due: &Due<T>) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let let_go = queue.let_go(&mut tx, due, site.now()).await?;
    tx.commit().await?;
    Ok(let_go)
}

/// How a queue is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Figures {
    /// How many wait: their turn has come, or they failed and are tried again.
    pub waiting: i64,
    /// How many of those failed the last time.
    pub failing: i64,
    /// Since when the one waits that waits longest.
    pub oldest: Option<Moment>,
    /// How many were given up and still need somebody.
    pub given_up: i64,
}

/// A row that failed, or was given up.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Item {
    /// Its key.
    pub name: String,
    /// Since when it waits.
    pub since: Moment,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next; of one given up, when that was.
    pub next_at: Moment,
    /// Why.
    pub last_error: String,
    /// Whether it was given up.
    pub is_over: bool,
    /// Whether it may be tried again by hand.
    pub can_be_tried: bool,
}

/// Several of a queue's statements in one, for whoever looks.
impl Queue {
    /// How it is doing.
    pub async fn figures(&self, db: &Db, now: Moment) -> Result<Figures> {
        db.one(self.figures, (now,)).await
    }

    /// The same, in a transaction.
    pub async fn figures_in(&self, tx: &mut Tx, now: Moment) -> Result<Figures> {
        tx.one(self.figures, (now,)).await
    }

    /// What failed or was given up, the newest first, fifty at most.
    pub async fn troubled(&self, db: &Db) -> Result<Vec<Item>> {
        db.all(self.troubled, ()).await
    }

    /// The same, in a transaction.
    pub async fn troubled_in(&self, tx: &mut Tx) -> Result<Vec<Item>> {
        tx.all(self.troubled, ()).await
    }
}
