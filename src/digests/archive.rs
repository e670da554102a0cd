//! Editions that went out, for readers: the archive of public lists, and one's own copy in the browser.

use super::{Edition, EditionSummary, Error, Result, load_revision, store};
use crate::{
    db::{self, Db},
    delivery::ledger,
};

/// Editions that went out on public lists, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn archive(db: &Db, limit: i64) -> db::Result<Vec<EditionSummary>> {
    store::archive(db, limit).await
}

/// An edition of the archive by its public id.
///
/// # Errors
/// [`Error::NotFound`] for drafts, for private lists and for what never was.
pub async fn in_archive(db: &Db, public_id: &str) -> Result<Edition> {
    let id = store::in_archive(db, public_id).await?.ok_or(Error::NotFound)?;
    // A correction that was written and not sent is nobody's yet.
    let (newest, _) = store::frozen(db, id).await?;
    load_revision(db, id, newest).await
}

/// The edition in the revision that a reader was sent a copy of, for "read in your browser".
///
/// # Errors
/// [`Error::NotFound`] when the reader is not in its audience.
pub async fn sent_to(db: &Db, edition_id: i64, subscriber_id: i64) -> Result<Edition> {
    let copy = ledger::copy(db, edition_id, subscriber_id).await?.ok_or(Error::NotFound)?;
    load_revision(db, edition_id, copy.revision).await
}
