//! Which article a gift came from: the one under which somebody was asked. A regular donation and all that follows of it came from
//! where it began.

use super::{lines::Total, store::from_articles as store};
use crate::{
    articles::ArticleId,
    db::{Db, Result},
};

/// Where a gift came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiftArticle {
    /// None once the article is deleted.
    pub id: Option<ArticleId>,
    /// As it was called then.
    pub title: String,
}

/// The article that a gift came from, if it came from one.
pub async fn article_of(db: &Db, donation_id: i64) -> Result<Option<GiftArticle>> {
    let found = store::article_of(db, donation_id).await?;
    Ok(found.map(|(id, title)| GiftArticle { id: id.map(ArticleId), title }))
}

/// What came from an article so far, in each currency, without what came back of it.
pub async fn from_article(db: &Db, id: ArticleId) -> Result<Vec<Total>> {
    store::from_article(db, id.0).await
}
