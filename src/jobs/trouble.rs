//! Jobs that do not work: who is told, and when.
//!
//! The rule: a job that broke off, or that has failed for an hour, is told at the desk at once and to the owners by one
//! letter, in the transaction that notes it; then nothing more until it has worked again. This stands in the database: a
//! restart does not make it forgotten, nor the letter come twice, and the desk may be another process than the one that
//! fails. Several processes share a row, for they share the work: what one of them does is done.

use std::{any::Any, time::Duration};

use sqlx::FromRow;

use super::{Job, store};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    delivery::{
        bounces::without_addresses,
        notices::{self, NewNotice},
    },
    email_address::EmailAddress,
    mail::{EmailTemplate as _, JobStopped},
    site::Site,
    staff::{Role, Settings, accounts, accounts::Member},
};

/// How long a job may fail before people hear of it: a database or a payment service is restarted in less.
pub const PATIENCE: Duration = Duration::from_secs(3_600);
/// One that works now and then breaks anew each time, and would be told of each time.
const BETWEEN_LETTERS: Duration = Duration::from_secs(86_400);
/// While it fails, that is written down no more often than this.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// A job that does not work.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Trouble {
    job: String,
    /// Since when every try has failed.
    pub since: Moment,
    /// When it last failed.
    pub last_at: Moment,
    /// Whether it broke off where nobody foresaw it.
    pub broke_off: bool,
    /// What it said, without addresses: for whoever looks after the server.
    pub words: String,
    told_at: Option<Moment>,
}

impl Trouble {
    /// What stands still, in a sentence without its full stop.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.job().map_or("Something that runs by itself does not work", Job::what_stands_still)
    }

    fn job(&self) -> Option<Job> {
        Job::ALL.into_iter().find(|job| job.name() == self.job)
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
        self.job().is_some_and(|job| now.since(self.last_at) <= job.every() * 2 + PATIENCE)
    }
}

/// The jobs that people should know of, those that have failed longest first.
///
/// # Errors
/// When the database fails.
pub async fn look(db: &Db, now: Moment) -> Result<Vec<Trouble>> {
    let mut troubles = store::failing(db).await?;
    troubles.retain(|one| one.is_for_people() && one.is_fresh(now));
    Ok(troubles)
}

/// What a loop remembers of its job, so that the database hears only of what changes.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Whether it has worked since the start of the process, so that nothing is left to take back.
    works: bool,
    noted_at: Option<Moment>,
}

impl Watch {
    /// It did what was due.
    pub(super) async fn works(&mut self, site: &Site, job: Job) -> Result<()> {
        if self.works {
            return Ok(());
        }
        if store::failing(&site.db).await?.iter().any(|one| one.job == job.name()) {
            let mut tx = site.db.begin().await?;
            store::well(&mut tx, job.name(), site.now()).await?;
            tx.commit().await?;
            tracing::info!(?job, "a job works again");
        }
        *self = Self { works: true, noted_at: None };
        Ok(())
    }

    /// It did not.
    pub(super) async fn fails(&mut self, site: &Site, job: Job, broke_off: bool, words: &str) -> Result<()> {
        self.works = false;
        let now = site.now();
        if self.noted_at.is_some_and(|at| at <= now && now.since(at) < NOTE_EVERY) {
            return Ok(());
        }
        let team = accounts::members(&site.db).await?;
        let mut tx = site.db.begin().await?;
        let trouble = store::failed(&mut tx, job.name(), now, broke_off, &without_addresses(words)).await?;
        if trouble.is_for_people() && trouble.is_untold(now) {
            write_to_owners(&mut tx, site, &team, &trouble).await?;
            store::told(&mut tx, job.name(), now).await?;
        }
        tx.commit().await?;
        self.noted_at = Some(now);
        Ok(())
    }
}

async fn write_to_owners(tx: &mut Tx, site: &Site, team: &[Member], trouble: &Trouble) -> Result<()> {
    let settings = Settings::load_in(tx).await?;
    // A magazine that has not said where its mail comes from writes from its own host rather than not at all.
    let own = settings.from_address();
    let Some(from) = own.or_else(|| EmailAddress::parse(&format!("desk@{}", site.host())).ok()) else {
        return Ok(());
    };
    let context = JobStopped {
        sender: settings.sender(site),
        what: trouble.what().to_owned(),
        since: trouble.since.date_time(&settings.time_zone),
        why: trouble.words.clone(),
        desk_url: site.url("/desk"),
    };
    for owner in team.iter().filter(|one| one.role == Role::Owner && one.disabled_at.is_none()) {
        let key = format!("{}:{}:{}:{}", JobStopped::NAME, trouble.job, trouble.last_at.0, owner.public_id);
        let to = NewNotice {
            key: &key,
            from: (settings.sender_name(), &from),
            to: &owner.email,
            name: &owner.name,
            context: &context,
        };
        notices::enqueue(tx, site, to).await?;
    }
    Ok(())
}

/// What a panic says.
pub(crate) fn words_of(panic: &(dyn Any + Send)) -> String {
    let words =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words.unwrap_or("it broke off without a word").to_owned()
}
