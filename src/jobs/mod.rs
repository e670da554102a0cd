//! Everything that runs by the clock, on one screen.
//!
//! Each job does whatever is due in its domain and is safe to run by several workers at once: the rows say what was done.
//! A job that fails, or breaks off, is logged and runs again at its next turn; nothing is lost, because nothing is taken off a
//! queue first. Whoever runs the magazine is told.
//!
//! It stands above every domain and calls them all; the web shows what it says ([`screen()`]), the processes of `cli` run it
//! ([`Jobs::run`]). Start reading at `Job`: all that runs, each with its time.

mod news;
mod retention;
mod runs;
mod screen;
mod store;
mod trouble;
mod turns;

use std::{path::PathBuf, pin::pin, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::{sync::watch, time::timeout};

use self::trouble::Watch;
pub use self::{
    news::tell as tell_news,
    retention::{AT_ONCE, RETENTION, Retention, forget_as_of, tidy},
    runs::JobTrouble,
    screen::{JobLine, QueueLine, Screen, look as screen, try_again},
    store::STATEMENTS,
    trouble::look as troubles,
    turns::Turns,
};

use crate::{
    articles, audience,
    bounces::{ImapMailbox, receive_maildir, receive_refusals},
    bulk,
    deliverability::Lookout,
    delivery::{self, Suppressions},
    doctor::{self, Doctor},
    donations,
    email_address::for_the_log,
    heavy::{self, Each},
    mail::Templates,
    meters::Meters,
    origin::{self, FormerNames, Positions, Standing},
    payments::PaymentProvider,
    publishing,
    settings::Settings,
    site::Site,
    staff, subscribers,
    tasks::{Breaks, Task},
    withdrawals,
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
    pub fetcher: articles::Fetcher,
    /// Looks whether our mail is believed; none in the sandbox.
    pub lookout: Option<Lookout>,
    /// Looks what is wrong; none in a process that knows no settings.
    pub doctor: Option<Arc<Doctor>>,
    /// A maildir that bounces are delivered into.
    pub bounce_maildir: Option<PathBuf>,
    /// A mailbox that bounces come to.
    pub bounce_mailbox: Option<ImapMailbox>,
    /// What says how far the database has come.
    pub positions: Option<Arc<Positions>>,
    /// Who calls us by a former name, as this process counts it.
    pub former: FormerNames,
    /// Where this process runs, in words for whoever looks after the server: each tells of its own troubles.
    pub place: Arc<str>,
    /// How long it is waited for a job.
    pub waits: Waits,
    /// Which tasks broke off: people are told of them as of jobs.
    pub breaks: Breaks,
    /// Where it is noted when each last ended, for whoever watches this process.
    pub meters: Meters,
    /// The same, for whoever looks at the database.
    pub turns: Turns,
}

/// Why a job did not get through its turn.
type Failure = Box<dyn std::error::Error + Send + Sync>;
/// A job at its turn.
type Working<'a> = BoxFuture<'a, Result<(), Failure>>;

fn working<'a, T, E>(work: impl Future<Output = Result<T, E>> + Send + 'a) -> Working<'a>
where
    Failure: From<E>,
{
    Box::pin(async { Ok(work.await.map(drop)?) })
}

/// How long it is waited for a job that does not end.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// Then people hear of it.
    pub hour: Duration,
    /// When the process stops: then the job is left where it is, as by a crash.
    pub at_the_end: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self { hour: trouble::PATIENCE, at_the_end: Duration::from_secs(5) }
    }
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
    CompareBooks,
    TakeOver,
    PollFeeds,
    CopyPictures,
    BringIn,
    BringArticles,
    ActOnMany,
    LookAtDns,
    LookUpProviders,
    TakeInRefusals,
    TakeInBounces,
    CountStopped,
    KeepReaders,
    Tidy,
    NotePosition,
    NoteCallers,
    TellOfBreaks,
    LookForTrouble,
}

impl Job {
    const ALL: [Self; 24] = [
        Self::SealEditions,
        Self::AskHeldBack,
        Self::TellOwners,
        Self::WorkOnProviderEvents,
        Self::ResumeProviderCalls,
        Self::PollProvider,
        Self::CompareBooks,
        Self::TakeOver,
        Self::PollFeeds,
        Self::CopyPictures,
        Self::BringIn,
        Self::BringArticles,
        Self::ActOnMany,
        Self::LookAtDns,
        Self::LookUpProviders,
        Self::TakeInRefusals,
        Self::TakeInBounces,
        Self::CountStopped,
        Self::KeepReaders,
        Self::Tidy,
        Self::NotePosition,
        Self::NoteCallers,
        Self::TellOfBreaks,
        Self::LookForTrouble,
    ];

