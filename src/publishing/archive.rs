//! Editions that went out, for readers: the archive of public lists, and one's own copy in the browser.

use super::{EditionSummary, Error, Result, store};
use crate::{
    clock::Moment,
    db::{self, Db},
    delivery::{self, CopyId},
    links::Name,
    site::Site,
};

/// Editions that went out on public lists, the newest first, from a place on: after one that was sealed then.
pub async fn archive(db: &Db, before: Option<(Moment, i64)>, limit: i64) -> db::Result<Vec<EditionSummary>> {
    store::archive(db, before.unwrap_or((Moment(i64::MAX), i64::MAX)), limit).await
}

/// An edition of the archive as it was mailed, addressed to nobody. A correction that was written and not sent is nobody's
/// yet; an article that changed since is as it was.
///
/// # Errors
/// [`Error::NotFound`] for drafts, for private lists and for what never was.
pub async fn in_archive(site: &Site, public_id: &str) -> Result<String> {
    let id = store::in_archive(&site.db, public_id).await?.ok_or(Error::NotFound)?;
    let here = site.url(&format!("/archive/{public_id}"));
    delivery::public_html(site, id, &here).await?.ok_or(Error::NotFound)
}

/// The copy that a link names.
///
/// # Errors
/// [`Error::NotFound`] when the edition or the reader is not known.
pub async fn linked_copy(site: &Site, edition: &Name<'_>, subscriber: &Name<'_>) -> Result<CopyId> {
    delivery::copy_by_link(&site.db, edition, subscriber).await?.ok_or(Error::NotFound)
}

/// A reader's copy as it was mailed, for "read in your browser"; addressed to nobody, since readers hand the link on. `here` is
/// its own address.
///
/// # Errors
/// [`Error::NotFound`] when the reader is not in its audience.
pub async fn copy_of(site: &Site, edition_id: i64, subscriber_id: i64, here: &str) -> Result<String> {
    delivery::copy_html(site, edition_id, subscriber_id, here).await?.ok_or(Error::NotFound)
}
