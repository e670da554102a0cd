//! Finding articles: for readers only what is published by now, for the desk everything.

use std::collections::HashMap;

use super::{Article, ArticleId, ArticleState, ArticleTopic, desk_look::DeskLook, store, store::public};
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

/// Whose articles a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of<'a> {
    /// Everybody's.
    All,
    /// Those of the topic of that slug.
    Topic(&'a str),
    /// Those of the author of that slug.
    Author(&'a str),
}

/// An article that readers see: which, and when it last changed.
pub type Public = (ArticleId, Moment);

/// Which articles readers see, newest first, from a place on; nothing of their texts is read.
pub async fn newest(site: &Site, of: Of<'_>, before: Option<Before>, limit: i64) -> Result<Vec<Public>> {
    let (db, now, before) = (&site.db, site.now(), Before::key(before));
    match of {
        Of::All => public::newest(db, now, before, limit).await,
        Of::Topic(slug) => public::newest_of_topic(db, now, before, limit, slug).await,
        Of::Author(slug) => public::newest_of_author(db, now, before, limit, slug).await,
    }
}

/// The same articles whole.
pub async fn page_of(site: &Site, of: Of<'_>, before: Option<Before>, limit: i64) -> Result<Vec<Article>> {
    let ids: Vec<ArticleId> = newest(site, of, before, limit).await?.into_iter().map(|(id, _)| id).collect();
    by_ids(&site.db, &ids).await
}

/// So many numbers of articles make a part of the site map: no part has more addresses than the protocol allows.
pub const SITE_MAP_PART: i64 = 50_000;

/// The parts of the site map in which an article is that readers see.
pub async fn site_map_parts(site: &Site) -> Result<Vec<i64>> {
    /// More parts no site map has.
    const MOST: i64 = 50_000;
    let Some(highest) = public::highest(&site.db).await? else { return Ok(Vec::new()) };
    let among: Vec<i64> = (0..=(highest - 1) / SITE_MAP_PART).take(MOST as usize).collect();
    public::site_map_parts(&site.db, site.now(), &among).await
}

/// What comes behind an article in its part of the site map: its number, its slug, and when it last changed.
pub async fn site_map_part(
    site: &Site,
    part: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String, Moment)>> {
    let first = part.saturating_mul(SITE_MAP_PART);
    public::site_map(&site.db, site.now(), (after.max(first), first.saturating_add(SITE_MAP_PART)), limit)
        .await
}

/// Authors of whom readers see something, by their number, after one of them: number and slug.
pub async fn public_authors(site: &Site, after: i64, limit: i64) -> Result<Vec<(i64, String)>> {
    public::authors_seen(&site.db, site.now(), after, limit).await
}

/// Articles in any state, newest first, from a place on.
pub async fn desk_page(
    site: &Site,
    look: DeskLook<'_>,
    before: Option<Before>,
    limit: i64,
) -> Result<Vec<Article>> {
    let search = folded(look.search.trim());
    let place = Before::key(before);
    let ids = store::desk::numbers(&site.db, &look, &search, place, (site.now(), limit)).await?;
    by_ids(&site.db, &ids).await
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

/// How many drafts feeds brought that nobody published yet, or put away.
pub async fn drafts_of_feeds(db: &Db) -> Result<i64> {
    store::desk::drafts_of_feeds(db).await
}

/// The topics that readers can choose among: those with an article that they see by now.
pub async fn topics(site: &Site) -> Result<Vec<ArticleTopic>> {
    store::topics(&site.db, site.now()).await
}
