//! What the owners are told by mail, whether or not they look at the desk: an edition that was held back, or that paused by
//! itself.

use super::{Result, load, store};
use crate::{
    editions,
    mail::EditionPaused,
    queue::{self, Due, Happened, Telling},
    settings::Settings,
    site::Site,
    staff::{self, Member, Role},
};

/// The owners, and who pressed Send for an edition: it is theirs to see that it arrives.
pub(super) async fn responsible(site: &Site, edition_id: i64) -> Result<Vec<Member>> {
    let pressed = store::pressed_by(&site.db, edition_id).await?;
    let mut team = staff::team(&site.db).await?;
    team.retain(|one| one.role == Role::Owner || Some(one.id) == pressed);
    Ok(team)
}

/// Tells the owners, and who pressed Send, that the engine paused an edition, once for each pause (TRUST M23, M28).
pub async fn tell_of_pause(site: &Site, news: &Due<Happened>) -> Result<Telling> {
    let Ok(id) = news.what.subject.parse() else { return Ok(Telling::NotSo) };
    let settings = Settings::load(&site.db).await?;
    let (edition, people) = (load(&site.db, id).await?, responsible(site, id).await?);
    let mut tx = site.db.begin().await?;
    // The edition before the news of it, as whoever pauses it takes them.
    let Some(why) = editions::paused_because(&mut tx, id).await? else { return Ok(Telling::NotSo) };
    if !queue::news_told(&mut tx, news, site.now()).await? {
        return Ok(Telling::NotSo);
    }
    let letterhead = settings.letterhead(site);
    let context = EditionPaused {
        sender: letterhead.sender.clone(),
        subject: edition.content.subject.clone(),
        why,
        edition_url: site.url(&format!("/desk/editions/{}", edition.public_id)),
    };
    let fact = format!("paused:{id}:{}", news.since.0);
    if !staff::tell(&mut tx, (site, &letterhead), &people, &fact, &context).await? {
        return Ok(Telling::NobodyThere);
    }
    tx.commit().await?;
    Ok(Telling::Written)
}
