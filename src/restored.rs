//! A backup was restored: what has to be held, ended and told before anything goes out from it. Or the magazine only moved.
//!
//! The rule: a backup is the past. It does not know who left, who was mailed, who gave and who was shut out since, so
//! nothing of what it would do by itself is done without being asked, and no key that it holds opens a door (TRUST T10).

mod replay;

use serde::{Deserialize, Serialize};

pub use self::replay::Replayed;
use crate::{
    audience, audit_log, bulk,
    clock::Moment,
    db,
    delivery::{self, Lock, Suppressions},
    donations,
    origin::{self, Doubt, Positions, Standing},
    publishing::{self, EditionSummary},
    site::Site,
    staff, subscribers,
    withdrawals::{self, JournalGap},
};

/// What was done, and what nobody but people can know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RestoredReport {
    /// When somebody said so.
    pub at: Moment,
    /// Editions that would have gone out by themselves, or on a press; each waits at the desk for a decision.
    pub held: Vec<RestoredLine>,
    /// Drafts: any of them may have been sent since.
    pub drafts: Vec<RestoredLine>,
    /// Automatic emails that waited when the copy was made, by template: not sent, for most of them were.
    pub letters: Vec<(String, i64)>,
    /// Sessions at the desk that were ended.
    pub sessions: u64,
    /// Invitations, sign-in links and links to set-up that were voided.
    pub links: u64,
    /// The newest things that the copy knows.
    pub newest: NewestThere,
    /// The team as the copy has it: somebody may have been shut out, or joined, since.
    pub team: Vec<Person>,
    /// How many addresses the copy knows that are not to be mailed.
    pub suppressed: i64,
    /// What was taken from the journal of withdrawals.
    #[serde(default)]
    pub replayed: Replayed,
    /// Of which time withdrawals may be missing all the same.
    #[serde(default)]
    pub gaps: Vec<JournalGap>,
}

/// An edition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RestoredLine {
    /// Its subject; never empty.
    pub subject: String,
    pub public_id: String,
}

/// Somebody on the team.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Person {
    /// What the desk calls them.
    pub name: String,
    /// What they may do.
    pub role: String,
    /// Whether they can no longer sign in.
    pub disabled: bool,
}

/// When the copy last heard of each kind of thing: what happened later is lost with what was after it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct NewestThere {
    /// Somebody joined, confirmed or left.
    pub consent: Option<Moment>,
    /// An address was found not to be mailed any more.
    pub suppression: Option<Moment>,
    /// Somebody did something at the desk.
    pub deed: Option<Moment>,
    /// A gift was paid.
    pub gift: Option<Moment>,
}

/// Holds, ends and voids all that in one transaction, and settles the database here. `keep` is the session of whoever says so
/// at the desk, where it is done only while there is a doubt: `None` once somebody else has said what the database is.
///
/// On the command line there is no session, and somebody may know what the program does not; `lock` is the proof that
/// nothing else runs on SQLite. `positions` are the files beside the database, which are void from then on.
///
/// # Errors
/// When the database fails; then no more was changed than what the start of any process changes: claims of the dead go back.
pub async fn restored(
    site: &Site,
    by: Option<i64>,
    keep: Option<&str>,
    (lock, positions): (Option<&Lock>, Option<&Positions>),
) -> Result<Option<RestoredReport>, publishing::Error> {
    // What came since there was a doubt waited, and is news.
    let before = origin::doubt_at(&site.db).await?.unwrap_or_else(|| site.now());
    let newest = newest(site, before).await?;
    let place = origin::place(&site.db).await?;
    let beyond = withdrawals::beyond(site, newest.last()).await?;
    let replayed = replay::replay(site, &beyond).await?;
    // What a worker had begun when the copy was made is given back as in doubt, or waiting, before anything is counted.
    delivery::take_back_from_the_dead(site, lock).await?;
    let (team, suppressed) = (team(site).await?, Suppressions::new(site).count(before).await?.0);
    let mut tx = site.db.begin().await?;
    let is_answered = matches!(
        origin::look_in(&mut tx, site).await?,
        Standing::AtHome | Standing::Doubtful(Doubt::Forgetful)
    );
    if keep.is_some() && is_answered {
        return Ok(None);
    }
    publishing::hold_all(&mut tx, site, by).await?;
    let letters = delivery::end_waiting_letters(&mut tx, before, site.now()).await?;
    subscribers::forget_held_back(&mut tx, before).await?;
    subscribers::stop_imports(&mut tx, site.now()).await?;
    bulk::stop_all(&mut tx, site.now()).await?;
    donations::adopt::stop_in(&mut tx, site.now()).await?;
    donations::name_nobody(&mut tx).await?;
    let sessions = staff::end_sessions_but(&mut tx, keep).await?;
    let links = staff::void_all_links(&mut tx).await?;
    origin::confirm(&mut tx, site, &place, positions).await?;
    audit_log::record(&mut tx, site, by, "restored a backup", "", &site.url("/")).await?;
    if beyond.gaps.is_empty() {
        beyond.is_known(&mut tx, site, true).await?;
    } else {
        origin::hold(&mut tx, site).await?;
    }
    let report = RestoredReport {
        at: site.now(),
        held: publishing::held_in(&mut tx).await?.iter().map(RestoredLine::new).collect(),
        drafts: publishing::drafts_in(&mut tx).await?.iter().map(RestoredLine::new).collect(),
        letters,
        sessions,
        links,
        newest,
        team,
        suppressed,
        replayed,
        gaps: beyond.gaps,
    };
    let json = serde_json::to_string(&report).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    origin::restored(&mut tx, before, &json).await?;
    tx.commit().await?;
    Ok(Some(report))
}

