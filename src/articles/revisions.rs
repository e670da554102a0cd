//! The versions of an article: each Save is one, and what a feed brought is one before somebody changes it.
//!
//! The rule: they are written in the transaction of the change, so none is missing, and the newest hundred stay. Going back to one is to open
//! it in the form and to save it: then it is a new one, and nothing is lost.

use super::{
    ArticleId,
    kept::{Revision, RevisionLine},
    store::writing as store,
    text::ArticleText,
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
};

/// So many are kept of an article.
const KEPT: i64 = 100;

/// The versions of an article that are kept, the newest first.
pub async fn revisions(db: &Db, id: ArticleId) -> Result<Vec<RevisionLine>> {
    store::revisions(db, id).await
}

/// One of them.
pub async fn revision(db: &Db, id: ArticleId, version: i64) -> Result<Option<Revision>> {
    store::revision(db, id, version).await
}

/// The one that it took the place of.
pub async fn revision_before(db: &Db, id: ArticleId, version: i64) -> Result<Option<Revision>> {
    store::revision_before(db, id, version).await
}

/// In the transaction of a change: keeps what the article became, and forgets the oldest.
pub(super) async fn keep(
    tx: &mut Tx,
    (id, version): (ArticleId, i64),
    staff_id: Option<i64>,
    at: Moment,
    text: &ArticleText,
) -> Result<()> {
    store::keep_revision(tx, (id, version), staff_id, at, &text.to_json()).await?;
    if version > KEPT {
        store::forget_revisions(tx, id, version - KEPT).await?;
    }
    Ok(())
}
