//! Sealing: from a scheduled edition to one delivery for every reader of its list.
//!
//! The body is compiled and frozen first; then the readers are written down in chunks, in the order of their keys, each
//! chunk in a transaction that also moves the edition's cursor from where this worker saw it. So a crash between two
//! chunks loses and repeats nothing, and of two workers at the same chunk one finds the cursor moved and writes nothing.
//! Workers send only what is `sending`: nobody gets a copy before the last chunk is written.

use super::{Error, Result, issue, store};
use crate::{
    delivery::ledger::{self, NewDelivery},
    mail::Templates,
    site::Site,
    staff::Settings,
    subscribers,
};

/// How many readers one transaction writes down.
pub const CHUNK: i64 = 1_000;

/// Seals every edition whose moment has come, and those that a process left half sealed. Returns how many it finished.
///
/// # Errors
/// When the database fails. An edition that cannot be made into a mail is logged and does not stop the others.
pub async fn seal_due(site: &Site, templates: &Templates) -> Result<usize> {
    let mut sealed = 0;
    for edition_id in store::due(&site.db, site.now()).await? {
        match seal(site, templates, edition_id).await {
            Ok(true) => sealed += 1,
            Ok(false) => {}
            Err(Error::Database(error)) => return Err(error.into()),
            Err(error) => tracing::error!(edition_id, %error, "an edition cannot be made into a mail"),
        }
    }
    Ok(sealed)
}

/// Whether it was this call that finished the sealing.
async fn seal(site: &Site, templates: &Templates, edition_id: i64) -> Result<bool> {
    let edition = super::load(&site.db, edition_id).await?;
    if edition.state.is_scheduled() && !freeze(site, templates, &edition).await? {
        return Ok(false);
    }
    while let Some(done) = write_chunk(site, edition_id).await? {
        if done {
            tracing::info!(edition_id, "edition sealed");
            return Ok(true);
        }
    }
    Ok(false)
}