/// At the start of a process, and when somebody has said what the database is: makes the journal ready, and takes from it what
/// the database does not know. What was held for want of a journal is held no longer, if that is there by now.
pub async fn take_up(site: &Site, positions: Option<&Positions>) -> db::Result<Replayed> {
    withdrawals::begin(site).await?;
    let standing = origin::look(site).await?;
    let is_held = standing == Standing::Doubtful(Doubt::Forgetful);
    if standing != Standing::AtHome && !is_held {
        // Whoever says what it is has the journal asked then.
        return Ok(Replayed::default());
    }
    let newest = if is_held { last(site).await?.and_then(|report| report.newest.last()) } else { None };
    let beyond = withdrawals::beyond(site, newest).await?;
    let replayed = replay::replay(site, &beyond).await?;
    if is_held && !beyond.gaps.is_empty() {
        return Ok(replayed);
    }
    // Who sends begins, or goes on, after this: it may have stood still for weeks.
    audience::withdraw_run_out(site).await?;
    let place = origin::place(&site.db).await?;
    let mut tx = site.db.begin().await?;
    if is_held {
        origin::confirm(&mut tx, site, &place, positions).await?;
        audit_log::record(&mut tx, site, None, "found the withdrawals", "", &site.url("/")).await?;
    } else if let Some(why) = beyond.does_not_fit(site) {
        tracing::warn!(
            why = why.words(),
            "the journal of withdrawals does not fit this database, which lacks nothing itself: make a backup now, for an older one would not know who left"
        );
    }
    beyond.is_known(&mut tx, site, false).await?;
    tx.commit().await?;
    Ok(replayed)
}

/// Somebody said that mail goes out again, though who left since the backup was made may not be known; `false` if nothing is held
/// for that. Journals that were not found are waited for no longer.
pub async fn go_on(site: &Site, by: Option<i64>, positions: Option<&Positions>) -> db::Result<bool> {
    let place = origin::place(&site.db).await?;
    let beyond = withdrawals::beyond(site, None).await?;
    replay::replay(site, &beyond).await?;
    audience::withdraw_run_out(site).await?;
    let mut tx = site.db.begin().await?;
    if origin::look_in(&mut tx, site).await? != Standing::Doubtful(Doubt::Forgetful) {
        return Ok(false);
    }
    origin::confirm(&mut tx, site, &place, positions).await?;
    beyond.is_known(&mut tx, site, true).await?;
    audit_log::record(&mut tx, site, by, "went on without withdrawals", "", &site.url("/")).await?;
    tx.commit().await?;
    Ok(true)
}

/// Somebody said that the database is the magazine itself, and is at home here from now on, with the files of `positions`;
/// `false`, and what was said stands, once somebody has said before what it is.
pub async fn moved(site: &Site, by: Option<i64>, positions: Option<&Positions>) -> db::Result<bool> {
    let place = origin::place(&site.db).await?;
    let mut tx = site.db.begin().await?;
    if matches!(
        origin::look_in(&mut tx, site).await?,
        Standing::AtHome | Standing::Doubtful(Doubt::Forgetful)
    ) {
        return Ok(false);
    }
    origin::confirm(&mut tx, site, &place, positions).await?;
    audit_log::record(&mut tx, site, by, "confirmed the address", "", &site.url("/")).await?;
    tx.commit().await?;
    take_up(site, positions).await?;
    Ok(true)
}

/// What was said when a backup was last restored.
pub async fn last(site: &Site) -> db::Result<Option<RestoredReport>> {
    let report = origin::report(&site.db).await?;
    // What another version said may read otherwise; it is no longer news then.
    Ok(serde_json::from_str(&report).ok())
}

impl NewestThere {
    /// The last moment of which the copy knows anything.
    #[must_use]
    pub fn last(&self) -> Option<Moment> {
        self.consent.max(self.suppression).max(self.deed).max(self.gift)
    }
}

impl RestoredLine {
    fn new(edition: &EditionSummary) -> Self {
        let subject = if edition.subject.is_empty() { "(no subject)" } else { &edition.subject };
        Self { subject: subject.to_owned(), public_id: edition.public_id.clone() }
    }
}

async fn team(site: &Site) -> db::Result<Vec<Person>> {
    let members = staff::members(&site.db).await?.into_iter();
    Ok(members
        .map(|member| Person {
            name: member.name,
            role: member.role.to_string(),
            disabled: member.disabled_at.is_some(),
        })
        .collect())
}

async fn newest(site: &Site, before: Moment) -> db::Result<NewestThere> {
    Ok(NewestThere {
        consent: subscribers::newest_consent(&site.db, before).await?,
        suppression: Suppressions::new(site).count(before).await?.1,
        deed: audit_log::latest(&site.db, 100).await?.iter().map(|line| line.at).find(|at| *at <= before),
        gift: donations::newest_gift(&site.db, before).await?,
    })
}
