//! Editions whose moment was missed: a machine that was off, a backup that was restored. News is not sent days late by
//! itself; the edition is held, and the owners are told, each by one mail (TRUST T10).

use std::time::Duration;

use super::{Result, load, owners};
use crate::{
    delivery::editions::{self, DueEdition},
    mail::EditionHeld,
    site::Site,
    staff::{Settings, audit},
};

/// Whether an edition comes up later than the settings let it go out by itself.
pub(super) fn is_too_late(site: &Site, settings: &Settings, due: &DueEdition) -> bool {
    let most = u64::try_from(settings.late_hours).unwrap_or(0) * 3_600;
    site.now().since(due.send_at) > Duration::from_secs(most)
}

/// Holds it and tells the owners, in one transaction; nothing if somebody moved it meanwhile.
pub(super) async fn hold(site: &Site, settings: &Settings, due: &DueEdition) -> Result<()> {
    let edition = load(&site.db, due.id).await?;
    let owners = owners::owners(site).await?;
    let mut tx = site.db.begin().await?;
    if !editions::hold_late(&mut tx, site, due).await? {
        return Ok(());
    }
    let subject = format!("edition {}", edition.public_id);
    let detail = format!("it was to go out at {}", due.send_at);
    audit::record(&mut tx, site, None, "held back", &subject, &detail).await?;
    let context = EditionHeld {
        sender: settings.sender(site),
        subject: edition.content.subject.clone(),
        due: due.send_at.date_time(&settings.time_zone),
        edition_url: site.url(&format!("/desk/editions/{}", edition.public_id)),
    };
    let fact = format!("held:{}:{}", edition.id, due.send_at.0);
    owners::tell(&mut tx, site, settings, &owners, &fact, &context).await?;
    tx.commit().await?;
    tracing::warn!(
        edition = edition.id,
        "an edition came up too late and is held back; the desk releases it"
    );
    Ok(())
}
