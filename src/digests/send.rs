//! Pressing Send, and the minute in which it can be undone.
//!
//! Nothing goes out until someone presses Send, and the ledger of deliveries is not written before the minute is over.
//! Of two people who press, one wins and the other is told so: the state moves in one conditional statement.

use std::time::Duration;

use super::{Error, Problem, Result, preflight, store};
use crate::{
    clock::Moment,
    delivery::editions,
    mail::Templates,
    site::Site,
    staff::{Settings, audit},
};

/// How long Send can be undone.
pub const UNDO: Duration = Duration::from_secs(60);

/// Schedules the revision that the sender saw: after the minute to undo, or at a later moment. Returns when it goes out.
///
/// # Errors
/// [`Error::NotReady`] with everything that is in the way, [`Error::Changed`] when someone saved another revision since,
/// [`Error::AlreadyPressed`] when someone else was first.
pub async fn press_send(
    site: &Site,
    templates: &Templates,
    edition_id: i64,
    revision: i64,
    later: Option<Moment>,
    staff_id: i64,
) -> Result<Moment> {
    let settings = Settings::load(&site.db).await?;
    let problems = preflight(site, templates, &settings, edition_id).await?;
    if problems.iter().any(Problem::is_in_the_way) {
        return Err(Error::NotReady(problems));
    }
    let send_at = later.unwrap_or_default().max(site.now().plus(UNDO));
    let mut tx = site.db.begin().await?;
    let stand = store::stand(&mut tx, edition_id).await?.ok_or(Error::NotFound)?;
    if !stand.is_draft() {
        return Err(Error::AlreadyPressed);
    }
    if stand.revision != revision {
        return Err(Error::Changed);
    }
    editions::schedule(&mut tx, site, edition_id, send_at, staff_id).await?;
    tx.commit().await?;
    Ok(send_at)
}

/// Takes a press of Send back while the edition waits for its moment; it is a draft again.
///
/// # Errors
/// [`Error::TooLate`] once it is locked.
pub async fn undo(site: &Site, edition_id: i64, staff_id: i64) -> Result<()> {
    let mut tx = site.db.begin().await?;
    editions::unschedule(&mut tx, site, edition_id, staff_id).await?;
    tx.commit().await?;
    Ok(())
}
