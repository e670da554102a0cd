//! Jobs that do not work, and tasks that break off: who is told, and when.
//!
//! The rule: a job that broke off, that has failed for an hour, or that has not come back for one, is told at the desk at
//! once and to the owners by one letter, in the transaction that notes it; then nothing more until it has worked again. This
//! stands in the database: a restart does not make it forgotten, nor the letter come twice, and the desk may be another
//! process than the one that fails. Each process has a row of its own, for what one of them cannot do another may; they
//! share the letter. Whoever could not be written to has not been told. A task (`tasks`) works again once it has not broken off
//! for a while.

use std::{collections::HashSet, sync::Arc, time::Duration};

use sqlx::FromRow;

use super::{Job, store};
use crate::{
    clock::{Moment, Stopwatch},
    db::{Db, Result, Tx},
    mail::{EmailTemplate as _, JobStopped},
    site::Site,
    staff::{Settings, accounts::Member, letters},
    tasks::{self, Breaks, Task},
};

/// How long a job may fail before people hear of it: a database or a payment service is restarted in less.
pub const PATIENCE: Duration = Duration::from_secs(3_600);
/// One that works now and then breaks anew each time, and would be told of each time.
const BETWEEN_LETTERS: Duration = Duration::from_secs(86_400);
/// While it fails, that is written down no more often than this.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// What runs by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    /// Now and then.
    Job(Job),
    /// All the time.
    Task(Task),
}

impl From<Job> for Runs {
    fn from(job: Job) -> Self {
        Self::Job(job)
    }
}

impl From<Task> for Runs {
    fn from(task: Task) -> Self {
        Self::Task(task)
    }
}

impl Runs {
    fn named(name: &str) -> Option<Self> {
        let mut all = Job::ALL.into_iter().map(Self::Job).chain(Task::ALL.into_iter().map(Self::Task));
        all.find(|one| one.name() == name)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Job(job) => job.name(),
            Self::Task(task) => task.name(),
        }
    }

    const fn what_stands_still(self) -> &'static str {
        match self {
            Self::Job(job) => job.what_stands_still(),
            Self::Task(task) => task.what_stands_still(),
        }
    }

    /// How often at least it shows that it works.
    const fn every(self) -> Duration {
        match self {
            Self::Job(job) => job.every(),
            Self::Task(_) => tasks::CALM,
        }
    }
}

/// Tells of the tasks that broke off, and of those that work again.
///
/// # Errors
/// When the database fails; then it is told at the next turn.
pub(super) async fn tell_of(breaks: &Breaks, site: &Site, place: &Arc<str>) -> Result<()> {
    for (task, words) in breaks.untold() {
        Watch::of(task, place.clone()).fails(site, true, &words).await?;
        breaks.told(task, site.now());
    }
    for task in breaks.calm(site.now()) {
        Watch::of(task, place.clone()).works(site).await?;
        breaks.forget(task);
    }
    Ok(())
}

/// A job that does not work, or a task that broke off.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Trouble {
    job: String,
    /// The machine, and which part of the program.
    pub place: String,
    /// Since when every try has failed.
    pub since: Moment,
    /// When it last failed.
    pub last_at: Moment,
    /// Whether it broke off where nobody foresaw it.
    pub broke_off: bool,
    /// What it said, without addresses: for whoever looks after the server.
    pub words: String,
    /// When people were last told of this job, wherever it was.
    told_at: Option<Moment>,
}

impl Trouble {
    /// What stands still, in a sentence without its full stop.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.runs().map_or("Something that runs by itself does not work", Runs::what_stands_still)
    }

    /// The name of what stands still, one of [`names`](super::names).
    #[must_use]
    pub fn job(&self) -> &str {
        &self.job
    }

    fn runs(&self) -> Option<Runs> {
        Runs::named(&self.job)
    }

    fn is_for_people(&self) -> bool {
        self.broke_off || self.last_at.since(self.since) >= PATIENCE
    }

    /// Whether the owners have to be written to. A moment that is yet to come was written by a clock that was wrong.
    fn is_untold(&self, now: Moment) -> bool {
        self.told_at.is_none_or(|told| told > now || told < self.since && now.since(told) >= BETWEEN_LETTERS)
    }

    /// A process that is gone fails no longer, and cannot say so.
    fn is_fresh(&self, now: Moment) -> bool {
        self.runs().is_some_and(|one| now.since(self.last_at) <= one.every() * 2 + PATIENCE * 2)
    }
}

