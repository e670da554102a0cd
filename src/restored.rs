//! A backup was restored: what has to be held, ended and told before anything goes out from it. Or the magazine only moved.
//!
//! The rule: a backup is the past. It does not know who left, who was mailed, who gave and who was shut out since, so
//! nothing of what it would do by itself is done without being asked, and no key that it holds opens a door (TRUST T10).

use serde::{Deserialize, Serialize};

use crate::{
    audit_log,
    clock::Moment,
    db,
    delivery::{
        notices,
        suppression::Suppressions,
        workers::{self, Lock},
    },
    donations,
    origin::{self, Standing, position::Positions},
    publishing::{self, EditionSummary},
    site::Site,
    staff::{accounts, sessions},
    subscribers,
};

/// What was done, and what nobody but people can know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// When somebody said so.
    pub at: Moment,
    /// Editions that would have gone out by themselves, or on a press; each waits at the desk for a decision.
    pub held: Vec<Line>,
    /// Drafts: any of them may have been sent since.
    pub drafts: Vec<Line>,
    /// Automatic emails that waited when the copy was made, by template: not sent, for most of them were.
    pub letters: Vec<(String, i64)>,
    /// Sessions at the desk that were ended.
    pub sessions: u64,
    /// Invitations, sign-in links and links to set-up that were voided.
    pub links: u64,
    /// The newest things that the copy knows.
    pub newest: Newest,
    /// The team as the copy has it: somebody may have been shut out, or joined, since.
    pub team: Vec<Person>,
    /// How many addresses the copy knows that are not to be mailed.
    pub suppressed: i64,
}

/// An edition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
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
pub struct Newest {
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
) -> Result<Option<Report>, publishing::Error> {
    // What came since there was a doubt waited, and is news.
    let before = origin::doubt_at(&site.db).await?.unwrap_or_else(|| site.now());
    let newest = newest(site, before).await?;
    let place = origin::place(&site.db).await?;
    // What a worker had begun when the copy was made is given back as in doubt, or waiting, before anything is counted.
    workers::take_back_from_the_dead(site, lock).await?;
    let mut tx = site.db.begin().await?;
    if keep.is_some() && origin::look_in(&mut tx, site).await? == Standing::AtHome {
        return Ok(None);
    }
    publishing::hold_all(&mut tx, site, by).await?;
    let letters = notices::end_waiting(&mut tx, before, site.now()).await?;
    subscribers::forget_held_back(&mut tx, before).await?;
    let sessions = sessions::end_all_but(&mut tx, keep).await?;
    let links = accounts::void_all_links(&mut tx).await?;
    origin::confirm(&mut tx, site, &place, positions).await?;
    audit_log::record(&mut tx, site, by, "restored a backup", "", &site.url("/")).await?;
    let report = Report {
        at: site.now(),
        held: publishing::held_in(&mut tx).await?.iter().map(Line::new).collect(),
        drafts: publishing::drafts_in(&mut tx).await?.iter().map(Line::new).collect(),
        letters,
        sessions,
        links,
        newest,
        team: team(site).await?,
        suppressed: Suppressions::new(site).count(before).await?.0,
    };
    let json = serde_json::to_string(&report).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    origin::restored(&mut tx, before, &json).await?;
    tx.commit().await?;
    Ok(Some(report))
}

/// Somebody said that the database is the magazine itself, and is at home here from now on, with the files of `positions`;
/// `false`, and what was said stands, once somebody has said before what it is.
pub async fn moved(site: &Site, by: Option<i64>, positions: Option<&Positions>) -> db::Result<bool> {
    let place = origin::place(&site.db).await?;
    let mut tx = site.db.begin().await?;
    if origin::look_in(&mut tx, site).await? == Standing::AtHome {
        return Ok(false);
    }
    origin::confirm(&mut tx, site, &place, positions).await?;
    audit_log::record(&mut tx, site, by, "confirmed the address", "", &site.url("/")).await?;
    tx.commit().await?;
    Ok(true)
}

/// What was said when a backup was last restored.
pub async fn last(site: &Site) -> db::Result<Option<Report>> {
    let report = origin::report(&site.db).await?;
    // What another version said may read otherwise; it is no longer news then.
    Ok(serde_json::from_str(&report).ok())
}

impl Line {
    fn new(edition: &EditionSummary) -> Self {
        let subject = if edition.subject.is_empty() { "(no subject)" } else { &edition.subject };
        Self { subject: subject.to_owned(), public_id: edition.public_id.clone() }
    }
}

async fn team(site: &Site) -> db::Result<Vec<Person>> {
    let members = accounts::members(&site.db).await?.into_iter();
    Ok(members
        .map(|member| Person {
            name: member.name,
            role: member.role.to_string(),
            disabled: member.disabled_at.is_some(),
        })
        .collect())
}

async fn newest(site: &Site, before: Moment) -> db::Result<Newest> {
    Ok(Newest {
        consent: subscribers::newest_consent(&site.db, before).await?,
        suppression: Suppressions::new(site).count(before).await?.1,
        deed: audit_log::latest(&site.db, 100).await?.iter().map(|line| line.at).find(|at| *at <= before),
        gift: donations::newest_gift(&site.db, before).await?,
    })
}
