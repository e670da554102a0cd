//! A backup was restored: what has to be held, ended and told before anything goes out from it.
//!
//! The rule: a backup is the past. It does not know who left, who was mailed, who gave and who was shut out since, so
//! nothing of what it would do by itself is done without being asked, and no key that it holds opens a door (TRUST T10).

use crate::{
    clock::Moment,
    db,
    delivery::{
        notices, origin,
        suppression::Suppressions,
        workers::{self, Lock},
    },
    digests::{self, EditionSummary},
    donations,
    site::Site,
    staff::{
        accounts::{self, Member},
        audit, sessions,
    },
    subscribers,
};

/// What was done, and what nobody but people can know.
#[derive(Clone, Debug)]
pub struct Report {
    /// Editions that would have gone out by themselves; each waits at the desk for a decision.
    pub held: Vec<EditionSummary>,
    /// Drafts: any of them may have been sent since.
    pub drafts: Vec<EditionSummary>,
    /// Automatic emails that waited when the copy was made, by template: not sent, for most of them were.
    pub letters: Vec<(String, i64)>,
    /// Sessions at the desk that were ended.
    pub sessions: u64,
    /// Invitations and sign-in links that were voided.
    pub links: u64,
    /// The newest things that the copy knows.
    pub newest: Newest,
    /// The team as the copy has it: somebody may have been shut out, or joined, since.
    pub team: Vec<Member>,
    /// How many addresses the copy knows that are not to be mailed.
    pub suppressed: i64,
}

/// When the copy last heard of each kind of thing: what happened later is lost with what was after it.
#[derive(Clone, Copy, Debug, Default)]
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

/// Holds, ends and voids all that, in one transaction, and settles the database here. `keep` is the session of whoever says
/// so at the desk; `lock` is the proof that nothing else runs, where the command line says so.
///
/// # Errors
/// When the database fails; then nothing was changed.
pub async fn restored(
    site: &Site,
    by: Option<i64>,
    keep: Option<&str>,
    lock: Option<&Lock>,
) -> Result<Report, digests::Error> {
    let newest = newest(site).await?;
    let place = origin::place(&site.db).await?;
    // What a worker had begun when the copy was made is given back as in doubt, or waiting, before anything is counted.
    workers::take_back_from_the_dead(site, lock).await?;
    let mut tx = site.db.begin().await?;
    digests::hold_all(&mut tx, site, by).await?;
    let letters = notices::end_waiting(&mut tx, site.now()).await?;
    let sessions = sessions::end_all_but(&mut tx, keep).await?;
    let links = 0;
    origin::restored(&mut tx, site.now()).await?;
    origin::confirm(&mut tx, site, &place).await?;
    audit::record(&mut tx, site, by, "restored a backup", "", &site.url("/")).await?;
    tx.commit().await?;
    Ok(Report {
        held: digests::held(&site.db).await?,
        drafts: digests::drafts(&site.db).await?,
        letters,
        sessions,
        links,
        newest,
        team: accounts::members(&site.db).await?,
        suppressed: Suppressions::new(site).count().await?.0,
    })
}

async fn newest(site: &Site) -> db::Result<Newest> {
    Ok(Newest {
        consent: subscribers::newest_consent(&site.db).await?,
        suppression: Suppressions::new(site).count().await?.1,
        deed: audit::latest(&site.db, 1).await?.first().map(|line| line.at),
        gift: donations::newest_gift(&site.db).await?,
    })
}
