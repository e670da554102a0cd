//! Copies of an edition that came back for good in a number that cannot be true: what somebody at the desk decides of them.
//!
//! The rule: nobody is stopped before somebody decided; what they decided is done to its end, also after a crash in between.

use super::{Edition, Error, Result, find, load, owners, store};
use crate::{
    db::{self, Db},
    delivery::{self, Decision, Mass},
    editions::{self, Deed, MovedBy},
    mail::CopiesCameBack,
    settings::Settings,
    site::Site,
    staff,
};

/// How many readers one transaction stops.
const CHUNK: i64 = 100;

/// An edition whose copies came back, and the words that mail providers say most often.
#[derive(Clone, Debug)]
pub struct Returned {
    pub edition: Edition,
    /// How many came back, and of how many.
    pub mass: Mass,
    /// The words, without addresses.
    pub words: String,
}

/// Those that wait for a decision, the newest first.
pub async fn returned(site: &Site) -> Result<Vec<Returned>> {
    let mut all = Vec::new();
    for mass in delivery::waiting_returned(&site.db).await? {
        all.push(one(site, mass).await?);
    }
    Ok(all)
}

async fn one(site: &Site, mass: Mass) -> Result<Returned> {
    let edition = load(&site.db, mass.edition_id).await?;
    Ok(Returned { edition, mass, words: delivery::words_of_returned(&site.db, mass.edition_id).await? })
}

/// Decides of one of them, and of what still comes back of it; of what came since it was looked at only that it waits. Returns
/// of how many readers something came since.
///
/// # Errors
/// [`Error::NotAsSeen`] when somebody else decided before.
pub async fn decide_returned(
    site: &Site,
    public_id: &str,
    decision: Decision,
    staff_id: Option<i64>,
) -> Result<i64> {
    let edition = find(&site.db, public_id).await?;
    let mut tx = site.db.begin().await?;
    let since =
        delivery::decide_on_returned(&mut tx, site, edition.id, decision).await?.ok_or(Error::NotAsSeen)?;
    let said = match decision {
        Decision::Gone { .. } => Deed::SaidReadersGone,
        Decision::Kept => Deed::SaidReadersNotGone,
    };
    editions::record(&mut tx, site, public_id, said, MovedBy::staff(staff_id)).await?;
    tx.commit().await?;
    if matches!(decision, Decision::Gone { .. }) {
        stop(site, edition.id).await?;
    }
    Ok(since)
}

async fn stop(site: &Site, edition: i64) -> db::Result<()> {
    loop {
        let stopped = db::again(|| async {
            let mut tx = site.db.begin().await?;
            let stopped = delivery::stop_some_returned(&mut tx, site, edition, CHUNK).await?;
            tx.commit().await?;
            Ok::<_, sqlx::Error>(stopped)
        })
        .await?;
        if stopped == 0 {
            return Ok(());
        }
    }
}

/// Whether the edition stands still for the same refusals: then its pause tells of them, and not both.
pub async fn is_told_by_its_pause(db: &Db, edition_id: i64) -> db::Result<bool> {
    store::paused_by_refusals(db, edition_id).await
}

/// Tells the owners, and who pressed Send, of copies that came back, once for each edition; and does to its end what was decided
/// when a crash came in between. Returns how many editions were told of.
pub async fn tell_of_returned(site: &Site) -> Result<usize> {
    for edition in delivery::unfinished_returned(&site.db).await? {
        stop(site, edition).await?;
    }
    let mut told = 0;
    for id in delivery::untold_returned(&site.db).await? {
        // The same event paused it: people have a letter about that, and its page leads to where this is decided. If it goes on
        // and this is still to be decided, they are told then.
        if is_told_by_its_pause(&site.db, id).await? {
            continue;
        }
        let Some(mass) =
            delivery::waiting_returned(&site.db).await?.into_iter().find(|mass| mass.edition_id == id)
        else {
            continue;
        };
        let settings = Settings::load(&site.db).await?;
        let (returned, people) = (one(site, mass).await?, owners::responsible(site, id).await?);
        let mut tx = site.db.begin().await?;
        if !delivery::tell_of_returned(&mut tx, id).await? {
            continue;
        }
        let letterhead = settings.letterhead(site);
        let context = CopiesCameBack {
            sender: letterhead.sender.clone(),
            subject: returned.edition.content.subject.clone(),
            copies: mass.failures,
            of: mass.ended,
            words: returned.words,
            bounces_url: site.url("/desk/bounces"),
        };
        let fact = format!("returned:{id}:{}", mass.since.0);
        if staff::tell(&mut tx, (site, &letterhead), &people, &fact, &context).await? {
            tx.commit().await?;
            told += 1;
        }
    }
    Ok(told)
}
