//! The SQL of what readers are shown in lists, without the texts: indexes answer all of it.

use super::super::rows::ArticleId;
use crate::{
    clock::Moment,
    db::{self, Db, Result},
    statements,
};

// SQLite is told which index: it knows how many rows there are of nothing, and takes the one that promises most.
statements! {
    /// The newest that readers see, from a place on, and since when each is as it is: one that was to come out later is new since then.
    NEWEST = sqlite "select id, case when published_at > updated_at then published_at else updated_at end from article indexed by article_public_idx where state = 'published' and published_at <= $1 and (published_at, id) < ($2, $3)
        order by published_at desc, id desc limit $4",
        postgres "select id, case when published_at > updated_at then published_at else updated_at end from article where state = 'published' and published_at <= $1 and (published_at, id) < ($2, $3)
        order by published_at desc, id desc limit $4";
    /// Of one topic.
    NEWEST_OF_TOPIC = sqlite "select id, case when published_at > updated_at then published_at else updated_at end from article indexed by article_public_idx where state = 'published' and published_at <= $1 and (published_at, id) < ($2, $3)
        and id in (select article_id from article_topic where topic_id = (select id from topic where slug = $5))
        order by published_at desc, id desc limit $4",
        postgres "select id, case when published_at > updated_at then published_at else updated_at end from article where state = 'published' and published_at <= $1 and (published_at, id) < ($2, $3)
        and id in (select article_id from article_topic where topic_id = (select id from topic where slug = $5))
        order by published_at desc, id desc limit $4";
    /// Of one author.
    NEWEST_OF_AUTHOR = sqlite "select id, case when published_at > updated_at then published_at else updated_at end from article indexed by article_public_idx where state = 'published' and published_at <= $1 and (published_at, id) < ($2, $3)
        and id in (select article_id from article_author where author_id = (select id from author where slug = $5))
        order by published_at desc, id desc limit $4",
        postgres "select id, case when published_at > updated_at then published_at else updated_at end from article where state = 'published' and published_at <= $1 and (published_at, id) < ($2, $3)
        and id in (select article_id from article_author where author_id = (select id from author where slug = $5))
        order by published_at desc, id desc limit $4";
    /// Slugs of the newest.
    NEWEST_SLUGS = sqlite "select id, slug from article indexed by article_public_idx where state = 'published' and published_at <= $1 order by published_at desc, id desc limit $2",
        postgres "select id, slug from article where state = 'published' and published_at <= $1 order by published_at desc, id desc limit $2";
    /// Slugs that begin alike.
    SLUGS_FROM = sqlite "select id, slug from article where slug >= $1 and slug < $2 and +state = 'published' and +published_at <= $3 order by slug limit $4",
        postgres "select id, slug from article where slug >= $1 and slug < $2 and state = 'published' and published_at <= $3 order by slug limit $4";
    /// Which parts of the site map hold an article, of a JSON array of their numbers.
    SITE_MAP_PARTS = sqlite "select value from json_each($1) where exists (select 1 from article indexed by article_site_map_idx
            where state = 'published' and id > value * 50000 and id <= (value + 1) * 50000 and published_at <= $2)",
        postgres "select value from (select value::bigint as value from json_array_elements_text(cast($1 as json))) parts where exists (select 1 from article
            where state = 'published' and id > value * 50000 and id <= (value + 1) * 50000 and published_at <= $2)";
    HIGHEST = sqlite "select max(id) from article indexed by article_site_map_idx where state = 'published'",
        postgres "select max(id) from article where state = 'published'";
    /// What of a part of the site map comes next.
    SITE_MAP = sqlite "select id, slug, case when published_at > updated_at then published_at else updated_at end as updated_at from article indexed by article_site_map_idx where state = 'published' and id > $1 and id <= $2 and published_at <= $3 order by id limit $4",
        postgres "select id, slug, case when published_at > updated_at then published_at else updated_at end as updated_at from article where state = 'published' and id > $1 and id <= $2 and published_at <= $3 order by id limit $4";
    /// Authors with something that readers see, by key.
    AUTHORS_SEEN = sqlite "select id, slug from author where id > $1 and merged_into is null and exists (select 1 from article_author
        join article indexed by article_site_map_idx on article.id = article_author.article_id where article_author.author_id = author.id
            and article.state = 'published' and article.published_at <= $2) order by id limit $3",
        postgres "select id, slug from author where id > $1 and merged_into is null and exists (select 1 from article_author
        join article on article.id = article_author.article_id where article_author.author_id = author.id
            and article.state = 'published' and article.published_at <= $2) order by id limit $3";
}

/// The place behind which a list goes on.
pub(in crate::articles) type Key = (Moment, ArticleId);

/// Keys of articles, each with the moment of its last change.
pub(in crate::articles) type Keys = Vec<(ArticleId, Moment)>;

pub(in crate::articles) async fn newest(db: &Db, now: Moment, before: Key, limit: i64) -> Result<Keys> {
    db.all(NEWEST, (now, before.0, before.1, limit)).await
}

pub(in crate::articles) async fn newest_of_topic(
    db: &Db,
    now: Moment,
    before: Key,
    limit: i64,
    slug: &str,
) -> Result<Keys> {
    db.all(NEWEST_OF_TOPIC, (now, before.0, before.1, limit, slug)).await
}

pub(in crate::articles) async fn newest_of_author(
    db: &Db,
    now: Moment,
    before: Key,
    limit: i64,
    slug: &str,
) -> Result<Keys> {
    db.all(NEWEST_OF_AUTHOR, (now, before.0, before.1, limit, slug)).await
}

pub(in crate::articles) async fn newest_slugs(
    db: &Db,
    now: Moment,
    limit: i64,
) -> Result<Vec<(ArticleId, String)>> {
    db.all(NEWEST_SLUGS, (now, limit)).await
}

/// From one slug until before another, in their order.
pub(in crate::articles) async fn slugs_from(
    db: &Db,
    now: Moment,
    (from, until): (&str, &str),
    limit: i64,
) -> Result<Vec<(ArticleId, String)>> {
    db.all(SLUGS_FROM, (from, until, now, limit)).await
}

pub(in crate::articles) async fn highest(db: &Db) -> Result<Option<i64>> {
    Ok(db.one::<(Option<i64>,)>(HIGHEST, ()).await?.0)
}

pub(in crate::articles) async fn site_map_parts(db: &Db, now: Moment, among: &[i64]) -> Result<Vec<i64>> {
    let parts: Vec<(i64,)> = db.all(SITE_MAP_PARTS, (db::array(among)?, now)).await?;
    let mut parts: Vec<i64> = parts.into_iter().map(|(part,)| part).collect();
    parts.sort_unstable();
    Ok(parts)
}

pub(in crate::articles) async fn site_map(
    db: &Db,
    now: Moment,
    (after, last): (i64, i64),
    limit: i64,
) -> Result<Vec<(i64, String, Moment)>> {
    db.all(SITE_MAP, (after, last, now, limit)).await
}

pub(in crate::articles) async fn authors_seen(
    db: &Db,
    now: Moment,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>> {
    db.all(AUTHORS_SEEN, (after, now, limit)).await
}
