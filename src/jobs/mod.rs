//! Everything that runs by the clock, on one screen.
//!
//! Each job does whatever is due in its domain and is safe to run by several workers at once: the rows say what was done.
//! A job that fails is logged and runs again at its next turn; nothing is lost, because nothing is taken off a queue first.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    articles, attempts,
    delivery::{
        bounces::{imap::Mailbox, maildir::receive_maildir, receive::receive_refusals},
        deliverability::Lookout,
        domains,
        origin::{self, Standing},
        position::Positions,
    },
    digests, donations,
    mail::Templates,
    payments::PaymentProvider,
    site::Site,
    staff::{self, Settings},
    subscribers,
};

/// What the jobs work with. Cheap to clone.
#[derive(Clone)]
pub struct Jobs {
    /// The instance.
    pub site: Site,
    /// For sealing editions.
    pub templates: Templates,
    /// None while donations are switched off.
    pub payments: Option<Arc<dyn PaymentProvider>>,
    /// Fetches feeds.
    pub fetcher: articles::fetch::Fetcher,
    /// Looks whether our mail is believed; none in the sandbox.
    pub lookout: Option<Lookout>,
    /// A maildir that bounces are delivered into.
    pub bounce_maildir: Option<PathBuf>,
    /// A mailbox that bounces come to.
    pub bounce_mailbox: Option<Mailbox>,
    /// What says how far the database has come.
    pub positions: Option<Arc<Positions>>,
}

/// One thing that is done again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    SealEditions,
    AskHeldBack,
    TellOwners,
    WorkOnProviderEvents,
    ResumeProviderCalls,
    PollProvider,
    PollFeeds,
    LookAtDns,
    LookUpProviders,
    TakeInRefusals,
    TakeInBounces,
    Tidy,
    NotePosition,
}

impl Job {
    const ALL: [Self; 13] = [
        Self::SealEditions,
        Self::AskHeldBack,
        Self::TellOwners,
        Self::WorkOnProviderEvents,
        Self::ResumeProviderCalls,
        Self::PollProvider,
        Self::PollFeeds,
        Self::LookAtDns,
        Self::LookUpProviders,
        Self::TakeInRefusals,
        Self::TakeInBounces,
        Self::Tidy,
        Self::NotePosition,
    ];

    /// The schedule.
    const fn every(self) -> Duration {
        Duration::from_secs(match self {
            Self::SealEditions | Self::WorkOnProviderEvents => 1,
            Self::TellOwners | Self::TakeInRefusals => 10,
            Self::AskHeldBack
            | Self::ResumeProviderCalls
            | Self::LookUpProviders
            | Self::TakeInBounces
            | Self::NotePosition => 60,
            Self::PollProvider => 10 * 60,
            Self::PollFeeds => 30 * 60,
            Self::LookAtDns => 6 * 60 * 60,
            Self::Tidy => 60 * 60,
        })
    }
}

impl Jobs {
    /// Runs every job at its time, until `stop` says so; a job that is running is finished first.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let mut running = tokio::task::JoinSet::new();
        for job in Job::ALL {
            let (jobs, mut stop) = (self.clone(), stop.clone());
            running.spawn(async move {
                loop {
                    jobs.run_one(job).await;
                    tokio::select! {
                        _ = stop.wait_for(|stopped| *stopped) => return,
                        () = tokio::time::sleep(job.every()) => {}
                    }
                }
            });
        }
        while running.join_next().await.is_some() {}
    }

    /// Runs every job once, now, in the order of the schedule.
    pub async fn run_all_once(&self) {
        for job in Job::ALL {
            self.run_one(job).await;
        }
    }

    async fn run_one(&self, job: Job) {
        if let Err(error) = self.attempt(job).await {
            tracing::error!(
                ?job,
                error = format!("{error:#}"),
                "a job failed; it runs again at its next turn"
            );
        }
    }

    async fn attempt(&self, job: Job) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let site = &self.site;
        // A copy of a database on another machine asks nobody, fetches nothing and books nothing (TRUST T10).
        if job != Job::Tidy && origin::look(site).await? != Standing::AtHome {
            return Ok(());
        }
        match job {
            Job::SealEditions => drop(digests::seal_due(site, &self.templates).await?),
            Job::AskHeldBack => drop(subscribers::ask_held_back(site).await?),
            Job::TellOwners => {
                digests::tell_of_pauses(site).await?;
                donations::attention::tell_of_unended(site).await?;
            }
            Job::WorkOnProviderEvents => {
                if let Some(provider) = &self.payments {
                    donations::process_inbox(site, provider.as_ref()).await?;
                }
            }
            Job::ResumeProviderCalls => {
                if let Some(provider) = &self.payments {
                    donations::resume_calls(site, provider.as_ref()).await?;
                }
            }
            Job::PollProvider => {
                if let Some(provider) = &self.payments {
                    donations::poll_provider(site, provider.as_ref()).await?;
                }
            }
            Job::PollFeeds => {
                for (feed, polled) in articles::poll_due(site, &self.fetcher, job.every()).await? {
                    if let Err(error) = polled {
                        tracing::warn!(feed = feed.url, %error, "a feed could not be read; the desk shows why");
                    }
                }
            }
            Job::LookAtDns => {
                if let Some(lookout) = &self.lookout {
                    let settings = Settings::load(&site.db).await?;
                    lookout.look(site, settings.sender_email()).await?;
                }
            }
            Job::LookUpProviders => {
                if let Some(lookout) = &self.lookout {
                    domains::look_up(site, &lookout.dns).await?;
                }
            }
            Job::TakeInRefusals => drop(receive_refusals(site).await?),
            Job::TakeInBounces => {
                if let Some(folder) = &self.bounce_maildir {
                    receive_maildir(site, folder).await?;
                }
                if let Some(mailbox) = &self.bounce_mailbox {
                    mailbox.receive(site).await?;
                }
            }
            Job::Tidy => {
                attempts::tidy(site).await?;
                staff::tidy(site).await?;
                donations::tidy(site).await?;
                subscribers::tidy(site).await?;
            }
            Job::NotePosition => {
                if let Some(positions) = &self.positions {
                    positions.keep_up(&site.db).await?;
                }
            }
        }
        Ok(())
    }
}
