//! Editions that do not go out at their moment. It was missed: a machine that was off, a backup that was restored; news is
//! not sent days late by itself. Or no mail can be made of it. The edition is held, and the owners and who pressed Send are
//! told, each by one mail (TRUST T10).

use std::time::Duration;

use super::{Result, load, owners};
use crate::{
    editions::{self, DueEdition, HeldBecause},
    mail::EditionHeld,
    settings::Settings,
    site::Site,
    staff,
};

/// Whether an edition comes up later than the settings let it go out by itself.
pub(super) fn is_too_late(site: &Site, settings: &Settings, due: &DueEdition) -> bool {
    let most = u64::try_from(settings.late_hours).unwrap_or(0) * 3_600;
    site.now().since(due.send_at) > Duration::from_secs(most)
}

/// Holds it and tells them, in one transaction; nothing if somebody moved it meanwhile.
pub(super) async fn hold(
    site: &Site,
    settings: &Settings,
    due: &DueEdition,
    because: HeldBecause,
) -> Result<()> {
    let edition = load(&site.db, due.id).await?;
    let people = owners::responsible(site, due.id).await?;
    let mut tx = site.db.begin().await?;
    if !editions::hold(&mut tx, site, due, because).await? {
        return Ok(());
    }
    let letterhead = settings.letterhead(site);
    let context = EditionHeld {
        sender: letterhead.sender.clone(),
        subject: edition.content.subject.clone(),
        due: due.send_at.date_time(&settings.time_zone),
        is_broken: because == HeldBecause::Broken,
        edition_url: site.url(&format!("/desk/editions/{}", edition.public_id)),
    };
    let fact = format!("held:{}:{}", edition.id, due.send_at.0);
    staff::tell(&mut tx, (site, &letterhead), &people, &fact, &context).await?;
    tx.commit().await?;
    tracing::warn!(edition = edition.id, %because, "an edition is held back; the desk releases it");
    Ok(())
}
