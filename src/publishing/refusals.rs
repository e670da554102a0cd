//! Domains that take nothing of an edition for long: people hear of it while there is time to do something.

use std::time::Duration;

use super::{Result, load, owners};
use crate::{
    clock::Zone,
    db::Db,
    delivery::{self, Refusing},
    mail::NothingTaken,
    settings::Settings,
    site::Site,
    staff,
};

/// A letter names no more of them; those with the most readers come first.
const MOST: usize = 10;
/// What is found so soon after a letter about the same edition waits for the next.
const BETWEEN_LETTERS: Duration = Duration::from_secs(6 * 3_600);

/// An edition and a domain that has taken nothing for long.
#[derive(Clone, Debug)]
pub struct TakesNothing {
    /// What it says, and for how long it will be asked.
    pub refusing: Refusing,
    /// The edition's subject.
    pub subject: String,
}

/// Editions that have waited for long for a domain which takes nothing.
pub async fn taking_nothing(site: &Site) -> Result<Vec<TakesNothing>> {
    let mut all = Vec::new();
    for refusing in delivery::refusing(site).await? {
        let subject = subject(&site.db, refusing.edition_id).await?;
        all.push(TakesNothing { refusing, subject });
    }
    Ok(all)
}

async fn subject(db: &Db, edition: i64) -> Result<String> {
    Ok(load(db, edition).await?.content.subject)
}

/// Tells the owners, and who pressed Send, of domains that take nothing of an edition: one letter for all that were found, and
/// each domain once for an edition. Returns how many letters' worth that was; what nobody could be told is told once somebody
/// can be.
pub async fn tell_of_refusals(site: &Site) -> Result<usize> {
    let all = delivery::refusing(site).await?;
    let mut told = 0;
    for of_edition in all.chunk_by(|one, next| one.edition_id == next.edition_id) {
        // Where many domains turn us away, their days are over one after the other, and each would be a letter.
        let latest = of_edition.iter().filter_map(|one| one.told_at).max();
        let untold: Vec<&Refusing> = of_edition.iter().filter(|one| one.told_at.is_none()).collect();
        if !untold.is_empty() && latest.is_none_or(|at| site.now().since(at) >= BETWEEN_LETTERS) {
            told += usize::from(tell_of(site, &untold).await?);
        }
    }
    Ok(told)
}

async fn tell_of(site: &Site, all: &[&Refusing]) -> Result<bool> {
    let Some(Refusing { edition_id, public_id, .. }) = all.first() else { return Ok(false) };
    let settings = Settings::load(&site.db).await?;
    let people = owners::responsible(site, *edition_id).await?;
    let subject = subject(&site.db, *edition_id).await?;
    let mut counted = Vec::new();
    for &one in all {
        counted.push((delivery::readers_waiting(site, one).await?, one));
    }
    counted.sort_by_key(|(readers, _)| -readers);
    let mut tx = site.db.begin().await?;
    let mut domains = Vec::new();
    for (readers, one) in counted {
        if delivery::tell_of_refusing(&mut tx, site, one).await? {
            domains.push(paragraph(one, readers, &settings.time_zone));
        }
    }
    if domains.is_empty() {
        return Ok(false);
    }
    if domains.len() > MOST {
        let others = domains.split_off(MOST).len();
        domains.push(format!("It is the same with {others} more; the edition's page says how many wait."));
    }
    let letterhead = settings.letterhead(site);
    let context = NothingTaken {
        sender: letterhead.sender.clone(),
        subject,
        domains,
        edition_url: site.url(&format!("/desk/editions/{public_id}")),
    };
    let fact = format!("refused:{edition_id}:{}", site.now().0);
    let is_told = staff::tell(&mut tx, (site, &letterhead), &people, &fact, &context).await?;
    if is_told {
        tx.commit().await?;
    }
    Ok(is_told)
}

fn paragraph(refusing: &Refusing, readers: i64, zone: &Zone) -> String {
    let wait = if readers == 1 { "1 reader waits".to_owned() } else { format!("{readers} readers wait") };
    format!(
        "{} has taken nothing since {}. {wait} for it. It says: {}. What it has not taken by {} is given up.",
        refusing.domain_key,
        refusing.refused_since.date_time(zone),
        refusing.words.trim_end_matches('.'),
        refusing.given_up_at().date_time(zone)
    )
}
