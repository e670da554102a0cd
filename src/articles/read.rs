//! Finding articles: for readers only what is published by now, for the desk everything.

use std::collections::HashMap;

use super::{Article, ArticleId, ArticleState, ArticleTopic, store};
use crate::{
    clock::Moment,
    db::{Db, Result},
    email_address::folded,
    site::Site,
};

/// The place in a list from which on it is read: after the last article of the page before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before(pub Moment, pub ArticleId);

impl Before {
    fn key(place: Option<Self>) -> (Moment, ArticleId) {
        place.map_or((Moment(i64::MAX), ArticleId(i64::MAX)), |place| (place.0, place.1))
    }
}

/// The newest published articles.
pub async fn latest(site: &Site, limit: i64) -> Result<Vec<Article>> {
    page(site, None, None, limit).await
}

/// Published articles, newest first, of one topic (by its slug) or all, from a place on.
pub async fn page(
    site: &Site,
    topic: Option<&str>,
    before: Option<Before>,
    limit: i64,
) -> Result<Vec<Article>> {
    store::published_page(&site.db, site.now(), Before::key(before), topic.unwrap_or(""), limit).await
}

/// Every article, drafts too, newest first, from a place on; `search` is looked for in titles and bylines, in any
/// script and case.
pub async fn desk_page(db: &Db, search: &str, before: Option<Before>, limit: i64) -> Result<Vec<Article>> {
    store::desk_page(db, Before::key(before), &folded(search.trim()), limit).await
}

/// Folds the articles that wait for it: those of an earlier version, and those that were changed by who does not fold.
///
/// # Errors
/// When the database fails; what was folded stays.
pub async fn fold_waiting(site: &Site) -> Result<()> {
    const CHUNK: i64 = 200;
    let mut after = 0;
    loop {
        let articles = store::waiting(&site.db, after, CHUNK).await?;
        let Some((last, ..)) = articles.last() else { return Ok(()) };
        after = *last;
        let mut tx = site.db.begin().await?;
        store::fold(&mut tx, &articles).await?;
        tx.commit().await?;
    }
}

/// Compares the links of the articles that wait for it, as [`fold_waiting`] folds: those of an earlier version, and those that got another.
///
/// # Errors
/// When the database fails; what was done stays.
pub async fn key_waiting(site: &Site) -> Result<()> {
    const CHUNK: i64 = 200;
    let mut after = 0;
    loop {
        let articles = store::unkeyed(&site.db, after, CHUNK).await?;
        let Some((last, _)) = articles.last() else { return Ok(()) };
        after = *last;
        let mut tx = site.db.begin().await?;
        store::key(&mut tx, &articles).await?;
        tx.commit().await?;
    }
}

/// The article of that name, whatever its state.
pub async fn by_slug(db: &Db, slug: &str) -> Result<Option<Article>> {
    store::by_slug(db, slug).await
}

/// The article of that name, if readers may see it by now.
pub async fn published_by_slug(site: &Site, slug: &str) -> Result<Option<Article>> {
    let found = store::by_slug(&site.db, slug).await?;
    Ok(found.filter(|article| article.state == ArticleState::Published && article.published_at <= site.now()))
}

/// One article.
pub async fn by_id(db: &Db, id: ArticleId) -> Result<Option<Article>> {
    Ok(store::by_ids(db, &[id]).await?.pop())
}

/// These articles, in the order of the ids; ids of none are left out.
pub async fn by_ids(db: &Db, ids: &[ArticleId]) -> Result<Vec<Article>> {
    let found = store::by_ids(db, ids).await?;
    let mut found: HashMap<ArticleId, Article> =
        found.into_iter().map(|article| (article.id, article)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// The topics that readers can choose among: those with a published article.
pub async fn topics(db: &Db) -> Result<Vec<ArticleTopic>> {
    store::topics(db).await
}
