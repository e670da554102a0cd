//! Everything that runs by itself and everything that waits, at a look: for `broadside jobs` and for the desk.

use std::time::Duration;

use super::{
    Job,
    news::QUEUES,
    trouble::{self, JobTrouble},
    turns::{self, Turn},
};
use crate::{
    audit_log,
    clock::Moment,
    db::{Db, Result},
    delivery,
    donations::LATELY,
    queue::{Figures, Item, Rules},
    site::Site,
};

/// All of it.
#[derive(Debug)]
pub struct Screen {
    /// What runs by the clock, in the order of the schedule.
    pub jobs: Vec<JobLine>,
    /// Tasks that go on all the time and broke off lately.
    pub tasks: Vec<JobTrouble>,
    /// What waits.
    pub queues: Vec<QueueLine>,
    /// How many automatic emails could not be delivered lately, and have come to nothing; a hundred may be more.
    pub undelivered: usize,
    /// Whether some process has said lately that it runs the jobs.
    pub somebody_runs: bool,
}

/// One job.
#[derive(Debug)]
pub struct JobLine {
    /// What the database calls it.
    pub name: &'static str,
    /// What it does, for an editor.
    pub what: &'static str,
    /// How long after the end of a turn the next begins.
    pub every: Duration,
    /// Its last turn, as processes note it every few minutes; none if nobody said.
    pub last: Option<Turn>,
    /// When it is next, if a process runs it.
    pub next: Option<Moment>,
    /// Why it does not work, if it does not.
    pub trouble: Option<JobTrouble>,
}

/// One queue.
#[derive(Debug)]
pub struct QueueLine {
    /// Its rules and words.
    pub rules: &'static Rules,
    /// How it is doing.
    pub figures: Figures,
    /// What failed or was given up.
    pub items: Vec<Item>,
}

impl Screen {
    /// Whether something stands still or was given up, or nobody runs any of it.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        !self.somebody_runs
            || !self.tasks.is_empty()
            || self.jobs.iter().any(|job| job.trouble.is_some())
            || self.queues.iter().any(|queue| queue.figures.given_up > 0)
    }
}

/// Looks.
pub async fn look(db: &Db, now: Moment) -> Result<Screen> {
    let (mut troubles, last) = (trouble::look(db, now).await?, turns::last(db, now).await?);
    let mut jobs = Vec::new();
    for job in Job::ALL {
        let at = troubles.iter().position(|one| one.job() == job.name());
        let last = last.get(job.name()).copied();
        jobs.push(JobLine {
            name: job.name(),
            what: job.what_it_does(),
            every: job.every(),
            last,
            next: last.map(|turn| turn.at().plus(job.every()).max(now)),
            trouble: at.map(|at| troubles.remove(at)),
        });
    }
    let mut queues = Vec::new();
    for queue in QUEUES {
        let (figures, items) = (queue.figures(db, now).await?, queue.troubled(db).await?);
        queues.push(QueueLine { rules: queue.rules, figures, items });
    }
    let undelivered = delivery::failed_letters(db, now.minus(LATELY), 100).await?.len();
    Ok(Screen { jobs, tasks: troubles, queues, undelivered, somebody_runs: !last.is_empty() })
}

/// Has one tried again that failed or was given up, where the rules say that it may be. False when it is not one of those.
pub async fn try_again(site: &Site, queue: &str, name: &str, staff_id: Option<i64>) -> Result<bool> {
    let named = QUEUES.into_iter().find(|one| one.rules.name == queue);
    let Some((queue, (deed, before))) = named.and_then(|queue| Some((queue, queue.rules.by_hand?))) else {
        return Ok(false);
    };
    let mut tx = site.db.begin().await?;
    let is_tried = queue.again(&mut tx, name, site.now()).await?;
    if is_tried {
        audit_log::record(&mut tx, site, staff_id, deed, &format!("{before}{name}"), "").await?;
    }
    tx.commit().await?;
    Ok(is_tried)
}