    /// The schedule.
    const fn every(self) -> Duration {
        Duration::from_secs(match self {
            Self::SealEditions | Self::WorkOnProviderEvents => 1,
            Self::BringIn | Self::BringArticles | Self::ActOnMany | Self::TakeOver | Self::CompareBooks => 5,
            Self::TellOwners | Self::TakeInRefusals | Self::TellOfBreaks => 10,
            Self::AskHeldBack
            | Self::ResumeProviderCalls
            | Self::PollFeeds
            | Self::CopyPictures
            | Self::LookUpProviders
            | Self::TakeInBounces
            | Self::CountStopped
            | Self::KeepReaders
            | Self::NotePosition => 60,
            Self::PollProvider | Self::NoteCallers => 10 * 60,
            Self::LookForTrouble => doctor::LOOKS_EVERY.as_secs(),
            Self::LookAtDns => 6 * 60 * 60,
            Self::Tidy => 60 * 60,
        })
    }

    /// What the database calls it.
    const fn name(self) -> &'static str {
        match self {
            Self::SealEditions => "seal editions",
            Self::AskHeldBack => "ask held back",
            Self::TellOwners => "tell owners",
            Self::WorkOnProviderEvents => "work on provider events",
            Self::ResumeProviderCalls => "resume provider calls",
            Self::PollProvider => "poll provider",
            Self::CompareBooks => "compare books",
            Self::TakeOver => "take over",
            Self::PollFeeds => "poll feeds",
            Self::CopyPictures => "copy pictures",
            Self::BringIn => "bring in",
            Self::BringArticles => "bring in articles",
            Self::ActOnMany => "act on many",
            Self::LookAtDns => "look at dns",
            Self::LookUpProviders => "look up providers",
            Self::TakeInRefusals => "take in refusals",
            Self::TakeInBounces => "take in bounces",
            Self::CountStopped => "count stopped",
            Self::KeepReaders => "keep readers",
            Self::Tidy => "tidy",
            Self::NotePosition => "note position",
            Self::NoteCallers => "note callers",
            Self::TellOfBreaks => "tell of breaks",
            Self::LookForTrouble => "look for trouble",
        }
    }

    /// What it does, for an editor.
    const fn what_it_does(self) -> &'static str {
        match self {
            Self::SealEditions => "Sends editions at their time",
            Self::AskHeldBack => "Asks new readers whose confirmation had to wait",
            Self::TellOwners => "Writes to your team when something needs them",
            Self::WorkOnProviderEvents => "Counts gifts and writes receipts",
            Self::ResumeProviderCalls => "Asks the payment service again where it did not answer",
            Self::PollProvider => "Asks the payment service what was missed",
            Self::CompareBooks => {
                "Holds the book against the payment service, at night and when somebody asks for it"
            }
            Self::TakeOver => "Takes over what another program left at the payment service",
            Self::PollFeeds => "Reads your feeds, each as often as you chose",
            Self::CopyPictures => "Copies the pictures of feeds, where you chose that",
            Self::BringArticles => "Brings in articles from files",
            Self::BringIn => "Brings in lists of readers",
            Self::ActOnMany => "Does what your team does with many readers at once",
            Self::LookAtDns => "Looks whether mail providers believe your mail",
            Self::LookUpProviders => "Looks up which mail providers your readers have",
            Self::TakeInRefusals => "Counts copies that were refused",
            Self::TakeInBounces => "Reads mail that comes back",
            Self::CountStopped => {
                "Counts readers who are not mailed, and keeps back copies of those whose implied consent ran out"
            }
            Self::KeepReaders => "Keeps readers and articles easy to find",
            Self::Tidy => "Deletes what is no longer needed",
            Self::NotePosition => "Notes how far the database has come",
            Self::NoteCallers => "Notes who still uses a former name",
            Self::TellOfBreaks => "Says when sending broke off",
            Self::LookForTrouble => "Looks at the server at night",
        }
    }

    /// What an editor misses while it does not work, in a sentence without its full stop.
    const fn what_stands_still(self) -> &'static str {
        match self {
            Self::SealEditions => "Editions do not go out at their time",
            Self::AskHeldBack => "New readers whose confirmation mail was held back do not get it",
            Self::TellOwners => {
                "Nobody is written to when an edition pauses by itself or does not arrive, a mail service refuses us, or a regular donation does not end"
            }
            Self::WorkOnProviderEvents => {
                "Some news of the payment service is not worked on: gifts may not be counted and get no receipt"
            }
            Self::ResumeProviderCalls => {
                "What the payment service has not answered is not asked for again: regular donations may not end"
            }
            Self::CompareBooks => "The book is not held against what the payment service lists",
            Self::PollProvider => "The payment service is not asked what we missed: gifts may not be counted",
            Self::TakeOver => "Taking over what another program left at the payment service does not go on",
            Self::PollFeeds => "Your feeds are not read: new articles do not come in",
            Self::CopyPictures => {
                "Pictures of feeds are not copied here: readers get them from the sites they are on"
            }
            Self::BringArticles => "Articles that somebody brings in do not go on",
            Self::BringIn => "Lists of readers that somebody brings in do not go on",
            Self::ActOnMany => "What somebody does with many readers at once does not go on",
            Self::LookAtDns => "Nobody looks whether mail providers still believe your mail",
            Self::LookUpProviders => {
                "Which mail providers your readers have is not looked up; mail goes out all the same"
            }
            Self::TakeInRefusals => {
                "Refused copies are not counted: addresses that are no more go on being mailed"
            }
            Self::TakeInBounces => {
                "Mail that comes back is not read: addresses that are no more go on being mailed"
            }
            Self::CountStopped => {
                "How many readers are not mailed is not counted: figures at the desk may be too high; and a copy that waits for somebody whose implied consent runs out is sent"
            }
            Self::KeepReaders => {
                "Some readers or articles may not be found by their name, and the count of many readers may be old"
            }
            Self::Tidy => "What is no longer needed is not deleted",
            Self::NotePosition => {
                "How far the database has come is not noted, or who leaves: an old copy of it might not be noticed, or mail them again"
            }
            Self::NoteCallers => "Who still uses a former name of the magazine is not noted",
            Self::TellOfBreaks => "Nobody is told when sending breaks off where nobody foresaw it",
            Self::LookForTrouble => "Nobody looks at night whether something is wrong with the server",
        }
    }
}

