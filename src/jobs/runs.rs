//! What runs by itself, and what is written down of it while it does not work.

use std::time::Duration;

use sqlx_macros::FromRow;

use super::Job;
use crate::{
    clock::Moment,
    tasks::{self, Task},
};

/// How long a job may fail before people hear of it: a database or a payment service is restarted in less.
pub const PATIENCE: Duration = Duration::from_secs(3_600);
/// One that works now and then breaks anew each time, and would be told of each time.
const BETWEEN_LETTERS: Duration = Duration::from_secs(86_400);

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

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Job(job) => job.name(),
            Self::Task(task) => task.name(),
        }
    }

    pub(super) const fn what_stands_still(self) -> &'static str {
        match self {
            Self::Job(job) => job.what_stands_still(),
            Self::Task(task) => task.what_stands_still(),
        }
    }

    /// How often at least it shows that it works.
    pub(super) const fn every(self) -> Duration {
        match self {
            Self::Job(job) => job.every(),
            Self::Task(_) => tasks::CALM,
        }
    }
}

/// A job that does not work, or a task that broke off.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct JobTrouble {
    pub(super) job: String,
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
    pub(super) told_at: Option<Moment>,
}

impl JobTrouble {
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

    pub(super) fn is_for_people(&self) -> bool {
        self.broke_off || self.last_at.since(self.since) >= PATIENCE
    }

    /// Whether the owners have to be written to. A moment that is yet to come was written by a clock that was wrong.
    pub(super) fn is_untold(&self, now: Moment) -> bool {
        self.told_at.is_none_or(|told| told > now || told < self.since && now.since(told) >= BETWEEN_LETTERS)
    }

    /// A process that is gone fails no longer, and cannot say so.
    pub(super) fn is_fresh(&self, now: Moment) -> bool {
        self.runs().is_some_and(|one| now.since(self.last_at) <= one.every() * 2 + PATIENCE * 2)
    }
}