/// The jobs that people should know of, those that have failed longest first; of several places where one fails, that one.
///
/// # Errors
/// When the database fails.
pub async fn look(db: &Db, now: Moment) -> Result<Vec<Trouble>> {
    let mut troubles = store::failing(db).await?;
    let mut seen = HashSet::new();
    troubles.retain(|one| one.is_for_people() && one.is_fresh(now) && seen.insert(one.job.clone()));
    Ok(troubles)
}

/// What a loop remembers of its job, so that the database hears only of what changes.
#[derive(Debug)]
pub(super) struct Watch {
    runs: Runs,
    place: Arc<str>,
    /// Whether it has worked since the start of the process, so that nothing is left to take back.
    works: bool,
    noted_at: Option<Moment>,
    last_turn: Option<Stopwatch>,
}

impl Watch {
    pub(super) fn of(runs: impl Into<Runs>, place: Arc<str>) -> Self {
        Self { runs: runs.into(), place, works: false, noted_at: None, last_turn: None }
    }

    /// Begins a turn. Returns for how long this process has run since the one before; nothing at the first.
    pub(super) fn turn(&mut self) -> Duration {
        self.last_turn.replace(Stopwatch::start()).map_or(Duration::ZERO, Stopwatch::elapsed)
    }

    fn place(&self) -> store::Where<'_> {
        (self.runs.name(), &self.place)
    }

    /// It did what was due.
    pub(super) async fn works(&mut self, site: &Site) -> Result<()> {
        if self.works {
            return Ok(());
        }
        let is_ours = |one: &Trouble| (one.job.as_str(), one.place.as_str()) == self.place();
        if store::failing(&site.db).await?.iter().any(is_ours) {
            let mut tx = site.db.begin().await?;
            store::well(&mut tx, self.place(), site.now()).await?;
            tx.commit().await?;
            tracing::info!(job = self.runs.name(), "a job works again");
        }
        (self.works, self.noted_at) = (true, None);
        Ok(())
    }

    /// It did not; `words` are without addresses.
    pub(super) async fn fails(&mut self, site: &Site, broke_off: bool, words: &str) -> Result<()> {
        self.works = false;
        let now = site.now();
        if self.noted_at.is_some_and(|at| at <= now && now.since(at) < NOTE_EVERY) {
            return Ok(());
        }
        let owners = letters::owners(&site.db).await?;
        let mut tx = site.db.begin().await?;
        let trouble = store::failed(&mut tx, self.place(), now, broke_off, words).await?;
        let told = trouble.is_for_people()
            && trouble.is_untold(now)
            && write_to_owners(&mut tx, site, &owners, &trouble).await?;
        if told {
            store::told(&mut tx, self.place(), now).await?;
        }
        tx.commit().await?;
        self.noted_at = Some(now);
        Ok(())
    }
}

/// False if nobody could be written to: there is no owner, or no address that a letter could come from.
async fn write_to_owners(tx: &mut Tx, site: &Site, owners: &[Member], trouble: &Trouble) -> Result<bool> {
    let settings = Settings::load_in(tx).await?;
    let context = JobStopped {
        sender: settings.sender(site),
        what: trouble.what().to_owned(),
        since: trouble.since.date_time(&settings.time_zone),
        place: trouble.place.clone(),
        why: trouble.words.clone(),
        desk_url: site.url("/desk"),
    };
    // The letter after the last one: two processes that write it at the same moment write one.
    let after = trouble.told_at.unwrap_or_default().0;
    let fact = format!("{}:{}:{after}", JobStopped::NAME, trouble.job);
    letters::tell(tx, (site, &settings), owners, &fact, &context).await
}
