//! Jobs that do not work, and tasks that break off: who is told, and when.
//!
//! The rule: a job that broke off, that has failed for an hour, or that has not come back for one, is told at the desk at
//! once and to the owners by one letter, in the transaction that notes it; then nothing more until it has worked again. This
//! stands in the database: a restart does not make it forgotten, nor the letter come twice, and the desk may be another
//! process than the one that fails. Each process has a row of its own, for what one of them cannot do another may; they
//! share the letter. Whoever could not be written to has not been told. A task (`tasks`) works again once it has not broken off
//! for a while.

use std::{collections::HashSet, sync::Arc, time::Duration};

pub use super::runs::{JobTrouble, PATIENCE};
use super::{runs::Runs, store};
use crate::{
    clock::{Moment, Stopwatch},
    db::{Db, Result, Tx},
    mail::{EmailTemplate as _, JobStopped},
    settings::Settings,
    site::Site,
    staff::{self, Member},
    tasks::Breaks,
};

/// While it fails, that is written down no more often than this.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// The jobs that people should know of, those that have failed longest first; of several places where one fails, that one.
pub async fn look(db: &Db, now: Moment) -> Result<Vec<JobTrouble>> {
    let mut troubles = store::failing(db).await?;
    let mut seen = HashSet::new();
    troubles.retain(|one| one.is_for_people() && one.is_fresh(now) && seen.insert(one.job.clone()));
    Ok(troubles)
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
        let is_ours = |one: &JobTrouble| (one.job.as_str(), one.place.as_str()) == self.place();
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
        let owners = staff::owners(&site.db).await?;
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

/// False if there is no owner to write to.
async fn write_to_owners(tx: &mut Tx, site: &Site, owners: &[Member], trouble: &JobTrouble) -> Result<bool> {
    let settings = Settings::load_in(tx).await?;
    let letterhead = settings.letterhead(site);
    let context = JobStopped {
        sender: letterhead.sender.clone(),
        what: trouble.what().to_owned(),
        since: trouble.since.date_time(&settings.time_zone),
        place: trouble.place.clone(),
        why: trouble.words.clone(),
        desk_url: site.url("/desk"),
    };
    // The letter after the last one: two processes that write it at the same moment write one.
    let after = trouble.told_at.unwrap_or_default().0;
    let fact = format!("{}:{}:{after}", JobStopped::NAME, trouble.job);
    staff::tell(tx, (site, &letterhead), owners, &fact, &context).await
}
