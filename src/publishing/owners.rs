//! What the owners are told by mail, whether or not they look at the desk: an edition that was held back, or that paused by
//! itself.

use super::{Result, load, store};
use crate::{
    editions,
    mail::EditionPaused,
    settings::Settings,
    site::Site,
    staff::{
        Role,
        accounts::{self, Member},
        letters,
    },
};

/// The owners, and who pressed Send for an edition: it is theirs to see that it arrives.
pub(super) async fn responsible(site: &Site, edition_id: i64) -> Result<Vec<Member>> {
    let pressed = store::pressed_by(&site.db, edition_id).await?;
    let mut members = accounts::members(&site.db).await?;
    members.retain(|one| one.disabled_at.is_none() && (one.role == Role::Owner || Some(one.id) == pressed));
    Ok(members)
}

/// Tells the owners, and who pressed Send, of editions that the engine paused by itself, once for each pause (TRUST M23, M28). Returns how many
/// editions that were; what nobody could be told is told once somebody can be.
///
/// # Errors
/// When the database fails.
pub async fn tell_of_pauses(site: &Site) -> Result<usize> {
    let mut told = 0;
    for id in editions::paused_untold(&site.db).await? {
        let settings = Settings::load(&site.db).await?;
        let (edition, people) = (load(&site.db, id).await?, responsible(site, id).await?);
        let mut tx = site.db.begin().await?;
        if !editions::tell_of_pause(&mut tx, id).await? {
            continue;
        }
        let letterhead = settings.letterhead(site);
        let context = EditionPaused {
            sender: letterhead.sender.clone(),
            subject: edition.content.subject.clone(),
            why: edition.held_because.clone(),
            edition_url: site.url(&format!("/desk/editions/{}", edition.public_id)),
        };
        let fact = format!("paused:{id}:{}", site.now().0);
        if letters::tell(&mut tx, (site, &letterhead), &people, &fact, &context).await? {
            tx.commit().await?;
            told += 1;
        }
    }
    Ok(told)
}