/// What the database calls everything that runs by itself: the jobs, and the tasks that go on all the time.
pub fn names() -> impl Iterator<Item = &'static str> {
    Job::ALL.into_iter().map(Job::name).chain(Task::ALL.into_iter().map(Task::name))
}

impl Jobs {
    /// Runs every job at its time, until `stop` says so. A job that is running then is finished first, if that takes a few
    /// seconds; a longer one is left where it is, and goes on after the next start.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let mut running = tokio::task::JoinSet::new();
        for job in Job::ALL {
            let (jobs, mut stop) = (self.clone(), stop.clone());
            running.spawn(async move {
                let mut watch = Watch::of(job, jobs.place.clone());
                loop {
                    let mut turn = pin!(jobs.take_turn(job, &mut watch));
                    let is_the_end = tokio::select! {
                        () = &mut turn => false,
                        _ = stop.wait_for(|stopped| *stopped) => true,
                    };
                    if is_the_end {
                        if timeout(jobs.waits.at_the_end, turn).await.is_err() {
                            tracing::info!(?job, "a job is left; it goes on after the next start");
                        }
                        return;
                    }
                    tokio::select! {
                        _ = stop.wait_for(|stopped| *stopped) => return,
                        () = tokio::time::sleep(job.every()) => {}
                    }
                }
            });
        }
        while let Some(ended) = running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a job ended");
            }
        }
    }

    /// Runs every job once, now, in the order of the schedule.
    pub async fn run_all_once(&self) {
        for job in Job::ALL {
            self.take_turn(job, &mut Watch::of(job, self.place.clone())).await;
        }
    }

    /// Whatever breaks off costs one turn.
    async fn take_turn(&self, job: Job, watch: &mut Watch) {
        // On the heap: a job is large, and this lies around it.
        if let Err(broke) = heavy::caught(Box::pin(self.run_one(job, watch))).await {
            tracing::error!(?job, panic = %broke, "how a job goes could not be noted");
        }
    }

    async fn run_one(&self, job: Job, watch: &mut Watch) {
        let site = &self.site;
        let ran = watch.turn();
        // A panic is a mistake of ours: it costs this turn, and not every one after it.
        let mut attempt = pin!(heavy::caught(self.attempt(job, ran)));
        let ended = loop {
            if let Ok(ended) = timeout(self.waits.hour, &mut attempt).await {
                break ended;
            }
            let words = "it has begun and does not come to an end";
            tracing::error!(?job, "a job does not come to an end; it is waited for");
            noted(job, watch.fails(site, true, words).await);
        };
        let worked = matches!(ended, Ok(Ok(())));
        self.meters.turn(job.name(), worked, site.now());
        self.turns.ended(job.name(), worked, site.now());
        let outcome = match ended {
            Ok(Ok(())) => watch.works(site).await,
            Ok(Err(error)) => {
                let words = for_the_log(&format!("{error:#}"));
                tracing::error!(?job, error = words, "a job failed; it runs again at its next turn");
                watch.fails(site, false, &words).await
            }
            Err(broke) => {
                let words = broke.to_string();
                tracing::error!(?job, panic = words, "a job broke off; it runs again at its next turn");
                watch.fails(site, true, &words).await
            }
        };
        noted(job, outcome);
    }

    async fn attempt(&self, job: Job, ran: Duration) -> Result<(), Failure> {
        // A copy of a database on another machine asks nobody, fetches nothing, books nothing, and forgets nothing: somebody may
        // have opened it to look at what is long over (TRUST T10). Sealing looks for itself, if there is something to seal.
        // And whether there is anything that broke off, the process knows by itself.
        let is_quiet = job == Job::TellOfBreaks && self.breaks.is_quiet(self.site.now());
        if is_quiet || job != Job::SealEditions && origin::look(&self.site).await? != Standing::AtHome {
            return Ok(());
        }
        self.work(job, ran).await
    }

    /// What a job does, on the heap: no thread's stack has room for all of them.
    fn work(&self, job: Job, ran: Duration) -> Working<'_> {
        let Self { site, .. } = self;
        match job {
            Job::SealEditions => working(publishing::seal_due(site, &self.templates)),
            Job::AskHeldBack => working(self.ask_new_readers()),
            Job::TellOwners => working(self.tell_owners()),
            Job::WorkOnProviderEvents => working(self.work_on_provider_events()),
            Job::ResumeProviderCalls => working(self.resume_provider_calls()),
            Job::PollProvider => working(self.poll_provider()),
            Job::CompareBooks => working(self.compare_books()),
            Job::TakeOver => working(self.take_over()),
            Job::PollFeeds => working(articles::poll_due(site, &self.fetcher)),
            Job::CopyPictures => working(articles::copy_waiting_pictures(site, &self.fetcher)),
            Job::BringIn => working(subscribers::bring_in(site)),
            Job::BringArticles => working(articles::bring_in_archives(site, &self.fetcher)),
            Job::ActOnMany => working(bulk::go_on(site)),
            Job::LookAtDns => working(self.look_at_dns()),
            Job::LookUpProviders => working(self.look_up_providers()),
            Job::TakeInRefusals => working(receive_refusals(site)),
            Job::TakeInBounces => working(self.take_in_bounces()),
            Job::CountStopped => working(self.count_stopped()),
            Job::KeepReaders => working(self.keep_readers()),
            Job::Tidy => working(retention::tidy(site, ran)),
            Job::NotePosition => working(self.note_position()),
            Job::NoteCallers => working(self.former.keep(site)),
            Job::TellOfBreaks => working(trouble::tell_of(&self.breaks, site, &self.place)),
            Job::LookForTrouble => working(self.look_for_trouble(ran)),
        }
    }

    async fn ask_new_readers(&self) -> Result<(), Failure> {
        let (site, mut each) = (&self.site, Each::default());
        let looked_at = each.one(subscribers::look_at_sign_ups(site)).await;
        let asked = each.one(subscribers::ask_held_back(site)).await;
        each.end();
        looked_at.transpose()?;
        asked.transpose()?;
        Ok(())
    }

    async fn tell_owners(&self) -> Result<(), Failure> {
        let (site, mut each) = (&self.site, Each::default());
        let happened = each.one(news::tell(site)).await;
        let returned = each.one(publishing::tell_of_returned(site)).await;
        let closed = each.one(staff::tell_of_closed(site)).await;
        let refused = each.one(staff::tell_of_mail_services(site)).await;
        let refusals = each.one(publishing::tell_of_refusals(site)).await;
        let unended = each.one(donations::tell_of_unended(site)).await;
        let cards = each.one(donations::tell_of_cards(site)).await;
        each.end();
        happened.transpose()?;
        returned.transpose()?;
        closed.transpose()?;
        refused.transpose()?;
        refusals.transpose()?;
        unended.transpose()?;
        cards.transpose()?;
        Ok(())
    }

    async fn work_on_provider_events(&self) -> Result<(), Failure> {
        if let Some(provider) = &self.payments {
            donations::process_inbox(&self.site, provider.as_ref()).await?;
        }
        Ok(())
    }

    async fn resume_provider_calls(&self) -> Result<(), Failure> {
        if let Some(provider) = &self.payments {
            let refunds = donations::resume_refunds(&self.site, provider.as_ref()).await;
            donations::resume_calls(&self.site, provider.as_ref()).await?;
            refunds?;
            donations::remind(&self.site, provider.as_ref()).await?;
            donations::settle_waiting(&self.site, provider.as_ref()).await?;
        }
        Ok(())
    }

    async fn poll_provider(&self) -> Result<(), Failure> {
        if let Some(provider) = &self.payments {
            // Whether or not the list can be read: how the account stands is another question.
            let polled = donations::poll_provider(&self.site, provider.as_ref()).await;
            let looked = donations::look_at_account(&self.site, provider.as_ref()).await;
            donations::note_account_trouble(&self.site).await?;
            looked?;
            polled?;
        }
        Ok(())
    }

    async fn take_over(&self) -> Result<(), Failure> {
        if let Some(provider) = &self.payments {
            donations::adopt::go_on(&self.site, provider.as_ref()).await?;
        }
        Ok(())
    }

    async fn compare_books(&self) -> Result<(), Failure> {
        if let Some(provider) = &self.payments {
            donations::compare_due(&self.site, provider.as_ref()).await?;
        }
        Ok(())
    }

    async fn look_at_dns(&self) -> Result<(), Failure> {
        if let Some(lookout) = &self.lookout {
            let settings = Settings::load(&self.site.db).await?;
            lookout.look(&self.site, settings.sender_email()).await?;
        }
        Ok(())
    }

    async fn look_up_providers(&self) -> Result<(), Failure> {
        if let Some(lookout) = &self.lookout {
            delivery::look_up_domains(&self.site, &lookout.dns).await?;
        }
        Ok(())
    }

    async fn take_in_bounces(&self) -> Result<(), Failure> {
        // What keeps one of them from being read does not keep the other.
        let (site, mut each) = (&self.site, Each::default());
        let folder = match &self.bounce_maildir {
            Some(folder) => each.one(receive_maildir(site, folder, subscribers::leave_by_mail)).await,
            None => None,
        };
        let letters = match &self.bounce_mailbox {
            Some(mailbox) => each.one(mailbox.receive(site, subscribers::leave_by_mail)).await,
            None => None,
        };
        each.end();
        folder.transpose()?;
        letters.transpose()?;
        Ok(())
    }

    async fn count_stopped(&self) -> Result<(), Failure> {
        let mut each = Each::default();
        let found = each.one(Suppressions::new(&self.site).find_readers()).await;
        let withdrawn = each.one(audience::withdraw_run_out(&self.site)).await;
        each.end();
        found.transpose()?;
        withdrawn.transpose()?;
        Ok(())
    }

    async fn keep_readers(&self) -> Result<(), Failure> {
        subscribers::fold_waiting(&self.site).await?;
        articles::fold_waiting(&self.site).await?;
        articles::read_waiting_bylines(&self.site).await?;
        articles::key_waiting(&self.site).await?;
        subscribers::count_many(&self.site).await?;
        subscribers::count_large(&self.site).await?;
        donations::word_supporters(&self.site).await?;
        Ok(donations::meet_new_readers(&self.site).await?)
    }

    async fn note_position(&self) -> Result<(), Failure> {
        self.turns.keep(&self.site, &self.place).await?;
        let noted = withdrawals::keep_up(&self.site).await;
        if let Some(positions) = &self.positions {
            positions.keep_up(&self.site.db).await?;
        }
        Ok(noted.map(drop)?)
    }

    async fn look_for_trouble(&self, ran: Duration) -> Result<(), Failure> {
        // Not at the start: whoever starts something again and again would be taken for somebody who guesses passwords.
        if let Some(doctor) = self.doctor.as_ref().filter(|_| !ran.is_zero()) {
            doctor::look_by_night(doctor, &self.site, &self.place).await?;
        }
        Ok(())
    }
}

fn noted(job: Job, outcome: crate::db::Result<()>) {
    if let Err(error) = outcome {
        tracing::error!(?job, %error, "how a job goes could not be noted");
    }
}
