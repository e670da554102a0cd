//! The bin: articles that somebody deleted. Readers see them no more, no list of the desk shows them, and for 30 days they come back as
//! they were; then nothing is left of them but the names by which their feed, or a link, would bring them back.
//!
//! The rule: what is deleted is a draft, so that whatever looks for published articles finds none; it has another version, so that an
//! edition in the making is looked at again; and an edition that went out keeps what was sent.

use std::time::Duration;

use super::{
    edit::ArticleError,
    read::Before,
    rows::{ArticleId, DeletedArticle},
    store::{self, bin as rows},
};
use crate::{
    audit_log,
    clock::Moment,
    db::{self, Db, Tx},
    site::Site,
};

/// How long what is deleted can be brought back.
pub const BIN_LASTS: Duration = Duration::from_secs(30 * 86_400);

impl DeletedArticle {
    /// Until when it can be brought back.
    #[must_use]
    pub fn until(&self) -> Moment {
        self.deleted_at.plus(BIN_LASTS)
    }
}

/// Puts an article into the bin, in the version that somebody saw, in the caller's transaction. An edition may have been approved with
/// it: the desk goes through [`publishing::delete_article`](crate::publishing::delete_article), which asks.
///
/// # Errors
/// [`ArticleError::Changed`] when it is another version by now.
pub async fn delete(
    tx: &mut Tx,
    site: &Site,
    (id, version): (ArticleId, i64),
    staff_id: Option<i64>,
) -> Result<(), ArticleError> {
    let Some(title) = rows::delete(tx, (id, version), site.now()).await? else {
        let there = store::is_there(tx, id).await?;
        return Err(if there { ArticleError::Changed } else { ArticleError::NotFound });
    };
    Ok(audit_log::record(tx, site, staff_id, "deleted an article", &title, "").await?)
}

/// Brings one back out of the bin, as it stood. Whether it was there.
pub async fn bring_back(site: &Site, id: ArticleId, staff_id: Option<i64>) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    let Some(title) = rows::bring_back(&mut tx, id, site.now()).await? else { return Ok(false) };
    audit_log::record(&mut tx, site, staff_id, "brought an article back", &title, "").await?;
    tx.commit().await?;
    Ok(true)
}

/// What lies in the bin, the last deleted first, from a place on.
pub async fn bin_page(db: &Db, before: Option<Before>, limit: i64) -> db::Result<Vec<DeletedArticle>> {
    let before = before.map_or((Moment(i64::MAX), ArticleId(i64::MAX)), |place| (place.0, place.1));
    rows::bin(db, before, limit).await
}

/// The article, if it lies in the bin.
pub async fn find_deleted(db: &Db, id: ArticleId) -> db::Result<Option<DeletedArticle>> {
    rows::deleted(db, id).await
}

/// Which of these were deleted.
pub async fn deleted_among(db: &Db, ids: &[ArticleId]) -> db::Result<Vec<ArticleId>> {
    rows::deleted_among(db, ids).await
}
